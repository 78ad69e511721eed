"""Each kind of bad file is answered with a clear fault: which file and column, how many rows, what to do, no value."""

import datetime
import resource
import shutil
import subprocess
import sys

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from ldeval.data.checks import check_folder
from ldeval.data.engine import open_for
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.study import Data, Protocol, Study

STUDY = Study(
    study=Protocol(
        title="Test",
        referral_window=("2017-01-01", "2017-09-30"),
        follow_up_days=365,
        conviction_wait_days=182,
    )
)
SECRET = "Zebediah"
"""A person's value: it must never appear in a message."""


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good") / "twin"
    write_twin(Design("identified", 5, 40), folder)
    return folder


@pytest.fixture
def folder(good, tmp_path):
    return shutil.copytree(good, tmp_path / "extracts")


def as_csv(folder, name, change=lambda table: table):
    """Write one extract as CSV in place of Parquet, after a change, and give its path."""
    table = change(pq.read_table(folder / f"{name}.parquet"))
    (folder / f"{name}.parquet").unlink()
    pcsv.write_csv(table, folder / f"{name}.csv", pcsv.WriteOptions(quoting_style="needed"))
    return folder / f"{name}.csv"


def replaced(table, column, values):
    place = table.column_names.index(column)
    return table.set_column(place, column, values)


def altered(table, column, value, rows=1):
    """Give the table with the first `rows` values of a column replaced."""
    values = table[column].to_pylist()
    return replaced(table, column, pa.array([value] * rows + values[rows:], table.schema.field(column).type))


def rewritten(folder, name, change):
    path = folder / f"{name}.parquet"
    pq.write_table(change(pq.read_table(path)), path)


def faults_of(folder, name=None, study=STUDY):
    faults = check_folder(folder, study)
    assert all(SECRET not in str(fault) for fault in faults)
    return [fault for fault in faults if name is None or fault.file.startswith(name)]


def only(folder, name, study=STUDY):
    """Give the one fault there is."""
    found = faults_of(folder, study=study)
    assert len(found) == 1, list(map(str, found))
    assert found[0].file.startswith(name)
    return found[0]


def test_a_twin_has_no_fault_as_parquet(folder):
    assert faults_of(folder) == []


def test_a_twin_has_no_fault_as_csv(folder):
    for name in EXTRACTS:
        as_csv(folder, name)
    assert faults_of(folder) == []


def test_a_folder_that_is_not_there(tmp_path):
    assert "not a folder" in str(faults_of(tmp_path / "none")[0])


def test_every_missing_file_is_named_at_once(tmp_path):
    assert [fault.file for fault in faults_of(tmp_path)] == list(EXTRACTS)


def test_a_file_that_is_no_extract(folder):
    (folder / "notes.txt").write_text("hello")
    assert only(folder, "notes.txt").rule == "stray"


def test_an_extract_that_is_there_twice(folder):
    shutil.copy(folder / "areas.parquet", folder / "areas.csv")
    assert "as CSV and as Parquet" in str(only(folder, "areas"))


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_an_empty_file(folder, suffix):
    (folder / "iapt_referrals.parquet").unlink()
    (folder / f"iapt_referrals.{suffix}").touch()
    assert only(folder, f"iapt_referrals.{suffix}").rule == "empty"


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_a_folder_where_a_file_should_be(folder, suffix):
    (folder / "iapt_referrals.parquet").unlink()
    (folder / f"iapt_referrals.{suffix}").mkdir()
    assert "a folder where a file should be" in str(only(folder, "iapt_referrals"))


def test_truncated_parquet(folder):
    path = folder / "pnc_offences.parquet"
    path.write_bytes(path.read_bytes()[:-1000])
    assert "not readable as Parquet" in str(only(folder, "pnc_offences"))


def test_parquet_damaged_in_the_middle(folder):
    path = folder / "pnc_offences.parquet"
    content = path.read_bytes()
    path.write_bytes(content[:200] + b"\xff" * (len(content) // 2) + content[200 + len(content) // 2 :])
    assert {fault.rule for fault in faults_of(folder)} == {"unreadable"}


def test_csv_under_the_name_of_parquet(folder):
    shutil.move(as_csv(folder, "areas"), folder / "areas.parquet")
    assert "not readable as Parquet" in str(faults_of(folder, "areas")[0])


def test_parquet_under_the_name_of_csv(folder):
    shutil.move(folder / "areas.parquet", folder / "areas.csv")
    assert faults_of(folder, "areas")[0].rule == "encoding"


@pytest.mark.parametrize(("mark", "name"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_a_wrong_delimiter(folder, mark, name):
    path = as_csv(folder, "areas")
    path.write_text(path.read_text().replace(",", mark))
    assert f"fields are separated by {name}" in str(only(folder, "areas"))


def test_a_header_of_which_no_column_is_expected(folder):
    """Another delimiter, another file under that name, or no header at all."""
    path = as_csv(folder, "areas")
    path.write_text(path.read_text().replace(",", ":"))
    assert "holds none of the" in str(only(folder, "areas"))
    path.write_text("\n")
    assert only(folder, "areas").rule == "header"


def test_a_byte_order_mark(folder):
    path = as_csv(folder, "areas")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "byte order mark of UTF-8" in str(only(folder, "areas"))


def test_utf_16(folder):
    path = as_csv(folder, "areas")
    path.write_text(path.read_text(), encoding="utf-16")
    assert "byte order mark of UTF-16" in str(only(folder, "areas"))


def test_mixed_encodings_name_the_line(folder):
    path = as_csv(folder, "areas")
    lines = path.read_bytes().split(b"\n")
    lines[7] = lines[7].replace(b"Area", "Aréa".encode("latin-1"), 1)
    lines[9] = lines[9].replace(b"Area", "Aréa".encode(), 1)
    path.write_bytes(b"\n".join(lines))
    assert "not UTF-8 from line 8 on" in str(only(folder, "areas.csv"))


def test_carriage_returns(folder):
    path = as_csv(folder, "areas")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert "all 43 lines end in CRLF" in str(only(folder, "areas"))


def test_carriage_returns_alone(folder):
    path = as_csv(folder, "areas")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    assert "all 43 lines end in CR alone" in str(only(folder, "areas"))


def test_mixed_line_ends(folder):
    path = as_csv(folder, "areas")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n", 3))
    assert "3 of 43 lines end in CRLF" in str(only(folder, "areas.csv"))


def test_null_bytes(folder):
    path = as_csv(folder, "areas")
    path.write_bytes(path.read_bytes().replace(b"Area", b"\0\0\0\0", 1))
    assert "4 null bytes" in str(only(folder, "areas.csv"))


def test_lines_with_other_numbers_of_fields(folder):
    path = as_csv(folder, "deaths")
    lines = path.read_text().splitlines()
    lines[1] += f",{SECRET}"
    lines[2] = lines[2].rpartition(",")[0]
    path.write_text("\n".join(lines) + "\n")
    assert (only(folder, "deaths").rule, only(folder, "deaths").rows) == ("fields", 2)


def test_a_header_without_rows_is_no_fault(folder):
    path = as_csv(folder, "iapt_referrals")
    path.write_text(path.read_text().splitlines()[0] + "\n")
    assert faults_of(folder) == []


def test_a_repeated_header(folder):
    path = as_csv(folder, "iapt_referrals")
    path.write_text(path.read_text().replace("end_date", "start_date", 1))
    assert "the header repeats start_date" in str(only(folder, "iapt_referrals"))


@pytest.mark.parametrize("make", [as_csv, rewritten], ids=["csv", "parquet"])
def test_missing_and_extra_columns(folder, make):
    make(folder, "areas", lambda table: table.rename_columns(["wavelet" if n == "wave" else n for n in table.column_names]))
    assert [fault.rule for fault in faults_of(folder, "areas")] == ["missing column", "extra column"]


@pytest.mark.parametrize("make", [as_csv, rewritten], ids=["csv", "parquet"])
def test_their_own_names_for_our_columns(folder, make):
    make(folder, "court_cases", lambda t: t.rename_columns(["DT CHARGED" if n == "charge_date" else n for n in t.column_names]))
    columns = {"court_cases": {"charge_date": "DT CHARGED"}}
    assert len(faults_of(folder)) == 2
    assert faults_of(folder, study=STUDY.model_copy(update={"data": Data(columns=columns)})) == []


def test_a_rename_of_what_is_not_declared(folder):
    study = STUDY.model_copy(update={"data": Data(columns={"areas": {"colour": "x"}, "moons": {"phase": "y"}})})
    assert [fault.rule for fault in faults_of(folder, "study.toml", study)] == ["rename", "rename"]


def test_wrong_types_in_parquet(folder):
    rewritten(folder, "deaths", lambda t: replaced(t, "death_date", t["death_date"].cast(pa.string())))
    assert "stored as VARCHAR, expected date" in str(only(folder, "deaths"))


def test_wrong_types_in_csv(folder):
    def spoilt(table):
        return altered(replaced(table, "wave", table["wave"].cast(pa.string())), "wave", SECRET, 3)

    as_csv(folder, "areas", spoilt)
    fault = only(folder, "areas")
    assert (fault.column, fault.rule, fault.rows) == ("wave", "type", 3)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("25/12/2016", "dates written day or month first"),
        ("2016-25-12", "day and month look swapped"),
        ("25 December 2016", "not a date"),
        ("2016-02-30", "not a date"),
        ("2016-12-25 00:00:00", "not a date"),
    ],
)
def test_dates_that_are_not_written_as_asked(folder, text, problem):
    path = as_csv(folder, "deaths")
    lines = path.read_text().splitlines()
    lines[1] = ",".join([*lines[1].split(",")[:-1], text])
    path.write_text("\n".join(lines) + "\n")
    fault = only(folder, "deaths")
    assert problem in str(fault)
    assert (fault.column, fault.rows) == ("registration_date", 1)


def written_as(folder, name, written):
    """Write an extract as CSV with all of its dates in a format, and give the study that declares it."""

    def change(table):
        for field in table.schema:
            if pa.types.is_date(field.type):
                days = [day and day.strftime(written) for day in table[field.name].to_pylist()]
                table = replaced(table, field.name, pa.array(days, pa.string()))
        return table

    as_csv(folder, name, change)
    return STUDY.model_copy(update={"data": Data(date_format={name: written})})


FORMATS = ["%d/%m/%Y", "%m/%d/%Y", "%d%b%Y", "%Y%m%d", "%d.%m.%Y", "%Y-%m-%d 00:00:00"]


@pytest.mark.parametrize("written", FORMATS)
def test_dates_written_as_declared_are_the_same_days(folder, written):
    days = {row["death_id"]: row["death_date"] for row in pq.read_table(folder / "deaths.parquet").to_pylist()}
    study = written_as(folder, "deaths", written)
    assert faults_of(folder, study=study) == []
    rows = open_for(study, folder).backend.table("deaths").select("death_id", "death_date").to_pyarrow().to_pylist()
    assert {row["death_id"]: row["death_date"] for row in rows} == days


def test_days_and_months_of_one_digit(folder):
    study = written_as(folder, "deaths", "%d/%m/%Y")
    path = folder / "deaths.csv"
    path.write_text(path.read_text().replace(",0", ",").replace("/0", "/"))
    assert faults_of(folder, study=study) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("12/25/2016", "day and month look swapped (month above 12"),
        ("2016-12-25", "not a date"),
        ("31/04/2016", "not a date"),
        ("25/12/16", "not a date"),
    ],
)
def test_dates_that_are_not_as_declared(folder, text, problem):
    study = written_as(folder, "deaths", "%d/%m/%Y")
    path = folder / "deaths.csv"
    lines = path.read_text().splitlines()
    lines[1] = ",".join([*lines[1].split(",")[:-1], text])
    path.write_text("\n".join(lines) + "\n")
    fault = only(folder, "deaths", study)
    assert problem in str(fault)
    assert "such as 30/09/2017" in str(fault)
    assert (fault.column, fault.rows) == ("registration_date", 1)


def test_days_and_months_swapped_throughout_are_found_by_those_above_twelve(folder):
    written_as(folder, "deaths", "%m/%d/%Y")
    study = STUDY.model_copy(update={"data": Data(date_format={"deaths": "%d/%m/%Y"})})
    found = faults_of(folder, "deaths", study)
    assert any("day and month look swapped" in str(fault) for fault in found)


def test_a_date_format_of_no_extract(folder):
    study = STUDY.model_copy(update={"data": Data(date_format={"moons": "%d/%m/%Y"})})
    assert "[data.date_format] names moons" in str(only(folder, "study.toml", study))


@pytest.mark.parametrize("written", ["%d/%m/%y", "%d/%Y", "%d/%m/%d/%Y", "%x", "%d/%m/%Y %H", "day/month/year", "%d/%m/%Y%"])
def test_a_date_format_that_leaves_a_doubt_is_refused(written):
    with pytest.raises(ValidationError, match=r"must hold %d, %m"):
        Data(date_format={"deaths": written})


@pytest.mark.parametrize("make", [as_csv, rewritten], ids=["csv", "parquet"])
@pytest.mark.parametrize(
    ("name", "column", "value", "rule"),
    [
        ("pnc_events", "event_type", SECRET, "code"),
        ("pnc_events", "age", 7, "range"),
        ("areas", "deprivation", 101.0, "range"),
        ("pnc_events", "event_date", None, "missing value"),
        ("ld_persons", "nhs_number", "123 456", "pattern"),
        ("pnc_events", "event_date", datetime.date(1969, 12, 31), "extract"),
        ("ae_attendances", "arrival_date", datetime.date(2019, 7, 1), "extract"),
        ("court_cases", "area_id", SECRET, "dangling"),
        ("ld_interventions", "referral_id", SECRET, "dangling"),
        ("ld_interventions", "offer_date", datetime.date(2017, 1, 1), "order"),
        ("deaths", "registration_date", datetime.date(2012, 1, 1), "order"),
    ],
)
def test_rules_about_rows(folder, make, name, column, value, rule):
    make(folder, name, lambda table: altered(table, column, value))
    found = [fault for fault in faults_of(folder, name) if fault.rule == rule]
    assert len(found) == 1
    assert found[0].rows == 1


def test_numbers_that_are_none(folder):
    rewritten(folder, "areas", lambda table: altered(table, "deprivation", float("nan"), 2))
    assert (only(folder, "areas").rule, only(folder, "areas").rows) == ("range", 2)


def test_duplicate_keys_count_every_row(folder):
    rewritten(folder, "iapt_referrals", lambda table: pa.concat_tables([table, table.slice(0, 2)]))
    assert (only(folder, "iapt").rule, only(folder, "iapt").rows) == ("duplicate key", 4)


def test_a_contact_after_death(folder):
    persons = pq.read_table(folder / "ae_persons.parquet").to_pylist()
    visits = pq.read_table(folder / "ae_attendances.parquet").to_pylist()
    numbers = {row["ae_person_id"]: row["nhs_number"] for row in persons if row["nhs_number"]}
    last = max(row["arrival_date"] for row in visits if row["ae_person_id"] in numbers)
    number = next(numbers[row["ae_person_id"]] for row in visits if row["arrival_date"] == last)
    the_day_before = last - datetime.timedelta(days=1)

    def dead(table):
        row = table.slice(0, 1).to_pylist()[0]
        row |= {"death_id": "D0", "nhs_number": number, "death_date": the_day_before, "registration_date": last}
        return pa.concat_tables([table, pa.Table.from_pylist([row], schema=table.schema)])

    rewritten(folder, "deaths", dead)
    found = [fault for fault in faults_of(folder, "ae_attendances") if fault.rule == "after death"]
    assert [fault.rows for fault in found] == [1]


def test_faults_of_several_files_come_at_once(folder):
    rewritten(folder, "areas", lambda table: altered(table, "wave", 99))
    rewritten(folder, "pnc_events", lambda table: altered(altered(table, "age", 7), "event_type", SECRET))
    (folder / "deaths.parquet").unlink()
    assert [(fault.file, fault.rule) for fault in faults_of(folder)] == [
        ("deaths", "missing file"),
        ("areas.parquet", "range"),
        ("pnc_events.parquet", "code"),
        ("pnc_events.parquet", "range"),
    ]


def test_the_command_says_so_and_fails(folder, tmp_path):
    (folder / "notes.txt").touch()
    ran = subprocess.run([sys.executable, "-m", "ldeval", "check", str(folder)], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "notes.txt: not an extract of the study. Move it out" in ran.stdout
    assert "1 fault(s)" in ran.stdout
    assert "areas.parquet: 42 rows, kinds of fault within them: none" in ran.stderr


@pytest.mark.slow
def test_memory_is_bounded(good, tmp_path):
    """10 million rows of events: what the process holds at most grows by less than 2 GB (the database may take 1)."""
    folder = shutil.copytree(good, tmp_path / "extracts")
    events = pq.read_table(folder / "ae_attendances.parquet")
    with pq.ParquetWriter(folder / "ae_attendances.parquet", events.schema) as writer:
        for copy in range(10_000_000 // len(events)):
            keys = pa.array([f"{copy}-{row}" for row in range(len(events))])
            writer.write_table(replaced(events, "attendance_id", keys))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert faults_of(folder) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2_000_000  # kB
