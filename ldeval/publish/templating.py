"""The templates: the page of HTML, the document of the PDF, and the shapes of both, a macro for each kind of div.

A shape's macro gets the div as a mapping (its attributes, its `content`, its parts by their class) and says with `put` where the
content of a part stands; what it writes around becomes raw blocks.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import jinja2
from markupsafe import Markup

from ldeval.publish import ast, words
from ldeval.publish.ast import Node
from ldeval.publish.look import captions

SLOT = "\0"
"""What parts a template's own text from the contents that stand in it."""


@lru_cache(maxsize=8)
def template(name: str) -> jinja2.Template:
    """Give a template; values are escaped in HTML."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("ldeval.publish"),
        autoescape=name.endswith(".html"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"words": words.as_html, "plain": words.plain, "typst": words.as_typst, "quoted": words.string}
    environment.filters |= {"text": ast.plain, "rows": _rows, "finding": captions.finding}
    return environment.get_template(name)


def shaped(node: Node, form: str) -> list[Node] | None:
    """Give a div of the plain form as raw blocks around its contents; None where no template is for it."""
    macros = template(f"shapes.{'typ' if form == 'typst' else form}").module
    macro = next((found for name in ast.classes(node) if (found := getattr(macros, name.replace("-", "_"), None))), None)
    if macro is None:
        return None
    contents: list[list[Node]] = []

    def put(content: list[Node]) -> str:
        contents.append(content)
        return Markup(f"{SLOT}{len(contents) - 1}{SLOT}")

    shape: list[Node] = []
    for place, text in enumerate(str(macro(_fields(node), put)).split(SLOT)):
        if place % 2:
            shape += contents[int(text)]
        elif text.strip():
            shape.append(ast.block(form, text.strip()))
    return shape


def _fields(node: Node) -> dict[str, Any]:
    """Give a div as a mapping: its attributes, its content, and the contents of its children by their class."""
    (identifier, _, pairs), content = node["c"]
    fields: dict[str, Any] = {**dict(pairs), "id": identifier, "content": content}
    for child in content:
        for name in ast.classes(child)[:1]:
            fields.setdefault(name.replace("-", "_"), []).append(child["c"][1])
    return fields


def _rows(rows: str, cells: list[list[Node]]) -> list[tuple[list[str], list[list[Node]]]]:
    """Share cells out to rows of columns, each as wide as its row says."""
    queue = iter(cells)
    return [([f"{width:g}fr" for width in row], [cell for _, cell in zip(row, queue, strict=False)]) for row in json.loads(rows)]
