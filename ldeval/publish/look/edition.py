"""Which edition of the sources a report was made from: no clock and no machine, so that a rebuild is byte-identical."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ldeval


@dataclass(frozen=True, slots=True)
class Edition:
    """The package's version; the commit of the sources and its day, where they are under git; whether they differ from it."""

    version: str
    commit: str = ""
    day: str = ""
    changed: bool = False

    def __str__(self) -> str:
        """Say it in one line."""
        if not self.commit:
            return f"Made with ldeval {self.version}."
        changes = ", with changes that are not committed" if self.changed else ""
        return f"Made with ldeval {self.version} from commit {self.commit} of {long_date(self.day)}{changes}."


def read_edition(root: Path) -> Edition:
    """Give the edition of the sources in `root`."""
    last = _git(root, "log", "-1", "--format=%h %cs", "--abbrev=10")
    commit, _, day = last.partition(" ")
    return Edition(ldeval.__version__, commit, day, bool(commit and _git(root, "status", "--porcelain", "--", ".")))


def long_date(day: str) -> str:
    """Write a date as prose does: 2026-11-23 becomes 23 November 2026; what is no such date stays."""
    try:
        found = date.fromisoformat(day)
    except ValueError:
        return day
    return f"{found.day} {found:%B %Y}"


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
