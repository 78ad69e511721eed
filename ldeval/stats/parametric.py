"""Parametric survival: accelerated failure time models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Bools, Floats
from ldeval.stats.fit import tidy
from ldeval.stats.influence import cluster_sums
from ldeval.stats.rank import full_rank, standard
from ldeval.stats.samples import SmallSample, correction, pick, pick_groups, unit_of

if TYPE_CHECKING:
    import pandas as pd

Distribution = Literal["weibull", "exponential", "log-normal", "log-logistic"]
STEPS = 100  # Newton steps before a fit counts as not converging
STILL = 1e-9  # a Newton step this small, in units of its standard error, ends the fit


@dataclass(frozen=True, slots=True)
class AcceleratedFailureTime:
    """A fit of log T = x'b + scale * error: p coefficients, then `log_scale` unless the scale is fixed at 1 (exponential)."""

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    scale: float
    loglik: float
    level: float
    df: float | None
    n: int
    events: int
    method: str

    @property
    def aic(self) -> float:
        """Akaike's criterion, of the log-likelihood of T."""
        return 2 * len(self.coefficients) - 2 * self.loglik

    def tidy(self) -> pd.DataFrame:
        """Give `term, estimate, se, low, high, p_value`: log time ratios, and the log of the scale."""
        return tidy(self.names, self.coefficients, self.covariance, level=self.level, df=self.df)


@dataclass(frozen=True, slots=True)
class _Rows:
    log_time: Floats
    event: Bools
    x: Floats
    weights: Floats
    distribution: Distribution


def accelerated_failure_time(
    time: Any,
    event: Any,
    X: Any,
    *,
    distribution: Distribution,
    weights: Any = None,
    cluster: Any = None,
    level: float = 0.95,
    small_sample: SmallSample | None = None,
) -> AcceleratedFailureTime:
    """Fit log T = x'b + scale * e by maximum likelihood.

    e has the smallest extreme value (Weibull; exponential with scale 1), normal (log-normal) or logistic (log-logistic)
    distribution. exp(b) multiplies the time to the event; under the Weibull, -b / scale is also a log hazard ratio. The model
    extrapolates beyond the data, and the choice of distribution decides how: compare `aic`. Censoring is taken as independent
    given x.

    The covariance is the inverse of the observed information; with weights or clusters the sandwich of the scores.

    Args:
        time: end of follow-up, above zero, shape (n,).
        event: 1 for the event, 0 for censored, shape (n,).
        X: design with its own intercept column, shape (n, p).
        distribution: weibull, exponential, log-normal or log-logistic.
        weights: zero or more, shape (n,), taken as known.
        cluster: the cluster of each row, shape (n,).
        level: of the intervals.
        small_sample: CR1-t, for few clusters: covariance times G / (G - 1), Student's t on G - 1 degrees of freedom.

    Source: Kalbfleisch & Prentice (2002), section 3.6; R's survival::survreg, whose parameters these are.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; times of zero; no event; collinear columns; a likelihood
            that rises without end.

    """
    doors.choice("distribution", distribution, get_args(Distribution))
    found = doors.times(time, event)
    n = len(found.time)
    if zero := int(np.count_nonzero(found.time == 0)):
        raise ValueError(f"time: expected times above zero, found {zero} of {n} rows at zero; drop them or add half a unit")
    mass, groups = doors.weights(weights, n), doors.clusters(cluster, n)
    design = full_rank(doors.design(X, rows=n), weights=mass)
    kept = mass > 0
    unit = unit_of(mass)
    x, turn = standard(pick(kept, design.matrix))
    rows = _Rows(np.log(pick(kept, found.time)), pick(kept, found.event), x, pick(kept, mass) / unit, distribution)
    if not rows.event.any():
        raise ValueError(f"event: expected at least one event, found none in {n} rows")
    theta = _newton(rows)
    loglik, scores, information = _derivatives(rows, theta)
    try:
        inverse = np.linalg.inv(information)
    except np.linalg.LinAlgError:
        raise ValueError("X: expected a likelihood with a maximum, found a flat one; give more events or fewer columns") from None
    used = pick_groups(kept, groups)
    rule = correction(small_sample, used)
    covariance, errors = inverse / unit, "model-based errors"
    if weights is not None or groups is not None:
        sums = cluster_sums(scores, used)
        covariance = rule.factor * inverse @ (sums.T @ sums) @ inverse
        errors = "robust errors" if used is None else f"robust errors over {len(used.labels)} clusters{rule.words}"
    fixed = distribution == "exponential"
    back = np.linalg.inv(turn)
    if not fixed:
        back = np.block([[back, np.zeros((len(back), 1))], [np.zeros((1, len(back))), np.ones((1, 1))]])
    return AcceleratedFailureTime(
        design.names if fixed else (*design.names, "log_scale"),
        back @ theta,
        back @ covariance @ back.T,
        1.0 if fixed else float(np.exp(theta[-1])),
        unit * loglik,
        doors.level(level),
        rule.df,
        len(rows.event),
        int(rows.event.sum()),
        f"accelerated failure time, {distribution}; {errors}",
    )


def _newton(rows: _Rows) -> Floats:
    """Maximise from least squares on log time, halving steps that lose likelihood."""
    root = np.sqrt(rows.weights)
    theta: Floats = np.asarray(np.linalg.lstsq(rows.x * root[:, None], rows.log_time * root, rcond=None)[0], dtype=np.float64)
    if rows.distribution != "exponential":
        theta = np.append(theta, np.log(max(float(np.std(rows.log_time - rows.x @ theta)), 1e-3)))
    now = _derivatives(rows, theta)
    for _ in range(STEPS):
        step = _ascent(now)
        trial = _derivatives(rows, theta + step)
        for _ in range(60):
            if trial[0] >= now[0] - 1e-12 * abs(now[0]):
                break
            step = step / 2
            trial = _derivatives(rows, theta + step)
        moved = float(step @ now[2] @ step)
        theta, now = theta + step, trial
        if 0 <= moved < STILL**2:
            return np.asarray(theta)
    raise ValueError(
        f"X: expected a likelihood with a maximum, found none in {STEPS} steps; look for columns that decide the event"
    )


def _ascent(now: tuple[float, Floats, Floats]) -> Floats:
    """Newton's step, with the information made positive where the likelihood is not concave."""
    values, vectors = np.linalg.eigh(now[2])
    floor = 1e-12 * float(np.abs(values).max())
    return np.asarray(vectors @ ((vectors.T @ now[1].sum(axis=0)) / np.maximum(np.abs(values), floor)))


@np.errstate(over="ignore", invalid="ignore", divide="ignore")
def _derivatives(rows: _Rows, theta: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood of T, weighted scores of the rows and observed information, in (b, log scale)."""
    free = rows.distribution != "exponential"
    log_scale = float(theta[-1]) if free else 0.0
    scale = np.exp(log_scale)
    b = theta[:-1] if free else theta
    z = (rows.log_time - rows.x @ b) / scale
    value, first, second = _log_density(z, rows.event, rows.distribution)
    total = float(rows.weights @ (value - rows.event * (log_scale + rows.log_time)))
    if not np.isfinite(total):
        return -np.inf, np.zeros((len(z), len(theta))), np.eye(len(theta))
    w = rows.weights
    score = rows.x * (-w * first / scale)[:, None]
    information = rows.x.T @ (rows.x * (-w * second / scale**2)[:, None])
    if not free:
        return total, score, information
    score = np.column_stack((score, -w * (z * first + rows.event)))
    cross = -rows.x.T @ (w * (z * second + first) / scale)
    corner = -float(w @ (z * first + z**2 * second))
    return total, score, np.block([[information, cross[:, None]], [cross[None, :], np.array([[corner]])]])


def _log_density(z: Floats, event: Bools, distribution: Distribution) -> tuple[Floats, Floats, Floats]:
    """Give log f(z) of events and log S(z) of the others, with two derivatives."""
    from scipy.special import expit, log_ndtr

    if distribution == "log-normal":
        tail = log_ndtr(-z)
        mills = np.exp(-(z**2) / 2 - np.log(2 * np.pi) / 2 - tail)
        density = -(z**2) / 2 - np.log(2 * np.pi) / 2
        return np.where(event, density, tail), np.where(event, -z, -mills), np.where(event, -1.0, -mills * (mills - z))
    if distribution == "log-logistic":
        p, tail, times = expit(z), -np.logaddexp(0.0, z), np.where(event, 2.0, 1.0)
        return event * z + times * tail, event - times * p, -times * p * (1 - p)
    grown = np.exp(z)
    return event * z - grown, event - grown, -grown
