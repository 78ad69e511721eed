"""The words in which an extract is declared: sources, extracts, columns, and the rules that rows must keep."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Arms = Literal["both", "users", "areas"]
"""Whom a source covers: both arms, service users only (by consent), or areas rather than people."""

ColumnType = Literal["text", "integer", "number", "boolean", "date"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: what it holds, in which unit, and what a value may be.

    `missing` says what a missing value means; None means that the column is never missing. `codes` lists the values of a
    coded column; `low` and `high` bound a number, both allowed; `pattern` is a regular expression for the whole text.
    `coverage` and `lag` are given where they differ from the source's own.
    """

    name: str
    type: ColumnType
    meaning: str
    unit: str = ""
    missing: str | None = None
    codes: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    pattern: str = ""
    identifiable: bool = False
    coverage: str = ""
    lag: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A value of `column` that is present must be a key of the extract `to`."""

    column: str
    to: str


@dataclass(frozen=True, slots=True)
class Order:
    """Where both dates are present, `earlier` must not come after `later`.

    A date of another extract is written "extract.column" and is reached by the one reference to that extract.
    """

    earlier: str
    later: str


@dataclass(frozen=True, slots=True)
class Source:
    """One keeper of records: whom they cover, how completely, how late, and where its people are named.

    `persons` is the extract that holds the identifiers for linkage; `person_id` is the source's own key of a person,
    which means nothing in any other source.
    """

    name: str
    title: str
    keeper: str
    arms: Arms
    coverage: str
    lag: str
    persons: str = ""
    person_id: str = ""


@dataclass(frozen=True, slots=True)
class Extract:
    """One file of one source: its columns, its key, and the rules between them.

    `dated_by` names the column that must lie from `begins` to the day on which the extracts were drawn
    (`[data] extract_end` in study.toml).
    """

    name: str
    source: Source
    title: str
    key: str
    columns: tuple[Column, ...]
    references: tuple[Reference, ...] = ()
    orders: tuple[Order, ...] = ()
    dated_by: str = ""
    begins: date | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def column(self, name: str) -> Column:
        """Give one column by name.

        Raises:
            KeyError: the extract has no such column.

        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name!r}; it has {', '.join(self.names)}")


def key(name: str, meaning: str) -> Column:
    """Declare a column that holds a key of the source: any text, never missing."""
    return Column(name, "text", meaning, pattern=r"\S+")


def coded(name: str, meaning: str, codes: tuple[str, ...], *, missing: str | None = None) -> Column:
    """Declare a coded column."""
    return Column(name, "text", meaning, codes=codes, missing=missing)


def day(name: str, meaning: str, *, missing: str | None = None, lag: str = "") -> Column:
    """Declare a date (written year-month-day in CSV)."""
    return Column(name, "date", meaning, unit="date", missing=missing, lag=lag)


def flag(name: str, meaning: str, *, missing: str | None = None) -> Column:
    """Declare a yes or no (true or false in CSV)."""
    return Column(name, "boolean", meaning, missing=missing)


def count(name: str, meaning: str, unit: str, *, low: float = 0, high: float, missing: str | None = None) -> Column:
    """Declare a whole number within bounds."""
    return Column(name, "integer", meaning, unit=unit, low=low, high=high, missing=missing)


SEXES = ("female", "male")
ETHNICITIES = ("asian", "black", "mixed", "white", "other")
ETHNICITY = coded("ethnicity", "ethnic group, five groups", ETHNICITIES, missing="not stated or not recorded")


def identifiers(*numbers: Literal["nhs_number", "pnc_id"]) -> tuple[Column, ...]:
    """Declare the identifiers of a person, read by linkage alone; `numbers` are the national numbers the source holds."""
    national = {
        "nhs_number": Column("nhs_number", "text", "NHS number", missing="not traced", pattern=r"[0-9]{10}", identifiable=True),
        "pnc_id": Column(
            "pnc_id",
            "text",
            "Police National Computer identifier",
            missing="not recorded by this source",
            pattern=r"[0-9]{4}/[0-9]{7}[A-Z]",
            identifiable=True,
        ),
    }
    return (
        *(national[number] for number in numbers),
        Column("forename", "text", "first name", missing="not recorded", identifiable=True),
        Column("surname", "text", "family name", missing="not recorded", identifiable=True),
        Column("birth_date", "date", "date of birth", unit="date", missing="not recorded", identifiable=True),
        coded("sex", "sex as this source records it", SEXES, missing="not recorded"),
        Column("postcode", "text", "home postcode, latest known", missing="none, or not recorded", identifiable=True),
    )
