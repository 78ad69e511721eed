"""Where rows stand among the event times: sorted, and numbered by the last and the first that finds them at risk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldeval.stats._threads import each, picked, stretches
from ldeval.stats.doors import Bools, Codes, Floats, Times

Keys = NDArray[np.unsignedinteger[Any]]
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
    unsorted = _deaths_first(times.time, times.event)
    rows = _sorted_rows(unsorted, weight, stratum, strata)
    code, key = _members(stratum, rows, strata), picked(unsorted, rows)
    dead = key & key.dtype.type(1) == 0
    if not dead.any():
        raise ValueError(f"event: expected at least one event of weight above zero, found none in {len(times.time)} rows")
    last, starts = _slots(key >> key.dtype.type(1), code, dead)
    slot_time, slot_stratum = times.time[rows[starts]], code[starts]
    slot_bounds = np.searchsorted(slot_stratum, np.arange(strata + 1))
    base = _members(slot_bounds[:-1], code, strata)
    first = base if times.entry is None else _entry_slots(picked(times.entry, rows), code, slot_time, slot_stratum, strata)
    used = last >= first
    if not used.all():
        rows, last, first, base, code = rows[used], last[used], first[used], base[used], _members(stratum, rows[used], strata)
        dead = dead[used]
    late = rows[:0] if times.entry is None else np.flatnonzero(first > base)
    return Placed(rows, code, np.flatnonzero(dead), last, late, first[late], slot_time, slot_stratum, slot_bounds)


def _members(values: Codes, places: Codes, strata: int) -> Codes:
    """Give values[places]; of one stratum no copies are made."""
    return values[places] if strata > 1 else np.broadcast_to(values[:1], len(places))


def _deaths_first(time: Floats, event: Bools) -> Keys:
    """Give numbers that sort by time (zero or more, whose bits sort as they do), with deaths before others at the same time."""
    if time.max() < SHORT and (time == (whole := time.astype(np.uint16))).all():
        return (whole << np.uint16(1)) | ~event
    key = (time + 0.0).view(np.uint64) << np.uint64(1)
    key |= ~event
    return key


def _sorted_rows(key: Keys, weight: Floats, stratum: Codes, strata: int) -> Codes:
    order = np.argsort(key, kind="stable" if key.dtype == np.uint16 else None)
    if weight.strides[0] and not weight.all():
        order = order[weight[order] > 0]
    if strata > 1:
        narrow = np.min_scalar_type(strata)
        order = order[np.argsort(stratum[order].astype(narrow), kind="stable")]
    return np.asarray(order)


def _slots(time: Keys, code: Codes, dead: Bools) -> tuple[Codes, Codes]:
    """Give the last slot of each sorted row, and the row at which each slot begins: at the first death of a time."""
    begins = np.empty(len(time), dtype=bool)
    begins[0] = True
    np.not_equal(time[1:], time[:-1], out=begins[1:])
    if code.strides[0]:  # of several strata
        begins[1:] |= code[1:] != code[:-1]
    begins &= dead
    last = begins.astype(np.intp)
    np.cumsum(last, out=last)
    last -= 1
    return last, np.flatnonzero(begins)


def _entry_slots(entry: Floats, code: Codes, slot_time: Floats, slot_stratum: Codes, strata: int) -> Codes:
    """Count the slots up to each row's entry: those of earlier strata, and its own stratum's at or before it."""
    distinct, rank = np.unique(slot_time, return_inverse=True)
    width = len(distinct) + 1
    key = slot_stratum * width + rank + 1
    small = strata * width <= len(entry)
    table = np.cumsum(np.bincount(key, minlength=strata * width)) if small else key

    def count(cut: slice) -> Codes:
        place = code[cut] * width + np.searchsorted(distinct, entry[cut], side="right")
        return table[place] if small else np.searchsorted(key, place, side="right")

    return np.concatenate(each(count, stretches(len(entry))))
