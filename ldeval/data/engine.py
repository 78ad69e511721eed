"""Opens a folder of extracts as Ibis tables: declared columns, our names, declared types.

What is done with the tables afterwards is Ibis expressions that give the same on both engines, DuckDB (embedded) and Spark
(`engine_spark`), so `cohort` and `features` may use no function of one alone. Identifiers are left out unless asked for, and
`linkage` alone asks.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ibis

from ldeval.data.files import ExtractFile, find_files, quoted
from ldeval.data.sources import EXTRACTS
from ldeval.study import Study


@dataclass(frozen=True, slots=True)
class Extracts:
    """The extracts as tables of one database, each under its declared name. `engine_spark` does the same on Spark."""

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

    def read(self, path: Path) -> Any:
        """Give a Parquet file as a table."""
        return self.backend.read_parquet(path)

    def fetch(self, table: Any) -> Any:
        """Bring the rows of an expression into this process, as an Arrow table."""
        return table.to_pyarrow()

    def fetch_sql(self, text: str) -> Any:
        """Bring the rows of a query in plain SQL into this process, as an Arrow table."""
        return self.backend.con.sql(text).to_arrow_table()

    def write(self, table: Any, path: Path) -> None:
        """Write a table as Parquet, whole or not at all."""
        write_table(table, path)

    def splink(self) -> Any:
        """Give what Splink runs on."""
        from splink import DuckDBAPI

        return DuckDBAPI(self.backend.con)


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
    for file in files_of(backend.con, folder, names or {}, dates):
        backend.raw_sql(f"CREATE VIEW {quoted(file.extract.name)} AS {file.select()}")
    return Extracts(backend)


def files_of(
    database: Any, folder: Path, names: Mapping[str, Mapping[str, str]], dates: Mapping[str, str] | None = None
) -> list[ExtractFile]:
    """Give the file of every extract.

    Raises:
        ValueError: as `open_extracts`.

    """
    files, faults = find_files(database, folder, names, dates)
    if faults:
        listed = "\n".join(f"  {fault}" for fault in faults)
        raise ValueError(f"{folder}: {len(faults)} fault(s); ldeval check looks at every row as well\n{listed}")
    return files


def open_for(study: Study, folder: Path) -> Extracts:
    """Open a folder of extracts on the engine that a study names.

    Raises:
        ValueError, RuntimeError: see `open_extracts` and `engine_spark.open_spark`.

    """
    if study.data.engine == "duckdb":
        return open_extracts(folder, study.data.columns, dates=study.data.date_format)
    from ldeval.data.engine_spark import open_spark

    return open_spark(folder, study.data.columns, master=study.data.master, settings=study.data.spark)


def write_table(table: Any, path: Path) -> None:
    """Write a table as Parquet, whole or not at all."""
    unfinished = path.with_suffix(".unfinished")
    table.to_parquet(unfinished, compression="zstd")
    put_in_place(unfinished, path)


def put_in_place(finished: Path, path: Path) -> None:
    """Move a finished file or folder to `path`. Two files change places in one step; a folder goes first."""
    if path.is_dir():
        shutil.rmtree(path)
    elif finished.is_dir():
        path.unlink(missing_ok=True)
    finished.replace(path)
