"""Weights that make arms alike: propensity scores and entropy balancing; matching and balance beside them.

The estimand travels with the weights: see `estimands`.
"""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from ldeval.stats import doors, families, glm
from ldeval.stats.balance import balance, overlap_by_area
from ldeval.stats.doors import Bools, Design, Floats
from ldeval.stats.estimands import Estimand, ScoreModel, Weights, arms, effective_sample_size
from ldeval.stats.matching import Match, match

__all__ = [
    "Estimand",
    "Match",
    "Weights",
    "balance",
    "effective_sample_size",
    "entropy_weights",
    "match",
    "overlap_by_area",
    "propensity_weights",
]

LONGEST = (
    5.0  # of a step of entropy balancing, in logarithms of weights: beyond, so little weight may be left that nothing leads back
)


def propensity_weights(
    treated: Any, X: Any, *, estimand: Estimand = "ATT", stabilise: bool = False, trim: float | None = None
) -> Weights:
    """Weigh by the propensity score e(x), fitted by logistic regression of treatment on X.

    Weights of treated and controls: ATT 1 and e / (1 - e); ATE 1 / e and 1 / (1 - e); overlap 1 - e and e. In general h(x) /
    P(arm | x) with the tilting function h = e, 1, e (1 - e). The weighted difference of means is the estimand's effect if
    nothing outside X moves both treatment and outcome, if every x can occur in both arms, and if the score model holds.

    Args:
        treated: 0 or 1, shape (n,).
        X: design with its own intercept column, shape (n, p).
        estimand: ATT, ATE or overlap.
        stabilise: multiply each arm's weights by the arm's share and divide by the mean of h, so that they are 1 on average.
        trim: give weight zero to rows with a score outside [trim, 1 - trim]; the effect is then that on the others (Crump,
            Hotz, Imbens and Mitnik, 2009, doi:10.1093/biomet/asn055).

    Source: Li, Morgan and Zaslavsky, 2018, doi:10.1080/01621459.2016.1260466, table 1.

    Raises:
        ValueError: input that a door refuses; one arm only; collinear columns; columns that separate the arms, by name; a
            trim that leaves no row in an arm.

    """
    doors.choice("estimand", estimand, get_args(Estimand))
    arm, design = arms(treated, X)
    solution = glm.fit(families.Binomial(), glm.problem(design, arm.astype(np.float64)))
    score, odds = solution.mean, solution.odds
    if trim is not None and not 0 <= doors.number(trim, "trim") < 0.5:
        raise ValueError(f"trim: expected a share from 0 to below 0.5, found {trim}")
    kept = np.ones(len(arm), dtype=bool) if trim is None else (score >= trim) & (score <= 1 - trim)
    if not (kept & arm).any() or not (kept & ~arm).any():
        raise ValueError(f"trim: no row of one arm has a score in [{trim}, {1 - float(trim or 0)}]; trim less")
    values, slope = _tilted(arm, odds, estimand)
    values, slope = values * kept, slope * kept
    if stabilise:
        factor = _arm_shares(arm) / _tilting(score, estimand).mean()
        values, slope = values * factor, slope * factor
    method = f"{estimand} weights, logistic propensity score on {len(design.names)} columns"
    method += ", stabilised" if stabilise else ""
    method += f", {int((~kept).sum())} rows outside [{trim}, {1 - trim}] trimmed" if trim is not None else ""
    influence = (design.matrix * solution.residual[:, None]) @ solution.raw_covariance(solution.inverse)
    return Weights(values, arm, estimand, method, score, ScoreModel(slope[:, None] * design.matrix, influence))


def entropy_weights(treated: Any, X: Any, *, estimand: Estimand = "ATT") -> Weights:
    """Weigh so that the column means agree exactly, staying as close to equal weights as entropy allows.

    Minimises sum w log w subject to sum w x = the target's mean of x and to the arm's total: w_i proportional to exp(x_i'b).
    ATT: controls take the treated's means and sum to their number. ATE: each arm takes everyone's means and sums to n.
    Consistent if either the outcome or the log odds of treatment are linear in X (Zhao and Percival, 2017,
    doi:10.1515/jci-2016-0010).

    Args:
        treated: 0 or 1, shape (n,).
        X: columns to balance, shape (n, p); constant columns are balanced already and allowed.
        estimand: ATT or ATE.

    Source: Hainmueller, 2012, doi:10.1093/pan/mpr025.

    Raises:
        ValueError: input that a door refuses; one arm only; estimand "overlap"; means that no weights can reach (names the
            columns).

    """
    doors.choice("estimand", estimand, ("ATT", "ATE"))
    arm, design = arms(treated, X)
    target = (design.matrix[arm] if estimand == "ATT" else design.matrix).mean(axis=0)
    values = np.ones(len(arm))
    values[~arm] = _tilt_to(Design(design.matrix[~arm], design.names), target) * (arm.sum() if estimand == "ATT" else len(arm))
    if estimand == "ATE":
        values[arm] = _tilt_to(Design(design.matrix[arm], design.names), target) * len(arm)
    return Weights(values, arm, estimand, f"{estimand} weights, entropy balancing of {len(design.names)} columns")


def _tilting(score: Floats, estimand: Estimand) -> Floats:
    if estimand == "ATE":
        return np.ones_like(score)
    return score if estimand == "ATT" else score * (1 - score)


def _tilted(arm: Bools, odds: Floats, estimand: Estimand) -> tuple[Floats, Floats]:
    """Give each row's weight and its slope in the linear predictor."""
    if estimand == "ATT":
        return np.where(arm, 1.0, odds), np.where(arm, 0.0, odds)
    if estimand == "ATE":
        return np.where(arm, 1 + 1 / odds, 1 + odds), np.where(arm, -1 / odds, odds)
    score, rest = odds / (1 + odds), 1 / (1 + odds)
    return np.where(arm, rest, score), np.where(arm, -1.0, 1.0) * score * rest


def _arm_shares(arm: Bools) -> Floats:
    share = arm.mean()
    return np.asarray(np.where(arm, share, 1 - share), dtype=np.float64)


def _tilt_to(design: Design, target: Floats) -> Floats:
    """Give weights that sum to 1 and whose column means are the target: Newton's method on the log of the normalising sum."""
    scale = design.matrix.std(axis=0)
    centred = design.matrix - target
    size = np.maximum(np.abs(design.matrix).max(axis=0), np.abs(target))
    level = scale <= 1e-12 * size
    _refuse_out_of_range(design, target, level, size)
    if level.all():
        return np.full(len(centred), 1 / len(centred))
    moments = centred[:, ~level] / scale[~level]
    found = _minimise(moments)
    if found is None:
        raise ValueError("X: no weights give the controls (or an arm) the wanted means of all columns together; drop columns")
    return found


def _minimise(moments: Floats) -> Floats | None:
    tilt, value = np.zeros(moments.shape[1]), np.log(len(moments))
    weights = np.full(len(moments), 1 / len(moments))
    for _ in range(200):
        gradient = weights @ moments
        if np.abs(gradient).max() < 1e-12:
            return weights
        spread = (moments * weights[:, None]).T @ moments - np.outer(gradient, gradient)
        step = np.linalg.lstsq(spread, -gradient, rcond=1e-12)[0]
        step = step * min(1.0, LONGEST / max(float(np.ptp(moments @ step)), 1e-300))
        for _ in range(40):
            ahead, ahead_value = _softmax(moments @ (tilt + step))
            if ahead_value <= value + 1e-4 * float(gradient @ step) + 1e-14:
                break
            step = step / 2
        tilt, value, weights = tilt + step, ahead_value, ahead
    return weights if np.abs(weights @ moments).max() < 1e-8 else None


def _softmax(eta: Floats) -> tuple[Floats, float]:
    top = float(eta.max())
    shares = np.exp(eta - top)
    total = float(shares.sum())
    return shares / total, top + float(np.log(total))


def _refuse_out_of_range(design: Design, target: Floats, level: Bools, size: Floats) -> None:
    low, high = design.matrix.min(axis=0), design.matrix.max(axis=0)
    out = np.where(level, np.abs(target - low) > 1e-9 * size, (target <= low) | (target >= high))
    if out.any():
        names = ", ".join(name for name, bad in zip(design.names, out, strict=True) if bad)
        raise ValueError(
            f"X: {int(out.sum())} column(s) have a wanted mean outside the range of an arm: {names}; drop or regroup them"
        )
