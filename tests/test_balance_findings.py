"""Balance in full: every measure of every characteristic, the brief of every comparison, overlap by area."""

import numpy as np
import pytest
from drawn_comparison import people, reasons, records

from ldeval.analysis import balance
from ldeval.analysis.balance import overlap, weigh
from ldeval.analysis.diversion import race
from ldeval.analysis.records import compare
from ldeval.stats.weights import propensity_weights

EXACT = 1e-9  # sums of a thousand numbers
EXPECTED = balance.CUSTODY | balance.RECONVICTION | balance.SCHEMES | balance.OVERLAP


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return records(tmp_path_factory.mktemp("drawn"), people())


@pytest.fixture(scope="module")
def found(drawn):
    return balance.balances(drawn)


@pytest.fixture(scope="module")
def own(drawn):
    return race(compare(drawn, "diversion"), 365).people


def exhibit(found, key):
    return next(each for each in found.exhibits if each.id == key)


def test_every_expected_result_is_there(found):
    assert set(found.ids()) == set(EXPECTED)


def test_the_standardised_difference_is_that_of_the_means_over_the_users_spread(found, own):
    users, others = own.X[own.treated == 1.0], own.X[own.treated == 0.0]
    weights = np.asarray(propensity_weights(own.treated, own.X))[own.treated == 0.0]
    row = next(row for row in exhibit(found, "balance-smd").rows if row[1] == "Previous convictions")
    one, zero, spread = users.previous_convictions.mean(), others.previous_convictions, users.previous_convictions.std()
    assert row[2] == pytest.approx((one - zero.mean()) / spread, abs=EXACT)
    assert row[3] == pytest.approx((one - np.average(zero, weights=weights)) / spread, abs=EXACT)


def test_entropy_balancing_makes_the_means_equal(found):
    assert {row[4] for row in exhibit(found, "balance-smd").rows} == {0.0}


@pytest.mark.parametrize("key", ["balance-variance-ratio", "balance-ks"])
def test_variances_and_distances_are_given_for_characteristics_that_are_not_either_or(found, key):
    assert {row[1] for row in exhibit(found, key).rows} == {
        *("Ten years, counted from 35", "The same, squared", "Previous convictions")
    }


def test_the_brief_agrees_with_the_tables(found):
    differences = [abs(row[2]) for row in exhibit(found, "balance-smd").rows]
    brief = {row[:2]: row[2:] for row in exhibit(found, "balance-schemes").rows}
    assert brief["Custody", "Before"][0] == pytest.approx(max(differences), abs=EXACT)
    assert brief["Custody", "Before"][1] == sum(size > balance.LIMIT for size in differences)
    assert brief["Custody", "Matching"][4:] == (None, None)


def test_effective_numbers_follow_kish(found, own):
    weights = np.asarray(propensity_weights(own.treated, own.X))[own.treated == 0.0]
    brief = {row[:2]: row[2:] for row in exhibit(found, "balance-schemes").rows}
    assert brief["Custody", "Weighting"][4] == pytest.approx(weights.sum() ** 2 / (weights**2).sum() / len(weights), abs=EXACT)
    assert brief["Custody", "Weighting"][5] == pytest.approx(weights.max() / weights.mean(), abs=EXACT)


def test_comparators_of_all_areas_make_up_all_weight(found):
    shares = [row[-1] for row in exhibit(found, "balance-areas").rows if row[0] == "Comparators"]
    assert sum(shares) == pytest.approx(1.0, abs=EXACT)


def test_a_small_area_is_not_shown(own, monkeypatch):
    monkeypatch.setattr(balance, "FEWEST_IN_AREA", 60)
    sizes = {area: int((own.cluster == area).sum()) for area in np.unique(own.cluster)}
    shown = {row[1] for row in exhibit(overlap(weigh(own, balance.WAYS)), "balance-areas").rows}
    assert shown == {area for area, size in sizes.items() if size >= 60}
    assert shown < set(sizes)


def test_people_are_counted_whom_the_other_arm_does_not_reach_or_who_are_matched(found, own):
    table = exhibit(found, "balance-reach")
    (users, _, matched), (others, _, taken) = table.values
    assert (users, others) == (own.treated.sum(), (own.treated == 0.0).sum())
    assert matched == taken <= users


def test_a_way_without_weights_says_why(own):
    def refuse(_):
        raise ValueError("caliper: 7 people have no match")

    tried = weigh(own, {"Weighting": balance.WAYS["Weighting"], "Matching": refuse})
    assert tried.gaps == {"Matching": "the estimator refused these records at its input 'caliper'"}
    assert [column.label for column in exhibit(overlap(tried), "balance-reach").columns][-1].startswith("Score outside")
    assert reasons(overlap(weigh(own, {"Weighting": refuse})))["balance-areas"] == tried.gaps["Matching"]
    assert "7" not in " ".join(tried.notes())


def test_without_comparators_every_table_says_why(tmp_path):
    frame = people()
    gone = balance.balances(records(tmp_path, frame[frame.arm == "user"]))
    assert set(reasons(gone)) == set(EXPECTED)
