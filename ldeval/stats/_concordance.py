"""Concordance of risk scores with the order of events, by sums over ranges of ranks in n log n steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from ldeval.stats._risksets import RiskSets
from ldeval.stats.doors import Codes, Floats

Numbers = TypeVar("Numbers", Floats, Codes)

EQUAL = 1e-12  # scores closer than this, relative to the largest, differ by rounding and are tied


@dataclass(frozen=True, slots=True)
class Concordance:
    """Harrell's C = (concordant + tied / 2) / (concordant + discordant + tied), its infinitesimal jackknife error and interval.

    Pairs are weighed by the product of their weights: an event, and a row of its stratum that was at risk at the event's time and
    lived beyond it. `tied` pairs have equal scores.
    """

    estimate: float
    se: float
    low: float
    high: float
    concordant: float
    discordant: float
    tied: float


def pair_sums(sets: RiskSets, eta: Floats) -> tuple[Floats, Floats, Floats]:
    """Weight of the pairs of each row: those in favour of the score, against it, and tied, shape (n,) each.

    Each pair is counted twice: with its event and with the row that outlived it.
    """
    rank = _ranks(eta)
    events = _of_events(sets, rank)
    others = _of_survivors(sets, rank)
    for event, other in zip(events, others, strict=True):
        other[sets.dead] += event
        other *= sets.weight
    return others


def ranked_sums(rank: Codes, weight: Floats, low: Codes, high: Codes, value: Codes) -> tuple[Floats, Floats]:
    """Sum the weights at places [low, high) of rank below, and equal to, `value`: a wavelet tree, a bit of rank at a time."""
    less = np.zeros(len(value))
    for bit in range(int(max(rank.max(initial=0), value.max(initial=0))).bit_length() - 1, -1, -1):
        one = (rank >> bit & 1).astype(bool)
        zeros = _before(np.where(one, 0, 1))
        mass = _before(np.where(one, 0.0, weight))
        up = (value >> bit & 1).astype(bool)
        less += np.where(up, mass[high] - mass[low], 0.0)
        low = np.where(up, zeros[-1] + low - zeros[low], zeros[low])
        high = np.where(up, zeros[-1] + high - zeros[high], zeros[high])
        order = np.concatenate([np.flatnonzero(~one), np.flatnonzero(one)])
        rank, weight = rank[order], weight[order]
    mass = _before(weight)
    return less, mass[high] - mass[low]


def _of_events(sets: RiskSets, rank: Codes) -> tuple[Floats, Floats, Floats]:
    """For each event: at risk at its time and living beyond it, with a score below (in favour), above and equal, shape (D,)."""
    outlives = 2 * sets.last + 1
    outlives[sets.dead] -= 1
    order = np.argsort(outlives, kind="stable")
    low = np.searchsorted(outlives[order], 2 * sets.hit, side="right")
    high = sets.row_bounds[sets.stratum[sets.dead] + 1]
    value = rank[sets.dead]
    less, equal = ranked_sums(rank[order], sets.weight[order], low, high, value)
    total = _between(sets.weight[order], low, high)
    if len(sets.late):
        order = np.argsort(sets.first, kind="stable")
        rows, first = sets.late[order], sets.first[order]
        low = np.searchsorted(first, sets.hit, side="right")
        high = np.searchsorted(first, sets.slot_bounds[sets.stratum[sets.dead] + 1])
        absent, level = ranked_sums(rank[rows], sets.weight[rows], low, high, value)
        less, equal, total = less - absent, equal - level, total - _between(sets.weight[rows], low, high)
    return less, total - less - equal, equal


def _of_survivors(sets: RiskSets, rank: Codes) -> tuple[Floats, Floats, Floats]:
    """For each row: the events that it outlived while at risk, with a score above (in favour), below and equal, shape (n,)."""
    beyond = sets.last + 1
    beyond[sets.dead] -= 1
    first = sets.slot_bounds[sets.stratum]
    first[sets.late] = sets.first
    low = sets.dead_bounds[first]
    high = np.maximum(sets.dead_bounds[beyond], low)
    weight = sets.weight[sets.dead]
    less, equal = ranked_sums(rank[sets.dead], weight, low, high, rank)
    return _between(weight, low, high) - less - equal, less, equal


def _ranks(eta: Floats) -> Codes:
    order = np.argsort(eta)
    ordered = eta[order]
    steps = np.diff(ordered, prepend=ordered[0]) > EQUAL * max(1.0, float(np.abs(ordered[[0, -1]]).max()))
    rank = np.empty(len(eta), dtype=np.intp)
    rank[order] = np.cumsum(steps)
    return rank


def _before(values: Numbers) -> Numbers:
    return np.asarray(np.concatenate([np.zeros(1, dtype=values.dtype), np.cumsum(values)]), dtype=values.dtype)


def _between(weight: Floats, low: Codes, high: Codes) -> Floats:
    sums = _before(weight)
    return np.asarray(sums[high] - sums[low], dtype=np.float64)
