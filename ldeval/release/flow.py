"""The flow diagram of exclusions: who had an event, who is left out and why, who is left, and in which arm."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from textwrap import wrap
from typing import Any

from ldeval.analysis.exhibits import Cell, Table
from ldeval.release.numbers import form
from ldeval.release.policy import SUPPRESSED

Row = tuple[str, str]
WIDTH, LINE, GAP, BOX = 6.3, 0.165, 0.24, 0.46
"""Inches: the picture, a line of text, the room between boxes, the height of a box."""

INK, PAPER = "#12436D", "#F3F5F7"


def blocks(table: Table) -> list[tuple[str, list[Row]]]:
    """Give the blocks of a flow from top to bottom: its name, and each row's words and printed count."""
    rows = ((str(row[0]), (str(row[1]), _count(row[2], table.columns[2].unit))) for row in table.rows)
    return [(name, [row for _, row in block]) for name, block in groupby(rows, key=lambda row: row[0])]


def _count(cell: Cell, unit: str) -> str:
    return SUPPRESSED if cell == SUPPRESSED or isinstance(cell, str) else form(cell, unit)


def flow_alt(table: Table) -> str:
    """State the flow in words."""
    (_, [start]), (_, lost), (_, [left]), (_, arms) = blocks(table)
    return (
        f"Flow diagram. {start[0]}: {start[1]}. Left out, in this order: {_listed(lost)}. "
        f"{left[0]}: {left[1]}. Of these: {_listed(arms)}."
    )


def _listed(rows: Sequence[Row]) -> str:
    return "; ".join(f"{label[:1].lower()}{label[1:]}, {count}" for label, count in rows)


def draw_flow(table: Table, new: Any) -> Any:
    """Draw the flow: those who remain go down on the left, those left out stand at the right, the arms below."""
    (_, [start]), (reason, lost), (_, [left]), (_, arms) = blocks(table)
    tall = LINE * (len(lost) + 1) + 0.24
    low = BOX + 0.05
    height = BOX + 0.05 + GAP / 2 + tall + GAP / 2 + BOX + GAP + low
    picture = new(figsize=(WIDTH, height))
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.set_axis_off()
    middle, side = 1.3, 2.6
    top, below = height - BOX - 0.05, low + GAP
    _box(axes, 0.05, top, 2.5, BOX, [start[0]], start[1])
    _box(axes, 0.05, below, 2.5, BOX, [left[0]], left[1])
    _arrow(axes, (middle, top), (middle, below + BOX))
    bottom = below + BOX + GAP / 2
    _list(axes, side, bottom, WIDTH - side - 0.05, tall, reason, lost)
    _arrow(axes, (middle, bottom + tall / 2), (side, bottom + tall / 2))
    wide = min((WIDTH - 0.1 + 0.15) / len(arms), 2.5 + 0.15)
    for number, (label, count) in enumerate(arms):
        _box(axes, 0.05 + number * wide, 0.05, wide - 0.15, BOX, wrap(label, 24), count)
        _arrow(axes, (middle, below), (0.05 + number * wide + (wide - 0.15) / 2, low))
    return picture


def _box(axes: Any, x: float, y: float, width: float, height: float, words: Sequence[str], count: str) -> None:
    _frame(axes, x, y, width, height)
    lines = [*words, count]
    for number, text in enumerate(lines):
        at = y + height / 2 + LINE * ((len(lines) - 1) / 2 - number)
        axes.text(x + width / 2, at, text, ha="center", va="center", weight="bold" if number == len(words) else "normal")


def _list(axes: Any, x: float, y: float, width: float, height: float, head: str, rows: Sequence[Row]) -> None:
    _frame(axes, x, y, width, height)
    at = y + height - 0.12 - LINE / 2
    axes.text(x + 0.1, at, head, va="center", weight="bold")
    for number, (label, count) in enumerate(rows, start=1):
        axes.text(x + 0.1, at - LINE * number, label, va="center", size=7.5)
        axes.text(x + width - 0.1, at - LINE * number, count, ha="right", va="center", size=7.5)


def _frame(axes: Any, x: float, y: float, width: float, height: float) -> None:
    axes.fill([x, x + width, x + width, x], [y, y, y + height, y + height], facecolor=PAPER, edgecolor=INK, lw=1)


def _arrow(axes: Any, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1, "shrinkA": 0, "shrinkB": 0})
