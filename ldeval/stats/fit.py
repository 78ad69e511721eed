"""What every fitted model shares: coefficients with their covariance, told as one tidy table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ldeval.stats.doors import Floats

if TYPE_CHECKING:
    import pandas as pd


def tidy(
    names: tuple[str, ...], coefficients: Floats, covariance: Floats, *, level: float, df: float | None = None
) -> pd.DataFrame:
    """Give a row per coefficient: `term, estimate, se, low, high, p_value`, on the model's own scale.

    Wald intervals and two-sided p-values from the normal distribution, or from Student's t with `df` degrees of freedom.

    Args:
        names: p terms, in the order of X's columns.
        coefficients: shape (p,).
        covariance: shape (p, p).
        level: of the interval.
        df: degrees of freedom of t; None is the normal.

    """
    import pandas as pd
    from scipy.special import ndtri, stdtr, stdtrit

    se = np.sqrt(np.diag(covariance))
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
