"""The one rounding rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_folder import ratio

from ldeval.release.numbers import FORMS, as_given, between, bound, central, form, level


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.6843, "ratio", "0.68"),
        (0.6944, "share", "69.4%"),
        (-0.0512, "percentage points", "−5.1"),
        (1234567.4, "people", "1,234,567"),
        (-13.14, "million pounds", "−£13.1 million"),
        (659, "pounds", "£659"),
        (-0.4, "pounds", "£0"),
        (46.875, "weeks", "46.9"),
        (0.00004, "p", "<0.001"),
        (0.0474, "p", "0.047"),
        (0.0501, "p", "0.0501"),
        (0.04996, "p", "0.0500"),
        (0.05, "p", "0.050"),
        (0.98, "p", "0.980"),
        (4.05, "number", "4.05"),
        (0.001234, "number", "0.00123"),
        (-12345.6, "number", "−12,346"),
        (0.0, "number", "0.00"),
        (3e-8, "relative difference", "≤0.000001"),
        (0.00234, "relative difference", "0.0023"),
        (1e-6, "bound on a relative difference", "0.000001"),
        (None, "people", "–"),
        (math.inf, "ratio", "∞"),
        (-math.inf, "days", "−∞"),
    ],
)
def test_each_unit_has_one_form(value, unit, text):
    assert form(value, unit) == text


@pytest.mark.parametrize(("value", "text"), [(-0.063, "−0.063"), (0.0039, "0.0039"), (4.1, "4.1"), (3.0, "3"), (-0.0, "0")])
def test_published_values_are_printed_as_they_were(value, text):
    assert form(value, "as printed") == text


def test_an_unknown_unit_is_refused_with_those_that_are_known():
    with pytest.raises(ValueError, match=r"'furlongs'; units: .*days"):
        form(1.0, "furlongs")


@given(st.floats(allow_nan=False, allow_infinity=False, width=32), st.sampled_from(sorted(FORMS)))
def test_no_value_prints_as_minus_zero_or_with_an_exponent(value, unit):
    text = form(abs(value) if unit == "p" else value, unit)
    assert "e" not in text.replace("million", "")
    assert not (text.startswith("−") and not any(c in "123456789" for c in text))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.9957, "0.996"), (1.0002, "1.0002"), (1.004, "1.004"), (1.0, "1.00"), (0.99999, "1.00"), (0.98, "0.98")],
)
def test_a_bound_never_rounds_onto_no_effect_while_four_digits_tell_them_apart(value, text):
    assert bound(value, "ratio", 1.0) == text


def test_a_value_lies_in_its_interval_as_printed():
    small = ratio("a", value=0.9964, low=0.9954, high=0.9974)
    assert (central(small), between(small)) == ("0.996", "0.995 to 0.997")
    assert central(ratio("a", value=1.003, low=0.9, high=1.1)) == "1.00"


def test_an_estimate_without_error_has_no_interval():
    assert between(ratio("a", value=2.0, low=2.0, high=2.0, se=0.0)) == "–"


@pytest.mark.parametrize(("value", "text"), [(0.88, "88%"), (0.2851, "28.5%"), (0.5, "50%"), (0.136, "13.6%")])
def test_a_published_share_keeps_the_digits_it_was_published_with(value, text):
    assert as_given(value, "share") == text


@pytest.mark.parametrize(("value", "text"), [(0.95, "95%"), (0.9, "90%"), (0.999, "99.9%")])
def test_levels(value, text):
    assert level(value) == text
