"""Two releases compared: numbers in standard errors, what their moves mean, exhibits, sentences."""

import math
from dataclasses import replace

import pytest
from lxml import html
from release_folder import findings, make_released, ratio
from typer.testing import CliRunner

from ldeval.analysis.exhibits import Column, Table
from ldeval.analysis.findings import Findings
from ldeval.cli import app
from ldeval.release.diff import as_text, difference
from ldeval.release.diff_page import as_html
from ldeval.release.page_text import edits, sentences

PAGE = """<html><head><title>no</title></head><body><nav><p>Menu.</p></nav><main><header><h1>Results</h1></header>
<p>The ratio was <span>{value}</span>. It {verdict}.</p><ul><li>First point</li></ul>
<table><tr><td>7</td></tr></table><script>var a = "no";</script><p>A last<br>line &amp; more.</p></main>
<p>Foot.</p></body></html>"""


def released(root, *changed, tables=()):
    found = findings()
    new = {row.id: row for row in changed}
    rows = [new.pop(row.id, row) for row in found.estimates] + list(new.values())
    kept = {exhibit.id: exhibit for exhibit in found.exhibits} | {table.id: table for table in tables}
    origin = found.origins["a/effect"]
    plain = Findings(tuple(rows), tuple(kept.values()))
    return make_released(root, replace(plain, origins=dict.fromkeys(plain.ids(), origin)))


def moved(tmp_path, *changed):
    found = difference(released(tmp_path / "old"), released(tmp_path / "new", *changed))
    return {one.id: one for one in found.moved}


def test_equal_releases_do_not_differ(tmp_path):
    found = difference(released(tmp_path / "old"), released(tmp_path / "new"))
    assert not found
    assert as_text(found).startswith("nothing differs")


def test_a_move_is_measured_in_old_standard_errors_on_the_log_scale(tmp_path):
    one = moved(tmp_path, ratio("a/effect", value=0.75))["a/effect"]
    assert one.drift == pytest.approx(math.log(0.75 / 0.68) / 0.19)
    assert one.means == ()


@pytest.mark.parametrize(
    ("row", "means"),
    [
        (ratio("a/effect", value=1.3, low=0.9, high=1.7), {"changed sign", "lies outside its old interval"}),
        (ratio("a/effect", value=0.8, low=0.6, high=1.2), {"its interval now includes no effect"}),
        (ratio("a/none", value=1.05, low=1.01, high=1.09, p_value=None), {"its interval now excludes no effect"}),
        (ratio("a/effect", value=0.5, low=0.4, high=0.6), {"was “too imprecise to say”, is “a difference that matters”"}),
        (ratio("a/effect", value=0.45, low=0.4, high=0.6), {"lies outside its old interval"}),
    ],
)
def test_what_a_move_means_is_said(tmp_path, row, means):
    said = "; ".join(moved(tmp_path, row)[row.id].means)
    assert all(words in said for words in means), said


def test_what_is_new_and_what_is_gone_is_said(tmp_path):
    old, new = released(tmp_path / "old", ratio("b/gone")), released(tmp_path / "new", ratio("b/new"))
    found = {one.id: one.means for one in difference(old, new).moved}
    assert found == {"b/gone": ("gone",), "b/new": ("new",)}


def test_exhibits_tell_how_many_cells_changed(tmp_path):
    table = Table("t-more", "T", (Column("a", "A", "number"), Column("b", "B", "number")), ((1.0, 2.0), (3.0, 4.0)))
    other = replace(table, rows=((1.0, 2.5), (3.0, 4.0)))
    found = difference(released(tmp_path / "old", tables=[table]), released(tmp_path / "new", tables=[other]))
    assert [(one.name, one.what) for one in found.exhibits] == [("tables/t-more.csv", "1 of 4 cells differ")]
    gone = difference(released(tmp_path / "old2", tables=[table]), released(tmp_path / "new2"))
    assert [(one.name, one.what) for one in gone.exhibits] == [("tables/t-more.csv", "gone")]


def test_sentences_are_the_prose_of_the_main_part(tmp_path):
    page = tmp_path / "a.html"
    page.write_text(PAGE.format(value="0.68", verdict="is too imprecise to say"), encoding="utf-8")
    assert sentences(page) == [
        "Results",
        "The ratio was 0.68.",
        "It is too imprecise to say.",
        "First point",
        "A last line & more.",
    ]


def test_changed_sentences_stand_side_by_side(tmp_path):
    for name, value, verdict in (("old", "0.68", "matters"), ("new", "0.71", "matters")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.html").write_text(PAGE.format(value=value, verdict=verdict), encoding="utf-8")
    (edit,) = edits({"a": tmp_path / "old" / "a.html"}, {"a": tmp_path / "new" / "a.html"})
    assert (edit.old, edit.new) == (("The ratio was 0.68.",), ("The ratio was 0.71.",))


def reports(tmp_path):
    """Give two studies with rendered reports that differ in one number and one sentence."""
    for name, row, value in (
        ("old", ratio("a/effect"), "0.68"),
        ("new", ratio("a/effect", value=0.5, low=0.4, high=0.6), "0.50"),
    ):
        root = released(tmp_path / name, row)
        (root / "_report").mkdir()
        (root / "_report" / "results.html").write_text(PAGE.format(value=value, verdict="stands"), encoding="utf-8")
    return tmp_path / "old", tmp_path / "new"


def test_the_command_prints_the_text_and_writes_the_page(tmp_path):
    old, new = reports(tmp_path)
    result = CliRunner().invoke(app, ["diff", str(old), str(new), "--html", str(tmp_path / "d.html")])
    assert result.exit_code == 0
    assert "a/effect 0.68 (0.47 to 0.996) -> 0.50 (0.40 to 0.60)" in result.stdout
    assert "+ The ratio was 0.50." in result.stdout
    page = html.parse(tmp_path / "d.html")
    assert [caption.text for caption in page.iter("caption")] == [
        "Numbers that moved, the furthest first, in old standard errors",
        "Exhibits that changed",
        "Sentences that changed",
    ]
    assert "a difference that matters" in page.getroot().text_content()
    assert page.getroot().xpath("//ins/text()") == ["The ratio was 0.50."]


def test_the_page_needs_nothing_from_elsewhere_and_escapes_what_it_shows(tmp_path):
    old, new = reports(tmp_path)
    text = as_html(difference(old, new), "<b>old</b>", "new")
    assert "<b>old" not in text
    assert "http" not in text
    assert "src=" not in text


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected released results"):
        difference(tmp_path, tmp_path)


def test_what_cannot_be_compared_is_said(tmp_path):
    old, new = released(tmp_path / "old"), released(tmp_path / "new")
    (old / "_results" / "study.json").unlink()
    assert [remark.split(":")[0] for remark in difference(old, new).remarks] == [
        "Verdicts are not compared",
        "Sentences are not compared",
    ]
