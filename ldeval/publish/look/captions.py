"""The short form of a caption, for the lists of figures and tables: its finding, without the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ldeval.publish import ast
from ldeval.publish.ast import Node

ENDS = re.compile(r"[.?!]$")
ABBREVIATIONS = ("e.g.", "i.e.", "vs.", "cf.", "St.", "no.")


def short(caption: list[Node]) -> list[Node]:
    """Give the first sentence of a caption, without what stands in brackets, notes and references."""
    return list(_trimmed(_bare(_sentence(list(_flat(caption))))))


def finding(caption: list[Node]) -> list[Node]:
    """Give the short form of a caption that is one block."""
    return [{"t": "Plain", "c": short(caption[0]["c"])}]


def _flat(content: list[Node]) -> Iterator[Node]:
    """Give the inlines without the spans and links around them, without notes and without citations in brackets."""
    for place, node in enumerate(content):
        if node["t"] == "RawInline" and "Math" in [other["t"] for other in content[max(place - 1, 0) : place + 2]]:
            yield node  # what a formula of the PDF stands in
        elif node["t"] in ("Span", "Link"):
            yield from _flat(node["c"][1])
        elif node["t"] == "Cite":
            if node["c"][0][0]["citationMode"]["t"] == "AuthorInText":
                yield node
        elif node["t"] not in ("Note", "RawInline"):
            yield {"t": "Space"} if node["t"] in ("SoftBreak", "LineBreak") else node


def _sentence(content: list[Node]) -> list[Node]:
    for place, node in enumerate(content[:-1]):
        text = node["c"] if node["t"] == "Str" else ""
        if ENDS.search(text) and not text.endswith(ABBREVIATIONS) and content[place + 1]["t"] == "Space":
            return content[: place + 1]
    return content


def _bare(content: list[Node]) -> Iterator[Node]:
    """Leave out what stands in brackets; the mark after a closing one stays."""
    depth = 0
    for node in content:
        text = node["c"] if node["t"] == "Str" else ""
        opened, closed = text.count("("), text.count(")")
        if depth == 0 and opened == closed:
            yield node
        elif depth + opened - closed <= 0 and (mark := text.rpartition(")")[2]):
            yield ast.string(mark)
        depth = max(depth + opened - closed, 0)


def _trimmed(content: Iterator[Node]) -> Iterator[Node]:
    """Leave out spaces that have become double, or stand before a mark or the end, and the full stop that ends a sentence."""
    kept = list(content)
    while kept and (kept[-1]["t"] == "Space" or kept[-1] == ast.string(".")):
        kept.pop()
    for place, node in enumerate(kept):
        after = kept[place + 1] if place + 1 < len(kept) else None
        doubled = after is not None and (after["t"] == "Space" or re.match(r"[.,;:]", str(after.get("c", ""))))
        if node["t"] == "Space" and doubled:
            continue
        last = after is None and node["t"] == "Str"
        yield ast.string(node["c"].removesuffix(".")) if last else node
