"""Sets results beside those of R, which are committed in `data/validation/`, and measures the difference."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm

from ldeval.analysis import fits
from ldeval.analysis.findings import Cell, Column, Table
from ldeval.data.open_data import FOLDER

SMALLEST = 1e-6
"""R's values are printed to eleven digits: no difference below this is stated."""

R_TERMS = {
    "rossi": {
        "fin": ("finyes", 1),
        "race": ("raceother", -1),
        "wexp": ("wexpyes", 1),
        "mar": ("marnot married", -1),
        "paro": ("paroyes", 1),
    }
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


@cache
def reference(data: str, root: Path) -> Mapping[str, Any]:
    """Read R's results on a data set."""
    content: dict[str, Any] = json.loads((root / FOLDER / f"{data}.json").read_text(encoding="utf-8"))
    return content


def _own(key: str, quantity: str, unit: str, here: float, r: float) -> Compared:
    return Compared(key, quantity, unit, float(here), r, r)


def cox_rows(data: str, key: str, model: fits.Cox, labels: Mapping[str, str], root: Path) -> Iterator[Compared]:
    """Compare hazard ratios, standard errors, intervals, p-values, log-likelihoods and the likelihood-ratio test."""
    r = reference(data, root)[key]
    coefficients = {row["term"]: row for row in r["coef"]}
    intervals = {row["term"]: row for row in r["conf_hr"]}
    half = norm.ppf(0.975) * model.se
    for i, term in enumerate(model.terms):
        name, sign = R_TERMS.get(data, {}).get(term, (term, 1))
        row, bounds = coefficients[name], intervals[name]
        ends = [bounds["lower .95"], bounds["upper .95"]]
        low, high = ends if sign > 0 else (1 / ends[1], 1 / ends[0])
        se, value = row["se(coef)"], float(np.exp(sign * row["coef"]))
        yield Compared(key, labels[term], "ratio", float(np.exp(model.coef[i])), value, se, shown=key == "cox_efron")
        yield _own(key, f"{labels[term]}: standard error", "number", model.se[i], se)
        yield Compared(key, f"{labels[term]}: lower bound", "ratio", float(np.exp(model.coef[i] - half[i])), low, se)
        yield Compared(key, f"{labels[term]}: upper bound", "ratio", float(np.exp(model.coef[i] + half[i])), high, se)
        yield _own(key, f"{labels[term]}: p-value", "p", model.p_values[i], row["Pr(>|z|)"])
    yield _own(key, "Log-likelihood, null", "number", model.loglik[0], r["loglik"][0])
    yield _own(key, "Log-likelihood", "number", model.loglik[1], r["loglik"][1])
    yield _own(key, "Likelihood ratio", "number", model.likelihood_ratio[0], r["lr"][0])


def curve_rows(data: str, curves: Mapping[str, fits.Survival], everyone: fits.Survival, root: Path) -> Iterator[Compared]:
    """Compare the shares free of the event and their standard errors at R's times, by group and for everyone."""
    key, strata, unit = CURVES[data]
    by_group = list(curves.items())
    for row in reference(data, root)[key]:
        name, curve = by_group[strata[row["strata"]]]
        yield from _step(key, f"{name}, {row['time']:g} {unit}", curve, row, shown=True)
    for row in reference(data, root).get("km", []):
        yield from _step("km", f"Everyone, {row['time']:g} {unit}", everyone, row)
    for row in reference(data, root).get("km_all_ci", {}).get("loglog", []):
        step, quantity = everyone.at(row["time"]), f"Everyone, {row['time']:g} {unit}"
        yield Compared("km_all_ci", f"{quantity}: lower", "share", float(everyone.low[step]), row["lower"], row["se"])
        yield Compared("km_all_ci", f"{quantity}: upper", "share", float(everyone.high[step]), row["upper"], row["se"])


def _step(key: str, quantity: str, curve: fits.Survival, row: Mapping[str, Any], *, shown: bool = False) -> Iterator[Compared]:
    step = curve.at(row["time"])
    yield Compared(key, quantity, "share", float(curve.estimate[step]), row["surv"], row["se"], shown)
    yield _own(key, f"{quantity}: standard error", "number", curve.se[step], row["se"])


def test_rows(data: str, test: fits.LogRank, root: Path) -> Iterator[Compared]:
    """Compare the log-rank statistic, its p-value and the expected events."""
    key = TESTS[data]
    r = reference(data, root)[key]
    yield Compared(key, "Chi-squared on 1 degree of freedom", "number", test.statistic, r["chisq"], r["chisq"], True)
    yield _own(key, "p-value", "p", test.p_value, r["p"])
    for group, (here, value) in enumerate(zip(test.expected, r["exp"], strict=True)):
        yield _own(key, f"Events expected, group {group}", "number", here, value)


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
    "Difference: in R's standard errors for hazard ratios (on the log scale) and shares, as a share of R's value for "
    "the rest; computed when this report was built. R prints eleven digits, so no smaller difference is stated."
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
