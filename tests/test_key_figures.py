"""The key figures: what the analyses give now equals what was last accepted (`make accept` takes a new value)."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ldeval.cli import app
from ldeval.estimate import compare, read_csv
from ldeval.release.accepted import ACCEPTED, moved

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def project(released, tmp_path_factory):
    root = tmp_path_factory.mktemp("mine") / "project"
    shutil.copytree(released, root)
    (root / ACCEPTED).parent.mkdir(parents=True)
    shutil.copy(PROJECT / ACCEPTED, root / ACCEPTED)
    return root


def test_no_key_figure_has_moved(project):
    assert [str(change) for change in moved(project)] == []


def test_accept_shows_what_moved_in_standard_errors_and_takes_it(project, monkeypatch):
    path = project / ACCEPTED
    accepted = read_csv(path)
    row = accepted["rossi/hazard_ratio/fin"]
    path.write_text(path.read_text().replace(repr(row.value), "0.7", 1))
    monkeypatch.chdir(project)
    shown = CliRunner().invoke(app, ["accept"])
    assert shown.exit_code == 0
    assert shown.stdout == "rossi/hazard_ratio/fin: value 0.7 -> 0.684257 (-0.12 se)\n"
    taken = read_csv(path)
    assert compare(accepted, taken) == []
    assert [taken[key] for key in accepted if key != row.id] == [accepted[key] for key in accepted if key != row.id]
    assert CliRunner().invoke(app, ["accept"]).stdout == "no key figure moved\n"


def test_without_accepted_figures_all_are_new(project):
    path = project / ACCEPTED
    accepted = path.read_bytes()
    path.unlink()
    try:
        assert {change.field for change in moved(project)} == {"id"}
    finally:
        path.write_bytes(accepted)


def test_analyse_says_whether_it_ran(project, monkeypatch):
    monkeypatch.chdir(project / "data")
    assert CliRunner().invoke(app, ["analyse"]).stdout == "_results/ is up to date\n"
    asked = []
    monkeypatch.setattr("ldeval.release.build.analyse", lambda root, *, force, **_: asked.append((root, force)) or True)
    assert CliRunner().invoke(app, ["analyse", "--force"]).stdout == "_results/ made anew\n"
    assert asked == [(project, True)]
