"""The infinitesimal jackknife: standard errors from what each row, or cluster of rows, adds to an estimate.

Each influence here is built from processes of the form

    P_i(t) = jump_i 1(end_i <= t) - [B(min(t, end_i)) - B(entry_i)],

a jump where the row's own event falls, less what was expected of it while it was at risk. The variance of an estimate at time t
is the sum over clusters of (sum over the cluster's rows of w_i a(t) P_i(t)) squared. A cluster's sum changes only when one of
its rows enters or ends, so all T variances cost one pass over the rows instead of clusters times T.

Source: Therneau & Grambsch (2000), Modeling Survival Data, section 7.2; R's survfit(robust=TRUE, cluster=).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats.at_risk import AtRisk, binned
from ldeval.stats.doors import Codes, Floats, Groups


@dataclass(frozen=True, slots=True)
class Process:
    """One process P: `jump` of shape (n,), zero where a row has no event; `expected` B at each time, shape (T,)."""

    jump: Floats
    expected: Floats


def row_influence(sets: AtRisk, process: Process) -> Floats:
    """Give P of each row at the end of follow-up, shape (n,)."""
    influence = process.jump - process.expected[sets.end]
    entered = _at_entry(sets, process.expected, np.ones(1))
    return influence if entered is None else influence + entered


def cluster_sums(rows: Floats, cluster: Groups | None) -> Floats:
    """Sum rows of shape (n,) or (n, k) within clusters; each row is its own cluster where there are none."""
    if cluster is None:
        return rows
    size = len(cluster.labels)
    if rows.ndim == 1:
        return binned(cluster.codes, size, rows)
    return np.column_stack([binned(cluster.codes, size, column) for column in rows.T])


def jackknife_variance(
    sets: AtRisk, processes: list[Process], factors: list[Floats], weights: Floats, cluster: Groups | None
) -> Floats:
    """Give the variance at each time of the estimate whose influence is sum_k factors_k(t) P_ki(t).

    Args:
        sets: the risk sets, T times.
        processes: k processes.
        factors: k step functions of shape (T,).
        weights: shape (n,).
        cluster: the clusters; None takes each row for one.

    """
    at_risk = [_at_entry(sets, p.expected, weights) for p in processes]
    done = [weights * (p.jump - p.expected[sets.end]) for p in processes]
    drift = sum((f * p.expected for f, p in zip(factors, processes, strict=True)), np.zeros(len(sets.time)))
    moments = (
        _moments_of_rows(sets, at_risk, done, weights)
        if cluster is None
        else _moments_of_clusters(sets, at_risk, done, weights, cluster.codes)
    )
    return np.maximum(_quadratic(moments, [*factors, -drift]), 0.0)


def _at_entry(sets: AtRisk, expected: Floats, weights: Floats) -> Floats | None:
    """Give w B at each row's entry; None where all enter at the start, for zero."""
    return None if sets.start is None else weights * np.concatenate(([0.0], expected))[sets.start]


def _quadratic(moments: list[list[Floats | None]], factors: list[Floats]) -> Floats:
    """Sum f_k(t) f_l(t) M_kl(t), from the lower triangle; None is zero."""
    total = np.zeros(len(factors[0]))
    for k, row in enumerate(moments):
        for m, moment in enumerate(row):
            if moment is not None:
                total += (1.0 if k == m else 2.0) * factors[k] * factors[m] * moment
    return total


def _moments_of_rows(
    sets: AtRisk, at_risk: list[Floats | None], done: list[Floats], weights: Floats
) -> list[list[Floats | None]]:
    """Sum over rows the products of their states: (w B at entry, w) while at risk, (w P, 0) afterwards."""
    after = [d if a is None else d + a for d, a in zip(done, at_risk, strict=True)]
    during: list[Floats | None] = [*at_risk, weights]
    ended: list[Floats | None] = [*after, None]
    return [
        [_moment_of_rows(sets, _product(during, k, m), _product(ended, k, m)) for m in range(k + 1)] for k in range(len(during))
    ]


def _product(states: list[Floats | None], k: int, m: int) -> Floats | None:
    first, second = states[k], states[m]
    return None if first is None or second is None else first * second


def _moment_of_rows(sets: AtRisk, at_risk: Floats | None, ended: Floats | None) -> Floats | None:
    size = len(sets.time)
    parts = []
    if ended is not None:
        parts.append(np.cumsum(binned(sets.end, size, ended)))
    if at_risk is not None:
        leaving = binned(sets.end, size, at_risk)
        if sets.start is None:
            parts.append(np.concatenate((np.cumsum(leaving[::-1])[::-1][1:], [0.0])))
        else:
            parts.append(np.cumsum(binned(sets.start, size + 1, at_risk)[:size] - leaving))
    return sum(parts, np.zeros(size)) if parts else None


def _moments_of_clusters(
    sets: AtRisk, at_risk: list[Floats | None], done: list[Floats], weights: Floats, codes: Codes
) -> list[list[Floats | None]]:
    """Sum over clusters the products of their states, from the change of each product where a cluster's state changes."""
    size = len(sets.time)
    start = np.zeros(len(sets.end), dtype=np.intp) if sets.start is None else sets.start
    cells, place = np.unique(np.concatenate((codes * size + start, codes * size + sets.end)), return_inverse=True)
    when, first = cells % size, np.searchsorted(cells // size, cells // size)
    nothing = np.zeros(len(weights))
    changes = [(nothing if a is None else a, d) for a, d in zip(at_risk, done, strict=True)] + [(weights, -weights)]
    states = [_state(binned(place, len(cells), np.concatenate(pair)), first) for pair in changes]
    return [[_moment(states[k] * states[m], first, when, size) for m in range(k + 1)] for k in range(len(states))]


def _state(changes: Floats, first: Codes) -> Floats:
    """Give the running sum of a cluster's changes; `first` is the place of its first cell."""
    running = np.cumsum(changes)
    return running - (running - changes)[first]


def _moment(product: Floats, first: Codes, when: Codes, size: int) -> Floats:
    change = np.diff(product, prepend=0.0)
    own = first == np.arange(len(first))
    return np.cumsum(binned(when, size, np.where(own, product, change)))
