"""Headline effects in multiples of what matters, and the logic model: scaled by hand, told in words, drawn."""

import json
from math import log
from pathlib import Path

import pytest
from release_folder import make_released, ratio

from ldeval.release import drawing, verdict_table
from ldeval.release.drawings import DRAWINGS
from ldeval.release.headlines import headline, headlines, headlines_alt
from ldeval.release.logic_model import LOGIC_MODEL, SEEN, logic_model_alt, read_logic_model

PROJECT = Path(__file__).parent.parent
EXACT = 1e-12
"""One division by hand: rounding noise alone may differ."""

CUSTODY = {"matters": 0.02, "unit": "percentage points", "better": "lower"}
HAZARD = {"matters": 0.8, "unit": "ratio", "better": "lower"}
SAVING = {"matters": 50, "unit": "pounds", "better": "higher"}


def difference(value, low, high, unit="percentage points"):
    return ratio(
        "diversion/risk_difference/att", value=value, low=low, high=high, scale="identity", unit=unit, outcome="diversion"
    )


def test_a_fall_of_three_times_what_matters_is_three_to_the_better():
    one = headline(difference(-0.06, -0.08, -0.05), "Custody", CUSTODY)
    assert (one.value, one.low, one.high) == pytest.approx((3, 2.5, 4), abs=EXACT)
    assert (one.verdict, one.way) == ("a difference that matters", "for the better")


def test_a_rise_is_to_the_worse():
    one = headline(difference(0.06, 0.05, 0.08), "Custody", CUSTODY)
    assert (one.value, one.low, one.high) == pytest.approx((-3, -4, -2.5), abs=EXACT)
    assert one.way == "for the worse"


def test_more_money_is_to_the_better():
    one = headline(difference(100, -50, 200, unit="pounds"), "Saving", SAVING)
    assert (one.value, one.low, one.high) == pytest.approx((2, -1, 4), abs=EXACT)


def test_a_ratio_is_scaled_by_logs():
    one = headline(ratio("a", value=0.64, low=0.5, high=1.25), "Hazard", HAZARD)
    assert (one.value, one.low, one.high) == pytest.approx((2, -1, log(2) / log(1.25)), abs=EXACT)


def test_what_is_not_released_or_in_another_unit_is_left_out():
    outcomes = {"diversion": CUSTODY}
    shown = headlines({"diversion/risk_difference/att": difference(-0.06, -0.08, -0.05)}, outcomes)
    assert [one.estimate for one in shown] == ["diversion/risk_difference/att"]
    assert headlines({}, outcomes) == ()
    assert headlines({"diversion/risk_difference/att": difference(-6, -8, -5, unit="days")}, outcomes) == ()


def test_the_alternative_text_states_each_verdict():
    shown = headlines({"diversion/risk_difference/att": difference(0.06, 0.05, 0.08)}, {"diversion": CUSTODY})
    assert "6.0 percentage points (5.0 to 8.0), a difference that matters, for the worse" in headlines_alt(shown)


def test_nothing_to_draw_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(make_released(tmp_path))
    assert "none of the headline effects could be estimated" in drawing("headlines").data
    with pytest.raises(KeyError, match="no picture 'other'"):
        drawing("other")


def test_the_table_of_verdicts_is_in_words(tmp_path, monkeypatch):
    monkeypatch.chdir(make_released(tmp_path))
    assert "too imprecise to say" in verdict_table({"a/effect": "Effect"}).data
    with pytest.raises(ValueError, match="a/share is in share"):
        verdict_table({"a/share": "Share"})


def test_released_pictures_have_texts_and_data(released):
    place = released / "_results" / DRAWINGS
    alts = json.loads((place / "alt-texts.json").read_text(encoding="utf-8"))
    assert set(alts) == {"headlines", "logic-model"}
    for name in alts:
        assert (place / f"{name}.svg").is_file()
        assert (place / f"{name}.csv").is_file()


def test_the_logic_model_is_told_item_by_item():
    items = read_logic_model(PROJECT / LOGIC_MODEL)
    told = logic_model_alt(items)
    assert {item.seen for item in items} == set(SEEN)
    for item in items:
        assert item.item[1:] in told


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ("A,x,nobody", "seen 'nobody' is none of both, users, areas, none"),
        ("A,,both", "an empty cell"),
        ("A,x,both\nB,y,both\nA,z,both", "stage 'A' comes up twice"),
        ("", "no items"),
    ],
)
def test_faults_of_the_logic_model_are_told(tmp_path, lines, fault):
    path = tmp_path / "model.csv"
    path.write_text(f"stage,item,seen\n{lines}\n".replace("\n\n", "\n"), encoding="utf-8")
    with pytest.raises(ValueError, match=fault):
        read_logic_model(path)
