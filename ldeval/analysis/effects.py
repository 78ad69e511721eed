"""From a fit of `ldeval.stats` to `Estimate`: the one place where model terms become results."""

from __future__ import annotations

from math import exp
from typing import Any, Literal, Protocol

from ldeval.estimate import Estimate, Scale

Estimand = Literal["ATT", "ATE", "ATO", "ITT", "conditional", "descriptive"]


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
