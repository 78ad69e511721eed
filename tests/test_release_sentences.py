"""Findings as sentences: one chapter, whatever the numbers say."""

import pytest
from release_folder import findings, make_released, ratio

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.findings import Findings
from ldeval.release import est, figure, finding, says, table, verdict
from ldeval.release.sentences import sentences


def difference(value, low, high):
    return ratio(
        "a", value=value, low=low, high=high, scale="identity", unit="percentage points", se=0.01, measure="risk difference"
    )


@pytest.mark.parametrize(
    ("low", "value", "high", "better", "words"),
    [
        (0.50, 0.60, 0.70, "lower", "a difference that matters, for the better: the whole interval lies at or beyond"),
        (0.50, 0.60, 0.70, "higher", "a difference that matters, for the worse"),
        (1.30, 1.50, 1.80, "lower", "a difference that matters, for the worse"),
        (1.30, 1.50, 1.80, "", "a difference that matters, towards higher values"),
        (0.85, 0.90, 0.95, "lower", "a difference for the better, but smaller than matters"),
        (1.05, 1.10, 1.20, "lower", "a difference for the worse, but smaller than matters"),
        (0.90, 1.00, 1.10, "lower", "no difference that matters: the interval includes no effect"),
        (0.47, 0.68, 0.99, "lower", "evidence of a difference for the better, but it is too imprecise to say whether"),
        (0.60, 0.95, 1.50, "lower", "and also includes no effect at all: this is too imprecise to say"),
    ],
)
def test_ratios_read_as_the_interval_lies(low, value, high, better, words):
    said = sentences(ratio("a", value=value, low=low, high=high), 0.8, better)
    assert words in said
    assert said.startswith(f"The hazard ratio was {value:.2f} (95% interval ")


@pytest.mark.parametrize(
    ("low", "value", "high", "better", "words"),
    [
        (-0.09, -0.06, -0.03, "lower", "a difference that matters, for the better"),
        (0.03, 0.06, 0.09, "lower", "a difference that matters, for the worse"),
        (0.03, 0.06, 0.09, "higher", "a difference that matters, for the better"),
        (-0.01, 0.0, 0.01, "lower", "no difference that matters"),
        (0.005, 0.01, 0.015, "lower", "a difference for the worse, but smaller than matters"),
        (-0.05, 0.0, 0.05, "lower", "too imprecise to say"),
    ],
)
def test_differences_read_as_the_interval_lies(low, value, high, better, words):
    assert words in sentences(difference(value, low, high), 0.02, better)


def test_a_comma_within_the_measure_is_closed_before_the_verb():
    said = sentences(ratio("a", value=0.6, low=0.5, high=0.7, measure="mean days, at most a year"), 0.8, "lower")
    assert said.startswith("The mean days, at most a year, was 0.60")


def test_what_matters_is_named_on_both_sides():
    said = sentences(ratio("a", value=0.6, low=0.5, high=0.7), 0.8, "lower")
    assert "(0.80 and 1.25)" in said
    assert "(2.0 percentage points in either direction)" in sentences(difference(0.06, 0.03, 0.09), 0.02, "lower")
    unclear = sentences(ratio("a", value=0.95, low=0.6, high=1.1), 0.8, "lower")
    assert "reaches at least one of the effects that matter (0.80 and 1.25)" in unclear


def test_a_chapter_shows_the_finding_with_its_id(tmp_path, monkeypatch):
    monkeypatch.chdir(make_released(tmp_path))
    shown = finding("a/effect").data
    assert 'data-id="a/effect"' in shown
    assert "too imprecise to say whether it matters" in shown


def test_what_is_missing_says_why_wherever_it_is_bound(tmp_path, monkeypatch):
    found = findings()
    gaps = (
        NotEstimated("a/gone", "hazard ratio", "nobody was reconvicted", "rearrest"),
        NotEstimated("t-gone", "Table of sites", "one area only"),
    )
    origins = {**found.origins, **dict.fromkeys(("a/gone", "t-gone"), found.origins["a/effect"])}
    root = make_released(tmp_path, Findings(found.estimates, found.exhibits, origins, missing=gaps))
    monkeypatch.chdir(root)
    assert "not available (nobody was reconvicted)" in est("a/gone", "interval").data
    assert "could not be estimated" in verdict("a/gone").data
    assert "The hazard ratio could not be estimated: nobody was reconvicted." in finding("a/gone").data
    assert "Table of sites: not shown (one area only)" in table("t-gone").data
    assert "Table of sites: not shown (one area only)" in figure("t-gone").data


TEXTS = {"better": "good", "worse": "bad", "small": "little", "none": "nothing", "unclear": "who knows"}


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (0.50, 0.60, 0.70, "good"),
        (1.30, 1.50, 1.80, "bad"),
        (0.85, 0.90, 0.95, "little"),
        (0.90, 1.00, 1.10, "nothing"),
        (0.47, 0.68, 0.99, "who knows"),
        (0.60, 0.95, 1.50, "who knows"),
    ],
)
def test_a_text_turns_with_the_verdict(tmp_path, monkeypatch, low, value, high, words):
    found = findings()
    rows = (ratio("a/effect", value=value, low=low, high=high), *found.estimates[1:])
    monkeypatch.chdir(make_released(tmp_path, Findings(rows, found.exhibits, found.origins)))
    assert says("a/effect", **TEXTS).data == f'[{words}]{{.est .verdict data-id="a/effect"}}'


def test_an_estimate_is_judged_in_its_own_unit_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(make_released(tmp_path))
    for show in (verdict, finding, lambda key: says(key, **TEXTS)):
        with pytest.raises(ValueError, match=r"a/share is in share; what matters for rearrest in study.toml is in ratio"):
            show("a/share")
