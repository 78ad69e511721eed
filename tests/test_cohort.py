"""Who is in the study: people drawn as tables, one row for each edge of each rule."""

from datetime import date

import pytest
from drawn import by_person, drawn, rows, rule

from ldeval.data.cohort import STEPS, draw_cohort, rules
from ldeval.study import read_study


def people_of(linked, column, **changes):
    return by_person(draw_cohort(linked, rule(**changes)).people, column)


def test_the_window_is_half_open():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date
            before        | 2016-12-31
            first_day     | 2017-01-01
            last_day      | 2017-09-30
            after         | 2017-10-01
        """
    )
    assert people_of(linked, "index_date") == {"first_day": date(2017, 1, 1), "last_day": date(2017, 9, 30)}


def test_each_condition_is_asked_in_order_and_the_first_that_fails_counts():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date | area_id | vulnerable | age | recorded_date
            eligible      | 2017-03-01 | Live    | yes        | 18  | 2017-03-01
            elsewhere     | 2017-03-01 |         | no         | 17  | 2017-03-01
            not_flagged   | 2017-03-01 | Live    | no         | 17  | 2017-03-01
            age_unknown   | 2017-03-01 | Live    | yes        |     | 2017-03-01
            child         | 2017-03-01 | Live    | yes        | 17  | 2017-03-01
            dead          | 2017-03-01 | Live    | yes        | 30  | 2017-03-01
            midway_before | 2017-04-30 | Midway  | yes        | 30  | 2017-04-30
            midway_live   | 2017-05-01 | Midway  | yes        | 30  | 2017-05-01
            filed_too_late| 2017-03-01 | Live    | yes        | 30  | 2019-07-01
            filed_late    | 2017-03-01 | Live    | yes        | 30  | 2019-06-30
        """,
        deaths="""
            death_id | death_date
            dead     | 2017-03-01
        """,
    )
    cohort = draw_cohort(linked, rule())
    assert set(by_person(cohort.people, "arm")) == {"eligible", "midway_live", "filed_late"}
    flow = rows(cohort.flow)
    assert [step["condition"] for step in flow] == list(STEPS)
    assert [step["excluded"] for step in flow] == [0, 1, 1, 1, 1, 1, 0, 1]
    assert [step["remaining"] for step in flow] == [9, 8, 7, 6, 5, 4, 4, 3]


def test_a_window_without_an_event_has_a_flow_of_noughts():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date
            before        | 2016-12-31
        """
    )
    cohort = draw_cohort(linked, rule())
    assert rows(cohort.people) == []
    flow = rows(cohort.flow)
    assert [step["condition"] for step in flow] == list(STEPS)
    assert {step["excluded"] for step in flow} == {step["remaining"] for step in flow} == {0}


def test_the_first_event_that_meets_the_rules_is_the_index_event():
    linked = drawn(
        pnc_events="""
            event_id | pnc_person_id | event_date | vulnerable | age | area_id
            a1       | ann           | 2017-02-01 | no         | 30  | Live
            a2       | ann           | 2017-02-05 | yes        | 30  | Live
            a3       | ann           | 2017-02-06 | yes        | 30  | Live
            b1       | ben           | 2017-02-01 | yes        | 17  | Live
            b2       | ben           | 2017-06-01 | yes        | 18  | Live
        """
    )
    assert people_of(linked, "event_id") == {"ann": "a2", "ben": "b2"}


def test_of_same_day_events_custody_comes_before_a_hearing_then_the_key_decides():
    linked = drawn(
        pnc_events="""
            event_id | pnc_person_id | event_date | event_type
            a1       | ann           | 2017-02-01 | first_hearing
            a2       | ann           | 2017-02-01 | police_custody
            b2       | ben           | 2017-02-01 | police_custody
            b1       | ben           | 2017-02-01 | police_custody
        """
    )
    assert people_of(linked, "event_id") == {"ann": "a2", "ben": "b1"}


def test_arms_and_delayed_entry():
    linked = drawn(
        pnc_events="""
            pnc_person_id  | event_date | area_id
            same_day       | 2017-03-01 | Live
            in_a_week      | 2017-03-01 | Live
            late           | 2017-03-01 | Live
            latest         | 2017-03-01 | Live
            too_late       | 2017-03-01 | Live
            never          | 2017-03-01 | Live
            no_consent     | 2017-03-01 | Live
            seen_before    | 2017-03-01 | Live
            after_window   | 2017-09-30 | Live
            not_yet        | 2017-03-01 | Later
            no_date        | 2017-03-01 | Undated
        """,
        ld_referrals="""
            ld_person_id | referral_date | consent
            same_day     | 2017-03-01    | yes
            in_a_week    | 2017-03-08    | yes
            late         | 2017-03-09    | yes
            latest       | 2017-04-30    | yes
            too_late     | 2017-05-01    | yes
            no_consent   | 2017-03-01    | no
            seen_before  | 2017-02-28    | yes
            after_window | 2017-10-01    | yes
        """,
    )
    live = {"same_day", "in_a_week", "late", "latest"}
    unseen = {"too_late", "never", "no_consent", "seen_before", "after_window"}
    expected = dict.fromkeys(live, "user") | dict.fromkeys(unseen, "unseen")
    assert people_of(linked, "arm") == expected | {"not_yet": "not_yet_live", "no_date": "not_yet_live"}
    entry = people_of(linked, "entry")
    assert {name: day for name, day in entry.items() if day} == {"late": 8, "latest": 30 + 30}
    later = people_of(linked, "seen_later")
    assert {name for name, seen in later.items() if seen} == {"too_late", "after_window"}


def test_a_person_in_both_arms_stays_in_the_arm_of_the_index_event():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date | area_id
            ann           | 2017-03-01 | Later
            ann           | 2017-03-11 | Live
            ben           | 2017-03-01 | Live
            ben           | 2017-03-11 | Later
        """,
        ld_referrals="""
            ld_person_id | referral_date
            ann          | 2017-03-11
            ben          | 2017-03-12
        """,
    )
    assert people_of(linked, "arm") == {"ann": "not_yet_live", "ben": "user"}
    assert people_of(linked, "contact_delay") == {"ann": 10, "ben": 11}
    assert people_of(linked, "entry") == {"ann": 0, "ben": 11}


def test_a_referral_inside_anothers_follow_up_makes_no_second_index_event():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date
            ann           | 2017-02-01
            ann           | 2017-07-01
        """,
        ld_referrals="""
            ld_person_id | referral_date
            ann          | 2017-02-01
            ann          | 2017-07-01
        """,
    )
    assert people_of(linked, "index_date") == {"ann": date(2017, 2, 1)}
    assert people_of(linked, "seen_later") == {"ann": True}


def test_follow_up_and_wait_must_lie_within_the_extract():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date
            just          | 2017-03-01
            not_quite     | 2017-03-02
        """
    )
    last_day_needed = date(2018, 8, 29)
    assert (last_day_needed - date(2017, 3, 1)).days == 365 + 182 - 1
    assert set(people_of(linked, "arm", extract_end=last_day_needed)) == {"just"}


def test_a_death_is_counted_in_days_across_a_leap_day():
    linked = drawn(
        pnc_events="""
            pnc_person_id | event_date
            ann           | 2016-02-28
            ben           | 2017-02-28
        """,
        deaths="""
            death_id | death_date
            ann      | 2016-03-01
            ben      | 2017-03-01
        """,
    )
    assert people_of(linked, "death_days", first=date(2016, 1, 1)) == {"ann": 2, "ben": 1}


def test_the_protocol_gives_a_rule_for_each_calendar_window(tmp_path):
    study = tmp_path / "study.toml"
    head = (
        '[study]\ntitle = "t"\nreferral_window = ["2017-01-01", "2017-09-30"]\nfollow_up_days = 365\nconviction_wait_days = 182\n'
    )
    study.write_text(head)
    assert [one.calendar for one in rules(read_study(study))] == ["study"]
    study.write_text(head + '[cohort]\nhistorical_window = ["2013-01-01", "2013-09-30"]\n')
    both = rules(read_study(study))
    assert [(one.calendar, one.first, one.stop) for one in both] == [
        ("study", date(2017, 1, 1), date(2017, 10, 1)),
        ("historical", date(2013, 1, 1), date(2013, 10, 1)),
    ]
    assert both[0].proven_within == 365 + 182


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('historical_window = ["2013-09-30", "2013-01-01"]', "historical_window must not end before it begins"),
        ("prompt_contact_days = 61", "prompt_contact_days must not exceed latest_contact_days"),
    ],
)
def test_a_cohort_that_contradicts_itself_is_refused(tmp_path, lines, message):
    study = tmp_path / "study.toml"
    study.write_text(
        '[study]\ntitle = "t"\nreferral_window = ["2017-01-01", "2017-09-30"]\nfollow_up_days = 365\n'
        f"conviction_wait_days = 182\n[cohort]\n{lines}\n"
    )
    with pytest.raises(ValueError, match=message):
        read_study(study)
