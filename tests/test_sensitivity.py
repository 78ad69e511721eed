"""E-values, tipping points, negative controls: by hand, published values, invariants, bad input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.sensitivity import e_value, negative_controls, tipping_point

EXACT = 1e-12
"""Arithmetic: rounding only."""


def test_e_value_of_the_papers_examples():
    """VanderWeele and Ding (2017): 3.9 (1.8 to 8.7) gives 7.26 and 3.0; 0.80 (0.71 to 0.91) gives 1.81 and 1.43 (their table)."""
    found = e_value(3.9, 1.8, 8.7, measure="risk_ratio")
    assert (round(found.estimate, 2), round(found.bound, 2)) == (7.26, 3.0)
    found = e_value(0.80, 0.71, 0.91, measure="risk_ratio")
    assert (round(found.estimate, 2), round(found.bound, 2)) == (1.81, 1.43)


def test_e_value_by_hand():
    assert e_value(2, 0.9, 4, measure="risk_ratio").bound == 1
    assert e_value(4, 4, 4, measure="odds_ratio").estimate == pytest.approx(2 + np.sqrt(2), rel=EXACT)
    assert e_value(4, 4, 4, measure="hazard_ratio_rare").estimate == pytest.approx(4 + np.sqrt(12), rel=EXACT)
    common = (1 - 0.5**2) / (1 - 0.5**0.5)
    assert e_value(4, 4, 4, measure="hazard_ratio").estimate == pytest.approx(common + np.sqrt(common * (common - 1)), rel=EXACT)


@given(st.floats(0.05, 20), st.sampled_from(["risk_ratio", "odds_ratio", "hazard_ratio"]))
@settings(max_examples=50, deadline=None)
def test_inverting_a_ratio_keeps_its_e_value(ratio, measure):
    there, back = (e_value(value, value, value, measure=measure) for value in (ratio, 1 / ratio))
    assert there.estimate == pytest.approx(back.estimate, rel=1e-9)
    assert there.estimate >= 1


def test_tipping_point_by_hand():
    """A ratio of 1.2 with prevalences 0.5 and 0: 1 + (g - 1) 0.5 = 1.2, g = 1.4; the bound 1.1 needs 1.2."""
    found = tipping_point(1.2, 1.1, 1.4, prevalence_treated=0.5, prevalence_control=0)
    assert found.estimate == pytest.approx(1.4, rel=EXACT)
    assert found.bound == pytest.approx(1.2, rel=EXACT)
    assert np.isnan(tipping_point(3, 2, 4, prevalence_treated=0.1, prevalence_control=0.3).estimate)
    assert tipping_point(1.2, 0.9, 1.4, prevalence_treated=0.5, prevalence_control=0.1).bound == 1


@given(st.floats(0.3, 3), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=50, deadline=None)
def test_a_confounder_at_the_tipping_point_explains_all(ratio, one, zero):
    if abs(one - zero) < 1e-3:
        return
    found = tipping_point(ratio, ratio, ratio, prevalence_treated=one, prevalence_control=zero).estimate
    if np.isfinite(found):
        assert (1 + (found - 1) * one) / (1 + (found - 1) * zero) == pytest.approx(ratio, rel=1e-6)


def test_negative_controls_by_hand():
    """Two equal controls: no spread, the mean is theirs, chi-squared is the sum of z squared with 2 df: p = exp(-x / 2)."""
    found = negative_controls([0.2, 0.2], [0.1, 0.1], primary=(0.2, 0.1))
    assert found.bias == pytest.approx(0.2, rel=1e-9)
    assert found.se == pytest.approx(0.1 / np.sqrt(2), rel=1e-9)
    assert found.tau == 0
    assert found.p_value == pytest.approx(np.exp(-(4 + 4) / 2), rel=1e-9)
    assert found.alarm
    assert found.calibrated_p == pytest.approx(1, rel=1e-9)


def test_negative_controls_ring_when_biased_and_keep_still_when_not():
    rng = np.random.default_rng(8)
    errors = rng.uniform(0.05, 0.1, 30)
    still = [negative_controls(rng.normal(0, errors), errors).alarm for _ in range(400)]
    assert np.mean(still) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    biased = negative_controls(rng.normal(0.3, np.hypot(errors, 0.1)), errors)
    assert biased.alarm
    assert biased.bias == pytest.approx(0.3, abs=0.08)
    assert biased.tau == pytest.approx(0.1, abs=0.06)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: e_value(0, 0, 1, measure="risk_ratio"), "ratios above zero"),
        (lambda: e_value(2, 3, 4, measure="risk_ratio"), "an interval around 2"),
        (lambda: e_value(2, 1, 4, measure="difference"), "'hazard_ratio_rare', found 'difference'"),
        (lambda: tipping_point(2, 1, 4, prevalence_treated=1.2, prevalence_control=0), "share from 0 to 1, found 1.2"),
        (lambda: tipping_point(2, 1, 4, prevalence_treated=0.2, prevalence_control=0.2), "as common in both arms"),
        (lambda: negative_controls([0.1], [0]), "errors above zero, found 1 of 1"),
        (lambda: negative_controls([0.1, 0.2], [1]), "expected 2 rows"),
        (lambda: negative_controls([0.1, 0.2], [1, 1], names=["a"]), "names: expected 2, one for each estimate, found 1"),
        (lambda: negative_controls([0.1, 0.2], [1, 1], primary=(1, 0)), "primary: expected .* above zero"),
        (lambda: e_value(2, None, 4, measure="risk_ratio"), "low: expected one finite number"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
