"""The whole book to one PDF: the chapters' trees as Typst, then Typst's own compiler, which checks PDF/UA-1 as it writes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node, block, raw
from ldeval.publish.captions import short
from ldeval.publish.config import Book
from ldeval.publish.crossref import REFERENCE, Numbered, Target, resolve
from ldeval.publish.edition import long_date
from ldeval.publish.faults import stop
from ldeval.publish.pdf_tables import WHOLE, rows, spread, table
from ldeval.publish.prepare import addresses, alternative, citations, lists_works, only, write
from ldeval.publish.words import as_typst, math, plain, string

WRITER = ("-t", "typst", "--wrap=none")
WORKS = "// the works cited\n"
"""Parts a chapter from its own list of works, which the book has in one place."""


def chapter(book: Book, chapters: list[Numbered], numbered: Numbered, known: Mapping[str, Target], cited: list[str]) -> str:
    """Give a chapter as Typst; `cited` are the works of the whole book."""
    blocks = _chapter(numbered, {other.entry.path: (index, other.label) for index, other in enumerate(chapters)}, known)
    lister = next((other for other in chapters if lists_works(other.blocks)), chapters[-1])
    return spread(_written(book, blocks, cited, lists=numbered is lister), blocks)


def document(book: Book, chapters: list[Numbered], contents: list[str], cited: list[str], edition: str) -> str:
    """Give the book as one Typst document from its chapters; `edition` says on its title page what it was made from."""
    own = [text for _, text in book.files("include-in-header", "typst")]
    parts = [_template(), *own, _front(book, edition, _notice(book, chapters[0], cited))]
    group: str | None = None
    for numbered, content in zip(chapters, contents, strict=True):
        if numbered.group and numbered.group != group:
            parts.append(f"#ldeval-part({as_typst(numbered.group)}, {_listed(numbered.group, chapters)})\n")
        group = numbered.group
        parts.append(content)
    return "\n".join(parts)


def _written(book: Book, blocks: list[Node], cited: list[str], *, lists: bool = False) -> str:
    """Write blocks of a book that cites these works: all are named, so that those of one author and year are told apart."""
    if lists or not citations(blocks):
        return write(book, blocks, *WRITER, lang=book.lang, nocite=cited if lists else [])
    apart = [*blocks, block("typst", WORKS), ast.div([], "refs")]
    return write(book, apart, *WRITER, lang=book.lang, nocite=cited).partition(WORKS)[0]


def _listed(group: str, chapters: list[Numbered]) -> str:
    """Give number and title of each chapter of a part, for the page that opens it."""
    lines = [(_numeral(numbered), ast.plain(numbered.title)) for numbered in chapters if numbered.group == group]
    return ", ".join(f"({string(number)}, {string(title)})" for number, title in lines)


def _numeral(numbered: Numbered) -> str:
    return f"Appendix {numbered.number}" if numbered.entry.appendix and numbered.number else numbered.number


def _notice(book: Book, first: Numbered, cited: list[str]) -> str:
    """Give what the first chapter marks for the title page, in a div of the class `on-title-page`."""
    marked = [node["c"][1] for node in ast.nodes(first.blocks, "Div") if "on-title-page" in node["c"][0][1]]
    if not marked:
        return "none"
    content = only([block for blocks in marked for block in blocks], "typst")
    blocks = ast.walk(ast.walk(content, _typst), _ungrouped)
    return f"[{_written(book, blocks, cited)}]"


def compile_pdf(source: str, folder: Path) -> bytes:
    """Compile a Typst document whose images lie in `folder`; tagged, fonts embedded, checked as PDF/UA-1.

    Raises:
        BookError: Typst refuses the document; its message is passed on.

    """
    import typst

    try:
        return typst.compile(  # type: ignore[misc]  # its stub wants one type for the source and the folders
            source.encode(),
            root=str(folder),
            font_paths=[str(resources.files("ldeval.publish") / "fonts"), str(_fonts())],
            ignore_system_fonts=True,
            pdf_standards=["ua-1"],
            timestamp=datetime(2000, 1, 1, tzinfo=UTC),
        )
    except RuntimeError as error:
        line = re.search(r"^\s*\d+ │ (.*)$", getattr(error, "diagnostic", ""), re.MULTILINE)
        advice = [*getattr(error, "hints", ()), *([f"it stands in: {line[1].strip()[:200]}"] if line else [])]
        raise stop("PDF", 0, f"Typst cannot set the book: {error}", "\n    ".join(advice)) from error


@lru_cache(maxsize=1)
def _fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _template() -> str:
    return (resources.files("ldeval.publish") / "templates" / "report.typ").read_text(encoding="utf-8")


def _front(book: Book, edition: str, notice: str) -> str:
    authors = ", ".join(
        f"(plain: {string(plain(author.name))}, name: {as_typst(author.name)}, affiliation: {as_typst(author.affiliation)})"
        for author in book.authors
    )
    lang, _, region = book.lang.partition("-")
    fields = {
        "title": as_typst(book.title),
        "subtitle": as_typst(book.subtitle),
        "authors": f"({authors}{',' if authors else ''})",
        "date": string(long_date(book.date)),
        "edition": string(edition),
        "notice": notice,
        "lang": string(lang),
        "region": string(region.upper()) if region else "none",
        "paper": string(str(book.option("papersize", "typst", "a4"))),
        "contents": str(bool(book.option("toc", "typst", True))).lower(),
    }
    return f"#show: ldeval-report.with({', '.join(f'{key}: {value}' for key, value in fields.items())})"


def _chapter(numbered: Numbered, places: Mapping[str, tuple[int, str]], known: Mapping[str, Target]) -> list[Node]:
    def href(path: str, anchor: str) -> str:
        if path not in places:
            return path
        index, label = places[path]
        return "#" + _identifier(anchor or label, index)

    index, _ = places[numbered.entry.path]
    number = _numeral(numbered) + (" —" if numbered.entry.appendix and numbered.number else "")
    pairs = [("number", number)] if number else []
    title = {"t": "Header", "c": [1, ast.attr(numbered.label, pairs=pairs), numbered.title]}
    tree = only([title, *numbered.blocks], "typst")
    tree = _tables(tree)
    tree = resolve(tree, known, lambda target: href(target.page, target.label))
    tree = addresses(numbered, tree, lambda node, path: _image(node, path), href)
    tree = ast.walk(tree, lambda node: _renamed(node, index))
    return list(ast.walk(ast.walk(tree, _typst), _ungrouped))


def _tables(tree: list[Node]) -> list[Node]:
    """Read tables that cells gave as HTML; other raw HTML stays out of the PDF."""
    found = [text for node in ast.nodes(tree, "RawBlock") if (text := _html_table(node))]
    read = iter(ast.parse_html(found))

    def change(node: Node) -> list[Node] | None:
        if node["t"] != "RawBlock" or node["c"][0] != "html":
            return None
        return next(read) if _html_table(node) else []

    return list(ast.walk(tree, change))


def _html_table(node: Node) -> str:
    form, text = node["c"]
    return text if form == "html" and "<table" in text else ""


def _identifier(label: str, index: int) -> str:
    """Give an id that is the book's own: sections of two chapters may have the same name."""
    clean = re.sub(r"[^\w.:-]", "-", label)
    return clean if REFERENCE.match(clean) or clean.startswith("ref") else f"c{index}-{clean}"


def _renamed(node: Node, index: int) -> Node | None:
    at = ast.ATTRIBUTES.get(node["t"])
    if at is None or not node["c"][at][0]:
        return None
    content = list(node["c"])
    content[at] = [_identifier(content[at][0], index), *content[at][1:]]
    return {"t": node["t"], "c": content}


def _label(identifier: str) -> str:
    return f" <{identifier}>" if identifier else ""


def _typst(node: Node) -> Any:
    kind = node["t"]
    if kind in MAKERS:
        return MAKERS[kind](node)
    if kind == "Div":
        return next((make(node) for name, make in DIVS.items() if name in node["c"][0][1]), None)
    return None


def _header(node: Node) -> Node:
    level, attributes, content = node["c"]
    number = ast.value(attributes, "number")
    numbering = f"(..) => {string(number)}" if number else "none"
    opened = raw("typst", f"#heading(level: {level}, numbering: {numbering})[")
    return {"t": "Para", "c": [opened, *content, raw("typst", f"]{_label(attributes[0])}")]}


def _span(node: Node) -> Any:
    attributes, content = node["c"]
    if "equation" in attributes[1]:
        opened, formula, _ = content
        number = string(f"({ast.value(attributes, 'number')})")
        named = raw("typst", opened["c"][1] + f"number: {number}, ")
        return [named, formula, raw("typst", f"){_label(attributes[0])}")]
    if "pagebreak" in attributes[1]:
        return raw("typst", "#pagebreak(weak: true)")
    if "note" in attributes[1]:
        return [raw("typst", "#ldeval-note["), *content, raw("typst", "]")]
    return None if attributes[0] else content


def _image(node: Node, path: str) -> Node:
    attributes = node["c"][0]
    alt = alternative(node) or "Figure"
    size = "".join(f", {key}: {_length(text)}" for key in ("width", "height") if (text := ast.value(attributes, key)))
    return raw("typst", f"#box(image({string('/' + path)}, alt: {string(alt)}{size}))")


def _length(text: str) -> str:
    match = re.fullmatch(r"([\d.]+)\s*(px|%|in|cm|mm|pt|em)?", text.strip())
    if not match:
        return "auto"
    number, unit = float(match[1]), match[2] or "px"
    return f"{number * 0.75:g}pt" if unit == "px" else f"{number:g}{unit}"


def _group(content: list[Node]) -> Node:
    """Hold several blocks together as one child of a layout, until all is rewritten."""
    return ast.div(content, "", ["group"])


def _ungrouped(node: Node) -> list[Node] | None:
    return list(node["c"][1]) if node["t"] == "Div" and "group" in node["c"][0][1] else None


def _float(node: Node) -> Node:
    attributes, content = node["c"]
    kind, number = ast.value(attributes, "kind") or "fig", ast.value(attributes, "number") or ""
    *head, inner = content
    text = head[0]["c"][1][0]["c"] if head else []
    sizes = [len(rows(table)) for table in ast.nodes(inner["c"][1], "Table")]
    whole = max(sizes, default=0) <= WHOLE
    named = "sub" if number.startswith("(") else kind
    settings = f"kind: {string(named)}, number: {string(number)}, whole: {_truth(whole)}"
    listed = [block("typst", f"#ldeval-float({settings}, listed: ["), {"t": "Plain", "c": short(text)}]
    caption = [*listed, block("typst", "], caption: ["), {"t": "Plain", "c": text}, block("typst", "])[")]
    return _group([*caption, *inner["c"][1], block("typst", f"]{_label(attributes[0])}")])


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _layout(node: Node) -> Node:
    rows = json.loads(ast.value(node["c"][0], "rows") or "[]")
    children = iter(node["c"][1])
    parts = []
    for row in rows:
        columns = ", ".join(f"{width:g}fr" for width in row)
        parts.append(block("typst", f"#grid(columns: ({columns},), gutter: 1em,"))
        for _, child in zip(row, children, strict=False):
            parts += [block("typst", "["), child, block("typst", "],")]
        parts.append(block("typst", ")"))
    return _group([*parts, *children])


def _callout(node: Node) -> Node:
    attributes, content = node["c"]
    *head, inner = content
    title = [*head[0]["c"][1]] if head else []
    kind = string(ast.value(attributes, "kind") or "note")
    opened = [block("typst", f"#ldeval-callout({kind}, title: ["), *title, block("typst", "])[")]
    return _group([*opened, *inner["c"][1], block("typst", f"]{_label(attributes[0])}")])


def _tabset(node: Node) -> Node:
    level = ast.value(node["c"][0], "level") or "2"
    parts: list[Node] = []
    for tab in node["c"][1]:
        title, *content = tab["c"][1]
        parts += [
            block("typst", f"#heading(level: {level}, numbering: none, outlined: false)["),
            *title["c"][1],
            block("typst", "]"),
        ]
        parts += content
    return _group(parts)


def _landscape(node: Node) -> Node:
    return _group([block("typst", "#ldeval-landscape["), *node["c"][1], block("typst", "]")])


def _quiet(node: Node) -> Node:
    """Drop a div that only groups, since Typst would set it as a block with space of its own."""
    return _group(node["c"][1])


MAKERS = {"Header": _header, "Math": math, "Span": _span, "Table": table}
DIVS = {
    "float": _float,
    "layout": _layout,
    "callout": _callout,
    "tabset": _tabset,
    "landscape": _landscape,
    "cell": _quiet,
    "cell-output": _quiet,
}
