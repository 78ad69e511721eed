"""Repeat offending: how often, beside whether at all."""

from __future__ import annotations

import numpy as np

from ldeval.analysis.attempts import NoAnswer, answers, require_both
from ldeval.analysis.custody_days import mean
from ldeval.analysis.diversion import CR2_WORDS, Array
from ldeval.analysis.diversion_parts import Flags
from ldeval.analysis.effects import effect, found
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.reconviction import RECONVICTED, Spell, spells_of
from ldeval.analysis.records import RECORDS, Records, compare
from ldeval.analysis.weighted_curves import mean_counts
from ldeval.stats.counts import poisson
from ldeval.stats.weights import propensity_weights

RATE = {"reoffences/rate_ratio/att": "ratio of proven events a person"}
PER_REOFFENDER = {
    f"reoffences/per_reoffender_{arm}/descriptive": f"proven offences a reoffender, {arm}" for arm in ("users", "comparators")
}
ARRESTS = {"arrests-mean-count": "Arrests a person over time"}


@made_from(RECORDS)
@answers(RATE | PER_REOFFENDER | ARRESTS)
def reoffending(records: Records) -> Findings:
    """Give the ratio of proven events a person, their number a reoffender in each arm, and arrests over time."""
    spell = spells_of(records)
    return rate(spell) + per_reoffender(spell) + arrests(records)


@made_from(RECORDS)
@answers(RATE)
def rate(spell: Spell) -> Findings:
    """Give the ratio of proven events a person in the follow-up."""
    people = spell.people
    counts = people.rows.reoffence_events.to_numpy(float)
    if not all(counts[people.treated == arm].any() for arm in (1.0, 0.0)):
        raise NoAnswer(f"nobody in one arm was {RECONVICTED}")
    X = np.column_stack([np.ones(people.n), people.treated])
    fit = poisson(counts, X, weights=np.asarray(spell.weights), cluster=people.cluster, small_sample="CR2")
    words = f"Poisson regression of proven events on arm, inverse probability of treatment weights taken as known; {CR2_WORDS}"
    ratio = effect(fit, "x1", "reoffences/rate_ratio/att", unit="ratio", estimand="ATT", method=words)
    return found([ratio], people.arms(counts > 0, counts))


@made_from(RECORDS)
@answers(PER_REOFFENDER)
def per_reoffender(spell: Spell) -> Findings:
    """Give the mean number of proven offences of those with any, in each arm; not adjusted."""
    reoffended = spell.state == 1
    require_both(reoffended, spell.people.treated, RECONVICTED)
    counts = spell.people.rows.reoffences.to_numpy(float)
    own = [_own(counts, reoffended, spell.people.treated == arm) for arm in (1.0, 0.0)]
    words = "mean of proven offences among those with any; unweighted"
    made = [mean(values, key, "number", words) for values, key in zip(own, PER_REOFFENDER, strict=True)]
    arms = spell.people.arms(reoffended, counts)
    return Findings(tuple(made), arms={estimate.id: (arm,) for estimate, arm in zip(made, arms, strict=True)})


def _own(counts: Array, reoffended: Flags, arm: Flags) -> Array:
    values = counts[reoffended & arm]
    if len(values) < 2:
        raise NoAnswer(f"fewer than two people of an arm were {RECONVICTED}")
    return values


@made_from(RECORDS)
@answers(ARRESTS)
def arrests(records: Records) -> Findings:
    """Give the weighted mean of arrests so far in each arm, by month since the index event."""
    people = compare(records, "reconviction")
    panel = records.table("panel_study")
    after = panel[panel.month >= 0].pivot(index="study_id", columns="month", values="arrests")
    counts = after.reindex(people.rows.study_id).to_numpy(float)
    if np.isnan(counts).any():
        raise NoAnswer("the records do not hold everybody's arrests by month")
    weights = np.asarray(propensity_weights(people.treated, people.X))
    title = "Arrests a person since the index event"
    return Findings((), (mean_counts("arrests-mean-count", title, "arrests a person", people, counts, weights),))
