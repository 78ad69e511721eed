"""The index behind the search and the previews: one classic script, since pages opened from disk can load nothing else.

It sets `ldevalIndex` to `{"pages": [[path, title]], "sections": [[page, anchor, title, text]], "targets": {label: [page,
caption, image]}}`; `page` is a place in `pages`, `image` a path from the report's folder or "".
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

from ldeval.publish.memory import remembered

CODE = Path(__file__).read_bytes()
"""What reads a page, part of what is remembered of it."""

HEADINGS = ("h1", "h2", "h3")
SILENT = ("script", "style", "annotation", "button", "template")
EMPTY = ("img", "br", "hr", "input", "source", "col", "meta", "link", "wbr")
BLOCKS = ("p", "li", "td", "th", "tr", "figcaption", "div", "pre", "dt", "dd", "br", "h4", "h5", "summary", "caption")
UNSEEN = {"screen-reader-only", "code-fold", "data-link"}
FLOAT = re.compile(r"^(fig|tbl)-")


@dataclass(slots=True)
class Section:
    """The text between two headings, and the anchor that leads there."""

    anchor: str
    title: str = ""
    text: str = ""


@dataclass(slots=True)
class Exhibit:
    """A figure or table that can be referred to."""

    label: str
    depth: int
    caption: str = ""
    image: str = ""


@dataclass
class Reader(HTMLParser):
    """Reads a chapter's HTML into sections and exhibits."""

    sections: list[Section] = field(default_factory=lambda: [Section("")])
    exhibits: list[Exhibit] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.inside: list[Exhibit] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a section at a heading, an exhibit at its div; note the exhibit's image."""
        given = dict(attrs)
        label = given.get("id") or ""
        if tag in HEADINGS:
            self.sections.append(Section(label))
        elif tag == "div" and FLOAT.match(label):
            self.inside.append(Exhibit(label, len(self.open)))
            self.exhibits.append(self.inside[-1])
        elif tag == "img" and self.inside:
            for exhibit in self.inside:
                exhibit.image = exhibit.image or given.get("src") or ""
        self._space(tag)
        if tag not in EMPTY:
            hidden = bool(UNSEEN & set((given.get("class") or "").split())) or given.get("aria-hidden") == "true"
            self.open.append("style" if hidden else tag)

    def handle_endtag(self, tag: str) -> None:
        """Close what is open."""
        if tag not in EMPTY and self.open:
            self.open.pop()
        if self.inside and len(self.open) == self.inside[-1].depth:
            self.inside.pop()
        self._space(tag)

    def handle_data(self, data: str) -> None:
        """Take up text."""
        if any(tag in SILENT for tag in self.open):
            return
        section = self.sections[-1]
        if any(tag in HEADINGS for tag in self.open):
            section.title += data
        else:
            section.text += data
        if "figcaption" in self.open and self.inside:
            self.inside[-1].caption += data

    def _space(self, tag: str) -> None:
        if tag in BLOCKS:
            self.sections[-1].text += " "


def index(pages: Iterable[tuple[str, str, str]]) -> bytes:
    """Give the index of (path, title, HTML of its content) of every page."""
    names, sections, targets = [], [], {}
    for number, (path, title, html) in enumerate(pages):
        names.append([path, title])
        told, exhibits = json.loads(remembered([CODE, html.encode()], partial(_read, html)))
        sections += [[number, anchor, heading or title, text] for anchor, heading, text in told]
        for label, caption, source in exhibits:
            image = posixpath.normpath(posixpath.join(posixpath.dirname(path), source)) if source else ""
            targets[label] = [number, caption, image]
    content = {"pages": names, "sections": sections, "targets": targets}
    return f"window.ldevalIndex={json.dumps(content, ensure_ascii=False, separators=(',', ':'))};\n".encode()


def _read(html: str) -> str:
    """Give a page's sections (anchor, title, text) and exhibits (label, caption, image) as JSON."""
    reader = Reader()
    reader.feed(html)
    sections = [(section.anchor, _plain(section.title), _plain(section.text)) for section in reader.sections]
    exhibits = [(exhibit.label, _plain(exhibit.caption), exhibit.image) for exhibit in reader.exhibits]
    return json.dumps([[told for told in sections if told[1] or told[2]], exhibits])


def _plain(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())
