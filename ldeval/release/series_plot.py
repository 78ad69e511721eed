"""Estimates along an axis of time, as in an event study: values with their intervals, before the event and after it."""

from __future__ import annotations

from typing import Any

from ldeval.analysis.exhibits import Effects
from ldeval.estimate import Estimate, Estimates
from ldeval.release.look import GREY, MARKS, PALE, PALETTE, WIDTH
from ldeval.release.numbers import MINUS, between, central, level
from ldeval.release.ticks import even_axis, ratio_axis

Placed = tuple[float, Estimate]


def _series(exhibit: Effects, estimates: Estimates) -> dict[str, list[Placed]]:
    """Give each group's places and estimates, in the order of the axis."""
    found: dict[str, list[Placed]] = {}
    for row in exhibit.rows:
        if row.at is not None:
            found.setdefault(row.group, []).append((row.at, estimates[row.estimate]))
    return {group: sorted(rows, key=lambda row: row[0]) for group, rows in found.items()}


def series_alt(exhibit: Effects, estimates: Estimates) -> str:
    """State the series in words: how many intervals exclude no effect before the event and after, and the extremes."""
    said = [_group_alt(group, rows) for group, rows in _series(exhibit, estimates).items()]
    return f"Series, {exhibit.title[:1].lower()}{exhibit.title[1:]}, with intervals. " + " ".join(said)


def _group_alt(group: str, rows: list[Placed]) -> str:
    def beside(part: list[Placed]) -> str:
        return f"{sum(not e.low <= e.null <= e.high for _, e in part)} of {len(part)}"

    before, after = [row for row in rows if row[0] < 0], [row for row in rows if row[0] >= 0]
    top, bottom = max(rows, key=lambda row: row[1].value), min(rows, key=lambda row: row[1].value)
    named = f"{group}: " if group else ""
    text = (
        f"{named}{beside(before)} intervals before the event and {beside(after)} from it on exclude {rows[0][1].null:g}. "
        f"The highest value is {central(top[1])} ({between(top[1])}) at {_place(top[0])}, "
        f"the lowest {central(bottom[1])} ({between(bottom[1])}) at {_place(bottom[0])}."
    )
    return text[:1].upper() + text[1:]


def _place(at: float) -> str:
    return f"{at:+g}".replace("-", MINUS) if at else "0"


def draw_series(exhibit: Effects, estimates: Estimates, new: Any) -> Any:
    """Draw the series: a mark and a line for each interval, no effect as a line across, the event as one upright."""
    groups = _series(exhibit, estimates)
    picture = new(figsize=(WIDTH, 3.2), layout="constrained")
    axes = picture.subplots()
    first = next(iter(groups.values()))[0][1]
    axes.axhline(first.null, color=GREY, lw=1, ls=(0, (4, 3)))
    axes.axvline(-0.5, color=GREY, lw=1)
    for number, (group, rows) in enumerate(groups.items()):
        shift = 0.16 * (number - (len(groups) - 1) / 2)
        places = [at + shift for at, _ in rows]
        colour, mark = PALETTE[number % len(PALETTE)], MARKS[number % len(MARKS)]
        axes.vlines(places, [e.low for _, e in rows], [e.high for _, e in rows], color=colour, lw=1.4)
        axes.plot(places, [e.value for _, e in rows], mark, color=colour, ms=4.5, ls="-", lw=0.6, label=group)
    if first.scale == "log":
        every = [e for rows in groups.values() for _, e in rows]
        ratio_axis(axes, "y", min(e.low for e in every) * 0.95, max(e.high for e in every) * 1.05)
    else:
        even_axis(axes, "y", unit=first.unit)
    even_axis(axes, "x", most=14)
    axes.grid(axis="y", color=PALE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(exhibit.axis)
    axes.set_title(f"{exhibit.measure}, {level(first.level)} interval")
    if len(groups) > 1:
        axes.legend(frameon=False)
    return picture
