"""Where a study is: the folder that holds its protocol. Apart from `ldeval.study`, which takes its time to load."""

from __future__ import annotations

from pathlib import Path

STUDY_FILE = "study.toml"
LOCK_FILE = "requirements.lock"


def find_root(start: Path) -> Path:
    """Give the nearest folder at or above `start` that holds `study.toml`.

    Raises:
        FileNotFoundError: there is none up to the root of the file system.

    """
    for folder in (start.resolve(), *start.resolve().parents):
        if (folder / STUDY_FILE).is_file():
            return folder
    raise FileNotFoundError(f"no {STUDY_FILE} in {start.resolve()} or above it; run inside a study's folder")
