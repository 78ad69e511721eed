"""Means of two arms from a fitted model or from influence functions, and their contrasts by the delta method."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ldeval.stats import families, glm
from ldeval.stats._products import along
from ldeval.stats.doors import Bools, Codes, Design, Floats

Measure = Literal["risk", "rate", "mean"]


def with_treatment(arm: Bools, design: Design) -> Design:
    """Put the treatment in front of the other columns, under the name `treated`."""
    return Design(np.column_stack([arm.astype(np.float64), design.matrix]), ("treated", *design.names))


def standardised(solution: glm.Solution, family: families.Family, share: Floats) -> tuple[Floats, Floats]:
    """Average the predictions under treatment and under control, in that order.

    The first column is the treatment; the offset is left out. `family.parts` must give d(mean)/d(eta) as its weight
    (canonical links).

    Args:
        solution: the fit.
        family: for its mean.
        share: shape (n,), sums to 1: the target population.

    Returns:
        the two means (2,) and their derivatives in the coefficients in standard units (2, p).

    """
    posed, coefficients = solution.problem, solution.coefficients
    means, slopes = np.zeros(2), np.zeros((2, len(coefficients)))
    treatment = posed.scaling.back()[0]
    for rows, given in posed.blocks():
        held = share[rows] > 0  # the means of others may be infinite
        part, own, y, eta = share[rows][held], posed.design.matrix[rows, 0][held], posed.y[rows][held], np.empty(held.sum())
        for which, value in enumerate((1.0, 0.0)):
            block = given[held] + np.outer(value - own, treatment)
            along(block, coefficients, out=eta)
            mean, _, slope, _ = family.parts(y, eta)
            means[which] += part @ mean
            slopes[which] += (part * slope) @ block
    return means, slopes


def contrasts(means: Floats, covariance: Floats, measure: Measure) -> tuple[tuple[str, ...], Floats, Floats]:
    """Give the two means, their difference, and the logs of their ratio and odds ratio where these exist, with the covariance.

    A ratio needs means above zero, an odds ratio risks below one as well: `measure` "mean" has neither, "rate" the first only.
    Where the means lie outside (augmentation does not keep them in) these logarithms and their errors are missing.
    """
    one, zero = means
    names = [f"{measure}_treated", f"{measure}_control", f"{measure}_difference"]
    values, slopes = [one, zero, one - zero], [[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]
    if measure != "mean":
        names.append(f"log_{measure}_ratio")
        defined = min(one, zero) > 0
        values.append(np.log(one / zero) if defined else np.nan)
        slopes.append([1 / one, -1 / zero] if defined else [np.nan, np.nan])
    if measure == "risk":
        names.append("log_odds_ratio")
        defined = min(one, zero) > 0 and max(one, zero) < 1
        values.append(np.log(one / (1 - one)) - np.log(zero / (1 - zero)) if defined else np.nan)
        slopes.append([1 / (one * (1 - one)), -1 / (zero * (1 - zero))] if defined else [np.nan, np.nan])
    jacobian = np.array(slopes)
    return tuple(names), np.array(values), jacobian @ covariance @ jacobian.T


def influence_covariance(influence: Floats, codes: Codes | None, count: int, correct: bool) -> Floats:
    """Give the covariance of estimates from the influence of each row (n, k), which sums to about zero.

    Rows are independent (sample variance, n / (n - 1)), or clusters are where `codes` (0, ..., count - 1) name them;
    `correct` then multiplies by G / (G - 1).
    """
    if codes is None:
        return np.asarray(influence.T @ influence * (len(influence) / (len(influence) - 1)))
    sums = np.column_stack([np.bincount(codes, column, minlength=count) for column in influence.T])
    factor = count / (count - 1) if correct else 1.0
    return np.asarray(factor * sums.T @ sums)
