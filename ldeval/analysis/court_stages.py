"""How long court cases take, described: each stage's quantiles with open cases as censored, and quantiles of whole cohorts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from ldeval.analysis.counted import Arm, Counts, Line, NotEstimated, tally
from ldeval.analysis.court_cohorts import Cohorts, cohorts
from ldeval.analysis.effects import effect
from ldeval.analysis.exhibits import Effect, Effects
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Records
from ldeval.analysis.timeliness import SAME, WORDS, Row, study_effects
from ldeval.estimate import Estimate
from ldeval.stats.survival import kaplan_meier

COURTS = {"magistrates": "Magistrates' courts", "crown": "Crown Court"}
STAGES = {
    "offence_to_charge": "Offence to charge",
    "charge_to_listing": "Charge to first listing",
    "listing_to_completion": "First listing to completion",
    "charge_to_completion": "Charge to completion",
}
QUANTILES = {0.5: "median", 0.9: "ninetieth percentile"}
COHORT_QUANTILES = (0.25, 0.5, 0.75, 0.9)
YEARS = 2
"""Years before the extract's end whose cases the stages describe."""


@made_from(RECORDS)
def stages(records: Records) -> Findings:
    """Give the length of each stage and the adjournments by court, cases by year of charge, and the quantiles of cohorts."""
    cases, end = records.table("court_cases"), records.study.data.extract_end
    return lengths(cases, end) + progress(cases) + quantiles(cases, records.table("area_months"), end)


def stage(cases: pd.DataFrame, name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Give the days of a stage, and whether it had ended when the extract was drawn.

    Cases not yet listed count as open in the stage that they are in; those that are not in a stage yet are left out of it. A
    stage of no days counts half a day.
    """
    listed, done = cases["days_to_listing"].notna(), cases["completed"] == 1
    if name == "offence_to_charge":
        days, ended = cases["days_to_charge"], pd.Series(True, cases.index)
    elif name == "charge_to_listing":
        days, ended = cases["days_to_listing"].fillna(cases["days"]), listed
    elif name == "listing_to_completion":
        days, ended = (cases["days"] - cases["days_to_listing"])[listed], done[listed]
    else:
        days, ended = cases["days"], done
    return np.maximum(days.to_numpy(float), 0.5), ended.to_numpy(bool)


@made_from(RECORDS)
def lengths(cases: pd.DataFrame, extract_end: date) -> Findings:
    """Give the median and the ninetieth percentile of each stage by court, and the mean number of adjournments."""
    first = pd.Timestamp(extract_end) - pd.DateOffset(years=YEARS)
    recent = cases[pd.to_datetime(cases["charge_date"]) > first]
    made: list[Estimate] = []
    missing: list[NotEstimated] = []
    arms: dict[str, tuple[Arm, ...]] = {}
    rows = []
    for court, label in COURTS.items():
        own = recent[recent["court_type"] == court]
        for name, words in STAGES.items():
            found = [_quantile(own, court, name, q) for q in QUANTILES]
            made += [row for row in found if isinstance(row, Estimate)]
            missing += [row for row in found if isinstance(row, NotEstimated)]
            rows += [Effect(f"{words}, {QUANTILES[q]}", row.id, label) for q, row in zip(QUANTILES, found, strict=True)]
        if len(own):
            made.append(_adjournments(own, court))
            arms[made[-1].id] = (_adjourned(own, label),)
        else:
            words = f"mean adjournments a case, {label}"
            missing.append(
                NotEstimated(f"court_stages/adjournments/{court}/mean", words, "no case of this court", "court_stages")
            )
    shown = Effects("court-stages", "How long each stage takes", "Days", tuple(rows))
    return Findings(tuple(made), (shown,), missing=tuple(missing), arms=arms)


def _adjourned(cases: pd.DataFrame, label: str) -> Arm:
    """Give what stands behind a mean: the cases, all their adjournments, and the largest share of one case in these."""
    counts = cases["adjournments"].to_numpy(float)
    total = float(counts.sum())
    return Arm(label, len(counts), int(total), float(counts.max() / total) if total else None)


def _quantile(cases: pd.DataFrame, court: str, name: str, q: float) -> Estimate | NotEstimated:
    key = f"court_stages/{name}/{court}/p{q * 100:.0f}"
    words = f"{QUANTILES[q]} of days, {STAGES[name][:1].lower()}{STAGES[name][1:]}, {COURTS[court]}"
    if not len(cases):
        return NotEstimated(key, words, "no case of this court", "court_stages")
    days, ended = stage(cases, name)
    if not ended.any():
        return NotEstimated(key, words, "no case has ended this stage", "court_stages")
    point = kaplan_meier(days, ended).quantile(q)
    if not np.isfinite([point.estimate, point.se]).all():
        return NotEstimated(key, words, "too few cases have ended this stage", "court_stages")
    return Estimate(
        id=key,
        outcome="court_stages",
        measure=words,
        unit="days",
        estimand="descriptive",
        value=float(point.estimate),
        se=float(point.se),
        scale="identity",
        low=float(point.low),
        high=float(point.high),
        level=0.95,
        n=len(days),
        events=int(ended.sum()),
        method=f"Kaplan-Meier, open cases censored; cases charged in the last {YEARS} years",
    )


def _adjournments(cases: pd.DataFrame, court: str) -> Estimate:
    counts = cases["adjournments"].to_numpy(float)
    mean = float(counts.mean())
    se = float(counts.std(ddof=1) / np.sqrt(len(counts))) if len(counts) > 1 else 0.0
    return Estimate(
        id=f"court_stages/adjournments/{court}/mean",
        outcome="court_stages",
        measure=f"mean adjournments a case, {COURTS[court]}",
        unit="number",
        estimand="descriptive",
        value=mean,
        se=se,
        scale="identity",
        low=mean - 1.96 * se,
        high=mean + 1.96 * se,
        level=0.95,
        n=len(counts),
        events=None,
        method=f"mean; cases charged in the last {YEARS} years, open ones with the adjournments so far",
    )


@made_from(RECORDS)
def progress(cases: pd.DataFrame) -> Findings:
    """Count cases by year of charge and by court, how many ended within half a year, and how many were open at the end."""
    frame = pd.DataFrame(
        {
            "year": pd.to_datetime(cases["charge_date"]).dt.year.astype(str),
            "court": cases["court_type"],
            "open": np.where(cases["completed"] == 1, "no", "yes"),
            "within 180 days": np.where((cases["completed"] == 1) & (cases["days"] < 180), "yes", "no"),
        }
    )
    rows = (
        Line("All years"),
        *(Line(year, {"year": year}, "Year of charge") for year in sorted(frame["year"].unique())),
        *(Line(label, {"court": court}, "Court") for court, label in COURTS.items()),
    )
    columns = (
        Line("Cases"),
        Line("Completed within 180 days", {"within 180 days": "yes"}),
        Line("Open when the records were drawn", {"open": "yes"}),
    )
    table = Counts(
        "court-cases",
        "Court cases by year of charge and court",
        "court cases of the study's areas",
        rows,
        columns,
        tally(frame, rows, columns),
        "of row",
        "cases",
        ("Cases charged late had less than 180 days to be completed in.",),
        "Cases",
    )
    return Findings(exhibits=(table,))


@made_from(RECORDS)
def quantiles(cases: pd.DataFrame, months: pd.DataFrame, extract_end: date) -> Findings:
    """Give the change in the quantiles of cohorts as the service begins: descriptive, by the same comparison as the shares."""
    whole = cohorts(months, extract_end)
    if why := whole.why_not():
        keys = ["court-quantiles", *map(_quantile_id, COHORT_QUANTILES)]
        return Findings(missing=tuple(NotEstimated(key, "change in a quantile of court time", why, "court_days") for key in keys))
    made = [_quantile_change(whole, cohort_quantile(cases, whole, q), q) for q in COHORT_QUANTILES]
    rows = tuple(Effect(f"{q:.0%} of cases completed", row.id) for q, row in zip(COHORT_QUANTILES, made, strict=True))
    shown = Effects("court-quantiles", "Days until a share of each cohort was completed", "Difference in days", rows)
    estimates = tuple(row for row in made if isinstance(row, Estimate))
    return Findings(estimates, (shown,), missing=tuple(row for row in made if isinstance(row, NotEstimated)))


def cohort_quantile(cases: pd.DataFrame, whole: Cohorts, q: float) -> npt.NDArray[np.float64]:
    """Give the day by which a share q of each cohort was completed, shape of its rows; open cases have not been, ever.

    Every cohort is followed for longer than the quantiles in use, so that no case is censored before them.
    """
    period = cases["charge_month"].map(whole.period_of)
    days = cases["days"].where(cases["completed"] == 1, np.inf)
    found = days.groupby([cases["area_id"], period]).quantile(q, interpolation="higher")
    return np.asarray(found.loc[pd.MultiIndex.from_frame(whole.rows[["area_id", "period"]])], dtype=np.float64)


def _quantile_id(q: float) -> str:
    return f"court_quantiles/days_p{q * 100:.0f}/descriptive"


def _quantile_change(whole: Cohorts, values: npt.NDArray[np.float64], q: float) -> Estimate | NotEstimated:
    key, words = _quantile_id(q), f"difference in days until {q:.0%} of a cohort is completed"
    if not np.isfinite(values).all():
        return NotEstimated(key, words, "a cohort of which too many cases are open", "court_days")
    fit = study_effects(whole, values)
    if not fit.overall("simple")["se"].iloc[0] > 0:
        return NotEstimated(key, words, SAME, "court_days")
    row = Row(fit.overall("simple"), fit.level, int(whole.rows["cases"].sum()))
    made = effect(row, "simple", key, unit="days", estimand="descriptive", method=f"quantiles of cohorts; {WORDS}")
    return replace(made, outcome="court_days", measure=words)
