"""Sets results beside those of R, which are committed in `data/reference/`, and measures the difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.data.open_data import results_of_r
from ldeval.stats.cox import CoxFit
from ldeval.stats.curves import Curve
from ldeval.stats.hypotheses import Test
from ldeval.stats.parametric import AcceleratedFailureTime
from ldeval.stats.restricted_mean import RestrictedMean

SMALLEST = 1e-6
"""Differences below this are not told apart: R stops its own searches near a tenth of it."""

R_TERMS: dict[str, dict[str, tuple[str, int]]] = {
    "rossi": {
        "fin": ("finyes", 1),
        "race": ("raceother", -1),
        "wexp": ("wexpyes", 1),
        "mar": ("marnot married", -1),
        "paro": ("paroyes", 1),
        "employed": ("employedTRUE", 1),
        "employed_lag": ("employed_lagTRUE", 1),
        "age_by_time": ("tt(age)", 1),
    },
    "recid": {"intercept": ("(Intercept)", 1)},
}
"""R's name of a term and 1, or -1 where R's base level is the other one."""

CURVES = {
    "rossi": ("km_fin", {"fin=no": 0, "fin=yes": 1}, "weeks"),
    "recid": ("km_workprg", {"workprg=0": 0, "workprg=1": 1}, "months"),
}
TESTS = {"rossi": "logrank_fin", "recid": "logrank_workprg"}


@dataclass(frozen=True, slots=True)
class Compared:
    """One value beside R's. `scale` is R's standard error for an estimate, and R's own value for the rest."""

    key: str
    quantity: str
    unit: str
    here: float
    r: float
    scale: float
    shown: bool = False

    @property
    def difference(self) -> float:
        """|here - R| / scale, on the scale on which the value was estimated."""
        here, r = (np.log([self.here, self.r])) if self.unit == "ratio" else (self.here, self.r)
        return float(abs(here - r) / abs(self.scale))


def _own(key: str, quantity: str, unit: str, here: float, r: float, *, shown: bool = False) -> Compared:
    return Compared(key, quantity, unit, float(here), r, r, shown)


def cox_rows(
    data: str, key: str, model: CoxFit, labels: Mapping[str, str], root: Path, *, shown: Iterable[str] = ()
) -> Iterator[Compared]:
    """Compare hazard ratios, errors, intervals, p-values, log-likelihoods, tests of the model and concordance."""
    r, renamed = results_of_r(data, root)[key], R_TERMS[data]
    coefficients = {row["term"]: row for row in r["coef"]}
    intervals = {row["term"]: row for row in r["conf_hr"]}
    for row in model.tidy().itertuples():
        name, sign = renamed.get(row.term, (row.term, 1))
        theirs, bounds, label = coefficients[name], intervals[name], labels[row.term]
        ends = [bounds["lower .95"], bounds["upper .95"]]
        low, high = ends if sign > 0 else (1 / ends[1], 1 / ends[0])
        se = theirs.get("robust se", theirs["se(coef)"])
        value = float(np.exp(sign * theirs["coef"]))
        yield Compared(key, label, "ratio", float(np.exp(row.estimate)), value, se, shown=row.term in shown)
        yield _own(key, f"{label}: standard error", "number", row.se, se)
        yield Compared(key, f"{label}: lower bound", "ratio", float(np.exp(row.low)), low, se)
        yield Compared(key, f"{label}: upper bound", "ratio", float(np.exp(row.high)), high, se)
        yield _own(key, f"{label}: p-value", "p", row.p_value, theirs["Pr(>|z|)"])
    yield _own(key, "Log-likelihood, null", "number", model.loglik_null, r["loglik"][0])
    yield _own(key, "Log-likelihood", "number", model.loglik, r["loglik"][1])
    yield _own(key, "Likelihood ratio", "number", model.likelihood_ratio_test().statistic, r["lr"][0])
    yield _own(key, "Score test", "number", model.score_test().statistic, r["score"][0])
    yield _own(key, "Concordance", "share", model.concordance().estimate, r["concordance"][0])
    yield _own(key, "Concordance: standard error", "number", model.concordance().se, r["concordance"][1])


def hazards_rows(data: str, key: str, transform: Any, model: CoxFit, labels: Mapping[str, str], root: Path) -> Iterator[Compared]:
    """Compare the tests of proportional hazards, term by term and of the whole model."""
    found = model.ph_test(transform=transform).tidy()
    for row, theirs in zip(found.itertuples(), results_of_r(data, root)[key], strict=True):
        label = labels.get(str(row.term), "Whole model")
        yield _own(key, f"{label}: chi-squared", "number", row.statistic, theirs["chisq"], shown=key == "zph_km")
        yield _own(key, f"{label}: p-value", "p", row.p_value, theirs["p"])


def curve_rows(data: str, curves: Mapping[str, Curve], everyone: Curve, root: Path) -> Iterator[Compared]:
    """Compare the shares free of the event and their standard errors at R's times, by group and for everyone."""
    key, strata, unit = CURVES[data]
    by_group = list(curves.items())
    for row in results_of_r(data, root)[key]:
        name, curve = by_group[strata[row["strata"]]]
        yield from _step(key, f"{name}, {row['time']:g} {unit}", curve, row, shown=True)
    for row in results_of_r(data, root).get("km", []):
        yield from _step("km", f"Everyone, {row['time']:g} {unit}", everyone, row)
    for row in results_of_r(data, root).get("km_all_ci", {}).get("loglog", []):
        point, quantity = everyone.at(row["time"]), f"Everyone, {row['time']:g} {unit}"
        yield Compared("km_all_ci", f"{quantity}: lower", "share", float(point.low), row["lower"], row["se"])
        yield Compared("km_all_ci", f"{quantity}: upper", "share", float(point.high), row["upper"], row["se"])


def _step(key: str, quantity: str, curve: Curve, row: Mapping[str, Any], *, shown: bool = False) -> Iterator[Compared]:
    point = curve.at(row["time"])
    yield Compared(key, quantity, "share", float(point.estimate), row["surv"], row["se"], shown)
    yield _own(key, f"{quantity}: standard error", "number", point.se, row["se"])


def test_rows(data: str, test: Test, root: Path) -> Iterator[Compared]:
    """Compare the log-rank statistic, its p-value and the expected events."""
    key = TESTS[data]
    r = results_of_r(data, root)[key]
    yield _own(key, "Chi-squared on 1 degree of freedom", "number", test.statistic, r["chisq"], shown=True)
    yield _own(key, "p-value", "p", test.p_value, r["p"])
    for group, (here, value) in enumerate(zip(test.expected, r["exp"], strict=True)):
        yield _own(key, f"Events expected, group {group}", "number", here, value)


def mean_rows(data: str, keys: tuple[str, str], means: RestrictedMean, groups: Iterable[str], root: Path) -> Iterator[Compared]:
    """Compare restricted means, their errors, and their difference with its interval."""
    key, difference = keys
    r = results_of_r(data, root)
    found = means.tidy()
    for name, row, theirs in zip(groups, found.itertuples(), r[key], strict=False):
        yield Compared(key, f"{name}: mean to {means.tau:g}", "number", row.estimate, theirs["rmean"], theirs["se"], shown=True)
        yield _own(key, f"{name}: standard error", "number", row.se, theirs["se"])
    row, theirs = found.set_index("term").loc["difference"], r[difference]
    yield Compared(difference, f"Difference to {means.tau:g}", "number", row.estimate, theirs["diff"], theirs["se"], shown=True)
    yield _own(difference, "Difference: standard error", "number", row.se, theirs["se"])
    yield Compared(difference, "Difference: lower bound", "number", row.low, theirs["lower"], theirs["se"])
    yield Compared(difference, "Difference: upper bound", "number", row.high, theirs["upper"], theirs["se"])
    yield _own(difference, "Difference: p-value", "p", row.p_value, theirs["p"])


def parametric_rows(
    data: str, key: str, model: AcceleratedFailureTime, null: AcceleratedFailureTime, labels: Mapping[str, str], root: Path
) -> Iterator[Compared]:
    """Compare the coefficients of an accelerated failure time model, their errors, scale and log-likelihoods.

    Rossi's intercept is not compared: R's other base levels shift it.
    """
    r, renamed = results_of_r(data, root)[key], R_TERMS[data]
    theirs = _coefficients(r)
    for row in model.tidy().itertuples():
        name, sign = renamed.get(row.term, (row.term, 1))
        if name in theirs:
            value, se = theirs[name]
            label = labels.get(row.term, "Intercept")
            yield Compared(key, label, "number", row.estimate, sign * value, se, shown=key == "survreg_lognormal")
            yield _own(key, f"{label}: standard error", "number", row.se, se)
    yield _own(key, "Scale", "number", model.scale, r["scale"])
    yield _own(key, "Log-likelihood", "number", model.loglik, r["loglik"][1])
    yield _own(key, "Log-likelihood, null", "number", null.loglik, r["loglik"][0])
    yield _own(key, "Akaike's criterion", "number", model.aic, r["aic"])


def _coefficients(r: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    if isinstance(r["coef"], dict):
        return dict(zip(r["coef"], zip(r["coef"].values(), r["se"], strict=False), strict=True))
    return {row["term"]: (row["coef"], row["se"]) for row in r["coef"]}


def beside_r(data: str, rows: Iterable[Compared], families: Mapping[str, str]) -> Table:
    """Give the table of the main estimates beside R's."""
    shown: list[tuple[Cell, ...]] = [
        (families[row.key], row.quantity, row.here, row.r, max(row.difference, SMALLEST)) for row in rows if row.shown
    ]
    return Table(
        id=f"{data}-beside-r",
        title="Each estimate beside R's",
        columns=(
            Column("family", "Method"),
            Column("quantity", "Quantity"),
            Column("here", "Here", "compared"),
            Column("r", "R", "compared"),
            Column("difference", "Difference", "relative difference"),
        ),
        rows=tuple(shown),
        notes=(DIFFERENCE,),
        group="family",
    )


DIFFERENCE = (
    "Difference: in R's standard errors for coefficients (hazard ratios on the log scale), shares and means, as a share of "
    "R's value for the rest; computed when this report was built. Differences below 0.000001 are not told apart."
)


def summary(data: str, rows: Iterable[Compared], families: Mapping[str, str]) -> Table:
    """Give one row an entry of R's results: how many values were compared and the largest difference."""
    by_key: dict[str, list[float]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row.difference)
    return Table(
        id=f"{data}-agreement",
        title="Agreement with R, all values compared",
        columns=(
            Column("entry", "Method"),
            Column("values", "Values compared", "values"),
            Column("largest", "Largest difference", "relative difference"),
        ),
        rows=tuple((families[key], len(found), max(SMALLEST, *found)) for key, found in by_key.items()),
        notes=(DIFFERENCE,),
    )
