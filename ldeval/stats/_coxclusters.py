"""Bias-reduced errors of a Cox model with few clusters (CR2).

A cluster's score has the variance O of its own information before anything is fitted. Fitting the baseline takes P off it (its
rows pull the means over their own risk sets), fitting the coefficients takes O I^-1 O (the sum of the clusters' O is I). With
I^-1 = LL', A = L'OL and C = A - L'PL - AA, the score L'U is multiplied by B = A^1/2 (A^1/2 C A^1/2)^-1/2 A^1/2, so that
BCB' = A again. The degrees of freedom are Satterthwaite's, of each coefficient's variance under these working variances.

Source: Bell and McCaffrey (2002), Survey Methodology 28:169; Pustejovsky and Tipton (2018), J. Bus. Econ. Stat. 36:672,
doi:10.1080/07350015.2016.1247004, for regression; Wang, Turner and Li (2023), Biometrical Journal 65:2200113,
doi:10.1002/bimj.202200113, for marginal Cox models.
"""

from __future__ import annotations

import numpy as np

from ldeval.stats._coxdiag import cluster_scores, means
from ldeval.stats._coxlik import Risks, expected, squares
from ldeval.stats._coxterms import Terms
from ldeval.stats._products import sums_by_member
from ldeval.stats._risksets import RiskSets, restart_sums
from ldeval.stats.doors import Codes, Floats, Groups

ROUNDING = 1e-10  # of a variance in units of the whole: a direction that a cluster alone determines has none left


def bias_reduced(sets: RiskSets, parts: Terms, at: Risks, inverse: Floats, cluster: Groups) -> tuple[Floats, Floats]:
    """Give the covariance (p, p) and the degrees of freedom (p,)."""
    count = len(cluster.labels)
    root = np.linalg.cholesky(inverse)
    scores = cluster_scores(sets, parts, at, cluster.codes, count) @ root
    own, taken = (root.T @ matrix @ root for matrix in cluster_information(sets, parts, at, cluster.codes, count))
    half = _power(own, 0.5)
    adjust: Floats = half @ _power(half @ (own - taken - own @ own) @ half, -0.5) @ half
    adjusted = np.einsum("kij,kj->ki", adjust, scores)
    return np.asarray(root @ adjusted.T @ adjusted @ root.T), _degrees(np.asarray(root), own, adjust)


def cluster_information(sets: RiskSets, parts: Terms, at: Risks, cluster: Codes, count: int) -> tuple[Floats, Floats]:
    """Give O and P of each cluster, shape (count, p, p) each.

    O is the sum of r (x - mean)(x - mean)' dH over a cluster's rows at risk; P that of a yy' over event times, with y the sum of
    r (x - mean) over the cluster's rows at risk. Exact for Breslow's ties; the means are averaged over Efron's terms.
    """
    mean = means(sets, parts, at).mean
    drift = restart_sums(mean * at.hazard[:, None], sets.slot_bounds)
    a = squares(parts, at)[0]
    q = expected(sets, at.hazard, at.relief) * at.risk
    hit, entry = (np.full(len(sets.rows), -1) for _ in range(2))
    hit[sets.dead], entry[sets.late] = sets.hit, sets.first - 1
    owner = cluster[sets.rows]
    order = np.argsort(owner, kind="stable")
    size = sets.x.shape[1]
    own, taken = np.empty((count, size, size)), np.empty((count, size, size))
    for k, rows in enumerate(np.split(order, np.searchsorted(owner[order], np.arange(1, count)))):
        x, r = sets.x[rows], at.risk[rows]
        died, late = np.flatnonzero(hit[rows] >= 0), np.flatnonzero(entry[rows] >= 0)
        crossed = drift[sets.last[rows]]
        crossed[late] -= drift[entry[rows[late]]]
        crossed[died] -= at.relief[hit[rows[died]], None] * mean[hit[rows[died]]]
        carried = _carried(sets, rows, late, entry, np.column_stack([r, r[:, None] * x]))
        weight = carried[:, 0] * at.hazard
        weight -= np.bincount(hit[rows[died]], weights=r[died], minlength=len(weight)) * at.relief
        cross = x.T @ (crossed * r[:, None])
        own[k] = x.T @ (x * q[rows, None]) - cross - cross.T + mean.T @ (mean * weight[:, None])
        pull = carried[:, 1:] - carried[:, :1] * mean
        taken[k] = pull.T @ (pull * a[:, None])
    return own, taken


def _carried(sets: RiskSets, rows: Codes, late: Codes, entry: Codes, values: Floats) -> Floats:
    """Sum the values of the rows at risk in each slot, shape (G, columns)."""
    slots = len(sets.slot_time)
    ending = sums_by_member(np.ones(len(rows)), sets.last[rows], np.arange(len(rows) + 1), values, slots)
    if len(late):
        ending -= sums_by_member(np.ones(len(late)), entry[rows[late]], np.arange(len(late) + 1), values[late], slots)
    return restart_sums(ending, sets.slot_bounds, reverse=True)


def _power(matrices: Floats, power: float) -> Floats:
    """Raise symmetric matrices (k, p, p) without directions below zero to a power, leaving out directions of no variance."""
    values, vectors = np.linalg.eigh(matrices)
    live = values > ROUNDING * np.maximum(values[:, -1:], ROUNDING)
    raised = np.where(live, np.where(live, values, 1.0) ** power, 0.0)
    return np.asarray(np.einsum("kij,kj,klj->kil", vectors, raised, vectors))


def _degrees(root: Floats, own: Floats, adjust: Floats) -> Floats:
    """Give (trace G)^2 / trace(GG) for each coefficient, G the working covariance of what the clusters add to it.

    Raises:
        ValueError: nothing is left of G: one cluster alone determines the coefficient.

    """
    df = np.zeros(len(root))
    for j, row in enumerate(root):
        direction = np.einsum("kji,j->ki", adjust, row)
        moved = np.einsum("kij,kj->ki", own, direction)
        matrix = np.diag(np.einsum("ki,ki->k", direction, moved)) - moved @ moved.T
        if (size := np.sum(matrix**2)) > 0:
            df[j] = np.trace(matrix) ** 2 / size
    if lost := int((df == 0).sum()):
        raise ValueError(
            f"small_sample: CR2 expected clusters to share what determines each coefficient, found {lost} coefficient(s) that "
            "one cluster alone determines; give more clusters, drop the columns that vary in one only, or ask for CR1-t"
        )
    return df
