"""Reads one chapter: its text with includes and shortcodes resolved, cut into Markdown and cells, each line with its origin."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ldeval.publish.config import Book, lookup, reason
from ldeval.publish.faults import BookError, Fault, stop

CELL_OPTIONS = {"label", "id", "echo", "eval", "include", "output", "warning", "error", "code-fold", "code-summary", "fig-cap"}
CELL_OPTIONS |= {"fig-alt", "fig-subcap", "fig-width", "fig-height", "tbl-cap", "tbl-subcap", "layout-ncol", "classes"}
CHAPTER_KEYS = {"title", "subtitle", "description", "execute", "jupyter", "code-fold", "code-summary", "number-sections"}
CHAPTER_KEYS |= {"toc", "toc-depth", "fig-width", "fig-height", "format", "lang", "engine"}

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$")
DIV = re.compile(r"^\s*:{3,}\s*(\{.*\}|[^\s:{]\S*)\s*:*\s*$")
SHORTCODE = re.compile(r"\{\{\{<.*?>\}\}\}|\{\{<\s*(.*?)\s*>\}\}")
INLINE = re.compile(r"(`{2,}).*?(?<!`)\1(?!`)|(?<!`)`\{=?(\w+)\}[ \t]+([^`]+)`(?!`)", re.DOTALL)
INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+(\S+)\s*>\}\}\s*$")

CALLOUTS = {f"callout-{kind}" for kind in ("note", "tip", "warning", "caution", "important")}
UNSUPPORTED = re.compile(
    r"^(column-\S+|aside|margin-\S+|panel-(?!tabset)\S+|incremental|fragment|notes|callout-\S+|proof|hidden)$"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and where it was written."""

    text: str
    file: str
    number: int


@dataclass(frozen=True, slots=True)
class Cell:
    """A python cell: its code without the `#|` lines, its options, and where it begins."""

    code: str
    options: Mapping[str, Any]
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Inline:
    """An inline `{python}` expression and where it stands."""

    code: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Markdown:
    """Text between cells, in pieces: strings and inline expressions in turn."""

    pieces: tuple[str | Inline, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter's source: front matter, parts in order, every line, and the files that it was read from."""

    path: str
    meta: Mapping[str, Any]
    parts: tuple[Markdown | Cell, ...]
    lines: tuple[Line, ...] = field(repr=False)
    files: tuple[str, ...]

    def find(self, needle: str) -> tuple[str, int]:
        """Give file and line of the first line that holds `needle`, or the chapter itself."""
        return next(((line.file, line.number) for line in self.lines if needle in line.text), (self.path, 0))

    @property
    def text(self) -> str:
        """The chapter with its includes, as one text."""
        return "\n".join(line.text for line in self.lines)


def read_chapter(book: Book, path: str) -> Chapter:
    """Read the chapter at `path` (relative to the book's root).

    Raises:
        BookError: not UTF-8, an include or variable that is not there, front matter or cell options that are not YAML, and
            constructs that are not supported.

    """
    files: list[str] = []
    lines = tuple(_expand(book.root, path, (), files))
    meta, body = _front_matter(path, lines)
    scope = {**book.options, **(book.options.get("book") or {}), **meta}
    faults: list[Fault] = []
    parts = tuple(_parts(body, _Words(book.variables, scope), faults))
    faults += _repeated([part for part in parts if isinstance(part, Cell)])
    if faults:
        raise BookError(faults)
    inline = next((p for part in parts if isinstance(part, Markdown) for p in part.pieces if isinstance(p, Inline)), None)
    if inline and not any(isinstance(part, Cell) for part in parts):
        advice = "add one, if only an import: Quarto evaluates inline code in chapters with a cell alone"
        raise stop(inline.file, inline.line, "inline python in a chapter without a python cell", advice)
    return Chapter(path, meta, parts, lines, tuple(files))


def _expand(root: Path, path: str, within: tuple[str, ...], files: list[str], at: Line | None = None) -> Iterator[Line]:
    where = (at.file, at.number) if at else (path, 0)
    if path in within:
        raise stop(*where, f"{path} includes itself", "break the circle of includes")
    try:
        text = (root / path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        advice = "save it as UTF-8" if isinstance(error, UnicodeDecodeError) else "paths are relative to the file that includes"
        raise stop(*where, f"{path} cannot be read ({reason(error)})", advice) from error
    files.append(path)
    fence = None
    for number, content in enumerate(text.splitlines(), start=1):
        line = Line(content, path, number)
        fence = _fenced(content, fence)
        if fence is None and (match := INCLUDE.match(content)):
            yield from _expand(root, _resolve(path, match[1]), (*within, path), files, line)
        else:
            yield line


def _fenced(text: str, fence: str | None) -> str | None:
    """Give the code fence that is open after this line."""
    match = FENCE.match(text)
    if not match:
        return fence
    if fence is None:
        return None if match[1][0] == "`" and "`" in match[2] else match[1]
    return None if match[1].startswith(fence) and not match[2] else fence


def _resolve(path: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(posixpath.dirname(path), target))


def _front_matter(path: str, lines: tuple[Line, ...]) -> tuple[dict[str, Any], tuple[Line, ...]]:
    if not lines or lines[0].text.rstrip() != "---":
        return {}, lines
    end = next((i for i, line in enumerate(lines[1:], 1) if line.text.rstrip() in ("---", "...")), None)
    if end is None:
        raise stop(path, 1, "front matter is not closed", "end it with a line ---")
    try:
        meta = yaml.safe_load("\n".join(line.text for line in lines[1:end])) or {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise stop(path, mark.line + 2 if mark else 1, f"front matter is not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(meta, dict):
        raise stop(path, 1, "front matter must be keys and values")
    if unknown := sorted(set(meta) - CHAPTER_KEYS):
        advice = f"known here: {', '.join(sorted(CHAPTER_KEYS))}"
        raise BookError(Fault(path, 1, f"front matter key {key!r} is not supported", advice) for key in unknown)
    return meta, lines[end + 1 :]


def _parts(lines: tuple[Line, ...], words: _Words, faults: list[Fault]) -> Iterator[Markdown | Cell]:
    text: list[Line] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        fence = _fenced(line.text, None)
        if fence is None:
            faults += _div_faults(line)
            text.append(words.replaced(line, faults))
            index += 1
            continue
        end = next((i for i in range(index + 1, len(lines)) if _fenced(lines[i].text, fence) is None), None)
        if end is None:
            faults.append(Fault(line.file, line.number, "code block is not closed", f"end it with {fence}"))
            return
        info = FENCE.match(line.text)[2]  # type: ignore[index]  # _fenced matched it
        if re.fullmatch(r"\{python\b.*\}", info):
            yield _markdown(text, faults)
            yield _cell(lines[index], lines[index + 1 : end], info, faults)
            text = []
        else:
            faults += _block_faults(line, info)
            text += [Line(re.sub(r"\{\{(\w+)\}\}", r"{.\1}", line.text), line.file, line.number), *lines[index + 1 : end + 1]]
        index = end + 1
    yield _markdown(text, faults)


def _repeated(cells: list[Cell]) -> Iterator[Fault]:
    """Find labels that several cells of a chapter have: their figures would be one file."""
    seen: dict[str, int] = {}
    for cell in cells:
        label = str(cell.options.get("label") or "")
        if label in seen:
            yield Fault(cell.file, cell.line, f"label {label} is used 2 times, first on line {seen[label]}", "rename one")
        if label:
            seen[label] = cell.line


def _block_faults(line: Line, info: str) -> Iterator[Fault]:
    if info in ("{=html}", "{=typst}") or not re.match(r"\{=?\w", info):
        return
    yield Fault(line.file, line.number, f"code block {info} is not supported", "cells are {python}; raw blocks {=html}, {=typst}")


def _div_faults(line: Line) -> Iterator[Fault]:
    match = DIV.match(line.text)
    if not match:
        return
    head = match[1]
    classes = re.findall(r"(?:^\{?|\s)\.([\w-]+)", head) if head.startswith("{") else [head]
    for name in classes:
        if UNSUPPORTED.match(name) and name not in CALLOUTS:
            yield Fault(
                line.file, line.number, f"div .{name} is not supported", "use a callout, a tabset, a layout or plain text"
            )
    if {"content-visible", "content-hidden"} & set(classes) and not re.search(r"(when|unless)-format=", head):
        advice = 'give when-format="html" (or "typst"), or unless-format'
        yield Fault(line.file, line.number, f"conditional content {head} has no format", advice)


def _cell(head: Line, body: tuple[Line, ...], info: str, faults: list[Fault]) -> Cell:
    options: dict[str, Any] = {}
    count = next((i for i, line in enumerate(body) if not line.text.startswith("#|")), len(body))
    try:
        options = yaml.safe_load("\n".join(line.text[2:].removeprefix(" ") for line in body[:count])) or {}
        if not isinstance(options, dict):
            raise yaml.YAMLError("expected keys and values")
    except yaml.YAMLError as error:
        faults.append(Fault(head.file, head.number, f"cell options are not YAML: {getattr(error, 'problem', None) or error}"))
        options = {}
    if info != "{python}":
        faults.append(Fault(head.file, head.number, f"cell head {info} is not supported", "write options as #| lines"))
    for key in sorted(set(options) - CELL_OPTIONS):
        advice = f"known here: {', '.join(sorted(CELL_OPTIONS))}"
        faults.append(Fault(head.file, head.number, f"cell option {key!r} is not supported", advice))
    if isinstance(options.get("echo"), str):
        faults.append(Fault(head.file, head.number, f"echo: {options['echo']} is not supported", "use true or false"))
    return Cell("\n".join(line.text for line in body[count:]), options, head.file, head.number)


def _markdown(lines: list[Line], faults: list[Fault]) -> Markdown:
    """Cut inline expressions out of the text, leaving code fences and longer code spans alone."""
    pieces: list[str | Inline] = []
    text, at = "\n".join(line.text for line in lines), 0
    for match in INLINE.finditer(text):
        if match[1] or _in_fence(text, match.start()):
            continue
        line = lines[text.count("\n", 0, match.start())]
        if match[2] != "python":
            faults.append(Fault(line.file, line.number, f"inline {{{match[2]}}} is not supported", "inline code is {python}"))
        pieces += [text[at : match.start()], Inline(match[3].strip(), line.file, line.number)]
        at = match.end()
    return Markdown((*pieces, text[at:]))


def _in_fence(text: str, position: int) -> bool:
    fence = None
    for line in text[:position].split("\n")[:-1]:
        fence = _fenced(line, fence)
    return fence is not None


@dataclass(frozen=True, slots=True)
class _Words:
    """Values of the shortcodes `var` and `meta`."""

    variables: Mapping[str, Any]
    meta: Mapping[str, Any]

    def replaced(self, line: Line, faults: list[Fault]) -> Line:
        if "{{<" not in line.text:
            return line
        return Line(SHORTCODE.sub(lambda match: self._value(match, line, faults), line.text), line.file, line.number)

    def _value(self, match: re.Match[str], line: Line, faults: list[Fault]) -> str:
        if match[1] is None:
            return match[0][1:-1]
        name, *arguments = match[1].split()
        if name == "pagebreak" and not arguments:
            return "[]{.pagebreak}"
        if name in ("var", "meta") and len(arguments) == 1:
            value = lookup(self.variables if name == "var" else self.meta, arguments[0].strip("\"'"))
            if value is not None and not isinstance(value, (dict, list)):
                return str(value)
            place = "_variables.yml" if name == "var" else "_quarto.yml or the front matter"
            faults.append(Fault(line.file, line.number, f"{name} {arguments[0]!r} has no value", f"set it in {place}"))
            return ""
        advice = "shortcodes here: include (alone on its line), var, meta, pagebreak"
        faults.append(Fault(line.file, line.number, f"shortcode {match[0]} is not supported", advice))
        return ""
