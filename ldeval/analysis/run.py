"""Runs every analysis of the study; `ldeval.release` takes what they found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ldeval.analysis import (
    custody_days,
    diversion,
    diversion_parts,
    hidden_causes,
    linkage,
    reconviction,
    reoffending,
    robustness,
    trust,
    truths,
    validation,
    weighting,
)
from ldeval.analysis.findings import Findings
from ldeval.analysis.records import Records, open_records
from ldeval.data.stages import Say, Tell
from ldeval.study import Study

QUESTIONS: tuple[tuple[str, Callable[[Records], Findings]], ...] = (
    ("data and linkage", linkage.linkage),
    ("weighting", weighting.weighting),
    ("diversion", diversion.diversion),
    ("diversion by method, group and site", diversion_parts.diversion_parts),
    ("days in custody", custody_days.custody_days),
    ("reconviction", reconviction.reconviction),
    ("repeat offending", reoffending.reoffending),
    ("robustness", robustness.robustness),
    ("hidden causes", hidden_causes.hidden_causes),
)
"""The analyses of the study's records, in the order of the report."""


def run(root: Path, study: Study, *, say: Say = lambda _: None, tell: Tell = lambda _done, _all: None) -> Findings:
    """Bring the records of the study in `root` up to date, and run all analyses."""
    say("validation on open data")
    found = validation.validate(root)
    say("the estimators beside R and their peers")
    found += trust.trust(root)
    records = open_records(root, study, say=say, tell=tell)
    for name, answer in QUESTIONS:
        say(f"analysis: {name}")
        found += answer(records)
    found += robustness.multiplicity(found)
    return (found + truths.truths(found, study)).check()
