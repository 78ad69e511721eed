"""The book: chapters read released results alone, no numeral is typed, and every reference resolves."""

import ast
import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from calls import CELL, INLINE, told

from ldeval.data.linkage_quality import ANCHOR
from ldeval.data.sources import EXTRACTS, PERSON_SOURCES

PROJECT = Path(__file__).parent.parent
EVIDENCE = ("tests/coverage", "benchmarks/results")
BOOK = yaml.safe_load((PROJECT / "_quarto.yml").read_text(encoding="utf-8"))
CHAPTERS = [
    name
    for entry in BOOK["book"]["chapters"] + BOOK["book"]["appendices"]
    for name in (entry["chapters"] if isinstance(entry, dict) else [entry])
]
SOURCES = sorted([PROJECT / "index.qmd", *(PROJECT / "chapters").glob("*.qmd")])
NAMES = [path.relative_to(PROJECT).as_posix() for path in SOURCES]

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
FREE = [
    r"\A---\n(?s:.*?)^---$",  # front matter
    r"^(`{3,})(?s:.*?)^\1$",  # code
    r"`[^`]*`",  # inline code, expressions among it
    r"<!--(?s:.*?)-->",
    r"\{\{<.*?>\}\}",
    r"\{[^}]*\}",  # attributes
    r"^#+ .*$",  # headings
    r"\b(CR1(-t)?|CR2|HC[0-3]|NB2)\b",  # names of rules for errors and of a model
    r"@[\w-]+(, pp?\. [\d-]+)?",  # citations and cross-references
    r"\]\([^)]*\)|https?://\S+",
    r"\[\^\w+\]",
    r"^\s*\d+\. ",  # ordered lists
    rf"(\b\d{{1,2}} )?\b({MONTHS})( \d{{4}})?\b",
    r"\b(19|20)\d\d(s|/\d\d)?\b",  # years
]
TENS = "twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
TEENS = "eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen"
TYPED = re.compile(rf"\S*\d\S*|\b({TEENS}|{TENS}|hundred|thousand|million|billion|dozen|percent|per cent)s?\b", re.IGNORECASE)


def typed_numerals(text):
    """Give the numerals of a chapter that come from no expression."""
    for pattern in FREE:
        text = re.sub(pattern, " ", text, flags=re.MULTILINE)
    return [match[0] for match in TYPED.finditer(text)]


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_no_numeral_is_typed(path):
    assert typed_numerals(path.read_text(encoding="utf-8")) == []


TURNING = ("says", "says_of_share", "on_records")


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_no_numeral_is_typed_in_texts_that_turn_with_the_numbers(path):
    text = path.read_text(encoding="utf-8")
    calls = [
        node
        for source in [*CELL.findall(text), *INLINE.findall(text)]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TURNING
    ]
    said = [
        part.value
        for call in calls
        for word in call.keywords
        for part in (word.value.values if isinstance(word.value, ast.JoinedStr) else [word.value])
        if isinstance(part, ast.Constant)
    ]
    assert typed_numerals(" ".join(said)) == []


@pytest.mark.parametrize(
    "text", ["a rise of 12%", "0.68", "twenty-seven sites", "p<0.05", "£13.1m", "two million", "12 people, as [@a2001]"]
)
def test_the_scan_finds_what_is_typed(text):
    assert typed_numerals(f"# Title 1\n\nSome words: {text}.\n") != []


@pytest.mark.parametrize(
    "text",
    [
        '`{python} est("x/1")`',
        "in April 2014 and on 12 April 2021, or 2016/17",
        "[@cox1972, p. 12] and @tbl-2",
        "ten words",
        "errors CR1-t, CR2 and HC0 of an NB2 model",
        "1. first",
        "![](a1.png){width=20%}",
        "```{python}\nx = 12\n```",
    ],
)
def test_the_scan_lets_dates_citations_headings_and_expressions_be(text):
    assert typed_numerals(f"# Title 1\n\n{text}\n") == []


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_chapters_import_from_release_alone(path):
    text = path.read_text(encoding="utf-8")
    code = [*CELL.findall(text), *INLINE.findall(text)]
    for node in (node for source in code for node in ast.walk(ast.parse(source))):
        assert not isinstance(node, ast.Import), ast.unparse(node)
        if isinstance(node, ast.ImportFrom):
            assert node.module == "ldeval.release", ast.unparse(node)


def pages():
    return [PROJECT / name for name in CHAPTERS]


def test_the_book_is_a_quarto_book_in_two_formats():
    assert BOOK["project"]["type"] == "book"
    assert list(BOOK["format"]) == ["html", "typst"]
    assert all(page.is_file() for page in pages())
    assert {*pages(), *(PROJECT / "chapters").glob("_*.qmd")} == set(SOURCES)


def test_every_page_says_what_it_is_and_what_it_is_not():
    notice = (PROJECT / "chapters" / "_notice.qmd").read_text(encoding="utf-8")
    assert "independent work" in notice
    assert "not a publication of RAND" in notice
    assert "open data published for teaching" in notice
    assert "about_records()" in notice
    for page in pages():
        include = "chapters/_notice.qmd" if page.parent == PROJECT else "_notice.qmd"
        assert f"{{{{< include {include} >}}}}" in page.read_text(encoding="utf-8"), page.name


def test_every_cross_reference_and_citation_resolves():
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages())
    labels = re.findall(r"\{#([\w-]+)", text)
    assert len(labels) == len(set(labels))
    known = set(labels) | set(re.findall(r"@\w+\{(\w+),", (PROJECT / "references.bib").read_text(encoding="utf-8")))
    used = set(re.findall(r"@([\w-]*\w)", re.sub(r"^`{3}.*?^`{3}$", "", text, flags=re.M | re.S)))
    assert used <= known
    exhibits = {label for label in labels if label.startswith(("fig-", "tbl-"))}
    assert exhibits <= used


def test_no_line_starts_as_the_number_of_an_example():
    """A reference in brackets at the start of a line of an item would open a numbered list."""
    for page in pages():
        assert re.findall(r"^\s+\(@[\w-]+\)\s", page.read_text(encoding="utf-8"), flags=re.M) == [], page.name


@pytest.mark.parametrize("path", pages(), ids=CHAPTERS)
def test_every_exhibit_has_a_caption_that_states_a_finding(path):
    for label, body in re.findall(r"^::: \{#((?:fig|tbl)-[\w-]+)\}\n(.*?)^:::$", path.read_text(), flags=re.M | re.S):
        caption = CELL.sub("", body).strip()
        assert len(caption.split()) >= 8, label


@pytest.mark.parametrize("path", pages(), ids=CHAPTERS)
def test_every_cell_and_expression_runs_on_the_released_results(path, released):
    texts, faults = told(released, [path])
    assert faults == []
    gaps = json.loads((released / "_results" / "provenance.json").read_text(encoding="utf-8"))["missing"]
    assert set(re.findall(r'\.missing data-id="([^"]+)"', texts[path.stem])) <= set(gaps)  # each reason is its own


PLACES = ("validation", "trust", "robustness", "data")
"""Chapters with figures that no records of the study are behind, and that of the flow."""


def test_every_released_figure_of_the_validation_and_of_the_flow_is_shown(released):
    made = json.loads((released / "_results" / "provenance.json").read_text(encoding="utf-8"))["results"]
    shown = {name: (PROJECT / "chapters" / f"{name}.qmd").read_text(encoding="utf-8") for name in PLACES}
    for picture in (released / "_results" / "figures").glob("*.svg"):
        if "records" not in made[picture.stem]["data"]:
            assert f'figure("{picture.stem}")' in "".join(shown.values())
        if picture.stem.startswith("flow-"):
            assert f'figure("{picture.stem}")' in shown["data"]


def test_the_dictionary_shows_every_extract_and_the_links_of_every_source():
    text = (PROJECT / "chapters" / "dictionary.qmd").read_text(encoding="utf-8")
    assert re.findall(r'dictionary_table\("(\w+)"\)', text) == list(EXTRACTS)
    linked = [source.name for source in PERSON_SOURCES if source.name != ANCHOR]
    assert re.findall(r'table\("linkage-(\w+)"\)', text) == linked


def test_the_notice_that_nobody_exists_is_shown_for_a_twin_alone(released, tmp_path, monkeypatch):
    from ldeval.release import about_records

    monkeypatch.chdir(released)
    assert "do not exist" in about_records().data
    real = tmp_path / "real"
    shutil.copytree(released / "_results", real / "_results")
    shutil.copy(released / "study.toml", real)
    path = real / "_results" / "study.json"
    path.write_text(path.read_text().replace('"source": "twin"', '"source": "extracts"'), encoding="utf-8")
    monkeypatch.chdir(real)
    assert "do not exist" not in about_records().data
