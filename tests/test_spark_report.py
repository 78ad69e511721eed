"""A study on Spark releases, byte for byte, what it releases on DuckDB."""

import json
import shutil

import pytest
from spark_cluster import QUICK, need_spark, quiet
from test_stages import make_study

from ldeval.data.engine_spark import stop_spark
from ldeval.release import build, fingerprint

pytestmark = [pytest.mark.spark, quiet]

TELLS_OF_THE_ENGINE = {"study.json", "inputs.csv"}
"""The protocol is released with the results, and the digest of study.toml is; those of the one name Spark."""


def on_spark(root):
    """Have a study name Spark, as README.md says."""
    protocol = root / "study.toml"
    engine = 'engine = "spark"\nmaster = "local[2]"\n#'
    settings = "".join(f'"{name}" = "{value}"\n' for name, value in QUICK.items())
    text = protocol.read_text(encoding="utf-8").replace('engine = "duckdb"', engine)
    protocol.write_text(f"{text}\n[data.spark]\n{settings}", encoding="utf-8")
    return root


def test_released_results_are_duckdbs_byte_for_byte(tmp_path):
    need_spark()
    duckdb, spark = make_study(tmp_path / "duckdb"), on_spark(make_study(tmp_path / "spark"))
    assert build.analyse(duckdb)
    # the twin is made once: it is the input, and no part of what is compared; so are findings that rest on no records
    shutil.copytree(duckdb / "_build", spark / "_build", ignore=shutil.ignore_patterns("*-links", "*-features*"))
    assert build.analyse(spark)
    stop_spark()
    made = next((spark / "_build" / "records").glob("*-features")) / "people_study.parquet"
    assert made.is_dir(), "Spark writes folders: this was not made on Spark"
    ours, theirs = (fingerprint.outputs(root / "_results") for root in (duckdb, spark))
    assert ours.keys() == theirs.keys()
    assert {name for name in ours if ours[name] != theirs[name]} == TELLS_OF_THE_ENGINE
    assert told(duckdb) == told(spark)


def told(root):
    """Give the provenance of every result, but for the protocol's digest and those of the files compared before."""
    about = json.loads((root / "_results" / "provenance.json").read_text(encoding="utf-8"))
    del about["files"], about["inputs"]["study"]
    return about
