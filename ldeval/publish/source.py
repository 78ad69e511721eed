"""Reads one chapter: its text with includes and shortcodes resolved, cut into Markdown and code, each line with its origin."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ldeval.publish.config import Book, lookup, reason
from ldeval.publish.faults import BookError, Fault, stop
from ldeval.publish.supported import refused, supported

FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*(.*?)\s*$")
SHORTCODE = re.compile(r"\{\{\{<.*?>\}\}\}|\{\{<\s*(.*?)\s*>\}\}")
INLINE = re.compile(r"(`{2,}).*?(?<!`)\1(?!`)|(?<!`)`\{(\w+)\}[ \t]+([^`]+)`(?!`)", re.DOTALL)
INCLUDE = re.compile(r"^\s*\{\{<\s*include\s+(\S+)\s*>\}\}\s*$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text and where it was written."""

    text: str
    file: str
    number: int


@dataclass(frozen=True, slots=True)
class Code:
    """Python to run and where it stands: a cell with its options, or an inline expression, which has none."""

    text: str
    file: str
    line: int
    options: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.options is None:
            return f"inline code `{self.text}`"
        return f"cell {self.options['label']!r}" if self.options.get("label") else "cell"


@dataclass(frozen=True, slots=True)
class Chapter:
    """A chapter's source: front matter, its parts in order (Markdown and code), and every line, those of includes among them."""

    path: str
    meta: Mapping[str, Any]
    parts: tuple[str | Code, ...]
    lines: tuple[Line, ...]

    def find(self, *needles: str) -> tuple[str, int]:
        """Give file and line of the first line that holds a needle as a whole word (one after the other), or the chapter."""
        for needle in needles:
            word = re.compile(re.escape(needle) + (r"(?![\w-])" if needle[-1:].isalnum() else ""))
            if place := next(((line.file, line.number) for line in self.lines if word.search(line.text)), None):
                return place
        return self.path, 0

    @property
    def text(self) -> str:
        """The chapter with its includes, as one text."""
        return "\n".join(line.text for line in self.lines)

    @property
    def code(self) -> list[Code]:
        """All that is to be run, in order."""
        return [part for part in self.parts if isinstance(part, Code)]


def read_chapter(book: Book, path: str) -> Chapter:
    """Read the chapter at `path` (relative to the book's root).

    Raises:
        BookError: not UTF-8, an include or variable that is not there, front matter or cell options that are not YAML, and
            constructs that are not supported.

    """
    lines = tuple(_expand(book.root, path, ()))
    meta, body = _front_matter(path, lines)
    scopes = {"var": book.variables, "meta": {**book.options, **(book.options.get("book") or {}), **meta}}
    faults: list[Fault] = []
    chapter = Chapter(path, meta, tuple(_parts(body, scopes, faults)), lines)
    if faults := [*faults, *_cell_faults(chapter.code)]:
        raise BookError(faults)
    return chapter


def _expand(root: Path, path: str, within: tuple[str, ...], at: Line | None = None) -> Iterator[Line]:
    where = (at.file, at.number) if at else (path, 0)
    if path in within:
        raise stop(*where, f"{path} includes itself", "break the circle of includes")
    try:
        text = (root / path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        advice = "save it as UTF-8" if isinstance(error, UnicodeDecodeError) else "paths are relative to the file that includes"
        raise stop(*where, f"{path} cannot be read ({reason(error)})", advice) from error
    fence = None
    for number, content in enumerate(text.splitlines(), start=1):
        line = Line(content, path, number)
        fence = _fenced(content, fence)
        if fence is None and (match := INCLUDE.match(content)):
            yield from _expand(root, _resolve(path, match[1]), (*within, path), line)
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
    faults: list[Fault] = []
    meta = _settings("front matter key", [line.text for line in lines[1:end]], Line("", path, 1), faults)
    if faults:
        raise BookError(faults)
    return meta, lines[end + 1 :]


def _settings(kind: str, text: Sequence[str], head: Line, faults: list[Fault]) -> dict[str, Any]:
    """Read the YAML of a block that begins with the line `head`: each key is of a known kind, or refused."""
    try:
        values = yaml.safe_load("\n".join(text)) or {}
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        whole, line = ("cell options are", 0) if kind == "cell option" else ("front matter is", mark.line + 1 if mark else 0)
        faults.append(Fault(head.file, head.number + line, f"{whole} not YAML: {getattr(error, 'problem', error)}"))
        return {}
    unknown = list(refused(values, supported()[kind]))
    faults += [Fault(head.file, head.number, f"{kind} {path!r}{why}", advice) for path, why, advice in unknown]
    return {} if unknown else dict(values)


def _parts(lines: Iterable[Line], scopes: Mapping[str, Any], faults: list[Fault]) -> Iterator[str | Code]:
    for run in _runs(lines):
        head, info = run[0], FENCE.match(run[0].text)
        fence = _fenced(head.text, None)
        if fence and (len(run) == 1 or _fenced(run[-1].text, fence)):
            faults.append(Fault(head.file, head.number, "code block is not closed", f"end it with {fence}"))
        elif fence and info and re.match(r"\{python\b", info[2]):
            yield _cell(run, info[2], faults)
        else:
            text = "".join(_replaced(line, scopes, faults) + "\n" for line in run)
            yield from [_verbatim(text, head, faults)] if fence else _text(text, run, faults)


def _runs(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Give the lines in runs: text, or a whole code block with its fences."""
    run: list[Line] = []
    fence = None
    for line in lines:
        before, fence = fence, _fenced(line.text, fence)
        if before is None and fence and run:
            yield run
            run = []
        run.append(line)
        if before and fence is None:
            yield run
            run = []
    if run:
        yield run


def _replaced(line: Line, scopes: Mapping[str, Any], faults: list[Fault]) -> str:
    """Give the text of a line with its shortcodes resolved; `scopes` are the values of `var` and `meta`."""

    def value(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][1:-1]
        if match[1] == "pagebreak":
            return "[]{.pagebreak}"
        name, _, argument = match[1].partition(" ")
        found = lookup(scopes.get(name), argument.strip(" \"'"))
        if found is None or isinstance(found, (dict, list)):
            what = f"{name} {argument!r} has no value" if name in scopes else f"shortcode {match[0]} is not supported"
            advice = (
                "shortcodes here: include (alone on its line), meta (set in _quarto.yml), pagebreak, var (set in _variables.yml)"
            )
            faults.append(Fault(line.file, line.number, what, advice))
        return str(found)

    return SHORTCODE.sub(value, line.text) if "{{<" in line.text else line.text


def _verbatim(text: str, head: Line, faults: list[Fault]) -> str:
    """Check a code block that is only shown; `{{python}}` is shown as `{python}`, as Quarto does."""
    first, _, rest = text.partition("\n")
    first = re.sub(r"\{\{(\w+)\}\}", r"{.\1}", first)
    if (kind := re.search(r"[`~]\s*(\{=?\w.*)", first)) and kind[1] not in ("{=html}", "{=typst}"):
        advice = "cells are {python}; raw blocks {=html}, {=typst}"
        faults.append(Fault(head.file, head.number, f"code block {kind[1]} is not supported", advice))
    return f"{first}\n{rest}"


def _text(text: str, lines: Sequence[Line], faults: list[Fault]) -> Iterator[str | Code]:
    """Cut inline expressions out of a text, leaving longer code spans alone."""
    at = 0
    for match in INLINE.finditer(text):
        if match[1]:
            continue
        line = lines[text.count("\n", 0, match.start())]
        if match[2] != "python":
            faults.append(Fault(line.file, line.number, f"inline {{{match[2]}}} is not supported", "inline code is {python}"))
            continue
        yield text[at : match.start()]
        yield Code(match[3].strip(), line.file, line.number)
        at = match.end()
    yield text[at:]


def _cell(run: Sequence[Line], info: str, faults: list[Fault]) -> Code:
    head, *body, _ = run
    count = next((i for i, line in enumerate(body) if not line.text.startswith("#|")), len(body))
    options = _settings("cell option", [line.text[2:].removeprefix(" ") for line in body[:count]], head, faults)
    if head.text[0] not in "`~":
        faults.append(Fault(head.file, head.number, "an indented cell is not supported", "begin it at the margin, outside lists"))
    if info != "{python}":
        faults.append(Fault(head.file, head.number, f"cell head {info} is not supported", "write options as #| lines"))
    return Code("\n".join(line.text for line in body[count:]), head.file, head.number, options)


def _cell_faults(code: Sequence[Code]) -> Iterator[Fault]:
    """Find inline code without a cell, and labels that several cells have: their figures would be one file."""
    seen: dict[str, int] = {}
    for part in code:
        label = str((part.options or {}).get("label") or "")
        if label in seen:
            yield Fault(part.file, part.line, f"label {label} is used 2 times, first on line {seen[label]}", "rename one")
        if label:
            seen[label] = part.line
    if code and all(part.options is None for part in code):
        advice = "add one, if only an import: Quarto evaluates inline code in chapters with a cell alone"
        yield Fault(code[0].file, code[0].line, "inline python in a chapter without a python cell", advice)
