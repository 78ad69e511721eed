"""Where the time axis of curves has its ticks, and with them the table of numbers at risk."""

from __future__ import annotations

STEPS = {"weeks": (1, 2, 4, 13, 26, 52), "months": (1, 2, 3, 6, 12, 24), "days": (1, 7, 30, 91, 182, 365)}


def ticks(end: float, unit: str) -> list[float]:
    """Give at most eight or so round times from 0 to `end`, in the steps that people count such times in."""
    steps = STEPS.get(unit, (1, 2, 5, 10, 20, 50))
    step = next((s for s in steps if end / s <= 7), steps[-1])
    return [step * i for i in range(int(end / step) + 1)]
