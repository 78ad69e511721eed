"""A share of people as an estimate, from the counts that are released."""

from __future__ import annotations

from math import sqrt

from ldeval.analysis.counted import Share
from ldeval.estimate import Estimate
from ldeval.release.counts_table import WHOLE
from ldeval.release.policy import Policy


def share_estimate(share: Share, events: int, n: int, policy: Policy | None) -> Estimate:
    """Give events / n with Wilson's interval; under a policy with decimals only where enough people are behind it.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    value = events / n if n else 0.0
    low, high = _wilson(value, n, share.level) if n else (0.0, 1.0)
    digits = 16 if policy is None else 3 if n >= policy.decimals_from else 2
    value = round(min(value, 1.0), digits)
    return Estimate(
        id=share.id,
        outcome=share.outcome,
        measure=share.measure,
        unit="share" if policy is None or digits > 2 else WHOLE,
        estimand="descriptive",
        value=value,
        se=sqrt(value * (1 - value) / n) if n else 0.0,
        scale="identity",
        low=min(value, round(low, digits)),
        high=max(value, round(high, digits)),
        level=share.level,
        n=n,
        events=events,
        method="share of people, Wilson's interval" + ("" if policy is None else ", of rounded counts"),
    )


def _wilson(value: float, n: int, level: float) -> tuple[float, float]:
    from scipy.special import ndtri

    z = float(ndtri(0.5 + level / 2))
    middle = (value + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(max(value * (1 - value), 0.0) / n + z * z / (4 * n * n))
    return max(middle - half, 0.0), min(middle + half, 1.0)
