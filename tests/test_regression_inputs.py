"""Every regression on data that no one expects: types, scales, weights, missing values, too few rows, collinear columns."""

import numpy as np
import pandas as pd
import pytest

from ldeval.stats.binary import aipw, logistic, standardised_risk
from ldeval.stats.counts import (
    fixed_effects_poisson,
    interrupted_time_series,
    negative_binomial,
    poisson,
    standardised_rate,
)
from ldeval.stats.linear import linear
from ldeval.stats.weights import balance, entropy_weights, match, propensity_weights

SAME = 1e-6
"""Relative: single precision holds the test data exactly, so only the iteration's end differs."""

N = 400
RNG = np.random.default_rng(11)
TREATED = (np.arange(N) % 3 == 0).astype(int)
COLUMNS = np.column_stack([np.ones(N), RNG.integers(0, 8, N), RNG.integers(0, 2, N)]).astype(float)
BINARY = (RNG.random(N) < 0.3 + 0.05 * COLUMNS[:, 1] - 0.1 * TREATED).astype(int)
COUNT = RNG.negative_binomial(2, 0.4, N)
UNIT = np.arange(N) // 4

FITS = {
    "linear": (lambda y, X, **k: linear(y, X, **k), COUNT),
    "logistic": (lambda y, X, **k: logistic(y, X, **k), BINARY),
    "poisson": (lambda y, X, **k: poisson(y, X, **k), COUNT),
    "negative_binomial": (lambda y, X, **k: negative_binomial(y, X, **k), COUNT),
    "series": (lambda y, X: interrupted_time_series(y, X, lags=3), COUNT),
    "unit_effects": (lambda y, X: fixed_effects_poisson(y, X, unit=UNIT[: len(y)]), COUNT),
    "standardised_risk": (lambda y, X, **k: standardised_risk(y, TREATED[: len(y)], X, estimand="ATE", **k), BINARY),
    "standardised_rate": (lambda y, X, **k: standardised_rate(y, TREATED[: len(y)], X, estimand="ATE", **k), COUNT),
    "aipw": (lambda y, X: aipw(y, TREATED[: len(y)], X, estimand="ATT"), BINARY),
}
WEIGHTED = ("linear", "logistic", "poisson", "negative_binomial", "standardised_risk", "standardised_rate")


def columns(name):
    return COLUMNS[:, 1:] if name == "unit_effects" else COLUMNS


def numbers(fit):
    return fit.tidy().drop(columns="term").to_numpy()


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    "turn",
    [
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.uint8),
        lambda a: a.astype(np.int16),
        lambda a: np.asfortranarray(a),
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[::-1][::-1],
        lambda a: pd.DataFrame(a).astype("Int64") if a.ndim == 2 else pd.Series(a).astype("Int64"),
        lambda a: pd.DataFrame(a).astype("Float64") if a.ndim == 2 else pd.Series(a).astype("Float64"),
        lambda a: pd.DataFrame(a, index=np.arange(N)[::-1]) if a.ndim == 2 else pd.Series(a, index=np.arange(N) + 7),
        lambda a: a.tolist(),
    ],
    ids=["float32", "uint8", "int16", "fortran", "strided", "reversed", "Int64", "Float64", "odd index", "list"],
)
def test_types_of_arrays_make_no_difference(name, turn):
    call, y = FITS[name]
    X = columns(name)
    np.testing.assert_allclose(numbers(call(turn(y), turn(X))), numbers(call(y, X)), rtol=SAME, atol=1e-12)


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda y, X: (y, np.where(np.arange(N)[:, None] < 3, np.nan, X)), r"X: expected finite numbers, found .* x0 \(3\)"),
        (lambda y, X: (y, np.where(np.arange(N)[:, None] < 2, np.inf, X)), r"X: expected finite numbers, found .* x0 \(2\)"),
        (lambda y, X: (np.where(np.arange(N) < 5, np.nan, y), X), "y: expected finite numbers, found 5 of 400"),
        (lambda y, X: (y[:0], X[:0]), "y: expected at least one row, found none"),
        (lambda y, X: (y, X[:-1]), "X: expected 400 rows, as many as the outcome has, found 399"),
        (lambda y, X: (y, pd.DataFrame(X).assign(area="north")), "hold text or categories: area"),
        (lambda y, X: (y, pd.DataFrame(X).astype("category")), "hold text or categories"),
        (lambda y, X: (y.astype(str), X), "y: expected numbers, found text"),
        (lambda y, X: (y, np.column_stack([X, X[:, -1] * 3])), "combination of others: x"),
        (lambda y, X: (y, np.column_stack([X, np.zeros(N)])), "x[23]"),
    ],
    ids=["NaN", "infinite", "NaN in y", "no rows", "short", "text", "category", "text y", "collinear", "zero column"],
)
def test_faults_are_told_with_counts(name, spoil, message):
    call, y = FITS[name]
    with pytest.raises(ValueError, match=message):
        call(*spoil(y, columns(name)))


@pytest.mark.parametrize("name", FITS)
def test_one_row_is_refused_in_words(name):
    call, y = FITS[name]
    with pytest.raises(ValueError, match=r"^(X|y|treated|lags):"):
        call(y[:1], columns(name)[:1])


@pytest.mark.parametrize("name", FITS)
def test_scales_of_columns(name):
    call, y = FITS[name]
    X = columns(name)
    factor = np.array([1.0, 1e8, 1e-8])[-X.shape[1] :]
    there, plain = call(y, X * factor).tidy(), call(y, X).tidy()
    if len(plain) == len(factor):
        plain[["estimate", "se"]] = plain[["estimate", "se"]].to_numpy() / factor[:, None]
    np.testing.assert_allclose(there[["estimate", "se"]], plain[["estimate", "se"]], rtol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_columns_far_from_zero(name):
    """A column such as a year or a date number: shifting it by a million leaves the others as they were."""
    call, y = FITS[name]
    X = columns(name)
    shift = np.zeros(X.shape[1])
    shift[-1] = 1e6
    kept = slice(None) if "standardised" in name or name == "aipw" else slice(-1, None)
    np.testing.assert_allclose(numbers(call(y, X + shift))[kept], numbers(call(y, X))[kept], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", WEIGHTED)
def test_rows_of_weight_zero_are_as_if_left_out(name):
    call, y = FITS[name]
    kept = np.arange(N) < 300
    spoilt = np.where(kept[:, None], COLUMNS, 77.0)
    weighted = call(y, spoilt, weights=kept.astype(float), cluster=np.where(kept, UNIT % 20, 99))
    left_out = call(y[kept], COLUMNS[kept], weights=np.ones(300), cluster=(UNIT % 20)[kept])
    np.testing.assert_allclose(numbers(weighted), numbers(left_out), rtol=SAME, atol=1e-12)


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("size", [1e-300, 1e-12, 1e12, 1e290])
def test_the_size_of_weights_never_matters(name, size):
    call, y = FITS[name]
    load = np.random.default_rng(1).random(N)
    np.testing.assert_allclose(
        numbers(call(y, COLUMNS, weights=load * size)), numbers(call(y, COLUMNS, weights=load)), rtol=SAME, atol=1e-12
    )


@pytest.mark.parametrize("name", WEIGHTED)
def test_bad_weights_are_refused(name):
    call, y = FITS[name]
    for bad, message in ((-1.0, "zero or more, found 400 of 400"), (0.0, "at least one above zero"), (np.nan, "finite")):
        with pytest.raises(ValueError, match=f"weights: expected .*{message}"):
            call(y, COLUMNS, weights=np.full(N, bad))


@pytest.mark.parametrize("call", [propensity_weights, entropy_weights, match, balance], ids=lambda c: c.__name__)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda t, X: (t, np.where(X == 3, np.nan, X)), "X: expected finite numbers"),
        (lambda t, X: (t[:0], X[:0]), "expected at least one row"),
        (lambda t, X: (t[:1], X[:1]), "both arms"),
        (lambda t, X: (t, pd.DataFrame(X).assign(area="north")), "text or categories: area"),
    ],
)
def test_weighting_tells_faults(call, spoil, message):
    with pytest.raises(ValueError, match=message):
        call(*spoil(TREATED, COLUMNS))


@pytest.mark.parametrize("call", [propensity_weights, entropy_weights, lambda t, X: match(t, X).weights])
def test_weighting_takes_every_type_of_array(call):
    plain = call(TREATED, COLUMNS).values
    for turn in (np.float32, np.uint8):
        np.testing.assert_allclose(call(TREATED.astype(turn), COLUMNS.astype(turn)).values, plain, rtol=SAME)
    nullable = pd.DataFrame(COLUMNS).astype("Int64")
    np.testing.assert_allclose(call(pd.Series(TREATED).astype("boolean"), nullable).values, plain, rtol=SAME)


@pytest.mark.parametrize("errors", [{"robust": "HC1"}, {"cluster": UNIT, "small_sample": "CR2"}])
def test_weights_at_the_ends_of_floats_give_errors(errors):
    load = np.random.default_rng(1).random(N)
    one, other = (linear(COUNT, COLUMNS, weights=load * size, **errors).tidy()["se"] for size in (1.0, 1e-300))
    np.testing.assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize(("size", "found"), [(1e200, r"found \d+ of 400"), (1e-300, "found none in 400")])
@pytest.mark.parametrize("name", ["linear", "series", "aipw"])
def test_an_outcome_without_squares_is_refused(name, size, found):
    call, y = FITS[name]
    with pytest.raises(ValueError, match=f"y: expected .*{found}.*change their unit"):
        call(y * size, columns(name))


@pytest.mark.parametrize("size", [1e-12, 1e12])
def test_the_unit_of_an_outcome_never_matters(size):
    """Least squares have no unit of their own: pence and billions fit alike."""
    rng = np.random.default_rng(3)
    X = np.column_stack([np.ones(200), rng.normal(size=200)])
    y = X @ [3.0, 1.0] + rng.normal(size=200)
    here, there = (linear(y * unit, X, robust="HC0").tidy()[["estimate", "se"]].to_numpy() for unit in (1.0, size))
    np.testing.assert_allclose(there / size, here, rtol=1e-9)
    treated = (X[:, 1] > 0) ^ (rng.random(200) < 0.3)
    ours, theirs = (aipw(y * unit, treated, X, estimand="ATT").coefficients for unit in (1.0, size))
    np.testing.assert_allclose(theirs / size, ours, rtol=1e-9)


SATURATED = (np.array([3, 4, 5, 9]), np.column_stack([np.ones(4), [0, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 1]]))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"robust": "HC1"}, "HC1 expected more rows than columns, found 4 row"),
        ({"cluster": [0, 0, 1, 1], "small_sample": "CR1-t"}, "CR1-t expected more rows than columns"),
        ({"robust": "HC3"}, "HC3 expected no row that alone decides a coefficient, found 4"),
    ],
)
def test_corrections_of_a_saturated_model_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        poisson(*SATURATED, **options)


def test_a_row_of_its_own_column_has_no_hc3():
    X = np.column_stack([np.ones(30), np.arange(30) == 4])
    with pytest.raises(ValueError, match="found 1; ask for HC1"):
        linear(np.arange(30.0), X, robust="HC3")


@pytest.mark.parametrize("far", [80.0, -80.0])
def test_scores_that_round_to_nought_or_one(far):
    """A row whose arm its covariate makes certain weighs as a certain row does, and moves nobody else's weight."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    treated = (rng.random(200) < 1 / (1 + np.exp(-1.5 * x))).astype(int)
    row = int(np.flatnonzero(treated == (far > 0))[0])
    x[row] = far
    X, outcome = np.column_stack([np.ones(200), x]), rng.integers(0, 2, 200)
    expected = {"ATT": 1.0 if far > 0 else 0.0, "ATE": 1.0, "overlap": 0.0}
    for estimand, weight in expected.items():
        weights = propensity_weights(treated, X, estimand=estimand)
        assert weights.values[row] == pytest.approx(weight, abs=1e-12)
        assert np.isfinite(weights.values).all()
        assert np.isfinite(weights.model.slope).all()
    assert match(treated, X).pairs.shape[1] == 2
    for estimand in ("ATT", "ATE"):
        assert np.isfinite(aipw(outcome, treated, X, estimand=estimand).coefficients).all()


def test_a_ratio_of_risks_outside_their_range_is_missing():
    """Augmentation can take a mean below zero: the difference stands, the ratios and their errors do not."""
    rng = np.random.default_rng(34)
    for _ in range(200):
        x = rng.normal(size=30)
        treated, y = rng.random(30) < 1 / (1 + np.exp(-2 * x)), rng.random(30) < 0.15
        try:
            table = aipw(y, treated, np.column_stack([np.ones(30), x]), estimand="ATE").tidy().set_index("term")
        except ValueError:
            continue
        if table.estimate[["risk_treated", "risk_control"]].min() <= 0:
            break
    assert table.loc[["log_risk_ratio", "log_odds_ratio"], ["estimate", "se", "p_value"]].isna().all(axis=None)
    assert table.loc["risk_difference", ["estimate", "se"]].notna().all()


def test_errors_that_are_nought_come_out_as_nought():
    """Two clusters, one a single row: scores sum to nought, and rounding must not make a variance negative."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        treated, y, x = np.arange(240) % 3 == 0, rng.random(240) < 0.4, rng.integers(0, 9, (240, 2))
        found = standardised_risk(y, treated, np.column_stack([np.ones(240), x]), estimand="ATT", cluster=np.arange(240) == 239)
        assert (found.tidy().se >= 0).all()
