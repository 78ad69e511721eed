"""Published facts and assumptions: `data/facts.csv`, each with its source and a flag that says how sure it is."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

FLAGS = {
    "FOUND": "read in the source",
    "FOUND (direction)": "read in the source; direction only",
    "FOUND (derived)": "worked out from numbers read in the source",
    "FOUND (secondary)": "read in a third party that quotes the source",
    "DERIVED": "arithmetic on numbers that were found",
    "RECALLED-high": "assumption: recalled with high confidence, not checked against the source",
    "RECALLED-medium": "assumption: recalled with medium confidence, not checked against the source",
    "RECALLED-low": "assumption: recalled with low confidence, not checked against the source",
    "NOT FOUND": "looked for and not found",
}
COLUMNS = ["id", "value", "unit", "text", "flag", "source", "where"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One published fact or assumption. `text` says what it is; `value` is None where none was found or none exists."""

    id: str
    value: float | None
    unit: str
    text: str
    flag: str
    source: str
    where: str

    @property
    def standing(self) -> str:
        """What the flag means, in words."""
        return FLAGS[self.flag]

    @property
    def assumed(self) -> bool:
        """Whether it may be used as an assumption only."""
        return self.flag.startswith("RECALLED")


def read_facts(path: Path) -> dict[str, Fact]:
    """Read the facts, keyed by id.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: other columns than expected, a repeated id, an unknown flag, a value that is no number, a value that
            was not found yet is given, a fact without source; all faults at once, by line.

    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; the facts that chapters quote are kept there ({', '.join(COLUMNS)})")
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != COLUMNS:
            raise ValueError(f"{path}: expected the columns {COLUMNS}, found {reader.fieldnames}")
        rows = list(enumerate(reader, start=2))
    faults = [f"  line {line}: {fault}" for line, row in rows for fault in _faults(row)]
    ids = [row["id"] for _, row in rows]
    faults += [f"  line {line}: id {row['id']!r} is repeated" for line, row in rows if ids.count(row["id"]) > 1]
    if faults:
        raise ValueError(f"{path}: {len(faults)} fault(s)\n" + "\n".join(faults))
    return {row["id"]: _fact(row) for _, row in rows}


def _faults(row: dict[str, str]) -> list[str]:
    faults = [f"{name} is empty" for name in ("id", "text", "source") if not row[name]]
    if row["flag"] not in FLAGS:
        faults.append(f"unknown flag {row['flag']!r}; flags: {', '.join(FLAGS)}")
    if row["flag"] == "NOT FOUND" and row["value"]:
        faults.append("what was not found has no value")
    try:
        float(row["value"] or 0)
    except ValueError:
        faults.append("value is no number")
    return faults


def _fact(row: dict[str, str]) -> Fact:
    value = float(row["value"]) if row["value"] else None
    return Fact(row["id"], value, *(row[name] for name in COLUMNS[2:]))
