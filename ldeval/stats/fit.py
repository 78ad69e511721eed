"""What every fitted model shares: coefficients with their covariance, told as one tidy table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ldeval.stats.doors import Floats

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted model: p coefficients on the model's own scale with their covariance.

    `errors` says in words how the covariance was made. `df` are the degrees of freedom of Student's t (one for all, or one per
    coefficient); None is the normal. `fitted` holds the fitted mean of each row, shape (n,).
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    level: float
    n: int
    errors: str
    df: float | Floats | None
    loglik: float
    fitted: Floats

    def tidy(self) -> pd.DataFrame:
        """Give a row per coefficient: `term, estimate, se, low, high, p_value`."""
        return tidy(self.names, self.coefficients, self.covariance, level=self.level, df=self.df)


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Quantities derived from a model (means of arms, their differences, logs of their ratios) with their joint covariance.

    `errors` says in words how the covariance was made; `df` are the degrees of freedom of Student's t, None the normal.
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    level: float
    n: int
    estimand: str
    errors: str
    df: float | None

    def tidy(self) -> pd.DataFrame:
        """Give a row per quantity: `term, estimate, se, low, high, p_value`; terms that begin with `log_` are logarithms."""
        return tidy(self.names, self.coefficients, self.covariance, level=self.level, df=self.df)


def tidy(
    names: tuple[str, ...], coefficients: Floats, covariance: Floats, *, level: float, df: float | Floats | None = None
) -> pd.DataFrame:
    """Give a row per coefficient: `term, estimate, se, low, high, p_value`, on the model's own scale.

    Wald intervals and two-sided p-values from the normal distribution, or from Student's t with `df` degrees of freedom.

    Args:
        names: p terms, in the order of X's columns.
        coefficients: shape (p,).
        covariance: shape (p, p).
        level: of the interval.
        df: degrees of freedom of t, one or shape (p,); None is the normal.

    """
    import pandas as pd
    from scipy.special import ndtri, stdtr, stdtrit

    se = np.sqrt(np.maximum(np.diag(covariance), 0.0))  # a variance of nought may come out a rounding below
    critical = ndtri(0.5 + level / 2) if df is None else stdtrit(df, 0.5 + level / 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.abs(coefficients / se)
    p_value = 2 * stdtr(df, -z) if df is not None else _two_sided(z)
    low, high = coefficients - critical * se, coefficients + critical * se
    columns = {"term": list(names), "estimate": coefficients, "se": se, "low": low, "high": high, "p_value": p_value}
    return pd.DataFrame(columns)


def _two_sided(z: Floats) -> Floats:
    from scipy.special import ndtr

    return np.asarray(2 * ndtr(-z), dtype=np.float64)
