"""What the repository holds as evidence on its estimators: coverage, speed, and the references that nothing covers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ldeval.data.open_data import FOLDER, present
from ldeval.words import capital

COVERAGE = Path("tests") / "coverage"
TWINS = COVERAGE / "twin"
BENCHMARKS = Path("benchmarks") / "results"
NOT_COVERED = FOLDER / "not_covered.csv"
BENCHES = {
    "stats": "Cox model",
    "stats_survival": "Curves",
    "stats_regression": "Regressions with clustered errors",
    "render": "Rendering",
    "report": "The whole report",
    "features": "Records to features",
    "stats_national": "Models at national size",
}
"""The words for each benchmark; one that is not here goes by its file's name."""
WORDS = {
    ("extract", "users"): "records of users",
    ("extract", "everyone"): "records of everybody",
    ("work", "whole"): "all features",
    ("work", "core"): "index events, offences before and reconvictions",
    ("work", "core in pandas"): "the same in pandas",
}
"""What the columns of a benchmark of sizes say, in words."""
SCALE = "scale"
RULES = ("Independent people", "Areas, no correction", "Areas, CR1-t", "Areas, CR2")
"""How the intervals of a simulated setting are made."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """How often an estimator's 95% interval held the known truth in `draws` simulated studies."""

    family: str
    estimator: str
    setting: str
    rule: str
    truth: float
    mean: float
    bias: float
    coverage: float
    draws: int
    seed: int


@dataclass(frozen=True, slots=True)
class TwinDraws:
    """A headline estimate over draws of a twin, on the model's scale; `low` to `high` is the band of its coverage."""

    twin: str
    id: str
    truth: float
    mean: float
    bias: float
    bias_mc_error: float
    sd: float
    mean_se: float
    coverage: float
    low: float
    high: float
    draws: int
    seed: int

    @property
    def within(self) -> bool:
        """Whether the coverage lies in its band."""
        return self.low <= self.coverage <= self.high


@dataclass(frozen=True, slots=True)
class Rung:
    """The share of draws in which an alarm rings; `nominal` and `uniform_p` where it is a test."""

    twin: str
    id: str
    alarm: str
    rings: float
    nominal: float | None
    uniform_p: float | None
    draws: int


@dataclass(frozen=True, slots=True)
class Timing:
    """The time of one case here and of what it is compared with; `other` is None where there is nothing to compare with."""

    family: str
    case: str
    against: str
    seconds: float | None
    other: float | None
    ratio: float | None
    machine: str


@dataclass(frozen=True, slots=True)
class Size:
    """What one step took at one size on one engine; figures are None where the process died."""

    users: int
    rows: int
    engine: str
    memory: str
    step: str
    seconds: float | None
    cpu_seconds: float | None
    peak_mb: float | None
    load: float
    machine: str


def sizes(root: Path) -> list[Size]:
    """Read what `benchmarks/scale.py` measured."""
    path = root / BENCHMARKS / f"{SCALE}.csv"
    return [_size(row) for row in _rows(path)] if path.is_file() else []


def _size(row: dict[str, str]) -> Size:
    seconds, cpu, peak = (float(row[name]) if row[name] else None for name in ("seconds", "cpu_seconds", "peak_mb"))
    users, rows, load = int(row["users"]), int(row["rows"]), float(row["load_at_start"])
    return Size(users, rows, row["engine"], row["memory"], row["step"], seconds, cpu, peak, load, row["machine"])


def not_covered(root: Path) -> dict[str, str]:
    """Give the keys of R's results (and the fields of keys, after a comma) that no method covers, and why.

    Raises:
        FileNotFoundError: the list is not there.

    """
    rows = _rows(present(root / NOT_COVERED, "the keys of R's results that no method covers"))
    return {", ".join(filter(None, (row["key"], row["field"]))): row["reason"] for row in rows}


def coverage(root: Path) -> list[Coverage]:
    """Read every table of simulated coverage, each written by the simulation beside it."""
    return [_coverage(path.stem, row) for path in files(root / COVERAGE) for row in _rows(path)]


def twin_draws(root: Path) -> list[TwinDraws]:
    """Read how the headline estimates did over draws of the twins (tests/coverage/simulate_twin.py writes it)."""
    return [
        _drawn(row) for row in _rows(present(root / TWINS / "estimates.csv", "the headline estimates over draws of the twins"))
    ]


def _drawn(row: dict[str, str]) -> TwinDraws:
    return TwinDraws(
        twin=row["twin"],
        id=row["id"],
        truth=float(row["truth"]),
        mean=float(row["mean"]),
        bias=float(row["bias"]),
        bias_mc_error=float(row["bias_mc_error"]),
        sd=float(row["sd"]),
        mean_se=float(row["mean_se"]),
        coverage=float(row["coverage"]),
        low=float(row["band_low"]),
        high=float(row["band_high"]),
        draws=int(row["draws"]),
        seed=int(row["seed"]),
    )


def alarms(root: Path) -> list[Rung]:
    """Read how often the alarms rang over draws of the twins."""
    return [_rung(row) for row in _rows(present(root / TWINS / "alarms.csv", "the alarms over draws of the twins"))]


def _rung(row: dict[str, str]) -> Rung:
    nominal, uniform = (float(row[name]) if row[name] else None for name in ("nominal", "uniform_p"))
    return Rung(row["twin"], row["id"], row["alarm"], float(row["rings"]), nominal, uniform, int(row["draws"]))


def timings(root: Path) -> list[Timing]:
    """Read every table that a benchmark wrote, but for that of sizes, which has a page of its own."""
    return [timing for path in files(root / BENCHMARKS) if path.stem != SCALE for timing in _timings(path)]


def files(folder: Path) -> list[Path]:
    """Give the tables of a folder by name."""
    return sorted(folder.glob("*.csv"))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _coverage(family: str, row: dict[str, str]) -> Coverage:
    """Read one row; the bias is in Monte Carlo errors of the mean."""
    truth, mean, bias, covered = (float(row[name]) for name in ("truth", "mean_estimate", "bias_over_mc_error", "coverage"))
    draws, seed, setting = int(row["draws"]), int(row["seed"]), row["setting"]
    return Coverage(family, row["estimator"], setting, _rule(setting), truth, mean, bias, covered, draws, seed)


def _rule(setting: str) -> str:
    for rule in ("CR1-t", "CR2"):
        if rule in setting:
            return f"Areas, {rule}"
    return RULES[1] if any(word in setting for word in ("area", "cluster", "units")) else RULES[0]


def _timings(path: Path) -> Iterator[Timing]:
    """Read one table: of packages on the same cases, of renderers, of pairs, or of times alone."""
    rows, family = _rows(path), BENCHES.get(path.stem, path.stem)
    if "package" in rows[0]:
        own = {_case(row): float(row["seconds"]) for row in rows if row["package"] == "ldeval"}
        for row in (row for row in rows if row["package"] != "ldeval"):
            ours, theirs = own[_case(row)], float(row["seconds"])
            times = float(next(row[name] for name in ("times_ours", "times_ldeval") if name in row))
            yield Timing(family, _case(row), row["package"], ours, theirs, times, row["machine"])
    elif "renderer" in rows[0]:
        for row in rows:
            by = "" if row["renderer"] == "builtin" else f", {row['renderer'].capitalize()}"
            yield Timing(family, capital(row["what"]) + by, "", float(row["seconds"]), None, None, row["machine"])
    elif "what" not in rows[0]:
        for row in rows:
            names = list(row)[: list(row).index("seconds")]
            case = capital(", ".join(_worded(name, row[name]) for name in names))
            yield Timing(family, case, "", float(row["seconds"]), None, None, row["machine"])
    else:
        for row in rows:
            case, _, against = row["what"].rpartition(": ")
            first, second, ratio = (float(row[name]) if row.get(name) else None for name in ("seconds", "other_seconds", "ratio"))
            yield Timing(family, case or row["what"], against if case else "itself", first, second, ratio, row["machine"])


def _worded(name: str, value: str) -> str:
    """Say a size as a number of what it counts, and which records or which work was meant in words."""
    return f"{int(value):,} {name.replace('_', ' ')}" if value.isdigit() else WORDS.get((name, value), value)


def _case(row: dict[str, str]) -> str:
    if "case" in row:
        return f"{row['case']}, {row['times']}, {int(row['rows']):,} rows"
    return f"{row['model'].capitalize()}, {int(row['rows']):,} x {row['columns']}, {row['clusters']} clusters"
