"""Where a search by Newton's method begins, and how it ends by the gains of its steps: the square of each, in standard errors.

Near a maximum each gain falls by the square of what the one before fell by. Where the likelihood rises for ever along some
direction (separation), each step moves a linear predictor by about one, and gains fall by about e from step to step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

STILL, FAR = 1e-3, 0.5
"""Moves of a row's linear predictor: up to which a search may end, and from which on it may have none."""
NOISE, SLOW = 1e-10, 0.05
"""A gain below the first that has not fallen to this part of the one before is rounding."""
SURE = 14, 0.006
"""Gains that fall to 1/e, and how nearly, after which more will where what is left is soon lost to rounding."""
NEARBY = 1e-3
"""A gain above this may be that of a search that comes from far off."""

LARGE, SAMPLE = 50_000, 40_000
"""Rows from which a start from about so many of them pays."""
ROUGH = 1e-2
"""The least gain that counts of a search for a start."""


def every(rows: int) -> int | None:
    """Give which so-manyth rows to seek a start from; None where there are too few for that to pay."""
    return max(8, rows // SAMPLE) if rows >= LARGE else None


def settled(gains: Sequence[float], least: float) -> bool:
    """Say whether the last gain, or the next one that it foretells, is below the least that counts."""
    last = gains[-1]
    fall = last / gains[-2] if len(gains) > 1 else 1.0
    return min(last, last * fall * fall) < least


def rounding(gains: Sequence[float]) -> bool:
    """Say whether the last gain is the rounding of a search that has ended."""
    return len(gains) > 1 and NOISE > gains[-1] > SLOW * gains[-2]


def endless(gains: Sequence[float], run: int = 20, near: float = 0.2) -> bool:
    """Say whether the last gains, as many as `run`, fall as where there is no maximum: to about 1/e each, `near` or nearer."""
    falls = [other / one - math.exp(-1) for one, other in pairwise(gains[-run - 1 :])]
    return len(falls) == run and gains[-1] < NEARBY and max(map(abs, falls)) < near
