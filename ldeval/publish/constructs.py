"""Finds what Quarto would do in a chapter and the built-in renderer would not, so that nothing is lost silently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any

from ldeval.publish import ast, rawhtml
from ldeval.publish.faults import Fault
from ldeval.publish.source import Chapter, Code
from ldeval.publish.structure import CONDITIONAL
from ldeval.publish.supported import supported

RAW = ("RawBlock", "RawInline")
NAMES = {"CodeBlock": "code block", "Header": "heading", "Figure": "image"}
PARTS = {"float-caption", "float-body"}
OWN = PARTS | {"float", "callout", "callout-title", "callout-body", "layout", "layout-cell", "tabset", "tab-title", "tab-body"}

Found = Iterator[tuple[tuple[str, ...], str, str]]
"""Words by which to find a construct in the text, what is wrong with it, and what to do."""


def unsupported(chapter: Chapter, tree: Any, cells: Sequence[Code]) -> Iterator[Fault]:
    """Find classes, attributes, labels and raw formats of a chapter's tree, as pandoc read it, that mean more than is done.

    `cells` are those that the tree shows, in order: what the text does not hold stands on the line of the cell that gave it.
    """
    known = supported()["construct"]
    place = partial(_place, chapter, _given(tree, cells))
    floats = [node["c"][1] for node in ast.nodes(tree, "Div") if "float" in ast.classes(node)]
    inside = {id(part) for content in floats for part in content}
    for node in ast.nodes(tree, *ast.ATTRIBUTES, *RAW):
        found = _raw(node, known) if node["t"] in RAW else chain(_attributes(node, known), _own(node, inside))
        yield from (Fault(*place(node, *needles), what, advice) for needles, what, advice in found)


def _raw(node: ast.Node, known: Any) -> Found:
    form, text = node["c"]
    needles = (text.split("\n")[0],)
    if form not in known["raw"]:
        yield needles, f"raw {form} is not supported", f"write it in Markdown, or raw as {' and '.join(known['raw'])}"
    if form == "html":
        yield from ((needles, f"{what} is not supported", advice) for what, advice in rawhtml.refused(text))


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
    if CONDITIONAL & set(classes) and not any(key.endswith("-format") for key, _ in pairs):
        yield (".content-",), "conditional content has no format", 'give when-format="html" (or "typst"), or unless-format'


def _own(node: ast.Node, inside: set[int]) -> Found:
    """Find what only the renderer itself makes (see `structure`); `inside` are the nodes within its floats."""
    names = set(ast.classes(node))
    made = names & OWN if node["t"] == "Div" else names & {"equation"} if node["t"] == "Span" else set()
    if "float" in made and ast.value(node["c"][0], "kind"):
        made.discard("float")
    for name in made - (PARTS if id(node) in inside else set()):
        yield (f".{name}", name), f"the class .{name} is the renderer's own", "give it another name"
    if node["t"] == "Code" and node["c"][1].startswith("{python}"):
        yield ("{python}",), "a cell within a list or quote is not supported", "begin it at the margin"


def _place(chapter: Chapter, given: dict[int, tuple[str, int]], node: ast.Node, *needles: str) -> tuple[str, int]:
    file, line = chapter.find(*needles)
    return (file, line) if line else given.get(id(node), (file, line))


def _given(tree: Any, cells: Sequence[Code]) -> dict[int, tuple[str, int]]:
    """Give file and line of the cell that gave a node, by the node's identity."""
    divs = [node for node in ast.nodes(tree, "Div") if "cell" in node["c"][0][1]]
    inside = [(node, cell) for div, cell in zip(divs, cells, strict=False) for node in ast.nodes(div, *ast.ATTRIBUTES, *RAW)]
    return {id(node): (cell.file, cell.line) for node, cell in inside}
