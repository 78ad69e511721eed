"""Every public estimator on data that no one expects: one register of small cases, each kind of hard data over all of them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ldeval.stats.adjusted import adjusted_incidence, adjusted_survival
from ldeval.stats.balance import balance, overlap_by_area
from ldeval.stats.binary import aipw, logistic, standardised_risk
from ldeval.stats.competing import cumulative_incidence, fine_gray, gray_test
from ldeval.stats.counts import (
    fixed_effects_poisson,
    interrupted_time_series,
    negative_binomial,
    poisson,
    standardised_rate,
)
from ldeval.stats.cox import cox
from ldeval.stats.did import group_time_effects
from ldeval.stats.durations import quantile_regression
from ldeval.stats.linear import linear
from ldeval.stats.matching import match
from ldeval.stats.parametric import accelerated_failure_time
from ldeval.stats.survival import kaplan_meier, logrank, mean_cumulative_count, nelson_aalen, rmst
from ldeval.stats.weights import entropy_weights, propensity_weights
from ldeval.stats.wild import wild_cluster_bootstrap

LIKE = 2e-5  # relative: types hold these small whole numbers exactly, so only the last step of a search may differ

N = 240
RNG = np.random.default_rng(5)
TIME = RNG.integers(1, 40, N)
STATE = RNG.integers(0, 3, N)
EVENT = (STATE == 1).astype(int)
TREATED = (np.arange(N) % 3 == 0).astype(int)
CLUSTER = np.arange(N) % 12
COVARIATES = np.column_stack([RNG.integers(0, 9, N), RNG.integers(0, 2, N)])
X = np.column_stack([np.ones(N, dtype=int), COVARIATES])
COUNT = RNG.poisson(3, N)
BINARY = (RNG.random(N) < 0.2 + 0.05 * COVARIATES[:, 0]).astype(int)
UNIT, PERIOD = np.repeat(np.arange(N // 4), 4), np.tile(np.arange(1, 5), N // 4)
FIRST = np.repeat(np.array([0, 3, 4])[np.arange(N // 4) % 3], 4)
WEIGHTS = RNG.integers(1, 5, N)
FOLLOWED = {"time": TIME, "event": EVENT}
FAILED = {"time": TIME, "state": STATE}


@dataclasses.dataclass(frozen=True)
class Fit:
    """A call: arrays by argument, and the other options."""

    call: Callable[..., Any]
    arrays: dict[str, Any]
    options: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __call__(self, change: Callable[[str, Any], Any] = lambda _, values: values, **other: Any) -> Any:
        changed = {name: change(name, values) for name, values in self.arrays.items()}
        return self.call(**(changed | self.options | other))


FITS = {
    "kaplan_meier": Fit(kaplan_meier, {**FOLLOWED, "weights": WEIGHTS, "cluster": CLUSTER}),
    "nelson_aalen": Fit(nelson_aalen, {**FOLLOWED, "weights": WEIGHTS}),
    "logrank": Fit(logrank, {**FOLLOWED, "group": TREATED, "weights": WEIGHTS, "strata": CLUSTER % 2}),
    "rmst": Fit(rmst, {**FOLLOWED, "group": TREATED, "weights": WEIGHTS, "cluster": CLUSTER}, {"tau": 20}),
    "mean_cumulative_count": Fit(
        mean_cumulative_count, {"start": 0 * TIME, "stop": TIME, "event": EVENT, "person": np.arange(N)}
    ),
    "cox": Fit(cox, {**FOLLOWED, "X": COVARIATES, "weights": WEIGHTS, "strata": CLUSTER % 2, "cluster": CLUSTER}),
    "cox_cr2": Fit(cox, {**FOLLOWED, "X": COVARIATES, "cluster": CLUSTER}, {"small_sample": "CR2"}),
    "cumulative_incidence": Fit(cumulative_incidence, {**FAILED, "weights": WEIGHTS, "cluster": CLUSTER}, {"cause": 1}),
    "gray_test": Fit(gray_test, {**FAILED, "group": TREATED}, {"cause": 1}),
    "fine_gray": Fit(fine_gray, {**FAILED, "X": COVARIATES, "weights": WEIGHTS, "cluster": CLUSTER}, {"cause": 1}),
    "adjusted_survival": Fit(
        adjusted_survival, {**FOLLOWED, "treated": TREATED, "X": X, "cluster": CLUSTER}, {"tau": 20, "estimand": "ATT"}
    ),
    "adjusted_survival_standardised": Fit(
        adjusted_survival, {**FOLLOWED, "treated": TREATED, "X": X}, {"tau": 20, "estimand": "ATE", "by": "standardisation"}
    ),
    "adjusted_incidence": Fit(
        adjusted_incidence, {**FAILED, "treated": TREATED, "X": X, "cluster": CLUSTER}, {"cause": 1, "tau": 20, "estimand": "ATT"}
    ),
    "accelerated_failure_time": Fit(
        accelerated_failure_time, {**FOLLOWED, "X": X, "weights": WEIGHTS}, {"distribution": "weibull"}
    ),
    "linear": Fit(linear, {"y": COUNT, "X": X, "weights": WEIGHTS, "cluster": CLUSTER}),
    "logistic": Fit(logistic, {"y": BINARY, "X": X, "weights": WEIGHTS, "cluster": CLUSTER}),
    "poisson": Fit(poisson, {"y": COUNT, "X": X, "exposure": TIME, "weights": WEIGHTS, "cluster": CLUSTER}),
    "negative_binomial": Fit(
        negative_binomial, {"y": np.maximum(COUNT * COUNT // 3, 0), "X": X, "exposure": TIME // TIME, "cluster": CLUSTER}
    ),
    "fixed_effects_poisson": Fit(fixed_effects_poisson, {"y": COUNT, "X": COVARIATES, "unit": UNIT, "exposure": TIME}),
    "interrupted_time_series": Fit(interrupted_time_series, {"y": COUNT, "X": X, "exposure": TIME}, {"lags": 3}),
    "standardised_risk": Fit(
        standardised_risk, {"y": BINARY, "treated": TREATED, "X": X, "cluster": CLUSTER}, {"estimand": "ATT"}
    ),
    "standardised_rate": Fit(
        standardised_rate, {"y": COUNT, "treated": TREATED, "X": X, "exposure": TIME}, {"estimand": "ATE"}
    ),
    "aipw": Fit(aipw, {"y": BINARY, "treated": TREATED, "X": X, "cluster": CLUSTER}, {"estimand": "ATT"}),
    "quantile_regression": Fit(quantile_regression, {"y": TIME * 7 + np.arange(N) % 5, "X": X}),
    "censored_quantile": Fit(
        quantile_regression, {"y": TIME * 7 + np.arange(N) % 5, "X": X, "censored": (STATE == 0).astype(int), "cluster": CLUSTER},
        {"q": 0.25, "draws": 20},
    ),
    "group_time_effects": Fit(group_time_effects, {"y": COUNT, "unit": UNIT, "time": PERIOD, "first_treated": FIRST}),
    "propensity_weights": Fit(propensity_weights, {"treated": TREATED, "X": X}),
    "entropy_weights": Fit(entropy_weights, {"treated": TREATED, "X": X}),
    "match": Fit(match, {"treated": TREATED, "X": X}),
    "balance": Fit(balance, {"treated": TREATED, "X": COVARIATES, "weights": WEIGHTS}),
    "overlap_by_area": Fit(overlap_by_area, {"treated": TREATED, "score": (1 + COVARIATES[:, 0]) / 16, "area": CLUSTER}),
    "wild_cluster_bootstrap": Fit(
        wild_cluster_bootstrap, {"y": COUNT, "X": X, "cluster": CLUSTER}, {"term": 1, "draws": 99}
    ),
}  # fmt: skip
MEMBERS = ("group", "strata", "cluster", "person", "unit", "area")
HARMLESS = {"collinear": ("entropy_weights",), "constant": ("entropy_weights", "adjusted_survival_standardised")}
"""Balance of one column is balance of its multiples; hazards have a baseline of their own and leave constants out."""
WITH_X = [name for name, fit in FITS.items() if "X" in fit.arrays]
WEIGHTED = [name for name, fit in FITS.items() if "weights" in fit.arrays]


def numbers(found: Any) -> np.ndarray:
    """Give every number of a result in one row."""
    if hasattr(found, "tidy"):
        found = found.tidy()
    if isinstance(found, pd.DataFrame):
        return found.select_dtypes("number").to_numpy(float).ravel()
    if isinstance(found, np.ndarray):
        return np.asarray(found, float).ravel()
    parts = [getattr(found, field.name) for field in dataclasses.fields(found)]
    kept = [np.ravel(np.asarray(part, float)) for part in parts if isinstance(part, float | int | np.number | np.ndarray)]
    return np.concatenate(kept)


def same(found: Any, expected: Any, tolerance: float = LIKE) -> None:
    np.testing.assert_allclose(numbers(found), numbers(expected), rtol=tolerance, atol=1e-9)


def answer(call: Callable[[], Any]) -> np.ndarray:
    """Give the numbers, none where the call says in words what is wrong with its input."""
    try:
        return numbers(call())
    except ValueError as error:
        if ": " in str(error):
            return np.zeros(0)
        raise


TURNS: dict[str, Callable[[np.ndarray], Any]] = {
    "float32": lambda a: a.astype(np.float32),
    "unsigned": lambda a: a.astype(np.uint8) if a.max(initial=0) < 256 else a.astype(np.uint16),
    "not contiguous": lambda a: np.repeat(a, 2, axis=0)[::2],
    "Fortran": np.asfortranarray,
    "nullable": lambda a: (pd.DataFrame(a) if a.ndim == 2 else pd.Series(a)).convert_dtypes(),
    "other index": lambda a: pd.DataFrame(a, index=np.arange(N) + 9) if a.ndim == 2 else pd.Series(a, index=np.arange(N)[::-1]),
    "list": lambda a: a.tolist(),
    "objects": lambda a: (pd.DataFrame(a) if a.ndim == 2 else pd.Series(a)).astype(object),
    "Arrow": lambda a: pa.table(pd.DataFrame(a).rename(columns=str)) if a.ndim == 2 else pa.array(a),
}


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("name", FITS)
def test_types_of_arrays_make_no_difference(name: str, turn: str) -> None:
    whole = turn in ("float32", "unsigned")  # a propensity score is not, and stays as it is
    same(FITS[name](lambda _, a: a if whole and a.dtype.kind == "f" else TURNS[turn](a)), FITS[name]())


REFUSED = [
    (name, role, value)
    for name, fit in FITS.items()
    for role in fit.arrays
    for value in (np.nan, np.inf)
    if not (np.isinf(value) and role in (*MEMBERS, "first_treated"))  # members have any name; never treated is infinite in R
]


def broken(a: np.ndarray, value: float) -> np.ndarray:
    out = a.astype(float)
    out[[1, 7]] = value
    return out


@pytest.mark.parametrize(("name", "role", "value"), REFUSED)
def test_missing_and_infinite_values_are_refused_with_counts(name: str, role: str, value: float) -> None:
    with pytest.raises(ValueError, match=r"\b(2|x0 \(2\))"):
        FITS[name](lambda at, a: broken(a, value) if at == role else a)


@pytest.mark.parametrize("name", FITS)
def test_no_row_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="at least one row, found none"):
        FITS[name](lambda _, a: a[:0])


@pytest.mark.parametrize("name", FITS)
def test_one_row_is_refused_in_words_or_gives_numbers(name: str) -> None:
    assert not np.isinf(answer(lambda: FITS[name](lambda _, a: a[:1]))).any()


@pytest.mark.parametrize("kind", ["text", "category"])
@pytest.mark.parametrize("name", WITH_X)
def test_text_and_categories_in_columns_are_refused_by_name(name: str, kind: str) -> None:
    with pytest.raises(ValueError, match="text or categories: place"):
        FITS[name](lambda at, a: pd.DataFrame(a).assign(place=pd.Series(["a", "b"] * (N // 2), dtype=kind.replace("text", "str")))
                   if at == "X" else a)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name, fit in FITS.items() for role in ("time", "y", "treated") if role in fit.arrays]
)
def test_text_as_outcome_is_refused(name: str, role: str) -> None:
    with pytest.raises(ValueError, match=f"^{role}: "):
        FITS[name](lambda at, a: a.astype(str) if at == role else a)


@pytest.mark.parametrize("name", [name for name in WITH_X if name not in ("balance", "match", "wild_cluster_bootstrap")])
@pytest.mark.parametrize("column", ["collinear", "constant"])
def test_columns_that_say_nothing_are_named(name: str, column: str) -> None:
    design = FITS[name].arrays["X"]
    more = design[:, -1] * 3 - design[:, -2] if column == "collinear" else np.zeros(N)
    wider = np.column_stack([design, more])
    if name in HARMLESS[column]:
        same(FITS[name](X=wider), FITS[name]())
    else:
        with pytest.raises(ValueError, match=r"column\(s\).*(x\d)"):
            FITS[name](X=wider)


@pytest.mark.parametrize("name", [name for name in WITH_X if name not in ("balance",)])
@pytest.mark.parametrize("factor", [1e8, 1e-8])
def test_scales_of_columns_make_no_difference(name: str, factor: float) -> None:
    fit = FITS[name]
    design = fit.arrays["X"]
    scale = np.where(np.arange(design.shape[1]) == design.shape[1] - 2, factor, 1.0)
    there, here = fit(X=design * scale), fit()
    if (
        not hasattr(here, "tidy")
        or len(here.tidy()) < len(scale)
        or name.startswith(("standardised", "aipw", "adjusted", "group"))
    ):
        return same(there, here)
    plain, scaled = (found.tidy()[["estimate", "se"]].to_numpy()[: len(scale)] for found in (here, there))
    return np.testing.assert_allclose(scaled * scale[:, None], plain, rtol=LIKE)


@pytest.mark.parametrize("size", [1e-12, 1e12])
@pytest.mark.parametrize("name", [name for name in WEIGHTED if name not in ("kaplan_meier", "nelson_aalen", "logrank")])
def test_the_size_of_weights_never_matters(name: str, size: float) -> None:
    fit = FITS[name]
    here, there = fit(), fit(weights=WEIGHTS * size)
    if name == "balance":
        return same(there, here)
    if not hasattr(here, "tidy"):
        return np.testing.assert_allclose(there.estimate, here.estimate, rtol=LIKE)
    estimates = [found.tidy().filter(["estimate", "se"]).to_numpy() for found in (here, there)]
    columns = slice(0, 1) if name == "accelerated_failure_time" else slice(None)  # errors count weights as rows, as survreg
    return np.testing.assert_allclose(estimates[1][:, columns], estimates[0][:, columns], rtol=LIKE, atol=1e-9)


@pytest.mark.parametrize("name", WEIGHTED)
def test_rows_of_weight_zero_are_as_if_left_out(name: str) -> None:
    fit = FITS[name]
    kept = CLUSTER < 10
    zero, left = fit(weights=WEIGHTS * kept), fit(lambda _, a: a[kept])
    if hasattr(zero, "tidy"):
        pd.testing.assert_frame_equal(zero.tidy(), left.tidy(), rtol=LIKE, atol=1e-9)
    elif hasattr(zero, "estimate"):
        for field in ("time", "estimate", "se"):
            np.testing.assert_allclose(getattr(zero, field), getattr(left, field), rtol=LIKE, atol=1e-9)
    else:
        same(zero, left)


ONE_EVENT = ("kaplan_meier", "nelson_aalen", "logrank", "rmst", "mean_cumulative_count", "cox", "cox_cr2", "cumulative_incidence",
             "gray_test", "fine_gray", "adjusted_survival", "adjusted_incidence", "accelerated_failure_time")  # fmt: skip


@pytest.mark.parametrize("name", ONE_EVENT)
def test_one_event_gives_numbers_or_says_why_not(name: str) -> None:
    """Row 20 is in the middle of the covariates."""
    role = "event" if "event" in FITS[name].arrays else "state"
    assert not np.isinf(answer(lambda: FITS[name](**{role: (np.arange(N) == 20).astype(int)}))).any()


@pytest.mark.parametrize("name", ONE_EVENT)
def test_all_events_in_one_group_or_stratum(name: str) -> None:
    role = "event" if "event" in FITS[name].arrays else "state"
    happened = EVENT * (TREATED if "group" in FITS[name].arrays else (CLUSTER % 2))
    assert not np.isinf(answer(lambda: FITS[name](**{role: happened}))).any()


@pytest.mark.parametrize("name", [name for name in ONE_EVENT if name not in ("mean_cumulative_count", "adjusted_incidence")])
def test_several_hundred_thousand_tied_times(name: str) -> None:
    """Each row 1,500 times over, all of them at three times: estimates are those of the rows once."""
    fit = FITS[name]
    copies = 1500
    time = 13 * (1 + TIME // 14)
    once = fit(time=time)
    often = fit(lambda at, a: np.tile(time if at == "time" else a, (copies,) + (1,) * (a.ndim - 1)))
    if hasattr(once, "coefficients") and "cox" not in name:
        np.testing.assert_allclose(often.coefficients, once.coefficients, rtol=LIKE, atol=1e-7)
    elif "cox" in name:
        assert np.isfinite(often.coefficients).all()  # Efron's ties are not those of copies
    elif hasattr(once, "estimate") and not hasattr(once, "statistic"):
        np.testing.assert_allclose(often.estimate, once.estimate, rtol=LIKE, atol=1e-9)
    else:
        assert not np.isinf(numbers(often)).any()


OFFSETS = [name for name in WITH_X if name not in ("balance", "quantile_regression")]
"""Not the median of whole days, which several planes share: `test_durations` has days without ties."""


@pytest.mark.parametrize("name", OFFSETS)
def test_a_column_far_from_zero_is_as_good_as_one_near_it(name: str) -> None:
    """A calendar date or a reference number: its values differ in the last eight digits alone."""
    fit = FITS[name]
    design = fit.arrays["X"]
    at = design.shape[1] - 2
    there, here = fit(X=design + np.where(np.arange(design.shape[1]) == at, 1e8, 0)), fit()
    if not hasattr(here, "tidy") or len(here.tidy()) < design.shape[1] or name.startswith(("standardised", "aipw", "adjusted")):
        same(there, here)
    elif name != "group_time_effects":
        parts = [found.tidy()[["estimate", "se"]].to_numpy()[at] for found in (here, there)]
        np.testing.assert_allclose(parts[1], parts[0], rtol=LIKE)


@pytest.mark.parametrize("value", ["x", None, [0.5, 0.9], np.nan, np.inf, -1.5])
@pytest.mark.parametrize(
    ("name", "option"),
    [
        (name, option)
        for name, fit in FITS.items()
        for option in inspect.signature(fit.call).parameters
        if option in ("level", "tau", "rho", "cause", "lags", "draws", "seed", "ratio", "caliper", "trim", "q", "value")
    ],
)
def test_options_are_refused_by_name(name: str, option: str, value: Any) -> None:
    if (option in ("caliper", "trim") and value is None) or (option == "value" and value == -1.5):
        return
    with pytest.raises(ValueError, match=rf"^{option}: expected"):
        FITS[name](**{option: value})
