"""The extracts on Spark: the same tables and the same expressions as on DuckDB, run by a cluster's workers.

Nothing but SQL is sent to the workers, so they need neither Python nor this package. This process and every worker must see
the folder of extracts under one path: a shared file system, or one machine.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from typing import Any

import ibis

from ldeval.data.declaration import ColumnType
from ldeval.data.engine import Extracts, files_of, put_in_place
from ldeval.data.files import ExtractFile, connect

PATIENCE = 180
"""Seconds that a cluster has to do a first small piece of work. On this machine nobody can be missing, so there is no limit."""

CALL = 10
"""Seconds that a cluster has to take a connection."""

JAVA = (17, 21)
"""The versions of Java on which Spark 4 runs."""

SPARK_TYPES: dict[ColumnType, str] = {
    "text": "STRING",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
}

ALWAYS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    # small tables of this process go to Java as Arrow: in the usual way workers would have to run Python for them
    "spark.sql.execution.arrow.pyspark.enabled": "true",
}
QUIET = {"spark.log.level": "ERROR", "spark.ui.showConsoleProgress": "false"}
ON_THIS_MACHINE = {
    "spark.driver.memory": "4g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "16",
}
"""Settings of a Spark that is this process's own: as much memory as DuckDB has, and nothing that others could reach."""

PARTITIONS = "spark.sql.adaptive.coalescePartitions.initialPartitionNum"
PART, FEWEST, MOST = 4_000_000, 4, 200
"""Bytes of extracts for each partition of a shuffle on this machine, and bounds of their number: small extracts want few."""


_RUNNING: dict[str, Any] = {}
"""The session of this process by its master: Spark allows one at a time."""


@dataclass(frozen=True, slots=True)
class SparkExtracts(Extracts):
    """The extracts as views of a Spark session, and a folder for what is held on the way."""

    held: Path

    @property
    def session(self) -> Any:
        """The Spark session."""
        return self.backend._session

    def hold(self, table: Any) -> Any:
        """Have the workers run an expression once and hold its rows as Parquet: a worker that is lost takes none of them along,
        and what builds on them is planned anew from there.
        """
        name = str(ibis.util.gen_name("held"))
        frame = self.session.table(self._view(table))
        frame.write.parquet(str(self.held / name))
        self.session.read.schema(frame.schema).parquet(str(self.held / name)).createOrReplaceTempView(name)
        return self.backend.table(name)

    def read(self, path: Path) -> Any:
        """Give a Parquet file, or a folder of them, as a table."""
        return self.backend.read_parquet(str(path))

    def fetch(self, table: Any) -> Any:
        """Bring the rows of an expression into this process, as an Arrow table."""
        return self.session.table(self._view(table)).toArrow()

    def fetch_sql(self, text: str) -> Any:
        """Bring the rows of a query in plain SQL into this process, as an Arrow table."""
        return self.session.sql(text).toArrow()

    def write(self, table: Any, path: Path) -> None:
        """Have the workers write a table as a folder of Parquet files, whole or not at all. Read in the order of names, it
        is in the table's order.
        """
        unfinished = path.with_name(f".{path.name}.unfinished")
        frame = self.session.table(self._view(table))
        frame.write.mode("overwrite").option("compression", "zstd").parquet(str(unfinished))
        put_in_place(unfinished, path)

    def splink(self) -> Any:
        """Give what Splink runs on. Its comparisons use functions of Spark's own alone, so no jar is needed."""
        from splink.backends.spark import SparkAPI

        return SparkAPI(spark_session=self.session, break_lineage_method="persist", register_udfs_automatically=False)

    def _view(self, table: Any) -> str:
        name = str(ibis.util.gen_name("view"))
        self.backend.create_view(name, table)
        return name


def open_spark(
    folder: Path, names: Mapping[str, Mapping[str, str]], *, master: str, settings: Mapping[str, str] | None = None
) -> SparkExtracts:
    """Open a folder of extracts on the Spark at `master`; `names` are the folder's own names for our columns.

    Raises:
        ValueError: the folder or a file of it cannot be read as declared; every such fault is listed.
        RuntimeError: the extra, Java or the cluster is not there; says what to do.

    """
    _require(master)
    with tempfile.TemporaryDirectory() as spill, connect(Path(spill)) as database:
        files = files_of(database, folder, names)
    if texts := [file.path.name for file in files if file.is_csv]:
        raise ValueError(f"{folder}: Spark reads Parquet alone, found {len(texts)} CSV file(s); export them as Parquet")
    session = spark_session(master, settings or {})
    if master.startswith("local") and PARTITIONS not in (settings or {}):
        session.conf.set(PARTITIONS, str(_partitions(files)))
    for file in files:
        session.read.parquet(str(file.path)).selectExpr(*_cells(file)).createOrReplaceTempView(file.extract.name)
    return SparkExtracts(ibis.pyspark.connect(session), _scratch(folder.parent))


def _partitions(files: Sequence[ExtractFile]) -> int:
    size = sum(part.stat().st_size for file in files for part in (file.path, *file.path.rglob("*.parquet")) if part.is_file())
    return min(max(size // PART, FEWEST), MOST)


def _scratch(beside: Path) -> Path:
    """Give an empty folder where the workers, too, can write; it goes with this process, and those that others left go now."""
    own = f".held-{socket.gethostname()}-"
    for left in beside.glob(f"{own}*"):
        if not Path(f"/proc/{left.name.removeprefix(own).partition('-')[0]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix=f"{own}{os.getpid()}-", dir=beside))
    made.chmod(0o777)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    return made


def _cells(file: ExtractFile) -> list[str]:
    """Give the SQL of the declared columns under our names and with our types."""
    return [f"TRY_CAST({_quoted(file.theirs[c.name])} AS {SPARK_TYPES[c.type]}) AS {_quoted(c.name)}" for c in file.columns]


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def spark_session(master: str, settings: Mapping[str, str]) -> Any:
    """Give a session on the Spark at `master` that has done a piece of work: the one there is, or a new one in its place.

    Raises:
        RuntimeError: the cluster takes no connection, or does no work in time.

    """
    if master not in _RUNNING:
        stop_spark()
        _call(master)
        _RUNNING[master] = _in_time(_builder(master, settings).getOrCreate, master)
    _in_time(_RUNNING[master].range(1).count, master)
    return _RUNNING[master]


def _builder(master: str, settings: Mapping[str, str]) -> Any:
    from pyspark.sql import SparkSession

    remote = master.startswith("sc://")
    builder = SparkSession.builder.remote(master) if remote else SparkSession.builder.master(master).appName("ldeval")
    own = {} if remote else QUIET | (ON_THIS_MACHINE if master.startswith("local") else {})
    for name, value in (own | dict(settings) | ALWAYS).items():
        builder = builder.config(name, value)
    return builder


def stop_spark() -> None:
    """Stop the session of this process, if there is one."""
    while _RUNNING:
        _RUNNING.popitem()[1].stop()


def _in_time(work: Any, master: str) -> Any:
    """Do a piece of work, or say that the cluster did not do it in time."""
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    Thread(target=run, daemon=True).start()
    try:
        return done.result(timeout=None if master.startswith("local") else PATIENCE)
    except TooLate:
        problem = f"took the connection and did no work in {PATIENCE} s"
        raise RuntimeError(
            f"[data] master = {master!r} {problem}; see whether it has a worker with memory and cores free"
        ) from None
    except Exception as error:
        reason = str(error).strip().splitlines() or [type(error).__name__]
        raise RuntimeError(f"[data] master = {master!r} could not be used: {reason[0]}") from error


def _call(master: str) -> None:
    """Ask whether somebody takes connections where the cluster should be."""
    if master.startswith("local"):
        return
    found = re.match(r"\w+://(?:[^@/]*@)?(\[[^]]+\]|[^:/;]+)(?::(\d+))?", master)
    host, port = (found[1].strip("[]"), int(found[2] or 15002)) if found else ("", 0)
    try:
        socket.create_connection((host, port), timeout=CALL).close()
    except OSError as error:
        remedy = "start the cluster, or mend master in study.toml"
        raise RuntimeError(f"[data] master = {master!r} does not answer ({error}); {remedy}") from None


def _require(master: str) -> None:
    """See that the extra is installed, and Java where Spark's driver is to run in this process.

    Raises:
        RuntimeError: one of them is not there; says how to get it.

    """
    if importlib.util.find_spec("pyspark") is None:
        raise RuntimeError(
            '[data] engine = "spark" needs the extra of that name: make setup EXTRAS=spark (or pip install ldeval[spark])'
        )
    if master.startswith("sc://"):
        return
    needed = f'[data] engine = "spark" needs Java {" or ".join(map(str, JAVA))}'
    remedy = "install it (Debian: apt-get install default-jre-headless) or name its folder in JAVA_HOME"
    version = java_version()
    if version is None:
        raise RuntimeError(f"{needed}, found none; {remedy}")
    if version < JAVA[0]:
        raise RuntimeError(f"{needed}, found {version}; {remedy}")


def java_version() -> int | None:
    """Give the main version of the Java that Spark would start, or None where there is none that runs."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    try:
        told = subprocess.run([java or "java", "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r'version "(\d+)', told)
    return int(found[1]) if found else None
