"""Tables of the PDF: set to the full measure, groups in bold, last rows kept together."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node

WHOLE = 20
"""Rows up to which a table stays on one page."""

NAME = 26
"""Letters up to which a column of single words, such as names of columns, is as wide as they are."""

CROWDED = 75
"""Letters of the longest cells of all columns of numbers, from which on columns share the measure by their longest words."""

MEASURE = 105
"""Letters to a line of a table that is set to the full measure."""

NOTE = ast.attr(pairs=[("typst:stroke", "(bottom: none)"), ("typst:inset", "(x: 0pt, top: 9pt)")])
"""The cell of a note: no line below, and set where the text around the table begins."""

COLUMNS = re.compile(r"columns: [^\n]+,\n( *align: [^\n]+,\n)? *ldeval-columns: ([^\n]+),\n")
"""What pandoc says of a table's columns, and what `table` says of them."""

GROUP = re.compile(r"^  (table\.cell\((?:align: \w+, )?colspan: \d+\)\[#strong\[.*\]\]),$", re.MULTILINE)
"""The name of a group: a head of its rows, which Typst never leaves behind them and tells again on the next page."""


def laid_out(blocks: list[Node]) -> list[Node]:
    """Say of each float of a chapter whether it is `whole` (stays on a page), `floats` and is `tight` (of narrow columns).

    What floats leaves no gap where it does not fit. Where a table of the chapter goes on over pages none does: it would stand
    amid that table, or after it.
    """
    still = not is_whole(blocks)

    def change(node: Node) -> Node | None:
        if node["t"] == "Div" and "float" not in ast.classes(node):
            return {"t": "Div", "c": [node["c"][0], _noted(node["c"][1])]}
        if "float" not in ast.classes(node):
            return None
        attributes, body = node["c"]
        whole = is_whole(body)
        floats = whole and not (still and ast.value(attributes, "kind") == "tbl")
        tight = any(_is_tight(found) for found in ast.nodes(body, "Table"))
        for key, value in (("whole", whole), ("floats", floats), ("tight", tight)):
            node = ast.add(node, key, str(value).lower())
        return node

    return list(ast.walk(blocks, change))


def _noted(content: list[Node]) -> list[Node]:
    """Give the note that follows a long table to its foot: alone on a page it would be lost."""
    found: list[Node] = []
    for node in content:
        before = found[-1] if found else node
        is_note = node["t"] == "Para" and any("note" in ast.classes(first) for first in node["c"][:1])
        if is_note and before["t"] == "Table" and len(rows(before)) > WHOLE:
            *rest, (about, last) = before["c"]
            cell = [NOTE, {"t": "AlignLeft"}, 1, len(before["c"][2]), [{"t": "Plain", "c": node["c"]}]]
            found[-1] = {"t": "Table", "c": [*rest, [about, [*last, [ast.attr(), [cell]]]]]}
        else:
            found.append(node)
    return found


def spread(text: str) -> str:
    """Set the tables of a text of Typst, as pandoc wrote it, to the measure that `table` gave them."""
    text = re.sub(r"table\.hline\(\),\n *table\.footer\(", "table.footer(repeat: false, ", text)
    text = GROUP.sub(r"  table.header(level: 2, \1),", text)
    return COLUMNS.sub(r"columns: \2,\n\1", text)


def _columns(table: Node) -> str | None:
    """Share out the full measure: numbers, names and short cells as wide as they are, the rest in proportion."""
    specs = table["c"][2]
    if any(width["t"] != "ColWidthDefault" for _, width in specs):
        return None
    whole = _full_rows(table)
    longest, words = _longest(table, lambda text: [text]), _longest(table, str.split)
    short = [size <= 12 or size == word <= NAME for size, word in zip(longest, words, strict=True)]
    right = [all("AlignRight" in (specs[at][0]["t"], row[at][1]["t"]) for row in whole) for at in range(len(specs))]
    if sum(size for size, number in zip(longest, right, strict=True) if number) > CROWDED:
        return _crowded(words, longest, right)
    kept = [number or fits for number, fits in zip(right, short, strict=True)]
    kept[0] = kept[0] and not all(kept)
    shares = ["auto" if keep else f"{size**0.5:.1f}fr" for keep, size in zip(kept, longest, strict=True)]
    return f"({', '.join(shares)},)"


def _full_rows(table: Node) -> list[Any]:
    """Give the cells of each row that has one in every column."""
    return [row[1] for row in rows(table) if len(row[1]) == len(table["c"][2])]


def _longest(table: Node, parts: Callable[[str], list[str]]) -> list[int]:
    """Count the letters of each column's longest part."""
    sizes = [[max(map(len, parts(ast.plain(cell[4]))), default=0) for cell in row] for row in _full_rows(table)]
    return [max(column) for column in zip(*sizes, strict=True)] or [0] * len(table["c"][2])


def _is_tight(table: Node) -> bool:
    """Tell whether the longest words of all columns do not fit beside each other."""
    return sum(word + 3 for word in _longest(table, str.split)) > MEASURE


def _crowded(words: list[int], longest: list[int], right: list[bool]) -> str:
    """Give each column room for its longest word; what is left of the measure goes to the columns of text."""
    spare = max(0, MEASURE - sum(word + 3 for word in words)) / max(1, right.count(False))
    shares = [
        word + 3 + (0 if number else min(spare, size - word)) for word, size, number in zip(words, longest, right, strict=True)
    ]
    return f"({', '.join(f'{share:.1f}fr' for share in shares)},)"


def rows(table: Node) -> list[Any]:
    """Give all rows of a table, head and foot among them."""
    return [*table["c"][3][1], *(row for body in table["c"][4] for row in [*body[2], *body[3]]), *table["c"][5][1]]


def is_whole(body: list[Node]) -> bool:
    """Tell whether the longest table among blocks is short enough to stay on one page."""
    return max((len(rows(found)) for found in ast.nodes(body, "Table")), default=0) <= WHOLE


def table(node: Node) -> Node:
    """Give the table as pandoc's Typst writer shall set it: bare, since the float around it has label and caption."""
    attributes = node["c"][0]
    *rest, bodies, foot = node["c"][2:]
    bodies, foot = _kept_together([_grouped(body, len(node["c"][2])) for body in bodies], foot)
    bare = ["", [*attributes[1], "typst:no-figure"], attributes[2]]
    made = {"t": "Table", "c": [bare, [None, []], *rest, bodies, foot]}
    columns = _columns(made)
    return ast.add(made, "typst:ldeval-columns", columns) if columns else made


def _grouped(body: Any, width: int) -> Any:
    """Set rows that are one cell across the table, the names of groups, in bold."""
    *about, intermediate, own = body
    return [*about, *([_bold(row) if len(row[1]) == 1 < width else row for row in part] for part in (intermediate, own))]


def _bold(row: Any) -> Any:
    *form, blocks = row[1][0]
    strong = [
        {"t": part["t"], "c": [{"t": "Strong", "c": part["c"]}]} if part["t"] in ("Plain", "Para") else part for part in blocks
    ]
    return [row[0], [[*form, strong]]]


def _kept_together(bodies: list[Any], foot: Any) -> tuple[list[Any], Any]:
    """Make the last rows of a long table its foot, which Typst keeps whole: a row alone on a page would be lost."""
    if not bodies or len(bodies[-1][3]) <= WHOLE:
        return bodies, foot
    *others, (*about, own) = bodies
    last = 4 if len(own[-4][1]) == 1 else 3  # a group's name is not left behind its rows
    return [*others, [*about, own[:-last]]], [foot[0], [*own[-last:], *foot[1]]]
