"""The four wordings, from where the interval lies."""

import pytest
from release_folder import ratio

from ldeval.release.verdicts import decide

MATTERS, SMALLER = "a difference that matters", "a difference, but smaller than matters"
NONE, IMPRECISE = "no difference that matters", "too imprecise to say"


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [
        (0.50, 0.60, 0.70, MATTERS),
        (0.50, 0.60, 0.80, MATTERS),  # touches the effect that matters, from beyond
        (1.30, 1.50, 1.80, MATTERS),  # harm
        (0.85, 0.90, 0.95, SMALLER),
        (1.05, 1.10, 1.20, SMALLER),
        (0.90, 1.00, 1.10, NONE),
        (0.81, 0.90, 1.00, NONE),  # touches no effect
        (0.47, 0.68, 0.996, IMPRECISE),  # a difference, but whether it matters is open
        (0.60, 0.95, 1.50, IMPRECISE),
        (0.80, 0.90, 1.10, IMPRECISE),  # holds an effect that matters
        (0.90, 1.10, 1.25, IMPRECISE),
    ],
)
@pytest.mark.parametrize("matters", [0.80, 1.25])
def test_ratios(low, value, high, words, matters):
    assert decide(ratio("a", value=value, low=low, high=high), matters) == words


@pytest.mark.parametrize(
    ("low", "value", "high", "words"),
    [(-9, -7, -5, MATTERS), (5, 6, 9, MATTERS), (1, 2, 4, SMALLER), (-4, 0, 4, NONE), (-6, -2, 1, IMPRECISE)],
)
@pytest.mark.parametrize("matters", [5, -5])
def test_differences(low, value, high, words, matters):
    row = ratio("a", value=value, low=low, high=high, scale="identity", unit="days")
    assert decide(row, matters) == words


@pytest.mark.parametrize("matters", [1, 0, -0.8])
def test_an_effect_that_cannot_matter_is_refused(matters):
    with pytest.raises(ValueError, match="no effect that could matter"):
        decide(ratio("a"), matters)
