"""Validation on real data equals R: every key of the reference files is compared, or listed with the reason."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ldeval.analysis import agreement, trial_models, validation
from ldeval.analysis.trials import RECID, ROSSI
from ldeval.data.open_data import load, results_of_r
from ldeval.estimate import Estimates
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent

# R's values are printed to eleven digits; Newton's method stops within a millionth of a standard error.
TOLERANCE = 1e-6

DESCRIBES = "describes the data or the versions"
WEIGHTS = "weights are not used in this chapter"
NOT_SHOWN = "the chapter does not show it"

NOT_COMPARED = {
    "rossi": {
        **dict.fromkeys(("dataset", "n", "levels", "meta", "tv_rows"), DESCRIBES),
        **dict.fromkeys(("iptw_km", "iptw_cox_robust", "gformula_surv"), WEIGHTS),
        **dict.fromkeys(("peto_fin", "logrank_fin_strat_wexp", "cox_exact", "cox_predict"), NOT_SHOWN),
        **dict.fromkeys(("basehaz_uncentered", "rp_concordance_uno", "frailty_gamma_educ"), NOT_SHOWN),
    },
    "recid": {
        **dict.fromkeys(("dataset", "n", "events", "meta"), DESCRIBES),
        "logit12": "logistic regression is not used in this chapter",
    },
}
TRIALS = {"rossi": ROSSI, "recid": RECID}


@cache
def found():
    return validation.validate(PROJECT)


def records(data):
    people = load(data, PROJECT)
    return people.assign(event=people["arrest"] if data == "rossi" else 1 - people["cens"])


def all_rows(data):
    return list(validation.compared(TRIALS[data], records(data), PROJECT))


def reference(data):
    return json.loads((PROJECT / "data" / "reference" / f"{data}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("data", ["rossi", "recid"])
def test_every_key_of_the_reference_is_compared_or_listed_with_the_reason(data):
    rows = all_rows(data)
    compared = {row.key for row in rows}
    assert compared | NOT_COMPARED[data].keys() == reference(data).keys()
    assert not compared & NOT_COMPARED[data].keys()


@pytest.mark.parametrize("data", ["rossi", "recid"])
def test_every_value_equals_r(data):
    rows = all_rows(data)
    wrong = [f"{row.key}, {row.quantity}: {row.here} here, {row.r} in R" for row in rows if not row.difference < TOLERANCE]
    assert wrong == []
    assert len(rows) > 150


@pytest.mark.parametrize(
    "path",
    [
        *[("cox_efron", "coef", 0, field) for field in ("coef", "se(coef)", "Pr(>|z|)")],
        ("robust", "coef", 0, "robust se"),
        ("zph_km", 0, "chisq"),
        ("rmst24_diff", "se"),
        ("survreg_weibull", "coef", "priors"),
    ],
)
def test_a_slightly_wrong_value_is_noticed(monkeypatch, path):
    wrong = reference("recid")
    place = wrong
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] *= 1 + 1e-4
    monkeypatch.setattr(agreement, "results_of_r", lambda *_: wrong)
    rows = all_rows("recid")
    assert max(row.difference for row in rows) > TOLERANCE


@pytest.mark.parametrize("data", ["rossi", "recid"])
def test_counts_are_those_of_the_data_set(data):
    main = Estimates(found().estimates)[f"{data}/hazard_ratio/{TRIALS[data].exposure}"]
    known = reference(data)
    assert (main.n, main.events) == (known["n"], known["cox_efron"]["nevent"])
    assert {origin.data for key, origin in found().origins.items() if key.startswith(data)} == {(data,)}


def test_the_estimates_equal_r_as_released():
    estimates = Estimates(found().estimates)
    rossi, recid = reference("rossi"), reference("recid")
    aid, bounds = rossi["cox_efron"]["coef"][0], rossi["cox_efron"]["conf_hr"][0]
    fin = estimates["rossi/hazard_ratio/fin"]
    assert (fin.value, fin.se, fin.low, fin.high, fin.p_value) == pytest.approx(
        (aid["exp(coef)"], aid["se(coef)"], bounds["lower .95"], bounds["upper .95"], aid["Pr(>|z|)"]), rel=TOLERANCE
    )
    assert estimates["rossi/crude_hazard_ratio/fin"].p_value == pytest.approx(rossi["logrank_fin"]["p"], rel=TOLERANCE)
    last = [row for row in recid["km_workprg"] if row["strata"] == "workprg=1"][-1]
    share = estimates[f"recid/not_returned_to_prison/workprg/{last['time']}_months"]
    assert (share.value, share.se) == pytest.approx((last["surv"], last["se"]), rel=TOLERANCE)


def test_r_codes_black_and_married_the_other_way_round():
    estimates = Estimates(found().estimates)
    other = reference("rossi")["cox_efron"]["coef"][2]
    assert other["term"] == "raceother"
    assert estimates["rossi/hazard_ratio/race"].value == pytest.approx(1 / other["exp(coef)"], rel=TOLERANCE)


def test_no_difference_below_a_millionth_is_stated():
    estimates = Estimates(found().estimates)
    assert {estimates[f"{data}/largest_difference"].value for data in ("rossi", "recid")} == {agreement.SMALLEST}


@pytest.mark.parametrize("trial", [ROSSI, RECID], ids=lambda t: t.data)
def test_the_protocol_says_what_is_adjusted_for(trial):
    outcome = read_study(PROJECT / "study.toml").outcomes[trial.outcome]
    assert [trial.exposure, *outcome.adjust] == list(trial.terms)
    assert outcome.estimand == trial.estimand


def test_missing_reference_values_say_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="R's results"):
        results_of_r("recid", tmp_path)


def test_a_week_at_risk_is_a_row_with_the_work_of_that_week():
    people = records("rossi").iloc[:2]  # arrested in week 20, the other in week 17
    rows = trial_models.weeks(people)
    assert (rows.groupby("person").size() == people["week"].to_numpy()).all()
    assert rows["event"].sum() == 2
    assert rows.loc[rows["event"] == 1, "stop"].tolist() == people["week"].tolist()
    first, last = people.iloc[0], int(people["week"].iloc[0])
    assert rows.query("person == 0")["employed"].tolist() == [first[f"emp{week}"] for week in range(1, last + 1)]
    lagged = trial_models.weeks(people, lag=1)
    assert lagged["start"].min() == 1
    assert lagged.query("person == 0")["employed_lag"].tolist() == [first[f"emp{week}"] for week in range(1, last)]


def test_the_hazard_ratio_of_age_in_a_week_joins_both_coefficients():
    estimates = Estimates(found().estimates)
    late, early = (np.log(estimates[f"rossi/hazard_ratio/age/week_{week}"].value) for week in (52, 4))
    assert late - early == pytest.approx(48 * np.log(estimates["rossi/hazard_ratio/age_by_time"].value), abs=1e-12)


@pytest.mark.parametrize("key", ["rossi/mean_free_ratio/52_weeks", "recid/mean_free_ratio/24_months"])
def test_the_ratio_of_means_is_theirs(key):
    estimates = Estimates(found().estimates)
    trial = TRIALS[key.split("/")[0]]
    none, some = (estimates[f"{trial.data}/mean_free/{slug}/{key.split('/')[2]}"].value for slug in trial.slugs)
    assert estimates[key].value == pytest.approx(some / none, rel=1e-12)


def test_the_published_table_is_ours_rounded():
    table = next(exhibit for exhibit in found().exhibits if exhibit.id == "recid-published")
    for term, here, _, printed in table.rows:
        assert here == pytest.approx(printed, abs=0.0005 if "Age" not in term else 0.00005), term
