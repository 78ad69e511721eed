"""Brings Quarto's constructs into one plain form, the same for HTML and PDF, before anything is numbered.

After this step a tree holds, besides pandoc's own nodes, only divs of these classes: `.float` (figure or table: `.float-caption`,
then `.float-body`), `.layout` (of `.layout-cell`), `.callout` (`.callout-title`, then `.callout-body`), `.tabset`
(`.tab-title` and `.tab-body` in turn), `.cell`, `.cell-code`, `.cell-output`, `.for-html`, `.for-typst`, and spans `.equation`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Attr, Node
from ldeval.publish.faults import stop
from ldeval.publish.look.breaks import united
from ldeval.publish.source import Chapter

FLOAT = re.compile(r"^(fig|tbl)-")
CONDITIONAL = {"content-visible", "content-hidden"}
LAYOUT = ("layout", "layout-ncol", "layout-nrow")


@dataclass(frozen=True, slots=True)
class Structure:
    """Rewrites one chapter's nodes, from the leaves up; its tabsets are counted."""

    chapter: Chapter
    tabsets: Iterator[int] = field(default_factory=lambda: count(1))

    def blocks(self, items: list[Node]) -> list[Node]:
        """Give the blocks in plain form."""
        makers: dict[str, Callable[..., Node]] = {"Div": self._div, "Figure": _figure, "Table": _table}

        def change(node: Node) -> Node | None:
            if node["t"] in ("Para", "Plain"):
                return _paragraph(node)
            return makers[node["t"]](*node["c"]) if node["t"] in makers else None

        return list(ast.walk(items, change))

    def _div(self, attributes: Attr, content: list[Node]) -> Node:
        names = attributes[1]
        if callout := next((name for name in names if name.startswith("callout-")), None):
            return _callout(attributes, content, callout.removeprefix("callout-"))
        if "panel-tabset" in names:
            return self._tabset(content)
        if "float-caption" in names:
            return ast.div([{"t": "Plain", "c": inlines(content)[2:]}], "", names)  # after `ast.START`
        if FLOAT.match(attributes[0]) and "float" not in names:
            return self._float(attributes, content)
        return {"t": "Div", "c": [ast.without(attributes, *LAYOUT), self._laid_out(attributes, content)]}

    def _float(self, attributes: Attr, content: list[Node]) -> Node:
        kind = attributes[0][:3]
        caption: list[Node] | None = None
        if text := ast.value(attributes, f"{kind}-cap"):
            caption = ast.parse_inlines(text)
        elif content and content[-1]["t"] == "Para" and len(content) > 1:
            caption = content.pop()["c"]
        elif len(content) == 1 and "float" in ast.classes(content[0]) and not content[0]["c"][0][0]:
            *head, body = content[0]["c"][1]
            caption, content = (inlines(head[0]["c"][1]) if head else None), body["c"][1]
        content = self._laid_out(attributes, _described(content, ast.value(attributes, "fig-alt")))
        return floating(attributes[0], kind, caption, content)

    def _laid_out(self, attributes: Attr, content: list[Node]) -> list[Node]:
        """Give a div's content in a layout where it asks for one; `rows` say how wide the cells of each row are, as JSON."""
        text, ncol, nrow = (ast.value(attributes, name) for name in LAYOUT)
        size = len(content)
        try:
            if text:
                rows = json.loads(text)
                rows = [[float(width) for width in row] for row in (rows if isinstance(rows[0], list) else [rows])]
            elif ncol or nrow:
                width = int(ncol) if ncol else -(-size // int(nrow or 1))
                rows = [[1.0] * width] * -(-size // width)
            else:
                return content
            if sum(map(len, rows)) < size or min(map(min, rows)) <= 0:
                raise ValueError(rows)
        except (ValueError, TypeError, LookupError, ZeroDivisionError) as error:
            advice = f'write for instance layout="[[1,1],[1]]", with a width above 0 for each of the {size} blocks'
            place = self.chapter.find(text or "layout-ncol=", "layout-nrow=")
            raise stop(*place, f"layout {text or ncol or nrow} is not a list of rows", advice) from error
        cells = [ast.div([child], "", ["layout-cell"]) for child in content]
        return [ast.div(cells, "", ["layout"], [("rows", json.dumps(rows))])]

    def _tabset(self, content: list[Node]) -> Node:
        level = next((node["c"][0] for node in content if node["t"] == "Header"), None)
        if level is None or content[0]["t"] != "Header":
            advice = "give each tab a heading of the same level"
            raise stop(*self.chapter.find(".panel-tabset"), "a tabset begins with a heading", advice)
        parts: list[Node] = []
        for node in content:
            if node["t"] == "Header" and node["c"][0] == level:
                parts += [ast.div([{"t": "Plain", "c": node["c"][2]}], "", ["tab-title"]), ast.div([], "", ["tab-body"])]
            else:
                parts[-1]["c"][1].append(node)
        return ast.div(parts, "", ["tabset"], [("level", str(level)), ("key", str(next(self.tabsets)))])


def floating(label: str, kind: str, caption: list[Node] | None, body: list[Node]) -> Node:
    """Make a float: a figure or table with its caption, where it has one."""
    head = [] if caption is None else [ast.div([{"t": "Plain", "c": caption}], "", ["float-caption"])]
    return ast.div([*head, ast.div(body, "", ["float-body"])], label, ["float"], [("kind", kind)])


def inlines(blocks: list[Node]) -> list[Node]:
    """Give the inlines of a paragraph (several are joined by spaces)."""
    found = [inline for part in blocks if part["t"] in ("Para", "Plain") for inline in [{"t": "Space"}, *part["c"]]]
    return found[1:]


def _callout(attributes: Attr, content: list[Node], kind: str) -> Node:
    title: list[Node] | None = None
    if (text := ast.value(attributes, "title")) is not None:
        title = ast.parse_inlines(text)
    elif content and content[0]["t"] == "Header":
        title, content = content[0]["c"][2], content[1:]
    appearance = ast.value(attributes, "appearance", "default") or "default"
    if title is None and appearance == "default":
        title = [ast.string(kind.capitalize())]
    head = [ast.div([{"t": "Plain", "c": title}], "", ["callout-title"])] if title is not None else []
    pairs = [("kind", kind), ("appearance", appearance), ("collapse", ast.value(attributes, "collapse", "") or "")]
    return ast.div([*head, ast.div(content, "", ["callout-body"])], attributes[0], ["callout"], pairs)


def _figure(attributes: Attr, caption: Any, content: list[Node]) -> Node:
    body = _described(content, ast.value(attributes, "fig-alt"))
    return floating(attributes[0], "fig", inlines(caption[1]) or None, body)


def _table(attributes: Attr, caption: Any, *rest: Any) -> Node:
    bare = {"t": "Table", "c": [ast.attr(), [None, []], *rest]}
    text = inlines(caption[1]) or None
    return floating(attributes[0], "tbl", text, [bare]) if text or FLOAT.match(attributes[0]) else bare


def _paragraph(node: Node) -> Node:
    content = node["c"]
    if len(content) == 1 and content[0]["t"] == "Image" and FLOAT.match(content[0]["c"][0][0]):
        (label, *about), *rest = content[0]["c"]
        return floating(label, "fig", None, [{"t": "Plain", "c": [{"t": "Image", "c": [["", *about], *rest]}]}])
    return {"t": node["t"], "c": list(_equations(list(united(content))))}


def _described(content: list[Node], alt: str | None) -> list[Node]:
    """Give the first image of a float that has none the alternative text of the float."""
    texts = iter([alt] if alt else [])

    def change(node: Node) -> Node | None:
        if node["t"] != "Image" or ast.value(node["c"][0], "fig-alt") is not None or (text := next(texts, None)) is None:
            return None
        return ast.add(node, "fig-alt", text)

    return list(ast.walk(content, change))


def _equations(content: list[Node]) -> Iterator[Node]:
    """Turn `$$...$$ {#eq-x}` into a span that carries the label."""
    index = 0
    while index < len(content):
        node = content[index]
        ahead = [n for n in content[index + 1 : index + 3] if n["t"] == "Str" or n["t"] not in ("Space", "SoftBreak")]
        label = re.match(r"^\{#(eq-[^\s}]+)\}(\W*)$", str(ahead[0]["c"])) if ahead and ahead[0]["t"] == "Str" else None
        if node["t"] == "Math" and node["c"][0]["t"] == "DisplayMath" and label:
            yield ast.span([node], label[1], ["equation"])
            yield from [ast.string(label[2])] if label[2] else []
            index = content.index(ahead[0], index) + 1
        else:
            yield node
            index += 1
