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
    path = root / ACCEPTED
    old = estimate.read_csv(path) if path.is_file() else Estimates()
    return estimate.compare(old, estimate.read_csv(root / FOLDER / "estimates.csv"))


def accept(root: Path) -> list[Change]:
    """Take the released results as the key figures, and list what moved by that."""
    changes = moved(root)
    path = root / ACCEPTED
    if changes or not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        estimate.write_csv(estimate.read_csv(root / FOLDER / "estimates.csv"), fresh)
        os.replace(fresh, path)
    return changes
