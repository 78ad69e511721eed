"""Are the arms alike: standardised differences, variance ratios, distances of distributions, overlap by area."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Bools, Floats
from ldeval.stats.estimands import Weights, arms, effective_sample_size

if TYPE_CHECKING:
    import pandas as pd


def balance(treated: Any, X: Any, weights: Any = None) -> pd.DataFrame:
    """Compare the columns of two arms, a row per column of X.

    `mean_treated`, `mean_control`; `smd`, their difference over the standard deviation of the *unweighted* treated (of both
    arms, the root of the mean variance, where the weights carry the estimand ATE or overlap), so that weighting cannot shrink
    the yardstick (p (1 - p) is the variance of a 0/1 column); `variance_ratio`, treated over control (missing for 0/1
    columns, whose variance follows from the mean); `ks` and `ecdf_mean`, the largest and the mean distance of the two
    cumulative distributions over the column's values. A constant column has an `smd` of 0.

    Args:
        treated: 0 or 1, shape (n,).
        X: columns to compare, shape (n, p).
        weights: `Weights`, an array (n,), or None.

    Source: Stuart, 2010, doi:10.1214/09-STS313; conventions of R's MatchIt.

    Raises:
        ValueError: input that a door refuses; one arm only; an arm whose weights are all zero.

    """
    import pandas as pd

    arm, design = arms(treated, X)
    load = doors.weights(weights, len(arm))
    if not load[arm].any() or not load[~arm].any():
        raise ValueError("weights: expected some above zero in each arm, found an arm with none")
    pooled = isinstance(weights, Weights) and weights.estimand != "ATT"
    rows = [_compare(design.matrix[:, j], arm, load, pooled) for j in range(len(design.names))]
    table = pd.DataFrame(rows, columns=["mean_treated", "mean_control", "smd", "variance_ratio", "ks", "ecdf_mean"])
    table.insert(0, "term", list(design.names))
    return table


def overlap_by_area(treated: Any, score: Any, area: Any, *, weights: Any = None) -> pd.DataFrame:
    """Tell for each area how far its arms overlap in the propensity score.

    Columns: `area, treated, control` (rows of each arm), `score_treated, score_control` (mean scores, missing for an absent
    arm), `outside` (share of its rows whose score lies outside the range that both arms of all areas have), and
    `effective_control` (effective sample size of its weighted controls).

    Args:
        treated: 0 or 1, shape (n,).
        score: probability of treatment, shape (n,).
        area: shape (n,).
        weights: `Weights`, an array (n,), or None.

    Source: Imbens and Rubin (2015), Causal Inference for Statistics, Social, and Biomedical Sciences, chapter 14.

    Raises:
        ValueError: input that a door refuses; one arm only.

    """
    import pandas as pd

    arm, design = arms(treated, np.asarray(doors.numbers(score, "score")))
    scores, load = design.matrix[:, 0], doors.weights(weights, len(arm))
    groups = doors.groups(area, "area", len(arm))
    low = max(scores[arm].min(), scores[~arm].min())
    high = min(scores[arm].max(), scores[~arm].max())
    outside = (scores < low) | (scores > high)
    rows = [_overlap(arm[at], scores[at], outside[at], load[at]) for at in _members(groups.codes, len(groups.labels))]
    names = ["treated", "control", "score_treated", "score_control", "outside", "effective_control"]
    table = pd.DataFrame(rows, columns=names)
    table.insert(0, "area", list(groups.labels))
    return table


def _members(codes: Any, count: int) -> list[Any]:
    order = np.argsort(codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(codes, minlength=count))[:-1])


def _overlap(arm: Bools, score: Floats, outside: Bools, load: Floats) -> tuple[float, ...]:
    control = load[~arm]
    return (
        int(arm.sum()),
        int((~arm).sum()),
        float(score[arm].mean()) if arm.any() else float("nan"),
        float(score[~arm].mean()) if len(control) else float("nan"),
        float(outside.mean()),
        effective_sample_size(control) if control.any() else 0.0,
    )


def _compare(column: Floats, arm: Bools, load: Floats, pooled: bool) -> tuple[float, ...]:
    one, zero = column[arm], column[~arm]
    shift = column.mean()
    mean_one, variance_one = _moments(one - shift, load[arm])
    mean_zero, variance_zero = _moments(zero - shift, load[~arm])
    gap = mean_one - mean_zero
    binary = bool(np.isin(column, (0.0, 1.0)).all())
    yardstick = _spread(one - shift, binary)
    if pooled:
        yardstick = (yardstick + _spread(zero - shift, binary)) / 2
    smd = 0.0 if column.min() == column.max() else _ratio(gap, np.sqrt(yardstick))
    ratio = float("nan") if binary else _ratio(variance_one, variance_zero)
    largest, mean = _distances(column, arm, load)
    return float(mean_one + shift), float(mean_zero + shift), smd, ratio, largest, abs(gap) if binary else mean


def _ratio(top: float, bottom: float) -> float:
    return float(top / bottom) if bottom > 0 else float("nan")


def _spread(values: Floats, binary: bool) -> float:
    """Give the variance: p (1 - p) for a 0/1 column, else with n - 1."""
    return float(values.var()) if binary or len(values) < 2 else float(values.var(ddof=1))


def _moments(values: Floats, load: Floats) -> tuple[float, float]:
    """Give the weighted mean and the weighted variance, unbiased for weights that only say how much a row counts."""
    share = load / load.sum()
    mean = float(share @ values)
    left = 1 - float(share @ share)
    return mean, float(share @ (values - mean) ** 2) / left if left > 0 else float("nan")


def _distances(column: Floats, arm: Bools, load: Floats) -> tuple[float, float]:
    order = np.argsort(column, kind="stable")
    values, signed = column[order], np.where(arm, load / load[arm].sum(), -load / load[~arm].sum())[order]
    last = np.append(np.diff(values) > 1e-10 * (values[-1] - values[0]), True)  # scores of like rows differ by rounding
    gaps = np.abs(np.cumsum(signed)[last])
    return float(gaps.max()), float(gaps.mean())
