"""Stages: records are made once, again when an input changed, and a folder of real extracts gives what the twin's files give."""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from calls import chapters, told
from hard_cases import BOOK, with_open_data

from ldeval.analysis import keep
from ldeval.analysis.plan import STAGES
from ldeval.data import stages
from ldeval.data.folders import features_folder
from ldeval.data.sources import EXTRACTS
from ldeval.estimate import read_csv
from ldeval.publish.build import build as render
from ldeval.release import build, fingerprint, kept_figures
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent
USERS = 1500
"""As few as leave an answer to every question of the study."""


def make_study(root, *, data=""):
    root.mkdir(parents=True)
    shutil.copytree(PROJECT / "data", root / "data")
    for name in ("tests/coverage", "benchmarks/results"):
        shutil.copytree(PROJECT / name, root / name)
    shutil.copy(PROJECT / "requirements.lock", root)
    text = (PROJECT / "study.toml").read_text(encoding="utf-8").replace("users = 8729", f"users = {USERS}")
    if data:
        text = re.sub(r'^source = "twin".*$', 'source = "extracts"', text, flags=re.MULTILINE) + data
    (root / "study.toml").write_text(text, encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def twin(released, tmp_path_factory):
    """A study of a small twin, analysed."""
    root = with_open_data(released, make_study(tmp_path_factory.mktemp("twin") / "study"))
    assert build.analyse(root)
    return root


def theirs(column):
    return f"COL_{column.upper()}"


def export(twin, folder):
    """Write a twin's extracts as CSV with column names of their own."""
    folder.mkdir()
    made = stages.extracts_folder(twin, read_study(twin / "study.toml"))
    for extract in EXTRACTS.values():
        cells = ", ".join(f'{name} AS "{theirs(name)}"' for name in extract.names)
        source, target = made / f"{extract.name}.parquet", folder / f"{extract.name}.csv"
        duckdb.sql(f"COPY (SELECT {cells} FROM read_parquet('{source}')) TO '{target}' (HEADER, DELIMITER ',')")


@pytest.fixture(scope="module")
def real(released, twin, tmp_path_factory):
    """The same study on a folder of CSV extracts whose columns have other names, analysed."""
    names = "".join(
        f"\n[data.columns.{extract.name}]\n" + "".join(f'{name} = "{theirs(name)}"\n' for name in extract.names)
        for extract in EXTRACTS.values()
    )
    root = with_open_data(released, make_study(tmp_path_factory.mktemp("real") / "study", data=names))
    export(twin, root / "extracts")
    assert build.analyse(root)
    return root


def features_of(root):
    return features_folder(stages.extracts_folder(root, read_study(root / "study.toml")))


def test_a_folder_of_extracts_gives_the_twins_features(twin, real):
    made = sorted(path.name for path in features_of(twin).glob("*.parquet"))
    assert made == sorted(path.name for path in features_of(real).glob("*.parquet"))
    for name in made:
        one, other = (pd.read_parquet(features_of(root) / name) for root in (twin, real))
        order = list(one.columns)
        pd.testing.assert_frame_equal(
            one.sort_values(order, ignore_index=True), other[order].sort_values(order, ignore_index=True), check_exact=True
        )


def read_rows(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_folder_of_extracts_gives_the_twins_released_results(twin, real):
    one, other = (read_csv(root / "_results" / "estimates.csv") for root in (twin, real))
    truth = {"linkage/wrong/truth", "linkage/missed/truth"}
    truth |= {"truth/estimates_compared/descriptive", "truth/intervals_holding_it/descriptive"}
    assert set(one) - set(other) == truth
    assert {key: other[key] for key in other} == {key: one[key] for key in one if key not in truth}
    for path in sorted((twin / "_results").glob("*/*.csv")):
        if "truth" in path.stem:
            assert not (real / path.relative_to(twin)).exists()  # real records have none
            continue
        known, found = (read_rows(root / path.relative_to(twin)) for root in (twin, real))
        if path.stem in ("linkage-quality", "linkage-errors"):
            known = [row[:-2] for row in known]  # wrong and missed links against truth, which real records have not
        assert found == known, path.name


def test_results_of_real_records_say_so(real):
    about = (real / "_results" / "provenance.json").read_text(encoding="utf-8")
    assert "do not exist" not in about
    assert str(real) not in about
    assert "Extracts of linked records" in about


def test_every_chapter_is_told_of_real_records(real):
    texts, faults = told(real, chapters(PROJECT))
    assert faults == []
    assert not [name for name, text in texts.items() if "do not exist" in text and name != "logs"]


@pytest.mark.slow  # a render
def test_the_report_of_real_records_is_rendered_without_an_edit(real, tmp_path):
    root = shutil.copytree(real, tmp_path / "study")
    for name in BOOK:
        (shutil.copytree if (PROJECT / name).is_dir() else shutil.copyfile)(PROJECT / name, root / name)
    pages = render(root, to="html", say=lambda text: None)
    assert "do not exist" not in (pages / "index.html").read_text(encoding="utf-8")


def test_nothing_is_done_twice(twin, real):
    for root in (twin, real):
        assert not build.analyse(root)
        stamps = {path: path.stat().st_mtime_ns for path in root.rglob("*.stamp")}
        assert stamps
        stages.prepare(root, read_study(root / "study.toml"), say=lambda text: None)
        assert {path: path.stat().st_mtime_ns for path in stamps} == stamps


def test_a_changed_extract_is_seen_and_a_touched_one_read_again_is_not(real):
    before = fingerprint.inputs(real)["records"]
    path = real / "extracts" / "areas.csv"
    os.utime(path)
    assert fingerprint.inputs(real)["records"] == before
    content = path.read_bytes()
    path.write_bytes(content.replace(b"office_hours", b"all_hours", 1))
    assert fingerprint.inputs(real)["records"] != before
    path.write_bytes(content)
    assert fingerprint.inputs(real)["records"] == before


def test_a_folder_that_is_not_there_is_named(real, tmp_path):
    root = make_study(tmp_path / "study", data="\n")
    with pytest.raises(FileNotFoundError, match=r"extracts: no such folder of extracts; mend \[data\] source"):
        build.analyse(root)
    assert not (root / "_results").exists()


def test_a_stage_is_done_again_when_its_inputs_changed(tmp_path):
    done = []
    stamp = tmp_path / "stamp"
    for inputs in ("a", "a", "b", "a"):
        stages._stage(stamp, inputs, lambda inputs=inputs: done.append(inputs))
    assert done == ["a", "b", "a"]


def test_work_that_fails_leaves_no_stamp(tmp_path):
    def fail():
        raise ValueError("half done")

    with pytest.raises(ValueError, match="half done"):
        stages._stage(tmp_path / "stamp", "a", fail)
    assert not (tmp_path / "stamp").exists()


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def copied(twin, tmp_path):
    """A copy of the analysed study, to be changed."""
    return shutil.copytree(twin, tmp_path / "study")


def kept(root):
    return {path.stem: path.stat().st_mtime_ns for path in (root / keep.FOLDER).glob("*.json")}


def ran(root, before):
    return {key for key, time in kept(root).items() if before.get(key) != time}


def test_a_changed_unit_cost_runs_economics_again_and_nothing_else(copied, twin):
    before, results = kept(copied), contents(copied / "_results")
    path = copied / "data" / "unit_costs.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",527,659,791,", ",527,660,791,"), encoding="utf-8")
    assert build.analyse(copied)
    assert ran(copied, before) == {"economics.question"}
    new = contents(copied / "_results")
    assert {name for name in new if new[name] != results[name] and "economics" not in name} <= {
        *("estimates.csv", "tables.xlsx", "provenance.json", "provenance.js", "disclosure.csv", "inputs.csv"),
        *(f"drawings/{name}" for name in ("headlines.svg", "headlines.csv", "alt-texts.json")),
    }
    old, fresh = (read_csv(root / "_results" / "estimates.csv") for root in (twin, copied))
    assert {key.split("/")[0] for key in fresh if fresh[key] != old[key]} == {"economics"}


def test_results_are_the_same_bytes_with_what_is_kept_and_without(copied):
    results, before = contents(copied / "_results"), kept(copied)
    shutil.rmtree(copied / "_results")
    assert build.analyse(copied)
    assert ran(copied, before) == set()
    assert contents(copied / "_results") == results
    assert build.analyse(copied, force=True)
    assert ran(copied, before) == set(before)
    assert contents(copied / "_results") == results


def test_what_is_damaged_in_the_store_is_made_anew(copied):
    results, before = contents(copied / "_results"), kept(copied)
    path = copied / keep.FOLDER / "profile.profile.json"
    path.write_bytes(path.read_bytes()[:-200])
    lost = copied / keep.FOLDER / "economics.question.json"
    lost.unlink()
    figure = next((copied / kept_figures.FOLDER).glob("*.svg"))
    figure.write_bytes(figure.read_bytes()[:-200])
    shutil.rmtree(copied / "_results")
    build.analyse(copied)
    assert ran(copied, before) == {"profile.profile", "economics.question"}
    assert contents(copied / "_results") == results


def test_a_killed_run_leaves_the_last_results_and_what_ended_before_is_not_run_again(copied):
    results = contents(copied / "_results")
    shutil.rmtree(copied / keep.FOLDER)
    (copied / "study.toml").write_text((copied / "study.toml").read_text(encoding="utf-8") + "# a remark\n", encoding="utf-8")
    code = f"from pathlib import Path; from ldeval.release.build import analyse; analyse(Path({str(copied)!r}))"
    begun = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    while len(kept(copied)) < 3 and begun.poll() is None:
        time.sleep(0.05)
    os.killpg(begun.pid, signal.SIGKILL)
    begun.wait()
    assert contents(copied / "_results") == results
    before = kept(copied)
    assert 3 <= len(before) < len(STAGES)
    assert build.analyse(copied)
    assert not ran(copied, before) & set(before)
    same = {name for name, content in contents(copied / "_results").items() if results.get(name) != content}
    assert same == {"provenance.json", "provenance.js", "inputs.csv"}  # these name the fingerprint of the protocol
