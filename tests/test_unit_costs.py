"""The register of unit costs: uprated by hand, every fault at once, and the committed register against the facts."""

import csv
from pathlib import Path

import pytest

from ldeval.analysis.unit_costs import COLUMNS, NEEDED, read_deflator, read_register, register_of
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent
EXACT = 1e-12
"""Arithmetic: rounding only."""

DEFLATOR = {"2016-17": 80.0, "2017-18": 100.0}


def row(key, **other):
    fields = {
        "id": key,
        "text": "A cost",
        "payer": "Prisons",
        "unit": "pounds",
        "price_year": "2016-17",
        "low": "8",
        "central": "16",
        "high": "20",
        "flag": "FOUND",
        "source": "A report",
        "from": "",
        "note": "",
    }
    return fields | other


def register(tmp_path, *rows, columns=COLUMNS):
    path = tmp_path / "unit_costs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def full(*changed):
    known = {each["id"]: each for each in changed}
    return [known.pop(key, row(key)) for key in NEEDED] + list(known.values())


def test_amounts_are_uprated_by_hand_and_shares_are_not(tmp_path):
    share = row("employed", unit="share", price_year="", low="0.1", central="0.2", high="0.3")
    found = read_register(register(tmp_path, *full(share)), DEFLATOR, "2017-18")
    prison = found["prison_direct"]
    assert [prison.low, prison.central, prison.high] == pytest.approx([8 * 1.25, 16 * 1.25, 20 * 1.25], rel=EXACT)
    assert (prison.given, prison.price_year) == (16.0, "2016-17")
    assert (found["employed"].low, found["employed"].central) == (0.1, 0.2)


def test_every_fault_is_told_at_once(tmp_path):
    bad = full(
        row("service", payer="Nobody"),
        row("prison_direct", price_year="1997-98"),
        row("prison_overall", low="30"),
        row("community_order", central="dear"),
        row("release_supervision", low="-1"),
        row("breach_share", unit="share", price_year="2016-17", low="0.1", central="0.2", high="1.5"),
        row("breach_hearing", flag="GUESSED"),
        row("arrest", source=""),
        row("court_case", flag="ASSUMPTION"),
        row("earnings", unit="euros"),
        row("extra", text=""),
    )
    bad = [each for each in bad if each["id"] != "employed"] + [row("service")]
    with pytest.raises(ValueError, match=r"14 fault\(s\)") as caught:
        read_register(register(tmp_path, *bad), DEFLATOR, "2017-18")
    told = str(caught.value)
    for part in (
        *("'Nobody'", "'1997-98'", "2016-17 to 2017-18", "low <= central <= high", "central is no number", "below zero"),
        *("share has no price_year", "share must not be above one", "'GUESSED'", "source is empty", "needs a note", "'euros'"),
        *("text is empty", "'service' is there 2 times", "'employed' is needed"),
    ):
        assert part in told, part


def test_other_columns_and_no_file_say_what_was_expected(tmp_path):
    with pytest.raises(ValueError, match="expected the columns"):
        read_register(register(tmp_path, *full(), columns=COLUMNS[:-1]), DEFLATOR, "2017-18")
    with pytest.raises(FileNotFoundError, match="price_year"):
        read_register(tmp_path / "none.csv", DEFLATOR, "2017-18")


def test_a_deflator_is_named_among_those_there(tmp_path):
    path = tmp_path / "deflator.csv"
    path.write_text("series,year,index\na,2016-17,80\na,2017-18,100\nb,2016-17,0\n", encoding="utf-8")
    assert read_deflator(path, "a") == DEFLATOR
    with pytest.raises(ValueError, match=r"name one of these in study\.toml: a, b"):
        read_deflator(path, "c")
    with pytest.raises(ValueError, match="not so in 2016-17"):
        read_deflator(path, "b")


def test_the_committed_register_reads_and_its_price_year_can_be_wrong():
    study = read_study(PROJECT / "study.toml")
    assert set(NEEDED) <= set(register_of(PROJECT, study))
    late = study.model_copy(update={"economics": study.economics.model_copy(update={"price_year": "1999-00"})})
    with pytest.raises(ValueError, match=r"\[economics\] price_year = '1999-00'"):
        register_of(PROJECT, late)


def facts():
    found = {}
    for name, value in (("unit_costs", "value_gbp"), ("published_targets", "value")):
        with (PROJECT / "data" / "facts" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
            found |= {each["id"]: (each[value], each["found_or_recalled"]) for each in csv.DictReader(file)}
    return found


def test_central_values_and_flags_are_those_of_the_facts():
    known = facts()
    with (PROJECT / "data" / "unit_costs.csv").open(newline="", encoding="utf-8") as file:
        for each in csv.DictReader(file):
            if each["flag"] == "ASSUMPTION":
                assert not each["from"], each["id"]
            else:
                value, flag = known[each["from"]]
                assert (float(each["central"]), each["flag"]) == (float(value), flag), each["id"]
