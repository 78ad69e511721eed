"""Kaplan-Meier, log-rank and Cox from lifelines and statsmodels, where these equal R.

Not used from them, because they differ from R: tests of proportional hazards, restricted means, cluster-robust errors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from numpy.typing import NDArray
from scipy.stats import chi2, norm
from statsmodels.duration.hazard_regression import PHReg
from statsmodels.duration.survfunc import survdiff

Array = NDArray[np.float64]
Ties = Literal["efron", "breslow"]


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan-Meier curve, one entry a distinct time from 0 on; `se` is Greenwood's, the interval log-log."""

    time: Array
    estimate: Array
    se: Array
    low: Array
    high: Array
    at_risk: Array
    events: Array
    censored: Array

    def at(self, t: float) -> int:
        """Give the index of the step that holds at time `t`."""
        return int(np.searchsorted(self.time, t, side="right")) - 1


def kaplan_meier(time: Array, event: Array, *, level: float) -> Survival:
    """S(t) = product over event times of (1 - d/n), by lifelines; censoring independent of the event is assumed.

    Greenwood's variance S(t)^2 sum d / (n (n - d)). Source: Kaplan and Meier 1958, doi:10.1080/01621459.1958.10501452.
    """
    fit = KaplanMeierFitter(alpha=1 - level).fit(time, event)
    table = fit.event_table
    n, d = table["at_risk"].to_numpy(float), table["observed"].to_numpy(float)
    surv = fit.survival_function_.iloc[:, 0].to_numpy(float)
    terms = np.divide(d, n * (n - d), out=np.zeros_like(d), where=n > d)
    bounds = fit.confidence_interval_.to_numpy(float)
    censored = table["censored"].to_numpy(float)
    return Survival(
        table.index.to_numpy(float), surv, surv * np.sqrt(np.cumsum(terms)), bounds[:, 0], bounds[:, 1], n, d, censored
    )


@dataclass(frozen=True, slots=True)
class LogRank:
    """The log-rank test of two groups. Null hypothesis: the hazard is the same in both groups at all times.

    `log_ratio` = (O - E) / V is the one-step estimate of the log hazard ratio of group 1 against group 0, and
    1 / sqrt(V) its standard error, so that its Wald test is the log-rank test.
    """

    statistic: float
    p_value: float
    observed: tuple[float, float]
    expected: tuple[float, float]
    log_ratio: float
    se: float


def logrank(time: Array, event: Array, group: Array) -> LogRank:
    """Compare `group` 1 with 0: the statistic is statsmodels' (hypergeometric variance), E the usual sum of d n1 / n.

    Source: Peto and Peto 1972, doi:10.2307/2344317.
    """
    one = group == 1
    statistic, p_value = (float(x) for x in survdiff(time, event, group))
    expected = sum(event[time == t].sum() * (one & (time >= t)).sum() / (time >= t).sum() for t in _times(time, event))
    observed = float(event[one].sum())
    excess = observed - float(expected)
    variance = excess**2 / statistic
    return LogRank(
        statistic,
        p_value,
        (float(event[~one].sum()), observed),
        (float(event.sum() - expected), float(expected)),
        excess / variance,
        variance**-0.5,
    )


def _times(time: Array, event: Array) -> Array:
    return np.unique(time[event == 1])


@dataclass(frozen=True, slots=True)
class Cox:
    """A plain Cox model on the log scale: coefficients, model-based errors, log-likelihoods (null model first)."""

    terms: tuple[str, ...]
    coef: Array
    covariance: Array
    loglik: tuple[float, float]
    n: int
    events: int

    @property
    def se(self) -> Array:
        """Standard errors of the coefficients."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def p_values(self) -> Array:
        """Two-sided Wald p-values."""
        return np.asarray(2 * norm.sf(np.abs(self.coef / self.se)))

    @property
    def likelihood_ratio(self) -> tuple[float, float]:
        """The likelihood-ratio statistic against the null model, and its p-value."""
        statistic = 2 * (self.loglik[1] - self.loglik[0])
        return statistic, float(chi2.sf(statistic, len(self.coef)))


def cox(
    frame: pd.DataFrame, time: str, event: str, terms: Sequence[str], *, ties: Ties = "efron", strata: str | None = None
) -> Cox:
    """Maximise the partial likelihood by statsmodels' PHReg; hazards are assumed proportional within strata.

    Source: Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties after Efron 1977 or Breslow 1974.
    """
    groups = None if strata is None else frame[strata].to_numpy()
    status = frame[event].to_numpy(float)
    model = PHReg(frame[time].to_numpy(float), frame[list(terms)].to_numpy(float), status=status, ties=ties, strata=groups)
    fit = model.fit()
    null = float(model.loglike(np.zeros(len(terms))))
    return Cox(tuple(terms), fit.params, fit.cov_params(), (null, float(fit.llf)), len(frame), int(status.sum()))
