"""Court timeliness: do cases of areas with the service take longer, from charge to completion?

All cases of an area and half-year, not users' alone; cohorts by charge date, followed for a year. Staggered roll-out: the change
of each wave's areas since before their start against areas not yet live, doubly robust, weighted by cases, errors clustered by
area from the influence function. The service touches some cases only, which dilutes the effect: the share is stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from ldeval.analysis.counted import Arm, NotEstimated, Share
from ldeval.analysis.court_cohorts import Cohorts, cohorts, monthly
from ldeval.analysis.effects import effect, in_fives
from ldeval.analysis.exhibits import Column, Effect, Effects, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Records
from ldeval.estimate import Estimate
from ldeval.stats.did import GroupTimeEffects, PreTrend, group_time_effects

WORDS = (
    "staggered differences in differences (Callaway and Sant'Anna), areas by half-years of charge, weighted by cases, against "
    "areas not yet live; errors from the influence function, clustered by area (CR1, t)"
)
SHOWN = 6
"""Half-years before and after the start that the event study shows: further out, few waves are left."""
LEADS = 4
"""Half-years before the start that are tested together."""
SAME = "all areas changed alike, so that there is nothing to estimate an error from"


@dataclass(frozen=True, slots=True)
class Measure:
    """One outcome of a cohort: the sum it is made of, its words and unit, its outcome in the protocol."""

    name: str
    column: str
    words: str
    unit: str
    outcome: str = "timeliness"


MEASURES = (
    Measure("completed_90", "completed_90", "difference in the share of cases completed within 90 days", "percentage points"),
    Measure("completed_180", "completed_180", "difference in the share of cases completed within 180 days", "percentage points"),
    Measure(
        "restricted_mean_days", "restricted_days", "difference in mean days to completion, at most a year", "days", "court_days"
    ),
)
COURTS = (("", "All courts"), ("magistrates", "Magistrates' courts"), ("crown", "Crown Court"))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table of effects by group and time, as `effects.effect` reads it."""

    table: pd.DataFrame
    level: float
    n: int

    def tidy(self) -> pd.DataFrame:
        """Give the row."""
        return self.table


@made_from(RECORDS)
def timeliness(records: Records) -> Findings:
    """Give the effect on timeliness in all courts and by court, the event studies with their tests, and the dilution."""
    months, cases, end = records.table("area_months"), records.table("court_cases"), records.study.data.extract_end
    made = {"": cohorts(months, end)}
    kinds = [court for court, _ in COURTS if court and (cases["court_type"] == court).any()]
    made |= {court: cohorts(monthly(cases[cases["court_type"] == court], months), end) for court in kinds}
    found = by_court(made) + dilution(cases, months, records.study.study.referral_window)
    return found + event_studies(made[""]) + per_case_touched(found)


@made_from(RECORDS)
def by_court(made: dict[str, Cohorts]) -> Findings:
    """Give the average effect on the cases of live areas, in all courts and in each, with what stands behind it."""
    found = [(measure, court, _overall(made[court], measure, court)) for measure in MEASURES for court in made]
    estimates = tuple(row for _, _, row in found if isinstance(row, Estimate))
    missing = tuple(row for _, _, row in found if isinstance(row, NotEstimated))
    arms = {row.id: _arms(made[court], measure) for measure, court, row in found if isinstance(row, Estimate)}
    labels = dict(COURTS)
    sets = (
        ("timeliness-completed", "Share of cases completed in time", "Difference, percentage points", MEASURES[:2]),
        ("timeliness-days", "Mean days from charge to completion, at most a year", "Difference in days", MEASURES[2:]),
    )
    shown = tuple(
        Effects(key, title, axis, tuple(Effect(labels[c], row.id, _group(m)) for m, c, row in found if m in members))
        for key, title, axis, members in sets
    )
    return Findings(estimates, shown, arms=arms, missing=missing)


def _group(measure: Measure) -> str:
    return {"completed_90": "Within 90 days", "completed_180": "Within 180 days"}.get(measure.name, "")


def study_effects(cohort: Cohorts, values: npt.NDArray[np.float64]) -> GroupTimeEffects:
    """Estimate the effects by wave and half-year of an outcome of cohorts."""
    rows = cohort.rows
    return group_time_effects(
        values,
        rows["area_id"],
        rows["period"],
        rows["start"],
        weights=cohort.weights,
        control="not_yet",
        small_sample="CR1-t",
    )


@lru_cache(maxsize=16)
def _measured(cohort: Cohorts, measure: Measure) -> GroupTimeEffects:
    """Fit once what the average effect and the event study share."""
    return study_effects(cohort, cohort.outcome(measure.column))


def _overall(cohort: Cohorts, measure: Measure, court: str) -> Estimate | NotEstimated:
    key = f"timeliness/{measure.name}/att{f'/{court}' if court else ''}"
    if why := cohort.why_not():
        return NotEstimated(key, measure.words, why, measure.outcome)
    fit = _measured(cohort, measure)
    table = fit.overall("simple")
    if not table["se"].iloc[0] > 0:
        return NotEstimated(key, measure.words, SAME, measure.outcome)
    return _estimate(fit, table, key, measure, cohort)


def _estimate(fit: GroupTimeEffects, table: pd.DataFrame, key: str, measure: Measure, cohort: Cohorts) -> Estimate:
    row = Row(table, fit.level, int(cohort.rows["cases"].sum()))
    made = effect(row, str(table["term"].iloc[0]), key, unit=measure.unit, estimand="ATT", method=WORDS)
    return replace(made, outcome=measure.outcome, measure=measure.words)


def _arms(cohort: Cohorts, measure: Measure) -> tuple[Arm, Arm]:
    rows, live = cohort.rows, cohort.live
    sides = (("Cases of areas with the service", live), ("Cases of areas not yet live", ~live))
    events = measure.unit == "percentage points"
    return tuple(  # type: ignore[return-value]  # two sides
        Arm(label, int(rows["cases"][which].sum()), int(rows[measure.column][which].sum()) if events else None)
        for label, which in sides
    )


@made_from(RECORDS)
def event_studies(cohort: Cohorts) -> Findings:
    """Give the effect by half-year since the start, before it too, and test that it was nothing before the start."""
    if why := cohort.why_not():
        keys = [*map(_series_id, MEASURES), "timeliness-leads"]
        return Findings(missing=tuple(NotEstimated(key, "event study of court timeliness", why, "timeliness") for key in keys))
    estimates: list[Estimate] = []
    shown: list[Effects] = []
    missing: list[NotEstimated] = []
    tests = []
    for measure in MEASURES:
        fit = _measured(cohort, measure)
        rows = list(_events(fit, measure, cohort))
        estimates += [estimate for _, estimate in rows]
        if rows:
            shown.append(_series(measure, rows))
        else:
            missing.append(NotEstimated(_series_id(measure), f"event study: {measure.words}", SAME, measure.outcome))
        if test := _tested(fit, sum(event < 0 for event, _ in rows)):
            tests.append((measure.words[:1].upper() + measure.words[1:], test.df, test.statistic, test.p_value))
    return Findings(tuple(estimates), tuple(shown), missing=tuple(missing)) + _tests(tests)


def _tested(fit: GroupTimeEffects, leads: int) -> PreTrend | None:
    """Test the last half-years before the start, where there are any and the areas can tell them apart."""
    try:
        return fit.lead_test(min(LEADS, leads))
    except ValueError:
        return None


def _series_id(measure: Measure) -> str:
    return f"timeliness-events-{measure.name.replace('_', '-')}"


def _events(fit: GroupTimeEffects, measure: Measure, cohort: Cohorts) -> Iterator[tuple[int, Estimate]]:
    table = fit.event_study()
    for place in range(len(table)):
        event = int(table["event"].iloc[place])
        if -SHOWN <= event < SHOWN and table["se"].iloc[place] > 0:
            key = f"timeliness/{measure.name}/att/half_year_{event:+d}"
            yield event, _estimate(fit, table.iloc[[place]], key, measure, cohort)


def _series(measure: Measure, rows: list[tuple[int, Estimate]]) -> Effects:
    return Effects(
        _series_id(measure),
        f"{measure.words[:1].upper()}{measure.words[1:]}, by half-year since the service began",
        "Percentage points" if measure.unit == "percentage points" else "Days",
        tuple(Effect(f"Half-year {event:+d}" if event else "Half-year 0", row.id, at=event) for event, row in rows),
        ("Before the start, each half-year against the one before it; from the start on, against the last before it.",),
        axis="Half-years since the service began",
    )


def _tests(tests: list[tuple[str, int, float, float]]) -> Findings:
    if not tests:
        why = "no wave has two half-years before its start, or areas are too few to tell those apart"
        return Findings(missing=(NotEstimated("timeliness-leads", "test of the changes before the start", why, "timeliness"),))
    columns = (
        Column("measure", "Outcome"),
        Column("leads", "Half-years tested", "values", "model"),
        Column("statistic", "F", "number", "model"),
        Column("p_value", "p-value", "p", "model"),
    )
    note = "Null hypothesis: in the half-years tested, waves about to start changed as areas not yet live did. Hotelling's test."
    return Findings(exhibits=(Table("timeliness-leads", "Changes before the start", columns, tuple(tests), (note,)),))


LIVE = {"live": "yes"}
TOUCHED = {"touched": "yes"}


@made_from(RECORDS)
def dilution(cases: pd.DataFrame, months: pd.DataFrame, window: tuple[object, object]) -> Findings:
    """Give the share of cases that the service is known to have touched, of live areas' cases charged in the study's window."""
    live = months[["area_id", "charge_month", "months_live"]].merge(cases, on=["area_id", "charge_month"])
    charged = pd.to_datetime(live["charge_date"])
    kept = live[(live["months_live"] >= 0) & charged.between(pd.Timestamp(str(window[0])), pd.Timestamp(str(window[1])))]
    what = "share of cases that the service is known to have touched"
    if kept.empty:
        return Findings(missing=(NotEstimated("timeliness/touched", what, "no case of a live area in the window", "timeliness"),))
    n, events = len(kept), int(kept["touched"].sum())
    population = "court cases charged in the study's window"
    return Findings(shares=(Share("timeliness/touched", "timeliness", what, population, LIVE, TOUCHED, events, n),))


@made_from(RECORDS)
def per_case_touched(found: Findings) -> Findings:
    """Scale the effects on a case of a live area to a case touched, as if only those moved: a reading, no more."""
    wanted = {f"timeliness/{measure.name}/att": measure for measure in MEASURES}
    shares = [share for share in found.shares if share.id == "timeliness/touched" and share.events]
    rows = [row for row in found.estimates if row.id in wanted] if shares else []
    made = [_scaled(row, in_fives(shares[0].n) / in_fives(shares[0].events), wanted[row.id]) for row in rows]
    cases = [Arm("Cases of live areas", share.n, share.events) for share in shares]
    known = {row.id for row in made}
    why = "the effect, or the share of cases touched, could not be estimated"
    gaps = [(_per_touched(key), measure) for key, measure in wanted.items() if _per_touched(key) not in known]
    return Findings(
        tuple(made),
        arms={_per_touched(row.id): (*found.arms[row.id], *cases) for row in rows},
        missing=tuple(
            NotEstimated(key, f"{measure.words}, for each case touched", why, measure.outcome) for key, measure in gaps
        ),
    )


def _per_touched(key: str) -> str:
    return key.replace("/att", "/per_touched")


def _scaled(row: Estimate, factor: float, measure: Measure) -> Estimate:
    value, low, high = (factor * number for number in (row.value, row.low, row.high))
    words = f"{measure.words}, for each case touched"
    method = (
        f"{row.id} over the share of cases known to be touched (of counts to the nearest five), its own error left out; assumes "
        "that no other case moved"
    )
    return replace(
        row,
        id=_per_touched(row.id),
        measure=words,
        value=value,
        low=low,
        high=high,
        se=factor * row.se,
        method=method,
    )
