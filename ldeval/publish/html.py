"""One chapter to one HTML page: the tree in Quarto's own class names, then the page around it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Set
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node, block, raw
from ldeval.publish.config import Book
from ldeval.publish.crossref import Numbered, Target
from ldeval.publish.look import markup, pictures
from ldeval.publish.look.gt import one_look
from ldeval.publish.prepare import alternative, lists_works, prepared, write
from ldeval.publish.templating import shaped

EQUATION = re.compile(r'(<span [^>]*class="equation" data-number="([^"]+)">.*?)(\s*</annotation>)', re.DOTALL)
"""A numbered equation up to the end of its TeX source, where the number is told too."""

WRITER = ("-t", "html5", "--mathml", "--wrap=none")


def relative(page: str, path: str) -> str:
    """Give the address of `path` seen from `page`; both are relative to the report's folder."""
    return posixpath.relpath(path, posixpath.dirname(page) or ".")


def body(book: Book, numbered: Numbered, known: Mapping[str, Target], cited: list[str], drawn: Set[str] = frozenset()) -> str:
    """Give the HTML of a chapter's content.

    `cited` are the works of the whole book, for the chapter that lists them; `drawn` the figures that have a dark version.
    """

    def image(node: Node, path: str) -> Any:
        return _image(numbered, node, path, drawn)

    def href(path: str, anchor: str) -> str:
        page = path.removesuffix(".qmd") + ".html" if path.endswith(".qmd") else path
        return ("" if page == numbered.page else relative(numbered.page, page)) + (f"#{anchor}" if anchor else "")

    title, *blocks = ast.walk(prepared(numbered, "html", known, one_look, image, href), _html)
    # Quarto sets the book's list of references in the citation style's own language, and those of a chapter in the book's.
    lang, nocite = (None, cited) if lists_works(blocks) else (book.lang, [])
    text = write(book, [*_head(numbered, title), *blocks], *WRITER, lang=lang, nocite=nocite)
    return markup.tidied(EQUATION.sub(r"\1 \\tag{\2}\3", text))


def _image(numbered: Numbered, node: Node, path: str, drawn: Set[str]) -> Any:
    attributes = ast.without(node["c"][0], "fig-alt")
    alt = alternative(node)
    content = [ast.string(alt)] if alt else []
    new = [attributes[0], [*attributes[1], "img-fluid"], attributes[2]]
    image = {"t": "Image", "c": [new, content, [relative(numbered.page, path), node["c"][2][1]]]}
    return pictures.paired(image) if path in drawn else image


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
    if kind == "Table" or (kind == "RawBlock" and node["c"][0] == "html" and "<table" in node["c"][1].lower()):
        return [block("html", '<div class="table-box">'), node, block("html", "</div>")]
    return shaped(node, "html") if kind == "Div" else None


def _head(numbered: Numbered, title: Node) -> list[Node]:
    """Give a chapter's title in a block of its own; on the first page the book's title has it."""
    if numbered.entry.path == "index.qmd":
        return [title]
    opened = '<header id="title-block-header" class="quarto-title-block">'
    heading = {"t": "Header", "c": [1, [numbered.label, ["title"], []], title["c"][2]]}
    return [block("html", opened), heading, block("html", "</header>")]


def _header(node: Node) -> Node:
    level, attributes, content = node["c"]
    number = ast.value(attributes, "number")
    name, gap = ("chapter-number", " " if "—" in str(number) else "\u00a0 ") if level == 1 else ("header-section-number", " ")
    mark = [ast.span([ast.string(number)], "", [name]), ast.string(gap)] if number else []
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
