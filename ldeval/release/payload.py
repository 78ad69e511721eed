"""The provenance of every bound number as one script, which a page of any renderer loads when a number is first opened.

It is a classic script that sets a name, since a page opened from disk can load nothing else; in the pages themselves it would
weigh more than their text.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ldeval.estimate import Estimate
from ldeval.release.listing import page_of
from ldeval.release.numbers import between, central, form, level
from ldeval.release.results import Results
from ldeval.words import spelt

FILE = "provenance.js"
NAME = "ldevalProvenance"
UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""Characters that could break the script, or end an element that it was copied into; inside JSON strings they become escapes."""


def payload(results: Results) -> dict[str, Any]:
    """Give, by id, what a reader needs to challenge a number: the estimate, its method, data, code and disclosure."""
    about = results.provenance
    return {
        "inputs": about["inputs"],
        "functions": about["functions"],
        "data": about["data"],
        "estimates": {key: _estimate(row, about["results"][key]) for key, row in results.estimates.items()},
        "exhibits": {key: {"title": shown["title"], **about["results"][key]} for key, shown in about["exhibits"].items()},
        "facts": {
            key: {"text": fact.text, "source": fact.source, "standing": fact.standing, "where": fact.where}
            for key, fact in results.facts.items()
        },
    }


def _estimate(row: Estimate, made: dict[str, Any]) -> dict[str, Any]:
    return {
        "measure": spelt(row.measure),
        "outcome": spelt(row.outcome),
        "page": page_of(row.id),
        "estimand": row.estimand,
        "value": central(row),
        "interval": between(row),
        "level": level(row.level),
        "p": None if row.p_value is None else form(row.p_value, "p"),
        "n": row.n,
        "events": row.events,
        "method": row.method,
        **made,
    }


def script(content: dict[str, Any]) -> str:
    """Give the script; nothing in `content` can end it or be read as code."""
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in UNSAFE.items():
        text = text.replace(character, escape)
    return f"window.{NAME}={text};\n"


def write_payload(results: Results, folder: Path) -> None:
    """Write the script into the folder of the released results, from which pages load it."""
    (folder / FILE).write_text(script(payload(results)), encoding="utf-8")
