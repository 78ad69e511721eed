"""The page around a chapter's HTML: sidebar, contents, previous and next, and the files that every page shares."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import jinja2

from ldeval.publish import ast
from ldeval.publish.config import Book
from ldeval.publish.crossref import Numbered
from ldeval.publish.html import relative

SHARED = "site_libs/ldeval"
ASSETS = ("style.css", "report.js")


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the sidebar or of the contents: an address seen from the page, a number, and what it is called."""

    href: str
    number: str
    title: str
    current: bool = False
    level: int = 1


def page(book: Book, chapters: list[Numbered], index: int, content: str) -> str:
    """Give the whole HTML page of the chapter at `index`; `content` is its HTML."""
    numbered = chapters[index]
    links = [_link(numbered, other) for other in chapters]
    return _template().render(
        book=book,
        content=content,
        title=ast.plain(numbered.title),
        is_index=numbered.entry.path == "index.qmd",
        shared=relative(numbered.page, SHARED),
        home=relative(numbered.page, "index.html"),
        groups=list(_groups(chapters, links)),
        contents=list(_contents(numbered)) if book.option("toc", "html", True) else [],
        before=links[index - 1] if index else None,
        after=links[index + 1] if index + 1 < len(links) else None,
        styles=[relative(numbered.page, name) for name in styles(book)],
        head=_texts(book, "include-in-header"),
        top=_texts(book, "include-before-body"),
        foot=_texts(book, "include-after-body"),
    )


def shared_files() -> dict[str, bytes]:
    """Give the files that every page uses, by their path in the report."""
    folder = resources.files("ldeval.publish") / "templates"
    return {f"{SHARED}/{name}": (folder / name).read_bytes() for name in ASSETS}


def styles(book: Book) -> list[str]:
    """Give the book's own style sheets."""
    value = book.option("css", "html") or []
    return [str(name) for name in (value if isinstance(value, list) else [value])]


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    text = (resources.files("ldeval.publish") / "templates" / "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(text)


def _link(here: Numbered, other: Numbered) -> Link:
    number = f"Appendix {other.number}" if other.entry.appendix and other.number else other.number
    return Link(relative(here.page, other.page), number, ast.plain(other.title), here is other)


def _groups(chapters: list[Numbered], links: list[Link]) -> Iterator[tuple[str | None, list[Link]]]:
    """Give the sidebar's groups: (name of the part or None, its chapters)."""
    current: tuple[str | None, list[Link]] | None = None
    for numbered, link in zip(chapters, links, strict=True):
        name = "Appendices" if numbered.entry.appendix else numbered.entry.part
        if current is None or current[0] != name:
            if current:
                yield current
            current = (name, [])
        current[1].append(link)
    if current:
        yield current


def _contents(numbered: Numbered) -> Iterator[Link]:
    for heading in numbered.headings:
        if heading.level <= 3:
            yield Link(f"#{heading.label}", heading.number, ast.plain(heading.content), level=heading.level)


def _texts(book: Book, name: str) -> list[Any]:
    from markupsafe import Markup

    return [Markup(re.sub(r"\s+$", "", text)) for _, text in book.files(name, "html")]
