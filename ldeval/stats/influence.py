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
    return process.jump - process.expected[sets.end] + _at_entry(sets, process.expected)


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
    entered = [weights * _at_entry(sets, p.expected) for p in processes] + [weights]
    ended = [weights * (p.jump - p.expected[sets.end]) for p in processes] + [-weights]
    drift = sum((f * p.expected for f, p in zip(factors, processes, strict=True)), np.zeros(len(sets.time)))
    moments = _moments_of_rows if cluster is None else _moments_of_clusters
    codes = np.arange(0) if cluster is None else cluster.codes
    return np.maximum(_quadratic(moments(sets, entered, ended, codes), [*factors, -drift]), 0.0)


def _at_entry(sets: AtRisk, expected: Floats) -> Floats:
    """B at each row's entry."""
    if sets.start is None:
        return np.zeros(len(sets.end))
    return np.concatenate(([0.0], expected))[sets.start]


def _quadratic(moments: list[list[Floats]], factors: list[Floats]) -> Floats:
    """sum_kl f_k(t) f_l(t) M_kl(t), from the lower triangle."""
    total = np.zeros(len(factors[0]))
    for k, row in enumerate(moments):
        for m, moment in enumerate(row):
            total += (1.0 if k == m else 2.0) * factors[k] * factors[m] * moment
    return total


def _moments_of_rows(sets: AtRisk, entered: list[Floats], ended: list[Floats], _: Codes) -> list[list[Floats]]:
    """M_kl(t) = sum over rows of state_k state_l: `entered` while at risk, `entered + ended` afterwards."""
    final = [a + b for a, b in zip(entered, ended, strict=True)]
    return [
        [_moment_of_rows(sets, entered[k] * entered[m], final[k] * final[m]) for m in range(k + 1)] for k in range(len(ended))
    ]


def _moment_of_rows(sets: AtRisk, at_risk: Floats, after: Floats) -> Floats:
    size = len(sets.time)
    gone = np.cumsum(binned(sets.end, size, after))
    if sets.start is None:
        leaving = binned(sets.end, size, at_risk)
        return gone + np.concatenate((np.cumsum(leaving[::-1])[::-1][1:], [0.0]))
    arriving = binned(sets.start, size + 1, at_risk)[:size]
    return gone + np.cumsum(arriving - binned(sets.end, size, at_risk))


def _moments_of_clusters(sets: AtRisk, entered: list[Floats], ended: list[Floats], codes: Codes) -> list[list[Floats]]:
    """M_kl(t) = sum over clusters of state_k state_l, from the change of each product where a cluster's state changes."""
    size = len(sets.time)
    start = np.zeros(len(sets.end), dtype=np.intp) if sets.start is None else sets.start
    cells, place = np.unique(np.concatenate((codes * size + start, codes * size + sets.end)), return_inverse=True)
    when, first = cells % size, np.searchsorted(cells // size, cells // size)
    states = [_state(binned(place, len(cells), np.concatenate(pair)), first) for pair in zip(entered, ended, strict=True)]
    return [[_moment(states[k] * states[m], first, when, size) for m in range(k + 1)] for k in range(len(states))]


def _state(changes: Floats, first: Codes) -> Floats:
    """Give the running sum of a cluster's changes; `first` is the place of its first cell."""
    running = np.cumsum(changes)
    return running - (running - changes)[first]


def _moment(product: Floats, first: Codes, when: Codes, size: int) -> Floats:
    change = np.diff(product, prepend=0.0)
    own = first == np.arange(len(first))
    return np.cumsum(binned(when, size, np.where(own, product, change)))
