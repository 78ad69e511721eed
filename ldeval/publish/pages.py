"""The page around a chapter's HTML: sidebar, contents, previous and next, and the files that every page shares."""

from __future__ import annotations

from functools import partial
from importlib import resources

from ldeval.publish.config import Book, listed
from ldeval.publish.crossref import Numbered, groups
from ldeval.publish.html import relative
from ldeval.publish.look import faces
from ldeval.publish.look.edition import long_date
from ldeval.publish.prepare import headings
from ldeval.publish.templating import template

SHARED = "site_libs/ldeval"
STYLE = "style.css"
SCRIPTS = ("report.js", "search.js", "peek.js")


def page(book: Book, chapters: list[Numbered], index: int, content: str, edition: str, pdf: str | None) -> str:
    """Give the whole HTML page of the chapter at `index`; `content` is its HTML, `pdf` the report's PDF where it is made."""
    numbered = chapters[index]
    depth = book.option("toc-depth", "html", 3)
    return template("page.html").render(
        book=book,
        here=numbered,
        content=content,
        edition=edition,
        date=long_date(book.date),
        pdf=pdf,
        headings=[node["c"] for node in headings(numbered.blocks) if node["c"][0] <= depth],
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
    return files | {f"{SHARED}/fonts.css": faces.style_sheet()}


def styles(book: Book) -> list[str]:
    """Give the book's own style sheets."""
    return [str(name) for name in listed(book.option("css", "html"))]
