"""Robustness: would the answer change with another method, another comparison, another set of links, or a hidden cause?

Specification curve, comparison rules, negative controls, E-values, leave-one-area-out, link sets pooled by Rubin's rules, the
errors of few clusters by other means, and multiplicity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ldeval.analysis.diversion import SMALL_SAMPLE, Race, incidence, race
from ldeval.analysis.effects import effect
from ldeval.analysis.findings import Column, Effect, Effects, Findings, Table, made_from
from ldeval.analysis.records import RECORDS, UNSEEN, Comparison, Records, compare, open_records
from ldeval.estimate import Estimate
from ldeval.stats.binary import aipw
from ldeval.stats.linear import linear
from ldeval.stats.resample import adjust_p, pool
from ldeval.stats.sensitivity import e_value, negative_controls
from ldeval.stats.weights import propensity_weights
from ldeval.stats.wild import wild_cluster_bootstrap
from ldeval.study import Study

LINK_SETS = (1, 2, 3, 4, 5)
CONTROLS = {
    "previous_events_year": "Arrests in the year before the index event",
    "previous_custody": "Custodial sentences before the index event",
    "custody_days_before": "Days in custody in the year before the index event",
}
"""Outcomes that lie before the index event: the service cannot have moved them."""


@made_from(RECORDS)
def robustness(records: Records, root: Path) -> Findings:
    """Give every check of the primary effect on custody."""
    people = compare(records, "diversion")
    cases = race(people, records.study.study.follow_up_days)
    return (
        specifications(records, cases)
        + hidden_causes(cases)
        + prior_outcomes(records)
        + without_each_area(cases)
        + few_clusters(cases)
        + other_links(root, records.study)
    )


@dataclass(frozen=True, slots=True)
class Specification:
    """One way to put the question: its name, what it changes, and the estimate."""

    key: str
    label: str
    group: str
    make: Callable[[], Estimate]


@made_from(RECORDS)
def specifications(records: Records, cases: Race) -> Findings:
    """Give the risk difference under other adjustment sets, comparators, windows and rules."""
    made = [(each, each.make()) for each in _specifications(records, cases)]
    rows = tuple(Effect(each.label, estimate.id, each.group) for each, estimate in made)
    shown = Effects("robustness-specifications", "The effect on custody under other choices", "Risk difference", rows)
    return Findings(tuple(estimate for _, estimate in made), (shown,))


def _specifications(records: Records, cases: Race) -> Iterator[Specification]:
    people, days = cases.people, records.study.study.follow_up_days
    adjust = records.study.outcomes["diversion"].adjust

    def of(key: str, words: str, made: Race) -> Estimate:
        name = f"robustness/risk_difference/{key}"
        return effect(incidence(made), "incidence_difference", name, unit="percentage points", estimand="ATT", method=words)

    def unadjusted() -> Estimate:
        bare = Comparison(people.rows, people.treated, people.X[["intercept"]], people.cluster, people.entry)
        crude = aipw(
            (cases.state == 1).astype(float),
            bare.treated,
            bare.X,
            estimand="ATT",
            cluster=bare.cluster,
            small_sample=SMALL_SAMPLE,
        )
        name = "robustness/risk_difference/unadjusted"
        return effect(crude, "risk_difference", name, unit="percentage points", estimand="ATT", method="no adjustment at all")

    def without(*names: str) -> Race:
        kept = [c for c in people.X.columns if not any(c.startswith(name) for name in names)]
        return Race(
            Comparison(people.rows, people.treated, people.X[kept], people.cluster, people.entry),
            cases.time,
            cases.state,
            cases.horizon,
        )

    yield Specification("unadjusted", "No adjustment", "Adjustment", unadjusted)
    sets = (
        ("no_history", "Without previous offending", ("previous_",)),
        ("no_place", "Without deprivation", ("deprivation", "area_")),
    )
    for key, label, names in sets:
        if any(name.startswith(names) for name in adjust):
            yield Specification(key, label, "Adjustment", lambda k=key, n=names, w=label: of(k, w.lower(), without(*n)))  # type: ignore[misc]
    prompt = people.entry == 0
    yield Specification(
        "seen_promptly",
        "Only users seen within a week",
        "People",
        lambda: of(
            "seen_promptly",
            "users seen within a week",
            Race(people.keep(prompt), cases.time[prompt], cases.state[prompt], cases.horizon),
        ),
    )
    if (records.people.arm == UNSEEN).any():
        yield Specification(
            "unseen",
            "Beside people whom a live service did not see",
            "Comparison",
            lambda: of(
                "unseen", "comparators of the same areas, not seen", race(compare(records, "diversion", control=UNSEEN), days)
            ),
        )


@made_from(RECORDS)
def hidden_causes(cases: Race) -> Findings:
    """Give the E-value of the risk ratio: how strong a hidden cause of both contact and custody would have to be."""
    row = incidence(cases).tidy().set_index("term").loc["log_incidence_ratio"]
    ratio = np.exp([row["estimate"], row["low"], row["high"]])
    found = e_value(*map(float, ratio), measure="risk_ratio")
    columns = (Column("what", "What"), Column("e_value", "E-value", "ratio", source="model"))
    rows = (("The estimate", found.estimate), ("The end of its interval nearer to no effect", found.bound))
    note = "The risk ratio that a cause hidden from both records would need with contact and with custody, to explain the result away."
    return Findings((), (Table("robustness-e-values", "How strong a hidden cause would have to be", columns, rows, (note,)),))


@made_from(RECORDS)
def prior_outcomes(records: Records) -> Findings:
    """Compare outcomes that lie before the index event, each adjusted for the others: what differs there is bias."""
    adjust = records.study.outcomes["diversion"].adjust
    found, names = [], []
    for name, label in CONTROLS.items():
        people = compare(records, "diversion")
        kept = [c for c in people.X.columns if not c.startswith(name)]
        fit = aipw(
            np.log1p(people.rows[name].to_numpy(float)),
            people.treated,
            people.X[kept],
            estimand="ATT",
            cluster=people.cluster,
            small_sample=SMALL_SAMPLE,
        )
        words = f"{label.lower()}, log(1 + x); augmented inverse probability weighting without it among the adjustments"
        key = f"robustness/negative_control/{name}"
        found.append(effect(fit, "mean_difference", key, unit="number", estimand="ATT", method=words))
        names.append(label)
    assert adjust
    test = negative_controls([e.value for e in found], [e.se for e in found], names=names)
    columns = (
        Column("statistic", "Chi squared", "number", source="model"),
        Column("df", "Degrees of freedom", "number", source="model"),
        Column("p_value", "p-value", "p", source="model"),
        Column("alarm", "Alarm"),
    )
    row = (float(test.statistic), float(test.df), float(test.p_value), "rings" if test.alarm else "is silent")
    rows = tuple(Effect(label, estimate.id) for label, estimate in zip(names, found, strict=True))
    return Findings(
        tuple(found),
        (
            Effects(
                "robustness-negative-controls",
                "Outcomes that the service cannot have moved",
                "Mean difference of log(1 + x)",
                rows,
            ),
            Table("robustness-alarm", "Do the negative controls ring?", columns, (row,)),
        ),
    )


@made_from(RECORDS)
def without_each_area(cases: Race) -> Findings:
    """Give the range of the primary effect when each area in turn is left out."""
    values = []
    for area in np.unique(cases.people.cluster):
        kept = cases.people.cluster != area
        part = Race(cases.people.keep(kept), cases.time[kept], cases.state[kept], cases.horizon)
        values.append(float(incidence(part).tidy().set_index("term").loc["incidence_difference", "estimate"]))
    columns = (Column("what", "What"), Column("value", "Risk difference", "percentage points", source="model"))
    rows = (("Smallest", min(values)), ("Median", float(np.median(values))), ("Largest", max(values)))
    return Findings((), (Table("robustness-areas", "Leaving out one area at a time", columns, rows),))


@made_from(RECORDS)
def few_clusters(cases: Race) -> Findings:
    """Give the weighted difference with errors made for few clusters in other ways: CR2, and the wild cluster bootstrap."""
    people, custody = cases.people, (cases.state == 1).astype(float)
    X = np.column_stack([np.ones(people.n), people.treated])
    weights = np.asarray(propensity_weights(people.treated, people.X))
    made = [
        effect(
            linear(custody, X, weights=weights, cluster=people.cluster, small_sample=rule),
            "x1",
            f"robustness/risk_difference/{key}",
            unit="percentage points",
            estimand="ATT",
            method=f"weighted difference of shares; errors clustered by area, {words}",
        )
        for rule, key, words in (
            (SMALL_SAMPLE, "cr1t", "CR1 with Student's t"),
            ("CR2", "cr2", "CR2 with Satterthwaite's degrees of freedom"),
        )
    ]
    root = np.sqrt(weights)
    wild = wild_cluster_bootstrap(custody * root, X * root[:, None], term=1, cluster=people.cluster, draws=999, seed=1)
    columns = (Column("draws", "Draws", "number", source="model"), Column("p_value", "p-value", "p", source="model"))
    table = Table("robustness-wild", "Wild cluster bootstrap of no effect", columns, ((999.0, float(wild.p_value)),))
    rows = (Effect("CR1 with t (as in the report)", made[0].id), Effect("CR2", made[1].id))
    return Findings(tuple(made), (Effects("robustness-errors", "Errors with few areas", "Risk difference", rows), table))


@made_from(RECORDS)
def other_links(root: Path, study: Study) -> Findings:
    """Pool the primary effect over five sets of links drawn by their probability, by Rubin's rules."""
    fits = []
    for link_set in LINK_SETS:
        records = open_records(root, study, link_set=link_set)
        fits.append(incidence(race(compare(records, "diversion"), study.study.follow_up_days)).tidy().set_index("term"))
    rows = [fit.loc["incidence_difference"] for fit in fits]
    pooled = pool([float(r["estimate"]) for r in rows], [float(r["se"]) for r in rows])
    table = pooled.tidy().iloc[0]
    estimate = Estimate(
        id="robustness/risk_difference/link_sets",
        outcome="robustness",
        measure="risk_difference",
        unit="percentage points",
        estimand="ATT",
        value=float(table["estimate"]),
        se=float(table["se"]),
        scale="identity",
        low=float(table["low"]),
        high=float(table["high"]),
        level=0.95,
        n=len(records.people),
        events=None,
        method="as the primary effect, over five sets of links drawn by probability, pooled by Rubin's rules",
        p_value=float(table["p_value"]),
    )
    return Findings((estimate,))


@made_from(RECORDS)
def multiplicity(p_values: Mapping[str, float]) -> Findings:
    """Adjust the p-values of the primary outcomes, one family, by Holm's and by Benjamini and Hochberg's methods."""
    names = list(p_values)
    raw = [p_values[name] for name in names]
    adjusted = pd.DataFrame({"raw": raw, "holm": adjust_p(raw, "holm"), "bh": adjust_p(raw, "bh")}, index=names)
    columns = (
        Column("outcome", "Outcome"),
        Column("raw", "p-value", "p", source="model"),
        Column("holm", "Holm", "p", source="model"),
        Column("bh", "Benjamini and Hochberg", "p", source="model"),
    )
    rows = tuple((name, *map(float, adjusted.loc[name])) for name in names)
    return Findings((), (Table("robustness-multiplicity", "p-values of the primary outcomes together", columns, rows),))
