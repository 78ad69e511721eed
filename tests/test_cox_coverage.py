"""Layer 4: the Cox model recovers the truth, and its 95% intervals cover it with 27 areas, ties, censoring and heterogeneity."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from coverage_table import read
from simulate_cox import simulate

BIAS = 4.0  # Monte Carlo errors; the truth is that of very many areas, from which 27 differ by a small part of the standard error
CORRECTED = ("people", ", CR1-t", ", CR2")
TOO_LOW = ("Cox model: treated", "treated by area, 27 areas, CR1-t")  # CR1-t does not see that few areas decide: CR2 does


def check(row: Any) -> None:
    """R's default covers too little with few clusters; the report does not take it."""
    assert abs(row.bias_over_mc_error) < BIAS
    if row.setting.endswith(CORRECTED) and (row.estimator, row.setting) != TOO_LOW:
        assert row.band_low <= row.coverage <= row.band_high


def test_the_committed_table_holds() -> None:
    rows = read("cox")
    assert (rows.draws >= 1000).all()
    for row in rows.itertuples():
        check(row)
    assert rows[~rows.setting.str.endswith(CORRECTED)].coverage.mean() < 0.94  # known and avoided


@pytest.mark.slow
def test_simulated_anew_it_still_holds() -> None:
    rows, committed = pd.DataFrame(simulate()), read("cox")
    pd.testing.assert_series_equal(rows.mean_estimate, committed.mean_estimate, rtol=1e-4)
    pd.testing.assert_series_equal(rows.coverage, committed.coverage, atol=0.001)
