"""Weighted cumulative incidence of one arm, with its derivative in each row's weight.

With F the Aalen-Johansen curve of the cause and S the Kaplan-Meier curve of any event,

    dF(tau) / dw_i = sum over u of [S(u-) / n (dN_ki - Y_i d_k / n) - (F(tau) - F(u)) (dN_i - Y_i d / n) / (n - d)],

and the time lost to the cause, the integral of F to tau, has (tau - u) and the integral of F - F(u) from u in their places.
Survival is the case of one cause.
"""

from __future__ import annotations

import numpy as np

from ldeval.stats.at_risk import before, binned, count_at_risk, ratio
from ldeval.stats.doors import Floats, States
from ldeval.stats.influence import Process, row_influence


def weighted_incidence(rows: States, cause: int, weights: Floats, tau: float) -> tuple[Floats, Floats]:
    """Give the incidence of the cause by tau and the time lost to it by then, (2,), and their derivatives in the weights, (n, 2).

    Rows have weights above zero and are under observation before tau.
    """
    happened = (rows.state > 0) & (rows.time <= tau)
    failed = (rows.state == cause) & happened
    sets = count_at_risk(np.minimum(rows.time, tau), happened, rows.entry, weights)
    events = binned(sets.end[failed], len(sets.time), weights[failed])
    share = ratio(before(sets.survival, 1.0), sets.at_risk)
    incidence = np.cumsum(share * events)
    width = np.diff(np.append(sets.time, tau))
    lost = np.cumsum((incidence * width)[::-1])[::-1]
    left = ratio(np.ones(1), sets.beyond)
    pairs = ((np.ones(len(width)), incidence[-1] - incidence), (tau - sets.time, lost - incidence * (tau - sets.time)))
    slopes = []
    for own, later in pairs:
        direct, indirect = share * own, later * left
        jump = np.where(failed, direct[sets.end], 0.0) - np.where(happened, indirect[sets.end], 0.0)
        expected = np.cumsum(direct * ratio(events, sets.at_risk) - indirect * sets.hazard)
        slopes.append(row_influence(sets, Process(jump, expected)))
    return np.array([incidence[-1], lost[0]]), np.column_stack(slopes)
