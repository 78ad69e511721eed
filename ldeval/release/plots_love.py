"""The love plot: standardised differences of each characteristic before and after weighting, the largest first."""

from __future__ import annotations

from typing import Any

from ldeval.analysis.exhibits import Cell, Table

WIDTH, LINE = 6.3, 0.19
"""Inches: the picture, a line."""

LIMIT = 0.1
BEFORE, AFTER, GREY = "#F46A25", "#12436D", "#595959"


def points(table: Table) -> list[tuple[str, float, float]]:
    """Give each characteristic with the sizes of its differences before and after, the largest before first."""
    rows = [(str(row[0]), abs(_number(row[1])), abs(_number(row[2]))) for row in table.rows]
    return sorted(rows, key=lambda row: -row[1])


def love_alt(table: Table) -> str:
    """State what the plot shows, from its numbers."""
    rows = points(table)
    before, after = [row[1] for row in rows], [row[2] for row in rows]
    beyond = [sum(size > LIMIT for size in sizes) for sizes in (before, after)]
    return (
        f"Love plot of {len(rows)} characteristics. Standardised differences reach {max(before):.2f} before weighting and "
        f"{max(after):.2f} after; {beyond[0]} are beyond {LIMIT} before and {beyond[1]} after. The largest before: {rows[0][0]}."
    )


def draw_love(table: Table, new: Any) -> Any:
    """Draw the plot: hollow squares before, filled circles after, a line at the customary limit."""
    rows = points(table)
    picture = new(figsize=(WIDTH, 0.9 + LINE * len(rows)), layout="constrained")
    axes = picture.subplots()
    places = range(len(rows))
    axes.plot([row[1] for row in rows], places, "s", mfc="white", mec=BEFORE, ms=4.5, label="Before weighting")
    axes.plot([row[2] for row in rows], places, "o", color=AFTER, ms=4.5, label="After weighting")
    axes.axvline(LIMIT, color=GREY, lw=1, ls=(0, (4, 3)))
    axes.set_yticks(places, [row[0] for row in rows], color="black", fontsize=7.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(left=-0.01)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel("Standardised difference between the arms, without its sign")
    axes.legend(loc="lower right", frameon=False)
    return picture


def _number(cell: Cell) -> float:
    return float(cell) if isinstance(cell, int | float) else 0.0
