"""A study on Spark releases, byte for byte, what it releases on DuckDB."""

import os
import shutil

import pytest
from conftest import lacking
from test_stages import make_study

from ldeval.data.engine_spark import java_version, stop_spark
from ldeval.release import build, fingerprint

pytestmark = [
    pytest.mark.spark,
    # pyspark leaves its connections to Java to the garbage collector, which Python tells through pytest
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
pytest.importorskip("pyspark", reason="needs the extra spark (make setup EXTRAS=spark)")

TELLS_OF_THE_ENGINE = {"study.json"}
"""The protocol is released with the results; that of the one names Spark."""


def test_released_results_are_duckdbs_byte_for_byte(tmp_path):
    if java_version() is None:
        lacking("needs Java (apt-get install default-jre-headless)")
    duckdb, spark = tmp_path / "duckdb", tmp_path / "spark"
    assert build.analyse(make_study(duckdb))
    make_study(spark)
    # the twin is made once: it is the input, and no part of what is compared
    shutil.copytree(
        duckdb / "_build" / "records", spark / "_build" / "records", ignore=shutil.ignore_patterns("*-links", "*-features*")
    )
    protocol = (spark / "study.toml").read_text(encoding="utf-8")
    cores = f'engine = "spark"\nmaster = "local[{os.cpu_count() or 1}]"\n#'
    (spark / "study.toml").write_text(protocol.replace('engine = "duckdb"', cores), encoding="utf-8")
    assert build.analyse(spark)
    stop_spark()
    ours, theirs = (fingerprint.outputs(root / "_results") for root in (duckdb, spark))
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} <= TELLS_OF_THE_ENGINE
