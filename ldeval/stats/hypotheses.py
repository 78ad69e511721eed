"""The result of a test, and the quadratic form that most of them end in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats.doors import Floats


@dataclass(frozen=True, slots=True)
class Test:
    """A test: `statistic`, chi-squared on `df` degrees of freedom under the hypothesis `null`, which is said in words.

    `groups` are the labels, `observed` and `expected` the (weighted) events of each group; `n` the rows.
    """

    statistic: float
    df: int
    p_value: float
    null: str
    groups: tuple[str, ...]
    observed: Floats
    expected: Floats
    n: int
    method: str


def quadratic_form(score: Floats, covariance: Floats) -> tuple[float, int]:
    """Give score' V^- score and the rank of V; scores of shape (k,) that sum to zero have a V of rank k - 1 at most."""
    scale = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    unit = np.where(scale > 0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(unit, unit))
    kept = values > 1e-10 * max(len(score), 1)
    turned = vectors[:, kept].T @ (score / unit)
    return float(np.sum(turned**2 / values[kept])), int(kept.sum())


def chi_squared_tail(statistic: float, df: int) -> float:
    """P(X > statistic) for X chi-squared with df degrees of freedom."""
    from scipy.special import chdtrc

    return float(chdtrc(df, statistic))
