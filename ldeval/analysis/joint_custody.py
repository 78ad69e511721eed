"""How the estimates of custody avoided and of days served vary together: one set of people gives all three."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from ldeval.analysis.attempts import answers
from ldeval.analysis.counted import NotEstimated, without_error
from ldeval.analysis.diversion import SMALL_SAMPLE
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.estimate import Estimate
from ldeval.stats.binary import aipw

Array = npt.NDArray[np.float64]

OUTCOMES = {
    "diversion": "custody",
    "custody_days": "days served within the follow-up",
    "sentence_served": "days served to release",
}


def _named(first: str, later: str) -> tuple[str, str]:
    """Give the id of a correlation, and its words."""
    one, other = OUTCOMES.get(first, first), OUTCOMES.get(later, later)
    return f"{later}/correlation/{first}", f"correlation of the estimates of {one} and {other}"


CORRELATIONS = dict(_named(*pair) for pair in combinations(OUTCOMES, 2))


@made_from(RECORDS)
@answers(CORRELATIONS)
def joint_custody(records: Records) -> Findings:
    """Give the correlation of each two of: custody avoided, days served in the follow-up, days served to release."""
    people = compare(records, "diversion")
    return correlations(people, outcomes(people, records.study.study.follow_up_days))


def outcomes(people: Comparison, follow_up_days: int) -> dict[str, Array]:
    """Give the three outcomes of each person in days; a sentence of custody counts as one follow-up's length."""
    rows = people.rows
    custody = ((rows.index_disposal == "immediate_custody") & (rows.index_disposal_days < follow_up_days)).to_numpy()
    start, stop = rows.index_disposal_days.to_numpy(float), rows.index_release_days.to_numpy(float)
    return {
        "diversion": np.where(custody, float(follow_up_days), 0.0),
        "custody_days": np.where(custody, np.minimum(stop, follow_up_days) - start, 0.0),
        "sentence_served": np.where(custody, stop - start, 0.0),
    }


@made_from(RECORDS)
def correlations(people: Comparison, values: dict[str, Array]) -> Findings:
    """Give the correlations from the variances of estimates of each outcome and of their differences.

    The estimator is linear in the outcome, so that cov(a, b) = (var(a) + var(b) - var(a - b)) / 2 holds exactly.
    """
    pairs = [(_named(first, later), first, later) for first, later in combinations(values, 2)]
    if any(np.isnan(each).any() or each.min() == each.max() for each in values.values()):
        why = "the records hold no sentence of custody with its days"
        return Findings(missing=tuple(NotEstimated(key, words, why) for (key, words), *_ in pairs))
    alone = {name: _variance(people, each) for name, each in values.items()}
    made = []
    for named, first, later in pairs:
        shared = (alone[first] + alone[later] - _variance(people, values[later] - values[first])) / 2
        made.append(_estimate(*named, shared / np.sqrt(alone[first] * alone[later]), people.n))
    return Findings(tuple(made))


def _variance(people: Comparison, values: Array) -> float:
    fit = aipw(values, people.treated, people.X, estimand="ATT", cluster=people.cluster, small_sample=SMALL_SAMPLE)
    at = fit.names.index("mean_difference")
    return float(fit.covariance[at, at])


def _estimate(key: str, words: str, value: float, n: int) -> Estimate:
    method = (
        "correlation of two estimates on the same people: augmented inverse probability weighting with linear outcome "
        "models, errors clustered by area (CR1), covariance from the variance of their difference"
    )
    bounded = float(np.clip(value, -1.0, 1.0))
    return without_error(key, words, bounded, unit="number", n=n, method=method, estimand="ATT")
