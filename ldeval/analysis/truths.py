"""On a twin the truth is known: every headline estimate beside what both potential outcomes say it ought to be."""

from __future__ import annotations

from math import hypot, log
from pathlib import Path

from ldeval.analysis.attempts import not_estimated
from ldeval.analysis.counted import without_error
from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS
from ldeval.estimate import Estimate, read_csv
from ldeval.study import Study

TRUTH_FOLDER = Path("data") / "truth"

COMPARED = "truth/estimates_compared/descriptive"
HELD = "truth/intervals_holding_it/descriptive"
KINDS = {"percentage points": "Differences of risks", "ratio": "Ratios", "days": "Differences in days"}
PRINTED = {"percentage points": 3, "ratio": 2, "days": 1}
"""Decimals of what is printed: rounded once, so that no number differs here from where else it stands."""
EXPECTED = {
    HELD: "intervals that hold the truth",
    COMPARED: "estimates beside the truth",
    **{f"truth-{unit.replace(' ', '-')}": f"{title}: estimates beside the truth" for unit, title in KINDS.items()},
}


@made_from(RECORDS)
def truths(found: Findings, root: Path, study: Study) -> Findings:
    """Set estimates beside their truth, by unit, and count the intervals that hold it; say so where records are real."""
    if study.data.source != "twin":
        return not_estimated(EXPECTED, "the records are real, and nobody knows their truth")
    truth = read_csv(root / TRUTH_FOLDER / f"{study.data.twin.name}.csv")
    pairs = [(estimate, truth[estimate.id]) for estimate in found.estimates if estimate.id in truth]
    if not pairs:
        return not_estimated(EXPECTED, "no headline effect could be estimated")
    tables = tuple(_table(unit, title, pairs) for unit, title in KINDS.items() if any(e.unit == unit for e, _ in pairs))
    held = sum(holds(estimate, true) for estimate, true in pairs)
    made = Findings((_count(HELD, held, pairs), _count(COMPARED, len(pairs), pairs)), tables)
    return made + not_estimated({key: what for key, what in EXPECTED.items() if key not in set(made.ids())}, "no such effect")


def standardised(estimate: Estimate, truth: Estimate) -> float:
    """Give estimate less truth, in standard errors on the estimate's scale, the truth's Monte Carlo error included."""
    one, other = (log(e.value) if estimate.scale == "log" else e.value for e in (estimate, truth))
    return (one - other) / hypot(estimate.se, truth.se)


def holds(estimate: Estimate, truth: Estimate) -> bool:
    """Say whether the interval of the estimate holds the truth."""
    return estimate.low <= truth.value <= estimate.high


def _table(unit: str, title: str, pairs: list[tuple[Estimate, Estimate]]) -> Table:
    columns = (
        Column("estimate_id", "Estimate"),
        Column("truth", "Truth", unit, source="public"),
        Column("value", "Estimate", unit, source="model"),
        Column("low", "Low", unit, source="model"),
        Column("high", "High", unit, source="model"),
        Column("z", "Standard errors apart", "number", source="model"),
        Column("held", "Interval holds the truth"),
    )
    rows = tuple(_row(estimate, truth) for estimate, truth in pairs if estimate.unit == unit)
    return Table(f"truth-{unit.replace(' ', '-')}", f"{title}: estimates beside the truth", columns, rows)


def _row(estimate: Estimate, truth: Estimate) -> tuple[Cell, ...]:
    digits = PRINTED[estimate.unit]
    numbers = (round(x, digits) for x in (truth.value, estimate.value, estimate.low, estimate.high))
    return (estimate.id, *numbers, standardised(estimate, truth), "yes" if holds(estimate, truth) else "no")


def _count(key: str, count: int, pairs: list[tuple[Estimate, Estimate]]) -> Estimate:
    method = "headline estimates beside the truth, which is computed from both potential outcomes of the twin"
    return without_error(key, key.split("/")[1], count, n=max(estimate.n for estimate, _ in pairs), method=method)
