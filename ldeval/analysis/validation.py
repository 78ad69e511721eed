"""Validation on real data: two open data sets on release from prison, each estimate beside R's value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from ldeval.analysis import agreement, fits
from ldeval.analysis.findings import Column, Curves, Effect, Effects, Findings, Point, Table, made_from
from ldeval.data import open_data
from ldeval.estimate import Estimate

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Trial:
    """One data set and the words for it: `terms` maps a column to its row label, `groups` the codes 0 and 1."""

    data: str
    outcome: str
    event: str
    free_of_event: str
    time: str
    time_unit: str
    exposure: str
    groups: tuple[str, str]
    terms: dict[str, str]
    times: tuple[int, ...]
    estimand: str


ROSSI = Trial(
    data="rossi",
    outcome="rearrest",
    event="re-arrest",
    free_of_event="not re-arrested",
    time="week",
    time_unit="weeks",
    exposure="fin",
    groups=("No financial aid", "Financial aid"),
    terms={
        "fin": "Financial aid",
        "age": "Age at release, per year",
        "race": "Black",
        "wexp": "Full-time work before prison",
        "mar": "Married at release",
        "paro": "Released on parole",
        "prio": "Previous convictions, each",
    },
    times=(10, 20, 30, 40, 52),
    estimand="conditional",
)

RECID = Trial(
    data="recid",
    outcome="return_to_prison",
    event="return to prison",
    free_of_event="not returned to prison",
    time="durat",
    time_unit="months",
    exposure="workprg",
    groups=("No work programme", "Work programme"),
    terms={
        "workprg": "Work programme in prison",
        "priors": "Previous convictions, each",
        "tserved": "Time served, per month",
        "felon": "Felony sentence",
        "alcohol": "Alcohol problem",
        "drugs": "History of drug use",
        "black": "Black",
        "married": "Married when imprisoned",
        "educ": "Schooling, per year",
        "age": "Age at release, per month",
    },
    times=(12, 24, 36, 60, 72),
    estimand="conditional",
)

FAMILIES = {
    "cox_efron": "Cox model, Efron's ties",
    "cox_breslow": "Cox model, Breslow's ties",
    "cox_strata_wexp": "Cox model, stratified by work experience",
    "cox_strata_wexp_mar": "Cox model, stratified by work experience and marriage",
    "strata_super": "Cox model, stratified by supervision after release",
    "cox12m": "Cox model, followed up for twelve months",
    "km_fin": "Kaplan-Meier by group",
    "km_workprg": "Kaplan-Meier by group",
    "km": "Kaplan-Meier, everyone",
    "km_all_ci": "Kaplan-Meier, everyone: log-log interval",
    "logrank_fin": "Log-rank test",
    "logrank_workprg": "Log-rank test",
}
"""What each entry of R's results holds, in words; an entry that is not here is not compared (tests say why)."""


def validate(root: Path) -> Findings:
    """Analyse both data sets under `root`."""
    return rossi(root) + recid(root)


@made_from("rossi")
def rossi(root: Path) -> Findings:
    """Time to re-arrest among people released in Maryland, by random allotment of financial aid."""
    people = open_data.load("rossi", root).rename(columns={"arrest": "event"})
    models: dict[str, Callable[[], fits.Cox]] = {
        "cox_breslow": lambda: _cox(ROSSI, people, ties="breslow"),
        "cox_strata_wexp": lambda: _cox(ROSSI, people, strata=("wexp",)),
        "cox_strata_wexp_mar": lambda: _cox(ROSSI, people, strata=("wexp", "mar")),
    }
    return _trial(ROSSI, people, models, root)


@made_from("recid")
def recid(root: Path) -> Findings:
    """Time to return to prison among people released in North Carolina, by work programme in prison."""
    people = open_data.load("recid", root)
    people["event"] = 1 - people["cens"]
    year = people.assign(event=people["event"] * (people["durat"] <= 12), durat=people["durat"].clip(upper=12))
    models: dict[str, Callable[[], fits.Cox]] = {
        "cox_breslow": lambda: _cox(RECID, people, ties="breslow"),
        "strata_super": lambda: _cox(RECID, people, strata=("super",)),
        "cox12m": lambda: _cox(RECID, year),
    }
    return _trial(RECID, people, models, root)


def _trial(trial: Trial, people: pd.DataFrame, models: dict[str, Callable[[], fits.Cox]], root: Path) -> Findings:
    main = _cox(trial, people)
    fitted = {"cox_efron": main} | {name: fit() for name, fit in models.items()}
    curves = {name: _survival(trial, people[people[trial.exposure] == code]) for code, name in enumerate(trial.groups)}
    everyone = _survival(trial, people)
    test = fits.logrank(_array(people, trial.time), _array(people, "event"), _array(people, trial.exposure))
    rows = [row for key, model in fitted.items() for row in agreement.cox_rows(trial.data, key, model, trial.terms, root)]
    rows += agreement.curve_rows(trial.data, curves, everyone, root)
    rows += agreement.test_rows(trial.data, test, root)
    estimates = (
        *(_effect(trial, main, number) for number in range(len(main.terms))),
        _crude(trial, test, people),
        *(_share(trial, name, curve, time) for name, curve in curves.items() for time in trial.times),
        _largest(trial, rows),
    )
    return Findings(
        estimates,
        (
            _curves(trial, curves),
            _effects(trial),
            _test_table(trial, test, people),
            agreement.beside_r(trial.data, rows, FAMILIES),
            agreement.summary(trial.data, rows, FAMILIES),
        ),
    )


def _array(people: pd.DataFrame, column: str) -> fits.Array:
    return np.asarray(people[column], dtype=float)


def _inside(label: str) -> str:
    """Set a label for the inside of a sentence."""
    return label if label == "Black" else label[:1].lower() + label[1:]


def _survival(trial: Trial, people: pd.DataFrame) -> fits.Survival:
    return fits.kaplan_meier(_array(people, trial.time), _array(people, "event"), level=LEVEL)


def _cox(trial: Trial, people: pd.DataFrame, *, ties: fits.Ties = "efron", strata: tuple[str, ...] = ()) -> fits.Cox:
    terms = [term for term in trial.terms if term not in strata]
    stratum = people.assign(stratum=people.groupby(list(strata)).ngroup()) if strata else people
    return fits.cox(stratum, trial.time, "event", terms, ties=ties, strata="stratum" if strata else None)


def _effect(trial: Trial, model: fits.Cox, number: int) -> Estimate:
    coef, se = float(model.coef[number]), float(model.se[number])
    half = float(norm.ppf(0.5 + LEVEL / 2)) * se
    return Estimate(
        id=f"{trial.data}/hazard_ratio/{model.terms[number]}",
        outcome=trial.outcome,
        measure=f"hazard ratio of {trial.event}: {_inside(trial.terms[model.terms[number]])}",
        unit="ratio",
        estimand=trial.estimand,
        value=float(np.exp(coef)),
        se=se,
        scale="log",
        low=float(np.exp(coef - half)),
        high=float(np.exp(coef + half)),
        level=LEVEL,
        n=model.n,
        events=model.events,
        method=f"Cox model, ties after Efron, adjusted for {len(model.terms) - 1} other characteristics",
        p_value=float(model.p_values[number]),
    )


def _crude(trial: Trial, test: fits.LogRank, people: pd.DataFrame) -> Estimate:
    half = float(norm.ppf(0.5 + LEVEL / 2)) * test.se
    return Estimate(
        id=f"{trial.data}/crude_hazard_ratio/{trial.exposure}",
        outcome=trial.outcome,
        measure=f"crude hazard ratio of {trial.event}: {_inside(trial.groups[1])}",
        unit="ratio",
        estimand="descriptive",
        value=float(np.exp(test.log_ratio)),
        se=test.se,
        scale="log",
        low=float(np.exp(test.log_ratio - half)),
        high=float(np.exp(test.log_ratio + half)),
        level=LEVEL,
        n=len(people),
        events=int(people["event"].sum()),
        method="Peto's one-step estimate, (O - E) / V of the log-rank test; the p-value is that of the log-rank test",
        p_value=test.p_value,
    )


def _share(trial: Trial, group: str, curve: fits.Survival, time: int) -> Estimate:
    step = curve.at(time)
    slug = trial.exposure if group == trial.groups[1] else f"no_{trial.exposure}"
    return Estimate(
        id=f"{trial.data}/{trial.free_of_event.replace(' ', '_').replace('-', '')}/{slug}/{time}_{trial.time_unit}",
        outcome=trial.outcome,
        measure=f"share {trial.free_of_event} after {time} {trial.time_unit}: {_inside(group)}",
        unit="share",
        estimand="descriptive",
        value=float(curve.estimate[step]),
        se=float(curve.se[step]),
        scale="identity",
        low=float(curve.low[step]),
        high=float(curve.high[step]),
        level=LEVEL,
        n=int(curve.at_risk[0]),
        events=int(curve.events[: step + 1].sum()),
        method="Kaplan-Meier, Greenwood's error, log-log interval",
    )


def _largest(trial: Trial, rows: list[agreement.Compared]) -> Estimate:
    # Differences below a millionth are rounding noise that varies between machines: none smaller is stated.
    worst = max(agreement.SMALLEST, *(row.difference for row in rows))
    return Estimate(
        id=f"{trial.data}/largest_difference",
        outcome=trial.outcome,
        measure="largest difference from R",
        unit="bound on a relative difference",
        estimand="descriptive",
        value=worst,
        se=0.0,
        scale="identity",
        low=worst,
        high=worst,
        level=LEVEL,
        n=len(rows),
        events=None,
        method="bound on |here - R|, over R's standard error for estimates and over R's value for the rest",
    )


def _curves(trial: Trial, curves: dict[str, fits.Survival]) -> Curves:
    points = (
        Point(name, float(t), float(s), float(low), float(high), int(n), int(d), int(c))
        for name, k in curves.items()
        for t, s, low, high, n, d, c in zip(k.time, k.estimate, k.low, k.high, k.at_risk, k.events, k.censored, strict=True)
    )
    return Curves(
        id=f"{trial.data}-curves",
        title=f"Share {trial.free_of_event}, by {trial.time_unit} since release",
        outcome=trial.free_of_event,
        time_unit=trial.time_unit,
        since="release",
        level=LEVEL,
        method="Kaplan-Meier, log-log intervals",
        points=tuple(points),
    )


def _effects(trial: Trial) -> Effects:
    return Effects(
        id=f"{trial.data}-cox",
        title=f"Adjusted hazard ratios of {trial.event}",
        measure="Hazard ratio",
        rows=tuple(Effect(label, f"{trial.data}/hazard_ratio/{term}") for term, label in trial.terms.items()),
    )


def _test_table(trial: Trial, test: fits.LogRank, people: pd.DataFrame) -> Table:
    sizes = people[trial.exposure].value_counts()
    rows = tuple(
        (name, int(sizes[code]), int(test.observed[code]), test.expected[code]) for code, name in enumerate(trial.groups)
    )
    return Table(
        id=f"{trial.data}-logrank",
        title=f"Log-rank test of time to {trial.event}",
        columns=(
            Column("group", "Group"),
            Column("people", "People", "people"),
            Column("observed", "Events observed", "events"),
            Column("expected", "Events expected if the groups did not differ", "expected events"),
        ),
        rows=rows,
        notes=("Null hypothesis: at every time the hazard is the same in both groups.",),
    )
