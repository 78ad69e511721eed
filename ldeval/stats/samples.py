"""The sample that a non-parametric estimator works on: checked input, rows of weight zero left out, risk sets counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Bools, Floats, Groups
from ldeval.stats.influence import Process
from ldeval.stats.risk_sets import RiskSets, ratio, risk_sets

Rows = TypeVar("Rows", Floats, Bools)


@dataclass(frozen=True, slots=True)
class Sample:
    """Checked rows of weight above zero, with their risk sets; `robust` where errors must not take weights for counts."""

    event: Bools
    weights: Floats
    cluster: Groups | None
    sets: RiskSets
    robust: bool

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.event)

    def errors(self, plain: str) -> str:
        """Say in words how the standard errors are made."""
        if self.cluster is not None:
            return f"robust errors over {len(self.cluster.labels)} clusters"
        return "robust errors (infinitesimal jackknife)" if self.robust else f"{plain} errors"


def sample(time: Any, event: Any, entry: Any, weights: Any, cluster: Any) -> Sample:
    """Check the input of an estimator of one event, and count its risk sets."""
    rows = doors.times(time, event, entry)
    mass = doors.weights(weights, len(rows.time))
    groups = doors.clusters(cluster, len(rows.time))
    kept = mass > 0
    end, happened, start, mass, groups = (
        pick(kept, rows.time),
        pick(kept, rows.event),
        None if rows.entry is None else pick(kept, rows.entry),
        pick(kept, mass),
        pick_groups(kept, groups),
    )
    return Sample(happened, mass, groups, risk_sets(end, happened, start, mass), is_robust(mass, groups))


def is_robust(weights: Floats, cluster: Groups | None) -> bool:
    """Whether errors are robust: clusters are given, or a weight is fractional and so cannot be a number of like people."""
    return cluster is not None or not np.array_equal(weights, np.floor(weights))


def pick(kept: Bools, values: Rows) -> Rows:
    """The rows kept; no copy where all are."""
    return values if kept.all() else values[kept]


def pick_groups(kept: Bools, groups: Groups | None) -> Groups | None:
    """The members kept, with the groups that still have one."""
    if groups is None or kept.all():
        return groups
    present, codes = np.unique(groups.codes[kept], return_inverse=True)
    return Groups(codes.astype(np.intp), tuple(groups.labels[j] for j in present))


def survival_process(sets: RiskSets, event: Bools) -> Process:
    """-d log S(t) / d w_i: a row's event over those left, less what was expected of it."""
    return Process(np.where(event, ratio(np.ones(1), sets.beyond)[sets.end], 0.0), np.cumsum(ratio(sets.hazard, sets.beyond)))


def hazard_process(sets: RiskSets, event: Bools) -> Process:
    """d H(t) / d w_i: a row's event over those at risk, less what was expected of it."""
    return Process(np.where(event, ratio(np.ones(1), sets.at_risk)[sets.end], 0.0), np.cumsum(ratio(sets.hazard, sets.at_risk)))
