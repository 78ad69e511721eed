"""Diversion: does contact with the service make immediate custody for the index case less likely?

Primary: immediate custody within the follow-up among all index cases, by the weighted Aalen-Johansen estimator. No sentence
counts as none; open cases are censored; another ending, acquittal, discontinuance and death compete; users seen late enter late.
ATT, users beside eligible people of the same months in areas not yet live; errors clustered by area. Secondary: all eligible
index events of live areas, seen or not (intention to treat), and custody among those sentenced.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from ldeval.analysis.attempts import answers, require_both
from ldeval.analysis.counted import Counts, Line, tally
from ldeval.analysis.effects import at_work, effect, found, in_fives, odds_ratio
from ldeval.analysis.exhibits import Curves, Effect, Effects
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, UNSEEN, USER, Comparison, Records, compare
from ldeval.analysis.weighted_curves import Timed, timed_curves
from ldeval.estimate import Estimate
from ldeval.stats.adjusted import By, adjusted_incidence
from ldeval.stats.estimands import Estimand
from ldeval.stats.fit import Contrasts
from ldeval.stats.linear import linear
from ldeval.stats.weights import propensity_weights
from ldeval.words import capital

Array = npt.NDArray[np.float64]

SMALL_SAMPLE: Literal["CR1-t"] = "CR1-t"
"""The correction for few areas that adjusted risks and the doubly robust estimator have; where a method has CR2, it is used."""

SAME_MONTHS = "users beside people of the same months in areas not yet live"
WORDS = f"{SAME_MONTHS}; errors clustered by area (CR1, t)"
CR2_WORDS = f"{SAME_MONTHS}; errors clustered by area (CR2)"
CUSTODY = "sentenced to immediate custody for the index case"

PRIMARY = {
    "diversion/risk_users/att": "risk of custody of users",
    "diversion/risk_comparators/att": "risk of custody of comparators",
    "diversion/risk_difference/att": "difference in the risk of custody",
    "diversion/risk_ratio/att": "ratio of the risks of custody",
    "diversion/odds_ratio/att": "ratio of the odds of custody",
    "diversion/people_diverted/att": "people diverted from custody",
    "diversion-risk": "Immediate custody within the follow-up",
    "diversion-curves": "Custody over time",
}
ITT = {"diversion/risk_difference/itt": "difference in the risk of custody, all eligible people of live areas"}
SENTENCED = {"custody_given_sentence/risk_difference/att": "difference in custody among those sentenced"}
ENDINGS = {"diversion-disposals": "How index cases ended"}

SENTENCES = ("immediate_custody", "suspended_sentence", "community_order", "fine", "discharge")
OTHERS = ("caution", "no_further_action", "discontinued", "acquitted")
OPEN = "open"
PEOPLE = "people of the comparison"


@dataclass(frozen=True, slots=True)
class Race:
    """The race of each index case to immediate custody: days to its end, how it ended (1 custody), and who is compared."""

    people: Comparison
    time: Array
    state: npt.NDArray[np.int64]
    horizon: float

    @property
    def custody(self) -> npt.NDArray[np.bool_]:
        """Who was sentenced to immediate custody within the follow-up."""
        return np.asarray(self.state == 1)

    @property
    def events(self) -> int:
        """How many were."""
        return int(self.custody.sum())

    def keep(self, which: npt.NDArray[np.bool_]) -> Race:
        """Give the part of it where `which` (n,) holds."""
        return Race(self.people.keep(which), self.time[which], self.state[which], self.horizon)

    def adjusted_for(self, columns: list[str]) -> Race:
        """Give it with part of the design."""
        return replace(self, people=replace(self.people, X=self.people.X[columns]))


def race(people: Comparison, follow_up_days: int) -> Race:
    """Give the race, without users whose case had ended before the service saw them: they were never at risk as users.

    A case that ends on the day of its index event counts half a day, so that it is at risk at all.
    """
    time = np.maximum(people.rows.custody_race_days.to_numpy(float), 0.5)
    state = people.rows.custody_race_state.to_numpy(np.int64)
    return Race(people, time, state, float(follow_up_days)).keep(people.entry < time)


@made_from(RECORDS)
@answers(PRIMARY | ITT | SENTENCED | ENDINGS)
def diversion(records: Records) -> Findings:
    """Give the effect on immediate custody: on users, on all eligible people, among those sentenced; and how cases ended."""
    people = compare(records, "diversion")
    days = records.study.study.follow_up_days
    cases = race(people, days)
    return primary(cases) + intention_to_treat(records) + given_sentence(cases) + endings(people, days)


def incidence(cases: Race, by: By = "weighting", estimand: Estimand = "ATT") -> Contrasts:
    """Give the incidence of custody in both arms at the horizon, weighted or standardised to those of the estimand."""
    require_both(cases.custody, cases.people.treated, CUSTODY)
    return first_cause(cases.people, to_horizon(cases), cases.state, cases.horizon, by=by, estimand=estimand)


def first_cause(
    people: Comparison, time: Array, state: npt.NDArray[np.int64], tau: float, *, by: By = "weighting", estimand: Estimand = "ATT"
) -> Contrasts:
    """Give the incidence of the first cause in both arms at `tau`, the others competing."""
    return adjusted_incidence(
        time,
        state,
        people.treated,
        people.X,
        cause=1,
        tau=tau,
        estimand=estimand,
        by=by,
        entry=people.entry,
        cluster=people.cluster,
        small_sample=SMALL_SAMPLE,
    )


def to_horizon(cases: Race) -> Array:
    """Give the times, where every case of an arm has ended early with the last of them at the horizon.

    The last case to end is alone at risk, so that counting its end at the horizon moves no incidence there; estimators
    that require follow-up to the horizon then see that the arm has been followed to its end.
    """
    time = cases.time.copy()
    for arm in (1.0, 0.0):
        own = np.flatnonzero(cases.people.treated == arm)
        last = own[np.argmax(time[own])]
        if time[last] < cases.horizon and cases.state[last] > 0:
            time[last] = cases.horizon
    return time


def risk_difference(cases: Race, key: str, words: str, *, estimand: str = "ATT") -> Estimate:
    """Give the weighted difference in the risk of custody under an id of its own."""
    fit = incidence(cases)
    unit = "percentage points"
    return effect(fit, "incidence_difference", key, unit=unit, estimand=estimand, method=words, events=cases.events)


@made_from(RECORDS)
@answers(PRIMARY)
def primary(cases: Race) -> Findings:
    """Give the primary estimate: risks of both arms, difference, ratio, odds ratio, people diverted, and the curves."""
    fit = incidence(cases)
    method = f"weighted Aalen-Johansen at {cases.horizon:.0f} days, inverse probability of treatment weights; {WORDS}"
    kinds = (
        ("incidence_treated", "diversion/risk_users/att", "share"),
        ("incidence_control", "diversion/risk_comparators/att", "share"),
        ("incidence_difference", "diversion/risk_difference/att", "percentage points"),
        ("log_incidence_ratio", "diversion/risk_ratio/att", "ratio"),
    )
    made = [effect(fit, term, key, unit=unit, estimand="ATT", method=method, events=cases.events) for term, key, unit in kinds]
    odds = odds_ratio(fit, "incidence", "diversion/odds_ratio/att", estimand="ATT", method=method, events=cases.events)
    diverted = at_work(made[2], "diversion/people_diverted/att", -in_fives(cases.people.treated.sum()), "people")
    shown = Effects(
        "diversion-risk",
        "Immediate custody within twelve months of the index event",
        "Share of people",
        (Effect("Users", made[0].id), Effect("Comparators, weighted to resemble users", made[1].id)),
    )
    return found((*made, odds, diverted), cases.people.arms(cases.custody), shown, _curves(cases))


def _curves(cases: Race) -> Curves:
    weights = np.asarray(propensity_weights(cases.people.treated, cases.people.X))
    data = Timed(cases.people, cases.time, cases.state, weights)
    title = "Immediate custody for the index case, by days since the index event"
    return timed_curves("diversion-curves", title, "sentenced to immediate custody", data, "incidence")


@made_from(RECORDS)
@answers(ITT)
def intention_to_treat(records: Records) -> Findings:
    """Give the effect over all eligible index events of live areas, seen or not: what is diluted by those whom it missed."""
    people = compare(records, "diversion", users=(USER, UNSEEN))
    everyone = replace(people, entry=np.zeros(people.n))
    cases = race(everyone, records.study.study.follow_up_days)
    words = (
        f"weighted Aalen-Johansen at {cases.horizon:.0f} days; all eligible people of live areas, seen or not, beside those of "
        "the same months in areas not yet live; at risk from the index event; errors clustered by area (CR1, t)"
    )
    estimate = risk_difference(cases, "diversion/risk_difference/itt", words, estimand="ITT")
    return found([estimate], cases.people.arms(cases.custody))


@made_from(RECORDS)
@answers(SENTENCED)
def given_sentence(cases: Race) -> Findings:
    """Give the difference in custody among those sentenced. It conditions on a sentence, which comes after contact."""
    sentenced = np.isin(cases.state, (1, 2))
    people, weights = cases.people, np.asarray(propensity_weights(cases.people.treated, cases.people.X))[sentenced]
    custody, treated, cluster = cases.custody[sentenced], people.treated[sentenced], people.cluster[sentenced]
    require_both(custody, treated, "sentenced to custody among those sentenced")
    X = np.column_stack([np.ones(len(treated)), treated])
    fit = linear(custody.astype(float), X, weights=weights, cluster=cluster, small_sample="CR2")
    method = (
        "weighted difference of the share with custody among those sentenced, weights of the whole comparison; "
        f"conditions on something that comes after contact; {CR2_WORDS}"
    )
    key = "custody_given_sentence/risk_difference/att"
    estimate = effect(fit, "x1", key, unit="percentage points", estimand="ATT", method=method, events=int(custody.sum()))
    return found([estimate], people.keep(sentenced).arms(custody))


@made_from(RECORDS)
@answers(ENDINGS)
def endings(people: Comparison, follow_up_days: int) -> Findings:
    """Count how index cases had ended by the end of follow-up, by arm."""
    arm = np.where(people.treated == 1.0, "Users", "Comparators")
    frame = endings_of(people.rows, follow_up_days).assign(arm=arm)
    lines, columns = lines_of_endings(), arm_lines("Users", "Comparators")
    note = "Unweighted: the arms differ in what they are charged with and in history, so a difference here is no effect."
    title = "How index cases had ended twelve months after the index event"
    counts = tally(frame, lines, columns)
    return Findings((), (Counts("diversion-disposals", title, PEOPLE, lines, columns, counts, "of column", "cases", (note,)),))


def endings_of(rows: pd.DataFrame, follow_up_days: int) -> pd.DataFrame:
    """Give each person's `disposal` in the follow-up, or that the case was open."""
    ended = rows.index_disposal.where(rows.index_disposal_days < follow_up_days, OPEN).fillna(OPEN)
    return rows[[]].assign(disposal=ended.astype(str))


def lines_of_endings() -> tuple[Line, ...]:
    """Give a line for all index cases, and one for each way in which they end."""
    named = [(name, "Sentence") for name in SENTENCES] + [(name, "No sentence") for name in (*OTHERS, OPEN)]
    return (Line("All index cases"), *(Line(_words(name), {"disposal": name}, group) for name, group in named))


def arm_lines(*labels: str) -> tuple[Line, ...]:
    """Give a line for each group of people."""
    return tuple(Line(label, {"arm": label}) for label in labels)


def _words(name: str) -> str:
    return "Still open" if name == OPEN else capital(name)
