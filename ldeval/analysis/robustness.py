"""Robustness: would the answer change with another comparison, window, adjustment, area or error?

The specification curve of the effect on custody, areas left out one at a time, errors of few clusters by other means, and the
p-values of the primary outcomes taken together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ldeval.analysis.attempts import NoAnswer, answers, not_estimated, require_both
from ldeval.analysis.diversion import (
    CUSTODY,
    SAME_MONTHS,
    Array,
    Race,
    incidence,
    race,
    risk_difference,
)
from ldeval.analysis.diversion_parts import difference
from ldeval.analysis.effects import effect, found
from ldeval.analysis.exhibits import Column, Effect, Effects, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, UNSEEN, USER, Comparison, Records, compare, comparison, design
from ldeval.stats.linear import linear
from ldeval.stats.resample import adjust_p
from ldeval.stats.weights import propensity_weights
from ldeval.stats.wild import wild_cluster_bootstrap

STEM = "robustness/risk_difference/"
PRIMARIES = {
    "diversion/risk_difference/att": "Immediate custody",
    "reconviction/hazard_ratio/att": "Reconviction",
    "timeliness/completed_90/att": "Cases completed in 90 days",
}
"""One family: the primary outcomes whose p-values are adjusted for each other."""

SPECIFICATIONS = {
    "robustness-specifications": "The effect on custody under other choices",
    f"{STEM}unadjusted": "risk difference, no adjustment",
    f"{STEM}historical": "risk difference, same areas, before the service",
}
AREAS = {"robustness-areas": "Leaving out one area at a time"}
ERRORS = {
    f"{STEM}cr1t": "weighted difference, CR1 errors",
    f"{STEM}cr2": "weighted difference, CR2 errors",
    "robustness-errors": "Errors with few areas",
    "robustness-wild": "Wild cluster bootstrap of no effect",
}
TOGETHER = {"robustness-multiplicity": "p-values of the primary outcomes together"}


@made_from(RECORDS)
@answers(SPECIFICATIONS | AREAS | ERRORS)
def robustness(records: Records) -> Findings:
    """Give the checks of the effect on custody by method, area and error."""
    cases = race(compare(records, "diversion"), records.study.study.follow_up_days)
    return specifications(records, cases) + without_each_area(cases) + few_clusters(cases)


@dataclass(frozen=True, slots=True)
class Specification:
    """One way to put the question: its name, what it changes, and the estimate."""

    key: str
    label: str
    group: str
    make: Callable[[str], Findings]


@made_from(RECORDS)
@answers(SPECIFICATIONS)
def specifications(records: Records, cases: Race) -> Findings:
    """Give the risk difference under other adjustment sets, windows, people, comparators and targets."""
    tried = list(_specifications(records, cases))
    rows = tuple(Effect(each.label, STEM + each.key, each.group) for each in tried)
    first = Effect("As in the report", "diversion/risk_difference/att", "Primary")
    title = "The effect on custody under other choices"
    shown = Effects("robustness-specifications", title, "Risk difference", (first, *rows))
    made = (answers({STEM + each.key: f"risk difference, {each.label.lower()}"})(each.make)(STEM + each.key) for each in tried)
    return sum(made, Findings((), (shown,)))


def _specifications(records: Records, cases: Race) -> Iterator[Specification]:
    yield Specification("unadjusted", "No adjustment", "Adjustment", lambda key: _unadjusted(key, cases))
    for name, label, stems in (
        ("no_history", "Without previous offending", ("previous_",)),
        ("no_place", "Without deprivation", ("deprivation", "area_")),
    ):
        kept = [column for column in cases.people.X.columns if not column.startswith(stems)]
        yield Specification(name, label, "Adjustment", _weighted(lambda k=kept: cases.adjusted_for(k), label))  # type: ignore[misc]
    label = "Deprivation of the area as well"
    yield Specification("area_deprivation", label, "Adjustment", _weighted(lambda: with_area(cases), label))
    for days in (91, 182):
        label = f"Custody within {days} days"
        yield Specification(f"by_day_{days}", label, "Window", _weighted(lambda d=days: replace(cases, horizon=float(d)), label))  # type: ignore[misc]
    prompt = cases.people.entry == 0
    label = "Only users seen promptly"
    yield Specification("seen_promptly", label, "People", _weighted(lambda: cases.keep(prompt), label))
    for name, label, make in (
        ("unseen", "Not seen by a live service", lambda: compare(records, "diversion", control=UNSEEN)),
        ("historical", "Same areas, before the service", lambda: historical(records)),
    ):
        yield Specification(name, label, "Comparators", _weighted(_raced(records, make), label))
    yield Specification("everyone", "Everyone, not users alone", "Target", lambda key: _for_everyone(key, cases))


def with_area(cases: Race) -> Race:
    """Adjust for the area's deprivation too: a handful of comparison areas then carries the weight, and errors do not see it."""
    people = cases.people
    X = people.X.assign(area_deprivation=design(people.rows, people.treated, ["area_deprivation"])["area_deprivation"])
    return replace(cases, people=replace(people, X=X))


def _raced(records: Records, make: Callable[[], Comparison]) -> Callable[[], Race]:
    return lambda: race(make(), records.study.study.follow_up_days)


def _weighted(make: Callable[[], Race], label: str) -> Callable[[str], Findings]:
    def estimated(key: str) -> Findings:
        cases = make()
        words = f"as the primary estimate, but: {label[:1].lower()}{label[1:]}"
        return found([risk_difference(cases, key, words)], cases.people.arms(cases.custody))

    return estimated


def _unadjusted(key: str, cases: Race) -> Findings:
    require_both(cases.custody, cases.people.treated, CUSTODY)
    fit = difference(cases.adjusted_for(["intercept"]))
    words = "difference of shares with no adjustment at all; open cases count as no custody"
    estimate = effect(
        fit, "risk_difference", key, unit="percentage points", estimand="descriptive", method=words, events=cases.events
    )
    return found([estimate], cases.people.arms(cases.custody))


def _for_everyone(key: str, cases: Race) -> Findings:
    fit = incidence(cases, estimand="ATE")
    words = f"weighted Aalen-Johansen, weights for everyone in the comparison; {SAME_MONTHS}"
    unit = "percentage points"
    estimate = effect(fit, "incidence_difference", key, unit=unit, estimand="ATE", method=words, events=cases.events)
    return found([estimate], cases.people.arms(cases.custody))


def historical(records: Records) -> Comparison:
    """Give users beside eligible people of the same areas in the earlier calendar window."""
    users = records.people[records.people.arm == USER]
    before = records.table("people_historical")
    before = before[before.area_id.isin(users.area_id)]
    if users.empty or before.empty:
        raise NoAnswer("there is nobody of the same areas in the earlier window")
    rows = pd.concat([users, before], ignore_index=True)
    treated = np.repeat([1.0, 0.0], [len(users), len(before)])
    return comparison(rows, treated, records.study.outcomes["diversion"].adjust)


@made_from(RECORDS)
@answers(AREAS)
def without_each_area(cases: Race) -> Findings:
    """Give the range of the primary effect when each area in turn is left out."""
    kept = (cases.people.cluster != area for area in np.unique(cases.people.cluster))
    values = [_difference(incidence(cases.keep(which)).tidy())["estimate"] for which in kept]
    columns = (Column("what", "What"), Column("value", "Risk difference", "percentage points", source="model"))
    rows = (("Smallest", min(values)), ("Median", float(np.median(values))), ("Largest", max(values)))
    return Findings((), (Table("robustness-areas", "Leaving out one area at a time", columns, rows),))


def _difference(tidy: pd.DataFrame) -> dict[str, float]:
    row = tidy.set_index("term").loc["incidence_difference"]
    return {name: float(row[name]) for name in ("estimate", "se")}


@made_from(RECORDS)
@answers(ERRORS)
def few_clusters(cases: Race) -> Findings:
    """Give the weighted difference with errors made for few clusters in other ways: CR2, and the wild cluster bootstrap."""
    people, custody = cases.people, cases.custody.astype(float)
    require_both(cases.custody, people.treated, CUSTODY)
    X = np.column_stack([np.ones(people.n), people.treated])
    weights = np.asarray(propensity_weights(people.treated, people.X))
    made = []
    rules: tuple[tuple[Literal["CR1-t", "CR2"], str], ...] = (
        ("CR1-t", "CR1 with Student's t"),
        ("CR2", "CR2 with Satterthwaite's degrees of freedom"),
    )
    for rule, words in rules:
        fit = linear(custody, X, weights=weights, cluster=people.cluster, small_sample=rule)
        method = f"weighted difference of shares, weights taken as known, open cases no custody; clustered by area, {words}"
        key = STEM + rule.lower().replace("-", "")
        unit = "percentage points"
        made.append(effect(fit, "x1", key, unit=unit, estimand="ATT", method=method, events=cases.events))
    rows = (Effect("CR1 with t", made[0].id), Effect("CR2", made[1].id))
    shown = Effects("robustness-errors", "Errors with few areas", "Risk difference", rows)
    return found(made, people.arms(cases.custody), shown, _wild(custody, X, weights, people))


def _wild(custody: Array, X: Array, weights: Array, people: Comparison) -> Table:
    root = np.sqrt(weights)
    kept = weights > 0
    y, columns = (custody * root)[kept], (X * root[:, None])[kept]
    test = wild_cluster_bootstrap(y, columns, term=1, cluster=people.cluster[kept], draws=999, seed=1)
    shown = (Column("draws", "Draws", "number", source="model"), Column("p_value", "p-value", "p", source="model"))
    note = "The p-value is the share of draws at least as extreme: below one over their number where none was."
    rows = ((float(test.draws), float(test.p_value)),)
    return Table("robustness-wild", "Wild cluster bootstrap of no effect", shown, rows, (note,))


@made_from(RECORDS)
def multiplicity(found: Findings) -> Findings:
    """Adjust the p-values of the primary outcomes, one family, by Holm's and by Benjamini and Hochberg's methods."""
    p_values = {e.id: e.p_value for e in found.estimates if e.id in PRIMARIES and e.p_value is not None}
    if not p_values:
        return not_estimated(TOGETHER, "no primary outcome could be estimated")
    raw = list(p_values.values())
    holm, bh = adjust_p(raw, "holm"), adjust_p(raw, "bh")
    columns = (
        Column("outcome", "Outcome"),
        Column("raw", "p-value", "p", source="model"),
        Column("holm", "Holm", "p", source="model"),
        Column("bh", "Benjamini and Hochberg", "p", source="model"),
    )
    adjusted = zip(p_values, raw, holm, bh, strict=True)
    rows = tuple((PRIMARIES[key], float(p), float(one), float(other)) for key, p, one, other in adjusted)
    return Findings((), (Table("robustness-multiplicity", "p-values of the primary outcomes together", columns, rows),))
