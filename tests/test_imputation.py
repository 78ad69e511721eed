"""Chained imputation: by hand, what is observed stays, recovery where values are missing at random, bad input."""

import numpy as np
import pandas as pd
import pytest

from ldeval.stats.imputation import impute
from ldeval.stats.linear import linear
from ldeval.stats.resample import pool

FAR = 3.5  # standard errors: a right estimate of one sample lies nearer in all but one of two thousand
BIASED = 4.0  # standard errors by which complete cases miss, so that the test can tell


def people(n=4000, seed=7):
    """Groups a, b, c with their own means of y; the group is missing more often where y is high."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    odds = np.column_stack([np.zeros(n), -0.5 + 0.8 * x, -1.0 - 0.5 * x])
    chance = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    group = np.array(list("abc"))[(rng.random((n, 1)) > chance.cumsum(axis=1)[:, :2]).sum(axis=1)]
    score = np.rint(5 + x + rng.normal(size=n))
    y = 1.0 + 1.0 * (group == "b") - 0.5 * (group == "c") + 0.5 * x + 0.4 * score + rng.normal(size=n)
    frame = pd.DataFrame({"group": group, "score": score})
    frame.loc[rng.random(n) < 1 / (1 + np.exp(5.0 - 1.2 * y)), "group"] = None
    frame.loc[rng.random(n) < 1 / (1 + np.exp(6.0 - 1.2 * y)), "score"] = np.nan
    return frame, x, y


def fit(frame, x, y):
    X = np.column_stack([np.ones(len(y)), frame.group == "b", frame.group == "c", x, frame.score]).astype(float)
    return linear(y, X).tidy()


def test_pooled_estimates_recover_the_truth_where_complete_cases_miss_it():
    frame, x, y = people()
    truth = np.array([1.0, 1.0, -0.5, 0.5, 0.4])
    fits = [fit(each, x, y) for each in impute(frame, np.column_stack([x, y]), draws=10, seed=1)]
    pooled = pool([each.estimate for each in fits], [each.se for each in fits])
    assert (np.abs(pooled.estimate - truth) < FAR * pooled.se).all()
    whole = frame.notna().all(axis=1).to_numpy()
    short = fit(frame[whole], x[whole], y[whole])
    assert np.abs((short.estimate - truth) / short.se).max() > BIASED
    assert (pooled.fraction > 0).all()


def test_observed_values_stay_and_drawn_ones_occur():
    frame, x, y = people(600)
    first, second = impute(frame, np.column_stack([x, y]), draws=2, seed=1)
    for name in frame:
        seen = frame[name].notna()
        assert (first.loc[seen, name] == frame.loc[seen, name]).all()
        assert first[name].notna().all()
        assert set(first[name]) <= set(frame.loc[seen, name])
        assert (first[name] != second[name]).any()


def test_one_seed_gives_one_draw():
    frame, x, y = people(300)
    once, again = (next(impute(frame, np.column_stack([x, y]), draws=1, seed=3)) for _ in range(2))
    pd.testing.assert_frame_equal(once, again)


def test_a_column_told_by_another_is_filled_with_it():
    """The group is a where z is below nought and b above: by hand, each missing one is known."""
    z = np.repeat([-1.0, 1.0], 200)
    group = pd.Series(np.where(z < 0, "a", "b"), dtype=object)
    truth = group.copy()
    group[::10] = None
    filled = next(impute(pd.DataFrame({"group": group}), z[:, None], draws=1, seed=1))
    assert (filled.group == truth).mean() > 0.99  # the weak prior leaves a chance of some thousandths


def test_nothing_missing_comes_back_as_it_is():
    frame = pd.DataFrame({"group": ["a", "b"], "score": [1.0, 2.0]})
    pd.testing.assert_frame_equal(next(impute(frame, np.ones((2, 1)), draws=1, seed=1)), frame)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"draws": 0}, "draws: expected a whole number from 1"), ({"sweeps": 0}, "sweeps: expected a whole number from 1")],
)
def test_bad_numbers_are_refused(change, words):
    frame, x, _ = people(50)
    with pytest.raises(ValueError, match=words):
        next(impute(frame, x[:, None], **({"draws": 1, "seed": 1} | change)))


def test_an_empty_column_is_refused():
    with pytest.raises(ValueError, match="columns: expected an observed value in each, found none in group"):
        next(impute(pd.DataFrame({"group": [None, None]}), np.ones((2, 1)), draws=1, seed=1))
