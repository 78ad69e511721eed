"""Days in custody: does diversion show in days served, and through which part, how many or how long?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ldeval.analysis.attempts import NoAnswer, answers
from ldeval.analysis.diversion import SMALL_SAMPLE, WORDS, Array
from ldeval.analysis.effects import effect, found
from ldeval.analysis.exhibits import Effect, Effects
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.estimate import Estimate
from ldeval.stats.binary import aipw

KINDS = {
    "custody_days": ("Index sentence, within a year", "of the index sentence, in the follow-up"),
    "sentence_served": ("Index sentence, to release", "of the index sentence, to release"),
    "days_inside": ("In custody for any reason, within a year", "inside for any reason, remand included, in the follow-up"),
}
DAYS = {
    **{f"{name}/mean_difference/att": f"difference in days, {label.lower()}" for name, (label, _) in KINDS.items()},
    "custody-days": "Days in custody",
}
PER_SENTENCE = {
    f"custody_days/per_sentence_{arm}/descriptive": f"days served a sentence in the follow-up, {arm}"
    for arm in ("users", "comparators")
}


@made_from(RECORDS)
@answers(DAYS | PER_SENTENCE)
def custody_days(records: Records) -> Findings:
    """Give the difference in days served, over everyone, and the days of those who were sentenced to custody."""
    people = compare(records, "diversion")
    days = records.study.study.follow_up_days
    return differences(people, days) + per_sentence(people, days)


@made_from(RECORDS)
@answers(DAYS)
def differences(people: Comparison, follow_up_days: int) -> Findings:
    """Give the difference in mean days over everyone, those without custody at nought: of the sentence, and in all."""
    tried = [_difference(people, name, values(people, follow_up_days)) for name, values in VALUES.items()]
    rows = tuple(Effect(label, f"{name}/mean_difference/att") for name, (label, _) in KINDS.items())
    return sum(tried, Findings((), (Effects("custody-days", "Days in custody", "Mean difference in days", rows),)))


def _difference(people: Comparison, name: str, values: Array) -> Findings:
    key = f"{name}/mean_difference/att"

    @answers({key: DAYS[key]})
    def one() -> Findings:
        if np.isnan(values).any() or not values.any():
            raise NoAnswer("the records hold no such days")
        fit = aipw(values, people.treated, people.X, estimand="ATT", cluster=people.cluster, small_sample=SMALL_SAMPLE)
        method = f"days {KINDS[name][1]}; augmented inverse probability weighting; {WORDS}"
        estimate = effect(fit, "mean_difference", key, unit="days", estimand="ATT", method=method)
        return found([estimate], people.arms(values > 0, values))

    return one()


def _within(people: Comparison, follow_up_days: int) -> Array:
    start, stop = _sentence(people)
    return np.where(_sentenced(people, follow_up_days), np.minimum(stop, follow_up_days) - start, 0.0)


def _served(people: Comparison, follow_up_days: int) -> Array:
    start, stop = _sentence(people)
    return np.where(_sentenced(people, follow_up_days), stop - start, 0.0)


def _inside(people: Comparison, follow_up_days: int) -> Array:
    return np.asarray(people.rows.custody_days, dtype=np.float64)


VALUES: dict[str, Callable[[Comparison, int], Array]] = {
    "custody_days": _within,
    "sentence_served": _served,
    "days_inside": _inside,
}


def _sentence(people: Comparison) -> tuple[Array, Array]:
    return people.rows.index_disposal_days.to_numpy(float), people.rows.index_release_days.to_numpy(float)


def _sentenced(people: Comparison, follow_up_days: int) -> npt.NDArray[np.bool_]:
    rows = people.rows
    return np.asarray((rows.index_disposal == "immediate_custody") & (rows.index_disposal_days < follow_up_days))


@made_from(RECORDS)
@answers(PER_SENTENCE)
def per_sentence(people: Comparison, follow_up_days: int) -> Findings:
    """Give the mean days served in the follow-up of those sentenced to custody, in each arm: the second part."""
    days, custody = _within(people, follow_up_days), _sentenced(people, follow_up_days)
    arms = people.arms(custody, days)
    each = [(days[custody & (people.treated == arm)], key) for arm, key in zip((1.0, 0.0), PER_SENTENCE, strict=True)]
    if min(len(own) for own, _ in each) < 2:
        raise NoAnswer("fewer than two people of an arm were sentenced to custody")
    made = [
        mean(own, key, "days", "mean of days served in the follow-up among those sentenced to custody; unweighted")
        for own, key in each
    ]
    return Findings(tuple(made), arms={estimate.id: (arm,) for estimate, arm in zip(made, arms, strict=True)})


def mean(values: Array, key: str, unit: str, method: str) -> Estimate:
    """Give a plain mean with its normal interval."""
    outcome, measure, estimand = key.split("/")
    centre, se = float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    return Estimate(
        id=key,
        outcome=outcome,
        measure=measure,
        unit=unit,
        estimand=estimand,
        value=centre,
        se=se,
        scale="identity",
        low=centre - 1.959964 * se,
        high=centre + 1.959964 * se,
        level=0.95,
        n=len(values),
        events=None,
        method=method,
    )
