"""Stages of the analysis: each depends on what it reads, on all of it and on nothing else."""

import importlib
import inspect
import shutil
import sys

import pytest
from small_records import PROJECT, small_records

from ldeval.analysis.findings import Findings
from ldeval.analysis.plan import MAKER, STAGES
from ldeval.data.closure import files_behind
from ldeval.study import read_study

ALL = {stage.function for stage in STAGES}
WITH_RECORDS = {stage.function for stage in STAGES if stage.records}
OF_CUSTODY = {
    *("weighting.weighting", "diversion.diversion", "diversion_parts.diversion_parts", "custody_days.custody_days"),
    *(
        "joint_custody.joint_custody",
        "robustness.robustness",
        "uncertain_records.uncertain_records",
        "hidden_causes.hidden_causes",
    ),
    *("balance.balances", "models.models"),
}
OF_RECONVICTION = {"reconviction.reconviction", "reoffending.reoffending", "uncertain_records.uncertain_records"}


@pytest.fixture
def root(tmp_path):
    for name in ("data", "tests/coverage", "benchmarks/results"):
        shutil.copytree(PROJECT / name, tmp_path / name)
    for name in ("study.toml", "requirements.lock"):
        shutil.copyfile(PROJECT / name, tmp_path / name)
    return tmp_path


def inputs(root, records="records", found=Findings()):  # noqa: B008  # frozen
    study = read_study(root / "study.toml")
    return {stage.function: stage.inputs(root, study, records, stage.taken(found)) for stage in STAGES}


def moved(before, after):
    return {key for key in before if before[key] != after[key]}


@pytest.mark.parametrize(
    ("file", "old", "new", "stages"),
    [
        ("data/unit_costs.csv", "\n", " \n", {"economics.question"}),
        ("data/facts/gdp_deflator.csv", "\n", " \n", {"economics.question"}),
        ("study.toml", "draws = 2000", "draws = 3000", {"economics.question"}),
        ("data/reference/rossi.json", "\n", " \n", {"validation.validate", "trust.trust"}),
        ("tests/coverage/regression.csv", "\n", " \n", {"trust.trust"}),
        ("data/truth/identified.csv", "\n", " \n", {"truths.truths"}),
        ("requirements.lock", "\n", " \n", ALL),
        ("study.toml", "matters = 0.90", "matters = 0.91", {"reconviction.reconviction"}),
        ("study.toml", 'title = "Outcome', 'title = "An outcome', set()),
        ("study.toml", 'policy = "nhs-hes"', 'policy = "none"', set()),
        ("study.toml", "matters = 3.0", "matters = 4.0", set()),
        ("data/facts.csv", "\n", " \n", set()),
    ],
)
def test_a_change_runs_the_stages_that_read_it_again(root, file, old, new, stages):
    before = inputs(root)
    path = root / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert moved(before, inputs(root)) == stages


def test_an_adjustment_set_runs_its_comparisons_again(root):
    before = inputs(root)
    path = root / "study.toml"
    head, tail = path.read_text(encoding="utf-8").split("[outcomes.diversion]")
    path.write_text(head + "[outcomes.diversion]" + tail.replace('"ethnicity", ', "", 1), encoding="utf-8")
    assert moved(before, inputs(root)) == OF_CUSTODY


def test_other_records_run_all_that_read_records_again(root):
    assert moved(inputs(root), inputs(root, "others")) == WITH_RECORDS


def test_a_new_file_that_a_pattern_names_is_seen(root):
    before = inputs(root)
    (root / "benchmarks" / "results" / "new.csv").write_text("a\n")
    assert moved(before, inputs(root)) == {"trust.trust"}


def test_a_stage_sees_what_it_takes_and_no_more():
    from test_economics import effects

    found = Findings(tuple(effects().values()))
    taken = {stage.function: {row.id for row in stage.taken(found).estimates} for stage in STAGES}
    assert taken["economics.question"]
    assert taken["robustness.multiplicity"] <= {"diversion/risk_difference/att", "reconviction/hazard_ratio/att"}
    assert not taken["profile.profile"]


@pytest.mark.parametrize(
    ("file", "stages"),
    [
        ("analysis/unit_costs.py", {"economics.question"}),
        ("analysis/court_cohorts.py", {"timeliness.timeliness", "court_stages.stages", "models.models"}),
        ("stats/costs.py", {"economics.question", "trust.trust"}),
        ("analysis/findings.py", ALL),
        ("analysis/exhibits.py", ALL),
        ("data/cohort.py", set()),  # makes the records, whose content is an input of its own
    ],
)
def test_code_counts_for_the_stages_that_import_it(file, stages):
    behind = {stage.function: {path.as_posix() for path in files_behind(stage.module, short_of={MAKER})} for stage in STAGES}
    ends = f"ldeval/{file}"
    assert {key for key, paths in behind.items() if any(path.endswith(ends) for path in paths)} == stages


class Watched:
    """A protocol that notes the keys read of it."""

    def __init__(self, inner, seen, path=()):
        self._inner, self._seen, self._path = inner, seen, path

    def _give(self, key, value):
        path = (*self._path, key)
        if isinstance(value, dict) or hasattr(type(value), "model_fields"):
            return Watched(value, self._seen, path)
        self._seen.add(".".join(path))
        return value

    def __getattr__(self, key):
        return self._give(key, getattr(self._inner, key))

    def __getitem__(self, key):
        return self._give(key, self._inner[key])


OPENED: set[str] = set()
sys.addaudithook(lambda event, args: OPENED.add(str(args[0])) if event == "open" else None)

WHERE = {"data.source", "data.twin.name", "data.twin.seed", "data.twin.users"}
"""Where the records lie: no input, since their content is one."""


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.function)
def test_a_stage_reads_nothing_of_the_protocol_and_no_file_but_those_it_names(stage, monkeypatch):
    small = small_records()
    seen: set[str] = set()
    watched = Watched(small.study, seen)
    monkeypatch.setattr(
        "ldeval.analysis.records.prepare", lambda root, study, **how: _prepared(root, small.study, how["link_set"])
    )
    module, name = stage.function.split(".")
    work = getattr(importlib.import_module(f"ldeval.analysis.{module}"), name)
    from ldeval.analysis.records import Records

    given = {"root": small.root, "study": watched, "found": Findings(), "records": Records(small.folder, watched, small.root)}
    asked = inspect.signature(work).parameters
    OPENED.clear()
    work(**{key: given[key] for key in asked})
    read = {key for key in seen if key not in WHERE or "data.twin" in stage.reads}
    assert {key for key in read if not any(key == own or key.startswith(f"{own}.") for own in stage.reads)} == set()
    data = {path for path in OPENED if path.startswith(str(small.root)) and "_build" not in path}
    named = {str(path) for pattern in stage.files for path in small.root.glob(pattern)}
    assert data <= named
    assert ("records" in asked) == stage.records
    assert ("found" in asked) == bool(stage.takes)


def _prepared(root, study, link_set):
    from ldeval.data.stages import prepare

    seen = set(OPENED)
    made = prepare(root, study, link_set=link_set)
    OPENED.intersection_update(seen)
    return made
