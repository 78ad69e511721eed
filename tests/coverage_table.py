"""The one shape of the tables in tests/coverage: a row for each estimator and setting that was simulated."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom

FOLDER = Path(__file__).parent / "coverage"
LEVEL = 0.95
OUTSIDE = 0.0005  # chance at each end that true 95% intervals leave the band


def summary(estimator: str, setting: str, truth: float, found: Any, seed: int) -> dict[str, Any]:
    """Give a row from draws of (estimate, se, low, high), shape (draws, 4)."""
    estimate, se, low, high = np.asarray(found, dtype=float).T
    draws, spread = len(estimate), float(np.std(estimate, ddof=1))
    band_low, band_high = binom.ppf([OUTSIDE, 1 - OUTSIDE], draws, LEVEL) / draws
    return {
        "estimator": estimator,
        "setting": setting,
        "truth": float(truth),
        "mean_estimate": float(np.mean(estimate)),
        "bias_over_mc_error": float((np.mean(estimate) - truth) / (spread / np.sqrt(draws))),
        "sd": spread,
        "mean_se": float(np.mean(se)),
        "coverage": float(np.mean((low <= truth) & (truth <= high))),
        "band_low": float(band_low),
        "band_high": float(band_high),
        "draws": draws,
        "seed": seed,
    }


def write(name: str, rows: list[dict[str, Any]]) -> None:
    pd.DataFrame(rows).to_csv(FOLDER / f"{name}.csv", index=False, float_format="%.6g", lineterminator="\n")


def read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / f"{name}.csv")
