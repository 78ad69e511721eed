"""Constructs of Quarto's guide beyond the conformance book, each as HTML and in the PDF."""

import re

import pypdf
import pytest
from books import cell, write_book
from lxml import html

from ldeval.publish.build import build

DOT = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00\x90wS\xde"
    b"\x00\x00\x00\x0cIDATx\x9cc\xf8\xcf\xc0\x00\x00\x03\x01\x01\x00\xc9\xfe\x92\xef\x00\x00\x00\x00IEND\xaeB`\x82"
)

PANELS = """# Panels {#sec-panels}

::: {#fig-panel layout-ncol=2}

![One](d.png){#fig-one fig-alt="the one"}

![Two](d.png){#fig-two}

A panel.
:::

![A single image.](d.png){#fig-single width=50%}

::: {#tbl-panel layout="[[1,1],[1]]"}

| a | b |
|---|---|
| 1 | 2 |

: First {#tbl-one}

| c | d |
|---|---|
| 3 | 4 |

: Second {#tbl-two}

Both.
:::

::: {layout-ncol=2}
Left.

Right.
:::

$$ \\int_0^1 x\\,dx $$ {#eq-int}

See @fig-panel. [@fig-one; @fig-two]. [Fig. @fig-single]. @Fig-single. [see @tbl-one, left]. [-@eq-int]. @sec-panels. @sec-plain.

## Plain {#sec-plain .unnumbered}
"""

CALLS = """# Calls

::: {.callout-note}
Note body.
:::

::: {.callout-tip appearance="minimal"}
## Minimal *tip*
Tip body.
:::

::: {.callout-warning appearance="simple"}
Simple warning.
:::

::: {.callout-caution collapse="true"}
## Closed
Caution body.
:::

::: {.callout-important collapse="false" title="Open"}
Important body.
:::

[Seen]{.content-visible when-format="html"}[Printed]{.content-visible when-format="typst"} and
[not in print]{.content-hidden when-format="typst"}[kept]{.content-visible unless-format="docx"}.

- [ ] to do
- [x] done

Term
: Its meaning.

(@good) A good example.

As (@good) says.

{{< meta book.title >}} by {{{< meta book.title >}}}.

```python
x = "`{python} not run`"
```

``` {=html}
<p id="only-html">raw</p>
```

``` {=typst}
Only Typst.
```
"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    root = tmp_path_factory.mktemp("constructs") / "book"
    cells = "".join(
        [
            "# Cells\n",
            cell("print('echoed')", echo="true", code_fold="true", code_summary="Look"),
            cell("import warnings; warnings.warn('unseen'); print('seen')", warning="false"),
            cell("print('unseen output')", output="false"),
            cell("1 / 0", error="true"),
            cell("print('unseen include')", include="false"),
            cell("print('*asis*')", output="asis"),
            cell(
                "import matplotlib.pyplot as plt\nfig, ax = plt.subplots(); ax.plot([0, 1]); plt.show()",
                label="fig-cell",
                fig_cap='"A cell."',
                fig_alt='"A line."',
                fig_width=3,
                fig_height=2,
            ),
            cell(
                "import pandas as pd\nfrom IPython.display import HTML, display\n"
                "display(pd.DataFrame({'a': ['<script>x</script>']}))\ndisplay(pd.DataFrame({'b': [1]}))",
                label="tbl-cell",
                tbl_cap='"Two tables."',
                tbl_subcap="[Left, Right]",
                layout_ncol=2,
            ),
            cell("HTML('<p id=\"raw\">raw html</p>')"),
            "\nValues `{python} 1 + 1`, `{python} '<script>*x*</script> @fig-cell $y$'`, `{python} HTML('<b>bold html</b>')`.\n",
            "\n@fig-cell, @tbl-cell-2.\n",
        ]
    )
    chapters = {"panels.qmd": PANELS, "calls.qmd": CALLS, "cells.qmd": cells}
    root = write_book(root, chapters, **{"d.png": DOT, "head.html": '<meta name="mine" content="1">'})
    text = (root / "_quarto.yml").read_text()
    text = text.replace(
        "html: {toc: true}", "html: {toc: true, include-in-header: head.html, include-after-body: {text: '<i>end</i>'}}"
    )
    text = text.replace("title: A book", "title: 'A <b>\"bold\"</b> & title'\n  subtitle: 'x < y'")
    text = text.replace("chapters: [index.qmd, panels.qmd,", "chapters: [index.qmd, {part: Part A, chapters: [panels.qmd]},")
    (root / "_quarto.yml").write_text(text)
    return build(root, say=lambda text: None)


@pytest.fixture(scope="module")
def page(book):
    return {path.stem: html.fromstring(path.read_bytes().decode()) for path in book.glob("*.html")}


@pytest.fixture(scope="module")
def paper(book):
    (path,) = book.glob("*.pdf")
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())


def texts(tree, path):
    return [" ".join(node.text_content().split()) for node in tree.xpath(path)]


def test_references_in_all_their_forms(page, paper):
    links = texts(page["panels"], '//a[contains(@class,"quarto-xref")]')
    numbers = ["Figure 1.1", "Figure 1.1 (a)", "Figure 1.1 (b)", "Fig. 1.2", "Figure 1.2", "see 1.1 (a)", "1.1", "Chapter 1"]
    assert links == [*numbers, "Plain"]
    assert "Figure 1.1. Figure 1.1 (a), Figure 1.1 (b). Fig. 1.2. Figure 1.2. see 1.1 (a), left. 1.1. Chapter 1. Plain." in paper


def test_panels_have_sub_captions_and_a_caption(page, paper):
    assert texts(page["panels"], "//figcaption") == [
        "(a) One",
        "(b) Two",
        "Figure 1.1: A panel.",
        "Figure 1.2: A single image.",
        "Table 1.1: Both.",
        "(a) First",
        "(b) Second",
    ]
    assert all(caption in paper for caption in ("(a) One", "Figure 1.1: A panel.", "Table 1.1: Both.", "(b) Second"))


def test_alt_texts_fall_back_on_the_caption(page):
    assert [image.get("alt") for image in page["panels"].xpath("//img")] == ["the one", "Two", "A single image."]


def test_callouts_of_five_kinds(page, paper):
    titles = texts(page["calls"], '//*[contains(@class,"callout-title-container")]')
    assert titles == ["Note", "Minimal tip", "Closed", "Open"]
    details = page["calls"].xpath('//*[contains(@class,"callout")]/details')
    assert [node.get("open") is not None for node in details] == [False, True]
    for body in ("Note body.", "Tip body.", "Simple warning.", "Caution body.", "Important body."):
        assert body in paper


def test_conditional_content(page, paper):
    text = " ".join(texts(page["calls"], "//main"))
    assert "Seen and not in printkept." in text
    assert "Printed and kept." in paper
    assert page["calls"].xpath('//*[@id="only-html"]')
    assert "Only Typst." in paper
    assert "raw" not in paper


def test_lists_of_every_kind(page):
    main = page["calls"]
    assert len(main.xpath('//ul[contains(@class,"task-list")]//input')) == 2
    assert texts(main, "//dd") == ["Its meaning."]
    assert "As (1) says." in " ".join(texts(main, "//p"))


def test_meta_and_escaped_shortcodes(page):
    assert "{{< meta book.title >}}" in page["calls"].text_content()


def test_code_in_fences_is_not_run(page):
    assert '"`{python} not run`"' in page["calls"].text_content()


def test_cell_options(page, paper):
    main = page["cells"]
    text = main.text_content()
    assert texts(main, "//details/summary") == ["Look"]
    assert "unseen" not in text
    assert "unseen" not in paper
    assert "ZeroDivisionError: division by zero" in text
    assert texts(main, "//p/em") == ["asis"]


def test_a_figure_has_the_size_that_its_cell_asks(book, page):
    """Three inches are 216 points; matplotlib's tight box takes off or adds some, and the default would be 504."""
    (source,) = page["cells"].xpath('//img[contains(@src, "fig-cell")]/@src')
    width = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', (book / source).read_text())[1])
    assert 180 < width < 250


def test_sub_tables_of_a_cell(page):
    captions = texts(page["cells"], "//figcaption")
    assert captions == ["Figure 3.1: A cell.", "Table 3.1: Two tables.", "(a) Left", "(b) Right"]
    assert texts(page["cells"], '//a[contains(@class,"quarto-xref")]') == ["Figure 3.1", "Table 3.1 (b)"]


def test_raw_html_stays_out_of_the_pdf(page, paper):
    assert page["cells"].xpath('//*[@id="raw"]')
    assert texts(page["cells"], "//b") == ["bold html"]
    assert "raw html" not in paper
    assert "bold html" not in paper


def test_strings_from_data_are_escaped(page, paper):
    assert not page["cells"].xpath("//main//script")
    assert "Values 2, <script>*x*</script> @fig-cell $y$" in " ".join(texts(page["cells"], "//p"))
    assert "<script>x</script>" in paper


def test_html_in_a_title_is_told_as_it_is(page, paper):
    """Quotation marks are set as Quarto sets them; HTML is no markup of a title."""
    assert page["index"].xpath("//title")[0].text == "A <b>“bold”</b> & title"
    assert texts(page["index"], '//h1[@class="title"]') == ["A <b>“bold”</b> & title"]
    assert "A <b>“bold”</b> & title" in paper


def test_markdown_in_the_titles_of_a_book_is_read_as_quarto_reads_it(tmp_path):
    config = write_book(tmp_path / "book", {"a.qmd": "# A\n"}) / "_quarto.yml"
    text = config.read_text().replace("title: A book", "title: '1. *Real* $x^2$ & `code`'\n  subtitle: Under **it**")
    text = text.replace("author: An Author", "author: [{name: A. *Author*, affiliation: '[Here](https://example.org)'}]")
    config.write_text(text.replace("[index.qmd, a.qmd]", "[index.qmd, {part: Part *one*, chapters: [a.qmd]}]"))
    output = build(tmp_path / "book", say=lambda text: None)
    (path,) = output.glob("*.pdf")
    tree = html.fromstring((output / "a.html").read_text())
    assert tree.xpath("//title")[0].text == "A – 1. Real x^2 & code"
    assert tree.xpath('//p[@class="bar-title"]//em')[0].text == "Real"
    assert tree.xpath('//nav[@aria-label="Chapters"]/p/em')[0].text == "one"
    index = html.fromstring((output / "index.html").read_text())
    assert texts(index, '//h1[@class="title"]/em | //h1[@class="title"]/code') == ["Real", "code"]
    assert texts(index, '//p[@class="subtitle lead"]/strong') == ["it"]
    assert texts(index, '//*[@class="quarto-title-meta"]/p')[0] == "A. AuthorHere"
    reader = pypdf.PdfReader(path)
    assert path.name == "1.-Real-x-2-code.pdf"
    assert reader.metadata.title.startswith("1. Real")
    assert reader.metadata.author == "A. Author"
    first = " ".join(reader.pages[0].extract_text().split())
    assert first.startswith("1. Real")
    assert "Under it A. Author, Here" in first
    assert "Part one" in " ".join(page.extract_text() for page in reader.pages)


def test_included_files_are_in_the_page(page):
    assert page["cells"].xpath('//head/meta[@name="mine"]')
    assert page["cells"].xpath("//body//i")[-1].text == "end"


def test_parts_are_in_the_sidebar_and_the_pdf(page, paper):
    assert "Part A" in texts(page["index"], '//nav[@aria-label="Chapters"]//p')
    assert "Part A" in paper


def test_no_page_asks_the_network(book):
    for path in book.rglob("*.html"):
        tree = html.fromstring(path.read_bytes().decode())
        sources = tree.xpath("//@src") + tree.xpath("//link/@href")
        assert not [source for source in sources if re.match(r"^(https?:)?//", source)]
