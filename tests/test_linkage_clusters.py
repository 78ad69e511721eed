"""From pairs to people, by hand: chains, contradicting national numbers, link probability, and drawn link sets."""

import numpy as np
import pandas as pd
import pytest

from ldeval.data.linkage_clusters import Pairs, clusters, draw_clusters, link_probability
from ldeval.data.linkage_quality import anchored, pair_quality, same_pairs, subgroups

EXACT = 1e-12
"""Arithmetic on a few numbers: rounding alone."""


def pairs_of(*rows):
    left, right, probability, by_rule = zip(*rows, strict=True)
    return Pairs(np.array(left), np.array(right), np.array(probability, dtype=float), np.array(by_rule, dtype=bool))


def numbers_of(*values):
    """One national number for each record; -1 is missing."""
    return np.array(values)[:, None]


def groups(labels):
    found = {}
    for record, label in enumerate(labels):
        found.setdefault(label, []).append(record)
    return sorted(found.values())


NONE = numbers_of(-1, -1, -1, -1)


def test_records_joined_by_a_chain_of_links_are_one_person():
    pairs = pairs_of((0, 1, 0.99, False), (1, 2, 0.95, False), (2, 3, 0.94, False))
    assert groups(clusters(pairs, NONE, 0.95)) == [[0, 1, 2], [3]]


def test_a_rule_links_whatever_the_model_says():
    assert groups(clusters(pairs_of((0, 1, 0.2, True)), NONE, 0.95)) == [[0, 1], [2], [3]]


def test_a_chain_never_joins_two_values_of_a_national_number():
    pairs = pairs_of((0, 1, 0.97, False), (1, 2, 0.99, False))
    assert groups(clusters(pairs, numbers_of(7, -1, 8, -1), 0.95)) == [[0], [1, 2], [3]]
    assert groups(clusters(pairs, numbers_of(7, -1, 7, -1), 0.95)) == [[0, 1, 2], [3]]
    longer = pairs_of((0, 1, 0.97, False), (1, 2, 0.96, False), (2, 3, 0.99, False))
    assert groups(clusters(longer, numbers_of(7, -1, -1, 8), 0.95)) == [[0, 1], [2, 3]]


def test_a_rule_goes_before_a_surer_pair_where_they_contradict():
    pairs = pairs_of((0, 1, 0.96, True), (1, 2, 0.99, False))
    assert groups(clusters(pairs, numbers_of(7, -1, 8, -1), 0.95)) == [[0, 1], [2], [3]]


def test_link_probability_is_the_product_over_the_strongest_tree():
    pairs = pairs_of((0, 1, 0.99, False), (1, 2, 0.96, False), (0, 2, 0.98, False))
    labels = clusters(pairs, NONE, 0.95)
    sure = link_probability(pairs, labels)
    assert sure[labels[0]] == pytest.approx(0.99 * 0.98, abs=EXACT)
    assert sure[labels[3]] == 1.0


def test_a_pair_of_probability_one_costs_nothing():
    pairs = pairs_of((0, 1, 1.0, True))
    labels = clusters(pairs, NONE, 0.95)
    assert link_probability(pairs, labels)[labels[0]] == pytest.approx(1.0, abs=EXACT)


def test_between_two_people_there_is_one_chance_with_the_strongest_pairs_probability():
    sure_pairs = [(0, 1, 1.0, True), (2, 3, 1.0, True)]
    doubtful = [(0, 2, 0.3, False), (0, 3, 0.3, False), (1, 2, 0.2, False), (1, 3, 0.3, False)]
    pairs = pairs_of(*sure_pairs, *doubtful)
    rng = np.random.default_rng(0)
    draws = 2000
    joined = sum(len(groups(draw_clusters(pairs, NONE, rng, 0.999))) == 1 for _ in range(draws))
    three_errors = 3 * (0.3 * 0.7 / draws) ** 0.5
    assert joined / draws == pytest.approx(0.3, abs=three_errors)


def test_a_drawn_link_never_joins_two_values_of_a_national_number():
    pairs = pairs_of((0, 1, 0.998, False))
    rng = np.random.default_rng(0)
    assert all(len(groups(draw_clusters(pairs, numbers_of(7, 8), rng, 0.999))) == 2 for _ in range(20))


def test_pairs_are_counted_within_groups():
    assert same_pairs(np.array([0, 0, 0, 1, 1, 2])) == 3 + 1
    assert same_pairs(np.array([0, 0, 0, 1]), np.array([5, 5, 6, 6])) == 1


def test_expected_and_true_errors_by_hand():
    pairs = pairs_of((0, 1, 0.98, False), (1, 2, 0.96, False), (2, 3, 0.40, False))
    labels = clusters(pairs, NONE, 0.95)
    found = pair_quality("model", labels, pairs, truth=np.array([5, 5, 6, 6]))
    assert found.people == 2
    assert found.linked_pairs == 3
    assert found.expected_false == pytest.approx(0.02 + 0.04, abs=EXACT)
    assert found.expected_missed == pytest.approx(0.40, abs=EXACT)
    assert found.expected_recall == pytest.approx(1.94 / 2.34, abs=EXACT)
    assert (found.precision, found.recall) == (1 / 3, 1 / 2)


def test_links_to_police_records_by_hand():
    """Record 0 is with its own police record, 2 with somebody else's, 4 with none though its police record is there."""
    source = pd.Series(["ld", "pnc", "ld", "pnc", "ld", "pnc"])
    pairs = pairs_of((0, 1, 0.99, False), (2, 3, 0.97, False), (4, 5, 0.60, False))
    labels = clusters(pairs, np.full((6, 1), -1), 0.95)
    found = anchored(source, labels, link_probability(pairs, labels), pairs, np.array([1, 1, 2, 9, 4, 4]))
    assert found.linked.tolist() == [True, True, True, True, False, True]
    assert found.wrong.tolist() == [False, False, True, False, False, False]
    assert found.missed.tolist() == [False, False, False, False, True, False]
    assert found.expected_missed.tolist() == [0, 0, 0, 0, 0.60, 0]
    assert found.expected_wrong[2] == pytest.approx(0.03, abs=EXACT)


def test_subgroups_name_nobody():
    records = pd.DataFrame(
        {
            "birth_date": ["1999-01-01", "1999-01-03", "1962-01-01", None],
            "sex": ["male", None, "female", "male"],
            "has_postcode": [True, False, False, False],
            "nhs_number": [None, "9990000000", None, None],
            "pnc_id": [None] * 4,
        }
    )
    found = subgroups(records, pd.Series(["white", None, None, None]), pd.Timestamp("2017-01-01"))
    assert found["age"].tolist() == ["18-24", "under 18", "55 and over", "missing"]
    assert found["sex"].tolist() == ["male", "missing", "female", "male"]
    assert found["postcode"].tolist() == ["held", "missing", "missing", "missing"]
    assert found["pnc_id"].unique().tolist() == ["missing"]
