"""What stands below an exhibit: what disclosure control did, its released data as CSV, and the code that made it, folded.

The last two are for the screen alone; Quarto and the built-in renderer leave them out of the PDF alike.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ldeval.analysis.counted import NotEstimated
from ldeval.release.prose import escape
from ldeval.release.results import FOLDER, results

if TYPE_CHECKING:
    from IPython.display import Markdown

SUMMARY = "How this was made"


def not_shown(gap: NotEstimated) -> Markdown:
    """Stand in the place of an exhibit that could not be made or may not leave, and say why."""
    from IPython.display import Markdown

    text = escape(f"{gap.what}: not shown ({gap.why}).")
    return Markdown(f"[{text}]{{.note}}\n")  # type: ignore[no-untyped-call]


def foot(notes: Sequence[str], data: str = "", key: str = "") -> str:
    """Give the foot as Markdown: `data` is the released file below the results' folder, `key` the exhibit's or estimate's id."""
    note = [f"[{escape(' '.join(notes))}]{{.note}}"] if notes else []
    link = [f'[[Data (CSV)](/{FOLDER}/{data}){{.data-link}}]{{.content-visible when-format="html"}}'] if data else []
    return "\n\n" + " ".join([*note, *link]) + "\n" + (_code(key) if key else "")


def _code(key: str) -> str:
    origin = results().origin(key)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", origin.source)), default=0))
    opened = f'<details class="code-fold"><summary>{SUMMARY}</summary>'
    where = f"`{origin.function}` in `{origin.file}`"
    parts = [
        '::: {.content-visible when-format="html"}',
        f"```{{=html}}\n{opened}\n```",
        where,
        f"{fence} {{.python}}\n{origin.source.rstrip()}\n{fence}",
        "```{=html}\n</details>\n```",
        ":::",
    ]
    return "\n" + "\n\n".join(parts) + "\n"
