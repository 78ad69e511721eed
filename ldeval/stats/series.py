"""Interrupted time series: segmented regression with errors that allow for autocorrelation."""

from __future__ import annotations

from typing import Any

from ldeval.stats import doors, families, glm, sandwich
from ldeval.stats.doors import Floats
from ldeval.stats.fit import Regression
from ldeval.stats.linear import regression, spare_rows


def interrupted_time_series(y: Any, X: Any, *, exposure: Any = None, lags: int, level: float = 0.95) -> Regression:
    """Fit a segmented series with Newey-West errors.

    Without exposure E[y_t] = x_t'b by least squares (take logs of y for relative changes; Student's t with n - p degrees of
    freedom); with exposure log(E[y_t] / exposure_t) = x_t'b by Poisson quasi-likelihood (normal). The covariance is M S M
    with M the inverse information, u_t the score of row t, and S = sum over |j| <= lags of (1 - |j| / (lags + 1)) times the
    sum of u_t u_(t-j)', without prewhitening or small-sample factor. A change of level or slope in X is the interruption's
    effect if, without it, the series would have gone on as the other columns say.

    Args:
        y: outcome in the order of time, equally spaced, shape (n,).
        X: design with its own intercept column: time, change of level, change of slope, season; shape (n, p).
        exposure: time or people at risk, above zero, shape (n,); y is then a count.
        lags: how many periods back errors may be correlated, from 0; 0 gives HC0.
        level: of the intervals.

    Source: Newey and West, 1987, doi:10.2307/1913610; Bernal, Cummins and Gasparrini, 2017, doi:10.1093/ije/dyw098.

    Raises:
        ValueError: input that a door refuses; lags below 0 or not below n; collinear columns, by name; no more rows than
            columns.

    """
    outcome = doors.outcome(y) if exposure is None else doors.counts(y)
    offset = doors.log_exposure(exposure, len(outcome))
    design = doors.design(X, rows=len(outcome))
    reach = doors.whole(lags, "lags", 0, len(outcome) - 1)
    posed = glm.problem(design, outcome, offset=offset)
    spare = spare_rows(posed)
    solution = glm.fit(families.Gaussian() if exposure is None else families.Poisson(), posed)
    scores = posed.columns() * solution.residual[:, None]
    bread = solution.inverse
    covariance = bread @ _long_run(scores, reach) @ bread
    df = float(spare) if exposure is None else None
    found = sandwich.Errors(covariance, df, f"Newey-West ({reach} lags)")
    return regression(solution, found, doors.level(level), loglik=solution.loglik, df=df)


def _long_run(scores: Floats, lags: int) -> Floats:
    total = scores.T @ scores
    for lag in range(1, lags + 1):
        cross = scores[lag:].T @ scores[:-lag]
        total += (1 - lag / (lags + 1)) * (cross + cross.T)
    return total
