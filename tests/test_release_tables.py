"""Tables: the same rounding, ids on numbers, notes and disclosure that survive pandoc, nothing unescaped."""

import re

import pypandoc
import pytest
from lxml import html
from release_folder import ORIGIN, findings, make_released

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.exhibits import Column, Table
from ldeval.analysis.findings import Findings
from ldeval.release import all_figures, facts_table, figure, fits_table, inputs_table, key_figures, software_table, table
from ldeval.release.layout import lay_out
from ldeval.release.results import Results


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_released(tmp_path_factory.mktemp("study"))


@pytest.fixture(autouse=True)
def _inside(released, monkeypatch):
    monkeypatch.chdir(released)


def tree_of(shown):
    return html.fromstring(pypandoc.convert_text(shown.data, "html", format="markdown", extra_args=["--wrap=none"]))


def cells(shown):
    tree = tree_of(shown)
    return [[" ".join(cell.text_content().split()) for cell in row.findall("./*")] for row in tree.iter("tr")]


def test_a_table_is_printed_by_the_rounding_rule_with_blocks_notes_and_disclosure():
    assert cells(table("t-plain")) == [
        ["Name", "People", "p"],
        ["One"],
        ["A <b> & c", "1,234", "<0.001"],
        ["B", "–", "–"],
        ["Two"],
        ["C", "0", "0.050"],
    ]
    notes = [note.text_content() for note in tree_of(table("t-plain")).xpath("//span[@class='note']")]
    assert notes == ["A note with <i>markup</i>. Open data: no disclosure control."]


def test_effects_as_a_table_carry_the_id_of_each_number():
    shown = table("e-all")
    assert cells(shown)[:3] == [
        ["Characteristic", "Hazard ratio", "95% interval", "p"],
        ['Aid "x"', "0.68", "0.47 to 0.996", "0.047"],
        ["None", "1.05", "0.80 to 1.40", "–"],
    ]
    spans = tree_of(shown).xpath("//td/span[@class='est']/@data-id")
    assert spans == ["a/effect", "a/none"]


def test_effects_can_show_their_errors():
    assert cells(table("e-all", errors=True))[:2] == [
        ["Characteristic", "Hazard ratio", "Standard error", "95% interval", "p"],
        ['Aid "x"', "0.68", "0.190", "0.47 to 0.996", "0.047"],
    ]


def test_fits_stand_under_the_words_of_their_model_with_errors_on_its_scale():
    assert cells(fits_table(["a/effect", "a/share", "a/certain"])) == [
        ["Estimate", "Value", "Standard error", "95% interval", "p", "People", "Events"],
        ["Cox model"],
        ["Hazard ratio", "0.68", "0.190", "0.47 to 0.996", "0.047", "1,445", "552"],
        ["Hazard ratio", "69.4%", "3.00", "62.8% to 75.1%", "–", "1,445", "552"],
        ["Hazard ratio", "2.00", "–", "–", "0.047", "1,445", "–"],
    ]


def test_what_was_not_estimated_is_among_the_fits_with_why(monkeypatch):
    gap = NotEstimated("a/gone", "the hazard ratio", "nobody was re-arrested")
    monkeypatch.setattr(Results, "missing", lambda _, key: gap if key == "a/gone" else None)
    shown = cells(fits_table(["a/effect", "a/gone"]))
    assert shown[-2:] == [["Not estimated"], ["The hazard ratio: nobody was re-arrested", *["–"] * 6]]


def test_key_figures_mix_units():
    shown = cells(key_figures(["a/share", "a/certain"]))
    assert [row[1:] for row in shown[1:3]] == [
        ["69.4%", "62.8% to 75.1%", "–", "1,445", "552"],
        ["2.00", "–", "0.047", "1,445", "–"],
    ]


def test_all_figures_of_a_page_are_by_question_and_name_the_rest_of_their_ids():
    shown = cells(all_figures("key-figures"))
    assert [row[0] for row in shown] == [
        "Estimate",
        "A",
        *(f"Hazard ratio {key}" for key in ("effect", "none", "share", "certain")),
    ]
    with pytest.raises(KeyError, match="no key figures on a page 'nowhere'; pages: key-figures"):
        all_figures("nowhere")


def test_a_page_of_key_figures_of_which_none_could_be_estimated_says_why(tmp_path, monkeypatch):
    gap = NotEstimated("service_use/ae/rate_ratio", "rate ratio", "the service has no users in the study")
    monkeypatch.chdir(make_released(tmp_path, Findings(missing=(gap,), origins={gap.id: ORIGIN}) + findings()))
    assert "not shown (the service has no users in the study)" in all_figures("key-figures-use").data.replace("\\", "")


def test_facts_show_source_and_standing():
    assert cells(facts_table(["users", "odds"]))[1:] == [
        ["People who used the service", "8,729", "A report (2021)", "read in the source"],
        ["The odds ratio", "–", "A report (2021)", "looked for and not found"],
    ]


def test_headers_say_what_they_head_and_none_is_empty():
    for shown in (table("t-plain"), table("e-all"), software_table(), facts_table(["users"])):
        tree = tree_of(shown)
        heads = tree.xpath("//th")
        assert all(head.get("scope") in {"col", "row", "colgroup"} for head in heads)
        assert all(head.text_content().strip() for head in heads)


def test_no_style_and_no_script_comes_with_a_table():
    assert "<style" not in table("t-plain").data
    assert "<script" not in key_figures(["a/none"]).data


@pytest.mark.parametrize("to", ["typst", "html"])
def test_pandoc_reads_the_layout_and_keeps_alignment(to):
    layout = re.search(r"<table.*</table>", table("t-plain").data, flags=re.DOTALL)[0]
    text = pypandoc.convert_text(layout, to, format="html", extra_args=["--wrap=none"])
    assert text.count("right") == 4 * 2


def test_a_table_holds_nothing_but_its_cells():
    """A page has thousands of cells: ids, classes and references on each would weigh more than the numbers."""
    for shown in (table("t-plain"), table("e-all"), facts_table(["users"])):
        layout = html.fromstring(re.search(r"<table.*</table>", shown.data, flags=re.DOTALL)[0])
        given = {name for cell in layout.xpath("//td | //th") for name in cell.attrib}
        assert given <= {"scope", "colspan", "style"}
        assert set(layout.xpath("//td/@style | //th/@style")) <= {"text-align: right;"}


def test_the_classes_of_a_table_say_which_columns_stand_to_the_right():
    assert tree_of(table("t-plain")).xpath("//table/@class") == ["laid-out r2 r3"]
    assert tree_of(software_table()).xpath("//table/@class") == ["laid-out"]


def test_rows_of_no_group_have_no_heading():
    text = lay_out([Column("g", "G"), Column("a", "A")], [["", "All"], ["One", "B"]], "", "g").data
    assert re.findall(r"<tr><th[^>]*>([^<]*)</th></tr>", text)[1:] == ["All", "One", "B"]


def test_a_financial_year_is_kept_whole_and_what_else_is_in_the_cell_stays_text():
    text = lay_out([Column("a", "A"), Column("b", "B")], [["At prices of 2017-18", "<b> & 2016-17"]], "").data
    assert '<th scope="row">At prices of <span class="whole">2017-18</span></th>' in text
    assert '<td>&lt;b&gt; &amp; <span class="whole">2016-17</span></td>' in text


def test_tables_are_the_same_each_time():
    assert table("t-plain").data == table("t-plain").data


def test_backticks_in_a_cell_do_not_end_the_block(tmp_path, monkeypatch):
    found = findings()
    fenced = Table("t-ticks", "T", (Column("a", "A"), Column("b", "B")), (("x\n```\n<script>y</script>", "````"),))
    origins = {**found.origins, "t-ticks": ORIGIN}
    monkeypatch.chdir(make_released(tmp_path, Findings(found.estimates, (*found.exhibits, fenced), origins)))
    assert cells(table("t-ticks"))[1:] == [["x ``` <script>y</script>", "````"]]


def test_curves_are_shown_as_a_figure():
    with pytest.raises(TypeError, match=r"figure\('c-two'\)"):
        table("c-two")
    with pytest.raises(KeyError):
        figure("t-plain")


def test_inputs_and_software_are_listed():
    inputs = [row[0] for row in cells(inputs_table())]
    assert "Rossi, Berk and Lenihan (1980), from the R package carData" in inputs
    assert "python" in [row[0] for row in cells(software_table())]
