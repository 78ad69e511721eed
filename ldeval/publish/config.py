"""Reads a book's `_quarto.yml` (and `_variables.yml`) into one frozen `Book`; every key is known or refused by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ldeval.publish.faults import BookError, Fault, stop

CONFIG = "_quarto.yml"

OPTIONS = {"toc", "toc-depth", "toc-title", "number-sections", "code-fold", "code-summary", "fig-width", "fig-height"}
LOOK = {"theme", "css", "anchor-sections", "code-copy", "code-tools", "code-overflow", "smooth-scroll", "grid", "fontsize"}
LOOK |= {"linestretch", "mainfont", "monofont", "link-external-newwindow", "page-layout", "html-math-method", "fig-responsive"}
LOOK |= {"lightbox", "citations-hover", "crossrefs-hover", "footnotes-hover", "respect-user-color-scheme", "minimal", "search"}
INCLUDES = {"include-in-header", "include-before-body", "include-after-body"}
TYPST = {
    "papersize",
    "margin",
    "section-numbering",
    "columns",
    "citeproc",
    "keep-typ",
    "pdf-standard",
    "fig-format",
    "output-file",
}
EXECUTE = {"echo", "eval", "include", "output", "warning", "error", "enabled", "freeze", "cache"}

KEYS: dict[str, set[str]] = {
    "": {"project", "book", "bibliography", "csl", "lang", "crossref", "format", "execute", "jupyter", "engine"}
    | ({"link-citations", "citeproc", "nocite", "language"} | OPTIONS | LOOK | INCLUDES),
    "project": {"type", "output-dir", "execute-dir", "resources", "render"},
    "book": {"title", "subtitle", "author", "date", "date-format", "chapters", "appendices", "description", "language"}
    | {"search", "sidebar", "page-navigation", "output-file", "downloads", "reader-mode", "page-footer", "abstract"},
    "crossref": {"chapters"},
    "format": {"html", "typst"},
    "format.html": OPTIONS | LOOK | INCLUDES | {"embed-resources", "number-depth", "link-citations"},
    "format.typst": OPTIONS | TYPST | LOOK | INCLUDES | {"number-depth"},
    "execute": EXECUTE,
}
"""What `_quarto.yml` may say. Keys in LOOK and a few others dress Quarto's own pages; the built-in pages have one look."""

SHAPES: dict[str, type] = dict.fromkeys(("project", "book", "format", "execute", "crossref"), dict)
SHAPES |= dict.fromkeys(("book.chapters", "book.appendices"), list)


@dataclass(frozen=True, slots=True)
class Entry:
    """A chapter as `_quarto.yml` lists it: `path` is relative to the book's root, POSIX style."""

    path: str
    part: str | None = None
    appendix: bool = False


@dataclass(frozen=True, slots=True)
class Author:
    """A name and where that person or body belongs."""

    name: str
    affiliation: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """The whole configuration. `options` are the top level of `_quarto.yml`, `formats` those of html and typst."""

    root: Path
    output: Path
    title: str
    subtitle: str
    authors: tuple[Author, ...]
    date: str
    entries: tuple[Entry, ...]
    bibliography: tuple[str, ...]
    csl: str | None
    lang: str
    options: Mapping[str, Any]
    formats: Mapping[str, Mapping[str, Any]]
    variables: Mapping[str, Any]

    def option(self, name: str, form: str, default: Any = None) -> Any:
        """Give an option of a format, or of the whole book, or the default."""
        own = self.formats.get(form) or {}
        return own.get(name, self.options.get(name, default))

    def files(self, name: str, form: str) -> list[tuple[str | None, str]]:
        """Give the (file, text) pairs of an include option: a file name, a list of them, or `{text: ...}`."""
        value = self.option(name, form) or []
        items = value if isinstance(value, list) else [value]
        return [(None, str(i["text"])) if isinstance(i, dict) and "text" in i else self._included(name, i) for i in items]

    def _included(self, name: str, item: Any) -> tuple[str, str]:
        path = str(item["file"] if isinstance(item, dict) and "file" in item else item)
        try:
            return path, (self.root / path.lstrip("/")).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise stop(CONFIG, 0, f"{name}: cannot read {path} ({reason(error)})", "name a text file in the book") from error


def lookup(values: Any, path: str) -> Any:
    """Give the value at a path of keys such as "book.title", or None."""
    for key in path.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def reason(error: Exception) -> str:
    """Say in short why a file could not be read."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8, first at byte {error.start}"
    return getattr(error, "strerror", None) or str(error)


def read_book(root: Path) -> Book:
    """Read the configuration of the book in `root`.

    Raises:
        BookError: no `_quarto.yml`, no YAML, unknown keys, chapters that are not there or listed twice: all at once.

    """
    raw, lines = _load(root, CONFIG)
    if misshapen := list(_misshapen(raw, lines)):
        raise BookError(misshapen)
    faults = list(_unknown(raw, lines))
    book = raw.get("book") or {}
    if (raw.get("project") or {}).get("type", "book") != "book":
        faults.append(Fault(CONFIG, lines.get("project.type", 0), "only projects of type book are rendered"))
    entries = tuple(_entries(book.get("chapters") or [], False)) + tuple(_entries(book.get("appendices") or [], True))
    faults += _chapter_faults(root, entries, lines)
    faults += _file_faults(root, raw, lines)
    if faults:
        raise BookError(faults)
    variables = _load(root, "_variables.yml")[0] if (root / "_variables.yml").exists() else {}
    return Book(
        root=root,
        output=root / (raw.get("project") or {}).get("output-dir", "_book"),
        title=str(book.get("title") or "Untitled"),
        subtitle=str(book.get("subtitle") or ""),
        authors=tuple(_authors(book.get("author"))),
        date=str(book.get("date") or ""),
        entries=entries,
        bibliography=_names(raw.get("bibliography")),
        csl=raw.get("csl"),
        lang=str(raw.get("lang") or "en"),
        options={key: value for key, value in raw.items() if key != "format"},
        formats={name: value if isinstance(value, dict) else {} for name, value in (raw.get("format") or {"html": {}}).items()},
        variables=variables,
    )


def _load(root: Path, name: str) -> tuple[dict[str, Any], dict[str, int]]:
    try:
        text = (root / name).read_text(encoding="utf-8-sig")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        raw = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as error:
        raise stop(name, 0, f"cannot be read ({reason(error)})", "a Quarto book has this file at its root") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise stop(name, mark.line + 1 if mark else 0, f"is not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(raw, dict):
        raise stop(name, 1, f"expected keys and values, found {type(raw).__name__}")
    return raw, dict(_lines(node, ""))


def _lines(node: Any, path: str) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{path}.{key.value}".lstrip(".")
            yield name, key.start_mark.line + 1
            yield from _lines(value, name)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.ScalarNode):
                yield f"{path}[{item.value}]", item.start_mark.line + 1
            else:
                yield from _lines(item, path)


def _misshapen(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Fault]:
    for path, shape in SHAPES.items():
        value = lookup(raw, path)
        if value is not None and not isinstance(value, shape):
            wanted = "a list" if shape is list else "keys and values"
            yield Fault(CONFIG, lines.get(path, 0), f"{path}: expected {wanted}, found {type(value).__name__}")


def _unknown(raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Fault]:
    for path, allowed in KEYS.items():
        value = lookup(raw, path) if path else raw
        for key in value if isinstance(value, dict) else ():
            if key not in allowed:
                name = f"{path}.{key}".lstrip(".")
                advice = f"known here: {', '.join(sorted(allowed))}"
                yield Fault(CONFIG, lines.get(name, 0), f"{name} is not supported by the built-in renderer", advice)


def _entries(items: list[Any], appendix: bool, part: str | None = None) -> Iterator[Entry]:
    for item in items:
        if isinstance(item, dict) and "part" in item:
            yield from _entries(item.get("chapters") or [], appendix, str(item["part"]))
        elif isinstance(item, dict) and "file" in item:
            yield Entry(str(item["file"]), part, appendix)
        else:
            yield Entry(str(item), part, appendix)


def _chapter_faults(root: Path, entries: tuple[Entry, ...], lines: Mapping[str, int]) -> Iterator[Fault]:
    where = {path: line for name, line in lines.items() if name.endswith("]") for path in [name[name.rindex("[") + 1 : -1]]}
    paths = [entry.path for entry in entries]
    if not paths or paths[0] != "index.qmd":
        yield Fault(CONFIG, lines.get("book.chapters", 0), "a book's first chapter is index.qmd", "list it first under chapters")
    for path in dict.fromkeys(paths):
        if paths.count(path) > 1:
            yield Fault(CONFIG, where.get(path, 0), f"chapter {path} is listed {paths.count(path)} times", "list it once")
        if not path.endswith(".qmd"):
            yield Fault(CONFIG, where.get(path, 0), f"chapter {path} is no .qmd file", "write it as a Quarto file (.qmd)")
        elif not (root / path).is_file():
            yield Fault(CONFIG, where.get(path, 0), f"chapter {path} is not there", "write it or take it off the list")


def _file_faults(root: Path, raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Fault]:
    for key in ("bibliography", "csl"):
        for name in _names(raw.get(key)):
            if not (root / name).is_file():
                yield Fault(CONFIG, lines.get(key, 0), f"{key}: {name} is not there", "write it or take the key out")


def _names(value: Any) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, list) else (str(value),) if value else ()


def _authors(value: Any) -> Iterator[Author]:
    for item in value if isinstance(value, list) else [value] if value else []:
        if isinstance(item, dict):
            yield Author(str(item.get("name", "")), str(item.get("affiliation") or ""))
        else:
            yield Author(str(item))
