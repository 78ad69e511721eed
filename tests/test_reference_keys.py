"""No result of R goes unchecked: every key of every reference file is compared in some test, or listed with the reason."""

import json
from pathlib import Path

import pytest
import test_competing
import test_cox_reference
import test_did
import test_reference_regression
import test_survival

from ldeval.data.evidence import not_covered

PROJECT = Path(__file__).parent.parent
FILES = sorted((PROJECT / "data" / "reference").glob("*.json"))
DESCRIBE = {"meta", "dataset", "source", "n", "n_ky", "events", "vars", "levels", "tv_rows"}
ELSEWHERE = {
    **{f"{data}/survreg_{name}": "test_parametric.py" for data in ("rossi", "recid", "lung") for name in
       ("weibull", "exponential", "lognormal", "loglogistic")},
    "wooldridge_17_4/coef": "test_parametric.py",
    "recid/logit12": "here",
}  # fmt: skip
R_STOPS = 1e-4
"""Relative: R's glm stops at a change of 1e-8 in the deviance and takes its errors from the step before."""
LISTED = not_covered(PROJECT)


def checked():
    cox = test_cox_reference
    yield from (*cox.MODELS, *cox.TESTS_OF_HAZARDS, *cox.OTHER_TESTS)
    yield from (f"{file}/{key}" for file, key in test_survival.COVERED)
    yield from (f"{file}/{key}" for file in ("rossi", "lung", "recid", "uis") for key in test_survival.WITH_ITS_MEANS)
    yield from (f"bmt_scrucca/{key}" for key in test_competing.COVERED)
    yield from (f"mpdta/{key}" for key in test_did.R)
    yield from ("/".join(key.split("/")[:2]) for key in test_reference_regression.COVERED)
    yield from ELSEWHERE


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_key_is_compared_or_listed(path):
    keys = {f"{path.stem}/{key}" for key in json.loads(path.read_text(encoding="utf-8")) if key not in DESCRIBE}
    assert keys - set(checked()) - set(LISTED) == set()


@pytest.mark.parametrize("listed", LISTED)
def test_the_list_holds_no_key_that_is_not_there(listed):
    key, _, field = listed.partition(", ")
    node = json.loads((PROJECT / "data" / "reference" / f"{key.split('/')[0]}.json").read_text(encoding="utf-8"))
    for part in key.split("/")[1:]:
        node = node[part]
    assert not field or field in (node[0] if isinstance(node, list) else node)


def test_logistic_regression_of_return_within_a_year():
    from ldeval.data.open_data import load
    from ldeval.stats.binary import logistic

    people = load("recid", PROJECT)
    theirs = json.loads((PROJECT / "data" / "reference" / "recid.json").read_text(encoding="utf-8"))["logit12"]
    X = people[[row["term"] for row in theirs[1:]]].assign(intercept=1.0)
    fit = logistic((people["cens"] == 0) & (people["durat"] <= 12), X).tidy().set_index("term")
    for row in theirs:
        found = fit.loc["intercept" if row["term"] == "(Intercept)" else row["term"]]
        assert found.estimate == pytest.approx(row["Estimate"], abs=1e-6 * row["Std. Error"])
        assert found.se == pytest.approx(row["Std. Error"], rel=R_STOPS)
