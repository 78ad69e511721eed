"""Risks of rows, and in the same pass over X what it adds up to by steps of equally many rows.

X is read from memory once for both; sums over event times are then made from those of steps, and row by row only where a step
holds rows of several.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats._products import along
from ldeval.stats._risksets import RiskSets, by_rows, chosen_sums
from ldeval.stats._risksteps import STEP, Steps
from ldeval.stats._threads import each, picked, stretches
from ldeval.stats.at_risk import binned
from ldeval.stats.doors import Floats

HELD = 320_000  # numbers of X that a thread works on at once
ORDINARY = 60.0  # logarithm of a stratum's total risk up to which nothing need be taken off


@dataclass(frozen=True, slots=True)
class RowRisks:
    """Weighted risks (n,), what was `shift`ed off their logarithms in each stratum (k,), their sums over the rows that `ended` in
    each slot and over those that are `dead` then, (G,) each, and the sums of r x `by_step`, where asked for.
    """

    risk: Floats
    shift: Floats
    ended: Floats
    dead: Floats
    by_step: Floats | None


def risks_of_rows(sets: RiskSets, b: Floats, *, steps: bool) -> RowRisks:
    """Evaluate the risks; each stratum's largest logarithm is taken off where they would not be of ordinary size without."""
    rows, columns = sets.x.shape
    shift = np.zeros(len(sets.row_bounds) - 1)
    if not b.any() and not steps:
        return RowRisks(sets.weight, shift, *_by_slot(sets, sets.weight), None)
    risk = np.empty(rows)
    sums = np.empty((rows // STEP, columns)) if steps else None
    _pass(sets, b, shift, risk, sums)
    by_slot = _by_slot(sets, risk)
    filled = np.flatnonzero(np.diff(sets.slot_bounds))
    with np.errstate(divide="ignore", invalid="ignore"):
        ordinary = np.abs(np.log(np.add.reduceat(by_slot[0], sets.slot_bounds[filled]))) < ORDINARY
    if not ordinary.all():
        shift[filled] = np.maximum.reduceat(sets.x @ b, sets.row_bounds[filled])
        _pass(sets, b, shift, risk, sums)
        by_slot = _by_slot(sets, risk)
    return RowRisks(risk, shift, *by_slot, sums)


def _by_slot(sets: RiskSets, risk: Floats) -> tuple[Floats, Floats]:
    """Sum the risks of the rows that end in each slot, and of those that die then."""
    if not sets.tied:
        ended, dead = binned(sets.last, len(sets.slot_time), risk), picked(risk, sets.dead)
        return ended, dead if len(dead) == len(ended) else binned(sets.hit, len(ended), dead)

    def part(cut: slice) -> tuple[Floats, Floats]:
        rows, bounds = slice(sets.ends[cut.start], sets.ends[cut.stop]), sets.halves[2 * cut.start : 2 * cut.stop + 1]
        starts, ended = bounds[:-1], np.zeros(cut.stop - cut.start)
        sums = np.add.reduceat(risk[rows], starts[starts < rows.stop] - rows.start)
        ended[: len(sums) // 2] = sums[1::2]
        ended[np.diff(bounds)[1::2] == 0] = 0.0  # a slot of deaths alone
        return ended + sums[::2], sums[::2]

    found = each(part, by_rows(sets.ends, stretches(len(risk))))
    return np.concatenate([ended for ended, _ in found]), np.concatenate([dead for _, dead in found])


def _pass(sets: RiskSets, b: Floats, shift: Floats, risk: Floats, sums: Floats | None) -> None:
    """Fill `risk` with weighted risks, and `sums` with those of r x."""
    columns = sets.x.shape[1]
    shifted = shift.any()
    many = max(HELD // columns // STEP, 1) * STEP

    def block(cut: slice) -> None:
        x, r = sets.x[cut], risk[cut]
        along(x, b, out=r)
        if shifted:
            r -= shift[sets.stratum[cut]]
        np.exp(r, out=r)
        r *= sets.weight[cut]
        if sums is not None:
            steps = len(r) // STEP
            whole, first = slice(0, steps * STEP), cut.start // STEP
            np.matmul(r[whole].reshape(-1, 1, STEP), x[whole].reshape(-1, STEP, columns), out=sums[first : first + steps, None])

    def part(stretch: slice) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            for start in range(stretch.start, stretch.stop, many):
                block(slice(start, min(start + many, stretch.stop)))

    each(part, stretches(len(risk), STEP))


def sums_from_steps(sets: RiskSets, steps: Steps, risk: Floats, sums: Floats) -> Floats:
    """Sum r x between the bounds of the steps, from the sums of those that lie between two, and of the rows of the others."""
    total = chosen_sums(sums, np.ones(len(steps.pure)), steps.pure, steps.pure_bounds)
    values, ends = risk[steps.loose], steps.loose_bounds
    parts = by_rows(ends, stretches(len(steps.loose)))
    alone = each(lambda cut: chosen_sums(sets.x, values, steps.loose, ends[cut.start : cut.stop + 1]), parts)
    return np.asarray(total + np.concatenate(alone))
