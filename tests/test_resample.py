"""Cluster bootstrap, wild bootstrap, Rubin's rules, several p-values: by hand, invariants, bad input."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.linear import linear
from ldeval.stats.resample import adjust_p, cluster_bootstrap, pool, wild_cluster_bootstrap

EXACT = 1e-12
"""Arithmetic: rounding only."""

P = [0.01, 0.04, 0.03, 0.005]


def test_adjusted_p_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04: Holm x 4, 3, 2, 1 and rising; BH x 4, 2, 4/3, 1 and falling from the end."""
    np.testing.assert_allclose(adjust_p(P, "holm"), [0.03, 0.06, 0.06, 0.02], rtol=EXACT)
    np.testing.assert_allclose(adjust_p(P, "bh"), [0.02, 0.04, 0.04, 0.02], rtol=EXACT)
    np.testing.assert_allclose(adjust_p([0.9, 0.8], "holm"), [1, 1])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.sampled_from(["holm", "bh"]))
@settings(max_examples=50, deadline=None)
def test_adjusted_p_equal_statsmodels_and_never_fall(values, method):
    from statsmodels.stats.multitest import multipletests

    ours = adjust_p(values, method)
    np.testing.assert_allclose(
        ours, multipletests(values, method={"holm": "holm", "bh": "fdr_bh"}[method])[1], rtol=1e-12, atol=1e-300
    )
    assert (ours >= np.array(values) * (1 - EXACT)).all()


def test_pool_by_hand():
    """Estimates 1, 2, 3 with errors 1: W = 1, B = 1, T = 1 + 4/3, df = 2 (1 + 3/4)^2."""
    pooled = pool([1, 2, 3], [1, 1, 1])
    assert pooled.estimate[0] == pytest.approx(2, rel=EXACT)
    assert pooled.se[0] == pytest.approx(np.sqrt(7 / 3), rel=EXACT)
    assert pooled.df[0] == pytest.approx(2 * (7 / 4) ** 2, rel=EXACT)
    assert pooled.fraction[0] == pytest.approx((4 / 3) / (7 / 3), rel=EXACT)
    observed = (11 / 13) * 10 * (1 - 4 / 7)
    assert pool([1, 2, 3], [1, 1, 1], df=10).df[0] == pytest.approx(1 / (1 / (2 * (7 / 4) ** 2) + 1 / observed), rel=EXACT)


def test_pool_of_equal_estimates_is_normal():
    pooled = pool([[1.0, 2.0]] * 3, [[0.5, 0.25]] * 3)
    np.testing.assert_allclose(pooled.se, [0.5, 0.25], rtol=EXACT)
    table = pooled.tidy()
    np.testing.assert_allclose(table.high, [1 + 1.959964 * 0.5, 2 + 1.959964 * 0.25], rtol=1e-6)


FRAME = pd.DataFrame({"area": list("aabbbcdd"), "y": [1.0, 2, 3, 4, 5, 6, 7, 8]})


def test_bootstrap_draws_whole_clusters():
    sums = {"a": 3, "b": 12, "c": 6, "d": 15}
    possible = {sum(sums[g] for g in draw) for draw in itertools.product(sums, repeat=4)}
    found = cluster_bootstrap(lambda t: t["y"].sum(), FRAME, cluster="area", draws=200, seed=1)
    assert found.estimate[0] == 36
    assert set(found.draws[:, 0]) <= possible
    assert len(set(found.draws[:, 0])) >= 10


def test_bootstrap_takes_each_kind_of_data_and_a_seed_alike():
    kinds = [FRAME, FRAME["y"].to_numpy(), {"y": FRAME["y"].to_numpy()}]
    mean = [lambda t: t["y"].mean(), lambda a: a.mean(), lambda d: d["y"].mean()]
    draws = [
        cluster_bootstrap(call, data, cluster=FRAME["area"], draws=20, seed=5).draws
        for call, data in zip(mean, kinds, strict=True)
    ]
    np.testing.assert_array_equal(draws[0], draws[1])
    np.testing.assert_array_equal(draws[0], draws[2])
    assert (cluster_bootstrap(mean[0], FRAME, cluster="area", draws=20, seed=6).draws != draws[0]).any()


def test_bootstrap_of_a_mean_of_clusters_has_the_known_error():
    """One row a cluster: the error of the mean is the root of the plug-in variance over n; 2,000 draws give it within 5%."""
    y = np.random.default_rng(2).normal(size=50)
    found = cluster_bootstrap(np.mean, y, cluster=np.arange(50), draws=2000, seed=3)
    assert found.se[0] == pytest.approx(y.std() / np.sqrt(50), rel=0.05)
    low, high = found.interval()[:, 0]
    assert low < y.mean() < high


def test_bootstrap_counts_draws_that_fail():
    def fragile(table):
        if (table["area"] == "d").sum() == 0:
            raise ValueError("no row of d")
        return table["y"].mean()

    with pytest.raises(ValueError, match=r"failed on \d+ of 50 draws; the last time with: no row of d"):
        cluster_bootstrap(fragile, FRAME, cluster="area", draws=50, seed=1)


def wild_people(seed, clusters=8):
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(clusters), 12)
    x = (group % 2).astype(float)
    y = 0.3 * x + rng.normal(size=clusters)[group] + rng.normal(size=len(group))
    return y, pd.DataFrame({"one": 1.0, "x": x, "z": rng.normal(size=len(group))}), group


def test_wild_bootstrap_is_the_textbook_procedure():
    """Against refitting the model to each of the 256 sign vectors."""
    y, X, group = wild_people(1)
    found = wild_cluster_bootstrap(y, X, term="x", cluster=group, draws=999)
    null = linear(y, X.drop(columns="x")).fitted

    def statistic(outcome):
        row = linear(outcome, X, cluster=group).tidy().iloc[1]
        return row.estimate / row.se

    drawn = [abs(statistic(null + np.array(s)[group] * (y - null))) for s in itertools.product((-1, 1), repeat=8)]
    assert found.draws == 256
    assert found.statistic == pytest.approx(statistic(y), rel=1e-8)
    assert found.p_value == np.mean(np.array(drawn) >= abs(statistic(y)) * (1 - 1e-9))


def test_wild_bootstrap_tests_other_values_and_draws_when_many():
    y, X, group = wild_people(2, clusters=27)
    at_estimate = linear(y, X).coefficients[1]
    assert wild_cluster_bootstrap(y, X, term="x", cluster=group, draws=99, value=at_estimate).p_value == 1
    assert wild_cluster_bootstrap(y, X, term=1, cluster=group, draws=99, value=at_estimate + 9).p_value <= 0.02


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: adjust_p([0.1, 1.2], "holm"), "values from 0 to 1, found 1 of 2"),
        (lambda: adjust_p([0.1], "bonferroni"), "'holm', 'bh', found 'bonferroni'"),
        (lambda: adjust_p([], "bh"), "at least one row"),
        (lambda: pool([1], [1]), "2 rows or more"),
        (lambda: pool([1, 2], [1, -1]), "zero or more, found 1 below"),
        (lambda: pool([1, np.nan], [1, 1]), "finite"),
        (lambda: pool([1, 2], [1, 1], df=0), "df: expected degrees of freedom above zero, found 0"),
        (lambda: cluster_bootstrap(np.mean, pd.DataFrame({"y": [1, 2]}), cluster="c", draws=9, seed=0), "no column 'c'"),
        (lambda: cluster_bootstrap(np.mean, [1, 2], cluster=[1, 1], draws=9, seed=0), "at least 2 clusters, found 1"),
        (lambda: cluster_bootstrap(np.mean, [1, 2], cluster=[1, 2], draws=1, seed=0), "from 2, found 1"),
        (lambda: cluster_bootstrap(np.mean, {"a": [1], "b": [1, 2]}, cluster=[1], draws=9, seed=0), "one length"),
        (lambda: wild_cluster_bootstrap([1, 2, 3], np.ones((3, 1)), term="y", cluster=[1, 2, 3]), "term: expected one of x0"),
        (lambda: wild_cluster_bootstrap([1, 2, 3], np.ones((3, 1)), term=0, cluster=[1, 1, 1]), "at least 2 clusters"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
