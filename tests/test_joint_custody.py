"""How estimates of custody and of days vary together: known correlations, and what cannot be known."""

import numpy as np
import pandas as pd
import pytest

from ldeval.analysis.joint_custody import correlations, outcomes
from ldeval.analysis.records import Comparison

EXACT = 1e-6
"""Of correlations that are 1 by construction: the difference of variances that are nearly alike loses half the digits."""
SAMPLED = 0.15
"""Of a correlation estimated from 40 areas: its own error is about (1 - r^2) / sqrt(40), 0.12 at r = 0.5."""


def people(n=4000, areas=40, seed=3):
    rng = np.random.default_rng(seed)
    area = rng.integers(0, areas, n)
    X = pd.DataFrame({"intercept": 1.0, "age": rng.normal(size=n)})
    treated = (rng.random(n) < 0.4).astype(float)
    return Comparison(pd.DataFrame({"area": area}), treated, X, area.astype(str), np.zeros(n)), rng


def values(found):
    return {estimate.id: estimate.value for estimate in found.estimates}


def test_outcomes_that_are_multiples_of_one_another_correlate_fully():
    compared, rng = people()
    days = rng.gamma(1.0, 30.0, compared.n)
    found = values(correlations(compared, {"a": days, "b": 3 * days, "c": 100 - days}))
    expected = {"b/correlation/a": 1.0, "c/correlation/a": -1.0, "c/correlation/b": -1.0}
    assert found == pytest.approx(expected, abs=EXACT)


def test_a_known_correlation_is_recovered():
    compared, rng = people()
    one, other = rng.normal(size=(2, compared.n))
    found = values(correlations(compared, {"a": one, "b": 0.5 * one + np.sqrt(0.75) * other}))
    assert found["b/correlation/a"] == pytest.approx(0.5, abs=SAMPLED)


def test_nobody_in_custody_leaves_it_unknown():
    compared, rng = people(200)
    found = correlations(compared, {"a": np.zeros(200), "b": rng.normal(size=200)})
    assert [gap.id for gap in found.missing] == ["b/correlation/a"]
    assert not found.estimates


def test_days_are_those_of_sentences_within_the_follow_up():
    rows = pd.DataFrame(
        [
            # disposal, day of it, day of release
            ("immediate_custody", 10.0, 40.0),
            ("immediate_custody", 350.0, 500.0),
            ("immediate_custody", 366.0, 400.0),  # passed too late
            ("fine", 20.0, np.nan),
            (None, np.nan, np.nan),
        ],
        columns=["index_disposal", "index_disposal_days", "index_release_days"],
    )
    compared = Comparison(rows, np.zeros(5), pd.DataFrame(), np.zeros(5, dtype=str), np.zeros(5))
    found = {name: list(each) for name, each in outcomes(compared, 365).items()}
    assert found["diversion"] == [365, 365, 0, 0, 0]
    assert found["custody_days"] == [40 - 10, 365 - 350, 0, 0, 0]
    assert found["sentence_served"] == [40 - 10, 500 - 350, 0, 0, 0]
