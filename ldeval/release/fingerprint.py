"""Fingerprints of what the results depend on: package code, lock, data and study."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import ldeval
from ldeval.data import stages
from ldeval.data.evidence import BENCHMARKS, COVERAGE
from ldeval.root import LOCK_FILE, STUDY_FILE
from ldeval.study import read_study

PACKAGE = Path(ldeval.__file__).parent
ROOMS = ("__init__.py", "estimate.py", "study.py", "data", "stats", "analysis", "release")
"""What makes results; commands and rendering do not."""


def inputs(root: Path) -> dict[str, str]:
    """Give the SHA-256 of each kind of input of the study in `root`, by kind; a twin follows from code, data and study.

    Raises:
        FileNotFoundError, ValueError: the protocol, or the folder of extracts that it names, is not there or not right.

    """
    own = {
        "code": digest(PACKAGE, (path for room in ROOMS for path in _files(PACKAGE / room, ".py"))),
        "lock": digest(root, [root / LOCK_FILE]),
        "data": digest(root, [*_files(root / "data"), *_files(root / COVERAGE, ".csv"), *_files(root / BENCHMARKS, ".csv")]),
        "study": digest(root, [root / STUDY_FILE]),
    }
    study = read_study(root / STUDY_FILE)
    return own if study.data.source == "twin" else {**own, "records": stages.fingerprint(root, study)}


def _files(path: Path, suffix: str = "") -> Iterable[Path]:
    found = [path] if path.is_file() else sorted(path.rglob("*"))
    return [file for file in found if file.is_file() and file.name.endswith(suffix)]


def digest(base: Path, files: Iterable[Path]) -> str:
    """Give one SHA-256 over names (relative to `base`) and contents; a file that is not there counts as absent."""
    total = hashlib.sha256()
    for file in files:
        content = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "absent"
        total.update(f"{file.relative_to(base).as_posix()} {content}\n".encode())
    return total.hexdigest()


def outputs(folder: Path) -> dict[str, str]:
    """Give the SHA-256 of each released file by name, but for the two files that hold such fingerprints."""
    files = [file for file in _files(folder) if file.stem != "provenance"]
    return {file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
