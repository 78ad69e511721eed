"""Runs every analysis of the study; `ldeval.release` takes what they found."""

from __future__ import annotations

from pathlib import Path

from ldeval.analysis import validation
from ldeval.analysis.findings import Findings
from ldeval.study import Study


def run(study: Study, root: Path) -> Findings:
    """Run the analyses of `study`, whose folder is `root`, one after the other.

    The open data sets of the validation are the only records so far; `study` will say which others there are.
    """
    return validation.validate(root).check()
