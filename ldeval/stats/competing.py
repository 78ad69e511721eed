"""Competing risks: cumulative incidence (Aalen-Johansen), Gray's test and the Fine-Gray model."""

from __future__ import annotations

from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import AtRisk, before, binned, ratio
from ldeval.stats.curves import Curve, Interval, make_curve
from ldeval.stats.doors import Bools, Floats
from ldeval.stats.fine_gray import fine_gray
from ldeval.stats.gray import gray_test
from ldeval.stats.influence import Process, jackknife_variance
from ldeval.stats.samples import Sample, SmallSample, pick, sample

__all__ = ["cumulative_incidence", "fine_gray", "gray_test"]

INTERVAL: Interval = "log-log"


def cumulative_incidence(
    time: Any,
    state: Any,
    *,
    cause: int,
    entry: Any = None,
    weights: Any = None,
    cluster: Any = None,
    level: float = 0.95,
    small_sample: SmallSample | None = None,
) -> Curve:
    """Estimate the probability of the event from one cause by each time, other causes competing (Aalen-Johansen).

        F(t) = sum over u <= t of S(u-) d_k(u) / n(u),

    with S the Kaplan-Meier curve of an event of any cause, d_k(u) the weight of the events of cause k at u and n(u) the weight
    of those at risk just before. Events tied in time are counted as tied. It estimates P(T <= t, cause k) where censoring and
    late entry are independent of time and cause; one minus Kaplan-Meier with other causes censored does not.

    Without weights or clusters the error is the delta-method one of R's cmprsk::cuminc (Gray 1988), which allows for ties as in
    sampling without replacement; whole weights are numbers of like people. Where a weight is fractional or clusters are given
    it is robust: the infinitesimal jackknife, as R's survival::survfit for several states. The interval is made on the log-log
    scale.

    Args:
        time: end of follow-up, shape (n,).
        state: 0 for censored, 1, 2, ... for the cause, shape (n,).
        cause: the cause of interest; one that nobody has gives a curve of zeros.
        entry: when each row comes under observation; at risk on (entry, time].
        weights: zero or more, shape (n,), taken as known.
        cluster: the cluster of each row, shape (n,).
        level: of the pointwise interval.
        small_sample: CR1-t, for few clusters: variance times G / (G - 1), Student's t on G - 1 degrees of freedom; None as R.

    Source: Aalen & Johansen (1978), jstor.org/stable/4615704; Gray (1988), doi:10.1214/aos/1176350951; for the jackknife
    Andersen et al. (2003), doi:10.1093/biomet/90.1.15.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`.

    """
    found = doors.states(time, state, entry, cause=cause)
    data = sample(found.time, found.state > 0, entry, weights, cluster, small_sample)
    failed = pick(doors.weights(weights, len(found.time)) > 0, found.state == cause)
    sets = data.sets
    events = binned(sets.end, len(sets.time), data.weights * failed)
    survival = before(sets.survival, 1.0)
    incidence = np.cumsum(survival * ratio(events, sets.at_risk))
    if data.robust:
        processes = incidence_processes(data, failed, events, incidence)
        variance = jackknife_variance(sets, processes, [np.ones(len(incidence)), -incidence], data.weights, data.cluster)
    else:
        variance = _delta_variance(sets, events, incidence)
    return make_curve(
        data,
        np.minimum(incidence, 1.0),
        variance,
        events=events,
        initial=0.0,
        level=doors.level(level),
        interval=INTERVAL,
        method=f"Aalen-Johansen, cause {cause}; {data.errors('delta-method')}; {INTERVAL} interval",
    )


def incidence_processes(data: Sample, failed: Bools, events: Floats, incidence: Floats) -> list[Process]:
    """Give P and Q with d F(t) / d w_i = P_i(t) - F(t) Q_i(t).

    Q is what a row takes from survival, -d log S / d w_i; P is its own direct addition to F, plus Q weighed by F when it happens.
    """
    sets, ones = data.sets, np.ones(1)
    share = ratio(before(sets.survival, 1.0), sets.at_risk)
    left = ratio(ones, sets.beyond)
    own = failed * share[sets.end] + data.event * (incidence * left)[sets.end]
    expected = share * ratio(events, sets.at_risk) + incidence * sets.hazard * left
    return [
        Process(own, np.cumsum(expected)),
        Process(data.event * left[sets.end], np.cumsum(sets.hazard * left)),
    ]


def _delta_variance(sets: AtRisk, events: Floats, incidence: Floats) -> Floats:
    """Sum over u the variance of the events of cause k, and of those of other causes, through what they change later."""
    after, at_risk = sets.survival, sets.at_risk
    inverse = ratio(np.ones(1), after)
    total = [np.zeros(len(after)) for _ in range(3)]
    for count, direct in ((events, 1.0), (sets.events - events, 0.0)):
        ties = 1 - ratio(np.maximum(count - 1, 0.0), at_risk - 1)
        spread = before(after, 1.0) ** 2 * ties * ratio(ratio(count, at_risk), at_risk)
        slope = direct + incidence * inverse
        for k, term in enumerate((slope**2, slope * inverse, inverse**2)):
            total[k] += term * spread
    first, second, third = (np.cumsum(part) for part in total)
    return np.maximum(first - 2 * incidence * second + incidence**2 * third, 0.0)
