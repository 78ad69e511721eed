"""Whole features on drawn people, and the promise that nothing on or after the index event moves a covariate."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn import drawn, rows, rule

from ldeval.data.engine import open_extracts
from ldeval.data.features import COVARIATES, features
from ldeval.data.features_courts import area_months, court_cases
from ldeval.data.features_panel import PANEL_ARMS
from ldeval.data.features_use import HEALTH
from ldeval.data.folders import truth_folder
from ldeval.data.linked import Linked
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design, ground, tasks
from ldeval.data.synthetic_justice import draw_justice, run_justice
from ldeval.data.synthetic_outcomes import outcomes
from ldeval.data.synthetic_people import draw_people, stream
from ldeval.data.windows import month_start

PEOPLE = {
    "pnc_events": """
        event_id | pnc_person_id | event_date | area_id | vulnerable
        a0       | ann           | 2016-09-01 | Live    | no
        a1       | ann           | 2017-03-01 | Live    | yes
        a2       | ann           | 2017-03-01 | Live    | yes
        a3       | ann           | 2017-05-01 | Live    | no
        b1       | ben           | 2017-04-01 | Later   | yes
        c1       | cas           | 2017-02-01 | Live    | yes
        d1       | dee           | 2017-02-01 | Live    | yes
    """,
    "pnc_offences": """
        event_id | offence_date | disposal          | disposal_date | sentence_days | release_date
        a0       | 2016-09-01   | immediate_custody | 2016-10-01    | 60            | 2016-10-31
        a1       | 2017-03-01   | immediate_custody | 2017-03-11    | 100           | 2017-04-30
        a3       | 2017-05-01   | fine              | 2017-06-01    |               |
        b1       | 2017-04-01   | fine              | 2018-04-01    |               |
        c1       | 2017-02-01   | acquitted         | 2017-02-01    |               |
    """,
    "court_cases": """
        court_person_id | charge_date | completion_date | hearings | remanded | offence_date
        ann             | 2017-03-01  | 2017-03-11      | 2        | yes      | 2017-03-01
        ann             | 2016-09-01  | 2016-10-01      | 3        | no       | 2016-09-01
    """,
    "ld_referrals": """
        ld_person_id | referral_date
        ann          | 2017-03-02
        cas          | 2017-02-20
    """,
    "deaths": """
        death_id | death_date
        cas      | 2017-03-03
        dee      | 2018-02-01
    """,
    "ae_attendances": """
        ae_person_id | arrival_date | bed_days
        ann          | 2016-02-29   | 1
        ann          | 2016-03-01   | 2
        ann          | 2017-02-28   | 4
        ann          | 2017-03-01   | 8
        ann          | 2018-02-28   | 16
        ann          | 2018-03-01   | 32
    """,
    "mhsds_referrals": """
        mhsds_referral_id | mhsds_person_id | referral_date | bed_days
        m1                | ann             | 2017-02-01    | 5
    """,
    "mhsds_contacts": """
        mhsds_referral_id | contact_date | attended
        m1                | 2017-02-10   | yes
        m1                | 2017-03-10   | no
        m1                | 2017-03-11   | yes
        m1                | 2017-03-12   |
    """,
    "iapt_referrals": """
        iapt_person_id | referral_date | start_date | sessions
        ann            | 2017-02-01    | 2017-03-05 | 6
        ann            | 2017-02-02    |            | 0
    """,
    "ndtms_treatments": """
        ndtms_person_id | referral_date | start_date | end_date
        ann             | 2017-03-02    | 2017-03-11 | 2017-03-20
        ann             | 2017-03-02    | 2017-03-15 | 2017-03-25
        ann             | 2017-02-02    |            |
    """,
}


@pytest.fixture(scope="module")
def made():
    linked = drawn(**PEOPLE)
    return linked, features(linked, rule())


@pytest.fixture(scope="module")
def people(made):
    return {row["study_id"]: row for row in rows(made[1].people)}


def test_one_row_a_person(people, made):
    assert {name: row["arm"] for name, row in people.items()} == {
        "ann": "user",
        "ben": "not_yet_live",
        "cas": "user",
        "dee": "unseen",
    }
    assert made[1].people.count().to_pyarrow().as_py() == 4


def test_link_probability_goes_with_each_person():
    linked = drawn(pnc_events="pnc_person_id | event_date\nann | 2017-03-01", deaths="death_id | death_date\nann | 2019-03-01")
    sure = pa.table(
        {"source": ["pnc", "deaths"], "key": ["ann", "ann"], "study_id": ["S1", "S1"], "link_probability": [0.9, 0.8]}
    )
    linked.extracts.backend.con.register("sure", sure)
    (person,) = rows(features(Linked(linked.extracts, linked.extracts.backend.table("sure")), rule()).people)
    assert (person["study_id"], person["link_probability"], person["death_days"]) == ("S1", 0.8, 730)


def test_covariates_by_hand(people):
    ann = people["ann"]
    assert {name: ann[name] for name in COVARIATES} == {
        "age": 30,
        "sex": "male",
        "ethnicity": "white",
        "deprivation_decile": 3,
        "area_deprivation": 22.0,
        "index_event": "police_custody",
        "index_offence": "theft",
        "previous_events": 1,
        "previous_events_year": 1,
        "days_since_event": 181,
        "previous_offences": 1,
        "previous_convictions": 1,
        "previous_custody": 1,
        "open_cases": 0,
        "custody_days_before": 30,
        "ae_attendances_before": 2,
        "mh_referrals_before": 1,
        "mh_contacts_before": 1,
        "therapy_sessions_before": 0,
        "treatment_referrals_before": 1,
    }


def test_outcomes_by_hand(people):
    ann = people["ann"]
    assert ann["reconviction_days"] == 61
    assert ann["reconviction_state"] == 1
    assert ann["liberty_days"] == 61 - 60
    assert ann["custody_days"] == 10 + 50
    assert (ann["index_custody_days"], ann["index_served_days"]) == (50, 50)
    assert (ann["custody_race_days"], ann["custody_race_state"], ann["immediate_custody"]) == (10, 1, 1)
    assert ann["arrests"] == 2  # the other event of the index day, and the later one
    assert ann["ae_attendances"] == 2
    assert ann["ae_bed_days"] == 8 + 16
    assert ann["mh_contacts"] == 2  # attendance not recorded counts as attended
    assert ann["therapy_sessions"] == 6
    assert ann["treatment_days"] == 15  # overlapping courses, last day included
    assert ann["hearings"] == 2


def test_ends_of_follow_up(people):
    cas, dee, ben = people["cas"], people["dee"], people["ben"]
    assert (cas["followed_days"], cas["reconviction_days"], cas["reconviction_state"]) == (30, 30, 2)
    assert (cas["custody_race_days"], cas["custody_race_state"]) == (1, 3)  # acquitted on the index day
    assert cas["entry"] == 19
    assert (dee["followed_days"], dee["reconviction_state"]) == (365, 0)  # died on day 365, after the last one
    assert (dee["custody_race_days"], dee["custody_race_state"]) == (365, 0)
    assert (ben["custody_race_days"], ben["custody_race_state"]) == (365, 0)  # fined on day 365: open at the horizon


def test_health_is_missing_not_nought_where_it_is_not_recorded(people):
    assert people["cas"]["ae_attendances"] == 0
    assert people["ben"]["ae_attendances"] is None
    assert people["dee"]["mh_contacts_before"] is None


def test_an_offence_dated_after_death_is_somebody_elses():
    changed = PEOPLE | {"deaths": "death_id | death_date\nann | 2017-04-30"}
    (ann,) = (row for row in rows(features(drawn(**changed), rule()).people) if row["study_id"] == "ann")
    assert (ann["reconviction_days"], ann["reconviction_state"], ann["reoffences"]) == (60, 2, 0)


def test_the_panel_has_24_months_and_its_exposure(made):
    panel = rows(made[1].panel)
    months = {}
    for row in panel:
        months.setdefault(row["study_id"], []).append(row)
    assert set(months) == {"ann", "ben", "cas"}  # the arms of the primary comparison
    assert all([row["month"] for row in sorted(own, key=lambda r: r["month"])] == list(range(-12, 12)) for own in months.values())
    assert {row["arm"] for row in panel} == set(PANEL_ARMS)
    ann = {row["month"]: row for row in months["ann"]}
    assert sum(row["exposure"] for row in ann.values()) == 2 * 365
    assert [row["exposure"] for row in ann.values()].count(31) == 10
    cas = {row["month"]: row["exposure"] for row in months["cas"]}
    assert sum(days for month, days in cas.items() if month >= 0) == 30
    assert ann[-1]["ae_bed_days"] == 4
    assert ann[0]["ae_bed_days"] == 8
    assert ann[-12]["ae_bed_days"] == 2
    assert ann[11]["ae_bed_days"] == 16
    assert (ann[0]["custody_days"], ann[1]["custody_days"]) == (31, 29)
    assert sum(row["treatment_days"] for row in ann.values()) == 15
    assert months["ben"][0]["ae_attendances"] is None
    assert months["ben"][0]["custody_days"] == 0


def test_months_share_the_follow_up_without_gap_or_overlap():
    starts = [month_start(month, 365) for month in range(-12, 13)]
    assert (starts[0], starts[12], starts[24]) == (-365, 0, 365)
    assert {b - a for a, b in pairwise(starts)} == {30, 31}


def test_court_cohorts_keep_open_cases_as_not_yet_completed():
    linked = drawn(
        court_cases="""
            court_person_id | area_id | charge_date | completion_date | offence_date | court_type
                            | Later   | 2017-03-01  | 2017-05-29      | 2017-01-01   | crown
                            | Later   | 2017-03-31  | 2017-06-29      | 2017-01-01   | magistrates
            ann             | Later   | 2017-03-31  | 2019-01-01      | 2017-01-01   | magistrates
                            | Later   | 2019-02-01  |                 | 2017-01-01   | magistrates
                            | Later   | 2019-06-30  | 2019-06-30      | 2017-01-01   | magistrates
        """,
        ld_referrals="ld_person_id | referral_date\nann | 2017-01-01\nann | 2018-01-01",
    )
    cases = court_cases(linked, date(2019, 6, 30))
    cohorts = {str(row["charge_month"])[:7]: row for row in rows(area_months(cases, linked.extracts.table("areas")))}
    march = cohorts["2017-03"]
    assert march["cases"] == 3
    assert march["touched"] == 1
    assert march["crown"] == 1
    assert (march["followed_90"], march["completed_90"]) == (3, 1)  # day 89 is in, day 90 is not
    assert (march["followed_180"], march["completed_180"]) == (3, 2)
    assert (march["followed_365"], march["restricted_days"]) == (3, 89 + 90 + 365)
    assert march["months_live"] == -13
    february = cohorts["2019-02"]
    assert (february["cases"], february["open_cases"], february["completed_90"]) == (1, 1, 0)
    assert (february["followed_90"], february["followed_180"]) == (1, 0)
    assert (cohorts["2019-06"]["followed_90"], cohorts["2019-06"]["completed_90"]) == (0, 0)


def test_the_month_in_which_a_service_begins_part_way_is_the_last_before_it():
    linked = drawn(
        areas="area_id | go_live_date | wave\nA | 2016-09-15 | 3\nB | 2016-09-01 | 3\nC | | 5",
        court_cases="""
            area_id | charge_date | offence_date
            A       | 2016-09-20  | 2016-09-01
            B       | 2016-09-20  | 2016-09-01
            C       | 2016-09-20  | 2016-09-01
        """,
    )
    cohorts = rows(area_months(court_cases(linked, date(2019, 6, 30)), linked.extracts.table("areas")))
    assert {row["area_id"]: row["months_live"] for row in cohorts} == {"A": -1, "B": 0, "C": None}


DATED = {
    "pnc_events": "event_date",
    "pnc_offences": None,
    "court_cases": "charge_date",
    "ld_referrals": "referral_date",
    "ae_attendances": "arrival_date",
    "mhsds_referrals": "referral_date",
    "mhsds_contacts": "contact_date",
    "iapt_referrals": "referral_date",
    "ndtms_treatments": "referral_date",
    "deaths": "death_date",
}
"""The extracts of events, each with the column that dates its rows (offences have dates of several kinds)."""


SMALL = Design("identified", 3, 60)


@pytest.fixture
def twin(tmp_path):
    """A small twin whose records are linked without error."""
    return linked_twin(tmp_path / "twin", SMALL)


def linked_twin(folder, design):
    write_twin(design, folder)
    extracts = open_extracts(folder)
    known = pq.read_table(truth_folder(folder) / "identities.parquet")
    names = {"source": known["source"], "key": known["source_person_id"], "study_id": known["person"].cast(pa.string())}
    names |= {"link_probability": pa.array(np.ones(len(known)))}
    extracts.backend.con.register("links", pa.table(names))
    return Linked(extracts, extracts.backend.table("links"))


def changed_from(linked, index, rng, kept):
    """Change every date on or after each person's index date at random, and every value of rows dated so; not the index event.

    Dates stay within the extract, as any that a keeper could send. Extracts that are `kept` stay as they are.
    """
    backend = linked.extracts.backend
    persons = {name: person_of(linked, name) for name in ("pnc_events", "mhsds_referrals")}
    for name, dated in ((name, dated) for name, dated in DATED.items() if name not in kept):
        extract, table = EXTRACTS[name], backend.table(name).to_pyarrow()
        own = person_of(linked, name) if extract.source.person_id in extract.names else None
        changed = []
        for row in table.to_pylist():
            person = own[row[extract.key]] if own else persons["pnc_events"].get(row.get("event_id"))
            person = person or persons["mhsds_referrals"].get(row.get("mhsds_referral_id"))
            known = index.get(person)
            fixed = known is None or (name == "pnc_events" and row["event_id"] == known["event_id"])
            changed.append(row if fixed else moved(extract, row, known["index_date"], rng, dated))
        backend.raw_sql(f"DROP VIEW {name}")
        backend.con.register(name, pa.Table.from_pylist(changed, schema=table.schema))


def person_of(linked, name):
    key = EXTRACTS[name].key
    if EXTRACTS[name].source.person_id == key:
        source = EXTRACTS[name].source.name
        return {row["key"]: row["study_id"] for row in rows(linked.links) if row["source"] == source}
    return {row[key]: row["study_id"] for row in rows(linked.table(name).select(key, "study_id"))}


def moved(extract, row, first, rng, dated):
    new, whole = dict(row), dated and row[dated] >= first
    for column in extract.columns:
        value = row[column.name]
        if column.type == "date" and value is not None and value >= first:
            new[column.name] = first + timedelta(days=int(rng.integers(0, min(700, (rule().extract_end - first).days))))
        elif whole and column.codes:
            new[column.name] = str(rng.choice(column.codes))
        elif whole and column.type == "integer":
            new[column.name] = int(rng.integers(1, 30))
        elif whole and column.type == "boolean" and column.name != "consent":
            new[column.name] = bool(rng.integers(0, 2))
    return new


@pytest.mark.parametrize("kept", [(), ("ld_referrals", "deaths")], ids=["all", "all_but_the_arm"])
def test_no_covariate_moves_when_everything_on_or_after_the_index_event_changes(twin, kept):
    before = {row["study_id"]: row for row in rows(features(twin, rule()).people)}
    changed_from(twin, before, np.random.default_rng(1), kept)
    after = {row["study_id"]: row for row in rows(features(twin, rule()).people)}
    both = before.keys() & after.keys()
    assert len(both) > 150
    # use of health services is known for users alone: it is compared where the arms are the same
    compared = COVARIATES if kept else [c for c in COVARIATES if not c.startswith(HEALTH)]
    for name in both:
        assert {c: after[name][c] for c in compared} == {c: before[name][c] for c in compared}
    for outcome in ("reconviction_days", "custody_days", "immediate_custody", "arrests", "hearings"):
        assert any(before[name][outcome] != after[name][outcome] for name in both), outcome
    assert all(any(row[c] for row in before.values()) for c in COVARIATES)


LATE = 0.01
"""Share of people whose records may tell less than what happened: disposals entered after the extract's end, most of all."""


def what_happened(design):
    """Give what the twin itself made of its people, by their number: arm, index day, history and outcomes."""
    p, areas, _ = ground(design)
    found = {}
    for task in (task for task in tasks(design) if task.year is None):
        people = draw_people(p, areas, design.twin, stream(design.seed, "people", task.block), np.arange(task.first, task.last))
        draws = draw_justice(p, stream(design.seed, "justice", task.block), people, areas)
        justice = run_justice(p, people, areas, draws, people.seen)
        made = outcomes(people, draws, justice)
        columns = (people.user, people.index_day, people.prior, made.custody, made.custody_days, made.reoffence_lag)
        found |= {str(number): values for number, *values in zip(people.number, *columns, strict=True)}
    return found


def test_features_say_what_happened_in_the_twin(tmp_path):
    design = Design("identified", 3, 300)
    happened = what_happened(design)
    told = rows(features(linked_twin(tmp_path / "twin", design), rule()).people)
    assert len(told) > 900
    pairs = [(row, happened[row["study_id"]]) for row in told]
    epoch = date(1970, 1, 1)
    agreement = {
        "index date": [(row["index_date"] - epoch).days == index for row, (_, index, *_) in pairs],
        "arm": [(row["arm"] == "user") == user for row, (user, *_) in pairs],
        "previous offences": [row["previous_offences"] == prior for row, (_, _, prior, *_) in pairs],
        "immediate custody": [row["immediate_custody"] == custody for row, (_, _, _, custody, *_) in pairs],
        "custody days": [abs(row["index_custody_days"] - served) <= 1 for row, (_, _, _, _, served, _) in pairs],
        "reconviction": [(row["reconviction_state"] == 1) == (lag < 365) for row, (*_, lag) in pairs],
        "clock": [row["reconviction_days"] == lag for row, (*_, lag) in pairs if row["reconviction_state"] == 1],
    }
    for what, same in agreement.items():
        assert np.mean(same) > 1 - LATE, what
