"""Diversion: by hand on a few people, what every result has, and the hard cases."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_comparison import people, reasons, records, values

from ldeval.analysis import custody_days, disposals, diversion, diversion_parts, weighting
from ldeval.analysis.counted import Counts
from ldeval.analysis.diversion import incidence, race
from ldeval.analysis.exhibits import Curves, Table
from ldeval.analysis.records import compare

EXACT = 1e-9  # shares of a few hundred people, through a logistic fit of a constant
ALL = (
    (diversion.diversion, diversion.PRIMARY | diversion.ITT | diversion.SENTENCED | diversion.ENDINGS),
    (diversion_parts.diversion_parts, diversion_parts.METHODS | diversion_parts.PARTS | diversion_parts.SITES),
    (custody_days.custody_days, custody_days.DAYS | custody_days.PER_SENTENCE),
    (weighting.weighting, weighting.BALANCE),
)


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def drawn(frame, tmp_path_factory):
    return records(tmp_path_factory.mktemp("drawn"), frame)


@pytest.fixture(scope="module")
def cases(drawn):
    return race(compare(drawn, "diversion"), 365)


def test_without_adjustment_or_censoring_risks_are_plain_shares(cases, frame):
    bare = cases.adjusted_for(["intercept"])
    tidy = incidence(bare).tidy().set_index("term").estimate
    shares = (frame.custody_race_state == 1).groupby(frame.arm).mean()
    assert tidy["incidence_treated"] == pytest.approx(shares["user"], abs=EXACT)
    assert tidy["incidence_control"] == pytest.approx(shares["not_yet_live"], abs=EXACT)
    assert tidy["incidence_difference"] == pytest.approx(shares["user"] - shares["not_yet_live"], abs=EXACT)


def test_users_whose_case_had_ended_before_contact_are_left_out(drawn, frame):
    late = frame.copy()
    late.loc[late.arm == "user", "entry"] = 30
    both = race(replace_people(drawn, late), 365)
    assert (both.people.entry < both.time).all()
    assert both.people.treated.sum() == ((late.arm == "user") & (late.custody_race_days > 30)).sum()


def test_a_case_that_ends_on_the_first_day_is_at_risk_for_half_a_day(drawn, frame):
    first = frame.assign(custody_race_days=0)
    assert set(race(replace_people(drawn, first), 365).time) == {0.5}


def replace_people(drawn, frame):
    rows = compare(drawn, "diversion")
    return replace(rows, rows=frame, entry=frame.entry.to_numpy(float))


@pytest.mark.parametrize(("analysis", "expected"), ALL, ids=lambda x: getattr(x, "__name__", ""))
def test_every_expected_result_is_there_or_says_why(analysis, expected, drawn):
    found = analysis(drawn)
    assert set(expected) <= set(found.ids())
    assert all(found.arms.get(estimate.id) for estimate in found.estimates)
    assert all(found.origins[key].data == ("records",) for key in found.ids())


def test_people_diverted_are_the_difference_times_the_users(drawn, cases):
    found = values(diversion.diversion(drawn))
    difference, diverted = found["diversion/risk_difference/att"], found["diversion/people_diverted/att"]
    users = 5 * round(cases.people.treated.sum() / 5)
    assert diverted.value == pytest.approx(-difference.value * users, abs=EXACT)
    assert (diverted.low, diverted.high) == pytest.approx(
        tuple(-bound * users for bound in (difference.high, difference.low)), abs=EXACT
    )


def test_intention_to_treat_counts_those_whom_the_service_missed(tmp_path, frame):
    missed = frame.copy()
    unseen = (missed.arm == "user") & (np.arange(len(missed)) % 2 == 0)
    missed.loc[unseen, "arm"] = "unseen"
    found = diversion.intention_to_treat(records(tmp_path, missed))
    (estimate,) = found.estimates
    assert estimate.estimand == "ITT"
    assert estimate.n == len(frame)
    assert found.arms[estimate.id][0].n == (frame.arm == "user").sum()


def test_endings_add_up_to_the_people_of_each_arm(drawn, frame):
    (table,) = [e for e in diversion.diversion(drawn).exhibits if isinstance(e, Counts)]
    grid = np.array(table.values)
    assert (grid[0] == grid[1:].sum(axis=0)).all()
    assert grid[0].tolist() == [(frame.arm == "user").sum(), (frame.arm == "not_yet_live").sum()]


def test_endings_before_and_after_count_the_same_areas(frame):
    users = (
        frame[frame.arm == "user"].head(3).assign(index_disposal=["fine", "immediate_custody", "fine"], index_disposal_days=10)
    )
    before = users.head(2).assign(index_disposal=["immediate_custody", "fine"], index_disposal_days=[20, 365])
    (table,) = disposals.before_and_after(users, before, 365).exhibits
    labels = [row.label for row in table.rows]
    found = {label: table.values[labels.index(label)] for label in ("All index cases", "Immediate custody", "Fine", "Still open")}
    assert found == {"All index cases": (2, 3), "Immediate custody": (1, 1), "Fine": (0, 2), "Still open": (1, 0)}
    assert [column.label for column in table.columns] == [disposals.EARLIER, disposals.USERS]


def test_endings_before_need_an_earlier_window_with_somebody_in_it(drawn, frame):
    (gap,) = disposals.disposals(drawn).missing
    assert (gap.id, gap.why) == ("diversion-before", "the protocol names no historical window")
    (gap,) = disposals.before_and_after(frame, frame.head(0), 365).missing
    assert gap.why == "there is nobody of the same areas in the earlier window"


def test_curves_end_at_the_risk_and_count_whom_they_hold(cases):
    found = diversion.primary(cases)
    (curves,) = [e for e in found.exhibits if isinstance(e, Curves)]
    risk = values(found)
    for group, arm in (("Users", "users"), ("Comparators", "comparators")):
        points = curves.of(group)
        assert points[-1].value == pytest.approx(risk[f"diversion/risk_{arm}/att"].value, abs=EXACT)
        left = points[0].at_risk
        for point in points[1:]:
            assert point.at_risk == left  # nobody enters late here
            left -= point.events + point.competing + point.censored


def test_days_are_those_served_within_the_follow_up(tmp_path):
    frame = people(400).assign(index_disposal_days=350.0, index_release_days=400.0, custody_race_days=350)
    both = compare(records(tmp_path, frame), "diversion")
    jailed = (frame.index_disposal == "immediate_custody").to_numpy()
    assert custody_days.VALUES["custody_days"](both, 365).tolist() == np.where(jailed, 15.0, 0.0).tolist()
    assert custody_days.VALUES["sentence_served"](both, 365).tolist() == np.where(jailed, 50.0, 0.0).tolist()


def test_balance_is_better_after_weighting(drawn):
    table = next(e for e in weighting.weighting(drawn).exhibits if isinstance(e, Table) and e.picture == "love")
    worst = [max(abs(row[place]) for row in table.rows) for place in (1, 2)]
    assert worst[1] < worst[0]


HARD = {
    "an empty arm": ({"arm": "user"}, "there are no comparators in the records"),
    "one area only": ({"area_id": "Area 00"}, "the users come from one area only"),
    "nobody sentenced": ({"custody_race_state": 2, "index_disposal": "fine"}, "nobody, or everybody, in one arm"),
    "everybody sentenced": ({"custody_race_state": 1}, "nobody, or everybody, in one arm"),
}


@pytest.mark.parametrize("case", HARD)
def test_hard_cases_say_why(case, frame, tmp_path):
    change, why = HARD[case]
    drawn = records(tmp_path, frame.assign(**change))
    found = diversion.diversion(drawn) + diversion_parts.diversion_parts(drawn) + custody_days.custody_days(drawn)
    assert reasons(found)["diversion/risk_difference/att"].startswith(why)
    found.check()


def test_one_sex_only_and_a_small_pool_are_no_obstacle(tmp_path):
    frame = people(900, users=0.8).assign(sex="female")
    assert (frame.arm == "not_yet_live").sum() < (frame.arm == "user").sum()
    drawn = records(tmp_path, frame)
    found = diversion.diversion(drawn) + diversion_parts.diversion_parts(drawn)
    assert "diversion/risk_difference/att" in values(found)
    assert "diversion/risk_difference/att/male" in reasons(found)
    found.check()


def test_a_source_without_days_in_custody_says_so(drawn, frame, tmp_path):
    found = custody_days.custody_days(records(tmp_path, frame.assign(custody_days=np.nan)))
    assert reasons(found) == {"days_inside/mean_difference/att": "the records hold no such days"}
    assert "custody_days/mean_difference/att" in values(found)
