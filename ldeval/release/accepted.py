"""The key figures that were last accepted, and what has moved since."""

from __future__ import annotations

import os
from pathlib import Path

from ldeval import estimate
from ldeval.estimate import Change, Estimates
from ldeval.release.results import FOLDER

ACCEPTED = Path("tests") / "key_figures" / "estimates.csv"


def moved(root: Path) -> list[Change]:
    """List what differs between the accepted key figures and the released results of the study in `root`."""
    return estimate.compare(_accepted(root), _released(root))


def accept(root: Path) -> list[Change]:
    """Take the released results as the key figures, and list what moved by that; what did not move stays as it was accepted."""
    old, new = _accepted(root), _released(root)
    changes = estimate.compare(old, new)
    path = root / ACCEPTED
    if changes or not path.is_file():
        taken = {change.id for change in changes}
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        estimate.write_csv(Estimates(new[key] if key in taken else old[key] for key in new), fresh)
        os.replace(fresh, path)
    return changes


def _accepted(root: Path) -> Estimates:
    path = root / ACCEPTED
    return estimate.read_csv(path) if path.is_file() else Estimates()


def _released(root: Path) -> Estimates:
    return estimate.read_csv(root / FOLDER / "estimates.csv")
