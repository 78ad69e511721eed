"""Spark beside DuckDB on one machine, and what is said when Spark, Java or the cluster is not there."""

import importlib.util
import os
import socket
import subprocess
import threading
import time
from types import SimpleNamespace

import pyarrow.parquet as pq
import pytest
from spark_cluster import QUICK, need_spark, quiet
from test_engine import in_parts

from ldeval.data import engine_spark
from ldeval.data.engine import open_extracts, open_for
from ldeval.data.engine_spark import open_spark, stop_spark
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.study import read_study

pytestmark = quiet


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("extracts") / "twin"
    write_twin(Design("identified", 5, 20), made)
    return made


def study(tmp_path, data):
    path = tmp_path / "study.toml"
    path.write_text(
        '[study]\ntitle = "t"\nreferral_window = ["2017-01-01", "2017-09-30"]\nfollow_up_days = 365\n'
        f"conviction_wait_days = 182\n[data]\n{data}\n"
    )
    return path


@pytest.fixture
def with_pyspark(monkeypatch):
    """What comes before pyspark is used can be tested without it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(name=name))


@pytest.mark.parametrize("master", ["local", "local[2]", "local[*]", "spark://head:7077", "sc://head:15002/;token=x"])
def test_masters_that_are_taken(tmp_path, master):
    assert read_study(study(tmp_path, f'engine = "spark"\nmaster = "{master}"')).data.master == master


@pytest.mark.parametrize("master", ["", "head:7077", "local[0]", "spark://head", "yarn"])
def test_masters_that_are_refused(tmp_path, master):
    with pytest.raises(ValueError, match=r"data\.master"):
        read_study(study(tmp_path, f'engine = "spark"\nmaster = "{master}"'))


def test_spark_that_is_not_installed(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match=r"needs the extra of that name: make setup EXTRAS=spark"):
        open_for(read_study(study(tmp_path, 'engine = "spark"')), folder)


@pytest.mark.usefixtures("with_pyspark")
def test_java_that_is_not_there_or_too_old(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(RuntimeError, match=r"needs Java 17 or 21, found none; install it \(Debian: apt-get install"):
        open_spark(folder, {}, master="local[2]")
    told = SimpleNamespace(stderr='openjdk version "11.0.2" 2019-01-15')
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: told)
    with pytest.raises(RuntimeError, match="needs Java 17 or 21, found 11"):
        open_spark(folder, {}, master="local[2]")


@pytest.mark.usefixtures("with_pyspark")
def test_extracts_that_spark_does_not_read(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(engine_spark, "java_version", lambda: 17)
    for path in folder.glob("*.parquet"):
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "areas.parquet").unlink()
    with pytest.raises(ValueError, match=r"areas: no such file"):
        open_spark(tmp_path, {}, master="local[2]")
    pq.read_table(folder / "areas.parquet").to_pandas().to_csv(tmp_path / "areas.csv", index=False)
    with pytest.raises(ValueError, match=r"Spark reads Parquet alone, found 1 CSV file"):
        open_spark(tmp_path, {}, master="local[2]")


def test_nobody_where_the_cluster_should_be():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        master = f"spark://127.0.0.1:{bound.getsockname()[1]}"
    with pytest.raises(RuntimeError, match=r"does not answer \(.*refused\); start the cluster, or mend master"):
        engine_spark._call(master)


def test_a_cluster_that_does_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr(engine_spark, "PATIENCE", 0.2)
    ended = threading.Event()
    begun = time.monotonic()
    with pytest.raises(RuntimeError, match=r"did no work in 0.2 s; see whether it has a worker"):
        engine_spark._in_time(ended.wait, "spark://head:7077")
    ended.set()
    assert time.monotonic() - begun < 10


def test_a_busy_machine_is_no_missing_cluster(monkeypatch):
    monkeypatch.setattr(engine_spark, "PATIENCE", 0.01)
    assert engine_spark._in_time(lambda: time.sleep(0.2) or "done", "local[2]") == "done"


def test_why_a_cluster_could_not_be_used_is_told():
    def fail():
        raise OSError("no room\nand a long trace")

    with pytest.raises(RuntimeError, match=r"could not be used: no room$"):
        engine_spark._in_time(fail, "local[2]")


def test_what_a_killed_run_held_is_removed(tmp_path):
    own = f".held-{socket.gethostname()}-"
    (tmp_path / f"{own}999999999-x").mkdir()
    (tmp_path / f"{own}{os.getppid()}-x").mkdir()
    made = engine_spark._scratch(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([made, tmp_path / f"{own}{os.getppid()}-x"])


@pytest.fixture(scope="module")
def opened():
    """Open a folder on the Spark of this machine, the same for all tests."""
    need_spark()
    yield lambda folder, names: open_spark(folder, names, master="local[2]", settings=QUICK)
    stop_spark()


@pytest.mark.spark
def test_extracts_in_parts_read_on_spark_like_one_file_on_duckdb(opened, folder, tmp_path):
    renames = {"areas": {"area_id": "AREA"}}
    in_parts(folder, tmp_path)
    areas = pq.read_table(folder / "areas.parquet")
    for part in (tmp_path / "areas.parquet").rglob("*.parquet"):
        part.unlink()
    named = ["AREA" if name == "area_id" else name for name in areas.column_names]
    pq.write_table(areas.rename_columns(named), tmp_path / "areas.parquet" / "part-0.parquet")
    ours, theirs = open_extracts(folder), opened(tmp_path, renames)
    for name, extract in EXTRACTS.items():
        one = ours.fetch(ours.table(name).order_by(extract.key))
        other = theirs.fetch(theirs.table(name).order_by(extract.key))
        assert one.equals(other.cast(one.schema)), name


@pytest.mark.spark
def test_what_is_held_and_written_reads_back(opened, folder, tmp_path):
    extracts = opened(folder, {})
    table = extracts.table("pnc_events").order_by("event_id")
    held = extracts.hold(table)
    path = tmp_path / "events.parquet"
    for _ in range(2):  # the second takes the place of the first
        extracts.write(held.order_by("event_id"), path)
        assert [left.name for left in tmp_path.iterdir()] == ["events.parquet"]
    written = pq.read_table(path)
    assert written.equals(extracts.fetch(table).cast(written.schema))
    counted = extracts.fetch(extracts.read(path).count().name("rows").as_table())
    assert counted.to_pylist() == [{"rows": written.num_rows}]
