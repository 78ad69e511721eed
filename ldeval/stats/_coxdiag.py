"""Residuals of the Cox model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ldeval.stats._coxlik import Risks, Terms, moments, squares, surplus
from ldeval.stats._risksets import RiskSets, blocks, restart_sums
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
    for cut, s1, d1 in chain.from_iterable(moments(sets, parts, at)):
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
    cuts = list(blocks(slice(0, len(sets.x)), sets.x.shape[1]))
    deaths = np.searchsorted(sets.dead, [cut.start for cut in cuts] + [len(sets.x)])
    for k, cut in enumerate(cuts):
        rows = table.cumulated[sets.last[cut]]
        if len(sets.late):
            ins = slice(sets.late_bounds[cut.start], sets.late_bounds[cut.stop])
            rows[sets.late[ins] - cut.start] -= table.cumulated[sets.first[ins] - 1]
        dead = slice(deaths[k], deaths[k + 1])
        place, slot = sets.dead[dead] - cut.start, sets.hit[dead]
        if table.relief is not None:
            rows[place] -= table.relief[slot]
        rows *= at.risk[cut, None]
        rows[place] -= table.mean[slot] * sets.weight[sets.dead[dead], None]
        rows += sets.x[cut] * difference[cut, None]
        yield cut, rows


def meat(sets: RiskSets, parts: Terms, at: Risks, cluster: Groups | None) -> Floats:
    """Sum the outer products of the clusters' scores (the rows' own where there is none), shape (p, p)."""
    if cluster is not None:
        scores = cluster_scores(sets, parts, at, cluster.codes, len(cluster.labels))
        return scores.T @ scores
    total = np.zeros((sets.x.shape[1], sets.x.shape[1]))
    for _, score in score_rows(sets, parts, at):
        total += score.T @ score.copy()  # with itself it would go to a routine that waits for other threads
    return total


def cluster_scores(sets: RiskSets, parts: Terms, at: Risks, cluster: Codes, count: int) -> Floats:
    """Sum the score residuals by cluster, shape (count, p)."""
    from scipy.sparse import csc_array

    total = np.zeros((count, sets.x.shape[1]))
    for cut, score in score_rows(sets, parts, at):
        rows = len(score)
        total += csc_array((np.ones(rows), cluster[sets.rows[cut]], np.arange(rows + 1)), shape=(count, rows)) @ score
    return total


def schoenfeld(sets: RiskSets, parts: Terms, at: Risks) -> Floats:
    """Each death's covariates less their mean over its risk set, shape (D, p), by stratum and time, on the scale of `sets.x`."""
    return np.asarray(sets.x[sets.dead] - means(sets, parts, at).mean[sets.hit])
