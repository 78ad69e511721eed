"""Pictures of the economics: words from the numbers whichever way they go, the same bytes twice."""

import pytest

from ldeval.analysis.exhibits import Column, Table
from ldeval.estimate import Estimates
from ldeval.release.figures import alt_text, draw


def table(picture, columns, *rows):
    made = [Column(name, name.capitalize(), "text" if not place else "pounds") for place, name in enumerate(columns)]
    return Table("economics-x", "A picture", tuple(made), rows, picture=picture)


TORNADO = ("parameter", "low", "high", "at_low", "at_high", "base")
BARS = table("bars", ("payer", "direct", "overall"), ("Prisons", 1080.0, 1620.0), ("NHS", -659.0, -659.0))
TURNING = table("tornado", TORNADO, ("Days", 8.0, 26.0, -200.0, 886.0, 342.0), ("Order", 407.0, 4650.0, 419.0, 143.0, 342.0))
HARM = table("tornado", TORNADO, ("Days", -26.0, -8.0, -900.0, -200.0, -500.0))
CURVE = Table(
    "economics-x",
    "A curve",
    (Column("worth", "Worth", "pounds"), Column("a", "Direct", "share"), Column("b", "Overall", "share")),
    ((0.0, 0.64, 0.98), (20000.0, 1.0, 1.0)),
    picture="acceptability",
)
NONE = Estimates()


@pytest.mark.parametrize(
    ("picture", "parts"),
    [
        (BARS, ["Prisons, £1,080 and £1,620", "NHS, −£659 and −£659"]),
        (TURNING, ["Days (−£200 at its low end, £886 at its high end)", "these turn its sign: Days."]),
        (HARM, ["None turns its sign"]),
        (CURVE, ["Direct: 64.0% to 100.0%", "worth in itself to where it has £20,000"]),
    ],
    ids=["bars", "tornado", "harm", "curve"],
)
def test_words_come_from_the_numbers_and_drawing_is_repeatable(picture, parts, tmp_path):
    told = alt_text(picture, NONE)
    for part in parts:
        assert part in told
    for name in ("one", "two"):
        draw(picture, NONE, tmp_path / f"{name}.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
