"""A real cluster on loopback gives what DuckDB gives, with a driver too small for the events and a worker lost on the way."""

import threading
import time
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from spark_cluster import LOOPBACK, QUICK, cluster, need_spark, quiet

from ldeval.data.engine import open_extracts
from ldeval.data.engine_spark import open_spark, stop_spark
from ldeval.data.features import write_features
from ldeval.data.folders import truth_folder
from ldeval.data.linkage import link, write_links
from ldeval.data.linked import LINKS, read_links
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.root import STUDY_FILE, find_root
from ldeval.study import read_study

pytestmark = [pytest.mark.spark, quiet]

USERS = 600
DRIVER = 512
"""MB of memory."""
TOO_SMALL = QUICK | {
    # less than the offences alone take, more than the person records and pairs of linkage
    "spark.driver.maxResultSize": "1m",
    "spark.driver.memory": f"{DRIVER}m",
    # events are far above the usual limit of what is sent to every worker at once; so they are here
    "spark.sql.autoBroadcastJoinThreshold": "65536",
    # a worker has Java alone
    "spark.pyspark.python": "/no/python/on/a/worker",
    "spark.driver.host": LOOPBACK,
    "spark.driver.bindAddress": LOOPBACK,
}
AT = pd.Timestamp("2017-01-01")


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster") / "twin"
    write_twin(Design("identified", 11, USERS), folder)
    return folder


@pytest.fixture(scope="module")
def study():
    return read_study(find_root(Path(__file__).parent) / STUDY_FILE)


def links_on(extracts, twin, folder):
    truth = pd.read_parquet(truth_folder(twin) / "identities.parquet")
    write_links(link(extracts, threshold=0.95, seed=1, at=AT, truth=truth), folder)
    return folder


@pytest.fixture(scope="module")
def here(twin, study):
    """What DuckDB makes of the twin."""
    folder = twin.parent / "duckdb"
    links_on(open_extracts(twin), twin, folder / "links")
    write_features(read_links(open_extracts(twin), folder / "links" / LINKS), study, folder / "features")
    return folder


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    need_spark()
    with cluster(tmp_path_factory.mktemp("spark")) as started:
        yield started
        stop_spark()


@pytest.fixture(scope="module")
def extracts(running, twin):
    return open_spark(twin, {}, master=running.master, settings=TOO_SMALL)


def same_files(one, other):
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in other.iterdir())
    return names


def test_links_and_their_quality_are_duckdbs_byte_for_byte(extracts, twin, here):
    made = links_on(extracts, twin, twin.parent / "cluster" / "links")
    for name in same_files(here / "links", made):
        assert (made / name).read_bytes() == (here / "links" / name).read_bytes(), name


def test_the_driver_is_too_small_for_events(extracts):
    assert extracts.session._jvm.java.lang.Runtime.getRuntime().maxMemory() <= DRIVER * 2**20
    with pytest.raises(Exception, match="maxResultSize"):
        extracts.fetch(extracts.table("pnc_offences"))


def test_a_worker_lost_on_the_way_costs_time_and_no_result(running, extracts, twin, here, study):
    """The driver is still too small for events: a step that collected them would fail here."""
    folder = twin.parent / "cluster" / "features"
    first, last = (folder / f"{name}.parquet" for name in ("people_study", "interventions"))
    begun = []
    lost = threading.Thread(target=lose_a_worker, args=(running, first, lambda: begun.append(not last.exists())))
    lost.start()
    write_features(read_links(extracts, here / "links" / LINKS), study, folder)
    lost.join()
    assert begun == [True], "the worker was not lost in the middle"
    assert [worker.poll() is None for worker in running.workers] == [False, True]
    for name in same_files(here / "features", folder):
        ours, theirs = pq.read_table(here / "features" / name), pq.read_table(folder / name)
        # the engines say otherwise which columns could have missing values
        assert dict(zip(ours.schema.names, ours.schema.types, strict=True)) == dict(
            zip(theirs.schema.names, theirs.schema.types, strict=True)
        ), name
        assert ours.equals(theirs.cast(ours.schema)), name


def lose_a_worker(running, after, then):
    until = time.monotonic() + 1200
    while not after.exists() and time.monotonic() < until:
        time.sleep(0.2)
    running.kill_worker(0)
    then()
