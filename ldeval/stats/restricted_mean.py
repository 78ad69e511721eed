"""Restricted mean survival time: the mean time without the event up to a horizon, by group, with differences and ratios."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import AtRisk, ratio
from ldeval.stats.doors import Floats, Groups
from ldeval.stats.fit import tidy
from ldeval.stats.influence import Process, cluster_sums, row_influence
from ldeval.stats.samples import Sample, SmallSample, pick_groups, sample

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
    df: float | None
    n: int
    events: int
    method: str

    @property
    def se(self) -> Floats:
        """Standard errors, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def tidy(self) -> pd.DataFrame:
        """Give a row per group, then the difference from the first group and the ratio to it for each other group.

        Columns `term, estimate, se, low, high, p_value, scale`. The difference and the ratio are of the second group against
        the first; with more groups the terms name the pair. `scale` says where `se` lives: a ratio is told as itself, the error
        is that of its logarithm and the interval is made there. p-values are for no difference; a mean by itself has none.
        """
        import pandas as pd

        k = len(self.groups)
        against = np.column_stack((-np.ones(k - 1), np.eye(k - 1)))
        pairs = [""] if k == 2 else [f": {label} to {self.groups[0]}" for label in self.groups[1:]]
        means = self._table(self.groups, np.eye(k), self.estimate, self.covariance).assign(p_value=np.nan)
        differences = self._table([f"difference{pair}" for pair in pairs], against, self.estimate, self.covariance)
        inverse = ratio(np.ones(1), self.estimate)
        logs = np.log(np.where(self.estimate > 0, self.estimate, np.nan))
        ratios = self._table([f"ratio{pair}" for pair in pairs], against, logs, np.outer(inverse, inverse) * self.covariance)
        ratios[["estimate", "low", "high"]] = np.exp(ratios[["estimate", "low", "high"]])
        table = pd.concat([means, differences, ratios][: 3 if k > 1 else 1], ignore_index=True)
        return table.assign(scale=["identity"] * (2 * k - 1) + ["log"] * (k - 1))

    def _table(self, names: Any, contrasts: Floats, values: Floats, covariance: Floats) -> pd.DataFrame:
        joint = contrasts @ covariance @ contrasts.T
        return tidy(tuple(names), contrasts @ values, joint, level=self.level, df=self.df)


def rmst(
    time: Any,
    event: Any,
    *,
    tau: float,
    group: Any = None,
    weights: Any = None,
    cluster: Any = None,
    level: float = 0.95,
    small_sample: SmallSample | None = None,
) -> RestrictedMean:
    """Estimate the mean time without the event up to tau.

        mu = integral from 0 to tau of S(t) dt,

    the area under each group's Kaplan-Meier curve, under censoring independent of the event. The error is that of the estimate:
    sum over u <= tau of [integral from u to tau of S]^2 d / [n (n - d)], with whole weights taken for numbers of like people;
    where a weight is fractional or clusters are given, the infinitesimal jackknife, with the covariance of groups that share
    clusters. A difference of means needs no proportional hazards.

    Args:
        time: end of follow-up, shape (n,).
        event: 1 for the event, 0 for censored, shape (n,).
        tau: the horizon, in the unit of time.
        group: shape (n,); None is one group.
        weights: zero or more, shape (n,), taken as known.
        cluster: the cluster of each row, shape (n,).
        level: of the intervals.
        small_sample: CR1-t, for few clusters: variance times G / (G - 1), Student's t on G - 1 degrees of freedom; None as R.

    Source: Royston & Parmar (2013), doi:10.1186/1471-2288-13-152; R's survRM2::rmst2 and survival's survmean.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; tau at or below zero, or beyond the last follow-up of a
            group whose curve has not reached 0, where the area is not known.

    """
    rows = len(doors.numbers(time, "time"))
    members = Groups(np.zeros(rows, dtype=np.intp), ("all",)) if group is None else doors.groups(group, "group", rows)
    horizon = doors.number(tau, "tau")
    if horizon <= 0:
        raise ValueError(f"tau: expected a horizon above zero, found {horizon:g}")
    whole = sample(time, event, None, weights, cluster, small_sample)
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
    covariance = whole.correction.factor * sums.T @ sums if whole.robust else np.diag(plain)
    return RestrictedMean(
        horizon,
        picked.labels,
        estimate,
        covariance,
        doors.level(level),
        whole.correction.df,
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


def _refuse_beyond(sets: AtRisk, tau: float, label: str) -> None:
    if tau > sets.time[-1] and sets.survival[-1] > 0:
        raise ValueError(
            f"tau: expected a horizon within the follow-up of each group, found {tau:g}, beyond that of {label!r};"
            " use a shorter one"
        )
