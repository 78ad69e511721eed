"""Adjusted comparisons of two arms: against R, against the jackknife, and what must always hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import survival_data as cases

from ldeval.stats import adjusted, doors
from ldeval.stats.adjusted import adjusted_incidence, adjusted_survival
from ldeval.stats.competing import cumulative_incidence
from ldeval.stats.survival import kaplan_meier, rmst

VALUE = 1e-6  # against R, which printed 11 digits
EXACT = 1e-9  # algebra that must agree up to rounding
LEAVE_ONE_OUT = 0.04  # of a typical influence: leaving one of 6,000 rows out equals its influence up to its leverage

COVARIATES = ["age", "race", "wexp", "mar", "paro", "prio"]


def close(found: Any, expected: Any, tolerance: float = VALUE) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=tolerance, atol=1e-12)


def values(found: Any) -> pd.Series:
    return found.tidy().set_index("term").estimate


def errors(found: Any) -> pd.Series:
    return found.tidy().set_index("term").se


# Against R


def test_standardisation_equals_rs_averaged_cox_curves() -> None:
    expected = cases.reference("rossi")["gformula_surv"]
    table = cases.rossi()
    X = table[COVARIATES].assign(intercept=1.0)
    for tau, no, yes in zip(expected["times"], expected["fin_no"], expected["fin_yes"], strict=True):
        found = values(adjusted_survival(table.week, table.arrest, table.fin, X, tau=tau, estimand="ATE", by="standardisation"))
        close(found[["survival_control", "survival_treated"]], [no, yes])


def test_weighting_equals_rs_weighted_curves() -> None:
    table = cases.rossi()
    X = table[COVARIATES].assign(intercept=1.0)
    for tau in (26, 52):
        rows = {row["strata"]: row["surv"] for row in cases.reference("rossi")["iptw_km"] if row["time"] == tau}
        found = values(adjusted_survival(table.week, table.arrest, table.fin, X, tau=tau, estimand="ATE"))
        close(found[["survival_control", "survival_treated"]], [rows["fin=no"], rows["fin=yes"]])


# Against simpler cases: an intercept alone adjusts for nothing


@pytest.mark.parametrize("estimand", ["ATT", "ATE", "overlap"])
def test_an_intercept_alone_gives_the_crude_comparison(estimand: Any) -> None:
    table = cases.lung()
    arm = table.sex == 2
    found = adjusted_survival(table.time, table.event, arm, np.ones(228), tau=365, estimand=estimand).tidy().set_index("term")
    for name, part in (("treated", table[arm]), ("control", table[~arm])):
        point = kaplan_meier(part.time, part.event).at(365)
        close(found.loc[f"survival_{name}", ["estimate", "se"]], [point.estimate, point.se], EXACT)
    crude = rmst(table.time, table.event, tau=365, group=table.sex).tidy()
    close(
        found.loc[["rmst_control", "rmst_treated", "rmst_difference"], ["estimate", "se"]],
        crude.loc[:2, ["estimate", "se"]],
        EXACT,
    )
    close(found.loc["log_rmst_ratio", ["estimate", "se"]], [np.log(crude.estimate[3]), crude.se[3]], EXACT)


def test_an_intercept_alone_gives_the_crude_incidence() -> None:
    d = cases.draw(1, n=200)
    found = adjusted_incidence(
        d["time"], d["state"], d["group"], np.ones(200), cause=2, tau=6, estimand="ATE", cluster=d["cluster"]
    )
    for name, part in (("treated", d["group"] == 1), ("control", d["group"] == 0)):
        curve = cumulative_incidence(d["time"][part], d["state"][part], cause=2, cluster=d["cluster"][part])
        point, row = curve.at(6), found.tidy().set_index("term").loc[f"incidence_{name}"]
        close(row[["estimate", "se"]], [point.estimate, point.se], EXACT)
        area = np.sum(curve.estimate[curve.time < 6] * np.diff(np.append(curve.time[curve.time < 6], 6)))
        close(values(found)[f"time_lost_{name}"], area, EXACT)


# Against the delete-one jackknife, which knows nothing of influence functions


def confounded(n: int = 400) -> dict[str, Any]:
    rng = np.random.default_rng(5)
    x = rng.normal(size=(n, 2))
    treated = rng.random(n) < 1 / (1 + np.exp(-x[:, 0] + 0.3))
    scale = np.exp(-0.6 * x[:, 0] + 0.4 * treated)
    times = np.ceil(np.column_stack((rng.exponential(10 * scale), rng.exponential(20, n), rng.exponential(25, n))))
    state = np.array([1, 2, 0])[times.argmin(axis=1)]
    entry = np.floor(np.minimum(rng.integers(0, 3, n), times.min(axis=1) - 1))
    return {"time": times.min(axis=1), "state": state, "treated": treated, "X": np.column_stack((np.ones(n), x)), "entry": entry}


@pytest.mark.parametrize("by", ["weighting", "standardisation"])
@pytest.mark.parametrize("estimand", ["ATT", "ATE"])
@pytest.mark.parametrize("causes", [1, 2])
def test_influence_is_that_of_leaving_a_row_out(by: Any, estimand: Any, causes: int) -> None:
    d = confounded(6000)
    state = np.minimum(d["state"], 1) if causes == 1 else d["state"]

    def estimates(kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = doors.states(d["time"][kept], state[kept], d["entry"][kept], cause=1)
        return adjusted._estimates(adjusted._arms(rows, d["treated"][kept], d["X"][kept], 8.0), 1, estimand, by)

    everyone = np.arange(6000)
    means, influence = estimates(everyone)
    rows = everyone[::150]
    left_out = np.array([means - estimates(np.delete(everyone, j))[0] for j in rows])
    size = np.sqrt(np.mean(influence**2, axis=0))
    np.testing.assert_allclose(left_out / size, influence[rows] / size, atol=LEAVE_ONE_OUT)
    np.testing.assert_allclose(influence.sum(axis=0) / (np.sqrt(6000) * size), 0, atol=1e-6)


@pytest.mark.parametrize("by", ["weighting", "standardisation"])
def test_clusters_add_their_rows_up(by: Any) -> None:
    d = confounded()
    event, cluster = d.pop("state") > 0, np.arange(400) // 16
    found = adjusted_survival(event=event, **d, tau=8, estimand="ATT", by=by, cluster=cluster, small_sample="CR1-t")
    rows = doors.states(d["time"], event, d["entry"], cause=1)
    _, influence = adjusted._estimates(adjusted._arms(rows, d["treated"], d["X"], 8.0), 1, "ATT", by)
    sums = pd.DataFrame(influence).groupby(cluster).sum()
    close(errors(found)["rmst_difference"], np.sqrt(25 / 24 * np.sum((sums[1] - sums[3]) ** 2)), EXACT)
    assert found.df == 24


def test_overlap_weights_too() -> None:
    d = confounded()
    d["event"] = d.pop("state") > 0

    def fit(part: dict[str, Any]) -> Any:
        return adjusted_survival(**part, tau=8, estimand="overlap")

    left_out = np.array([values(fit({key: np.delete(value, j, axis=0) for key, value in d.items()})) for j in range(400)])
    jackknife = np.sqrt(399 / 400 * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))
    np.testing.assert_allclose(errors(fit(d)), jackknife, rtol=0.02)


# What must always hold


@pytest.mark.parametrize("by", ["weighting", "standardisation"])
def test_arms_swapped_rows_moved_and_units_changed(by: Any) -> None:
    d = confounded()
    d["event"] = d.pop("state") > 0
    first = adjusted_survival(**d, tau=8, estimand="ATE", by=by)
    order = np.random.default_rng(1).permutation(400)
    moved = {key: value[order] for key, value in d.items()}
    moved |= {"time": 5 * moved["time"], "entry": 5 * moved["entry"], "treated": ~moved["treated"]}
    second = adjusted_survival(**moved, tau=40, estimand="ATE", by=by)
    close(values(second)["survival_difference"], -values(first)["survival_difference"], 1e-7)
    close(errors(second)["survival_difference"], errors(first)["survival_difference"], 1e-6)
    close(values(second)["rmst_treated"], 5 * values(first)["rmst_control"], 1e-7)
    close(values(second)["log_rmst_ratio"], -values(first)["log_rmst_ratio"], 1e-7)


@pytest.mark.parametrize("by", ["weighting", "standardisation"])
def test_incidences_and_survival_add_up(by: Any) -> None:
    d = confounded()
    parts = [values(adjusted_incidence(**d, cause=k, tau=8, estimand="ATE", by=by)) for k in (1, 2)]
    d["event"] = d.pop("state") > 0
    if by == "weighting":
        survival = values(adjusted_survival(**d, tau=8, estimand="ATE", by=by))
        close(sum(p["incidence_treated"] for p in parts) + survival["survival_treated"], 1, EXACT)
        close(sum(p["time_lost_control"] for p in parts) + survival["rmst_control"], 8, EXACT)
    assert all(0 < p["incidence_treated"] < 1 for p in parts)


def test_several_causes_standardise_to_one() -> None:
    d = confounded()
    parts = [values(adjusted_incidence(**d, cause=k, tau=8, estimand="ATT", by="standardisation")) for k in (1, 2)]
    total = sum(p["incidence_treated"] for p in parts)
    assert 0 < total < 1


def test_bad_input_is_refused() -> None:
    d = confounded(40)
    survival = {"time": d["time"], "event": d["state"] > 0, "treated": d["treated"], "X": d["X"]}
    with pytest.raises(ValueError, match="beyond that of the"):
        adjusted_survival(**survival, tau=1e6, estimand="ATE")
    with pytest.raises(ValueError, match="above zero"):
        adjusted_survival(**survival, tau=-1, estimand="ATE")
    with pytest.raises(ValueError, match="estimand"):
        adjusted_survival(**survival, tau=3, estimand="ATO")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="estimand"):
        adjusted_survival(**survival, tau=3, estimand="overlap", by="standardisation")
    with pytest.raises(ValueError, match="by: expected one of"):
        adjusted_survival(**survival, tau=3, estimand="ATE", by="matching")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="both arms"):
        adjusted_survival(**{**survival, "treated": np.ones(40)}, tau=3, estimand="ATE")
    with pytest.raises(ValueError, match="at least one event of cause 5"):
        adjusted_incidence(d["time"], d["state"], d["treated"], d["X"], cause=5, tau=3, estimand="ATE")
