"""The models behind the headline results in full: each coefficient with its error, interval and p-value, and who was modelled.

No model is made here that a result does not rest on: these are the fits of `diversion`, `reconviction`, `custody_days` and
`timeliness` with their terms laid out. The weights take the contact models' coefficients alone; the errors shown beside them
are clustered by area, as everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ldeval.analysis.attempts import NoAnswer, answers
from ldeval.analysis.counted import Counts, Line, tally
from ldeval.analysis.court_cohorts import Cohorts, cohorts
from ldeval.analysis.custody_days import VALUES
from ldeval.analysis.diversion import CUSTODY, SMALL_SAMPLE, Array, Race, race
from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.reconviction import Spell, spells_of
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.analysis.terms import HEADS, Term, cell, terms
from ldeval.analysis.timeliness import MEASURES, Measure, study_effects
from ldeval.stats.binary import logistic
from ldeval.stats.fit import Regression
from ldeval.stats.linear import linear

SAMPLES = {"models-samples": "Who is in each model"}
CONTACT = {
    "models-contact-custody": "The model of contact behind the weights for custody",
    "models-contact-reconviction": "The model of contact behind the weights for reconviction",
    "models-contact-days": "The model of contact behind the doubly robust estimates of days",
}
CUSTODY_MODEL = {"models-custody": "The model of custody among comparators"}
DAYS_MODELS = {
    "models-custody-days": "The model of days served within the follow-up, among comparators",
    "models-sentence-served": "The model of days served to release, among comparators",
    "models-days-inside": "The model of days in custody for any reason, among comparators",
}
COURT = {f"models-court-{measure.name.replace('_', '-')}": measure.words for measure in MEASURES}
INTERVALS = "Intervals are of 95%."
OUTCOME_OF = {
    "models-custody-days": "custody_days",
    "models-sentence-served": "sentence_served",
    "models-days-inside": "days_inside",
}

COEFFICIENT = (
    Column("estimate", "Coefficient", "number", source="model"),
    Column("se", "Standard error", "number", source="model"),
    Column("low", "Interval from", "number", source="model"),
    Column("high", "to", "number", source="model"),
    Column("p_value", "p", "p", source="model"),
)
ODDS_RATIO = Column("ratio", "Odds ratio", "ratio", source="model")


@dataclass(frozen=True, slots=True)
class Given:
    """The comparisons of the study that models are of: custody, reconviction, and days (everyone compared)."""

    custody: Race
    reconviction: Spell
    days: Comparison
    adjust: dict[str, tuple[str, ...]]
    follow_up_days: int


@made_from(RECORDS)
@answers(SAMPLES | CONTACT | CUSTODY_MODEL | DAYS_MODELS)
def people_models(records: Records) -> Findings:
    """Give who is in each model of people, and every coefficient of the models of contact, custody and days served."""
    outcomes, days = records.study.outcomes, records.study.study.follow_up_days
    everyone = compare(records, "diversion")
    adjust = {name: tuple(outcomes[name].adjust) for name in ("diversion", "reconviction")}
    given = Given(race(everyone, days), spells_of(records), everyone, adjust, days)
    return samples(given) + contact_models(given) + custody_model(given) + days_models(given)


@made_from(RECORDS)
def models(records: Records) -> Findings:
    """Give the models of people, and the effect on courts by wave and half-year, of which the effects are averages."""
    return people_models(records) + court_models(records)


@made_from(RECORDS)
@answers(SAMPLES)
def samples(given: Given) -> Findings:
    """Count the people of each model, and those of them with the outcome."""
    everyone, custody, again = given.days.rows, given.custody, given.reconviction
    served = VALUES["custody_days"](given.days, given.follow_up_days) > 0
    frame = pd.DataFrame(
        {
            "arm": np.where(given.days.treated == 1.0, "Users", "Comparators"),
            "at risk of custody": _among(everyone, custody.people.rows),
            "custody": _among(everyone, custody.people.rows[custody.custody]),
            "at risk of reconviction": _among(everyone, again.people.rows),
            "proven offence": _among(everyone, again.people.rows[again.state == 1]),
            "days served": np.where(served, "yes", "no"),
        }
    )
    rows = (
        Line("Everyone compared", {}, "Days in custody"),
        Line("of them, with days of the sentence served", {"days served": "yes"}, "Days in custody"),
        Line("At risk of custody", {"at risk of custody": "yes"}, "Immediate custody"),
        Line("of them, sentenced to custody", {"at risk of custody": "yes", "custody": "yes"}, "Immediate custody"),
        Line("At risk of a proven offence", {"at risk of reconviction": "yes"}, "Reconviction"),
        Line("of them, with a proven offence", {"at risk of reconviction": "yes", "proven offence": "yes"}, "Reconviction"),
    )
    columns = tuple(Line(label, {"arm": label}) for label in ("Users", "Comparators"))
    values = tally(frame, rows, columns)
    note = f"Areas are the clusters: {_areas(given.days, 1.0)} with users, {_areas(given.days, 0.0)} with comparators."
    title = "People in each model, and those with the outcome"
    made = Counts("models-samples", title, "people of the comparison", rows, columns, values, notes=(note,))
    return Findings((), (made,))


def _among(everyone: pd.DataFrame, some: pd.DataFrame) -> pd.Series[str]:
    return everyone["study_id"].isin(some["study_id"]).map({True: "yes", False: "no"})


def _areas(people: Comparison, arm: float) -> int:
    return len(np.unique(people.cluster[people.treated == arm]))


@made_from(RECORDS)
@answers(CONTACT)
def contact_models(given: Given) -> Findings:
    """Give the logistic models of contact with the service, whose odds are the weights."""
    sides = (
        ("models-contact-custody", given.custody.people, "diversion"),
        ("models-contact-reconviction", given.reconviction.people, "reconviction"),
        ("models-contact-days", given.days, "diversion"),
    )
    made = (_contact(key, people, given.adjust[outcome]) for key, people, outcome in sides)
    return sum(made, Findings())


def _contact(key: str, people: Comparison, adjust: tuple[str, ...]) -> Findings:
    @answers({key: CONTACT[key]})
    def one() -> Findings:
        fit = logistic(people.treated, people.X, cluster=people.cluster, small_sample=SMALL_SAMPLE)
        note = f"Logistic regression of being a user on all of it; {_clustered(people.cluster)}."
        return Findings((), (ratios(key, CONTACT[key], fit, terms(people, adjust), note),))

    return one()


def _clustered(cluster: object) -> str:
    return f"errors clustered by area, {len(np.unique(np.asarray(cluster)))} areas (CR1, t)"


@made_from(RECORDS)
@answers(CUSTODY_MODEL)
def custody_model(given: Given) -> Findings:
    """Give the logistic model of custody among comparators: what sites are set beside, and part of the doubly robust check."""
    cases, people = given.custody, given.custody.people
    others = people.treated == 0.0
    if not cases.custody[others].any():
        raise NoAnswer(f"no comparator was {CUSTODY}")
    X, cluster = people.X[others], people.cluster[others]
    fit = logistic(cases.custody[others].astype(float), X, cluster=cluster, small_sample=SMALL_SAMPLE)
    note = f"Logistic regression among comparators, open cases counted as no custody; {_clustered(cluster)}."
    key = "models-custody"
    return Findings((), (ratios(key, CUSTODY_MODEL[key], fit, terms(people, given.adjust["diversion"]), note),))


@made_from(RECORDS)
@answers(DAYS_MODELS)
def days_models(given: Given) -> Findings:
    """Give the linear models of days among comparators: with the model of contact they make the doubly robust estimates."""
    return sum((_days(given, key) for key in DAYS_MODELS), Findings())


def _days(given: Given, key: str) -> Findings:
    people = given.days

    @answers({key: DAYS_MODELS[key]})
    def one() -> Findings:
        others = people.treated == 0.0
        values: Array = VALUES[OUTCOME_OF[key]](people, given.follow_up_days)[others]
        if np.isnan(values).any() or not values.any():
            raise NoAnswer("the records hold no such days")
        cluster = people.cluster[others]
        fit = linear(values, people.X[others], cluster=cluster, small_sample=SMALL_SAMPLE)
        lines = terms(people, given.adjust["diversion"])
        note = f"Linear regression among comparators, those without custody at nought; {_clustered(cluster)}."
        return Findings((), (_laid_out(key, DAYS_MODELS[key], COEFFICIENT, fit.tidy().set_index("term"), lines, note),))

    return one()


def ratios(key: str, title: str, fit: Regression, lines: tuple[Term, ...], note: str) -> Table:
    """Lay out a logistic model: what every model has, on the scale of log odds, and the odds ratios."""
    rows = fit.tidy().set_index("term")
    return _laid_out(key, title, (*COEFFICIENT, ODDS_RATIO), rows.assign(ratio=np.exp(rows["estimate"])), lines, note)


def _laid_out(key: str, title: str, columns: tuple[Column, ...], rows: pd.DataFrame, lines: tuple[Term, ...], note: str) -> Table:
    numbers = [column.name for column in columns]
    body = tuple((line.group, line.label, *_cells(rows, line.column, numbers)) for line in lines)
    return Table(key, title, (*HEADS, *columns), body, (note, INTERVALS), group="group")


def _cells(rows: pd.DataFrame, term: str, numbers: list[str]) -> Iterator[Cell]:
    yield from (cell(rows.loc[term, name]) if term in rows.index else None for name in numbers)


@made_from(RECORDS)
@answers(COURT)
def court_models(records: Records) -> Findings:
    """Give the effect on courts of each wave in each half-year of charge: the terms of which every average is made."""
    cohort = cohorts(records.table("area_months"), records.study.data.extract_end)
    if why := cohort.why_not():
        raise NoAnswer(why)
    return Findings((), tuple(_court(key, cohort, measure) for key, measure in zip(COURT, MEASURES, strict=True)))


def _court(key: str, cohort: Cohorts, measure: Measure) -> Table:
    fit = study_effects(cohort, cohort.outcome(measure.column))
    first = _first_months(cohort)
    columns = (HEADS[0], Column("term", "Half-year of charge, from"), *COEFFICIENT)
    numbers = [column.name for column in columns[2:]]
    table = fit.tidy()
    if measure.unit == "percentage points":
        table[["estimate", "se", "low", "high"]] *= 100
    rows = tuple(
        (f"Service began from {first[group]}", _when(first[time], event), *map(cell, row[numbers]))
        for group, time, event, (_, row) in zip(fit.group, fit.time, fit.event, table.iterrows(), strict=True)
    )
    areas = cohort.rows["area_id"].nunique()
    note = (
        f"{areas} areas, errors clustered by area (CR1, t). Before the start, each half-year against the one before it; from the "
        "start on, against the last before it; each beside areas not yet live. In brackets: half-years since the start."
    )
    return Table(key, _title(measure), columns, rows, (f"In {measure.unit}.", note, INTERVALS), group="group")


def _title(measure: Measure) -> str:
    return f"{measure.words[:1].upper()}{measure.words[1:]}, by wave and half-year"


def _when(month: str, event: int) -> str:
    return f"{month} ({event:+d})" if event else f"{month} (0)"


def _first_months(cohort: Cohorts) -> dict[float, str]:
    """Give the first month of charge of each period, as words."""
    months = pd.Series(pd.to_datetime(cohort.period_of.index), index=cohort.period_of.to_numpy())
    return {float(period): f"{month:%B %Y}" for period, month in months.groupby(level=0).min().items()}
