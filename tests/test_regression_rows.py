"""Regressions on many rows: what they begin with, and how blocks and parts of the rows add up, changes nothing reported."""

import numpy as np
import pytest

from ldeval.stats import _climbs, _products, _threads, _units, glm
from ldeval.stats.binary import logistic
from ldeval.stats.counts import negative_binomial, poisson
from ldeval.stats.linear import linear

ROWS = 80_000
EVERY = 8
"""Of so many rows, a start from some takes each of these."""
FITS = {"poisson": poisson, "logistic": logistic, "negative_binomial": negative_binomial, "linear": linear}


def people(n=ROWS, seed=3):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4))
    x[:, 0], x[:, 1] = 1.0, np.exp(x[:, 1])
    mean = np.exp(x @ [-0.5, 0.1, 0.3, -0.2])
    counts = rng.poisson(mean * rng.gamma(2, 0.5, n)).astype(float)
    return x, {name: np.minimum(counts, 1.0) if name == "logistic" else counts for name in FITS}, rng.integers(0, 45, n)


def same(one, other, near):
    size = np.sqrt(np.diag(other.covariance))
    np.testing.assert_allclose((one.coefficients - other.coefficients) / size, 0, atol=near)
    np.testing.assert_allclose(one.covariance / np.outer(size, size), other.covariance / np.outer(size, size), atol=near)
    np.testing.assert_allclose(one.fitted, other.fitted, rtol=near)
    assert one.loglik == pytest.approx(other.loglik, rel=1e-12)


def with_and_without_a_start(monkeypatch, call):
    sweeps = []
    sweep = glm.sweep
    monkeypatch.setattr(glm, "sweep", lambda family, posed, b: sweeps.append(len(posed.y)) or sweep(family, posed, b))
    begun = call()
    some = {rows for rows in sweeps if rows < ROWS}
    monkeypatch.setattr(_climbs, "LARGE", ROWS + 1)
    sweeps.clear()
    same(begun, call(), near=1e-9)
    assert set(sweeps) == {ROWS}
    return some


@pytest.mark.parametrize("name", FITS)
def test_a_start_from_some_rows_ends_at_the_same_maximum(monkeypatch, name):
    x, outcome, area = people()
    weights = np.random.default_rng(1).uniform(0.5, 2, ROWS)
    some = with_and_without_a_start(monkeypatch, lambda: FITS[name](outcome[name], x, weights=weights, cluster=area))
    assert some == {ROWS // EVERY}


ROW = np.arange(ROWS)
SPOILT = {
    "a column constant among some": lambda x, y: {"y": y, "X": np.column_stack([x, ROW % EVERY == 1])},
    "a column told by some alone": lambda x, y: {"y": y, "X": np.column_stack([x, ROW % EVERY == 0])},
    "no weight among some": lambda x, y: {"y": y, "X": x, "weights": (ROW % EVERY > 0) * 1.5},
    "no event among some": lambda x, y: {"y": np.where(ROW % EVERY, y, 0.0), "X": x},
    "separation among some": lambda x, y: {"y": np.where(ROW % EVERY, y, x[:, 2] > 1), "X": x},
    "a rare column of events alone among some": lambda x, y: {
        "y": np.where((ROW % EVERY == 0) & (ROW < 40), 1.0, y),
        "X": np.column_stack([x, ROW < 40]),
    },
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
@pytest.mark.parametrize("name", ["poisson", "logistic"])
def test_some_rows_may_have_no_maximum(monkeypatch, name, spoil):
    x, outcome, _ = people()
    with_and_without_a_start(monkeypatch, lambda: FITS[name](**spoil(x, outcome[name]), robust="HC1"))


@pytest.mark.parametrize("name", FITS)
def test_a_fit_ends_where_rounding_is_all_that_moves(monkeypatch, name):
    """Two columns alike to five digits, and an end that asks for more than floats have."""
    x, outcome, _ = people(n=2000)
    x[:, 3] = x[:, 2] + 1e-5 * x[:, 3]
    plain = FITS[name](outcome[name], x)
    monkeypatch.setattr(glm.fit, "__kwdefaults__", {"decrement": 0.0})
    same(FITS[name](outcome[name], x), plain, near=1e-5)


@pytest.mark.parametrize("name", ["poisson", "logistic"])
def test_separation_of_many_rows_is_named(name):
    x, outcome, _ = people()
    alone = np.column_stack([x, outcome[name] == 0])
    with pytest.raises(ValueError, match="separation: x4 foretell"):
        FITS[name](outcome[name], alone)


@pytest.mark.parametrize("errors", [{"cluster": 5}, {"cluster": 150}, {"cluster": 5, "small_sample": "CR2"}, {"robust": "HC3"}])
@pytest.mark.parametrize("name", FITS)
def test_blocks_and_parts_of_the_rows_add_up(monkeypatch, name, errors):
    """What needs many rows, on few: eight parts, blocks and products of 64 rows and less; more clusters than rows in a block."""
    x, outcome, _ = people(n=1000)
    options = errors | ({"cluster": np.arange(1000) * 7 % errors["cluster"]} if "cluster" in errors else {})
    whole = FITS[name](outcome[name], x, **options)
    monkeypatch.setattr(_threads, "FEW", 10)
    monkeypatch.setattr(_units, "SMALL", 0)
    for size in ("CACHED", "PRODUCTS", "VECTORS"):
        monkeypatch.setattr(_products, size, 1)
    same(FITS[name](outcome[name], x, **options), whole, near=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_alpha_of_counts_that_vary_as_poisson_says_is_found(seed):
    """An alpha near 0 is known to its own error at best: its likelihood is flat there, and no refusal follows from that."""
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(5000), rng.normal(size=5000)])
    y = rng.poisson(np.exp(x @ [0.2, 0.3])).astype(float)
    fit, plain = negative_binomial(y, x), poisson(y, x)
    assert fit.alpha == 0 or fit.alpha < 4 * fit.alpha_se
    assert fit.loglik >= plain.loglik - 1e-6
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, atol=0.02 * plain.tidy()["se"].min())


ODD_COUNTS = {
    "overdispersed": lambda rng, n: (rng.negative_binomial(2, 0.4, n), None),
    "of a heavy tail": lambda rng, n: (np.floor(np.exp(4 * rng.normal(size=n))), None),
    "rare": lambda rng, n: (rng.poisson(0.01 * rng.gamma(0.5, 2, n)), None),
    "of a million each": lambda rng, n: (rng.poisson(rng.gamma(1e6, 1.0, n)), None),
    "of exposures over many magnitudes": lambda rng, n: (rng.poisson(3, n), np.exp(rng.uniform(-20, 20, n))),
}


@pytest.mark.parametrize("draw", ODD_COUNTS.values(), ids=ODD_COUNTS)
@pytest.mark.parametrize("n", [700, 60_000])
def test_nothing_near_a_negative_binomial_fit_is_likelier(draw, n):
    from scipy.stats import nbinom

    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(n), rng.normal(size=n)])
    y, exposure = draw(rng, n)
    fit = negative_binomial(y, x, exposure=exposure, information="observed")
    assert fit.alpha > 0
    offset = 0.0 if exposure is None else np.log(exposure)

    def loglik(b, alpha):
        mean = np.exp(x @ b + offset)
        return float(nbinom.logpmf(y, 1 / alpha, 1 / (1 + alpha * mean)).sum())

    best, se = loglik(fit.coefficients, fit.alpha), fit.tidy()["se"].to_numpy()
    assert fit.loglik == pytest.approx(best, rel=1e-8)
    for step in (-0.05, 0.05):
        assert loglik(fit.coefficients + step * se * [1, 0], fit.alpha) < best
        assert loglik(fit.coefficients + step * se * [0, 1], fit.alpha) < best
        assert loglik(fit.coefficients, fit.alpha * np.exp(step * fit.alpha_se / fit.alpha)) < best
