"""Sums of x over risk sets (S1) and over deaths (D1) by event time, kept where these are few and streamed where they are many."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ldeval.stats._coxrisk import sums_from_steps
from ldeval.stats._products import across, sums_by_member
from ldeval.stats._risksets import RiskSets, chosen_sums, restart_sums, segment_sums
from ldeval.stats._risksteps import Steps
from ldeval.stats._threads import each, stretches
from ldeval.stats.doors import Floats

SLOTS = 16_384  # event times whose sums of x are held at once, where these are many
Moments = Iterator[tuple[slice, Floats, Floats | None]]


def streamed(sets: RiskSets, risk: Floats, *, deaths: bool) -> list[Moments]:
    """Give S1 and D1 (None without `deaths`) of each stretch of slots, by blocks of slots."""
    entering = _by_entry(sets, risk) if len(sets.late) else None

    def leaving(cut: slice) -> Floats:
        s1 = segment_sums(sets.x, risk, sets.ends[cut.start : cut.stop + 1])
        return s1 if entering is None else s1 - entering[cut.start + 1 : cut.stop + 1]

    def stretch(cut: slice, carry: Floats, owner: int) -> Moments:
        for start in reversed(range(cut.start, cut.stop, SLOTS)):
            block = slice(start, min(start + SLOTS, cut.stop))
            s1 = _cumulated(leaving(block), sets, block, carry, owner)
            carry, owner = s1[0], sets.slot_stratum[start]
            yield block, s1, _by_death(sets, risk, block) if deaths else None

    cuts = stretches(len(sets.slot_time))
    return [stretch(cut, *carried) for cut, carried in zip(cuts, _carries(sets, risk, entering, cuts), strict=True)]


def kept(sets: RiskSets, steps: Steps, risk: Floats, by_step: Floats, *, deaths: bool) -> tuple[Floats, Floats | None]:
    """Give S1 and D1 (None without `deaths`) of all slots, shape (G, p) each, from their sums by step."""
    sums = sums_from_steps(sets, steps, risk, by_step)
    d1 = sums[::2]
    s1 = d1 + sums[1::2]
    if len(sets.late):
        s1 -= _by_entry(sets, risk)[1:]
    return restart_sums(s1, sets.slot_bounds, reverse=True), d1 if deaths else None


def _carries(sets: RiskSets, risk: Floats, entering: Floats | None, cuts: list[slice]) -> list[tuple[Floats, int]]:
    """Give each stretch of slots the sum S1 at the slot after it, and that slot's stratum (none: -1)."""

    def head(cut: slice) -> Floats:
        stop = min(cut.stop, int(sets.slot_bounds[sets.slot_stratum[cut.start] + 1]))
        rows = slice(sets.ends[cut.start], sets.ends[stop])
        total = across(sets.x[rows], risk[rows])
        if entering is not None:
            total -= entering[cut.start + 1 : stop + 1].sum(axis=0)
        return total

    found: list[tuple[Floats, int]] = [(np.zeros(sets.x.shape[1]), -1)]
    for cut, first in zip(cuts[:0:-1], each(head, cuts[1:])[::-1], strict=True):
        carry, owner = found[-1]
        stratum = int(sets.slot_stratum[cut.start])
        found.append((first + carry if stratum == owner else first, stratum))
    return found[::-1]


def _cumulated(s1: Floats, sets: RiskSets, cut: slice, carry: Floats, owner: int) -> Floats:
    stratum = sets.slot_stratum[cut]
    if stratum[-1] == owner:
        s1[-1] += carry
    lowest, highest = stratum[0], stratum[-1]
    inside = np.clip(sets.slot_bounds[lowest : highest + 2], cut.start, cut.stop) - cut.start
    return restart_sums(s1, inside, reverse=True)


def _by_death(sets: RiskSets, risk: Floats, cut: slice) -> Floats:
    """Sum r x over the deaths of each slot of a cut."""
    bounds = sets.dead_bounds[cut.start : cut.stop + 1]
    places = sets.dead[bounds[0] : bounds[-1]]
    return chosen_sums(sets.x, risk[places], places, bounds - bounds[0])


def _by_entry(sets: RiskSets, risk: Floats) -> Floats:
    """Sum r x over the rows that enter late, between slots g - 1 and g, shape (G + 1, p)."""

    def sums(cut: slice) -> Floats:
        bounds = sets.late_bounds[cut.start : cut.stop + 1]
        some = slice(bounds[0], bounds[-1])
        return sums_by_member(risk[sets.late[some]], sets.first[some], bounds, sets.x[cut], len(sets.slot_time) + 1)

    rows = len(sets.x)
    found: Floats = np.sum(each(sums, stretches(rows) if sets.tied else [slice(0, rows)]), axis=0)
    return found
