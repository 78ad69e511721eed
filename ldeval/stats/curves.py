"""The curve: a step function of time with its errors and intervals, as every non-parametric estimator returns it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ldeval.stats.at_risk import ratio
from ldeval.stats.doors import Floats, choice, numbers
from ldeval.stats.samples import Sample

Interval = Literal["log-log", "log", "plain", "logit", "arcsin"]
INTERVALS = ("log-log", "log", "plain", "logit", "arcsin")


@dataclass(frozen=True, slots=True)
class Point:
    """A value with its error and interval: floats for one question, arrays for several."""

    estimate: Any
    se: Any
    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class Curve:
    """A right-continuous step function, constant from each `time` to the next.

    `time`, `estimate`, `se`, `low`, `high`, `at_risk` and `events` have shape (T,), one place for each distinct end of
    follow-up, censored ones too. `at_risk` and `events` are sums of weights. `initial` is the value before the first time, `n`
    the number of rows with a weight above zero, `critical` the quantile that bounds the interval, `method` one line that says
    what was estimated and how its error was made.
    """

    time: Floats
    estimate: Floats
    se: Floats
    low: Floats
    high: Floats
    at_risk: Floats
    events: Floats
    initial: float
    level: float
    critical: float
    n: int
    method: str

    def at(self, t: Any) -> Point:
        """Give `estimate, se, low, high` at time(s) t; NaN beyond the last follow-up, where the data say nothing.

        A survival curve that has reached 0 stays there.

        Raises:
            ValueError: t is not a finite number.

        """
        asked = numbers(np.atleast_1d(t), "t")
        place = np.searchsorted(self.time, asked, side="right")
        unknown = (asked > self.time[-1]) & ~((self.initial == 1.0) & (self.estimate[-1] == 0.0))
        starts = (self.initial, 0.0, self.initial, self.initial)
        steps = (self.estimate, self.se, self.low, self.high)
        return _point(t, [np.where(unknown, np.nan, np.append(a, v)[place]) for a, v in zip(starts, steps, strict=True)])

    def quantile(self, p: Any) -> Point:
        """Give the time by which a share p has had the event, NaN where the curve never gets there.

        The time is the first at which the curve has crossed p, or the middle of the step on which it equals p, as R's
        quantile.survfit; the interval is where the pointwise limits cross. `se` is the interval's width over twice `critical`,
        NaN where a limit is open. Source: Brookmeyer & Crowley (1982), doi:10.2307/2530286.

        Raises:
            ValueError: p outside (0, 1).

        """
        share = numbers(np.atleast_1d(p), "p")
        if ((share <= 0) | (share >= 1)).any():
            raise ValueError("p: expected shares between 0 and 1 such as 0.5 for the median")
        falls = self.initial == 1.0
        early, late = (self.low, self.high) if falls else (self.high, self.low)
        curves = [1 - values if falls else values for values in (self.estimate, early, late)]
        middle, first, last = (np.array([_crossing(self.time, done, q) for q in share]) for done in curves)
        return _point(p, [middle, (last - first) / (2 * self.critical), first, last])


def make_curve(
    data: Sample,
    estimate: Floats,
    variance: Floats,
    *,
    events: Floats,
    initial: float,
    level: float,
    interval: Interval | Literal["hazard"],
    method: str,
) -> Curve:
    """Join an estimate with its interval on the scale named; a probability stays in [0, 1].

    A probability that has come to its end (a survival of 0, an incidence of 1) has no estimable error: `se` is 0 there, the
    limit of the variance, and the interval runs on to the limit of the step before, because the curve can only have moved that
    way.
    """
    se = np.sqrt(data.correction.factor * variance)
    critical = data.correction.critical(level)
    low, high = limits(estimate, se, critical, interval)
    _hold(estimate, low, high, initial)
    at_risk, events = data.unit * data.sets.at_risk, data.unit * events
    return Curve(data.sets.time, estimate, se, low, high, at_risk, events, initial, level, critical, data.n, method)


def limits(p: Floats, se: Floats, z: float, interval: str) -> tuple[Floats, Floats]:
    """Give the pointwise limits of a probability on one of five scales; of a count or hazard on `hazard`, the log scale.

    Source: Kalbfleisch & Prentice (2002), section 1.4; R's survfit, conf.type.
    """
    from scipy.special import expit, logit

    low, high = p.copy(), p.copy()
    if interval == "hazard":
        spread = np.exp(z * ratio(se, p))
        return p / spread, p * spread
    inside = (p > 0) & (p < 1)
    q, error = p[inside], z * se[inside]
    if interval == "plain":
        low[inside], high[inside] = q - error, q + error
    elif interval == "log":
        low[inside], high[inside] = q * np.exp(-error / q), q * np.exp(error / q)
    elif interval == "log-log":
        spread = error / (q * np.log(q))
        low[inside], high[inside] = q ** np.exp(-spread), q ** np.exp(spread)
    elif interval == "logit":
        spread = error / (q * (1 - q))
        low[inside], high[inside] = expit(logit(q) - spread), expit(logit(q) + spread)
    else:
        angle, spread = np.arcsin(np.sqrt(q)), error / (2 * np.sqrt(q * (1 - q)))
        low[inside] = np.sin(np.maximum(angle - spread, 0)) ** 2
        high[inside] = np.sin(np.minimum(angle + spread, np.pi / 2)) ** 2
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


def interval_choice(value: Any) -> Interval:
    """Check the interval's scale.

    Raises:
        ValueError: lists the choices.

    """
    checked: Interval = choice("interval", value, INTERVALS)
    return checked


def _hold(estimate: Floats, low: Floats, high: Floats, initial: float) -> None:
    """At the end of a probability, keep the limit of the step before on the side that it came from."""
    came_from = high if initial == 1.0 else low
    ended = np.flatnonzero(estimate == 1.0 - initial)
    if len(ended):
        came_from[ended[0] :] = came_from[ended[0] - 1] if ended[0] else initial


def _crossing(time: Floats, done: Floats, p: float) -> float:
    """Give the first time at which `done` has passed p, or the middle of the step on which it equals p."""
    slack = 1.5e-8  # the square root of the float's precision, as R's: a step that equals p up to rounding counts as equal
    reached = np.flatnonzero(done >= p - slack)
    if not len(reached):
        return np.nan
    passed = np.flatnonzero(done > p + slack)
    if done[reached[0]] > p + slack or not len(passed):
        return float(time[reached[0]])
    return float((time[reached[0]] + time[passed[0]]) / 2)


def _point(asked: Any, values: list[Floats]) -> Point:
    if np.ndim(asked) == 0:
        return Point(*(float(value[0]) for value in values))
    return Point(*values)
