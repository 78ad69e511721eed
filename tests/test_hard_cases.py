"""Other inputs: each ends in a report that says what could not be estimated and why, or in a clear message."""

import json
import re
import shutil

import pytest
from hard_cases import CASES, USERS, harden, make_extracts, make_study

from ldeval.publish.build import build
from ldeval.release.build import analyse

WHY = {
    "no_users": "there are no users in the records",
    "no_comparators": "there are no comparators in the records",
    "one_area": "come from one area only|there are no comparators in the records",
    "nobody_reconvicted": "nobody",
}
"""What the report of a case has to say; the other cases leave the headline effects to be estimated."""


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """The study on the extracts as they are, analysed and rendered."""
    root = make_study(tmp_path_factory.mktemp("plain") / "study")
    make_extracts(root)
    whole(root)
    return root


def whole(root):
    """Analyse, release and render, as `make report` does."""
    analyse(root)
    return build(root, to="html", say=lambda text: None)


@pytest.mark.slow  # each is linkage, all analyses and a render: about a minute
@pytest.mark.parametrize("case", CASES)
def test_a_hard_case_ends_in_a_report_that_says_why(plain, tmp_path, case):
    root = shutil.copytree(plain, tmp_path / "study")
    harden(root, case)
    pages = whole(root)
    about = json.loads((root / "_results" / "provenance.json").read_text(encoding="utf-8"))
    reasons = [gap["why"] for gap in about["missing"].values()]
    if case in WHY:
        assert any(re.search(WHY[case], why) for why in reasons)
    text = (pages / "chapters" / "diversion.html").read_text(encoding="utf-8")
    assert "Traceback" not in text
    for why in set(reasons):
        assert not re.search(r"\b\d{3,}\b", why), why  # a reason holds no count of people


@pytest.mark.slow
def test_a_source_that_is_missing_altogether_is_named(plain, tmp_path):
    root = shutil.copytree(plain, tmp_path / "study")
    before = {path.name: path.read_bytes() for path in (root / "_results").glob("*.csv")}
    for path in (root / "extracts").glob("ndtms_*.parquet"):
        path.unlink()
    with pytest.raises(ValueError, match="ndtms_persons"):
        whole(root)
    assert {path.name: path.read_bytes() for path in (root / "_results").glob("*.csv")} == before


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "users"), [(2, USERS), (1, 10 * USERS)])
def test_another_seed_and_ten_times_the_people_need_no_edit(tmp_path, seed, users):
    root = make_study(tmp_path / "study", source="twin")
    path = root / "study.toml"
    text = path.read_text(encoding="utf-8").replace(f"users = {USERS}", f"users = {users}")
    path.write_text(text.replace("seed = 1\nusers", f"seed = {seed}\nusers"), encoding="utf-8")
    pages = whole(root)
    assert f"seed {seed}" in re.sub(r"<[^>]*>|\s+", " ", (pages / "chapters" / "diversion.html").read_text(encoding="utf-8"))
