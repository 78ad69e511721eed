"""Own-control rates by hand: exposure net of custody and death, windows, adding up, the placebo, and what cannot be shown."""

from datetime import date, timedelta
from math import exp, log

import numpy as np
import pandas as pd
import pytest
from small_records import small_records

from ldeval.analysis.own_control import (
    BASE,
    WINDOWS,
    YEAR,
    before_after,
    event_study,
    own_control,
    placebo,
    placebo_fit,
    rates,
    spans,
)
from ldeval.analysis.service_use import OUTCOMES, before_and_after, event_studies, later_referred, service_use, why_not
from ldeval.stats.counts import fixed_effects_poisson

EXACT = 1e-9
"""Relative: Newton's method to its decrement."""
YEAR_WINDOW, NEAR, FAR = WINDOWS
ONE = ("ae_attendances",)


def people_of(number, *, areas=4, arm="user"):
    """Give people whose index dates go through the window from January to September 2017."""
    return pd.DataFrame(
        {
            "study_id": [f"S{n}" for n in range(number)],
            "area_id": [f"Area {n % areas}" for n in range(number)],
            "arm": arm,
            "index_date": [date(2017, 1, 1) + timedelta(days=270 * n // number) for n in range(number)],
        }
    )


def panel_of(people, count=lambda person, month: 1):
    """Give their months: thirty days each, none in custody."""
    rows = [
        {
            "study_id": person,
            "month": month,
            "exposure": 30,
            "custody_days": 0,
            **{name: count(number, month) for name in OUTCOMES},
        }
        for number, person in enumerate(people.study_id)
        for month in range(-12, 12)
    ]
    return pd.DataFrame(rows)


def made(count=lambda person, month: 1, number=40):
    people = people_of(number)
    return own_control(panel_of(people, count), people, tuple(OUTCOMES))


def test_days_in_custody_and_after_death_are_not_at_risk():
    people = people_of(2)
    rows = panel_of(people)
    rows.loc[(rows.study_id == "S0") & (rows.month == 3), "custody_days"] = 12
    rows.loc[(rows.study_id == "S0") & (rows.month == 4), "custody_days"] = 30  # inside all month
    rows.loc[(rows.study_id == "S1") & (rows.month >= 6), "exposure"] = 0  # died before month 6
    found = own_control(rows, people, ONE).rows.set_index(["person", "month"])["net"]
    assert found["S0"][3] == 30 - 12
    assert 4 not in found["S0"].index
    assert found["S1"].index.max() == 5


def test_only_users_are_in_it():
    people = people_of(4)
    people.loc[1, "arm"] = "not_yet_live"
    assert own_control(panel_of(people), people, ONE).people == 3


def test_before_against_after_by_hand():
    """Two a month before and three after, of 30 days each: rates of 2 / 30 and 3 / 30 a day."""
    panel = made(lambda person, month: 3 if month >= 0 else 2)
    fit = before_after(panel, "ae_attendances", YEAR_WINDOW).tidy().iloc[0]
    assert exp(fit.estimate) == pytest.approx(3 / 2, rel=EXACT)
    found = rates(panel, "ae_attendances", YEAR_WINDOW).tidy().set_index("term").estimate
    assert found.rate_treated == pytest.approx(3 / 30 * YEAR, rel=EXACT)
    assert found.rate_difference == pytest.approx(1 / 30 * YEAR, rel=EXACT)


def test_windows_take_their_own_months():
    panel = made(lambda person, month: {-1: 9, 0: 6}.get(month, 1))
    ratio = {w.key: exp(before_after(panel, "ae_attendances", w).tidy().estimate.iloc[0]) for w in WINDOWS}
    assert ratio["near"] == pytest.approx((6 + 1 + 1) / (1 + 1 + 9), rel=EXACT)
    assert ratio["far"] == pytest.approx(1.0, rel=EXACT)
    assert ratio["year"] == pytest.approx((11 + 6) / (11 + 9), rel=EXACT)


def test_who_lacks_one_side_is_left_out_of_before_against_after():
    people = people_of(8)
    rows = panel_of(people)
    rows.loc[(rows.study_id == "S0") & (rows.month >= 0), "exposure"] = 0
    assert spans(own_control(rows, people, ONE), "ae_attendances", YEAR_WINDOW).person.nunique() == 7


def test_a_rise_that_people_have_in_common_is_the_event_study():
    panel = made(lambda person, month: (1 + person % 3) * (4 if month == 0 else 1))
    found = event_study(panel, "ae_attendances").tidy().set_index("term").estimate
    assert found["month+0"] == pytest.approx(log(4), rel=EXACT)
    assert found["month-3"] == pytest.approx(0.0, abs=1e-9)
    assert len(found) == 24 - len(BASE)


def test_adding_people_up_changes_nothing():
    """The fit and its clustered errors are those of one unit a person, to the small-sample factor of the number of rows."""
    rng = np.random.default_rng(1)
    people = people_of(60)
    rows = panel_of(people, lambda person, month: rng.poisson(1.0))
    rows.loc[(rows.study_id == "S5") & (rows.month == 2), "custody_days"] = 11
    rows.loc[(rows.study_id == "S6") & (rows.month > 4), "exposure"] = 0
    panel = own_control(rows, people, ONE)
    ours = event_study(panel, "ae_attendances")
    X = pd.DataFrame({f"m{m}": (panel.rows.month == m).astype(float) for m in range(-9, 12)})
    one = fixed_effects_poisson(
        panel.rows.ae_attendances, X, unit=panel.rows.person, exposure=panel.rows.net, cluster=panel.rows.area
    )
    np.testing.assert_allclose(ours.coefficients, one.coefficients, rtol=1e-8)
    ratio = np.sqrt(np.diag(ours.covariance) / np.diag(one.covariance))
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


def test_those_referred_later_stand_in_the_same_calendar_months():
    """Everybody's use rises by half in calendar July: both groups show it, and their ratio does not."""
    people = people_of(90)
    given = placebo(own_control(panel_of(people), people, ONE), 365)
    assert given.shift == 6
    later = given.rows[given.rows.later == 1.0]
    assert sorted(later.month.unique()) == [-6, -5, -4, 0, 1, 2]
    days = pd.to_datetime(later.index_date)
    assert days.min() > pd.Timestamp(2017, 6, 1)


def test_the_placebo_sets_one_change_against_the_other():
    people = people_of(90)
    early = 30  # the first third
    panel = own_control(
        panel_of(people, lambda person, month: 6 if person < early + 1 and month in range(3) else 2), people, tuple(OUTCOMES)
    )
    found = placebo_fit(placebo(panel, 365), "ae_attendances").tidy().set_index("term").estimate
    assert found.log_later == pytest.approx(0.0, abs=1e-9)
    assert found.log_early_to_later == pytest.approx(log(3), rel=EXACT)


def test_a_short_window_has_nobody_referred_later():
    people = people_of(90)
    people["index_date"] = [date(2017, 1, 1) + timedelta(days=n % 30) for n in range(90)]
    assert "too short" in placebo(own_control(panel_of(people), people, ONE), 365)
    people["index_date"] = date(2017, 1, 1)
    assert "nobody was referred later" in placebo(own_control(panel_of(people), people, ONE), 365)


def none_at_all(person, month):
    return 0


@pytest.mark.parametrize(
    ("panel", "why"),
    [
        (made(none_at_all), "nobody had any"),
        (made(lambda person, month: int(month < 0)), "nobody had any"),
        (own_control(panel_of(people_of(9)).assign(ae_attendances=np.nan), people_of(9), tuple(OUTCOMES)), "no such records"),
        (own_control(panel_of(people_of(9, areas=1)), people_of(9, areas=1), tuple(OUTCOMES)), "one area only"),
        (own_control(panel_of(people_of(9)), people_of(9, arm="unseen"), tuple(OUTCOMES)), "no users"),
    ],
    ids=["nobody has any", "none after", "no source", "one area", "no users"],
)
def test_what_cannot_be_estimated_says_why(panel, why):
    assert why in why_not(panel, "ae_attendances")
    gaps = {name: why_not(panel, name) or "left out of this test" for name in OUTCOMES}
    found = event_studies(panel, gaps) + before_and_after(panel, gaps) + later_referred(panel, "", gaps)
    assert found.estimates == ()
    assert {gap.id for gap in found.missing} >= {"use-events-ae-attendances", "service_use/ae_attendances/rate_ratio/year"}
    found.check()


def test_everything_is_descriptive_and_says_what_stands_behind_it():
    found = service_use(small_records()).check()
    assert {row.estimand for row in found.estimates} == {"descriptive"}
    assert all(len(found.arms[row.id]) == 2 for row in found.estimates)
    year = {row.id: row for row in found.estimates}["service_use/ae_attendances/rate_ratio/year"]
    assert 0.8 < year.value < 1.25  # the twin's attendances return to where they were
