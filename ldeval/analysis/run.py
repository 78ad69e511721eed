"""Runs every analysis of the study; `ldeval.release` takes what they found."""

from __future__ import annotations

from pathlib import Path

from ldeval.analysis import trust, validation
from ldeval.analysis.findings import Findings


def run(root: Path) -> Findings:
    """Run all analyses on the records of the study whose folder is `root`."""
    return (validation.validate(root) + trust.trust(root)).check()
