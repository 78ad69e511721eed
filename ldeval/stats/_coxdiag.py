"""Residuals of the Cox model, and the test of proportional hazards that is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ldeval.stats._coxlik import Risks, Terms, expected, gram, means_gram, moments, squares
from ldeval.stats._risksets import BLOCK, RiskSets, restart_sums
from ldeval.stats.doors import Codes, Floats, Groups


@dataclass(frozen=True, slots=True)
class Means:
    """By slot, shape (G, p): `mean` of x over the risk set as the deaths see it (averaged over Efron's terms), `cumulated` the
    mean times the hazard, summed from the stratum's start, and `relief` what a death takes off it at its own slot (or None).
    """

    mean: Floats
    cumulated: Floats
    relief: Floats | None


def means(sets: RiskSets, parts: Terms, at: Risks) -> Means:
    """Give the means over risk sets that residuals need."""
    a, b, c = squares(parts, at)
    mean = np.empty((len(at.total), sets.x.shape[1]))
    drift = np.empty_like(mean)
    relief = None if parts.fraction is None else np.empty_like(mean)
    weight = sets.dead_weight
    for cut, s1, d1 in moments(sets, parts, at):
        mean[cut] = s1 * (at.hazard[cut] / weight[cut])[:, None]
        drift[cut] = s1 * a[cut, None]
        if d1 is not None and relief is not None:
            mean[cut] -= d1 * (at.relief[cut] / weight[cut])[:, None]
            drift[cut] -= d1 * b[cut, None]
            relief[cut] = s1 * b[cut, None] - d1 * c[cut, None]
    return Means(mean, restart_sums(drift, sets.slot_bounds), relief)


def score_rows(sets: RiskSets, parts: Terms, at: Risks) -> Iterator[tuple[slice, Floats]]:
    """Give weighted score residuals by blocks of rows: what each adds to the score, its part in the risk sets counted."""
    table = means(sets, parts, at)
    difference = surplus(sets, at)
    for a in range(0, len(sets.rows), BLOCK):
        cut = slice(a, min(a + BLOCK, len(sets.rows)))
        score = table.cumulated[sets.last[cut]]
        ins = slice(*np.searchsorted(sets.late, (cut.start, cut.stop)))
        score[sets.late[ins] - a] -= table.cumulated[sets.first[ins] - 1]
        dead = slice(*np.searchsorted(sets.dead, (cut.start, cut.stop)))
        place, slot = sets.dead[dead] - a, sets.hit[dead]
        if table.relief is not None:
            score[place] -= table.relief[slot]
        score *= at.risk[cut, None]
        score[place] -= table.mean[slot] * sets.weight[sets.dead[dead], None]
        score += sets.x[cut] * difference[cut, None]
        yield cut, score


def meat(sets: RiskSets, parts: Terms, at: Risks, cluster: Groups | None) -> Floats:
    """Sum the outer products of the clusters' scores (the rows' own where there is none), shape (p, p)."""
    if cluster is not None:
        scores = cluster_scores(sets, parts, at, cluster.codes, len(cluster.labels))
        return scores.T @ scores
    total = np.zeros((sets.x.shape[1], sets.x.shape[1]))
    for _, score in score_rows(sets, parts, at):
        total += score.T @ score
    return total


def cluster_scores(sets: RiskSets, parts: Terms, at: Risks, cluster: Codes, count: int) -> Floats:
    """Sum the score residuals by cluster, shape (count, p)."""
    from scipy.sparse import csc_array

    total = np.zeros((count, sets.x.shape[1]))
    for cut, score in score_rows(sets, parts, at):
        rows = len(score)
        total += csc_array((np.ones(rows), cluster[sets.rows[cut]], np.arange(rows + 1)), shape=(count, rows)) @ score
    return total


def surplus(sets: RiskSets, at: Risks) -> Floats:
    """Deaths less expected deaths, weighted, shape (n,)."""
    difference = expected(sets, at.hazard, at.relief)
    difference *= -at.risk
    difference[sets.dead] += sets.weight[sets.dead]
    return difference


def schoenfeld(sets: RiskSets, parts: Terms, at: Risks) -> Floats:
    """Each death's covariates less their mean over its risk set, shape (D, p), by stratum and time, on the scale of `sets.x`."""
    return np.asarray(sets.x[sets.dead] - means(sets, parts, at).mean[sets.hit])


def proportionality(sets: RiskSets, parts: Terms, at: Risks, by: Floats) -> tuple[Floats, Floats]:
    """Score (p,) and information (2p, 2p) for coefficients that change with `by`, a value for each slot (G,), at no change."""
    information = [_information(sets, parts, at, by**power) for power in range(3)]
    weighted = expected(sets, at.hazard * by, at.relief * by)
    weighted *= -at.risk
    weighted[sets.dead] += (sets.weight[sets.dead]) * by[sets.hit]
    score = sets.x.T @ weighted
    return score, np.block([[information[0], information[1]], [information[1], information[2]]])


def _information(sets: RiskSets, parts: Terms, at: Risks, by: Floats) -> Floats:
    q = expected(sets, at.hazard * by, at.relief * by)
    q *= at.risk
    return gram(sets.x, q) - means_gram(sets, parts, at, by)
