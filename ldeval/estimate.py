"""`Estimate`, the one result type, a table of them, and the comparison of two tables."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args

Scale = Literal["log", "identity"]

NUMBERS = ("value", "low", "high")
"""The fields that may drift between two runs by a fraction of the estimate's own standard error."""
ROUNDING = 1e-9
"""Relative drift of a number without a standard error that is rounding: processors add in different orders."""

PLAIN: dict[str, type[float] | type[int]] = {
    **dict.fromkeys((*NUMBERS, "se", "level", "p_value"), float),
    **dict.fromkeys(("n", "events"), int),
}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One effect, a hazard ratio and a sum in pounds alike, with all that a reviewer needs to challenge it.

    `value`, `low` and `high` are on the natural scale; `se` is on `scale`: for "log" it is the standard error of
    log(value). `n` counts the people (or cases) used, `events` those with the outcome (None where the outcome is not an
    event). `method` is one line that a reviewer can follow.

    Raises:
        ValueError: an interval that misses its value, a ratio (scale "log") at or below zero, a negative or non-finite
            `se`, a level outside (0, 1), negative counts, more faults than one being reported together.

    """

    id: str
    outcome: str
    measure: str
    unit: str
    estimand: str
    value: float
    se: float
    scale: Scale
    low: float
    high: float
    level: float
    n: int
    events: int | None
    method: str
    p_value: float | None = None

    def __post_init__(self) -> None:
        self._make_plain()
        if faults := [text for broken, text in self._rules() if broken]:
            raise ValueError(f"estimate {self.id!r}: " + "; ".join(faults))

    def _make_plain(self) -> None:
        """Keep numbers of any kind (numpy's above all) as Python's own, so that they print and compare as such."""
        for name, plain in PLAIN.items():
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, plain(value))

    def _rules(self) -> Iterator[tuple[bool, str]]:
        yield (
            not self.id or any(c.isspace() for c in self.id),
            "id must be one word such as 'reconviction/hazard_ratio/att'",
        )
        yield self.scale not in get_args(Scale), f"scale must be one of {get_args(Scale)}, found {self.scale!r}"
        yield not math.isfinite(self.value), f"value must be finite, found {self.value}"
        yield not (math.isfinite(self.se) and self.se >= 0), f"se must be finite and not negative, found {self.se}"
        yield (
            not self.low <= self.value <= self.high,
            f"interval {self.low} to {self.high} misses its value {self.value}",
        )
        yield (
            self.scale == "log" and not (self.value > 0 and self.low >= 0),
            "a ratio and its bounds must be above zero",
        )
        yield not 0 < self.level < 1, f"level must lie between 0 and 1, found {self.level}"
        yield self.n < 0 or (self.events or 0) < 0, "n and events must not be negative"
        yield (
            self.p_value is not None and not 0 <= self.p_value <= 1,
            f"p_value must lie in [0, 1], found {self.p_value}",
        )

    @property
    def null(self) -> float:
        """The value that means no effect: 1 for a ratio, 0 for a difference."""
        return 1.0 if self.scale == "log" else 0.0


class Estimates(Mapping[str, Estimate]):
    """A table of estimates, keyed by id, in the order given.

    Raises:
        ValueError: a repeated id; all repeated ids are named at once.

    """

    def __init__(self, rows: Iterable[Estimate] = ()) -> None:
        given = list(rows)
        if repeated := sorted(key for key, times in Counter(row.id for row in given).items() if times > 1):
            raise ValueError(f"each estimate needs an id of its own; repeated: {', '.join(repeated)}")
        self._rows = {row.id: row for row in given}

    def __getitem__(self, key: str) -> Estimate:
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def write_csv(estimates: Estimates, path: Path) -> None:
    """Write the table, one row an estimate, floats with all their digits."""
    names = [field.name for field in fields(Estimate)]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([cell(getattr(row, name)) for name in names] for row in estimates.values())


def read_csv(path: Path) -> Estimates:
    """Read a table that `write_csv` wrote.

    Raises:
        ValueError: columns other than the fields of `Estimate`, or a row that is no estimate; row and reason are named.

    """
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        expected = [field.name for field in fields(Estimate)]
        if reader.fieldnames != expected:
            raise ValueError(f"{path}: expected the columns {expected}, found {reader.fieldnames}")
        return Estimates(_row(path, line, row) for line, row in enumerate(reader, start=2))


def cell(value: object) -> str:
    """Write one value as CSV text: floats with all their digits, None as an empty cell."""
    return "" if value is None else repr(float(value)) if isinstance(value, float) else str(value)


def _row(path: Path, line: int, row: dict[str, str]) -> Estimate:
    try:
        return Estimate(
            id=row["id"],
            outcome=row["outcome"],
            measure=row["measure"],
            unit=row["unit"],
            estimand=row["estimand"],
            value=float(row["value"]),
            se=float(row["se"]),
            scale=row["scale"],  # type: ignore[arg-type]  # __post_init__ checks it
            low=float(row["low"]),
            high=float(row["high"]),
            level=float(row["level"]),
            n=int(row["n"]),
            events=int(row["events"]) if row["events"] else None,
            method=row["method"],
            p_value=float(row["p_value"]) if row["p_value"] else None,
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}, line {line}: {error}") from error


@dataclass(frozen=True, slots=True)
class Change:
    """One field of one estimate that differs between two tables; `drift` is in standard errors where it is a number."""

    id: str
    field: str
    old: object
    new: object
    drift: float | None = None

    def __str__(self) -> str:
        if self.field == "id":
            return f"{self.id}: {'new' if self.old is None else 'gone'}"
        drift = "" if self.drift is None else f" ({self.drift:+.2g} se)"
        old, new = (f"{v:.6g}" if isinstance(v, float) else v for v in (self.old, self.new))
        return f"{self.id}: {self.field} {old} -> {new}{drift}"


def compare(old: Estimates, new: Estimates, *, tolerance: float = 1e-6) -> list[Change]:
    """List what changed from `old` to `new`.

    `value`, `low` and `high` may drift by `tolerance` times the old standard error (on the estimate's own scale), where there is
    none by `ROUNDING` of their size; `se` and `p_value` by `tolerance` of theirs; every other field must match exactly.
    """
    changes = [Change(key, "id", key, None) for key in old if key not in new]
    changes += [Change(key, "id", None, key) for key in new if key not in old]
    for key in (key for key in old if key in new):
        changes += _changes(old[key], new[key], tolerance)
    return changes


def _changes(old: Estimate, new: Estimate, tolerance: float) -> Iterator[Change]:
    for field in fields(Estimate):
        before, after = getattr(old, field.name), getattr(new, field.name)
        if before == after:
            continue
        if field.name in NUMBERS:
            drift = _drift(old, before, after)
            if not abs(drift) <= tolerance:
                yield Change(old.id, field.name, before, after, drift)
        elif field.name in ("se", "p_value") and None not in (before, after):
            if not math.isclose(before, after, rel_tol=tolerance, abs_tol=1e-12):
                yield Change(old.id, field.name, before, after)
        else:
            yield Change(old.id, field.name, before, after)


def _drift(old: Estimate, before: float, after: float) -> float:
    if old.scale == "log":
        before, after = (math.log(v) if v > 0 else -math.inf for v in (before, after))
    if old.se > 0:
        return (after - before) / old.se
    return 0.0 if math.isclose(before, after, rel_tol=ROUNDING, abs_tol=1e-12) else math.copysign(math.inf, after - before)
