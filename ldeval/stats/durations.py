"""Durations: quantile regression, for open cases as well."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from ldeval.stats import censored_quantile, doors, quantile
from ldeval.stats.doors import Bools, Design, Floats, Groups
from ldeval.stats.fit import Regression
from ldeval.stats.rank import full_rank, standard

Method = Literal["nid", "iid", "ker", "cluster"]


def quantile_regression(
    y: Any,
    X: Any,
    *,
    q: float = 0.5,
    errors: Method = "nid",
    cluster: Any = None,
    censored: Any = None,
    draws: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> Regression:
    """Fit the quantile of y given x as x'b: b minimises the sum of (y - x'b) (q - 1[y < x'b]).

    Errors without censoring, as R's quantreg with its defaults (Hall and Sheather's bandwidth; Student's t with n - p degrees
    of freedom): "nid" lets the density differ between rows (Hendricks and Koenker), "iid" holds it equal, "ker" is Powell's
    kernel sandwich, "cluster" is Powell's kernel with scores summed over clusters (Parente and Santos Silva, 2016) and is
    taken wherever clusters are given.

    With `censored` the rows marked 1 are known only to last longer than y (open court cases): Portnoy's estimator, which
    spreads a censored row over the quantiles above it as Kaplan-Meier does, along its exact path (R's `crq` follows it in
    steps). Censoring must be independent of y given x. Errors then come from `draws` bootstrap samples of rows or clusters
    and the normal distribution.

    Args:
        y: outcome, such as days or their logarithm, shape (n,).
        X: design with its own intercept column, shape (n, p).
        q: the quantile, above 0 and below 1.
        errors: nid, iid, ker or cluster; ignored with `censored`.
        cluster: membership, shape (n,).
        censored: 1 where the case is still open at y, else 0, shape (n,).
        draws: of the bootstrap, used with `censored` alone.
        seed: of the bootstrap.
        level: of the intervals.

    Source: Koenker, Quantile Regression (2005), chapters 3 and 6; Portnoy, 2003, J. Am. Stat. Assoc. 98:1001.

    Raises:
        ValueError: input that a door refuses; q outside (0, 1); "cluster" without clusters; collinear columns, by name; no
            more rows than columns; a quantile beyond the last uncensored row.

    """
    outcome = doors.outcome(y)
    design = full_rank(doors.design(X, rows=len(outcome)))
    clusters = doors.clusters(cluster, len(outcome))
    doors.choice("errors", errors, get_args(Method))
    share, count, start = doors.level(q, "q"), doors.whole(draws, "draws", 2), doors.whole(seed, "seed", 0)
    if errors == "cluster" and clusters is None:
        raise ValueError('errors: "cluster" needs the clusters; name them')
    if len(outcome) <= len(design.names):
        raise ValueError(f"X: expected more rows than columns, found {len(outcome)} row(s) and {len(design.names)} column(s)")
    if censored is None:
        return _complete(outcome, design, share, errors, clusters, doors.level(level))
    open_case = doors.numbers(censored, "censored", rows=len(outcome))
    if wrong := int(np.count_nonzero((open_case != 0) & (open_case != 1))):
        raise ValueError(f"censored: expected 1 (open) or 0 (closed), found {wrong} of {len(open_case)} rows otherwise")
    return _censored(outcome, design, open_case == 1, share, clusters, count, start, doors.level(level))


def _complete(y: Floats, design: Design, q: float, errors: str, clusters: Groups | None, level: float) -> Regression:
    X, turn = standard(design.matrix)
    coefficients = quantile.solve(X, y, q)
    residual = y - X @ coefficients
    covariance, label = _covariance(X, y, residual, q, "cluster" if clusters else errors, clusters)
    spare = float(len(y) - len(turn))
    return _regression(design, coefficients, covariance, turn, level, label, spare, X @ coefficients)


def _covariance(X: Floats, y: Floats, residual: Floats, q: float, errors: str, clusters: Groups | None) -> tuple[Floats, str]:
    if errors == "iid":
        return quantile.covariance_iid(X, residual, q), "iid"
    if clusters is not None:
        meat = quantile.cluster_meat(X, residual, q, clusters.codes, len(clusters.labels))
        label = f"clustered ({len(clusters.labels)} clusters, no small-sample correction, kernel density)"
        return quantile.sandwich(X, quantile.density_kernel(residual, q), meat), label
    density = quantile.density_nid(X, y, q) if errors == "nid" else quantile.density_kernel(residual, q)
    return quantile.sandwich(X, density, q * (1 - q) * (X.T @ X)), errors


def _censored(
    y: Floats, design: Design, censored: Bools, q: float, clusters: Groups | None, draws: int, seed: int, level: float
) -> Regression:
    from ldeval.stats.resample import cluster_bootstrap

    X, turn = standard(design.matrix)
    members = np.arange(len(y)) if clusters is None else clusters.codes
    data = {"X": X, "y": y, "censored": censored}
    boot = cluster_bootstrap(lambda d: _portnoy(d, q), data, cluster=members, draws=draws, seed=seed)
    covariance = np.atleast_2d(np.cov(boot.draws, rowvar=False))
    unit = "rows" if clusters is None else f"{len(clusters.labels)} clusters"
    label = f"bootstrap of {unit} ({len(boot.draws)} draws), Portnoy's censored quantile"
    return _regression(design, boot.estimate, covariance, turn, level, label, None, X @ boot.estimate)


def _portnoy(data: dict[str, Any], q: float) -> Floats:
    try:
        return censored_quantile.solve(data["X"], data["y"], data["censored"], q)
    except np.linalg.LinAlgError:
        raise ValueError("X: the rows drawn leave a column without variation") from None


def _regression(
    design: Design,
    coefficients: Floats,
    covariance: Floats,
    turn: Floats,
    level: float,
    label: str,
    df: float | None,
    fitted: Floats,
) -> Regression:
    back = np.linalg.inv(turn)
    coefficients, covariance = back @ coefficients, back @ covariance @ back.T
    return Regression(design.names, coefficients, covariance, level, len(fitted), label, df, float("nan"), fitted)
