"""Ticks of axes: round, no more than asked for, printed so that none says what it is not."""

import pytest
from matplotlib.figure import Figure

from ldeval.release.ticks import even, even_axis, printed, ratio_axis, ticks


@pytest.mark.parametrize(
    ("low", "high", "most", "marks"),
    [
        (0, 12.6, 6, ["0", "5", "10"]),
        (72.5, 91.0, 7, ["75", "80", "85", "90"]),
        (-0.03, 0.045, 4, ["−0.02", "0.00", "0.02", "0.04"]),
        (150, 1250, 7, ["200", "400", "600", "800", "1,000", "1,200"]),
    ],
)
def test_numbers_are_round_and_told_apart(low, high, most, marks):
    assert printed(even(low, high, most)) == marks


@pytest.mark.parametrize("most", range(3, 12))
def test_there_are_never_more_than_asked_for(most):
    for high in (0.011, 0.37, 1, 2.5, 9.99, 4200):
        marks = even(0, high, most)
        assert 2 <= len(marks) <= most
        assert marks[-1] <= high


def test_a_share_stands_where_its_label_says():
    """Half a step once was rounded in the label: 77.5% read 78%."""
    axes = Figure().subplots()
    axes.set_ylim(0.725, 0.91)
    even_axis(axes, "y", unit="share")
    for place, label in zip(axes.get_yticks(), axes.get_yticklabels(), strict=True):
        assert float(label.get_text().removesuffix("%")) == pytest.approx(100 * place, abs=1e-9)


@pytest.mark.parametrize(("low", "high"), [(0.83, 3.56), (0.97, 1.04), (0.5, 9.2), (0.13, 4.1), (0.6, 0.95)])
def test_ratios_have_ticks_across_the_whole_axis(low, high):
    """From 0.83 to 3.56 they once ended at 2."""
    axes = Figure().subplots()
    ratio_axis(axes, "x", low, high)
    marks = list(axes.get_xticks())
    assert 1 <= len(marks) <= 9
    assert marks[-1] >= high / 1.6
    assert marks[0] <= low * 1.6


def test_times_are_counted_as_people_count_them():
    assert ticks(364, "days") == [0, 91, 182, 273, 364]
