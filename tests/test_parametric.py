"""Accelerated failure time models: by hand, against R and Wooldridge's Table 17.4, and what must always hold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import survival_data as cases

from ldeval.stats.parametric import accelerated_failure_time

VALUE = 1e-6  # coefficients and scales against R, which printed 11 digits
LOGLIK = 1e-9  # log-likelihoods against R
EXACT = 1e-8  # two fits of the same likelihood
NAMES = {"weibull": "weibull", "exponential": "exponential", "lognormal": "log-normal", "loglogistic": "log-logistic"}
RECID = ["workprg", "priors", "tserved", "felon", "alcohol", "drugs", "black", "married", "educ", "age"]
ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def close(found: Any, expected: Any, tolerance: float) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=tolerance, atol=1e-12)


def fit(table: pd.DataFrame, time: str, event: str, columns: list[str], name: str, **options: Any) -> Any:
    X = table[columns].astype(float)
    X.insert(0, "intercept", 1.0)
    return accelerated_failure_time(table[time], table[event], X, distribution=NAMES[name], **options)  # type: ignore[arg-type]


def test_exponential_by_hand() -> None:
    """The rate is events over time at risk; the log of its inverse has variance 1 / events."""
    found = accelerated_failure_time([1, 2, 2, 3, 4, 5], [1, 1, 0, 1, 0, 1], np.ones(6), distribution="exponential")
    close(found.coefficients, [np.log(17 / 4)], 1e-9)
    close(found.tidy().se, [np.sqrt(1 / 4)], 1e-9)
    close(found.loglik, 4 * np.log(4 / 17) - 4, 1e-9)


def test_log_normal_without_censoring_by_hand() -> None:
    logs = np.array([0.1, 0.7, 1.1, 2.0])
    found = accelerated_failure_time(np.exp(logs), np.ones(4), np.ones(4), distribution="log-normal")
    close(found.coefficients, [logs.mean(), np.log(logs.std())], 1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_recid_equals_r(name: str) -> None:
    expected = cases.reference("recid")[f"survreg_{name}"]
    found = fit(cases.recid(), "durat", "event", RECID, name)
    close(found.coefficients[: len(RECID) + 1], list(expected["coef"].values()), VALUE)
    close(found.tidy().se, expected["se"], VALUE)
    close([found.scale, found.loglik, found.aic], [expected["scale"], expected["loglik"][1], expected["aic"]], VALUE)
    close(found.loglik, expected["loglik"][1], LOGLIK)
    null = fit(cases.recid(), "durat", "event", [], name)
    close(null.loglik, expected["loglik"][0], LOGLIK)


@pytest.mark.parametrize("name", NAMES)
def test_rossi_equals_r(name: str) -> None:
    expected = cases.reference("rossi")[f"survreg_{name}"]
    found = fit(cases.rossi(), "week", "arrest", ROSSI, name)
    close(found.coefficients[:8], [row["coef"] for row in expected["coef"]], VALUE)
    close(found.tidy().se[:8], [row["se"] for row in expected["coef"]], VALUE)
    close([found.scale, found.aic], [expected["scale"], expected["aic"]], VALUE)
    close([found.loglik, fit(cases.rossi(), "week", "arrest", [], name).loglik], expected["loglik"][::-1], LOGLIK)


def test_lung_equals_r() -> None:
    expected = cases.reference("lung")["survreg_weibull"]
    table = cases.lung().dropna(subset=["ph.ecog"])
    found = fit(table, "time", "event", ["age", "sex", "ph.ecog"], "weibull")
    close(found.coefficients[:4], list(expected["coef"].values()), VALUE)
    close(found.tidy().se, expected["se"], VALUE)
    close([found.scale, found.loglik], [expected["scale"], expected["loglik"][1]], VALUE)


def test_equals_wooldridges_table_17_4() -> None:
    """Wooldridge, Introductory Econometrics, Table 17.4: censored regression of log(durat), as printed."""
    printed = cases.reference("wooldridge_17_4")["coef"]
    found = fit(cases.recid(), "durat", "event", RECID, "lognormal")
    rows = found.tidy().set_index("term").estimate
    assert all(abs(rows[name] - value) < (0.00005 if name == "age" else 0.0005) + 1e-9 for name, value in printed.items())
    assert found.scale == pytest.approx(1.810, abs=0.0005)


@pytest.mark.parametrize("name", NAMES)
def test_units_weights_and_clusters(name: str) -> None:
    table = cases.rossi()
    plain = fit(table, "week", "arrest", ROSSI, name)
    days = fit(table.assign(week=7 * table.week, age=1e8 * table.age, prio=1e-8 * table.prio), "week", "arrest", ROSSI, name)
    close(days.coefficients[0], plain.coefficients[0] + np.log(7), EXACT)
    close(days.coefficients[2] * 1e8, plain.coefficients[2], 1e-6)
    close(days.tidy().se[7] * 1e-8, plain.tidy().se[7], 1e-6)
    twice = pd.concat([table, table])
    doubled = fit(twice, "week", "arrest", ROSSI, name, cluster=np.tile(np.arange(len(table)), 2))
    weighted = fit(table, "week", "arrest", ROSSI, name, weights=np.full(len(table), 2.0))
    close(weighted.coefficients, doubled.coefficients, EXACT)
    close(weighted.tidy().se, doubled.tidy().se, 1e-6)
    close(weighted.loglik, 2 * plain.loglik, EXACT)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="above zero, found 1 of 2"):
        accelerated_failure_time([0, 1], [1, 1], [1, 1], distribution="weibull")
    with pytest.raises(ValueError, match="at least one event"):
        accelerated_failure_time([1, 2], [0, 0], [1, 1], distribution="weibull")
    with pytest.raises(ValueError, match="distribution: expected one of"):
        accelerated_failure_time([1, 2], [1, 0], [1, 1], distribution="gamma")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="combination"):
        accelerated_failure_time([1, 2, 3], [1, 0, 1], np.ones((3, 2)), distribution="weibull")
