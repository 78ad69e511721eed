"""From a fit of `ldeval.stats` to `Estimate`: the one place where model terms become results."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from math import exp, log
from typing import Any, Protocol

import numpy as np

from ldeval.analysis.counted import Arm, Counts
from ldeval.analysis.exhibits import Exhibit
from ldeval.analysis.findings import Findings
from ldeval.estimate import Estimate, Scale
from ldeval.stats.fit import Contrasts

FIVE = 5
"""Counts of people that estimates are multiplied by, or divided by, are to the nearest five, as released counts are: the two
estimates, side by side, would give an exact one back."""


def in_fives(count: float) -> int:
    """Give a count to the nearest five, and five at least."""
    return max(FIVE, FIVE * round(count / FIVE))


class Fit(Protocol):
    """What every fit and contrast of `ldeval.stats` gives."""

    @property
    def level(self) -> float:
        """Of the intervals."""
        ...

    @property
    def n(self) -> int:
        """Rows used."""
        ...

    def tidy(self) -> Any:
        """Give a row per term."""
        ...


def effect(
    fit: Fit, term: str, key: str, *, unit: str, estimand: str, method: str, events: int | None = None, n: int | None = None
) -> Estimate:
    """Give one term of a fit as an estimate; terms on a log scale (`log_...`, or a unit of ratio) come out as ratios.

    `key` is the id, "outcome/measure/estimand".
    """
    row = fit.tidy().set_index("term").loc[term]
    scale: Scale = "log" if unit == "ratio" else "identity"
    value, low, high = (float(row[name]) for name in ("estimate", "low", "high"))
    if scale == "log":
        value, low, high = exp(value), exp(low), exp(high)
    outcome, measure = key.split("/")[:2]
    return Estimate(
        id=key,
        outcome=outcome,
        measure=measure,
        unit=unit,
        estimand=estimand,
        value=value,
        se=float(row["se"]),
        scale=scale,
        low=low,
        high=high,
        level=fit.level,
        n=fit.n if n is None else n,
        events=events,
        method=method,
        p_value=float(row["p_value"]),
    )


def found(estimates: Iterable[Estimate], arms: tuple[Arm, ...], *exhibits: Exhibit | Counts) -> Findings:
    """Give estimates that have the same arms behind them, and their exhibits.

    A share of one arm ("risk_users", "risk_comparators") has that arm alone behind it.
    """
    made = tuple(estimates)
    return Findings(made, exhibits, arms={estimate.id: _behind(estimate, arms) for estimate in made})


def _behind(estimate: Estimate, arms: tuple[Arm, ...]) -> tuple[Arm, ...]:
    own = tuple(arm for arm in arms if estimate.measure.endswith(f"_{arm.label.lower()}"))
    return own or arms


def at_work(estimate: Estimate, key: str, factor: float, unit: str) -> Estimate:
    """Give an effect a person times a number of people: a count of people, days or pounds."""
    value, *bounds = (factor * number for number in (estimate.value, estimate.low, estimate.high))
    outcome, measure = key.split("/")[:2]
    method = f"{estimate.id} times {abs(factor):,.0f}; {estimate.method}"
    named = replace(estimate, id=key, outcome=outcome, measure=measure, unit=unit, method=method, scale="identity")
    return replace(named, value=value, se=abs(factor) * estimate.se, low=min(bounds), high=max(bounds))


def odds_ratio(fit: Contrasts, measure: str, key: str, *, estimand: str, method: str, events: int) -> Estimate:
    """Give the marginal odds ratio of two incidences by the delta method from their joint covariance."""
    at = [fit.names.index(f"{measure}_{arm}") for arm in ("treated", "control")]
    one, zero = (float(value) for value in fit.coefficients[at])
    slope = np.array([1 / (one * (1 - one)), -1 / (zero * (1 - zero))])
    variance = np.array([[slope @ fit.covariance[np.ix_(at, at)] @ slope]])
    log_odds = np.array([log(one / (1 - one)) - log(zero / (1 - zero))])
    derived = replace(fit, names=("log_odds_ratio",), coefficients=log_odds, covariance=variance)
    return effect(derived, "log_odds_ratio", key, unit="ratio", estimand=estimand, method=method, events=events)
