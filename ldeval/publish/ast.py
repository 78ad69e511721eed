"""Pandoc's document tree as plain data: reading, writing, and the few helpers that the steps over the tree share.

A node is `{"t": type, "c": content}`; an attribute list is `[id, [classes], [[key, value], ...]]`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from ldeval.publish.pandoc import pandoc

Node = dict[str, Any]
Attr = list[Any]

ATTRIBUTES = {"Div": 0, "Span": 0, "Code": 0, "CodeBlock": 0, "Link": 0, "Image": 0, "Table": 0, "Figure": 0, "Header": 1}
"""Where a node's content holds its attribute list."""

LEAVES = frozenset(("Str", "Space", "SoftBreak", "LineBreak"))

READER = "markdown+autolink_bare_uris"

START = "ldeval "
"""Goes before words while they are read: they are never a list, a heading or code."""


def parse(markdown: str, extensions: str = "") -> Node:
    """Read Markdown, as Quarto's reader does, into a document tree."""
    tree: Node = json.loads(pandoc(markdown, "-f", READER + extensions, "-t", "json"))
    return tree


def parse_inlines(text: str, extensions: str = "") -> list[Node]:
    """Read words into inlines, whatever Markdown would make of them at the start of a block."""
    return list(parse(START + " ".join(text.split()), extensions)["blocks"][0]["c"][2:])


def write(blocks: list[Node], meta: Node, *arguments: str, reads: Iterable[Path] = ()) -> str:
    """Write blocks in the format that the arguments name; `reads` are the files that the metadata name."""
    document = {"pandoc-api-version": [1, 23, 1], "meta": meta, "blocks": blocks}
    return pandoc(json.dumps(document), "-f", "json", *arguments, reads=reads)


def parse_html(text: str) -> list[Node]:
    """Read HTML into blocks; scripts and styles are left out."""
    return list(json.loads(pandoc(text, "-f", "html-native_divs-native_spans", "-t", "json"))["blocks"])


def walk(node: Any, change: Callable[[Node], Any]) -> Any:
    """Rebuild a tree from its leaves up, strings and spaces aside. `change` gives None (keep), a node, or a list to splice in."""
    if isinstance(node, list):
        items: list[Any] = []
        for item in node:
            new = walk(item, change) if isinstance(item, (dict, list)) else item
            is_splice = isinstance(new, list) and isinstance(item, dict)
            items.extend(new) if is_splice else items.append(new)
        return items
    if node.get("t") in LEAVES:
        return node
    if "t" not in node:
        return {key: walk(value, change) if isinstance(value, (dict, list)) else value for key, value in node.items()}
    rebuilt = {**node, "c": walk(node["c"], change)} if isinstance(node.get("c"), (dict, list)) else node
    new = change(rebuilt)
    return rebuilt if new is None else new


def nodes(tree: Any, *kinds: str) -> list[Node]:
    """Give every node of some types, in reading order."""
    found: list[Node] = []
    _find(tree, kinds, found)
    return found


def identifiers(tree: Any) -> Iterator[str]:
    """Give the id of every node that has one."""
    for node in nodes(tree, *ATTRIBUTES):
        if identifier := node["c"][ATTRIBUTES[node["t"]]][0]:
            yield identifier


def _find(tree: Any, kinds: tuple[str, ...], found: list[Node]) -> None:
    if isinstance(tree, dict):
        kind = tree.get("t")
        if kind in kinds:
            found.append(tree)
        if kind in LEAVES:
            return
        tree = tree.values()
    for item in tree:
        if isinstance(item, (dict, list)):
            _find(item, kinds, found)


def plain(tree: Any) -> str:
    """Give the text of inlines or blocks without any markup; notes are left out."""
    if isinstance(tree, list):
        return "".join(map(plain, tree))
    if not isinstance(tree, dict):
        return ""
    kind, content = tree.get("t"), tree.get("c")
    if kind == "Str":
        return str(content)
    if kind in ("Space", "SoftBreak", "LineBreak"):
        return " "
    if kind in ("Code", "Math"):
        return str(content[1]) if content else ""
    if kind == "Quoted" and content:
        return f"‘{plain(content[1])}’" if content[0]["t"] == "SingleQuote" else f"“{plain(content[1])}”"
    return "" if kind in ("Note", "RawInline", "RawBlock") else plain(content)


def attr(identifier: str = "", classes: Iterable[str] = (), pairs: Iterable[tuple[str, str]] = ()) -> Attr:
    """Make an attribute list."""
    return [identifier, list(classes), [list(pair) for pair in pairs]]


def value(attributes: Attr, key: str, default: str | None = None) -> str | None:
    """Give the value of a key in an attribute list."""
    return next((str(v) for k, v in attributes[2] if k == key), default)


def add(node: Node, key: str, value: str) -> Node:
    """Give the node with one more attribute."""
    at = ATTRIBUTES[node["t"]]
    content = list(node["c"])
    content[at] = [*content[at][:2], [*content[at][2], [key, value]]]
    return {"t": node["t"], "c": content}


def without(attributes: Attr, *keys: str) -> Attr:
    """Give the attribute list without some keys."""
    return [attributes[0], attributes[1], [pair for pair in attributes[2] if pair[0] not in keys]]


def div(content: list[Node], identifier: str = "", classes: Iterable[str] = (), pairs: Iterable[tuple[str, str]] = ()) -> Node:
    """Make a div."""
    return {"t": "Div", "c": [attr(identifier, classes, pairs), content]}


def span(content: list[Node], identifier: str = "", classes: Iterable[str] = (), pairs: Iterable[tuple[str, str]] = ()) -> Node:
    """Make a span."""
    return {"t": "Span", "c": [attr(identifier, classes, pairs), content]}


def link(content: list[Node], target: str, classes: Iterable[str] = ()) -> Node:
    """Make a link."""
    return {"t": "Link", "c": [attr("", classes), content, [target, ""]]}


def string(text: str) -> Node:
    """Make a string."""
    return {"t": "Str", "c": text}


def block(form: str, text: str) -> Node:
    """Make a raw block of a format ("html" or "typst")."""
    return {"t": "RawBlock", "c": [form, text]}


def raw(form: str, text: str) -> Node:
    """Make raw inline text of a format."""
    return {"t": "RawInline", "c": [form, text]}


def classes(node: Node) -> list[str]:
    """Give the classes of a node that has attributes, else none."""
    at = ATTRIBUTES.get(node.get("t", ""))
    return [] if at is None else list(node["c"][at][1])
