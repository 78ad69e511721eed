"""Reference cases of curves, log-rank tests, restricted means, mean counts and parametric survival."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ldeval.analysis.cases.case import Case, Family
from ldeval.data.open_data import load, results_of_r
from ldeval.stats.adjusted import adjusted_survival
from ldeval.stats.logrank import logrank
from ldeval.stats.parametric import accelerated_failure_time
from ldeval.stats.recurrent import mean_cumulative_count
from ldeval.stats.restricted_mean import rmst
from ldeval.stats.survival import kaplan_meier

NO_VARIANCE = "its variance is that of min(T, tau), not of the mean"
NO_METHOD = "no package that is installed here has it"


def cases(root: Path) -> Iterator[Case]:
    """Give the cases of this module."""
    yield from _curves(root)
    yield from _tests(root)
    yield from _means(root)
    yield from _mean_count(root)
    yield from _parametric(root)


def rossi(root: Path) -> pd.DataFrame:
    """Rossi with `event` beside the columns of the file."""
    people = load("rossi", root)
    return people.assign(event=people["arrest"])


def lung(root: Path) -> pd.DataFrame:
    """Lung with `event` 1 for a death."""
    people = load("lung", root)
    return people.assign(event=people["status"] - 1)


def _curves(root: Path) -> Iterator[Case]:
    from statsmodels.duration.survfunc import SurvfuncRight

    family = Family("Kaplan-Meier curve", "rossi")
    aided, r = rossi(root).query("fin == 1"), results_of_r("rossi", root)["km_fin"][-1]
    point = kaplan_meier(aided["week"], aided["event"]).at(52)
    peer = SurvfuncRight(aided["week"], aided["event"])
    yield family.estimate("With aid: share at 52 weeks", point.estimate, r["surv"], r["se"], "statsmodels", peer.surv_prob[-1])
    yield family.value("With aid: share at 52 weeks, standard error", point.se, r["se"], "statsmodels", peer.surv_prob_se[-1])
    yield from _limits(root)
    family, people = Family("Kaplan-Meier curve", "lung"), lung(root)
    r = results_of_r("lung", root)["km_ci"]["loglog"]
    median, peer = kaplan_meier(people["time"], people["event"]).quantile(0.5), SurvfuncRight(people["time"], people["event"])
    low, high = peer.quantile_ci(0.5, method="cloglog")
    yield family.value("Median", median.estimate, r["quantile"][1], "statsmodels", peer.quantile(0.5))
    yield family.value("Median: lower bound", median.low, r["lower"][1], "statsmodels", low)
    yield family.value("Median: upper bound", median.high, r["upper"][1], "statsmodels", high)
    yield from _adjusted(root)


def _limits(root: Path) -> Iterator[Case]:
    from lifelines import KaplanMeierFitter

    family, people = Family("Kaplan-Meier curve", "rossi"), rossi(root)
    r = results_of_r("rossi", root)["km_all_ci"]["loglog"][-1]
    point = kaplan_meier(people["week"], people["event"]).at(52)
    bounds = KaplanMeierFitter().fit(people["week"], people["event"]).confidence_interval_.iloc[-1]
    yield family.estimate(
        "Everyone at 52 weeks: lower log-log bound", point.low, r["lower"], r["se"], "lifelines", bounds.iloc[0]
    )
    yield family.estimate(
        "Everyone at 52 weeks: upper log-log bound", point.high, r["upper"], r["se"], "lifelines", bounds.iloc[1]
    )


def _adjusted(root: Path) -> Iterator[Case]:
    family, people, r = Family("Adjusted survival", "rossi"), rossi(root), results_of_r("rossi", root)
    X = people[["age", "race", "wexp", "mar", "paro", "prio"]].assign(intercept=1.0)
    weighted = next(row for row in r["iptw_km"] if row["strata"] == "fin=yes" and row["time"] == 52)
    weighting, standardisation = (
        adjusted_survival(people["week"], people["event"], people["fin"], X, tau=52, estimand="ATE", by=by)
        .tidy()
        .set_index("term")
        .estimate["survival_treated"]
        for by in ("weighting", "standardisation")
    )
    yield family.estimate(
        "Share at 52 weeks, by weighting", weighting, weighted["surv"], weighted["se"], "lifelines", _weighted_share(people, X)
    )
    share = r["gformula_surv"]["fin_yes"][1]
    yield family.value("Share at 52 weeks, by standardisation", standardisation, share, why=NO_METHOD)


def _weighted_share(people: pd.DataFrame, X: pd.DataFrame) -> float:
    from lifelines import KaplanMeierFitter
    from statsmodels.api import Logit

    score = Logit(people["fin"], X).fit(disp=0, tol=1e-12).predict(X)
    aided = people["fin"] == 1
    fit = KaplanMeierFitter().fit(people["week"][aided], people["event"][aided], weights=1 / score[aided])
    return float(fit.survival_function_.iloc[-1, 0])


def _tests(root: Path) -> Iterator[Case]:
    from statsmodels.duration.survfunc import survdiff

    family, people, r = Family("Log-rank tests", "rossi"), rossi(root), results_of_r("rossi", root)
    given = people["week"], people["event"], people["fin"]
    for name, key, options, peer in (
        ("Log-rank", "logrank_fin", {}, {}),
        ("Peto and Peto's weights (rho = 1)", "peto_fin", {"rho": 1.0}, {"weight_type": "fh", "fh_p": 1}),
        ("Stratified by work experience", "logrank_fin_strat_wexp", {"strata": people["wexp"]}, {"strata": people["wexp"]}),
    ):
        here = logrank(*given, **options).statistic
        yield family.value(f"{name}: chi-squared", here, r[key]["chisq"], "statsmodels", survdiff(*given, **peer)[0])


def _means(root: Path) -> Iterator[Case]:
    family, people, r = Family("Restricted means", "rossi"), rossi(root), results_of_r("rossi", root)
    found = rmst(people["week"], people["event"], tau=52, group=people["fin"])
    theirs, gap, row = r["rmst52_fin"][1], r["rmst52_diff"], found.tidy().set_index("term").loc["difference"]
    mean, variance = _lifelines_mean(people[people["fin"] == 1])
    yield family.estimate("Mean weeks of 52", found.estimate[1], theirs["rmean"], theirs["se"], "lifelines", mean)
    yield family.value("Mean weeks of 52: standard error", found.se[1], theirs["se"], "lifelines", np.sqrt(variance), NO_VARIANCE)
    yield family.estimate("Difference of the groups", row.estimate, gap["diff"], gap["se"], why=NO_METHOD)
    yield family.value("Difference of the groups: standard error", row.se, gap["se"], why=NO_METHOD)


def _lifelines_mean(people: pd.DataFrame) -> tuple[float, float]:
    from lifelines import KaplanMeierFitter
    from lifelines.utils import restricted_mean_survival_time

    fit = KaplanMeierFitter().fit(people["week"], people["event"])
    mean, variance = restricted_mean_survival_time(fit, t=52, return_variance=True)
    return float(mean), float(variance)


def _mean_count(root: Path) -> Iterator[Case]:
    family = Family("Mean cumulative count", "cgd")
    r = next(row for row in reversed(results_of_r("recurrent", root)["cgd_mcf"]) if row["strata"] == "treat=placebo")
    rows = load("cgd", root).query("treat == 'placebo'")
    point = mean_cumulative_count(rows["tstart"], rows["tstop"], rows["status"], rows["id"]).at(r["time"])
    yield family.estimate(f"Infections by day {r['time']:g}", point.estimate, r["mcf"], r["se"], why=NO_METHOD)
    yield family.value("Infections: robust standard error", point.se, r["se"], why=NO_METHOD)


RECID = ["workprg", "priors", "tserved", "felon", "alcohol", "drugs", "black", "married", "educ", "age"]


def _parametric(root: Path) -> Iterator[Case]:
    import lifelines

    people, r = load("recid", root), results_of_r("recid", root)
    people = people.assign(event=1 - people["cens"], intercept=1.0)
    for name, key, fitter in (
        ("weibull", "survreg_weibull", lifelines.WeibullAFTFitter),
        ("log-logistic", "survreg_loglogistic", lifelines.LogLogisticAFTFitter),
    ):
        family = Family("Parametric survival", "recid")
        fit = accelerated_failure_time(people["durat"], people["event"], people[["intercept", *RECID]], distribution=name)  # type: ignore[arg-type]
        row = fit.tidy().set_index("term").loc["alcohol"]
        value, se = r[key]["coef"]["alcohol"], r[key]["se"][list(r[key]["coef"]).index("alcohol")]
        peer = _aft(fitter, people)
        yield family.estimate(f"{name.capitalize()}: alcohol problem", row.estimate, value, se, "lifelines", peer[0], STOPS)
        yield family.value(f"{name.capitalize()}: standard error", row.se, se, "lifelines", peer[1], STOPS)


STOPS = "its search stops early, and its errors come from where it stopped"


def _aft(fitter: Any, people: pd.DataFrame) -> tuple[float, float]:
    summary = fitter().fit(people[["durat", "event", *RECID]], "durat", "event").summary
    row = next(summary.loc[index] for index in summary.index if index[1] == "alcohol")
    return float(row["coef"]), float(row["se(coef)"])
