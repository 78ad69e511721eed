"""The Cox model by hand, by its invariants, and on hard input.

Tolerances: 1e-9 where two ways round give the same number up to rounding; by hand, the roots of polynomials are good to 1e-12.
"""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats import _climbs, _coxlik, _coxrisk, _coxsums, _coxterms, _products, _riskplaces, _risksets, _threads, doors
from ldeval.stats.cox import CoxFit, cox

SAME = 1e-9
PAPER = 1e-12


# By hand: six people (Therneau and Grambsch, appendix E.1 and E.3; R's survival validation vignette).

TIME = np.array([1, 1, 6, 6, 8, 9])
EVENT = np.array([1, 0, 1, 1, 0, 1])
X = np.array([[1.0], [1], [1], [0], [0], [0]])


def loglik_breslow(r: float) -> float:
    """At r = exp(b): the first death among 3r + 3, the two at time 6 among r + 3, the last alone."""
    return 2 * np.log(r) - np.log(3 * r + 3) - 2 * np.log(r + 3)


def loglik_efron(r: float) -> float:
    """The second death at time 6 is among r + 3 less half of r + 1."""
    return 2 * np.log(r) - np.log(3 * r + 3) - np.log(r + 3) - np.log(r / 2 + 5 / 2)


def information_breslow(r: float) -> float:
    return r / (r + 1) ** 2 + 6 * r / (r + 3) ** 2


def information_efron(r: float) -> float:
    return r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2


def test_six_people_breslow() -> None:
    fit = cox(TIME, EVENT, X, ties="breslow")
    b = np.log((3 + np.sqrt(33)) / 2)  # the score is zero where r^2 - 3r - 6 = 0
    assert fit.coefficients[0] == pytest.approx(b, rel=PAPER)
    assert fit.loglik_null == pytest.approx(loglik_breslow(1.0), rel=PAPER)
    assert fit.loglik == pytest.approx(loglik_breslow(np.exp(b)), rel=PAPER)
    assert fit.covariance[0, 0] == pytest.approx(1 / information_breslow(np.exp(b)), rel=SAME)
    score, information = 2 - 1 / 2 - 2 / 4, information_breslow(1.0)
    assert fit.score_test().statistic == pytest.approx(score**2 / information, rel=PAPER)


def test_six_people_efron() -> None:
    fit = cox(TIME, EVENT, X)
    r = np.exp(fit.coefficients[0])
    assert 2 - r / (r + 1) - r / (r + 3) - r / (r + 5) == pytest.approx(0, abs=PAPER)
    assert fit.coefficients[0] == pytest.approx(1.676857, abs=1e-6)  # as printed there
    assert fit.loglik_null == pytest.approx(loglik_efron(1.0), rel=PAPER)
    assert fit.loglik == pytest.approx(loglik_efron(r), rel=PAPER)
    assert fit.covariance[0, 0] == pytest.approx(1 / information_efron(r), rel=SAME)


def test_six_people_baseline_and_residuals() -> None:
    fit = cox(TIME, EVENT, X, ties="breslow")
    r = np.exp(fit.coefficients[0])
    jumps = np.array([1 / (3 * r + 3), 2 / (r + 3), 1.0])
    table = fit.baseline_hazard()
    np.testing.assert_allclose(table["time"], [1, 6, 9])
    np.testing.assert_allclose(table["cumulative_hazard"], np.cumsum(jumps), rtol=PAPER)
    h1, h6, h9 = np.cumsum(jumps)
    np.testing.assert_allclose(
        fit.residuals("martingale"), [1 - r * h1, -r * h1, 1 - r * h6, 1 - h6, -h6, 1 - h9], rtol=SAME, atol=PAPER
    )
    mean1, mean6 = r / (r + 1), r / (r + 3)
    np.testing.assert_allclose(fit.residuals("schoenfeld")[:, 0], [1 - mean1, 1 - mean6, -mean6, 0], rtol=SAME, atol=PAPER)


def test_six_people_efron_residuals() -> None:
    """At time 6 the two who die carry all of the first term's hazard and half of the second's."""
    fit = cox(TIME, EVENT, X)
    r = np.exp(fit.coefficients[0])
    h1, first, second = 1 / (3 * r + 3), 1 / (r + 3), 2 / (r + 5)
    expected = [1 - r * h1, -r * h1, 1 - r * (h1 + first + second / 2), 1 - (h1 + first + second / 2), -(h1 + first + second)]
    expected.append(1 - (h1 + first + second + 1))
    np.testing.assert_allclose(fit.residuals("martingale"), expected, rtol=SAME, atol=PAPER)


# Nine people with weights (same source, E.2): each death at time 2 has a mean weight in Efron's terms.

W_TIME = np.array([1, 1, 2, 2, 2, 2, 3, 4, 5])
W_EVENT = np.array([1, 0, 1, 1, 1, 0, 0, 1, 0])
W_X = np.array([[2.0], [0], [1], [1], [0], [1], [0], [1], [0]])
W = np.array([1, 2, 3, 4, 3, 2, 1, 2, 1])


def weighted_loglik(b: float, ties: str) -> float:
    r = np.exp(b)
    all_of_them = r**2 + 11 * r + 7
    later = 11 * r + 5
    at_two = [later] * 3 if ties == "breslow" else [later, later - (7 * r + 3) / 3, later - 2 * (7 * r + 3) / 3]
    return 2 * b - np.log(all_of_them) + 7 * b - 10 / 3 * sum(np.log(at_two)) + 2 * b - 2 * np.log(2 * r + 1)


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_nine_people_with_weights(ties: Any) -> None:
    fit = cox(W_TIME, W_EVENT, W_X, weights=W, ties=ties)
    b = fit.coefficients[0]
    assert fit.loglik_null == pytest.approx(weighted_loglik(0.0, ties), rel=PAPER)
    assert fit.loglik == pytest.approx(weighted_loglik(b, ties), rel=PAPER)
    assert weighted_loglik(b, ties) > max(weighted_loglik(b + 1e-4, ties), weighted_loglik(b - 1e-4, ties))
    curvature = (weighted_loglik(b + 1e-3, ties) - 2 * weighted_loglik(b, ties) + weighted_loglik(b - 1e-3, ties)) / 1e-6
    assert fit.covariance_model[0, 0] == pytest.approx(-1 / curvature, rel=1e-5)  # of second differences
    printed = {"breslow": 0.85955744, "efron": 0.87260425}  # in that source
    assert b == pytest.approx(printed[ties], abs=1e-8)


# Directly from the definition, for what no paper has: entry, weights, strata and clusters together.


def direct(time: Any, event: Any, x: Any, entry: Any, w: Any, strata: Any, ties: str, b: Any) -> tuple[float, Any, Any, Any]:
    """Log-likelihood, score, information and weighted score residuals by loops over event times and terms."""
    n, p = x.shape
    r = w * np.exp(x @ b)
    loglik, information = 0.0, np.zeros((p, p))
    residual = np.zeros((n, p))
    for s in np.unique(strata):
        for t in np.unique(time[(strata == s) & event]):
            at_risk = (strata == s) & (entry < t) & (time >= t)
            dead = at_risk & event & (time == t)
            m, weight = dead.sum(), w[dead].sum()
            loglik += float(w[dead] @ (x[dead] @ b))
            for k in range(m):
                f = k / m if ties == "efron" else 0.0
                share = at_risk * r * (1 - f * dead)
                total = share.sum()
                mean = share @ x / total
                loglik -= weight / m * np.log(total)
                information += weight / m * ((x - mean).T @ (share[:, None] * (x - mean))) / total
                residual[dead] += (w[dead] / m)[:, None] * (x[dead] - mean)
                residual -= weight / m * share[:, None] * (x - mean) / total
    return loglik, residual.sum(axis=0), information, residual


def awkward(seed: int, n: int = 60, p: int = 3) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p))
    entry = rng.integers(0, 4, n).astype(float)
    time = entry + rng.integers(1, 7, n)
    return {
        "time": time,
        "event": rng.random(n) < 0.7,
        "X": x,
        "entry": entry,
        "weights": rng.uniform(0.1, 3, n),
        "strata": rng.integers(0, 3, n),
        "cluster": rng.integers(0, 9, n),
    }


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("seed", range(4))
def test_all_options_from_the_definition(seed: int, ties: Any) -> None:
    case = awkward(seed)
    fit = cox(**case, ties=ties)
    arrays = (case["time"], case["event"], case["X"], case["entry"], case["weights"], case["strata"])
    loglik, score, information, residual = direct(*arrays, ties, fit.coefficients)
    assert fit.loglik == pytest.approx(loglik, rel=SAME)
    assert fit.loglik_null == pytest.approx(direct(*arrays, ties, np.zeros(3))[0], rel=SAME)
    np.testing.assert_allclose(score, 0, atol=1e-6)
    np.testing.assert_allclose(np.linalg.inv(fit.covariance_model), information, rtol=1e-6)
    clusters = np.array([residual[case["cluster"] == k].sum(axis=0) for k in range(9)])
    bread = np.linalg.inv(information)
    np.testing.assert_allclose(fit.covariance, bread @ clusters.T @ clusters @ bread, rtol=1e-6)
    np.testing.assert_allclose(fit.residuals("dfbeta"), residual @ bread, rtol=1e-6, atol=1e-10)


@pytest.mark.parametrize("strata", [5, 300])
def test_strata_are_fits_of_their_own_added_up(strata: int) -> None:
    """Few strata are summed one by one, many together."""
    rng = np.random.default_rng(strata)
    n = 4 * strata + 900
    groups = rng.integers(0, strata, n)
    x, entry = rng.normal(size=(n, 2)), rng.integers(0, 5, n).astype(float)
    time, event = entry + rng.integers(1, 30, n), rng.random(n) < 0.6
    fit = cox(time, event, x, entry=entry, strata=groups)
    total, _, information, _ = direct(time, event, x, entry, np.ones(n), groups, "efron", fit.coefficients)
    assert fit.loglik == pytest.approx(total, rel=SAME)
    np.testing.assert_allclose(np.linalg.inv(fit.covariance), information, rtol=1e-6)


def test_concordance_from_pairs() -> None:
    case = awkward(3)
    case["X"] = np.round(case["X"][:, :1])
    fit = cox(**case)
    eta = case["X"] @ fit.coefficients
    good = bad = tied = 0.0
    w, time, event = case["weights"], case["time"], case["event"]
    for i in np.flatnonzero(event):
        later = (time > time[i]) | ((time == time[i]) & ~event)
        pairs = later & (case["entry"] < time[i]) & (case["strata"] == case["strata"][i])
        good += w[i] * w[pairs & (eta < eta[i])].sum()
        bad += w[i] * w[pairs & (eta > eta[i])].sum()
        tied += w[i] * w[pairs & (eta == eta[i])].sum()
    found = fit.concordance()
    np.testing.assert_allclose([found.concordant, found.discordant, found.tied], [good, bad, tied], rtol=SAME)
    assert found.estimate == pytest.approx((good + tied / 2) / (good + bad + tied), rel=SAME)


def test_robust_curve_is_the_jackknife_of_weights() -> None:
    """Moving a cluster's weights by a millionth moves the curve by its influence."""
    case = awkward(5, n=200)
    del case["strata"]
    fit, x, times = cox(**case, ties="breslow"), [0.5, 0, 0], [3, 5, 7]
    moved = []
    for k in range(9):
        weights = np.where(case["cluster"] == k, case["weights"] * (1 + 1e-6), case["weights"])
        changed = cox(**{**case, "weights": weights}, ties="breslow").curve(x).at(times).estimate
        moved.append((changed - fit.curve(x).at(times).estimate) / 1e-6)
    np.testing.assert_allclose(fit.curve(x).at(times).se, np.sqrt(np.square(moved).sum(axis=0)), rtol=1e-4)


# Always true.


@st.composite
def samples(draw: st.DrawFn) -> dict[str, Any]:
    case = awkward(draw(st.integers(0, 10_000)), n=draw(st.integers(40, 90)), p=2)
    for option in ("entry", "weights", "strata", "cluster"):
        if draw(st.booleans()):
            case[option] = None
    case["ties"] = draw(st.sampled_from(["efron", "breslow"]))
    return case


def same(a: CoxFit, b: CoxFit, *, rtol: float = 1e-6, scale: Any = 1.0) -> None:
    np.testing.assert_allclose(a.coefficients / scale, b.coefficients, rtol=rtol, atol=SAME)
    np.testing.assert_allclose(a.covariance / np.outer(scale, scale), b.covariance, rtol=rtol, atol=SAME)
    assert a.loglik == pytest.approx(b.loglik, rel=SAME)


def rows(case: dict[str, Any], order: Any) -> dict[str, Any]:
    return {key: value[order] if isinstance(value, np.ndarray) else value for key, value in case.items()}


@given(samples(), st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_row_order_never_matters(case: dict[str, Any], random: Any) -> None:
    order = list(range(len(case["time"])))
    random.shuffle(order)
    same(cox(**case), cox(**rows(case, order)))


@given(samples())
@settings(max_examples=40, deadline=None)
def test_weights_of_two_equal_doubled_rows(case: dict[str, Any]) -> None:
    """With Breslow's ties; Efron's terms count the deaths, which doubling changes."""
    case |= {"ties": "breslow", "weights": None}
    case["cluster"] = np.arange(len(case["time"])) if case["cluster"] is None else case["cluster"]
    twice = cox(**rows(case, np.tile(np.arange(len(case["time"])), 2)))
    weighted = cox(**{**case, "weights": np.full(len(case["time"]), 2.0)})
    same(twice, weighted)
    np.testing.assert_allclose(twice.covariance_model, weighted.covariance_model, rtol=1e-6)


@given(samples(), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_splitting_a_row_changes_nothing(case: dict[str, Any], seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = len(case["time"])
    entry = np.zeros(n) if case["entry"] is None else case["entry"]
    case |= {"entry": entry, "cluster": np.arange(n) if case["cluster"] is None else case["cluster"]}
    cut = entry + (case["time"] - entry) * rng.choice([0.25, 0.5, 0.9], n)
    split = rows(case, np.tile(np.arange(n), 2))
    split["time"] = np.concatenate([cut, case["time"]])
    split["entry"] = np.concatenate([entry, cut])
    split["event"] = np.concatenate([np.zeros(n, dtype=bool), case["event"]])
    whole, parts = cox(**case), cox(**split)
    same(whole, parts)
    assert whole.concordance().estimate == pytest.approx(parts.concordance().estimate, rel=SAME)


@given(samples(), st.sampled_from([np.sqrt, np.square, lambda t: 1e8 * t, lambda t: 1e-8 * t, lambda t: t + 1000.0]))
@settings(max_examples=40, deadline=None)
def test_only_the_order_of_times_matters(case: dict[str, Any], change: Any) -> None:
    moved = {**case, "time": change(case["time"])}
    if case["entry"] is not None:
        moved["entry"] = change(case["entry"])
    same(cox(**case), cox(**moved))


@given(samples(), st.floats(-8, 8), st.floats(-8, 8))
@settings(max_examples=40, deadline=None)
def test_scaling_a_column_scales_its_coefficient(case: dict[str, Any], first: float, second: float) -> None:
    factors = 10.0 ** np.array([first, second])
    same(cox(**case), cox(**{**case, "X": case["X"] * factors}), scale=factors)


@given(samples())
@settings(max_examples=40, deadline=None)
def test_one_stratum_is_none(case: dict[str, Any]) -> None:
    case["strata"] = None
    same(cox(**case), cox(**{**case, "strata": np.zeros(len(case["time"]))}), rtol=SAME)


@given(samples())
@settings(max_examples=40, deadline=None)
def test_scaling_weights_keeps_estimates_and_robust_errors(case: dict[str, Any]) -> None:
    case["weights"] = np.ones(len(case["time"])) if case["weights"] is None else case["weights"]
    for factor in (1e-12, 1e9):
        scaled = cox(**{**case, "weights": case["weights"] * factor})
        np.testing.assert_allclose(scaled.coefficients, cox(**case).coefficients, rtol=1e-6, atol=SAME)
        np.testing.assert_allclose(scaled.covariance, cox(**case).covariance, rtol=1e-6, atol=SAME)


@given(samples())
@settings(max_examples=40, deadline=None)
def test_weight_zero_is_no_row(case: dict[str, Any]) -> None:
    n = len(case["time"])
    gone = np.arange(n) % 4 == 0
    case["weights"] = np.where(gone, 0.0, 1.0 if case["weights"] is None else case["weights"])
    with_them, without = cox(**case), cox(**rows(case, ~gone))
    same(with_them, without)
    assert with_them.events == without.events
    found = with_them.residuals("martingale")
    assert np.isnan(found[gone]).all()
    np.testing.assert_allclose(found[~gone], without.residuals("martingale"), rtol=1e-6, atol=SAME)


@given(samples())
@settings(max_examples=30, deadline=None)
def test_residuals_sum_to_what_they_must(case: dict[str, Any]) -> None:
    fit = cox(**case)
    weights = np.ones(len(case["time"])) if case["weights"] is None else case["weights"]
    np.testing.assert_allclose(weights @ fit.residuals("martingale"), 0, atol=1e-8)
    np.testing.assert_allclose(weights[case["event"]] @ fit.residuals("schoenfeld"), 0, atol=1e-5)
    np.testing.assert_allclose(fit.residuals("dfbeta").sum(axis=0), 0, atol=1e-5)


@given(samples())
@settings(max_examples=20, deadline=None)
def test_curves_fall_within_their_limits(case: dict[str, Any]) -> None:
    fit = cox(**case)
    stratum = None if case["strata"] is None else case["strata"][0]
    curve = fit.curve(case["X"][0], stratum=stratum)
    assert (np.diff(curve.estimate) <= 0).all()
    assert ((curve.low <= curve.estimate) & (curve.estimate <= curve.high)).all()
    assert curve.time[-1] == case["time"][... if stratum is None else case["strata"] == stratum].max()


# Hard input.


def ordinary(n: int = 400, seed: int = 1) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    return rng.exponential(np.exp(-x[:, 0])) + 0.01, rng.random(n) < 0.6, x


def test_half_a_million_tied_times() -> None:
    """All at one time: the likelihood is a sum over terms, and its maximum is known for a group of two values."""
    n = 500_000
    x = (np.arange(n) % 2).astype(float)[:, None]
    event = np.arange(n) % 5 < 2 + (np.arange(n) % 2)
    fit = cox(np.ones(n), event, x)
    assert np.isfinite(fit.tidy().drop(columns="term").to_numpy()).all()
    exact = cox(np.ones(10_000), event[:10_000], x[:10_000])
    np.testing.assert_allclose(fit.coefficients, exact.coefficients, rtol=1e-3)  # of Efron's sums against their integral


def test_one_event() -> None:
    time, _, x = ordinary()
    event = np.zeros(len(time))
    event[np.argmin(np.abs(x[:, 0] - 0.3) + time * 0)] = 1
    fit = cox(time, event, x[:, :1])
    assert fit.events == 1
    assert np.isfinite(fit.tidy()["se"]).all()
    with pytest.raises(ValueError, match="ph_test: expected events at two times"):
        fit.ph_test()


def test_one_event_of_the_largest_value_is_separation() -> None:
    time, _, x = ordinary()
    with pytest.raises(ValueError, match=r"separation.*1 column\(s\): x0"):
        cox(time + 10 * (x[:, 0] < x[:, 0].max()), x[:, 0] == x[:, 0].max(), x[:, :1])


def test_all_events_in_one_stratum() -> None:
    time, event, x = ordinary()
    strata = np.where(event & (np.arange(400) % 2 == 0), "a", np.where(np.arange(400) % 3 == 0, "a", "b"))
    event = event & (strata == "a")
    alone = strata == "a"
    same(cox(time, event, x, strata=strata), cox(time[alone], event[alone], x[alone]))


@pytest.mark.parametrize("kind", ["no event", "every event"])
def test_separation_is_named(kind: str) -> None:
    time, event, x = ordinary()
    rare = np.zeros(400)
    if kind == "no event":
        rare[np.flatnonzero(~event)[:30]] = 1
    else:
        rare[event] = 1
        time = np.where(event, 1.0, 2.0)
    X = pd.DataFrame({"age": x[:, 0], "rare": rare, "other": x[:, 1]})
    with pytest.raises(ValueError, match=r"separation.*1 column\(s\): rare;"):
        cox(time, event, X)


def test_separation_at_other_scales_is_named() -> None:
    time, event, x = ordinary()
    X = pd.DataFrame({"big": x[:, 0] * 1e8, "rare": np.where(event, 0.0, (np.arange(400) % 3 == 0) * 1e-8)})
    with pytest.raises(ValueError, match="rare;"):
        cox(time, event, X)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e8, 1e-8, 0.1])
def test_constant_columns_are_named(value: float) -> None:
    time, event, x = ordinary()
    X = pd.DataFrame({"x": x[:, 0], "level": value})
    with pytest.raises(ValueError, match=r"1 column\(s\) do not vary.*level"):
        cox(time, event, X)


def test_collinear_columns_are_named() -> None:
    time, event, x = ordinary()
    X = pd.DataFrame({"a": x[:, 0], "b": x[:, 1], "sum": 1e6 * (x[:, 0] + x[:, 1])})
    with pytest.raises(ValueError, match=r"1 column\(s\) do not vary, or are a combination"):
        cox(time, event, X)


def test_a_column_that_varies_between_strata_only_is_named() -> None:
    time, event, x = ordinary()
    strata = np.arange(400) % 3
    with pytest.raises(ValueError, match=r"\(within strata\): x1"):
        cox(time, event, np.column_stack([x[:, 0], strata * 3.7]), strata=strata)


def test_a_column_that_varies_only_where_nothing_happens_is_named() -> None:
    time, event, x = ordinary()
    early = np.argsort(time)[:5]
    event[early], x[:, 1] = False, 0.0
    x[early, 1] = 7.0
    with pytest.raises(ValueError, match="x1"):
        cox(time, event, x)


@pytest.mark.parametrize("scale", [1e8, 1e-8])
@pytest.mark.parametrize("shift", [0.0, 1e8])
def test_scales_and_shifts(scale: float, shift: float) -> None:
    """A shift of 1e8 leaves eight digits of a column, so seven of its coefficient."""
    time, event, x = ordinary()
    x = np.round(x, 3)
    shifted = x + shift
    same(cox(time, event, (shifted - shift if shift == 0 else shifted) * scale), cox(time, event, x), rtol=1e-6, scale=1 / scale)


def test_extreme_rows_do_not_break_the_fit() -> None:
    time, event, x = ordinary()
    x[0, 1] = 1e6
    fit = cox(time, event, x)
    assert np.isfinite(fit.coefficients).all()


def test_tiny_weights() -> None:
    time, event, x = ordinary()
    weights = np.where(np.arange(400) % 2 == 0, 1e-200, 1.0)
    half = np.arange(400) % 2 == 1
    same(cox(time, event, x, weights=weights), cox(time[half], event[half], x[half], weights=weights[half]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.array([["a"], ["b"], ["c"], ["d"]])}, "X: expected numbers, found text"),
        ({"X": pd.DataFrame({"g": pd.Categorical(["a", "b", "a", "b"])})}, "text or categories: g"),
        ({"X": np.array([[1.0], [np.nan], [np.inf], [0]])}, r"X: expected finite numbers.*x0 \(2\)"),
        ({"time": [1, np.nan, 3, 4]}, "time: expected finite numbers.*1 of 4"),
        ({"time": [1, -2, 3, 4]}, "time: expected zero or more, found 1 of 4"),
        ({"event": [0, 1, 2, 1]}, "event: expected 0"),
        ({"event": [0, 0, 0, 0]}, "event: expected at least one event"),
        ({"entry": [0, 2, 0, 0]}, "entry: expected a time before the row's end, found 1 of 4"),
        ({"weights": [1, -1, 1, 1]}, "weights: expected zero or more, found 1 of 4"),
        ({"weights": [0, 0, 0, 0]}, "weights: expected at least one above zero"),
        ({"weights": [1, 0, 1, 0], "event": [0, 1, 0, 1]}, "event: expected at least one event of weight above zero"),
        ({"weights": [1, 1, 1]}, "weights: expected 4 rows"),
        ({"strata": ["a", None, "b", "b"]}, "strata: expected a member for each row, found 1 of 4"),
        ({"cluster": ["a"] * 4}, "cluster: expected at least 2 clusters"),
        ({"ties": "exact"}, "ties: expected one of 'efron', 'breslow'"),
        ({"level": 95}, "level: expected a share"),
        ({"small_sample": "CR1-t"}, "small_sample: expected clusters"),
        ({"time": [], "event": [], "X": np.empty((0, 1))}, "time: expected at least one row"),
        ({"time": [1], "event": [1], "X": [[1.0]]}, "X: 1 column.s. do not vary"),
    ],
)
def test_bad_input_is_refused(change: dict[str, Any], message: str) -> None:
    case: dict[str, Any] = {"time": [1, 2, 3, 4], "event": [0, 1, 1, 1], "X": np.array([[0.5], [0.1], [0.9], [0.2]])}
    with pytest.raises(ValueError, match=message):
        cox(**{**case, **change})


@pytest.mark.parametrize(
    "convert",
    [
        lambda a: np.asarray(a, dtype=np.float32),
        lambda a: np.asarray(a, dtype=np.uint8),
        lambda a: np.asfortranarray(np.repeat(a, 2, axis=0)[::2]),
        lambda a: pd.DataFrame(a).convert_dtypes() if a.ndim == 2 else pd.Series(a).astype("Float64"),
        lambda a: a.tolist(),
        lambda a: pd.DataFrame(a, index=np.arange(len(a))[::-1]) if a.ndim == 2 else pd.Series(a, index=np.arange(len(a)) * 7),
    ],
)
def test_any_kind_of_array_gives_the_same(convert: Any) -> None:
    rng = np.random.default_rng(2)
    time, event, x = rng.integers(2, 90, 200), rng.integers(0, 2, 200), rng.integers(0, 5, (200, 2))
    entry = rng.integers(0, 2, 200)
    given_ = cox(convert(time), convert(event), convert(x), entry=convert(entry), weights=convert(event + 1))
    same(given_, cox(time, event, x.astype(float), entry=entry, weights=event + 1), rtol=SAME)


def test_small_sample_correction() -> None:
    time, event, x = ordinary()
    cluster = np.arange(400) % 27
    plain, corrected = (cox(time, event, x, cluster=cluster, small_sample=rule) for rule in (None, "CR1-t"))
    np.testing.assert_allclose(corrected.covariance, plain.covariance * 27 / 26, rtol=PAPER)
    from scipy.stats import t

    table = corrected.tidy()
    np.testing.assert_allclose((table["high"] - table["estimate"]) / table["se"], t.ppf(0.975, 26), rtol=SAME)


def test_curve_refuses() -> None:
    time, event, x = ordinary()
    fit = cox(time, event, x, strata=np.arange(400) % 2)
    with pytest.raises(ValueError, match="stratum: expected one of the fit's 2 strata"):
        fit.curve([0, 0])
    with pytest.raises(ValueError, match="x: expected 2 rows"):
        fit.curve([0], stratum=1)
    with pytest.raises(ValueError, match="stratum: expected none"):
        cox(time, event, x).curve([0, 0], stratum=1)


def cluster_matrices(case: dict[str, Any], b: Any) -> tuple[Any, Any]:
    """Each cluster's information, and what its pull on the means takes off it, by loops over event times (Breslow)."""
    time, entry, w, x = case["time"], case["entry"], case["weights"], case["X"]
    own, taken = np.zeros((9, 3, 3)), np.zeros((9, 3, 3))
    for s in np.unique(case["strata"]):
        for t in np.unique(time[(case["strata"] == s) & case["event"]]):
            at_risk = (case["strata"] == s) & (entry < t) & (time >= t)
            hazard = w[at_risk & case["event"] & (time == t)].sum()
            share = at_risk * w * np.exp(x @ b)
            share = share / share.sum()
            apart = x - share @ x
            for k in range(9):
                inside = share * (case["cluster"] == k)
                own[k] += hazard * apart.T @ (inside[:, None] * apart)
                taken[k] += hazard * np.outer(inside @ apart, inside @ apart)
    return own, taken


def power(matrix: Any, exponent: float) -> Any:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * values**exponent) @ vectors.T


def test_bias_reduced_errors_from_the_definition() -> None:
    """Adjusted scores whose variance, if a cluster's score had that of its information, would be that information."""
    case = awkward(2)
    fit = cox(**case, ties="breslow", small_sample="CR2")
    own, taken = cluster_matrices(case, fit.coefficients)
    inverse = fit.covariance_model
    np.testing.assert_allclose(own.sum(axis=0), np.linalg.inv(inverse), rtol=1e-6)
    root = np.linalg.cholesky(inverse)
    scores = fit.residuals("dfbeta") @ np.linalg.inv(inverse)
    meat = np.zeros((3, 3))
    for k in range(9):
        a, p = root.T @ own[k] @ root, root.T @ taken[k] @ root
        half = power(a, 0.5)
        adjust = half @ power(half @ (a - p - a @ a) @ half, -0.5) @ half
        np.testing.assert_allclose(adjust @ (a - p - a @ a) @ adjust.T, a, atol=SAME)
        adjusted = root @ adjust @ root.T @ scores[case["cluster"] == k].sum(axis=0)
        meat += np.outer(adjusted, adjusted)
    np.testing.assert_allclose(fit.covariance, meat, rtol=1e-6)


def test_degrees_of_freedom_of_equal_clusters() -> None:
    """Clusters of the same rows have the same part in everything: k - 1 degrees of freedom."""
    time, event, x = ordinary(60)
    copies = 11
    fit = cox(
        np.tile(time, copies), np.tile(event, copies), np.tile(x, (copies, 1)), cluster=np.repeat(np.arange(copies), 60),
        ties="breslow", small_sample="CR2",
    )  # fmt: skip
    np.testing.assert_allclose(fit.df, copies - 1, rtol=SAME)


def test_bias_reduced_errors_of_what_one_cluster_determines_are_refused() -> None:
    rng = np.random.default_rng(0)
    cluster = np.arange(120) % 2
    x = np.where(cluster == 0, rng.normal(size=120), 0.0)
    with pytest.raises(ValueError, match=r"CR2 expected .* found 1 coefficient\(s\) that one cluster alone determines"):
        cox(rng.integers(1, 20, 120), np.ones(120), x, strata=cluster, cluster=cluster, small_sample="CR2")


@pytest.mark.parametrize("strata", [1, 7])
def test_many_event_times_and_columns(monkeypatch: Any, strata: int) -> None:
    """Rows and event times are cut into blocks, here of 100 and 130: what one block carries to the next counts."""
    monkeypatch.setattr(_products, "CACHED", 6000)
    monkeypatch.setattr(_coxsums, "SLOTS", 130)
    rng = np.random.default_rng(strata)
    n, p = 700, 60
    x, entry, groups = rng.normal(size=(n, p)), rng.random(n), rng.integers(0, strata, n)
    time, event, w = entry + rng.exponential(size=n), rng.random(n) < 0.9, rng.uniform(0.5, 2, n)
    fit = cox(time, event, x, entry=entry, weights=w, strata=groups)
    loglik, _, information, residual = direct(time, event, x, entry, w, groups, "efron", fit.coefficients)
    assert fit.loglik == pytest.approx(loglik, rel=SAME)
    np.testing.assert_allclose(fit.covariance_model @ information, np.eye(p), atol=1e-6)
    np.testing.assert_allclose(fit.residuals("dfbeta"), residual @ fit.covariance_model, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [1, 3])
@pytest.mark.parametrize("tied", [0, 10**9], ids=["sums kept", "sums streamed"])
def test_parts_of_the_rows_add_up(monkeypatch: Any, tied: int, strata: int, ties: Any) -> None:
    """What needs many rows, on few: rows and event times in eight parts, sums by event time kept or streamed by fours."""
    case = awkward(strata, n=150) | {"strata": np.arange(150) % strata, "cluster": np.arange(150) % 40}
    case["time"] = case["time"] + np.arange(150) % 5 / 5
    whole = cox(**case, ties=ties)
    monkeypatch.setattr(_threads, "FEW", 10)
    monkeypatch.setattr(_risksets, "TIED", tied)
    monkeypatch.setattr(_coxsums, "SLOTS", 4)
    monkeypatch.setattr(_coxrisk, "HELD", 3 * _risksets.STEP)
    parts = cox(**case, ties=ties)
    same(parts, whole, rtol=SAME)
    np.testing.assert_allclose(parts.residuals("dfbeta"), whole.residuals("dfbeta"), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(parts.ph_test().statistics, whole.ph_test().statistics, rtol=1e-8)


def test_large_predictors_are_taken_off_by_stratum(monkeypatch: Any) -> None:
    """Risks from e^-900 to e^900: each stratum's likelihood is that of its predictors less their largest."""
    case = awkward(5) | {"entry": np.zeros(60), "weights": np.ones(60)}
    time, event, strata, x = case["time"], case["event"], case["strata"], case["X"]
    monkeypatch.setattr(_risksets, "TIED", 0)
    sets = _risksets.risk_sets(_riskplaces.place(doors.times(time, event), case["weights"], strata, 3), x, case["weights"])
    parts = _coxterms.terms(sets, "efron")
    b = np.array([300.0, -200.0, 100.0]) * sets.scale
    for steps in (False, True):
        at = _coxlik.risks(sets, parts, b, sums=steps)
        lower = np.zeros(60)
        for s in range(3):
            lower[strata == s] = (x @ (b / sets.scale))[strata == s].max()
        predictor = (x @ (b / sets.scale) - lower)[:, None]
        arrays = (time, event, predictor, case["entry"], case["weights"], strata)
        assert at.shift.any()
        assert at.loglik == pytest.approx(direct(*arrays, "efron", np.ones(1))[0], rel=SAME)


def test_long_tables_are_cumulated_as_short_ones_are() -> None:
    values = np.random.default_rng(9).normal(size=(5 * _risksets.LONG + 7, 3))
    bounds = np.array([0, 5, 5, 2 * _risksets.LONG, len(values)])
    for reverse in (False, True):
        whole = _risksets.restart_sums(values, bounds, reverse=reverse)
        for a, b in pairwise(bounds):
            part = values[a:b][::-1] if reverse else values[a:b]
            alone = np.cumsum(part, axis=0)
            np.testing.assert_allclose(whole[a:b], alone[::-1] if reverse else alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("columns", [1, 20, 300])
def test_products_of_blocks_take_little_room(columns: int) -> None:
    """Every product of a batch makes a matrix: of many columns there must be few (two rows each would take 200 MB of 300)."""
    rng = np.random.default_rng(columns)
    for rows in (0, 5, _products.block_rows(columns) + 3):
        a, b = rng.normal(size=(rows, columns)), rng.normal(size=(rows, columns))
        tracemalloc.start()
        found = _products.cross(a, b)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        np.testing.assert_allclose(found, a.T @ b, rtol=0, atol=1e-10)
        assert peak < 20e6


def test_parts_within_parts_wait_for_nobody() -> None:
    """Work that is cut up again on a thread of its own goes on there, or all threads would wait for each other."""
    cuts = [slice(i, i + 1) for i in range(64)]
    assert sum(_threads.each(lambda _: sum(_threads.each(lambda cut: cut.start, cuts)), cuts)) == 64 * 2016


def test_a_part_that_fails_ends_the_work() -> None:
    """The error of a part comes out whichever thread met it, and later work goes on as if nothing had been."""
    cuts = [slice(i, i + 1) for i in range(64)]

    def fails(cut: slice) -> int:
        if cut.start == 40:
            raise ValueError("forty")
        return cut.start

    for _ in range(20):
        with pytest.raises(ValueError, match="forty"):
            _threads.each(fails, cuts)
        assert sum(_threads.each(lambda cut: cut.start, cuts)) == 2016
    with pytest.raises(ValueError, match="forty"):
        _threads.beside(10**6, lambda: fails(cuts[40]), lambda: fails(cuts[0]))
    with pytest.raises(ValueError, match="forty"):
        _threads.beside(10**6, lambda: fails(cuts[0]), lambda: fails(cuts[40]))


def test_many_rows_of_skewed_columns_have_exact_errors(monkeypatch: Any) -> None:
    """Where columns are skewed the information turns faster: the search goes on until its errors hold to a millionth."""
    rng = np.random.default_rng(52_000)
    n = 52_000
    x = np.column_stack([np.exp(1.2 * rng.normal(size=n)), rng.random(n) < 0.002, rng.standard_t(3, size=n), rng.poisson(1, n)])
    time = np.ceil(rng.exponential(900 * np.exp(-x @ [0.05, 1.0, 0.2, 0.3])))
    case = {"time": np.minimum(time, 365), "event": time <= 365, "X": x}
    fit = cox(**case)
    monkeypatch.setattr(_climbs, "LARGE", n + 1)
    alone = cox(**case)
    np.testing.assert_allclose(fit.coefficients, alone.coefficients, rtol=1e-9)
    np.testing.assert_allclose(np.diag(fit.covariance), np.diag(alone.covariance), rtol=1e-6)


def test_deaths_lead_the_rows_of_their_time() -> None:
    """Whole, fractional, large and zero times: sorted alike, each time's deaths first."""
    rng = np.random.default_rng(8)
    event = rng.random(500) < 0.5
    for time in (rng.integers(0, 9, 500).astype(float), rng.integers(0, 9, 500) / 7, rng.integers(0, 9, 500) * 1e9):
        order = np.argsort(_riskplaces._deaths_first(time, event))
        np.testing.assert_array_equal(order[np.lexsort((~event[order], time[order]))], order)


def test_many_rows_start_from_a_sample_and_end_at_the_same() -> None:
    """The sample's information only leads the way: half the rows with weight 2 (too few for a sample) end at the same."""
    rng = np.random.default_rng(4)
    n = 30_000
    x = np.column_stack([rng.normal(size=n), rng.random(n) < 0.01, rng.normal(size=n)])
    time = np.ceil(500 * rng.exponential(np.exp(-x @ [0.5, 1.0, -0.3])))
    event, time = time <= 365, np.minimum(time, 365)
    twice = np.repeat(np.arange(n), 2)
    whole = cox(time[twice], event[twice], x[twice], ties="breslow", cluster=twice)
    half = cox(time, event, x, weights=np.full(n, 2.0), ties="breslow")
    np.testing.assert_allclose(whole.coefficients, half.coefficients, rtol=1e-9)
    same(whole, half, rtol=1e-6)  # the search ends where the information turns by a millionth at most
