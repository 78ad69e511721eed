"""What the built-in renderer knows of Quarto, as `supported.yml` lists it, and the check of settings against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

KINDS: dict[str, Any] = {"flag": bool, "number": (int, float), "text": (str, int, float, date)}


@lru_cache(maxsize=1)
def supported() -> dict[str, Any]:
    """Give what is known: of `_quarto.yml`, of a chapter's front matter, of the options of a cell."""
    text = (resources.files("ldeval.publish") / "supported.yml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def refused(value: Any, known: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Find what settings say that is not known: its path, what is wrong, and what to do."""
    if value is None or (path and value == "default"):
        return
    if isinstance(known, dict):
        yield from _keys(value, known, path)
    elif isinstance(known, list):
        if value not in known:
            yield path, f": {value} is not supported by the built-in renderer", f"use {' or '.join(map(str, known)).lower()}"
    elif not isinstance(value, KINDS.get(known, object)) or (isinstance(value, bool) and known in ("number", "text")):
        yield path, f": expected a {known}, found {type(value).__name__}", ""
    elif isinstance(value, str) and "{{<" in value:
        yield path, ": a shortcode is not read here", "write out its value"


def _keys(value: Any, known: dict[str, Any], path: str) -> Iterator[tuple[str, str, str]]:
    if "" in known and isinstance(value, list):
        for item in value:
            yield from refused(item, known, path)
    elif isinstance(value, dict):
        for key in value:
            name = f"{path}.{key}".lstrip(".")
            if key in known:
                yield from refused(value[key], known[key], name)
            else:
                advice = f"known here: {', '.join(sorted(filter(None, known)))}"
                yield name, " is not supported by the built-in renderer", advice
    elif "" in known:
        yield from refused(value, known[""], path)
    else:
        yield path, f": expected keys and values, found {type(value).__name__}", ""
