"""The page around a chapter's HTML: sidebar, contents, previous and next, and the files that every page shares."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import jinja2
from markupsafe import Markup

from ldeval.publish import ast, words
from ldeval.publish.config import Book
from ldeval.publish.crossref import Numbered
from ldeval.publish.edition import long_date
from ldeval.publish.html import relative

SHARED = "site_libs/ldeval"
STYLE = "style.css"
SCRIPTS = ("report.js", "search.js", "peek.js")
FACES = {
    "source-serif-4-latin-400-normal": ("Source Serif 4", "normal", "400"),
    "source-serif-4-latin-400-italic": ("Source Serif 4", "italic", "400"),
    "source-serif-4-latin-600-normal": ("Source Serif 4", "normal", "600"),
    "source-sans-3-latin-wght-normal": ("Source Sans 3", "normal", "200 900"),
}


@dataclass(frozen=True, slots=True)
class Link:
    """A line of the sidebar or of the contents: an address seen from the page, a number, and what it is called."""

    href: str
    number: str
    title: str
    current: bool = False
    level: int = 1


def page(book: Book, chapters: list[Numbered], index: int, content: str, edition: str, pdf: str | None) -> str:
    """Give the whole HTML page of the chapter at `index`; `content` is its HTML, `pdf` the report's PDF where it is made."""
    numbered = chapters[index]
    links = [_link(numbered, other) for other in chapters]
    return _template().render(
        book=book,
        content=content,
        edition=edition,
        date=long_date(book.date),
        pdf=pdf and relative(numbered.page, pdf),
        title=ast.plain(numbered.title),
        crumb=" ".join(filter(None, [links[index].number, links[index].title])),
        group=numbered.group,
        is_index=numbered.entry.path == "index.qmd",
        page=numbered.page,
        root=relative(numbered.page, "."),
        shared=relative(numbered.page, SHARED),
        home=relative(numbered.page, "index.html"),
        groups=list(_groups(chapters, links)),
        contents=list(_contents(numbered)) if book.option("toc", "html", True) else [],
        before=links[index - 1] if index else None,
        after=links[index + 1] if index + 1 < len(links) else None,
        styles=[relative(numbered.page, name) for name in styles(book)],
        scripts=SCRIPTS,
        head=_texts(book, "include-in-header"),
        top=_texts(book, "include-before-body"),
        foot=_texts(book, "include-after-body"),
    )


def shared_files() -> dict[str, bytes]:
    """Give the files that every page uses, by their path in the report."""
    folder = resources.files("ldeval.publish") / "templates"
    files = {f"{SHARED}/{name}": (folder / name).read_bytes() for name in (STYLE, *SCRIPTS)}
    return files | {f"{SHARED}/fonts.css": _fonts()}


def _fonts() -> bytes:
    """Give the typefaces as data inside a style sheet: some browsers load no font file from another folder of the disk."""
    rules = []
    for name, (family, style, weight) in FACES.items():
        data = (resources.files("ldeval.publish") / "fonts" / f"{name}.woff2").read_bytes()
        about = f'font-family: "{family}"; font-style: {style}; font-weight: {weight}; font-display: swap'
        source = f"url(data:font/woff2;base64,{base64.b64encode(data).decode()})"
        rules.append(f'@font-face {{ {about}; src: {source} format("woff2"); }}')
    return ("\n".join(rules) + "\n").encode()


def styles(book: Book) -> list[str]:
    """Give the book's own style sheets."""
    value = book.option("css", "html") or []
    return [str(name) for name in (value if isinstance(value, list) else [value])]


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    text = (resources.files("ldeval.publish") / "templates" / "page.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters |= {"words": words.as_html, "plain": words.plain}
    return environment.from_string(text)


def _link(here: Numbered, other: Numbered) -> Link:
    number = f"Appendix {other.number}" if other.entry.appendix and other.number else other.number
    return Link(relative(here.page, other.page), number, ast.plain(other.title), here is other)


def _groups(chapters: list[Numbered], links: list[Link]) -> Iterator[tuple[str | None, list[Link]]]:
    """Give the sidebar's groups: (name of the part or None, its chapters)."""
    current: tuple[str | None, list[Link]] | None = None
    for numbered, link in zip(chapters, links, strict=True):
        name = numbered.group
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


def _texts(book: Book, name: str) -> list[Markup]:
    return [Markup(re.sub(r"\s+$", "", text)) for _, text in book.files(name, "html")]
