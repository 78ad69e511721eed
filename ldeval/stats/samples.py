"""The sample that a non-parametric estimator works on: checked input, rows of weight zero left out, risk sets counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import AtRisk, count_at_risk, ratio
from ldeval.stats.doors import Bools, Floats, Groups
from ldeval.stats.influence import Process

Rows = TypeVar("Rows", Floats, Bools)
SmallSample = Literal["CR1-t"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Checked rows of weight above zero, with their risk sets; `robust` where errors must not take weights for counts.

    Only the ratios of such weights count, so they and the risk sets are in multiples of `unit`, lest their squares overflow.
    """

    event: Bools
    weights: Floats
    cluster: Groups | None
    sets: AtRisk
    unit: float
    robust: bool
    correction: Correction

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.event)

    def errors(self, plain: str) -> str:
        """Say in words how the standard errors are made."""
        if self.cluster is not None:
            return f"robust errors over {len(self.cluster.labels)} clusters{self.correction.words}"
        return "robust errors (infinitesimal jackknife)" if self.robust else f"{plain} errors"


@dataclass(frozen=True, slots=True)
class Correction:
    """What few clusters ask for: a `factor` on the variance, and `df` degrees of freedom of Student's t (None: the normal)."""

    factor: float
    df: float | None

    @property
    def words(self) -> str:
        """Name the rule."""
        return "" if self.df is None else ", CR1-t"

    def critical(self, level: float) -> float:
        """Give the quantile that bounds an interval of this level."""
        from scipy.special import ndtri, stdtrit

        return float(ndtri(0.5 + level / 2) if self.df is None else stdtrit(self.df, 0.5 + level / 2))


def correction(rule: SmallSample | None, cluster: Groups | None) -> Correction:
    """Give the correction for few clusters: none, or CR1-t, G / (G - 1) with Student's t on G - 1 degrees of freedom.

    Raises:
        ValueError: another rule; a rule without clusters.

    """
    doors.choice("small_sample", rule, (None, "CR1-t"))
    if rule is None:
        return Correction(1.0, None)
    if cluster is None:
        raise ValueError("small_sample: expected clusters for it to correct, found none; give cluster=")
    count = len(cluster.labels)
    return Correction(count / (count - 1), count - 1.0)


def sample(time: Any, event: Any, entry: Any, weights: Any, cluster: Any, small_sample: SmallSample | None = None) -> Sample:
    """Check the input of an estimator of one event, and count its risk sets."""
    rows = doors.times(time, event, entry)
    mass = doors.weights(weights, len(rows.time))
    groups = doors.clusters(cluster, len(rows.time))
    kept = mass > 0
    if groups is not None and not kept.all():
        groups = doors.clusters(groups.codes[kept], int(kept.sum()))
    end, happened, start, mass = (
        pick(kept, rows.time),
        pick(kept, rows.event),
        None if rows.entry is None else pick(kept, rows.entry),
        pick(kept, mass),
    )
    robust = is_robust(mass, groups)
    unit = unit_of(mass) if robust else 1.0
    mass = mass / unit if unit != 1.0 else mass
    sets = count_at_risk(end, happened, start, mass)
    return Sample(happened, mass, groups, sets, unit, robust, correction(small_sample, groups))


def unit_of(weights: Floats) -> float:
    """Give the power of two next to the largest weight: dividing by it changes no digit."""
    return float(2.0 ** (np.frexp(weights.max())[1] - 1))


def is_robust(weights: Floats, cluster: Groups | None) -> bool:
    """Whether errors are robust: clusters are given, or a weight is fractional and so cannot be a number of like people."""
    return cluster is not None or not np.array_equal(weights, np.floor(weights))


def pick(kept: Bools, values: Rows) -> Rows:
    """Give the rows kept; no copy where all are."""
    return values if kept.all() else values[kept]


def pick_groups(kept: Bools, groups: Groups | None) -> Groups | None:
    """Give the members kept, with the groups that still have one."""
    if groups is None or kept.all():
        return groups
    present, codes = np.unique(groups.codes[kept], return_inverse=True)
    return Groups(codes.astype(np.intp), tuple(groups.labels[j] for j in present))


def survival_process(sets: AtRisk, event: Bools) -> Process:
    """Give -d log S(t) / d w_i: a row's event over those left, less what was expected of it."""
    return Process(event * ratio(np.ones(1), sets.beyond)[sets.end], np.cumsum(ratio(sets.hazard, sets.beyond)))


def hazard_process(sets: AtRisk, event: Bools) -> Process:
    """Give d H(t) / d w_i: a row's event over those at risk, less what was expected of it."""
    return Process(event * ratio(np.ones(1), sets.at_risk)[sets.end], np.cumsum(ratio(sets.hazard, sets.at_risk)))
