"""Logistic regression, standardised risks, doubly robust means: by hand, against peers, invariants, separation."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.binary import aipw, logistic, standardised_risk
from ldeval.stats.weights import propensity_weights

SOLVED = 1e-9
"""Relative: what Newton's last step leaves, and rounding."""
PEER = 1e-7
"""Relative: statsmodels stops its own iterations there."""

# Nine people: 1 of 4 untreated and 3 of 5 treated have the outcome.
Y = np.array([1, 0, 0, 0, 1, 1, 1, 0, 0])
ARM = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
ONES = np.ones((9, 1))


def test_logistic_by_hand():
    """Log odds 1/3 and 3/2; the error of a log odds is the root of the sum of 1 / count."""
    fit = logistic(Y, np.column_stack([np.ones(9), ARM]))
    np.testing.assert_allclose(fit.coefficients, [np.log(1 / 3), np.log((3 / 2) / (1 / 3))], rtol=SOLVED)
    expected = np.sqrt([1 / 1 + 1 / 3, 1 / 1 + 1 / 3 + 1 / 3 + 1 / 2])
    np.testing.assert_allclose(fit.tidy()["se"], expected, rtol=SOLVED)
    loglik = np.log(1 / 4) + 3 * np.log(3 / 4) + 3 * np.log(3 / 5) + 2 * np.log(2 / 5)
    assert fit.loglik == pytest.approx(loglik, rel=SOLVED)
    assert fit.tidy()["term"].tolist() == ["x0", "x1"]


def test_standardised_risk_by_hand():
    table = standardised_risk(Y, ARM, ONES, estimand="ATE").tidy().set_index("term")
    one, zero = 3 / 5, 1 / 4
    v1, v0 = one * (1 - one) / 5, zero * (1 - zero) / 4
    expected = {
        "risk_treated": (one, v1),
        "risk_control": (zero, v0),
        "risk_difference": (one - zero, v1 + v0),
        "log_risk_ratio": (np.log(one / zero), v1 / one**2 + v0 / zero**2),
        "log_odds_ratio": (np.log(4.5), 1 / 3 + 1 / 2 + 1 + 1 / 3),
    }
    for term, (estimate, variance) in expected.items():
        assert table.estimate[term] == pytest.approx(estimate, rel=SOLVED), term
        assert table.se[term] == pytest.approx(np.sqrt(variance), rel=SOLVED), term


def test_aipw_by_hand():
    """With an intercept alone both estimands are the difference of means, the variance that of each arm over its size."""
    for estimand in ("ATE", "ATT"):
        table = aipw(Y, ARM, ONES, estimand=estimand).tidy().set_index("term")
        assert table.estimate["risk_difference"] == pytest.approx(3 / 5 - 1 / 4, rel=SOLVED)
        variance = (0.6 * 0.4 / 5 + 0.25 * 0.75 / 4) * 9 / 8
        assert table.se["risk_difference"] == pytest.approx(np.sqrt(variance), rel=SOLVED)


def people(seed, n=400):
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(n), rng.normal(size=(n, 2)).round(3)])
    treated = (rng.random(n) < 1 / (1 + np.exp(-x[:, 1] / 2))).astype(int)
    y = (rng.random(n) < 1 / (1 + np.exp(0.5 - x[:, 1] - 0.7 * treated))).astype(int)
    return y, treated, x, rng.integers(0, 27, n)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_equals_statsmodels(seed):
    from statsmodels.api import GLM, families

    y, treated, x, area = people(seed)
    X = np.column_stack([treated, x])
    load = np.random.default_rng(seed).random(len(y))
    peer = GLM(y, X, family=families.Binomial(), freq_weights=load).fit(tol=1e-14)
    np.testing.assert_allclose(logistic(y, X, weights=load).coefficients, peer.params, rtol=PEER)
    plain = GLM(y, X, family=families.Binomial())
    groups = {"groups": area, "use_correction": False}
    np.testing.assert_allclose(
        logistic(y, X, cluster=area).tidy()["se"], plain.fit(cov_type="cluster", cov_kwds=groups, tol=1e-14).bse, rtol=PEER
    )
    np.testing.assert_allclose(logistic(y, X, robust="HC0").tidy()["se"], plain.fit(cov_type="HC0", tol=1e-14).bse, rtol=PEER)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_invariants(seed):
    y, treated, x, area = people(seed)
    X = np.column_stack([treated, x])
    fit = logistic(y, X, cluster=area)
    order = np.random.default_rng(seed).permutation(len(y))
    assert_same(logistic(y[order], X[order], cluster=area[order]), fit)
    assert_same(
        logistic(np.tile(y, 2), np.tile(X, (2, 1)), cluster=np.tile(area, 2)), logistic(y, X, weights=[2] * len(y), cluster=area)
    )
    scaled = logistic(y, X * [1, 1e8, 1e-8, 1], cluster=area).tidy()
    np.testing.assert_allclose(scaled["estimate"] * [1, 1e8, 1e-8, 1], fit.coefficients, rtol=1e-7)
    np.testing.assert_allclose(scaled["se"] * [1, 1e8, 1e-8, 1], fit.tidy()["se"], rtol=1e-7)
    np.testing.assert_allclose(logistic(1 - y, X, cluster=area).coefficients, -fit.coefficients, rtol=1e-7)


def assert_same(one, other):
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-7)
    np.testing.assert_allclose(one.covariance, other.covariance, rtol=1e-6, atol=1e-12)


@given(st.integers(0, 10_000), st.sampled_from(["standardised", "aipw"]))
@settings(max_examples=20, deadline=None)
def test_swapping_the_arms_inverts_the_contrasts(seed, which):
    call = {"standardised": standardised_risk, "aipw": aipw}[which]
    y, treated, x, area = people(seed)
    there, back = (call(y, arm, x, estimand="ATE", cluster=area).tidy().set_index("term") for arm in (treated, 1 - treated))
    for term in ("risk_difference", "log_risk_ratio", "log_odds_ratio"):
        assert there.estimate[term] == pytest.approx(-back.estimate[term], rel=1e-7, abs=1e-10)
        assert there.se[term] == pytest.approx(back.se[term], rel=1e-6)


def test_weights_define_the_target():
    """An ATT target of the treated: with ATT weights and without, the arms' fits differ but the treated risk is theirs."""
    y, treated, x, area = people(1)
    weights = propensity_weights(treated, x)
    table = standardised_risk(y, treated, x, estimand="ATT", weights=weights, cluster=area, small_sample="CR1-t").tidy()
    assert table.estimate[0] == pytest.approx(y[treated == 1].mean(), rel=1e-8)
    overlap = propensity_weights(treated, x, estimand="overlap")
    assert standardised_risk(y, treated, x, estimand="overlap", weights=overlap).estimand == "overlap"
    with pytest.raises(ValueError, match="overlap population is made by weights"):
        standardised_risk(y, treated, x, estimand="overlap")


def test_small_sample_rules_widen_the_interval():
    y, treated, x, area = people(2)
    X = np.column_stack([treated, x])
    width = {
        rule: np.ptp(logistic(y, X, cluster=area, small_sample=rule).tidy().loc[0, ["low", "high"]])
        for rule in (None, "CR1", "CR1-t", "CR2")
    }
    assert width[None] < width["CR1"] < width["CR1-t"]
    assert width[None] < width["CR2"]
    plain, corrected = logistic(y, X, cluster=area), logistic(y, X, cluster=area, small_sample="CR1-t")
    factor = 27 / 26 * 399 / (400 - 4)
    np.testing.assert_allclose(corrected.covariance, plain.covariance * factor, rtol=SOLVED)
    assert corrected.df == 26


def test_cr2_is_the_textbook_formula():
    """Against (I - H_gg)^(-1/2) formed in full for each cluster, and Satterthwaite's degrees from the full projection."""
    y, treated, x, area = people(3, n=120)
    X = np.column_stack([treated, x])
    fit = logistic(y, X, cluster=area, small_sample="CR2")
    p = fit.fitted
    Z = X * np.sqrt(p * (1 - p))[:, None]
    residual = (y - p) / np.sqrt(p * (1 - p))
    bread = np.linalg.inv(Z.T @ Z)
    hat = Z @ bread @ Z.T
    meat, sides = np.zeros((4, 4)), []
    for g in np.unique(area):
        at = np.flatnonzero(area == g)
        values, vectors = np.linalg.eigh(np.eye(len(at)) - hat[np.ix_(at, at)])
        adjust = vectors @ np.diag(values**-0.5) @ vectors.T
        score = Z[at].T @ adjust @ residual[at]
        meat += np.outer(score, score)
        sides.append((np.eye(120) - hat)[at].T @ adjust @ Z[at] @ bread[:, 0])
    np.testing.assert_allclose(fit.covariance, bread @ meat @ bread, rtol=1e-7)
    inner = np.array(sides) @ np.array(sides).T
    assert fit.df[0] == pytest.approx(np.trace(inner) ** 2 / (inner**2).sum(), rel=1e-7)


@pytest.mark.parametrize("scale", [1.0, 1e8, 1e-8])
def test_separation_is_named(scale):
    rng = np.random.default_rng(0)
    noise, flag = rng.normal(size=200), np.repeat([0.0, 1.0], 100)
    y = np.where(flag == 1, 1, rng.random(200) < 0.5).astype(int)
    X = pd.DataFrame({"one": 1.0, "noise": noise, "flag": flag * scale})
    with pytest.raises(ValueError, match="separation: flag foretell"):
        logistic(y, X)
    with pytest.raises(ValueError, match="separation: noise foretell"):
        logistic(noise > 0.1, X[["one", "noise"]] * scale)


def test_rare_outcomes_and_large_effects_are_not_separation():
    rng = np.random.default_rng(1)
    x = np.column_stack([np.ones(50_000), rng.normal(size=50_000)])
    y = rng.random(50_000) < 1 / (1 + np.exp(9 - 2 * x[:, 1]))
    assert 5 < y.sum() < 500
    fit = logistic(y, x)
    assert abs(fit.coefficients[1] - 2) < 4 * fit.tidy()["se"][1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: logistic([0, 1, 2], np.ones((3, 1))), "y: expected 0 or 1, found 1 of 3"),
        (lambda: logistic([1, 1], np.ones((2, 1))), "expected both outcomes, found 2 of 2 rows at 1"),
        (lambda: logistic(Y, ONES, robust="HC9"), "None, 'HC0', 'HC1', 'HC3', found 'HC9'"),
        (lambda: logistic(Y, ONES, small_sample="CR2"), "name the clusters"),
        (lambda: logistic(Y, ONES, cluster=ARM, robust="HC0"), "leave one of the two out"),
        (lambda: logistic(Y, ONES, cluster=ONES[:, 0]), "at least 2 clusters"),
        (lambda: logistic(Y, ONES, cluster=ARM, weights=ARM), "at least 2 clusters with rows of weight above zero, found 1"),
        (lambda: logistic(Y, ONES, level=95), "share between 0 and 1"),
        (lambda: standardised_risk(Y, ARM, ONES, estimand="ATC"), "'ATT', 'ATE', 'overlap', found 'ATC'"),
        (lambda: standardised_risk(Y, Y * 2, ONES, estimand="ATE"), "treated: expected 0 or 1"),
        (lambda: aipw(Y, ARM, ONES, estimand="overlap"), "'ATT', 'ATE', found 'overlap'"),
        (lambda: aipw(ARM, ARM, ONES, estimand="ATE"), "expected both outcomes"),
        (lambda: aipw(Y, ARM, ONES, estimand="ATE", small_sample="CR2", cluster=Y), "'CR1', 'CR1-t', found 'CR2'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
