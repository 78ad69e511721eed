"""All released tables as one workbook, laid out as the Analysis Function's guidance on accessible spreadsheets has it.

A cover sheet, a table of contents, a sheet of notes, then one table a sheet: marked up as a table, with a heading, unique
column names that hold their units, no merged, split or blank cells, wrapped text, and the guidance's shorthand where a number
is not there: [c] suppressed as confidential, [x] not available. The same results give the same bytes.

Source: Government Analysis Function, Releasing statistics in spreadsheets, https://analysisfunction.civilservice.gov.uk.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ldeval.analysis.exhibits import Column, Dots, Effects, Exhibit, Table
from ldeval.estimate import Estimate, Estimates
from ldeval.release.numbers import level
from ldeval.release.policy import SUPPRESSED

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

STAMP = datetime(1980, 1, 1, tzinfo=UTC)
"""The one time of all parts: the earliest that a zip file can hold."""

CONFIDENTIAL, UNAVAILABLE = "[c]", "[x]"
SHORTHAND = (
    (CONFIDENTIAL, "Confidential: suppressed, because the count is small or would give a small count away."),
    (UNAVAILABLE, "Not available: there is no such number."),
)
WIDEST = 60
Value = str | int | float


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table of the workbook: name of the sheet, heading, what is said above the table, column names, rows."""

    name: str
    heading: str
    said: tuple[str, ...]
    header: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


def workbook_of(title: str, exhibits: Iterable[Exhibit], estimates: Estimates, done: Mapping[str, str]) -> bytes:
    """Give the workbook; `done` says by id what disclosure control did."""
    from openpyxl import Workbook

    sheets = [_all_estimates(estimates)] if estimates else []
    for number, exhibit in enumerate(exhibits, start=len(sheets) + 1):
        sheets.append(_sheet(number, exhibit, estimates, done[exhibit.id]))
    book = Workbook()
    book.remove(book.worksheets[0])
    _cover(book, title)
    _fill(book, _contents(sheets), links=[sheet.name for sheet in sheets])
    _fill(book, Sheet("Notes", "Notes", ("This sheet contains one table.",), ("Shorthand", "Meaning"), SHORTHAND))
    for sheet in sheets:
        _fill(book, sheet)
    return _settled(book, title)


def _cover(book: Workbook, title: str) -> None:
    from openpyxl.styles import Alignment, Font

    sheet = book.create_sheet("Cover")
    lines = (
        f"{title}: data tables",
        "All tables, and the data of all figures, of the report. The report says how each number was made.",
        "The sheet Contents lists the tables, the sheet Notes explains the shorthand. Each further sheet holds one table.",
        "Numbers have all their released digits. What disclosure control did is said above each table.",
    )
    for number, line in enumerate(lines, start=1):
        cell = sheet.cell(number, 1, line)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=number == 1, size=14 if number == 1 else 12)
    sheet.column_dimensions["A"].width = 90


def _contents(sheets: Sequence[Sheet]) -> Sheet:
    rows = tuple((sheet.name, sheet.heading) for sheet in sheets)
    return Sheet("Contents", "Contents", ("This sheet contains one table.",), ("Sheet", "Table"), rows)


def _all_estimates(estimates: Estimates) -> Sheet:
    header = (*("Id", "Outcome", "Measure", "Unit", "Estimand"), *_NUMBERS, "Scale of the error", "Standard error", "Method")
    rows = tuple(
        (e.id, e.outcome, e.measure, e.unit, e.estimand, *_numbers(e), e.scale, e.se, e.method) for e in estimates.values()
    )
    return Sheet("Table_1", "All estimates", ("This sheet contains one table.",), header, rows)


_NUMBERS = ("Value", "Lower bound", "Upper bound", "Level", "p-value", "People", "Events")


def _numbers(row: Estimate) -> tuple[Value, ...]:
    given = (row.value, row.low, row.high, level(row.level), row.p_value, row.n, row.events)
    return tuple(UNAVAILABLE if value is None else value for value in given)


def _sheet(number: int, exhibit: Exhibit, estimates: Estimates, done: str) -> Sheet:
    notes = exhibit.notes if isinstance(exhibit, Table | Effects) else ()
    header, rows = _body(exhibit, estimates)
    said = ("This sheet contains one table.", *notes, done)
    return Sheet(f"Table_{number}", exhibit.title, said, header, rows)


def _body(exhibit: Exhibit, estimates: Estimates) -> tuple[tuple[str, ...], tuple[tuple[Value, ...], ...]]:
    if isinstance(exhibit, Table):
        rows = tuple(tuple(_value(cell) for cell in row) for row in exhibit.rows)
        return _unique(_heading(column) for column in exhibit.columns), rows
    if isinstance(exhibit, Effects):
        shown = ((row, estimates[row.estimate]) for row in exhibit.rows)
        header = ("Group", "Characteristic", *_NUMBERS)
        return header, tuple((row.group or "All", row.label, *_numbers(number)) for row, number in shown)
    if isinstance(exhibit, Dots):
        names = ("Row", "Kind", "Value", "Lower bound expected", "Upper bound expected")
        return names, tuple((dot.label, dot.series, dot.value, dot.low, dot.high) for dot in exhibit.rows)
    where = ("Group", f"Time ({exhibit.time_unit})", "Value", "Lower bound", "Upper bound")
    return (*where, "At risk", "Events", "Censored", "Competing events"), tuple(
        (p.group, p.time, p.value, p.low, p.high, p.at_risk, p.events, p.censored, p.competing) for p in exhibit.points
    )


def _value(cell: object) -> Value:
    if cell is None or cell == "":
        return UNAVAILABLE
    if cell == SUPPRESSED:
        return CONFIDENTIAL
    return cell if isinstance(cell, int | float) else str(cell)


def _heading(column: Column) -> str:
    told = column.unit in ("text", "number", "compared") or column.unit in column.label.lower()
    return column.label if told else f"{column.label} ({column.unit})"


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    taken: list[str] = []
    for name in names:
        taken.append(name if name.lower() not in map(str.lower, taken) else f"{name} {len(taken) + 1}")
    return tuple(taken)


def _fill(book: Workbook, sheet: Sheet, links: Sequence[str] = ()) -> None:
    """Write one sheet: heading, what is said, and the table, marked up as one."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.hyperlink import Hyperlink
    from openpyxl.worksheet.table import Table as Marked

    page = book.create_sheet(sheet.name)
    page.append([sheet.heading])
    page["A1"].font = Font(bold=True, size=14)
    for line in sheet.said:
        page.append([_safe(line)])
    page.append(list(sheet.header))
    top = page.max_row
    for row in sheet.rows:
        page.append([_safe(value) for value in row])
    for cell in page[top]:
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    last = f"{get_column_letter(len(sheet.header))}{max(page.max_row, top + 1)}"
    page.add_table(Marked(displayName=re.sub(r"\W", "_", sheet.name), ref=f"A{top}:{last}"))
    _widths(page, sheet)
    for number, name in enumerate(links, start=top + 1):
        page.cell(number, 1).hyperlink = Hyperlink(ref=f"A{number}", location=f"'{name}'!A1")


def _widths(page: Worksheet, sheet: Sheet) -> None:
    from openpyxl.styles import Alignment
    from openpyxl.utils import get_column_letter

    top = 2 + len(sheet.said)
    for number, column in enumerate(zip(sheet.header, *sheet.rows, strict=True), start=1):
        width = min(WIDEST, max(12, *(len(str(value)) + 2 for value in column)))
        page.column_dimensions[get_column_letter(number)].width = width
    for row in page.iter_rows(min_row=top + 1):
        for cell in row:
            if isinstance(cell.value, str):
                cell.alignment = Alignment(wrap_text=True, vertical="top")


def _safe(value: Value) -> Value:
    """Keep text from being read as a formula."""
    return f" {value}" if isinstance(value, str) and value[:1] in "=+-@" else value


def _settled(book: Workbook, title: str) -> bytes:
    """Give the bytes of the workbook with one fixed time throughout."""
    book.properties.title, book.properties.creator, book.properties.language = title, "ldeval", "en-GB"
    book.properties.created = STAMP.replace(tzinfo=None)
    raw, settled = io.BytesIO(), io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(settled, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>1980-01-01T00:00:00Z", content)
            new.writestr(zipfile.ZipInfo(name, STAMP.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return settled.getvalue()
