"""How much hidden bias would change the answer: E-values, tipping points, negative controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Floats

if TYPE_CHECKING:
    import pandas as pd

Measure = Literal["risk_ratio", "rate_ratio", "odds_ratio", "odds_ratio_rare", "hazard_ratio", "hazard_ratio_rare"]


@dataclass(frozen=True, slots=True)
class EValue:
    """What an unmeasured confounder would need, as a risk ratio with both treatment and outcome, to explain the result away.

    `estimate`: to move the estimate to no effect; `bound`: the interval's nearer end (1 where the interval holds it already).
    """

    estimate: float
    bound: float


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """Risk ratios of an unmeasured 0/1 confounder with the outcome that leave no effect of `estimate`, or of the nearer `bound`.

    Infinite or missing (NaN) where no confounder of the given prevalences can do so; 1 where the interval includes no effect
    already.
    """

    estimate: float
    bound: float


@dataclass(frozen=True, slots=True)
class NegativeControls:
    """Outcomes that the treatment cannot move: `bias`, their mean on the log scale with `se`, spread `tau`, and the joint test.

    `alarm` is True where the joint test that all are zero has `p_value` below `threshold`, which speaks of confounding that
    the design leaves. `calibrated_p` is the p-value of the primary estimate against this bias instead of against none; None
    without one.
    """

    bias: float
    se: float
    tau: float
    statistic: float
    df: int
    p_value: float
    threshold: float
    alarm: bool
    calibrated_p: float | None
    table: pd.DataFrame


def e_value(estimate: float, low: float, high: float, *, measure: Measure) -> EValue:
    """Give the E-value of a ratio and of its interval.

    RR + root of RR (RR - 1), for RR above 1, its inverse else. Ratios turn into risk ratios first: odds ratios of common
    outcomes by their root; hazard ratios of common outcomes by (1 - 0.5^root(HR)) / (1 - 0.5^root(1 / HR)); the `_rare`
    measures (outcome below 15%) and rate ratios as they are.

    Args:
        estimate: the ratio, above zero.
        low: lower end of its interval.
        high: upper end.
        measure: which ratio.

    Source: VanderWeele and Ding, 2017, doi:10.7326/M16-2607.

    Raises:
        ValueError: an unknown measure; ratios at or below zero; an interval that misses its estimate.

    """
    doors.choice("measure", measure, get_args(Measure))
    ratio, bottom, top = (_risk_ratio(value, measure) for value in _check_interval(estimate, low, high))
    return EValue(_e(ratio), _e(_nearer(ratio, bottom, top)))


def tipping_point(
    estimate: float, low: float, high: float, *, prevalence_treated: float, prevalence_control: float
) -> TippingPoint:
    """Give the strength at which an unmeasured 0/1 confounder would leave no effect.

    With prevalences p1 and p0 in the arms, a confounder of risk ratio g with the outcome multiplies the observed ratio by
    (1 + (g - 1) p1) / (1 + (g - 1) p0); solved for the g that makes that the whole of it.

    Args:
        estimate: the observed risk ratio (or a rare outcome's odds or hazard ratio), above zero.
        low: lower end of its interval.
        high: upper end.
        prevalence_treated: share of the treated who have the confounder.
        prevalence_control: share of the controls.

    Source: Lin, Psaty and Kronmal, 1998, doi:10.2307/2533848; Schlesselman, 1978.

    Raises:
        ValueError: ratios at or below zero; an interval that misses its estimate; prevalences outside [0, 1] or equal.

    """
    ratio, bottom, top = _check_interval(estimate, low, high)
    for name, share in (("prevalence_treated", prevalence_treated), ("prevalence_control", prevalence_control)):
        if not 0 <= doors.number(share, name) <= 1:
            raise ValueError(f"{name}: expected a share from 0 to 1, found {share}")
    if prevalence_treated == prevalence_control:
        raise ValueError("prevalence_treated, prevalence_control: a confounder as common in both arms biases nothing")
    points = (_tip(value, prevalence_treated, prevalence_control) for value in (ratio, _nearer(ratio, bottom, top)))
    return TippingPoint(*points)


def negative_controls(
    estimates: Any,
    ses: Any,
    *,
    names: Any = None,
    primary: tuple[float, float] | None = None,
    threshold: float = 0.05,
) -> NegativeControls:
    """Read the bias of a design off outcomes (or periods, or groups) that the treatment cannot affect.

    Each estimate is bias + error; the biases are normal with mean `bias` and standard deviation `tau`, fitted by maximum
    likelihood. The joint test adds the squared z, chi-squared with as many degrees of freedom (controls independent). The
    calibrated p-value tests the primary estimate against a normal with mean `bias` and variance tau^2 + se^2.

    Args:
        estimates: of the controls, on a scale where 0 is no effect (logs of ratios), shape (k,).
        ses: their standard errors, above zero, shape (k,).
        names: of the controls, shape (k,).
        primary: estimate and standard error of the primary outcome, on the same scale.
        threshold: of the alarm.

    Source: Lipsitch, Tchetgen Tchetgen and Cohen, 2010, doi:10.1097/EDE.0b013e3181d61eeb; Schuemie et al., 2014,
        doi:10.1002/sim.5925.

    Raises:
        ValueError: shapes that differ; errors at or below zero; missing or infinite values; a threshold outside (0, 1).

    """
    import pandas as pd
    from scipy.special import chdtrc, ndtr

    values = doors.numbers(estimates, "estimates")
    errors = doors.numbers(ses, "ses", rows=len(values))
    if wrong := int((errors <= 0).sum()):
        raise ValueError(f"ses: expected errors above zero, found {wrong} of {len(errors)} otherwise")
    doors.level(threshold, "threshold")
    labels = [f"control {k + 1}" for k in range(len(values))] if names is None else [str(name) for name in names]
    if len(labels) != len(values):
        raise ValueError(f"names: expected {len(values)}, one for each estimate, found {len(labels)}")
    z = values / errors
    bias, spread, tau = _bias(values, errors)
    joint = float(chdtrc(len(values), (z**2).sum()))
    table = pd.DataFrame({"term": labels, "estimate": values, "se": errors, "p_value": 2 * ndtr(-np.abs(z))})
    calibrated = None
    if primary is not None:
        effect, error = doors.numbers(primary, "primary", rows=2)
        if error <= 0:
            raise ValueError(f"primary: expected an estimate and its standard error above zero, found an error of {error:g}")
        calibrated = float(2 * ndtr(-abs(effect - bias) / np.hypot(tau, error)))
    alarm = joint < threshold
    return NegativeControls(bias, spread, tau, float((z**2).sum()), len(values), joint, threshold, alarm, calibrated, table)


def _check_interval(estimate: float, low: float, high: float) -> tuple[float, float, float]:
    ratio, bottom = doors.number(estimate, "estimate"), doors.number(low, "low")
    top = np.inf if np.ndim(high) == 0 and high == np.inf else doors.number(high, "high")
    if not (ratio > 0 and bottom > 0):
        raise ValueError(f"estimate, low, high: expected ratios above zero, found {ratio:g}, {bottom:g}, {top:g}")
    if not bottom <= ratio <= top:
        raise ValueError(f"low, high: expected an interval around {ratio:g}, found {bottom:g} to {top:g}")
    return ratio, bottom, float(top)


def _risk_ratio(value: float, measure: str) -> float:
    if measure == "odds_ratio":
        return float(np.sqrt(value))
    if measure == "hazard_ratio":
        root = np.sqrt(value)
        return float(-np.expm1(np.log(0.5) * root) / -np.expm1(np.log(0.5) / root))
    return value


def _nearer(ratio: float, low: float, high: float) -> float:
    """Give the interval's end nearer to 1, or 1 where the interval holds it."""
    return max(low, 1.0) if ratio >= 1 else min(high, 1.0)


def _e(ratio: float) -> float:
    above = ratio if ratio >= 1 else 1 / ratio
    return float(above + np.sqrt(above * (above - 1)))


def _tip(ratio: float, one: float, zero: float) -> float:
    if ratio == 1:
        return 1.0
    bottom = one - ratio * zero
    strength = 1 + (ratio - 1) / bottom if bottom != 0 else np.inf
    return float(strength) if strength >= 0 else float("nan")


def _bias(values: Floats, errors: Floats) -> tuple[float, float, float]:
    """Maximum likelihood of mean and spread: the mean given the spread is weighted; the spread by a search over one dimension."""
    from scipy.optimize import minimize_scalar

    def centre(variance: float) -> tuple[float, float]:
        share = 1 / (variance + errors**2)
        return float(share @ values / share.sum()), float(share.sum() ** -0.5)

    def loss(variance: float) -> float:
        total = variance + errors**2
        return float((np.log(total) + (values - centre(variance)[0]) ** 2 / total).sum())

    most = float(np.ptp(values)) ** 2 + 1e-300
    found = float(minimize_scalar(loss, bounds=(0.0, most), method="bounded", options={"xatol": 1e-12 * most}).x)
    variance = found if loss(found) < loss(0.0) else 0.0
    return *centre(variance), float(np.sqrt(variance))
