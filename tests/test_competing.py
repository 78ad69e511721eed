"""Cumulative incidence, Gray's test and Fine-Gray: by hand, against R, and what must always hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import survival_data as cases
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.competing import cumulative_incidence, fine_gray, gray_test
from ldeval.stats.cox import cox
from ldeval.stats.survival import kaplan_meier, logrank

VALUE = 1e-6  # estimates and errors against R, which printed 11 digits
STATISTIC = 1e-5  # test statistics against R
EXACT = 1e-10  # algebra that must agree up to rounding
SLOPE = 1e-5  # a difference quotient against a derivative

SIX_TIMES = [1, 2, 2, 3, 4, 5]
SIX_STATES = [1, 2, 0, 1, 0, 1]


def close(found: Any, expected: Any, tolerance: float = VALUE) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=tolerance, atol=1e-12)


# By hand


def test_cumulative_incidence_by_hand() -> None:
    """Overall survival is 5/6, 2/3, 4/9, 4/9, 0; cause 1 takes 1/6 at 1, a third of 2/3 at 3, all of 4/9 at 5."""
    first = cumulative_incidence(SIX_TIMES, SIX_STATES, cause=1)
    close(first.estimate, np.cumsum([1 / 6, 0, 2 / 9, 0, 4 / 9]), EXACT)
    close(first.events, [1, 0, 1, 0, 1])
    close(first.at_risk, [6, 5, 3, 2, 1])
    second = cumulative_incidence(SIX_TIMES, SIX_STATES, cause=2)
    close(second.estimate, [0, 1 / 6, 1 / 6, 1 / 6, 1 / 6], EXACT)


def test_error_by_hand() -> None:
    """Without censoring before t the incidence is a share of n, and the jackknife its binomial variance."""
    found = cumulative_incidence([1, 1, 2, 2, 2, 3], [1, 2, 1, 1, 2, 0], cause=1, cluster=range(6))
    close(found.estimate, [1 / 6, 3 / 6, 3 / 6], EXACT)
    close(found.se, np.sqrt([5 / 36 / 6, 1 / 4 / 6, 1 / 4 / 6]), EXACT)


def test_gray_by_hand() -> None:
    """Times 1 (group a, cause), 2 (a, other cause), 3 (b, cause), 4 (b): a's second person stays in the risk set of the cause.

    At 1 the risk sets are 2 and 2: 1/2 is expected of a. At 3 a's survival is 0, so its risk set is empty: all of the 1 is b's.
    """
    found = gray_test([1, 2, 3, 4], [1, 2, 1, 0], ["a", "a", "b", "b"], cause=1)
    close(found.observed, [1, 1], EXACT)
    close(found.expected, [1 / 2, 3 / 2], EXACT)


def test_fine_gray_by_hand() -> None:
    """Four people: x = 1 fails at 1, x = 0 competes at 2 and stays, x = 0 fails at 3, x = 1 is last.

    The likelihood is r / (2 r + 2) times 1 / (2 + r), greatest where r = exp(b) = sqrt(2).
    """
    fit = fine_gray([1, 2, 3, 4], [1, 2, 1, 0], [[1], [0], [0], [1]], cause=1)
    close(fit.coefficients, [np.log(2) / 2], 1e-8)
    r = np.sqrt(2)
    close(fit.loglik, np.log(r / (2 * r + 2) / (2 + r)), EXACT)
    close(fit.loglik_null, np.log(1 / 4 / 3), EXACT)
    assert (fit.n, fit.events) == (4, 2)


# Against R


def bmt() -> pd.DataFrame:
    return cases.data("sk_bmt")


def incidence(_: Any) -> None:
    reference = cases.reference("bmt_scrucca")
    for values, variances in zip(reference["est"], reference["var"], strict=True):
        group, cause = map(int, values["_row"].split())
        part = bmt()[bmt().dis == group]
        curve = cumulative_incidence(part.ftime, part.status, cause=cause)
        times = [key for key in values if key != "_row"]
        found = curve.at([float(key) for key in times])
        close(found.estimate, [values[key] for key in times])
        close(found.se, np.sqrt([variances[key] for key in times]))


def gray(expected: Any) -> None:
    for cause, row in enumerate(expected, start=1):
        found = gray_test(bmt().ftime, bmt().status, bmt().dis, cause=cause)
        close([found.statistic, found.p_value], [row["stat"], row["pv"]], STATISTIC)
        assert found.df == row["df"]


def fine_gray_fit(expected: Any) -> None:
    row = fine_gray(bmt().ftime, bmt().status, bmt()[["dis"]], cause=1).tidy().iloc[0]
    close(row[["estimate", "se"]], [expected["coef"], expected["se"]])
    assert row.term == "dis"


COVERED = {"tests": gray, "est": incidence, "var": incidence, "crr1": fine_gray_fit}
NOT_RESULTS = {"dataset", "n", "meta"}


@pytest.mark.parametrize("key", COVERED)
def test_equals_r(key: str) -> None:
    COVERED[key](cases.reference("bmt_scrucca")[key])


def test_every_key_is_checked() -> None:
    assert set(cases.reference("bmt_scrucca")) == set(COVERED) | NOT_RESULTS


# Against what they become in simpler cases


@pytest.mark.parametrize("late", [True, False])
def test_without_competing_events_it_is_one_minus_kaplan_meier(late: bool) -> None:
    d = cases.draw(1)
    options = {"entry": d["entry"] if late else None, "weights": d["weights"], "cluster": d["cluster"]}
    curve = cumulative_incidence(d["time"], d["event"], cause=1, **options)
    survival = kaplan_meier(d["time"], d["event"], **options)
    close(curve.estimate, 1 - survival.estimate, EXACT)
    kept = survival.estimate > 0
    np.testing.assert_allclose(curve.se[kept], survival.se[kept], rtol=1e-7, atol=1e-10)


def test_gray_without_competing_events_expects_what_log_rank_does() -> None:
    d = cases.draw(2)
    gray_found = gray_test(d["time"], d["event"], d["group"], cause=1)
    rank = logrank(d["time"], d["event"], d["group"])
    close(gray_found.expected, rank.expected, EXACT)
    assert gray_found.statistic == pytest.approx(rank.statistic, rel=0.1)


def test_fine_gray_without_competing_events_is_cox() -> None:
    d = cases.draw(3, n=200)
    fit = fine_gray(d["time"], d["event"], d["x"], cause=1, weights=d["weights"], cluster=d["cluster"])
    like = cox(d["time"], d["event"], d["x"], weights=d["weights"], cluster=d["cluster"], ties="breslow")
    close(fit.coefficients, like.coefficients, 1e-7)
    close(fit.tidy().se, like.tidy().se)
    close(fit.loglik, like.loglik, 1e-9)


def test_fine_gray_is_cox_with_weighted_rows_for_those_who_competed() -> None:
    """Geskus' expansion: those who competed stay at risk, a row for each step of the censoring curve."""
    d = cases.draw(4, n=120)
    time, state, x = d["time"], d["state"], d["x"]
    censoring = kaplan_meier(time, state == 0)
    before = censoring.at(np.maximum(time - 0.5, 0)).estimate
    rows = [(0.0, t, s == 1, 1.0, *xi, i) for i, (t, s, xi) in enumerate(zip(time, state, x, strict=True))]
    for i in np.flatnonzero(state == 2):
        for t in range(int(time[i]), int(time.max())):
            weight = censoring.at(t).estimate / before[i]
            if weight > 0:
                rows.append((t, t + 1, False, weight, *x[i], i))
    table = np.array(rows, float)
    like = cox(
        table[:, 1], table[:, 2], table[:, 4:6], entry=table[:, 0], weights=table[:, 3], ties="breslow", cluster=table[:, 6]
    )
    fit = fine_gray(time, state, x, cause=1)
    close(fit.coefficients, like.coefficients, 1e-7)
    assert (np.abs(fit.tidy().se / like.tidy().se - 1) < 0.15).all()  # another convention: without the term for G


# The jackknife is a derivative


def numeric_influence(estimate: Any, weights: np.ndarray) -> np.ndarray:
    step = 1e-6
    rows = []
    for i in range(len(weights)):
        up, down = weights.copy(), weights.copy()
        up[i] += step
        down[i] -= step
        rows.append((estimate(up) - estimate(down)) / (2 * step))
    return np.array(rows) * weights[:, None]


@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("by", ["rows", "clusters"])
def test_robust_errors_are_the_jackknife(late: bool, by: str) -> None:
    d = cases.draw(5)
    cluster = d["cluster"] if by == "clusters" else None

    def curve(w: np.ndarray) -> Any:
        entry = d["entry"] if late else None
        return cumulative_incidence(d["time"], d["state"], cause=2, entry=entry, weights=w, cluster=cluster)

    influence = pd.DataFrame(numeric_influence(lambda w: curve(w).estimate, d["weights"]))
    sums = influence.groupby(d["cluster"] if by == "clusters" else np.arange(60)).sum()
    np.testing.assert_allclose(curve(d["weights"]).se, np.sqrt((sums**2).sum()), rtol=SLOPE, atol=1e-8)


def test_fine_gray_errors_are_close_to_the_jackknife() -> None:
    """Not equal: crr divides by those at risk where the exact derivative of Kaplan-Meier divides by those left."""
    d = cases.draw(6, n=150, ties=False)

    def fit(w: np.ndarray) -> Any:
        return fine_gray(d["time"], d["state"], d["x"], cause=1, weights=w, cluster=d["cluster"])

    influence = pd.DataFrame(numeric_influence(lambda w: fit(w).coefficients, d["weights"]))
    sums = influence.groupby(d["cluster"]).sum()
    np.testing.assert_allclose(fit(d["weights"]).tidy().se, np.sqrt((sums**2).sum()), rtol=0.01)


# What must always hold


@st.composite
def follow_up(draw: Any) -> dict[str, np.ndarray]:
    n = draw(st.integers(4, 30))
    numbers = st.integers(1, 8) | st.floats(0.25, 50, allow_nan=False)
    time = np.array(draw(st.lists(numbers, min_size=n, max_size=n)), float)
    state = np.array(draw(st.lists(st.integers(0, 3), min_size=n, max_size=n)))
    share = np.array(draw(st.lists(st.floats(0, 0.9), min_size=n, max_size=n)))
    weights = np.array(draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n)))
    cluster = np.array([0, 1, *draw(st.lists(st.integers(0, 4), min_size=n - 2, max_size=n - 2))])
    return {"time": time, "state": state, "entry": time * share, "weights": weights, "cluster": cluster}


@settings(max_examples=60, deadline=None)
@given(follow_up())
def test_incidences_and_survival_add_up_to_one(d: dict[str, np.ndarray]) -> None:
    curves = [cumulative_incidence(**d, cause=cause) for cause in (1, 2, 3)]
    options = {key: d[key] for key in ("entry", "weights", "cluster")}
    survival = kaplan_meier(d["time"], d["state"] > 0, **options)
    close(sum(curve.estimate for curve in curves) + survival.estimate, np.ones(len(survival.time)), 1e-9)
    for curve in curves:
        assert (np.diff(np.append(0, curve.estimate)) >= 0).all()
        assert np.isfinite(curve.se).all()
        assert ((curve.low >= 0) & (curve.low <= curve.estimate + 1e-9)).all()
        assert ((curve.estimate <= curve.high + 1e-9) & (curve.high <= 1)).all()


@settings(max_examples=40, deadline=None)
@given(follow_up(), st.integers(0, 1000))
def test_row_order_and_units_do_not_matter(d: dict[str, np.ndarray], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(d["time"]))
    moved = {key: value[order] for key, value in d.items()} | {"time": 4 * d["time"][order], "entry": 4 * d["entry"][order]}
    first, second = cumulative_incidence(**d, cause=1), cumulative_incidence(**moved, cause=1)
    np.testing.assert_allclose(second.estimate, first.estimate, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(second.se, first.se, rtol=1e-6, atol=1e-8)
    close(second.time, 4 * first.time, EXACT)


@settings(max_examples=40, deadline=None)
@given(follow_up())
def test_weights_of_two_equal_doubled_rows(d: dict[str, np.ndarray]) -> None:
    part = {key: d[key] for key in ("time", "state", "entry")}
    by_weight = cumulative_incidence(**part, weights=np.full(len(d["time"]), 2), cause=1)
    by_rows = cumulative_incidence(**{key: np.repeat(value, 2) for key, value in part.items()}, cause=1)
    close(by_weight.estimate, by_rows.estimate, 1e-9)
    close(by_weight.se, by_rows.se, 1e-7)


def test_fine_gray_invariants() -> None:
    d = cases.draw(7, n=150)
    fit = fine_gray(d["time"], d["state"], d["x"], cause=1, cluster=np.arange(150))
    twice = {key: np.repeat(d[key], 2, axis=0) for key in ("time", "state", "x")}
    doubled = fine_gray(twice["time"], twice["state"], twice["x"], cause=1, cluster=np.repeat(np.arange(150), 2))
    close(doubled.coefficients, fit.coefficients, 1e-8)
    close(doubled.tidy().se, fit.tidy().se)
    order = np.random.default_rng(1).permutation(150)
    moved = fine_gray(3 * d["time"][order], d["state"][order], 5 + 1e8 * d["x"][order] * [1, 1e-16], cause=1)
    close(moved.coefficients * [1e8, 1e-8], fit.coefficients)
    close(moved.tidy().se * [1e8, 1e-8], fit.tidy().se)


@settings(max_examples=30, deadline=None)
@given(follow_up())
def test_gray_does_not_depend_on_labels(d: dict[str, np.ndarray]) -> None:
    group = np.arange(len(d["time"])) % 3
    try:
        first = gray_test(d["time"], d["state"], group, cause=1)
    except ValueError:
        return
    second = gray_test(d["time"], d["state"], np.array(["b", "c", "a"])[group], cause=1)
    np.testing.assert_allclose(second.statistic, first.statistic, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(first.observed.sum(), first.expected.sum(), rtol=1e-9)


# Input that no reference has


def test_bad_input_is_refused() -> None:
    time, state, x = [1, 2, 3, 4], [1, 2, 1, 0], np.array([[1.0], [0], [0], [1]])
    with pytest.raises(ValueError, match="whole number"):
        cumulative_incidence(time, [0.5, 1, 2, 0], cause=1)
    with pytest.raises(ValueError, match="cause"):
        cumulative_incidence(time, state, cause=0)
    with pytest.raises(ValueError, match="at least two groups"):
        gray_test(time, state, [1, 1, 1, 1], cause=1)
    with pytest.raises(ValueError, match="nothing to compare"):
        gray_test(time, [2, 2, 2, 0], [1, 2, 1, 2], cause=1)
    with pytest.raises(ValueError, match="at least one event of cause 3"):
        fine_gray(time, state, x, cause=3)
    with pytest.raises(ValueError, match="constant or a combination"):
        fine_gray(time, state, np.ones((4, 1)), cause=1)
    with pytest.raises(ValueError, match="rises without end in 1 column"):
        fine_gray(time, [1, 0, 1, 0], pd.DataFrame({"apart": [1, 0, 1, 0.0]}), cause=1)
    for bad in ([], [np.nan, 1, 2, 3], ["a", "b", "c", "d"]):
        with pytest.raises(ValueError):
            cumulative_incidence(bad, state[: len(bad)], cause=1)
    with pytest.raises(ValueError, match="text or categories: x"):
        fine_gray(time, state, pd.DataFrame({"x": list("abca")}), cause=1)


def test_no_event_of_the_cause_is_a_curve_of_zeros() -> None:
    curve = cumulative_incidence([1, 2, 3], [0, 2, 0], cause=1)
    assert (curve.estimate == 0).all()
    assert (curve.high == 0).all()


def test_several_hundred_thousand_ties() -> None:
    n = 400_000
    state = np.arange(n) % 4
    curve = cumulative_incidence(np.where(state, 7, 9), state, cause=1)
    close(curve.estimate, [0.25, 0.25], EXACT)
    close(curve.se[0], np.sqrt(0.25 * 0.75 / n), 1e-5)  # cmprsk's allowance for ties divides by n - 1
    x = np.random.default_rng(1).normal(size=(n, 2))
    fit = fine_gray(np.where(state, 7, 9), state, x, cause=1)
    assert (np.abs(fit.coefficients) < 5 * fit.tidy().se).all()
    assert np.isfinite(gray_test(np.where(state, 7, 9), state, np.arange(n) % 8 < 4, cause=1).statistic)


def test_one_row() -> None:
    curve = cumulative_incidence([2.0], [1], cause=1)
    assert (curve.estimate[0], curve.low[0], curve.high[0]) == (1, 0, 1)


def test_weights_of_zero_leave_rows_out() -> None:
    d = cases.draw(8, n=100)
    zero = np.arange(100) % 3 == 0
    weights = np.where(zero, 0, d["weights"])
    first = fine_gray(d["time"], d["state"], d["x"], cause=1, weights=weights, cluster=d["cluster"])
    kept = {key: d[key][~zero] for key in ("time", "state", "x", "weights", "cluster")}
    second = fine_gray(kept["time"], kept["state"], kept["x"], cause=1, weights=kept["weights"], cluster=kept["cluster"])
    close(first.coefficients, second.coefficients, 1e-8)
    close(first.covariance, second.covariance)
    assert first.n == second.n
