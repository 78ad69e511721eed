"""Where rows stand among the event times: sorted, and numbered by the last and the first that finds them at risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats._threads import each, stretches
from ldeval.stats.doors import Bools, Codes, Floats, Times

SHORT = 32_768  # whole times below this are sorted by counting


@dataclass(frozen=True, slots=True)
class Placed:
    """Sorted rows at risk at some event time, their places among the slots, and the slots; as in `RiskSets`."""

    rows: Codes
    stratum: Codes
    dead: Codes
    last: Codes
    late: Codes
    first: Codes
    slot_time: Floats
    slot_stratum: Codes
    slot_bounds: Codes


def place(times: Times, weight: Floats, stratum: Codes, strata: int) -> Placed:
    """Sort rows by stratum and time, deaths first, and number the event times.

    Raises:
        ValueError: no event (of weight above zero).

    """
    rows = _sorted_rows(times.time, times.event, weight, stratum, strata)
    code, dead = _members(stratum, rows, strata), times.event[rows]
    if not dead.any():
        raise ValueError(f"event: expected at least one event of weight above zero, found none in {len(times.time)} rows")
    last, slot_time, slot_stratum = _slots(times.time[rows], code, dead)
    slot_bounds = np.searchsorted(slot_stratum, np.arange(strata + 1))
    base = _members(slot_bounds[:-1], code, strata)
    first = base if times.entry is None else _entry_slots(times.entry[rows], code, slot_time, slot_stratum)
    used = last >= first
    if not used.all():
        rows, last, first, base, code = rows[used], last[used], first[used], base[used], _members(stratum, rows[used], strata)
        dead = dead[used]
    late = np.flatnonzero(first > base)
    return Placed(rows, code, np.flatnonzero(dead), last, late, first[late], slot_time, slot_stratum, slot_bounds)


def _members(values: Codes, places: Codes, strata: int) -> Codes:
    """Give values[places]; of one stratum no copies are made."""
    return values[places] if strata > 1 else np.broadcast_to(values[:1], len(places))


def _deaths_first(time: Floats, event: Bools) -> Codes:
    """Sort by time (zero or more, whose bits sort as they do), with deaths before others at the same time."""
    if time.max() < SHORT and (time == (whole := time.astype(np.uint16))).all():
        return np.argsort((whole << np.uint16(1)) | ~event, kind="stable")
    key = (time + 0.0).view(np.uint64) << np.uint64(1)
    key |= ~event
    return np.argsort(key)


def _sorted_rows(time: Floats, event: Bools, weight: Floats, stratum: Codes, strata: int) -> Codes:
    order = _deaths_first(time, event)
    if not weight.all():
        order = order[weight[order] > 0]
    if strata > 1:
        narrow = np.min_scalar_type(strata)
        order = order[np.argsort(stratum[order].astype(narrow), kind="stable")]
    return np.asarray(order)


def _slots(time: Floats, code: Codes, dead: Bools) -> tuple[Codes, Floats, Codes]:
    new = np.empty(len(time), dtype=bool)
    new[0] = True
    np.not_equal(time[1:], time[:-1], out=new[1:])
    if code.strides[0]:  # of several strata
        new[1:] |= code[1:] != code[:-1]
    starts = np.flatnonzero(new)
    holds = np.logical_or.reduceat(dead, starts)
    last = np.repeat(np.cumsum(holds) - 1, np.diff(np.append(starts, len(time))))
    return last, time[starts[holds]], code[starts[holds]]


def _entry_slots(entry: Floats, code: Codes, slot_time: Floats, slot_stratum: Codes) -> Codes:
    """Count the slots up to each row's entry: those of earlier strata, and its own stratum's at or before it."""
    distinct, rank = np.unique(slot_time, return_inverse=True)
    width = len(distinct) + 1
    key = slot_stratum * width + rank + 1

    def count(cut: slice) -> Codes:
        return np.searchsorted(key, code[cut] * width + np.searchsorted(distinct, entry[cut], side="right"), side="right")

    return np.concatenate(each(count, stretches(len(entry))))
