"""Numbers that captions take from the exhibit above them: the right cell, printed by its unit, and a word where there is none."""

import pytest
from release_folder import findings, make_released

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.exhibits import Column, Effect, Effects, Table
from ldeval.analysis.findings import Findings, Origin
from ldeval.release import among, cell, disclosed, figures_on, rows_of, withheld_table

ORIGIN = Origin("ldeval.analysis.validation.rossi", ("rossi",))


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    made = findings()
    sized = Table(
        "t-sizes",
        "Sizes",
        (Column("g", "Group"), Column("what", "What"), Column("size", "Size", "ratio"), Column("p", "p", "p")),
        (
            ("Constant", "Constant", 9.0, 0.5),
            ("A", "First", -0.5, 0.0001),
            ("A", "Second", 0.25, 0.04),
            ("B", "Third", None, None),
        ),
    )
    hidden = Table("t-hidden", "Hidden", (Column("what", "What"), Column("n", "People", "people")), (("One", "*"), ("Two", 10)))
    series = Effects(
        "e-series", "A series", "Ratio", (Effect("-1", "a/none", at=-1.0), Effect("0", "a/effect", at=0.0)), axis="Months"
    )
    gap = NotEstimated("t-gap", "some sizes", "nobody was there")
    more = Findings(
        exhibits=(sized, hidden, series),
        missing=(gap,),
        origins=dict.fromkeys(["t-sizes", "t-hidden", "e-series", "t-gap"], ORIGIN),
    )
    return make_released(tmp_path_factory.mktemp("study"), made + more)


@pytest.fixture(autouse=True)
def _inside(released, monkeypatch):
    monkeypatch.chdir(released)


@pytest.mark.parametrize(
    ("column", "how", "where", "text"),
    [
        ("size", "only", {"what": "First"}, "−0.50"),
        ("size", "first", {}, "9.00"),
        ("size", "last", {"g": "A"}, "0.25"),
        ("size", "largest", {}, "9.00"),
        ("size", "largest", {"but": {"g": "Constant"}}, "0.25"),
        ("size", "smallest", {}, "−0.50"),
        ("size", "furthest", {"but": {"g": "Constant"}}, "0.50"),
        ("p", "only", {"what": "First"}, "p < 0.001"),
        ("p", "only", {"what": "Second"}, "p = 0.040"),
        ("p", "largest", {"but": {"g": "Constant"}}, "0.040"),
        ("what", "first", {"g": "A"}, "First"),
        ("size", "only", {"what": "Third"}, "not known"),
        ("size", "largest", {"g": "B"}, "not known"),
    ],
)
def test_a_cell_is_picked_and_printed_by_its_unit(column, how, where, text):
    shown = cell("t-sizes", column, how, **where).data.replace("\N{NO-BREAK SPACE}", " ").replace("\\", "")
    assert shown == f'[{text}]{{.from-exhibit data-id="t-sizes"}}'


def test_a_suppressed_cell_says_so_and_is_never_the_largest():
    assert "a suppressed number" in cell("t-hidden", "n", what="One").data
    assert "[10]" in cell("t-hidden", "n", "smallest").data


def test_curves_give_their_last_value():
    assert cell("c-two", "value", "last", group="Aid").data.startswith("[40.0%]")


@pytest.mark.parametrize("where", [{"what": "Nowhere"}, {"no_such": "column"}])
def test_a_row_or_column_that_is_not_there_is_not_available(where):
    assert cell("t-sizes", "size", **where).data == '[not available]{.from-exhibit .missing data-id="t-sizes"}'
    assert "not available" in cell("t-sizes", "no_such").data
    assert "not available" in among("e-series", "largest", since=1).data


def test_what_could_not_be_estimated_says_why():
    for shown in (cell("t-gap", "size"), rows_of("t-gap"), among("t-gap", "largest")):
        assert shown.data == '[not available (nobody was there)]{.from-exhibit .missing data-id="t-gap"}'


def test_rows_are_counted():
    assert rows_of("t-sizes").data.startswith("[4]")
    assert rows_of("t-sizes", but={"g": "Constant"}).data.startswith("[3]")


def test_the_largest_and_smallest_of_effects_carry_their_own_id():
    assert 'data-id="a/none"' in among("e-all", "largest").data
    assert 'data-id="a/effect"' in among("e-all", "smallest").data
    assert 'data-id="a/effect"' in among("e-series", "largest", since=0).data


@pytest.mark.parametrize(
    "ask",
    [
        lambda: cell("t-sizes", "size"),
        lambda: cell("t-sizes", "size", "widest"),
        lambda: cell("e-all", "value"),
        lambda: among("e-all", "furthest"),
        lambda: among("t-sizes", "largest"),
        lambda: disclosed("hidden"),
    ],
)
def test_what_has_no_one_answer_is_refused(ask):
    with pytest.raises(ValueError, match=r"expected one|must be one of|is neither|is no set"):
        ask()


def test_results_are_counted_by_what_became_of_them():
    assert [disclosed(done).data.partition("]")[0] for done in ("all", "released", "controlled", "kept")] == [
        "[12",
        "[11",
        "[0",
        "[1",
    ]


def test_key_figures_are_counted_by_page():
    assert figures_on("key-figures").data.startswith("[4]")
    with pytest.raises(KeyError, match="no key figures on a page"):
        figures_on("nowhere")


def test_what_is_not_shown_is_named_in_words():
    text = withheld_table().data
    assert "Some sizes" in text
    assert "nobody was there" in text
    assert "t-gap" not in text
