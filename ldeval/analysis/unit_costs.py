"""The register of unit costs: read and checked at one door, every amount in the prices of the study's year."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ldeval.stats.costs import uprate
from ldeval.study import Study

UNIT_COSTS = "unit costs"
"""The name under which results say that they come from the register."""

REGISTER_FILE = Path("data") / "unit_costs.csv"
DEFLATOR_FILE = Path("data") / "facts" / "gdp_deflator.csv"

COLUMNS = ["id", "text", "payer", "unit", "price_year", "low", "central", "high", "flag", "source", "from", "note"]
DEFLATOR_COLUMNS = ("series", "year", "index")
NUMBERS = ("low", "central", "high")
PAYERS = ("Prisons", "Probation", "Courts", "Police", "NHS", "Wider economy")
UNITS = ("pounds", "share")
FLAGS = {
    "FOUND": "read in the source",
    "FOUND (secondary)": "read in a third party that quotes the source",
    "FOUND (weak source)": "read in a weak source",
    "DERIVED": "arithmetic on numbers that were found",
    "RECALLED-high": "assumption: recalled with high confidence, not checked",
    "RECALLED-medium": "assumption: recalled with medium confidence, not checked",
    "RECALLED-low": "assumption: recalled with low confidence, not checked",
    "ASSUMPTION": "assumption: nothing was found",
}
NEEDED = (
    *("service", "prison_direct", "prison_overall", "community_order", "release_supervision", "breach_hearing"),
    *("breach_share", "arrest", "court_case", "employed", "earnings"),
)
"""What the chain from custody avoided to pounds multiplies by."""


@dataclass(frozen=True, slots=True)
class UnitCost:
    """One line of the register. `low`, `central` and `high` are in the study's prices; `given` and `price_year` as published."""

    id: str
    text: str
    payer: str
    unit: str
    price_year: str
    given: float
    low: float
    central: float
    high: float
    flag: str
    source: str
    note: str

    @property
    def standing(self) -> str:
        """What the flag means, in words."""
        return FLAGS[self.flag]


Register = Mapping[str, UnitCost]


def register_of(root: Path, study: Study) -> dict[str, UnitCost]:
    """Give the register of the study in `root`, at the prices of its year.

    Raises:
        FileNotFoundError, ValueError: as `read_register` and `read_deflator`.

    """
    plan = study.economics
    deflator = read_deflator(root / DEFLATOR_FILE, plan.deflator)
    if plan.price_year not in deflator:
        raise ValueError(f"study.toml [economics] price_year = {plan.price_year!r}: {plan.deflator} has {_span(deflator)}")
    return read_register(root / REGISTER_FILE, deflator, plan.price_year)


def read_deflator(path: Path, series: str) -> dict[str, float]:
    """Read one series of price indices, from year to index.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: columns are missing, the series is not there, or an index that is no number above zero.

    """
    rows = _rows(path, None)
    if found := [row for row in rows if row["series"] == series]:
        index = {row["year"]: _number(row["index"]) for row in found}
        if wrong := [year for year, level in index.items() if level is None or level <= 0]:
            raise ValueError(f"{path}: {series}: expected an index above zero in each year; not so in {', '.join(wrong)}")
        return {year: level for year, level in index.items() if level is not None}
    known = ", ".join(dict.fromkeys(row["series"] for row in rows))
    raise ValueError(f"{path}: no series {series!r}; name one of these in study.toml: {known}")


def read_register(path: Path, deflator: Mapping[str, float], year: str) -> dict[str, UnitCost]:
    """Read the register, keyed by id, uprated to the prices of `year`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: other columns than expected; a repeated or missing id; an unknown payer, unit or flag; numbers that are
            none, below zero or out of order; shares above one; a price year that the deflator lacks; no source; an
            assumption without a note. All faults at once, by line.

    """
    rows = _rows(path, COLUMNS)
    faults = [f"line {line}: {fault}" for line, row in enumerate(rows, start=2) for fault in _faults(row, deflator)]
    counts = Counter(row["id"] for row in rows)
    faults += [f"id {key!r} is there {times} times" for key, times in counts.items() if times > 1]
    faults += [f"id {key!r} is needed and not there" for key in NEEDED if key not in counts]
    if faults:
        raise ValueError(f"{path}: {len(faults)} fault(s)\n  " + "\n  ".join(faults))
    return {row["id"]: _unit_cost(row, deflator, year) for row in rows}


def _rows(path: Path, columns: list[str] | None) -> list[dict[str, str]]:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; expected a CSV with the columns {', '.join(columns or DEFLATOR_COLUMNS)}")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, restval="")
        found = list(reader.fieldnames or [])
        if (columns and found != columns) or not set(DEFLATOR_COLUMNS if columns is None else ()) <= set(found):
            raise ValueError(f"{path}: expected the columns {columns or list(DEFLATOR_COLUMNS)}, found {found}")
        return list(reader)


def _faults(row: Mapping[str, str], deflator: Mapping[str, float]) -> Iterator[str]:
    yield from (f"{name} is empty" for name in ("id", "text", "source") if not row[name])
    for name, known in (("payer", PAYERS), ("unit", UNITS), ("flag", tuple(FLAGS))):
        if row[name] not in known:
            yield f"unknown {name} {row[name]!r}; known: {', '.join(known)}"
    yield from _wrong_numbers(row)
    if row["unit"] == "pounds" and row["price_year"] not in deflator:
        yield f"price_year {row['price_year']!r} is not in the deflator, which has {_span(deflator)}"
    if row["unit"] == "share" and row["price_year"]:
        yield "a share has no price_year"
    if row["flag"] == "ASSUMPTION" and not row["note"]:
        yield "an assumption needs a note that says why"


def _wrong_numbers(row: Mapping[str, str]) -> Iterator[str]:
    numbers = [_number(row[name]) for name in NUMBERS]
    yield from (f"{name} is no number" for name, value in zip(NUMBERS, numbers, strict=True) if value is None)
    values = [value for value in numbers if value is not None]
    if any(value < 0 for value in values):
        yield "numbers must not be below zero"
    if row["unit"] == "share" and any(value > 1 for value in values):
        yield "a share must not be above one"
    if len(values) == len(NUMBERS) and values != sorted(values):
        yield f"expected low <= central <= high, found {', '.join(map(str, values))}"


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _unit_cost(row: Mapping[str, str], deflator: Mapping[str, float], year: str) -> UnitCost:
    given = [float(row[name]) for name in NUMBERS]
    low, central, high = (
        given if row["unit"] == "share" else (float(uprate(value, row["price_year"], year, deflator)) for value in given)
    )
    return UnitCost(
        id=row["id"],
        text=row["text"],
        payer=row["payer"],
        unit=row["unit"],
        price_year=row["price_year"],
        given=given[1],
        low=low,
        central=central,
        high=high,
        flag=row["flag"],
        source=row["source"],
        note=row["note"],
    )


def _span(deflator: Mapping[str, float]) -> str:
    return f"{min(deflator)} to {max(deflator)}"
