"""Validation on real data equals R: every key of the reference files is compared, or listed with the reason."""

import json
from pathlib import Path

import pytest

from ldeval.analysis import agreement, validation
from ldeval.analysis.findings import Table
from ldeval.estimate import Estimates

PROJECT = Path(__file__).parent.parent

# R's values are printed to eleven digits; Newton's method stops within a millionth of a standard error.
TOLERANCE = 1e-6

DESCRIBES = "describes the data or the versions"
ERRORS = "robust and clustered errors differ from R in the libraries used here"
PROPORTIONAL = "tests of proportional hazards differ from R in the libraries used here"
RESTRICTED = "restricted means have another variance in the library used here"
PARAMETRIC = "the report shows no parametric model"
ENTRY = "time-varying covariates need entry times, which are wrong in the library used here"
WEIGHTS = "weights are not used in this chapter"
NOT_SHOWN = "the chapter does not show it"

NOT_COMPARED = {
    "rossi": {
        **dict.fromkeys(("dataset", "n", "levels", "meta", "tv_rows"), DESCRIBES),
        **dict.fromkeys(("cox_robust", "cox_cluster_educ"), ERRORS),
        **dict.fromkeys(("zph_km", "zph_identity", "zph_rank", "zph_log"), PROPORTIONAL),
        **dict.fromkeys(("rmst52_fin", "rmst52_diff"), RESTRICTED),
        **{f"survreg_{d}": PARAMETRIC for d in ("weibull", "exponential", "lognormal", "loglogistic")},
        **dict.fromkeys(
            ("cox_tv_employed", "cox_tv_employed_lag", "cox_tv_employed_cluster_id", "cox_age_interaction_tt"), ENTRY
        ),
        **dict.fromkeys(("iptw_km", "iptw_cox_robust", "gformula_surv"), WEIGHTS),
        **dict.fromkeys(("peto_fin", "logrank_fin_strat_wexp", "cox_exact", "cox_predict"), NOT_SHOWN),
        **dict.fromkeys(("basehaz_uncentered", "rp_concordance_uno", "frailty_gamma_educ"), NOT_SHOWN),
    },
    "recid": {
        **dict.fromkeys(("dataset", "n", "events", "meta"), DESCRIBES),
        "robust": ERRORS,
        **dict.fromkeys(("zph_km", "zph_identity"), PROPORTIONAL),
        **dict.fromkeys(("rmst24_workprg", "rmst24_diff", "rmst70", "rmst70_diff"), RESTRICTED),
        **{f"survreg_{d}": PARAMETRIC for d in ("weibull", "exponential", "lognormal", "loglogistic")},
        "logit12": "logistic regression is not used in this chapter",
    },
}


def all_rows(monkeypatch, data):
    kept = {}

    def keep(name, rows, _families):
        kept[name] = list(rows)
        return Table(f"{name}-agreement", "t", (), ())

    monkeypatch.setattr(agreement, "summary", keep)
    found = {"rossi": validation.rossi, "recid": validation.recid}[data](PROJECT)
    return found, kept[data]


def reference(data):
    return json.loads((PROJECT / "tests" / "reference" / f"{data}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("data", ["rossi", "recid"])
def test_every_key_of_the_reference_is_compared_or_listed_with_the_reason(monkeypatch, data):
    _, rows = all_rows(monkeypatch, data)
    compared = {row.key for row in rows}
    assert compared | NOT_COMPARED[data].keys() == reference(data).keys()
    assert not compared & NOT_COMPARED[data].keys()


@pytest.mark.parametrize("data", ["rossi", "recid"])
def test_every_value_equals_r(monkeypatch, data):
    _, rows = all_rows(monkeypatch, data)
    wrong = [f"{row.key}, {row.quantity}: {row.here} here, {row.r} in R" for row in rows if not row.difference < TOLERANCE]
    assert wrong == []
    assert len(rows) > 150


@pytest.mark.parametrize(("key", "field"), [("cox_efron", "coef"), ("cox_efron", "se(coef)"), ("cox_efron", "Pr(>|z|)")])
def test_a_slightly_wrong_value_is_noticed(monkeypatch, key, field):
    wrong = reference("recid")
    wrong[key]["coef"][0][field] *= 1 + 1e-4
    monkeypatch.setattr(agreement, "reference", lambda *_: wrong)
    _, rows = all_rows(monkeypatch, "recid")
    assert max(row.difference for row in rows) > TOLERANCE


@pytest.mark.parametrize("data", ["rossi", "recid"])
def test_counts_are_those_of_the_data_set(data):
    found = {"rossi": validation.rossi, "recid": validation.recid}[data](PROJECT)
    main = found.estimates[0]
    known = reference(data)
    assert (main.n, main.events) == (known["n"], known["cox_efron"]["nevent"])
    assert {origin.data for origin in found.origins.values()} == {(data,)}


def test_the_estimates_equal_r_as_released():
    estimates = Estimates(validation.validate(PROJECT).estimates)
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
    estimates = Estimates(validation.rossi(PROJECT).estimates)
    other = reference("rossi")["cox_efron"]["coef"][2]
    assert other["term"] == "raceother"
    assert estimates["rossi/hazard_ratio/race"].value == pytest.approx(1 / other["exp(coef)"], rel=TOLERANCE)


def test_no_difference_below_a_millionth_is_stated():
    estimates = Estimates(validation.validate(PROJECT).estimates)
    assert {estimates[f"{data}/largest_difference"].value for data in ("rossi", "recid")} == {agreement.SMALLEST}
