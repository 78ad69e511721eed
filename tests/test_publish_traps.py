"""Words that Markdown, HTML or Typst could take for something else come out as they are, in both formats."""

import pypdf
import pytest
from books import cell, write_book
from lxml import html

from ldeval.publish import build as building
from ldeval.publish.build import build
from ldeval.publish.faults import BookError

LIST = """
- One item

  | x | y | z |
  |---|---|---|
  | a | b | c |

| Area  | Cases |
|-------|-------|
| North | 10    |
| South | 20    |

```
#table(
  columns: 5,
```
"""
CAPITALS = "<TABLE><CAPTION>Its own caption</CAPTION><tr><td>cell in capitals</td></tr></TABLE>"
SHOWN = f"from IPython.display import HTML\nHTML('{CAPITALS}')"
CHAPTERS = {
    "a.qmd": "---\ntitle: 'Learning F #'\n---\n\n"
    + "## Reform\n\nSee [there](#reform).\n"
    + cell("print('x')", label="fig-a", fig_cap="2024. Results by year")
    + cell("print('x')", label="tbl-a", tbl_cap='"# of people"')
    + '\n::: {#fig-b fig-cap="1. First of all"}\nx\n:::\n'
    + '\n::: {.callout-note title="2. Start here"}\nx\n:::\n'
    + cell("print('\\x1b[31mred\\x1b[0m and \\x00plain')")
    + "\nA value `{python} '&lt;b&gt; &copy;'` here.\n\n`{python} '==='`\n\nTwo `{python} 'lines\\n\\n    of one'` value.\n"
    + "\n$$e = 1$$ {#eq-e}.\n\nSee @eq-e.\n"
    + "\n![The $x^2$ of ($y$) grows. More](d.svg){#fig-m}\n\n## Results\n"
    + cell("print('of a cell')", label="results"),
    "b.qmd": "# B\n\n## Reform\n\nSee [here](#reform).\n" + LIST + cell(SHOWN),
}


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    files = {"d.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'}
    root = write_book(tmp_path_factory.mktemp("traps") / "book", CHAPTERS, config="toc-depth: default\n", **files)
    sources = []
    with pytest.MonkeyPatch.context() as patch:
        real = building.pdf.compile_pdf
        patch.setattr(building.pdf, "compile_pdf", lambda source, *rest: sources.append(source) or real(source, *rest))
        output = build(root, say=lambda text: None)
    (path,) = output.glob("*.pdf")
    paper = " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())
    page = " ".join(" ".join(html.fromstring((output / f"{name}.html").read_text()).text_content() for name in "ab").split())
    return page, paper, sources[0]


@pytest.mark.parametrize(
    "words",
    [
        "Learning F #",
        "Figure 1.1: 2024. Results by year",
        "Table 1.1: # of people",
        "Figure 1.2: 1. First of all",
        "2. Start here",
        "red and plain",
        "A value &lt;b&gt; &copy; here.",
        "===",
        "Two lines of one value.",
        "cell in capitals",
        "Its own caption",
        "See Equation 1.1",
        "of a cell",
        "grows. More",
    ],
)
def test_words_are_shown_as_they_are(book, words):
    page, paper, _ = book
    assert words.casefold() in page.replace("\u00a0", " ").casefold()
    assert words.casefold() in paper.replace("\u00a0", " ").casefold()


def test_a_label_of_an_equation_is_not_shown_though_a_full_stop_follows_it(book):
    assert "{#eq-e}" not in book[0] + book[1]


def test_each_table_has_its_own_columns_wherever_it_stands(book):
    *_, source = book
    assert "  #table(\n    columns: (1.0fr, auto, auto,)," in source
    assert "#table(\n  columns: (2.2fr, auto,)," in source
    assert "#table(\n  columns: 5,\n```" in source


@pytest.mark.parametrize(
    ("title", "name"),
    [("A line ends here \\", "A-line-ends-here.pdf"), ("?!", "report.pdf"), ("long " * 60, None), ("No^[one]", None)],
)
def test_a_title_of_any_words_gives_a_book(tmp_path, title, name):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n"})
    (root / "_quarto.yml").write_text((root / "_quarto.yml").read_text().replace("A book", f"'{title}'"))
    (path,) = build(root, say=lambda text: None).glob("*.pdf")
    assert path.name == name or (name is None and len(path.name) < 120)


def test_a_formula_in_a_title_that_cannot_be_set_is_named(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n"})
    (root / "_quarto.yml").write_text((root / "_quarto.yml").read_text().replace("A book", r"'On $\nosuchmacro{x}$'"))
    with pytest.raises(BookError, match=r"_quarto\.yml: On .*Could not convert TeX math"):
        build(root, say=lambda text: None)


@pytest.mark.parametrize(("line", "place"), [("date: 2024-02-30\n", "_quarto.yml"), ("", "a.qmd")])
def test_a_day_that_no_calendar_has_is_told_with_its_file(tmp_path, line, place):
    chapter = "# A\n" + cell("1", label="2024-02-30") if not line else "# A\n"
    root = write_book(tmp_path / "book", {"a.qmd": chapter}, config=line)
    with pytest.raises(BookError, match=rf"{place}.*not YAML: day is out of range"):
        build(root, say=lambda text: None)


def test_letters_of_subfigures_go_on_after_z(tmp_path):
    dots = "\n\n".join(f"![P]({n}.svg){{#fig-{n}}}" for n in range(28))
    dot = '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
    chapter = f"# A\n\n::: {{#fig-all layout-ncol=7}}\n\n{dots}\n\nAll.\n:::\n\nSee @fig-27.\n"
    root = write_book(tmp_path / "book", {"a.qmd": chapter}, **{f"{n}.svg": dot for n in range(28)})
    page = html.fromstring((build(root, to="html", say=lambda text: None) / "a.html").read_text()).text_content()
    assert "See Figure\u00a01.1\u00a0(ab)." in page
