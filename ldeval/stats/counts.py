"""Counts and rates: Poisson, negative binomial, standardised rates; fixed effects and time series beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ldeval.stats import dispersion, doors, estimands, families, glm, marginal, sandwich
from ldeval.stats.fit import Contrasts, Regression
from ldeval.stats.linear import regression
from ldeval.stats.panels import fixed_effects_poisson
from ldeval.stats.series import interrupted_time_series

__all__ = [
    "NegativeBinomial",
    "fixed_effects_poisson",
    "interrupted_time_series",
    "negative_binomial",
    "poisson",
    "standardised_rate",
]

Information = Literal["expected", "observed"]


@dataclass(frozen=True, slots=True)
class NegativeBinomial(Regression):
    """A negative binomial fit: `alpha`, the variance being mean + alpha mean^2, and `alpha_se` (missing where alpha is 0)."""

    alpha: float
    alpha_se: float


def poisson(
    y: Any,
    X: Any,
    *,
    exposure: Any = None,
    weights: Any = None,
    cluster: Any = None,
    robust: sandwich.Robust | None = None,
    small_sample: sandwich.SmallSample | None = None,
    level: float = 0.95,
) -> Regression:
    """Fit log(E[y | x] / exposure) = x'b by Poisson maximum likelihood.

    Estimates: log rate ratios; consistent whenever the mean is right, whatever the distribution, so that y may be any outcome
    of zero or more (a 0/1 outcome gives log risk ratios). Model-based errors need Poisson variance: name `robust` or clusters.

    Args:
        y: counts, zero or more, shape (n,).
        X: design with its own intercept column, shape (n, p).
        exposure: time at risk, above zero, shape (n,).
        weights: probability weights, shape (n,); errors are then robust.
        cluster: membership, shape (n,); errors are then clustered, without small-sample correction unless named.
        robust: HC0, HC1 or HC3.
        small_sample: CR1, CR1-t or CR2; see `sandwich.errors`.
        level: of the intervals.

    Source: Wooldridge, Econometric Analysis of Cross Section and Panel Data (2010), section 18.2; Zou, 2004,
        doi:10.1093/aje/kwh090.

    Raises:
        ValueError: input that a door refuses; counts below zero, or all zero; exposures of zero or less; collinear columns,
            or columns whose rows have no count, by name; options that do not go together.

    """
    posed = _pose(y, X, exposure, weights)
    clusters = doors.clusters(cluster, len(posed.y))
    sandwich.check(robust, clusters, small_sample)
    solution = glm.fit(families.Poisson(), posed)
    found = sandwich.errors(solution, robust=robust, cluster=clusters, small_sample=small_sample)
    loglik = solution.loglik - _log_factorials(posed)
    return regression(solution, found, doors.level(level), loglik=loglik, df=found.df)


def negative_binomial(
    y: Any,
    X: Any,
    *,
    exposure: Any = None,
    weights: Any = None,
    cluster: Any = None,
    robust: sandwich.Robust | None = None,
    small_sample: sandwich.SmallSample | None = None,
    information: Information = "expected",
    level: float = 0.95,
) -> NegativeBinomial:
    """Fit log(E[y | x] / exposure) = x'b with variance mean + alpha mean^2 (NB2) by maximum likelihood in b and alpha.

    Estimates: log rate ratios, consistent where the mean is right. Model-based errors come from the "expected" information at
    the fitted alpha, as R's `MASS::glm.nb`, or from the "observed" information of b and alpha together, as `statsmodels`;
    robust and clustered errors have the expected information as bread. Where the counts vary no more than Poisson's, alpha is 0
    and the fit is Poisson's.

    Args:
        y: counts, zero or more, shape (n,).
        X: design with its own intercept column, shape (n, p).
        exposure: time at risk, above zero, shape (n,).
        weights: probability weights, shape (n,); errors are then robust.
        cluster: membership, shape (n,); errors are then clustered, without small-sample correction unless named.
        robust: HC0, HC1 or HC3.
        small_sample: CR1, CR1-t or CR2; see `sandwich.errors`.
        information: "expected" or "observed".
        level: of the intervals.

    Source: Hilbe, Negative Binomial Regression (2011), chapter 8; Cameron and Trivedi, Microeconometrics (2005), section 20.4.

    Raises:
        ValueError: as `poisson`.

    """
    doors.choice("information", information, get_args(Information))
    posed = _pose(y, X, exposure, weights)
    clusters = doors.clusters(cluster, len(posed.y))
    sandwich.check(robust, clusters, small_sample)
    solution, alpha = dispersion.fit(posed)
    found = sandwich.errors(solution, robust=robust, cluster=clusters, small_sample=small_sample)
    alpha_se = float("nan") if alpha == 0 else dispersion.theta_se(solution, alpha) * alpha**2
    if found.label == "model-based":
        joint = information == "observed" and alpha > 0
        covariance = dispersion.observed(solution, alpha) if joint else found.covariance
        found = sandwich.Errors(covariance, None, f"model-based, {information} information")
    loglik = dispersion.loglik(solution, alpha) if alpha > 0 else solution.loglik - _log_factorials(posed)
    fit = regression(solution, found, doors.level(level), loglik=loglik, df=found.df)
    shared = (fit.names, fit.coefficients, fit.covariance, fit.level, fit.n, fit.errors, fit.df, fit.loglik, fit.fitted)
    return NegativeBinomial(*shared, alpha, alpha_se)


def standardised_rate(
    y: Any,
    treated: Any,
    X: Any,
    *,
    estimand: estimands.Estimand,
    exposure: Any = None,
    weights: Any = None,
    cluster: Any = None,
    small_sample: Literal["CR1", "CR1-t"] | None = None,
    level: float = 0.95,
) -> Contrasts:
    """Compare the rates of two arms over one population, by Poisson regression on treatment and X.

    Rate of an arm: sum of a_i exp(b_arm + x_i'b) over the target, a_i the row's weight times its exposure over their sum.
    Rows: `rate_treated`, `rate_control`, `rate_difference`, `log_rate_ratio`, so that a rate ratio never stands without its
    difference. Errors by the delta method from the covariance of the coefficients: HC0, or clustered; targets, assumptions
    and arguments as `binary.standardised_risk`.

    Args:
        y: counts, zero or more, shape (n,).
        treated: 0 or 1, shape (n,).
        X: the other columns, with their own intercept, shape (n, p).
        estimand: ATT, ATE, or overlap.
        exposure: time at risk, above zero, shape (n,); rates are per unit of it.
        weights: `Weights` for the same estimand, or sampling weights (n,).
        cluster: membership, shape (n,).
        small_sample: CR1 or CR1-t.
        level: of the intervals.

    Source: Hernán and Robins, What If (2020), chapter 13.

    Raises:
        ValueError: as `poisson`; one arm only; weights for another estimand; the overlap population without weights.

    """
    doors.choice("small_sample", small_sample, (None, "CR1", "CR1-t"))
    outcome = doors.counts(y)
    arm, design = estimands.arms(treated, X, rows=len(outcome))
    posed = _pose(outcome, marginal.with_treatment(arm, design), exposure, weights)
    target = estimands.target(arm, posed.weights, estimand, weights) * (1.0 if posed.offset is None else np.exp(posed.offset))
    clusters = doors.clusters(cluster, len(posed.y))
    sandwich.check(None, clusters, small_sample)
    solution = glm.fit(families.Poisson(), posed)
    found = sandwich.errors(solution, robust=None if clusters else "HC0", cluster=clusters, small_sample=small_sample)
    means, slopes = marginal.standardised(solution, families.Poisson(), target / target.sum())
    names, values, covariance = marginal.contrasts(means, slopes @ found.covariance @ slopes.T, "rate")
    df = None if found.df is None else float(found.df)
    label = f"delta method, {found.label}"
    return Contrasts(names, values, covariance, doors.level(level), len(posed.y), estimand, label, df)


def _pose(y: Any, X: Any, exposure: Any, weights: Any) -> glm.Problem:
    outcome = doors.counts(y)
    design = X if isinstance(X, doors.Design) else doors.design(X, rows=len(outcome))
    offset = doors.log_exposure(exposure, len(outcome))
    load = None if weights is None else doors.weights(weights, len(outcome))
    if not (outcome if load is None else outcome * load).any():
        raise ValueError(
            f"y: expected at least one count above zero, found none in {len(outcome)} rows; nothing can be estimated"
        )
    return glm.problem(design, outcome, offset=offset, weights=load)


def _log_factorials(posed: glm.Problem) -> float:
    from scipy.special import gammaln

    terms = gammaln(posed.y + 1)
    return float(terms.sum() if posed.weights is None else terms @ posed.weights)
