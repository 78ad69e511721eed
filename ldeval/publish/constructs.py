"""Finds what Quarto would do in a chapter and the built-in renderer would not, so that nothing is lost silently."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ldeval.publish import ast
from ldeval.publish.faults import Fault
from ldeval.publish.source import Chapter
from ldeval.publish.supported import supported

RAW = ("RawBlock", "RawInline")
NAMES = {"CodeBlock": "code block", "Header": "heading", "Figure": "image"}


def unsupported(chapter: Chapter, tree: Any) -> Iterator[Fault]:
    """Find classes, attributes, labels and raw formats of a chapter's tree, as pandoc read it, that mean more than is done."""
    known = supported()["construct"]
    for node in ast.nodes(tree, *ast.ATTRIBUTES, *RAW):
        kind = node["t"]
        if kind in RAW:
            form, text = node["c"]
            if form not in known["raw"]:
                advice = f"write it in Markdown, or raw as {' and '.join(known['raw'])}"
                yield Fault(*chapter.find(text.split("\n")[0]), f"raw {form} is not supported", advice)
            continue
        what = NAMES.get(kind, kind.lower())
        label, classes, pairs = node["c"][ast.ATTRIBUTES[kind]]
        for name in classes:
            if re.fullmatch(known["refused classes"], name):
                advice = "use a callout, a tabset, a layout or plain text"
                yield Fault(*chapter.find(f".{name}", name), f"{what} .{name} is not supported", advice)
        for key, _ in pairs:
            if not re.fullmatch(f"data-.*|aria-.*|{known['attributes'][kind]}", key):
                advice = f"known here: {known['attributes'][kind].replace('|', ', ') or 'none'}"
                yield Fault(*chapter.find(f"{key}="), f"{what} attribute {key} is not supported", advice)
        if re.match(known["refused labels"], label):
            advice = "labels are #fig-, #tbl-, #sec- and #eq-"
            yield Fault(*chapter.find(f"#{label}"), f"{what} #{label} is not supported", advice)
        if {"content-visible", "content-hidden"} & set(classes) and not any(key.endswith("-format") for key, _ in pairs):
            advice = 'give when-format="html" (or "typst"), or unless-format'
            yield Fault(*chapter.find(".content-"), "conditional content has no format", advice)
