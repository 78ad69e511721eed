"""Layer 4: estimators of survival and competing risks recover the truth, and their 95% intervals cover it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from coverage_table import read
from simulate_survival import DRAWS, simulate

BIAS = 4.0  # Monte Carlo errors; of some forty rows the largest is near 2.5 by chance


def check(row: Any) -> None:
    assert abs(row.bias_over_mc_error) < BIAS
    assert row.band_low <= row.coverage <= row.band_high


@pytest.mark.parametrize("table", ["survival", "competing"])
def test_the_committed_table_holds(table: str) -> None:
    rows = read(table)
    assert (rows.draws >= 1000).all()
    for row in rows.itertuples():
        check(row)


@pytest.mark.slow
def test_simulated_anew_it_still_holds() -> None:
    rows = pd.DataFrame(simulate(DRAWS))
    for row in rows.itertuples():
        check(row)
    for table, part in rows.groupby("table"):
        committed = read(table)
        pd.testing.assert_series_equal(part.mean_estimate, committed.mean_estimate, check_index=False, rtol=1e-4)
