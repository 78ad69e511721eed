"""Validation on real data: two open data sets on release from prison, each estimate beside R's value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ldeval.analysis import agreement, trial_estimates, trial_exhibits, trial_models
from ldeval.analysis.agreement import Compared
from ldeval.analysis.counted import without_error
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.trial_models import DISTRIBUTIONS
from ldeval.analysis.trials import MAIN, RECID, ROSSI, Model, Trial
from ldeval.data import open_data
from ldeval.estimate import Estimate
from ldeval.stats.cox import CoxFit

WORK_LABELS = ("Work in the same week", "Work in the week before")
FAMILIES = {
    "cox_efron": "Cox model, Efron's ties",
    "cox_breslow": "Cox model, Breslow's ties",
    "cox_strata_wexp": "Cox model, stratified by work experience",
    "cox_strata_wexp_mar": "Cox model, stratified by work experience and marriage",
    "cox_robust": "Cox model, robust errors",
    "cox_cluster_educ": "Cox model, errors clustered by schooling",
    "cox_tv_employed": "Cox model, work from week to week",
    "cox_tv_employed_lag": "Cox model, work in the week before",
    "cox_tv_employed_cluster_id": "Cox model, work from week to week, clustered by person",
    "cox_age_interaction_tt": "Cox model, age changing with time",
    "strata_super": "Cox model, stratified by supervision after release",
    "robust": "Cox model, robust errors",
    "cox12m": "Cox model, followed up for twelve months",
    "zph_km": "Test of proportional hazards, Kaplan-Meier transform",
    "zph_identity": "Test of proportional hazards, time itself",
    "zph_rank": "Test of proportional hazards, ranks",
    "zph_log": "Test of proportional hazards, logarithm",
    "km_fin": "Kaplan-Meier by group",
    "km_workprg": "Kaplan-Meier by group",
    "km": "Kaplan-Meier, everyone",
    "km_all_ci": "Kaplan-Meier, everyone: log-log interval",
    "logrank_fin": "Log-rank test",
    "logrank_workprg": "Log-rank test",
    "rmst52_fin": "Restricted means within a year",
    "rmst52_diff": "Restricted means within a year, difference",
    "rmst24_workprg": "Restricted means within two years",
    "rmst24_diff": "Restricted means within two years, difference",
    "rmst70": "Restricted means within 70 months",
    "rmst70_diff": "Restricted means within 70 months, difference",
    "survreg_weibull": "Parametric model, Weibull",
    "survreg_exponential": "Parametric model, exponential",
    "survreg_lognormal": "Parametric model, log-normal",
    "survreg_loglogistic": "Parametric model, log-logistic",
}
"""What each entry of R's results holds, in words; an entry that is not here is not compared (tests say why)."""


def validate(root: Path) -> Findings:
    """Analyse both data sets under `root`."""
    return rossi(root) + recid(root)


@made_from("rossi")
def rossi(root: Path) -> Findings:
    """Time to re-arrest among people released in Maryland, by random allotment of financial aid."""
    people = open_data.load("rossi", root).rename(columns={"arrest": "event"})
    return _trial(ROSSI, people) + work_from_week_to_week(people) + age_over_time(people) + beside_r(ROSSI, people, root)


@made_from("recid")
def recid(root: Path) -> Findings:
    """Time to return to prison among people released in North Carolina, by work programme in prison."""
    people = open_data.load("recid", root)
    people["event"] = 1 - people["cens"]
    published = open_data.results_of_r("wooldridge_17_4", root)["coef"]
    return _trial(RECID, people) + time_ratios(people, published) + beside_r(RECID, people, root)


def _trial(trial: Trial, people: pd.DataFrame) -> Findings:
    return (
        hazard_ratios(trial, people)
        + crude_hazard_ratio(trial, people)
        + shares_free_of_event(trial, people)
        + proportional_hazards(trial, people)
        + mean_times(trial, people)
        + other_models(trial, people)
    )


@made_from()
def hazard_ratios(trial: Trial, people: pd.DataFrame) -> Findings:
    """Estimate the adjusted hazard ratios: one Cox model with all characteristics of the data set, ties after Efron."""
    fit = trial_models.fit(trial, people)
    method = f"Cox model, ties after Efron, adjusted for {len(trial.terms) - 1} other characteristics"
    ratios = tuple(
        trial_estimates.hazard_ratio(trial, fit, term, len(people), label=label, method=method)
        for term, label in trial.terms.items()
    )
    return Findings(ratios, (trial_exhibits.effects(trial),))


@made_from()
def crude_hazard_ratio(trial: Trial, people: pd.DataFrame) -> Findings:
    """Run the log-rank test of the exposure, and give Peto's one-step hazard ratio exp((O - E) / V) that belongs to it."""
    test = trial_models.test(trial, people)
    excess = test.observed[1] - test.expected[1]
    variance = excess**2 / test.statistic
    estimate = trial_estimates.ratio(
        trial,
        f"crude_hazard_ratio/{trial.exposure}",
        f"crude hazard ratio of {trial.event}: {trial_estimates.inside(trial.groups[1])}",
        trial_estimates.log_row(excess / variance, variance**-0.5),
        "descriptive",
        (len(people), int(people["event"].sum())),
        "Peto's one-step estimate, (O - E) / V of the log-rank test; the p-value is that of the log-rank test",
    )
    return Findings((estimate,), (trial_exhibits.logrank(trial, test, people),))


@made_from()
def shares_free_of_event(trial: Trial, people: pd.DataFrame) -> Findings:
    """Draw Kaplan-Meier curves by exposure, and give their shares at the times of interest."""
    curves = trial_models.curves(trial, people)
    shares = tuple(
        trial_estimates.share(trial, name, slug, curve, time)
        for (name, curve), slug in zip(curves.items(), trial.slugs, strict=True)
        for time in trial.times
    )
    return Findings(shares, (trial_exhibits.curves(trial, curves),))


@made_from()
def proportional_hazards(trial: Trial, people: pd.DataFrame) -> Findings:
    """Test whether the hazard ratios of the main model stay the same over time, one by one and together."""
    fit = trial_models.fit(trial, people)
    return Findings(trial_estimates.hazards_test(trial, fit, len(people)), (trial_exhibits.hazards(trial, fit.ph_test("km")),))


@made_from()
def mean_times(trial: Trial, people: pd.DataFrame) -> Findings:
    """Estimate mean times free of the event up to each horizon, by exposure: these need no proportional hazards."""
    found = [trial_models.means(trial, people, tau) for tau in trial.horizons]
    estimates = [trial_estimates.restricted_means(trial, means, _by_then(trial, people, means.tau)) for means in found]
    return Findings(tuple(row for rows in estimates for row in rows), (trial_exhibits.means(trial, found),))


def _by_then(trial: Trial, people: pd.DataFrame, tau: float) -> list[tuple[int, int]]:
    """Count people and events up to tau by group."""
    events = people["event"] * (people[trial.time] <= tau)
    groups = events.groupby(people[trial.exposure])
    return list(zip(groups.size(), groups.sum(), strict=True))


@made_from()
def other_models(trial: Trial, people: pd.DataFrame) -> Findings:
    """Estimate the exposure's hazard ratio under other ties, strata, errors and follow-up."""
    fits = {model: trial_models.fit(trial, people, model) for model in trial.models}
    ratios = tuple(
        trial_estimates.hazard_ratio(
            trial,
            fit,
            trial.exposure,
            len(people),
            label=f"{trial.terms[trial.exposure]} ({trial_estimates.inside(model.label)})",
            method=fit.method,
            suffix=f"/{model.key}",
        )
        for model, fit in fits.items()
    )
    return Findings(ratios, (trial_exhibits.models(trial),))


@made_from("rossi")
def work_from_week_to_week(people: pd.DataFrame) -> Findings:
    """Follow work from week to week: a row for each person and week at risk, with that week's work or the last one's."""
    fits = (
        ("employed", trial_models.with_work(ROSSI, people)),
        ("employed_lag", trial_models.with_work(ROSSI, people, lag=1)),
    )
    ratios = []
    for (term, fit), label in zip(fits, WORK_LABELS, strict=True):
        method = f"Cox model of {fit.n} person-weeks, ties after Efron, adjusted for {len(ROSSI.terms)} characteristics"
        ratios.append(trial_estimates.hazard_ratio(ROSSI, fit, term, len(people), label=label, method=method))
        aid = f"Financial aid ({label.lower()} held fixed)"
        ratios.append(trial_estimates.hazard_ratio(ROSSI, fit, "fin", len(people), label=aid, method=method, suffix=f"/{term}"))
    return Findings(tuple(ratios), (trial_exhibits.work(WORK_LABELS),))


@made_from("rossi")
def age_over_time(people: pd.DataFrame) -> Findings:
    """Let the hazard ratio of age change in proportion to time, and give it early and late in the year."""
    fit = trial_models.with_age_by_time(people)
    method = "Cox model of aid, age, previous convictions and age times weeks since release, ties after Efron"
    label = "Age at release, per year, change per week"
    product = trial_estimates.hazard_ratio(ROSSI, fit, "age_by_time", len(people), label=label, method=method)
    return Findings((product, *(_age_at(fit, week, len(people), method) for week in (4, 52))))


def _age_at(fit: CoxFit, week: int, n: int, method: str) -> Estimate:
    places = [fit.names.index("age"), fit.names.index("age_by_time")]
    contrast = np.array([1.0, week])
    variance = contrast @ fit.covariance[np.ix_(places, places)] @ contrast
    row = trial_estimates.log_row(float(contrast @ fit.coefficients[places]), float(np.sqrt(variance)))
    words = f"hazard ratio of re-arrest: age at release, per year, in week {week}"
    return trial_estimates.ratio(ROSSI, f"hazard_ratio/age/week_{week}", words, row, ROSSI.estimand, (n, fit.events), method)


@made_from("recid")
def time_ratios(people: pd.DataFrame, published: dict[str, float]) -> Findings:
    """Fit accelerated failure time models; the log-normal one is Wooldridge's Table 17.4, set beside what he printed."""
    fits = {name: trial_models.parametric(RECID, people, name) for name in DISTRIBUTIONS}
    ratios = tuple(trial_estimates.time_ratio(RECID, name, fit) for name, fit in fits.items())
    tables = trial_exhibits.distributions(RECID, fits), trial_exhibits.published(RECID, fits["log-normal"], published)
    return Findings(ratios, (trial_exhibits.time_ratios(RECID, tuple(fits)), *tables))


@made_from()
def beside_r(trial: Trial, people: pd.DataFrame, root: Path) -> Findings:
    """Set every value that R gives and we have side by side."""
    rows = list(compared(trial, people, root))
    tables = agreement.beside_r(trial.data, rows, FAMILIES), agreement.summary(trial.data, rows, FAMILIES)
    return Findings((_largest(trial, rows),), tables)


def compared(trial: Trial, people: pd.DataFrame, root: Path) -> Iterator[Compared]:
    """Give every value of a trial that R gives too."""
    data, labels, r = trial.data, trial.terms, open_data.results_of_r(trial.data, root)
    main = trial_models.fit(trial, people)
    yield from agreement.cox_rows(data, MAIN.key, main, labels, root, shown=labels)
    for model in (model for model in trial.models if model.key in r):
        yield from _model_rows(trial, people, model, root)
    for name in ("km", "identity", "rank", "log"):
        if f"zph_{name}" in r:
            yield from agreement.hazards_rows(data, f"zph_{name}", name, main, labels, root)
    everyone = trial_models.curve(trial, people)
    yield from agreement.curve_rows(data, trial_models.curves(trial, people), everyone, root)
    yield from agreement.test_rows(data, trial_models.test(trial, people), root)
    for tau, keys in trial.horizons.items():
        yield from agreement.mean_rows(data, keys, trial_models.means(trial, people, tau), trial.groups, root)
    for name, key in DISTRIBUTIONS.items():
        fitted, null = (trial_models.parametric(trial, people, name, null=null) for null in (False, True))
        yield from agreement.parametric_rows(data, key, fitted, null, labels, root)
    if trial is ROSSI:
        yield from _over_time(people, root)


def _model_rows(trial: Trial, people: pd.DataFrame, model: Model, root: Path) -> Iterator[Compared]:
    shown = (trial.exposure,) if model.cluster or model.strata else ()
    fit = trial_models.fit(trial, people, model)
    yield from agreement.cox_rows(trial.data, model.key, fit, trial.terms, root, shown=shown)


def _over_time(people: pd.DataFrame, root: Path) -> Iterator[Compared]:
    labels = ROSSI.terms | dict(zip(trial_models.WORK, WORK_LABELS, strict=True)) | {"age_by_time": "Age times weeks"}
    fits: dict[str, Callable[[], CoxFit]] = {
        "cox_tv_employed": lambda: trial_models.with_work(ROSSI, people),
        "cox_tv_employed_lag": lambda: trial_models.with_work(ROSSI, people, lag=1),
        "cox_tv_employed_cluster_id": lambda: trial_models.with_work(ROSSI, people, clustered=True),
        "cox_age_interaction_tt": lambda: trial_models.with_age_by_time(people),
    }
    for key, make in fits.items():
        shown = ("age_by_time",) if key.endswith("tt") else trial_models.WORK
        yield from agreement.cox_rows("rossi", key, make(), labels, root, shown=shown)


def _largest(trial: Trial, rows: list[Compared]) -> Estimate:
    # Differences below a millionth are rounding noise that varies between machines: none smaller is stated.
    worst = max(agreement.SMALLEST, *(row.difference for row in rows))
    method = "bound on |here - R|, over R's standard error for estimates and over R's value for the rest"
    key, unit = f"{trial.data}/largest_difference", "bound on a relative difference"
    return without_error(key, "largest difference from R", worst, unit=unit, n=len(rows), method=method, outcome=trial.outcome)
