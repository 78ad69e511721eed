"""Weighted curves of both arms with their numbers at risk: survival, cumulative incidence, mean counts of repeat events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ldeval.analysis.exhibits import Curves, Point
from ldeval.analysis.records import Comparison
from ldeval.stats.competing import cumulative_incidence
from ldeval.stats.curves import Curve
from ldeval.stats.linear import linear
from ldeval.stats.survival import kaplan_meier

Floats = npt.NDArray[np.float64]
Shape = Literal["survival", "incidence"]
GROUPS = (("Users", 1.0), ("Comparators", 0.0))
LEVEL = 0.95
KNOWN = "weights taken as known; errors clustered by area (CR1, t)"


@dataclass(frozen=True, slots=True)
class Timed:
    """People of both arms with days to the end of follow-up (n,), how it ended (n,; 1 the event), and weights (n,)."""

    people: Comparison
    time: Floats
    state: npt.NDArray[np.int64]
    weights: Floats


def timed_curves(key: str, title: str, outcome: str, data: Timed, shape: Shape) -> Curves:
    """Give the weighted curve of each arm, with unweighted numbers at risk and of events at each step."""
    points = tuple(point for label, arm in GROUPS for point in _steps(label, data, data.people.treated == arm, shape))
    name = "Kaplan-Meier, other endings censored" if shape == "survival" else "Aalen-Johansen, other endings competing"
    method = f"weighted {name}; {KNOWN}"
    return Curves(key, title, outcome, "days", "the index event", LEVEL, method, points, shape, weighted=True)


def _steps(label: str, data: Timed, which: npt.NDArray[np.bool_], shape: Shape) -> Iterator[Point]:
    time, state, entry = data.time[which], data.state[which], data.people.entry[which]
    fit = _fit(data, which, shape)
    start = 1.0 if shape == "survival" else 0.0
    yield Point(label, 0.0, start, start, start, int((entry <= 0).sum()), 0, 0)
    for day in np.unique(time):
        now, at = state[time == day], fit.at(day)
        others = int((now > 1).sum())
        yield Point(
            label,
            float(day),
            float(at.estimate),
            float(at.low),
            float(at.high),
            at_risk=int(((entry < day) & (time >= day)).sum()),
            events=int((now == 1).sum()),
            censored=int((now == 0).sum()) + (others if shape == "survival" else 0),
            competing=others if shape == "incidence" else 0,
        )


def _fit(data: Timed, which: npt.NDArray[np.bool_], shape: Shape) -> Curve:
    time, state, weights = data.time[which], data.state[which], data.weights[which]
    entry, cluster = data.people.entry[which], data.people.cluster[which]
    if shape == "survival":
        return kaplan_meier(time, state == 1, entry=entry, weights=weights, cluster=cluster, small_sample="CR1-t")
    return cumulative_incidence(time, state, cause=1, entry=entry, weights=weights, cluster=cluster, small_sample="CR1-t")


def mean_counts(key: str, title: str, outcome: str, people: Comparison, counts: Floats, weights: Floats) -> Curves:
    """Give each arm's weighted mean of events so far, by month; `counts` (n, months) are a person's events in each month.

    The mean is over everyone, those who died among them: death ends a person's events and is not undone.
    """
    X = np.column_stack([people.treated, 1.0 - people.treated])
    totals = counts.cumsum(axis=1)
    points = {label: [Point(label, 0.0, 0.0, 0.0, 0.0, int((people.treated == arm).sum()), 0, 0)] for label, arm in GROUPS}
    for month in range(totals.shape[1]):
        fit = linear(totals[:, month], X, weights=weights, cluster=people.cluster, small_sample="CR2").tidy()
        for row, (label, arm) in enumerate(GROUPS):
            own = people.treated == arm
            value, low, high = (float(fit.loc[row, name]) for name in ("estimate", "low", "high"))
            events = int(counts[own, month].sum())
            points[label].append(Point(label, month + 1.0, value, max(low, 0.0), high, int(own.sum()), events, 0))
    method = "weighted mean of events so far, death ending them; errors clustered by area (CR2)"
    made = tuple(point for label in points for point in points[label])
    return Curves(key, title, outcome, "months", "the index event", LEVEL, method, made, "mean count", weighted=True)
