"""Puts a chapter's text and what its cells showed together again, as one Markdown text for pandoc.

A cell becomes a div `.ldeval-cell` with its options by `key`; inside stand its captions (`.cell-caption`, `.cell-subcaption`),
its code, and its outputs. Where HTML and PDF need different content, an output has a `.for-html` and a `.for-typst` child.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from ldeval.publish.config import Book
from ldeval.publish.execute import Output, Run, cell_options
from ldeval.publish.source import Cell, Chapter, Inline

IMAGES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
HTML_ORDER = ("text/html", "text/markdown", *IMAGES, "text/latex", "text/plain")
PDF_ORDER = ("text/markdown", *IMAGES, "text/latex", "text/html", "text/plain")
CAPTIONS = {"fig-cap": "caption", "tbl-cap": "caption", "fig-subcap": "subcaption", "tbl-subcap": "subcaption"}
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~^$@:\"'])")


@dataclass(frozen=True, slots=True)
class Composed:
    """Markdown for pandoc; options of each cell by key; figure files by their path in the book."""

    markdown: str
    cells: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, bytes]


def compose(book: Book, chapter: Chapter, run: Run) -> Composed:
    """Give the chapter with its results in place."""
    cells: dict[str, Mapping[str, Any]] = {}
    files: dict[str, bytes] = {}
    text: list[str] = []
    outputs, inlines = iter(run.cells), iter(run.inlines)
    for part in chapter.parts:
        if isinstance(part, Cell):
            key, options = str(len(cells)), cell_options(book, chapter, part)
            cells[key] = {**options, "file": part.file, "line": part.line}
            text.append("\n".join(_cell(chapter, key, part, options, next(outputs), files)))
        else:
            text.append("".join(_inline(next(inlines)) if isinstance(piece, Inline) else piece for piece in part.pieces))
    return Composed("\n\n".join(text), cells, files)


def _inline(value: Output) -> str:
    data = value.data
    if "text/markdown" in data:
        return data["text/markdown"].strip()
    if "text/html" in data:
        return _raw_inline(data["text/html"])
    return SPECIAL.sub(r"\\\1", data.get("text/plain", ""))


def _raw_inline(text: str) -> str:
    ticks = "`" * (_longest(text, "`") + 1)
    return f"{ticks}{' '.join(text.split())}{ticks}{{=html}}"


def _cell(
    chapter: Chapter, key: str, cell: Cell, options: Mapping[str, Any], outputs: tuple[Output, ...], files: dict[str, bytes]
) -> Iterator[str]:
    if not options["include"]:
        return
    yield f'\n::: {{.ldeval-cell key="{key}"}}\n'
    for name, kind in CAPTIONS.items():
        value = options.get(name)
        for text in value if isinstance(value, list) else [value] if value is not None else []:
            yield _div(f"cell-{kind}", str(text))
    if options["echo"]:
        yield _div("cell-code", _fence(cell.code.strip("\n"), ".python"))
    asis = options["output"] == "asis"
    for number, output in enumerate(_shown(options, outputs), start=1):
        stem = f"{options.get('label') or f'cell-{key}'}-output-{number}"
        yield from _output(chapter, stem, output, asis, files)
    yield "\n:::\n"


def _shown(options: Mapping[str, Any], outputs: tuple[Output, ...]) -> Iterator[Output]:
    if options["output"] is False:
        return
    for output in outputs:
        silent = output.kind == "stderr" and not options["warning"]
        if not silent and not _is_figure_repr(output):
            yield output


def _is_figure_repr(output: Output) -> bool:
    """Tell a bare `<Figure size ...>` or `[<matplotlib...>]`, which says nothing to a reader."""
    plain = output.data.get("text/plain", "")
    return set(output.data) == {"text/plain"} and bool(re.match(r"^(\[?<matplotlib|\[?<Axes|<Figure|Text\()", plain))


def _output(chapter: Chapter, stem: str, output: Output, asis: bool, files: dict[str, bytes]) -> Iterator[str]:
    if output.kind != "display":
        text = output.data["text"]
        raw = asis and output.kind == "stdout"
        yield text if raw else _div(f"cell-output cell-output-{output.kind}", _fence(text.rstrip("\n")))
        return
    page, paper = (_best(output, order) for order in (HTML_ORDER, PDF_ORDER))
    html = _content(chapter, stem, page, output, files)
    if page == paper and page != "text/html":
        yield html if asis else _div("cell-output cell-output-display", html)
    else:
        both = _div("for-html", html) + _div("for-typst", _content(chapter, stem, paper, output, files))
        yield _div("cell-output cell-output-display", both)


def _best(output: Output, order: tuple[str, ...]) -> str:
    return next((mime for mime in order if mime in output.data), "text/plain")


def _content(chapter: Chapter, stem: str, mime: str, output: Output, files: dict[str, bytes]) -> str:
    content = output.data.get(mime, "")
    if mime in IMAGES:
        return f"\n![]({_file(chapter, stem, mime, content, files)})\n"
    if mime == "text/html":
        return _fence(content, "=html")
    return f"\n{content}\n" if mime in ("text/markdown", "text/latex") else _fence(content)


def _file(chapter: Chapter, stem: str, mime: str, content: str, files: dict[str, bytes]) -> str:
    place = PurePosixPath(chapter.path)
    name = PurePosixPath(f"{place.stem}_files") / f"{stem}.{IMAGES[mime]}"
    files[str(place.parent / name)] = content.encode() if mime == "image/svg+xml" else base64.b64decode(content)
    return str(name)


def _div(classes: str, content: str) -> str:
    names = " ".join(f".{name}" for name in classes.split())
    return f"\n::: {{{names}}}\n\n{content}\n\n:::\n"


def _fence(text: str, info: str = "") -> str:
    ticks = "`" * max(3, _longest(text, "`") + 1)
    return f"\n{ticks}{f' {{{info}}}' if info else ''}\n{text}\n{ticks}\n"


def _longest(text: str, mark: str) -> int:
    return max((len(run) for run in re.findall(re.escape(mark) + "+", text)), default=0)
