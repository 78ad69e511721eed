"""HTML as all readers need it: cells of a table say what they head, code has no anchors that nobody is shown."""

from __future__ import annotations

import re

LINE = re.compile(r'<span id="[^"]*"><a href="#[^"]*" aria-hidden="true" tabindex="-1"></a>(.*?)</span>(?=\n|</code>)')
"""A line of highlighted code, each with an anchor that nobody is shown."""


def tidied(text: str) -> str:
    """Give the HTML of a page's content as it is shown."""
    return _scoped(LINE.sub(r"\1", text))


def _scoped(text: str) -> str:
    """Say of every header cell what it heads; an empty one heads nothing and is a plain cell."""
    text = re.sub(r'(<t[dh][^>]*?) headers="[^"]*"', r"\1", text)  # their ids are gone; scope says it
    text = re.sub(r"<th((?: [^>]*)?)>\s*</th>", lambda found: f"<td{re.sub(' scope=.[a-z]+.', '', found[1])}></td>", text)
    return "".join(
        re.sub(r"<th(?![a-z])(?![^>]*\bscope=)", f'<th scope="{"col" if part.startswith("<thead") else "row"}"', part)
        for part in re.split(r"(<thead.*?</thead>)", text, flags=re.DOTALL)
    )
