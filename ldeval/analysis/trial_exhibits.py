"""The two trials' tables, curves and sets of effects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ldeval.analysis.exhibits import Column, Curves, Effect, Effects, Point, Table
from ldeval.analysis.trial_models import LEVEL
from ldeval.analysis.trials import MAIN, Trial
from ldeval.stats._coxtests import ProportionalHazardsTest
from ldeval.stats.curves import Curve
from ldeval.stats.hypotheses import Test
from ldeval.stats.parametric import AcceleratedFailureTime, Distribution
from ldeval.stats.restricted_mean import RestrictedMean


def effects(trial: Trial) -> Effects:
    """Show the main model's hazard ratios."""
    return Effects(
        id=f"{trial.data}-cox",
        title=f"Adjusted hazard ratios of {trial.event}",
        measure="Hazard ratio",
        rows=tuple(Effect(label, f"{trial.data}/hazard_ratio/{term}") for term, label in trial.terms.items()),
    )


def models(trial: Trial) -> Effects:
    """Show the exposure's hazard ratio under every model."""
    key = f"{trial.data}/hazard_ratio/{trial.exposure}"
    rows = (Effect(MAIN.label, key), *(Effect(model.label, f"{key}/{model.key}") for model in trial.models))
    title = f"Hazard ratio of {trial.event} by model: {trial.terms[trial.exposure].lower()}"
    return Effects(f"{trial.data}-models", title, "Hazard ratio", rows)


def work(labels: Sequence[str]) -> Effects:
    """Show the hazard ratios of work, and those of aid beside it."""
    rows = [
        row
        for term, label in zip(("employed", "employed_lag"), labels, strict=True)
        for row in (
            Effect(label, f"rossi/hazard_ratio/{term}"),
            Effect("Financial aid, beside it", f"rossi/hazard_ratio/fin/{term}"),
        )
    ]
    return Effects("rossi-work", "Hazard ratios of re-arrest with work from week to week", "Hazard ratio", tuple(rows))


def time_ratios(trial: Trial, distributions: Sequence[Distribution]) -> Effects:
    """Show the exposure's time ratio under each distribution."""
    key = f"{trial.data}/time_ratio/{trial.exposure}"
    rows = tuple(Effect(name.capitalize(), f"{key}/{name}") for name in distributions)
    title = f"Ratio of times to {trial.event} by distribution: {trial.terms[trial.exposure].lower()}"
    return Effects(f"{trial.data}-time-ratios", title, "Time ratio", rows)


def logrank(trial: Trial, test: Test, people: pd.DataFrame) -> Table:
    """Show what the log-rank test compares."""
    sizes = people[trial.exposure].value_counts()
    rows = tuple(
        (name, int(sizes[code]), int(test.observed[code]), float(test.expected[code])) for code, name in enumerate(trial.groups)
    )
    return Table(
        id=f"{trial.data}-logrank",
        title=f"Log-rank test of time to {trial.event}",
        columns=(
            Column("group", "Group"),
            Column("people", "People", "people"),
            Column("observed", "Events observed", "events"),
            Column("expected", "Events expected if the groups did not differ", "expected events"),
        ),
        rows=rows,
        notes=("Null hypothesis: at every time the hazard is the same in both groups.",),
    )


def curves(trial: Trial, by_group: Mapping[str, Curve]) -> Curves:
    """Show the Kaplan-Meier curves, each from a first point at time zero."""
    return Curves(
        id=f"{trial.data}-curves",
        title=f"Share {trial.free_of_event}, by {trial.time_unit} since release",
        outcome=trial.free_of_event,
        time_unit=trial.time_unit,
        since="release",
        level=LEVEL,
        method="Kaplan-Meier, log-log intervals",
        points=tuple(point for name, curve in by_group.items() for point in _points(name, curve)),
    )


def _points(name: str, curve: Curve) -> list[Point]:
    left = [*curve.at_risk[1:], 0.0]
    points = [Point(name, 0.0, 1.0, 1.0, 1.0, curve.n, 0, 0)]
    for i, time in enumerate(curve.time):
        at_risk, events = int(curve.at_risk[i]), int(curve.events[i])
        value, low, high = (float(values[i]) for values in (curve.estimate, curve.low, curve.high))
        points.append(Point(name, float(time), value, low, high, at_risk, events, at_risk - events - int(left[i])))
    return points


def hazards(trial: Trial, test: ProportionalHazardsTest) -> Table:
    """Show the tests of proportional hazards."""
    rows = tuple(
        (trial.terms.get(row.term, "Whole model"), float(row.statistic), int(row.df), float(row.p_value))
        for row in test.tidy().itertuples()
    )
    return Table(
        id=f"{trial.data}-hazards",
        title="Tests of proportional hazards",
        columns=(
            Column("term", "Characteristic"),
            Column("statistic", "Chi-squared", "number"),
            Column("df", "Degrees of freedom", "values"),
            Column("p", "p", "p"),
        ),
        rows=rows,
        notes=("Null hypothesis: the hazard ratio is the same at all times. Time enters by its Kaplan-Meier transform.",),
    )


def means(trial: Trial, found: Sequence[RestrictedMean]) -> Table:
    """Show restricted means by group, difference and ratio."""
    rows = []
    for mean in found:
        labels = (*trial.groups, "Difference", "Ratio")
        heading = f"Within {mean.tau:g} {trial.time_unit}"
        for label, row in zip(labels, mean.tidy().itertuples(), strict=True):
            p_value = None if label in trial.groups else float(row.p_value)
            rows.append((heading, label, float(row.estimate), float(row.low), float(row.high), p_value))
    unit = trial.time_unit.capitalize()
    return Table(
        id=f"{trial.data}-means",
        title=f"Mean time {trial.free_of_event}",
        columns=(
            Column("horizon", "Horizon"),
            Column("what", "What"),
            Column("estimate", f"{unit}, or ratio", "ratio"),
            Column("low", f"{LEVEL:.0%} interval from", "ratio"),
            Column("high", "to", "ratio"),
            Column("p", "p", "p"),
        ),
        rows=tuple(rows),
        notes=("Area under each Kaplan-Meier curve; the ratio's interval is made on the log scale.",),
        group="horizon",
    )


def distributions(trial: Trial, fits: Mapping[Distribution, AcceleratedFailureTime]) -> Table:
    """Show how well each distribution fits."""
    rows = tuple((name.capitalize(), fit.scale, fit.loglik, fit.aic) for name, fit in fits.items())
    return Table(
        id=f"{trial.data}-distributions",
        title="Parametric models compared",
        columns=(
            Column("distribution", "Distribution"),
            Column("scale", "Scale", "number"),
            Column("loglik", "Log-likelihood", "log-likelihood"),
            Column("aic", "Akaike's criterion", "log-likelihood"),
        ),
        rows=rows,
        notes=("A smaller criterion is a better fit.",),
    )


def published(trial: Trial, fit: AcceleratedFailureTime, printed: Mapping[str, float]) -> Table:
    """Show the log-normal model beside what a textbook printed."""
    labels = trial.terms | {"intercept": "Intercept"}
    rows = tuple(
        (labels[row.term], row.estimate, row.se, printed[row.term]) for row in fit.tidy().itertuples() if row.term in labels
    )
    return Table(
        id=f"{trial.data}-published",
        title="Log-normal model of log months beside the published one",
        columns=(
            Column("term", "Characteristic"),
            Column("estimate", "Here", "coefficient"),
            Column("se", "Standard error", "coefficient"),
            Column("printed", "As printed", "as printed"),
        ),
        rows=rows,
        notes=("Published: Wooldridge, Introductory Econometrics, Table 17.4, with three or four decimals.",),
    )
