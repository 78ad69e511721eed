"""What both formats need of a numbered chapter: only its own content, its images and links checked and rewritten."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from ldeval.publish import ast
from ldeval.publish.ast import Node
from ldeval.publish.config import Book
from ldeval.publish.crossref import REFERENCE, Numbered
from ldeval.publish.faults import Fault

Form = Literal["html", "typst"]
EXTERNAL = re.compile(r"^(https?:|mailto:|doi:)")


def only(tree: Any, form: Form) -> Any:
    """Keep what is meant for a format: conditional content and outputs that differ by format."""
    other = "for-typst" if form == "html" else "for-html"

    def change(node: Node) -> list[Node] | None:
        if node["t"] not in ("Div", "Span"):
            return None
        attributes, content = node["c"]
        names = attributes[1]
        if other in names:
            return []
        if f"for-{form}" in names:
            return list(content)
        if "content-visible" in names or "content-hidden" in names:
            return list(content) if _meant(attributes, form) else []
        return None

    return ast.walk(tree, change)


def _meant(attributes: ast.Attr, form: Form) -> bool:
    when, unless = ast.value(attributes, "when-format"), ast.value(attributes, "unless-format")
    holds = (when is None or _is_format(when, form)) and (unless is None or not _is_format(unless, form))
    return holds if "content-visible" in attributes[1] else not holds


def _is_format(name: str, form: Form) -> bool:
    return name.split(":")[0] == form


def identifiers(tree: Any) -> Iterator[str]:
    """Give the id of every node that has one."""
    for node in ast.nodes(tree, *ast.ATTRIBUTES):
        if identifier := node["c"][ast.ATTRIBUTES[node["t"]]][0]:
            yield identifier


@dataclass(slots=True)
class Checker:
    """Checks the addresses of a book's images and links, and notes the files that the report needs."""

    book: Book
    chapters: list[Numbered]
    made: Mapping[str, bytes]
    assets: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Begin with the files that the project names as its resources."""
        self.assets |= set(resources(self.book))

    def faults(self) -> Iterator[Fault]:
        """Find every image that is not there and every link within the book that leads nowhere."""
        anchors = {n.entry.path: {*identifiers([n.title, n.blocks]), n.label, "refs", ""} for n in self.chapters}
        for numbered in self.chapters:
            for image in ast.nodes(numbered.blocks, "Image"):
                yield from self._image(numbered, image)
            for node in ast.nodes(numbered.blocks, "Link"):
                yield from self._link(numbered, node["c"][2][0], anchors)

    def _image(self, numbered: Numbered, image: Node) -> Iterator[Fault]:
        target = image["c"][2][0]
        file, line = numbered.chapter.find(target)
        path = place(numbered, target)
        if EXTERNAL.match(target):
            yield Fault(file, line, f"image {target} is on the network", "keep a copy in the book: a report makes no request")
        elif path in self.made or (self.book.root / path).is_file():
            self.assets.add(path)
        else:
            yield Fault(file, line, f"image {target} is not there", f"looked for {path} in the book")

    def _link(self, numbered: Numbered, target: str, anchors: Mapping[str, set[str]]) -> Iterator[Fault]:
        if EXTERNAL.match(target):
            return
        address, _, anchor = target.partition("#")
        path = place(numbered, address) if address else numbered.entry.path
        file, line = numbered.chapter.find(target)
        if path in anchors:
            if unquote(anchor) not in anchors[path]:
                yield Fault(file, line, f"link {target} leads nowhere", f"{path} has no section or exhibit of that name")
        elif (self.book.root / path).is_file():
            self.assets.add(path)
        else:
            yield Fault(file, line, f"link {target} leads nowhere", f"looked for {path} in the book")


def resources(book: Book) -> Iterator[str]:
    """Give the files that `project: resources` names, by names or patterns; what is rendered is none of them."""
    named = (book.options.get("project") or {}).get("resources") or []
    for pattern in named if isinstance(named, list) else [named]:
        for path in book.root.glob(str(pattern).lstrip("/")):
            if path.is_file() and book.output not in path.parents:
                yield path.relative_to(book.root).as_posix()


def place(numbered: Numbered, target: str) -> str:
    """Give the path in the book of an address written in a chapter."""
    address = unquote(target)
    if address.startswith("/"):
        return address.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(numbered.entry.path), address))


def addresses(numbered: Numbered, tree: Any, image: Callable[[Node, str], Any], href: Callable[[str, str], str]) -> Any:
    """Rewrite images by `image(node, path)` and links within the book by `href(path, anchor)`."""

    def change(node: Node) -> Any:
        if node["t"] == "Image":
            return image(node, place(numbered, node["c"][2][0]))
        if node["t"] == "Link" and not EXTERNAL.match(node["c"][2][0]):
            address, _, anchor = node["c"][2][0].partition("#")
            path = place(numbered, address) if address else numbered.entry.path
            return {"t": "Link", "c": [*node["c"][:2], [href(path, anchor), node["c"][2][1]]]}
        return None

    return ast.walk(tree, change)


def alternative(image: Node) -> str:
    """Give the alternative text of an image: `fig-alt`, else its caption, else none."""
    alt = ast.value(image["c"][0], "fig-alt")
    return alt if alt is not None else ast.plain(image["c"][1])


def citations(tree: Any) -> list[str]:
    """Give the keys of the works cited, in order of first use."""
    keys = (item["citationId"] for cite in ast.nodes(tree, "Cite") for item in cite["c"][0])
    return [key for key in dict.fromkeys(keys) if not REFERENCE.match(key)]


def lists_works(blocks: list[Node]) -> bool:
    """Tell whether a chapter has the div in which the book's works are listed."""
    return any(node["c"][0][0] == "refs" for node in ast.nodes(blocks, "Div"))


def write(book: Book, blocks: list[Node], *form: str, lang: str | None, nocite: list[str]) -> str:
    """Write blocks with their citations, and the list of the works that they or `nocite` name."""
    if not (nocite or citations(blocks)):
        return ast.write(blocks, {}, *form)
    names = [*book.bibliography, *([book.csl] if book.csl else [])]
    meta: Node = {"link-citations": {"t": "MetaBool", "c": True}}
    meta["bibliography"] = {"t": "MetaList", "c": [{"t": "MetaString", "c": str(book.root / name)} for name in book.bibliography]}
    meta |= {"csl": {"t": "MetaString", "c": str(book.root / book.csl)}} if book.csl else {}
    meta |= {"lang": {"t": "MetaString", "c": lang}} if lang else {}
    meta |= {"nocite": {"t": "MetaInlines", "c": [_nocite(key) for key in nocite]}} if nocite else {}
    return ast.write(blocks, meta, *form, "--citeproc", reads=[book.root / name for name in names])


def _nocite(key: str) -> Node:
    item = {"citationId": key, "citationPrefix": [], "citationSuffix": [], "citationMode": {"t": "AuthorInText"}}
    return {"t": "Cite", "c": [[item | {"citationNoteNum": 0, "citationHash": 0}], [ast.string("@" + key)]]}
