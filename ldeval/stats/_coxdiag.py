"""Residuals of the Cox model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from ldeval.stats._coxlik import Risks, moments, squares, surplus
from ldeval.stats._coxterms import Terms
from ldeval.stats._products import block_rows, blocks, cross, sums_by_member
from ldeval.stats._risksets import RiskSets, by_rows, restart_sums
from ldeval.stats._threads import PARTS, each, picked, stretches
from ldeval.stats.doors import Codes, Floats, Groups

WIDE = 4096  # rows whose scores are held at once


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
    relief = np.empty_like(mean) if parts.several else None
    weight = sets.dead_weight
    for cut, s1, d1 in chain.from_iterable(moments(sets, parts, at)):
        mean[cut] = s1 * (at.hazard[cut] / weight[cut])[:, None]
        drift[cut] = s1 * a[cut, None]
        if d1 is not None and relief is not None:
            mean[cut] -= d1 * (at.relief[cut] / weight[cut])[:, None]
            drift[cut] -= d1 * b[cut, None]
            relief[cut] = s1 * b[cut, None] - d1 * c[cut, None]
    return Means(mean, restart_sums(drift, sets.slot_bounds), relief)


@dataclass(frozen=True, slots=True)
class Scores:
    """What weighted score residuals are made of: what each row adds to the score, its part in the risk sets counted."""

    sets: RiskSets
    risk: Floats
    table: Means
    difference: Floats

    def rows(self, stretch: slice, step: int) -> Iterator[tuple[slice, Floats]]:
        """Give them by blocks of `step` rows of a stretch, shape (step, p)."""
        sets, table = self.sets, self.table
        for start in range(stretch.start, stretch.stop, step):
            cut = slice(start, min(start + step, stretch.stop))
            rows = table.cumulated[sets.last[cut]]
            if len(sets.late):
                ins = slice(sets.late_bounds[cut.start], sets.late_bounds[cut.stop])
                rows[sets.late[ins] - cut.start] -= table.cumulated[sets.first[ins] - 1]
            dead = slice(*np.searchsorted(sets.dead, (cut.start, cut.stop)))
            place, slot = sets.dead[dead] - cut.start, sets.hit[dead]
            if table.relief is not None:
                rows[place] -= table.relief[slot]
            rows *= self.risk[cut, None]
            rows[place] -= table.mean[slot] * sets.weight[sets.dead[dead], None]
            rows += sets.x[cut] * self.difference[cut, None]
            yield cut, rows


def scores(sets: RiskSets, parts: Terms, at: Risks) -> Scores:
    """Give the weighted score residuals."""
    return Scores(sets, at.risk, means(sets, parts, at), surplus(sets, at))


def meat(sets: RiskSets, parts: Terms, at: Risks, cluster: Groups | None) -> Floats:
    """Sum the outer products of the clusters' scores (the rows' own where there is none), shape (p, p)."""
    if cluster is not None:
        sums = cluster_scores(sets, parts, at, cluster.codes, len(cluster.labels))
        return sums.T @ sums
    each_row = scores(sets, parts, at)

    def products(stretch: slice) -> Floats:
        total = np.zeros((sets.x.shape[1], sets.x.shape[1]))
        for _, score in each_row.rows(stretch, block_rows(sets.x.shape[1])):
            total += cross(score, score)
        return total

    return np.asarray(np.sum(each(products, stretches(len(sets.x))), axis=0))


def cluster_scores(sets: RiskSets, parts: Terms, at: Risks, cluster: Codes, count: int) -> Floats:
    """Sum the score residuals by cluster, shape (count, p): what rows of a slot share is never made row by row."""
    table, difference, member = means(sets, parts, at), surplus(sets, at), picked(cluster, sets.rows)

    def own(cut: slice) -> Floats:
        return sums_by_member(difference[cut], member[cut], np.arange(cut.stop - cut.start + 1), sets.x[cut], count)

    def left(cut: slice) -> Floats:
        ends, deaths = sets.ends[cut.start : cut.stop + 1], sets.dead_bounds[cut.start : cut.stop + 1]
        rows, dead = slice(ends[0], ends[-1]), sets.dead[deaths[0] : deaths[-1]]
        total = sums_by_member(at.risk[rows], member[rows], ends, table.cumulated[cut], count)
        if table.relief is not None:
            total -= sums_by_member(at.risk[dead], member[dead], deaths, table.relief[cut], count)
        return total - sums_by_member(sets.weight[dead], member[dead], deaths, table.mean[cut], count)

    def entered(cut: slice) -> Floats:
        late, slots = sets.late[cut], sets.first[cut] - 1
        return -sums_by_member(at.risk[late], member[late], np.arange(len(late) + 1), table.cumulated[slots], count)

    def total(part: Callable[[slice], Floats], cuts: list[slice]) -> Floats:
        few = PARTS * count < len(sets.rows)
        return np.asarray(np.sum(each(part, cuts if few else [slice(0, cuts[-1].stop)]), axis=0))

    rows = stretches(len(sets.rows))
    sums = total(own, rows) + total(left, by_rows(sets.ends, rows))
    return sums + total(entered, [*blocks(slice(0, len(sets.late)), sets.x.shape[1])]) if len(sets.late) else sums


def schoenfeld(sets: RiskSets, parts: Terms, at: Risks) -> Floats:
    """Each death's covariates less their mean over its risk set, shape (D, p), by stratum and time, on the scale of `sets.x`."""
    return np.asarray(sets.x[sets.dead] - means(sets, parts, at).mean[sets.hit])
