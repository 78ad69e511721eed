"""The files of a folder of extracts: which file holds which extract, whether it can be read at all, and how to read it."""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from ldeval.data.csv_bytes import look_at
from ldeval.data.dates import ISO, WRITTEN_AS_ISO, DateFormat
from ldeval.data.declaration import Column, ColumnType, Extract
from ldeval.data.fault import Fault
from ldeval.data.sources import EXTRACTS

SUFFIXES = (".parquet", ".csv")

DUCKDB_TYPES: dict[ColumnType, str] = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
}
_STORED_AS: dict[ColumnType, tuple[str, ...]] = {
    "text": ("VARCHAR", "ENUM"),
    "integer": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"),
    "number": ("FLOAT", "DOUBLE", "DECIMAL", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UINTEGER"),
    "boolean": ("BOOLEAN",),
    "date": ("DATE",),
}
_WRITTEN_AS: dict[ColumnType, str] = {
    "integer": r"[+-]?[0-9]+",
    "number": r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?",
    "boolean": r"(?i)true|false|t|f|1|0",
}
HOW_WRITTEN: dict[ColumnType, str] = {
    "text": "text",
    "integer": "whole numbers without separators",
    "number": "numbers with a decimal point and no separators",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True)
class ExtractFile:
    """A readable file: its extract, and the names of its columns by our names. CSV: how lines end and dates are written."""

    path: Path
    extract: Extract
    theirs: dict[str, str]
    header: tuple[str, ...]
    unfit: frozenset[str] = frozenset()
    newline: str = "\\n"
    dates: DateFormat = WRITTEN_AS_ISO

    @property
    def is_csv(self) -> bool:
        """Whether the file is CSV (else Parquet)."""
        return self.path.suffix == ".csv"

    @property
    def columns(self) -> tuple[Column, ...]:
        """The declared columns that the file has, of a type that can be read."""
        return tuple(c for c in self.extract.columns if c.name in self.theirs and c.name not in self.unfit)

    def scan(self, *, tell: bool = False) -> str:
        """Give the SQL that reads the file as it is; all columns of CSV are text, and ragged lines are left out.

        With `tell` they are counted in the database's table `reject_errors` (which is there only if there are any).
        """
        if not self.is_csv:
            return _read_parquet(self.path)
        names = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in self.header)
        rejects = "store_rejects=true, rejects_limit=0" if tell else "ignore_errors=true"
        return (
            f"read_csv({literal(str(self.path))}, auto_detect=false, header=true, delim=',', quote='\"', escape='\"', "
            f"nullstr='', {rejects}, max_line_size=10000000, new_line='{self.newline}', "
            f"columns={{{names}}})"
        )

    def select(self) -> str:
        """Give the SQL that reads the declared columns under our names and with our types (NULL where a text has none)."""
        cells = ", ".join(f"{self.typed(column)} AS {quoted(column.name)}" for column in self.columns)
        return f"SELECT {cells} FROM {self.scan()}"

    def raw(self, column: Column) -> str:
        """Give the SQL of a column as the file holds it."""
        return quoted(self.theirs[column.name])

    def typed(self, column: Column) -> str:
        """Give the SQL of a column with our type."""
        cast = f"TRY_CAST({self.raw(column)} AS {DUCKDB_TYPES[column.type]})"
        if not self.is_csv or column.type == "text":
            return cast
        pattern = self.dates.pattern if column.type == "date" else _WRITTEN_AS[column.type]
        if column.type == "date" and self.dates.written != ISO:
            cast = f"TRY_CAST(try_strptime({self.raw(column)}, {literal(self.dates.written)}) AS DATE)"
        return f"CASE WHEN regexp_full_match({self.raw(column)}, {literal(pattern)}) THEN {cast} END"


def _read_parquet(path: Path) -> str:
    """Give the SQL that reads a file, or a folder of files at any depth, with what their folders are named after as texts."""
    if path.is_dir():
        return f"read_parquet({literal(f'{path}/**/*.parquet')}, hive_partitioning=true, hive_types_autocast=false)"
    return f"read_parquet({literal(str(path))}, hive_partitioning=false)"


def quoted(name: str) -> str:
    """Write a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Write a text for SQL."""
    return "'" + text.replace("'", "''") + "'"


def connect(spill: Path, memory: str = "1GB") -> Any:
    """Open a database in memory that spills to a folder when it needs more than `memory`."""
    return duckdb.connect(config={"memory_limit": memory, "temp_directory": str(spill), "preserve_insertion_order": "false"})


def find_files(
    database: Any, folder: Path, renames: Mapping[str, Mapping[str, str]], dates: Mapping[str, str] | None = None
) -> tuple[list[ExtractFile], list[Fault]]:
    """Find the file of every extract in a folder, and everything that is wrong with the files as files.

    `renames` are the folder's own names for our columns, `dates` how its CSV writes dates, both by extract.
    """
    written = {name: DateFormat(text) for name, text in (dates or {}).items()}
    if not folder.is_dir():
        return [], [Fault(str(folder), "folder", "not a folder", "Name the folder that holds the extracts")]
    files, faults = [], [*_stray(folder), *_bad_renames(renames), *_bad_dates(written)]
    for extract in EXTRACTS.values():
        found = [folder / f"{extract.name}{suffix}" for suffix in SUFFIXES]
        found = [path for path in found if path.exists()]
        if len(found) != 1:
            faults.append(_not_one(extract, found))
            continue
        file, problems = _open(database, found[0], extract, renames.get(extract.name, {}))
        faults += problems
        files += [replace(file, dates=written.get(extract.name, WRITTEN_AS_ISO))] if file else []
    return files, faults


def _stray(folder: Path) -> Iterator[Fault]:
    for path in sorted(folder.iterdir()):
        if path.stem not in EXTRACTS or path.suffix not in SUFFIXES:
            yield Fault(path.name, "stray", "not an extract of the study", "Move it out, or rename it after its extract")


def _bad_renames(renames: Mapping[str, Mapping[str, str]]) -> Iterator[Fault]:
    for name, columns in renames.items():
        known = EXTRACTS[name].names if name in EXTRACTS else ()
        for column in columns:
            if column not in known:
                problem = f"[data.columns.{name}] renames {column}, which is not declared"
                yield Fault("study.toml", "rename", problem, "See the data dictionary for extracts and columns")


def _bad_dates(written: Mapping[str, DateFormat]) -> Iterator[Fault]:
    for name in written.keys() - EXTRACTS.keys():
        yield Fault("study.toml", "dates", f"[data.date_format] names {name}, which is no extract", "See the data dictionary")


def _not_one(extract: Extract, found: list[Path]) -> Fault:
    if found:
        return Fault(extract.name, "twice", "there as CSV and as Parquet", "Keep one of the two")
    remedy = f"Add {extract.name}.parquet or {extract.name}.csv ({extract.title[0].lower()}{extract.title[1:]})"
    return Fault(extract.name, "missing file", "no such file", remedy)


def _open(database: Any, path: Path, extract: Extract, renames: Mapping[str, str]) -> tuple[ExtractFile | None, list[Fault]]:
    if path.is_dir():
        return _open_folder(database, path, extract, renames)
    if path.stat().st_size == 0:
        return None, [Fault(path.name, "empty", "an empty file", "Export it again; no rows still need a header")]
    if path.suffix == ".csv":
        return _open_csv(path, extract, renames)
    return _open_parquet(database, path, extract, renames)


def _open_folder(
    database: Any, path: Path, extract: Extract, renames: Mapping[str, str]
) -> tuple[ExtractFile | None, list[Fault]]:
    """Open an extract in many files: a folder of Parquet, whose folders may be named after a column (`year=2017`)."""
    parts = sorted(path.rglob("*.parquet"))
    if path.suffix == ".csv" or not parts:
        return None, [
            Fault(path.name, "folder", "a folder where a file should be", "Give one file, or a folder of Parquet files")
        ]
    if any(part.startswith(("_", ".")) for file in parts for part in file.relative_to(path).parts):
        return None, [Fault(path.name, "unfinished", "holds files of an unfinished export", "Export it again")]
    if not _alike(database, path):
        return None, [Fault(path.name, "parts", "its files differ in columns or types", "Export it again in one piece")]
    keys = {folder.partition("=")[0] for file in parts for folder in file.relative_to(path).parts[:-1] if "=" in folder}
    return _open_parquet(database, path, extract, renames, keys)


def _alike(database: Any, path: Path) -> bool:
    """Say whether all files of a folder have the same columns; of files that cannot be read, that is told later."""
    columns = "SELECT file_name, list((name, type, logical_type)) AS columns FROM parquet_schema({}) GROUP BY file_name"
    found = columns.format(literal(f"{path}/**/*.parquet"))
    try:
        return bool(database.execute(f"SELECT count(DISTINCT columns) <= 1 FROM ({found})").fetchall()[0][0])
    except duckdb.Error:
        return True


def unreadable(path: Path) -> Fault:
    """Say that a file is not what its name promises."""
    kind = "CSV" if path.suffix == ".csv" else "Parquet"
    remedy = "Copy or export it again: it is truncated, damaged, or something else under that name"
    return Fault(path.name, "unreadable", f"not readable as {kind}", remedy)


def _open_parquet(
    database: Any, path: Path, extract: Extract, renames: Mapping[str, str], keys: Collection[str] = ()
) -> tuple[ExtractFile | None, list[Fault]]:
    """Open Parquet; `keys` are the names that its folders give, which hold texts and may be no column of ours."""
    try:
        described = database.execute(f"DESCRIBE SELECT * FROM {_read_parquet(path)}").fetchall()
    except duckdb.Error:
        return None, [unreadable(path)]
    wanted = {renames.get(column.name, column.name) for column in extract.columns}
    stored = {row[0]: row[1] for row in described if row[0] in wanted or row[0] not in keys}
    theirs, faults = _match(path, extract, renames, tuple(stored))
    unfit = set()
    for column in extract.columns:
        kind = stored[theirs[column.name]] if column.name in theirs else ""
        if kind and theirs[column.name] not in keys and not kind.startswith(_STORED_AS[column.type]):
            unfit.add(column.name)
            problem = f"stored as {kind.split('(')[0]}, expected {column.type}"
            faults.append(Fault(path.name, "type", problem, "Cast it before the export", column.name))
    return ExtractFile(path, extract, theirs, tuple(stored), frozenset(unfit)), faults


def _open_csv(path: Path, extract: Extract, renames: Mapping[str, str]) -> tuple[ExtractFile | None, list[Fault]]:
    look = look_at(path)
    faults = list(look.faults(path))
    if look.unreadable:
        return None, faults
    with path.open(encoding="utf-8-sig", newline="") as file:
        header = tuple(next(csv.reader(file), []))
    if len(header) == 1 and (other := _other_delimiter(header[0])):
        remedy = "Export it again with commas between the fields"
        return None, [*faults, Fault(path.name, "delimiter", f"fields are separated by {other}, not by commas", remedy)]
    if not {renames.get(name, name) for name in extract.names} & set(header):
        problem = f"its first line holds none of the {len(extract.names)} columns expected, {extract.names[0]} and so on"
        remedy = "Check that it has a header, commas between the fields, and the rows of this extract"
        return None, [*faults, Fault(path.name, "header", problem, remedy)]
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        problem = f"the header repeats {', '.join(repeated)}"
        return None, [*faults, Fault(path.name, "header", problem, "Give each column a name of its own")]
    theirs, more = _match(path, extract, renames, header)
    newline = "\\r\\n" if look.crlf else "\\n"
    return ExtractFile(path, extract, theirs, header, newline=newline), faults + more


def _other_delimiter(header: str) -> str:
    names = {";": "semicolons", "\t": "tabs", "|": "bars"}
    return next((name for mark, name in names.items() if mark in header), "")


def _match(
    path: Path, extract: Extract, renames: Mapping[str, str], header: tuple[str, ...]
) -> tuple[dict[str, str], list[Fault]]:
    """Find each declared column under the study's own name for it."""
    wanted = {column.name: renames.get(column.name, column.name) for column in extract.columns}
    faults = [
        Fault(path.name, "missing column", f"no column {theirs}", f"Add it: {extract.column(ours).meaning}", ours)
        for ours, theirs in wanted.items()
        if theirs not in header
    ]
    extra = [name for name in header if name not in wanted.values()]
    remedy = "Leave it out, or map it in study.toml: the study takes no more than it has declared"
    faults += [Fault(path.name, "extra column", f"column {name!r} is not declared", remedy) for name in extra]
    return {ours: theirs for ours, theirs in wanted.items() if theirs in header}, faults
