"""Finds what Quarto would do in a chapter and the built-in renderer would not, so that nothing is lost silently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from ldeval.publish import ast
from ldeval.publish.faults import Fault
from ldeval.publish.source import Chapter, Code
from ldeval.publish.supported import supported

RAW = ("RawBlock", "RawInline")
NAMES = {"CodeBlock": "code block", "Header": "heading", "Figure": "image"}


def unsupported(chapter: Chapter, tree: Any, cells: Sequence[Code]) -> Iterator[Fault]:
    """Find classes, attributes, labels and raw formats of a chapter's tree, as pandoc read it, that mean more than is done.

    `cells` are those that the tree shows, in order: what the text does not hold stands on the line of the cell that gave it.
    """
    known = supported()["construct"]
    place = partial(_place, chapter, _given(tree, cells))
    for node in ast.nodes(tree, *ast.ATTRIBUTES, *RAW):
        kind = node["t"]
        if kind in RAW:
            form, text = node["c"]
            if form not in known["raw"]:
                advice = f"write it in Markdown, or raw as {' and '.join(known['raw'])}"
                yield Fault(*place(node, text.split("\n")[0]), f"raw {form} is not supported", advice)
            continue
        what = NAMES.get(kind, kind.lower())
        label, classes, pairs = node["c"][ast.ATTRIBUTES[kind]]
        for name in classes:
            if re.fullmatch(known["refused classes"], name):
                advice = "use a callout, a tabset, a layout or plain text"
                yield Fault(*place(node, f".{name}", name), f"{what} .{name} is not supported", advice)
        for key, _ in pairs:
            if not re.fullmatch(f"data-.*|aria-.*|{known['attributes'][kind]}", key):
                advice = f"known here: {known['attributes'][kind].replace('|', ', ') or 'none'}"
                yield Fault(*place(node, f"{key}="), f"{what} attribute {key} is not supported", advice)
        if re.match(known["refused labels"], label):
            advice = "labels are #fig-, #tbl-, #sec- and #eq-"
            yield Fault(*place(node, f"#{label}"), f"{what} #{label} is not supported", advice)
        if {"content-visible", "content-hidden"} & set(classes) and not any(key.endswith("-format") for key, _ in pairs):
            advice = 'give when-format="html" (or "typst"), or unless-format'
            yield Fault(*place(node, ".content-"), "conditional content has no format", advice)


def _place(chapter: Chapter, given: dict[int, tuple[str, int]], node: ast.Node, *needles: str) -> tuple[str, int]:
    file, line = chapter.find(*needles)
    return (file, line) if line else given.get(id(node), (file, line))


def _given(tree: Any, cells: Sequence[Code]) -> dict[int, tuple[str, int]]:
    """Give file and line of the cell that gave a node, by the node's identity."""
    divs = [node for node in ast.nodes(tree, "Div") if "cell" in node["c"][0][1]]
    inside = [(node, cell) for div, cell in zip(divs, cells, strict=False) for node in ast.nodes(div, *ast.ATTRIBUTES, *RAW)]
    return {id(node): (cell.file, cell.line) for node, cell in inside}
