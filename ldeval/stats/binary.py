"""Binary outcomes: logistic regression, standardised risks, and the doubly robust comparison of two arms."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from ldeval.stats import doors, estimands, families, glm, marginal, sandwich
from ldeval.stats.doors import Bools, Design, Floats, Groups
from ldeval.stats.fit import Contrasts, Regression
from ldeval.stats.linear import regression, spare_rows

ClusterCorrection = Literal["CR1", "CR1-t"]


def logistic(
    y: Any,
    X: Any,
    *,
    weights: Any = None,
    cluster: Any = None,
    robust: sandwich.Robust | None = None,
    small_sample: sandwich.SmallSample | None = None,
    level: float = 0.95,
) -> Regression:
    """Fit log(p / (1 - p)) = x'b by maximum likelihood.

    Estimates: log odds ratios given the other columns; these do not collapse, so that they differ from marginal ones even
    without confounding (see `standardised_risk`). Model-based errors need independent rows and a right model; robust and
    clustered errors need independent rows or clusters.

    Args:
        y: 0 or 1, shape (n,).
        X: design with its own intercept column, shape (n, p).
        weights: probability weights, shape (n,); errors are then robust.
        cluster: membership, shape (n,); errors are then clustered, without small-sample correction unless named.
        robust: HC0, HC1 or HC3.
        small_sample: CR1, CR1-t or CR2; see `sandwich.errors`.
        level: of the intervals.

    Source: McCullagh and Nelder, Generalized Linear Models (1989), chapter 4; equal to R's `glm` with `sandwich`.

    Raises:
        ValueError: input that a door refuses; outcomes other than 0 and 1, or all alike; collinear columns or columns that
            separate the outcome, by name; options that do not go together.

    """
    outcome = binary_outcome(y)
    design = doors.design(X, rows=len(outcome))
    clusters = doors.clusters(cluster, len(outcome))
    sandwich.check(robust, clusters, small_sample)
    solution = fit_logistic(outcome, design, None if weights is None else doors.weights(weights, len(outcome)))
    found = sandwich.errors(solution, robust=robust, cluster=clusters, small_sample=small_sample)
    return regression(solution, found, doors.level(level), loglik=solution.loglik, df=found.df)


def standardised_risk(
    y: Any,
    treated: Any,
    X: Any,
    *,
    estimand: estimands.Estimand,
    weights: Any = None,
    cluster: Any = None,
    small_sample: ClusterCorrection | None = None,
    level: float = 0.95,
) -> Contrasts:
    """Compare the risks of two arms over one population, by logistic regression on treatment and X.

    Risk of an arm: sum of a_i p(arm, x_i) over the target, a_i the row's weight over their sum: everyone (ATE), the treated
    (ATT), or the overlap population, which needs overlap weights. Rows: `risk_treated`, `risk_control`, `risk_difference`,
    `log_risk_ratio`, `log_odds_ratio` (marginal). Estimates the effect if X holds all confounders and either the model is
    right or the weights are. Errors by the delta method from the covariance of the coefficients (model-based; HC0 with
    weights; clustered with clusters): they take the target's covariates, and the weights, as given.

    Args:
        y: 0 or 1, shape (n,).
        treated: 0 or 1, shape (n,).
        X: the other columns, with their own intercept, shape (n, p).
        estimand: ATT, ATE, or overlap.
        weights: `Weights` for the same estimand, or sampling weights (n,); used for the fit and for the target.
        cluster: membership, shape (n,).
        small_sample: CR1 or CR1-t.
        level: of the intervals.

    Source: Localio, Margolis and Berlin, 2007, doi:10.1016/j.jclinepi.2006.12.001; Hernán and Robins, What If (2020), chapter
        13.

    Raises:
        ValueError: as `logistic`; weights for another estimand; the overlap population without weights.

    """
    outcome = binary_outcome(y)
    arm, design = estimands.arms(treated, X, rows=len(outcome))
    load = None if weights is None else doors.weights(weights, len(outcome))
    target = estimands.target(arm, load, estimand, weights)
    clusters = doors.clusters(cluster, len(outcome))
    doors.choice("small_sample", small_sample, (None, *get_args(ClusterCorrection)))
    sandwich.check(None, clusters, small_sample)
    solution = fit_logistic(outcome, marginal.with_treatment(arm, design), load)
    found = sandwich.errors(solution, robust=None, cluster=clusters, small_sample=small_sample)
    means, slopes = marginal.standardised(solution, families.Binomial(), target)
    names, values, covariance = marginal.contrasts(means, slopes @ found.covariance @ slopes.T, "risk")
    label = f"delta method, {found.label}"
    df = None if found.df is None else float(found.df)
    return Contrasts(names, values, covariance, doors.level(level), len(outcome), estimand, label, df)


def aipw(
    y: Any,
    treated: Any,
    X: Any,
    *,
    estimand: Literal["ATT", "ATE"],
    cluster: Any = None,
    small_sample: ClusterCorrection | None = None,
    level: float = 0.95,
) -> Contrasts:
    """Compare the means of two arms by augmented inverse probability weighting.

    With the propensity score e and the outcome models m1, m0 of the arms: the ATE is the mean of m1 - m0 + T (Y - m1) / e -
    (1 - T) (Y - m0) / (1 - e), the ATT that of [T - (1 - T) e / (1 - e)] (Y - m0) / P(T = 1). Consistent if either the score
    or the outcome models hold, given that X holds all confounders. e is logistic in X; m1 and m0 are logistic for a 0/1
    outcome (rows as in `standardised_risk`), else linear (`mean_treated`, `mean_control`, `mean_difference`). Errors from the
    influence function, which need both models right, or clustered sums of it.

    Args:
        y: outcome, shape (n,).
        treated: 0 or 1, shape (n,).
        X: design of all three models, with its own intercept column, shape (n, p).
        estimand: ATT or ATE.
        cluster: membership, shape (n,).
        small_sample: CR1 or CR1-t (G / (G - 1); t with G - 1 degrees of freedom).
        level: of the intervals.

    Source: Robins, Rotnitzky and Zhao, 1994, doi:10.2307/2290910; for the ATT, Mercatanti and Li, 2014, doi:10.1214/14-AOAS784.

    Raises:
        ValueError: input that a door refuses; one arm only; a model that cannot be fitted in an arm; options that do not go
            together.

    """
    doors.choice("estimand", estimand, ("ATT", "ATE"))
    outcome = doors.outcome(y)
    arm, design = estimands.arms(treated, X, rows=len(outcome))
    clusters = doors.clusters(cluster, len(outcome))
    doors.choice("small_sample", small_sample, (None, *get_args(ClusterCorrection)))
    sandwich.check(None, clusters, small_sample)
    odds = fit_logistic(arm.astype(np.float64), design, None).odds
    binary = bool(np.isin(outcome, (0.0, 1.0)).all())
    predicted = [_predict(outcome, design, rows, binary) for rows in (arm, ~arm)]
    means, influence = _augmented(outcome, arm, odds, predicted, estimand)
    covariance = _influence_errors(influence, clusters, small_sample)
    names, values, joint = marginal.contrasts(means, covariance, "risk" if binary else "mean")
    count = 0 if clusters is None else len(clusters.labels)
    label = f"influence function, {'independent rows' if clusters is None else f'clustered ({count} clusters, {small_sample})'}"
    df = float(count - 1) if small_sample == "CR1-t" else None
    return Contrasts(names, values, joint, doors.level(level), len(outcome), estimand, label, df)


def binary_outcome(y: Any) -> Floats:
    """Check an outcome that is 0 or 1.

    Raises:
        ValueError: as `doors.numbers`; other values; all alike.

    """
    outcome = doors.outcome(y)
    if other := int(np.count_nonzero((outcome != 0) & (outcome != 1))):
        raise ValueError(f"y: expected 0 or 1, found {other} of {len(outcome)} rows otherwise; code the outcome as 0 and 1")
    return outcome


def fit_logistic(outcome: Floats, design: Design, weights: Floats | None) -> glm.Solution:
    """Fit a logistic model in standard units.

    Raises:
        ValueError: outcomes all alike; as `glm.problem` and `glm.fit`.

    """
    used = outcome if weights is None else outcome[weights > 0]
    if used.min() == used.max():
        raise ValueError(
            f"y: expected both outcomes, found {len(used)} of {len(used)} rows at {used[0]:g}; nothing can be estimated"
        )
    return glm.fit(families.Binomial(), glm.problem(design, outcome, weights=weights))


def _predict(outcome: Floats, design: Design, rows: Bools, binary: bool) -> Floats:
    part = Design(design.matrix[rows], design.names)
    if binary:
        solution = fit_logistic(outcome[rows], part, None)
        eta = design.matrix @ solution.raw()
        return families.Binomial().parts(outcome, eta)[0]
    posed = glm.problem(part, outcome[rows])
    spare_rows(posed)
    return np.asarray(design.matrix @ glm.fit(families.Gaussian(), posed).raw())


def _augmented(outcome: Floats, arm: Bools, odds: Floats, predicted: list[Floats], estimand: str) -> tuple[Floats, Floats]:
    """Give the means of treatment and control, and each row's influence on them over n, shape (n, 2)."""
    one, zero = predicted
    if estimand == "ATE":
        rows = np.column_stack([one + arm * (outcome - one) * (1 + 1 / odds), zero + ~arm * (outcome - zero) * (1 + odds)])
        means = rows.mean(axis=0)
        return means, (rows - means) / len(arm)
    share = arm.mean()
    rows = np.column_stack([arm * outcome, arm * zero + ~arm * odds * (outcome - zero)]) / share
    means = rows.mean(axis=0)
    return means, (rows - np.outer(arm / share, means)) / len(arm)


def _influence_errors(influence: Floats, clusters: Groups | None, small_sample: str | None) -> Floats:
    codes, count = (None, 0) if clusters is None else (clusters.codes, len(clusters.labels))
    return marginal.influence_covariance(influence, codes, count, correct=small_sample is not None)
