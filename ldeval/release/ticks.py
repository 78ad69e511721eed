"""Where axes have their ticks: round times, round numbers, and ratios on a log axis."""

from __future__ import annotations

from collections.abc import Collection
from math import ceil, floor, log10
from textwrap import wrap
from typing import Any, Literal

from ldeval.release.numbers import MINUS

RATIOS = (
    (0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.8, 2),
    (0.3, 0.4, 0.5, 0.7, 1, 1.5, 2, 2.5, 3),
    (0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 7, 10, 20, 50),
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100),
)
"""Ticks of a log axis, from the finest to the coarsest."""

LETTERS = 36
"""Letters of a row's name beyond which it is broken into lines."""

STEPS = {"weeks": (1, 2, 4, 13, 26, 52), "months": (1, 2, 3, 6, 12, 24), "days": (1, 7, 30, 91, 182, 365)}


def ticks(end: float, unit: str) -> list[float]:
    """Give at most eight or so round times from 0 to `end`, in the steps that people count such times in."""
    steps = STEPS.get(unit, (1, 2, 5, 10, 20, 50))
    step = next((s for s in steps if end / s <= 7), steps[-1])
    return [step * i for i in range(int(end / step) + 1)]


def even(low: float, high: float, most: int = 7) -> list[float]:
    """Give the multiples of 1, 2 or 5 times a power of ten from `low` to `high`, at most `most` of them."""
    size = 10.0 ** floor(log10((high - low) / most))
    step = next(size * times for times in (1, 2, 5, 10) if (high - low) / (size * times) < most)
    return [step * place for place in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def printed(marks: list[float], before: str = "", after: str = "") -> list[str]:
    """Print marks with the decimals that tell them apart, the same for all."""
    digits = next(n for n in range(9) if all(abs(round(mark, n) - mark) < 1e-9 for mark in marks) or n == 8)
    return [f"{MINUS if mark < 0 else ''}{before}{abs(mark):,.{digits}f}{after}" for mark in marks]


def even_axis(axes: Any, which: Literal["x", "y"], *, unit: str = "", most: int = 7) -> None:
    """Give an axis round numbers within the limits that it has, printed in hundredths or pounds where the unit is such."""
    low, high = axes.get_xlim() if which == "x" else axes.get_ylim()
    factor, after = (100, "%" if unit == "share" else "") if unit in ("share", "percentage points") else (1, "")
    marks = even(low * factor, high * factor, most)
    set_ticks = axes.set_xticks if which == "x" else axes.set_yticks
    set_ticks([mark / factor for mark in marks], printed(marks, "£" if unit == "pounds" else "", after))
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)


def ratio_axis(axes: Any, which: Literal["x", "y"], low: float, high: float, most: int = 9) -> None:
    """Make an axis logarithmic from `low` to `high`, with plain ticks."""
    held = ([mark for mark in marks if low <= mark <= high] for marks in RATIOS)
    marks = next((found for found in held if len(found) <= most and found[0] <= low * 1.6 and found[-1] >= high / 1.6), [1])
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    set_ticks = axes.set_xticks if which == "x" else axes.set_yticks
    set_ticks(marks, [f"{mark:g}" for mark in marks])
    set_ticks([], minor=True)
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)


def row_names(axes: Any, names: list[str], *, bold: Collection[int] = (), size: float = 9, width: int = LETTERS) -> None:
    """Name the rows of a picture left of its axis, the first on top.

    A long name is broken into lines, each a text of its own: the page's typeface is not as wide as the one that lines are set
    with, and would leave them ragged.
    """
    axes.set_yticks(range(len(names)), [""] * len(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    look = {"textcoords": "offset points", "va": "center", "ha": "right", "fontsize": size}
    for place, name in enumerate(names):
        lines = wrap(name, width)
        for number, line in enumerate(lines):
            height = (size + 1.5) * ((len(lines) - 1) / 2 - number)
            weight = "bold" if place in bold else "normal"
            axes.annotate(line, (0, place), (-6, height), axes.get_yaxis_transform(), weight=weight, **look)
