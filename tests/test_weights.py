"""Propensity weights, entropy balancing, matching, balance: by hand, invariants, recovery, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.binary import standardised_risk
from ldeval.stats.weights import balance, effective_sample_size, entropy_weights, match, overlap_by_area, propensity_weights

EXACT = 1e-12
"""Arithmetic on a handful of numbers: rounding only."""
SOLVED = 1e-8
"""What an iteration leaves: far below any standard error."""

# Six people: of those with x = 0 one in three is treated, of those with x = 1 two in three.
TREATED = np.array([1, 0, 0, 1, 1, 0])
X = np.array([[1, 0], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1]], dtype=float)


@pytest.mark.parametrize(
    ("estimand", "expected"),
    [
        ("ATT", [1, (1 / 3) / (2 / 3), (1 / 3) / (2 / 3), 1, 1, (2 / 3) / (1 / 3)]),
        ("ATE", [3, 3 / 2, 3 / 2, 3 / 2, 3 / 2, 3]),
        ("overlap", [2 / 3, 1 / 3, 1 / 3, 1 / 3, 1 / 3, 2 / 3]),
    ],
)
def test_by_hand(estimand, expected):
    weights = propensity_weights(TREATED, X, estimand=estimand)
    np.testing.assert_allclose(weights.score, [1 / 3] * 3 + [2 / 3] * 3, rtol=SOLVED)
    np.testing.assert_allclose(weights.values, expected, rtol=SOLVED)
    assert (weights.estimand, weights.n) == (estimand, 6)


def test_stabilised_by_hand():
    """Half are treated: ATE weights halve; ATT controls keep theirs, for half over half is one; overlap h averages 2/9."""
    stable = {e: propensity_weights(TREATED, X, estimand=e, stabilise=True).values for e in ("ATE", "ATT", "overlap")}
    np.testing.assert_allclose(stable["ATE"], np.array([3, 1.5, 1.5, 1.5, 1.5, 3]) / 2, rtol=SOLVED)
    np.testing.assert_allclose(stable["ATT"], [1, 0.5, 0.5, 1, 1, 2], rtol=SOLVED)
    np.testing.assert_allclose(stable["overlap"], np.array([2, 1, 1, 1, 1, 2]) / 3 / 2 / (2 / 9), rtol=SOLVED)


def test_trimmed_rows_weigh_nothing_and_are_counted():
    rng = np.random.default_rng(3)
    columns = np.column_stack([np.ones(500), rng.normal(size=500)])
    treated = rng.random(500) < 1 / (1 + np.exp(-2 * columns[:, 1]))
    whole, trimmed = (propensity_weights(treated, columns, estimand="ATE", trim=trim) for trim in (None, 0.1))
    outside = (whole.score < 0.1) | (whole.score > 0.9)
    assert outside.sum() > 20
    np.testing.assert_array_equal(trimmed.values == 0, outside)
    np.testing.assert_array_equal(trimmed.values[~outside], whole.values[~outside])
    assert f"{outside.sum()} rows outside" in trimmed.method


def test_effective_sample_size_by_hand():
    assert effective_sample_size([1, 1, 2]) == pytest.approx(16 / 6, rel=EXACT)
    assert effective_sample_size(np.array([1, 1, 2]) * 1e-200) == pytest.approx(16 / 6, rel=EXACT)


def test_balance_by_hand():
    """x is 0, 1, 1 in the treated and 0, 0, 1 in the controls; z is 1, 4, 7 against 2, 2, 5."""
    table = balance(TREATED, pd.DataFrame({"x": X[:, 1], "z": [1, 2, 2, 4, 7, 5]})).set_index("term")
    assert table.smd["x"] == pytest.approx((1 / 3) / np.sqrt(2 / 9), rel=EXACT)
    assert np.isnan(table.variance_ratio["x"])
    assert table.ks["x"] == pytest.approx(1 / 3, rel=EXACT)
    assert table.smd["z"] == pytest.approx((4 - 3) / 3, rel=EXACT)
    assert table.variance_ratio["z"] == pytest.approx(9 / 3, rel=EXACT)
    # Distances after 1, 2, 4, 5, 7: 1/3, -1/3, 0, -1/3, 0.
    assert table.ks["z"] == pytest.approx(1 / 3, rel=EXACT)
    assert table.ecdf_mean["z"] == pytest.approx((3 / 3) / 5, rel=EXACT)


def test_a_constant_column_is_balanced():
    table = balance(TREATED, np.column_stack([np.full(6, 7.0), X[:, 1]]))
    assert table.smd[0] == 0
    assert table.ks[0] == pytest.approx(0, abs=EXACT)


def test_yardstick_is_the_unweighted_arms_of_the_estimand():
    frame = pd.DataFrame({"z": [1.0, 2, 2, 4, 7, 5]})
    att, ate = (propensity_weights(TREATED, X, estimand=e) for e in ("ATT", "ATE"))
    gap = {name: balance(TREATED, frame, w).eval("mean_treated - mean_control")[0] for name, w in (("att", att), ("ate", ate))}
    assert balance(TREATED, frame, att).smd[0] == pytest.approx(gap["att"] / 3, rel=EXACT)
    assert balance(TREATED, frame, ate).smd[0] == pytest.approx(gap["ate"] / np.sqrt((9 + 3) / 2), rel=EXACT)


def test_two_estimands_do_not_mix():
    att, ate = (propensity_weights(TREATED, X, estimand=e) for e in ("ATT", "ATE"))
    with pytest.raises(ValueError, match="made for the estimand ATE, asked for ATT"):
        att * ate
    with pytest.raises(ValueError, match="made for the estimand ATT, asked for ATE"):
        standardised_risk([0, 1, 0, 1, 0, 1], TREATED, X, estimand="ATE", weights=att)
    np.testing.assert_allclose((att * att).values, att.values**2, rtol=EXACT)


def people(seed, n=300, columns=2):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, columns)).round(2)
    treated = rng.random(n) < 1 / (1 + np.exp(0.5 - x @ np.full(columns, 0.4)))
    return treated.astype(int), np.column_stack([np.ones(n), x])


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_entropy_weights_balance_exactly(seed):
    treated, columns = people(seed)
    for estimand, target in (("ATT", columns[treated == 1].mean(axis=0)), ("ATE", columns.mean(axis=0))):
        weights = entropy_weights(treated, columns, estimand=estimand)
        for arm in (0, 1):
            share = weights.values[treated == arm]
            np.testing.assert_allclose(share @ columns[treated == arm] / share.sum(), target, atol=1e-10)
        assert (weights.values > 0).all()


@given(st.integers(0, 10_000), st.sampled_from(["ATT", "ATE", "overlap"]))
@settings(max_examples=25, deadline=None)
def test_row_order_and_units_of_columns_never_matter(seed, estimand):
    treated, columns = people(seed)
    order = np.random.default_rng(seed).permutation(len(treated))
    plain = propensity_weights(treated, columns, estimand=estimand).values
    shuffled = propensity_weights(treated[order], columns[order] * [1, 1e8, 1e-8], estimand=estimand).values
    np.testing.assert_allclose(shuffled, plain[order], rtol=1e-7)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_overlap_weights_balance_means_exactly(seed):
    """Li, Morgan and Zaslavsky (2018), theorem 3: so they do with a logistic score."""
    treated, columns = people(seed)
    table = balance(treated, columns, propensity_weights(treated, columns, estimand="overlap"))
    np.testing.assert_allclose(table.smd, 0, atol=SOLVED)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_swapping_the_arms_mirrors_ate_weights(seed):
    treated, columns = people(seed)
    there, back = (propensity_weights(t, columns, estimand="ATE").values for t in (treated, 1 - treated))
    np.testing.assert_allclose(there, back, rtol=SOLVED)


def test_slope_and_influence_of_the_score_model():
    """The slope against moved coefficients; the influence sums to nothing and squares to the sandwich."""
    from ldeval.stats.binary import logistic

    treated, columns = people(5)
    coefficients = logistic(treated, columns).coefficients
    for estimand, weigh in (("ATT", lambda e: e / (1 - e)), ("ATE", lambda e: 1 / (1 - e)), ("overlap", lambda e: e)):
        weights = propensity_weights(treated, columns, estimand=estimand)
        step = 1e-6 * np.array([0, 1, 0])
        high, low = (weigh(1 / (1 + np.exp(-columns @ (coefficients + sign * step)))) for sign in (1, -1))
        control = treated == 0
        np.testing.assert_allclose(weights.model.slope[control, 1], ((high - low) / 2e-6)[control], rtol=1e-5, atol=1e-8)
    robust = logistic(treated, columns, robust="HC0").covariance
    np.testing.assert_allclose(weights.model.influence.T @ weights.model.influence, robust, rtol=1e-7)
    np.testing.assert_allclose(weights.model.influence.sum(axis=0), 0, atol=1e-8)


@given(st.integers(0, 10_000), st.integers(1, 3), st.sampled_from([None, 0.2]))
@settings(max_examples=25, deadline=None)
def test_matching_keeps_its_promises(seed, ratio, caliper):
    treated, columns = people(seed)
    strata = np.random.default_rng(seed).integers(0, 3, len(treated))
    found = match(treated, columns, ratio=ratio, caliper=caliper, exact=pd.DataFrame({"area": strata}))
    first, second = found.pairs.T
    assert (treated[first] == 1).all()
    assert (treated[second] == 0).all()
    assert len(set(second)) == len(second), "without replacement"
    assert (strata[first] == strata[second]).all()
    assert np.bincount(first).max() <= ratio
    odds = np.log(found.weights.score / (1 - found.weights.score))
    assert caliper is None or (np.abs(odds[first] - odds[second]) <= caliper * odds.std(ddof=1) * (1 + EXACT)).all()
    values = found.weights.values
    assert values[treated == 0].sum() == pytest.approx(values[treated == 1].sum(), rel=EXACT)
    assert found.unmatched == (treated == 1).sum() - (values[treated == 1] > 0).sum()


def test_match_takes_the_nearest_by_hand():
    """Scores rise with x: 10 takes 9 before 4 can; 4 takes 3; with a caliper too small for either, nobody is matched."""
    x = np.array([10.0, 4, 9, 3, -8, -7])
    treated = np.array([1, 1, 0, 0, 0, 1])
    found = match(treated, np.column_stack([np.ones(6), x]))
    assert {tuple(pair) for pair in found.pairs.tolist()} == {(0, 2), (1, 3), (5, 4)}
    with pytest.raises(ValueError, match="no treated row has a control"):
        match(treated, np.column_stack([np.ones(6), x]), caliper=1e-6)


def test_overlap_by_area():
    score = np.array([0.9, 0.2, 0.3, 0.4, 0.5, 0.1])
    table = overlap_by_area(TREATED, score, ["a", "a", "a", "b", "b", "b"]).set_index("area")
    assert table.treated.tolist() == [1, 2]
    assert table.control.tolist() == [2, 1]
    assert table.score_treated["b"] == pytest.approx(0.45, rel=EXACT)
    # Treated scores run from 0.4 to 0.9, control ones from 0.1 to 0.3: nothing is inside both.
    assert table.outside.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: propensity_weights([0, 1, 2], X[:3]), "expected 0 or 1, found 1 of 3"),
        (lambda: propensity_weights([1, 1, 1], X[:3]), "both arms, found all 3 in one"),
        (lambda: propensity_weights(TREATED, X, estimand="ATC"), "'ATT', 'ATE', 'overlap', found 'ATC'"),
        (lambda: propensity_weights(TREATED, X, trim=0.6), "share from 0 to below 0.5"),
        (lambda: propensity_weights(TREATED, X, trim=0.45), "no row of one arm"),
        (lambda: propensity_weights(TREATED, np.column_stack([X, TREATED])), "separation: x2"),
        (lambda: propensity_weights(TREATED, np.column_stack([X, 3 * X[:, 1]])), "x1|x2"),
        (lambda: entropy_weights(TREATED, X, estimand="overlap"), "'ATT', 'ATE', found 'overlap'"),
        (lambda: entropy_weights(TREATED, np.array([9.0, 1, 2, 8, 7, 3])), "outside the range of an arm: x0"),
        (lambda: entropy_weights([1, 0, 0, 0], [[1.4, 1.4], [0, 0], [2, 0], [0, 2]]), "no weights give"),
        (lambda: match(TREATED, X, ratio=0), "from 1, found 0"),
        (lambda: match(TREATED, X, caliper=0), "above zero, found 0"),
        (lambda: match(TREATED, X, exact=[1, 2]), "exact: expected 6 rows"),
        (lambda: balance(TREATED, X, [1, 0, 0, 1, 1, 0]), "an arm with none"),
        (lambda: balance(TREATED[:3], X), "X: expected 3 rows"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
