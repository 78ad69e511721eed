"""Extracts of a service's users alone, as large as wanted: one small twin, copied, each copy with keys and identities of its own.

They are what a keeper gives who is asked for the users of a service: their own records, police and courts from a year before
the window on, and a few other people. A copy's people have other surnames, postcodes and national numbers, and are born a day
later than those of the copy before, so that linkage compares as many pairs a record as in the twin, and a few more by chance.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from ldeval.data.declaration import Extract
from ldeval.data.folders import links_folder, truth_folder
from ldeval.data.linked import LINKS
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design

BASE = 10_000
"""Users of the twin that is copied."""

OTHERS = 50
"""One in so many of the people, and of the court cases without a person, who are nobody's users."""

SINCE = {"pnc_events": "event_date", "court_cases": "charge_date"}
"""Extracts of the users' lives that are cut, and by which day."""

LINK = "SELECT source, {key} AS key, 'S' || person AS study_id, 1.0::DOUBLE AS link_probability FROM {who}"
TIMES = "FROM {name}, (SELECT range::INTEGER AS copy FROM range({copies}))"
LETTERS = " || ".join(f"chr(97 + copy // {power} % 26)" for power in (676, 26, 1))
IDENTITY = {
    "surname": f"surname || {LETTERS}",
    "postcode": "copy || postcode",
    "nhs_number": "nhs_number || '-' || copy",
    "pnc_id": "pnc_id || '-' || copy",
    "birth_date": "birth_date + copy",
}
"""SQL of the identifiers of a copy's people."""


def copy_users(folder: Path, copies: int) -> None:
    """Write a twin's users, their records of late and a few others, so many times, and beside them their true links."""
    with tempfile.TemporaryDirectory() as place, duckdb.connect() as database:
        twin = write_twin(Design("identified", 1, BASE), Path(place) / "twin", processes=2)
        database.execute("SET preserve_insertion_order = false; SET memory_limit = '2GB'")
        who = f"read_parquet('{truth_folder(twin.folder) / 'identities.parquet'}')"
        users = f"SELECT person FROM {who} WHERE source = 'ld'"
        database.execute(f"CREATE TABLE kept AS SELECT * FROM {who} WHERE person IN ({users}) OR person % {OTHERS} = 0")
        folder.mkdir()
        links_folder(folder).mkdir()
        for name, extract in EXTRACTS.items():
            database.execute(f"CREATE TABLE {name} AS {few(twin.folder / f'{name}.parquet', extract)}")
            database.execute(f"COPY ({copied(extract, copies)}) TO '{folder / f'{name}.parquet'}'")
        anew = "source_person_id || '-' || copy AS source_person_id, person || '-' || copy AS person"
        again = f"(SELECT * EXCLUDE copy REPLACE ({anew}) {TIMES.format(name='kept', copies=copies)})"
        database.execute(f"COPY ({LINK.format(key='source_person_id', who=again)}) TO '{links_folder(folder) / LINKS}'")


def copied(extract: Extract, copies: int) -> str:
    """Give the SQL of an extract so many times, with keys and identities of its own each time; the areas are the same."""
    keys = {extract.key, extract.source.person_id, *(reference.column for reference in extract.references)} - {"area_id"}
    anew = {key: f"{key} || '-' || copy" for key in sorted(keys)} | IDENTITY
    replaced = ", ".join(f"{sql} AS {name}" for name, sql in anew.items() if name in extract.names)
    if not replaced:
        return f"SELECT * FROM {extract.name}"
    return f"SELECT * EXCLUDE copy REPLACE ({replaced}) {TIMES.format(name=extract.name, copies=copies)}"


def few(path: Path, extract: Extract) -> str:
    """Give the SQL of an extract's rows of the people kept; those that follow from other rows go with them."""
    rows, source = f"SELECT * FROM read_parquet('{path}')", extract.source
    if extract.name in SINCE:
        rows += f" WHERE {SINCE[extract.name]} >= DATE '2016-01-01'"
    if source.person_id in extract.names:
        own = f"SELECT source_person_id FROM kept WHERE source = '{source.name}'"
        nobody = f"{source.person_id} IS NULL AND hash({extract.key}) % {OTHERS} = 0"
        return f"SELECT * FROM ({rows}) WHERE {source.person_id} IN ({own}) OR {nobody}"
    if extract.references:
        reference = extract.references[0]
        return f"SELECT * FROM ({rows}) WHERE {reference.column} IN (SELECT {EXTRACTS[reference.to].key} FROM {reference.to})"
    return rows
