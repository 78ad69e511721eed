"""Reads a book's `_quarto.yml` (and `_variables.yml`) into one frozen `Book`; every key is known or refused by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ldeval.publish.faults import BookError, Fault, stop
from ldeval.publish.supported import refused, supported

CONFIG = "_quarto.yml"
INCLUDES = ("include-in-header", "include-before-body", "include-after-body")


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
        """Give an option of a format, or of the whole book, or the default where neither says more than "default"."""
        value = (self.formats.get(form) or {}).get(name, self.options.get(name))
        return default if value in (None, "default") else value

    def texts(self, name: str, form: str) -> list[str]:
        """Give the texts of an include option: a file name, `{file: ...}`, `{text: ...}`, or a list of such."""
        return [self._included(name, item) for item in listed(self.option(name, form))]

    def _included(self, name: str, item: Any) -> str:
        if isinstance(item, dict) and "text" in item:
            return str(item["text"])
        path = str(item.get("file") if isinstance(item, dict) else item)
        try:
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise stop(CONFIG, 0, f"{name}: cannot read {path} ({reason(error)})", "name a text file in the book") from error


def listed(value: Any) -> list[Any]:
    """Give what may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


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
        BookError: no `_quarto.yml`, no YAML; all unknown keys; all chapters and files that are not there or listed twice.

    """
    raw, lines = _load(root, CONFIG)
    if unknown := list(refused(raw, supported()[CONFIG])):
        raise BookError(Fault(CONFIG, lines.get(path, 0), f"{path}{what}", advice) for path, what, advice in unknown)
    book = raw.get("book") or {}
    entries = tuple(_entries(listed(book.get("chapters")), False)) + tuple(_entries(listed(book.get("appendices")), True))
    output = root / str(lookup(raw, "project.output-dir") or "_book")
    if faults := [*_chapter_faults(root, raw, entries, lines), *_file_faults(root, raw, lines)]:
        raise BookError(faults)
    if _holds_sources(output, root, entries):
        advice = "name a folder for the report alone: whatever it holds goes when a new report takes its place"
        what = f"project.output-dir: {output} holds files that are no report"
        raise stop(CONFIG, lines.get("project.output-dir", 0), what, advice)
    variables = _load(root, "_variables.yml")[0] if (root / "_variables.yml").exists() else {}
    return Book(
        root=root,
        output=output,
        title=str(book.get("title") or "Untitled"),
        subtitle=str(book.get("subtitle") or ""),
        authors=tuple(_author(item) for item in listed(book.get("author"))),
        date=str(book.get("date") or ""),
        entries=entries,
        bibliography=tuple(map(str, listed(raw.get("bibliography")))),
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
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        raise stop(name, mark.line + 1 if mark else 0, f"is not YAML: {getattr(error, 'problem', error)}") from error
    if not isinstance(raw, dict):
        raise stop(name, 1, f"expected keys and values, found {type(raw).__name__}")
    return raw, dict(_lines(node, ""))


def _lines(node: Any, path: str) -> Iterator[tuple[str, int]]:
    """Give the lines of all keys, by their path, and of what stands in lists, by what it is."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{path}.{key.value}".lstrip(".")
            yield name, key.start_mark.line + 1
            yield from _lines(value, name)
            if isinstance(value, yaml.ScalarNode):
                yield f"{name}={value.value}", value.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            if isinstance(item, yaml.ScalarNode):
                yield item.value, item.start_mark.line + 1
            yield from _lines(item, path)


def _entries(items: list[Any], appendix: bool, part: str | None = None) -> Iterator[Entry]:
    for item in items:
        if isinstance(item, dict) and "part" in item:
            yield from _entries(listed(item.get("chapters")), appendix, str(item["part"]))
        elif isinstance(item, dict) and "file" in item:
            yield Entry(str(item["file"]), part, appendix)
        else:
            yield Entry(str(item), part, appendix)


def _chapter_faults(root: Path, raw: Mapping[str, Any], entries: tuple[Entry, ...], lines: Mapping[str, int]) -> Iterator[Fault]:
    for part in [item for item in listed(lookup(raw, "book.chapters")) if isinstance(item, dict) and "part" in item]:
        if str(part["part"]).endswith((".qmd", ".md", ".ipynb")) or not part.get("chapters"):
            line = lines.get(f"book.chapters.part={part['part']}", 0)
            advice = "give its title as text, and list its chapters"
            yield Fault(CONFIG, line, f"part {part['part']}: a file, or a part without chapters, is not supported", advice)
    paths = [entry.path for entry in entries]
    if not paths or paths[0] != "index.qmd":
        yield Fault(CONFIG, lines.get("book.chapters", 0), "a book's first chapter is index.qmd", "list it first under chapters")
    for path in dict.fromkeys(paths):
        if paths.count(path) > 1:
            yield Fault(CONFIG, lines.get(path, 0), f"chapter {path} is listed {paths.count(path)} times", "list it once")
        if not path.endswith(".qmd"):
            yield Fault(CONFIG, lines.get(path, 0), f"chapter {path} is no .qmd file", "write it as a Quarto file (.qmd)")
        elif not (root / path).is_file():
            yield Fault(CONFIG, lines.get(path, 0), f"chapter {path} is not there", "write it or take it off the list")


def _holds_sources(output: Path, root: Path, entries: tuple[Entry, ...]) -> bool:
    """Tell whether a folder holds the book, a chapter of it, or anything but a report."""
    names = [path.name for path in output.iterdir() if path.name[0] != "."] if output.is_dir() else []
    made = (".html", ".pdf", ".typ") if output.name[0] == "_" else ()  # by its name nobody keeps papers of their own there
    is_report = "site_libs" in names or all(name.endswith(made) for name in names)
    within = (path.resolve().is_relative_to(output.resolve()) for path in (root, *(root / entry.path for entry in entries)))
    return not is_report or any(within)


def _file_faults(root: Path, raw: Mapping[str, Any], lines: Mapping[str, int]) -> Iterator[Fault]:
    if lookup(raw, "book.date") in ("today", "now", "last-modified"):
        advice = "write the day: a report is the same whenever it is built"
        yield Fault(CONFIG, lines.get("book.date", 0), f"book.date: {raw['book']['date']} is not supported", advice)
    for pattern in map(str, listed(lookup(raw, "project.resources"))):
        if not pattern.strip("/") or ".." in pattern:
            advice = "name files of the book, or patterns such as data/*.csv"
            yield Fault(CONFIG, lines.get("project.resources", 0), f"project.resources: {pattern!r} is outside the book", advice)
    for key in ("bibliography", "csl", "css", "format.html.css"):
        for name in listed(lookup(raw, key)):
            if not (root / str(name)).is_file():
                yield Fault(CONFIG, lines.get(key, 0), f"{key}: {name} is not there", "write it or take the key out")


def _author(item: Any) -> Author:
    return Author(str(item.get("name", "")), str(item.get("affiliation") or "")) if isinstance(item, dict) else Author(str(item))
