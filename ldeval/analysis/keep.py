"""Keeps what each stage found in `_build/findings/`, as JSON, with the fingerprint of what it was found from.

A file is two lines: what it was made from and the SHA-256 of the second line, which holds the findings. Floats keep all their
digits. What is damaged, half written or of another form is not believed: the stage is run again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from ldeval.analysis.counted import Arm, Counts, Line, NotEstimated, Share
from ldeval.analysis.exhibits import Column, Curves, Dot, Dots, Effect, Effects, Point, Table
from ldeval.analysis.findings import Findings, Origin
from ldeval.estimate import Estimate

FOLDER = Path("_build") / "findings"
KINDS: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        *(Arm, Column, Counts, Curves, Dot, Dots, Effect, Effects, Estimate, Findings),
        *(Line, NotEstimated, Origin, Point, Share, Table),
    )
}
MARK = "@"
"""The key under which a dataclass says which it is; its fields follow in their order."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a stage found, and the seconds that it took: on the clock, and of processors."""

    findings: Findings
    seconds: float
    cpu_seconds: float


def save(path: Path, inputs: str, kept: Kept) -> None:
    """Write what a stage found, whole or not at all."""
    body = encode(kept.findings)
    about = {"inputs": inputs, "sha256": _digest(body), "seconds": kept.seconds, "cpu_seconds": kept.cpu_seconds}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_text(f"{json.dumps(about)}\n{body}\n", encoding="utf-8")
    os.replace(beside, path)


def load(path: Path, inputs: str) -> Kept | None:
    """Give what was found from these inputs; None where nothing was kept of them, or not as it was written."""
    try:
        head, body, end = path.read_text(encoding="utf-8").split("\n")
        about = json.loads(head)
        if end or about["inputs"] != inputs or about["sha256"] != _digest(body):
            return None
        return Kept(decode(body), float(about["seconds"]), float(about["cpu_seconds"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def encode(findings: Findings) -> str:
    """Give findings as one line of JSON."""
    return json.dumps(_plain(findings), ensure_ascii=False, separators=(",", ":"), default=_own)


def decode(text: str) -> Findings:
    """Give back the findings that `encode` was given.

    Raises:
        ValueError, KeyError, TypeError: the text is none that `encode` gives.

    """
    found = _made(json.loads(text))
    if not isinstance(found, Findings):
        raise TypeError(f"expected findings, found {type(found).__name__}")
    return found


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {MARK: [type(value).__name__, *(_plain(getattr(value, field.name)) for field in fields(value))]}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def _own(value: Any) -> Any:
    """Give Python's own number for one of numpy's."""
    return value.item()


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_made(item) for item in value)
    if not isinstance(value, dict):
        return value
    if MARK in value:
        name, *content = value[MARK]
        return KINDS[name](*(_made(item) for item in content))
    return {key: _made(item) for key, item in value.items()}


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
