"""The one rounding rule: how a value of each unit is printed, in prose, tables, figures and alt texts alike."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from math import floor, isfinite, log10
from typing import Literal

from ldeval.estimate import Estimate

MINUS = "\N{MINUS SIGN}"
COUNTS = ("people", "cases", "events", "values", "rows")


def _fixed(digits: int, *, factor: float = 1.0, before: str = "", after: str = "") -> Callable[[float], str]:
    def form(value: float) -> str:
        text = f"{abs(value) * factor:,.{digits}f}"
        sign = MINUS if value < 0 and any(c in "123456789" for c in text) else ""
        return f"{sign}{before}{text}{after}"

    return form


def _significant(digits: int) -> Callable[[float], str]:
    def form(value: float) -> str:
        size = floor(log10(abs(value))) if value else 0
        return _fixed(max(0, digits - 1 - size))(value)

    return form


def _p_value(value: float) -> str:
    if value < 0.001:
        return "<0.001"
    digits = 4 if value != 0.05 and f"{value:.3f}" == "0.050" else 3
    return f"{value:.{digits}f}"


def _relative(value: float) -> str:
    """Print a numerical difference; below one millionth it is rounding noise and is printed as at most that."""
    return "≤0.000001" if value <= 1e-6 else _significant(2)(value)


def _as_precise(value: float) -> str:
    """Print a share with the decimals that it was released with: 12% or, of many people, 12.3%."""
    return _fixed(int(round(value, 2) != round(value, 3)), factor=100, after="%")(value)


def _error_rate(value: float) -> str:
    """Print a small share with two significant digits: 0.35%."""
    return f"{_significant(2)(100 * value)}%"


def _as_printed(value: float) -> str:
    """Print as many decimals as the value was given with."""
    return f"{MINUS if value < 0 else ''}{Decimal(repr(abs(float(value)))).normalize():f}"


FORMS: dict[str, Callable[[float], str]] = {
    "ratio": _fixed(2),
    "share": _fixed(1, factor=100, after="%"),
    "rounded share": _as_precise,
    "error rate": _error_rate,
    "percentage points": _fixed(1, factor=100),
    "days": _fixed(1),
    "hours": _significant(2),
    "weeks": _fixed(1),
    "months": _fixed(1),
    "years": _fixed(1),
    "pounds": _fixed(0, before="£"),
    "million pounds": _fixed(1, before="£", after=" million"),
    "expected events": _fixed(1),
    "compared": _fixed(6),
    "six digits": _significant(6),
    "coefficient": _fixed(4),
    "as printed": _as_printed,
    "log-likelihood": _fixed(1),
    "coverage": _fixed(3),
    "standardised": _fixed(3),
    "bias": _fixed(1),
    "gigabytes": _significant(2),
    "seconds": _significant(2),
    "times as fast": _significant(2),
    "number": _significant(3),
    "relative difference": _relative,
    "bound on a relative difference": _significant(1),
    "p": _p_value,
    **dict.fromkeys(COUNTS, _fixed(0)),
}
"""How each unit is printed. Another unit is refused when results are released."""


def form(value: float | None, unit: str) -> str:
    """Print `value` as its unit is always printed; a missing value is an en dash.

    Raises:
        ValueError: a unit that has no rule; the units that have one are listed.

    """
    if value is None:
        return "–"
    if unit not in FORMS:
        raise ValueError(f"no rounding rule for the unit {unit!r}; units: {', '.join(sorted(FORMS))}")
    if not isfinite(value):
        return ("" if value > 0 else MINUS) + "∞" if value == value else "–"
    return FORMS[unit](float(value))


def as_given(value: float, unit: str) -> str:
    """Print a published value with no more digits than it was published with: a share of 0.88 is 88%, not 88.0%."""
    if unit != "share":
        return form(value, unit)
    digits = min(1, max(0, -int(Decimal(repr(value)).as_tuple().exponent) - 2))
    return _fixed(digits, factor=100, after="%")(value)


def bound(value: float, unit: str, null: float) -> str:
    """Print a bound of an interval so that it never rounds onto "no effect" from one side of it.

    0.9957 printed with two decimals would read 1.00 and contradict its p-value: it gets as many digits as it takes,
    four at most.
    """
    text = form(value, unit)
    if unit != "ratio" or value == null or text != form(null, unit):
        return text
    precise = (f"{value:.{digits}f}" for digits in (3, 4))
    return next((longer for longer in precise if float(longer) != null), text)


def interval(low: float, high: float, unit: str, null: float) -> str:
    """Print an interval, "0.47 to 0.996"."""
    return f"{bound(low, unit, null)} to {bound(high, unit, null)}"


def _alike(estimate: Estimate) -> Callable[[float], str] | None:
    """Give the form of a plain number: value and bounds with the same decimals, three digits of the largest among them."""
    sizes = [abs(x) for x in (estimate.value, estimate.low, estimate.high) if x and isfinite(x)]
    if estimate.unit != "number" or not sizes:
        return None
    return _fixed(max(0, 2 - floor(log10(max(sizes)))))


def end(estimate: Estimate, side: Literal["low", "high"]) -> str:
    """Print one bound of an estimate's interval."""
    value = estimate.low if side == "low" else estimate.high
    alike = _alike(estimate) if isfinite(value) else None
    return alike(value) if alike else bound(value, estimate.unit, estimate.null)


def central(estimate: Estimate) -> str:
    """Print the value of an estimate; like its bounds, it does not round onto "no effect" when the interval excludes it."""
    if alike := _alike(estimate):
        return alike(estimate.value)
    if estimate.low <= estimate.null <= estimate.high:
        return form(estimate.value, estimate.unit)
    return bound(estimate.value, estimate.unit, estimate.null)


def between(estimate: Estimate) -> str:
    """Print the interval of an estimate, "0.47 to 0.996"; an en dash where the estimate has none."""
    if estimate.se == 0:
        return "–"
    return f"{end(estimate, 'low')} to {end(estimate, 'high')}"


def printed(row: Estimate) -> str:
    """Give value and interval with the unit, where the numbers do not show it."""
    unit = f" {row.unit}" if row.unit in ("percentage points", "days") else ""
    return f"{central(row)}{unit} ({between(row)})"


def level(value: float) -> str:
    """Print a level of confidence, "95%"."""
    return f"{value * 100:.6g}%"
