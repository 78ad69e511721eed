"""Extracts as tables: the same from Parquet, in one file or many, and from CSV, and without identifiers."""

import shutil

import duckdb
import pyarrow.parquet as pq
import pytest
from drawn import drawn, rows

from ldeval.data.engine import open_extracts, put_in_place, write_table
from ldeval.data.linked import Linked, read_links
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design


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


def test_links_of_another_set_are_chosen_by_number(folder, tmp_path):
    extracts = open_extracts(folder)
    path = tmp_path / "links.parquet"
    link = "'pnc' AS source, 'a' AS key, 'S1' AS study_id, 'S2' AS study_id_1, 0.9 AS link_probability"
    duckdb.sql(f"COPY (SELECT {link}) TO '{path}' (FORMAT parquet)")
    assert isinstance(read_links(extracts, path), Linked)
    assert rows(read_links(extracts, path, 1).links)[0]["study_id"] == "S2"
    with pytest.raises(ValueError, match=r"link_set must be one of those in links\.parquet, found 4"):
        read_links(extracts, path, 4)


def in_parts(folder, to):
    """Copy extracts, each into a folder of two files, most of them in folders named after something that is no column of ours,
    court cases in folders named after a column."""
    for path in folder.glob("*.parquet"):
        target = to / path.name
        if path.stem == "court_cases":
            options = "FORMAT parquet, PARTITION_BY (court_type)"
            duckdb.sql(f"COPY (SELECT * FROM '{path}') TO '{target}' ({options})")
            continue
        table = pq.read_table(path)
        half = len(table) // 2
        for number, part in enumerate((table.slice(0, half), table.slice(half))):
            place = target if path.stem == "areas" else target / f"year={number}"
            place.mkdir(parents=True, exist_ok=True)
            pq.write_table(part, place / f"part-{number}.parquet")
        (target / "_SUCCESS").touch()
    return to


def test_extracts_in_parts_read_like_one_file(folder, tmp_path):
    ours, parts = open_extracts(folder), open_extracts(in_parts(folder, tmp_path))
    for name, extract in EXTRACTS.items():
        assert rows(parts.table(name).order_by(extract.key)) == rows(ours.table(name).order_by(extract.key)), name


def test_faults_of_extracts_in_parts(folder, tmp_path):
    in_parts(folder, tmp_path)
    pq.write_table(
        pq.read_table(folder / "deaths.parquet").drop(["sex"]), tmp_path / "deaths.parquet" / "year=1" / "part-2.parquet"
    )
    (tmp_path / "areas.parquet" / "_temporary").mkdir()
    shutil.copy(folder / "areas.parquet", tmp_path / "areas.parquet" / "_temporary" / "part-0.parquet")
    with pytest.raises(ValueError, match=r"(?s)2 fault\(s\).*unfinished export.*differ in columns or types"):
        open_extracts(tmp_path)


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_was_written_before_gives_way(tmp_path, kind):
    path, finished = tmp_path / "a.parquet", tmp_path / "new"
    for place, what in ((path, kind), (finished, "folder" if kind == "file" else "file")):
        place.mkdir() if what == "folder" else place.touch()
    put_in_place(finished, path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.is_dir() == (kind == "file")
