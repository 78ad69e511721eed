"""Numbers for prose: Markdown that carries an id, whatever the text holds."""

import pypandoc
import pytest
from release_folder import make_released, ratio

from ldeval.release import est, fact, study, verdict
from ldeval.release.prose import _text, escape, unbroken


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    return make_released(tmp_path_factory.mktemp("study"))


@pytest.fixture(autouse=True)
def _inside(released, monkeypatch):
    monkeypatch.chdir(released)


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("value", "0.68"),
        ("interval", "0.68 (95% interval 0.47 to 0.996)"),
        ("range", "0.47 to 0.996"),
        ("change", "32% lower"),
        ("low", "0.47"),
        ("high", "0.996"),
        ("p", "p = 0.047"),
        ("n", "1,445"),
        ("events", "552"),
    ],
)
def test_forms(form, text):
    assert est("a/effect", form).data == f'[{unbroken(text)}]{{.est data-id="a/effect"}}'


@pytest.mark.parametrize(
    ("value", "text"), [(1.0, "unchanged"), (0.9964, "0.4% lower"), (2.5, "150% higher"), (0.99, "1% lower")]
)
def test_a_change_keeps_what_is_there_to_see(value, text):
    assert _text(ratio("a", value=value, low=0.1, high=9.0), "change") == text


def test_pandoc_reads_a_span_in_html_and_plain_text_for_the_pdf():
    text = est("a/effect", "interval").data
    html = pypandoc.convert_text(text, "html", format="markdown", extra_args=["--wrap=none"])
    shown = "0.68 (95% interval 0.47\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.996)"
    assert html.strip() == f'<p><span class="est" data-id="a/effect">{shown}</span></p>'
    assert "0.68 (95% interval 0.47~to~0.996)" in pypandoc.convert_text(text, "typst", format="markdown")


def test_an_unknown_id_lists_those_near_it():
    with pytest.raises(KeyError, match=r"no released estimate 'a/typo'; most like it of the .* there are: .*a/effect"):
        est("a/typo")


def test_an_unknown_form_lists_the_forms():
    with pytest.raises(ValueError, match=r"form must be one of value, interval"):
        est("a/effect", "percent")


@pytest.mark.parametrize(("key", "form"), [("a/none", "p"), ("a/certain", "events"), ("a/share", "change")])
def test_a_number_that_the_estimate_has_not_is_refused(key, form):
    with pytest.raises(ValueError, match=key):
        est(key, form)


def test_a_fact_carries_source_and_standing():
    assert fact("users").data == (
        '[8,729]{.fact data-id="users"}^[People who used the service. A report (2021): read in the source.]'
    )
    assert fact("any_need", "value").data == '[88%]{.fact data-id="any_need"}'


def test_an_assumption_says_so_in_the_text():
    text = fact("frequency").data
    assert text.startswith('[4.05]{.fact data-id="frequency"} (assumption)^[')
    assert "not checked against the source" in text


def test_what_was_not_found_says_so_and_a_direction_is_given_in_words():
    assert fact("odds", "value").data.startswith("[not found]")
    assert fact("direction", "value").data.startswith("[Custody became rarer]")


def test_the_protocol_is_printed_as_a_reader_expects():
    assert study("study.follow_up_days").data == '[365]{.study data-id="study.follow_up_days"}'
    assert study("study.referral_window").data.startswith("[1 January 2017 and 30 September 2017]")
    assert study("outcomes.rearrest.matters").data.startswith("[0.80]")
    assert study("economics.discount_rate").data.startswith("[3.5%]")
    assert study("cohort.release_share").data.startswith("[50%]")
    assert study("outcomes.rearrest.adjust").data.startswith("[age, race, wexp, mar, paro and prio]")


@pytest.mark.parametrize("key", ["study.nothing", "outcomes.rearrest", "study.title.deeper"])
def test_a_key_that_is_no_value_is_refused(key):
    with pytest.raises(KeyError, match=r"study\.toml"):
        study(key)


def test_a_verdict_is_computed_from_the_protocol():
    assert verdict("a/effect").data == '[too imprecise to say]{.est .verdict data-id="a/effect"}'


def test_a_verdict_needs_the_outcome_in_the_protocol():
    with pytest.raises(KeyError, match=r"'nowhere' is not in study\.toml"):
        verdict("a/certain")


@pytest.mark.parametrize(
    "text", ["<script>x</script>", "a*b*c_d_", "[l](u)", "$x$ ~a~ ^b^", "`c`", "@cite", "a | b # c", "&amp; \\"]
)
def test_markup_in_text_stays_text(text):
    native = pypandoc.convert_text(escape(text), "plain", format="markdown", extra_args=["--wrap=none"])
    assert native.strip() == text


def test_without_results_the_error_says_what_to_run(tmp_path, monkeypatch):
    (tmp_path / "study.toml").touch()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="make report"):
        est("a/effect")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("0.68 (95% interval 0.47 to 0.996)", "0.68 (95% interval 0.47~to~0.996)"),
        ("−£3 to £40", "−|£3~to~£40"),
        ("−3.2% to 3.1%", "−3.2%~to~3.1%"),
        ("p = 0.0501", "p~=~0.0501"),
        (r"p \<0.001", r"p~\<0.001"),
        ("was 12.3 percentage points (", "was 12.3~percentage~points ("),
        ("£13.1 million", "£13.1~million"),
        ("add up to the whole", "add up to the whole"),
        ("365 days", "365~days"),
    ],
)
def test_a_line_does_not_end_within_what_is_read_as_one(text, kept):
    assert unbroken(text) == kept.replace("~", "\N{NO-BREAK SPACE}").replace("|", "\N{WORD JOINER}")


def test_bound_numbers_come_unbroken():
    assert "0.47\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.996" in est("a/effect", "interval").data
    assert est("a/effect", "p").data.startswith("[p\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}0.047]")
