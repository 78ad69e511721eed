"""Least squares: means, weighted means and their differences, with robust and clustered errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ldeval.stats import doors, families, glm, sandwich
from ldeval.stats.doors import Floats
from ldeval.stats.fit import Regression


def linear(
    y: Any,
    X: Any,
    *,
    weights: Any = None,
    cluster: Any = None,
    robust: sandwich.Robust | None = None,
    small_sample: sandwich.SmallSample | None = None,
    level: float = 0.95,
) -> Regression:
    """Fit E[y | x] = x'b by (weighted) least squares.

    Estimates: the coefficients of the best linear predictor; of the mean itself where that is linear in X. Robust and clustered
    errors need independence between rows or clusters only. Intervals use Student's t with n - p degrees of freedom, as R's `lm`
    and `coeftest` do (CR1-t: clusters less 1; CR2: Satterthwaite's).

    Args:
        y: outcome, shape (n,).
        X: design with its own intercept column, shape (n, p).
        weights: analysis or probability weights, shape (n,); errors are then robust.
        cluster: membership, shape (n,); errors are then clustered, without small-sample correction unless named.
        robust: HC0, HC1 or HC3.
        small_sample: CR1, CR1-t or CR2; see `sandwich.errors`.
        level: of the intervals.

    Source: Angrist and Pischke, Mostly Harmless Econometrics (2009), chapter 3.

    Raises:
        ValueError: input that a door refuses; collinear columns, by name; no more rows than columns; options that do not go
            together.

    """
    outcome = doors.outcome(y)
    design = doors.design(X, rows=len(outcome))
    clusters = doors.clusters(cluster, len(outcome))
    sandwich.check(robust, clusters, small_sample)
    load = None if weights is None else doors.weights(weights, len(outcome))
    posed = glm.problem(design, outcome, weights=load)
    spare = spare_rows(posed)
    solution = glm.fit(families.Gaussian(), posed)
    variance = -2 * solution.loglik / spare
    found = sandwich.errors(solution, robust=robust, cluster=clusters, small_sample=small_sample)
    if found.label == "model-based":
        found = sandwich.Errors(found.covariance * variance, None, found.label)
    df = float(spare) if found.df is None else found.df
    return regression(solution, found, doors.level(level), loglik=_loglik(solution), df=df)


def regression(
    solution: glm.Solution, found: sandwich.Errors, level: float, *, loglik: float, df: float | Floats | None
) -> Regression:
    """Turn a solution and its errors from standard units into those of X."""
    return Regression(
        solution.problem.design.names,
        solution.raw(),
        solution.raw_covariance(found.covariance),
        level,
        len(solution.mean),
        found.label,
        df,
        loglik,
        solution.mean,
    )


def spare_rows(posed: glm.Problem) -> int:
    """Count the rows beyond the columns.

    Raises:
        ValueError: none is left.

    """
    n, p = sandwich.used_rows(posed), len(posed.design.names)
    if n <= p:
        raise ValueError(f"X: expected more rows than columns, found {n} row(s) of weight above zero and {p} column(s)")
    return n - p


def _loglik(solution: glm.Solution) -> float:
    n = sandwich.used_rows(solution.problem)
    weights = solution.problem.weights
    logs = 0.0 if weights is None else float(np.log(weights[weights > 0]).sum())
    squares = -2 * solution.loglik
    with np.errstate(divide="ignore"):
        return float(0.5 * (logs - n * (np.log(2 * np.pi * squares / n) + 1.0)))
