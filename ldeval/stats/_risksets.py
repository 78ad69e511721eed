"""The layout that every sum over risk sets needs: rows sorted by stratum and time, event times as numbered slots.

A slot is a distinct event time of a stratum; slots are numbered in the rows' order. A row is at risk at the slots first, ...,
last, so that sums over risk sets are cumulated sums over slots. Rows of weight zero, and rows that are at risk at no event
time, say nothing and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ldeval.stats._products import across, block_rows, blocks
from ldeval.stats._riskplaces import Placed
from ldeval.stats._risksteps import STEP, Steps, steps_between
from ldeval.stats._threads import each, picked, stretches
from ldeval.stats.doors import Codes, Floats

LONG = 1024  # rows from which on tables are cumulated by steps
TYPICAL, LEAST = 4_000, 64  # rows that tell about the centre and the scale of columns, and at least so many of each stratum
TIED = 16  # rows a slot from which sums of x by slot are kept
ROUNDING = 1e-14  # relative spread that a column without any may show


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Rows (n of them, of strata k) against event times (slots, G of them) with D deaths.

    `rows` gives each row's place in the call; `x` is centred within strata by `centre` (k, p) and divided by `scale` (p,);
    `weight` is divided by its mean `unit`; `events` (n,) are the weights of those who die, 0 of others. `dead` are the places of
    the deaths, `hit` their slots. `row_bounds` and `slot_bounds` (k + 1,) delimit the strata; `ends` (G + 1,) the rows that end
    in each slot, `halves` (2 G + 1,) its deaths, which come first, and its other rows; `dead_bounds` (G + 1,) the slots' deaths
    among all deaths. A row is at risk from its stratum's first slot on, but those at the places `late` only from their `first`
    on; `late_bounds` (n + 1,) counts the late among the rows before each. `observed` (p,) is the sum of the deaths' weighted x.
    `steps` cut the rows where so many share a slot that sums of x by slot are small beside x.
    """

    rows: Codes
    x: Floats
    centre: Floats
    scale: Floats
    weight: Floats
    unit: float
    events: Floats
    stratum: Codes
    last: Codes
    late: Codes
    late_bounds: Codes
    first: Codes
    dead: Codes
    hit: Codes
    row_bounds: Codes
    slot_bounds: Codes
    ends: Codes
    halves: Codes
    dead_bounds: Codes
    slot_time: Floats
    slot_stratum: Codes
    dead_weight: Floats
    observed: Floats
    steps: Steps | None

    @property
    def tied(self) -> bool:
        """Say whether so many rows share a slot that sums of x by slot are small beside x."""
        return self.steps is not None

    @property
    def deaths(self) -> Codes:
        """Number of deaths in each slot, shape (G,)."""
        return np.diff(self.dead_bounds)


def risk_sets(placed: Placed, x: Floats, weight: Floats) -> RiskSets:
    """Lay rows out for sums over risk sets: the design matrix x (n, p) and the weights (n,) of n rows, and where they stand."""
    rows, code, last = placed.rows, placed.stratum, placed.last
    row_bounds = np.searchsorted(code, np.arange(len(placed.slot_bounds)))
    light, unit = _light(weight, rows)
    hit, events = last[placed.dead], np.zeros(len(rows))
    events[placed.dead] = light[placed.dead]
    scaled, centre, scale, observed = _standardised(x, rows, code, row_bounds, events)
    dead_bounds, ends = _runs(hit), _runs(last)
    halves = np.repeat(ends, 2)[:-1]
    halves[1::2] += np.diff(dead_bounds)
    return RiskSets(
        rows=rows,
        x=scaled,
        centre=centre,
        scale=scale,
        weight=light,
        unit=unit,
        events=events,
        stratum=code,
        last=last,
        late=placed.late,
        late_bounds=_running_count(placed.late, len(rows)),
        first=placed.first,
        dead=placed.dead,
        hit=hit,
        row_bounds=row_bounds,
        slot_bounds=placed.slot_bounds,
        ends=ends,
        halves=halves,
        dead_bounds=dead_bounds,
        slot_time=placed.slot_time,
        slot_stratum=placed.slot_stratum,
        dead_weight=np.add.reduceat(events[placed.dead], dead_bounds[:-1]),
        observed=observed,
        steps=steps_between(halves, len(rows)) if len(rows) >= TIED * len(placed.slot_time) else None,
    )


def _runs(codes: Codes) -> Codes:
    """Give where each of the sorted codes 0, 1, ... begins, and where the last ends; each is there."""
    return np.concatenate([[0], np.flatnonzero(codes[1:] != codes[:-1]) + 1, [len(codes)]])


def _light(weight: Floats, rows: Codes) -> tuple[Floats, float]:
    """Give the rows' weights divided by their mean, and the mean; weights that are one number stay so."""
    if not weight.strides[0]:
        return np.broadcast_to(1.0, len(rows)), float(weight[0])
    light = picked(weight, rows)
    unit = float(light.mean())
    light /= unit
    return light, unit


def restart_sums(values: Floats, bounds: Codes, *, reverse: bool = False) -> Floats:
    """Cumulate along axis 0 within the parts that `bounds` delimits, exactly as if each were alone; from the end if `reverse`."""
    if reverse:
        return restart_sums(values[::-1], len(values) - bounds[::-1])[::-1]
    if len(bounds) <= 2:
        return _running_sums(values)
    if len(bounds) > 200:
        return _doubled_sums(values.copy(), bounds)
    total = np.empty_like(values)
    for a, b in pairwise(bounds):
        total[a:b] = _running_sums(values[a:b])
    return total


def _running_sums(values: Floats) -> Floats:
    """Cumulate along axis 0; of long tables by steps, multiplied by a triangle of ones: quicker, and other threads go on."""
    if values.ndim == 1 or len(values) < LONG:
        return np.asarray(np.cumsum(values, axis=0))
    total = np.empty_like(values, order="C")
    whole, by_step = len(values) // STEP * STEP, (-1, STEP, values.shape[1])
    steps = np.matmul(np.tri(STEP), values[:whole].reshape(by_step), out=total[:whole].reshape(by_step))
    steps[1:] += np.cumsum(steps[:-1, -1], axis=0)[:, None]
    total[whole:] = np.cumsum(values[whole:], axis=0) + total[whole - 1]
    return total


def segment_sums(x: Floats, values: Floats, bounds: Codes) -> Floats:
    """Sum values times rows of x (n, p) within the parts that `bounds` delimits."""
    from scipy.sparse import csr_array

    a, b = bounds[0], bounds[-1]
    matrix = csr_array((values[a:b], np.arange(b - a), bounds - a), shape=(len(bounds) - 1, b - a))
    return np.asarray(matrix @ x[a:b])


def chosen_sums(x: Floats, values: Floats, places: Codes, bounds: Codes) -> Floats:
    """Sum values times the rows of x (n, p) at `places` within the parts of the places that `bounds` delimits."""
    from scipy.sparse import csr_array

    cut = slice(bounds[0], bounds[-1])
    matrix = csr_array((values[cut], places[cut], bounds - bounds[0]), shape=(len(bounds) - 1, len(x)))
    return np.asarray(matrix @ x)


def _doubled_sums(values: Floats, bounds: Codes) -> Floats:
    place = np.arange(len(values)) - np.repeat(bounds[:-1], np.diff(bounds))
    step, longest = 1, int(place.max(initial=0))
    while step <= longest:
        takes = np.flatnonzero(place >= step)
        values[takes] += values[takes - step]
        step *= 2
    return values


def _running_count(places: Codes, rows: int) -> Codes:
    """Count the places before each row, shape (rows + 1,); nothing where there is none."""
    if not len(places):
        return places
    flags = np.zeros(rows + 1, dtype=np.intp)
    flags[places + 1] = 1
    return np.asarray(np.cumsum(flags, out=flags))


def by_rows(bounds: Codes, cuts: list[slice]) -> list[slice]:
    """Cut the parts that `bounds` delimits where the rows are cut, or just after."""
    edges = np.unique([*np.searchsorted(bounds, [cut.start for cut in cuts]), len(bounds) - 1])
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def _standardised(x: Floats, rows: Codes, code: Codes, bounds: Codes, events: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Gather the rows, centre them within strata and scale them, and sum them times the rows' weights of `events`.

    The likelihood does not change, cancellation does. Of many rows some thousands tell about centres and scale, for neither has
    to be exact.
    """
    centre, scale = _centre_and_scale(x, rows, code, bounds)
    step = block_rows(x.shape[1])
    factors = np.tile(1.0 / scale, (step, 1))  # quicker than to stretch short rows
    out = np.empty((len(rows), x.shape[1]))

    def gather(part: slice) -> Floats:
        centres, total = np.tile(centre[0], (step, 1)), np.zeros(x.shape[1])
        for cut in blocks(part, x.shape[1]):
            block, own = out[cut], centres[: cut.stop - cut.start]
            np.take(x, rows[cut], axis=0, out=block, mode="clip")
            if len(centre) > 1:
                np.take(centre, code[cut], axis=0, out=own, mode="clip")
            block -= own
            block *= factors[: len(block)]
            total += across(block, events[cut])
        return total

    observed = np.sum(each(gather, stretches(len(rows))), axis=0)
    return out, centre, scale, np.asarray(observed)


def _centre_and_scale(x: Floats, rows: Codes, code: Codes, bounds: Codes) -> tuple[Floats, Floats]:
    """Give the columns' means in each stratum (k, p) and their spread within strata (p,), from rows spread over each stratum."""
    strata, sizes = len(bounds) - 1, np.diff(bounds)
    steps = np.maximum(-(-sizes // max(TYPICAL // strata, LEAST)), 1)
    counts = -(-sizes // steps)
    edges = np.append(0, np.cumsum(counts))
    places = np.arange(edges[-1]) - np.repeat(edges[:-1], counts)
    places = np.repeat(bounds[:-1], counts) + places * np.repeat(steps, counts)
    some, stands_for = x[rows[places]], np.repeat(sizes / np.maximum(counts, 1), counts)
    centre = segment_sums(some, np.ones(len(some)), edges) / np.maximum(counts, 1)[:, None]
    some -= np.repeat(centre, counts, axis=0)
    some *= some
    scale = np.sqrt(stands_for @ some / len(rows))
    for j in np.flatnonzero(scale <= ROUNDING * np.abs(centre).max(axis=0)):  # constant among some may vary among all
        scale[j] = np.sqrt(np.mean((x[rows, j] - centre[code, j]) ** 2))
    return centre, _binary(scale)


def _binary(scale: Floats) -> Floats:
    """Give the powers of two near the scales, by which division is exact; 1 for none."""
    return np.asarray(np.exp2(np.round(np.log2(np.where(scale > 0, scale, 1.0)))))
