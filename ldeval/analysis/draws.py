"""The headline estimators over many twins: do their intervals cover the truth, and do the alarms ring where they should?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ldeval.analysis.counted import without_error
from ldeval.analysis.covered import BIAS, COVERAGE, MEAN, TRUTH
from ldeval.analysis.exhibits import Column, Dot, Dots, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.data.evidence import Rung, TwinDraws, alarms, twin_draws
from ldeval.estimate import Estimate

PARTS = {
    "diversion": "Custody",
    "custody_given_sentence": "Custody given a sentence",
    "custody_days": "Days of the sentence in the year",
    "sentence_served": "Days of the sentence to release",
    "days_inside": "Days inside for any reason",
    "reconviction": "Reconviction",
    "reoffences": "Reoffences",
    "timeliness": "Courts",
}
MEASURES = {
    "risk_difference": "difference",
    "risk_ratio": "ratio of risks",
    "odds_ratio": "ratio of odds",
    "mean_difference": "difference",
    "hazard_ratio": "hazard ratio",
    "rmst_difference": "difference in days",
    "rate_ratio": "ratio of rates",
    "completed_90": "completed in 90 days",
    "completed_180": "completed in 180 days",
    "restricted_mean_days": "mean days",
}
AGAIN = {
    "robustness/risk_difference/cr1t": "Custody, difference of weighted shares, CR1 with t",
    "robustness/risk_difference/cr2": "Custody, difference of weighted shares, CR2",
    "robustness/risk_difference/area_deprivation": "Custody, difference, area's deprivation among the weights",
}
"""Other estimates of a headline effect: the last is what the report does not do, and why."""
SERIES = {"headline": "In the report", "other": "Other errors or weights"}
OTHER = tuple(AGAIN)


@made_from("draws")
def draws(root: Path) -> Findings:
    """Read how the headline estimators did over the draws, and in what share of them each alarm rang."""
    rows = twin_draws(root)
    known = [row for row in rows if row.twin == "identified"]
    headline = [row for row in known if row.id not in AGAIN]
    counts = {
        "draws/draws": ("twins drawn", min(row.draws for row in known)),
        "draws/headline": ("headline estimates with a truth", len(headline)),
        "draws/headline_within": ("of these, with a coverage in its band", sum(row.within for row in headline)),
    }
    made = tuple(_count(key, words, number) for key, (words, number) in counts.items())
    lowest = next(row for row in known if row.id == OTHER[-1])
    shares = (_share("draws/area_deprivation_coverage", "coverage with the area's deprivation among the weights", lowest),)
    tables = (_covered("draws-identified", known), _covered("draws-hidden", [row for row in rows if row.twin == "hidden"]))
    return Findings((*made, *shares), (*tables, _dots(known), _alarms(alarms(root))))


def label(key: str) -> str:
    """Give an estimate's words."""
    if key in AGAIN:
        return AGAIN[key]
    outcome, measure, estimand = key.split("/")
    return f"{PARTS[outcome]}, {MEASURES[measure]}{', all eligible people' if estimand == 'itt' else ''}"


def _covered(key: str, rows: Sequence[TwinDraws]) -> Table:
    columns = (
        Column("estimate", "Estimate"),
        *(TRUTH, MEAN, BIAS),
        Column("sd", "Spread of estimates", "coefficient"),
        Column("mean_se", "Mean standard error", "coefficient"),
        *COVERAGE,
    )
    cells = tuple(
        (label(row.id), row.truth, row.mean, row.bias / row.bias_mc_error, row.sd, row.mean_se, row.coverage, row.low, row.high)
        for row in rows
    )
    note = (
        f"{rows[0].draws} draws from seed {rows[0].seed} on. Ratios are logarithms. Bias: mean less truth, in Monte Carlo "
        "errors of the two. The band holds 99.9% of what chance gives at a coverage of 0.95."
    )
    return Table(key, f"Headline estimates over draws of the twin {rows[0].twin!r}", columns, cells, (note,))


def _dots(rows: Sequence[TwinDraws]) -> Dots:
    return Dots(
        id="draws-dots",
        title="Coverage of the headline intervals over draws of the twin",
        measure="Share of twins whose interval holds the truth",
        unit="coverage",
        nominal=0.95,
        band="the 99.9% binomial band",
        series=tuple(SERIES.values()),
        rows=tuple(
            Dot(label(row.id), SERIES["other" if row.id in AGAIN else "headline"], row.coverage, row.low, row.high)
            for row in rows
        ),
    )


def _alarms(rows: Sequence[Rung]) -> Table:
    columns = (
        Column("alarm", "Alarm"),
        Column("nominal", "By chance", "coverage"),
        Column("identified", "Nothing hidden", "coverage"),
        Column("hidden", "A hidden need", "coverage"),
        Column("uniform", "p-values uniform, nothing hidden", "p"),
    )
    hidden = {row.id: row for row in rows if row.twin == "hidden"}
    cells = tuple(
        (row.alarm, row.nominal, row.rings, hidden[row.id].rings, row.uniform_p) for row in rows if row.twin == "identified"
    )
    known, other = (_twins([row.draws for row in rows if row.twin == twin]) for twin in ("identified", "hidden"))
    note = (
        f"Shares of {known} twins with nothing hidden and {other} with a hidden need. The last column is Kolmogorov and "
        "Smirnov's test. E-values and tipping points are no tests: their limits are ours."
    )
    return Table("draws-alarms", "How often each alarm rings", columns, cells, (note,))


def _twins(draws: Sequence[int]) -> str:
    return f"{min(draws)}" if min(draws) == max(draws) else f"{min(draws)} to {max(draws)}"


def _count(key: str, measure: str, value: float, unit: str = "values", n: int | None = None) -> Estimate:
    method = "counted over the draws of the twin"
    return without_error(f"trust/{key}", measure, value, unit=unit, n=int(value) if n is None else n, method=method)


def _share(key: str, measure: str, row: TwinDraws) -> Estimate:
    return _count(key, measure, row.coverage, "share", row.draws)
