"""One chapter to one HTML page: the tree in Quarto's own class names, then the page around it."""

from __future__ import annotations

import html
import json
import posixpath
import re
from collections.abc import Mapping, Set
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node, block, raw
from ldeval.publish.config import Book
from ldeval.publish.crossref import Numbered, Target, resolve
from ldeval.publish.faults import stop
from ldeval.publish.gt import one_look
from ldeval.publish.pictures import dark_path
from ldeval.publish.prepare import addresses, alternative, lists_works, only, write

EQUATION = re.compile(r'(<span [^>]*class="equation" data-number="([^"]+)">.*?)(\s*</annotation>)', re.DOTALL)
"""A numbered equation up to the end of its TeX source, where the number is told too."""

LINE = re.compile(r'<span id="[^"]*"><a href="#[^"]*" aria-hidden="true" tabindex="-1"></a>(.*?)</span>(?=\n|</code>)')
"""A line of highlighted code, each with an anchor that nobody is shown."""

WRITER = ("-t", "html5", "--mathml", "--wrap=none")


def relative(page: str, path: str) -> str:
    """Give the address of `path` seen from `page`; both are relative to the report's folder."""
    return posixpath.relpath(path, posixpath.dirname(page) or ".")


def body(book: Book, numbered: Numbered, known: Mapping[str, Target], cited: list[str], drawn: Set[str] = frozenset()) -> str:
    """Give the HTML of a chapter's content.

    `cited` are the works of the whole book, for the chapter that lists them; `drawn` the figures that have a dark version.
    """
    tree = only([numbered.title, numbered.blocks], "html")
    tree = resolve(tree, known, lambda target: _address(numbered, target.page, target.label))
    tree = addresses(
        numbered, tree, lambda node, path: _image(numbered, node, path, drawn), lambda p, a: _address(numbered, p, a)
    )
    title, blocks = ast.walk(one_look(tree), _html)
    # Quarto sets the book's list of references in the citation style's own language, and those of a chapter in the book's.
    lang, nocite = (None, cited) if lists_works(blocks) else (book.lang, [])
    try:
        text = write(book, [*_head(numbered, title), *blocks], *WRITER, lang=lang, nocite=nocite)
    except ValueError as error:
        raise stop(numbered.entry.path, 0, str(error)) from error
    return _scoped(LINE.sub(r"\1", EQUATION.sub(r"\1 \\tag{\2}\3", text)))


def _scoped(text: str) -> str:
    """Say of every header cell what it heads; an empty one heads nothing and is a plain cell."""
    text = re.sub(r'(<t[dh][^>]*?) headers="[^"]*"', r"\1", text)  # their ids are gone; scope says it
    text = re.sub(r"<th((?: [^>]*)?)>\s*</th>", lambda found: f"<td{re.sub(' scope=.[a-z]+.', '', found[1])}></td>", text)
    return "".join(
        re.sub(r"<th(?![a-z])(?![^>]*\bscope=)", f'<th scope="{"col" if part.startswith("<thead") else "row"}"', part)
        for part in re.split(r"(<thead.*?</thead>)", text, flags=re.DOTALL)
    )


def _head(numbered: Numbered, title: list[Node]) -> list[Node]:
    if numbered.entry.path == "index.qmd":
        own = {"t": "Header", "c": [1, ast.attr(numbered.label), title]}
        return [own]
    opened = f'<header id="title-block-header" class="quarto-title-block"><h1 class="title" id="{html.escape(numbered.label)}">'
    return [block("html", opened), {"t": "Plain", "c": [*_number(numbered), *title]}, block("html", "</h1></header>")]


def _number(numbered: Numbered) -> list[Node]:
    if not numbered.number:
        return []
    if numbered.entry.appendix:
        return [ast.span([ast.string(f"Appendix {numbered.number} — ")], "", ["chapter-number"])]
    return [ast.span([ast.string(numbered.number)], "", ["chapter-number"]), ast.string("\u00a0 ")]


def _address(numbered: Numbered, path: str, anchor: str) -> str:
    page = path.removesuffix(".qmd") + ".html" if path.endswith(".qmd") else path
    here = page == numbered.page
    return ("" if here else relative(numbered.page, page)) + (f"#{anchor}" if anchor else "")


def _image(numbered: Numbered, node: Node, path: str, drawn: Set[str]) -> Any:
    attributes = ast.without(node["c"][0], "fig-alt")
    alt = alternative(node)
    content = [ast.string(alt)] if alt else []
    new = [attributes[0], [*attributes[1], "img-fluid"], attributes[2]]
    image = {"t": "Image", "c": [new, content, [relative(numbered.page, path), node["c"][2][1]]]}
    if path not in drawn:
        return image
    dark = html.escape(relative(numbered.page, dark_path(path)))
    source = f'<picture><source srcset="{dark}" media="screen and (prefers-color-scheme: dark)">'
    return [raw("html", source), image, raw("html", "</picture>")]


def _html(node: Node) -> Any:
    kind = node["t"]
    if kind == "Header":
        return _header(node)
    if kind == "Math":
        return _math(node)
    if kind == "Span":
        return _span(node)
    if kind == "Para" and _is_break(node):
        return [block("html", '<div class="page-break"></div>')]
    if kind == "Table" or (kind == "RawBlock" and node["c"][0] == "html" and "<table" in node["c"][1]):
        return [block("html", '<div class="table-box">'), node, block("html", "</div>")]
    if kind == "Div":
        return next((make(node) for name, make in DIVS.items() if name in node["c"][0][1]), None)
    return None


def _header(node: Node) -> Node:
    level, attributes, content = node["c"]
    number = ast.value(attributes, "number")
    mark = [ast.span([ast.string(number)], "", ["header-section-number"]), {"t": "Space"}] if number else []
    return {"t": "Header", "c": [level, ast.without(attributes, "number"), [*mark, *content]]}


def _math(node: Node) -> Node:
    style = "display" if node["c"][0]["t"] == "DisplayMath" else "inline"
    return ast.span([node], "", ["math", style])


def _span(node: Node) -> Node | None:
    attributes, content = node["c"]
    if "equation" not in attributes[1]:
        return None
    number = ast.value(attributes, "number")
    mark = raw("html", f'<span class="equation-number" aria-hidden="true">({number})</span>')
    return ast.span([*content, mark], attributes[0], ["equation"], [("data-number", str(number))])


def _is_break(node: Node) -> bool:
    content = node["c"]
    return len(content) == 1 and content[0]["t"] == "Span" and "pagebreak" in content[0]["c"][0][1]


def _float(node: Node) -> Node:
    attributes, content = node["c"]
    kind, number = ast.value(attributes, "kind") or "fig", ast.value(attributes, "number") or ""
    *head, inner = content
    sub = number.startswith("(")
    name = "Figure" if kind == "fig" else "Table"
    lead = f"{number} " if sub else f"{name}\u00a0{number}: " if number else ""
    mark = [ast.span([ast.string(lead.rstrip())], "", ["exhibit-number"]), ast.string(" ")] if lead else []
    text = head[0]["c"][1][0]["c"] if head else []
    style = f"quarto-{'subfloat' if sub else 'float'}"
    place = "bottom" if kind == "fig" else "top"
    opened = f'<figcaption class="{style}-caption-{place} {style}-caption {style}-{kind}">'
    caption = [block("html", opened), {"t": "Plain", "c": [*mark, *text]}, block("html", "</figcaption>")]
    caption = caption if text or number else []
    inside = [ast.div(inner["c"][1], "", ["float-body"])]
    parts = [*caption, *inside] if place == "top" else [*inside, *caption]
    figure = [block("html", f'<figure class="{style} {style}-{kind} figure">'), *parts, block("html", "</figure>")]
    return ast.div(figure, attributes[0], [style, "quarto-figure"])


def _layout(node: Node) -> Node:
    rows = json.loads(ast.value(node["c"][0], "rows") or "[]")
    children = iter(node["c"][1])
    parts = []
    for row in rows:
        cells = [ast.div([child], "", ["quarto-layout-cell"]) for _, child in zip(row, children, strict=False)]
        columns = " ".join(f"{width:g}fr" for width in row)
        parts.append(ast.div(cells, "", ["quarto-layout-row"], [("style", f"grid-template-columns: {columns}")]))
    return ast.div([*parts, *children], "", ["quarto-layout-panel"])


def _callout(node: Node) -> Node:
    attributes, content = node["c"]
    kind, appearance, collapse = (ast.value(attributes, key) or "" for key in ("kind", "appearance", "collapse"))
    *head, inner = content
    parts = [ast.div(inner["c"][1], "", ["callout-body-container"])]
    if head:
        spoken = f'<span class="screen-reader-only">{kind.capitalize()}: </span>'
        opened = f'<span class="callout-icon-container" aria-hidden="true"></span>{spoken}<span class="callout-title-container">'
        title = [block("html", opened), *head[0]["c"][1], block("html", "</span>")]
        if collapse:
            is_open = " open" if collapse == "false" else ""
            opening, closing = f'<details{is_open}><summary class="callout-header">', "</summary>"
            parts = [block("html", opening), *title, block("html", closing), *parts, block("html", "</details>")]
        else:
            parts = [ast.div(title, "", ["callout-header"]), *parts]
    names = ["callout", f"callout-style-{appearance}", f"callout-{kind}", *(["callout-titled"] if head else [])]
    return ast.div(parts, attributes[0], names, [("role", "note")])


def _tabset(node: Node) -> Node:
    titles = [tab["c"][1][0]["c"][1] for tab in node["c"][1]]
    key = re.sub(r"\W+", "-", "-".join(ast.plain(title) for title in titles)).strip("-").lower()
    parts = [block("html", '<div class="tab-list">')]
    for index, title in enumerate(titles):
        opened = f'<button type="button" class="tab-button" id="tab-{key}-{index}" data-panel="panel-{key}-{index}">'
        parts += [block("html", opened), *title, block("html", "</button>")]
    panels = [ast.div(tab["c"][1][1:], f"panel-{key}-{index}", ["tab-panel"]) for index, tab in enumerate(node["c"][1])]
    return ast.div([*parts, block("html", "</div>"), *panels], "", ["panel-tabset"])


def _code(node: Node) -> list[Node] | None:
    fold = ast.value(node["c"][0], "fold")
    if not fold:
        return None
    summary = html.escape(ast.value(node["c"][0], "summary") or "Code")
    opened = f'<details class="code-fold"{" open" if fold == "show" else ""}><summary>{summary}</summary>'
    return [block("html", opened), *node["c"][1], block("html", "</details>")]


DIVS = {"float": _float, "layout": _layout, "callout": _callout, "tabset": _tabset, "cell-code": _code}
