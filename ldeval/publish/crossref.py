"""Numbers chapters, sections, figures, tables and equations across the book, and turns references to them into links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node
from ldeval.publish.config import Book, Entry
from ldeval.publish.faults import BookError, Fault
from ldeval.publish.source import Chapter

PREFIX = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section"}
REFERENCE = re.compile(r"^([Ff]ig|[Tt]bl|[Ee]q|[Ss]ec)-")
UNSUPPORTED = re.compile(r"^(lst|thm|lem|cor|prp|cnj|def|exm|exr|sol|rem|alg|vid|nte|tip|wrn|cau|imp)-")
NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be referred to: what it is called ("Figure"), its number ("2.1", "2.2 (a)"), and where it stands."""

    label: str
    name: str
    number: str
    page: str


@dataclass(frozen=True, slots=True)
class Heading:
    """A section heading below the chapter's title."""

    level: int
    label: str
    number: str
    content: list[Node]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A chapter whose blocks carry their numbers; `number` is "" where the chapter has none, a letter in an appendix."""

    entry: Entry
    chapter: Chapter
    label: str
    number: str
    title: list[Node]
    blocks: list[Node]
    headings: tuple[Heading, ...]
    targets: tuple[Target, ...]

    @property
    def page(self) -> str:
        """The chapter's HTML page, relative to the report's folder."""
        return self.entry.path.removesuffix(".qmd") + ".html"

    @property
    def group(self) -> str | None:
        """The part that the chapter belongs to."""
        return "Appendices" if self.entry.appendix else self.entry.part


def number_book(book: Book, chapters: list[tuple[Entry, Chapter, list[Node]]]) -> list[Numbered]:
    """Give the chapters with their numbers, in order.

    Raises:
        BookError: a label used twice, a chapter with several titles or none.

    """
    counts: Counter[str] = Counter()
    loose: Counter[str] = Counter()
    numbered: list[Numbered] = []
    faults: list[Fault] = []
    for entry, chapter, blocks in chapters:
        label, title, plain_title, rest = _title(chapter, blocks, faults)
        number = ""
        if not plain_title and book.options.get("number-sections", False):
            kind = "appendix" if entry.appendix else "chapter"
            counts[kind] += 1
            number = chr(ord("A") + counts[kind] - 1) if entry.appendix else str(counts[kind])
        numbers = _Numbers(entry, number, loose if not number else Counter())
        body = [numbers.block(node) for node in rest]
        if label:
            name = "Appendix" if entry.appendix else "Chapter"
            numbers.targets.insert(0, Target(label, name if number else "", number or ast.plain(title), entry.path))
        numbered.append(
            Numbered(entry, chapter, label, number, title, body, tuple(numbers.headings), tuple(numbers.targets)),
        )
    faults += _repeated(numbered)
    if faults:
        raise BookError(faults)
    return numbered


def _title(chapter: Chapter, blocks: list[Node], faults: list[Fault]) -> tuple[str, list[Node], bool, list[Node]]:
    """Take the title out of the blocks: label, inlines, whether it is unnumbered, and the other blocks."""
    heads = [node for node in blocks if node["t"] == "Header" and node["c"][0] == 1]
    if title := chapter.meta.get("title"):
        if heads:
            faults.append(Fault(chapter.path, 0, "a title in the front matter and a level-1 heading", "keep one of them"))
        paragraph = ast.parse(str(title))["blocks"]
        label = ast.plain(paragraph).lower()
        return re.sub(r"[^\w]+", "-", label).strip("-"), paragraph[0]["c"], False, blocks
    if len(heads) != 1:
        advice = "begin it with one heading # Title"
        faults.append(Fault(chapter.path, 0, f"expected one level-1 heading, found {len(heads)}", advice))
        return "", [ast.string(chapter.path)], True, blocks
    attributes, content = heads[0]["c"][1:]
    return attributes[0], content, "unnumbered" in attributes[1], [node for node in blocks if node is not heads[0]]


class _Numbers:
    """Counts through one chapter, writing a `number` attribute on headings, floats and equations."""

    def __init__(self, entry: Entry, number: str, counts: Counter[str]) -> None:
        self.entry, self.number, self.counts = entry, number, counts
        self.sections: list[int] = []
        self.headings: list[Heading] = []
        self.targets: list[Target] = []

    def block(self, node: Any) -> Any:
        """Give the node with its numbers; goes from the top down, so that a float is counted before its parts."""
        if isinstance(node, list):
            return [self.block(item) for item in node]
        if not isinstance(node, dict):
            return node
        if node.get("t") == "Header":
            return self._header(node)
        if node.get("t") == "Div" and "float" in ast.classes(node):
            return self._float(node)
        if node.get("t") == "Span" and "equation" in ast.classes(node):
            return self._equation(node)
        return {key: self.block(value) for key, value in node.items()}

    def _next(self, kind: str) -> str:
        self.counts[kind] += 1
        return f"{self.number}.{self.counts[kind]}" if self.number else str(self.counts[kind])

    def _add(self, label: str, kind: str, number: str, name: str | None = None) -> None:
        if label:
            self.targets.append(Target(label, PREFIX[kind] if name is None else name, number, self.entry.path))

    def _header(self, node: Node) -> Node:
        level, attributes, content = node["c"]
        number = ""
        if self.number and "unnumbered" not in attributes[1]:
            depth = max(level - 1, 1)
            self.sections = (self.sections + [0] * depth)[:depth]
            self.sections[-1] += 1
            number = ".".join([self.number, *map(str, self.sections)])
        self.headings.append(Heading(level, attributes[0], number, content))
        self._add(attributes[0], "sec", number or ast.plain(content), None if number else "")
        return {"t": "Header", "c": [level, _numbered(attributes, number), content]}

    def _float(self, node: Node, parent: str = "") -> Node:
        attributes, content = node["c"]
        kind = ast.value(attributes, "kind") or "fig"
        number = ""
        if parent:
            self.counts["sub"] += 1
            number = f"({chr(ord('a') + self.counts['sub'] - 1)})"
        elif attributes[0]:
            number, self.counts["sub"] = self._next(kind), 0
        self._add(attributes[0], kind, f"{parent}{NBSP}{number}" if parent else number)
        below = parent or number
        inside = [self._inside(child, below) if below else self.block(child) for child in content]
        return {"t": "Div", "c": [_numbered(attributes, number), inside]}

    def _inside(self, node: Any, parent: str) -> Any:
        if isinstance(node, list):
            return [self._inside(item, parent) for item in node]
        if isinstance(node, dict) and node.get("t") == "Div" and "float" in ast.classes(node):
            return self._float(node, parent)
        return {key: self._inside(value, parent) for key, value in node.items()} if isinstance(node, dict) else node

    def _equation(self, node: Node) -> Node:
        attributes, content = node["c"]
        number = self._next("eq")
        self._add(attributes[0], "eq", number)
        return {"t": "Span", "c": [_numbered(attributes, number), content]}


def _numbered(attributes: ast.Attr, number: str) -> ast.Attr:
    return [attributes[0], attributes[1], [*attributes[2], ["number", number]]] if number else attributes


def _repeated(chapters: list[Numbered]) -> Iterator[Fault]:
    places: dict[str, list[str]] = {}
    for numbered in chapters:
        for target in numbered.targets:
            if REFERENCE.match(target.label):
                places.setdefault(target.label, []).append(target.page)
    by_path = {numbered.entry.path: numbered.chapter for numbered in chapters}
    for label, pages in places.items():
        if len(pages) > 1:
            file, line = by_path[pages[-1]].find(label)
            yield Fault(file, line, f"label {label} is used {len(pages)} times ({', '.join(dict.fromkeys(pages))})", "rename it")


def targets(chapters: list[Numbered]) -> dict[str, Target]:
    """Give every target of the book by its label (only labels that can be referred to with @)."""
    return {target.label: target for numbered in chapters for target in numbered.targets if REFERENCE.match(target.label)}


def unresolved(chapters: list[Numbered], known: Mapping[str, Target], citations: set[str]) -> Iterator[Fault]:
    """Find every reference and citation of the book that leads nowhere."""
    for numbered in chapters:
        for cite in ast.nodes([numbered.title, numbered.blocks], "Cite"):
            for item in cite["c"][0]:
                name = item["citationId"]
                file, line = numbered.chapter.find(f"@{name}")
                if REFERENCE.match(name) and label(name) not in known:
                    yield Fault(
                        file, line, f"reference @{name} leads nowhere", f"label something #{label(name)}, or mend the name"
                    )
                elif UNSUPPORTED.match(name) and name not in citations:
                    yield Fault(file, line, f"reference @{name} is not supported", "references are @fig-, @tbl-, @sec- and @eq-")
                elif not REFERENCE.match(name) and name not in citations:
                    yield Fault(file, line, f"citation @{name} is not in the bibliography", "add it there, or mend the key")


def label(name: str) -> str:
    """Give the label that a reference means: `Fig-x` and `fig-x` are the same."""
    return name[0].lower() + name[1:]


def resolve(tree: Any, known: Mapping[str, Target], href: Any) -> Any:
    """Replace references by links; `href(target)` gives the address in the format at hand. Citations stay."""

    def change(node: Node) -> list[Node] | None:
        if node["t"] != "Cite" or not all(REFERENCE.match(item["citationId"]) for item in node["c"][0]):
            return None
        parts: list[Node] = []
        for item in node["c"][0]:
            target = known[label(item["citationId"])]
            text = [*_prefix(item, target), ast.string(target.number)]
            parts += [ast.string(","), {"t": "Space"}] if parts else []
            parts += [ast.link(text, href(target), ["quarto-xref"]), *item["citationSuffix"]]
        return parts

    return ast.walk(tree, change)


def _prefix(item: Mapping[str, Any], target: Target) -> list[Node]:
    if item["citationPrefix"]:
        return [*item["citationPrefix"], ast.string(NBSP)]
    return [] if item["citationMode"]["t"] == "SuppressAuthor" or not target.name else [ast.string(target.name + NBSP)]
