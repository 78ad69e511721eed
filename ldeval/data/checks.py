"""Checks a folder of extracts against their declaration: every fault of every file at once, never a person's value.

All rules are SQL on DuckDB, which reads the files in pieces and spills to disk: memory is bounded for files of any size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from ldeval.data.dates import ISO
from ldeval.data.declaration import Column, Extract, Order, Reference
from ldeval.data.fault import Fault
from ldeval.data.files import HOW_WRITTEN, ExtractFile, connect, find_files, literal, quoted, unreadable
from ldeval.data.sources import EXTRACTS
from ldeval.study import Study

_DAY_FIRST = r"[0-9]{1,2}[/.-][0-9]{1,2}[/.-][0-9]{4}"


@dataclass(frozen=True, slots=True)
class _Rule:
    """A condition that no row may meet."""

    column: str
    name: str
    broken: str
    problem: str
    remedy: str


def check_folder(folder: Path, study: Study, say: Callable[[str], None] = lambda _: None) -> list[Fault]:
    """List every fault of the extracts in a folder, telling `say` of each file; none means that the study can use them."""
    with tempfile.TemporaryDirectory() as spill, connect(Path(spill)) as database:
        files, faults = find_files(database, folder, study.data.columns, study.data.date_format)
        usable: dict[str, ExtractFile] = {}
        for file in files:
            try:
                rows, found = _row_faults(database, file, study.data.extract_end)
                faults += found
                say(f"{file.path.name}: {rows:,} rows, kinds of fault within them: {len(found) or 'none'}")
            except duckdb.OutOfMemoryException:
                raise
            except duckdb.Error:
                faults.append(unreadable(file.path))
                continue
            database.execute(f"CREATE VIEW {quoted(file.extract.name)} AS {file.select()}")
            usable[file.extract.name] = file
        for file in usable.values():
            faults += _key_faults(database, file)
            faults += _reference_faults(database, file, usable)
            faults += _order_faults(database, file, usable)
            faults += _death_faults(database, file, usable)
    return faults


def _count(database: Any, sql: str) -> int:
    return int(database.execute(sql).fetchall()[0][0] or 0)


def _has(file: ExtractFile, *names: str) -> bool:
    return set(names) <= {column.name for column in file.columns}


def _row_faults(database: Any, file: ExtractFile, last: date) -> tuple[int, list[Fault]]:
    """Count the rows, and those that break each rule about one row, in a single pass over the file."""
    rules = [rule for column in file.columns for rule in _column_rules(file, column, last)]
    counts = ", ".join(["count(*)", *(f"count(*) FILTER (WHERE {rule.broken})" for rule in rules)])
    rows, *broken = database.execute(f"SELECT {counts} FROM {file.scan(tell=True)}").fetchall()[0]
    return rows, list(_counted(database, file, rules, broken))


def _counted(database: Any, file: ExtractFile, rules: list[_Rule], broken: list[int]) -> Iterator[Fault]:
    if file.is_csv and (ragged := _ragged(database)):
        remedy = "Quote texts that hold commas, quotes or line breaks, and export it again"
        yield Fault(file.path.name, "fields", "lines with too few or too many fields, or stray quotes", remedy, rows=ragged)
    for rule, rows in zip(rules, broken, strict=True):
        if rows:
            yield Fault(file.path.name, rule.name, rule.problem, rule.remedy, rule.column, rows)


def _ragged(database: Any) -> int:
    """Count the lines that the last reading set aside, and forget them."""
    if not _count(database, "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'reject_errors'"):
        return 0
    rows = _count(database, "SELECT count(DISTINCT line) FROM reject_errors")
    database.execute("DROP TABLE reject_errors; DROP TABLE reject_scans")
    return rows


def _column_rules(file: ExtractFile, column: Column, last: date) -> Iterator[_Rule]:
    raw, typed, name = file.raw(column), file.typed(column), column.name
    if file.is_csv and column.type != "text":
        yield from _date_written_rules(file, column) if column.type == "date" else [_written_rule(column, raw, typed)]
    if column.missing is None:
        yield _Rule(name, "missing value", f"{raw} IS NULL", "missing, but never may be", "Fill it, or drop the rows")
    if column.codes:
        codes = ", ".join(literal(code) for code in column.codes)
        yield _Rule(name, "code", f"{typed} NOT IN ({codes})", "unknown codes", f"Use {', '.join(column.codes)}")
    if column.pattern:
        broken = f"NOT regexp_full_match({typed}, {literal(column.pattern)})"
        yield _Rule(name, "pattern", broken, "not of the form expected", f"Expected the pattern {column.pattern}")
    if column.low is not None and column.high is not None:
        broken = f"{typed} NOT BETWEEN {column.low} AND {column.high} OR isnan({typed}::DOUBLE)"
        bounds = f"{column.low:g} to {column.high:g}"
        yield _Rule(name, "range", broken, f"outside {bounds}", f"Check the unit ({column.unit})")
    if column.type == "date":
        yield from _date_rules(file.extract, column, typed, last)


def _written_rule(column: Column, raw: str, typed: str) -> _Rule:
    """How values of CSV are written."""
    problem = f"not a {column.type}" if column.type != "integer" else "not an integer"
    return _Rule(column.name, "type", f"{raw} IS NOT NULL AND {typed} IS NULL", problem, f"Write {HOW_WRITTEN[column.type]}")


def _date_written_rules(file: ExtractFile, column: Column) -> Iterator[_Rule]:
    """How dates of CSV are written: say which mistake it looks like."""
    raw, dates = file.raw(column), file.dates
    wrong = f"{raw} IS NOT NULL AND {file.typed(column)} IS NULL"
    how = f"Write {dates.words}, or declare how they are written in [data.date_format] of study.toml"
    likely = [(dates.swapped, "day and month look swapped (month above 12; others may be swapped unseen)")]
    likely += [(_DAY_FIRST, "dates written day or month first")] if dates.written == ISO else []
    for pattern, problem in likely:
        if pattern:
            looks = f"regexp_full_match({raw}, {literal(pattern)})"
            yield _Rule(column.name, "date", f"{wrong} AND {looks}", problem, how)
            wrong += f" AND NOT {looks}"
    yield _Rule(column.name, "type", wrong, "not a date", how)


def _date_rules(extract: Extract, column: Column, typed: str, last: date) -> Iterator[_Rule]:
    if extract.source.arms == "areas":
        return
    remedy = "Check the date and [data] extract_end in study.toml"
    yield _Rule(column.name, "extract", f"{typed} > DATE '{last}'", f"after the extract's end, {last}", remedy)
    if column.name == extract.dated_by:
        broken, problem = f"{typed} < DATE '{extract.begins}'", f"before the extract begins, {extract.begins}"
        yield _Rule(column.name, "extract", broken, problem, "Leave out what is older, or check the dates")


def _key_faults(database: Any, file: ExtractFile) -> Iterator[Fault]:
    key = file.extract.key
    if not _has(file, key):
        return
    groups = f"SELECT count(*) AS n FROM {quoted(file.extract.name)} WHERE {key} IS NOT NULL GROUP BY {key} HAVING n > 1"
    if rows := _count(database, f"SELECT sum(n) FROM ({groups})"):
        yield Fault(file.path.name, "duplicate key", "keys that are there more than once", "Keep one row a key", key, rows)


def _reference_faults(database: Any, file: ExtractFile, usable: dict[str, ExtractFile]) -> Iterator[Fault]:
    for reference in file.extract.references:
        if not _reachable(file, reference, usable):
            continue
        name, target = file.extract.name, EXTRACTS[reference.to].key
        sql = (
            f"SELECT count(*) FROM {quoted(name)} AS own ANTI JOIN {quoted(reference.to)} AS other "
            f"ON own.{reference.column} = other.{target} WHERE own.{reference.column} IS NOT NULL"
        )
        if rows := _count(database, sql):
            remedy = f"Add the rows to {reference.to}, or drop these"
            yield Fault(file.path.name, "dangling", f"no such key in {reference.to}", remedy, reference.column, rows)


def _reachable(file: ExtractFile, reference: Reference, usable: dict[str, ExtractFile]) -> bool:
    other = usable.get(reference.to)
    return other is not None and _has(file, reference.column) and _has(other, other.extract.key)


def _order_faults(database: Any, file: ExtractFile, usable: dict[str, ExtractFile]) -> Iterator[Fault]:
    for order in file.extract.orders:
        tables = _joined(file, order, usable)
        if tables is None:
            continue
        earlier, later = (name if "." in name else f"{file.extract.name}.{name}" for name in (order.earlier, order.later))
        if rows := _count(database, f"SELECT count(*) FROM {tables} WHERE {earlier} > {later}"):
            problem = f"after {order.later}, which cannot be"
            yield Fault(file.path.name, "order", problem, "Check both dates at their source", order.earlier, rows)


def _joined(file: ExtractFile, order: Order, usable: dict[str, ExtractFile]) -> str | None:
    """Give the tables that an order compares, or None where one of its columns is not there."""
    tables = file.extract.name
    for name in (order.earlier, order.later):
        other, _, column = name.rpartition(".")
        if not other:
            if not _has(file, column):
                return None
            continue
        reference = next(reference for reference in file.extract.references if reference.to == other)
        if not _reachable(file, reference, usable) or not _has(usable[other], column):
            return None
        tables += f" JOIN {other} ON {file.extract.name}.{reference.column} = {other}.{usable[other].extract.key}"
    return tables


def _death_faults(database: Any, file: ExtractFile, usable: dict[str, ExtractFile]) -> Iterator[Fault]:
    """Count events after the death of someone with the same NHS number: it needs no linkage to be impossible."""
    source, dated = file.extract.source, file.extract.dated_by
    persons, deaths = usable.get(source.persons), usable.get("deaths")
    if file.extract.name == "deaths" or not dated or persons is None or deaths is None or not _has(file, dated):
        return
    if not (_has(persons, "nhs_number", source.person_id) and _has(deaths, "nhs_number", "death_date")):
        return
    owner = _owner(file, usable)
    if owner is None:
        return
    dead = "SELECT nhs_number, max(death_date) AS death_date FROM deaths WHERE nhs_number IS NOT NULL GROUP BY nhs_number"
    sql = (
        f"SELECT count(*) FROM {owner} JOIN {source.persons} AS person ON owner.{source.person_id} = "
        f"person.{source.person_id} JOIN ({dead}) AS dead ON person.nhs_number = dead.nhs_number WHERE dated > death_date"
    )
    if rows := _count(database, sql):
        problem = "after the death of the person with the same NHS number"
        yield Fault(file.path.name, "after death", problem, "Check the NHS numbers and the dates", dated, rows)


def _owner(file: ExtractFile, usable: dict[str, ExtractFile]) -> str | None:
    """Give the SQL of a file's events with the source's key of their person, found in the file or one reference away."""
    source, name = file.extract.source, file.extract.name
    if _has(file, source.person_id):
        return f"(SELECT {source.person_id}, {file.extract.dated_by} AS dated FROM {name}) AS owner"
    for reference in file.extract.references:
        if _reachable(file, reference, usable) and _has(usable[reference.to], source.person_id):
            key = usable[reference.to].extract.key
            return (
                f"(SELECT {source.person_id}, {name}.{file.extract.dated_by} AS dated FROM {name} "
                f"JOIN {reference.to} ON {name}.{reference.column} = {reference.to}.{key}) AS owner"
            )
    return None
