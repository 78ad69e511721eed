"""The workbook of all tables: what the guidance on accessible spreadsheets asks for, held by a reader of its own."""

import zipfile

import openpyxl
import pytest
from release_folder import findings, make_released

from ldeval.analysis.exhibits import Column, Table
from ldeval.analysis.findings import Findings
from ldeval.release.workbook import CONFIDENTIAL, UNAVAILABLE


@pytest.fixture
def book(tmp_path):
    found = findings()
    odd = Table(
        "t-odd",
        "Odd cells",
        (Column("a", "People", "people"), Column("b", "People", "people"), Column("c", "Name")),
        (("*", None, "=1+1"), (5, 10, "plain")),
    )
    origins = {**found.origins, "t-odd": found.origins["a/effect"]}
    root = make_released(tmp_path, Findings(found.estimates, (*found.exhibits, odd), origins))
    return openpyxl.load_workbook(root / "_results" / "tables.xlsx")


def table_of(sheet):
    (marked,) = sheet.tables.values()
    return [[cell.value for cell in row] for row in sheet[marked.ref]]


def test_cover_contents_and_notes_come_first(book):
    assert book.sheetnames[:3] == ["Cover", "Contents", "Notes"]
    assert [row[0] for row in table_of(book["Contents"])[1:]] == book.sheetnames[3:]
    assert book["Contents"]["A4"].hyperlink.location == "'Table_1'!A1"


def test_every_other_sheet_holds_one_marked_up_table_with_a_heading(book):
    for sheet in book.worksheets[1:]:
        header = table_of(sheet)[0]
        assert len(set(map(str.lower, header))) == len(header)
        assert all(isinstance(name, str) and name for name in header)
        assert sheet["A1"].font.bold
        assert not sheet.merged_cells.ranges


def test_no_cell_and_no_row_of_a_table_is_blank(book):
    for sheet in book.worksheets[1:]:
        assert all(value is not None for row in table_of(sheet) for value in row), sheet.title


def test_shorthand_stands_where_a_number_is_not_and_text_is_never_a_formula(book):
    (sheet,) = [sheet for sheet in book if sheet["A1"].value == "Odd cells"]
    header, first, second = table_of(sheet)
    assert header == ["People", "People 2", "Name"]
    assert first == [CONFIDENTIAL, UNAVAILABLE, " =1+1"]
    assert second == [5, 10, "plain"]
    assert {CONFIDENTIAL, UNAVAILABLE} <= {row[0] for row in table_of(book["Notes"])}


def test_the_same_results_give_the_same_bytes_at_one_time(tmp_path):
    paths = [make_released(tmp_path / name) / "_results" / "tables.xlsx" for name in ("one", "two")]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    with zipfile.ZipFile(paths[0]) as file:
        assert {part.date_time[0] for part in file.infolist()} == {1980}
