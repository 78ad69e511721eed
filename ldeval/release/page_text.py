"""The visible text of rendered pages, passage by passage, and what changed in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from pathlib import Path

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
BLOCKS = frozenset((*HEADINGS, "p", "li", "td", "th", "tr", "caption", "figcaption", "div", "section", "dt", "dd"))
SILENT = frozenset(("script", "style", "nav", "template", "dialog", "svg", "math", "button", "pre", "footer", "table"))
"""What is not prose. Tables are compared cell by cell from their data."""

VOID = frozenset(("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"))
SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z“(])")


@dataclass(frozen=True, slots=True)
class Edit:
    """Neighbouring sentences of one page that were replaced, added or removed."""

    page: str
    old: tuple[str, ...]
    new: tuple[str, ...]


def edits(old: Mapping[str, Path], new: Mapping[str, Path]) -> Iterator[Edit]:
    """Compare the sentences of pages of the same name; a page on one side only is compared with an empty one."""
    for page in sorted({*old, *new}):
        before, after = (sentences(files[page]) if page in files else [] for files in (old, new))
        for tag, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
            if tag != "equal":
                yield Edit(page, tuple(before[a:b]), tuple(after[c:d]))


def sentences(path: Path) -> list[str]:
    """Give the sentences of a page's main part in order: headings, paragraphs, list items, captions."""
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    reader.close()
    passages = (" ".join(passage.split()) for passage in reader.passages)
    return [sentence for passage in passages if passage for sentence in SENTENCE.split(passage)]


class _Reader(HTMLParser):
    """Collects text by block, inside `main` where there is one, outside what is not prose."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.passages = [""]
        self.silent: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "main":
            self.passages = [""]
        if tag in BLOCKS:
            self.passages.append("")
        if tag == "br":
            self.passages[-1] += " "
        if (self.silent or tag in SILENT) and tag not in VOID:
            self.silent.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self.silent:
            while self.silent.pop() != tag:
                pass
        if tag in BLOCKS:
            self.passages.append("")
        if tag == "main":
            self.silent.append("after main")

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.passages[-1] += data
