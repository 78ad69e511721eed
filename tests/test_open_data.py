"""The open data sets: the ones meant, or a clear refusal that shows no one's value."""

import shutil
from pathlib import Path

import pandas as pd
import pytest

from ldeval.data.open_data import FOLDER, OPEN_DATA, fingerprint, load

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def root(tmp_path):
    shutil.copytree(PROJECT / FOLDER, tmp_path / FOLDER)
    return tmp_path


@pytest.mark.parametrize("name", [name for name, data in OPEN_DATA.items() if data.rows])
def test_they_hold_the_rows_they_should(name):
    data, frame = OPEN_DATA[name], load(name, PROJECT)
    assert len(frame) == data.rows
    assert not data.columns or tuple(frame.columns) == data.columns


def test_words_become_the_numbers_that_the_data_set_names():
    frame = load("rossi", PROJECT)
    assert frame[["fin", "race", "wexp", "mar", "paro"]].sum().tolist() == [216, 379, 247, 53, 267]


def test_work_is_recorded_while_people_are_free(root):
    path = root / OPEN_DATA["rossi"].path
    first = pd.read_csv(path)
    assert first["emp52"].isna().any()  # those who were arrested before
    first.assign(emp1=first["emp1"].where(first.index > 2, "perhaps")).to_csv(path, index=False)
    with pytest.raises(ValueError, match=r"\{'emp1': 3\}") as caught:
        load("rossi", root)
    assert "perhaps" not in str(caught.value)


def edit(root, change):
    path = root / OPEN_DATA["recid"].path
    path.write_text(change(path.read_text()))


def test_a_missing_file_says_what_it_should_hold(root):
    (root / OPEN_DATA["recid"].path).unlink()
    with pytest.raises(FileNotFoundError, match="Chung, Schmidt and Witte"):
        load("recid", root)


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
    with pytest.raises(ValueError, match="expected 1445 rows, found 1444"):
        load("recid", root)


def test_the_fingerprint_is_that_of_the_file(root):
    before = fingerprint("recid", root)
    assert before == fingerprint("recid", PROJECT)
    edit(root, lambda text: text + "\n")
    assert fingerprint("recid", root) != before
