"""Restricted mean survival time: the mean time without the event up to a horizon, by group, with differences and ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Floats, Groups
from ldeval.stats.influence import Process, cluster_sums, row_influence
from ldeval.stats.risk_sets import RiskSets, ratio
from ldeval.stats.samples import Sample, pick_groups, sample

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class RestrictedMean:
    """Restricted means of k groups: `estimate` of shape (k,) and its `covariance` of shape (k, k), in the unit of time."""

    tau: float
    groups: tuple[str, ...]
    estimate: Floats
    covariance: Floats
    level: float
    n: int
    events: int
    method: str

    @property
    def se(self) -> Floats:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def tidy(self) -> pd.DataFrame:
        """Give a row per group, then the difference from the first group and the ratio to it for each other group.

        Columns `term, estimate, se, low, high, p_value, scale`. The difference and the ratio are of the second group against the
        first; with more groups the terms name the pair. `scale` says where `se` lives: a ratio is told as itself, the error is that
        of its logarithm and the interval is made there. p-values are for no difference; a mean by itself has none.
        """
        import pandas as pd

        rows = [(label, *self._wald(j, None)) for j, label in enumerate(self.groups)]
        pairs = [(j, "" if len(self.groups) == 2 else f": {label} to {self.groups[0]}") for j, label in enumerate(self.groups)][
            1:
        ]
        rows += [(f"difference{pair}", *self._wald(j, 0)) for j, pair in pairs]
        rows += [(f"ratio{pair}", *self._ratio(j)) for j, pair in pairs]
        return pd.DataFrame(rows, columns=["term", "estimate", "se", "low", "high", "p_value", "scale"])

    def _wald(self, j: int, base: int | None) -> tuple[float, float, float, float, float, str]:
        contrast = np.zeros(len(self.groups))
        contrast[j] = 1.0
        if base is not None:
            contrast[base] = -1.0
        value, se = float(contrast @ self.estimate), _error(contrast, self.covariance)
        z = self._z()
        return value, se, value - z * se, value + z * se, _p_value(value, se) if base is not None else np.nan, "identity"

    def _ratio(self, j: int) -> tuple[float, float, float, float, float, str]:
        if not self.estimate[0] or not self.estimate[j]:
            return (np.nan,) * 5 + ("log",)
        contrast = np.zeros(len(self.groups))
        contrast[j], contrast[0] = 1 / self.estimate[j], -1 / self.estimate[0]
        value, se = float(np.log(self.estimate[j] / self.estimate[0])), _error(contrast, self.covariance)
        low, high = np.exp(value - self._z() * se), np.exp(value + self._z() * se)
        return float(np.exp(value)), se, float(low), float(high), _p_value(value, se), "log"

    def _z(self) -> float:
        from scipy.special import ndtri

        return float(ndtri(0.5 + self.level / 2))


def rmst(
    time: Any,
    event: Any,
    *,
    tau: float,
    group: Any = None,
    weights: Any = None,
    cluster: Any = None,
    level: float = 0.95,
) -> RestrictedMean:
    """Estimate the mean time without the event up to tau.

        mu = integral from 0 to tau of S(t) dt,

    the area under each group's Kaplan-Meier curve, under censoring independent of the event. The error is that of the estimate:
    sum over u <= tau of [integral from u to tau of S]^2 d / [n (n - d)], with whole weights taken for numbers of like people; where a
    weight is fractional or clusters are given, the infinitesimal jackknife, with the covariance of groups that share clusters.
    A difference of means needs no proportional hazards.

    Args:
        time: end of follow-up, shape (n,).
        event: 1 for the event, 0 for censored, shape (n,).
        tau: the horizon, in the unit of time.
        group: shape (n,); None is one group.
        weights: zero or more, shape (n,), taken as known.
        cluster: the cluster of each row, shape (n,).
        level: of the intervals.

    Source: Royston & Parmar (2013), doi:10.1186/1471-2288-13-152; R's survRM2::rmst2 and survival's survmean.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; tau at or below zero, or beyond the last follow-up of a group
            whose curve has not reached 0, where the area is not known.

    """
    rows = len(doors.numbers(time, "time"))
    members = Groups(np.zeros(rows, dtype=np.intp), ("all",)) if group is None else doors.groups(group, "group", rows)
    horizon = float(doors.numbers(np.atleast_1d(tau), "tau")[0])
    if horizon <= 0:
        raise ValueError(f"tau: expected a horizon above zero, found {horizon:g}")
    whole = sample(time, event, None, weights, cluster)
    kept = doors.weights(weights, rows) > 0
    picked = pick_groups(kept, members)
    assert picked is not None
    end = whole.sets.time[whole.sets.end]
    estimate, influence = np.zeros(len(picked.labels)), np.zeros((whole.n, len(picked.labels)))
    plain = np.zeros(len(picked.labels))
    for j, label in enumerate(picked.labels):
        mine = picked.codes == j
        one = sample(end[mine], whole.event[mine], None, whole.weights[mine], None)
        _refuse_beyond(one.sets, horizon, label)
        estimate[j], plain[j], influence[mine, j] = restricted_mean(one, horizon)
    sums = cluster_sums(influence, whole.cluster)
    covariance = sums.T @ sums if whole.robust else np.diag(plain)
    return RestrictedMean(
        horizon,
        picked.labels,
        estimate,
        covariance,
        doors.level(level),
        whole.n,
        int(whole.event.sum()),
        f"Restricted mean to {horizon:g}; {whole.errors('Greenwood')}",
    )


def restricted_mean(data: Sample, tau: float) -> tuple[float, float, Floats]:
    """Give the area under the curve to tau, its Greenwood variance and the weighted influence of each row on it."""
    sets = data.sets
    steps = np.clip(np.append(sets.time, np.inf), 0.0, tau)
    area = np.concatenate(([steps[0]], sets.survival * np.diff(steps)))
    left = np.cumsum(area[::-1])[::-1][1:]
    step = np.where(sets.time <= tau, left, 0.0)
    expected = np.cumsum(step * ratio(sets.hazard, sets.beyond))
    jump = np.where(data.event, (step * ratio(np.ones(1), sets.beyond))[sets.end], 0.0)
    influence = -data.weights * row_influence(sets, Process(jump, expected))
    return float(area.sum()), float(np.sum(step**2 * ratio(sets.hazard, sets.beyond))), influence


def _refuse_beyond(sets: RiskSets, tau: float, label: str) -> None:
    if tau > sets.time[-1] and sets.survival[-1] > 0:
        raise ValueError(
            f"tau: expected a horizon within the follow-up of each group, found {tau:g}, beyond that of {label!r};"
            f" use {sets.time[-1]:g} or less"
        )


def _error(contrast: Floats, covariance: Floats) -> float:
    return float(np.sqrt(max(contrast @ covariance @ contrast, 0.0)))


def _p_value(value: float, se: float) -> float:
    from scipy.special import ndtr

    if se == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * ndtr(-abs(value) / se))
