"""Data and linkage as findings: the flow adds up, links are counted once, truth is told of synthetic people alone."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ldeval.analysis import linkage
from ldeval.analysis.counted import Counts
from ldeval.analysis.exhibits import Table
from ldeval.analysis.records import Records
from ldeval.data.cohort import STEPS
from ldeval.release.disclosure import clear
from ldeval.release.flow import flow_alt
from ldeval.root import find_root
from ldeval.study import read_study

STUDY = read_study(find_root(Path(__file__)) / "study.toml")

FLOW = """
step | excluded | remaining
0    | 0        | 500
1    | 20       | 480
2    | 100      | 380
3    | 0        | 380
4    | 30       | 350
5    | 3        | 347
6    | 0        | 347
7    | 7        | 340
"""
ARMS = {"user": 100, "not_yet_live": 200, "unseen": 40}

RATES = """
source | subgroup | level   | records | linked | expected_wrong | expected_missed | wrong | missed
court  | all      | all     | 1000    | 980    | 2.0            | 10.0            | 1     | 12
court  | sex      | female  | 300     | 290    | 1.0            | 5.0             | 0     | 6
court  | sex      | male    | 700     | 690    | 1.0            | 5.0             | 1     | 6
court  | age      | 18-24   | 600     | 590    | 1.0            | 5.0             | 1     | 6
court  | age      | missing | 100     | 95     | 0.5            | 2.5             | 0     | 3
court  | age      | under 18| 300     | 295    | 0.5            | 2.5             | 0     | 3
deaths | all      | all     | 50      | 46     | 0.1            | 1.0             | 0     | 2
deaths | sex      | female  | 20      | 18     | 0.05           | 0.5             | 0     | 1
deaths | sex      | male    | 30      | 28     | 0.05           | 0.5             | 0     | 1
"""
QUALITY = pd.DataFrame(
    {
        "method": ["model", "deterministic join"],
        "people": [900, 950],
        "linked_pairs": [2000, 1800],
        "expected_precision": [0.996, 0.998],
        "expected_recall": [0.985, 0.86],
        "precision": [0.9995, 1.0],
        "recall": [0.997, 0.87],
    }
)


def frame(text):
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    rows = pd.DataFrame(lines, columns=head)
    words = [name for name in ("source", "subgroup", "level") if name in rows]
    return rows.astype({name: float for name in rows if name not in words})


@pytest.fixture
def records(tmp_path):
    flow = frame(FLOW).assign(condition=STEPS)
    arms = [arm for arm, number in ARMS.items() for _ in range(number)]
    people = pd.DataFrame({"arm": arms, "sex": "male", "ethnicity": "white", "deprivation_decile": 5.0})
    people = people.assign(index_disposal="fine", entry=0, seen_later=False, custody_race_state=2)
    people = people.assign(death_days=np.nan, followed_days=365)
    people.loc[:29, "ethnicity"] = None
    people.loc[:9, "entry"] = 12
    people.loc[100:119, "death_days"] = 40.0
    people.loc[100:119, "followed_days"] = 40
    for calendar in ("study", "historical"):
        flow.to_parquet(tmp_path / f"flow_{calendar}.parquet")
        people.to_parquet(tmp_path / f"people_{calendar}.parquet")
    return Records(tmp_path, STUDY)


def exhibit(found, key):
    return next(exhibit for exhibit in found.exhibits if exhibit.id == key)


def test_the_flow_counts_each_step_and_each_arm(records):
    flow = exhibit(linkage.flows(records).check(), "flow-study")
    assert isinstance(flow, Counts)
    assert [value for (value,) in flow.values] == [500, 20, 100, 0, 30, 3, 0, 7, 340, 100, 200, 40]
    assert 500 - (20 + 100 + 30 + 3 + 7) == 340 == sum(ARMS.values())


def test_small_exclusions_are_hidden_and_cannot_be_worked_out(records):
    flow = exhibit(clear(linkage.flows(records), "nhs-hes").findings, "flow-study")
    shown = {row[1]: row[2] for row in flow.rows}
    assert shown["Died on the index day or before"] == "*"
    assert shown["Area went live within the window, after the event"] == "*"
    assert shown["People in the study"] == 340
    assert flow.picture == "flow"


def test_the_flow_is_told_in_words(records):
    flow = exhibit(clear(linkage.flows(records), "nhs-hes").findings, "flow-study")
    said = flow_alt(flow)
    assert said.startswith("Flow diagram. People with an event in the window: 500. Left out, in this order: event outside")
    assert "not flagged as vulnerable, 100" in said
    assert said.endswith("People in the study: 340. Of these: users, 100; not yet live, 200; live, not seen, 40.")


def test_without_a_historical_window_its_flow_says_why(records):
    cohort = STUDY.cohort.model_copy(update={"historical_window": None})
    study = STUDY.model_copy(update={"cohort": cohort})
    found = linkage.flows(replace(records, study=study)).check()
    assert {gap.id for gap in found.missing} == {"flow-historical", "flow/not_flagged/historical"}


def test_the_share_not_flagged_is_of_those_in_a_study_area(records):
    share = next(share for share in linkage.flows(records).shares if share.id == "flow/not_flagged/study")
    assert (share.events, share.n) == (100, 480)


def test_links_are_counted_by_source_and_subgroup():
    found = linkage.link_rates(frame(RATES)).check()
    assert exhibit(found, "linkage-sources").values == ((1050, 1026), (1000, 980), (50, 46))
    pooled = exhibit(found, "linkage-subgroups")
    counts = {line.label: values for line, values in zip(pooled.rows, pooled.values, strict=True)}
    assert counts["Female"] == (320, 308)
    assert [line.label for line in pooled.rows if line.group == "Age"] == ["Under 18", "18-24", "Missing"]
    deaths = exhibit(found, "linkage-deaths")
    assert [line.label for line in deaths.rows] == ["All records", "Female", "Male"]


def test_a_few_linked_records_are_not_shown():
    few = frame(RATES).replace({"linked": {18.0: 3.0}, "records": {20.0: 9.0}})
    found = clear(linkage.link_rates(few), "nhs-hes").findings
    rows = {row[1]: row[2:] for row in exhibit(found, "linkage-deaths").rows}
    assert rows["Female"][1:] == ("*", "*")
    assert all(cell == "*" or cell % 5 == 0 for row in rows.values() for cell in row[:2])


def test_errors_are_shares_of_links_and_of_records():
    found = linkage.link_errors(frame(RATES), QUALITY).check()
    values = {row.id: row.value for row in found.estimates}
    assert values["linkage/wrong/expected"] == pytest.approx(0.004)
    assert values["linkage/missed_by_join/expected"] == pytest.approx(0.14)
    errors = exhibit(found, "linkage-errors")
    assert isinstance(errors, Table)
    assert errors.rows[0][1:] == pytest.approx((2 / 980, 10 / 1000, 1 / 980, 12 / 1000))


def test_truth_is_told_of_synthetic_people_alone():
    rates = frame(RATES).drop(columns=["wrong", "missed"])
    quality = QUALITY.assign(precision=np.nan, recall=np.nan)
    found = linkage.link_errors(rates, quality).check()
    assert {gap.id for gap in found.missing} == {"linkage/wrong/truth", "linkage/missed/truth"}
    assert [column.label for column in exhibit(found, "linkage-errors").columns[1:]] == ["Wrong, expected", "Missed, expected"]
    assert exhibit(found, "linkage-quality").rows[0][1:] == pytest.approx((0.004, 0.015))


def test_what_is_missing_and_late_is_counted_by_arm(records):
    found = linkage.missingness(records).check()
    missing, late = exhibit(found, "records-missing"), exhibit(found, "records-late")
    assert missing.values[2] == (30, 0, 0)
    assert late.values[1] == (10, 0, 0)
    assert late.values[4] == (0, 20, 0)
    shares = {share.id: (share.events, share.n) for share in found.shares}
    assert shares["records/ethnicity_recorded/user"] == (30, 100)
    assert shares["records/seen_in_time/user"] == (10, 100)


@pytest.mark.parametrize("arm", ["user", "not_yet_live"])
def test_an_empty_arm_is_counted_as_such(records, arm):
    people = records.people
    people[people["arm"] != arm].to_parquet(records.folder / "people_study.parquet")
    from ldeval.analysis.records import _read

    _read.cache_clear()
    found = linkage.missingness(records) + linkage.flows(records)
    assert clear(found.check(), "nhs-hes")
