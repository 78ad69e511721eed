"""Size and cost: the national run follows from the measured sizes by the arithmetic that its table shows."""

import shutil
from pathlib import Path

import pytest

from ldeval.analysis import size
from ldeval.analysis.size import BUSY, CORES, NATIONAL_ROWS, WORKERS, Whole, line_through
from ldeval.data import evidence

PROJECT = Path(__file__).parent.parent
HEAD = "users,rows,engine,memory,step,seconds,cpu_seconds,peak_mb,rows_per_second,load_at_start,machine"


def study(tmp_path, *rows):
    folder = tmp_path / evidence.BENCHMARKS
    folder.mkdir(parents=True)
    (folder / "scale.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    return tmp_path


def row(users, engine, step, seconds, cpu, *, memory="4GB", peak=500):
    return f"{users},{users * 100},{engine},{memory},{step},{seconds},{cpu},{peak},1,0.1,a machine"


MEASURED = [
    row(users, engine, step, seconds, cpu)
    for users, engine, seconds, cpu in ((10, "duckdb", 1, 2), (10, "spark", 10, 30), (30, "duckdb", 3, 5), (30, "spark", 12, 40))
    for step in ("links", "features")
]


def value(found, key):
    return next(estimate.value for estimate in found.estimates if estimate.id == f"size/{key}")


def cells(table, what):
    return next(row[1] for row in table.rows if row[0] == what)


def test_the_line_goes_through_both_ends():
    sizes = {users: Whole(users * 100, 1.0, cpu, 5.0) for users, cpu in ((10, 60.0), (20, 70.0), (30, 80.0))}
    line = line_through(sizes, "cpu_seconds")
    assert (line.start, line.slope) == pytest.approx((60 - 1000 * 20 / 2000, 20 / 2000), abs=1e-12)
    assert line.at(3000) == pytest.approx(80, abs=1e-12)


def test_one_size_alone_is_all_slope():
    assert line_through({10: Whole(1000, 1.0, 60.0, 5.0)}, "cpu_seconds") == size.Line(0.0, 0.06)


def test_the_national_run_by_hand(tmp_path):
    found = size.sizes(study(tmp_path, *MEASURED))
    # Spark's CPU seconds: 60 for 1,000 rows, 80 for 3,000
    slope, start = 20 / 2000, 60 - 10
    hours = (start + slope * NATIONAL_ROWS) / 3600 / (WORKERS * CORES * BUSY)
    assert value(found, "national_hours") == pytest.approx(hours, rel=1e-12)
    national = next(table for table in found.exhibits if table.id == "size-national")
    product = cells(national, "Workers") * cells(national, "Cores of a worker")
    share = cells(national, "Share of the time in which a core has work")
    assert cells(national, "Spark: CPU hours") / product / share == pytest.approx(cells(national, "Spark: hours"), rel=1e-12)
    assert "xtrapolat" in national.title + national.notes[0]


def test_duckdb_at_national_size_by_hand(tmp_path):
    rows = [
        row(users, "duckdb", step, seconds, seconds, peak=peak)
        for users, seconds, peaks in ((10, 1, (100, 300)), (30, 3, (500, 200)))
        for step, peak in zip(("links", "features"), peaks, strict=True)
    ]
    found = size.sizes(study(tmp_path, *rows, *(spark for spark in MEASURED if ",spark," in spark)))
    # 2 seconds and 300 MB for 1,000 rows, 6 seconds and 500 MB for 3,000
    assert value(found, "national_duckdb_hours") == pytest.approx(NATIONAL_ROWS * 0.002 / 3600, rel=1e-12)
    assert value(found, "national_duckdb_gb") == pytest.approx((200 + 0.1 * NATIONAL_ROWS) / 1024, rel=1e-12)
    assert (value(found, "duckdb_minutes"), value(found, "duckdb_gb")) == pytest.approx((0.1, 500 / 1024), rel=1e-12)


def test_what_less_memory_costs(tmp_path):
    less = [row(users, "duckdb", step, 9, 9, memory="2GB") for users in (10, 30) for step in ("links", "features")]
    assert value(size.sizes(study(tmp_path, *MEASURED, *less)), "small_memory_ratio") == pytest.approx(3, rel=1e-12)


def test_ratios_and_largest_sizes(tmp_path):
    found = size.sizes(study(tmp_path, *MEASURED, row(90, "duckdb", "links", 9, 9), row(90, "duckdb", "features", 9, 9)))
    assert value(found, "spark_ratio_smallest") == pytest.approx(10, rel=1e-12)
    assert value(found, "spark_ratio_largest") == pytest.approx(4, rel=1e-12)
    assert (value(found, "duckdb_users"), value(found, "spark_users")) == (90, 30)


def test_a_run_that_died_is_no_measurement(tmp_path):
    found = size.sizes(study(tmp_path, *MEASURED, row(90, "spark", "links", "", ""), row(90, "spark", "features", 9, 9)))
    assert value(found, "spark_users") == 30


def test_the_committed_measurements_are_read():
    found = size.sizes(PROJECT)
    assert {table.id for table in found.exhibits} == {"size-measured", "size-national"}
    assert all(estimate.value > 0 for estimate in found.estimates)


def test_without_spark_there_is_no_national_run(tmp_path):
    found = size.sizes(study(tmp_path, *MEASURED[:2]))
    assert [table.id for table in found.exhibits] == ["size-measured"]
    shutil.rmtree(tmp_path / evidence.BENCHMARKS)
    assert evidence.sizes(tmp_path) == []
