"""What is wrong with a book ends in a clear message: file, line, what was found, what to do; and nothing is lost."""

import pytest
from books import cell, render, write_book

from ldeval.publish.build import build
from ldeval.publish.faults import BookError


def faults(root, **options):
    with pytest.raises(BookError) as caught:
        build(root, to="html", say=lambda text: None, **options)
    return [str(fault) for fault in caught.value.faults]


GIVEN = "from IPython.display import Markdown\nMarkdown('::: {.column-' + 'margin}\\nx\\n:::')"
"""Code that gives what no line of the text holds."""


def chapter(tmp_path, text, **options):
    return faults(write_book(tmp_path / "book", {"a.qmd": text}, **options))


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("# A\n\nSee @fig-nowhere.\n", "a.qmd:3", "reference @fig-nowhere leads nowhere"),
        ("# A\n\nSee @cox1972.\n", "a.qmd:3", "citation @cox1972 is not in the bibliography"),
        ("# A\n\nSee @thm-one.\n", "a.qmd:3", "reference @thm-one is not supported"),
        ("# A\n\n![x](no.png)\n", "a.qmd:3", "image no.png is not there"),
        ("# A\n\n![x](https://example.org/a.png)\n", "a.qmd:3", "is on the network"),
        ("# A\n\n[x](b.qmd)\n", "a.qmd:3", "link b.qmd leads nowhere"),
        ("# A\n\n[x](#nothing)\n", "a.qmd:3", "link #nothing leads nowhere"),
        ("# A\n\n{{< video x.mp4 >}}\n", "a.qmd:3", "shortcode {{< video x.mp4 >}} is not supported"),
        ("# A\n\n{{< var name >}}\n", "a.qmd:3", "var 'name' has no value"),
        ("# A\n\n{{< include no.qmd >}}\n", "a.qmd:3", "no.qmd cannot be read"),
        ("# A\n\n{{< include a.qmd >}}\n", "a.qmd:3", "a.qmd includes itself"),
        ("# A\n\n::: {.column-margin}\nx\n:::\n", "a.qmd:3", "div .column-margin is not supported"),
        ("# A\n\n::: {.content-visible}\nx\n:::\n", "a.qmd:3", "has no format"),
        ("# A\n\n```{r}\n1\n```\n", "a.qmd:3", "code block {r} is not supported"),
        ("# A\n\n```{=latex}\n1\n```\n", "a.qmd:3", "code block {=latex} is not supported"),
        ("# A\n\n```{python}\n#| fig-align: left\n1\n```\n", "a.qmd:3", "cell option 'fig-align' is not supported"),
        ("# A\n" + cell(GIVEN), "a.qmd:3", "div .column-margin is not supported"),
        ("# A\n\n```{python}\n#| label: [\n1\n```\n", "a.qmd:3", "cell options are not YAML"),
        ("# A\n\n```{python}\n1\n", "a.qmd:3", "code block is not closed"),
        ("# A\n\nValue `{python} 1`.\n", "a.qmd:3", "inline python in a chapter without a python cell"),
        ("# A\n\nValue `{r} 1`.\n", "a.qmd:3", "inline {r} is not supported"),
        ("# A\n\n# B\n", "a.qmd", "expected one level-1 heading, found 2"),
        ("no heading\n", "a.qmd", "expected one level-1 heading, found 0"),
        ("---\ntitle: [\n---\n", "a.qmd:2", "front matter is not YAML"),
        ("---\ntitle: x\n", "a.qmd:1", "front matter is not closed"),
        ("---\ntitle: x\nrevealjs: y\n---\n", "a.qmd:1", "front matter key 'revealjs' is not supported"),
        ("# A\n\n$$\\nosuchmacro{x}$$\n", "a.qmd", "Could not convert TeX math"),
        ("# A\n\n## B {#sec-b}\n\n## C {#sec-b}\n", "a.qmd:3", "label sec-b is used 2 times"),
        ("# A\n" + cell("1", label="x") * 2, "a.qmd:8", "label x is used 2 times, first on line 3"),
        ("# A\n\n::: {.panel-tabset}\nno heading\n:::\n", "a.qmd", "a tabset begins with a heading"),
        ("# A\n\n::: {layout='[[x]]'}\ny\n:::\n", "a.qmd", "is not a list of rows"),
        (b"# A\n\nna\xefve\n", "a.qmd", "not UTF-8, first at byte"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else None,
)
def test_a_fault_of_a_chapter_names_its_place(tmp_path, text, place, says):
    found = chapter(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(place)
    assert says in found[0]


def test_all_unresolved_references_of_a_book_come_at_once(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n\n@fig-x\n\n@tbl-y\n", "b.qmd": "# B\n\n@nobody1999\n"})
    assert [line.split(":")[0] for line in faults(root)] == ["a.qmd", "a.qmd", "b.qmd"]


def test_a_label_used_in_two_chapters(tmp_path):
    text = "# T\n\n::: {#fig-x}\n\n![a](d.png)\n\nCap.\n:::\n"
    root = write_book(tmp_path / "book", {"a.qmd": text, "b.qmd": text}, **{"d.png": b"png"})
    assert faults(root) == ["b.qmd:3: label fig-x is used 2 times (a.qmd, b.qmd)\n    rename it"]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("toc-titel: x\n", "_quarto.yml:11: toc-titel is not supported"),
        ("bibliography: no.bib\n", "_quarto.yml:11: bibliography: no.bib is not there"),
        ("x: [\n", "is not YAML"),
    ],
)
def test_a_fault_of_the_configuration(tmp_path, config, says):
    assert says in "\n".join(chapter(tmp_path, "# A\n", config=config))


def test_a_chapter_that_is_missing_and_one_listed_twice(tmp_path):
    root = write_book(tmp_path / "book", {})
    text = (root / "_quarto.yml").read_text().replace("[index.qmd]", "[index.qmd, no.qmd, index.qmd]")
    (root / "_quarto.yml").write_text(text)
    assert [line.split("\n")[0] for line in faults(root)] == [
        "_quarto.yml:6: chapter index.qmd is listed 2 times",
        "_quarto.yml:6: chapter no.qmd is not there",
    ]


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("book: [1, 2]\nformat: 3\n", ["_quarto.yml:1: book: expected keys and values, found list", "_quarto.yml:2: format: "]),
        ("book: {chapters: [{fil: index.qmd}]}\n", ["_quarto.yml:1: book.chapters.fil is not supported"]),
        ("", ["_quarto.yml:1: expected keys and values, found NoneType"]),
    ],
)
def test_a_configuration_of_another_shape(tmp_path, config, says):
    root = write_book(tmp_path / "book", {})
    (root / "_quarto.yml").write_text(config)
    found = faults(root)
    assert len(found) == len(says)
    assert all(text.startswith(start) for text, start in zip(found, says, strict=True))


def test_a_picture_that_typst_cannot_read_is_named(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n\n![x](no.png)\n"}, **{"no.png": "no picture"})
    with pytest.raises(BookError, match=r"(?s)failed to decode image.*it stands in: .*/no\.png"):
        build(root, to="pdf", say=lambda text: None)


def test_no_configuration_at_all(tmp_path):
    assert "_quarto.yml: cannot be read" in faults(tmp_path)[0]


def test_a_cell_that_raises_names_its_label_and_shows_a_readable_traceback(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell("def f():\n    return 1 / 0\nf()", label="boom")})
    done = render(root, "--to", "html")
    assert done.returncode == 1
    assert "a.qmd:3: cell 'boom' failed" in done.stderr
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert "\x1b[" not in done.stderr
    assert "Traceback" not in done.stderr.split("ZeroDivisionError")[0].splitlines()[0]
    assert not (root / "_report").exists()


def test_inline_code_that_raises_names_its_line(tmp_path):
    assert "a.qmd:7: inline code `nothing` failed" in chapter(tmp_path, "# A\n" + cell("x = 1") + "\n`{python} nothing`\n")[0]


def test_a_cell_that_never_ends_is_stopped(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell("while True: pass", label="forever")})
    assert "cell 'forever' ran longer than 2 seconds" in faults(root, timeout=2)[0]


def test_a_kernel_that_dies(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n" + cell("import os; os._exit(1)", label="dies")})
    assert "cell 'dies' ended its kernel" in faults(root)[0]


def test_faults_of_several_cells_come_together(tmp_path):
    root = write_book(tmp_path / "book", {name: "# T\n" + cell("1/0") for name in ("a.qmd", "b.qmd")})
    assert [line.split(":")[0] for line in faults(root)] == ["a.qmd", "b.qmd"]
