"""Brings Quarto's constructs into one plain form, the same for HTML and PDF, before anything is numbered.

After this step a tree holds, besides pandoc's own nodes, only divs of these classes: `.float` (figure or table: `.float-caption`,
then `.float-body`), `.layout` (children side by side), `.callout` (`.callout-title`, then `.callout-body`), `.tabset`
(of `.tab`), `.cell`, `.cell-code`, `.cell-output`, `.for-html`, `.for-typst`, and spans `.equation`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Attr, Node
from ldeval.publish.faults import stop

FLOAT = re.compile(r"^(fig|tbl)-")
BOUND = {"est", "fact", "study"}
UNITS = {"percentage", "days", "weeks", "months", "years", "people", "areas", "cases", "million", "per"}
"""Words before which a line may not end when a bound number goes before them."""

LAYOUT = ("layout", "layout-ncol", "layout-nrow")


@dataclass(frozen=True, slots=True)
class Structure:
    """Rewrites one chapter's blocks; `cells` are the options of its cells by key, `path` names it in messages."""

    path: str
    cells: Mapping[str, Mapping[str, Any]]

    def blocks(self, items: list[Node]) -> list[Node]:
        """Give the blocks in plain form."""
        return [new for item in items for new in self._block(item)]

    def _block(self, node: Node) -> list[Node]:
        kind = node["t"]
        if kind == "Div":
            return self._div(node)
        if kind == "Figure":
            return [self._figure(node)]
        if kind == "Table":
            return [_table(node)]
        if kind in ("Para", "Plain"):
            return [_paragraph(node)]
        return [ast.walk(node, _inner(self))] if kind in ("BlockQuote", "BulletList", "OrderedList", "DefinitionList") else [node]

    def _div(self, node: Node) -> list[Node]:
        attributes, content = node["c"]
        names = set(attributes[1])
        if "ldeval-cell" in names:
            return [self._cell(content, self.cells[ast.value(attributes, "key") or ""])]
        if callout := next((name for name in names if name.startswith("callout-")), None):
            return [self._callout(attributes, content, callout.removeprefix("callout-"))]
        if "panel-tabset" in names:
            return [self._tabset(content)]
        if FLOAT.match(attributes[0]):
            return [self._float_div(attributes, content)]
        inside = self.blocks(content)
        if any(ast.value(attributes, name) for name in LAYOUT):
            inside = [_layout(attributes, inside, self.path)]
        return [{"t": "Div", "c": [ast.without(attributes, *LAYOUT), inside]}]

    def _cell(self, content: list[Node], options: Mapping[str, Any]) -> Node:
        parts: dict[str, list[Node]] = {"cell-caption": [], "cell-subcaption": [], "cell-code": []}
        shown: list[Node] = []
        for child in content:
            name = next((name for name in parts if name in ast.classes(child)), None)
            (parts[name] if name else shown).append(child)
        code = [_code(child, options) for child in parts["cell-code"]]
        return ast.div([*code, *self._exhibit(parts, self.blocks(shown), options)], "", ["cell"])

    def _exhibit(self, parts: dict[str, list[Node]], shown: list[Node], options: Mapping[str, Any]) -> list[Node]:
        label = str(options.get("label") or "")
        shown = list(_with_alts(shown, options.get("fig-alt")))
        captions, subcaptions = ([inlines(child) for child in parts[f"cell-{name}"]] for name in ("caption", "subcaption"))
        ncol = options.get("layout-ncol")
        if not (FLOAT.match(label) or captions) or not shown:
            return [ast.div(shown, label)] if label and shown else shown
        kind = label[:3] if FLOAT.match(label) else "tbl" if "tbl-cap" in options else "fig"
        if subcaptions:
            shown = [
                floating(f"{label}-{number}" if label else "", kind, subcaptions[number - 1 : number], [output])
                for number, output in enumerate(shown, start=1)
            ]
        body = [_layout(ast.attr(pairs=[("layout-ncol", str(ncol))]), shown, self.path)] if ncol else shown
        return [floating(label if FLOAT.match(label) else "", kind, captions[:1], body)]

    def _float_div(self, attributes: Attr, content: list[Node]) -> Node:
        kind = attributes[0][:3]
        inside = self.blocks(content)
        caption: list[list[Node]] = []
        if text := ast.value(attributes, f"{kind}-cap"):
            caption = [inlines(ast.div(ast.parse(text)["blocks"]))]
        elif inside and inside[-1]["t"] == "Para" and len(inside) > 1:
            caption = [inside.pop()["c"]]
        elif len(inside) == 1 and "float" in ast.classes(inside[0]) and not inside[0]["c"][0][0]:
            inner_caption, inside = _float_parts(inside[0])
            caption = [inner_caption] if inner_caption else []
        inside = list(_with_alts(inside, ast.value(attributes, "fig-alt")))
        if any(ast.value(attributes, name) for name in LAYOUT):
            inside = [_layout(attributes, inside, self.path)]
        return floating(attributes[0], kind, caption, inside)

    def _figure(self, node: Node) -> Node:
        attributes, caption, content = node["c"]
        text = [inline for part in caption[1] for inline in part["c"]] if caption[1] else []
        alt = ast.value(attributes, "fig-alt")
        return floating(attributes[0], "fig", [text] if text else [], list(_with_alts(content, alt)))

    def _callout(self, attributes: Attr, content: list[Node], kind: str) -> Node:
        title: list[Node] | None = None
        if (text := ast.value(attributes, "title")) is not None:
            title = inlines(ast.div(ast.parse(text)["blocks"]))
        elif content and content[0]["t"] == "Header":
            title, content = content[0]["c"][2], content[1:]
        appearance = ast.value(attributes, "appearance", "default") or "default"
        if title is None and appearance == "default":
            title = [ast.string(kind.capitalize())]
        head = [ast.div([{"t": "Plain", "c": title}], "", ["callout-title"])] if title is not None else []
        pairs = [("kind", kind), ("appearance", appearance), ("collapse", ast.value(attributes, "collapse", "") or "")]
        return ast.div([*head, ast.div(self.blocks(content), "", ["callout-body"])], attributes[0], ["callout"], pairs)

    def _tabset(self, content: list[Node]) -> Node:
        level = next((node["c"][0] for node in content if node["t"] == "Header"), None)
        if level is None or content[0]["t"] != "Header":
            raise stop(self.path, 0, "a tabset begins with a heading", "give each tab a heading of the same level")
        tabs: list[Node] = []
        for node in content:
            if node["t"] == "Header" and node["c"][0] == level:
                tabs.append(ast.div([ast.div([{"t": "Plain", "c": node["c"][2]}], "", ["tab-title"])], "", ["tab"]))
            else:
                tabs[-1]["c"][1] += self._block(node)
        return ast.div(tabs, "", ["tabset"], [("level", str(level))])


def floating(label: str, kind: str, caption: list[list[Node]], body: list[Node]) -> Node:
    """Make a float: a figure or table with its caption (a list of none or one run of inlines)."""
    head = [ast.div([{"t": "Plain", "c": text}], "", ["float-caption"]) for text in caption[:1]]
    return ast.div([*head, ast.div(body, "", ["float-body"])], label, ["float"], [("kind", kind)])


def inlines(node: Node) -> list[Node]:
    """Give the inlines of a div that holds one paragraph (several are joined by spaces)."""
    found = [inline for part in node["c"][1] if part["t"] in ("Para", "Plain") for inline in [{"t": "Space"}, *part["c"]]]
    return found[1:]


def _float_parts(node: Node) -> tuple[list[Node], list[Node]]:
    *head, body = node["c"][1]
    return (inlines(head[0]) if head else []), body["c"][1]


def _inner(structure: Structure) -> Any:
    def change(node: Node) -> Any:
        inside = node["t"] in ("Div", "Figure", "Table") and "float" not in ast.classes(node)
        return structure._block(node) if inside else _paragraph(node) if node["t"] in ("Para", "Plain") else None

    return change


def _code(node: Node, options: Mapping[str, Any]) -> Node:
    fold = options.get("code-fold")
    pairs = (
        [("fold", str(fold).lower()), ("summary", str(options.get("code-summary") or "Code"))]
        if fold not in (None, False)
        else []
    )
    return ast.div(node["c"][1], "", ["cell-code"], pairs)


def _with_alts(content: list[Node], alts: Any) -> Iterator[Node]:
    texts = iter([str(alt) for alt in alts] if isinstance(alts, list) else [str(alts)] if alts else [])

    def change(node: Node) -> Node | None:
        if node["t"] != "Image" or ast.value(node["c"][0], "fig-alt") is not None:
            return None
        alt = next(texts, None)
        return (
            None
            if alt is None
            else {"t": "Image", "c": [[*node["c"][0][:2], [*node["c"][0][2], ["fig-alt", alt]]], *node["c"][1:]]}
        )

    for node in content:
        yield ast.walk(node, change)


def _table(node: Node) -> Node:
    label = node["c"][0][0]
    caption = [inline for part in node["c"][1][1] for inline in part["c"]]
    bare = {"t": "Table", "c": [ast.attr(), [None, []], *node["c"][2:]]}
    return floating(label, "tbl", [caption] if caption else [], [bare]) if caption or FLOAT.match(label) else bare


def _paragraph(node: Node) -> Node:
    content = node["c"]
    if len(content) == 1 and content[0]["t"] == "Image" and FLOAT.match(content[0]["c"][0][0]):
        image = content[0]
        label, image = image["c"][0][0], {"t": "Image", "c": [["", *image["c"][0][1:]], *image["c"][1:]]}
        return floating(label, "fig", [], [{"t": "Plain", "c": [image]}])
    return {"t": node["t"], "c": list(_equations(list(_united(content))))}


def _united(content: list[Node]) -> Iterator[Node]:
    """Keep a bound number and the unit that follows it in the text on one line."""
    for place, node in enumerate(content):
        before, after = content[place - 1 : place], content[place + 1 : place + 2]
        bound = bool(before) and BOUND & set(ast.classes(before[0]))
        unit = bool(after) and after[0]["t"] == "Str" and after[0]["c"].rstrip(".,;:)") in UNITS
        yield ast.string("\u00a0") if node["t"] in ("Space", "SoftBreak") and bound and unit else node


def _equations(content: list[Node]) -> Iterator[Node]:
    """Turn `$$...$$ {#eq-x}` into a span that carries the label."""
    index = 0
    while index < len(content):
        node = content[index]
        ahead = [n for n in content[index + 1 : index + 3] if n["t"] == "Str" or n["t"] not in ("Space", "SoftBreak")]
        label = re.match(r"^\{#(eq-[^\s}]+)\}$", str(ahead[0]["c"])) if ahead and ahead[0]["t"] == "Str" else None
        if node["t"] == "Math" and node["c"][0]["t"] == "DisplayMath" and label:
            yield ast.span([node], label[1], ["equation"])
            index = content.index(ahead[0], index) + 1
        else:
            yield node
            index += 1


def _layout(attributes: Attr, content: list[Node], path: str) -> Node:
    """Give a div whose `columns` attribute says how many children stand in each row, as JSON."""
    count = len(content)
    if text := ast.value(attributes, "layout"):
        try:
            rows = json.loads(text)
            rows = [[abs(float(width)) for width in row] for row in (rows if rows and isinstance(rows[0], list) else [rows])]
        except (ValueError, TypeError, IndexError) as error:
            raise stop(path, 0, f'layout="{text}" is not a list of rows', 'write for instance layout="[[1,1],[1]]"') from error
    else:
        ncol = int(ast.value(attributes, "layout-ncol") or 0) or -(-count // int(ast.value(attributes, "layout-nrow") or 1))
        rows = [[1.0] * ncol for _ in range(-(-count // max(ncol, 1)))]
    return ast.div(content, "", ["layout"], [("rows", json.dumps(rows))])
