"""The stages of the analysis: what each asks, and what it depends on, so that it is run again only when that changed.

A stage depends on the code behind its module, the pinned packages, the records if it reads any, the keys of the protocol and the
files that it names here, and what it takes from other stages. `ldeval.analysis.run` runs those whose inputs changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ldeval.analysis.findings import Findings
from ldeval.analysis.keep import encode
from ldeval.data.closure import code_behind
from ldeval.root import LOCK_FILE
from ldeval.study import Study

MAKER = "ldeval.data.stages"
"""Makes the records. Its code is no input of an analysis: what it made is."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One analysis, and its inputs.

    `function` is a function of this room, as module.name; it is given `root`, `study`, `records` or `found`, whichever it
    asks for by name. `reads` are keys of study.toml, `files` patterns of files below the study's folder, and `takes` patterns of
    ids of the estimates that other stages found: `found` holds these alone.
    """

    words: str
    function: str
    reads: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    records: bool = True

    @property
    def module(self) -> str:
        """The module that answers."""
        return f"{__package__}.{self.function.rpartition('.')[0]}"

    def inputs(self, root: Path, study: Study, records: str, found: Findings) -> str:
        """Give one SHA-256 over all inputs; `records` is that of the records, `found` what the stage takes."""
        parts = [
            code_behind(self.module, short_of={MAKER}),
            *_contents(root, [LOCK_FILE, *self.files]),
            *(f"{key} {_value(study, key)}" for key in self.reads),
            *([records] if self.records else []),
            *([encode(found)] if self.takes else []),
        ]
        return sha256("\0".join(parts).encode()).hexdigest()

    def taken(self, found: Findings) -> Findings:
        """Give the part of what was found so far that this stage takes: estimates, and their arms."""
        rows = tuple(row for row in found.estimates if any(fnmatchcase(row.id, pattern) for pattern in self.takes))
        return Findings(rows, arms={row.id: found.arms[row.id] for row in rows if row.id in found.arms})


DAYS = "study.follow_up_days"
REFERENCE = "data/reference/**/*"
TRUTH = "data/truth/*.csv"
CUSTODY = ("outcomes.diversion.adjust", DAYS)
RECONVICTED = ("outcomes.reconviction.adjust", DAYS)

STAGES: tuple[Stage, ...] = (
    Stage("validation on open data", "validation.validate", files=(REFERENCE,), records=False),
    Stage(
        "the estimators beside R and their peers",
        "trust.trust",
        files=(REFERENCE, "tests/coverage/*.csv", "benchmarks/results/*.csv"),
        records=False,
    ),
    Stage(
        "the headline estimators over draws of the twins",
        "draws.draws",
        files=("tests/coverage/twin/*.csv",),
        records=False,
    ),
    Stage("what sizes take", "size.sizes", files=("benchmarks/results/scale.csv",), records=False),
    Stage("data and linkage", "linkage.linkage", reads=(DAYS, "cohort.historical_window")),
    Stage("who uses the service", "profile.profile", reads=("study.referral_window",)),
    Stage("health service use", "service_use.service_use", reads=(DAYS,)),
    Stage("weighting", "weighting.weighting", reads=CUSTODY),
    Stage("diversion", "diversion.diversion", reads=CUSTODY),
    Stage("diversion by method, group and site", "diversion_parts.diversion_parts", reads=CUSTODY),
    Stage("endings before and after", "disposals.disposals", reads=(DAYS, "cohort.historical_window")),
    Stage("days in custody", "custody_days.custody_days", reads=CUSTODY),
    Stage("reconviction", "reconviction.reconviction", reads=(*RECONVICTED, "outcomes.reconviction.matters")),
    Stage("repeat offending", "reoffending.reoffending", reads=RECONVICTED),
    Stage("custody and days together", "joint_custody.joint_custody", reads=CUSTODY),
    Stage("court timeliness", "timeliness.timeliness", reads=("data.extract_end", "study.referral_window")),
    Stage("stages of court cases", "court_stages.stages", reads=("data.extract_end",)),
    Stage("robustness", "robustness.robustness", reads=CUSTODY),
    Stage("uncertain links and missing values", "uncertain_records.uncertain_records", reads=(*CUSTODY, *RECONVICTED)),
    Stage("hidden causes", "hidden_causes.hidden_causes", reads=(*CUSTODY, *RECONVICTED)),
    Stage("balance in full", "balance.balances", reads=(*CUSTODY, *RECONVICTED)),
    Stage("models in full", "models.models", reads=(*CUSTODY, *RECONVICTED, "data.extract_end")),
    Stage(
        "economics",
        "economics.question",
        reads=("economics",),
        files=("data/unit_costs.csv", "data/facts/gdp_deflator.csv"),
        takes=(
            *("diversion/risk_difference/att", "reconviction/risk_difference/att"),
            *("custody_days/*", "sentence_served/*", "days_inside/*"),
        ),
        records=False,
    ),
    Stage(
        "primary outcomes together",
        "robustness.multiplicity",
        takes=("diversion/risk_difference/att", "reconviction/hazard_ratio/att", "timeliness/completed_90/att"),
        records=False,
    ),
    Stage(
        "estimates beside the truth",
        "truths.truths",
        reads=("data.source", "data.twin"),
        files=(TRUTH,),
        takes=(
            *("diversion/*", "custody_given_sentence/*", "reconviction/*", "reoffences/*", "timeliness/*"),
            *("custody_days/*", "sentence_served/*", "days_inside/*"),
        ),
        records=False,
    ),
)
"""The stages in the order of the report."""


def _contents(root: Path, patterns: Iterable[str]) -> Iterator[str]:
    for pattern in patterns:
        files = sorted(path for path in root.glob(pattern) if path.is_file())
        yield f"{pattern} {len(files)}"
        yield from (f"{path.relative_to(root).as_posix()} {sha256(path.read_bytes()).hexdigest()}" for path in files)


def _value(study: Study, key: str) -> str:
    value: Any = study
    for part in key.split("."):
        value = value.get(part) if isinstance(value, dict) else getattr(value, part)
        if value is None:
            return "none"
    return value.model_dump_json() if isinstance(value, BaseModel) else json.dumps(value, default=str)
