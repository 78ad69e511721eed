"""The protocol: read into one frozen object, every fault at once, by key."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from ldeval.root import find_root
from ldeval.study import read_study

GOOD = (Path(__file__).parent.parent / "study.toml").read_text(encoding="utf-8")


def study(tmp_path, text):
    path = tmp_path / "study.toml"
    path.write_text(text, encoding="utf-8")
    return read_study(path)


def test_the_committed_protocol_reads(tmp_path):
    read = study(tmp_path, GOOD)
    assert read.release.policy == "nhs-hes"
    assert read.outcomes["rearrest"].matters == 0.8


def test_it_cannot_be_changed(tmp_path):
    with pytest.raises(ValidationError, match="frozen"):
        study(tmp_path, GOOD).release.policy = "nhs-hes"


def test_every_fault_is_told_by_key_at_once(tmp_path):
    bad = GOOD.replace("follow_up_days = 365", "follow_up_days = 0").replace("threshold = 0.95", "threshold = 2")
    bad = bad.replace('policy = "nhs-hes"', 'policy = "open"').replace("[linkage]", "[linkage]\nextra = 1")
    with pytest.raises(ValueError, match=r"4 fault") as caught:
        study(tmp_path, bad)
    for key in ("study.follow_up_days", "linkage.threshold", "linkage.extra", "release.policy"):
        assert key in str(caught.value)


def test_a_window_that_ends_before_it_begins_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must not end"):
        study(tmp_path, GOOD.replace('"2017-09-30"', '"2016-09-30"'))


@pytest.mark.parametrize("text", ["[study", "\x00", "a = 1\na = 2"])
def test_what_is_no_toml_is_told_with_its_place(tmp_path, text):
    with pytest.raises(ValueError, match="not readable as TOML"):
        study(tmp_path, text)


def test_a_file_in_another_encoding_is_told(tmp_path):
    (tmp_path / "study.toml").write_bytes("[study]\ntitle = 'é'".encode("latin-1"))
    with pytest.raises(ValueError, match="not readable as TOML"):
        read_study(tmp_path / "study.toml")


def test_no_file_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="a study needs one"):
        read_study(tmp_path / "study.toml")


def test_the_root_is_the_nearest_folder_with_a_protocol(tmp_path):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    (tmp_path / "study.toml").touch()
    assert find_root(inside) == tmp_path.resolve()
    (inside / "study.toml").touch()
    assert find_root(inside) == inside.resolve()


def test_outside_a_study_it_says_where_to_run(tmp_path):
    with pytest.raises(FileNotFoundError, match="run inside a study's folder"):
        find_root(tmp_path)
