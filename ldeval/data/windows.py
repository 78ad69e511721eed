"""Days and windows, counted from the index event: the index date is day 0, and every window is half-open."""

from __future__ import annotations

from typing import Any

import ibis

MONTHS = 12
"""Months of the panel on either side of the index event."""


def days(later: Any, earlier: Any) -> Any:
    """Give the days from one date to another: whole days, so that a leap day counts like any other."""
    return later.delta(earlier, unit="day")


def within(lag: Any, first: int, stop: int) -> Any:
    """Say whether a day lies in [first, stop)."""
    return (lag >= first) & (lag < stop)


def overlap(start: Any, stop: Any, first: Any, last: Any) -> Any:
    """Give the days that [start, stop) and [first, last) share."""
    shared = ibis.least(stop, last) - ibis.greatest(start, first)
    return ibis.greatest(shared, 0)


def total(values: Any, where: Any = None) -> Any:
    """Sum whole numbers into a whole number. Engines give sums of integers a wider type, which files then hold as decimals."""
    return values.cast("float64").sum(where=where).cast("int64")


def month_of(lag: Any, follow_up_days: int) -> Any:
    """Give the month of a day: month m is the days from m / 12 of the follow-up to (m + 1) / 12, month 0 the first after."""
    return (lag * MONTHS / follow_up_days).floor().cast("int64")


def month_start(month: int, follow_up_days: int) -> int:
    """Give the first day of a month."""
    return -(-month * follow_up_days // MONTHS)


def in_order(rows: Any) -> Any:
    """Order rows by all their columns, for tables without a key: every engine then writes them alike."""
    return rows.order_by(*rows.columns)
