"""Other inputs: each ends in a report that says what could not be estimated and why, or in a clear message."""

import json
import re
import shutil

import pytest
from calls import told
from hard_cases import CASES, USERS, harden, make_extracts, make_study, with_open_data

from ldeval.analysis.attempts import KNOWN
from ldeval.data.synthetic_blocks import ground
from ldeval.data.twin_parameters import PARAMETER_FILE as PARAMETERS
from ldeval.data.twin_parameters import read_parameters
from ldeval.publish.build import build
from ldeval.release.build import analyse

HEADLINES = ("diversion/risk_difference/att", "reconviction/hazard_ratio/att")
WHY = {
    "no_users": dict.fromkeys(HEADLINES, "there are no users in the records"),
    "no_comparators": dict.fromkeys(HEADLINES, "there are no comparators in the records"),
    "one_area": dict.fromkeys(HEADLINES, "there are no comparators in the records"),
    "nobody_reconvicted": {HEADLINES[1]: "nobody in one arm was reconvicted"},
    "everyone_reconvicted": {HEADLINES[1]: KNOWN["small_sample"]},  # all on one day: times tell nothing apart
    "tiny_pool": {HEADLINES[0]: "withheld by disclosure control: 1 to 7 events on one side"},
}
"""Why each headline effect of a case is missing; in the cases that are not here, both are estimated."""

QUICK = "no_users"
"""The case that is run with the quick tests, without a render; the others take half a minute to a minute each."""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The extracts of a small study."""
    root = tmp_path_factory.mktemp("small") / "study"
    make_study(root)
    make_extracts(root)
    return root


@pytest.fixture
def study(small, released, tmp_path):
    """The small study, to be changed."""
    return with_open_data(released, shutil.copytree(small, tmp_path / "study"))


def ended(root, case):
    """Say what a case ended in: nothing failed, and every reason is one that may be read."""
    texts, faults = told(root)
    assert faults == []
    about = json.loads((root / "_results" / "provenance.json").read_text(encoding="utf-8"))
    whys = {key: gap["why"] for key, gap in about["missing"].items()}
    assert {key: why for key, why in whys.items() if re.search(r"\b\d{2,}\b", why)} == {}  # no count of people
    for key in HEADLINES:
        expected = WHY.get(case, {}).get(key)
        assert (key not in whys) if expected is None else (expected in whys[key])
        assert expected is None or expected in texts["index"] + texts["reconviction"]


def test_a_hard_case_ends_in_a_text_that_says_why(study):
    harden(study, QUICK)
    analyse(study)
    ended(study, QUICK)


@pytest.mark.slow  # each is linkage, all analyses and a render
@pytest.mark.parametrize("case", CASES)
def test_a_hard_case_ends_in_a_report_that_says_why(study, case):
    harden(study, case)
    analyse(study)
    ended(study, case)
    pages = build(study, to="html", say=lambda text: None)
    text = (pages / "index.html").read_text(encoding="utf-8")
    assert all(why in text for why in WHY.get(case, {}).values())


def test_a_source_that_is_missing_altogether_is_named_and_what_was_there_stays(study):
    (study / "_results").mkdir()
    (study / "_results" / "estimates.csv").write_text("the last run's")
    for path in (study / "extracts").glob("ndtms_*.parquet"):
        path.unlink()
    with pytest.raises(ValueError, match="ndtms_persons"):
        analyse(study)
    assert (study / "_results" / "estimates.csv").read_text() == "the last run's"


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "users"), [(2, USERS), (1, 10 * USERS)])
def test_another_seed_and_ten_times_the_people_need_no_edit(tmp_path, seed, users):
    root = make_study(tmp_path / "study", source="twin")
    path = root / "study.toml"
    text = path.read_text(encoding="utf-8").replace(f"users = {USERS}", f"users = {users}")
    path.write_text(text.replace("seed = 1\nusers", f"seed = {seed}\nusers"), encoding="utf-8")
    analyse(root)
    pages = build(root, to="html", say=lambda text: None)
    assert f"seed {seed}" in re.sub(r"<[^>]*>|\s+", " ", (pages / "chapters" / "diversion.html").read_text(encoding="utf-8"))


@pytest.fixture
def with_effect(tmp_path, monkeypatch):
    """Give twins another effect on custody, as log odds."""

    def change(log_odds):
        text, times = re.subn(r"\ncustody = \{ value = -1.20,", f"\ncustody = {{ value = {log_odds},", PARAMETERS.read_text())
        assert times == 1
        edited = tmp_path / "twin.toml"
        edited.write_text(text)
        monkeypatch.setattr("ldeval.data.synthetic_blocks.default_parameters", lambda: read_parameters(edited))
        ground.cache_clear()

    yield change
    ground.cache_clear()


@pytest.mark.slow
@pytest.mark.parametrize(("log_odds", "said"), [(1.2, "for the worse"), (0.0, "no difference that matters|too imprecise to say")])
def test_a_twin_whose_service_does_harm_or_nothing_is_reported_so(tmp_path, released, with_effect, log_odds, said):
    with_effect(log_odds)
    root = with_open_data(released, make_study(tmp_path / "study"))
    make_extracts(root, users=5 * USERS)
    analyse(root)
    pages = build(root, to="html", say=lambda text: None)
    for name in ("index", "chapters/diversion", "chapters/discussion"):
        text = (pages / f"{name}.html").read_text(encoding="utf-8")
        first = re.search(r'<span class="est verdict" data-id="diversion/risk_difference/att">(.*?)</span>', text)[1]
        assert re.search(said, first), name
        assert "for the better" not in first
