"""Where the data room keeps what it makes of a folder of extracts: in folders beside it."""

from __future__ import annotations

from pathlib import Path

MANIFEST = "twin.json"
"""The file that tells of a twin, in the folder that says who is who."""


def truth_folder(folder: Path) -> Path:
    """Give the folder, apart from the extracts, that says who is who in a twin."""
    return _beside(folder, "truth")


def links_folder(folder: Path) -> Path:
    """Give the folder that says which records are one person's."""
    return _beside(folder, "links")


def features_folder(folder: Path, link_set: int = 0) -> Path:
    """Give the folder that holds the features under a link set."""
    return _beside(folder, f"features-{link_set}" if link_set else "features")


def _beside(folder: Path, what: str) -> Path:
    return folder.parent / f"{folder.name}-{what}"
