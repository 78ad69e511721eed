"""Opens a folder of extracts as Ibis tables: declared columns, our names, declared types.

The engine is DuckDB, embedded. What is done with the tables afterwards is Ibis expressions that compile for Spark too
(tests/test_engine.py holds this), so `cohort` and `features` may use no function of DuckDB alone. Identifiers are left out unless
asked for, and `linkage` alone asks.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis

from ldeval.data.files import find_files, quoted
from ldeval.data.sources import EXTRACTS
from ldeval.study import Study


@dataclass(frozen=True, slots=True)
class Extracts:
    """The extracts as tables of one database, each under its declared name."""

    backend: Any

    def table(self, name: str) -> Any:
        """Give an extract without its identifiers."""
        return self.backend.table(name).select(*(c.name for c in EXTRACTS[name].columns if not c.identifiable))

    def identified(self, name: str, columns: Collection[str]) -> Any:
        """Give some columns of a persons extract, identifiers among them. For linkage alone."""
        return self.backend.table(name).select(*(c.name for c in EXTRACTS[name].columns if c.name in columns))

    def hold(self, table: Any) -> Any:
        """Run an expression once and hold its rows, for those that build on it."""
        return self.backend.create_table(ibis.util.gen_name("held"), table, temp=True)


def open_extracts(
    folder: Path,
    names: Mapping[str, Mapping[str, str]] | None = None,
    *,
    memory: str = "4GB",
    threads: int | None = None,
    dates: Mapping[str, str] | None = None,
) -> Extracts:
    """Open a folder of extracts; `names` are its own names for our columns, `dates` how its CSV writes dates. What does not
    fit in `memory` goes to the system's temporary folder, and is removed with the connection.

    Raises:
        ValueError: the folder or a file of it cannot be read as declared; every such fault is listed.

    """
    spill = Path(tempfile.gettempdir()) / f"ldeval-{os.getpid()}"
    limits = {"memory_limit": memory, "threads": threads, "preserve_insertion_order": False, "temp_directory": str(spill)}
    backend = ibis.duckdb.connect(**{key: value for key, value in limits.items() if value is not None})
    backend.raw_sql("SET enable_progress_bar = false")
    files, faults = find_files(backend.con, folder, names or {}, dates)
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise ValueError(f"{folder}: {len(faults)} fault(s); ldeval check looks at every row as well\n{listed}")
    for file in files:
        backend.raw_sql(f"CREATE VIEW {quoted(file.extract.name)} AS {file.select()}")
    return Extracts(backend)


def open_for(study: Study, folder: Path) -> Extracts:
    """Open a folder of extracts as a study asks.

    Raises:
        ValueError: the study asks for an engine that is not there, or see `open_extracts`.

    """
    if study.data.engine != "duckdb":
        raise ValueError(f"[data] engine is {study.data.engine!r} in study.toml; this version runs on duckdb alone")
    return open_extracts(folder, study.data.columns, dates=study.data.date_format)


def write_table(table: Any, path: Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    table.to_parquet(unfinished, compression="zstd")
    unfinished.replace(path)
