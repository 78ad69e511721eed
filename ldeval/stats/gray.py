"""Gray's test of equal cumulative incidence between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import distinct_times
from ldeval.stats.doors import Floats
from ldeval.stats.hypotheses import Test, chi_squared_tail, quadratic_form


@dataclass(slots=True)
class _Running:
    """What Gray's variance carries from one time to the next: k groups."""

    incidence: Floats
    survival: Floats
    pooled: float
    drift: Floats
    within: Floats
    crossed: Floats
    carried: Floats


def gray_test(time: Any, state: Any, group: Any, *, cause: int) -> Test:
    """Test whether groups have one cumulative incidence of a cause, other causes competing.

        U_j = sum over u of R_j(u) [dF_j(u) / (1 - F_j(u-)) - dF0(u) / (1 - F0(u-))],   R_j = n_j (1 - F_j(u-)) / S_j(u-),

    with F_j and S_j each group's cumulative incidence and overall survival and F0 the estimate under the null: a log-rank test
    of the subdistribution hazard (rho = 0). A difference may come from the cause itself or from a competing one. Censoring is
    taken as independent and may differ between groups. The variance is Gray's, as in R's cmprsk::cuminc.

    Args:
        time: end of follow-up, shape (n,).
        state: 0 for censored, 1, 2, ... for the cause, shape (n,).
        group: the groups to compare, shape (n,), two or more.
        cause: the cause of interest.

    Source: Gray (1988), doi:10.1214/aos/1176350951.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; fewer than two groups; no event of the cause while two
            groups are at risk.

    """
    rows = doors.states(time, state, cause=cause)
    members = doors.groups(group, "group", len(rows.time))
    k = len(members.labels)
    if k < 2:
        raise ValueError(f"group: expected at least two groups to compare, found {k}")
    distinct, place = distinct_times(rows.time)
    cell, shape = place * k + members.codes, (len(distinct), k)
    kinds = (np.ones(len(cell), dtype=bool), rows.state == cause, (rows.state > 0) & (rows.state != cause))
    ended, failed, competed = (
        np.bincount(cell[kind], minlength=shape[0] * k).reshape(shape).astype(np.float64) for kind in kinds
    )
    at_risk = np.cumsum(ended[::-1], axis=0)[::-1]
    any_event = np.flatnonzero((failed + competed).any(axis=1))
    due, covariance = _sweep(at_risk[any_event], failed[any_event], competed[any_event])
    observed = failed.sum(axis=0)
    statistic, df = quadratic_form(observed - due, covariance)
    if df == 0:
        raise ValueError(
            f"state: expected an event of cause {cause} while two groups are at risk, found none; there is nothing to compare"
        )
    return Test(
        statistic,
        df,
        chi_squared_tail(statistic, df),
        f"the groups have the same cumulative incidence of cause {cause}",
        members.labels,
        observed,
        due,
        len(rows.time),
        "Gray's test, rho = 0",
    )


def _sweep(at_risk: Floats, failed: Floats, competed: Floats) -> tuple[Floats, Floats]:
    """Give the expected events by group and the covariance of their difference from those observed; all of shape (T, k)."""
    k = at_risk.shape[1]
    square = np.zeros((k, k))
    now = _Running(np.zeros(k), np.ones(k), 0.0, square, square.copy(), square.copy(), np.zeros(k))
    due = np.zeros(k)
    for n, d1, d2 in zip(at_risk, failed, competed, strict=True):
        due += _step(now, n, d1, d2)
    c, v2 = now.drift, now.crossed
    return due, now.within + (c * now.carried) @ c.T + c @ v2.T + v2 @ c.T


def _step(now: _Running, n: Floats, d1: Floats, d2: Floats) -> Floats:
    """One time: the expected events by group; the running sums move on."""
    here = n > 0
    size = np.divide(n, now.survival, out=np.zeros_like(n), where=here)
    total, events = size.sum(), d1.sum()
    share = size * (1 - now.incidence)
    due = events * share / share.sum() if share.sum() > 0 else np.zeros_like(n)
    left = np.divide(n - d1 - d2, n, out=np.ones_like(n), where=here)
    survival = np.where(here, now.survival * left, now.survival)
    incidence = now.incidence + np.divide(now.survival * d1, n, out=np.zeros_like(n), where=here)
    pooled = now.pooled + events / total
    step = np.diag(size) - np.outer(size, size) / total
    now.drift = now.drift + step * (events / (total * (1 - now.pooled)))
    if events:
        slope = 1 - np.divide(1 - pooled, survival, out=np.zeros_like(n), where=survival > 0)
        ties = 1 - (events - 1) / (total * now.survival - 1) if events > 1 else np.ones_like(n)
        spread = np.divide(ties * now.survival * events, total * n, out=np.zeros_like(n), where=here)
        _carry(now, step - slope * now.drift, slope, spread)
    if d2.any():
        slope = np.divide(1 - pooled, survival, out=np.zeros_like(n), where=survival > 0)
        ties = 1 - np.divide(np.maximum(d2 - 1, 0), n - 1, out=np.zeros_like(n), where=n > 1)
        spread = np.divide(ties * now.survival**2 * d2, n**2, out=np.zeros_like(n), where=here & (survival > 0))
        _carry(now, slope * now.drift, -slope, spread)
    now.incidence, now.survival, now.pooled = incidence, survival, pooled
    return due


def _carry(now: _Running, change: Floats, slope: Floats, spread: Floats) -> None:
    """Add what the events of this time do to the score now, later, and both together."""
    now.within += (change * spread) @ change.T
    now.crossed += change * (slope * spread)
    now.carried += slope**2 * spread
