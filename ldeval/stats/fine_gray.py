"""The Fine-Gray model: proportional hazards of the subdistribution of one cause, others competing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import before, binned, count_at_risk, ratio
from ldeval.stats.doors import Bools, Codes, Floats
from ldeval.stats.fit import tidy
from ldeval.stats.influence import cluster_sums
from ldeval.stats.rank import full_rank
from ldeval.stats.samples import SmallSample, correction, pick, pick_groups

if TYPE_CHECKING:
    import pandas as pd

STEPS = 60  # Newton steps before a fit counts as not converging
STILL = 1e-10  # a Newton step this small, in standard deviations of the columns, ends the fit
GAIN = 1e-6  # in squares of standard errors, that a step from the end may still promise
LEAST = 1e-300  # of a sum of risks, whose inverse leaves the range of floats below
FLAT = 1e-8  # the share of the information at zero below which a direction has none left


@dataclass(frozen=True, slots=True)
class FineGray:
    """A Fine-Gray fit: p log subdistribution hazard ratios with their robust covariance."""

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    loglik: float
    loglik_null: float
    level: float
    n: int
    events: int
    df: float | None
    method: str

    def tidy(self) -> pd.DataFrame:
        """Give `term, estimate, se, low, high, p_value` on the log scale, a row per column of X."""
        return tidy(self.names, self.coefficients, self.covariance, level=self.level, df=self.df)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Sorted counts that no step of the fit changes: `end` places rows among T times; `kept` is G(end-) of those who competed."""

    x: Floats
    weights: Floats
    failed: Bools
    competed: Bools
    end: Codes
    uncensored: Floats
    events: Floats
    at_risk: Floats
    censoring: Floats


def fine_gray(
    time: Any,
    state: Any,
    X: Any,
    *,
    cause: int,
    weights: Any = None,
    cluster: Any = None,
    level: float = 0.95,
    small_sample: SmallSample | None = None,
) -> FineGray:
    """Fit the Fine-Gray model by the weighted partial likelihood.

        lambda_1(t | x) = lambda_10(t) exp(x'b),

    the hazard of the subdistribution P(T <= t, cause k). A person who fails from another cause stays at risk with the weight
    G(t-) / G(T-), G the Kaplan-Meier curve of censoring. exp(b) orders the cumulative incidences; it is not a rate ratio among
    those still at risk. Censoring is taken as independent of time, cause and X. Ties are Breslow's.

    The error is always the sandwich of Fine and Gray (1999), as R's cmprsk::crr: each row's influence includes what
    it does to the estimate of G. With clusters the influences are summed within them (Zhou et al. 2012); weights enter the
    likelihood, G and the influence and are taken as known. R's finegray with a weighted coxph omits the term for G and so
    differs by a few per cent.

    Args:
        time: end of follow-up, shape (n,).
        state: 0 for censored, 1, 2, ... for the cause, shape (n,).
        X: shape (n, p), without a constant column.
        cause: the cause of interest.
        weights: zero or more, shape (n,).
        cluster: the cluster of each row, shape (n,).
        level: of the intervals.
        small_sample: CR1-t, for few clusters: variance times G / (G - 1), Student's t on G - 1 degrees of freedom; None as R.

    Source: Fine & Gray (1999), doi:10.1080/01621459.1999.10474144; Zhou et al. (2012), doi:10.1093/biostatistics/kxr032.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; columns that are constant or combinations of others; no
            event of the cause; columns that separate those with the event from those without.

    """
    found = doors.states(time, state, cause=cause)
    n = len(found.time)
    mass, groups = doors.weights(weights, n), doors.clusters(cluster, n)
    design = full_rank(doors.design(X, rows=n), constant=False, weights=mass)
    kept = mass > 0
    matrix, end, mass = (pick(kept, part) for part in (design.matrix, found.time, mass))
    code = found.state[kept]
    if not (code == cause).any():
        raise ValueError(f"state: expected at least one event of cause {cause}, found none in {len(code)} rows")
    centre, scale = _units(matrix, mass)
    rows = _rows((matrix - centre) / scale, end, code == cause, code > 0, mass / mass.mean())
    b, likelihoods = _newton(rows, design.names)
    used = pick_groups(kept, groups)
    rule = correction(small_sample, used)
    influence = cluster_sums(_influence(rows, b), used)
    inverse = np.linalg.inv(_derivatives(rows, b)[2])
    covariance = rule.factor * inverse @ (influence.T @ influence) @ inverse / np.outer(scale, scale)
    unit, weight = float(mass.mean()), float(rows.events.sum())
    loglik, null = (unit * (value - weight * float(np.log(unit))) for value in likelihoods)
    who = "rows" if groups is None else f"{len(groups.labels)} clusters{rule.words}"
    return FineGray(
        design.names,
        b / scale,
        covariance,
        loglik,
        null,
        doors.level(level),
        len(code),
        int(np.count_nonzero(code == cause)),
        rule.df,
        f"Fine-Gray, cause {cause}; Breslow ties; robust errors over {who}, with the estimated censoring curve (as crr)",
    )


def _units(matrix: Floats, weights: Floats) -> tuple[Floats, Floats]:
    centre = np.average(matrix, axis=0, weights=weights)
    return centre, np.sqrt(np.average((matrix - centre) ** 2, axis=0, weights=weights))


def _rows(x: Floats, time: Floats, failed: Bools, ended: Bools, weights: Floats) -> _Rows:
    censored = count_at_risk(time, ~ended, None, weights)
    uncensored = before(censored.survival, 1.0)
    events = binned(censored.end[failed], len(uncensored), weights[failed])
    return _Rows(
        x,
        weights,
        failed,
        ended & ~failed,
        censored.end,
        uncensored,
        events,
        censored.at_risk,
        ratio(censored.hazard, censored.at_risk),
    )


def _later(values: Floats) -> Floats:
    """Sum over this time and all later ones."""
    return np.asarray(np.cumsum(values[::-1], axis=0)[::-1])


def _past(values: Floats) -> Floats:
    """Sum over all earlier times."""
    return np.asarray(np.cumsum(values, axis=0) - values)


def _sums(rows: _Rows, values: Floats) -> Floats:
    """Sum `values` of the rows over each time's risk set, those who competed before it weighed by G(t-) / G(T-); shape (T, k)."""
    size = len(rows.events)
    stay = rows.competed
    kept = values[stay] * ratio(np.ones(1), rows.uncensored)[rows.end[stay], None]
    here = np.column_stack([binned(rows.end, size, column) for column in values.T])
    gone = np.column_stack([binned(rows.end[stay], size, column) for column in kept.T])
    return _later(here) + rows.uncensored[:, None] * _past(gone)


def _risk(rows: _Rows, b: Floats) -> tuple[Floats, Floats, Floats]:
    """Give each row's weighted risk, S0 of shape (T,) and the risk set's mean of x at each time, shape (T, p)."""
    eta = rows.x @ b
    risk = rows.weights * np.exp(eta - eta.max())
    total = _sums(rows, np.column_stack((risk, risk[:, None] * rows.x)))
    return risk, total[:, 0], total[:, 1:] * ratio(np.ones(1), total[:, 0])[:, None]


def _exposure(rows: _Rows, hazard: Floats) -> Floats:
    """Sum `hazard`, of shape (T, k), over each row's time at risk, weighed as in the risk sets; shape (n, k)."""
    at_risk = np.cumsum(hazard, axis=0)[rows.end]
    weighed = rows.uncensored[:, None] * hazard
    after = (_later(weighed) - weighed) * ratio(np.ones(1), rows.uncensored)[:, None]
    at_risk[rows.competed] += after[rows.end[rows.competed]]
    return np.asarray(at_risk)


@np.errstate(over="ignore", invalid="ignore")
def _derivatives(rows: _Rows, b: Floats) -> tuple[float, Floats, Floats]:
    """Log partial likelihood, score and information; the information is a difference of two Gram matrices."""
    risk, total, mean = _risk(rows, b)
    happened = rows.events > 0
    if not (total[happened] > LEAST).all():  # lost to rounding
        return -np.inf, np.zeros(len(b)), np.eye(len(b))
    eta = rows.x @ b
    failed = rows.failed
    loglik = float(rows.weights[failed] @ eta[failed] - rows.events[happened] @ (np.log(total[happened]) + eta.max()))
    score = rows.weights[failed] @ rows.x[failed] - rows.events @ mean
    heavy = risk * _exposure(rows, ratio(rows.events, total)[:, None])[:, 0]
    information = (rows.x * heavy[:, None]).T @ rows.x - (mean * rows.events[:, None]).T @ mean
    return loglik, score, information


def _newton(rows: _Rows, names: tuple[str, ...]) -> tuple[Floats, tuple[float, float]]:
    """Maximise, halving steps that lose likelihood; give the coefficients and the likelihood at them and at zero."""
    b: Floats = np.zeros(rows.x.shape[1])
    first = now = _derivatives(rows, b)
    for _ in range(STEPS):
        step = np.asarray(np.linalg.lstsq(now[2], now[1], rcond=None)[0], dtype=np.float64)
        trial = _derivatives(rows, b + step)
        while not trial[0] >= now[0] - 1e-9 * abs(now[0]) and np.abs(step).max() > STILL:
            step = step / 2
            trial = _derivatives(rows, b + step)
        b, now = b + step, trial
        if np.abs(step).max() < STILL:
            break
    _refuse_flat(first[2], now[2], names)
    if float(now[1] @ np.linalg.lstsq(now[2], now[1], rcond=None)[0]) > GAIN:
        raise ValueError("X: no step improves the likelihood; look for values far from all others, and mend or cap them")
    return b, (now[0], first[0])


def _refuse_flat(first: Floats, last: Floats, names: tuple[str, ...]) -> None:
    """Refuse a likelihood without a maximum: along some direction next to no information is left of that at zero."""
    scale = np.sqrt(np.maximum(np.diag(first), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(first / np.outer(scale, scale))
    root = vectors / np.sqrt(np.maximum(values, FLAT))
    left, turned = np.linalg.eigh(root.T @ (last / np.outer(scale, scale)) @ root)
    if values[0] > FLAT and left[0] > FLAT:
        return
    direction = np.abs(vectors[:, 0] if values[0] <= FLAT else root @ turned[:, 0])
    apart = [name for name, size in zip(names, direction, strict=True) if size > 0.1 * direction.max()]
    raise ValueError(
        f"X: expected a likelihood with a maximum, found that it is flat or rises without end in {len(apart)} column(s):"
        f" {', '.join(apart)} (a value at which no event, or every event, happens); drop or merge them"
    )


def _influence(rows: _Rows, b: Floats) -> Floats:
    """Weighted influence of each row on the score, shape (n, p): its own residual and what it does to G."""
    risk, total, mean = _risk(rows, b)
    hazard = ratio(rows.events, total)
    exposure = _exposure(rows, np.column_stack((hazard, hazard[:, None] * mean)))
    own = risk[:, None] * (rows.x * exposure[:, :1] - exposure[:, 1:])
    happened = rows.failed
    residual: Floats = -own
    residual[happened] += rows.weights[happened, None] * (rows.x[happened] - mean[rows.end[happened]])
    return residual + _through_censoring(rows, risk, hazard, mean)


def _through_censoring(rows: _Rows, risk: Floats, hazard: Floats, mean: Floats) -> Floats:
    """Give the influence through G: integral of q / pi over each row's martingale of censoring."""
    size, stay = len(rows.events), rows.competed
    lifted = risk[stay] * ratio(np.ones(1), rows.uncensored)[rows.end[stay]]
    count = binned(rows.end[stay], size, lifted)
    first = np.column_stack([binned(rows.end[stay], size, lifted * column) for column in rows.x[stay].T])
    weighed = rows.uncensored * hazard
    ahead = _later(weighed), _later(weighed[:, None] * mean)
    q = _past(first) * ahead[0][:, None] - _past(count)[:, None] * ahead[1]
    share = q * ratio(np.ones(1), rows.at_risk)[:, None]
    expected = np.cumsum(q * rows.censoring[:, None], axis=0)
    censored = ~(rows.failed | rows.competed)
    return np.asarray(rows.weights[:, None] * (np.where(censored[:, None], share[rows.end], 0.0) - expected[rows.end]))
