"""Tables of counts as they are released: a column for each column of counts, and one for its shares where they are asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ldeval.analysis.counted import Counts, Key, Line
from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.release.policy import SUPPRESSED, Policy
from ldeval.release.shares import WHOLE


def as_table(counts: Counts, shown: Mapping[Key, int | None], policy: Policy | None) -> Table:
    """Lay out released counts (None is suppressed) and the shares that follow from them; without a policy, of true counts."""
    grid = dict(zip(_places(counts), (shown[key] for key in counts.identities()), strict=True))
    grouped = any(line.group for line in counts.rows)
    columns = [Column("group", "Block")] if grouped else []
    columns.append(Column("label", counts.heading or "Group"))
    names = _names(counts.columns)
    for j, (name, line) in enumerate(zip(names, counts.columns, strict=True)):
        columns.append(Column(name, line.label, counts.unit))
        if _has_shares(counts, line):
            columns.append(Column(f"{name}_share", f"{line.label}: share", _unit(counts, grid[_base(counts, 0, j)], policy)))
    rows = []
    for i, line in enumerate(counts.rows):
        row: list[Cell] = [line.group] if grouped else []
        row.append(line.label)
        for j in range(len(counts.columns)):
            row.append(_cell(grid[i, j]))
            if _has_shares(counts, counts.columns[j]):
                row.append(share(grid[i, j], grid[_base(counts, i, j)], policy))
        rows.append(tuple(row))
    return Table(counts.id, counts.title, tuple(columns), tuple(rows), counts.notes, "group" if grouped else None, counts.picture)


def _has_shares(counts: Counts, column: Line) -> bool:
    """Say whether shares stand beside a column of counts; the counts that rows are a share of are all of themselves."""
    return counts.share == "of column" or (counts.share == "of row" and bool(column.where))


def _unit(counts: Counts, whole: int | None, policy: Policy | None) -> str:
    """Give the unit of a column of shares: the same decimals in all rows where all are shares of the same count."""
    fixed = policy is None or (counts.share == "of column" and whole is not None and policy.digits(whole) > 2)
    return "share" if fixed else WHOLE


def share(part: int | None, whole: int | None, policy: Policy | None) -> Cell:
    """Give a share of released counts, with a decimal only where enough people are behind it."""
    if part is None or whole is None:
        return SUPPRESSED
    if not whole:
        return None
    if policy is None:
        return part / whole
    return min(round(part / whole, policy.digits(whole)), 1.0)


def _cell(count: int | None) -> Cell:
    return SUPPRESSED if count is None else count


def _places(counts: Counts) -> list[tuple[int, int]]:
    return [(i, j) for i in range(len(counts.rows)) for j in range(len(counts.columns))]


def _base(counts: Counts, i: int, j: int) -> tuple[int, int]:
    """Give the cell that a share is a share of."""
    if counts.share == "of column":
        return next(n for n, line in enumerate(counts.rows) if not line.where), j
    return i, next(n for n, line in enumerate(counts.columns) if not line.where)


def _names(columns: tuple[Line, ...]) -> list[str]:
    """Give the columns names for the CSV: their headings in small letters, made different where they are not."""
    names: list[str] = []
    for line in columns:
        name = re.sub(r"[^a-z0-9]+", "_", line.label.lower()).strip("_") or "count"
        taken = {*names, *(f"{known}_share" for known in names), "group", "label"}
        names.append(name if name not in taken else f"{name}_{len(names) + 1}")
    return names
