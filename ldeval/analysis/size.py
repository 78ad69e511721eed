"""What a study of a given size takes: the measured curve by engine, and a national run worked out from it.

The national run is an extrapolation: CPU time is taken as linear in the rows of all extracts, with the slope and the start that
Spark showed between its smallest and its largest measured size, spread over workers that are busy for a stated share of the time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ldeval.analysis.counted import without_error
from ldeval.analysis.exhibits import Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.data import evidence
from ldeval.data.evidence import Size
from ldeval.estimate import Estimate

ENGINES = {"duckdb": "DuckDB", "spark": "Spark on the same machine"}
NATIONAL_ROWS = 1e9
"""Rows of all extracts of a national study: some ten million people with a hundred rows each."""
WORKERS, CORES, BUSY = 8, 16, 0.6
"""Assumed: workers, cores of each, and the share of the run in which a core has work."""


ONE_SIZE = "Spark was measured at one size alone: all of its time is taken as growing with the rows, which overstates the run."


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line through the CPU seconds of the smallest and the largest size measured."""

    start: float
    slope: float

    def at(self, rows: float) -> float:
        """Give the CPU seconds for so many rows."""
        return self.start + self.slope * rows


@made_from("benchmarks")
def sizes(root: Path) -> Findings:
    """Read what `benchmarks/scale.py` measured, and work out a national run; nothing where it did not measure Spark."""
    rows = [row for row in evidence.sizes(root) if row.seconds is not None]
    spark, duckdb = (_whole(rows, engine, "4GB") for engine in ("spark", "duckdb"))
    if not spark or not duckdb:
        return Findings((), (_measured(rows),))
    line = line_through(spark)
    hours = line.at(NATIONAL_ROWS) / 3600 / (WORKERS * CORES * BUSY)
    shared = [users for users in spark if users in duckdb]
    ratios = {place: spark[shared[at]].seconds / duckdb[shared[at]].seconds for place, at in (("smallest", 0), ("largest", -1))}
    estimates = (
        _number("national_hours", "hours of a national run, extrapolated", hours),
        _number("national_workers", "workers of a national run, assumed", WORKERS, "values"),
        _number("duckdb_users", "users in the largest size measured on DuckDB", max(duckdb), "people"),
        _number("spark_users", "users in the largest size measured on Spark", max(spark), "people"),
        *(
            _number(f"spark_ratio_{place}", f"Spark's time over DuckDB's at the {place} size", value)
            for place, value in ratios.items()
        ),
    )
    return Findings(estimates, (_measured(rows), _national(line, hours)))


@dataclass(frozen=True, slots=True)
class Whole:
    """Links and features together, at one size."""

    rows: int
    seconds: float
    cpu_seconds: float


def _whole(rows: Sequence[Size], engine: str, memory: str) -> dict[int, Whole]:
    """Add up the steps by size; a size that lacks one is left out."""
    found: dict[int, Whole] = {}
    for users in sorted({row.users for row in rows}):
        steps = [row for row in rows if (row.users, row.engine, row.memory) == (users, engine, memory)]
        if {row.step for row in steps} == {"links", "features"}:
            seconds, cpu = (sum(getattr(row, name) or 0.0 for row in steps) for name in ("seconds", "cpu_seconds"))
            found[users] = Whole(steps[0].rows, seconds, cpu)
    return found


def line_through(sizes: dict[int, Whole]) -> Line:
    """Give the line; with one size alone all of its time is taken as growing with the rows, which overstates a larger run."""
    small, large = sizes[min(sizes)], sizes[max(sizes)]
    if small.rows == large.rows:
        return Line(0.0, large.cpu_seconds / large.rows)
    slope = (large.cpu_seconds - small.cpu_seconds) / (large.rows - small.rows)
    return Line(small.cpu_seconds - slope * small.rows, slope)


def _measured(rows: Sequence[Size]) -> Table:
    return Table(
        id="size-measured",
        title="Time and memory by size and engine",
        columns=(
            Column("engine", "Engine"),
            Column("users", "Users", "people"),
            Column("rows", "Rows", "rows"),
            Column("step", "Step"),
            Column("seconds", "Seconds", "seconds"),
            Column("cpu_seconds", "CPU seconds", "seconds"),
            Column("peak", "Peak memory, MB", "number"),
            Column("speed", "Rows a second", "number"),
        ),
        rows=tuple(
            (
                f"{ENGINES.get(row.engine, row.engine)}, memory {row.memory.replace('GB', ' GB')}",
                row.users,
                row.rows,
                row.step,
                row.seconds,
                row.cpu_seconds,
                row.peak_mb,
                row.rows / (row.seconds or 1.0),
            )
            for row in sorted(rows, key=lambda row: (row.engine, -int(row.memory.removesuffix("GB")), row.users))
        ),
        notes=tuple(dict.fromkeys(f"Measured on: {row.machine}." for row in rows)),
        group="engine",
    )


def _national(line: Line, hours: float) -> Table:
    cpu = line.at(NATIONAL_ROWS)
    return Table(
        id="size-national",
        title="A national run, extrapolated",
        columns=(Column("what", "Quantity"), Column("value", "Value", "number"), Column("source", "Where it comes from")),
        rows=(
            ("Rows of all extracts, millions", NATIONAL_ROWS / 1e6, "Assumed"),
            ("Spark: CPU seconds a million rows", line.slope * 1e6, "Measured: slope from the smallest to the largest size"),
            ("Spark: CPU seconds to begin with", line.start, "Measured: where that line starts"),
            ("CPU hours", cpu / 3600, "Extrapolated: start and slope times rows"),
            ("Workers", WORKERS, "Assumed"),
            ("Cores of a worker", CORES, "Assumed"),
            ("Share of the time in which a core has work", BUSY, "Assumed"),
            ("Hours", hours, "Extrapolated: CPU hours over workers, cores and share"),
        ),
        notes=(
            "Extrapolation, not measurement: no run of this size was made, and none on more than one machine.",
            *([] if line.start else [ONE_SIZE]),
        ),
    )


def _number(key: str, measure: str, value: float, unit: str = "number") -> Estimate:
    method = "measured by benchmarks/scale.py, or worked out from it as the table of the national run shows"
    return without_error(f"size/{key}", measure, value, unit=unit, n=1, method=method)
