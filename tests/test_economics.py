"""From custody avoided to pounds: an account of six lines on paper, what always holds, and hard cases."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.analysis import chain
from ldeval.analysis.counted import Arm
from ldeval.analysis.economics import economics, question
from ldeval.analysis.economics_exhibits import implied
from ldeval.analysis.findings import Findings
from ldeval.analysis.unit_costs import NEEDED, UnitCost
from ldeval.estimate import Estimate
from ldeval.study import Economics, read_study

PROJECT = Path(__file__).parent.parent
STUDY = read_study(PROJECT / "study.toml")
EXACT = 1e-12
"""Arithmetic: rounding only."""
SOLVED = 1e-9
"""What is solved for and put back in: rounding, several operations long."""
DRAWS = 0.05
"""Relative, of a standard deviation over 2,000 draws: its own error is 1 / sqrt(4,000), about 0.016; three of them."""

MEANS = 0.067
"""Standard deviations, of a mean over 2,000 draws: three of its own errors, 3 / sqrt(2,000)."""

CENTRAL = {
    "service": 100.0,
    "prison_direct": 3650.0,
    "prison_overall": 7300.0,
    "community_order": 200.0,
    "release_supervision": 50.0,
    "breach_hearing": 40.0,
    "breach_share": 0.5,
    "arrest": 10.0,
    "court_case": 20.0,
    "employed": 0.5,
    "earnings": 14.0,
}


def cost(key, central, spread=0.0):
    unit = "share" if key in {"breach_share", "employed"} else "pounds"
    low, high = central * (1 - spread), central * (1 + spread)
    return UnitCost(key, key, "Prisons", unit, "2017-18", central, low, central, high, "FOUND", "a report", "")


def register(spread=0.0, **other):
    return {key: cost(key, value, spread) for key, value in (CENTRAL | other).items()}


def estimate(key, value, se=0.0, unit="days"):
    outcome, measure, _ = key.split("/")
    low, high = value - 1.96 * se, value + 1.96 * se
    return Estimate(key, outcome, measure, unit, "ATT", value, se, "identity", low, high, 0.95, 1000, 100, "by hand")


def effects(custody=-0.1, year=-6.0, served=-10.0, se=(0.0, 0.0, 0.0), correlation=None):
    found = [
        estimate(chain.CUSTODY, custody, se[0], "percentage points"),
        estimate(chain.DAYS_YEAR, year, se[1]),
        estimate(chain.DAYS_SERVED, served, se[2]),
    ]
    if correlation is not None:
        found += [estimate(key, correlation, unit="number") for key in chain.CORRELATIONS.values()]
    return {each.id: each for each in found}


def plan(**other):
    return Economics(**({"horizon_years": 3, "discount_rate": 0.0} | other))


def study(**other):
    return STUDY.model_copy(update={"economics": plan(**other)})


def parameters(costing="marginal", **other):
    return chain.base(effects(), register(), plan(), costing) | other


def test_the_account_of_one_referral_by_hand():
    found = chain.account(parameters(reconvictions=0.02))
    by_hand = {
        "prison": 10 * 3650 / 365,  # ten days at ten pounds
        "replacement": -0.1 * 200,
        "supervision": 0.1 * 50,
        "breach": -0.1 * 0.5 * 40,
        "cases": 0.02 * 20,
        "arrests": 0.02 * 10,
        "service": -100,
        "productivity": 10 * 0.5 * 14 / 7,
    }
    assert {line: found[line] for line in by_hand} == pytest.approx(by_hand, rel=EXACT)
    assert found["saving"] == pytest.approx(100 - 20 + 5 - 2 + 0.4 + 0.2, rel=EXACT)
    assert found["public sector"] == pytest.approx(83.6 - 100, rel=EXACT)
    assert found["society"] == pytest.approx(83.6 - 100 + 10, rel=EXACT)
    assert chain.account(parameters("average"))["prison"] == pytest.approx(200, rel=EXACT)


def test_later_days_are_discounted_by_hand():
    three = plan(discount_rate=0.1)
    assert chain.later_factor(three) == pytest.approx((1 / 1.1 + 1 / 1.21) / 2, rel=EXACT)
    days = chain.quantities(chain.base(effects(), register(), three, "marginal"))["days"]
    assert days == pytest.approx(6 + 4 * (1 / 1.1 + 1 / 1.21) / 2, rel=EXACT)
    assert chain.quantities(chain.base(effects(), register(), plan(horizon_years=1), "marginal"))["days"] == 6


@given(st.integers(2, 20))
@settings(deadline=None)
def test_discounting_at_nought_changes_nothing(years):
    assert chain.later_factor(plan(horizon_years=years)) == pytest.approx(1.0, rel=EXACT)


amounts = st.floats(0.1, 1e5)
small = st.floats(-50, 50)


@given(small, small, small, st.dictionaries(st.sampled_from(NEEDED), amounts), st.floats(0, 0.2))
@settings(max_examples=60, deadline=None)
def test_payers_add_up_to_the_total(custody, year, served, costs, rate):
    p = chain.base(effects(custody, year, served), register(**costs), plan(discount_rate=rate), "average")
    found = chain.account(p)
    size = sum(abs(found[line.id]) for line in chain.LINES)
    assert sum(chain.by_payer(found).values()) == pytest.approx(found["society"], abs=SOLVED * size)
    assert found["saving"] + found["service"] == pytest.approx(found["public sector"], abs=SOLVED * size)


@pytest.mark.parametrize("line", chain.LINES, ids=lambda line: line.id)
def test_doubling_a_unit_cost_doubles_its_line_and_no_other(line):
    before = chain.amounts(parameters(reconvictions=0.02))
    for name in line.factors:
        p = parameters(reconvictions=0.02)
        after = chain.amounts({**p, name: 2 * p[name]})
        changed = [other.id for other in chain.LINES if name in other.factors]
        for key, value in before.items():
            assert after[key] == pytest.approx(value * (2 if key in changed else 1), rel=EXACT), key


@pytest.mark.parametrize("name", ["days_served", "custody", "prison", "community_order", "service", "later_factor"])
@pytest.mark.parametrize("result", ["public sector", "society"])
def test_at_break_even_the_net_is_nought(name, result):
    p = parameters()
    at = chain.break_even(p, name, result)
    assert chain.account({**p, name: at})[result] == pytest.approx(0, abs=SOLVED * 100)


def test_break_even_of_the_whole_effect_and_of_what_does_not_move_it():
    p = parameters()
    factor = chain.break_even_effect(p, "public sector")
    assert factor == pytest.approx(100 / 83, rel=EXACT)
    scaled = {**p, **{name: factor * p[name] for name in chain.DRAWN}}
    assert chain.account(scaled)["public sector"] == pytest.approx(0, abs=SOLVED * 100)
    assert chain.break_even(p, "earnings", "public sector") is None
    assert chain.break_even_effect({**p, **dict.fromkeys(chain.DRAWN, 0.0)}, "society") is None


def test_what_the_reverse_table_implies_gives_the_total_back():
    p, total, referrals = parameters(), 5e5, 2000.0
    years, sentences, implied_referrals, days, difference = implied(total, p, referrals)
    worth = chain.account(p)["saving"] + chain.account(p)["productivity"]
    assert years * p["prison"] == pytest.approx(total, rel=SOLVED)
    assert sentences * 100 * p["prison"] / 365 == pytest.approx(total, rel=SOLVED)  # a hundred days served for each
    assert implied_referrals * worth == pytest.approx(total, rel=SOLVED)
    longer = {**p, "days_year": days * p["custody"], "days_served": days * p["custody"]}
    found = chain.account(longer)
    assert referrals * (found["saving"] + found["productivity"]) == pytest.approx(total, rel=SOLVED)
    assert referrals * worth * difference / p["custody"] == pytest.approx(total, rel=SOLVED)
    assert implied(total, {**p, "custody": -0.1}, referrals)[1:] == (None,) * 4


def test_draws_have_the_models_covariance():
    se = (0.01, 1.0, 2.0)
    uncertain = effects(se=se, correlation=0.6)
    made = chain.uncertain(uncertain, register(), "marginal")
    assert [type(each).__name__ for each in made] == ["Normal"]
    drawn = made[0].draw(np.random.default_rng(1), 2000)
    values = np.array([drawn[name] for name in chain.DRAWN])
    np.testing.assert_allclose(values.std(axis=1), se, rtol=DRAWS)
    np.testing.assert_allclose(np.corrcoef(values)[np.triu_indices(3, 1)], 0.6, atol=DRAWS)
    np.testing.assert_allclose(chain.covariance(effects(se=se)), np.diag(np.square(se)), rtol=EXACT)


def test_the_error_of_a_total_is_that_of_the_effects_where_costs_are_certain():
    se = (0.01, 1.0, 2.0)
    uncertain = effects(se=se, correlation=0.6)
    answer = {e.id: e for e in economics(uncertain, register(), study(draws=2000)).estimates}
    slope = np.array([-200 + 50 - 20, 0.0, 10.0])  # of the saving: sentences, days in the year (not discounted), days served
    exact = np.sqrt(slope @ chain.covariance(uncertain) @ slope)
    assert answer["economics/saving/marginal"].value == pytest.approx(83, rel=EXACT)
    assert answer["economics/saving/marginal"].se == pytest.approx(exact, rel=DRAWS)
    programme = answer["economics/saving_programme/marginal"]
    assert programme.value == pytest.approx(83 * 16315 / 1e6, rel=EXACT)
    assert answer["economics/custody_avoided_a_year/att"].value == pytest.approx(1631.5, rel=EXACT)


def test_the_mean_of_the_draws_is_the_account_at_the_means_of_lopsided_ranges():
    lopsided = register(0.1)
    prison = lopsided["prison_direct"]  # half of its central value at the least, and never more
    lopsided["prison_direct"] = replace(prison, low=prison.central / 2, high=prison.central)
    found = economics(effects(se=(0.01, 1.0, 2.0), correlation=0.6), lopsided, study(draws=2000))
    answer = {each.id: each for each in found.estimates}
    at_means = -10 * 10 / 6  # ten days at ten pounds, less a sixth: the mean of a half, one and one is five sixths
    central, expected = answer["economics/net_public/marginal"], answer["economics/net_public_mean/marginal"]
    assert central.value == pytest.approx(83 - 100, rel=EXACT)
    assert expected.value == pytest.approx(central.value + at_means, abs=MEANS * expected.se)
    assert (expected.se, expected.low, expected.high) == (central.se, central.low, central.high)
    rows = next(exhibit for exhibit in found.exhibits if exhibit.id == "economics-lopsided").rows
    assert [row[1] for row in rows[:3]] == [rows[0][1], "prison_direct", rows[2][1]]
    assert [row[4] for row in rows[1:3]] == pytest.approx([at_means] * 2, rel=SOLVED)
    assert rows[2][5] == pytest.approx(central.value + at_means, rel=SOLVED)
    assert len(rows) == 5  # overall cost: nothing is lopsided, so that base case and means are all there is
    assert rows[3][5] == rows[4][5]


def ids(found):
    return set(found.ids())


def test_the_same_results_are_there_whatever_can_be_estimated():
    whole = economics(effects(se=(0.01, 1.0, 2.0)), register(0.1), study())
    assert not whole.missing
    assert ids(economics({}, register(0.1), study())) == ids(whole)
    unclear = economics(effects(se=(0.1, 1.0, 2.0)), register(0.1), study())
    assert ids(unclear) == ids(whole)
    assert [gap.id for gap in unclear.missing] == [f"economics/cost_per_custody_avoided/{c}" for c in ("marginal", "average")]
    for gap in economics({}, register(), study()).missing:
        assert "effect on custody" in gap.why


def test_harm_comes_out_as_a_loss():
    harm = economics(effects(0.1, 6.0, 10.0, se=(0.01, 1.0, 2.0)), register(0.1), study())
    found = {each.id: each for each in harm.estimates}
    assert found["economics/saving/marginal"].value == pytest.approx(-83, rel=EXACT)
    assert found["economics/net_public/marginal"].high < 0
    reverse = next(exhibit for exhibit in harm.exhibits if exhibit.id == "economics-reverse")
    assert all(row[3] is None for row in reverse.rows)


def test_perspective_decides_what_break_even_and_tornado_show():
    table = {}
    for whose in ("public sector", "society"):
        found = economics(effects(se=(0.01, 1.0, 2.0)), register(0.1), study(perspective=whose))
        rows = next(exhibit for exhibit in found.exhibits if exhibit.id == "economics-tornado").rows
        table[whose] = {row[0] for row in rows}
    assert table["society"] - table["public sector"] == {"employed", "earnings"}


def test_the_arms_of_diversion_go_with_every_estimate():
    arms = (Arm("Users", 500, 40), Arm("Comparators", 500, 60))
    known = tuple(effects(se=(0.01, 1.0, 2.0)).values())
    found = question(Findings(known, arms={chain.CUSTODY: arms}), PROJECT, STUDY)
    assert set(found.arms) == {each.id for each in found.estimates}
    assert set(found.arms.values()) == {arms}
