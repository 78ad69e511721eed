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
from ldeval.publish.pdf_tables import FLOATING, WHOLE, rows, spread, table
from ldeval.publish.prepare import addresses, alternative, metadata, only

WRITER = ("-t", "typst", "--citeproc", "--wrap=none")


def typst_source(book: Book, chapters: list[Numbered], known: Mapping[str, Target], cited: list[str], edition: str = "") -> str:
    """Give the book as one Typst document; `edition` says on its title page what it was made from."""
    blocks: list[Node] = []
    part: str | None = None
    for index, numbered in enumerate(chapters):
        name = _part(numbered)
        if name and name != part:
            blocks.append(block("typst", f"#ldeval-part({_string(name)}, {_listed(name, chapters)})"))
        part = name
        blocks += _chapter(numbered, index, chapters, known)
    meta = metadata(book, lang=book.lang, nocite=cited) if book.bibliography else {}
    own = [text for _, text in book.files("include-in-header", "typst")]
    text = spread(ast.write(blocks, meta, *WRITER), blocks)
    return "\n".join([_template(), *own, _front(book, edition, _notice(chapters[0])), text])


def _part(numbered: Numbered) -> str | None:
    return "Appendices" if numbered.entry.appendix else numbered.entry.part


def _listed(part: str, chapters: list[Numbered]) -> str:
    """Give number and title of each chapter of a part, for the page that opens it."""
    lines = [(_numeral(numbered), ast.plain(numbered.title)) for numbered in chapters if _part(numbered) == part]
    return ", ".join(f"({_string(number)}, {_string(title)})" for number, title in lines)


def _numeral(numbered: Numbered) -> str:
    return f"Appendix {numbered.number}" if numbered.entry.appendix and numbered.number else numbered.number


def _notice(first: Numbered) -> str:
    """Give what the first chapter marks for the title page, in a div of the class `on-title-page`."""
    marked = [node["c"][1] for node in ast.nodes(first.blocks, "Div") if "on-title-page" in node["c"][0][1]]
    if not marked:
        return "none"
    content = only([block for blocks in marked for block in blocks], "typst")
    return f"[{ast.write(ast.walk(ast.walk(content, _typst), _ungrouped), {}, *WRITER)}]"


def compile_pdf(source: str, folder: Path) -> bytes:
    """Compile a Typst document whose images lie in `folder`; tagged, fonts embedded, checked as PDF/UA-1.

    Raises:
        BookError: Typst refuses the document; its message is passed on.

    """
    import typst

    main = folder / "report.typ"
    main.write_text(source, encoding="utf-8")
    try:
        return bytes(
            typst.compile(
                str(main),
                root=str(folder),
                font_paths=[str(resources.files("ldeval.publish") / "fonts"), str(_fonts())],
                ignore_system_fonts=True,
                pdf_standards=["ua-1"],
                timestamp=datetime(2000, 1, 1, tzinfo=UTC),
            )
        )
    except RuntimeError as error:
        message = getattr(error, "message", None) or str(error)
        hints = " ".join(getattr(error, "hints", None) or [])
        raise stop("PDF", 0, f"Typst cannot set the book: {message}", f"{hints} (its source is {main})".strip()) from error


@lru_cache(maxsize=1)
def _fonts() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


def _template() -> str:
    return (resources.files("ldeval.publish") / "templates" / "report.typ").read_text(encoding="utf-8")


def _front(book: Book, edition: str, notice: str) -> str:
    authors = ", ".join(f"(name: {_string(a.name)}, affiliation: {_string(a.affiliation)})" for a in book.authors)
    lang, _, region = book.lang.partition("-")
    fields = {
        "title": _string(book.title),
        "subtitle": _string(book.subtitle),
        "authors": f"({authors}{',' if authors else ''})",
        "date": _string(long_date(book.date)),
        "edition": _string(edition),
        "notice": notice,
        "lang": _string(lang),
        "region": _string(region.upper()) if region else "none",
        "paper": _string(str(book.option("papersize", "typst", "a4"))),
        "contents": str(bool(book.option("toc", "typst", True))).lower(),
    }
    return f"#show: ldeval-report.with({', '.join(f'{key}: {value}' for key, value in fields.items())})"


def _chapter(numbered: Numbered, index: int, chapters: list[Numbered], known: Mapping[str, Target]) -> list[Node]:
    places = {other.entry.path: other for other in chapters}
    order = {other.entry.path: number for number, other in enumerate(chapters)}

    def href(path: str, anchor: str) -> str:
        if path not in places:
            return path
        return "#" + _identifier(anchor or places[path].label, order[path])

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

    def change(node: Node) -> list[Node] | None:
        if node["t"] != "RawBlock" or node["c"][0] != "html":
            return None
        return ast.parse_html(node["c"][1]) if "<table" in node["c"][1] else []

    return list(ast.walk(tree, change))


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


def _string(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


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
    numbering = f"(..) => {_string(number)}" if number else "none"
    opened = raw("typst", f"#heading(level: {level}, numbering: {numbering})[")
    return {"t": "Para", "c": [opened, *content, raw("typst", f"]{_label(attributes[0])}")]}


def _math(node: Node) -> list[Node]:
    return [raw("typst", f"#ldeval-math({_string(' '.join(node['c'][1].split()))}, "), node, raw("typst", ")")]


def _span(node: Node) -> Any:
    attributes, content = node["c"]
    if "equation" in attributes[1]:
        opened, math, _ = content
        number = _string(f"({ast.value(attributes, 'number')})")
        named = raw("typst", opened["c"][1] + f"number: {number}, ")
        return [named, math, raw("typst", f"){_label(attributes[0])}")]
    if "pagebreak" in attributes[1]:
        return raw("typst", "#pagebreak(weak: true)")
    if "note" in attributes[1]:
        return [raw("typst", "#ldeval-note["), *content, raw("typst", "]")]
    return None if attributes[0] else content


def _image(node: Node, path: str) -> Node:
    attributes = node["c"][0]
    alt = alternative(node) or "Figure"
    size = "".join(f", {key}: {_length(text)}" for key in ("width", "height") if (text := ast.value(attributes, key)))
    return raw("typst", f"#box(image({_string('/' + path)}, alt: {_string(alt)}{size}))")


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
    whole, floats = max(sizes, default=0) <= WHOLE, kind == "fig" or FLOATING <= max(sizes, default=0) <= WHOLE
    named = "sub" if number.startswith("(") else kind
    settings = f"kind: {_string(named)}, number: {_string(number)}, whole: {_truth(whole)}, floats: {_truth(floats)}"
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
    kind = _string(ast.value(attributes, "kind") or "note")
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


MAKERS = {"Header": _header, "Math": _math, "Span": _span, "Table": table}
DIVS = {
    "float": _float,
    "layout": _layout,
    "callout": _callout,
    "tabset": _tabset,
    "landscape": _landscape,
    "cell": _quiet,
    "cell-output": _quiet,
}
