"""Cells to a table in plain HTML: nothing but the cells, what they head, and how they are aligned.

Alignment is told twice: as a style on each cell to the right, which pandoc reads for the PDF and Quarto keeps, and as classes
of the table ("r2": its second column stands to the right), by which the built-in renderer's pages do without the styles.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import escape

from ldeval.analysis.exhibits import Column

if TYPE_CHECKING:
    from IPython.display import Markdown

YEARS = re.compile(r"\b\d{4}-\d\d\b(?!-)")
"""A financial year, which would break at its hyphen."""

RIGHT = ' style="text-align: right;"'


def lay_out(columns: Sequence[Column], body: Sequence[Sequence[str]], below: str, group: str | None = None) -> Markdown:
    """Lay out cells as a table whose first column heads the rows; the column `group` becomes headings of groups of rows.

    A cell is plain text, or `Markup` where it holds HTML. `below` is Markdown that follows the table.
    """
    from IPython.display import Markdown

    shown = [column for column in columns if column.name != group]
    heads = "".join(_cell("th", escape(column.label), column, ' scope="col"') for column in shown)
    lines = [f"<thead>\n<tr>{heads}</tr>\n</thead>\n<tbody>", *_rows(columns, body, group), "</tbody>\n</table>"]
    sides = [f" r{place}" for place, column in enumerate(shown, start=1) if _right(column)]
    text = "\n".join([f'<table class="laid-out{"".join(sides)}">', *lines])
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markdown(f"{fence}{{=html}}\n{text}\n{fence}\n{below}")  # type: ignore[no-untyped-call]


def _rows(columns: Sequence[Column], body: Sequence[Sequence[str]], group: str | None) -> list[str]:
    place = next((at for at, column in enumerate(columns) if column.name == group), None)
    if place is None:
        return [_row(columns, row) for row in body]
    shown = [column for column in columns if column.name != group]
    lines = []
    for name in dict.fromkeys(row[place] for row in body):
        lines += [f'<tr><th colspan="{len(shown)}" scope="colgroup">{escape(name)}</th></tr>'] if name else []
        lines += [_row(shown, [*row[:place], *row[place + 1 :]]) for row in body if row[place] == name]
    return lines


def _row(columns: Sequence[Column], row: Sequence[str]) -> str:
    head = _cell("th", escape(row[0]), columns[0], ' scope="row"')
    cells = [_cell("td", escape(text), column) for text, column in zip(row[1:], columns[1:], strict=True)]
    return f"<tr>{head}{''.join(cells)}</tr>"


def _cell(tag: str, text: str, column: Column, about: str = "") -> str:
    kept = YEARS.sub(r'<span class="whole">\g<0></span>', str(text))  # a `Markup` would escape what is put in
    return f"<{tag}{about}{RIGHT if _right(column) else ''}>{kept}</{tag}>"


def _right(column: Column) -> bool:
    return column.unit != "text"
