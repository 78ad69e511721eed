"""The estimators as the two trials call them: which rows, groups, strata and clusters go into each."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ldeval.analysis.trials import EACH, MAIN, Model, Trial
from ldeval.data.open_data import WEEKS
from ldeval.stats.cox import CoxFit, cox
from ldeval.stats.curves import Curve
from ldeval.stats.hypotheses import Test
from ldeval.stats.logrank import logrank
from ldeval.stats.parametric import AcceleratedFailureTime, Distribution, accelerated_failure_time
from ldeval.stats.restricted_mean import RestrictedMean, rmst
from ldeval.stats.survival import kaplan_meier

LEVEL = 0.95
DISTRIBUTIONS: dict[Distribution, str] = {
    "weibull": "survreg_weibull",
    "exponential": "survreg_exponential",
    "log-normal": "survreg_lognormal",
    "log-logistic": "survreg_loglogistic",
}
"""R's entries for the accelerated failure time models."""
WORK = ("employed", "employed_lag")
"""The column that holds each week's work, and that of the week before."""


def fit(trial: Trial, people: pd.DataFrame, model: Model = MAIN) -> CoxFit:
    """Fit a Cox model of all characteristics but those that it is stratified by."""
    terms = [term for term in trial.terms if term not in model.strata]
    time, event = people[trial.time], people["event"]
    if model.until is not None:
        time, event = time.clip(upper=model.until), event * (time <= model.until)
    return cox(
        time,
        event,
        people[terms],
        ties=model.ties,
        strata=people.groupby(list(model.strata)).ngroup() if model.strata else None,
        cluster=_clusters(people, model.cluster),
        small_sample=model.small_sample,
        level=LEVEL,
    )


def _clusters(people: pd.DataFrame, cluster: str | None) -> object:
    if cluster is None:
        return None
    return np.arange(len(people)) if cluster == EACH else people[cluster]


def curve(trial: Trial, people: pd.DataFrame) -> Curve:
    """Estimate the curve of all the people given."""
    return kaplan_meier(people[trial.time], people["event"], level=LEVEL)


def curves(trial: Trial, people: pd.DataFrame) -> dict[str, Curve]:
    """Estimate the curve of each group."""
    return {name: curve(trial, people[people[trial.exposure] == code]) for code, name in enumerate(trial.groups)}


def test(trial: Trial, people: pd.DataFrame) -> Test:
    """Compare the groups by the log-rank test."""
    return logrank(people[trial.time], people["event"], people[trial.exposure])


def means(trial: Trial, people: pd.DataFrame, tau: int) -> RestrictedMean:
    """Estimate the mean time free of the event up to tau, by group."""
    return rmst(people[trial.time], people["event"], tau=tau, group=people[trial.exposure], level=LEVEL)


def parametric(trial: Trial, people: pd.DataFrame, distribution: Distribution, *, null: bool = False) -> AcceleratedFailureTime:
    """Fit an accelerated failure time model of all characteristics, or of none (`null`)."""
    X = people[[] if null else list(trial.terms)].astype(float)
    X.insert(0, "intercept", 1.0)
    return accelerated_failure_time(people[trial.time], people["event"], X, distribution=distribution, level=LEVEL)


def weeks(people: pd.DataFrame, *, lag: int = 0) -> pd.DataFrame:
    """Give a row for each person and week at risk, with the week's work (`lag` 1: that of the week before).

    Columns: those of `people`, `person`, `start` and `stop` of the week, `event` in it, and the work, `employed` or
    `employed_lag`.
    """
    last = people["week"].to_numpy(int)
    person = np.repeat(np.arange(len(people)), last - lag)
    stop = np.concatenate([np.arange(1 + lag, end + 1) for end in last])
    rows = people.drop(columns=list(WEEKS)).iloc[person].reset_index(drop=True)
    work = people[list(WEEKS)].to_numpy(float)[person, stop - 1 - lag]
    event = rows["event"] * (stop == last[person])
    return rows.assign(person=person, start=stop - 1, stop=stop, event=event, **{WORK[lag]: work})


def with_work(trial: Trial, people: pd.DataFrame, *, lag: int = 0, clustered: bool = False) -> CoxFit:
    """Fit a Cox model that follows work from week to week."""
    rows = weeks(people, lag=lag)
    cluster = rows["person"] if clustered else None
    return cox(rows["stop"], rows["event"], rows[[*trial.terms, WORK[lag]]], entry=rows["start"], cluster=cluster, level=LEVEL)


def with_age_by_time(people: pd.DataFrame) -> CoxFit:
    """Fit aid, age, previous convictions and the product of age and time: a row for each person and event time."""
    times = np.unique(people.loc[people["event"] == 1, "week"])
    last = people["week"].to_numpy()
    counts = np.searchsorted(times, last, side="right")
    person = np.repeat(np.arange(len(people)), counts)
    slot = np.concatenate([np.arange(count) for count in counts])
    X = people[["fin", "age", "prio"]].iloc[person].reset_index(drop=True)
    X["age_by_time"] = X["age"].to_numpy() * times[slot]
    event = people["event"].to_numpy()[person] * (last[person] == times[slot])
    return cox(times[slot], event, X, entry=np.concatenate([[0], times])[slot], level=LEVEL)
