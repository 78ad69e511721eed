"""Steps of equally many rows, whose sums are made first: sums between bounds of rows are put together from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats.doors import Codes

STEP = 16  # rows that are summed at once


@dataclass(frozen=True, slots=True)
class Steps:
    """The steps that lie between two bounds (`pure`), the rows of all others (`loose`), and where the bounds are among each."""

    pure: Codes
    pure_bounds: Codes
    loose: Codes
    loose_bounds: Codes


def steps_between(bounds: Codes, rows: int) -> Steps:
    """Lay out the steps of so many rows between bounds."""
    several = np.zeros(rows // STEP + 1, dtype=bool)
    several[bounds // STEP] = True
    several[-1] = True
    pure, loose = np.flatnonzero(~several), np.flatnonzero(np.repeat(several, STEP)[:rows])
    return Steps(pure, np.searchsorted(pure * STEP, bounds), loose, np.searchsorted(loose, bounds))
