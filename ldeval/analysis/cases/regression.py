"""Reference cases of counts, binary outcomes, linear models, panels, series and quantiles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ldeval.analysis.cases.case import Case, Family, Peer
from ldeval.analysis.cases.survival import NO_METHOD
from ldeval.data.open_data import load, results_of_r
from ldeval.stats.binary import logistic, standardised_risk
from ldeval.stats.counts import fixed_effects_poisson, interrupted_time_series, negative_binomial, poisson
from ldeval.stats.did import group_time_effects
from ldeval.stats.durations import quantile_regression
from ldeval.stats.linear import linear

OBSERVED = "its errors come from the observed information, R's from the expected one"
DEFAULTS = "its default corrections for small samples are others; asked for R's, it agrees"
LOGIT = "for this model its HC1 is HC0"
KERNEL = "its density estimate is none of R's nid, iid or ker"


def cases(root: Path) -> Iterator[Case]:
    """Give the cases of this module."""
    yield from _counts(root)
    yield from _binary(root)
    yield from _linear(root)
    yield from _panels(root)
    yield from _groups(root)
    yield from _series(root)
    yield from _quantiles(root)


def with_intercept(table: pd.DataFrame) -> pd.DataFrame:
    """Put an intercept before the columns."""
    return table.astype(float).assign(intercept=1.0)[["intercept", *table.columns]]


def _pair(
    family: Family, words: str, fit: Any, term: str, r: Any, peer: Peer, values: tuple[float, float] | Any, why: str = ""
) -> Iterator[Case]:
    """Compare a coefficient and its standard error; `values` are the peer's."""
    row = fit.tidy().set_index("term").loc[term]
    yield family.estimate(words, row.estimate, r["Estimate"], r["Std. Error"], peer, values[0], why)
    yield family.value(f"{words}: standard error", row.se, r["Std. Error"], peer, values[1], why)


def _of(fit: Any, term: str) -> tuple[float, float]:
    """Give a coefficient and its error of a statsmodels fit."""
    return float(fit.params[term]), float(fit.bse[term])


CRIME = ["pcnv", "avgsen", "tottime", "ptime86", "qemp86", "inc86", "black", "hispan", "born60"]


def _counts(root: Path) -> Iterator[Case]:
    import statsmodels.api as sm

    table, r = load("crime1", root), results_of_r("crime1", root)
    y, X = table["narr86"], with_intercept(table[CRIME])
    family = Family("Poisson", "crime1")
    peer = sm.GLM(y, X, family=sm.families.Poisson())
    yield from _pair(
        family, "Proven arrests", poisson(y, X), "pcnv", r["poisson"][1], "statsmodels", _of(peer.fit(tol=1e-12), "pcnv")
    )
    robust, theirs = poisson(y, X, robust="HC0").tidy().set_index("term").se["pcnv"], r["poisson_hc0"][1]["Std. Error"]
    yield family.value(
        "Proven arrests: standard error, HC0", robust, theirs, "statsmodels", peer.fit(tol=1e-12, cov_type="HC0").bse["pcnv"]
    )
    family, theirs = Family("Negative binomial (NB2)", "crime1"), r["negbin"]
    fit = negative_binomial(y, X)
    other = sm.NegativeBinomial(y, X).fit(disp=0, method="newton", maxiter=100, tol=1e-12)
    yield from _pair(family, "Proven arrests", fit, "pcnv", theirs["coef"][1], "statsmodels", _of(other, "pcnv"), OBSERVED)
    yield family.value("Dispersion", fit.alpha, theirs["alpha"], "statsmodels", other.params["alpha"])


def _binary(root: Path) -> Iterator[Case]:
    import statsmodels.api as sm

    table, r = load("arrests", root), results_of_r("arrests", root)
    X = with_intercept(
        pd.DataFrame(
            {
                "white": table["colour"] == "White",
                "age": table["age"],
                "male": table["sex"] == "Male",
                "employed": table["employed"] == "Yes",
                "citizen": table["citizen"] == "Yes",
                "checks": table["checks"],
            }
        )
    )
    y = (table["released"] == "Yes").astype(float)
    family, model = Family("Logistic", "arrests"), sm.Logit(y, X)
    plain = model.fit(disp=0, tol=1e-12)
    yield from _pair(family, "White", logistic(y, X), "white", r["simple"][1], "statsmodels", _of(plain, "white"))
    for words, key, options, other in (
        ("White: standard error, HC1", "simple_hc1", {"robust": "HC1"}, {"cov_type": "HC1"}),
        ("White: standard error, HC3", "simple_hc3", {"robust": "HC3"}, {}),
        ("White: clustered by year", "cluster_year_HC0", {"cluster": table["year"]}, _by(table["year"], correct=False)),
        (
            "White: clustered by year, CR1",
            "cluster_year_HC1",
            {"cluster": table["year"], "small_sample": "CR1"},
            _by(table["year"], correct=True),
        ),
    ):
        here = logistic(y, X, **options).tidy().set_index("term").se["white"]
        if not other:
            yield family.value(words, here, r[key][1]["Std. Error"], why="statsmodels has HC3 for linear models only")
            continue
        se = model.fit(disp=0, tol=1e-12, **other).bse["white"]
        yield family.value(words, here, r[key][1]["Std. Error"], "statsmodels", se, LOGIT if key == "simple_hc1" else "")
    yield from _risks(y, X, plain, r["ame_colour"])
    family, theirs = Family("Risk ratio (modified Poisson)", "arrests"), r["rr_modified_poisson"]["coef"][1]
    other_fit = sm.GLM(y, X, family=sm.families.Poisson()).fit(tol=1e-12, cov_type="HC0")
    yield from _pair(family, "White", poisson(y, X, robust="HC0"), "white", theirs, "statsmodels", _of(other_fit, "white"))


def _by(groups: pd.Series, *, correct: bool) -> dict[str, Any]:
    return {"cov_type": "cluster", "cov_kwds": {"groups": groups, "use_correction": correct}}


def _risks(y: pd.Series, X: pd.DataFrame, peer: Any, r: dict[str, float]) -> Iterator[Case]:
    rest = X.drop(columns="white")
    found = standardised_risk(y, X["white"], rest, estimand="ATE").tidy().set_index("term")
    margin = peer.get_margeff(dummy=True).summary_frame().loc["white"]
    family = Family("Standardised risk", "arrests")
    row = found.loc["risk_difference"]
    yield family.estimate("Risk difference", row.estimate, r["ame"], r["se"], "statsmodels", margin["dy/dx"])
    yield family.value("Risk difference: standard error", row.se, r["se"], "statsmodels", margin["Std. Err."])
    yield family.value("Risk ratio", np.exp(found.estimate["log_risk_ratio"]), r["ratio"], why=NO_METHOD)


def _linear(root: Path) -> Iterator[Case]:
    import statsmodels.api as sm

    table = load("injury", root).query("ky == 1")
    X = with_intercept(table[["afchnge", "highearn"]].assign(both=table["afchnge"] * table["highearn"]))
    r, family = results_of_r("injury_did", root), Family("Difference in differences", "injury")
    model = sm.OLS(table["ldurat"], X)
    for words, key, options, other in (
        ("Benefits raised, high earners", "did", {}, {}),
        ("The same with errors HC1", "hc1", {"robust": "HC1"}, {"cov_type": "HC1"}),
    ):
        fit = linear(table["ldurat"], X, **options)  # type: ignore[arg-type]
        yield from _pair(family, words, fit, "both", r[key][3], "statsmodels", _of(model.fit(**other), "both"))


def _castle(table: pd.DataFrame, *, states: bool) -> pd.DataFrame:
    columns = [table[["post"]], pd.get_dummies(table["year"], prefix="year").iloc[:, 1:]]
    columns += [pd.get_dummies(table["sid"], prefix="state")] if states else []
    return pd.concat(columns, axis=1).astype(float)


def _panels(root: Path) -> Iterator[Case]:
    import pyfixest as pf

    table, r = load("castle", root), results_of_r("castle", root)
    X, family = _castle(table, states=True), Family("Two-way fixed effects", "castle")
    small = pf.ssc(k_adj=True, k_fixef="full", G_adj=True)
    fit = linear(table["l_homicide"], X, weights=table["popwt"], cluster=table["sid"], small_sample="CR1")
    peer = pf.feols("l_homicide ~ post | sid + year", table, vcov={"CRV1": "sid"}, weights="popwt", ssc=small)
    theirs = {"Estimate": r["twfe_weighted"]["coef"], "Std. Error": r["twfe_weighted"]["se_cl"]}
    yield from _pair(
        family, "Law in force, weighted, CR1", fit, "post", theirs, "pyfixest", (peer.coef()["post"], peer.se()["post"])
    )
    usual = pf.feols("l_homicide ~ post | sid + year", table, vcov={"CRV1": "sid"}, weights="popwt").se()["post"]
    se = fit.tidy().se[0]
    yield family.value("The same error, the peer by its defaults", se, theirs["Std. Error"], "pyfixest", usual, DEFAULTS)
    fit = linear(table["l_homicide"], X, cluster=table["sid"], small_sample="CR2")
    bias_reduced, row = r["twfe_unweighted"]["cr2"], fit.tidy().iloc[0]
    yield family.value("Unweighted: standard error, CR2", row.se, bias_reduced["SE"], why=NO_METHOD)
    assert isinstance(fit.df, np.ndarray)
    yield family.value("Unweighted: degrees of freedom, CR2", fit.df[0], bias_reduced["df_Satt"], why=NO_METHOD)
    family, homicides = Family("Fixed-effects Poisson", "castle"), table["homicide"] * table["popwt"]
    within = fixed_effects_poisson(
        homicides, _castle(table, states=False), unit=table["sid"], exposure=table["popwt"], cluster=table["sid"]
    )
    other = pf.fepois(
        "homicides ~ post | sid + year",
        table[["sid", "year", "post"]].assign(homicides=homicides, share=np.log(table["popwt"])),
        offset="share",
        vcov={"CRV1": "sid"},
        ssc=small,
    )
    full = poisson(homicides, X, exposure=table["popwt"], cluster=table["sid"], small_sample="CR1")
    se = r["fepois"]["se"]
    yield family.estimate("Law in force", within.coefficients[0], r["fepois"]["coef"], se, "pyfixest", other.coef()["post"])
    yield family.value("Law in force: standard error, CR1", full.tidy().se[0], se, "pyfixest", other.se()["post"])


def _groups(root: Path) -> Iterator[Case]:
    import diff_diff

    table, r = load("mpdta", root), results_of_r("mpdta", root)["never"]
    fit = group_time_effects(table["lemp"], table["countyreal"], table["year"], table["first_treat"], control="never")
    peer = diff_diff.CallawaySantAnna(control_group="never_treated").fit(
        table, outcome="lemp", unit="countyreal", time="year", first_treat="first_treat"
    )
    family, first = Family("Effects by group and time", "mpdta"), r["group_time"][0]
    row, theirs = fit.tidy().iloc[0], peer.group_time_effects[2004, 2004]
    yield family.estimate("Group 2004 in 2004", row.estimate, first["estimate"], first["se"], "diff-diff", theirs["effect"])
    yield family.value("Group 2004 in 2004: standard error", row.se, first["se"], "diff-diff", theirs["se"])
    row, theirs, total = fit.overall().iloc[0], (peer.overall_att, peer.overall_se), r["overall"]["simple"]
    yield family.estimate("All groups and times", row.estimate, total["estimate"], total["se"], "diff-diff", theirs[0])
    yield family.value("All groups and times: standard error", row.se, total["se"], "diff-diff", theirs[1])
    yield family.value("Test of pre-trends", fit.pre_trend().statistic, r["pre_trend"]["statistic"], why=NO_METHOD)


MONTHS = ["feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def _series(root: Path) -> Iterator[Case]:
    import statsmodels.api as sm

    table, r = load("traffic2", root), results_of_r("traffic2_its", root)["nw4"]
    X = table[["t", "wkends", "unem", "spdlaw", "beltlaw", *MONTHS]].astype(float).assign(intercept=1.0)
    y = np.log(table["totacc"])
    fit = interrupted_time_series(y, X, lags=4)
    peer = sm.OLS(y, X).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": False})
    family = Family("Segmented series, Newey-West errors", "traffic2")
    for place, words, term in ((3, "Speed limit raised", "spdlaw"), (4, "Seat belts", "beltlaw")):
        yield from _pair(family, words, fit, term, r[place], "statsmodels", _of(peer, term))


def _quantiles(root: Path) -> Iterator[Case]:
    import statsmodels.api as sm

    table, rows = load("engel", root), results_of_r("quantreg", root)["engel"]
    y, X, r = table["foodexp"], with_intercept(table[["income"]]), next(row for row in rows if row["tau"] == 0.5)
    peer = sm.QuantReg(y, X).fit(q=0.5, p_tol=1e-12, max_iter=5000)
    family, fit = Family("Quantile regression", "engel"), quantile_regression(y, X, q=0.5, errors="nid")
    yield family.estimate(
        "Median: income", fit.coefficients[1], r["coef"][1], r["se_nid"][1], "statsmodels", peer.params["income"]
    )
    for errors in ("nid", "iid", "ker"):
        here = quantile_regression(y, X, q=0.5, errors=errors).tidy().se[1]
        yield family.value(
            f"Median: standard error, {errors}", here, r[f"se_{errors}"][1], "statsmodels", peer.bse["income"], KERNEL
        )
