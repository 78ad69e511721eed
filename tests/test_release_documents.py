"""Logs, checklists, designs and published findings: whole, well formed, and every place that they name is a section."""

import csv
import re
import shutil
from pathlib import Path

import pytest
import yaml
from release_folder import make_released

from ldeval.release import checklist, log_counts
from ldeval.release.documents import CHECKLISTS, DOCUMENTS, KEPT, RATINGS, read_document
from ldeval.release.facts import read_facts
from ldeval.release.results import FOLDER, Results
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent
DATA = PROJECT / "data"
STROBE = [str(number) for number in range(1, 23)]
RECORD = ["1.1", "1.2", "1.3", "6.1", "6.2", "6.3", "7.1", "12.1", "12.2", "12.3", "13.1", "19.1", "22.1"]
CHEERS = [str(number) for number in range(1, 29)]


def rows(name):
    return read_document(DATA / f"{name}.csv", name)


def sections():
    book = yaml.safe_load((PROJECT / "_quarto.yml").read_text(encoding="utf-8"))["book"]
    entries = book["chapters"] + book["appendices"]
    names = [name for entry in entries for name in (entry["chapters"] if isinstance(entry, dict) else [entry])]
    text = "\n".join((PROJECT / name).read_text(encoding="utf-8") for name in names)
    return set(re.findall(r"^#+ .*\{#(sec-[\w-]+)", text, flags=re.M))


@pytest.mark.parametrize("name", [name for name in KEPT if "where" in KEPT[name]])
def test_every_place_is_a_section_of_the_report(name):
    lost = [(row, place) for row in rows(name) for place in row["where"].split() if place not in sections()]
    assert lost == []


@pytest.mark.parametrize(("name", "items"), [("strobe", STROBE), ("record", RECORD), ("cheers", CHEERS)])
def test_a_checklist_has_every_item_of_its_guideline_once(name, items):
    assert [row["item"] for row in rows(f"checklists/{name}")] == items


def test_what_does_not_apply_says_why():
    for name in CHECKLISTS:
        for row in rows(f"checklists/{name}"):
            if not row["where"]:
                assert len(row["note"].split()) > 4, (name, row["item"])


@pytest.mark.parametrize("name", ["assumptions", "data_log"])
def test_a_log_uses_every_rating(name):
    assert {row["rating"] for row in rows(name)} == set(RATINGS)


def test_designs_are_of_the_protocol_and_of_released_estimates(released):
    outcomes = read_study(PROJECT / "study.toml").outcomes
    estimates = Results(released / FOLDER).estimates
    for row in rows("designs"):
        assert row["outcome"] in outcomes
        assert estimates[row["estimate"]].outcome == row["outcome"]


def test_published_findings_are_known_facts_beside_released_estimates(released):
    facts, estimates = read_facts(DATA / "facts.csv"), Results(released / FOLDER).estimates
    for row in rows("published"):
        assert row["fact"] in facts
        assert not row["estimate"] or row["estimate"] in estimates
    assert {facts[row["fact"]].flag for row in rows("published")} >= {"FOUND", "NOT FOUND", "RECALLED-medium"}


@pytest.mark.parametrize(
    ("name", "line", "fault"),
    [
        ("assumptions", "a,b,c,d,purple,sec-a", "rating 'purple' is none of red, amber, green"),
        ("assumptions", "a,b,,d,red,sec-a", "why is empty"),
        ("assumptions", "a,b,c,d,red,fig-a", "place 'fig-a' is no label of a section"),
        ("assumptions", "a,b,c,d,red,sec-a\na,b,c,d,red,sec-a", "id 'a' is repeated"),
        ("checklists/strobe", "1,Title,What?,,", 'begins "Not applicable"'),
        ("published", "a,b,maybe,no,c", "verdict 'maybe' is none of yes, no"),
        ("published", "a,b,no,maybe,c", "set_to 'maybe' is none of yes, no, in part"),
        ("designs", "a,b,c,d,e,f,,sec-a", "maryland is empty"),
    ],
)
def test_a_fault_is_told_by_line(tmp_path, name, line, fault):
    path = tmp_path / "file.csv"
    path.write_text(",".join(KEPT[name]) + "\n" + line + "\n", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape(fault)):
        read_document(path, name)


def test_other_columns_are_refused(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(ValueError, match="expected the columns"):
        read_document(path, "assumptions")


def test_tables_link_to_sections_and_rate_in_words(tmp_path, monkeypatch):
    root = make_released(tmp_path)
    place = root / "_results" / DOCUMENTS
    for name in ("assumptions", "checklists/strobe"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(DATA / f"{name}.csv", place / f"{name}.csv")
    monkeypatch.chdir(root)
    from ldeval.release import assumption_log

    shown = assumption_log().data
    assert "[Red]{.rating .rating-red}" in shown
    assert "@sec-robustness-hidden" in shown
    assert shown.index("[Red]") < shown.index("[Amber]") < shown.index("[Green]")
    counts = [int(number) for number in re.findall(r"(?:red|amber|green) (\d+)", log_counts("assumptions").data)]
    with (DATA / "assumptions.csv").open(encoding="utf-8") as file:
        assert sum(counts) == len(list(csv.DictReader(file)))
    assert "| 22 |" in checklist("strobe").data
    assert "Not applicable: this rebuild names no funder" in checklist("strobe").data
    with pytest.raises(KeyError, match="strobe, record, cheers"):
        checklist("prisma")
