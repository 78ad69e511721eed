"""Runs every analysis of the study; `ldeval.release` takes what they found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ldeval.analysis import (
    court_stages,
    diversion,
    economics,
    joint_custody,
    linkage,
    profile,
    reconviction,
    service_use,
    timeliness,
    trust,
    validation,
)
from ldeval.analysis.findings import Findings
from ldeval.analysis.records import Records, open_records
from ldeval.data.stages import Say, Tell
from ldeval.study import Study

QUESTIONS: tuple[tuple[str, Callable[[Records], Findings]], ...] = (
    ("data and linkage", linkage.linkage),
    ("who uses the service", profile.profile),
    ("health service use", service_use.service_use),
    ("diversion", diversion.diversion),
    ("reconviction", reconviction.reconviction),
    ("custody and days together", joint_custody.joint_custody),
    ("court timeliness", timeliness.timeliness),
    ("stages of court cases", court_stages.stages),
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
    say("analysis: economics")
    found += economics.question(found, root, study)
    return found.check()
