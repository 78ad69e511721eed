"""Diversion: does contact with the service make immediate custody for the index case less likely?

Primary: immediate custody within the follow-up among all index cases, by the weighted Aalen-Johansen estimator. No sentence
counts as none; open cases are censored; another ending, acquittal, discontinuance and death compete; users seen late enter late.
ATT, users beside eligible people of the same months in areas not yet live; errors clustered by area.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ldeval.analysis.effects import at_work, effect, odds_ratio
from ldeval.analysis.findings import Effect, Effects, Findings, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.estimate import Estimate
from ldeval.stats.adjusted import By, adjusted_incidence
from ldeval.stats.binary import aipw, standardised_risk
from ldeval.stats.fit import Contrasts
from ldeval.stats.matching import match
from ldeval.stats.weights import entropy_weights

Array = npt.NDArray[np.float64]

SMALL_SAMPLE: Literal["CR1-t"] = "CR1-t"
WORDS = "users beside people of the same months in areas not yet live; errors clustered by area (CR1, t)"
FEWEST_EVENTS = 20
"""A part of the cohort with fewer sentences of custody than this in either arm is not estimated on its own."""


@dataclass(frozen=True, slots=True)
class Race:
    """The race of each index case to immediate custody: days to its end, how it ended (1 custody), and who is compared."""

    people: Comparison
    time: Array
    state: npt.NDArray[np.int64]
    horizon: float


def race(people: Comparison, follow_up_days: int) -> Race:
    """Give the race, without users whose case had ended before the service saw them: they were never at risk as users.

    A case that ends on the day of its index event counts half a day, so that it is at risk at all.
    """
    time = np.maximum(people.rows.custody_race_days.to_numpy(float), 0.5)
    kept = people.entry < time
    state = people.rows.custody_race_state.to_numpy(np.int64)
    return Race(people.keep(kept), time[kept], state[kept], float(follow_up_days))


@made_from(RECORDS)
def diversion(records: Records) -> Findings:
    """Give the effect on immediate custody, by several methods and in parts of the cohort, and on days served."""
    people = compare(records, "diversion")
    cases = race(people, records.study.study.follow_up_days)
    return primary(cases) + methods(cases) + parts(cases) + days_served(people, records.study.study.follow_up_days)


def incidence(cases: Race, by: By = "weighting") -> Contrasts:
    """Give the incidence of custody in both arms at the horizon, weighted or standardised to the users."""
    people = cases.people
    return adjusted_incidence(
        cases.time,
        cases.state,
        people.treated,
        people.X,
        cause=1,
        tau=cases.horizon,
        estimand="ATT",
        by=by,
        entry=people.entry if by == "weighting" else None,
        cluster=people.cluster,
        small_sample="CR1-t",
    )


@made_from(RECORDS)
def primary(cases: Race) -> Findings:
    """Give the primary estimate: risks of both arms, difference, ratio, odds ratio, and people diverted."""
    fit, events = incidence(cases), int((cases.state == 1).sum())
    method = f"weighted Aalen-Johansen at {cases.horizon:.0f} days, inverse probability of treatment weights; {WORDS}"
    kinds = (
        ("incidence_treated", "diversion/risk_users/att", "share"),
        ("incidence_control", "diversion/risk_comparators/att", "share"),
        ("incidence_difference", "diversion/risk_difference/att", "percentage points"),
        ("log_incidence_ratio", "diversion/risk_ratio/att", "ratio"),
    )
    made = [effect(fit, term, key, unit=unit, estimand="ATT", method=method, events=events) for term, key, unit in kinds]
    odds = odds_ratio(fit, "incidence", "diversion/odds_ratio/att", estimand="ATT", method=method, events=events)
    diverted = at_work(made[2], "diversion/people_diverted/att", -float(cases.people.treated.sum()), "people")
    shown = Effects(
        "diversion-risk",
        "Immediate custody within twelve months of the index event",
        "Share of people",
        (Effect("Users", made[0].id), Effect("Comparators, weighted to resemble users", made[1].id)),
    )
    return Findings((*made, odds, diverted), (shown,))


@made_from(RECORDS)
def methods(cases: Race) -> Findings:
    """Give the risk difference by several methods side by side: they should agree where each one's assumptions hold."""
    people, custody = cases.people, (cases.state == 1).astype(float)
    events = int(custody.sum())
    balanced, matched = entropy_weights(people.treated, people.X), match(people.treated, people.X, caliper=0.2)
    fits = {
        "standardisation": (
            incidence(cases, "standardisation"),
            "incidence_difference",
            "Cox models of each ending, standardised",
        ),
        "doubly_robust": (
            aipw(custody, people.treated, people.X, estimand="ATT", cluster=people.cluster, small_sample=SMALL_SAMPLE),
            "risk_difference",
            "augmented inverse probability weighting; open cases count as no custody",
        ),
        "entropy_balancing": (
            _risk(people, custody, balanced),
            "risk_difference",
            "entropy balancing; open cases count as no custody",
        ),
        "matching": (
            _risk(people, custody, matched.weights),
            "risk_difference",
            "nearest neighbour on the propensity score within 0.2 standard deviations; open cases count as no custody",
        ),
    }
    made = [
        effect(
            fit,
            term,
            f"diversion/risk_difference/att/{name}",
            unit="percentage points",
            estimand="ATT",
            method=f"{words}; {WORDS}",
            events=events,
        )
        for name, (fit, term, words) in fits.items()
    ]
    labels = ("Weighting (primary)", "Standardisation", "Doubly robust", "Entropy balancing", "Matching")
    keys = ("diversion/risk_difference/att", *(estimate.id for estimate in made))
    rows = tuple(Effect(label, key) for label, key in zip(labels, keys, strict=True))
    return Findings(tuple(made), (Effects("diversion-methods", "The same effect by five methods", "Risk difference", rows),))


def _risk(people: Comparison, custody: Array, weights: Any) -> Contrasts:
    return standardised_risk(
        custody,
        people.treated,
        people.X[["intercept"]],
        estimand="ATT",
        weights=weights,
        cluster=people.cluster,
        small_sample=SMALL_SAMPLE,
    )


@made_from(RECORDS)
def parts(cases: Race) -> Findings:
    """Give the risk difference in parts of the cohort, each part weighted anew."""
    made, rows = [], []
    for group, label, key, which in _parts(cases):
        part = Race(cases.people.keep(which), cases.time[which], cases.state[which], cases.horizon)
        if min(_events(part)) < FEWEST_EVENTS or len(np.unique(part.people.cluster)) < 10:
            continue
        estimate = effect(
            incidence(part),
            "incidence_difference",
            f"diversion/risk_difference/att/{key}",
            unit="percentage points",
            estimand="ATT",
            method=f"as the primary estimate, among: {group.lower()}, {label.lower()}",
            events=sum(_events(part)),
        )
        made.append(estimate)
        rows.append(Effect(label, estimate.id, group))
    if not made:
        return Findings()
    return Findings(tuple(made), (Effects("diversion-parts", "The effect by group of people", "Risk difference", tuple(rows)),))


def _events(cases: Race) -> tuple[int, int]:
    custody, treated = cases.state == 1, cases.people.treated == 1
    return int((custody & treated).sum()), int((custody & ~treated).sum())


def _parts(cases: Race) -> Iterator[tuple[str, str, str, npt.NDArray[np.bool_]]]:
    rows = cases.people.rows
    for value, label in (("male", "Men"), ("female", "Women")):
        yield "Sex", label, value, (rows.sex == value).to_numpy(bool)
    for low, high in ((18, 25), (25, 35), (35, 50), (50, 200)):
        label = f"{low} to {high - 1}" if high < 200 else f"{low} and over"
        yield "Age", label, f"age_{low}", rows.age.between(low, high - 1).to_numpy()
    for low, high, label in ((0, 0, "None"), (1, 5, "1 to 5"), (6, 14, "6 to 14"), (15, 10_000, "15 or more")):
        yield "Previous convictions", label, f"convictions_{low}", rows.previous_convictions.between(low, high).to_numpy()
    for offence in sorted(rows.index_offence.unique()):
        label = str(offence).replace("_", " ").capitalize()
        yield "Index offence", label, str(offence), (rows.index_offence == offence).to_numpy(bool)


@made_from(RECORDS)
def days_served(people: Comparison, follow_up_days: int) -> Findings:
    """Give the difference in days: of the index sentence within the follow-up and in all, and inside for any reason."""
    rows = people.rows
    custody = ((rows.index_disposal == "immediate_custody") & (rows.index_disposal_days < follow_up_days)).to_numpy()
    start, stop = rows.index_disposal_days.to_numpy(float), rows.index_release_days.to_numpy(float)
    days = {
        "custody_days": (
            np.where(custody, np.minimum(stop, follow_up_days) - start, 0.0),
            "of the index sentence, in the follow-up",
        ),
        "sentence_served": (np.where(custody, stop - start, 0.0), "of the index sentence, to release"),
        "days_inside": (rows.custody_days.to_numpy(float), "inside for any reason, remand included, in the follow-up"),
    }
    made: list[Estimate] = []
    for name, (values, words) in days.items():
        fit = aipw(values, people.treated, people.X, estimand="ATT", cluster=people.cluster, small_sample=SMALL_SAMPLE)
        method = f"days {words}; augmented inverse probability weighting; {WORDS}"
        made.append(effect(fit, "mean_difference", f"{name}/mean_difference/att", unit="days", estimand="ATT", method=method))
    labels = ("Index sentence, within a year", "Index sentence, to release", "In custody for any reason, within a year")
    rows_shown = tuple(Effect(label, estimate.id) for label, estimate in zip(labels, made, strict=True))
    return Findings(tuple(made), (Effects("custody-days", "Days in custody", "Mean difference in days", rows_shown),))
