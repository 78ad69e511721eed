"""Poisson, negative binomial, unit effects, series, standardised rates: by hand, against peers, invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.counts import (
    fixed_effects_poisson,
    interrupted_time_series,
    negative_binomial,
    poisson,
    standardised_rate,
)
from ldeval.stats.linear import linear

SOLVED = 1e-9
"""Relative: what Newton's last step leaves, and rounding."""
PEER = 1e-6
"""Relative: peers stop their own iterations there."""

# Six people: 2 + 1 + 0 visits in 1 + 2 + 1 years, and 4 + 2 + 3 in 1 + 1 + 1.
VISITS = np.array([2, 1, 0, 4, 2, 3])
YEARS = np.array([1, 2, 1, 1, 1, 1])
ARM = np.array([0, 0, 0, 1, 1, 1])
X = np.column_stack([np.ones(6), ARM])


def test_poisson_by_hand():
    """Rates 3 / 4 and 9 / 3; the error of a log rate is 1 / root of its count."""
    fit = poisson(VISITS, X, exposure=YEARS)
    np.testing.assert_allclose(fit.coefficients, [np.log(3 / 4), np.log(3 / (3 / 4))], rtol=SOLVED)
    np.testing.assert_allclose(fit.tidy()["se"], np.sqrt([1 / 3, 1 / 3 + 1 / 9]), rtol=SOLVED)


def test_standardised_rate_by_hand():
    """HC0 of a log rate: root of the sum of squared residuals over the count."""
    table = standardised_rate(VISITS, ARM, np.ones((6, 1)), estimand="ATE", exposure=YEARS).tidy().set_index("term")
    v0 = ((2 - 0.75) ** 2 + (1 - 1.5) ** 2 + (0 - 0.75) ** 2) / 3**2
    v1 = ((4 - 3) ** 2 + (2 - 3) ** 2 + 0) / 9**2
    assert table.estimate["rate_difference"] == pytest.approx(3 - 0.75, rel=SOLVED)
    assert table.se["rate_difference"] == pytest.approx(np.sqrt(3**2 * v1 + 0.75**2 * v0), rel=SOLVED)
    assert table.estimate["log_rate_ratio"] == pytest.approx(np.log(4), rel=SOLVED)
    assert table.se["log_rate_ratio"] == pytest.approx(np.sqrt(v1 + v0), rel=SOLVED)


def test_unit_effects_by_hand():
    """Two units, before and after: b is the log ratio of totals, with error root of 1 / before + 1 / after."""
    y, after, unit = [2, 6, 1, 3], [0, 1, 0, 1], ["a", "a", "b", "b"]
    fit = fixed_effects_poisson(y, np.array(after), unit=unit)
    assert fit.coefficients[0] == pytest.approx(np.log(9 / 3), rel=SOLVED)
    assert fit.tidy()["se"][0] == pytest.approx(np.sqrt(1 / 9 + 1 / 3), rel=SOLVED)
    silent = fixed_effects_poisson([*y, 0, 0], np.array([*after, 0, 1]), unit=[*unit, "c", "c"])
    assert (silent.units, silent.silent, silent.coefficients[0]) == (2, 1, pytest.approx(np.log(3), rel=SOLVED))


def test_series_by_hand():
    """Mean of 1, 2, 6 with one lag: scores -2, -1, 3, so S = 14 + 2 (1/2) (2 - 3) = 13 over 3 squared."""
    fit = interrupted_time_series([1, 2, 6], np.ones((3, 1)), lags=1)
    assert fit.coefficients[0] == pytest.approx(3, rel=SOLVED)
    assert fit.tidy()["se"][0] == pytest.approx(np.sqrt(13) / 3, rel=SOLVED)
    assert interrupted_time_series([1, 2, 6], np.ones((3, 1)), lags=0).tidy()["se"][0] == pytest.approx(
        linear([1, 2, 6], np.ones((3, 1)), robust="HC0").tidy()["se"][0], rel=SOLVED
    )


def people(seed, n=500, alpha=0.5):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2)).round(3)])
    exposure = rng.uniform(0.2, 2, n).round(3)
    mean = exposure * np.exp(x @ [0.5, 0.4, -0.2])
    y = rng.poisson(mean * (rng.gamma(1 / alpha, alpha, n) if alpha else 1))
    return y, x, exposure, rng.integers(0, 27, n)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_equal_to_statsmodels(seed):
    from statsmodels.api import GLM, families
    from statsmodels.discrete.discrete_model import NegativeBinomial

    y, x, exposure, area = people(seed)
    groups = {"groups": area, "use_correction": False}
    peer = GLM(y, x, family=families.Poisson(), exposure=exposure).fit(cov_type="cluster", cov_kwds=groups, tol=1e-14)
    fit = poisson(y, x, exposure=exposure, cluster=area)
    np.testing.assert_allclose(fit.coefficients, peer.params, rtol=PEER)
    np.testing.assert_allclose(fit.tidy()["se"], peer.bse, rtol=PEER)
    assert fit.loglik == pytest.approx(peer.llf, rel=PEER)
    mixed = negative_binomial(y, x, exposure=exposure, information="observed")
    start = np.append(mixed.coefficients, mixed.alpha)
    peer = NegativeBinomial(y, x, exposure=exposure).fit(start_params=start, disp=0, method="newton")
    np.testing.assert_allclose(mixed.tidy()["se"], peer.bse[:-1], rtol=1e-5)
    assert mixed.loglik == pytest.approx(peer.llf, rel=1e-10)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_unit_effects_equal_dummies(seed):
    """Coefficients and all clustered errors without a count of columns, CR2 with its degrees of freedom included."""
    y, x, exposure, unit = people(seed)
    clusters = unit // 3
    dummies = np.column_stack([x[:, 1:], np.eye(27)[unit]])
    for rule in (None, "CR2"):
        within = fixed_effects_poisson(y, x[:, 1:], unit=unit, exposure=exposure, cluster=clusters, small_sample=rule)
        full = poisson(y, dummies, exposure=exposure, cluster=clusters, small_sample=rule)
        np.testing.assert_allclose(
            within.tidy().drop(columns="term"), full.tidy().drop(columns="term")[:2], rtol=1e-6, atol=1e-12
        )
    np.testing.assert_allclose(within.fitted, full.fitted, rtol=1e-7)


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # pyfixest's own calls of pandas
def test_unit_effects_equal_pyfixest():
    from pyfixest import fepois

    y, x, _, unit = people(4)
    frame = pd.DataFrame({"y": y, "a": x[:, 1], "b": x[:, 2], "unit": unit})
    peer = fepois("y ~ a + b | unit", frame, vcov="iid", iwls_tol=1e-12)
    fit = fixed_effects_poisson(y, frame[["a", "b"]], unit=unit)
    np.testing.assert_allclose(fit.coefficients, peer.coef(), rtol=PEER)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_invariants(seed):
    y, x, exposure, area = people(seed)
    for call in (poisson, negative_binomial):
        fit = call(y, x, exposure=exposure, cluster=area)
        order = np.random.default_rng(seed).permutation(len(y))
        assert_same(call(y[order], x[order], exposure=exposure[order], cluster=area[order]), fit)
        doubled = call(np.tile(y, 2), np.tile(x, (2, 1)), exposure=np.tile(exposure, 2), cluster=np.tile(area, 2))
        assert_same(call(y, x, exposure=exposure, weights=np.full(len(y), 2.0), cluster=area), doubled)
        shifted = call(y, x, exposure=exposure * 12, cluster=area)
        np.testing.assert_allclose(shifted.coefficients, fit.coefficients - [np.log(12), 0, 0], rtol=1e-6, atol=1e-9)
        scaled = call(y, x * [1, 1e8, 1e-8], exposure=exposure, cluster=area)
        np.testing.assert_allclose(scaled.coefficients * [1, 1e8, 1e-8], fit.coefficients, rtol=1e-6)


def assert_same(one, other):
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-6, atol=1e-9)
    size = np.sqrt(np.diag(other.covariance))
    np.testing.assert_allclose(one.covariance / np.outer(size, size), other.covariance / np.outer(size, size), atol=1e-6)


def test_counts_less_spread_than_poisson_give_alpha_zero():
    y, x, _, _ = people(0, alpha=0)
    tame = np.minimum(y, 2)
    fit = negative_binomial(tame, x[:, :1])
    assert fit.alpha == 0
    assert np.isnan(fit.alpha_se)
    assert_same(fit, poisson(tame, x[:, :1]))


def test_alpha_near_zero_and_large_are_found():
    for alpha in (0.02, 20.0):
        y, x, exposure, _ = people(7, n=20_000, alpha=alpha)
        fit = negative_binomial(y, x, exposure=exposure)
        assert abs(fit.alpha - alpha) < 4 * fit.alpha_se


def test_separation_is_named():
    flag = np.repeat([0.0, 1.0], 50)
    y = np.where(flag == 1, 0, np.arange(100) % 4)
    frame = pd.DataFrame({"one": 1.0, "x": np.sin(np.arange(100)), "flag": flag})
    for call in (poisson, negative_binomial):
        with pytest.raises(ValueError, match="separation: flag foretell"):
            call(y, frame)
    unit = np.arange(100) % 10
    with pytest.raises(ValueError, match="separation"):
        fixed_effects_poisson(y, frame[["x", "flag"]], unit=unit)


def test_exposures_over_many_magnitudes():
    y, x, _, _ = people(1)
    exposure = 10.0 ** np.random.default_rng(0).uniform(-6, 6, len(y))
    fit = poisson(y, x, exposure=exposure)
    score = x.T @ (y - exposure * np.exp(x @ fit.coefficients))
    np.testing.assert_allclose(score / y.sum(), 0, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: poisson([-1, 2], np.ones((2, 1))), "y: expected zero or more, found 1 of 2"),
        (lambda: poisson([0, 0], np.ones((2, 1))), "at least one count above zero, found none in 2"),
        (lambda: poisson([0, 1], np.ones((2, 1)), weights=[1, 0]), "at least one count above zero"),
        (lambda: poisson([0, 1], np.ones((2, 1)), exposure=[1, 0]), "exposure: expected above zero, found 1 of 2"),
        (lambda: negative_binomial([0, 1], np.ones((2, 1)), information="both"), "'expected', 'observed', found 'both'"),
        (lambda: fixed_effects_poisson(VISITS, X, unit=ARM), "do not vary within any unit that has a count: x0, x1"),
        (lambda: fixed_effects_poisson(VISITS, YEARS, unit=ARM, cluster=[0, 1, 0, 1, 0, 1]), "2 unit\\(s\\) in more"),
        (lambda: fixed_effects_poisson([0] * 6, YEARS, unit=ARM), "at least one count above zero"),
        (lambda: interrupted_time_series(VISITS, X, lags=6), "whole number from 0 to 5, found 6"),
        (lambda: interrupted_time_series([1, 2], np.eye(2), lags=0), "more rows than columns, found 2"),
        (lambda: linear([1], np.ones((1, 1))), "more rows than columns, found 1"),
        (lambda: standardised_rate(VISITS, ARM, np.ones((5, 1)), estimand="ATE"), "X: expected 6 rows"),
        (lambda: standardised_rate(VISITS[:5], ARM, np.ones((6, 1)), estimand="ATE"), "treated: expected 5 rows"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
