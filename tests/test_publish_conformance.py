"""The built-in renderer shows what real Quarto shows, field by field, and the PDF carries the same numbers."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pypdf
import pytest

from ldeval.publish.build import build

HERE = Path(__file__).parent / "conformance"
EXPECTED = json.loads((HERE / "expected.json").read_text(encoding="utf-8"))
FIELDS = [(page, name) for page, fields in EXPECTED.items() for name in fields]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    root = tmp_path_factory.mktemp("book with spaces") / "book"
    shutil.copytree(HERE / "book", root, ignore=shutil.ignore_patterns("_report", "_build"))
    return build(root, say=lambda text: None)


@pytest.fixture(scope="module")
def shown(rendered):
    output = subprocess.run(
        [sys.executable, str(HERE / "visible_text.py"), str(rendered)], capture_output=True, text=True, check=True
    )
    return json.loads(output.stdout)


@pytest.fixture(scope="module")
def pdf_text(rendered):
    (path,) = rendered.glob("*.pdf")
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())


def test_the_same_pages(shown):
    assert set(shown) == set(EXPECTED)


@pytest.mark.parametrize(("page", "name"), FIELDS, ids=lambda value: str(value))
def test_a_field_of_a_page(shown, page, name):
    assert shown[page][name] == EXPECTED[page][name]


@pytest.mark.parametrize("page", EXPECTED)
def test_the_pdf_has_the_numbers_of_the_page(pdf_text, page):
    """Captions and headings with a number, and equations, come out in the PDF as in the HTML."""
    fields = EXPECTED[page]
    wanted = fields["figure_captions"] + fields["table_captions"]
    wanted += [text for _, text in fields["headings"] if re.match(r"^(Appendix )?[\dA-Z](\.| )", text)]
    wanted += [f"({number})" for number in fields["equations"]] + fields["cross_references"]
    plain = pdf_text.replace("ﬁ", "fi").replace("ﬀ", "ff").replace("-\u00ad", "-")
    missing = [text for text in wanted if " ".join(text.split()) not in plain]
    assert not missing


def test_every_page_says_what_differs_when_a_number_is_wrong(shown):
    """The comparison can fail: a caption with another number is not the one expected."""
    changed = [text.replace("2.1", "2.2") for text in shown["chapters/results.html"]["figure_captions"]]
    assert changed != EXPECTED["chapters/results.html"]["figure_captions"]
