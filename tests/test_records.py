"""The comparison of arms and its design: by hand on a few people, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from drawn_comparison import people, records, study

from ldeval.analysis.attempts import NoAnswer, answers, reason, require_both
from ldeval.analysis.counted import Arm
from ldeval.analysis.findings import Findings
from ldeval.analysis.records import FEWEST, compare, design, varying

EXACT = 1e-12  # sums of a handful of numbers


def test_age_is_centred_at_35_in_tens_of_years_with_its_square():
    rows = pd.DataFrame({"age": [25, 35, 55, 45]})
    X = design(rows, np.array([1.0, 0.0, 0.0, 1.0]), ["age"])
    assert X.age.tolist() == [-1.0, 0.0, 2.0, 1.0]
    assert "age_squared" not in X  # 1 for both users: no model could tell it from the arm


def test_counts_are_logged_and_the_missing_take_the_median():
    rows = pd.DataFrame({"previous_convictions": [0.0, np.e - 1, np.nan, 0.0, np.e - 1]})
    X = design(rows, np.array([1.0, 1.0, 0.0, 0.0, 0.0]), ["previous_convictions"])
    assert X.previous_convictions.to_numpy() == pytest.approx([0, 1, 0.5, 0, 1], abs=EXACT)


def test_rare_categories_join_the_commonest():
    sexes = ["male"] * 60 + ["female"] * FEWEST + ["unknown"] * 3
    rows = pd.DataFrame({"sex": sexes * 2})
    X = design(rows, np.repeat([1.0, 0.0], len(sexes)), ["sex"])
    assert list(X) == ["intercept", "sex_female"]
    assert X.sex_female.sum() == 2 * FEWEST


def test_columns_constant_in_an_arm_are_left_out():
    X = pd.DataFrame({"intercept": 1.0, "same": [1.0, 1.0, 0.0, 1.0], "varies": [1.0, 0.0, 0.0, 1.0]})
    assert list(varying(X, np.array([1.0, 1.0, 0.0, 0.0]))) == ["intercept", "varies"]


def test_an_adjustment_that_is_no_feature_is_named(tmp_path):
    with pytest.raises(ValueError, match="shoe_size"):
        compare(records(tmp_path, people(100), study(("shoe_size",))), "diversion")


def test_arms_hold_counts_and_the_largest_share(tmp_path):
    frame = people(400)
    both = compare(records(tmp_path, frame), "diversion")
    users = (frame.arm == "user").to_numpy()
    days = np.where(np.arange(400) < 2, 10.0, 0.0)
    one, other = both.arms(days > 0, days)
    assert one == Arm("Users", int(users.sum()), int(users[:2].sum()), one.largest)
    assert (one.events or 0) + (other.events or 0) == 2
    for arm, n in ((one, users[:2].sum()), (other, 2 - users[:2].sum())):
        assert arm.largest == (None if n == 0 else pytest.approx(1 / n, abs=EXACT))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"arm": "user"}, "there are no comparators in the records"),
        ({"arm": "not_yet_live"}, "there are no users in the records"),
        ({"arm": "unseen"}, "there are no users in the records"),
    ],
)
def test_an_empty_arm_is_refused_without_a_count(change, why, tmp_path):
    with pytest.raises(NoAnswer, match=f"^{why}$"):
        compare(records(tmp_path, people(100).assign(**change)), "diversion")


def test_users_of_one_area_alone_are_refused(tmp_path):
    frame = people(200)
    frame.loc[frame.arm == "user", "area_id"] = "Area 00"
    with pytest.raises(NoAnswer, match="the users come from one area only"):
        compare(records(tmp_path, frame), "diversion")


def test_refusals_go_on_without_their_counts():
    assert reason(NoAnswer("nobody")) == "nobody"
    assert reason(ValueError("weights: found 3 of 17 below zero")) == "the estimator refused these records at its input 'weights'"
    assert reason(ValueError("3 people were lost")) == "the estimator refused these records"


def test_a_refusal_gives_each_expected_result_as_not_estimated():
    @answers({"custody/risk/att": "risk of custody", "custody-table": "Custody"})
    def refusing() -> Findings:
        raise NoAnswer("there are no users in the records")

    gaps = refusing().missing
    assert [(gap.id, gap.outcome, gap.why) for gap in gaps] == [
        ("custody/risk/att", "custody", "there are no users in the records"),
        ("custody-table", "", "there are no users in the records"),
    ]


def test_an_arm_where_all_or_none_have_the_event_is_refused():
    treated = np.array([1.0, 1.0, 0.0, 0.0])
    require_both(np.array([True, False, True, False]), treated, "jailed")
    for event in ([True, True, True, False], [True, False, False, False]):
        with pytest.raises(NoAnswer, match="nobody, or everybody, in one arm was jailed"):
            require_both(np.array(event), treated, "jailed")
