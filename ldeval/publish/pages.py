"""The page around a chapter's HTML: sidebar, contents, previous and next, and the files that every page shares."""

from __future__ import annotations

import base64
from functools import partial
from importlib import resources

from ldeval.publish.config import Book
from ldeval.publish.crossref import Numbered, groups
from ldeval.publish.edition import long_date
from ldeval.publish.html import relative
from ldeval.publish.templating import template

SHARED = "site_libs/ldeval"
STYLE = "style.css"
SCRIPTS = ("report.js", "search.js", "peek.js")
FACES = {
    "source-serif-4-latin-400-normal": ("Source Serif 4", "normal", "400"),
    "source-serif-4-latin-400-italic": ("Source Serif 4", "italic", "400"),
    "source-serif-4-latin-600-normal": ("Source Serif 4", "normal", "600"),
    "source-sans-3-latin-wght-normal": ("Source Sans 3", "normal", "200 900"),
}


def page(book: Book, chapters: list[Numbered], index: int, content: str, edition: str, pdf: str | None) -> str:
    """Give the whole HTML page of the chapter at `index`; `content` is its HTML, `pdf` the report's PDF where it is made."""
    numbered = chapters[index]
    return template("page.html").render(
        book=book,
        here=numbered,
        content=content,
        edition=edition,
        date=long_date(book.date),
        pdf=pdf,
        is_index=numbered.entry.path == "index.qmd",
        address=partial(relative, numbered.page),
        shared=relative(numbered.page, SHARED),
        groups=groups(chapters),
        before=chapters[index - 1] if index else None,
        after=chapters[index + 1] if index + 1 < len(chapters) else None,
        styles=styles(book),
        scripts=SCRIPTS,
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
