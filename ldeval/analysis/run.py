"""Runs every analysis of the study; `ldeval.release` takes what they found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ldeval.analysis import (
    court_stages,
    custody_days,
    diversion,
    diversion_parts,
    economics,
    hidden_causes,
    joint_custody,
    linkage,
    profile,
    reconviction,
    reoffending,
    robustness,
    service_use,
    size,
    timeliness,
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
    ("who uses the service", profile.profile),
    ("health service use", service_use.service_use),
    ("weighting", weighting.weighting),
    ("diversion", diversion.diversion),
    ("diversion by method, group and site", diversion_parts.diversion_parts),
    ("days in custody", custody_days.custody_days),
    ("reconviction", reconviction.reconviction),
    ("repeat offending", reoffending.reoffending),
    ("custody and days together", joint_custody.joint_custody),
    ("court timeliness", timeliness.timeliness),
    ("stages of court cases", court_stages.stages),
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
    found += size.sizes(root)
    records = open_records(root, study, say=say, tell=tell)
    for name, answer in QUESTIONS:
        say(f"analysis: {name}")
        found += answer(records)
    say("analysis: economics")
    found += economics.question(found, root, study)
    found += robustness.multiplicity(found)
    return (found + truths.truths(found, study)).check()
