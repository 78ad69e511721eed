"""Numbers chapters, sections, figures, tables and equations across the book, and turns references to them into links."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, groupby
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node
from ldeval.publish.config import Book, Entry
from ldeval.publish.faults import BookError, Fault
from ldeval.publish.source import Chapter
from ldeval.publish.structure import CONDITIONAL
from ldeval.publish.supported import supported

PREFIX = {"fig": "Figure", "tbl": "Table", "eq": "Equation", "sec": "Section"}
REFERENCE = re.compile(r"^([Ff]ig|[Tt]bl|[Ee]q|[Ss]ec)-")
UNSUPPORTED = re.compile(supported()["construct"]["refused labels"])
NBSP = "\u00a0"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be referred to: what it is called ("Figure"), its number ("2.1", "2.2 (a)"), and where it stands."""

    label: str
    name: str
    number: str
    page: str


@dataclass(frozen=True, slots=True)
class Numbered:
    """A chapter whose blocks carry their numbers; `number` is "" where the chapter has none, a letter in an appendix."""

    entry: Entry
    chapter: Chapter
    label: str
    number: str
    title: list[Node]
    blocks: list[Node]
    targets: tuple[Target, ...]

    @property
    def page(self) -> str:
        """The chapter's HTML page, relative to the report's folder."""
        return self.entry.path.removesuffix(".qmd") + ".html"

    @property
    def numeral(self) -> str:
        """What a list of chapters puts before the title: "1", "Appendix A", or nothing."""
        return f"Appendix {self.number}" if self.entry.appendix and self.number else self.number

    @property
    def group(self) -> str | None:
        """The part that the chapter belongs to."""
        return "Appendices" if self.entry.appendix else self.entry.part


def groups(chapters: list[Numbered]) -> list[tuple[str | None, list[Numbered]]]:
    """Give the chapters by the part that they belong to, in order."""
    return [(name, list(members)) for name, members in groupby(chapters, lambda numbered: numbered.group)]


def number_book(book: Book, chapters: list[tuple[Chapter, list[Node]]]) -> list[Numbered]:
    """Give the chapters with their numbers, in order.

    Raises:
        BookError: a label used twice, a chapter with several titles or none.

    """
    counts: Counter[str] = Counter()
    loose: Counter[str] = Counter()
    numbered: list[Numbered] = []
    faults: list[Fault] = []
    for entry, (chapter, blocks) in zip(book.entries, chapters, strict=True):
        heads = [node for node in ast.nodes(blocks, "Header") if node["c"][0] == 1]
        if len(heads) != 1 or heads[0] not in blocks:
            advice = "begin it with one heading # Title, or give a title in the front matter"
            faults.append(Fault(chapter.path, 0, f"expected one level-1 heading, found {len(heads)}", advice))
            continue
        (label, names, _), title = heads[0]["c"][1:]
        kind, number = "Appendix" if entry.appendix else "Chapter", ""
        if "unnumbered" not in names and book.options.get("number-sections", False):
            counts[kind] += 1
            number = _letter(counts[kind]).upper() if entry.appendix else str(counts[kind])
        found = chain(_misplaced(blocks), _conditional(blocks, bool(number)))
        faults += [Fault(*chapter.find(text), what, advice) for text, what, advice in found]
        numbers = _Numbers(entry, number, Counter() if number else loose)
        numbers.add(label, kind if number else "", number or ast.plain(title))
        body = numbers.through([node for node in blocks if node is not heads[0]])
        numbered.append(Numbered(entry, chapter, label, number, title, body, tuple(numbers.targets)))
    if faults := [*faults, *_repeated(numbered)]:
        raise BookError(faults)
    return numbered


def _misplaced(blocks: list[Node]) -> Iterator[tuple[str, str, str]]:
    """Find headings without words, and those that skip a level, which no reader of the PDF's structure could follow."""
    before = 0
    for node in ast.nodes(blocks, "Header", "Div"):
        if "tabset" in ast.classes(node):
            before = int(ast.value(node["c"][0], "level") or 1)  # the PDF has its titles as headings
        if node["t"] == "Div":
            continue
        level, _, content = node["c"]
        text = ast.plain(content)
        if not text.strip():
            yield "#" * level, "a heading without words is not supported", "give it words"
        if level > before + 1:
            yield text, f"heading {text!r} of level {level} follows one of level {before}", "go down one level at a time"
        before = level


def _conditional(blocks: list[Node], is_numbered: bool) -> Iterator[tuple[str, str, str]]:
    """Find what would be numbered in one format alone."""
    for div in ast.nodes(blocks, "Div", "Span"):
        if CONDITIONAL & set(ast.classes(div)):
            headers = [node["c"] for node in ast.nodes(div, "Header") if is_numbered and "unnumbered" not in ast.classes(node)]
            for name in chain((ast.plain(content) for *_, content in headers), filter(REFERENCE.match, ast.identifiers(div))):
                advice = "take it out, or leave it without a number: numbers are the same in HTML and PDF"
                yield name, f"{name} in conditional content is not supported", advice


class _Numbers:
    """Counts through one chapter, writing a `number` attribute on headings, floats and equations."""

    def __init__(self, entry: Entry, number: str, counts: Counter[str]) -> None:
        self.entry, self.number, self.counts = entry, number, counts
        self.sections: list[int] = []
        self.targets: list[Target] = []

    def add(self, label: str, name: str, number: str) -> None:
        """Note what can be referred to."""
        if label:
            self.targets.append(Target(label, name, number, self.entry.path))

    def through(self, tree: Any, around: str = "") -> Any:
        """Give a tree with its numbers, from the top down; `around` is the number of the float that it stands in."""
        if isinstance(tree, list):
            return [self.through(item, around) for item in tree]
        if not isinstance(tree, dict) or tree.get("t") in ast.LEAVES:
            return tree
        number, names = "", ast.classes(tree)
        if tree.get("t") == "Header":
            number = self._section(*tree["c"])
        elif "float" in names:
            number = self._float(tree["c"][0], around)
            around = around or number
        elif "equation" in names:
            number = self._next("eq")
            self.add(tree["c"][0][0], PREFIX["eq"], number)
        inside = {key: self.through(value, around) for key, value in tree.items()}
        return ast.add(inside, "number", number) if number else inside

    def _next(self, kind: str) -> str:
        self.counts[kind] += 1
        return f"{self.number}.{self.counts[kind]}" if self.number else str(self.counts[kind])

    def _section(self, level: int, attributes: ast.Attr, content: list[Node]) -> str:
        number = ""
        if self.number and "unnumbered" not in attributes[1]:
            depth = max(level - 1, 1)
            self.sections = (self.sections + [0] * depth)[:depth]
            self.sections[-1] += 1
            number = ".".join([self.number, *map(str, self.sections)])
        self.add(attributes[0], PREFIX["sec"] if number else "", number or ast.plain(content))
        return number

    def _float(self, attributes: ast.Attr, around: str) -> str:
        kind = ast.value(attributes, "kind") or "fig"
        if around:
            self.counts["sub"] += 1
            number = f"({_letter(self.counts['sub'])})"
        else:
            number, self.counts["sub"] = self._next(kind) if attributes[0] else "", 0
        self.add(attributes[0], PREFIX[kind], f"{around}{NBSP}{number}" if around else number)
        return number


def _letter(number: int) -> str:
    """Give the letter of a number: a to z, then aa."""
    return (_letter((number - 1) // 26) if number > 26 else "") + chr(ord("a") + (number - 1) % 26)


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


def unresolved(chapters: list[Numbered], known: Mapping[str, Target], works: set[str]) -> Iterator[Fault]:
    """Find every reference and citation of the book that leads nowhere, and brackets that mix the two."""
    for numbered in chapters:
        for cite in ast.nodes([numbered.title, numbered.blocks], "Cite"):
            names = [item["citationId"] for item in cite["c"][0]]
            for name in names:
                place = numbered.chapter.find(f"@{name}")
                if REFERENCE.match(name) and label(name) not in known:
                    advice = f"label something #{label(name)}, or mend the name"
                    yield Fault(*place, f"reference @{name} leads nowhere", advice)
                elif UNSUPPORTED.match(name) and name not in works:
                    yield Fault(*place, f"reference @{name} is not supported", "references are @fig-, @tbl-, @sec- and @eq-")
                elif not REFERENCE.match(name) and name not in works:
                    yield Fault(*place, f"citation @{name} is not in the bibliography", "add it there, or mend the key")
                elif bool(REFERENCE.match(name)) != bool(REFERENCE.match(names[0])):
                    yield Fault(
                        *place, f"@{name} and @{names[0]} in one bracket", "give references and citations brackets of their own"
                    )


def label(name: str) -> str:
    """Give the label that a reference means: `Fig-x` and `fig-x` are the same."""
    return name[0].lower() + name[1:]


def reference(node: Node, known: Mapping[str, Target], href: Callable[[str, str], str]) -> list[Node] | None:
    """Give references as links, `href(path, label)` being the address of a label; None for a citation."""
    if not all(REFERENCE.match(item["citationId"]) for item in node["c"][0]):
        return None
    parts: list[Node] = []
    for item in node["c"][0]:
        target = known[label(item["citationId"])]
        text = [*_prefix(item, target), ast.string(target.number)]
        parts += [ast.string(","), {"t": "Space"}] if parts else []
        parts += [ast.link(text, href(target.page, target.label), ["quarto-xref"]), *item["citationSuffix"]]
    return parts


def _prefix(item: Mapping[str, Any], target: Target) -> list[Node]:
    if item["citationPrefix"]:
        return [*item["citationPrefix"], ast.string(NBSP)]
    return [] if item["citationMode"]["t"] == "SuppressAuthor" or not target.name else [ast.string(target.name + NBSP)]
