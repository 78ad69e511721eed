"""What is wrong with a file, in words that name no person's value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule broken by one file. `rows` is how many rows broke it (None where the rule is about the whole file)."""

    file: str
    rule: str
    problem: str
    remedy: str
    column: str = ""
    rows: int | None = None

    def __str__(self) -> str:
        where = f"{self.file}, {self.column}" if self.column else self.file
        count = "" if self.rows is None else f" ({self.rows:,} row{'s' if self.rows != 1 else ''})"
        return f"{where}: {self.problem}{count}. {self.remedy}"
