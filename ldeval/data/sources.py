"""Each extract declared once: from here come validation, the data dictionary and the shape of the twin.

Records of one person in different sources share no key: `linkage` finds them by the identifiers in each source's persons
extract (`Source.persons`).
"""

from __future__ import annotations

from dataclasses import dataclass

from ldeval.data.declaration import Column, Extract, Source
from ldeval.data.extracts_health import HEALTH_EXTRACTS
from ldeval.data.extracts_justice import JUSTICE_EXTRACTS
from ldeval.data.extracts_service import SERVICE_EXTRACTS

EXTRACTS: dict[str, Extract] = {extract.name: extract for extract in (*SERVICE_EXTRACTS, *JUSTICE_EXTRACTS, *HEALTH_EXTRACTS)}
"""Every extract by name, in the order of the data dictionary."""

SOURCES: dict[str, Source] = {extract.source.name: extract.source for extract in EXTRACTS.values()}
"""Every source by name."""

PERSON_SOURCES: tuple[Source, ...] = tuple(source for source in SOURCES.values() if source.persons)
"""The sources that name people, each with the extract that holds the identifiers."""


@dataclass(frozen=True, slots=True)
class DictionaryRow:
    """One column of one extract, as the data dictionary shows it."""

    extract: str
    column: str
    type: str
    unit: str
    meaning: str
    constraint: str
    missing: str
    identifiable: bool
    source: str
    arms: str
    coverage: str
    lag: str


def dictionary() -> list[DictionaryRow]:
    """Give the data dictionary: one row a column, in the declared order."""
    return [_row(extract, column) for extract in EXTRACTS.values() for column in extract.columns]


def _row(extract: Extract, column: Column) -> DictionaryRow:
    source = extract.source
    return DictionaryRow(
        extract=extract.name,
        column=column.name,
        type=column.type,
        unit=column.unit,
        meaning=column.meaning,
        constraint="; ".join(_constraints(extract, column)),
        missing=column.missing or "never missing",
        identifiable=column.identifiable,
        source=source.title,
        arms=source.arms,
        coverage=column.coverage or source.coverage,
        lag=column.lag or source.lag,
    )


def _constraints(extract: Extract, column: Column) -> list[str]:
    found = ["unique"] if column.name == extract.key else []
    found += [f"a key of {ref.to}" for ref in extract.references if ref.column == column.name]
    found += [f"one of {', '.join(column.codes)}"] if column.codes else []
    found += [f"{_plain(column.low)} to {_plain(column.high)}"] if column.low is not None and column.high is not None else []
    found += [f"not after {order.later}" for order in extract.orders if order.earlier == column.name]
    found += [f"not before {order.earlier}" for order in extract.orders if order.later == column.name]
    found += [f"from {extract.begins} to the day of the extract"] if column.name == extract.dated_by else []
    return found


def _plain(bound: float) -> str:
    return f"{bound:,.0f}" if bound == int(bound) else f"{bound:g}"
