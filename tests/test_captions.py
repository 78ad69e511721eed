"""Captions: each begins with its finding, and the lists of figures and tables show that alone."""

import re
from pathlib import Path

import pytest
from calls import CELL, INLINE

from ldeval.publish import ast
from ldeval.publish.look.captions import short

PROJECT = Path(__file__).parent.parent


@pytest.mark.parametrize(
    ("caption", "listed"),
    [
        ("One thing. Another.", "One thing"),
        ("One thing", "One thing"),
        ("Of 0.5 and 0.996 it is one. Weighted curves.", "Of 0.5 and 0.996 it is one"),
        ("It is [1.2 (95% interval 1.0 to 1.4)]{.est data-id=x}, no less. So.", "It is 1.2, no less"),
        ("It is [1.2 (95% interval 1.0 to 1.4).]{.est data-id=x} So.", "It is 1.2"),
        ("Known.^[A note. With two sentences.] More.", "Known"),
        ("A *stressed* word, e.g. this, with `code` and a [link](x). More.", "A stressed word, e.g. this, with code and a link"),
        ('A "quoted. word" is not its end. More.', "A “quoted. word” is not its end"),
        ("Users (and others) differ (see below). More.", "Users differ"),
        ("What is it? More.", "What is it?"),
    ],
)
def test_a_caption_is_listed_by_its_finding(caption, listed):
    (paragraph,) = ast.parse(caption)["blocks"]
    assert ast.plain(short(paragraph["c"])).replace("\N{NO-BREAK SPACE}", " ") == listed


def test_what_a_note_says_is_not_listed():
    (paragraph,) = ast.parse("Known.^[A note.] More.")["blocks"]
    assert not list(ast.nodes(short(paragraph["c"]), "Note"))


IN_WORDS = {
    "tbl-sources": "which source covers whom is declared, not estimated",
    "tbl-designs": "the strength of a design is a judgement",
    "tbl-estimators": "what would make an estimate wrong is a judgement",
    "tbl-beside-published": "says of which finding no number is known",
    "tbl-published": "says of which findings the direction alone is known",
    "fig-logic-model": "the figure is of words",
    "tbl-inputs": "reference",
    "tbl-software": "reference",
}
"""Exhibits whose finding holds no number of this report, and why."""
EXHIBIT = re.compile(r"^:::+ \{#((?:fig|tbl)-[\w-]+)[^}]*\}\n(.*?)^:::+$", re.MULTILINE | re.DOTALL)
EXHIBITS = {
    label: CELL.sub("", body).strip()
    for path in sorted([PROJECT / "index.qmd", *(PROJECT / "chapters").glob("*.qmd")])
    for label, body in EXHIBIT.findall(path.read_text(encoding="utf-8"))
}


@pytest.mark.parametrize("label", EXHIBITS)
def test_a_caption_begins_with_its_finding(label):
    """What the lists of figures and tables show, the first sentence, holds a number or verdict of the exhibit."""
    (paragraph,) = ast.parse(INLINE.sub("VALUE", EXHIBITS[label]))["blocks"]
    listed = ast.plain(short(paragraph["c"]))
    assert EXHIBITS[label].endswith(".")
    assert ("VALUE" in listed) != (label in IN_WORDS)


def test_every_caption_in_words_has_its_reason():
    assert set(IN_WORDS) <= set(EXHIBITS)
