"""Released results: written whole, read lazily, made anew only when an input changed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from release_folder import ORIGIN, PROJECT, findings, make_released, make_study, ratio, write_results

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.exhibits import Table
from ldeval.analysis.findings import Findings
from ldeval.release import build, fingerprint
from ldeval.release.build import analyse
from ldeval.release.disclosure import clear
from ldeval.release.policy import WITHHELD
from ldeval.release.results import Results


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def leftovers(root):
    return [path.name for path in root.iterdir() if path.name.startswith("_results.")]


def test_what_is_read_is_what_was_found(tmp_path):
    released = Results(make_released(tmp_path) / "_results")
    found = findings()
    assert tuple(released.estimates.values()) == found.estimates
    assert [released.exhibit(exhibit.id) for exhibit in found.exhibits] == list(found.exhibits)


def test_the_files_are_open_and_plain(tmp_path):
    folder = make_released(tmp_path) / "_results"
    assert sorted(contents(folder)) == [
        "curves/c-two.csv",
        "dictionary.csv",
        "disclosure.csv",
        "dots/d-two.csv",
        "drawings/alt-texts.json",
        "effects/e-all.csv",
        "estimates.csv",
        "facts.csv",
        "figures/c-two.svg",
        "figures/d-two.svg",
        "figures/e-all.svg",
        "inputs.csv",
        "provenance.js",
        "provenance.json",
        "software.csv",
        "study.json",
        "tables.xlsx",
        "tables/t-plain.csv",
    ]
    assert (folder / "tables" / "t-plain.csv").read_text().splitlines()[1] == "One,A <b> & c,1234,0.0001"


def test_the_same_findings_give_the_same_bytes(tmp_path):
    first, second = (make_released(tmp_path / name) / "_results" for name in ("one", "two"))
    assert contents(first) == contents(second)


def test_provenance_says_what_made_a_result_and_holds_no_path_of_this_machine(tmp_path):
    folder = make_released(tmp_path) / "_results"
    origin = Results(folder).origin("a/effect")
    assert origin.function == "ldeval.analysis.validation.rossi"
    assert origin.source.startswith('@made_from("rossi")')
    assert origin.file == "ldeval/analysis/validation.py"
    assert len(origin.data["rossi"]) == 64
    assert origin.disclosure == "Open data: no disclosure control."
    assert str(tmp_path) not in (folder / "provenance.json").read_text()
    assert str(PROJECT) not in (folder / "provenance.json").read_text()


def test_what_a_stopped_analysis_would_have_given_has_the_reasons_of_its_kin(tmp_path):
    why, withheld = "there are no users in the records", f"withheld {WITHHELD}: too few"
    gaps = (NotEstimated("b/effect", "effect", why), NotEstimated("b-curves", "Curves", why), NotEstimated("c/n", "n", withheld))
    found = Findings(missing=gaps, origins={gap.id: ORIGIN for gap in gaps}) + findings()
    released = Results(make_released(tmp_path, found) / "_results")
    assert released.missing("b/effect") == gaps[0]
    assert released.missing("b/other") == NotEstimated("b/other", "result", why)
    assert released.missing("b-table") == NotEstimated("b-table", "result", why)
    assert released.missing("c/other") is None  # nothing on it was left out: the id is wrong
    assert released.missing("a/effect") is None
    assert released.missing("d/effect") is None


def test_an_unknown_exhibit_or_figure_lists_those_most_like_it(tmp_path):
    released = Results(make_released(tmp_path) / "_results")
    with pytest.raises(KeyError, match=r"no released exhibit .*; most like it of the 4 there are: "):
        released.exhibit("nothing")
    with pytest.raises(KeyError, match=r"no figure .*; most like it of the 3 there are: "):
        released.alt("t-plain")


def test_a_failed_release_leaves_the_last_one(tmp_path, monkeypatch):
    root = make_released(tmp_path)
    before = contents(root / "_results")

    def fail(*_args):
        raise OSError("no space left on device")

    monkeypatch.setattr(build, "write_payload", fail)
    with pytest.raises(OSError, match="no space"):
        make_released(tmp_path, findings(title="Another"))
    assert contents(root / "_results") == before
    assert leftovers(root) == []


def test_a_killed_release_leaves_the_last_one_and_the_next_clears_up(tmp_path):
    root = make_released(tmp_path)
    before = contents(root / "_results")
    code = f"""
import os, signal, sys
from pathlib import Path
from ldeval.release.swap import replacing
with replacing(Path({str(root / "_results")!r})) as folder:
    (folder / "estimates.csv").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert contents(root / "_results") == before
    assert len(leftovers(root)) == 1
    make_released(tmp_path)
    assert leftovers(root) == []


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A study as in the project with small findings, in a folder whose name has a space."""
    monkeypatch.setattr("ldeval.analysis.run.run", lambda *_, **__: findings())
    root = tmp_path / "a study"
    root.mkdir()
    shutil.copytree(PROJECT / "data", root / "data")
    shutil.copy(PROJECT / "study.toml", root)
    shutil.copy(PROJECT / "requirements.lock", root)
    return root


def test_analyses_run_when_an_input_changed_and_only_then(project):
    assert analyse(project)
    assert not analyse(project)
    assert analyse(project, force=True)
    for name in ("study.toml", "requirements.lock", "data/facts.csv"):
        path = project / name
        text = path.read_text()
        path.write_text(text + ("users2,1,people,x,FOUND,y,z\n" if name.endswith("csv") else "# a remark\n"))
        assert analyse(project), name
        path.write_text(text)
    assert analyse(project)


@pytest.mark.parametrize("name", ["estimates.csv", "figures/e-all.svg"])
def test_released_files_that_were_changed_or_lost_are_made_anew(project, name):
    analyse(project)
    path = project / "_results" / name
    content = path.read_bytes()
    path.write_bytes(content.replace(b"0.68", b"0.28"))
    assert analyse(project)
    assert path.read_bytes() == content
    path.unlink()
    assert analyse(project)
    assert path.read_bytes() == content


def test_broken_provenance_counts_as_no_results(project):
    analyse(project)
    (project / "_results" / "provenance.json").write_text("{")
    assert build.last_inputs(project) is None


def test_a_changed_line_of_package_code_changes_the_fingerprint(tmp_path, monkeypatch):
    shutil.copy(PROJECT / "study.toml", tmp_path)
    package = tmp_path / "ldeval"
    shutil.copytree(fingerprint.PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "PACKAGE", package)
    before = fingerprint.inputs(tmp_path)["code"]
    (package / "cli.py").write_text("# commands make no results")
    assert fingerprint.inputs(tmp_path)["code"] == before
    (package / "stats" / "new.py").write_text("x = 1")
    assert fingerprint.inputs(tmp_path)["code"] != before


def test_facts_that_are_wrong_stop_the_release(tmp_path):
    root = make_study(tmp_path, facts="id,value\n")
    with pytest.raises(ValueError, match="expected the columns"):
        write_results(root, clear(findings(), "none"))
    assert not (root / "_results").exists()


def test_what_cannot_be_released_is_refused_all_at_once(tmp_path):
    found = findings()
    bad = Findings(
        (*found.estimates, ratio("no/origin"), ratio("b", unit="furlongs")),
        (*found.exhibits, Table("Bad Name", "t", (), ())),
        found.origins,
    )
    with pytest.raises(ValueError, match="cannot be released") as caught:
        write_results(make_study(tmp_path), clear(bad, "none"))
    for text in ("b: no rounding rule for the unit 'furlongs'", "Bad Name: an exhibit's id", "no/origin: its function"):
        assert text in str(caught.value)


def test_importing_release_loads_nothing_heavy():
    code = "import sys, ldeval.release; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    for heavy in ("pandas", "numpy", "matplotlib", "great_tables", "IPython", "pydantic", "scipy"):
        assert f"'{heavy}'" not in loaded


def test_new_results_are_seen_by_a_running_kernel(tmp_path, monkeypatch):
    from ldeval.release import est

    root = make_released(tmp_path)
    monkeypatch.chdir(root)
    first = est("a/effect").data
    found = findings()
    moved = replace(found.estimates[0], value=0.75)
    make_released(tmp_path, Findings((moved, *found.estimates[1:]), found.exhibits, found.origins))
    assert (first[:6], est("a/effect").data[:6]) == ("[0.68]", "[0.75]")


def test_provenance_is_plain_json(tmp_path):
    about = json.loads((make_released(tmp_path) / "_results" / "provenance.json").read_text())
    assert about["policy"] == "none"
    assert {"python", "numpy", "lifelines"} <= set(about["software"])


def test_permissions_are_those_of_any_folder(tmp_path):
    assert os.stat(make_released(tmp_path) / "_results").st_mode & 0o777 == 0o755
