"""Reconviction: does contact with the service change time to the next proven offence?

The England rule: an offence within the follow-up, proven within the wait that follows it. Primary clock: raw days from the index
event, so that incapacitation by custody is part of the total effect; death competes (incidence) or censors (hazard, restricted
mean); users seen late enter late. ATT, weighted, clustered by area. Time at liberty, net of custody, conditions on an outcome of
the service and is a descriptive sensitivity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from ldeval.analysis.diversion import WORDS
from ldeval.analysis.effects import effect
from ldeval.analysis.findings import Column, Effect, Effects, Findings, Table, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.estimate import Estimate
from ldeval.stats.adjusted import adjusted_incidence, adjusted_survival
from ldeval.stats.counts import poisson
from ldeval.stats.cox import CoxFit, cox
from ldeval.stats.estimands import Weights
from ldeval.stats.weights import propensity_weights

SMALL_SAMPLE: Literal["CR1-t"] = "CR1-t"


@dataclass(frozen=True, slots=True)
class Spell:
    """Each person's time to the first proven offence: raw days, how it ended (1 offence, 2 death), and who is compared."""

    people: Comparison
    time: npt.NDArray[np.float64]
    state: npt.NDArray[np.int64]
    horizon: float
    weights: Weights

    @property
    def events(self) -> int:
        """People with a proven offence."""
        return int((self.state == 1).sum())


def spells(people: Comparison, follow_up_days: int) -> Spell:
    """Give the spells, without users who had offended or died before the service saw them.

    An offence on the day of the index event counts half a day, so that it is at risk at all.
    """
    time = np.maximum(people.rows.reconviction_days.to_numpy(float), 0.5)
    kept = people.entry < time
    people, time = people.keep(kept), time[kept]
    state = people.rows.reconviction_state.to_numpy(np.int64)
    return Spell(people, time, state, float(follow_up_days), propensity_weights(people.treated, people.X))


@made_from(RECORDS)
def reconviction(records: Records) -> Findings:
    """Give the effect on time to reconviction, on the share reconvicted, and on how often; and what proportionality says."""
    spell = spells(compare(records, "reconviction"), records.study.study.follow_up_days)
    return hazards(spell) + times_and_shares(spell) + frequency(spell)


def weighted_cox(spell: Spell, time: npt.NDArray[np.float64] | None = None) -> CoxFit:
    """Fit the Cox model of arm alone under the weights, clustered by area; death censors. `time` replaces the raw clock."""
    people = spell.people
    own = spell.time if time is None else time
    entry = people.entry if time is None else np.minimum(people.entry, own / 2)
    return cox(
        own,
        spell.state == 1,
        people.treated[:, None],
        entry=entry,
        weights=np.asarray(spell.weights),
        cluster=people.cluster,
        small_sample=SMALL_SAMPLE,
    )


@made_from(RECORDS)
def hazards(spell: Spell) -> Findings:
    """Give the hazard ratio on the raw clock and, as a descriptive sensitivity, on time at liberty; and test proportionality."""
    people = spell.people
    raw = weighted_cox(spell)
    liberty = weighted_cox(spell, np.maximum(people.rows.liberty_days.to_numpy(float), 0.5))
    method = f"Cox model of arm, inverse probability of treatment weights, death censoring; {WORDS}"
    made = [
        effect(raw, "x0", "reconviction/hazard_ratio/att", unit="ratio", estimand="ATT", method=method, events=spell.events),
        effect(
            liberty,
            "x0",
            "reconviction/hazard_ratio_at_liberty/descriptive",
            unit="ratio",
            estimand="descriptive",
            method=f"as the hazard ratio, on days at liberty: net of custody; {WORDS}",
            events=spell.events,
        ),
    ]
    test = raw.ph_test("km").tidy().iloc[0]
    rows = (("Arm", float(test["statistic"]), float(test["p_value"])),)
    columns = (Column("term", "Term"), Column("statistic", "Chi squared", "number"), Column("p_value", "p-value", "p"))
    note = "Null hypothesis: the hazards of the arms are proportional. Model-based, as R's cox.zph."
    shown = (
        Effects(
            "reconviction-hazard",
            "The hazard of a proven offence",
            "Hazard ratio",
            (Effect("Raw time (primary)", made[0].id), Effect("Time at liberty (descriptive)", made[1].id)),
        ),
        Table("reconviction-proportional", "Are the hazards proportional?", columns, rows, (note,)),
    )
    return Findings(tuple(made), shown)


@made_from(RECORDS)
def times_and_shares(spell: Spell) -> Findings:
    """Give the difference in restricted mean time, and the share with a proven offence by the horizon, death competing."""
    people = spell.people
    means = adjusted_survival(
        spell.time,
        spell.state == 1,
        people.treated,
        people.X,
        tau=spell.horizon - 0.5,
        estimand="ATT",
        entry=people.entry,
        cluster=people.cluster,
        small_sample=SMALL_SAMPLE,
    )
    shares = adjusted_incidence(
        spell.time,
        spell.state,
        people.treated,
        people.X,
        cause=1,
        tau=spell.horizon,
        estimand="ATT",
        entry=people.entry,
        cluster=people.cluster,
        small_sample=SMALL_SAMPLE,
    )
    time_words = f"restricted mean to {spell.horizon:.0f} days of weighted Kaplan-Meier curves, death censoring; {WORDS}"
    share_words = f"weighted Aalen-Johansen at {spell.horizon:.0f} days, death competing, by the England rule; {WORDS}"
    kinds = (
        (means, "rmst_difference", "reconviction/rmst_difference/att", "days", time_words),
        (shares, "incidence_treated", "reconviction/risk_users/att", "share", share_words),
        (shares, "incidence_control", "reconviction/risk_comparators/att", "share", share_words),
        (shares, "incidence_difference", "reconviction/risk_difference/att", "percentage points", share_words),
        (shares, "log_incidence_ratio", "reconviction/risk_ratio/att", "ratio", share_words),
    )
    made = tuple(
        effect(fit, term, key, unit=unit, estimand="ATT", method=words, events=spell.events)
        for fit, term, key, unit, words in kinds
    )
    shown = Effects(
        "reconviction-risk",
        "People with a proven offence within twelve months",
        "Share of people",
        (Effect("Users", made[1].id), Effect("Comparators, weighted to resemble users", made[2].id)),
    )
    return Findings(made, (shown,))


@made_from(RECORDS)
def frequency(spell: Spell) -> Findings:
    """Give the ratio of proven events a person, and their number a reoffender in each arm."""
    people = spell.people
    fit = poisson(
        people.rows.reoffences.to_numpy(float),
        np.column_stack([np.ones(people.n), people.treated]),
        weights=np.asarray(spell.weights),
        cluster=people.cluster,
        small_sample=SMALL_SAMPLE,
    )
    words = f"Poisson regression of proven events on arm, inverse probability of treatment weights; {WORDS}"
    ratio = effect(fit, "x1", "reoffences/rate_ratio/att", unit="ratio", estimand="ATT", method=words)
    return Findings((ratio, *(_per_reoffender(spell, arm) for arm in (1.0, 0.0))))


def _per_reoffender(spell: Spell, arm: float) -> Estimate:
    name = "users" if arm else "comparators"
    counts = spell.people.rows.reoffences.to_numpy(float)[(spell.people.treated == arm) & (spell.state == 1)]
    mean, se = float(counts.mean()), float(counts.std(ddof=1) / np.sqrt(len(counts)))
    return Estimate(
        id=f"reoffences/per_reoffender_{name}/descriptive",
        outcome="reoffences",
        measure=f"per_reoffender_{name}",
        unit="number",
        estimand="descriptive",
        value=mean,
        se=se,
        scale="identity",
        low=mean - 1.96 * se,
        high=mean + 1.96 * se,
        level=0.95,
        n=len(counts),
        events=int(counts.sum()),
        method="mean of proven events among those with any; unweighted",
    )
