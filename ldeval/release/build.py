"""Makes the released results: runs the analyses when an input changed, clears them, writes them whole."""

from __future__ import annotations

import ast
import csv
import json
import platform
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor
from hashlib import sha256
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ldeval import estimate
from ldeval.analysis.counted import Arm
from ldeval.analysis.exhibits import Exhibit, Table
from ldeval.data import stages
from ldeval.data.closure import TOP
from ldeval.data.stages import Say, Tell
from ldeval.estimate import Estimates
from ldeval.release import fingerprint
from ldeval.release.declared import DICTIONARY, write_dictionary
from ldeval.release.facts import read_facts
from ldeval.release.numbers import FORMS
from ldeval.release.payload import write_payload
from ldeval.release.results import FOLDER, Results, describe, write_exhibit
from ldeval.release.tables import fingerprints
from ldeval.root import STUDY_FILE
from ldeval.study import Study, read_study

if TYPE_CHECKING:
    from ldeval.release.disclosure import Cleared
    from ldeval.release.figures import Drawn

SOFTWARE = (
    *("ldeval", "numpy", "scipy", "pandas", "statsmodels", "lifelines", "pyfixest", "diff-diff", "duckdb"),
    *("ibis-framework", "splink", "great-tables", "matplotlib", "nbclient", "pypandoc-binary", "typst"),
)
"""The packages whose versions the report prints."""


def analyse(root: Path, *, force: bool = False, say: Say = lambda _: None, tell: Tell = lambda _done, _all: None) -> bool:
    """Bring the released results of the study in `root` up to date; say whether anything had to be run.

    `say` is told of each step, `tell` how far the longest has come.

    Raises:
        FileNotFoundError, ValueError: the study, its data or its facts are not there or not right; a policy cannot be
            applied. The results of the last run stay as they were.

    """
    inputs = fingerprint.inputs(root)
    if not force and inputs == last_inputs(root):
        return False
    from ldeval.analysis.run import processes, run

    study = read_study(root / STUDY_FILE)
    with processes() as pool:
        from ldeval.release.disclosure import clear  # loads what takes as long as the processes take to start

        found = run(root, study, pool, anew=force, say=say, tell=tell)
        say(f"disclosure control by policy {study.release.policy}, tables and figures")
        cleared = clear(found, study.release.policy)
        write(root, study, cleared, inputs, pool)
    return True


def last_inputs(root: Path) -> Mapping[str, str] | None:
    """Give the fingerprints of the inputs of the last results; None when there are none, or not as they were written."""
    folder = root / FOLDER
    try:
        about = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if not isinstance(about, dict) or about.get("files") != fingerprint.outputs(folder):
        return None
    last: dict[str, str] | None = about.get("inputs")
    return last


def write(root: Path, study: Study, cleared: Cleared, inputs: Mapping[str, str], beside: Executor) -> None:
    """Write cleared findings to `_results/`, whole: all files, or the old folder stays; `beside` makes workbook and figures."""
    from ldeval.release.disclosure import write_actions
    from ldeval.release.documents import write_documents
    from ldeval.release.figures import alt_text, is_drawn
    from ldeval.release.kept_figures import code_of
    from ldeval.release.swap import replacing
    from ldeval.release.workbook import workbook_of

    findings = cleared.findings
    _check(cleared)
    facts = root / "data" / "facts.csv"
    read_facts(facts)
    estimates = Estimates(findings.estimates)
    pictures = [exhibit for exhibit in cleared.exhibits if is_drawn(exhibit)]
    protocol = study.model_dump(mode="json")
    workbook = beside.submit(workbook_of, study.study.title, cleared.exhibits, estimates, dict(cleared.done))
    with replacing(root / FOLDER) as folder:
        drawn = beside.submit(_draw, pictures, estimates, folder, root, code_of(root), protocol["outcomes"])
        estimate.write_csv(estimates, folder / "estimates.csv")
        for exhibit in cleared.exhibits:
            write_exhibit(exhibit, folder, estimates)
        write_actions(cleared.actions, folder / "disclosure.csv")
        shutil.copyfile(facts, folder / "facts.csv")
        write_dictionary(study, folder / DICTIONARY)
        _write_json(folder / "study.json", protocol)
        write_documents(root, folder)
        about = provenance(root, study, cleared, inputs)
        about["figures"] = {picture.id: alt_text(picture, estimates) for picture in pictures}
        _write_csv(folder / "inputs.csv", ("kind", "input", "sha256"), fingerprints(about))
        _write_csv(folder / "software.csv", ("software", "version"), about["software"].items())
        drawn.result()
        (folder / "tables.xlsx").write_bytes(workbook.result())
        about["files"] = fingerprint.outputs(folder)
        _write_json(folder / "provenance.json", about)
        write_payload(Results(folder), folder)


def provenance(root: Path, study: Study, cleared: Cleared, inputs: Mapping[str, str]) -> dict[str, Any]:
    """Give what `provenance.json` holds: no dates and no paths of this machine, so that a rebuild is identical."""
    findings = cleared.findings
    return {
        "inputs": dict(inputs),
        "policy": cleared.policy,
        "software": {"python": platform.python_version(), **{name: version(name) for name in SOFTWARE}},
        "data": {name: _data(name, root, study) for origin in findings.origins.values() for name in origin.data},
        "functions": _sources({origin.function for origin in findings.origins.values()}),
        "results": {
            key: {
                "function": findings.origins[key].function,
                "data": list(findings.origins[key].data),
                "disclosure": cleared.done[key],
                "arms": [_arm(arm) for arm in findings.arms.get(key, ())],
            }
            for key in findings.ids()
        },
        "exhibits": {exhibit.id: describe(exhibit) for exhibit in cleared.exhibits},
        "missing": {gap.id: {"what": gap.what, "why": gap.why, "outcome": gap.outcome} for gap in findings.missing},
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {name: getattr(arm, name) for name in ("label", "n", "events", "largest")}


def _data(name: str, root: Path, study: Study) -> dict[str, str]:
    from ldeval.analysis.records import RECORDS  # loads pandas: not at import
    from ldeval.analysis.unit_costs import REGISTER_FILE, UNIT_COSTS
    from ldeval.data.open_data import OPEN_DATA, fingerprint

    if name == UNIT_COSTS:
        return {"source": "register of unit costs", "sha256": sha256((root / REGISTER_FILE).read_bytes()).hexdigest()}
    if name == RECORDS:
        return {"source": stages.in_words(study), "sha256": stages.fingerprint(root, study)}
    return {"source": OPEN_DATA[name].source, "sha256": fingerprint(name, root)}


def _sources(functions: Iterable[str]) -> dict[str, dict[str, str]]:
    """Give where each function stands and its text, decorators and all; nothing is loaded for it."""
    found = {}
    for module, names in groupby(sorted(functions), lambda function: function.rpartition(".")[0]):
        file = module.replace(".", "/") + ".py"
        text = (TOP / file).read_text(encoding="utf-8")
        lines = text.splitlines(keepends=True)
        nodes = {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}
        for name in names:
            node = nodes[name.rpartition(".")[2]]
            first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            found[name] = {"file": file, "source": "".join(lines[first - 1 : node.end_lineno])}
    return found


def _draw(
    pictures: Sequence[Drawn], estimates: Estimates, folder: Path, root: Path, code: str, outcomes: Mapping[str, Any]
) -> None:
    """Draw what `code` draws: the figures of exhibits, the headlines and the logic model."""
    from ldeval.release.drawings import write_drawings
    from ldeval.release.kept_figures import draw_all

    draw_all(pictures, estimates, folder / "figures", root, code)
    write_drawings(root, folder, estimates, outcomes)


def _check(cleared: Cleared) -> None:
    """Refuse units without a rounding rule, ids that make no file name, and results of unknown origin."""
    findings = cleared.findings
    faults = [f"{e.id}: no rounding rule for the unit {e.unit!r}" for e in findings.estimates if e.unit not in FORMS]
    faults += [
        f"{exhibit.id}: an exhibit's id is its file name: small letters, digits and hyphens"
        for exhibit in cleared.exhibits
        if not re.fullmatch(r"[a-z0-9-]+", exhibit.id)
    ]
    faults += [f"{table.id}: no rounding rule for the unit {unit!r}" for table, unit in _units(cleared.exhibits)]
    faults += [f"{key}: its function is not stamped with made_from" for key in findings.ids() if key not in findings.origins]
    if faults:
        raise ValueError("results that cannot be released:\n  " + "\n  ".join(faults))


def _units(exhibits: Iterable[Exhibit]) -> list[tuple[Table, str]]:
    return [
        (table, column.unit)
        for table in exhibits
        if isinstance(table, Table)
        for column in table.columns
        if column.unit != "text" and column.unit not in FORMS
    ]


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
