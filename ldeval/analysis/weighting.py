"""Do the weights make the arms alike: balance of what is adjusted for, before and after, and how many people are left."""

from __future__ import annotations

import numpy as np

from ldeval.analysis.attempts import answers
from ldeval.analysis.diversion import Array, race
from ldeval.analysis.exhibits import Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.stats.estimands import effective_sample_size
from ldeval.stats.weights import balance, propensity_weights

BALANCE = {"diversion-balance": "Balance before and after weighting", "diversion-weights": "What weighting costs"}
COLUMNS = (
    Column("covariate", "Characteristic"),
    Column("smd_before", "Before", "number", source="model"),
    Column("smd_after", "After", "number", source="model"),
    Column("ks_before", "Distance of distributions, before", "number", source="model"),
    Column("ks_after", "Distance of distributions, after", "number", source="model"),
)
LIMIT = 0.1
"""A standardised difference beyond this is customarily called an imbalance (Austin, 2009, doi:10.1002/sim.3697)."""


@made_from(RECORDS)
@answers(BALANCE)
def weighting(records: Records) -> Findings:
    """Give standardised differences of all that is adjusted for, before and after weighting, and effective sample sizes."""
    people = race(compare(records, "diversion"), records.study.study.follow_up_days).people
    weights = propensity_weights(people.treated, people.X)
    X = people.X.drop(columns="intercept")
    before, after = balance(people.treated, X), balance(people.treated, X, weights)
    rows = [
        (_words(term), float(smd), float(smd_after), *_distances(ks, ks_after, ratio))
        for term, smd, smd_after, ks, ks_after, ratio in zip(
            before.term, before.smd, after.smd, before.ks, after.ks, before.variance_ratio, strict=True
        )
    ]
    rows.sort(key=lambda row: -abs(row[1]))
    note = f"Difference of means over the standard deviation of the users; beyond {LIMIT} either way is called an imbalance."
    table = Table("diversion-balance", "Standardised differences between the arms", COLUMNS, tuple(rows), (note,), picture="love")
    return Findings((), (table, _cost(people, np.asarray(weights), after.smd.abs().max())))


def _distances(before: float, after: float, variance_ratio: float) -> tuple[float | None, float | None]:
    """Leave out the distances of what is either there or not: before weighting they are differences of crude shares."""
    return (None, None) if np.isnan(variance_ratio) else (float(before), float(after))


def _cost(people: Comparison, weights: Array, worst: float) -> Table:
    own = people.treated == 0.0
    controls = weights[own]
    size = effective_sample_size(controls)
    _, area = np.unique(people.cluster[own], return_inverse=True)
    columns = (Column("what", "What"), Column("value", "Value", "number", source="model"))
    rows = (
        ("Effective number of comparators (Kish)", size),
        ("Effective number for each comparator", size / len(controls)),
        ("Effective number of areas of comparators (Kish)", effective_sample_size(np.bincount(area, controls))),
        ("Largest weight over the mean weight", float(controls.max() / controls.mean())),
        ("Largest standardised difference after weighting", float(worst)),
    )
    return Table("diversion-weights", "What weighting costs", columns, rows)


def _words(term: str) -> str:
    name, *rest = str(term).split("_")
    return " ".join([name.capitalize(), *rest])
