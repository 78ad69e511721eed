"""Gray's test of equal cumulative incidence between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import before, distinct_times, ratio
from ldeval.stats.doors import Floats
from ldeval.stats.hypotheses import Test, chi_squared_tail, quadratic_form

CELLS = 2_000_000  # times by groups by groups held at once


@dataclass(frozen=True, slots=True)
class _Paths:
    """What each time finds and leaves, T times of k groups; `pooled` (T,) is the incidence under the null, the others are (T, k).

    `size` is n / S(t-), the risk set of the subdistribution before its own incidence is taken off.
    """

    at_risk: Floats
    failed: Floats
    competed: Floats
    before: Floats
    after: Floats
    size: Floats
    share: Floats
    pooled_before: Floats
    pooled: Floats


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
    paths = _paths(at_risk, failed, competed)
    events = failed.sum(axis=1)
    due = (events * ratio(np.ones(1), paths.share.sum(axis=1))) @ paths.share
    k = at_risk.shape[1]
    drift, within, crossed, carried = np.zeros((k, k)), np.zeros((k, k)), np.zeros((k, k)), np.zeros(k)
    block = max(1, CELLS // k**2)
    for a in range(0, len(events), block):
        part = _Paths(*(getattr(paths, name)[a : a + block] for name in _Paths.__slots__))
        changes, drift = _changes(part, drift)
        for change, slope, spread in changes:
            within += np.einsum("tik,tk,tjk->ij", change, spread, change, optimize=True)
            crossed += np.einsum("tik,tk->ik", change, slope * spread)
            carried += np.sum(slope**2 * spread, axis=0)
    return due, within + (drift * carried) @ drift.T + drift @ crossed.T + crossed @ drift.T


def _paths(n: Floats, failed: Floats, competed: Floats) -> _Paths:
    left = np.where(n > 0, ratio(n - failed - competed, n), 1.0)
    after = np.asarray(np.cumprod(left, axis=0), dtype=np.float64)
    first = np.ones((1, n.shape[1]))
    survival = np.concatenate((first, after[:-1]))
    incidence = np.concatenate((0 * first, np.cumsum(survival * ratio(failed, n), axis=0)[:-1]))
    size = ratio(n, survival)
    pooled = np.cumsum(ratio(failed.sum(axis=1), size.sum(axis=1)))
    return _Paths(n, failed, competed, survival, after, size, size * (1 - incidence), before(pooled, 0.0), pooled)


def _changes(paths: _Paths, drift: Floats) -> tuple[list[tuple[Floats, Floats, Floats]], Floats]:
    """Give what the events of the cause, and of others, change of the score: now (T, k, k) and later (T, k), with their variance.

    `drift` (k, k) is carried from the times before these to those after.
    """
    events, total = paths.failed.sum(axis=1), paths.size.sum(axis=1)
    step = np.einsum("ti,ij->tij", paths.size, np.eye(paths.size.shape[1]))
    step -= np.einsum("ti,tj,t->tij", paths.size, paths.size, ratio(np.ones(1), total))
    drifts = drift + np.cumsum(step * ratio(events, total * (1 - paths.pooled_before))[:, None, None], axis=0)
    far = ratio(1 - paths.pooled[:, None], paths.after)
    tied = ratio(np.maximum(events - 1, 0)[:, None], total[:, None] * paths.before - 1)
    spread = (1 - tied) * ratio(paths.before * events[:, None], total[:, None] * paths.at_risk)
    own = (step - (1 - far)[:, None, :] * drifts, 1 - far, spread)
    tied = ratio(np.maximum(paths.competed - 1, 0), paths.at_risk - 1)
    spread = (1 - tied) * ratio(paths.before**2 * paths.competed, paths.at_risk**2)
    spread = np.where(paths.after > 0, spread, 0.0)
    return [own, (far[:, None, :] * drifts, -far, spread)], drifts[-1]
