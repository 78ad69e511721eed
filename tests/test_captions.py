"""Captions in the lists of figures and tables: the finding alone."""

import pytest

from ldeval.publish import ast
from ldeval.publish.captions import short


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
