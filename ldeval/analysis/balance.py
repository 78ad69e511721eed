"""Balance in full: every characteristic before and after each way to make the arms alike, and how far the arms overlap.

Three measures a characteristic (Stuart, 2010, doi:10.1214/09-STS313): the standardised difference of means, the ratio of the
variances, and the largest distance of the two cumulative distributions (Kolmogorov-Smirnov).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ldeval.analysis.attempts import NoAnswer, answers, reason
from ldeval.analysis.counted import Counts, Line, tally
from ldeval.analysis.diversion import Array, race
from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.reconviction import spells_of
from ldeval.analysis.records import RECORDS, UNSEEN, USER, Comparison, Records, compare
from ldeval.analysis.robustness import historical
from ldeval.analysis.terms import HEADS, cell, terms
from ldeval.stats.estimands import effective_sample_size
from ldeval.stats.matching import match
from ldeval.stats.weights import balance, entropy_weights, propensity_weights

CALIPER = 0.2
"""Standard deviations of the log odds: as in the matched estimate."""
LIMIT = 0.1
"""As in `weighting`."""
ROUNDING = 1e-9
FEWEST_IN_AREA = 40
"""Quartiles of an area with fewer people than this would say too much of single people."""

MEASURES = {
    "smd": "Standardised differences",
    "variance_ratio": "Ratios of variances",
    "ks": "Distances of distributions",
}
UNITS = {"smd": "standardised", "variance_ratio": "ratio", "ks": "standardised"}
CUSTODY = {f"balance-{measure.replace('_', '-')}": f"{words}, custody" for measure, words in MEASURES.items()}
RECONVICTION = {"balance-reconviction": "Balance, reconviction"}
SCHEMES = {"balance-schemes": "Balance under each scheme and comparison"}
OVERLAP = {"balance-areas": "Propensity scores by area", "balance-reach": "People without their like in the other arm"}
POPULATION = "people of the comparison"
AT_RISK = {"at risk of custody": "yes"}
ARMS = {"Users": 1.0, "Comparators": 0.0}

Weighing = Callable[[Comparison], Any]


def _matched(people: Comparison) -> Any:
    return match(people.treated, people.X, caliper=CALIPER).weights


WEIGHTING = "Weighting"
MATCHING = "Matching"
WAYS: dict[str, Weighing] = {
    WEIGHTING: lambda people: propensity_weights(people.treated, people.X),
    "Entropy balancing": lambda people: entropy_weights(people.treated, people.X),
    MATCHING: _matched,
}
"""The ways to make comparators resemble users that the results use."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """A comparison, and the weights by way; `gaps` says why a way gave none."""

    people: Comparison
    weights: Mapping[str, Any]
    gaps: Mapping[str, str]

    def by(self, way: str) -> Any:
        """Give the weights of one way.

        Raises:
            NoAnswer: it gave none.

        """
        if way in self.gaps:
            raise NoAnswer(self.gaps[way])
        return self.weights[way]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Give the balance before ("Before") and by each way, by column of the design."""
        X = self.people.X.drop(columns="intercept")
        each = {"Before": None, **self.weights}
        return {name: _compared(balance(self.people.treated, X, load).set_index("term")) for name, load in each.items()}

    def notes(self) -> tuple[str, ...]:
        """Say which ways gave no weights, and why."""
        return tuple(f"{name}: none, because {why}." for name, why in self.gaps.items())


def _compared(table: pd.DataFrame) -> pd.DataFrame:
    """Leave out the distances of what is either there or not: they are differences of means, and of crude shares at that."""
    return table.assign(ks=table["ks"].where(table["variance_ratio"].notna()))


def weigh(people: Comparison, ways: Mapping[str, Weighing]) -> Weighed:
    """Weigh a comparison in each of the ways; those that the estimators refuse are gaps."""
    made: dict[str, Any] = {}
    gaps: dict[str, str] = {}
    for name, way in ways.items():
        try:
            made[name] = way(people)
        except ValueError as refused:
            gaps[name] = reason(refused)
    return Weighed(people, made, gaps)


@made_from(RECORDS)
@answers(CUSTODY | RECONVICTION | SCHEMES | OVERLAP)
def balances(records: Records) -> Findings:
    """Give the balance of custody's comparison by each way, of reconviction's, of all other comparisons in brief, and overlap."""
    days, outcomes = records.study.study.follow_up_days, records.study.outcomes
    custody = weigh(race(compare(records, "diversion"), days).people, WAYS)
    again = weigh(spells_of(records).people, {WEIGHTING: WAYS[WEIGHTING]})
    made = by_measure(custody, outcomes["diversion"].adjust) + reconviction(again, outcomes["reconviction"].adjust)
    brief = {"Custody": custody, "Reconviction": again, **dict(_others(records))}
    return made + schemes(brief) + overlap(custody)


@made_from(RECORDS)
@answers(CUSTODY)
def by_measure(custody: Weighed, adjust: Sequence[str]) -> Findings:
    """Give a table for each measure: a row a characteristic, a column before and by each way."""
    tables = custody.tables()
    return Findings((), tuple(_measure(measure, custody, tables, adjust) for measure in MEASURES))


def _measure(measure: str, custody: Weighed, tables: Mapping[str, pd.DataFrame], adjust: Sequence[str]) -> Table:
    names = [(name.lower().replace(" ", "_"), name) for name in tables]
    columns = (*HEADS, *(Column(name, label, UNITS[measure], source="model") for name, label in names))
    rows = tuple(_rows(custody.people, adjust, [table[measure] for table in tables.values()]))
    title = f"{MEASURES[measure]} before and after, comparison of custody"
    return Table(f"balance-{measure.replace('_', '-')}", title, columns, rows, custody.notes(), group="group")


def _rows(people: Comparison, adjust: Sequence[str], measures: Sequence[pd.Series[float]]) -> Iterator[tuple[Cell, ...]]:
    """Give a row for each column of the design that has any of the measures."""
    for term in terms(people, adjust):
        cells = [_size(measure, term.column) for measure in measures]
        if any(value is not None for value in cells):
            yield (term.group, term.label, *cells)


def _size(measure: pd.Series[float], column: str) -> float | None:
    """Give a cell; what is nought but for rounding is nought."""
    value = cell(measure[column]) if column in measure.index else None
    return 0.0 if value is not None and abs(value) < ROUNDING else value


@made_from(RECORDS)
@answers(RECONVICTION)
def reconviction(again: Weighed, adjust: Sequence[str]) -> Findings:
    """Give all three measures before and after weighting, for the comparison of reconviction."""
    tables = again.tables()
    kinds = {"smd": "Difference", "variance_ratio": "Variances", "ks": "Distance"}
    pairs = [(measure, label, way) for measure, label in kinds.items() for way in tables]
    columns = (
        *HEADS,
        *(
            Column(f"{m}_{way.lower()}", f"{label}, {'before' if way == 'Before' else 'after'}", UNITS[m], source="model")
            for m, label, way in pairs
        ),
    )
    rows = tuple(_rows(again.people, adjust, [tables[way][measure] for measure, _, way in pairs]))
    title = "Balance before and after weighting, comparison of reconviction"
    return Findings((), (Table("balance-reconviction", title, columns, rows, again.notes(), group="group"),))


def _others(records: Records) -> Iterator[tuple[str, Weighed]]:
    """Give the other comparisons that results rest on, weighted; those that the records do not hold are left out."""
    days = records.study.study.follow_up_days
    ways = {WEIGHTING: WAYS[WEIGHTING]}
    sides: dict[str, Callable[[], Comparison]] = {
        "Days in custody": lambda: compare(records, "diversion"),
        "Intention to treat": lambda: race(_everyone(compare(records, "diversion", users=(USER, UNSEEN))), days).people,
        "Beside people not seen by a live service": lambda: race(compare(records, "diversion", control=UNSEEN), days).people,
        "Beside the same areas before the service": lambda: race(historical(records), days).people,
    }
    for name, make in sides.items():
        try:
            yield name, weigh(make(), ways)
        except ValueError:
            continue


def _everyone(people: Comparison) -> Comparison:
    return replace(people, entry=np.zeros(people.n))


@made_from(RECORDS)
@answers(SCHEMES)
def schemes(weighed: Mapping[str, Weighed]) -> Findings:
    """Give for each comparison the worst of its balance before and after each way, and what the weights cost."""
    columns = (
        Column("comparison", "Comparison"),
        Column("way", "Way"),
        Column("smd", "Largest difference", "standardised", source="model"),
        Column("beyond", "Beyond the limit", "values", source="model"),
        Column("variances", "Variances furthest from one", "ratio", source="model"),
        Column("ks", "Largest distance", "standardised", source="model"),
        Column("effective", "Effective number a comparator", "ratio", source="model"),
        Column("largest", "Largest weight over the mean", "ratio", source="model"),
    )
    rows = tuple(row for name, each in weighed.items() for row in _brief(name, each))
    notes = (
        f"Differences without their sign; the limit is {LIMIT}. Effective number: Kish's, over the number of comparators; not "
        "given for matching, where it is the share of comparators taken.",
        *(note for each in weighed.values() for note in each.notes()),
    )
    return Findings((), (Table("balance-schemes", SCHEMES["balance-schemes"], columns, rows, notes, group="comparison"),))


def _brief(name: str, each: Weighed) -> Iterator[tuple[Cell, ...]]:
    for way, table in each.tables().items():
        ratios = table["variance_ratio"].dropna()
        furthest = float(ratios.iloc[int(np.argmax(np.abs(np.log(ratios.to_numpy(float)))))]) if len(ratios) else None
        differences = table["smd"].abs()
        worst = (float(differences.max()), int((differences > LIMIT).sum()), furthest, float(table["ks"].max()))
        yield (name, way, *worst, *_cost(each, way))


def _cost(each: Weighed, way: str) -> tuple[float | None, float | None]:
    if way in ("Before", MATCHING):
        return None, None
    own = np.asarray(each.weights[way], dtype=np.float64)[each.people.treated == 0.0]
    return effective_sample_size(own) / len(own), float(own.max() / own.mean())


@made_from(RECORDS)
@answers(OVERLAP)
def overlap(custody: Weighed) -> Findings:
    """Give where the scores of each area's people lie, and how many people of each arm the other arm does not reach."""
    weights = custody.by(WEIGHTING)
    score = np.asarray(weights.score, dtype=np.float64)
    return Findings((), (_areas(custody.people, score, np.asarray(weights, dtype=np.float64)), _reach(custody, score)))


def _reach(custody: Weighed, score: Array) -> Counts:
    people = custody.people
    users, others = score[people.treated == 1.0], score[people.treated == 0.0]
    low, high = max(users.min(), others.min()), min(users.max(), others.max())
    frame = pd.DataFrame({"arm": np.where(people.treated == 1.0, "Users", "Comparators")})
    frame = frame.assign(**AT_RISK, outside=np.where((score < low) | (score > high), "yes", "no"))
    columns = [Line("People"), Line("Score outside the range of the other arm", {"outside": "yes"})]
    if MATCHING not in custody.gaps:
        taken = np.asarray(custody.by(MATCHING), dtype=np.float64) > 0
        frame = frame.assign(matched=np.where(taken, "yes", "no"))
        columns.append(Line("Matched", {"matched": "yes"}))
    rows = tuple(Line(arm, AT_RISK | {"arm": arm}) for arm in ARMS)
    values = tally(frame, rows, columns)
    title = OVERLAP["balance-reach"]
    return Counts("balance-reach", title, POPULATION, rows, tuple(columns), values, "of row", notes=custody.notes())


def _areas(people: Comparison, score: Array, weights: Array) -> Table:
    columns = (
        Column("group", "Arm"),
        Column("area", "Area"),
        *(Column(name, label, "ratio", source="model") for name, label in (("q1", "Lower quartile"), ("q2", "Median"))),
        Column("q3", "Upper quartile", "ratio", source="model"),
        Column("effective", "Effective number a comparator", "ratio", source="model"),
        Column("weight", "Share of all weight", "share", source="model"),
    )
    rows = [
        _area(label, str(area), score[own], weights[own], float(weights[people.treated == 0.0].sum()))
        for label, arm in ARMS.items()
        for area in np.unique(people.cluster[people.treated == arm])
        for own in [(people.cluster == area) & (people.treated == arm)]
    ]
    note = f"Areas with fewer than {FEWEST_IN_AREA} people of an arm are not shown. Users all weigh one."
    title = "Propensity scores by area, and what each area's comparators weigh"
    return Table("balance-areas", title, columns, tuple(row for row in rows if row), (note,), group="group")


def _area(label: str, area: str, score: Array, weights: Array, total: float) -> tuple[Cell, ...]:
    if len(score) < FEWEST_IN_AREA:
        return ()
    quartiles = (float(value) for value in np.quantile(score, (0.25, 0.5, 0.75)))
    if label == "Users":
        return (label, area, *quartiles, None, None)
    return (label, area, *quartiles, effective_sample_size(weights) / len(weights), float(weights.sum()) / total)
