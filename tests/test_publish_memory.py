"""What is remembered between builds is never stale: a test for each input of each key, and for kept texts that are spoilt."""

import re

import pytest
from books import cell, write_book

from ldeval.publish import build as building
from ldeval.publish import cache, html, memory, pandoc, pdf
from ldeval.publish.build import build
from ldeval.publish.steps import Steps

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><g id="figure_1"><path d="M0 0h9v9"/></g></svg>'
SHOW = f"from IPython.display import SVG, Markdown\nSVG({SVG!r})"
PLAIN = SVG.replace("figure_1", "other")
WORK = "@book{{{0}, author={{One, A.}}, title={{{0}}}, year={{2001}}}}\n"
CHAPTERS = {
    "a.qmd": "# A\n" + cell("print('kept')", label="one") + "\n$$x$$ {#eq-a}\n\nSee @eq-a.\n",
    "b.qmd": "# B\n\nAs @eq-a has it, @first.\n\n![Alt](d.svg)\n\n{{< var word >}}\n",
    "refs.qmd": "# Works {.unnumbered}\n\n::: {#refs}\n:::\n",
}
FILES = {"d.svg": SVG, "refs.bib": WORK.format("first"), "_variables.yml": "word: old\n"}


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book", CHAPTERS, config="bibliography: refs.bib\n", **FILES)


def built(root, to="html"):
    output = build(root, to=to, say=lambda text: None)
    return {path.name: path.read_bytes() for path in output.rglob("*") if path.is_file() and path.name != "build.json"}


def replaced(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


CHANGES = {
    "prose": ("b.qmd", "As ", "Like "),
    "a number of another chapter": ("a.qmd", "# A\n", "# A\n\n$$y$$ {#eq-b}\n"),
    "a chapter before it": ("_quarto.yml", "a.qmd, b.qmd", "b.qmd, a.qmd"),
    "the cell of a chapter": ("a.qmd", "'kept'", "'changed'"),
    "a figure": ("d.svg", "M0 0h9v9", "M0 0h9v3"),
    "a figure that is no longer drawn by matplotlib": ("d.svg", "figure_1", "other"),
    "a work of the bibliography": ("refs.bib", "One, A.", "Other, B."),
    "a work of the same author and year, cited elsewhere": ("a.qmd", "See @eq-a.", "See @eq-a and @second."),
    "a variable": ("_variables.yml", "old", "new"),
    "an option": ("_quarto.yml", "number-sections: true", "number-sections: false"),
    "the language": ("_quarto.yml", "lang: en-GB", "lang: fr"),
    "the title": ("_quarto.yml", "title: A book", "title: B book"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_build_after_a_change_is_as_one_from_nothing(book, what):
    """Every file, byte for byte; and something did change."""
    path, old, new = CHANGES[what]
    (book / "refs.bib").write_text(WORK.format("first") + WORK.format("second"))
    before = built(book)
    replaced(book / path, old, new)
    after = built(book)
    (book / cache.FOLDER).rename(book / "gone")
    (book / "_report").rename(book / "last")
    assert built(book) == after
    assert after != before


@pytest.mark.parametrize("what", ["prose", "a number of another chapter", "a work of the same author and year, cited elsewhere"])
def test_the_source_of_the_pdf_is_as_one_from_nothing(book, monkeypatch, what):
    sources = []
    monkeypatch.setattr(pdf, "compile_pdf", lambda source, *_: sources.append(source) or b"")
    path, old, new = CHANGES[what]
    (book / "refs.bib").write_text(WORK.format("first") + WORK.format("second"))
    build(book, to="pdf", say=lambda text: None)
    replaced(book / path, old, new)
    build(book, to="pdf", say=lambda text: None)
    (book / cache.FOLDER).rename(book / "gone")
    (book / "_report").rename(book / "last")
    build(book, to="pdf", say=lambda text: None)
    first, second, third = sources
    assert second == third
    assert second != first
    assert "// the works" not in second


def test_works_of_one_author_and_year_are_told_apart_through_the_whole_pdf(book, monkeypatch):
    sources = []
    monkeypatch.setattr(pdf, "compile_pdf", lambda source, *_: sources.append(source) or b"")
    (book / "refs.bib").write_text(WORK.format("first") + WORK.format("second"))
    replaced(book / "a.qmd", "See @eq-a.", "See @second.")
    build(book, to="pdf", say=lambda text: None)
    assert re.search(r"One\s*(#link\(<ref-second>\)\[)?\(?.*2001b", sources[0])
    assert "2001a" in sources[0]
    assert sources[0].count("<ref-first>") == 2


@pytest.mark.parametrize("module", [html, pdf], ids=["html", "pdf"])
def test_a_chapter_is_written_again_only_where_something_that_it_holds_changed(book, monkeypatch, module):
    name = "body" if module is html else "chapter"
    written = []
    real = getattr(module, name)

    def noted(*arguments):
        written.append(next(item for item in arguments if hasattr(item, "entry")).entry.path)
        return real(*arguments)

    monkeypatch.setattr(module, name, noted)
    built(book, "all")
    assert sorted(written) == ["a.qmd", "b.qmd", "index.qmd", "refs.qmd"]
    written.clear()
    built(book, "all")  # unchanged: nothing is written, and nothing forgotten
    replaced(book / "b.qmd", "As ", "Like ")
    built(book, "all")
    assert written == ["b.qmd"]


def test_new_code_or_templates_of_the_renderer_write_every_chapter_again(book, monkeypatch):
    built(book)
    monkeypatch.setattr(cache, "package", lambda: "another")
    monkeypatch.setattr(html, "body", lambda book, numbered, *_: f"written anew: {numbered.entry.path}")
    assert all(b"written anew" in content for name, content in built(book).items() if name.endswith(".html"))


def test_the_package_fingerprint_covers_templates(tmp_path, monkeypatch):
    (tmp_path / "package" / "templates").mkdir(parents=True)
    monkeypatch.setattr(cache, "PACKAGE", tmp_path / "package")
    seen = set()
    for text in ("a", "b"):
        (tmp_path / "package" / "templates" / "page.html").write_text(text)
        cache.package.cache_clear()
        seen.add(cache.package())
    cache.package.cache_clear()
    assert len(seen) == 2


def test_a_new_edition_is_on_every_page(book, monkeypatch):
    built(book)
    monkeypatch.setattr(building, "read_edition", lambda root: "Made with another commit.")
    assert all(b"another commit" in content for name, content in built(book).items() if name.endswith(".html"))


def test_new_provenance_of_a_number_is_on_its_page(tmp_path):
    payload = '<script type="application/json" id="ldeval-provenance">{"estimates": {"a/b": {"method": "old"}}}</script>'
    text = "# A\n\n[0.5]{.est data-id=a/b}\n"
    root = write_book(
        tmp_path / "book", {"a.qmd": text}, config="include-after-body: payload.html\n", **{"payload.html": payload}
    )
    assert b'"method": "old"' in built(root)["a.html"]
    replaced(root / "payload.html", "old", "new")
    assert b'"method": "new"' in built(root)["a.html"]


@pytest.mark.parametrize("part", ["text", "arguments", "a file that it reads", "pandoc"])
def test_an_answer_of_pandoc_is_kept_under_each_of_its_inputs(tmp_path, monkeypatch, part):
    runs = []
    program, read = tmp_path / "pandoc", tmp_path / "refs.bib"
    program.write_text("1")
    read.write_text("1")
    monkeypatch.setattr(pandoc, "_program", lambda: program)
    monkeypatch.setattr(pandoc, "_run", lambda text, arguments: runs.append(text) or f"answer {len(runs)}")
    with memory.remembering(tmp_path / "kept"):
        assert {pandoc.pandoc("text", "-t", "json", reads=[read]) for _ in range(2)} == {"answer 1"}
        {"a file that it reads": read, "pandoc": program}.get(part, tmp_path / "other").write_text("22")
        text = "other" if part == "text" else "text"
        arguments = ("-t", "html") if part == "arguments" else ("-t", "json")
        assert pandoc.pandoc(text, *arguments, reads=[read]) == "answer 2"


@pytest.mark.parametrize("spoilt", [b"", b"half", b"0" * 64 + b"\nanother text"])
def test_a_kept_text_that_is_spoilt_is_made_again(tmp_path, spoilt):
    with memory.remembering(tmp_path):
        assert memory.remembered([b"a"], lambda: "text") == "text"
        (path,) = tmp_path.iterdir()
        path.write_bytes(spoilt)
        assert memory.remembered([b"a"], lambda: "text") == "text"
        assert path.read_bytes().endswith(b"\ntext")


def test_texts_that_no_build_needs_are_forgotten(tmp_path):
    for build_number in range(9):
        with memory.remembering(tmp_path) as kept:
            memory.remembered([b"always"], lambda: "text")
            memory.remembered([b"%d" % build_number], lambda: "text")
            kept.forget()
    assert len(list(tmp_path.iterdir())) == 6
    with memory.remembering(tmp_path):
        memory.remembered([b"always"], lambda: pytest.fail("it was used by every build"))


def test_inputs_do_not_run_into_each_other():
    assert memory.digest([b"ab", b"c"]) != memory.digest([b"a", b"bc"])


def test_a_build_says_where_its_time_goes(book):
    steps = Steps()
    build(book, say=lambda text: None, steps=steps)
    assert list(steps.taken) == [
        *("read", "run", "parse", "number and check", "figures", "typst source", "html", "pages", "typst")
    ]
    assert all(seconds >= 0 for pair in steps.taken.values() for seconds in pair)
    assert re.fullmatch(r"(\w[\w ]* \d+\.\d s(, )?)+", str(steps))
