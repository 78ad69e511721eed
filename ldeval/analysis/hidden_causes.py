"""Hidden causes: how strong would one have to be, and do outcomes that the service cannot have moved give one away?"""

from __future__ import annotations

import numpy as np

from ldeval.analysis.attempts import NoAnswer, answers
from ldeval.analysis.diversion import SMALL_SAMPLE, WORDS, Race, incidence, race
from ldeval.analysis.effects import effect, found
from ldeval.analysis.exhibits import Column, Effect, Effects, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.reconviction import spells_of, weighted_cox
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.estimate import Estimate
from ldeval.stats.binary import aipw
from ldeval.stats.sensitivity import e_value, negative_controls, tipping_point

CONTROLS = {
    "previous_events_year": "Arrests in the year before the index event",
    "previous_custody": "Custodial sentences before the index event",
    "custody_days_before": "Days in custody in the year before the index event",
}
"""Outcomes that lie before the index event: the service cannot have moved them."""

STRENGTH = {
    "robustness-e-values": "How strong a hidden cause would have to be",
    "robustness-tipping": "Which hidden need would explain the result away",
}
ALARM = {
    **{f"robustness/negative_control/{name}": label.lower() for name, label in CONTROLS.items()},
    "robustness-negative-controls": "Outcomes that the service cannot have moved",
    "robustness-alarm": "Do the negative controls ring?",
}
PREVALENCES = ((0.6, 0.4), (0.8, 0.4), (0.8, 0.2))
"""Shares of users and of comparators with a hidden need, from a moderate to an extreme gap."""


@made_from(RECORDS)
@answers(STRENGTH | ALARM)
def hidden_causes(records: Records) -> Findings:
    """Give E-values and tipping points of the primary effects, and the negative controls."""
    people = compare(records, "diversion")
    cases = race(people, records.study.study.follow_up_days)
    return strength(records, cases) + prior_outcomes(people)


@made_from(RECORDS)
@answers(STRENGTH)
def strength(records: Records, cases: Race) -> Findings:
    """Give how strong a hidden cause of both contact and outcome would have to be, to leave no effect."""
    row = incidence(cases).tidy().set_index("term").loc["log_incidence_ratio"]
    ratio = [float(np.exp(row[name])) for name in ("estimate", "low", "high")]
    custody = e_value(*ratio, measure="risk_ratio")
    hazard = weighted_cox(spells_of(records)).tidy().iloc[0]
    again = e_value(*(float(np.exp(hazard[name])) for name in ("estimate", "low", "high")), measure="hazard_ratio")
    columns = (
        Column("outcome", "Outcome"),
        Column("e_value", "E-value", "ratio", source="model"),
        Column("bound", "E-value of the interval", "ratio", source="model"),
    )
    rows = (("Immediate custody", custody.estimate, custody.bound), ("Reconviction", again.estimate, again.bound))
    note = (
        "The risk ratio that a cause hidden from the records would need both with contact and with the outcome, to explain the "
        "result away, or to move the near end of its interval to no effect (1 where the interval includes no effect)."
    )
    table = Table("robustness-e-values", "How strong a hidden cause would have to be", columns, rows, (note,))
    return Findings((), (table, _tipping(*ratio)))


def _tipping(value: float, low: float, high: float) -> Table:
    found_at = [
        (one, zero, tipping_point(value, low, high, prevalence_treated=one, prevalence_control=zero)) for one, zero in PREVALENCES
    ]
    columns = (
        Column("users", "Users with the need", "share", source="public"),
        Column("comparators", "Comparators with it", "share", source="public"),
        Column("ratio", "Risk ratio of custody that leaves no effect", "ratio", source="model"),
        Column("bound", "That moves the interval to no effect", "ratio", source="model"),
    )
    rows = tuple((one, zero, _finite(at.estimate), _finite(at.bound)) for one, zero, at in found_at)
    note = (
        "An assumed hidden need, commoner among users, that makes custody rarer; a dash where no strength would do. One that "
        "makes custody commoner would mean that the effect is understated."
    )
    return Table("robustness-tipping", "Which hidden need would explain the result away", columns, rows, (note,))


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


@made_from(RECORDS)
@answers(ALARM)
def prior_outcomes(people: Comparison) -> Findings:
    """Compare outcomes that lie before the index event, each without itself among the adjustments: what differs there is bias."""
    made = [_prior(people, name, label) for name, label in CONTROLS.items()]
    labels = list(CONTROLS.values())
    test = negative_controls([e.value for e in made], [e.se for e in made], names=labels)
    columns = (
        Column("statistic", "Chi squared", "number", source="model"),
        Column("df", "Degrees of freedom", "number", source="model"),
        Column("p_value", "p-value", "p", source="model"),
        Column("alarm", "Alarm"),
    )
    row = (float(test.statistic), float(test.df), float(test.p_value), "rings" if test.alarm else "is silent")
    rows = tuple(Effect(label, estimate.id) for label, estimate in zip(labels, made, strict=True))
    title = "Outcomes that the service cannot have moved"
    shown = Effects("robustness-negative-controls", title, "Mean difference of log(1 + x)", rows)
    note = "Null hypothesis: none of them differs between the arms. Takes them for independent, which they are not quite."
    alarm = Table("robustness-alarm", "Do the negative controls ring?", columns, (row,), (note,))
    return found(made, people.arms(), shown, alarm)


def _prior(people: Comparison, name: str, label: str) -> Estimate:
    values = np.log1p(people.rows[name].to_numpy(float))
    if np.isnan(values).any() or np.ptp(values) == 0:
        raise NoAnswer(f"the records do not tell {label.lower()}")
    kept = [column for column in people.X.columns if not column.startswith(name)]
    X = people.X[kept]
    fit = aipw(values, people.treated, X, estimand="ATT", cluster=people.cluster, small_sample=SMALL_SAMPLE)
    words = f"{label.lower()}, log(1 + x); augmented inverse probability weighting without it among the adjustments; {WORDS}"
    key = f"robustness/negative_control/{name}"
    return effect(fit, "mean_difference", key, unit="number", estimand="ATT", method=words)
