"""Reference cases of the Cox model: ties, strata, clusters, weights, entry times, tests, predictions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ldeval.analysis import trial_models
from ldeval.analysis.cases.case import Case, Family, Peer
from ldeval.analysis.cases.survival import NO_METHOD, lung, rossi
from ldeval.analysis.trials import ROSSI
from ldeval.data.open_data import load, results_of_r
from ldeval.stats.binary import logistic
from ldeval.stats.cox import CoxFit, cox

TERMS = list(ROSSI.terms)
OLD_TEST = "it tests by the approximation that R itself gave up with version 3 of survival"
TIES = "its residuals leave out Efron's terms; without tied times it agrees"
ENTRY = "its residuals leave out entry times"


def cases(root: Path) -> Iterator[Case]:
    """Give the cases of this module."""
    yield from _plain(root)
    yield from _clustered(root)
    yield from _hazards(root)
    yield from _weeks(root)
    yield from _repeated(root)
    yield from _weighted(root)
    yield from _predicted(root)


def _row(fit: CoxFit, term: str) -> Any:
    return fit.tidy().set_index("term").loc[term]


def _pair(
    family: Family, words: str, fit: CoxFit, term: str, r: Any, peer: Peer, peer_row: tuple[float, float], why: str = ""
) -> Iterator[Case]:
    """Compare a coefficient and its standard error; `r` is R's row."""
    row, se = _row(fit, term), r.get("robust se", r["se(coef)"])
    yield family.estimate(words, row.estimate, r["coef"], se, peer, peer_row[0], why)
    yield family.value(f"{words}: standard error", row.se, se, peer, peer_row[1], why)


def _lifelines(people: pd.DataFrame, time: str, term: str, **options: Any) -> tuple[float, float]:
    from lifelines import CoxPHFitter

    summary = CoxPHFitter().fit(people, time, "event", **options).summary.loc[term]
    return float(summary["coef"]), float(summary["se(coef)"])


def _statsmodels(time: Any, event: Any, X: pd.DataFrame, term: str, groups: Any = None, **options: Any) -> tuple[float, float]:
    from statsmodels.duration.hazard_regression import PHReg

    model = PHReg(np.asarray(time, float), X.to_numpy(float), status=np.asarray(event), **options)
    fit = model.fit() if groups is None else model.fit(groups=np.asarray(groups))
    place = list(X.columns).index(term)
    return float(fit.params[place]), float(fit.bse[place])


def _plain(root: Path) -> Iterator[Case]:
    people, r = rossi(root), results_of_r("rossi", root)
    time, event, X = people["week"], people["event"], people[TERMS]
    family = Family("Cox model", "rossi")
    for words, key, ties in (("Financial aid, Efron's ties", "cox_efron", "efron"), ("Breslow's ties", "cox_breslow", "breslow")):
        peer = _statsmodels(time, event, X, "fin", ties=ties)
        yield from _pair(family, words, cox(time, event, X, ties=ties), "fin", r[key]["coef"][0], "statsmodels", peer)  # type: ignore[arg-type]
    rest = X.drop(columns="wexp")
    stratified = cox(time, event, rest, strata=people["wexp"])
    peer = _statsmodels(time, event, rest, "fin", ties="efron", strata=people["wexp"].to_numpy())
    yield from _pair(
        family, "Stratified by work experience", stratified, "fin", r["cox_strata_wexp"]["coef"][0], "statsmodels", peer
    )
    found, theirs = cox(time, event, X).concordance(), r["cox_efron"]["concordance"]
    index = _concordance(people)
    yield family.value("Concordance", found.estimate, theirs[0], "lifelines", index)
    yield family.value("Concordance: standard error", found.se, theirs[1], why=NO_METHOD)


def _concordance(people: pd.DataFrame) -> float:
    from lifelines import CoxPHFitter

    return float(CoxPHFitter().fit(people[["week", "event", *TERMS]], "week", "event").concordance_index_)


def _clustered(root: Path) -> Iterator[Case]:
    people, r = rossi(root), results_of_r("rossi", root)
    time, event, X = people["week"], people["event"], people[TERMS]
    family, columns = Family("Cox model, clustered or robust errors", "rossi"), ["week", "event", *TERMS]
    robust = cox(time, event, X, cluster=np.arange(len(people)))
    peer = _lifelines(people[columns], "week", "fin", robust=True)
    yield from _pair(family, "Financial aid, robust", robust, "fin", r["cox_robust"]["coef"][0], "lifelines", peer, TIES)
    clustered = cox(time, event, X, cluster=people["educ"])
    peer = _lifelines(people[[*columns, "educ"]], "week", "fin", cluster_col="educ")
    yield from _pair(
        family, "Clustered by schooling", clustered, "fin", r["cox_cluster_educ"]["coef"][0], "lifelines", peer, TIES
    )
    family, sick = Family(family.name, "lung"), lung(root).dropna(subset=["ph.ecog", "inst"])
    columns = ["age", "sex", "ph.ecog"]
    fit = cox(sick["time"], sick["event"], sick[columns], cluster=sick["inst"])
    peer = _lifelines(sick[["time", "event", "inst", *columns]], "time", "sex", cluster_col="inst")
    theirs = results_of_r("lung", root)["cox_cluster_inst"]["coef"][1]
    yield from _pair(family, "Sex, clustered by hospital", fit, "sex", theirs, "lifelines", peer, TIES)


def _hazards(root: Path) -> Iterator[Case]:
    from lifelines import CoxPHFitter
    from lifelines.statistics import proportional_hazard_test

    people, r = rossi(root), results_of_r("rossi", root)["zph_km"]
    family, columns = Family("Test of proportional hazards", "rossi"), ["week", "event", *TERMS]
    found = cox(people["week"], people["event"], people[TERMS]).ph_test("km").tidy().set_index("term")
    fitter = CoxPHFitter().fit(people[columns], "week", "event")
    peer = proportional_hazard_test(fitter, people[columns], time_transform="km").summary
    for place, (term, label) in ((0, ("fin", "Financial aid")), (1, ("age", "Age")), (3, ("wexp", "Work experience"))):
        here, theirs = found.statistic[term], r[place]["chisq"]
        yield family.value(f"{label}: chi-squared", here, theirs, "lifelines", peer.test_statistic[term], OLD_TEST)
    yield family.value("Whole model: chi-squared", found.statistic["GLOBAL"], r[-1]["chisq"], why=NO_METHOD)


def _weeks(root: Path) -> Iterator[Case]:
    from lifelines import CoxTimeVaryingFitter

    people, r = rossi(root), results_of_r("rossi", root)
    family = Family("Cox model, start and stop", "rossi")
    rows = trial_models.weeks(people)[[*TERMS, "employed", "person", "start", "stop", "event"]]
    fit = CoxTimeVaryingFitter().fit(rows, id_col="person", event_col="event", start_col="start", stop_col="stop")
    peer = fit.summary.loc["employed"]
    plain = trial_models.with_work(ROSSI, people)
    yield from _pair(
        family,
        "Work in the week",
        plain,
        "employed",
        r["cox_tv_employed"]["coef"][-1],
        "lifelines",
        (peer["coef"], peer["se(coef)"]),
    )
    clustered = _row(trial_models.with_work(ROSSI, people, clustered=True), "employed")
    se = r["cox_tv_employed_cluster_id"]["coef"][-1]["robust se"]
    yield family.value(
        "Work in the week: error clustered by person", clustered.se, se, why="lifelines has no clusters where covariates change"
    )


def _repeated(root: Path) -> Iterator[Case]:
    rows, r = load("bladder2", root), results_of_r("recurrent", root)
    X, family = rows[["rx", "size", "number"]], Family("Cox model, repeated events", "bladder2")
    entry = rows["start"].to_numpy(float)
    peer = _lifelines(rows[["start", "stop", "event", "id", *X]], "stop", "rx", entry_col="start", cluster_col="id")
    fit = cox(rows["stop"], rows["event"], X, entry=entry, cluster=rows["id"])
    yield from _pair(family, "Treatment, Andersen-Gill", fit, "rx", r["ag"]["coef"][0], "lifelines", peer, ENTRY)
    fit = cox(rows["stop"], rows["event"], X, entry=entry, cluster=rows["id"], strata=rows["enum"])
    peer = _lifelines(
        rows[["start", "stop", "event", "id", "enum", *X]], "stop", "rx", entry_col="start", cluster_col="id", strata=["enum"]
    )
    theirs = r["pwp_total"]["coef"][0]
    yield from _pair(family, "Prentice-Williams-Peterson", fit, "rx", theirs, "lifelines", peer, ENTRY)


def _weighted(root: Path) -> Iterator[Case]:
    people, r = rossi(root), results_of_r("rossi", root)["iptw_cox_robust"]["coef"][0]
    design = people[["age", "race", "wexp", "mar", "paro", "prio"]].assign(intercept=1.0)
    share = logistic(people["fin"], design).fitted
    people = people.assign(weight=np.where(people["fin"] == 1, 1 / share, 1 / (1 - share)))
    fit = cox(people["week"], people["event"], people[["fin"]], weights=people["weight"])
    peer = _lifelines(people[["week", "event", "fin", "weight"]], "week", "fin", weights_col="weight", robust=True)
    yield from _pair(Family("Cox model, weighted", "rossi"), "Financial aid", fit, "fin", r, "lifelines", peer, TIES)


def _predicted(root: Path) -> Iterator[Case]:
    from lifelines import CoxPHFitter

    people, r = rossi(root), results_of_r("rossi", root)["cox_predict"]
    person = pd.DataFrame([[1, 25, 0, 1, 0, 1, 3]], columns=TERMS)
    fitter = CoxPHFitter().fit(people[["week", "event", *TERMS]], "week", "event")
    peer = float(fitter.predict_survival_function(person, times=[52]).iloc[0, 0])
    point = cox(people["week"], people["event"], people[TERMS]).curve(person.to_numpy(float)[0]).at(52)
    family = Family("Predicted curve of a Cox model", "rossi")
    why = "it takes Breslow's baseline beside Efron's coefficients"
    yield family.estimate(
        "Share at 52 weeks, one person", point.estimate, r["surv"][-1][1], r["se"][-1][1], "lifelines", peer, why
    )
    yield family.value("Share at 52 weeks, one person: standard error", point.se, r["se"][-1][1], why=NO_METHOD)
