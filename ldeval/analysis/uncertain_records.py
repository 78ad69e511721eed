"""What the records leave uncertain: which of them are one person's, and what they do not say of a person.

The two primary effects on people are estimated anew on each of several sets of links drawn by their probability, on each of
several draws of the missing covariates, and on both at once; Rubin's rules pool them. The main analysis takes the best links, and
missing values as a category of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from ldeval.analysis.attempts import NoAnswer, answers
from ldeval.analysis.diversion import incidence, race
from ldeval.analysis.effects import effect, found
from ldeval.analysis.exhibits import Effect, Effects
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.reconviction import spells, weighted_cox
from ldeval.analysis.records import RECORDS, Comparison, Records, compare, comparison, design, open_records
from ldeval.estimate import Estimate
from ldeval.stats.imputation import impute
from ldeval.stats.resample import Pooled, pool
from ldeval.words import capital

LINK_SETS = (1, 2, 3, 4, 5)
IMPUTATIONS = 5
SWEEPS = 3
"""Passes over the columns: few people miss several values."""
SEED = 1

KINDS = {
    "link_sets": "five sets of links drawn by probability",
    "imputed": "five draws of missing covariates",
    "imputed_link_sets": "five sets of links, missing covariates drawn in each",
}
MEASURES = {
    "risk_difference": ("diversion/risk_difference/att", "difference in the risk of custody", "percentage points"),
    "hazard_ratio": ("reconviction/hazard_ratio/att", "hazard ratio of reconviction", "ratio"),
}
SHOWN = {"robustness-links-custody": "risk_difference", "robustness-links-reconviction": "hazard_ratio"}


def ids(kind: str) -> dict[str, str]:
    """Give the results of a kind of uncertainty, with their words."""
    return {f"robustness/{measure}/{kind}": f"{words} over {KINDS[kind]}" for measure, (_, words, _) in MEASURES.items()}


@made_from(RECORDS)
def uncertain_records(records: Records) -> Findings:
    """Give the primary effects pooled over link sets, over draws of missing covariates, and over both."""
    pooled = answers(ids("link_sets") | ids("imputed_link_sets"))(link_sets)(records) + answers(ids("imputed"))(imputed)(records)
    return pooled + Findings(exhibits=tuple(_side_by_side(key, measure) for key, measure in SHOWN.items()))


def _side_by_side(key: str, measure: str) -> Effects:
    main, words, _ = MEASURES[measure]
    rows = [
        Effect("As in the report", main),
        *(Effect(capital(text), f"robustness/{measure}/{kind}") for kind, text in KINDS.items()),
    ]
    axis = "Risk difference" if measure == "risk_difference" else "Hazard ratio"
    return Effects(key, f"{capital(words)}, by what is drawn", axis, tuple(rows))


@made_from(RECORDS)
def link_sets(records: Records) -> Findings:
    """Pool over sets of links drawn by their probability: missing values a category, and drawn once in each set.

    One draw of the missing values for each draw of the links is a draw of both. Where the best links allow no comparison, none
    are drawn.
    """
    for outcome in ("diversion", "reconviction"):
        compare(records, outcome)
    sets = [open_records(records.root, records.study, link_set=number) for number in LINK_SETS]
    people = [compare(drawn, "diversion") for drawn in sets]
    plain = [_effects(one, compare(drawn, "reconviction"), drawn) for one, drawn in zip(people, sets, strict=True)]
    made = _pooled(plain, people[-1], "link_sets")
    return made + answers(ids("imputed_link_sets"))(_imputed_link_sets)(sets, people)


def _imputed_link_sets(sets: list[Records], people: list[Comparison]) -> Findings:
    each = zip(people, sets, LINK_SETS, strict=True)
    both = [next(_completed(one, drawn, draws=1, seed=SEED + number)) for one, drawn, number in each]
    return _pooled(both, people[-1], "imputed_link_sets")


@made_from(RECORDS)
def imputed(records: Records) -> Findings:
    """Pool over draws of the missing covariates, on the best links."""
    people = compare(records, "diversion")
    return _pooled(list(_completed(people, records, draws=IMPUTATIONS, seed=SEED)), people, "imputed")


Array = npt.NDArray[np.float64]
Fits = dict[str, tuple[float, float]]
"""Estimate and error of each measure."""


def _completed(people: Comparison, records: Records, *, draws: int, seed: int) -> Iterator[Fits]:
    """Give the effects with missing covariates drawn, given the other covariates, the arm and both outcomes."""
    adjust = {outcome: records.study.outcomes[outcome].adjust for outcome in ("diversion", "reconviction")}
    names = list(dict.fromkeys(name for each in adjust.values() for name in each))
    gaps = [name for name in names if people.rows[name].isna().any()]
    if not gaps:
        raise NoAnswer("no covariate has a missing value")
    known = design(people.rows, people.treated, [name for name in names if name not in gaps]).drop(columns="intercept")
    predictors = known.assign(**_outcomes(people))
    for columns in impute(people.rows[gaps], predictors, draws=draws, seed=seed, sweeps=SWEEPS):
        rows = people.rows.assign(**{name: columns[name] for name in gaps})
        custody, again = (comparison(rows, people.treated, each) for each in adjust.values())
        yield _effects(custody, again, records)


def _outcomes(people: Comparison) -> dict[str, Array]:
    """Give arm and outcomes as predictors of what is missing: each ending, and the cumulative hazard until then.

    White and Royston, 2009, doi:10.1002/sim.3618.
    """
    rows, made = people.rows, {"arm": people.treated}
    for name in ("custody_race", "reconviction"):
        event = (rows[f"{name}_state"] == 1).to_numpy(float)
        made |= {f"{name}_event": event, f"{name}_hazard": _nelson_aalen(rows[f"{name}_days"].to_numpy(float), event)}
    return made


def _nelson_aalen(time: Array, event: Array) -> Array:
    """Give each person's cumulative hazard at the end of the own follow-up."""
    days, at = np.unique(time, return_inverse=True)
    left = np.bincount(at)
    at_risk = left[::-1].cumsum()[::-1]
    return np.asarray((np.bincount(at, event, len(days)) / at_risk).cumsum()[at])


def _effects(custody: Comparison, again: Comparison, records: Records) -> Fits:
    days = records.study.study.follow_up_days
    difference = incidence(race(custody, days)).tidy().set_index("term").loc["incidence_difference"]
    hazard = weighted_cox(spells(again, days)).tidy().iloc[0]
    return {name: (float(row["estimate"]), float(row["se"])) for name, row in zip(MEASURES, (difference, hazard), strict=True)}


def _pooled(fits: list[Fits], people: Comparison, kind: str) -> Findings:
    df = float(len(np.unique(people.cluster)) - 1)
    made = [_estimate([each[measure] for each in fits], measure, kind, people.n, df) for measure in MEASURES]
    return found(made, people.arms())


def _estimate(fits: list[tuple[float, float]], measure: str, kind: str, n: int, df: float) -> Estimate:
    pooled = pool([value for value, _ in fits], [se for _, se in fits], df=df)
    unit = MEASURES[measure][2]
    words = f"as the primary effect, over {KINDS[kind]}, pooled by Rubin's rules"
    term = str(pooled.tidy().iloc[0]["term"])
    return effect(_Fit(pooled), term, f"robustness/{measure}/{kind}", unit=unit, estimand="ATT", method=words, n=n)


@dataclass(frozen=True, slots=True)
class _Fit:
    """Pooled estimates as `effect` reads fits."""

    pooled: Pooled
    level: float = 0.95
    n: int = 0

    def tidy(self) -> pd.DataFrame:
        return self.pooled.tidy()
