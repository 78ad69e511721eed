"""The difference of two releases as one self-contained page for a reviewer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ldeval.release.diff import Difference, Moved, by_size, distance, shown_as

STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; width: 100%; } caption { text-align: left; font-weight: 600; padding: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid #bbb; overflow-wrap: anywhere; }
del { color: #801650; } ins { color: #12436d; text-decoration: none; border-bottom: 2px solid #12436d; }
.flag { font-weight: 600; }
"""


def as_html(found: Difference, old: str, new: str) -> str:
    """Give the page: a summary, the numbers that moved, the exhibits and the sentences that changed."""
    title = "What changed between two releases"
    parts = [
        f"<h1>{title}</h1>",
        f"<p>Old: <code>{escape(old)}</code>. New: <code>{escape(new)}</code>.</p>",
        f"<p>{_summary(found)}</p>",
        *(f"<p>{escape(remark)}</p>" for remark in found.remarks),
        _numbers(found),
        _exhibits(found),
        _sentences(found),
    ]
    body = "\n".join(part for part in parts if part)
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title><style>{STYLE}</style>'
    )
    return f'<!DOCTYPE html>\n<html lang="en-GB"><head>{head}</head>\n<body><main>\n{body}\n</main></body></html>\n'


def _summary(found: Difference) -> str:
    if not found:
        return "Nothing differs."
    telling = sum(bool(one.means) for one in found.moved)
    return (
        f"{len(found.moved)} estimates moved, {telling} of them in a way that changes how they read; "
        f"{len(found.exhibits)} exhibits and {len(found.sentences)} passages changed."
    )


def _numbers(found: Difference) -> str:
    rows = [
        (
            f"<code>{escape(one.id)}</code>",
            escape(shown_as(one.old)) if one.old else "–",
            escape(shown_as(one.new)) if one.new else "–",
            escape(distance(one)) or "–",
            _meaning(one),
        )
        for one in by_size(found)
    ]
    heads = ("Estimate", "Old", "New", "Moved by", "What it means")
    return _table("Numbers that moved, the furthest first, in old standard errors", heads, rows)


def _meaning(one: Moved) -> str:
    if one.means:
        return f'<span class="flag">{escape("; ".join(one.means))}</span>'
    return escape(f"same reading; changed: {', '.join(one.fields)}")


def _exhibits(found: Difference) -> str:
    rows = [(f"<code>{escape(one.name)}</code>", escape(one.what)) for one in found.exhibits]
    return _table("Exhibits that changed", ("Exhibit", "Change"), rows)


def _sentences(found: Difference) -> str:
    rows = [(f"<code>{escape(edit.page)}</code>", _marked("del", edit.old), _marked("ins", edit.new)) for edit in found.sentences]
    return _table("Sentences that changed", ("Page", "Old", "New"), rows)


def _marked(tag: str, texts: Iterable[str]) -> str:
    return "<br>".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts) or "–"


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><caption>{caption}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
