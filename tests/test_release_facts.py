"""Facts: each with a flag that is known, a source, and no value where none was found."""

import csv
from pathlib import Path

import pytest
from release_folder import FACTS

from ldeval.release.facts import FLAGS, read_facts
from ldeval.release.numbers import FORMS

DATA = Path(__file__).parent.parent / "data"


def read(tmp_path, text):
    (tmp_path / "facts.csv").write_text(text, encoding="utf-8")
    return read_facts(tmp_path / "facts.csv")


def test_facts_keep_value_flag_and_source(tmp_path):
    facts = read(tmp_path, FACTS)
    assert facts["users"].value == 8729
    assert facts["odds"].value is None
    assert [key for key, fact in facts.items() if fact.assumed] == ["frequency"]


def test_all_faults_come_at_once_by_line(tmp_path):
    bad = FACTS + "users,x,people,again,MAYBE,,z\nodds2,3,ratio,y,NOT FOUND,s,w\n"
    with pytest.raises(ValueError, match=r"6 fault\(s\)") as caught:
        read(tmp_path, bad)
    for text in ("line 7: source is empty", "unknown flag 'MAYBE'", "value is no number", "has no value", "is repeated"):
        assert text in str(caught.value)


def test_other_columns_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected the columns"):
        read(tmp_path, "id,value\n")


def test_no_file_says_what_belongs_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="the facts that chapters quote"):
        read_facts(tmp_path / "facts.csv")


COMMITTED = read_facts(DATA / "facts.csv")


def test_committed_facts_have_a_rounding_rule():
    assert {fact.unit for fact in COMMITTED.values()} <= {*FORMS, "text"}


def test_committed_facts_equal_the_register_that_they_were_taken_from():
    with (DATA / "facts" / "published_targets.csv").open(newline="", encoding="utf-8") as file:
        register = {row["id"]: row for row in csv.DictReader(file)}
    shared = COMMITTED.keys() & register.keys()
    assert len(shared) >= 15
    for key in shared - {"rand_custody_or"}:  # the register's 0.5 is a reading; what was found is a direction
        assert COMMITTED[key].value == float(register[key]["value"]), key
        assert COMMITTED[key].flag == register[key]["found_or_recalled"], key


def test_every_committed_flag_has_words():
    assert {fact.flag for fact in COMMITTED.values()} <= set(FLAGS)
