"""Layer 4: the Cox model recovers the truth, and its 95% intervals cover it with 27 areas, ties, censoring and heterogeneity."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parent / "coverage"))

from simulate_cox import TABLE, simulate

BIAS = 4.0  # Monte Carlo errors; the truth is that of very many areas, from which 27 differ by a small part of the standard error
TOO_LOW = ("treated by area, 27 areas", "CR1-t", "treated")  # CR1-t does not see that few areas decide: CR2 does


def must_cover(row: Any) -> bool:
    """R's default covers too little with few clusters; the report does not take it."""
    return (row.small_sample != "none" or row.setting == "people") and (row.setting, row.small_sample, row.term) != TOO_LOW


def check(row: Any) -> None:
    assert abs(row.bias_z) < BIAS
    if must_cover(row):
        assert row.band_low <= row.coverage <= row.band_high


def test_the_committed_table_holds() -> None:
    rows = pd.read_csv(TABLE)
    assert (rows.draws >= 1000).all()
    for row in rows.itertuples():
        check(row)
    assert rows[rows.setting.str.contains("27 areas") & (rows.small_sample == "none")].coverage.mean() < 0.94  # known and avoided


@pytest.mark.slow
def test_simulated_anew_it_still_holds() -> None:
    rows, committed = simulate(), pd.read_csv(TABLE)
    pd.testing.assert_series_equal(rows["mean"], committed["mean"], rtol=1e-4)
    pd.testing.assert_series_equal(rows["coverage"], committed["coverage"], atol=0.001)
