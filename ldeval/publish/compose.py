"""Puts a chapter's text and what its code showed together again, as one Markdown text for pandoc.

A cell becomes a div `.cell` of its code (`.cell-code`) and its outputs (`.cell-output`); where it has a caption, these stand in a
float of the plain form (see `structure`). Where HTML and PDF need different content, an output has a `.for-html` and a
`.for-typst` child.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ldeval.publish import ast
from ldeval.publish.config import Book, listed
from ldeval.publish.execute import ANSI, Output, Run, cell_options, readable
from ldeval.publish.faults import BookError, stop
from ldeval.publish.source import SHORTCODE, Chapter, Code
from ldeval.publish.structure import FLOAT

IMAGES = {"image/svg+xml": "svg", "image/png": "png", "image/jpeg": "jpg"}
HTML_ORDER = ("text/html", "text/markdown", *IMAGES, "text/latex", "text/plain")
PDF_ORDER = ("text/markdown", *IMAGES, "text/html", "text/latex", "text/plain")
SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~^$@:\"'&=])")

NUMBER = re.compile(r"-?\d+(\.\d+)?")
"""What reads the same in a text and in a formula."""


@dataclass(frozen=True, slots=True)
class Composed:
    """Markdown for pandoc; figure files by their path in the book; the cells that became divs, in order."""

    markdown: str
    files: Mapping[str, bytes]
    cells: tuple[Code, ...] = ()


def compose(book: Book, chapter: Chapter, run: Run) -> Composed:
    """Give the chapter with its results in place."""
    files: dict[str, bytes] = {}
    title = re.sub(r"#+$", lambda marks: r"\#" * len(marks[0]), " ".join(str(chapter.meta.get("title") or "").split()))
    text = [f"# {title}\n\n"] if title else []
    shown, cells, shows = iter(run.outputs), 0, []
    for part in chapter.parts:
        if isinstance(part, str):
            text.append(part)
        elif part.options is None:
            text.append(_inline(next(shown)))
        else:
            cell = _Cell(chapter, part, cell_options(book, chapter, part), str(cells), files)
            text.append("\n\n" + cell.markdown(next(shown)))
            shows += [part] if cell.options["include"] else []
            cells += 1
    return Composed("".join(text), files, tuple(shows))


def _inline(outputs: Sequence[Output]) -> str:
    data: Mapping[str, str] = next((output["data"] for output in outputs if "data" in output), {})
    if "text/markdown" in data:
        return data["text/markdown"].strip()
    if "text/html" in data:
        ticks = "`" * (_longest(data["text/html"], "`") + 1)
        return f"{ticks}{' '.join(data['text/html'].split())}{ticks}{{=html}}"
    text = re.sub(r"\s*\n\s*", " ", ANSI.sub("", data.get("text/plain", "")))
    return text if NUMBER.fullmatch(text) else SPECIAL.sub(r"\\\1", text)


@dataclass(frozen=True, slots=True)
class _Cell:
    """A cell with its options as Markdown; `key` names its figures where it has no label; they are put into `files`."""

    chapter: Chapter
    code: Code
    options: Mapping[str, Any]
    key: str
    files: dict[str, bytes]
    alts: list[str] = field(default_factory=list)

    def markdown(self, outputs: Sequence[Output]) -> str:
        if not self.options["include"]:
            return ""
        self.alts.extend(map(str, listed(self.options.get("fig-alt"))))
        fold, summary = self.options.get("code-fold") or "", self.options.get("code-summary") or "Code"
        folded = {"fold": str(fold).lower(), "summary": str(summary)} if fold else {}
        own = _div("cell-code", _fence(self.code.text.strip("\n"), ".python"), **folded) if self.options["echo"] else ""
        shown = [self._output(number, output) for number, output in enumerate(self._shown(outputs), start=1)]
        if shown and self.alts:
            raise self._fault(f"fig-alt {self.alts[0]!r} has no picture", "give one for each picture that the cell draws")
        return _div("cell", own + (self._exhibit(shown) if shown else ""))

    def _fault(self, what: str, advice: str) -> BookError:
        return stop(self.code.file, self.code.line, what, advice)

    def _shown(self, outputs: Sequence[Output]) -> Iterator[Output]:
        for output in outputs if self.options["output"] is not False else ():
            silent = output.get("name") == "stderr" and not self.options["warning"]
            if not silent and not _is_figure_repr(output.get("data", {})):
                yield output

    def _exhibit(self, shown: list[str]) -> str:
        """Give what was shown with its captions, side by side where the cell asks for it."""
        label = str(self.options.get("label") or "")
        kind = label[:3] if FLOAT.match(label) else "tbl" if "tbl-cap" in self.options else "fig"
        caption, subcaptions = self.options.get(f"{kind}-cap"), listed(self.options.get(f"{kind}-subcap"))
        if any(f"{other}-{name}" in self.options for other in {"fig", "tbl"} - {kind} for name in ("cap", "subcap")):
            raise self._fault(f"a cell of the kind {kind} has a caption of another kind", f"use {kind}-cap and {kind}-subcap")
        if len(subcaptions) > len(shown):
            raise self._fault(f"{kind}-subcap has {len(subcaptions)} texts for {len(shown)} outputs", "give one for each output")
        for place, text in enumerate(subcaptions):
            shown[place] = _float(f"{label}-{place + 1}" if label else "", kind, str(text), shown[place])
        columns = {"layout-ncol": str(self.options.get("layout-ncol") or "")}
        if caption is not None or FLOAT.match(label):
            return _float(label, kind, caption, "".join(shown), **columns)
        return _div("", "".join(shown), id=label, **columns) if label or columns["layout-ncol"] else "".join(shown)

    def _output(self, number: int, output: Output) -> str:
        kind = output["output_type"]
        if kind in ("stream", "error"):
            text = output["text"] if kind == "stream" else readable("\n".join(output["traceback"]))
            if self.options["output"] == "asis" and output.get("name") == "stdout":
                return f"\n{self._checked(text)}\n"
            return _div(f"cell-output cell-output-{output.get('name', kind)}", _fence(text.rstrip("\n")))
        data = output["data"]
        page, paper = (next((mime for mime in order if mime in data), "text/plain") for order in (HTML_ORDER, PDF_ORDER))
        content = self._content(number, page, data)
        if page != paper or page == "text/html":
            content = _div("for-html", content) + _div("for-typst", self._content(number, paper, data))
        elif self.options["output"] == "asis":
            return content
        return _div("cell-output cell-output-display", content)

    def _content(self, number: int, mime: str, data: Mapping[str, str]) -> str:
        content = data.get(mime, "")
        if mime in IMAGES:
            place = PurePosixPath(self.chapter.path)
            stem = f"{self.options.get('label') or f'cell-{self.key}'}-output-{number}"
            name = PurePosixPath(f"{place.stem}_files") / f"{stem}.{IMAGES[mime]}"
            self.files[str(place.parent / name)] = content.encode() if mime == "image/svg+xml" else base64.b64decode(content)
            return f"\n![]({name}){_attributes(**{'fig-alt': self.alts.pop(0)}) if self.alts else ''}\n"
        if mime == "text/html":
            return _fence(content, "=html")
        return f"\n{self._checked(content)}\n" if mime in ("text/markdown", "text/latex") else _fence(content)

    def _checked(self, text: str) -> str:
        """Give Markdown that a cell made, unless it holds what only the chapter's own text may hold."""
        if found := next((match for match in SHORTCODE.finditer(text) if match[1]), None):
            raise self._fault(f"its output holds the shortcode {found[0]}", "write out what it stands for")
        return text


def _is_figure_repr(data: Mapping[str, str]) -> bool:
    """Tell a bare `<Figure size ...>` or `[<matplotlib...>]`, which says nothing to a reader."""
    return set(data) == {"text/plain"} and bool(re.match(r"^(\[?<matplotlib|\[?<Axes|<Figure|Text\()", data["text/plain"]))


def _float(label: str, kind: str, caption: Any, body: str, **pairs: str) -> str:
    head = "" if caption is None else _div("float-caption", ast.START + " ".join(str(caption).split()))
    return _div("float", head + _div("float-body", body, **pairs), id=label if FLOAT.match(label) else "", kind=kind)


def _div(classes: str, content: str, **pairs: str) -> str:
    return f"\n::: {_attributes(classes, **pairs)}\n\n{content}\n\n:::\n"


def _attributes(classes: str = "", **pairs: str) -> str:
    """Write attributes so that pandoc reads the values as they are; empty ones are left out."""
    values = {key: html.escape(" ".join(value.split())).replace("\\", "\\\\") for key, value in pairs.items() if value}
    names = [f".{name}" for name in classes.split()]
    return "{" + " ".join([*names, *(f'{key}="{value}"' for key, value in values.items())]) + "}"


def _fence(text: str, info: str = "") -> str:
    text = ANSI.sub("", text)
    ticks = "`" * max(3, _longest(text, "`") + 1)
    return f"\n{ticks}{f' {{{info}}}' if info else ''}\n{text}\n{ticks}\n"


def _longest(text: str, mark: str) -> int:
    return max((len(run) for run in re.findall(re.escape(mark) + "+", text)), default=0)
