"""Tables that come as HTML, brought into the report's one look: their own style sheets, frames and random ids go."""

from __future__ import annotations

import re
from typing import Any

from ldeval.publish import ast
from ldeval.publish.ast import Node, block

STYLE = re.compile(r"<style>.*?</style>", re.DOTALL)
ASIDE = ' style="text-align: right;"'
"""How `ldeval.release` aligns a cell; the class of its tables says the same of whole columns."""

FRAME = re.compile(r'<div id="([^"]+)"[^>]*>\s*(<table class="gt_table".*?</table>)\s*</div>', re.DOTALL)


def one_look(tree: Any) -> Any:
    """Give the tree with every table bare; ids of great-tables are counted through the page, so that a rebuild is identical."""
    count = 0

    def bare(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return re.sub(rf"\b{re.escape(found[1])}\b", f"gt-{count}", found[2])

    def change(node: Node) -> Node | None:
        if node["t"] != "RawBlock" or node["c"][0] != "html":
            return None
        if node["c"][1].startswith('<table class="laid-out'):
            return block("html", node["c"][1].replace(ASIDE, ""))
        if 'class="gt_table"' not in node["c"][1]:
            return None
        return block("html", FRAME.sub(bare, STYLE.sub("", node["c"][1])))

    return ast.walk(tree, change)
