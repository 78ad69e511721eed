"""The wild cluster bootstrap: tests of one coefficient of a linear model with few clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats import doors, families, glm
from ldeval.stats.doors import Floats, Groups
from ldeval.stats.linear import spare_rows

MOST_SIGNS = 16
"""Up to this many clusters all combinations of signs are used where they are no more than the draws."""


@dataclass(frozen=True, slots=True)
class WildTest:
    """`statistic` is the clustered t of the coefficient; `p_value` its place among the draws; `null` in words."""

    statistic: float
    p_value: float
    draws: int
    null: str


def wild_cluster_bootstrap(
    y: Any, X: Any, *, term: str | int, cluster: Any, draws: int = 9999, seed: int = 0, value: float = 0.0
) -> WildTest:
    """Test that one coefficient of a linear model equals `value`, with the null imposed and Rademacher signs for clusters (WCR).

    Residuals of the fit under the null keep their size but take a random sign for each cluster; p is the share of draws whose
    clustered |t| is at or above the observed one. Keeps its level with few clusters, if no single one dominates the
    coefficient. With G clusters and 2^G no more than `draws` all sign combinations are used, once each.

    Args:
        y: outcome, shape (n,).
        X: design with its own intercept column, shape (n, p).
        term: name (or place) of the column tested.
        cluster: membership, shape (n,).
        draws: how many sign vectors.
        seed: of the generator.
        value: of the coefficient under the null.

    Source: Cameron, Gelbach and Miller, 2008, doi:10.1162/rest.90.3.414; Roodman et al., 2019, doi:10.1177/1536867X19830877.

    Raises:
        ValueError: input that a door refuses; a term that X does not have; fewer than 2 clusters; fewer than 1 draw.

    """
    outcome = doors.outcome(y)
    design = doors.design(X, rows=len(outcome))
    clusters = doors.groups(cluster, "cluster", len(outcome))
    if len(clusters.labels) < 2:
        raise ValueError(f"cluster: expected at least 2 clusters, found {len(clusters.labels)}")
    count, start, null = doors.whole(draws, "draws", 1), doors.whole(seed, "seed", 0), doors.number(value, "value")
    place = design.names.index(term) if term in design.names else term
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(design.names):
        raise ValueError(f"term: expected one of {', '.join(design.names)}, found {term!r}")
    posed = glm.problem(design, outcome)
    spare_rows(posed)
    bread = glm.fit(families.Gaussian(), posed).inverse
    standard = posed.columns()
    free = [j for j in range(len(design.names)) if j != place]
    restricted = outcome - null * design.matrix[:, place]
    fit = np.linalg.lstsq(standard[:, free], restricted, rcond=None)[0] if free else np.empty(0)
    residual = restricted - standard[:, free] @ fit
    signs = _signs(len(clusters.labels), count, start)
    observed = _statistics(standard, bread, residual, clusters, place, np.ones((1, len(clusters.labels))))[0]
    drawn = np.abs(_statistics(standard, bread, residual, clusters, place, signs))
    share = float((drawn >= abs(observed) * (1 - 1e-10)).mean())
    return WildTest(float(observed), share, len(signs), f"the coefficient of {design.names[place]} is {null:g}")


def _signs(count: int, draws: int, seed: int) -> Floats:
    if count <= MOST_SIGNS and 2**count <= draws:
        every = np.arange(2**count)[:, None] >> np.arange(count) & 1
        return np.asarray(2.0 * every - 1.0)
    return np.asarray(np.random.default_rng(seed).choice([-1.0, 1.0], size=(draws, count)))


def _statistics(X: Floats, bread: Floats, residual: Floats, clusters: Groups, place: int, signs: Floats) -> Floats:
    """Give the clustered t of each row of signs from sums over clusters alone, without the constant small-sample factor."""
    count = len(clusters.labels)
    effect = X @ bread[:, place]
    own = np.bincount(clusters.codes, effect * residual, minlength=count)
    sums = np.stack([np.bincount(clusters.codes, column * residual, minlength=count) for column in X.T])
    spill = np.stack([np.bincount(clusters.codes, column * effect, minlength=count) for column in X.T])
    step = signs @ own
    scores = signs * own - (signs @ sums.T @ bread) @ spill
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(step / np.sqrt((scores**2).sum(axis=1)))
