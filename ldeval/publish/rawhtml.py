"""What raw HTML of a chapter may not hold: files of its own, which nothing would copy, and tables in pieces."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser

LOADERS = ("link", "iframe", "object", "embed")
SOURCES = {"src", "srcset", "poster"}
URL = re.compile(r"url\(\s*[\"']?(?!\s*(?:data:|#)|[\"'\s])", re.IGNORECASE)
"""A file in a style sheet; data and names within the page are none."""


def refused(text: str) -> Iterator[tuple[str, str]]:
    """Find what a piece of raw HTML holds that is not supported, and what to do; comments, scripts and words do not count."""
    read = _Reader()
    read.feed(text)
    if read.loads:
        yield "raw HTML that loads a file", "write ![alt](picture.png) for an image: a report makes no request"
    if read.tables > 0:
        yield "an HTML table in Markdown", "put it into a block ```{=html}, or have the cell display the table, not print it"


@dataclass
class _Reader(HTMLParser):
    """Tells whether files are loaded, and counts tables that stay open."""

    loads: bool = False
    tables: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a tag and its attributes."""
        self.tables += tag == "table"
        self.loads |= tag in LOADERS
        for key, value in attrs:
            address = (value or "").strip().lower()
            is_source = key in SOURCES or (tag == "image" and key in ("href", "xlink:href"))
            self.loads |= is_source and not address.startswith(("data:", "#"))
            self.loads |= key == "style" and bool(URL.search(address))

    def handle_endtag(self, tag: str) -> None:
        """Close a table."""
        self.tables -= tag == "table"

    def handle_data(self, data: str) -> None:
        """Look at a style sheet."""
        self.loads |= self.cdata_elem == "style" and bool(URL.search(data))
