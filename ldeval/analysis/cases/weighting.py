"""Reference cases of weights, balance, doubly robust comparisons, sensitivity and costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ldeval.analysis.cases.case import Case, Family
from ldeval.analysis.cases.regression import with_intercept
from ldeval.analysis.cases.survival import NO_METHOD
from ldeval.data.open_data import load, results_of_r
from ldeval.stats.binary import aipw
from ldeval.stats.costs import discount
from ldeval.stats.linear import linear
from ldeval.stats.sensitivity import e_value
from ldeval.stats.weights import balance, entropy_weights, propensity_weights

FORMULA = "a formula; there is nothing to compare but R"
SYSTEM = "its error is that of score and outcome equations solved as one system, R's here that of the influence function"


def cases(root: Path) -> Iterator[Case]:
    """Give the cases of this module."""
    table = load("lalonde", root)
    columns = table[["age", "educ", "married", "nodegree", "re74", "re75"]]
    X = with_intercept(columns.assign(hispan=table["race"] == "hispan", white=table["race"] == "white"))
    yield from _scores(table, X, results_of_r("lalonde_matchit", root))
    yield from _doubly_robust(table, X, results_of_r("lalonde_matchit", root))
    yield from _closed_forms(root)


def _scores(table: pd.DataFrame, X: pd.DataFrame, r: Any) -> Iterator[Case]:
    import statsmodels.api as sm

    treated, y = table["treat"], table["re78"]
    family, score = Family("Propensity score weights", "lalonde"), propensity_weights(treated, X)
    peer = sm.Logit(treated, X).fit(disp=0, tol=1e-12).predict(X)
    assert score.score is not None
    yield family.value("Score of the first person", score.score[0], r["ps_first5"][0], "statsmodels", peer[0])
    size = score.effective_sample_size()["control"]
    yield family.value("Effective number of controls, ATT", size, r["ess_att"]["control"], why=NO_METHOD)
    one = with_intercept(pd.DataFrame({"treat": treated}))
    for estimand, key in (("ATT", "ipw_att"), ("ATE", "ipw_ate"), ("overlap", "overlap_ato")):
        weights = propensity_weights(treated, X, estimand=estimand)  # type: ignore[arg-type]
        row, theirs = linear(y, one, weights=weights).tidy().iloc[1], r[key][1]
        other = sm.WLS(y, one, weights=_weights(peer, treated, estimand)).fit(cov_type="HC0")
        se, value = theirs["Std. Error"], theirs["Estimate"]
        yield family.estimate(
            f"Difference in earnings, {estimand}", row.estimate, value, se, "statsmodels", other.params["treat"]
        )
    family, entropy = Family("Entropy balancing", "lalonde"), entropy_weights(treated, X)
    theirs, found = r["entropy_balancing"], linear(y, one, weights=entropy)
    yield family.value("Difference in earnings, ATT", found.coefficients[1], theirs["att"], why=NO_METHOD)
    yield family.value(
        "Effective number of controls", entropy.effective_sample_size()["control"], theirs["ess_control"], why=NO_METHOD
    )
    found_balance = balance(treated, X.drop(columns="intercept")).set_index("term").loc["age"]
    theirs = next(row for row in r["nn"]["balance_before"] if row["_row"] == "age")
    family = Family("Balance", "lalonde")
    for words, name, key in (
        ("Age: standardised difference", "smd", "Std. Mean Diff."),
        ("Age: variance ratio", "variance_ratio", "Var. Ratio"),
    ):
        yield family.value(words, found_balance[name], theirs[key], why=NO_METHOD)


def _weights(score: pd.Series, treated: pd.Series, estimand: str) -> Any:
    if estimand == "ATT":
        return np.where(treated == 1, 1, score / (1 - score))
    if estimand == "ATE":
        return np.where(treated == 1, 1 / score, 1 / (1 - score))
    return np.where(treated == 1, 1 - score, score)


def _doubly_robust(table: pd.DataFrame, X: pd.DataFrame, r: Any) -> Iterator[Case]:
    from statsmodels.api import OLS, Logit
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    family = Family("Doubly robust comparison (AIPW)", "lalonde")
    selection = Logit(table["treat"], X).fit(disp=0, tol=1e-12)
    model = TreatmentEffect(OLS(table["re78"], X), table["treat"], results_select=selection)
    peer = model.aipw(return_results=True).results_gmm
    for estimand, key in (("ATE", "aipw_ate"), ("ATT", "aipw_att")):
        row = aipw(table["re78"], table["treat"], X, estimand=estimand).tidy().set_index("term").loc["mean_difference"]  # type: ignore[arg-type]
        if estimand == "ATT":
            yield family.estimate("Earnings, ATT", row.estimate, r[key]["est"], r[key]["se"], why=NO_METHOD)
            yield family.value("Earnings, ATT: standard error", row.se, r[key]["se"], why=NO_METHOD)
            continue
        yield family.estimate("Earnings, ATE", row.estimate, r[key]["est"], r[key]["se"], "statsmodels", peer.params[0])
        yield family.value("Earnings, ATE: standard error", row.se, r[key]["se"], "statsmodels", peer.bse[0], SYSTEM)


def _closed_forms(root: Path) -> Iterator[Case]:
    r = results_of_r("closed_forms", root)
    family = Family("Sensitivity", "none")
    found = e_value(3.9, 1.8, 8.7, measure="risk_ratio")
    yield family.value("E-value of a risk ratio of 3.9", found.estimate, r["evalue"]["RR3.9_lo1.8"][0], why=FORMULA)
    yield family.value("E-value of its bound 1.8", found.bound, r["evalue"]["RR3.9_lo1.8"][1], why=FORMULA)
    family = Family("Costs", "none")
    for timing, key in (("end", "pv_1_per_year_end"), ("start", "pv_start")):
        here = discount(np.ones(10), rate=r["annuity"]["r"], timing=timing)  # type: ignore[arg-type]
        yield family.value(f"A pound a year for ten years, paid at the {timing}", here, r["annuity"][key], why=FORMULA)
