"""Kaplan-Meier, Nelson-Aalen, log-rank, restricted means and mean counts: by hand, against R, and what must always hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import survival_data as cases
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from ldeval.stats.curves import INTERVALS
from ldeval.stats.influence import jackknife_variance
from ldeval.stats.samples import hazard_process, sample
from ldeval.stats.survival import kaplan_meier, logrank, mean_cumulative_count, nelson_aalen, rmst

VALUE = 1e-6  # estimates, errors and limits against R, which printed 11 digits
STATISTIC = 1e-5  # test statistics against R
EXACT = 1e-10  # algebra that must agree up to rounding
SLOPE = 1e-5  # a difference quotient against a derivative

SIX_TIMES = [1, 2, 2, 3, 4, 5]
SIX_EVENTS = [1, 1, 0, 1, 0, 1]


def close(found: Any, expected: Any, tolerance: float = VALUE) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=tolerance, atol=1e-12)


# By hand: six people, times 1 2 2+ 3 4+ 5


def test_kaplan_meier_by_hand() -> None:
    curve = kaplan_meier(SIX_TIMES, SIX_EVENTS)
    close(curve.time, [1, 2, 3, 4, 5])
    close(curve.at_risk, [6, 5, 3, 2, 1])
    close(curve.events, [1, 1, 1, 0, 1])
    close(curve.estimate, [5 / 6, 2 / 3, 4 / 9, 4 / 9, 0], EXACT)
    relative = np.array([1 / 30, 1 / 30 + 1 / 20, 1 / 30 + 1 / 20 + 1 / 6])
    close(curve.se[:3], curve.estimate[:3] * np.sqrt(relative), EXACT)
    assert curve.n == 6
    assert curve.se[4] == 0


def test_log_log_interval_by_hand() -> None:
    curve = kaplan_meier(SIX_TIMES, SIX_EVENTS, level=0.9)
    theta = 1.6448536269514722 * np.sqrt(1 / 30 + 1 / 20) / np.log(2 / 3)
    close([curve.low[1], curve.high[1]], [(2 / 3) ** np.exp(-theta), (2 / 3) ** np.exp(theta)], EXACT)


def test_a_curve_at_zero_keeps_the_upper_limit_of_the_step_before() -> None:
    curve = kaplan_meier(SIX_TIMES, SIX_EVENTS)
    assert (curve.low[-1], curve.high[-1]) == (0, curve.high[-2])
    one = kaplan_meier([3.0], [1])
    assert (one.estimate[0], one.low[0], one.high[0]) == (0, 0, 1)


def test_nelson_aalen_by_hand() -> None:
    curve = nelson_aalen(SIX_TIMES, SIX_EVENTS)
    close(curve.estimate, np.cumsum([1 / 6, 1 / 5, 1 / 3, 0, 1]), EXACT)
    close(curve.se, np.sqrt(np.cumsum([1 / 36, 1 / 25, 1 / 9, 0, 1])), EXACT)


def test_restricted_mean_by_hand() -> None:
    found = rmst(SIX_TIMES, SIX_EVENTS, tau=3.5)
    area = 1 + 5 / 6 + 2 / 3 + 0.5 * 4 / 9
    left = np.array([area - 1, area - 1 - 5 / 6, 0.5 * 4 / 9])
    close(found.estimate, [area], EXACT)
    close(found.se, [np.sqrt(np.sum(left**2 * [1 / 30, 1 / 20, 1 / 6]))], EXACT)


def test_log_rank_by_hand() -> None:
    found = logrank(SIX_TIMES, SIX_EVENTS, ["a", "b", "a", "b", "a", "b"])
    expected = 3 / 6 + 2 / 5 + 1 / 3 + 0
    variance = 1 / 4 + 6 / 25 + 2 / 9
    close(found.expected, [expected, 4 - expected], EXACT)
    close(found.statistic, (1 - expected) ** 2 / variance, EXACT)
    assert found.df == 1
    assert "same hazard" in found.null


def test_mean_count_by_hand() -> None:
    """Person 1: events at 1 and 3, seen to 4; person 2: event at 2, seen to 3; (dN - mean) / 2 adds up over a person's time."""
    curve = mean_cumulative_count([0, 1, 3, 0, 2], [1, 3, 4, 2, 3], [1, 1, 0, 1, 0], [1, 1, 1, 2, 2])
    close(curve.time, [1, 2, 3, 4])
    close(curve.estimate, [0.5, 1, 1.5, 1.5], EXACT)
    first = np.cumsum([1 / 4, -1 / 4, 1 / 4, 0])
    close(curve.se, np.sqrt(2 * first**2), EXACT)


def test_late_entry_by_hand() -> None:
    """Entry is open: whoever enters at 2 is not at risk of the event at 2."""
    curve = kaplan_meier([2, 4, 5], [1, 1, 0], entry=[0, 2, 0])
    close(curve.at_risk, [2, 2, 1])
    close(curve.estimate, [1 / 2, 1 / 4, 1 / 4], EXACT)


# Against R


def at_times(rows: list[dict[str, Any]], curves: dict[str, Any]) -> None:
    for row in rows:
        curve = curves[row["strata"]]
        point = curve.at(row["time"])
        found = [point.estimate, point.se, point.low, point.high]
        close(found, [row["surv"], row["se"], row["lower"], row["upper"]])
        place = np.searchsorted(curve.time, row["time"])
        close(curve.at_risk[place] if place < len(curve.time) else 0, row["n.risk"])
    for name in {row["strata"] for row in rows}:
        mine = [row for row in rows if row["strata"] == name]
        cumulated = np.cumsum(curves[name].events)[[np.searchsorted(curves[name].time, row["time"], "right") - 1 for row in mine]]
        close(np.diff(cumulated, prepend=0), [row["n.event"] for row in mine])


def curves_by(table: pd.DataFrame, time: str, event: str, by: str, labels: dict[Any, str], **options: Any) -> dict[str, Any]:
    return {
        label: kaplan_meier(part[time], part[event], **options)
        for value, label in labels.items()
        for part in [table[table[by] == value]]
    }


def inverse_probability(table: pd.DataFrame) -> np.ndarray:
    """The weights of R's glm(fin ~ age + race + wexp + mar + paro + prio, binomial), ATE, not stabilised."""
    import statsmodels.api as sm

    columns = sm.add_constant(table[["age", "race", "wexp", "mar", "paro", "prio"]])
    score = sm.GLM(table.fin, columns, family=sm.families.Binomial()).fit(tol=1e-14).predict()
    return np.where(table.fin == 1, 1 / score, 1 / (1 - score))


def rossi_km_fin(expected: Any) -> None:
    at_times(expected, curves_by(cases.rossi(), "week", "arrest", "fin", {0: "fin=no", 1: "fin=yes"}, interval="log"))


def rossi_km_all_ci(expected: Any) -> None:
    table = cases.rossi()
    assert set(expected) == {"log", "loglog", "plain", "logit", "arcsin"}
    for name, rows in expected.items():
        at_times(rows, {"all": kaplan_meier(table.week, table.arrest, interval="log-log" if name == "loglog" else name)})


def rossi_iptw_km(expected: Any) -> None:
    """survfit with fractional weights: robust errors, one cluster a row."""
    table = cases.rossi().assign(w=lambda x: inverse_probability(x))
    curves = {
        f"fin={word}": kaplan_meier(part.week, part.arrest, weights=part.w, interval="log")
        for word, part in (("no", table[table.fin == 0]), ("yes", table[table.fin == 1]))
    }
    at_times(expected, curves)


def lung_km_ci(expected: Any) -> None:
    table = cases.lung()
    for name, block in expected.items():
        curve = kaplan_meier(table.time, table.event, interval="log-log" if name == "loglog" else name)
        at_times(block["at"], {"all": curve})
        found = curve.quantile(block["p"])
        close([found.estimate, found.low, found.high], [block["quantile"], block["lower"], block["upper"]])


def lung_km_sex(expected: Any) -> None:
    at_times(expected, curves_by(cases.lung(), "time", "event", "sex", {1: "sex=1", 2: "sex=2"}, interval="log"))


def quantiles(table: pd.DataFrame, time: str, event: str, by: str, expected: Any) -> None:
    for j, (_, part) in enumerate(table.groupby(by)):
        found = kaplan_meier(part[time], part[event], interval="log").quantile(expected["p"])
        close([found.estimate, found.low, found.high], [expected["quantile"][j], expected["lower"][j], expected["upper"][j]])


def recid_km(expected: Any) -> None:
    table = cases.recid()
    at_times(expected, {"all": kaplan_meier(table.durat, table.event, interval="log")})


def recid_km_workprg(expected: Any) -> None:
    at_times(expected, curves_by(cases.recid(), "durat", "event", "workprg", {0: "workprg=0", 1: "workprg=1"}, interval="log"))


def test_of(table: pd.DataFrame, time: str, event: str, by: str, expected: Any, **options: Any) -> None:
    found = logrank(table[time], table[event], table[by], **options)
    close(found.statistic, expected["chisq"], STATISTIC)
    close(found.p_value, expected["p"], STATISTIC)
    close(found.observed, expected["obs"])
    close(found.expected, expected["exp"])
    assert found.df == expected.get("df", 1)
    assert found.n == len(table)


def means_of(table: pd.DataFrame, time: str, event: str, by: str, tau: float, means: Any, difference: Any) -> None:
    found = rmst(table[time], table[event], tau=tau, group=table[by])
    close(found.estimate, [row["rmean"] for row in means])
    close(found.se, [row["se"] for row in means])
    last = found.tidy().set_index("term").loc["difference"]
    close(last[["estimate", "se", "low", "high"]], [difference[key] for key in ("diff", "se", "lower", "upper")])
    close(last["p_value"], difference["p"], STATISTIC)
    for row, (_, part) in zip(means, table.groupby(by), strict=True):
        median = kaplan_meier(part[time], part[event], interval="log").quantile(0.5)
        close([median.estimate, median.low, median.high], [row["median"], row["lcl"], row["ucl"]])
        assert (len(part), part[event].sum()) == (row["records"], row["events"])


def cgd_mean_count(expected: Any) -> None:
    for name, part in cases.data("cgd").groupby("treat"):
        curve = mean_cumulative_count(part.tstart, part.tstop, part.status, part.id)
        for row in (row for row in expected if row["strata"] == f"treat={name}"):
            point = curve.at(row["time"])
            close([point.estimate, point.se], [row["mcf"], row["se"]])


def valve_seat(expected: Any) -> None:
    """R's call has no start times: each row is at risk from 0, so this is a Nelson-Aalen estimate clustered by engine."""
    table = cases.data("valveSeat")
    curve = nelson_aalen(table.time, table.status)
    rows = sample(table.time, table.status, None, None, table.id)
    variance = jackknife_variance(
        rows.sets, [hazard_process(rows.sets, rows.event)], [np.ones(len(curve.time))], rows.weights, rows.cluster
    )
    place = np.searchsorted(curve.time, [row["time"] for row in expected], side="right") - 1
    close(curve.estimate[place], [row["mcf"] for row in expected])
    close(np.sqrt(variance[place]), [row["se"] for row in expected])


def uis_quantiles(expected: Any) -> None:
    quantiles(cases.data("uis"), "TIME", "CENSOR", "TREAT", expected)


COVERED: dict[tuple[str, str], Any] = {
    ("rossi", "km_fin"): rossi_km_fin,
    ("rossi", "km_all_ci"): rossi_km_all_ci,
    ("rossi", "iptw_km"): rossi_iptw_km,
    ("rossi", "logrank_fin"): lambda e: test_of(cases.rossi(), "week", "arrest", "fin", e),
    ("rossi", "peto_fin"): lambda e: test_of(cases.rossi(), "week", "arrest", "fin", e, rho=1),
    ("rossi", "logrank_fin_strat_wexp"): lambda e: test_of(cases.rossi(), "week", "arrest", "fin", e, strata=cases.rossi().wexp),
    ("rossi", "rmst52_fin"): lambda e: means_of(
        cases.rossi(), "week", "arrest", "fin", 52, e, cases.reference("rossi")["rmst52_diff"]
    ),
    ("lung", "km_ci"): lung_km_ci,
    ("lung", "km_sex"): lung_km_sex,
    ("lung", "km_sex_q"): lambda e: quantiles(cases.lung(), "time", "event", "sex", e),
    ("lung", "logrank_sex"): lambda e: test_of(cases.lung(), "time", "event", "sex", e),
    ("lung", "peto_sex"): lambda e: test_of(cases.lung(), "time", "event", "sex", e, rho=1),
    ("lung", "rmst_365"): lambda e: means_of(
        cases.lung(), "time", "event", "sex", 365, e, cases.reference("lung")["rmst_365_diff"]
    ),
    ("lung", "rmst_965"): lambda e: means_of(
        cases.lung(), "time", "event", "sex", 965, e, cases.reference("lung")["rmst_965_diff"]
    ),
    ("recid", "km"): recid_km,
    ("recid", "km_workprg"): recid_km_workprg,
    ("recid", "logrank_workprg"): lambda e: test_of(cases.recid(), "durat", "event", "workprg", e),
    ("recid", "rmst24_workprg"): lambda e: means_of(
        cases.recid(), "durat", "event", "workprg", 24, e, cases.reference("recid")["rmst24_diff"]
    ),
    ("recid", "rmst70"): lambda e: means_of(
        cases.recid(), "durat", "event", "workprg", 70, e, cases.reference("recid")["rmst70_diff"]
    ),
    ("recurrent", "cgd_mcf"): cgd_mean_count,
    ("recurrent", "valveSeat_mcf"): valve_seat,
    ("uis", "km_treat"): uis_quantiles,
    ("uis", "logrank"): lambda e: test_of(cases.data("uis"), "TIME", "CENSOR", "TREAT", e),
    ("uis", "rmst365"): lambda e: means_of(
        cases.data("uis"), "TIME", "CENSOR", "TREAT", 365, e, cases.reference("uis")["rmst365_diff"]
    ),
}
test_of.__test__ = False  # type: ignore[attr-defined]

WITH_ITS_MEANS = {"rmst52_diff", "rmst_365_diff", "rmst_965_diff", "rmst24_diff", "rmst70_diff", "rmst365_diff"}
KINDS = ("km", "iptw_km", "logrank", "peto", "rmst", "mcf")


@pytest.mark.parametrize("key", COVERED, ids="-".join)
def test_equals_r(key: tuple[str, str]) -> None:
    COVERED[key](cases.reference(key[0])[key[1]])


@pytest.mark.parametrize("file", ["rossi", "lung", "recid", "recurrent", "uis"])
def test_every_key_of_these_kinds_is_checked(file: str) -> None:
    keys = {key for key in cases.reference(file) if key.startswith(KINDS) or key.endswith("mcf")}
    assert keys <= {key for name, key in COVERED if name == file} | WITH_ITS_MEANS


def test_restricted_mean_ratio_is_that_of_the_logarithms() -> None:
    table = cases.lung()
    found = rmst(table.time, table.event, tau=365, group=table.sex)
    row = found.tidy().set_index("term").loc["ratio"]
    value, se = found.estimate[1] / found.estimate[0], np.hypot(*(found.se / found.estimate))
    close(
        row[["estimate", "se", "low", "high"]], [value, se, *np.exp(np.log(value) + np.array([-1, 1]) * 1.959963984540054 * se)]
    )
    assert list(found.tidy().columns) == ["term", "estimate", "se", "low", "high", "p_value", "scale"]
    assert list(found.tidy().scale) == ["identity", "identity", "identity", "log"]


# The infinitesimal jackknife is a derivative: difference quotients give it without its formula


def numeric_influence(estimate: Any, weights: np.ndarray) -> np.ndarray:
    step = 1e-6
    rows = []
    for i in range(len(weights)):
        up, down = weights.copy(), weights.copy()
        up[i] += step
        down[i] -= step
        rows.append((np.asarray(estimate(up)) - np.asarray(estimate(down))) / (2 * step))
    return np.array(rows) * weights.reshape(-1, *[1] * (np.ndim(rows[0])))


def clustered(influence: np.ndarray, cluster: Any) -> np.ndarray:
    sums = pd.DataFrame(influence).groupby(np.asarray(cluster)).sum().to_numpy()
    return np.sqrt((sums**2).sum(axis=0))


@pytest.mark.parametrize("ties", [True, False])
@pytest.mark.parametrize("late", [True, False])
@pytest.mark.parametrize("by", ["rows", "clusters", "people"])
def test_robust_errors_are_the_jackknife(ties: bool, late: bool, by: str) -> None:
    d = cases.draw(3, ties=ties)
    entry = d["entry"] if late else None
    rows = np.arange(60)
    cluster = {"rows": rows, "clusters": d["cluster"], "people": rows // 2}[by]
    given_cluster = None if by == "rows" else cluster

    def curve(w: np.ndarray) -> Any:
        return kaplan_meier(d["time"], d["event"], entry=entry, weights=w, cluster=given_cluster)

    found = curve(d["weights"])
    kept = found.estimate > 0
    expected = clustered(numeric_influence(lambda w: curve(w).estimate, d["weights"]), cluster)
    np.testing.assert_allclose(found.se[kept], expected[kept], rtol=SLOPE, atol=1e-8)


def test_robust_errors_of_other_estimators_are_the_jackknife() -> None:
    d = cases.draw(4)
    rows = np.arange(60)

    def hazard(w: np.ndarray) -> Any:
        return nelson_aalen(d["time"], d["event"], entry=d["entry"], weights=w)

    np.testing.assert_allclose(
        hazard(d["weights"]).se,
        clustered(numeric_influence(lambda w: hazard(w).estimate, d["weights"]), rows),
        rtol=SLOPE,
        atol=1e-8,
    )

    def means(w: np.ndarray) -> Any:
        return rmst(d["time"], d["event"], tau=5, group=d["group"], weights=w, cluster=d["cluster"])

    influence = numeric_influence(lambda w: means(w).estimate, d["weights"])
    np.testing.assert_allclose(means(d["weights"]).se, clustered(influence, d["cluster"]), rtol=SLOPE)
    difference = clustered(influence[:, [1]] - influence[:, [0]], d["cluster"])[0]
    np.testing.assert_allclose(means(d["weights"]).tidy().se[2], difference, rtol=SLOPE)


def test_one_row_a_cluster_gives_greenwoods_error() -> None:
    table = cases.lung()
    plain, robust = (kaplan_meier(table.time, table.event, cluster=by) for by in (None, np.arange(len(table))))
    close(robust.se, plain.se, EXACT)


def test_small_sample_widens() -> None:
    d = cases.draw(5)
    plain, wide = (kaplan_meier(d["time"], d["event"], cluster=d["cluster"], small_sample=rule) for rule in (None, "CR1-t"))
    close(wide.se, plain.se * np.sqrt(7 / 6), EXACT)
    close(wide.critical, scipy_stats.t.ppf(0.975, 6), EXACT)


def test_weighted_log_rank_has_the_variance_of_its_influence() -> None:
    d = cases.draw(6)
    found = logrank(d["time"], d["event"], d["group"], entry=d["entry"], weights=d["weights"])
    equal = logrank(d["time"], d["event"], d["group"], entry=d["entry"], weights=10 * d["weights"])
    close(found.statistic, equal.statistic, EXACT)
    assert "robust" in found.method


def test_weighted_log_rank_by_hand() -> None:
    """Two rows a group at risk at one event time: U = w1 (1 - p), each row's influence w (1(group) - p)(dN - w1 / n)."""
    w = np.array([0.5, 1.5, 2.5, 0.25])
    found = logrank([1, 2, 2, 2], [1, 0, 0, 0], [0, 0, 1, 1], weights=w)
    p, hazard = 2 / 4.75, 0.5 / 4.75
    parts = w * (np.array([1, 1, 0, 0]) - p) * (np.array([1, 0, 0, 0]) - hazard)
    close(found.statistic, (0.5 * (1 - p)) ** 2 / np.sum(parts**2), EXACT)


# What must always hold


@st.composite
def follow_up(draw: Any) -> dict[str, np.ndarray]:
    n = draw(st.integers(4, 30))
    numbers = st.integers(1, 8) | st.floats(0.25, 50, allow_nan=False)
    time = np.array(draw(st.lists(numbers, min_size=n, max_size=n)), float)
    event = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    share = np.array(draw(st.lists(st.floats(0, 0.9), min_size=n, max_size=n)))
    weights = np.array(draw(st.lists(st.floats(0.1, 10), min_size=n, max_size=n)))
    cluster = np.array([0, 1, *draw(st.lists(st.integers(0, 4), min_size=n - 2, max_size=n - 2))])
    return {"time": time, "event": event, "entry": time * share, "weights": weights, "cluster": cluster}


@settings(max_examples=60, deadline=None)
@given(follow_up(), st.sampled_from(INTERVALS))
def test_curves_never_rise_and_stay_inside_their_limits(d: dict[str, np.ndarray], interval: Any) -> None:
    curve = kaplan_meier(**d, interval=interval)
    assert (np.diff(np.append(1, curve.estimate)) <= 0).all()
    assert ((curve.low >= 0) & (curve.high <= 1)).all()
    slack = 1e-12
    assert ((curve.low <= curve.estimate + slack) & (curve.estimate <= curve.high + slack)).all()
    assert np.isfinite(curve.se).all()
    hazard = nelson_aalen(d["time"], d["event"], entry=d["entry"], weights=d["weights"])
    assert (np.diff(hazard.estimate) >= 0).all()
    assert (np.exp(-hazard.estimate) >= curve.estimate - slack).all()


@settings(max_examples=40, deadline=None)
@given(follow_up(), st.permutations(range(4)), st.floats(0.01, 100))
def test_order_and_scale(d: dict[str, np.ndarray], seed: list[int], factor: float) -> None:
    order = np.random.default_rng(seed).permutation(len(d["time"]))
    first, second = kaplan_meier(**d), kaplan_meier(**{key: value[order] for key, value in d.items()})
    np.testing.assert_allclose(second.estimate, first.estimate, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(second.se, first.se, rtol=1e-6, atol=1e-8)
    tau = float(np.median(d["time"]))
    group = np.arange(len(order)) % 2
    tau = min(tau, d["time"][group == 0].max(), d["time"][group == 1].max())
    plain = rmst(d["time"], d["event"], tau=tau, group=group, weights=d["weights"], cluster=d["cluster"])
    scaled = rmst(
        factor * d["time"], d["event"], tau=factor * tau, group=group, weights=d["weights"] * factor, cluster=d["cluster"]
    )
    np.testing.assert_allclose(scaled.estimate, factor * plain.estimate, rtol=1e-9)
    np.testing.assert_allclose(scaled.se, factor * plain.se, rtol=1e-6, atol=1e-9 * factor)
    swapped = rmst(d["time"], d["event"], tau=tau, group=1 - group, weights=d["weights"], cluster=d["cluster"])
    ratios = [table.tidy().set_index("term").estimate for table in (plain, swapped)]
    np.testing.assert_allclose(ratios[0]["difference"], -ratios[1]["difference"], atol=1e-9)
    np.testing.assert_allclose(ratios[0]["ratio"] * ratios[1]["ratio"], 1, rtol=1e-9)


@settings(max_examples=40, deadline=None)
@given(follow_up())
def test_weights_of_two_equal_doubled_rows(d: dict[str, np.ndarray]) -> None:
    part = {key: d[key] for key in ("time", "event", "entry")}
    twice = {key: np.repeat(value, 2) for key, value in part.items()}
    two = np.full(len(d["time"]), 2)
    for estimator in (kaplan_meier, nelson_aalen):
        by_weight, by_rows = estimator(**part, weights=two), estimator(**twice)
        close(by_weight.estimate, by_rows.estimate, 1e-9)
        close(by_weight.se, by_rows.se, 1e-7)
        close(by_weight.at_risk, by_rows.at_risk, EXACT)
    tau = float(d["time"].min())
    a = rmst(d["time"], d["event"], tau=tau, weights=two)
    b = rmst(twice["time"], twice["event"], tau=tau)
    close([a.estimate[0], a.se[0]], [b.estimate[0], b.se[0]], 1e-9)


@settings(max_examples=40, deadline=None)
@given(follow_up(), st.floats(0, 1))
def test_log_rank_does_not_depend_on_labels_or_units(d: dict[str, np.ndarray], rho: float) -> None:
    group = np.arange(len(d["time"])) % 3
    d["event"][:3] = 1
    d["time"][:3] = d["entry"].max() + 1
    part = {key: d[key] for key in ("event", "weights")}
    try:
        first = logrank(d["time"], group=group, rho=rho, entry=d["entry"], **part)
    except ValueError:
        return
    second = logrank(7 * d["time"], group=np.array(["b", "c", "a"])[group], rho=rho, entry=7 * d["entry"], **part)
    np.testing.assert_allclose(second.statistic, first.statistic, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.sort(second.expected), np.sort(first.expected), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(first.observed.sum(), first.expected.sum(), rtol=1e-9)


def test_strata_add_up() -> None:
    """Where strata are copies of one sample, the statistic of two strata is twice that of one."""
    d = cases.draw(7)
    one = logrank(d["time"], d["event"], d["group"], entry=d["entry"])
    both = {key: np.tile(d[key], 2) for key in ("time", "event", "group", "entry")}
    two = logrank(**both, strata=np.repeat(["north", "south"], 60))
    close(two.statistic, 2 * one.statistic, 1e-9)


# Curves answer questions


def test_at_and_quantile() -> None:
    curve = kaplan_meier(SIX_TIMES, SIX_EVENTS)
    assert curve.at(0.5).estimate == 1
    assert curve.at(2).estimate == pytest.approx(2 / 3, rel=EXACT)
    close(curve.at([0.5, 3.9, 99]).estimate, [1, 4 / 9, 0])
    assert curve.quantile(0.5).estimate == 3
    assert kaplan_meier([1, 2, 3, 4], [1, 1, 1, 1]).quantile(0.5).estimate == 2.5
    open_ended = kaplan_meier([1, 2, 3], [1, 0, 0])
    assert np.isnan(open_ended.quantile(0.9).estimate)
    assert np.isnan(open_ended.at(3.5).estimate)
    with pytest.raises(ValueError, match="between 0 and 1"):
        curve.quantile(1.5)


# Input that no reference has


SHAPES: dict[str, Any] = {
    "lists": lambda x: list(x),
    "unsigned integers": lambda x: np.asarray(x).astype(np.uint8),
    "float32": lambda x: np.asarray(x).astype(np.float32),
    "every other value": lambda x: np.repeat(x, 2)[::2],
    "pandas with an odd index": lambda x: pd.Series(np.asarray(x), index=np.arange(len(x))[::-1] * 3),
    "pandas nullable": lambda x: pd.Series(np.asarray(x), dtype="Int64"),
    "booleans where they fit": lambda x: np.asarray(x).astype(bool) if set(np.unique(x)) <= {0, 1} else np.asarray(x),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_any_numeric_type_will_do(shape: str) -> None:
    turn = SHAPES[shape]
    close(kaplan_meier(turn(SIX_TIMES), turn(SIX_EVENTS)).estimate, kaplan_meier(SIX_TIMES, SIX_EVENTS).estimate, EXACT)
    group = [0, 1, 0, 1, 0, 1]
    found = logrank(turn(SIX_TIMES), turn(SIX_EVENTS), turn(group)).statistic
    close(found, logrank(SIX_TIMES, SIX_EVENTS, group).statistic, EXACT)
    close(rmst(turn(SIX_TIMES), turn(SIX_EVENTS), tau=3).estimate, [2.5], EXACT)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("no rows", {"time": [], "event": []}, "at least one row"),
    ("lengths", {"time": [1, 2], "event": [1]}, "expected 2 rows"),
    ("missing", {"time": [1, np.nan, np.nan], "event": [1, 0, 1]}, "found 2 of 3"),
    ("infinite", {"time": [1, np.inf], "event": [1, 0]}, "finite"),
    ("negative", {"time": [1, -1], "event": [1, 0]}, "zero or more"),
    ("text", {"time": ["a", "b"], "event": [1, 0]}, "found text"),
    ("event code", {"time": [1, 2], "event": [1, 2]}, "0 \\(censored\\) or 1"),
    ("entry", {"time": [1, 2], "event": [1, 0], "entry": [1, 0]}, "before the row's end"),
    ("weights below zero", {"time": [1, 2], "event": [1, 0], "weights": [1, -1]}, "weights"),
    ("no weight", {"time": [1, 2], "event": [1, 0], "weights": [0, 0]}, "above zero"),
]


@pytest.mark.parametrize(("call", "words"), [(b[1], b[2]) for b in BAD], ids=[b[0] for b in BAD])
def test_bad_input_is_refused(call: dict[str, Any], words: str) -> None:
    for estimator in (kaplan_meier, nelson_aalen):
        with pytest.raises(ValueError, match=words):
            estimator(**call)
    if "entry" not in call:
        with pytest.raises(ValueError, match=words):
            rmst(**call, tau=1)


def test_bad_options_are_refused() -> None:
    with pytest.raises(ValueError, match="interval: expected one of"):
        kaplan_meier([1, 2], [1, 0], interval="loglog")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="level"):
        kaplan_meier([1, 2], [1, 0], level=95)
    with pytest.raises(ValueError, match="at least 2 clusters"):
        kaplan_meier([1, 2], [1, 0], cluster=["a", "a"])
    with pytest.raises(ValueError, match="small_sample: expected clusters"):
        kaplan_meier([1, 2], [1, 0], small_sample="CR1-t")
    with pytest.raises(ValueError, match="at least two groups"):
        logrank([1, 2], [1, 0], ["a", "a"])
    with pytest.raises(ValueError, match="rho"):
        logrank([1, 2], [1, 0], ["a", "b"], rho=-1)
    with pytest.raises(ValueError, match="nothing to compare"):
        logrank([1, 2], [0, 0], ["a", "b"])
    with pytest.raises(ValueError, match=r"beyond that of '.*'; use a shorter one"):
        rmst([1, 2], [1, 0], tau=3)
    with pytest.raises(ValueError, match="above zero"):
        rmst([1, 2], [1, 0], tau=0)
    with pytest.raises(ValueError, match="do not overlap, found 1"):
        mean_cumulative_count([0, 1, 0], [2, 3, 1], [1, 0, 0], [1, 1, 2])
    with pytest.raises(ValueError, match="two people"):
        mean_cumulative_count([0, 1], [1, 2], [1, 0], [1, 1])


def test_weights_of_zero_leave_rows_out() -> None:
    d = cases.draw(8)
    zero = np.arange(60) % 3 == 0
    with_zero = kaplan_meier(
        d["time"], d["event"], entry=d["entry"], weights=np.where(zero, 0, d["weights"]), cluster=d["cluster"]
    )
    without = kaplan_meier(
        *(d[key][~zero] for key in ("time", "event")),
        entry=d["entry"][~zero],
        weights=d["weights"][~zero],
        cluster=d["cluster"][~zero],
    )
    close(with_zero.estimate, without.estimate, EXACT)
    close(with_zero.se, without.se, EXACT)
    assert with_zero.n == 40


@pytest.mark.parametrize("scale", [1e-300, 1e-8, 1e8, 1e200])
def test_only_the_ratios_of_fractional_weights_count(scale: float) -> None:
    d = cases.draw(9)
    first, second = (kaplan_meier(d["time"], d["event"], weights=d["weights"] * f, cluster=d["cluster"]) for f in (1.0, scale))
    close(second.estimate, first.estimate, 1e-9)
    np.testing.assert_allclose(second.se, first.se, rtol=1e-6, atol=1e-8)


def test_tiny_weights_among_large_ones() -> None:
    weights = np.where(np.arange(60) % 2, 1.0, 1e-18)
    d = cases.draw(10)
    curve = kaplan_meier(d["time"], d["event"], weights=weights)
    alone = kaplan_meier(d["time"][1::2], d["event"][1::2])
    common = np.isin(curve.time, alone.time)
    kept = alone.estimate > 0
    close(curve.estimate[common][kept], alone.estimate[kept], 1e-9)
    assert np.isfinite(curve.se).all()


def test_everyone_dies_at_once_with_fractional_weights() -> None:
    """Rounding must not leave a sliver of survival that later divisions blow up."""
    rng = np.random.default_rng(1)
    weights = rng.uniform(0.1, 1, 1000)
    curve = kaplan_meier(np.r_[np.full(999, 2.0), 3.0], np.r_[np.ones(999), 0], entry=np.r_[np.zeros(999), 2.5], weights=weights)
    assert list(curve.estimate) == [0, 0]
    assert np.isfinite(curve.se).all()


def test_several_hundred_thousand_ties() -> None:
    n = 400_000
    event = np.arange(n) % 4 == 0
    curve = kaplan_meier(np.where(event, 7, 9), event)
    close(curve.estimate, [0.75, 0.75], EXACT)
    close(curve.se[0], np.sqrt(0.75 * 0.25 / n), EXACT)
    found = logrank(np.where(event, 7, 9), event, np.arange(n) % 8 < 4)
    assert np.isfinite(found.statistic)


def test_one_event_only() -> None:
    time, event = np.arange(1, 101), np.arange(100) == 50
    assert kaplan_meier(time, event).estimate[-1] == pytest.approx(49 / 50)
    assert logrank(time, event, np.arange(100) % 2).df == 1
    none = kaplan_meier(time, np.zeros(100))
    assert (none.estimate == 1).all()
    assert (none.low == 1).all()


def test_events_in_one_stratum_only() -> None:
    d = cases.draw(11)
    stratum = np.repeat(["north", "south"], 30)
    event = d["event"] * (stratum == "north")
    whole = logrank(d["time"], event, d["group"], strata=stratum)
    part = logrank(*(d[key][:30] for key in ("time", "event", "group")))
    close(whole.statistic, part.statistic, EXACT)
