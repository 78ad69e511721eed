"""Series, shares, combinations and funnels: words that state the numbers, suppressed cells, drawn alike each time."""

from dataclasses import replace

import pytest

from ldeval.analysis.counted import Counts, Line
from ldeval.analysis.exhibits import Effect, Effects
from ldeval.estimate import Estimate, Estimates
from ldeval.release.counts_plot import bars_of, funnel_alt
from ldeval.release.counts_table import as_table
from ldeval.release.figures import alt_text, draw


def estimate(at, value):
    low, high = value / 1.2, value * 1.2
    return Estimate(f"x/{at}", "x", "m", "ratio", "descriptive", value, 0.09, "log", low, high, 0.95, 10, 5, "method")


VALUES = {-2: 1.0, -1: 1.5, 0: 3.0, 1: 1.1}
ESTIMATES = Estimates(estimate(at, value) for at, value in VALUES.items())
SERIES = Effects("s", "Use by month", "Rate ratio", tuple(Effect(str(at), f"x/{at}", at=at) for at in VALUES), axis="Months")


def counts(values, picture, labels=("A", "B + C", "No need")):
    rows = (Line("All"), *(Line(name, {name: "yes"}) for name in labels))
    columns = (Line("All"), Line("Yes", {"yes": "yes"}))
    return Counts(
        "c", "Needs", "people", rows, columns, values, "of row" if picture == "funnel" else "of column", picture=picture
    )


NEEDS = counts(((100, 50), (60, 30), (25, 10), (15, 10)), "shares")
SITES = counts(((300, 150), (100, 50), (100, 51), (100, 49)), "funnel")


def table(given):
    return as_table(given, given.counted(), None)


def test_a_series_says_how_many_intervals_exclude_no_effect_and_where_it_is_highest():
    assert alt_text(SERIES, ESTIMATES) == (
        "Series, use by month, with intervals. 1 of 2 intervals before the event and 1 of 2 from it on exclude 1. "
        "The highest value is 3.00 (2.50 to 3.60) at 0, the lowest 1.00 (0.83 to 1.20) at −2."
    )


def test_a_series_needs_a_place_for_every_row():
    with pytest.raises(ValueError, match="a place on the axis for every row, found 1 without"):
        replace(SERIES, rows=(*SERIES.rows, Effect("?", "x/0")))


def test_shares_are_read_beside_their_counts():
    assert [(bar.label, bar.count, bar.share) for bar in bars_of(table(NEEDS))][1] == ("A", 60, 0.6)
    assert "as shares of 100: a, 60.0%; b + C, 25.0%; no need, 15.0%." in alt_text(table(NEEDS), Estimates())


def test_columns_side_by_side_are_told_row_by_row_the_widest_gap_first():
    text = alt_text(table(replace(NEEDS, picture="beside")), Estimates())
    assert text.startswith("Bars, needs: All (100), Yes (50). Furthest apart: no need, 15.0% and 20.0%.")
    assert text.endswith("All: a, 60.0% and 60.0%; b + C, 25.0% and 20.0%; no need, 15.0% and 20.0%.")


def test_a_suppressed_share_is_said_to_be():
    hidden = {key: None if count == 15 else count for key, count in NEEDS.counted().items()}
    assert "no need, suppressed" in alt_text(as_table(NEEDS, hidden, None), Estimates())


def test_the_funnel_names_the_sites_that_chance_does_not_explain():
    assert "3 sites about a share of 50%; 0 outside the 95% limits" in funnel_alt(table(SITES))
    far = counts(((300, 150), (100, 50), (100, 80), (100, 20)), "funnel")
    assert "2 outside the 99.8% limits. The furthest out: B + C, No need." in funnel_alt(table(far))


@pytest.mark.parametrize(
    "exhibit",
    [SERIES, table(NEEDS), table(replace(NEEDS, picture="overlap")), table(replace(NEEDS, picture="beside")), table(SITES)],
    ids=["series", "shares", "overlap", "beside", "funnel"],
)
def test_pictures_are_the_same_bytes_each_time(tmp_path, exhibit):
    for name in ("one", "two"):
        draw(exhibit, ESTIMATES, tmp_path / name / "x.svg")
    assert (tmp_path / "one" / "x.svg").read_bytes() == (tmp_path / "two" / "x.svg").read_bytes()
