"""Where a likelihood has its maximum, and where it has none: far values, tiny weights, columns nearly alike, separation."""

import numpy as np
import pytest

from ldeval.stats.binary import logistic, standardised_risk
from ldeval.stats.counts import negative_binomial, poisson, standardised_rate
from ldeval.stats.cox import cox
from ldeval.stats.durations import quantile_regression
from ldeval.stats.fine_gray import fine_gray
from ldeval.stats.linear import linear
from ldeval.stats.panels import fixed_effects_poisson
from ldeval.stats.parametric import accelerated_failure_time
from ldeval.stats.weights import entropy_weights

MANY = 60_000
FITS = {"logistic": logistic, "poisson": poisson, "negative_binomial": negative_binomial}


def outcome(rng, name, n):
    return (rng.random(n) < 0.4).astype(float) if name == "logistic" else rng.negative_binomial(2, 0.6, n).astype(float)


@pytest.mark.parametrize("n", [500, MANY])
@pytest.mark.parametrize("seed", range(4))
def test_one_value_far_from_all_others_is_no_separation(n, seed):
    """As where 99999 stands for a value that is not known."""
    from statsmodels.api import GLM, families

    rng = np.random.default_rng(seed)
    x = rng.normal(50, 10, n)
    y = (rng.random(n) < 1 / (1 + np.exp(3 - 0.05 * x))).astype(float)
    x[7] = 99_999
    fit = logistic(y, np.column_stack([np.ones(n), x]))
    design = np.column_stack([np.ones(n), x])
    peer = GLM(y, design, family=families.Binomial()).fit(start_params=fit.coefficients, tol=1e-12)
    np.testing.assert_allclose(fit.coefficients, peer.params, rtol=1e-6)
    np.testing.assert_allclose(fit.tidy()["se"], peer.bse, rtol=1e-6)


@pytest.mark.parametrize("name", FITS)
def test_heavy_tails_of_a_column_among_many_rows(name):
    rng = np.random.default_rng(8)
    x = np.column_stack([np.ones(MANY), rng.standard_cauchy(MANY)])
    fit = FITS[name](outcome(rng, name, MANY), x)
    assert np.isfinite(fit.covariance).all()
    assert (np.diag(fit.covariance) > 0).all()


@pytest.mark.parametrize("name", FITS)
@pytest.mark.parametrize("rows", [1, 5, 0.25])
@pytest.mark.parametrize("n", [60, 2000, MANY])
def test_separation_is_named(name, rows, n):
    rng = np.random.default_rng(1)
    flag = np.zeros(n)
    flag[: rows if rows >= 1 else int(rows * n)] = 1
    y = np.where(flag == 1, 0, outcome(rng, name, n))
    for weights in (None, np.where(flag == 1, 1e-5, 1.0)):
        with pytest.raises(ValueError, match="separation: x2 foretell"):
            FITS[name](y, np.column_stack([np.ones(n), rng.normal(size=n), flag]), weights=weights)


def test_a_threshold_that_foretells_every_outcome_is_separation():
    x = np.random.default_rng(2).normal(size=MANY)
    with pytest.raises(ValueError, match="separation: x1 foretell"):
        logistic((x > 0.3).astype(float), np.column_stack([np.ones(MANY), x]))


@pytest.mark.parametrize("weight", [1, 1e-6, 1e-10, 1e-100])
def test_a_group_of_tiny_weight_keeps_its_own_rate(weight):
    """By hand: the log ratio of two means; its error, a robust one, from the squared residuals of each group."""
    rng = np.random.default_rng(1)
    group = np.arange(400) < 40
    y = rng.poisson(np.where(group, 9, 2)).astype(float)
    fit = poisson(y, np.column_stack([np.ones(400), group]), weights=np.where(group, weight, 1.0))
    means = [y[group].mean(), y[~group].mean()]
    variances = [((part - mean) ** 2).sum() / part.sum() ** 2 for part, mean in zip((y[group], y[~group]), means, strict=True)]
    assert fit.coefficients[1] == pytest.approx(np.log(means[0] / means[1]), rel=1e-9)
    assert fit.tidy()["se"][1] == pytest.approx(np.sqrt(sum(variances)), rel=1e-9)


@pytest.mark.parametrize("apart", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("name", ["linear", *FITS])
def test_columns_nearly_alike_say_what_their_difference_says(name, apart):
    """x and x + d z hold what x and z hold: b and c of the one are b + c and d c of the other."""
    rng = np.random.default_rng(3)
    one, x, z = np.ones(300), rng.normal(size=300), rng.normal(size=300)
    y = outcome(rng, name, 300)
    fit = (FITS | {"linear": linear})[name]
    plain = fit(y, np.column_stack([one, x, z]), robust="HC1")
    alike = fit(y, np.column_stack([one, x, x + apart * z]), robust="HC1")
    unit, near = np.array([1, 1, apart]), 1e-13 / apart + 1e-8  # x + d z holds z to so many digits
    for place in (0, 2):
        assert alike.coefficients[place] * unit[place] == pytest.approx(plain.coefficients[place], rel=near, abs=near)
        assert alike.tidy()["se"][place] * unit[place] == pytest.approx(plain.tidy()["se"][place], rel=near)
    np.testing.assert_allclose(alike.fitted, plain.fitted, rtol=1e-7 + near)


def follow_up(rng, n):
    return np.ceil(rng.exponential(50, n)), rng.random(n) < 0.7


@pytest.mark.parametrize(("n", "far"), [(2000, 99_999), (MANY, 999_999)])
@pytest.mark.parametrize("seed", range(3))
def test_cox_with_one_value_far_from_all_others(n, far, seed):
    """The gradient of the partial likelihood, Breslow's, is nought there."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    x[7] = far
    time, event = follow_up(rng, n)
    fit = cox(time, event, x, ties="breslow")
    order = np.argsort(-time, kind="stable")
    predictor = x[order] * fit.coefficients[0]
    risk = np.exp(predictor - predictor.max())
    last = np.searchsorted(-time[order], -time[order], side="right") - 1
    mean = (np.cumsum(risk * x[order]) / np.cumsum(risk))[last]
    spread = (np.cumsum(risk * x[order] ** 2) / np.cumsum(risk))[last] - mean**2
    died = event[order]
    score, information = (x[order] - mean)[died].sum(), spread[died].sum()
    assert abs(score) < 1e-4 * np.sqrt(information)
    assert fit.tidy()["se"][0] == pytest.approx(information**-0.5, rel=1e-4)


@pytest.mark.parametrize("seed", range(6))
def test_cox_with_a_row_of_tiny_weight_and_a_column_of_its_own(seed):
    """The row moves nothing else, so that its column's coefficient does not depend on how tiny its weight is."""
    rng = np.random.default_rng(seed)
    time, event = follow_up(rng, 2000)
    own = np.zeros(2000)
    own[np.flatnonzero((time > 10) & event)[0]] = 1
    x = np.column_stack([own, rng.normal(size=2000)])
    one, other = (cox(time, event, x, weights=np.where(own == 1, weight, 1.0)).coefficients for weight in (1e-5, 1e-8))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_cox_comes_back_from_a_step_too_long():
    """A column of one row: Newton's first step goes to where its information is lost; the order of rows changes nothing."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(MANY, 3))
    x[:, 2] = 0
    x[rng.choice(MANY, 1), 2] = 1
    spent, ends = rng.exponential(size=MANY) / np.exp(x[:, :2] @ [0.5, -0.3]) * 300, rng.uniform(0, 730, MANY)
    time, event, strata = np.ceil(np.minimum(spent, ends)), spent <= ends, rng.integers(0, 40, MANY)
    rng.integers(0, 45, MANY)
    weights, order = rng.gamma(0.2, 1, MANY), np.argsort(time)
    one = cox(time, event, x, weights=weights, strata=strata)
    other = cox(time[order], event[order], x[order], weights=weights[order], strata=strata[order])
    np.testing.assert_allclose(one.coefficients, other.coefficients, rtol=1e-6)
    assert 0 < one.tidy()["se"][2] < 2


@pytest.mark.parametrize("weight", [1, 1e-5, 1e-9])
@pytest.mark.parametrize("rows", [1, 5, 0.25])
@pytest.mark.parametrize("n", [60, 2000, MANY])
def test_cox_without_an_event_in_a_group_is_separation(n, rows, weight):
    rng = np.random.default_rng(1)
    time, event = follow_up(rng, n)
    flag = np.zeros(n)
    flag[: rows if rows >= 1 else int(rows * n)] = 1
    x = np.column_stack([flag, rng.normal(size=n)])
    with pytest.raises(ValueError, match=r"separation: it rises without end along 1 column\(s\): x0"):
        cox(time, event & (flag == 0), x, weights=np.where(flag == 1, weight, 1.0))


@pytest.mark.parametrize("seed", [12049, 11506, 12139])
def test_separation_is_found_beside_a_column_that_takes_long_to_settle(seed):
    """Draws in which the flag's rows have one outcome, and another column has a heavy tail."""
    rng = np.random.default_rng(seed)
    n = int(rng.choice([30, 60, 200]))
    x = np.sign(rng.normal(size=n)) * np.exp(rng.normal(size=n) * rng.choice([1, 3, 6]))
    flag = (rng.random(n) < 0.08) * 1.0
    flag[0] = 1
    other = (rng.random(n) < 0.3) * 1.0
    rng.lognormal(0, rng.choice([0.5, 3]), n)
    y = (rng.random(n) < 1 / (1 + np.exp(1.6 - np.clip(x, -2, 2)))) * 1.0
    assert len(set(y[flag == 1])) == 1
    with pytest.raises(ValueError, match=r"separation: .*x2"):
        logistic(y, np.column_stack([np.ones(n), x, flag, other]))


@pytest.mark.parametrize("seed", [3, 78, 130])
def test_effects_of_units_do_not_hide_separation(seed):
    rng = np.random.default_rng(seed)
    x = np.maximum(rng.normal(size=200), 0)
    y, exposure = np.where(x > 0, 0, rng.poisson(2, 200)), rng.lognormal(0, 2, 200)
    with pytest.raises(ValueError, match="separation"):
        fixed_effects_poisson(y, x[:, None], unit=np.arange(200) // 5, exposure=exposure)


@pytest.mark.parametrize("seed", range(4))
def test_durations_in_whole_days_have_censored_quantiles(seed):
    """Many rows are alike, so that those nearest to a plane do not tell the columns apart."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 5, 200).astype(float)
    days = np.ceil(3 * rng.exponential(size=200) * np.exp(0.1 * x))
    design = np.column_stack([np.ones(200), x])
    fit = quantile_regression(days, design, q=0.5, censored=(rng.random(200) < 0.3) * 1.0, draws=20)
    assert np.isfinite(fit.covariance).all()
    level = design @ fit.coefficients
    assert 0.2 < np.mean(days <= level + 1e-6) < 0.8


def test_one_control_that_is_to_count_for_nearly_all():
    """By hand: ten of a thousand controls are to hold a mean of nine tenths."""
    treated, x = np.append(1.0, np.zeros(1000)), np.concatenate([[0.9], np.ones(10), np.zeros(990)])
    found = entropy_weights(treated, x[:, None]).values[1:]
    np.testing.assert_allclose(found / found.sum(), np.append(np.full(10, 0.09), np.full(990, 0.1 / 990)), rtol=1e-8)


@pytest.mark.parametrize(("far", "slope"), [(1e7, -1.350591e-6), (1e9, -1.8111e-8)])
def test_cox_with_a_far_value_that_is_always_at_risk(far, slope):
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    time, event = rng.exponential(size=500) * np.exp(-0.3 * x), rng.random(500) < 0.7
    last = np.argmax(time)
    x[last], event[last] = far, False
    assert cox(time, event, x).coefficients[0] == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("weight", [1e-4, 1e-5])
def test_cox_with_one_event_of_tiny_weight_in_a_group(weight):
    """A tenth of the weight takes log 10 off the hazard ratio's logarithm."""
    rng = np.random.default_rng(0)
    time, group = np.ceil(rng.exponential(50, 100)), np.arange(100) < 50
    event = ~group
    event[3] = True
    one, other = (
        cox(time, event, group[:, None] * 1.0, weights=np.where(np.arange(100) == 3, part, 1.0)) for part in (weight, weight / 10)
    )
    assert one.coefficients[0] - other.coefficients[0] == pytest.approx(np.log(10), rel=1e-4)


def test_risks_beyond_floats_are_told_as_such():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    time = rng.exponential(size=300) * np.exp(-0.5 * x)
    x[np.argmin(time)] = 1000
    with pytest.raises(ValueError, match="some too far from the others in x0"):
        cox(time, np.ones(300), x)
    assert fine_gray(time, np.ones(300), x[:, None], cause=1).coefficients[0] == pytest.approx(0.41814998892, rel=1e-6)
    x[np.argmin(time)] = 3000
    with pytest.raises(ValueError, match="no step improves the likelihood; look for values far from all others"):
        fine_gray(time, np.ones(300), x[:, None], cause=1)


@pytest.mark.parametrize("fit", [poisson, negative_binomial])
def test_a_far_value_outside_the_rows_of_the_start(fit):
    rng = np.random.default_rng(2)
    x = rng.normal(size=MANY)
    y = rng.poisson(np.exp(-1 + 0.5 * x)).astype(float)
    x[1], y[1] = 1e4, 0
    found = fit(y, np.column_stack([np.ones(MANY), x]))
    assert abs(found.coefficients[1]) < 1e-3


def test_a_first_guess_without_information_is_given_up():
    rng = np.random.default_rng(129)
    weights, x = rng.lognormal(0, 4, 200), rng.standard_t(2, size=200)
    y = rng.poisson(np.exp(0.3 * np.clip(x, -5, 5)))
    fit = poisson(y, np.column_stack([np.ones(200), x]), weights=weights)
    np.testing.assert_allclose(fit.coefficients, [-0.7393654676, 0.2676778881], rtol=1e-8)


@pytest.mark.parametrize("far", [5e3, 1e6, 1e50])
@pytest.mark.parametrize("name", FITS)
def test_a_row_of_weight_zero_may_hold_anything(name, far):
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(100), rng.normal(size=100)])
    y = np.minimum(rng.poisson(np.exp(0.3 * x[:, 1])), 1 if name == "logistic" else 99)
    one = FITS[name](y, x, weights=np.ones(100))
    other = FITS[name](np.append(y, 0), np.vstack([x, [1, far]]), weights=np.append(np.ones(100), 0))
    np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=1e-9)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9)


@pytest.mark.parametrize("standardise", [standardised_risk, standardised_rate])
def test_a_row_of_weight_zero_is_of_no_target_population(standardise):
    rng = np.random.default_rng(0)
    x, treated = np.column_stack([np.ones(200), rng.normal(size=200)]), rng.integers(0, 2, 200)
    y = np.minimum(rng.poisson(np.exp(0.3 * x[:, 1])), 1)
    one = standardise(y, treated, x, estimand="ATE", weights=np.ones(200))
    more = (np.append(y, 0), np.append(treated, 0), np.vstack([x, [1, 5e3]]))
    other = standardise(*more, estimand="ATE", weights=np.append(np.ones(200), 0))
    np.testing.assert_allclose(other.coefficients, one.coefficients, rtol=1e-9)
    np.testing.assert_allclose(other.covariance, one.covariance, rtol=1e-9)


def test_means_that_round_to_nought_have_a_likelihood():
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    x[0] = -5000
    y = rng.negative_binomial(1, 1 / (1 + np.exp(0.5 * np.clip(x, -9, 9))))
    assert np.isfinite(negative_binomial(y, np.column_stack([np.ones(200), x])).loglik)


def test_times_without_variation_are_refused_in_words():
    with pytest.raises(ValueError, match="found a flat one"):
        accelerated_failure_time(np.full(50, 2.0), np.ones(50), np.ones((50, 1)), distribution="log-logistic")
