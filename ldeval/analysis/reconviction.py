"""Reconviction: does contact with the service change time to the next proven offence?

The England rule: an offence within the follow-up, proven within the wait that follows it. Primary clock: raw days from the index
event, so that incapacitation by custody is part of the total effect; death competes (incidence) or censors (hazard, restricted
mean); users seen late enter late. ATT, weighted, clustered by area. Time at liberty, net of custody, conditions on an outcome of
the service and is a descriptive sensitivity.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from ldeval.analysis.attempts import NoAnswer, answers, require_both
from ldeval.analysis.diversion import CR2_WORDS, SMALL_SAMPLE, WORDS, first_cause
from ldeval.analysis.effects import effect, found
from ldeval.analysis.exhibits import Column, Effect, Effects, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.analysis.weighted_curves import Timed, timed_curves
from ldeval.stats.adjusted import adjusted_survival
from ldeval.stats.cox import CoxFit, cox
from ldeval.stats.estimands import Weights
from ldeval.stats.weights import propensity_weights

RECONVICTED = "reconvicted"
AT_LIBERTY = "reconviction/hazard_ratio_at_liberty/descriptive"
HAZARDS = {
    "reconviction/hazard_ratio/att": "ratio of the hazards of a proven offence",
    AT_LIBERTY: "ratio of the hazards of a proven offence, on days at liberty",
    "reconviction-hazard": "The hazard of a proven offence",
    "reconviction-proportional": "Are the hazards proportional?",
    "reconviction-ruled-out": "Which effects the result rules out",
}
SHARES = {
    "reconviction/rmst_difference/att": "difference in mean days without a proven offence",
    "reconviction/risk_users/att": "share of users with a proven offence",
    "reconviction/risk_comparators/att": "share of comparators with a proven offence",
    "reconviction/risk_difference/att": "difference in the share with a proven offence",
    "reconviction/risk_ratio/att": "ratio of the shares with a proven offence",
    "reconviction-risk": "People with a proven offence",
}
CURVES = {"reconviction-curves": "People without a proven offence over time"}
EDGES = (0, 91, 182, 365)
"""Days that part the year for hazard ratios of its own parts; the last is replaced by the follow-up."""
PERIODS = {
    "reconviction-periods": "The hazard ratio in parts of the year",
    **{f"reconviction/hazard_ratio_to_day_{stop}/att": f"hazard ratio up to day {stop}" for stop in EDGES[1:]},
}


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

    def keep(self, which: npt.NDArray[np.bool_]) -> Spell:
        """Give the part of it where `which` (n,) holds, with the weights of the whole."""
        kept = self.weights.values[which]
        weights = Weights(kept, self.weights.treated[which], self.weights.estimand, self.weights.method)
        return Spell(self.people.keep(which), self.time[which], self.state[which], self.horizon, weights)


def spells(people: Comparison, follow_up_days: int) -> Spell:
    """Give the spells, without users who had offended or died before the service saw them.

    An offence on the day of the index event counts half a day, so that it is at risk at all.
    """
    time = np.maximum(people.rows.reconviction_days.to_numpy(float), 0.5)
    kept = people.entry < time
    people, time = people.keep(kept), time[kept]
    state = people.rows.reconviction_state.to_numpy(np.int64)
    return Spell(people, time, state, float(follow_up_days), propensity_weights(people.treated, people.X))


def spells_of(records: Records) -> Spell:
    """Give the spells of the study."""
    return spells(compare(records, "reconviction"), records.study.study.follow_up_days)


@made_from(RECORDS)
@answers(HAZARDS | SHARES | CURVES | PERIODS)
def reconviction(records: Records) -> Findings:
    """Give the effect on time to reconviction and on the share reconvicted, and what proportionality says."""
    spell = spells_of(records)
    matters = records.study.outcomes["reconviction"].matters
    return curves(spell) + hazards(spell, matters) + periods(spell) + times_and_shares(spell)


def weighted_cox(spell: Spell, time: npt.NDArray[np.float64] | None = None) -> CoxFit:
    """Fit the Cox model of arm alone under the weights, clustered by area (CR2); death censors. `time` replaces the raw clock."""
    people = spell.people
    own = spell.time if time is None else time
    entry = people.entry if time is None else np.minimum(people.entry, own / 2)
    return _cox(spell, own, spell.state == 1, entry)


def _cox(spell: Spell, time: npt.NDArray[np.float64], event: npt.NDArray[np.bool_], entry: npt.NDArray[np.float64]) -> CoxFit:
    arms = (spell.people.treated == 1.0, spell.people.treated == 0.0)
    if not all(event[arm].any() for arm in arms):
        raise NoAnswer(f"nobody in one arm was {RECONVICTED}")
    X, weights, cluster = spell.people.treated[:, None], np.asarray(spell.weights), spell.people.cluster
    return cox(time, event, X, entry=entry, weights=weights, cluster=cluster, small_sample="CR2")


@made_from(RECORDS)
@answers(CURVES)
def curves(spell: Spell) -> Findings:
    """Give the weighted Kaplan-Meier curves of both arms with their numbers at risk, death censoring."""
    data = Timed(spell.people, spell.time, spell.state, np.asarray(spell.weights))
    title = "Time without a proven offence since the index event"
    return Findings((), (timed_curves("reconviction-curves", title, "without a proven offence", data, "survival"),))


@made_from(RECORDS)
@answers(HAZARDS)
def hazards(spell: Spell, matters: float) -> Findings:
    """Give the hazard ratio on the raw clock and, as a descriptive sensitivity, on time at liberty; test proportionality."""
    raw = weighted_cox(spell)
    method = f"Cox model of arm, inverse probability of treatment weights taken as known, death censoring; {CR2_WORDS}"
    key = "reconviction/hazard_ratio/att"
    estimate = effect(raw, "x0", key, unit="ratio", estimand="ATT", method=method, events=spell.events)
    rows = (Effect("Raw time (primary)", key), Effect("Time at liberty (descriptive)", AT_LIBERTY))
    shown = Effects("reconviction-hazard", "The hazard of a proven offence", "Hazard ratio", rows)
    arms = spell.people.arms(spell.state == 1)
    return found([estimate], arms, shown, _proportional(raw), ruled_out(raw, matters)) + at_liberty(spell)


@made_from(RECORDS)
@answers({AT_LIBERTY: HAZARDS[AT_LIBERTY]})
def at_liberty(spell: Spell) -> Findings:
    """Give the hazard ratio on days at liberty: a description, since it conditions on custody, an outcome of the service."""
    fit = weighted_cox(spell, np.maximum(spell.people.rows.liberty_days.to_numpy(float), 0.5))
    method = f"as the hazard ratio, on days at liberty: net of custody; {CR2_WORDS}"
    estimate = effect(fit, "x0", AT_LIBERTY, unit="ratio", estimand="descriptive", method=method, events=spell.events)
    return found([estimate], spell.people.arms(spell.state == 1))


def _proportional(fit: CoxFit) -> Table:
    test = fit.ph_test("km").tidy().iloc[0]
    rows = (("Arm", float(test["statistic"]), float(test["p_value"])),)
    columns = (
        Column("term", "Term"),
        Column("statistic", "Chi squared", "number", source="model"),
        Column("p_value", "p-value", "p", source="model"),
    )
    note = "Null hypothesis: the hazards of the arms are proportional. Model-based, as R's cox.zph: areas are not allowed for."
    return Table("reconviction-proportional", "Are the hazards proportional?", columns, rows, (note,))


def ruled_out(fit: CoxFit, matters: float) -> Table:
    """Say which hazard ratios the interval leaves out, with the one-sided p-value of an effect at least as far from one."""
    from scipy.special import stdtr

    row = fit.tidy().iloc[0]
    df = np.inf if fit.df is None else float(np.atleast_1d(fit.df)[0])
    sizes = [matters**power for power in (3, 2, 1, 0.5)]
    ratios = [*sizes, *(1 / size for size in reversed(sizes))]
    rows = []
    for ratio in ratios:
        z = (np.log(ratio) - row["estimate"]) / row["se"]
        p_value = float(stdtr(df, z) if ratio < 1 else stdtr(df, -z))
        left_out = not row["low"] <= np.log(ratio) <= row["high"]
        rows.append((ratio, p_value, "ruled out" if left_out else "compatible"))
    columns = (
        Column("ratio", "Hazard ratio", "ratio", source="model"),
        Column("p_value", "p-value of a ratio at least so far from one", "p", source="model"),
        Column("said", "The interval says"),
    )
    note = "Steps of the smallest effect that matters in study.toml: its root, itself, its square and its cube, either way."
    return Table("reconviction-ruled-out", "Which effects the result rules out", columns, tuple(rows), (note,))


@made_from(RECORDS)
@answers(PERIODS)
def periods(spell: Spell) -> Findings:
    """Give the hazard ratio within each part of the year: what one ratio averages over, if hazards are not proportional."""
    edges = (*EDGES[:-1], int(spell.horizon))
    tried = [(_period(spell, start, stop), start, stop) for start, stop in pairwise(edges)]
    rows = tuple(Effect(f"Days {start + 1} to {stop}", _period_key(stop)) for _, start, stop in tried)
    shown = Effects("reconviction-periods", "The hazard ratio in parts of the year", "Hazard ratio", rows)
    return sum((part for part, _, _ in tried), Findings((), (shown,)))


def _period_key(stop: int) -> str:
    return f"reconviction/hazard_ratio_to_day_{stop}/att"


def _period(spell: Spell, start: int, stop: int) -> Findings:
    key = _period_key(stop)

    @answers({key: f"hazard ratio from day {start + 1} to day {stop}"})
    def one() -> Findings:
        seen = spell.time > start
        part = spell.keep(seen)
        if part.people.treated.all() or not part.people.treated.any():
            raise NoAnswer("nobody in one arm was followed so far without a proven offence")
        event = (part.state == 1) & (part.time <= stop)
        fit = _cox(part, np.minimum(part.time, stop), event, np.maximum(part.people.entry, start))
        method = (
            f"as the hazard ratio, within days {start + 1} to {stop}, among those without a proven offence before; {CR2_WORDS}"
        )
        estimate = effect(fit, "x0", key, unit="ratio", estimand="ATT", method=method, events=int(event.sum()))
        return found([estimate], part.people.arms(event))

    return one()


@made_from(RECORDS)
@answers(SHARES)
def times_and_shares(spell: Spell) -> Findings:
    """Give the difference in restricted mean time, and the share with a proven offence by the horizon, death competing."""
    people = spell.people
    require_both(spell.state == 1, people.treated, RECONVICTED)
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
    shares = first_cause(people, spell.time, spell.state, spell.horizon)
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
    return found(made, people.arms(spell.state == 1), shown)
