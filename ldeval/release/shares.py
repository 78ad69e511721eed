"""A share of people as an estimate, from the counts that are released."""

from __future__ import annotations

from math import sqrt

from ldeval.analysis.counted import Share
from ldeval.estimate import Estimate
from ldeval.release.policy import Policy

WHOLE = "rounded share"
"""The unit of shares that are printed with the decimals that they were released with."""


def share_estimate(share: Share, events: int, n: int, policy: Policy | None) -> Estimate:
    """Give events / n with Wilson's interval; under a policy with decimals only where enough people are behind it."""
    digits = 16 if policy is None else policy.digits(n)
    value = min(events / n, 1.0) if n else 0.0
    low, high = around(value, n, share.level) if n else (0.0, 1.0)
    return Estimate(
        id=share.id,
        outcome=share.outcome,
        measure=share.measure,
        unit="share" if digits > 2 else WHOLE,
        estimand="descriptive",
        value=round(value, digits),
        se=wald(value, n) if n else 0.0,
        scale="identity",
        low=min(round(value, digits), round(low, digits)),
        high=max(round(value, digits), round(high, digits)),
        level=share.level,
        n=n,
        events=events,
        method="share of those counted, Wilson's interval" + ("" if policy is None else ", of rounded counts"),
    )


def wald(value: float, n: float) -> float:
    """Give the standard error of a share, sqrt(p (1 - p) / n)."""
    return sqrt(max(value * (1 - value), 0.0) / n)


def around(value: float, n: float, level: float) -> tuple[float, float]:
    """Give the interval of a share of `n` people (or of as many as would give its error).

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(value * (1 - value), 0.0) / n + z * z / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)
