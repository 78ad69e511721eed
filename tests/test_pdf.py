"""The structure of the PDF, read back: tags, language, title, bookmarks, alternative texts, header cells, fonts, pages."""

import json
import re
from functools import lru_cache
from itertools import pairwise

import pikepdf
import pypdf
import pytest
from books import write_book
from conftest import BOOKS

from ldeval.publish import ast, pandoc, structure
from ldeval.publish.build import build
from ldeval.publish.config import read_book
from ldeval.publish.look import pdf_tables


@lru_cache(maxsize=2)
def texts_of(path):
    """Give the text of every page, words one space apart: reading a long document takes half a minute."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(path).pages]


@pytest.fixture(scope="module", params=BOOKS)
def path(request, books):
    (found,) = books[request.param].glob("*.pdf")
    return found


@pytest.fixture(scope="module")
def document(path):
    with pikepdf.open(path) as document:
        yield document


@pytest.fixture(scope="module")
def texts(path):
    return texts_of(path)


@pytest.fixture(scope="module")
def book(path):
    return read_book(next(root for name, root in BOOKS.items() if f"the {name} book" in str(path)))


def elements(document):
    """Give every structure element."""
    waiting = [document.Root.StructTreeRoot.K]
    while waiting:
        item = waiting.pop()
        if isinstance(item, pikepdf.Array):
            waiting += list(item)
        elif isinstance(item, pikepdf.Dictionary) and "/S" in item:
            yield item
            waiting += [item.K] if "/K" in item else []


def descendants(element):
    holder = type("Holder", (), {})
    holder.Root = type("Root", (), {"StructTreeRoot": type("Tree", (), {"K": element.get("/K", pikepdf.Array())})})
    return list(elements(holder))


def test_it_is_tagged_and_says_its_language_title_and_standard(document, book):
    assert document.Root.MarkInfo.Marked
    assert str(document.Root.Lang) == book.lang
    with document.open_metadata() as metadata:
        assert metadata["dc:title"] == book.title
        assert metadata["pdfuaid:part"] == "1"
    assert document.Root.ViewerPreferences.DisplayDocTitle


def test_every_chapter_has_a_bookmark(path, texts):
    def flat(items):
        for item in items:
            if isinstance(item, list):
                yield from flat(item)
            else:
                yield item.title

    reader = pypdf.PdfReader(path)
    marked = list(flat(reader.outline))
    top = [item.title for item in reader.outline if not isinstance(item, list)]
    assert len(marked) > len(top) >= 4
    assert all(any(re.sub(r"\W", "", title) in re.sub(r"\W", "", text) for text in texts) for title in top)


def test_every_figure_has_an_alternative_text(document):
    figures = [element for element in elements(document) if element.S == "/Figure"]
    assert figures
    assert all(len(str(element.get("/Alt", ""))) > 3 for element in figures)


def test_every_table_has_header_cells(document):
    tables = [element for element in elements(document) if element.S == "/Table"]
    assert tables
    for table in tables:
        assert any(inner.S == "/TH" for inner in descendants(table))


def test_all_fonts_are_embedded(document):
    fonts = {}
    for page in document.pages:
        for name, font in page.get("/Resources", {}).get("/Font", {}).items():
            fonts[str(font.BaseFont)] = font
            inner = font.DescendantFonts[0] if "/DescendantFonts" in font else font
            about = inner.get("/FontDescriptor", {})
            assert any(key in about for key in ("/FontFile", "/FontFile2", "/FontFile3")), name
    assert any("SourceSerif" in name for name in fonts)


def test_links_lead_somewhere(path):
    reader = pypdf.PdfReader(path)
    named = set(reader.named_destinations)
    for page in reader.pages:
        for note in page.get("/Annots", []):
            action = note.get_object().get("/A", {})
            if action.get("/S") == "/GoTo" and isinstance(action["/D"], str):
                assert action["/D"] in named
            elif action.get("/S") == "/URI":
                assert re.match(r"https?:|mailto:", action["/URI"]), action["/URI"]


def test_the_title_page_tells_the_edition_and_the_notice(path, texts, book):
    assert re.search(r"Made with ldeval \d", texts[0])
    if "report" in str(path.parent):
        assert "independent work" in texts[0] or "conformance" in str(path)


def test_there_are_lists_of_figures_and_tables(texts):
    front = " ".join(texts[1:14])
    assert re.search(r"Contents.*Figures.*Figure\s\S+.*Tables.*Table\s\S+", front)


def test_the_running_head_is_that_of_the_chapter_and_none_where_one_opens(path, texts, book):
    reader = pypdf.PdfReader(path)
    starts = {reader.get_destination_page_number(item): item.title for item in reader.outline if not isinstance(item, list)}
    current = ""
    for number, text in enumerate(texts):
        current = starts.get(number, current)
        if number == 0:
            continue
        if number in starts and starts[number] not in ("Figures", "Tables"):
            assert not text.startswith(f"{book.title} "), number
        elif text.startswith(book.title) and current not in ("Contents", "Figures", "Tables"):
            head = text.removeprefix(book.title)[: len(current) + 20]
            assert re.sub(r"\W", "", current)[-12:] in re.sub(r"\W", "", head), (number, head)


def test_a_long_table_repeats_its_header_and_keeps_its_last_rows_in_order(books):
    (path,) = books["report"].glob("*.pdf")
    pages = [text for text in texts_of(path) if re.search(r"Key figures: use of health services\s+Estimate Value", text)]
    assert len(pages) >= 2
    assert len(re.findall(r"[Rr]at(?:e|io) ", pages[-1])) >= 3


def test_the_list_of_figures_tells_the_page_on_which_a_figure_is_set(books):
    """A figure that floats was listed on the page that mentions it."""
    (path,) = books["report"].glob("*.pdf")
    texts = texts_of(path)
    listed = re.findall(r"Figure (\d+\.\d+) [^.]{10,}?[ .]+\u2060?(\d+) (?=Figure )", " ".join(texts[1:12]))
    set_on = {name: place for place, text in enumerate(texts, start=1) for name in re.findall(r"Figure (\d+\.\d+): ", text)}
    checked = [(name, int(page)) for name, page in listed if name in set_on]
    assert len(checked) >= 5
    assert [(name, set_on[name]) for name, _ in checked] == checked


@pytest.mark.parametrize("kind", ["Figure", "Table"])
def test_exhibits_are_set_in_the_order_of_their_numbers(books, kind):
    """A table that floated stood after the long one that follows it, or amid the long one before it."""
    (path,) = books["report"].glob("*.pdf")
    text = " ".join(texts_of(path))
    captions = [(chapter, int(number)) for chapter, number in re.findall(rf"{kind} ([A-Z0-9]+)\.(\d+): [A-Z0-9]", text)]
    assert len(captions) > 40
    assert all(after[1] > before[1] for before, after in pairwise(captions) if after[0] == before[0])


def table(rows):
    text = "| A | B |\n|---|---|\n" + "".join(f"| {n} | x |\n" for n in range(rows))
    return ast.parse(text)["blocks"][0]


def grouped(*sizes):
    """Give a table of groups of rows, each under a name that is one cell across."""
    rows = "".join(f"<tr><td colspan='2'>Group</td></tr>{'<tr><td>a</td><td>b</td></tr>' * size}" for size in sizes)
    return ast.parse_html(f"<table><thead><tr><th>A</th><th>B</th></tr></thead><tbody>{rows}</tbody></table>")


def test_the_name_of_a_group_is_a_head_of_its_rows():
    """So that no page ends with it."""
    made = [pdf_tables.table(block) for block in grouped(20, 3)]
    (feet,) = [len(block["c"][5][1]) for block in made]
    assert feet == 4
    text = pdf_tables.spread(pandoc.pandoc(json.dumps(ast.parse("") | {"blocks": made}), "-f", "json", "-t", "typst"))
    assert text.count("table.header(level: 2, table.cell(colspan: 2)[#strong[Group]])") == 1


@pytest.mark.parametrize(("word", "tight"), [("a" * 10, "false"), ("a" * 13, "true")])
def test_columns_whose_words_do_not_fit_beside_each_other_are_set_tight(word, tight):
    wide = ast.parse(f"|{f' {word} |' * 7}\n|{'---|' * 7}\n|{' 1 |' * 7}\n")["blocks"]
    (made,) = pdf_tables.laid_out([structure.floating("tbl-a", "tbl", None, wide)])
    assert ast.value(made["c"][0], "tight") == tight


@pytest.mark.parametrize(("rows", "floats"), [(pdf_tables.WHOLE, ["true", "true"]), (pdf_tables.WHOLE + 1, ["false", "false"])])
def test_no_table_of_a_chapter_floats_where_one_goes_on_over_pages(rows, floats):
    chapter = [structure.floating(f"tbl-{number}", "tbl", None, [table(size)]) for number, size in enumerate((2, rows - 1))]
    assert [ast.value(made["c"][0], "floats") for made in pdf_tables.laid_out(chapter)] == floats


@pytest.mark.parametrize(("rows", "feet"), [(pdf_tables.WHOLE, 0), (pdf_tables.WHOLE + 1, 3)])
def test_the_last_rows_of_a_table_that_may_break_stay_together(rows, feet):
    made = pdf_tables.table(table(rows))
    assert len(made["c"][5][1]) == feet
    assert len(made["c"][4][0][3]) == rows - feet


@pytest.mark.parametrize(("rows", "feet"), [(pdf_tables.WHOLE - 1, 0), (pdf_tables.WHOLE + 1, 4)])
def test_the_note_of_a_table_that_may_break_stays_with_its_last_rows(rows, feet):
    note = ast.parse("[Said below.]{.note}\n\nMore.\n")["blocks"]
    (made,) = pdf_tables.laid_out([ast.div([table(rows), *note])])
    first, *left = made["c"][1]
    foot = pdf_tables.table(first)["c"][5][1]
    assert (len(foot), len(left)) == (feet, 1 if feet else 2)
    assert (ast.plain(foot[-1][1]) == "Said below.") if feet else ast.plain(left[0]) == "Said below."


def test_a_landscape_div_turns_its_page(tmp_path):
    wide = "# A\n\nBefore.\n\n::: {.landscape}\n\nWide.\n\n:::\n\nAfter.\n"
    root = write_book(tmp_path / "book", {"a.qmd": wide})
    build(root, say=lambda text: None)
    pages = pypdf.PdfReader(root / "_report" / "A-book.pdf").pages
    turned = [page.mediabox.width > page.mediabox.height for page in pages]
    assert turned.count(True) == 1
    assert "Wide." in pages[turned.index(True)].extract_text()


def test_no_page_ends_with_a_term_whose_meaning_is_on_the_next(tmp_path):
    lines = "\n\n".join(f"Term number {k}\n: {'It means this and that. ' * (8 + k % 5)}" for k in range(120))
    root = write_book(tmp_path / "book", {"a.qmd": f"# One\n\n{lines}\n"})
    build(root, say=lambda text: None)
    pages = [page.extract_text().split("\n") for page in pypdf.PdfReader(root / "_report" / "A-book.pdf").pages]
    last = [next(line for line in reversed(page) if not line.strip().isdigit()) for page in pages if len(page) > 10]
    assert len(last) > 5
    assert not [line for line in last if line.startswith("Term number")]
