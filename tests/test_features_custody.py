"""Custody spells: overlaps, remand, missing releases, death inside, and the extract's end."""

from datetime import date

import pyarrow as pa
from drawn import drawn, rows, rule

from ldeval.data.cohort import draw_cohort
from ldeval.data.features_custody import custody_spells, days_inside, merged, remand_spells, with_releases
from ldeval.data.features_justice import offences_of
from ldeval.data.features_use import span_days

EVENTS = """
    event_id | pnc_person_id | event_date
    index    | ann           | 2017-03-01
    again    | ann           | 2017-03-11
"""


def spells_of(offences="", cases="", deaths="", events=EVENTS, **changes):
    """Give the spells of custody, in order, as (start, stop) in days from 1 March 2017."""
    drawn_rule = rule(**changes)
    linked = drawn(
        pnc_events=events,
        pnc_offences="event_id | offence_date | disposal | disposal_date | sentence_days | release_date\n" + offences.strip(),
        court_cases="court_person_id | charge_date | completion_date | remanded\n" + cases.strip(),
        deaths="death_id | death_date\n" + deaths.strip(),
    )
    people = draw_cohort(linked, drawn_rule).people
    remand = remand_spells(linked, people, drawn_rule)
    held = linked.extracts.hold(offences_of(linked, people, drawn_rule))
    spells = custody_spells(people, with_releases(held, remand, drawn_rule), remand, drawn_rule)
    return sorted((row["start"], row["stop"]) for row in rows(spells))


CUSTODY = "index | 2017-03-01 | immediate_custody | 2017-03-11 | 100 | 2017-04-10"


def test_a_sentence_runs_from_disposal_to_the_day_of_release_which_is_at_liberty():
    assert spells_of(CUSTODY) == [(10, 40)]


def test_overlapping_and_touching_spells_are_one():
    both = f"{CUSTODY}\nagain | 2017-03-05 | immediate_custody | 2017-04-01 | 60 | 2017-05-01"
    assert spells_of(both) == [(10, 61)]
    touching = f"{CUSTODY}\nagain | 2017-03-05 | immediate_custody | 2017-04-10 | 60 | 2017-05-01"
    assert spells_of(touching) == [(10, 61)]
    inside = f"{CUSTODY}\nagain | 2017-03-05 | immediate_custody | 2017-03-20 | 60 | 2017-03-30"
    assert spells_of(inside) == [(10, 40)]
    apart = f"{CUSTODY}\nagain | 2017-03-05 | immediate_custody | 2017-04-11 | 60 | 2017-05-01"
    assert spells_of(apart) == [(10, 40), (41, 61)]


def test_remand_runs_from_charge_to_completion_and_joins_the_sentence():
    assert spells_of(CUSTODY, "ann | 2017-03-01 | 2017-03-11 | yes") == [(0, 40)]
    assert spells_of(cases="ann | 2017-03-01 | 2017-03-11 | no") == []


def test_who_is_charged_and_done_in_a_day_spends_none():
    assert spells_of(cases="ann | 2017-03-01 | 2017-03-01 | yes") == []


def test_a_missing_release_is_taken_at_half_the_sentence_less_remand():
    unknown = "index | 2017-03-01 | immediate_custody | 2017-03-11 | 101 |"
    assert spells_of(unknown) == [(10, 10 + 101 // 2)]
    assert spells_of(unknown, "ann | 2017-03-01 | 2017-03-11 | yes") == [(0, 10 + 101 // 2 - 10)]
    time_served = "index | 2017-03-01 | immediate_custody | 2017-03-11 | 10 |"
    assert spells_of(time_served, "ann | 2017-03-01 | 2017-03-11 | yes") == [(0, 10)]


def test_death_inside_custody_ends_it():
    assert spells_of(CUSTODY, deaths="ann | 2017-03-21") == [(10, 20)]


def test_an_open_remand_runs_to_the_extracts_end():
    last = date(2018, 12, 31)
    assert spells_of(cases="ann | 2017-03-01 | | yes", extract_end=last) == [(0, (last - date(2017, 3, 1)).days + 1)]


def test_other_disposals_are_no_custody():
    assert spells_of("index | 2017-03-01 | suspended_sentence | 2017-03-11 | 100 |") == []


def test_custody_long_before_the_index_event_is_left_out():
    old = "index | 2014-03-01 | immediate_custody | 2014-03-11 | 100 | 2016-03-01"
    assert spells_of(old) == []
    assert spells_of(old.replace("2016-03-01", "2016-03-02")) == [(-1086, -364)]


def test_days_of_a_window_are_counted_across_a_leap_day():
    events = "event_id | pnc_person_id | event_date\nindex | ann | 2016-02-28"
    offence = "index | 2016-02-28 | immediate_custody | 2016-02-28 | 10 | 2016-03-01"
    assert spells_of(offence, events=events, first=date(2016, 1, 1)) == [(0, 2)]


def frame(*spells):
    linked = drawn()
    columns = {
        "study_id": [name for name, _, _ in spells],
        "start": [start for _, start, _ in spells],
        "stop": [stop for _, _, stop in spells],
    }
    linked.extracts.backend.con.register("spells", pa.table(columns))
    return linked.extracts.backend.table("spells")


def test_spells_are_merged_person_by_person():
    spells = frame(("ann", 0, 10), ("ann", 5, 7), ("ann", 9, 12), ("ben", 11, 13), ("ann", 20, 21))
    found = sorted((row["study_id"], row["start"], row["stop"]) for row in rows(merged(spells)))
    assert found == [("ann", 0, 12), ("ann", 20, 21), ("ben", 11, 13)]


def test_days_inside_are_those_a_spell_shares_with_the_window():
    spells = frame(("ann", -5, 10), ("ann", 20, 30), ("ben", 364, 400))
    found = {row["study_id"]: row["days"] for row in rows(span_days(spells, "days", 0, 365))}
    assert found == {"ann": 10 + 10, "ben": 1}
    people = spells.select("study_id").distinct().mutate(first=0, last=25)
    found = {row["study_id"]: row["days"] for row in rows(days_inside(spells, people))}
    assert found == {"ann": 10 + 5, "ben": 0}
