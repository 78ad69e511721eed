"""What both formats need of a numbered chapter: only its own content, its references, images and links resolved."""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, get_args
from urllib.parse import unquote

from ldeval.publish import ast
from ldeval.publish.ast import Node
from ldeval.publish.config import Book, listed, lookup
from ldeval.publish.crossref import REFERENCE, Numbered, Target, reference
from ldeval.publish.faults import Fault
from ldeval.publish.structure import CONDITIONAL

Form = Literal["html", "typst"]
EXTERNAL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:")


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
        if CONDITIONAL & set(names):
            return list(content) if _meant(attributes, form) else []
        return None

    return ast.walk(tree, change)


def _meant(attributes: ast.Attr, form: Form) -> bool:
    when, unless = (str(ast.value(attributes, f"{word}-format", "")).split(":")[0] for word in ("when", "unless"))
    return (when in ("", form) and unless != form) == ("content-visible" in attributes[1])


def headings(blocks: list[Node]) -> list[Node]:
    """Give the headings that a page of HTML shows."""
    unseen = (div for div in ast.nodes(blocks, "Div") if CONDITIONAL & set(ast.classes(div)) and not _meant(div["c"][0], "html"))
    hidden = {id(header) for div in unseen for header in ast.nodes(div, "Header")}
    return [header for header in ast.nodes(blocks, "Header") if id(header) not in hidden]


def prepared(
    numbered: Numbered,
    form: Form,
    known: Mapping[str, Target],
    raw: Callable[[Any], Any],
    image: Callable[[Node, str], Any],
    href: Callable[[str, str], str],
) -> list[Node]:
    """Give a chapter's blocks for a format, its title first.

    `raw` brings raw content into form, `image(node, path)` an image; `href(path, anchor)` gives an address within the book.
    """

    def change(node: Node) -> Any:
        if node["t"] == "Image":
            return image(node, place(numbered, node["c"][2][0]))
        if node["t"] == "Link" and not EXTERNAL.match(node["c"][2][0]):
            path, anchor = _address(numbered, node["c"][2][0])
            return {"t": "Link", "c": [*node["c"][:2], [href(path, anchor), node["c"][2][1]]]}
        return reference(node, known, href) if node["t"] == "Cite" else None

    pairs = [("number", numbered.numeral + (" —" if numbered.entry.appendix else ""))] if numbered.number else []
    title = {"t": "Header", "c": [1, ast.attr(numbered.label, pairs=pairs), numbered.title]}
    return list(ast.walk(raw(only([title, *numbered.blocks], form)), change))


def needed(book: Book, chapters: list[Numbered], made: Mapping[str, bytes]) -> tuple[set[str], list[Fault]]:
    """Give the files that the report needs: resources of the project, images and files linked to; and each that is not there.

    `made` are the files that the chapters' code gave. Links within the book lead to a section or an exhibit.
    """
    anchors = {n.entry.path: {*ast.identifiers([n.title, n.blocks]), n.label, "refs", ""} for n in chapters}
    files = set(resources(book))
    faults = [fault for numbered in chapters for fault in _repeated(numbered)]
    for numbered in chapters:
        for node in ast.nodes(numbered.blocks, "Image", "Link"):
            target, is_image = node["c"][2][0], node["t"] == "Image"
            path, anchor = (place(numbered, target), "") if is_image else _address(numbered, target)
            what, advice = f"image {target} is not there" if is_image else f"link {target} leads nowhere", ""
            if EXTERNAL.match(target):
                what = f"image {target} is on the network, or no file"
                advice = "keep a copy in the book: a report makes no request" if is_image else ""
            elif path in anchors:
                advice = "" if anchor in anchors[path] else f"{path} has no section or exhibit of that name"
            elif path in made or (book.root / path).is_file():
                files.add(path)
            else:
                advice = f"looked for {path} in the book"
            if advice:
                faults.append(Fault(*numbered.chapter.find(target or "]()"), what, advice))
    return files, faults


def _repeated(numbered: Numbered) -> Iterator[Fault]:
    """Find ids that a chapter's text gives twice in one format; labels of exhibits are told with the other chapters'."""
    if len(given := list(ast.identifiers(numbered.blocks))) == len(set(given)):
        return
    for form in get_args(Form):
        times = Counter(ast.identifiers(only(numbered.blocks, form)))
        for name in [name for name in times if times[name] > 1 and not REFERENCE.match(name)]:
            pattern = re.compile(rf"\{{[^}}]*#{re.escape(name)}[\s}}]")
            lines = [line for line in numbered.chapter.lines for _ in pattern.findall(line.text)]
            if len(lines) > 1:
                yield Fault(lines[0].file, lines[0].number, f"id {name} is used {times[name]} times in one chapter", "rename one")


def resources(book: Book) -> Iterator[str]:
    """Give the files that `project: resources` names, by names or patterns; what is rendered is none of them."""
    for pattern in listed(lookup(book.options, "project.resources")):
        for path in book.root.glob(str(pattern).lstrip("/")):
            if path.is_file() and book.output not in path.parents:
                yield path.relative_to(book.root).as_posix()


def place(numbered: Numbered, target: str) -> str:
    """Give the path in the book of an address written in a chapter."""
    address = unquote(target)
    if address.startswith("/"):
        return address.lstrip("/")
    return posixpath.normpath(posixpath.join(posixpath.dirname(numbered.entry.path), address))


def _address(numbered: Numbered, target: str) -> tuple[str, str]:
    """Give path and anchor of an address within the book."""
    address, _, anchor = target.partition("#")
    return place(numbered, address) if address else numbered.entry.path, unquote(anchor)


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
    works, styles = ([book.root / name for name in names] for names in (book.bibliography, [book.csl] if book.csl else []))
    arguments = ["--citeproc", "-Mlink-citations=true", *([f"-Mlang={lang}"] if lang else [])]
    arguments += [*(f"--bibliography={path}" for path in works), *(f"--csl={path}" for path in styles)]
    meta = {"nocite": {"t": "MetaInlines", "c": [_nocite(key) for key in nocite]}} if nocite else {}
    return ast.write(blocks, meta, *form, *arguments, reads=[*works, *styles])


def _nocite(key: str) -> Node:
    item = {"citationId": key, "citationPrefix": [], "citationSuffix": [], "citationMode": {"t": "AuthorInText"}}
    return {"t": "Cite", "c": [[item | {"citationNoteNum": 0, "citationHash": 0}], [ast.string("@" + key)]]}
