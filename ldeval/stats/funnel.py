"""Variation of a share between sites beyond chance, and the limits of a funnel plot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Floats


@dataclass(frozen=True, slots=True)
class SiteVariation:
    """A test that all sites share one probability, and how far they differ beyond chance.

    `statistic` is Pearson's with `df` degrees of freedom, `dispersion` their ratio (1 where chance alone is at work), `spread`
    the standard deviation of the sites' own probabilities; `share` the pooled one.
    """

    share: float
    statistic: float
    df: int
    p_value: float
    dispersion: float
    spread: float


def site_variation(events: Any, n: Any) -> SiteVariation:
    """Compare the shares events / n of k sites with their pooled share p.

        X^2 = sum n (events / n - p)^2 / (p (1 - p)),   k - 1 degrees of freedom,
        spread^2 = max(0, (X^2 - (k - 1)) / (sum w - sum w^2 / sum w)),   w = n / (p (1 - p)),

    under independent people; the spread is DerSimonian and Laird's estimate by moments.

    Args:
        events: of each site, shape (k,).
        n: people of each site, above zero, shape (k,).

    Source: Spiegelhalter, 2005, doi:10.1002/sim.1970; DerSimonian and Laird, 1986, doi:10.1016/0197-2456(86)90046-2.

    Raises:
        ValueError: fewer than two sites, a site without people, more events than people, nobody or everybody with the event.

    """
    from scipy.special import chdtrc

    cases, people = doors.counts(events), doors.numbers(n, "n", rows=len(np.atleast_1d(events)))
    if len(cases) < 2:
        raise ValueError(f"n: expected at least 2 sites, found {len(cases)}")
    if wrong := int(((people <= 0) | (cases > people)).sum()):
        raise ValueError(f"n: expected people in every site and no more events than people, not so in {wrong} site(s)")
    share = float(cases.sum() / people.sum())
    if not 0 < share < 1:
        raise ValueError(f"events: expected people with and without the event, found {share:.0%} with it")
    weight = people / (share * (1 - share))
    statistic, df = float(weight @ (cases / people - share) ** 2), len(cases) - 1
    spread = max(0.0, (statistic - df) / (weight.sum() - weight @ weight / weight.sum())) ** 0.5
    return SiteVariation(share, statistic, df, float(chdtrc(df, statistic)), statistic / df, float(spread))


def funnel_limits(share: float, n: Any, critical: float) -> tuple[Floats, Floats]:
    """Give the limits share -/+ critical sqrt(share (1 - share) / n), within [0, 1], that chance alone seldom crosses.

    Args:
        share: that all sites have under chance alone.
        n: people of each site, shape (k,).
        critical: of the normal, such as 1.96.

    Source: Spiegelhalter, 2005, doi:10.1002/sim.1970, section 4.

    Raises:
        ValueError: n that a door refuses.

    """
    half = critical * np.sqrt(share * (1 - share) / doors.numbers(n, "n"))
    return np.maximum(share - half, 0.0), np.minimum(share + half, 1.0)
