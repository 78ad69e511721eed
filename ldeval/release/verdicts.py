"""What an estimate says in words, from where its interval lies against no effect and the effect that matters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ldeval.estimate import Estimate

Verdict = Literal[
    "a difference that matters",
    "a difference, but smaller than matters",
    "no difference that matters",
    "too imprecise to say",
]


def decide(estimate: Estimate, matters: float) -> Verdict:
    """Give one of the four wordings.

    `matters` is the smallest effect that matters: a ratio on either side of 1, or the size of a difference; effects at
    or beyond it, in either direction, matter. The whole interval decides, never its value alone: only an interval that
    lies wholly at or beyond the effect that matters shows a difference that matters. An interval that holds both effects
    that matter and effects that do not is too imprecise to say, even where it excludes no effect.

    Raises:
        ValueError: `matters` means no effect (1 for a ratio, 0 for a difference) or is no ratio above zero.

    """
    low, high = band(estimate, matters)
    if estimate.high <= low or estimate.low >= high:
        return "a difference that matters"
    if estimate.low <= low or estimate.high >= high:
        return "too imprecise to say"
    if estimate.low <= estimate.null <= estimate.high:
        return "no difference that matters"
    return "a difference, but smaller than matters"


Better = Literal["lower", "higher", ""]
"""Which way is better for an outcome; empty where the protocol does not say."""


def judged(estimate: Estimate, outcome: Mapping[str, Any]) -> bool:
    """Say whether the effect that matters for an outcome of the protocol is in the unit of the estimate."""
    return bool(outcome.get("unit") == estimate.unit)


def threshold(estimate: Estimate, outcome: Mapping[str, Any]) -> float:
    """Give the effect that matters for the outcome of an estimate.

    Raises:
        ValueError: it is in another unit than the estimate: a ratio is not judged by what matters of a difference.

    """
    if not judged(estimate, outcome):
        raise ValueError(
            f"{estimate.id} is in {estimate.unit}; what matters for {estimate.outcome} in study.toml is in "
            f"{outcome.get('unit')}: give the verdict of an estimate in that unit, or say in study.toml what matters in this one"
        )
    return float(outcome["matters"])


def excludes_null(estimate: Estimate) -> bool:
    """Say whether the interval leaves no effect out."""
    return not estimate.low <= estimate.null <= estimate.high


def band(estimate: Estimate, matters: float) -> tuple[float, float]:
    """Give the smallest effects that matter, on either side of no effect.

    Raises:
        ValueError: see `decide`.

    """
    if matters == estimate.null or (estimate.scale == "log" and matters <= 0):
        raise ValueError(f"{estimate.outcome}: matters = {matters} is no effect that could matter; see study.toml")
    if estimate.scale == "log":
        return min(matters, 1 / matters), max(matters, 1 / matters)
    return -abs(matters), abs(matters)
