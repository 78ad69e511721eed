"""Uprating, discounting, scenarios, probabilistic analysis, tornado, acceptability: by hand, recovery, bad input."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.costs import Normal, Triangular, acceptability, discount, probabilistic, scenarios, tornado, uprate

EXACT = 1e-12
"""Arithmetic: rounding only."""
MANY = 20_000
"""Draws; Monte Carlo error of a mean is the standard deviation over 141, and five of them are allowed."""

DEFLATOR = {"2017-18": 80.0, "2022-23": 100.0}
BASE = {"days": 30.0, "cost": 100.0, "share": 0.5}


def saving(p):
    return {"saving": p["days"] * p["cost"] * p["share"], "days": p["days"]}


def test_uprate_by_hand():
    assert uprate(50, "2017-18", "2022-23", DEFLATOR) == pytest.approx(62.5, rel=EXACT)
    found = uprate([50, 50], ["2017-18", "2022-23"], "2022-23", pd.Series(DEFLATOR))
    np.testing.assert_allclose(found, [62.5, 50], rtol=EXACT)


def test_discount_by_hand():
    assert discount([1, 1], rate=0.1) == pytest.approx(1 / 1.1 + 1 / 1.21, rel=EXACT)
    assert discount([1, 1], rate=0.1, timing="start") == pytest.approx(1 + 1 / 1.1, rel=EXACT)
    assert discount([1], rate=0.1, timing="middle") == pytest.approx(1.1**-0.5, rel=EXACT)
    assert discount([1, 1], rate=[0.1, 0.2]) == pytest.approx(1 / 1.1 + 1 / (1.1 * 1.2), rel=EXACT)
    assert discount(np.ones(12), rate=0.1, periods_per_year=12) == pytest.approx(
        sum(1.1 ** -(m / 12) for m in range(1, 13)), rel=EXACT
    )


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.floats(0, 0.3))
@settings(max_examples=50, deadline=None)
def test_discounting_is_linear_and_zero_rate_sums(amounts, rate):
    amounts = np.array(amounts)
    assert discount(amounts, rate=0) == pytest.approx(amounts.sum(), abs=1e-6)
    assert discount(2 * amounts, rate=rate) == pytest.approx(2 * discount(amounts, rate=rate), rel=1e-9, abs=1e-6)
    assert discount(amounts, rate=rate, timing="start") == pytest.approx(
        (1 + rate) * discount(amounts, rate=rate), rel=1e-9, abs=1e-6
    )


def test_scenarios_by_hand():
    table = scenarios(saving, BASE, {"half the days": {"days": 15}, "dear": {"cost": 200.0}})
    assert table["scenario"].tolist() == ["base", "half the days", "dear"]
    assert table["saving"].tolist() == [1500, 750, 3000]


def test_tornado_by_hand():
    table = tornado(saving, BASE, {"share": (0.4, 0.6), "days": (0, 60)}, result="saving")
    assert table["parameter"].tolist() == ["days", "share"]
    np.testing.assert_allclose(table[["at_low", "at_high", "swing"]], [[0, 3000, 3000], [1200, 1800, 600]], rtol=EXACT)


def test_acceptability_by_hand():
    """Savings -1, 1, 3: two of three are positive, mean 1, perfect information worth 4/3 - 1."""
    table = acceptability([-1, 1, 3], [1, 0, -1], thresholds=[0, 2])
    np.testing.assert_allclose(table["probability"], [2 / 3, 1], rtol=EXACT)
    np.testing.assert_allclose(table["net_benefit"], [1, 1], rtol=EXACT)
    np.testing.assert_allclose(table["evpi"], [1 / 3, 0], atol=EXACT)


def test_draws_have_the_moments_asked_for():
    covariance = np.array([[4.0, 3.0], [3.0, 9.0]])
    base = {"a": 0, "b": 0, "price": 0, "ratio": 0}
    uncertain = [
        Normal(("a", "b"), np.array([1.0, -2.0]), covariance),
        Normal(("ratio",), np.array([0.5]), np.array([[0.04]]), link="log"),
        Triangular("price", 1, 2, 6),
    ]
    drawn = probabilistic(lambda p: p, base, uncertain, draws=MANY, seed=4).parameters
    mean = {"a": 1, "b": -2, "ratio": np.exp(0.5 + 0.02), "price": 3}
    spread = {
        "a": 2,
        "b": 3,
        "ratio": np.exp(0.52) * np.sqrt(np.expm1(0.04)),
        "price": np.sqrt(21 / 18),
    }
    for name in mean:
        assert drawn[name].mean() == pytest.approx(mean[name], abs=5 * spread[name] / np.sqrt(MANY)), name
        assert drawn[name].std() == pytest.approx(spread[name], rel=0.05), name
    assert np.corrcoef(drawn["a"], drawn["b"])[0, 1] == pytest.approx(0.5, abs=0.03)


def test_probabilistic_carries_a_models_covariance():
    """Delta method: the saving's error from the drawn coefficients is the exact one of a linear model; seeds repeat."""
    covariance = np.array([[4.0, -1.0], [-1.0, 1.0]])
    base = {"days": 10.0, "more": 5.0, "cost": 3.0}
    blocks = [Normal(("days", "more"), np.array([10.0, 5.0]), covariance)]

    def run(seed):
        return probabilistic(lambda p: p["cost"] * (p["days"] + p["more"]), base, blocks, draws=MANY, seed=seed).summary()

    row = run(1).iloc[0]
    assert row.term == "value"
    assert row.se == pytest.approx(3 * np.sqrt(4 + 1 - 2), rel=0.03)
    assert row.estimate == pytest.approx(45, abs=5 * 3 * np.sqrt(3) / np.sqrt(MANY))
    pd.testing.assert_frame_equal(run(1), run(1))


def test_singular_covariance_is_drawn():
    drawn = Normal(("a", "b"), np.zeros(2), np.ones((2, 2))).draw(np.random.default_rng(0), 100)
    np.testing.assert_allclose(drawn["a"], drawn["b"], atol=1e-7)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: uprate(1, "1999-00", "2022-23", DEFLATOR), "no index for 1999-00; it has 2017-18 to 2022-23"),
        (lambda: uprate(np.nan, "2017-18", "2022-23", DEFLATOR), "amount: expected finite"),
        (lambda: uprate(1, "a", "b", {"a": 0.0, "b": 1.0}), "every index above zero"),
        (lambda: discount([1], rate=-1), "above -1"),
        (lambda: discount([1, 2, 3], rate=[0.1, 0.2]), "each of 3 periods, found 2"),
        (lambda: discount([1], rate=0.1, timing="late"), "'start', 'middle', 'end', found 'late'"),
        (lambda: scenarios(saving, BASE, {"odd": {"dayz": 1}}), "scenario odd: .* others: dayz"),
        (lambda: scenarios(saving, BASE, {"base": {}}), "choose another"),
        (lambda: tornado(saving, BASE, {"days": (2, 1)}, result="saving"), "low before high, found otherwise for days"),
        (lambda: tornado(saving, BASE, {"days": (1, 2)}, result="cost"), "'saving', 'days', found 'cost'"),
        (lambda: probabilistic(saving, BASE, [Triangular("days", 0, 1, 2)] * 2, draws=5, seed=1), "days drawn by two"),
        (lambda: probabilistic(saving, BASE, [Triangular("x", 0, 1, 2)], draws=5, seed=1), "others: x"),
        (lambda: probabilistic(saving, BASE, [], draws=1, seed=1), "from 2, found 1"),
        (lambda: Normal(("a",), np.zeros(1), -np.eye(1)).draw(np.random.default_rng(0), 2), "no variance below zero"),
        (lambda: acceptability([1, 2], [1]), "effect: expected 2 rows"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
