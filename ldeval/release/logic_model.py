"""The logic model of the service as a figure: stages from need to value, each item marked by who of the records can see it."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from textwrap import wrap
from typing import Any

LOGIC_MODEL = Path("data") / "logic_model.csv"
COLUMNS = ["stage", "item", "seen"]
SEEN = {
    "both": "recorded for both arms: compared",
    "users": "recorded for users alone: described",
    "areas": "recorded for areas: compared over time",
    "none": "not in the records",
}
"""Who can see an item, in words, in the order of the legend."""

INK, PAPER, WHITE = "#12436D", "#F3F5F7", "#FFFFFF"
MARKS: dict[str, dict[str, Any]] = {
    "both": {"marker": "s", "color": INK},
    "users": {"marker": "s", "color": INK, "fillstyle": "left", "markerfacecoloralt": WHITE},
    "areas": {"marker": "D", "color": INK},
    "none": {"marker": "s", "color": INK, "fillstyle": "none"},
}
WIDTH, LINE, PAD, GAP, TEXT = 4.3, 0.175, 0.1, 0.24, 52
"""Inches: the picture (narrow, so that a telephone shows it at its size), a line, padding, room for an arrow; letters a line."""


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a stage, and who can see it."""

    stage: str
    item: str
    seen: str


def read_logic_model(path: Path) -> tuple[Item, ...]:
    """Read the boxes of the figure, in their order.

    Raises:
        ValueError: other columns, an empty cell, an item seen by nobody known, a stage that comes up twice; all faults at once.

    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"{path}: expected the columns {COLUMNS}, found {reader.fieldnames}")
        items = tuple(Item(**row) for row in reader)
    faults = [f"  line {line}: an empty cell" for line, item in enumerate(items, 2) if not (item.stage and item.item)]
    faults += [
        f"  line {line}: seen {item.seen!r} is none of {', '.join(SEEN)}"
        for line, item in enumerate(items, 2)
        if item.seen not in SEEN
    ]
    stages = [stage for stage, _ in groupby(items, key=lambda item: item.stage)]
    faults += [f"  stage {stage!r} comes up twice" for stage in dict.fromkeys(stages) if stages.count(stage) > 1]
    if faults or not items:
        raise ValueError(f"{path}: {len(faults)} fault(s)\n" + ("\n".join(faults) or "  no items"))
    return items


def logic_model_alt(items: tuple[Item, ...]) -> str:
    """Tell the model in words, stage by stage, with who can see each item."""
    said = [
        f"{stage}: " + ", ".join(f"{_lower(item.item)} ({SEEN[item.seen].split(':')[0]})" for item in group)
        for stage, group in groupby(items, key=lambda item: item.stage)
    ]
    return f"Logic model, each stage leading to the next. {'; then '.join(said)}."


def draw_logic_model(items: tuple[Item, ...], new: Any) -> Any:
    """Draw one box a stage from top to bottom, with arrows between them and a legend of the marks below."""
    stages = [
        (stage, [(item, wrap(item.item, TEXT)) for item in group]) for stage, group in groupby(items, key=lambda i: i.stage)
    ]
    tall = [LINE * (1 + sum(len(lines) for _, lines in rows)) + 2 * PAD for _, rows in stages]
    legend = LINE * len(SEEN) + PAD
    height = sum(tall) + GAP * (len(stages) - 1) + legend + 2 * PAD
    picture = new(figsize=(WIDTH, height))
    axes = picture.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.set_axis_off()
    top = height - 0.03
    for number, ((stage, rows), size) in enumerate(zip(stages, tall, strict=True)):
        _stage(axes, top, size, stage, rows)
        top -= size
        if number < len(stages) - 1:
            ends = {"xy": (WIDTH / 2, top - GAP), "xytext": (WIDTH / 2, top)}
            axes.annotate("", **ends, arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.4, "shrinkA": 0, "shrinkB": 0})
            top -= GAP
    for number, (seen, words) in enumerate(SEEN.items()):
        _marked(axes, legend - LINE * (number + 0.5), seen, [words[:1].upper() + words[1:]])
    return picture


def _stage(axes: Any, top: float, size: float, stage: str, rows: list[tuple[Item, list[str]]]) -> None:
    edges = (0.03, WIDTH - 0.03)
    axes.fill([edges[0], edges[1], edges[1], edges[0]], [top, top, top - size, top - size], facecolor=PAPER, edgecolor=INK, lw=1)
    at = top - PAD - LINE / 2
    axes.text(0.15, at, stage, va="center", weight="bold", size=9)
    for item, lines in rows:
        at -= LINE
        _marked(axes, at, item.seen, lines)
        at -= LINE * (len(lines) - 1)


def _marked(axes: Any, at: float, seen: str, lines: list[str]) -> None:
    axes.plot([0.24], [at], ms=6, mec=INK, **MARKS[seen])
    for number, text in enumerate(lines):
        axes.text(0.4, at - LINE * number, text, va="center", size=9)


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
