"""The open data sets: the ones meant, or a clear refusal that shows no one's value."""

import shutil
from pathlib import Path

import pytest

from ldeval.data.open_data import FOLDER, OPEN_DATA, fingerprint, load

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def root(tmp_path):
    shutil.copytree(PROJECT / FOLDER, tmp_path / FOLDER)
    return tmp_path


@pytest.mark.parametrize(("name", "people"), [("rossi", 432), ("recid", 1445)])
def test_they_hold_the_people_they_should(name, people):
    frame = load(name, PROJECT)
    assert len(frame) == people
    assert tuple(frame.columns) == OPEN_DATA[name].columns


def test_the_copy_here_is_the_one_that_r_was_given():
    here = PROJECT / FOLDER
    for name, reference in (("recid.csv", "data/recid.csv"), ("rossi.json", "rossi.json"), ("recid.json", "recid.json")):
        assert (here / name).read_bytes() == (PROJECT / "tests" / "reference" / reference).read_bytes()


def edit(root, change):
    path = root / FOLDER / "recid.csv"
    path.write_text(change(path.read_text()))


def test_a_missing_column_is_named(root):
    edit(root, lambda text: text.replace("workprg", "other", 1))
    with pytest.raises(ValueError, match=r"missing: \['workprg'\]"):
        load("recid", root)


def test_holes_are_counted_by_column(root):
    edit(root, lambda text: text.replace("\n0,1,0,1,1,0,1,0,0,0,7,2,441,", "\nsecret,1,0,1,1,0,1,0,0,0,7,2,,", 1))
    with pytest.raises(ValueError, match=r"\{'black': 1, 'age': 1\}") as caught:
        load("recid", root)
    assert "secret" not in str(caught.value)


def test_another_number_of_people_is_refused(root):
    edit(root, lambda text: text.rsplit("\n", 2)[0] + "\n")
    with pytest.raises(ValueError, match="expected 1445 people, found 1444"):
        load("recid", root)


def test_the_fingerprint_is_that_of_the_file(root):
    before = fingerprint("recid", root)
    assert before == fingerprint("recid", PROJECT)
    edit(root, lambda text: text + "\n")
    assert fingerprint("recid", root) != before
