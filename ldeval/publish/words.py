"""The words of a book about itself (title, subtitle, authors, parts): Markdown, as Quarto reads them, with HTML as plain text."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from markupsafe import Markup

from ldeval.publish import ast
from ldeval.publish.ast import Node
from ldeval.publish.config import CONFIG
from ldeval.publish.faults import stop


@lru_cache(maxsize=64)
def inlines(text: str) -> list[Node]:
    """Read words into inlines."""
    read = ast.parse_inlines(text.rstrip(" \\"), "-raw_html-raw_tex-footnotes-inline_notes-citations")
    return list(ast.walk(read, lambda node: node["c"][1] if node["t"] == "Link" else None))  # they stand in links themselves


def plain(text: str) -> str:
    """Give words without any markup."""
    return ast.plain(inlines(text))


@lru_cache(maxsize=64)
def as_html(text: str) -> Markup:
    """Give words as HTML."""
    return Markup(_written(text, "html5", "--mathml"))


@lru_cache(maxsize=64)
def as_typst(text: str) -> str:
    """Give words as a Typst expression, the empty string where there are none."""
    return f"[{_written(text, 'typst', change=math)}]" if text else string(text)


def string(text: str) -> str:
    """Give a text as a string of Typst."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") + '"'


def math(node: Node) -> list[Node] | None:
    """Give a formula to Typst with its source as alternative text, without which it is no PDF/UA."""
    if node["t"] != "Math":
        return None
    return [ast.raw("typst", f"#ldeval-math({string(' '.join(node['c'][1].split()))}, "), node, ast.raw("typst", ")")]


def _written(text: str, *form: str, change: Callable[[Node], list[Node] | None] = lambda _: None) -> str:
    try:
        return ast.write([{"t": "Plain", "c": ast.walk(inlines(text), change)}], {}, "-t", *form, "--wrap=none").strip()
    except ValueError as error:  # pandoc's own words, about a formula
        raise stop(CONFIG, 0, f"{text}: {error}") from error
