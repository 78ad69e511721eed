"""At which precision the estimates of a model, and crude estimates, leave under a disclosure policy.

An estimate of a model keeps three significant digits of its standard error, and its value and bounds the decimals that belong to
these. A crude estimate (estimand "descriptive", and every share) could be turned back into counts: from its standard error,
since 1/se^2 of a log ratio is the events of the smaller side, or from its value, which is events over people. It leaves so coarse
that the smallest count behind it stays as uncertain as rounding makes a count, its interval is rounded outwards, and its
p-value stays behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor, isfinite, log10

from ldeval.analysis.counted import Arm
from ldeval.estimate import Estimate
from ldeval.release.policy import Policy, significant, step_up

DIGITS = 3
"""Significant digits of a standard error that are released; those of a value follow from it."""

SHARES = ("share", "percentage points")


def is_crude(row: Estimate) -> bool:
    """Say whether an estimate could be turned back into the counts behind it."""
    return row.estimand == "descriptive" or row.unit == "share"


def coarsened(row: Estimate, arms: Sequence[Arm], policy: Policy) -> Estimate:
    """Give an estimate at the precision at which it may leave, its counts rounded."""
    events = None if row.events is None else policy.rounded(row.events)
    counted = replace(row, n=policy.rounded(row.n), events=events)
    if row.se == 0:
        value, low, high = (_plain(x) for x in (row.value, row.low, row.high))
        return replace(counted, value=value, low=low, high=high, p_value=None)
    return _crude(counted, row, arms, policy) if is_crude(row) else _modelled(counted)


def _plain(value: float) -> float:
    return significant(value, DIGITS) if value else value


def _modelled(row: Estimate) -> Estimate:
    se = significant(row.se, DIGITS)
    power = floor(log10(row.se * _size(row))) - DIGITS + 1
    value, low, high = (_off_null(x, power, row.null) for x in (row.value, row.low, row.high))
    p_value = None if row.p_value is None else _plain(row.p_value)
    return replace(row, value=value, se=se, low=min(low, value), high=max(high, value), p_value=p_value)


def _size(row: Estimate) -> float:
    """Give what one unit of the standard error is on the natural scale."""
    return row.value if row.scale == "log" else 1.0


def _off_null(value: float, power: int, null: float) -> float:
    """Round to a power of ten; a number that would round onto "no effect" keeps as many digits as it takes."""
    for digits in range(-power, -power + 5):
        rounded = round(value, digits)
        if rounded != null:
            return rounded
    return value if value == null or not isfinite(value) else rounded


def _crude(counted: Estimate, row: Estimate, arms: Sequence[Arm], policy: Policy) -> Estimate:
    people, events = _smallest(row, arms)
    least = max(row.se * 10 ** (1 - DIGITS), policy.base / 2 * row.se / (events or people))
    coarse_se = step_up(least)
    least = max(coarse_se * _size(row), policy.base / people if row.unit in SHARES else 0.0)
    step = step_up(least)
    value = round(row.value / step) * step
    if row.scale == "log":
        value = max(value, step)
    top = 1.0 if row.unit == "share" else float("inf")
    low, high = (min(value, _down(row.low, step)), max(value, _up(row.high, step)))
    if row.unit == "share" or row.scale == "log":
        low = max(low, 0.0)
    return replace(
        counted,
        value=_clean(min(value, top)),
        se=_clean(max(coarse_se, round(row.se / coarse_se) * coarse_se)),
        low=_clean(min(low, top)),
        high=_clean(min(high, top)) if isfinite(high) else high,
        p_value=None,
        unit="rounded share" if row.unit == "share" and step >= 0.01 else row.unit,
    )


def _smallest(row: Estimate, arms: Sequence[Arm]) -> tuple[int, int | None]:
    """Give the smallest positive numbers of people and of events on any side; those of all where no arms were given."""
    people = [arm.n for arm in arms if arm.n] or [max(row.n, 1)]
    events = [arm.events for arm in arms] or [row.events]
    return min(people), min((count for count in events if count), default=None)


def _down(value: float, step: float) -> float:
    return floor(value / step + 1e-9) * step


def _up(value: float, step: float) -> float:
    return ceil(value / step - 1e-9) * step if isfinite(value) else value


def _clean(value: float) -> float:
    """Give the decimal number that is meant: 0.15, not 0.15000000000000002."""
    return float(f"{value:.12g}")
