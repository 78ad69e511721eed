"""Quantile regression, closed and open cases: by hand, against other algorithms, invariants, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ldeval.stats import censored_quantile, quantile
from ldeval.stats.durations import quantile_regression

EXACT = 1e-9
"""Relative: both sides are exact fits through p rows."""


def test_median_by_hand():
    """Seven cases: 1, 2, 3, 10 days in one court, 4, 5, 30 in another; 0.4 of four is the second, of three the second."""
    y, court = [1, 2, 3, 10, 4, 5, 30], [0, 0, 0, 0, 1, 1, 1]
    fit = quantile_regression(y, np.column_stack([np.ones(7), court]), q=0.4, errors="ker")
    np.testing.assert_allclose(fit.coefficients, [2, 5 - 2], rtol=EXACT)
    np.testing.assert_allclose(fit.fitted, [2, 2, 2, 2, 5, 5, 5], rtol=EXACT)


def test_open_cases_by_hand():
    """Kaplan-Meier by hand: 1, 2+, 3, 4+, 5, 6: survival 5/6, then 5/6 x 3/4 = 0.625 at 3, then 0.3125 at 5: the median is 5."""
    y, still_open = np.arange(1.0, 7), [0, 1, 0, 1, 0, 0]
    for q, expected in ((0.1, 1), (0.2, 3), (0.3, 3), (0.5, 5), (0.65, 5), (0.75, 6)):
        assert censored_quantile.solve(np.ones((6, 1)), y, np.array(still_open) == 1, q)[0] == pytest.approx(
            expected, rel=EXACT
        ), q


@given(st.integers(0, 10_000), st.floats(0.05, 0.8))
@settings(max_examples=30, deadline=None)
def test_one_sample_is_kaplan_meier(seed, q):
    rng = np.random.default_rng(seed)
    y, censored = rng.exponential(size=60), rng.random(60) < 0.3
    order = np.argsort(y)
    survival = np.cumprod(np.where(censored[order], 1.0, 1 - 1 / (60 - np.arange(60))))
    assume(np.abs(survival - (1 - q)).min() > 1e-6)  # there any value between two rows would do
    below = np.flatnonzero(survival < 1 - q)
    if len(below):
        found = censored_quantile.solve(np.ones((60, 1)), y, censored, q)[0]
        assert found == pytest.approx(y[order][below[0]], rel=EXACT)
    else:
        with pytest.raises(censored_quantile.Unidentified, match="are all censored"):
            censored_quantile.solve(np.ones((60, 1)), y, censored, q)


def linear_programme(X, y, q):
    from scipy.optimize import linprog

    n, p = X.shape
    cost = np.concatenate([np.zeros(p), np.full(n, q), np.full(n, 1 - q)])
    free = [(None, None)] * p + [(0, None)] * (2 * n)
    return linprog(cost, A_eq=np.hstack([X, np.eye(n), -np.eye(n)]), b_eq=y, bounds=free, method="highs-ds").fun


@given(st.integers(0, 10_000), st.floats(0.02, 0.98), st.booleans())
@settings(max_examples=30, deadline=None)
def test_loss_is_the_linear_programmes(seed, q, tied):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(80), rng.normal(size=80), rng.integers(0, 2, 80)])
    y = X @ [1, 2, -1] + rng.standard_t(3, size=80)
    y = np.round(y) if tied else y
    residual = y - X @ quantile.solve(X, y, q)
    assert residual @ (q - (residual < 0)) == pytest.approx(linear_programme(X, y, q), rel=1e-9)


def on_a_grid(X, y, censored, q, step):
    """Portnoy's estimator by its definition: refit at every step, censored rows split where the plane has passed them."""
    now, split = 1 / (2 * len(y)), np.full(len(y), np.nan)
    b = quantile.solve(X, y, now)
    kept = ~(censored & (y - X @ b <= 1e-9))
    while now + step < q:
        now += step
        passed = ~np.isnan(split)
        w = np.where(passed, (now - split) / (1 - split), 1.0)
        rows = kept & (w > 1e-12)
        beyond = X[passed] * (1 - w[passed, None])
        b = quantile.solve(
            np.vstack([X[rows] * w[rows, None], beyond]), np.append(y[rows] * w[rows], beyond @ b + 50 * (1 - w[passed])), now
        )
        split[kept & censored & np.isnan(split) & (y - X @ b < 1e-9)] = now
    return b


def cases(seed, n=150):
    rng = np.random.default_rng(seed)
    X = np.column_stack([np.ones(n), rng.uniform(size=n), rng.integers(0, 2, n)])
    days = X @ [2, 1, 0.5] + rng.gumbel(size=n)
    until = rng.uniform(2, 7, n)
    return np.minimum(days, until), X, days > until


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_path_is_the_limit_of_a_grid(seed):
    y, X, censored = cases(seed)
    assert 10 < censored.sum() < 90
    fine = on_a_grid(X, y, censored, 0.45, step=1 / (20 * len(y)))
    np.testing.assert_allclose(censored_quantile.solve(X, y, censored, 0.45), fine, rtol=0.02, atol=0.02)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_without_open_cases_the_path_is_plain_quantile_regression(seed):
    y, X, _ = cases(seed)
    path = censored_quantile.solve(X, y, np.zeros(len(y), dtype=bool), 0.37)
    np.testing.assert_allclose(path, quantile.solve(X, y, 0.37), rtol=1e-7, atol=1e-9)


@given(st.integers(0, 10_000), st.sampled_from(["nid", "iid", "ker"]))
@settings(max_examples=20, deadline=None)
def test_equivariance_and_row_order(seed, errors):
    """Koenker and Bassett (1978): scaling y scales b; adding X g adds g; units of X divide; rows may come in any order."""
    y, X, _ = cases(seed)
    fit = quantile_regression(y, X, errors=errors)
    order = np.random.default_rng(seed).permutation(len(y))
    for other, factor, shift in (
        (quantile_regression(y[order], X[order], errors=errors), 1.0, 0.0),
        (quantile_regression(y * 3, X, errors=errors), 3.0, 0.0),
        (quantile_regression(y + X @ [1, 2, 3], X, errors=errors), 1.0, np.array([1, 2, 3])),
        (quantile_regression(y, X * [1, 1e8, 1e-8], errors=errors), np.array([1, 1e-8, 1e8]), 0.0),
    ):
        np.testing.assert_allclose(other.coefficients, fit.coefficients * factor + shift, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(other.tidy()["se"], fit.tidy()["se"] * factor, rtol=1e-5)


def test_clusters_of_one_row_are_nearly_the_kernel_error():
    y, X, _ = cases(5, n=2000)
    each = quantile_regression(y, X, cluster=np.arange(2000)).tidy()["se"]
    np.testing.assert_allclose(each, quantile_regression(y, X, errors="ker").tidy()["se"], rtol=0.05)
    doubled = quantile_regression(np.tile(y, 2), np.tile(X, (2, 1)), cluster=np.tile(np.arange(2000), 2)).tidy()["se"]
    np.testing.assert_allclose(doubled, each, rtol=0.1)  # twice the rows have a narrower bandwidth


def test_open_cases_recover_the_truth_that_closed_ones_miss():
    y, X, censored = cases(9, n=2000)
    truth = np.array([2 - np.log(np.log(2)), 1, 0.5])
    fit = quantile_regression(y, X, censored=censored, draws=20)
    table = fit.tidy()
    assert (np.abs(fit.coefficients - truth) < 4 * table["se"]).all()
    naive = quantile_regression(y, X)
    assert naive.coefficients[0] < truth[0] - 4 * naive.tidy()["se"][0] or naive.fitted.mean() < (X @ truth).mean() - 0.1


def test_bootstrap_of_open_cases_repeats_and_takes_clusters():
    y, X, censored = cases(4)
    one, two = (quantile_regression(y, X, censored=censored, draws=20, cluster=np.arange(150) // 5) for _ in range(2))
    np.testing.assert_array_equal(one.covariance, two.covariance)
    assert one.errors.startswith("bootstrap of 30 clusters (20 draws)")


def test_tied_days_and_indicator_columns():
    """Whole days, two courts, many ties: each court's own quantile, open or not."""
    rng = np.random.default_rng(0)
    court = np.repeat([0.0, 1.0], 300)
    days = rng.integers(1, 15, 600).astype(float) + 5 * court
    X = np.column_stack([np.ones(600), court])
    fit = quantile_regression(days, X, errors="iid", q=0.501)
    expected = [np.quantile(days[court == c], 0.501, method="inverted_cdf") for c in (0, 1)]
    np.testing.assert_allclose([fit.coefficients[0], fit.coefficients.sum()], expected, rtol=EXACT)
    still = rng.random(600) < 0.2
    found = censored_quantile.solve(X, days, still, 0.5)
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y, X: quantile_regression(y, X, q=1), "q: expected a share between 0 and 1 such as 0.95, found 1"),
        (lambda y, X: quantile_regression(y, X, errors="boot"), "'nid', 'iid', 'ker', 'cluster', found 'boot'"),
        (lambda y, X: quantile_regression(y, X, errors="cluster"), "needs the clusters"),
        (lambda y, X: quantile_regression(y[:3], X[:3]), "more rows than columns, found 3"),
        (lambda y, X: quantile_regression(y, np.column_stack([X, X[:, 1]])), "combination of others: x[13]"),
        (lambda y, X: quantile_regression(y, X, censored=y), "1 \\(open\\) or 0 \\(closed\\)"),
        (lambda y, X: quantile_regression(y, X, censored=y * 0 + 1), "more uncensored rows than columns to begin from, found 0"),
        (lambda y, X: quantile_regression(y, X, censored=y > np.quantile(y, 0.3), q=0.9), "all censored; ask for a lower one"),
        (lambda y, X: quantile_regression(y, X, censored=y * 0, draws=1), "from 2, found 1"),
        (lambda y, X: quantile_regression(np.where(y > 3, np.nan, y), X), "y: expected finite numbers"),
        (lambda y, X: quantile_regression(y, pd.DataFrame(X).assign(court="Leeds")), "text or categories: court"),
        (lambda y, X: quantile_regression([], np.ones((0, 1))), "at least one row"),
        (
            lambda y, X: quantile_regression(y * 0 + (np.arange(len(y)) % 10 > 7), X[:, :1], errors="ker"),
            "density at the quantile",
        ),
        (lambda y, X: quantile_regression(y * 1e120, X), "y: expected numbers up to 1e\\+100"),
    ],
)
def test_bad_input(call, message):
    y, X, _ = cases(1)
    with pytest.raises(ValueError, match=message):
        call(y, X)


@pytest.mark.parametrize("errors", ["nid", "iid", "ker"])
def test_columns_far_from_zero_or_nearly_collinear(errors):
    """A date in days since 1600 and one in seconds: the plane is the same, told in other columns."""
    rng = np.random.default_rng(11)
    x, z = rng.normal(size=(2, 300))
    y = 2 + x - z + rng.gamma(2, 1, 300)
    here = quantile_regression(y, np.column_stack([np.ones(300), x, z]), errors=errors)
    there = quantile_regression(y, np.column_stack([np.ones(300), x + 1e8, z]), errors=errors)
    close = quantile_regression(y, np.column_stack([np.ones(300), x, x + 1e-6 * z]), errors=errors)
    plain, far, near = (fit.tidy()[["estimate", "se"]].to_numpy() for fit in (here, there, close))
    np.testing.assert_allclose(far[1:], plain[1:], rtol=1e-6)
    np.testing.assert_allclose(near[2] * 1e-6, plain[2], rtol=1e-6)
    np.testing.assert_allclose(close.fitted, here.fitted, rtol=1e-6)
