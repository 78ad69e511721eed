"""The layout that every sum over risk sets needs: rows sorted by stratum and time, event times as numbered slots.

A slot is a distinct event time of a stratum; slots are numbered in the rows' order. A row is at risk at the slots first, ...,
last, so that sums over risk sets are cumulated sums over slots. Rows of weight zero, and rows that are at risk at no event
time, say nothing and are left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ldeval.stats._riskplaces import place
from ldeval.stats._threads import each, picked, stretches
from ldeval.stats.doors import Codes, Floats, Times

PRODUCTS = 250_000  # multiplications up to which a matrix product stays on one thread
SHORTEST = 64  # rows of a product or a block, however many columns: each product makes a matrix of its own
STEP, LONG = 16, 1024  # rows that are summed at once; rows from which on tables are cumulated so
CACHED = 160_000  # numbers that stay in cache
TYPICAL = 4_000  # rows that tell about the centre and the scale of columns
TIED = 16  # rows a slot from which sums of x by slot are kept
ROUNDING = 1e-14  # relative spread that a column without any may show


@dataclass(frozen=True, slots=True)
class RiskSets:
    """Rows (n of them, of strata k) against event times (slots, G of them) with D deaths.

    `rows` gives each row's place in the call; `x` is centred within strata by `centre` (k, p) and divided by `scale` (p,);
    `weight` is divided by its mean `unit`. `dead` are the places of the deaths, `hit` their slots. `row_bounds` and `slot_bounds`
    (k + 1,) delimit the strata; `ends` (G + 1,) the rows that end in each slot, `halves` (2 G + 1,) its deaths, which come first,
    and its other rows; `dead_bounds` (G + 1,) the slots' deaths among all deaths. A row is at risk from its stratum's first slot
    on, but those at the places `late` only from their `first` on; `late_bounds` (n + 1,) counts the late among the rows before
    each. `observed` (p,) is the sum of the deaths' weighted x.
    """

    rows: Codes
    x: Floats
    centre: Floats
    scale: Floats
    weight: Floats
    unit: float
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

    @property
    def tied(self) -> bool:
        """Say whether so many rows share a slot that sums of x by slot are small beside x."""
        return len(self.slot_time) * TIED <= len(self.rows)

    @property
    def deaths(self) -> Codes:
        """Number of deaths in each slot, shape (G,)."""
        return np.diff(self.dead_bounds)


def risk_sets(times: Times, x: Floats, weight: Floats, stratum: Codes, strata: int) -> RiskSets:
    """Lay rows out for sums over risk sets.

    Args:
        times: checked follow-up of n rows.
        x: design matrix, shape (n, p).
        weight: shape (n,), zero or more.
        stratum: codes 0, ..., strata - 1, shape (n,).
        strata: how many.

    Raises:
        ValueError: no event (of weight above zero).

    """
    placed = place(times, weight, stratum, strata)
    rows, code, last = placed.rows, placed.stratum, placed.last
    slots = len(placed.slot_time)
    row_bounds = np.searchsorted(code, np.arange(strata + 1))
    scaled, centre, scale = _standardised(x, rows, code, row_bounds)
    light, unit = _light(weight, rows)
    hit = last[placed.dead]
    dead_bounds, ends = (np.append(0, np.cumsum(np.bincount(codes, minlength=slots))) for codes in (hit, last))
    halves = np.repeat(ends, 2)[:-1]
    halves[1::2] += np.diff(dead_bounds)
    return RiskSets(
        rows=rows,
        x=scaled,
        centre=centre,
        scale=scale,
        weight=light,
        unit=unit,
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
        dead_weight=np.add.reduceat(light[placed.dead], dead_bounds[:-1]),
        observed=_observed(scaled, light[placed.dead], placed.dead),
    )


def _light(weight: Floats, rows: Codes) -> tuple[Floats, float]:
    """Give the rows' weights divided by their mean, and the mean; weights that are one number stay so."""
    if not weight.strides[0]:
        return np.broadcast_to(1.0, len(rows)), float(weight[0])
    light = picked(weight, rows)
    unit = float(light.mean())
    light /= unit
    return light, unit


def _observed(x: Floats, weight: Floats, dead: Codes) -> Floats:
    parts = each(lambda cut: chosen_sums(x, weight, dead, np.array([cut.start, cut.stop])), stretches(len(dead)))
    return np.asarray(np.sum(parts, axis=0)[0])


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


def blocks(rows: slice, columns: int) -> Iterator[slice]:
    """Cut rows into blocks of `block_rows`."""
    step = block_rows(columns)
    return (slice(a, min(a + step, rows.stop)) for a in range(rows.start, rows.stop, step))


def block_rows(columns: int) -> int:
    """Count the rows of a block that stays in cache."""
    return min(max(CACHED // columns, SHORTEST), 8192)


def cross(a: Floats, b: Floats) -> Floats:
    """Give A'B, (p, q), of two blocks of rows, as small products in one call, each on one thread unless columns are many."""
    p, q = a.shape[1], b.shape[1]
    step = min(max(PRODUCTS // (p * (q + 1)), SHORTEST), len(a))
    whole = len(a) // step * step if step else 0
    total = a[whole:].T @ b[whole:]
    if whole:
        total += np.matmul(a[:whole].reshape(-1, step, p).transpose(0, 2, 1), b[:whole].reshape(-1, step, q)).sum(axis=0)
    return np.asarray(total)


def _standardised(x: Floats, rows: Codes, code: Codes, bounds: Codes) -> tuple[Floats, Floats, Floats]:
    """Gather the rows, centre them (within strata) and scale them: the likelihood does not change, cancellation does.

    Of many rows some thousands tell about centre and scale, for neither has to be exact.
    """
    out = np.empty((len(rows), x.shape[1]))
    some = x[rows[:: max(1, len(rows) // TYPICAL)]]
    centre, scale = some.mean(axis=0), some.std(axis=0)
    for j in np.flatnonzero(scale <= ROUNDING * np.abs(centre)):  # constant among some may vary among all
        scale[j] = np.sqrt(np.mean((x[rows, j] - centre[j]) ** 2))
    scale = _binary(scale)
    step = block_rows(x.shape[1])
    centres, factors = np.tile(centre, (step, 1)), np.tile(1.0 / scale, (step, 1))  # quicker than to stretch short rows

    def gather(part: slice) -> None:
        for cut in blocks(part, x.shape[1]):
            block = out[cut]
            np.take(x, rows[cut], axis=0, out=block, mode="clip")
            block -= centres[: len(block)]
            block *= factors[: len(block)]

    each(gather, stretches(len(rows)))
    if len(bounds) == 2:
        return out, centre[None, :], scale
    means, within = _centre_strata(out, code, bounds)
    return out, centre + means * scale, scale * within


def _centre_strata(out: Floats, code: Codes, bounds: Codes) -> tuple[Floats, Floats]:
    """Take the strata's means off, divide by what spread is left, and give both."""
    means = segment_sums(out, np.ones(len(out)), bounds) / np.maximum(np.diff(bounds), 1)[:, None]

    def centre(part: slice) -> Floats:
        square = np.zeros(out.shape[1])
        for cut in blocks(part, out.shape[1]):
            out[cut] -= means[code[cut]]
            square += np.einsum("ij,ij->j", out[cut], out[cut])
        return square

    scale = _binary(np.sqrt(np.sum(each(centre, stretches(len(out))), axis=0) / len(out)))

    def divide(part: slice) -> None:
        out[part] *= 1.0 / scale

    each(divide, stretches(len(out)))
    return means, scale


def _binary(scale: Floats) -> Floats:
    """Give the powers of two near the scales, by which division is exact; 1 for none."""
    return np.asarray(np.exp2(np.round(np.log2(np.where(scale > 0, scale, 1.0)))))
