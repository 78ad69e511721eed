"""The Cox model against R 4.2.2, survival 3.5-3: every Cox key of the reference files.

Tolerances: 1e-6 of the value for estimates and standard errors; R's own search stops when the log-likelihood moves by less than
1e-9 of itself, which leaves estimates about 2e-8 away. 1e-5 for test statistics. R prints the Wald statistic with two decimals.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ldeval.stats.cox import CoxFit, cox
from ldeval.stats.curves import limits

ESTIMATE = 1e-6
STATISTIC = 1e-5
PRINTED = 0.0051  # half of the last decimal printed, and rounding
REFERENCE = Path(__file__).parent.parent / "data" / "reference"

LISTED = {row["key"]: row["reason"] for row in csv.DictReader((REFERENCE / "not_covered.csv").read_text().splitlines())}
COX_LIKE = ("cox", "zph", "frailty", "basehaz", "concordance", "resid", "dfbeta", "rp_concordance", "gformula", "iptw_cox")


def read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((REFERENCE / f"{name}.json").read_text())
    return found


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


FILES = {name: read(name) for name in ("rossi", "recid", "lung", "recurrent", "uis")}


def rossi() -> tuple[pd.DataFrame, pd.DataFrame]:
    data = table("Rossi")
    X = pd.DataFrame(
        {
            "fin": data["fin"] == "yes",
            "age": data["age"],
            "race": data["race"] == "other",
            "wexp": data["wexp"] == "yes",
            "mar": data["mar"] == "not married",
            "paro": data["paro"] == "yes",
            "prio": data["prio"],
        }
    ).astype(float)
    return data, X


def rossi_fit(columns: str = "fin age race wexp mar paro prio", strata: str = "", **options: Any) -> CoxFit:
    data, X = rossi()
    groups = data[strata.split()].astype(str).agg("/".join, axis=1) if strata else None
    if options.get("cluster") == "educ":
        options["cluster"] = data["educ"]
    return cox(data["week"], data["arrest"], X[columns.split()], strata=groups, **options)


def rossi_weeks(lag: int = 0, *, clustered: bool = False) -> CoxFit:
    """A row for each person and week, with that week's (or the week before's) employment."""
    data, X = rossi()
    work = data[[f"emp{week}" for week in range(1, 53)]].to_numpy()
    rows = [(i, week) for i, last in enumerate(data["week"]) for week in range(1 + lag, last + 1)]
    person, stop = np.array(rows).T
    long = X.iloc[person].reset_index(drop=True)
    long["employed"] = work[person, stop - 1 - lag] == "yes"
    event = data["arrest"].to_numpy()[person] * (data["week"].to_numpy()[person] == stop)
    return cox(stop, event, long.astype(float), entry=stop - 1, cluster=person if clustered else None)


def rossi_interaction() -> CoxFit:
    """Age times time, by a row for each event time that a person was at risk at."""
    data, X = rossi()
    times = np.unique(data.loc[data["arrest"] == 1, "week"])
    rows = [(i, k) for i, last in enumerate(data["week"]) for k in range(int((times <= last).sum()))]
    person, slot = np.array(rows).T
    long = X.iloc[person][["fin", "age", "prio"]].reset_index(drop=True)
    long["age_time"] = long["age"] * times[slot]
    event = data["arrest"].to_numpy()[person] * (data["week"].to_numpy()[person] == times[slot])
    return cox(times[slot], event, long, entry=np.concatenate([[0], times])[slot])


def rossi_weighted() -> CoxFit:
    """Inverse probability of treatment weights from a logistic model of financial aid."""
    import statsmodels.api as sm

    data, X = rossi()
    design = sm.add_constant(X[["age", "race", "wexp", "mar", "paro", "prio"]])
    share = sm.GLM(X["fin"], design, family=sm.families.Binomial()).fit(tol=1e-14).predict(design)
    return cox(data["week"], data["arrest"], X[["fin"]], weights=np.where(X["fin"] == 1, 1 / share, 1 / (1 - share)))


def recid(*, months: float | None = None, strata: str = "", robust: bool = False, **options: Any) -> CoxFit:
    data = table("recid")
    event = 1 - data["cens"]
    time = data["durat"]
    columns = ["workprg", "priors", "tserved", "felon", "alcohol", "drugs", "black", "married", "educ", "age"]
    if months:
        time, event = np.minimum(time, months), event * (time <= months)
    groups = data[strata] if strata else None
    cluster = np.arange(len(data)) if robust else None
    return cox(time, event, data[columns], strata=groups, cluster=cluster, **options)


def lung(columns: str = "age sex ph.ecog", strata: str = "", cluster: str = "", **options: Any) -> CoxFit:
    used = [*columns.split(), *strata.split(), *cluster.split()]
    data = table("lung").dropna(subset=used)
    return cox(
        data["time"],
        data["status"] - 1,
        data[columns.split()],
        strata=data[strata] if strata else None,
        cluster=data[cluster] if cluster else None,
        **options,
    )


def bladder(*, clock: str = "total", strata: bool = False) -> CoxFit:
    data = table("bladder2")
    time, entry = (data["stop"], data["start"]) if clock == "total" else (data["stop"] - data["start"], None)
    X = data[["rx", "size", "number"]]
    return cox(time, data["event"], X, entry=entry, strata=data["enum"] if strata else None, cluster=data["id"])


def wlw() -> CoxFit:
    data = table("bladder")
    return cox(data["stop"], data["event"], data[["rx", "size", "number"]], strata=data["enum"], cluster=data["id"])


def cgd() -> CoxFit:
    data = table("cgd")
    X = pd.DataFrame(
        {"treat": data["treat"] == "rIFN-g", "inherit": data["inherit"] == "autosomal", "steroids": data["steroids"]}
    ).astype(float)
    return cox(data["tstop"], data["status"], X, entry=data["tstart"], cluster=data["id"])


def uis() -> CoxFit:
    data = table("uis")
    return cox(data["TIME"], data["CENSOR"], data[["AGE", "BECK", "NDT", "IV3", "TREAT", "SITE"]])


MODELS: dict[str, Callable[[], CoxFit]] = {
    "rossi/cox_efron": rossi_fit,
    "rossi/cox_breslow": lambda: rossi_fit(ties="breslow"),
    "rossi/cox_robust": lambda: rossi_fit(weights=np.ones(432)),
    "rossi/cox_strata_wexp": lambda: rossi_fit("fin age race mar paro prio", strata="wexp"),
    "rossi/cox_strata_wexp_mar": lambda: rossi_fit("fin age race paro prio", strata="wexp mar"),
    "rossi/cox_cluster_educ": lambda: rossi_fit(cluster="educ"),
    "rossi/cox_age_interaction_tt": rossi_interaction,
    "rossi/cox_tv_employed": rossi_weeks,
    "rossi/cox_tv_employed_lag": lambda: rossi_weeks(lag=1),
    "rossi/cox_tv_employed_cluster_id": lambda: rossi_weeks(clustered=True),
    "rossi/iptw_cox_robust": rossi_weighted,
    "recid/cox_efron": recid,
    "recid/cox_breslow": lambda: recid(ties="breslow"),
    "recid/strata_super": lambda: recid(strata="super"),
    "recid/robust": lambda: recid(robust=True),
    "recid/cox12m": lambda: recid(months=12),
    "lung/cox": lung,
    "lung/cox_breslow": lambda: lung(ties="breslow"),
    "lung/cox_cluster_inst": lambda: lung(cluster="inst"),
    "lung/cox_strata_sex": lambda: lung("age ph.ecog", strata="sex"),
    "recurrent/ag": bladder,
    "recurrent/pwp_total": lambda: bladder(strata=True),
    "recurrent/pwp_gap": lambda: bladder(clock="gap", strata=True),
    "recurrent/wlw": wlw,
    "recurrent/cgd_ag": cgd,
    "uis/cox": uis,
}
TESTS_OF_HAZARDS: dict[str, tuple[Callable[[], CoxFit], Any]] = {
    **{f"rossi/zph_{name}": (rossi_fit, name) for name in ("km", "identity", "rank", "log")},
    "recid/zph_km": (recid, "km"),
    "recid/zph_identity": (recid, "identity"),
    "lung/zph_km": (lung, "km"),
    "uis/zph": (uis, "km"),
}
NOT_OURS = {key for key in LISTED if key.split("/")[0] in FILES}
OTHER_TESTS = {  # keys that the functions below check one by one
    *("rossi/cox_predict", "rossi/basehaz_uncentered", "rossi/gformula_surv", "rossi/rp_concordance_uno", "rossi/tv_rows"),
    *("lung/concordance", "lung/resid_martingale_first10", "lung/resid_schoenfeld_first5", "lung/dfbeta_first5"),
}


def expected(key: str) -> Any:
    name, field = key.split("/")
    return FILES[name][field]


def is_cox(name: str, key: str, value: Any) -> bool:
    return (isinstance(value, dict) and str(value.get("call", "")).startswith("coxph")) or key.startswith(COX_LIKE)


def test_every_cox_key_is_checked_or_named() -> None:
    keys = {f"{name}/{key}" for name, values in FILES.items() for key, value in values.items() if is_cox(name, key, value)}
    checked = {*MODELS, *TESTS_OF_HAZARDS, *OTHER_TESTS, *NOT_OURS}
    assert keys - checked == set()
    assert checked - keys == {"rossi/tv_rows", "recurrent/cgd_frailty"}


@pytest.mark.parametrize("key", MODELS)
def test_coefficients_and_errors(key: str) -> None:
    fit, model = MODELS[key](), expected(key)
    rows = model["coef"]
    found = fit.tidy()
    assert len(found) == len(rows)
    np.testing.assert_allclose(found["estimate"], [row["coef"] for row in rows], rtol=ESTIMATE)
    np.testing.assert_allclose(found["se"], [row.get("robust se", row["se(coef)"]) for row in rows], rtol=ESTIMATE)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance_model)), [row["se(coef)"] for row in rows], rtol=ESTIMATE)
    np.testing.assert_allclose(found["p_value"], [row["Pr(>|z|)"] for row in rows], rtol=STATISTIC, atol=1e-12)
    np.testing.assert_allclose(np.exp(found["low"]), [row["lower .95"] for row in model["conf_hr"]], rtol=ESTIMATE)
    np.testing.assert_allclose(np.exp(found["high"]), [row["upper .95"] for row in model["conf_hr"]], rtol=ESTIMATE)
    spread = np.sqrt(np.outer(np.diag(model["vcov"]), np.diag(model["vcov"])))
    np.testing.assert_allclose(fit.covariance / spread, np.array(model["vcov"]) / spread, atol=ESTIMATE)


@pytest.mark.parametrize("key", MODELS)
def test_likelihood_and_tests(key: str) -> None:
    fit, model = MODELS[key](), expected(key)
    assert fit.events == model["nevent"]
    if key != "rossi/cox_age_interaction_tt":  # rows are split there
        assert fit.n == model["n"]
    np.testing.assert_allclose([fit.loglik_null, fit.loglik], model["loglik"], rtol=ESTIMATE)
    np.testing.assert_allclose(fit.likelihood_ratio_test().statistic, model["lr"][0], rtol=STATISTIC)
    np.testing.assert_allclose(fit.likelihood_ratio_test().p_value, model["lr"][2], rtol=10 * STATISTIC)
    np.testing.assert_allclose(fit.score_test().statistic, model["score"][0], rtol=STATISTIC)
    if key == "rossi/cox_cluster_educ":  # five clusters, seven columns: R takes some generalised inverse
        with pytest.raises(ValueError, match="rank 7, found 4"):
            fit.wald_test()
    else:
        np.testing.assert_allclose(fit.wald_test().statistic, model["wald"][0], atol=PRINTED)
    if model["robscore"] is not None:
        np.testing.assert_allclose(fit.score_test(robust=True).statistic, model["robscore"][0], rtol=STATISTIC)


@pytest.mark.parametrize("key", MODELS)
def test_concordance(key: str) -> None:
    found = MODELS[key]().concordance()
    np.testing.assert_allclose([found.estimate, found.se], expected(key)["concordance"], rtol=ESTIMATE)


@pytest.mark.parametrize("key", TESTS_OF_HAZARDS)
def test_proportional_hazards(key: str) -> None:
    make, transform = TESTS_OF_HAZARDS[key]
    found, rows = make().ph_test(transform=transform), expected(key)
    np.testing.assert_allclose(found.tidy()["statistic"], [row["chisq"] for row in rows], rtol=STATISTIC)
    np.testing.assert_allclose(found.tidy()["p_value"], [row["p"] for row in rows], rtol=STATISTIC)
    assert list(found.tidy()["df"]) == [row["df"] for row in rows]


def test_predicted_curves() -> None:
    fit, model = rossi_fit(), expected("rossi/cox_predict")
    for j, aid in enumerate((0, 1)):
        point = fit.curve([aid, 25, 1, 1, 1, 1, 3]).at(model["time"])
        for name, field in (("estimate", "surv"), ("se", "se"), ("low", "lower"), ("high", "upper")):
            np.testing.assert_allclose(getattr(point, name), np.array(model[field])[:, j], rtol=ESTIMATE)


def test_baseline_hazard() -> None:
    found = rossi_fit().baseline_hazard()
    for row in expected("rossi/basehaz_uncentered"):
        hazard = found.loc[found["time"] <= row["time"], "cumulative_hazard"].iloc[-1]
        np.testing.assert_allclose(hazard, row["hazard"], rtol=ESTIMATE)


def test_standardised_curves_are_means_of_predicted_ones() -> None:
    _, X = rossi()
    fit, model = rossi_fit(), expected("rossi/gformula_surv")
    for aid, field in ((0.0, "fin_no"), (1.0, "fin_yes")):
        curves = [fit.curve(x).at(model["times"]).estimate for x in X.assign(fin=aid).to_numpy()]
        np.testing.assert_allclose(np.mean(curves, axis=0), model[field], rtol=ESTIMATE)


def test_weekly_rows() -> None:
    assert rossi_weeks().n == expected("rossi/tv_rows")


def test_concordance_counts() -> None:
    found, model = lung().concordance(), expected("lung/concordance")
    np.testing.assert_allclose([found.estimate, found.se**2], [model["concordance"], model["var"]], rtol=ESTIMATE)
    assert [found.concordant, found.discordant, found.tied] == model["count"][:3]


def test_concordance_error_of_rossi() -> None:
    found, model = rossi_fit().concordance(), expected("rossi/rp_concordance_uno")
    np.testing.assert_allclose([found.estimate, found.se**2], [model["concordance"], model["var"]], rtol=ESTIMATE)


def test_residuals() -> None:
    data = table("lung").dropna(subset=["age", "sex", "ph.ecog"])
    fit = lung()
    np.testing.assert_allclose(fit.residuals("martingale")[:10], expected("lung/resid_martingale_first10"), rtol=ESTIMATE)
    np.testing.assert_allclose(fit.residuals("dfbeta")[:5], expected("lung/dfbeta_first5"), rtol=ESTIMATE)
    order = np.argsort(data.loc[data["status"] == 2, "time"], kind="stable")
    found = fit.residuals("schoenfeld")[order]
    np.testing.assert_allclose(found[:5], expected("lung/resid_schoenfeld_first5"), rtol=ESTIMATE)


def test_log_limits_are_those_of_the_curve() -> None:
    curve = lung().curve([60, 1, 1])
    low, high = limits(curve.estimate, curve.se, curve.critical, "log")
    np.testing.assert_array_equal([low, high], [curve.low, curve.high])
