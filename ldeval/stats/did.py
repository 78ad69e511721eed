"""Differences in differences when units start at different times: effects by group and time, event study, pre-trend test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ldeval.stats import doors, panel_effects
from ldeval.stats.doors import Floats, Groups
from ldeval.stats.fit import tidy
from ldeval.stats.marginal import influence_covariance
from ldeval.stats.panel_effects import Codes

if TYPE_CHECKING:
    import pandas as pd

Control = Literal["never", "not_yet"]
SmallSample = Literal["CR1", "CR1-t"]
Summary = Literal["simple", "dynamic", "group", "calendar"]


@dataclass(frozen=True, slots=True)
class PreTrend:
    """A joint test of the effects before treatment; `null` in words."""

    statistic: float
    df: int
    p_value: float
    null: str


@dataclass(frozen=True, slots=True)
class GroupTimeEffects:
    """Effects on group g at time t, k of them, with the influence of each unit on each.

    `group`, `time`, `estimate`: shape (k,). `event` counts periods since g began (below zero: before). `influence`: shape
    (units, k), it sums to about zero. `share` is each effect's group as a share of all units and `membership` (units, k)
    marks its units. `dropped` counts units already treated in the first period, which tell nothing.
    """

    group: Floats
    time: Floats
    event: Codes
    estimate: Floats
    influence: Floats
    share: Floats
    membership: Floats
    clusters: Groups | None
    small_sample: SmallSample | None
    level: float
    n: int
    dropped: int
    errors: str

    def tidy(self) -> pd.DataFrame:
        """Give a row per group and time: `term, estimate, se, low, high, p_value`."""
        terms = tuple(f"ATT({g:g}, {t:g})" for g, t in zip(self.group, self.time, strict=True))
        return self._table(terms, self.estimate, self.influence)

    def event_study(self) -> pd.DataFrame:
        """Give a row per period since the start: `event`, then as `tidy`. Groups count by their share of units."""
        events = np.unique(self.event)
        parts = [self._weigh(self.event == event) for event in events]
        terms = tuple(f"event {event:+d}" if event else "event 0" for event in events)
        table = self._table(terms, np.array([p[0] for p in parts]), np.column_stack([p[1] for p in parts]))
        table.insert(0, "event", events)
        return table

    def overall(self, summary: Summary = "simple") -> pd.DataFrame:
        """Give one row: the effect on the treated after the start, averaged in one of four ways.

        "simple" weighs every (g, t) by the group's share; "group" averages each group over its times first (the effect on a
        treated unit over its own follow-up); "dynamic" averages the event study, "calendar" the calendar times, each counting
        the same.

        Raises:
            ValueError: an unknown summary.

        """
        doors.choice("summary", summary, get_args(Summary))
        after = self.event >= 0
        if summary == "simple":
            parts = [self._weigh(after)]
        elif summary == "group":
            parts = [self._by_group(after)]
        else:
            key = self.event if summary == "dynamic" else self.time
            parts = [self._weigh(after & (key == value)) for value in np.unique(key[after])]
        estimate = np.mean([p[0] for p in parts], keepdims=True)
        influence = np.mean([p[1] for p in parts], axis=0)[:, None]
        return self._table((summary,), estimate, influence)

    def pre_trend(self) -> PreTrend:
        """Test that all effects before the start are zero, which the design needs and low power may hide (Wald, chi-squared).

        Raises:
            ValueError: no effect before a start; more of them than clusters can tell apart.

        """
        from scipy.special import chdtrc

        before = self.event < 0
        if not before.any():
            raise ValueError("time: no group has two periods before its start, so there is no pre-trend to test")
        statistic = _wald(self.estimate[before], self._covariance(self.influence[:, before]))
        df = int(before.sum())
        return PreTrend(statistic, df, float(chdtrc(df, statistic)), "every effect before the start of treatment is zero")

    def lead_test(self, leads: int) -> PreTrend:
        """Test that the last `leads` effects of the event study before the start are zero together.

        Unlike `pre_trend` it first averages over groups, so that it needs few clusters: Hotelling's T squared of G clusters,
        as F = T^2 (G - k) / (k (G - 1)) with k and G - k degrees of freedom.

        Source: Anderson, An Introduction to Multivariate Statistical Analysis (3rd edition, 2003), section 5.2.

        Raises:
            ValueError: no effect before a start, not fewer of them than clusters, or some that follow from the others.

        """
        from scipy.special import fdtrc

        events = np.unique(self.event[self.event < 0])[-leads:]
        count, k = self._count(self.influence), len(events)
        if not 0 < k < count:
            raise ValueError(f"leads: expected from 1 to {count - 1} effects before the start, found {k}")
        parts = [self._weigh(self.event == event) for event in events]
        found, influence = np.array([p[0] for p in parts]), np.column_stack([p[1] for p in parts])
        covariance = self._covariance(influence) * (1.0 if self.small_sample else count / (count - 1))
        statistic = _wald(found, covariance) * (count - k) / (k * (count - 1))
        null = f"the last {k} average effects before the start of treatment are zero"
        return PreTrend(statistic, k, float(fdtrc(k, count - k, statistic)), null)

    def _weigh(self, chosen: Any) -> tuple[float, Floats]:
        """Average effects by their groups' shares; the shares' own error is part of the influence."""
        share, effects = self.share[chosen], self.estimate[chosen]
        total = share.sum()
        value = float(share @ effects / total)
        noise = self.membership[:, chosen] - share
        moved = noise @ (effects - value) / (total * len(noise))
        return value, self.influence[:, chosen] @ (share / total) + moved

    def _by_group(self, after: Any) -> tuple[float, Floats]:
        groups = np.unique(self.group[after])
        rows = [after & (self.group == g) for g in groups]
        means = np.array([self.estimate[row].mean() for row in rows])
        influence = np.column_stack([self.influence[:, row].mean(axis=1) for row in rows])
        first = [int(np.flatnonzero(row)[0]) for row in rows]
        share = self.share[first]
        value = float(share @ means / share.sum())
        noise = self.membership[:, first] - share
        return value, influence @ (share / share.sum()) + noise @ (means - value) / (share.sum() * len(noise))

    def _table(self, terms: tuple[str, ...], estimate: Floats, influence: Floats) -> pd.DataFrame:
        df = float(self._count(influence) - 1) if self.small_sample == "CR1-t" else None
        return tidy(terms, estimate, self._covariance(influence), level=self.level, df=df)

    def _covariance(self, influence: Floats) -> Floats:
        count = self._count(influence)
        codes = np.arange(count) if self.clusters is None else self.clusters.codes
        return influence_covariance(influence, codes, count, correct=self.small_sample is not None)

    def _count(self, influence: Floats) -> int:
        return len(influence) if self.clusters is None else len(self.clusters.labels)


def _wald(found: Floats, covariance: Floats) -> float:
    spread = np.sqrt(np.diag(covariance))
    if not spread.all() or np.linalg.cond(covariance / np.outer(spread, spread)) > 1e12:
        raise ValueError(f"cluster: {len(found)} effects before the start are too many to test together; use fewer periods")
    return float(found @ np.linalg.solve(covariance, found))


def group_time_effects(
    y: Any,
    unit: Any,
    time: Any,
    first_treated: Any,
    *,
    X: Any = None,
    weights: Any = None,
    cluster: Any = None,
    control: Control = "never",
    small_sample: SmallSample | None = None,
    level: float = 0.95,
) -> GroupTimeEffects:
    """Estimate ATT(g, t), the effect at time t on the units that began at g, by Callaway and Sant'Anna's doubly robust method.

    The change of g from the period before its start to t (before its start: from t - 1 to t), less that of the controls, who
    are weighed by the odds of being in g and whose change is predicted from X (the last period's before the change).
    Identified if, given X, the groups would have changed alike without treatment, if nobody acted ahead of it, and if
    treatment, once begun, stays. Errors from the influence function: units independent, or clusters.

    Args:
        y: outcome, one row for each unit and time, shape (n,).
        unit: shape (n,).
        time: period, shape (n,); every unit is seen in every period.
        first_treated: period in which the unit's treatment begins, 0 or infinity for never; constant in a unit, shape (n,).
        X: columns with their own intercept, shape (n, p); None is the intercept alone.
        weights: of units, constant in a unit, shape (n,).
        cluster: membership, constant in a unit, shape (n,); None takes the units themselves.
        control: "never" compares with units never treated in these periods, "not_yet" with all not treated by t either.
        small_sample: CR1 (G / (G - 1)) or CR1-t (also Student's t with G - 1 degrees of freedom), G clusters or units.
        level: of the intervals.

    Source: Callaway and Sant'Anna, 2021, doi:10.1016/j.jeconom.2020.12.001; equal to R's `did` without its bootstrap.

    Raises:
        ValueError: input that a door refuses; a unit missing in a period or there twice; starts, weights or clusters that
            change within a unit; no group with a period before its start; no controls; columns that part a group from its
            controls.

    """
    doors.choice("control", control, get_args(Control))
    doors.choice("small_sample", small_sample, (None, *get_args(SmallSample)))
    panel, dropped = panel_effects.arrange(y, unit, time, first_treated, X, weights)
    clusters = panel.clusters(cluster)
    cells = panel_effects.cells(panel)
    found = [panel_effects.effect(panel, g, t, base, not_yet=control == "not_yet") for g, t, base in cells]
    load = panel.weights / panel.weights.mean()
    membership = np.column_stack([load * (panel.start == g) for g, _, _ in cells])
    count = len(panel.start) if clusters is None else len(clusters.labels)
    of = "units" if clusters is None else "clusters"
    return GroupTimeEffects(
        panel.times[[g for g, _, _ in cells]],
        panel.times[[t for _, t, _ in cells]],
        np.array([t - g for g, t, _ in cells]),
        np.array([estimate for estimate, _ in found]),
        np.column_stack([influence for _, influence in found]),
        membership.mean(axis=0),
        membership,
        clusters,
        small_sample,
        doors.level(level),
        panel.y.size,
        dropped,
        f"influence function, clustered ({count} {of}, {small_sample or 'no small-sample correction'})",
    )
