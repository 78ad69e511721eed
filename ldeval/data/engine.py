"""Reads the extracts of a folder as Ibis tables: declared columns, our names, declared types.

The engine is DuckDB, embedded. Everything that is done with the tables is an Ibis expression that compiles for Spark too
(tests/test_engine.py holds this), so nothing here or in `cohort` and `features` may use a function of DuckDB alone.
Identifiers are left out unless asked for, and `linkage` alone asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis

from ldeval.data.declaration import Column, Extract
from ldeval.data.sources import EXTRACTS

TYPES = {"text": "string", "integer": "int64", "number": "float64", "boolean": "boolean", "date": "date"}

Names = Mapping[str, Mapping[str, str]]
"""Their names for our columns, by extract (`[data.columns]` in study.toml)."""


@dataclass(frozen=True, slots=True)
class Extracts:
    """The extracts of one folder, read when asked for."""

    folder: Path
    backend: Any
    names: Names = field(default_factory=dict)

    def table(self, name: str) -> Any:
        """Give an extract without its identifiers."""
        extract = EXTRACTS[name]
        return self._read(extract, [column for column in extract.columns if not column.identifiable])

    def identified(self, name: str, columns: Collection[str]) -> Any:
        """Give some columns of a persons extract, identifiers among them. For linkage alone."""
        extract = EXTRACTS[name]
        return self._read(extract, [column for column in extract.columns if column.name in columns])

    def hold(self, table: Any) -> Any:
        """Run an expression once and hold its rows, for those that build on it."""
        return self.backend.create_table(ibis.util.gen_name("held"), table, temp=True)

    def _read(self, extract: Extract, columns: list[Column]) -> Any:
        path = find_file(self.folder, extract.name)
        raw = self.backend.read_parquet(path) if path.suffix == ".parquet" else _read_text(self.backend, path)
        theirs = self.names.get(extract.name, {})
        absent = [theirs.get(c.name, c.name) for c in columns if theirs.get(c.name, c.name) not in raw.columns]
        if absent:
            raise ValueError(f"{path.name}: {len(absent)} column(s) missing: {', '.join(absent)}; run ldeval check first")
        return raw.select(**{c.name: raw[theirs.get(c.name, c.name)].cast(TYPES[c.type]) for c in columns})


def find_file(folder: Path, extract: str) -> Path:
    """Give the one file of an extract.

    Raises:
        FileNotFoundError: there is neither a Parquet nor a CSV file of that name.

    """
    for suffix in (".parquet", ".csv"):
        if (path := folder / f"{extract}{suffix}").is_file():
            return path
    raise FileNotFoundError(f"{folder} has no {extract}.parquet or {extract}.csv; run ldeval check to see what is missing")


def open_extracts(folder: Path, names: Names | None = None, *, memory: str | None = None, threads: int | None = None) -> Extracts:
    """Open a folder of extracts on an embedded DuckDB; what does not fit in `memory` goes to disk.

    Raises:
        NotADirectoryError: there is no such folder.

    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: no such folder of extracts; make a twin with ldeval simulate, or name another")
    limits = {"memory_limit": memory, "threads": threads}
    backend = ibis.duckdb.connect(**{key: value for key, value in limits.items() if value is not None})
    backend.raw_sql("SET enable_progress_bar = false")
    backend.raw_sql("SET preserve_insertion_order = false")
    return Extracts(folder, backend, names or {})


def _read_text(backend: Any, path: Path) -> Any:
    """Read a CSV file as texts, so that a key such as 0012 keeps its noughts; declared types come after."""
    return backend.read_csv(path, all_varchar=True)


def write_table(table: Any, path: Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    table.to_parquet(unfinished, compression="zstd")
    unfinished.replace(path)
