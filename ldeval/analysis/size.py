"""What a study of a given size takes: the measured curve by engine, and a national run worked out from it.

The national run is an extrapolation along straight lines in the rows of all extracts, each through the smallest and the largest
size measured. Spark's CPU time is spread over workers that are busy for a share of it; DuckDB stays on the machine measured.
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


ONE_SIZE = "{} was measured at one size alone: all that it took is taken as growing with the rows, which overstates the run."


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line in rows, through the smallest and the largest size measured."""

    start: float
    slope: float

    def at(self, rows: float) -> float:
        """Give the height for so many rows."""
        return self.start + self.slope * rows


@dataclass(frozen=True, slots=True)
class National:
    """A national run, extrapolated: Spark's CPU seconds on workers; DuckDB's seconds and MB of memory on one machine."""

    cpu: Line
    seconds: Line
    peak: Line

    @property
    def hours(self) -> float:
        """Hours on Spark's workers."""
        return self.cpu.at(NATIONAL_ROWS) / 3600 / (WORKERS * CORES * BUSY)

    @property
    def duckdb_hours(self) -> float:
        """Hours of DuckDB on one machine with cores like those measured."""
        return self.seconds.at(NATIONAL_ROWS) / 3600

    @property
    def duckdb_gb(self) -> float:
        """Memory of DuckDB's process."""
        return self.peak.at(NATIONAL_ROWS) / 1024


@made_from("benchmarks")
def sizes(root: Path) -> Findings:
    """Read what `benchmarks/scale.py` measured, and work out a national run; nothing where it did not measure Spark."""
    rows = [row for row in evidence.sizes(root) if row.seconds is not None]
    spark, duckdb, small = (_whole(rows, *ran) for ran in (("spark", "4GB"), ("duckdb", "4GB"), ("duckdb", "2GB")))
    if not spark or not duckdb:
        return Findings((), (_measured(rows),))
    national = National(line_through(spark, "cpu_seconds"), line_through(duckdb, "seconds"), line_through(duckdb, "peak_mb"))
    estimates = (*_of_national(national), *_of_duckdb(duckdb, small), *_of_spark(spark, duckdb))
    return Findings(estimates, (_measured(rows), _national(national)))


def _of_national(national: National) -> list[Estimate]:
    return [
        _number("national_hours", "hours of a national run on Spark, extrapolated", national.hours, "hours"),
        _number("national_workers", "workers of a national run, assumed", WORKERS, "values"),
        _number("national_duckdb_hours", "hours of a national run on DuckDB, extrapolated", national.duckdb_hours, "hours"),
        _number("national_duckdb_gb", "memory of a national run on DuckDB, GB, extrapolated", national.duckdb_gb, "gigabytes"),
    ]


def _of_duckdb(duckdb: dict[int, Whole], small: dict[int, Whole]) -> list[Estimate]:
    most = duckdb[max(duckdb)]
    both = [users for users in duckdb if users in small]
    found = [
        _number("duckdb_users", "users in the largest size measured on DuckDB", max(duckdb), "people"),
        _number("duckdb_rows", "rows in the largest size measured on DuckDB", most.rows, "rows"),
        _number("duckdb_minutes", "minutes of DuckDB at its largest size", most.seconds / 60),
        _number("duckdb_gb", "memory of DuckDB's process at its largest size, GB", most.peak_mb / 1024),
    ]
    if both:
        ratio = small[max(both)].seconds / duckdb[max(both)].seconds
        found.append(
            _number("small_memory_ratio", "DuckDB's time with 2 GB over that with 4 GB, at the largest size of both", ratio)
        )
    return found


def _of_spark(spark: dict[int, Whole], duckdb: dict[int, Whole]) -> list[Estimate]:
    shared = [users for users in spark if users in duckdb]
    ratios = {place: spark[shared[at]].seconds / duckdb[shared[at]].seconds for place, at in (("smallest", 0), ("largest", -1))}
    return [
        _number("spark_users", "users in the largest size measured on Spark", max(spark), "people"),
        *(
            _number(f"spark_ratio_{place}", f"Spark's time over DuckDB's at the {place} size of both", value)
            for place, value in ratios.items()
        ),
    ]


@dataclass(frozen=True, slots=True)
class Whole:
    """Links and features together, at one size: one after the other, so that the larger peak is the peak."""

    rows: int
    seconds: float
    cpu_seconds: float
    peak_mb: float


def _whole(rows: Sequence[Size], engine: str, memory: str) -> dict[int, Whole]:
    """Add up the steps by size; a size that lacks one is left out."""
    found: dict[int, Whole] = {}
    for users in sorted({row.users for row in rows}):
        steps = [row for row in rows if (row.users, row.engine, row.memory) == (users, engine, memory)]
        if {row.step for row in steps} == {"links", "features"}:
            seconds, cpu = (sum(getattr(row, name) or 0.0 for row in steps) for name in ("seconds", "cpu_seconds"))
            found[users] = Whole(steps[0].rows, seconds, cpu, max(row.peak_mb or 0.0 for row in steps))
    return found


def line_through(sizes: dict[int, Whole], what: str) -> Line:
    """Give the line; with one size alone all of it is taken as growing with the rows, which overstates a larger run."""
    small, large = sizes[min(sizes)], sizes[max(sizes)]
    low, high = float(getattr(small, what)), float(getattr(large, what))
    if small.rows == large.rows:
        return Line(0.0, high / large.rows)
    slope = (high - low) / (large.rows - small.rows)
    return Line(low - slope * small.rows, slope)


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
        notes=(*dict.fromkeys(f"Measured on: {row.machine}." for row in rows), *([_load(rows)] if rows else [])),
        group="engine",
    )


def _load(rows: Sequence[Size]) -> str:
    loads = [row.load for row in rows]
    return f"Load of the machine as each run began: {min(loads):.1f} to {max(loads):.1f} processes that wanted to work."


def _national(run: National) -> Table:
    return Table(
        id="size-national",
        title="A national run, extrapolated",
        columns=(Column("what", "Quantity"), Column("value", "Value", "number"), Column("source", "Where it comes from")),
        rows=(
            ("Rows of all extracts, millions", NATIONAL_ROWS / 1e6, "Assumed"),
            ("Spark: CPU seconds a million rows", run.cpu.slope * 1e6, "Measured: slope from the smallest to the largest size"),
            ("Spark: CPU seconds to begin with", run.cpu.start, "Measured: where that line starts"),
            ("Spark: CPU hours", run.cpu.at(NATIONAL_ROWS) / 3600, "Extrapolated: start and slope times rows"),
            ("Workers", WORKERS, "Assumed"),
            ("Cores of a worker", CORES, "Assumed"),
            ("Share of the time in which a core has work", BUSY, "Assumed"),
            ("Spark: hours", run.hours, "Extrapolated: CPU hours over workers, cores and share"),
            ("DuckDB: seconds a million rows", run.seconds.slope * 1e6, "Measured: slope from the smallest to the largest size"),
            ("DuckDB: hours, on cores like those measured", run.duckdb_hours, "Extrapolated: start and slope times rows"),
            ("DuckDB: memory, GB", run.duckdb_gb, "Extrapolated: likewise, from peak memory"),
        ),
        notes=(
            "Extrapolation, not measurement: no run of this size was made, and none on more than one machine.",
            *(ONE_SIZE.format(name) for name, line in (("Spark", run.cpu), ("DuckDB", run.seconds)) if not line.start),
        ),
    )


def _number(key: str, measure: str, value: float, unit: str = "number") -> Estimate:
    method = "measured by benchmarks/scale.py, or worked out from it as the table of the national run shows"
    return without_error(f"size/{key}", measure, value, unit=unit, n=1, method=method)
