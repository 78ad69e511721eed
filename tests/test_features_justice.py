"""Police and court features: the England reconviction rule, what came before, and the race to immediate custody."""

from drawn import by_person, drawn, rows, rule

from ldeval.data.cohort import draw_cohort
from ldeval.data.features_justice import index_case, offences_of, open_cases, previous_events, previous_offences, reconvictions

INDEX = """
    event_id | pnc_person_id | event_date | vulnerable
    index    | ann           | 2017-03-01 | yes
"""


def one_person(events="", offences="", **others):
    """Ann's index event is on 1 March 2017; more of her events and all of her offences are given."""
    lines = [line.split("|") for line in events.strip().splitlines()]
    linked = drawn(
        pnc_events=INDEX + "\n".join(f"{event} | ann | {day} | no" for event, day in lines),
        pnc_offences="event_id | offence_date | disposal | disposal_date | recorded_date | principal | sentence_days\n"
        + "\n".join(line.strip() for line in offences.strip().splitlines()),
        **others,
    )
    people = draw_cohort(linked, rule()).people
    return linked, people, offences_of(linked, people, rule())


RULE = """
    person        | offence    | disposal          | proven_on  | counts
    day_1         | 2017-03-02 | caution           | 2017-03-02 | yes
    day_0         | 2017-03-01 | caution           | 2017-03-02 | no
    day_364       | 2018-02-28 | fine              | 2018-03-01 | yes
    day_365       | 2018-03-01 | fine              | 2018-03-01 | no
    proven_546    | 2017-06-01 | fine              | 2018-08-29 | yes
    proven_547    | 2017-06-01 | fine              | 2018-08-30 | no
    acquitted     | 2017-06-01 | acquitted         | 2017-07-01 | no
    discontinued  | 2017-06-01 | discontinued      | 2017-07-01 | no
    dropped       | 2017-06-01 | no_further_action | 2017-07-01 | no
    discharged    | 2017-06-01 | discharge         | 2017-07-01 | yes
    open          | 2017-06-01 |                   |            | no
    from_before   | 2017-02-28 | fine              | 2017-07-01 | no
"""


def test_englands_reconviction_rule():
    cases = [[cell.strip() for cell in line.split("|")] for line in RULE.strip().splitlines()[1:]]
    index = [f"{name} | {name} | 2017-03-01 | yes" for name, *_ in cases]
    again = [f"{name}_2 | {name} | {max(day, '2017-03-02')} | no" for name, day, *_ in cases]
    offences = [f"{name}_2 | {day} | {disposal} | {proven}" for name, day, disposal, proven, _ in cases]
    linked = drawn(
        pnc_events="\n".join(["event_id | pnc_person_id | event_date | vulnerable", *index, *again]),
        pnc_offences="\n".join(["event_id | offence_date | disposal | disposal_date", *offences]),
    )
    found = reconvictions(offences_of(linked, draw_cohort(linked, rule()).people, rule()), 365, 182)
    assert set(by_person(found, "reoffences")) == {name for name, *_, counts in cases if counts == "yes"}


def test_a_reoffence_is_dated_by_the_offence_and_the_first_counts_for_the_clock():
    _, _, offences = one_person(
        """
        two | 2017-05-10
        one | 2017-04-10
        """,
        """
        two | 2017-05-01 | fine    | 2017-06-01 | 2017-06-01 | yes |
        two | 2017-05-02 | fine    | 2017-06-01 | 2017-06-01 | no  |
        one | 2017-04-01 | caution | 2018-01-01 | 2018-01-01 | yes |
        """,
    )
    assert rows(reconvictions(offences, 365, 182)) == [
        {"study_id": "ann", "reoffence_days": 31, "reoffences": 3, "reoffence_events": 2}
    ]


def test_the_index_events_own_offences_are_no_reoffences():
    _, _, offences = one_person("", "index | 2017-03-01 | fine | 2017-04-01 | 2017-04-01 | yes |")
    assert rows(reconvictions(offences, 365, 182)) == []


def test_a_disposal_entered_after_the_extracts_end_is_not_there_yet():
    again = "again | 2017-06-01"
    _, _, in_time = one_person(again, "again | 2017-06-01 | fine | 2018-01-01 | 2019-06-30 | yes |")
    _, _, too_late = one_person(again, "again | 2017-06-01 | fine | 2018-01-01 | 2019-07-01 | yes |")
    assert len(rows(reconvictions(in_time, 365, 182))) == 1
    assert rows(reconvictions(too_late, 365, 182)) == []


def test_what_counts_as_previous_is_decided_by_the_day_of_disposal():
    _, _, offences = one_person(
        """
        old  | 2010-05-10
        last | 2017-02-01
        """,
        """
        old  | 2010-05-01 | immediate_custody | 2010-06-01 | 2010-06-01 | yes | 100
        old  | 2010-05-01 | fine              | 2010-06-01 | 2010-06-01 | no  |
        old  | 2010-05-01 | acquitted         | 2010-06-01 | 2010-06-01 | no  |
        last | 2017-02-01 | caution           | 2017-02-28 | 2017-03-20 | yes |
        last | 2017-02-01 | fine              | 2017-03-01 | 2017-03-01 | no  |
        """,
    )
    assert rows(previous_offences(offences)) == [
        {"study_id": "ann", "previous_offences": 3, "previous_convictions": 2, "previous_custody": 1}
    ]


def test_previous_events_are_strictly_before_and_the_year_is_half_open():
    linked, people, _ = one_person(
        """
        a | 2016-02-29
        b | 2016-03-01
        c | 2017-02-28
        d | 2017-03-01
        e | 2017-03-02
        """
    )
    assert rows(previous_events(linked, people, rule())) == [
        {"study_id": "ann", "previous_events": 3, "previous_events_year": 2, "days_since_event": 1}
    ]


def test_open_cases_were_charged_before_and_not_completed_before():
    linked, people, _ = one_person(
        court_cases="""
            court_person_id | charge_date | completion_date
            ann             | 2017-02-28  | 2017-03-01
            ann             | 2017-02-28  |
            ann             | 2017-02-01  | 2017-02-28
            ann             | 2017-03-01  |
        """
    )
    assert rows(open_cases(linked, people)) == [{"study_id": "ann", "open_cases": 2}]


def test_the_principal_offences_sentence_stands_for_the_index_event():
    _, _, offences = one_person(
        "",
        """
        index | 2017-03-01 | fine              | 2017-04-01 | 2017-04-01 | no  |
        index | 2017-03-01 | immediate_custody | 2017-04-02 | 2017-04-02 | yes | 90
        """,
    )
    (case,) = rows(index_case(offences))
    assert case == {
        "study_id": "ann",
        "index_disposal": "immediate_custody",
        "index_disposal_days": 32,
        "index_sentence_days": 90,
        "index_release_days": None,
    }


def test_a_person_without_offences_has_no_case():
    _, people, offences = one_person()
    assert by_person(people, "arm") == {"ann": "unseen"}
    assert rows(index_case(offences)) == []
