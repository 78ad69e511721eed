"""Figures: alternative text that states the numbers, text as text, the same bytes each time."""

import re
from dataclasses import replace

import pypandoc
import pytest
from lxml import etree
from release_folder import findings, make_released

from ldeval.analysis.exhibits import Curves, Dots, Effects, Point
from ldeval.estimate import Estimates
from ldeval.release import figure
from ldeval.release.figures import alt_text, at_risk, draw

FOUND = findings()
ESTIMATES = Estimates(FOUND.estimates)
CURVES = next(e for e in FOUND.exhibits if isinstance(e, Curves))
DOTS = next(e for e in FOUND.exhibits if isinstance(e, Dots))
EFFECTS = next(e for e in FOUND.exhibits if isinstance(e, Effects))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_released(tmp_path_factory.mktemp("study"))


def texts(path):
    return [t.text for t in etree.parse(path).iter("{http://www.w3.org/2000/svg}text")]


def test_the_alternative_text_of_curves_states_where_they_end():
    assert alt_text(CURVES, ESTIMATES) == (
        "Kaplan-Meier curves of the share not re-arrested, by weeks since release, with the numbers at risk below. At "
        "the end of follow-up: Aid, 40.0% (95% interval 10.0% to 70.0%) after 30 weeks; None, 50.0% (95% interval "
        "10.0% to 80.0%) after 52 weeks. The highest curve at its end is that of: None."
    )


def test_the_alternative_text_of_a_forest_plot_sorts_intervals_by_side():
    assert alt_text(EFFECTS, ESTIMATES) == (
        'Forest plot, hazard ratios: intervals wholly below 1: Aid "x"; intervals that include 1: None.'
    )


def test_the_alternative_text_of_dots_counts_those_within_the_band():
    assert alt_text(DOTS, ESTIMATES) == (
        "Dot plot, coverage by estimator, against 0.950 and the band: Plain, 1 of 2 within the band, from 0.900 to 0.960; "
        "Corrected, 1 of 1 within the band, from 0.940 to 0.940."
    )


def test_the_number_at_risk_is_those_still_there_just_before():
    aid = CURVES.of("Aid")
    assert [at_risk(aid, t) for t in (0, 5, 10, 10.5, 30, 31)] == [6, 6, 6, 4, 4, 0]


@pytest.mark.parametrize("exhibit", [CURVES, EFFECTS, DOTS], ids=["curves", "effects", "dots"])
def test_figures_are_drawn_alike_each_time_with_text_as_text(tmp_path, exhibit):
    for name in ("one", "two"):
        draw(exhibit, ESTIMATES, tmp_path / name / "x.svg")
    one, two = ((tmp_path / name / "x.svg").read_bytes() for name in ("one", "two"))
    assert one == two
    assert b"<dc:date>" not in one
    assert len(texts(tmp_path / "one" / "x.svg")) >= 6


def test_the_risk_table_stands_under_the_curves(released):
    shown = texts(released / "_results" / "figures" / "c-two.svg")
    assert shown[shown.index("Number at risk") + 1 :][:6] == ["Aid", "6", "4", "4", "0", "0"]


def test_the_forest_plot_prints_the_numbers(released):
    assert "0.68 (0.47 to 0.996)" in texts(released / "_results" / "figures" / "e-all.svg")


def test_a_figure_in_a_chapter_is_an_image_with_its_alternative_text(released, monkeypatch):
    monkeypatch.chdir(released)
    shown = pypandoc.convert_text(figure("e-all").data, "html", format="markdown", extra_args=["--wrap=none"])
    alt = re.search(r'fig-alt="([^"]*)"', shown)[1]
    assert alt.replace("&quot;", '"') == alt_text(EFFECTS, ESTIMATES)
    assert 'src="/_results/figures/e-all.svg"' in shown
    assert "Open data: no disclosure control." in shown


def test_every_figure_has_an_alternative_text_and_its_data(released):
    folder = released / "_results"
    for picture in (folder / "figures").glob("*.svg"):
        assert any((folder / kind / f"{picture.stem}.csv").is_file() for kind in ("curves", "effects", "dots"))


def test_more_groups_than_colours_are_refused(tmp_path):
    points = tuple(Point(f"g{n}", 0.0, 1.0, 1.0, 1.0, 1, 0, 0) for n in range(7))
    with pytest.raises(ValueError, match="at most 6 groups can be told apart, found 7"):
        draw(replace(CURVES, points=points), ESTIMATES, tmp_path / "x.svg")
