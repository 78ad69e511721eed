"""Extracts as tables: the same from Parquet and CSV, without identifiers, and expressions that Spark can run."""

from datetime import date
from types import SimpleNamespace

import duckdb
import pytest
from drawn import drawn, rows, rule
from ibis.backends.sql.compilers import pyspark as spark_module

from ldeval.data.engine import Extracts, open_extracts, open_for, write_table
from ldeval.data.features import features
from ldeval.data.features_courts import area_months, court_cases
from ldeval.data.linked import Linked, read_links
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.study import read_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("extracts") / "twin"
    write_twin(Design("identified", 5, 20), made)
    return made


def test_no_table_but_linkages_holds_an_identifier(folder):
    extracts = open_extracts(folder)
    for name, extract in EXTRACTS.items():
        assert list(extracts.table(name).columns) == [c.name for c in extract.columns if not c.identifiable]
    named = extracts.identified("deaths", ("death_id", "nhs_number"))
    assert list(named.columns) == ["death_id", "nhs_number"]


def test_csv_under_other_names_reads_like_parquet(folder, tmp_path):
    renames = {"court_cases": {"charge_date": "DT_CHARGED", "remanded": "RMD"}, "pnc_events": {"event_id": "EV"}}
    for path in folder.glob("*.parquet"):
        theirs = renames.get(path.stem, {})
        cells = ", ".join(f'"{name}" AS "{theirs.get(name, name)}"' for name in EXTRACTS[path.stem].names)
        duckdb.sql(f"COPY (SELECT {cells} FROM '{path}') TO '{tmp_path / path.stem}.csv'")
    ours, from_csv = open_extracts(folder), open_extracts(tmp_path, renames)
    for name, extract in EXTRACTS.items():
        key = extract.key
        assert rows(from_csv.table(name).order_by(key)) == rows(ours.table(name).order_by(key)), name


def test_every_fault_of_the_files_comes_at_once(folder, tmp_path):
    for path in folder.glob("*.parquet"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "areas.parquet").unlink()
    (tmp_path / "deaths.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=r"(?s)2 fault\(s\).*areas: no such file.*deaths\.parquet: not readable as Parquet"):
        open_extracts(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nowhere: 1 fault\(s\)(?s:.*)not a folder"):
        open_extracts(tmp_path / "nowhere")


def test_records_that_are_not_linked_say_what_to_do(folder, tmp_path):
    with pytest.raises(FileNotFoundError, match="link the records first"):
        read_links(open_extracts(folder), tmp_path / "links.parquet")


def test_a_table_is_written_whole(tmp_path):
    write_table(drawn().table("pnc_events"), tmp_path / "events.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["events.parquet"]


def test_every_expression_compiles_for_spark(monkeypatch):
    """What is held on the way is compiled as well; Spark itself comes later."""
    held = []
    plain = Extracts.hold
    # an option that comes with pyspark, which is not installed
    monkeypatch.setattr(spark_module, "options", SimpleNamespace(pyspark=SimpleNamespace(treat_nan_as_null=False)))
    monkeypatch.setattr(Extracts, "hold", lambda self, table: held.append(table) or plain(self, table))
    linked = drawn(pnc_events="pnc_person_id | event_date\nann | 2017-03-01")
    made = features(linked, rule())
    cases = court_cases(linked, date(2019, 6, 30))
    cohorts = area_months(cases, linked.extracts.table("areas"))
    whole = [*held, made.people, made.panel, made.custody, made.flow, cases, cohorts]
    assert len(held) >= 6
    for expression in whole:
        text = spark_module.compiler.to_sqlglot(expression.unbind()).sql("spark")
        assert text.startswith(("SELECT", "WITH"))


def test_links_of_another_set_are_chosen_by_number(folder, tmp_path):
    extracts = open_extracts(folder)
    path = tmp_path / "links.parquet"
    link = "'pnc' AS source, 'a' AS key, 'S1' AS study_id, 'S2' AS study_id_1, 0.9 AS link_probability"
    duckdb.sql(f"COPY (SELECT {link}) TO '{path}' (FORMAT parquet)")
    assert isinstance(read_links(extracts, path), Linked)
    assert rows(read_links(extracts, path, 1).links)[0]["study_id"] == "S2"
    with pytest.raises(ValueError, match=r"link_set must be one of those in links\.parquet, found 4"):
        read_links(extracts, path, 4)


def test_an_engine_that_is_not_there_is_refused(folder, tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(
        '[study]\ntitle = "t"\nreferral_window = ["2017-01-01", "2017-09-30"]\nfollow_up_days = 365\n'
        'conviction_wait_days = 182\n[data]\nengine = "spark"\n'
    )
    with pytest.raises(ValueError, match=r"engine is .spark. in study\.toml; this version runs on duckdb alone"):
        open_for(read_study(study), folder)
