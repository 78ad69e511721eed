"""Survival without a model: Kaplan-Meier and Nelson-Aalen curves, log-rank tests, restricted means, mean cumulative counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import ratio
from ldeval.stats.curves import Curve, Interval, interval_choice, make_curve
from ldeval.stats.influence import jackknife_variance
from ldeval.stats.logrank import logrank
from ldeval.stats.recurrent import mean_cumulative_count
from ldeval.stats.restricted_mean import rmst
from ldeval.stats.samples import SmallSample, hazard_process, sample, survival_process

__all__ = ["kaplan_meier", "logrank", "mean_cumulative_count", "nelson_aalen", "rmst"]


def kaplan_meier(
    time: Any,
    event: Any,
    *,
    entry: Any = None,
    weights: Any = None,
    cluster: Any = None,
    level: float = 0.95,
    interval: Interval = "log-log",
    small_sample: SmallSample | None = None,
) -> Curve:
    """Estimate the probability of no event by each time.

        S(t) = prod over u <= t of (1 - d(u) / n(u)),

    with d(u) the weight of the events at u and n(u) the weight of those at risk just before. It estimates P(T > t) where
    censoring and late entry are independent of the event (given the weights, where they adjust for it).

    The error is Greenwood's, S(t)^2 sum d / [n (n - d)], with whole weights taken for numbers of like people. Where a weight is
    fractional or clusters are given it is robust: the infinitesimal jackknife of each row or cluster, as R's survfit(robust=TRUE,
    cluster=), which takes the weights as known (`ldeval.stats.adjusted` accounts for estimated ones).

    Args:
        time: end of follow-up, shape (n,), in any one unit.
        event: 1 for the event, 0 for censored, shape (n,).
        entry: when each row comes under observation; at risk on (entry, time].
        weights: zero or more, shape (n,); rows of weight zero are left out.
        cluster: the cluster of each row, shape (n,), for instance its area or, with several rows a person, its person.
        level: of the pointwise interval.
        interval: the scale of the interval; each keeps it inside [0, 1].
        small_sample: CR1-t, for few clusters: variance times G / (G - 1), Student's t on G - 1 degrees of freedom; None as R.

    Source: Kaplan & Meier (1958), doi:10.2307/2281868; Therneau & Grambsch (2000), section 2.1; R's survival::survfit.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; an interval that does not exist.

    """
    data = sample(time, event, entry, weights, cluster, small_sample)
    sets = data.sets
    estimate = sets.survival
    if data.robust:
        process = survival_process(sets, data.event)
        relative = jackknife_variance(sets, [process], [np.ones(len(estimate))], data.weights, data.cluster)
    else:
        relative = np.cumsum(ratio(sets.hazard, sets.beyond))
    return make_curve(
        data,
        estimate,
        estimate**2 * relative,
        events=sets.events,
        initial=1.0,
        level=doors.level(level),
        interval=interval_choice(interval),
        method=f"Kaplan-Meier; {data.errors('Greenwood')}; {interval} interval",
    )


def nelson_aalen(time: Any, event: Any, *, entry: Any = None, weights: Any = None, level: float = 0.95) -> Curve:
    """Estimate the cumulative hazard.

        H(t) = sum over u <= t of d(u) / n(u),   variance sum d(u) / n(u)^2,

    under independent censoring and late entry. Whole weights are numbers of like people; with fractional ones the error is the
    infinitesimal jackknife, as R's survfit. The interval is made on the log scale.

    Args:
        time: end of follow-up, shape (n,).
        event: 1 for the event, 0 for censored, shape (n,).
        entry: when each row comes under observation; at risk on (entry, time].
        weights: zero or more, shape (n,).
        level: of the pointwise interval.

    Source: Aalen (1978), doi:10.1214/aos/1176344247; R's survival::survfit, cumhaz and std.chaz.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`.

    """
    data = sample(time, event, entry, weights, None)
    sets = data.sets
    estimate = np.cumsum(sets.hazard)
    if data.robust:
        process = hazard_process(sets, data.event)
        variance = jackknife_variance(sets, [process], [np.ones(len(estimate))], data.weights, None)
    else:
        variance = np.cumsum(ratio(sets.hazard, sets.at_risk))
    return make_curve(
        data,
        estimate,
        variance,
        events=sets.events,
        initial=0.0,
        level=doors.level(level),
        interval="hazard",
        method=f"Nelson-Aalen; {data.errors('sum of d / n^2')}; log interval",
    )
