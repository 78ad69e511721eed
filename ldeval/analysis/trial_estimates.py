"""What the two trials' models say, as estimates with an id, words and counts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ldeval.analysis.trial_models import LEVEL
from ldeval.analysis.trials import Trial
from ldeval.estimate import Estimate
from ldeval.stats.cox import CoxFit
from ldeval.stats.curves import Curve
from ldeval.stats.fit import tidy
from ldeval.stats.parametric import AcceleratedFailureTime
from ldeval.stats.restricted_mean import RestrictedMean


def inside(label: str) -> str:
    """Set a label for the inside of a sentence."""
    return label if label == "Black" else label[:1].lower() + label[1:]


def hazard_ratio(trial: Trial, fit: CoxFit, term: str, n: int, *, label: str, method: str, suffix: str = "") -> Estimate:
    """Give the hazard ratio of one column of a Cox model of `n` people."""
    row = fit.tidy().set_index("term").loc[term]
    words = f"hazard ratio of {trial.event}: {inside(label)}"
    return ratio(trial, f"hazard_ratio/{term}{suffix}", words, row, trial.estimand, (n, fit.events), method)


def time_ratio(trial: Trial, distribution: str, fit: AcceleratedFailureTime) -> Estimate:
    """Give the factor by which the exposure stretches the time to the event."""
    row = fit.tidy().set_index("term").loc[trial.exposure]
    words = f"ratio of times to {trial.event}, {distribution} model: {inside(trial.terms[trial.exposure])}"
    slug = f"time_ratio/{trial.exposure}/{distribution}"
    return ratio(trial, slug, words, row, trial.estimand, (fit.n, fit.events), fit.method)


def log_row(value: float, se: float) -> Any:
    """Give a row like those of a fit for a value on the log scale and its standard error."""
    return tidy(("value",), np.array([value]), np.array([[se**2]]), level=LEVEL, df=None).iloc[0]


def ratio(trial: Trial, slug: str, measure: str, row: Any, estimand: str, counts: tuple[int, int], method: str) -> Estimate:
    """Give a ratio from a row of a fit on the log scale."""
    return Estimate(
        id=f"{trial.data}/{slug}",
        outcome=trial.outcome,
        measure=measure,
        unit="ratio",
        estimand=estimand,
        value=np.exp(row.estimate),
        se=row.se,
        scale="log",
        low=np.exp(row.low),
        high=np.exp(row.high),
        level=LEVEL,
        n=counts[0],
        events=counts[1],
        method=method,
        p_value=row.p_value,
    )


def hazards_test(trial: Trial, fit: CoxFit, n: int) -> tuple[Estimate, ...]:
    """Give the tests of proportional hazards: each term's, and that of the whole model."""
    return tuple(
        statistic(
            trial,
            f"ph_test/{row.term.lower()}",
            f"test of proportional hazards: {inside(trial.terms.get(row.term, 'The whole model'))}",
            row.statistic,
            row.p_value,
            (n, fit.events),
            f"score test for an interaction with the Kaplan-Meier transform of time, {row.df} degree(s) of freedom",
        )
        for row in fit.ph_test("km").tidy().itertuples()
    )


def statistic(
    trial: Trial, slug: str, measure: str, value: float, p_value: float, counts: tuple[int, int], method: str
) -> Estimate:
    """Give a test statistic, which has a p-value and no interval."""
    return _plain(trial, slug, measure, "number", (value, 0.0, value, value), counts, method, p_value)


def share(trial: Trial, group: str, slug: str, curve: Curve, time: int) -> Estimate:
    """Give the share free of the event at a time."""
    at = curve.at(time)
    events = int(curve.events[curve.time <= time].sum())
    return _plain(
        trial,
        f"{trial.free_of_event.replace(' ', '_').replace('-', '')}/{slug}/{time}_{trial.time_unit}",
        f"share {trial.free_of_event} after {time} {trial.time_unit}: {inside(group)}",
        "share",
        (at.estimate, at.se, at.low, at.high),
        (curve.n, events),
        "Kaplan-Meier, Greenwood's error, log-log interval",
    )


def restricted_means(trial: Trial, means: RestrictedMean, counts: list[tuple[int, int]]) -> tuple[Estimate, ...]:
    """Give the mean times free of the event to tau by group, their difference and their ratio; counts by group."""
    span = f"{means.tau:g}_{trial.time_unit}"
    words = f"mean time {trial.free_of_event} within {means.tau:g} {trial.time_unit}"
    rows = means.tidy().set_index("term")
    of_groups = [
        _plain(
            trial,
            f"mean_free/{slug}/{span}",
            f"{words}: {inside(group)}",
            trial.time_unit,
            (row.estimate, row.se, row.low, row.high),
            count,
            "area under the Kaplan-Meier curve, Greenwood's error",
        )
        for (_, row), group, slug, count in zip(rows.iterrows(), trial.groups, trial.slugs, counts, strict=False)
    ]
    total = (means.n, sum(events for _, events in counts))
    gap, ratio = rows.loc["difference"], rows.loc["ratio"]
    gap_words, method = f"difference in {words}: {inside(trial.groups[1])}", "areas under the two Kaplan-Meier curves"
    values = (gap.estimate, gap.se, gap.low, gap.high)
    difference = _plain(trial, f"mean_free_difference/{span}", gap_words, trial.time_unit, values, total, method, gap.p_value)
    values = (ratio.estimate, ratio.se, ratio.low, ratio.high)
    ratio_words = f"ratio of {words}: {inside(trial.groups[1])}"
    quotient = _plain(trial, f"mean_free_ratio/{span}", ratio_words, "ratio", values, total, method, ratio.p_value, scale="log")
    return (*of_groups, difference, quotient)


def _plain(
    trial: Trial,
    slug: str,
    measure: str,
    unit: str,
    values: tuple[float, float, float, float],
    counts: tuple[int, int],
    method: str,
    p_value: float | None = None,
    scale: Any = "identity",
) -> Estimate:
    """Give a descriptive estimate from its value, error and bounds."""
    value, se, low, high = values
    return Estimate(
        id=f"{trial.data}/{slug}",
        outcome=trial.outcome,
        measure=measure,
        unit=unit,
        estimand="descriptive",
        value=value,
        se=se,
        scale=scale,
        low=low,
        high=high,
        level=LEVEL,
        n=counts[0],
        events=counts[1],
        method=method,
        p_value=p_value,
    )
