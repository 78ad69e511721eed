"""At which precision the estimates of a model, and crude estimates, leave under a disclosure policy.

An estimate of a model keeps three significant digits of its standard error, and its value and bounds the decimals that belong to
these.

A crude estimate (estimand "descriptive", and every share) could be turned back into counts: a share is events over people,
and 1/se^2 of a crude log ratio is the events of its smaller side. Rounding its digits is not enough, since value, error and
bounds together leave few counts possible. It is therefore moved to where it would be had the counts been the rounded ones, and so
are its error and interval; what is released is then a function of counts that are released anyway. Its p-value stays behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, floor, isclose, isfinite, log, log10, sqrt

from ldeval.analysis.counted import Arm
from ldeval.estimate import Estimate
from ldeval.release.policy import Policy, significant
from ldeval.release.shares import WHOLE, around, wald

DIGITS = 3
"""Significant digits of a standard error that are released; those of a value follow from it."""

SETTLED = 12
"""Digits kept before the last rounding: the noise of the moving itself must not show which counts were moved."""

COMPARED = "percentage points"


def is_crude(row: Estimate) -> bool:
    """Say whether an estimate could be turned back into the counts behind it."""
    return row.unit == "share" or (row.estimand == "descriptive" and _compares(row) and row.events is not None)


def undeclared(row: Estimate, arms: Sequence[Arm]) -> bool:
    """Say whether an estimate is a crude comparison whose two sides are not known."""
    return is_crude(row) and _compares(row) and (len(arms) != 2 or any(not arm.events for arm in arms))


def _compares(row: Estimate) -> bool:
    return row.scale == "log" or row.unit == COMPARED


def coarsened(row: Estimate, arms: Sequence[Arm], policy: Policy) -> Estimate:
    """Give an estimate at the precision at which it may leave, its counts rounded.

    `arms` of a crude comparison are two, that of the numerator (or minuend) first.
    """
    events = None if row.events is None else policy.rounded(row.events)
    counted = replace(row, n=policy.rounded(row.n), events=events)
    if row.unit == "share":
        n, cases = (arms[0].n, arms[0].events) if len(arms) == 1 else (row.n, row.events)
        return _share(counted, row, n, cases, policy)
    if is_crude(row):
        return _modelled(replace(_moved(counted, row, arms, policy), p_value=None))
    return _modelled(counted)


def _modelled(row: Estimate) -> Estimate:
    if row.se == 0:
        value, low, high = (significant(x, DIGITS) if x and isfinite(x) else x for x in (row.value, row.low, row.high))
        return replace(row, value=value, low=low, high=high)
    size = row.value if row.scale == "log" else 1.0
    power = floor(log10(row.se * size)) - DIGITS + 1
    value, low, high = (_off_null(x, power, row.null) for x in (row.value, row.low, row.high))
    p_value = significant(row.p_value, DIGITS) if row.p_value else row.p_value
    se = significant(row.se, DIGITS)
    return replace(row, value=value, se=se, low=min(low, value), high=max(high, value), p_value=p_value)


def _off_null(value: float, power: int, null: float) -> float:
    """Round to a power of ten; a number that would round onto "no effect" keeps as many digits as it takes."""
    if value == null or not isfinite(value):
        return value
    tries = (round(value, digits) for digits in range(-power, -power + 5))
    return next((rounded for rounded in tries if rounded != null), value)


def _share(counted: Estimate, row: Estimate, n: int, events: int | None, policy: Policy) -> Estimate:
    """Give a share of rounded counts, its error and Wilson's interval from these and the factor by which its error was larger."""
    people = max(policy.rounded(n), policy.base)
    digits = policy.digits(people)
    value = min(_events(row.value, n, events, people, policy) / people, 1.0)
    factor = round(row.se / wald(row.value, n), 1) if 0 < row.value < 1 else 1.0
    low, high = around(value, people / max(factor, 0.1) ** 2, row.level)
    value = round(value, digits)
    return replace(
        counted,
        value=value,
        se=significant(factor * wald(min(max(value, 1 / people), 1 - 1 / people), people), DIGITS),
        low=min(value, round(low, digits)),
        high=max(value, round(high, digits)),
        p_value=None,
        unit=row.unit if digits > 2 else WHOLE,
        method=f"{row.method}; released from rounded counts, with Wilson's interval",
    )


def _events(value: float, n: int, events: int | None, people: int, policy: Policy) -> int:
    """Give the rounded count that a share is of: of its events, of those without, or what it is of rounded people."""
    if events is not None and isclose(value, events / n, abs_tol=1e-9):
        return policy.rounded(events)
    if events is not None and isclose(1 - value, events / n, abs_tol=1e-9):
        return people - policy.rounded(events)
    return policy.rounded(round(value * people))


def _moved(counted: Estimate, row: Estimate, arms: Sequence[Arm], policy: Policy) -> Estimate:
    """Move a crude comparison to where rounded counts would put it, its bounds with it."""
    (a, n), (b, m) = ((arm.events or 0, arm.n) for arm in arms)
    (x, y), (p, q) = (policy.rounded(a), policy.rounded(b)), (policy.rounded(n), policy.rounded(m))
    if row.scale == "log":
        shift = log(x / a) - log(y / b)
        wider = sqrt((1 / x + 1 / y) / (1 / a + 1 / b))
        value = row.value * exp(shift)
        low, high = (value * (bound / row.value) ** wider for bound in (row.low, row.high))
    else:
        value = row.value + (x / p - a / n) - (y / q - b / m)
        wider = sqrt(_variance(x, p, y, q) / _variance(a, n, b, m)) if _variance(a, n, b, m) else 1.0
        low, high = (value + wider * (bound - row.value) for bound in (row.low, row.high))
    value, se, low, high = (significant(x, SETTLED) if x and isfinite(x) else x for x in (value, row.se * wider, low, high))
    return replace(counted, value=value, se=se, low=low, high=high)


def _variance(a: int, n: int, b: int, m: int) -> float:
    return wald(min(a / n, 1.0), n) ** 2 + wald(min(b / m, 1.0), m) ** 2
