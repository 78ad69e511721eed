"""Breaks that would part what belongs together: a number from its unit, a term from its meaning."""

from __future__ import annotations

from collections.abc import Iterator

from ldeval.publish import ast
from ldeval.publish.ast import Node, raw

BOUND = {"est", "fact", "study"}
UNITS = {"percentage", "days", "weeks", "months", "years", "people", "areas", "cases", "million", "per"}
"""Words before which a line may not end when a bound number goes before them."""


def united(content: list[Node]) -> Iterator[Node]:
    """Keep a bound number and the unit that follows it in the text on one line."""
    for place, node in enumerate(content):
        before, after = content[place - 1 : place], content[place + 1 : place + 2]
        bound = bool(before) and BOUND & set(ast.classes(before[0]))
        unit = bool(after) and after[0]["t"] == "Str" and after[0]["c"].rstrip(".,;:)") in UNITS
        yield ast.string("\u00a0") if node["t"] in ("Space", "SoftBreak") and bound and unit else node


def definitions(node: Node) -> list[Node]:
    """Give items whose first words follow the term in one paragraph: a page does not end between the two."""
    return [made for term, meanings in node["c"] for made in _definition(term, [block for one in meanings for block in one])]


def _definition(term: list[Node], blocks: list[Node]) -> list[Node]:
    opened = [raw("typst", "#terms.item["), *term, raw("typst", "][")]
    first, *rest = blocks if blocks and blocks[0]["t"] in ("Plain", "Para") else [{"t": "Plain", "c": []}, *blocks]
    last = raw("typst", "]")
    if not rest:
        return [{"t": "Para", "c": [*opened, *first["c"], last]}]
    return [{"t": "Para", "c": [*opened, *first["c"]]}, *rest, {"t": "Para", "c": [last]}]
