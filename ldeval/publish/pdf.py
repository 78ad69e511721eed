"""The whole book to one PDF: the chapters' trees as Typst, then Typst's own compiler, which checks PDF/UA-1 as it writes."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node, block, raw
from ldeval.publish.config import CONFIG, INCLUDES, Book
from ldeval.publish.crossref import REFERENCE, Numbered, Target, groups
from ldeval.publish.faults import stop
from ldeval.publish.look import faces
from ldeval.publish.look.breaks import definitions
from ldeval.publish.look.edition import long_date
from ldeval.publish.look.pdf_tables import laid_out, spread, table
from ldeval.publish.prepare import alternative, citations, lists_works, only, prepared, write
from ldeval.publish.templating import shaped, template
from ldeval.publish.words import math, string

WRITER = ("-t", "typst", "--wrap=none")
WORKS = "// the works cited\n"
"""Parts a chapter from its own list of works, which the book has in one place."""


def chapter(book: Book, chapters: list[Numbered], numbered: Numbered, known: Mapping[str, Target], cited: list[str]) -> str:
    """Give a chapter as Typst; `cited` are the works of the whole book."""
    blocks = _chapter(numbered, {other.entry.path: (index, other.label) for index, other in enumerate(chapters)}, known)
    lister = next((other for other in chapters if lists_works(other.blocks)), chapters[-1])
    return spread(_written(book, blocks, cited, lists=numbered is lister))


def document(book: Book, chapters: list[Numbered], contents: list[str], cited: list[str], edition: str) -> str:
    """Give the book as one Typst document from its chapters; `edition` says on its title page what it was made from."""
    lang, *rest = book.lang.split("-")
    return template("document.typ").render(
        book=book,
        look=(resources.files("ldeval.publish") / "templates" / "report.typ").read_text(encoding="utf-8"),
        groups=groups(chapters),
        contents={numbered.entry.path: content for numbered, content in zip(chapters, contents, strict=True)},
        notice=_notice(book, chapters[0], cited),
        edition=edition,
        date=long_date(book.date),
        lang=lang,
        region=next((part.upper() for part in rest if len(part) == 2), ""),
        **{name.replace("-", "_"): book.texts(name, "typst") for name in INCLUDES},
    )


def _written(book: Book, blocks: list[Node], cited: list[str], *, lists: bool = False) -> str:
    """Write blocks of a book that cites these works: all are named, so that those of one author and year are told apart."""
    if lists or not citations(blocks):
        return write(book, blocks, *WRITER, lang=book.lang, nocite=cited if lists else [])
    apart = [*blocks, block("typst", WORKS), ast.div([], "refs")]
    return write(book, apart, *WRITER, lang=book.lang, nocite=cited).partition(WORKS)[0]


def _notice(book: Book, first: Numbered, cited: list[str]) -> str:
    """Give what the first chapter marks for the title page, in a div of the class `on-title-page`."""
    marked = [node["c"][1] for node in ast.nodes(first.blocks, "Div") if "on-title-page" in node["c"][0][1]]
    if not marked:
        return "none"
    content = only([block for blocks in marked for block in blocks], "typst")
    return f"[{spread(_written(book, ast.walk(laid_out(content), _typst), cited))}]"


def compile_pdf(source: str, folder: Path, chapters: list[Numbered]) -> bytes:
    """Compile the chapters' Typst document, whose images lie in `folder`; tagged, fonts embedded, checked as PDF/UA-1.

    Raises:
        BookError: Typst refuses the document; its message is passed on.

    """
    import typst

    try:
        with TemporaryDirectory(prefix="ldeval-") as fonts:
            for path in faces.of_paper():
                shutil.copy(path, fonts)
            return typst.compile(  # type: ignore[misc]  # its stub wants one type for the source and the folders
                source.encode(),
                root=str(folder),
                font_paths=[fonts],
                ignore_system_fonts=True,
                pdf_standards=["ua-1"],
                timestamp=datetime(2000, 1, 1, tzinfo=UTC),
            )
    except RuntimeError as error:
        line = re.search(r"^\s*\d+ │ (.*)$", getattr(error, "diagnostic", ""), re.MULTILINE)
        advice = [*getattr(error, "hints", ()), *([f"it stands in: {line[1].strip()[:200]}"] if line else [])]
        if lost := re.search(r'the text `"(.+)"` could not be displayed', str(error)):
            lines = (line for numbered in chapters for line in numbered.chapter.lines if lost[1] in line.text)
            place = next(((line.file, line.number) for line in lines), (CONFIG, 0))
            raise stop(*place, f"the typefaces of the PDF lack {lost[1]}", "use letters that they have, or a picture") from error
        raise stop("PDF", 0, f"Typst cannot set the book: {error}", "\n    ".join(advice)) from error


def _chapter(numbered: Numbered, places: Mapping[str, tuple[int, str]], known: Mapping[str, Target]) -> list[Node]:
    index, _ = places[numbered.entry.path]

    def href(path: str, anchor: str) -> str:
        if path not in places:
            return path
        return "#" + _identifier(anchor or places[path][1], places[path][0])

    blocks = laid_out(prepared(numbered, "typst", known, _tables, _image, href))
    return list(ast.walk(blocks, lambda node: _typst(_renamed(node, index))))


def _tables(tree: list[Node]) -> list[Node]:
    """Read tables that cells gave as HTML, each after its own caption; other raw HTML stays out of the PDF."""

    def change(node: Node) -> list[Node] | None:
        if node["t"] != "RawBlock" or node["c"][0] != "html":
            return None
        blocks = ast.parse_html(node["c"][1]) if "<table" in node["c"][1].lower() else []
        return [part for found in blocks for part in ([*found["c"][1][1], found] if found["t"] == "Table" else [found])]

    return list(ast.walk(tree, change))


def _identifier(label: str, index: int) -> str:
    """Give an id that is the book's own: sections of two chapters may have the same name."""
    clean = re.sub(r"[^\w.:-]", "-", label)
    return clean if REFERENCE.match(clean) or clean == "refs" or clean.startswith("ref-") else f"c{index}-{clean}"


def _renamed(node: Node, index: int) -> Node:
    at = ast.ATTRIBUTES.get(node["t"])
    if at is None or not node["c"][at][0]:
        return node
    content = list(node["c"])
    content[at] = [_identifier(content[at][0], index), *content[at][1:]]
    return {"t": node["t"], "c": content}


def _label(identifier: str) -> str:
    return f" <{identifier}>" if identifier else ""


def _typst(node: Node) -> Any:
    kind = node["t"]
    if kind in MAKERS:
        return MAKERS[kind](node)
    shape = shaped(node, "typst") if kind == "Div" else None
    return node if shape is None else shape


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


MAKERS = {"DefinitionList": definitions, "Header": _header, "Math": math, "Span": _span, "Table": table}
