"""The provenance that pages load: complete, and unable to break out of its script or of an element that it is copied into."""

import json

import pytest
from lxml import html
from release_folder import HOSTILE, make_released

from ldeval.release.payload import script
from ldeval.release.results import Results


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return Results(make_released(tmp_path_factory.mktemp("study")) / "_results")


def read(text):
    assert html.fromstring(f"<div><script>{text}</script></div>").xpath("count(.//*)") == 1
    return json.loads(text.removeprefix("window.ldevalProvenance=").removesuffix(";\n"))


def test_data_cannot_end_the_script(released):
    text = (released.folder / "provenance.js").read_text(encoding="utf-8")
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(text)
    assert read(text)["estimates"]["a/none"]["method"] == HOSTILE


def test_every_estimate_and_fact_can_be_opened(released):
    content = read((released.folder / "provenance.js").read_text(encoding="utf-8"))
    assert set(content["estimates"]) == set(released.estimates)
    assert set(content["facts"]) == set(released.facts)
    shown = content["estimates"]["a/effect"]
    assert (shown["value"], shown["interval"], shown["p"], shown["n"], shown["events"]) == (
        "0.68",
        "0.47 to 0.996",
        "0.047",
        1445,
        552,
    )
    assert shown["function"] in content["functions"]
    assert shown["disclosure"] == "Open data: no disclosure control."
    assert set(shown["data"]) <= set(content["data"])


@pytest.mark.parametrize("text", ["</script>", "<!--", "]]>", "&amp;", "\u2029"])
def test_hostile_text_is_kept_as_text(text):
    assert read(script({"x": text})) == {"x": text}
