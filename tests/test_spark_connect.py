"""A Spark Connect server, which takes plans over the network and shares no process with this one, gives what DuckDB gives."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from spark_cluster import connect_server, need_spark, quiet

from ldeval.data.cohort import rules
from ldeval.data.engine import open_extracts
from ldeval.data.engine_spark import open_spark, stop_spark
from ldeval.data.features import features
from ldeval.data.linkage import link, write_links
from ldeval.data.linked import LINKS, read_links
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.root import STUDY_FILE, find_root
from ldeval.study import read_study

pytestmark = [pytest.mark.spark, quiet]

AT = pd.Timestamp("2017-01-01")


def test_links_and_people_are_duckdbs(tmp_path):
    need_spark()
    twin, rule = tmp_path / "twin", rules(read_study(find_root(Path(__file__).parent) / STUDY_FILE))[0]
    write_twin(Design("identified", 11, 300), twin)

    def made(extracts, folder):
        write_links(link(extracts, threshold=0.95, seed=1, at=AT), folder)
        extracts.write(features(read_links(extracts, folder / LINKS), rule).people, folder / "people.parquet")
        return (folder / LINKS).read_bytes(), pq.read_table(folder / "people.parquet")

    links, people = made(open_extracts(twin), tmp_path / "here")
    with connect_server(tmp_path) as master:
        theirs, held = made(open_spark(twin, {}, master=master), tmp_path / "there")
        stop_spark()
    assert links == theirs
    assert people.num_rows
    assert people.equals(held.cast(people.schema))
