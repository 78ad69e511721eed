"""The log-rank test and its rho family, stratified and weighted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.at_risk import before, binned, count_at_risk, ratio
from ldeval.stats.doors import Bools, Codes, Floats
from ldeval.stats.hypotheses import Test, chi_squared_tail, quadratic_form
from ldeval.stats.samples import is_robust, unit_of


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one stratum; `group` is 0, ..., k - 1."""

    time: Floats
    event: Bools
    entry: Floats | None
    weights: Floats
    group: Codes
    k: int


def logrank(
    time: Any, event: Any, group: Any, *, entry: Any = None, strata: Any = None, weights: Any = None, rho: float = 0.0
) -> Test:
    """Test whether groups have one hazard at all times.

        U_j = sum over u of S(u-)^rho [d_j(u) - d(u) n_j(u) / n(u)],   statistic U' V^- U,

    summed over strata, with S the Kaplan-Meier curve of all groups of the stratum together. rho = 0 is the log-rank test, most
    powerful where hazards are proportional; rho = 1 the Peto and Peto form of Wilcoxon's, which weighs early times more. V is
    the hypergeometric variance, with whole weights taken for numbers of like people; where a weight is fractional it is robust,
    the sum of the squared influence of each row on U.

    Args:
        time: end of follow-up, shape (n,).
        event: 1 for the event, 0 for censored, shape (n,).
        group: the groups to compare, shape (n,), two or more.
        entry: when each row comes under observation; at risk on (entry, time].
        strata: compare within these only, shape (n,).
        weights: zero or more, shape (n,).
        rho: the power of S(u-), zero or more.

    Source: Harrington & Fleming (1982), doi:10.1093/biomet/69.3.553; R's survival::survdiff; for weights Xie & Liu (2005),
    doi:10.1002/sim.2174.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; fewer than two groups; no event at a time when two groups
            are at risk; a rho that is not finite or is below zero.

    """
    rows = doors.times(time, event, entry)
    n = len(rows.time)
    members = doors.groups(group, "group", n)
    mass = doors.weights(weights, n)
    stratum = np.zeros(n, dtype=np.intp) if strata is None else doors.groups(strata, "strata", n).codes
    power = doors.number(rho, "rho")
    k = len(members.labels)
    if power < 0:
        raise ValueError(f"rho: expected zero or more, found {power:g}")
    if k < 2:
        raise ValueError(f"group: expected at least two groups to compare, found {k}")
    robust = is_robust(mass, None)
    unit = unit_of(mass) if robust else 1.0
    mass = mass / unit
    observed, expected, covariance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for part in _parts(stratum, mass):
        piece = _Rows(
            rows.time[part],
            rows.event[part],
            None if rows.entry is None else rows.entry[part],
            mass[part],
            members.codes[part],
            k,
        )
        seen, due, spread = _stratum(piece, power, robust)
        observed, expected, covariance = observed + seen, expected + due, covariance + spread
    statistic, df = quadratic_form(observed - expected, covariance)
    if df == 0:
        raise ValueError(
            "event: expected an event at a time when two groups are at risk, found none; there is nothing to compare"
        )
    return Test(
        statistic,
        df,
        chi_squared_tail(statistic, df),
        "the groups have the same hazard of the event at all times" + ("" if strata is None else " within each stratum"),
        members.labels,
        unit * observed,
        unit * expected,
        int(np.count_nonzero(mass)),
        f"log-rank, rho = {power:g}; {'robust' if robust else 'hypergeometric'} variance",
    )


def _parts(stratum: Codes, weights: Floats) -> list[Codes]:
    """Give the rows of each stratum whose weight is above zero."""
    kept = np.flatnonzero(weights > 0)
    order = kept[np.argsort(stratum[kept], kind="stable")]
    return np.split(order, np.flatnonzero(np.diff(stratum[order])) + 1)


def _stratum(rows: _Rows, rho: float, robust: bool) -> tuple[Floats, Floats, Floats]:
    """Observed and expected events by group, weighed by S(u-)^rho, and the covariance of their difference."""
    sets = count_at_risk(rows.time, rows.event, rows.entry, rows.weights)
    at_risk = _by_group(rows, sets.end, sets.start, len(sets.time))
    share = ratio(at_risk, sets.at_risk[:, None])
    power = before(sets.survival, 1.0) ** rho if rho else np.ones(len(sets.time))
    observed = binned(rows.group[rows.event], rows.k, (rows.weights * power[sets.end])[rows.event])
    expected = (power * sets.events) @ share
    if robust:
        spread = _robust(rows, sets.end, sets.start, share, power, sets.hazard)
    else:
        factor = power**2 * sets.events * ratio(sets.beyond, sets.at_risk - 1)
        spread = np.diag(factor @ share) - (share * factor[:, None]).T @ share
    return observed, expected, spread


def _by_group(rows: _Rows, end: Codes, start: Codes | None, size: int) -> Floats:
    """Weight at risk by time and group, shape (T, k)."""
    ended = binned(end * rows.k + rows.group, size * rows.k, rows.weights).reshape(size, rows.k)
    at_risk: Floats = np.cumsum(ended[::-1], axis=0)[::-1]
    if start is None:
        return at_risk
    entered = binned(start * rows.k + rows.group, (size + 1) * rows.k, rows.weights).reshape(size + 1, rows.k)
    return np.maximum(at_risk - np.cumsum(entered[::-1], axis=0)[::-1][1:], 0.0)


def _robust(rows: _Rows, end: Codes, start: Codes | None, share: Floats, power: Floats, hazard: Floats) -> Floats:
    """Sum the squared influence of each row: sum over u of K (1(group = j) - n_j / n) (dN_i - Y_i d / n)."""
    total = np.concatenate(([0.0], np.cumsum(power * hazard)))
    shared = np.vstack((np.zeros(rows.k), np.cumsum((power * hazard)[:, None] * share, axis=0)))
    first = np.zeros(len(end), dtype=np.intp) if start is None else start
    own = np.where(rows.event, power[end], 0.0) - (total[end + 1] - total[first])
    influence = shared[end + 1] - shared[first] - np.where(rows.event, power[end], 0.0)[:, None] * share[end]
    influence[np.arange(len(end)), rows.group] += own
    influence *= rows.weights[:, None]
    return np.asarray(influence.T @ influence)
