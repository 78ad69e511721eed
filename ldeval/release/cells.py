"""Numbers that a released table, curve or set of effects itself holds, for the caption below it.

A caption that says what a table shows takes its numbers from the cells that the reader sees: one cell, the largest or smallest of
several, or how many rows there are. In a chapter: `` `{python} cell("balance-schemes", "smd", way="Weighting")` ``. What was
suppressed or is not there says so, and is never the largest or smallest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

from ldeval.analysis.exhibits import Cell, Curves, Effects, Point, Table
from ldeval.release.numbers import form
from ldeval.release.policy import SUPPRESSED
from ldeval.release.prose import est, span
from ldeval.release.results import results

if TYPE_CHECKING:
    from IPython.display import Markdown

How = Literal["only", "first", "last", "largest", "smallest", "furthest"]
End = Literal["largest", "smallest"]
Row = Mapping[str, Cell]

CURVE_UNITS = {"survival": "share", "incidence": "share", "mean count": "ratio"}


def cell(key: str, column: str, how: How = "only", *, but: Mapping[str, str] | None = None, **where: str) -> Markdown:
    """Give a cell of a released table or a value of released curves.

    `where` names the rows by the text in other columns, `but` those to leave out. Of several rows `how` takes the first, the
    last, the one with the largest or smallest number, or the one furthest from nought, printed without its sign.

    Raises:
        KeyError: no such exhibit was released, or it has no such column where the analysis that fills it did run.
        ValueError: `how` is none of the choices, or `only` is asked for and there are several rows.

    """
    if how not in get_args(How):
        raise ValueError(f"how must be one of {', '.join(get_args(How))}; found {how!r}")
    if gap := results().missing(key):
        return span(f"not available ({gap.why})", "from-exhibit missing", key)
    rows, units = _grid(key)
    kept = _kept(rows, where, but or {})
    if column not in units or not kept:
        return span("not available", "from-exhibit missing", key)
    if how == "only" and len(kept) > 1:
        raise ValueError(f"{key}: {len(kept)} rows where {where}; expected one, or say which to take")
    return span(_printed(_picked([row[column] for row in kept], how), units[column], how), "from-exhibit", key)


def rows_of(key: str, *, but: Mapping[str, str] | None = None, **where: str) -> Markdown:
    """Give the number of rows of a released table.

    Raises:
        KeyError: no such exhibit was released.

    """
    if gap := results().missing(key):
        return span(f"not available ({gap.why})", "from-exhibit missing", key)
    return span(form(len(_kept(_grid(key)[0], where, but or {})), "values"), "from-exhibit", key)


def among(key: str, which: End, *, since: float | None = None) -> Markdown:
    """Give the largest or smallest estimate of a released set of effects, of a series those from the place `since` on.

    Raises:
        KeyError: no such exhibit was released.
        ValueError: `which` is neither.

    """
    if which not in get_args(End):
        raise ValueError(f"which must be one of {', '.join(get_args(End))}; found {which!r}")
    released = results()
    if gap := released.missing(key):
        return span(f"not available ({gap.why})", "from-exhibit missing", key)
    exhibit = released.exhibit(key)
    if not isinstance(exhibit, Effects):
        raise ValueError(f"{key!r} is no set of effects; take a cell of it")
    shown = [row.estimate for row in exhibit.rows if since is None or (row.at is not None and row.at >= since)]
    if not shown:
        return span("not available", "from-exhibit missing", key)
    return est((max if which == "largest" else min)(shown, key=lambda name: released.estimates[name].value))


def _grid(key: str) -> tuple[Sequence[Row], Mapping[str, str]]:
    """Give the rows of an exhibit, and the unit of each column."""
    exhibit = results().exhibit(key)
    if isinstance(exhibit, Curves):
        unit = CURVE_UNITS[exhibit.shape]
        return [{name: getattr(point, name) for name in Point.__slots__} for point in exhibit.points], {"value": unit}
    if not isinstance(exhibit, Table):
        raise ValueError(f"{key!r} is neither a table nor a set of curves; see `among` for effects")
    units = {column.name: column.unit for column in exhibit.columns}
    return [dict(zip(units, row, strict=True)) for row in exhibit.rows], units


def _kept(rows: Sequence[Row], where: Mapping[str, str], but: Mapping[str, str]) -> list[Row]:
    return [
        row
        for row in rows
        if all(row.get(name) == text for name, text in where.items())
        and not any(row.get(name) == text for name, text in but.items())
    ]


def _picked(cells: Sequence[Cell], how: How) -> Cell:
    if how in ("only", "first", "last"):
        return cells[-1 if how == "last" else 0]
    numbers = [number for number in cells if isinstance(number, int | float)]
    if how == "furthest":
        return max(map(abs, numbers), default=None)
    return (max if how == "largest" else min)(numbers, default=None)


def _printed(value: Cell, unit: str, how: How) -> str:
    if value == SUPPRESSED:
        return "a suppressed number"
    if value is None:
        return "not known"
    if unit == "text":
        return str(value)
    text = form(value, unit)  # type: ignore[arg-type]  # a cell with a unit is a number
    if unit != "p" or how != "only":
        return text
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"
