"""Finds what Quarto would do in a chapter and the built-in renderer would not, so that nothing is lost silently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

from ldeval.publish import ast
from ldeval.publish.crossref import REFERENCE
from ldeval.publish.faults import Fault
from ldeval.publish.source import Chapter, Code
from ldeval.publish.supported import supported

RAW = ("RawBlock", "RawInline")
NAMES = {"CodeBlock": "code block", "Header": "heading", "Figure": "image"}
CONDITIONAL = {"content-visible", "content-hidden"}

Found = Iterator[tuple[tuple[str, ...], str, str]]
"""Words by which to find a construct in the text, what is wrong with it, and what to do."""


def unsupported(chapter: Chapter, tree: Any, cells: Sequence[Code]) -> Iterator[Fault]:
    """Find classes, attributes, labels and raw formats of a chapter's tree, as pandoc read it, that mean more than is done.

    `cells` are those that the tree shows, in order: what the text does not hold stands on the line of the cell that gave it.
    """
    known = supported()["construct"]
    place = partial(_place, chapter, _given(tree, cells))
    for node in ast.nodes(tree, *ast.ATTRIBUTES, *RAW):
        found = _raw(node, known) if node["t"] in RAW else chain(_attributes(node, known), _conditional(node))
        yield from (Fault(*place(node, *needles), what, advice) for needles, what, advice in found)


def _raw(node: ast.Node, known: Any) -> Found:
    form, text = node["c"]
    needles = (text.split("\n")[0],)
    if form not in known["raw"]:
        yield needles, f"raw {form} is not supported", f"write it in Markdown, or raw as {' and '.join(known['raw'])}"
    for refused in known["refused html"] if form == "html" else ():
        if re.search(refused["pattern"], text, re.IGNORECASE | re.DOTALL):
            yield needles, f"{refused['what']} is not supported", refused["advice"]


def _attributes(node: ast.Node, known: Any) -> Found:
    kind = node["t"]
    what = NAMES.get(kind, kind.lower())
    label, classes, pairs = node["c"][ast.ATTRIBUTES[kind]]
    for name in classes:
        if re.fullmatch(known["refused classes"], name):
            yield (f".{name}", name), f"{what} .{name} is not supported", "use a callout, a tabset, a layout or plain text"
    for key, _ in pairs:
        if not re.fullmatch(f"data-.*|aria-.*|{known['attributes'][kind]}", key):
            advice = f"known here: {known['attributes'][kind].replace('|', ', ') or 'none'}"
            yield (f"{key}=",), f"{what} attribute {key} is not supported", advice
    if re.match(known["refused labels"], label):
        yield (f"#{label}",), f"{what} #{label} is not supported", "labels are #fig-, #tbl-, #sec- and #eq-"


def _conditional(node: ast.Node) -> Found:
    if not CONDITIONAL & set(ast.classes(node)):
        return
    attributes, content = node["c"]
    if not any(key.endswith("-format") for key, _ in attributes[2]):
        yield (".content-",), "conditional content has no format", 'give when-format="html" (or "typst"), or unless-format'
    headings = (ast.plain(header["c"][2]) for header in ast.nodes(content, "Header"))
    equations = (word["c"] for word in ast.nodes(content, "Str") if word["c"].startswith("{#eq-"))
    for named in chain(headings, filter(REFERENCE.match, ast.identifiers(content)), equations):
        what = f"{named} in conditional content is not supported"
        yield (named, ".content-"), what, "take it out: what is numbered has the same number in HTML and PDF"


def _place(chapter: Chapter, given: dict[int, tuple[str, int]], node: ast.Node, *needles: str) -> tuple[str, int]:
    file, line = chapter.find(*needles)
    return (file, line) if line else given.get(id(node), (file, line))


def _given(tree: Any, cells: Sequence[Code]) -> dict[int, tuple[str, int]]:
    """Give file and line of the cell that gave a node, by the node's identity."""
    divs = [node for node in ast.nodes(tree, "Div") if "cell" in node["c"][0][1]]
    inside = [(node, cell) for div, cell in zip(divs, cells, strict=False) for node in ast.nodes(div, *ast.ATTRIBUTES, *RAW)]
    return {id(node): (cell.file, cell.line) for node, cell in inside}
