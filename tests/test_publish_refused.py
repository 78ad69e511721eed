"""What the built-in renderer does not do is refused by file, line and construct; what it takes shows in both formats."""

import re

import pypdf
import pytest
from books import cell, write_book
from lxml import html

from ldeval.publish.build import build
from ldeval.publish.faults import BookError

READ = {
    "{{< video x.mp4 >}}": "shortcode {{< video x.mp4 >}} is not supported",
    "{{< embed other.ipynb#fig-x >}}": "shortcode {{< embed other.ipynb#fig-x >}} is not supported",
    "Press {{< kbd Ctrl-C >}}.": "shortcode {{< kbd Ctrl-C >}} is not supported",
    "```{mermaid}\nflowchart LR\n```": "code block {mermaid} is not supported",
    "```{dot}\ndigraph {}\n```": "code block {dot} is not supported",
    "```{.python .cell}\n```\n\n`{r} 1`": "inline {r} is not supported",
    cell("1", layout="[[1,1],[1]]"): "cell option 'layout' is not supported",
    cell("1", fig_cap="[a, b]"): "cell option 'fig-cap': expected a text, found list",
    cell("1", code_line_numbers="true"): "cell option 'code-line-numbers' is not supported",
    cell("1", code_fold="never"): "cell option 'code-fold': never is not supported",
    cell("1", echo="fenced"): "cell option 'echo': expected a flag, found str",
    cell("1", fig_width="true"): "cell option 'fig-width': expected a number, found bool",
    cell("1", fig_cap='"of {{< var q >}}"'): "cell option 'fig-cap': a shortcode is not read here",
    "- of a list\n\n  ```{python}\n  1\n  ```": "an indented cell is not supported",
}
PARSED = {
    "\\begin{center}\nlost\n\\end{center}": "raw tex is not supported",
    "Some \\textbf{lost} text.": "raw tex is not supported",
    "Some `lost`{=latex} text.": "raw latex is not supported",
    "Text [aside]{.aside}.": "span .aside is not supported",
    "::: {.panel-sidebar}\nx\n:::": "div .panel-sidebar is not supported",
    '<div class="column-margin">x</div>': "div .column-margin is not supported",
    "::: {#thm-x}\nx\n:::": "div #thm-x is not supported",
    "::: {#lst-x}\nx\n:::": "div #lst-x is not supported",
    '``` {#lst-x .python lst-cap="c"}\n1\n```': "code block #lst-x is not supported",
    '``` {.python filename="a.py"}\n1\n```': "code block attribute filename is not supported",
    "``` {.python .numberLines}\n1\n```": "code block .numberLines is not supported",
    '![c](d.png){#fig-a fig-align="left"}': "image attribute fig-align is not supported",
    '| a |\n|---|\n| 1 |\n\n: Cap {#tbl-a tbl-colwidths="[75,25]"}': "table attribute tbl-colwidths is not supported",
    "::: {.callout-note icon=false}\nx\n:::": "div attribute icon is not supported",
    "::: {#nte-a .callout-note}\nx\n:::": "div #nte-a is not supported",
    "## B {.unlisted}": "heading .unlisted is not supported",
    '[red]{style="color: red"}': "span attribute style is not supported",
    '::: {.content-visible when-profile="x"}\nx\n:::': "div attribute when-profile is not supported",
    '::: {layout="[[1]]"}\na\n\nb\n:::': "layout [[1]] is not a list of rows",
    "::: {layout-ncol=two}\na\n:::": "layout two is not a list of rows",
    cell("1", label="fig-a", fig_cap="c", fig_subcap="[a, b]"): "fig-subcap has 2 texts for 1 outputs",
    cell("1", label="fig-b", fig_alt="lost"): "fig-alt 'lost' has no picture",
    cell("1", label="fig-c", tbl_cap="lost"): "a cell of the kind fig has a caption of another kind",
    "- of a list\n\n    ```{python}\n    1\n    ```": "a cell within a list or quote is not supported",
    "> ```{python}\n> 1\n> ```": "a cell within a list or quote is not supported",
    "::: {.float}\nx\n:::": "the class .float is the renderer's own",
    "::: callout\nx\n:::": "the class .callout is the renderer's own",
    '<div class="wide tabset">x</div>': "the class .tabset is the renderer's own",
    "::: {.float-caption}\nx\n:::": "the class .float-caption is the renderer's own",
    "[x]{.equation}": "the class .equation is the renderer's own",
    cell("from IPython.display import Markdown\nMarkdown('::: {.layout}\\nx\\n:::')"): "the class .layout is the renderer's own",
    '<svg><image href="a.png"/></svg>': "raw HTML that loads a file is not supported",
    "<style>p { background: url('a.png') }</style>": "raw HTML that loads a file is not supported",
    "<table>\n<tr><td>1</td></tr>\n</table>": "an HTML table in Markdown is not supported",
    'See <img src="https://example.org/a.png">.': "raw HTML that loads a file is not supported",
    cell("from IPython.display import HTML\nHTML('<script src=a.js></script>')"): "raw HTML that loads a file is not supported",
    cell("print('{{< video x.mp4 >}}')", output="asis"): "its output holds the shortcode {{< video x.mp4 >}}",
}
CONFIG = {
    "toc-depth: [1]": "toc-depth: [1] is not supported",
    "date-format: long": "date-format is not supported",
    "nocite: '@*'": "nocite is not supported",
    "execute: {enabled: false}": "execute.enabled: False is not supported",
    "crossref: {fig-prefix: Fig.}": "crossref.fig-prefix is not supported",
    "jupyter: julia-1.9": "jupyter: julia-1.9 is not supported",
    "format: {pdf: {toc: true}}": "format.pdf is not supported",
    "book: {author: {name: A, orcid: 1}, chapters: [index.qmd]}": "book.author.orcid is not supported",
    "book: {date: last-modified, chapters: [index.qmd]}": "book.date: last-modified is not supported",
    "book: {title: 'On {{< meta x >}}', chapters: [index.qmd]}": "book.title: a shortcode is not read here",
    "book: {chapters: [index.qmd, {part: part.qmd, chapters: [index.qmd]}]}": "part part.qmd: a file, or a part without chapters",
    "book: {chapters: [index.qmd, {part: Empty}]}": "part Empty: a file, or a part without chapters",
    "book: {chapters: [{file: index.qmd, text: Short}]}": "book.chapters.text is not supported",
    "css: none.css": "css: none.css is not there",
    "format: {typst: {papersize: letter}}": "format.typst.papersize: letter is not supported",
    "project: {type: book, output-dir: .}": "holds files that are no report",
    "project: {type: book, output-dir: ..}": "holds files that are no report",
    "project: {type: book, output-dir: data}": "holds files that are no report",
    "project: {type: book, resources: [../secret.csv]}": "'../secret.csv' is outside the book",
}


def faults(root):
    with pytest.raises(BookError) as caught:
        build(root, to="html", say=lambda text: None)
    return caught.value.faults


@pytest.fixture(scope="module", params=[READ, PARSED], ids=["read", "parsed"])
def refusals(request, tmp_path_factory):
    """Give (construct, what is said, the faults of its chapter): all chapters of a book are told of at once."""
    chapters = {f"c{number}.qmd": f"# T\n\n{text}\n" for number, text in enumerate(request.param)}
    found = faults(write_book(tmp_path_factory.mktemp("refused") / "book", chapters, **{"d.png": b""}))
    return [
        (text, says, [fault for fault in found if fault.file == name])
        for name, (text, says) in zip(chapters, request.param.items(), strict=True)
    ]


def test_what_is_not_supported_is_refused_by_line_and_says_what_to_do(refusals):
    silent = [text for text, says, found in refusals if not any(says in fault.what for fault in found)]
    assert silent == []
    for text, _, found in refusals:
        lines = range(3, 4 + text.strip("\n").count("\n") + text.startswith("\n"))
        assert [fault for fault in found if fault.line not in lines] == [], text


@pytest.mark.parametrize("setting", CONFIG)
def test_a_setting_that_has_no_effect_is_refused(tmp_path, setting):
    root = write_book(tmp_path / "book", {}, **{"data/people.csv": "id"})
    kept = [line for line in (root / "_quarto.yml").read_text().splitlines() if setting.split(":")[0] not in line.split(":")[0]]
    if setting.startswith("book"):
        kept = [line for line in kept if not line.startswith("  ")]
    (root / "_quarto.yml").write_text("\n".join([*kept, setting]))
    fault, *_ = [fault for fault in faults(root) if "listed 2 times" not in fault.what]
    assert CONFIG[setting] in fault.what
    assert fault.line > 0
    assert (root / "data" / "people.csv").read_text() == "id"


@pytest.mark.parametrize(
    "front", ["jupyter: julia-1.9", "number-sections: false", "lang: fr", "format: {html: {toc: false}}", "subtitle: x"]
)
def test_front_matter_that_has_no_effect_is_refused(tmp_path, front):
    (fault,) = faults(write_book(tmp_path / "book", {"a.qmd": f"---\n{front}\n---\n\n# A\n"}))
    assert str(fault).startswith("a.qmd:1: front matter key")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# A\n\n> # B\n", "a.qmd: expected one level-1 heading, found 2"),
        ("# A\n\n## B\n\n#### Far below\n", "a.qmd:5: heading 'Far below' of level 4 follows one of level 2"),
        ("# A\n\n## B\n\n###\n", "a.qmd:5: a heading without words is not supported"),
        ("# A\n\n[x]{#same} and [y]{#same}\n", "a.qmd:3: id same is used 2 times in one chapter"),
        (
            '# A\n\n::: {.content-visible when-format="typst"}\n## Paper\n:::\n',
            "a.qmd:4: Paper in conditional content is not supported",
        ),
        ('# A\n\n::: {.content-hidden when-format="html"}\n$$1$$ {#eq-z}\n:::\n', "a.qmd:4: eq-z in conditional content is"),
        ("# A\n\n![a]()\n", "a.qmd:3: image  is not there"),
    ],
)
def test_what_no_pdf_could_hold_is_told_before_by_its_line(tmp_path, text, says):
    (fault,) = faults(write_book(tmp_path / "book", {"a.qmd": text}))
    assert str(fault).startswith(says)


def test_letters_that_the_pdf_cannot_show_are_told_and_do_not_become_boxes(tmp_path):
    files = {"d.svg": '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'}
    shown = "Åse, Łódź, μ ≤ 1, Привет, 𝔸: shown.\n\n[Link](https://example.org/日本) ![](d.svg){fig-alt='日本'}."
    root = write_book(tmp_path / "book", {"a.qmd": f"# A\n\n{shown}\n\nNot so: 中✅.\n"}, **files)
    with pytest.raises(BookError, match=r"a\.qmd:7: the typefaces of the PDF lack [✅中]"):
        build(root, to="pdf", say=lambda text: None)
    assert "中✅" in (build(root, to="html", say=lambda text: None) / "a.html").read_text()


def test_references_and_citations_in_one_bracket_are_refused(tmp_path):
    text = "# A\n\n## S {#sec-s}\n\n[@sec-s; @key]\n"
    files = {"refs.bib": "@book{key, author={One, A.}, title={Book}, year={2001}}"}
    (fault,) = faults(write_book(tmp_path / "book", {"a.qmd": text}, config="bibliography: refs.bib\n", **files))
    assert str(fault).startswith("a.qmd:5: @key and @sec-s in one bracket")


def test_a_formula_that_cannot_be_set_is_named_by_its_line(tmp_path):
    root = write_book(tmp_path / "book", {"a.qmd": "# A\n\nSee this:\n\n$$\\nosuchmacro{x}$$\n"})
    for to in ("html", "pdf"):
        with pytest.raises(BookError, match=r"a\.qmd:5: Could not convert TeX math"):
            build(root, to=to, say=lambda text: None)


TAKEN = """# A

<!-- <img src="old.png"> and <table> -->

<script>var parts = "<img src=x>", at = URL(1); // url(x)
</script>

<img src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="dot">

    ```{python}
    shown()
    ```

Classes such as `{.float}` and `class="layout"`, and $x_{i.float}$. Of `{python} 1.5`: $a = `{python} 1.5`$.

::: {.content-visible when-format="html"}
:::: {.panel-tabset}
### Of pages
On pages.

#### Deep {.unnumbered}
Deeper.
::::
:::

[x]{#results}

::: {.panel-tabset}
## One

:::: {.panel-tabset}
### In
Inner text.
::::

## Two
Outer text.
:::

| A line
|    and another

[@key, p. 3], @key [p. 4], [-@key].[^n]

[^n]: First paragraph.

    Second paragraph.

<details><summary>Word</summary>

Inside it.

</details>

---

``` python
"{{< var x >}}"
```

[mail](tel:123)

## Second

### Third
"""


@pytest.fixture(scope="module")
def taken(tmp_path_factory):
    shown = "from IPython.display import Markdown, display\nfor text in ('Left', 'Right'): display(Markdown(text))"
    files = {"refs.bib": "@book{key, author={One, A.}, title={Book}, year={2001}}", "_variables.yml": "x: value"}
    config = "bibliography: refs.bib\ntoc-depth: 2\n"
    root = write_book(
        tmp_path_factory.mktemp("taken") / "book", {"a.qmd": TAKEN + cell(shown, layout_ncol=2)}, config=config, **files
    )
    output = build(root, say=lambda text: None)
    (path,) = output.glob("*.pdf")
    paper = " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())
    return html.fromstring((output / "a.html").read_text()), paper


@pytest.mark.parametrize(
    "words",
    [
        "shown()",
        "{.float}",
        "Of 1.5:",
        "Inner text.",
        "Outer text.",
        "and another",
        "(One 2001, 3), One (2001, 4), (2001).",
        "First paragraph. Second paragraph.",
        "Inside it.",
        '"value"',
        "Left",
        "Right",
    ],
)
def test_what_is_taken_shows_in_both_formats(taken, words):
    page, paper = taken
    assert words in " ".join(page.text_content().split()).replace("paragraph.Second", "paragraph. Second")
    assert words in re.sub(r"\[\d\]", "", paper)


def test_ids_of_tabs_are_a_page_s_own(taken):
    ids = taken[0].xpath("//main//@id")
    assert len(ids) == len(set(ids))


def test_outputs_of_a_cell_without_a_caption_stand_side_by_side(taken):
    assert [cell.text_content().strip() for cell in taken[0].xpath('//*[@class="quarto-layout-cell"]')] == ["Left", "Right"]


def test_the_contents_go_as_deep_as_the_book_asks(taken):
    assert [link.text_content() for link in taken[0].xpath('//nav[@aria-label="On this page"]//a')] == ["1.1 Second"]
