"""Draws figures, or takes those kept in `_build/figures/` where nothing that they are drawn from changed.

A kept figure goes by the fingerprint of what it shows, of the code that draws it and of the pinned packages. Its first line is
the SHA-256 of the rest: what is damaged is drawn again.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from ldeval.analysis.exhibits import Effects
from ldeval.data.closure import code_behind
from ldeval.estimate import Estimates
from ldeval.release.figures import Drawn, draw
from ldeval.root import LOCK_FILE

FOLDER = Path("_build") / "figures"


def code_of(root: Path) -> str:
    """Give the fingerprint of what draws: the code behind the figures, and the packages that the lock of a study pins."""
    lock = root / LOCK_FILE
    return code_behind("ldeval.release.figures") + (sha256(lock.read_bytes()).hexdigest() if lock.is_file() else "")


def draw_all(exhibits: Iterable[Drawn], estimates: Estimates, folder: Path, root: Path, code: str) -> None:
    """Put the figure of each exhibit, drawn by `code`, into `folder` by its id; keep these below `root`, and none but them."""
    store = root / FOLDER
    store.mkdir(parents=True, exist_ok=True)
    used = set()
    for exhibit in exhibits:
        kept = store / f"{_inputs(exhibit, estimates, code)}.svg"
        used.add(kept)
        target = folder / f"{exhibit.id}.svg"
        target.parent.mkdir(exist_ok=True)
        content = _load(kept)
        if content is None:
            draw(exhibit, estimates, target)
            _save(kept, target.read_bytes())
        else:
            target.write_bytes(content)
    for left in set(store.iterdir()) - used:
        left.unlink(missing_ok=True)


def _inputs(exhibit: Drawn, estimates: Estimates, code: str) -> str:
    shown = [estimates[row.estimate] for row in exhibit.rows] if isinstance(exhibit, Effects) else []
    return sha256(f"{code}\n{exhibit!r}\n{shown!r}".encode()).hexdigest()


def _load(path: Path) -> bytes | None:
    try:
        head, _, content = path.read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if head.decode("ascii", "replace") == sha256(content).hexdigest() else None


def _save(path: Path, content: bytes) -> None:
    beside = path.with_suffix(f".{os.getpid()}")
    beside.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)
    os.replace(beside, path)
