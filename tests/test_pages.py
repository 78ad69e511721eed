"""What surrounds a chapter: the search's index, figures for dark pages, the edition; and a rebuild that is the same."""

import json
import re
import shutil
import subprocess

import pytest
from books import cell, write_book
from conftest import BOOKS, _copy

from ldeval.publish.build import build
from ldeval.publish.look import gt, pictures, search
from ldeval.publish.look.edition import Edition, long_date, read_edition

FIGURE = b"""<svg><defs><style type="text/css">*{}</style></defs><g id="figure_1"><path style="fill: #ffffff"/>
<path style="stroke: #12436d"/><text style="font: 9px 'DejaVu Sans'; font-family: 'DejaVu Sans'">a</text></g></svg>"""


def indexed(*items):
    text = search.index(items).decode()
    assert text.startswith("window.ldevalIndex=")
    return json.loads(text.removeprefix("window.ldevalIndex=").rstrip(";\n"))


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def luminance(colour):
    return sum(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def test_a_page_is_indexed_by_section_without_what_is_not_read():
    page = (
        '<h1 id="top">Title</h1><p>One &amp; two<script>no()</script></p><h2 id="b">Second <em>part</em></h2>'
        '<p>Three<span class="screen-reader-only">hidden</span></p><p>four</p>'
        '<details class="code-fold"><p>code</p></details><annotation>\\beta</annotation>'
    )
    index = indexed(("a/b.html", "Title", page))
    assert index["pages"] == [["a/b.html", "Title"]]
    assert index["sections"] == [[0, "top", "Title", "One & two"], [0, "b", "Second part", "Three four"]]


def test_exhibits_are_indexed_with_caption_and_picture():
    inner = '<div id="fig-b"><figure><img src="../x/b.svg" alt=""><figcaption>(b) Inner</figcaption></figure></div>'
    outer = f'<div id="fig-a"><figure>{inner}<figcaption>Figure 1:\u00a0Outer</figcaption></figure></div><p>after</p>'
    targets = indexed(("a/b.html", "T", outer))["targets"]
    assert targets["fig-a"] == [0, "Figure 1: Outer", "x/b.svg"]
    assert targets["fig-b"] == [0, "(b) Inner", "x/b.svg"]


def test_a_figure_carries_the_typeface_and_has_a_dark_version():
    light = pictures.dressed(FIGURE)
    assert b"@font-face" in light
    assert b"font-family: 'Source Sans 3'" in light
    dark = pictures.darkened(light).decode()
    ground, line = re.findall(r"(?:fill|stroke): (#\w{6})", dark)
    assert ground == pictures.PAPER
    assert luminance(line) > luminance("#777777") > luminance("#12436d")


def test_pale_washes_turn_dark_with_the_page():
    for wash in (b"#f3f5f7", b"#e1e6ec", b"#e5e5e5"):
        turned = pictures.darkened(FIGURE.replace(b"#12436d", wash)).decode()
        assert luminance(re.findall(r"(?:fill|stroke): (#\w{6})", turned)[1]) < luminance("#505050"), wash


def test_only_what_matplotlib_drew_is_dressed():
    assert pictures.is_drawn(FIGURE)
    assert not pictures.is_drawn(b"<svg><path/></svg>")


def test_a_table_of_great_tables_loses_its_style_and_its_random_id():
    table = '<table class="gt_table"><td headers="qwertyuiop-a">1</td></table>'
    text = f'<div id="qwertyuiop" style="x"><style>#qwertyuiop {{}}</style>{table}</div>'
    (first, second) = gt.one_look([{"t": "RawBlock", "c": ["html", text]}, {"t": "RawBlock", "c": ["html", text]}])
    assert first["c"][1] == '<table class="gt_table"><td headers="gt-1-a">1</td></table>'
    assert "gt-2-a" in second["c"][1]


def test_the_edition_is_that_of_the_sources(tmp_path):
    git = ["git", "-C", str(tmp_path), "-c", "user.name=A", "-c", "user.email=a@example.org"]
    assert str(read_edition(tmp_path / "nowhere")) == f"Made with ldeval {read_edition(tmp_path).version}."
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "a.qmd").write_text("# A\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "First", "--date", "2026-03-04T00:00:00"], check=True)
    assert not read_edition(tmp_path).changed
    (tmp_path / "a.qmd").write_text("# B\n")
    assert read_edition(tmp_path).changed


def test_an_edition_reads_as_a_sentence():
    assert str(Edition("1.0", "abc", "2026-03-04")) == "Made with ldeval 1.0 from commit abc of 4 March 2026."
    assert long_date("soon") == "soon"


@pytest.mark.parametrize("name", BOOKS)
def test_a_rebuild_from_nothing_is_byte_for_byte_the_same(books, released, tmp_path, name):
    """Another folder, no cache: the same files, the PDF among them."""
    _copy(name, tmp_path / "again", released)
    shutil.rmtree(tmp_path / "again" / "_build", ignore_errors=True)
    again = files(build(tmp_path / "again", say=lambda text: None))
    once = files(books[name])
    differ = [str(path) for path in once.keys() | again.keys() if once.get(path) != again.get(path)]
    assert [path for path in differ if not path.endswith("build.json")] == []


def test_a_page_that_is_rendered_without_the_pdf_does_not_link_to_one(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell("1")})
    build(root, to="html", say=lambda text: None)
    assert ".pdf" not in (root / "_report" / "a.html").read_text()
    build(root, say=lambda text: None)
    assert "A-book.pdf" in (root / "_report" / "a.html").read_text()


def test_the_resources_of_the_project_go_with_the_report(tmp_path):
    files = {"data/a/b.csv": "1", "data/c.csv": "2", "data/d.json": "3", "note.txt": "4"}
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n"}, **files)
    listed = "output-dir: _report, resources: ['data/**/*.csv', note.txt, nothing.txt]"
    (root / "_quarto.yml").write_text((root / "_quarto.yml").read_text().replace("output-dir: _report", listed))
    build(root, to="html", say=lambda text: None)
    copied = {name for name in files if (root / "_report" / name).is_file()}
    assert copied == {"data/a/b.csv", "data/c.csv", "note.txt"}
