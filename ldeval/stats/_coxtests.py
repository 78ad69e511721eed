"""Tests of a Cox model: of all its coefficients, and of proportional hazards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ldeval.stats._coxdiag import meat
from ldeval.stats._coxlik import Risks, information, risks, score
from ldeval.stats._coxterms import Terms
from ldeval.stats._risksets import RiskSets
from ldeval.stats.doors import Floats, Groups, Times
from ldeval.stats.hypotheses import chi_squared_tail, quadratic_form

if TYPE_CHECKING:
    import pandas as pd

Transform = Literal["km", "identity", "rank", "log"]
TRANSFORMS = ("km", "identity", "rank", "log")


@dataclass(frozen=True, slots=True)
class ModelTest:
    """A test of all coefficients: `statistic`, chi-squared on `df` degrees of freedom under `null`."""

    statistic: float
    df: int
    p_value: float
    null: str


@dataclass(frozen=True, slots=True)
class ProportionalHazardsTest:
    """The test of all columns together (`statistic`, `df`, `p_value`) and of each (`statistics`, one degree of freedom each)."""

    statistic: float
    df: int
    p_value: float
    null: str
    transform: str
    terms: tuple[str, ...]
    statistics: Floats

    def tidy(self) -> pd.DataFrame:
        """Give `term, statistic, df, p_value`: a row per column of X, and GLOBAL."""
        import pandas as pd

        single = [chi_squared_tail(value, 1) for value in self.statistics]
        return pd.DataFrame(
            {
                "term": [*self.terms, "GLOBAL"],
                "statistic": [*self.statistics, self.statistic],
                "df": [1] * len(self.terms) + [self.df],
                "p_value": [*single, self.p_value],
            }
        )


def model_test(statistic: float, df: int) -> ModelTest:
    """Give a test that all coefficients are zero."""
    return ModelTest(float(statistic), df, chi_squared_tail(float(statistic), df), "all log hazard ratios are zero")


def score_test(sets: RiskSets, parts: Terms, cluster: Groups | None, *, robust: bool) -> ModelTest:
    """Test by the score at zero, with the information or (robust) the clusters' or rows' scores as its variance."""
    zero = risks(sets, parts, np.zeros(sets.x.shape[1]))
    u = score(sets, zero)
    if robust:
        return model_test(*quadratic_form(u, meat(sets, parts, zero, cluster)))
    return model_test(sets.unit * float(u @ np.linalg.solve(information(sets, parts, zero), u)), len(u))


def hazards_test(
    sets: RiskSets, parts: Terms, at: Risks, names: tuple[str, ...], transform: Transform, times: Times
) -> ProportionalHazardsTest:
    """Test that no coefficient changes with the transformed time, by scores, as R's cox.zph of survival 3.

    Raises:
        ValueError: fewer than two event times in every stratum; `log` with an event at time zero.

    """
    clock = _clock(sets.slot_time, times, transform)
    spread = float(clock.std())
    if spread == 0:
        raise ValueError("ph_test: expected events at two times or more, found one")
    by = (clock - clock.mean()) / spread
    u = score(sets, at, by)
    fixed, mixed, changing = (information(sets, parts, at, by**power) for power in range(3))
    own = changing - mixed.T @ np.linalg.solve(fixed, mixed)
    single = sets.unit * u**2 / np.diag(own)
    together, p = sets.unit * float(u @ np.linalg.lstsq(own, u, rcond=1e-12)[0]), len(names)
    null = f"hazards are proportional: no log hazard ratio changes with time ({transform})"
    return ProportionalHazardsTest(together, p, chi_squared_tail(together, p), null, transform, names, single)


def _clock(slot_time: Floats, times: Times, transform: Transform) -> Floats:
    """Transform time at each slot; ranks and survival curve are those of all rows, unweighted, over all strata, as R's."""
    if transform == "identity":
        return slot_time
    if transform == "log":
        if (slot_time <= 0).any():
            raise ValueError("ph_test: expected event times above zero for the log transform; choose another transform")
        return np.asarray(np.log(slot_time))
    ordered = np.sort(times.time)
    below, upto = (np.searchsorted(ordered, slot_time, side=side) for side in ("left", "right"))
    return (below + upto + 1) / 2 if transform == "rank" else _lost(slot_time, times, ordered)


def _lost(slot_time: Floats, times: Times, ordered: Floats) -> Floats:
    """One minus the Kaplan-Meier curve just before each slot's time."""
    distinct, events = np.unique(times.time[times.event], return_counts=True)
    at_risk = len(ordered) - np.searchsorted(ordered, distinct, side="left")
    if times.entry is not None:
        at_risk = at_risk - (len(ordered) - np.searchsorted(np.sort(times.entry), distinct, side="left"))
    survival = np.concatenate([[1.0], np.cumprod(1 - events / at_risk)])
    return np.asarray(1 - survival[np.searchsorted(distinct, slot_time, side="left")])
