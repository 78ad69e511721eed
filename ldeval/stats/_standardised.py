"""Standardised cumulative incidence from Cox models of each cause, with the influence of each row on it.

With e_ki = exp(z_i'b_k) for row i put into an arm and dL_k the baseline's hazard steps, the hazard at time u is h_i = sum over
k of e_ki dL_k(u), and a row's incidence of the first cause

    F_i(t) = sum over u <= t of exp(-H_i(u-)) (1 - exp(-h_i)) e_1i dL_1 / h_i,

so that the incidences and exp(-H_i) add up to 1. The standardised incidence is the mean of F_i over the target population. Its
influence has three parts: through each b_k (Cox's dfbeta), through each dL_k (a martingale), and through who is in the target.

Source: Andersen, Borgan, Gill & Keiding (1993), Statistical Models Based on Counting Processes, section VII.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ldeval.stats.at_risk import binned
from ldeval.stats.cox import cox
from ldeval.stats.doors import Codes, Design, Floats, States

if TYPE_CHECKING:
    import pandas as pd

CELLS = 2_000_000  # rows times event times held at once


@dataclass(frozen=True, slots=True)
class Hazard:
    """A Cox model of one cause at its G event times: steps of the baseline hazard and what their influence is made of.

    `step` is dL, `drop` its derivative in the risk of a row at risk, `relief` what an event takes off that, `deaths` the events
    (each (G,)); `drift` (G, p) the derivative of -dL in b. Row i has risk `risk[i]` at the places `first[i]`, ..., `last[i]` -
    1; `dead` are the rows with the event, `hit` their places. `dfbeta` is (n, p); `centre` and `shift` fix the baseline.
    """

    time: Floats
    step: Floats
    drop: Floats
    relief: Floats
    deaths: Floats
    drift: Floats
    risk: Floats
    first: Codes
    last: Codes
    dead: Codes
    hit: Codes
    b: Floats
    dfbeta: Floats
    centre: Floats
    shift: float

    def risk_at(self, z: Floats) -> Floats:
        """Give the risk of rows with covariates z, shape (rows, p), relative to the baseline."""
        return np.asarray(np.exp((z - self.centre) @ self.b - self.shift))


def fit_hazard(rows: States, design: Design, cause: int) -> Hazard:
    """Fit a Cox model with Efron's ties and lay out its hazard."""
    happened = rows.state == cause
    fit = cox(rows.time, happened, frame(design), entry=rows.entry)
    centre = design.matrix.mean(axis=0)
    eta = (design.matrix - centre) @ fit.coefficients
    shift = float(eta.max())
    risk = np.exp(eta - shift)
    time = np.unique(rows.time[happened])
    last = np.searchsorted(time, rows.time, side="right")
    first = np.zeros_like(last) if rows.entry is None else np.searchsorted(time, rows.entry, side="right")
    dead = np.flatnonzero(happened)
    hit = last[dead] - 1
    deaths = np.bincount(hit, minlength=len(time))
    columns = np.column_stack((risk, risk[:, None] * (design.matrix - centre)))
    at_risk = _spans(columns, first, last, len(time))
    dying = np.column_stack([binned(hit, len(time), column) for column in columns[dead].T])
    step, drop, relief = _efron(at_risk[:, 0], dying[:, 0], deaths)
    drift = drop[:, None] * at_risk[:, 1:] - relief[:, None] * dying[:, 1:]
    dfbeta = fit.residuals("dfbeta")
    return Hazard(
        time, step, drop, relief, deaths.astype(np.float64), drift, risk, first, last, dead, hit, fit.coefficients, dfbeta,
        centre, shift
    )  # fmt: skip


def standardised(hazards: list[Hazard], design: Design, arm: float, target: Floats, tau: float) -> tuple[Floats, Floats]:
    """Give the mean incidence of the first cause to tau and the mean time lost to it, (2,), with the rows' influence (n, 2).

    Args:
        hazards: of each cause, the one of interest first.
        design: treatment first, then the covariates.
        arm: the value of the treatment for everyone.
        target: each row's share of the target population; sums to 1.
        tau: the horizon.

    """
    grid = np.unique(np.concatenate([h.time for h in hazards]))
    grid = grid[grid <= tau]
    steps = [_on(grid, h) for h in hazards]
    values = np.zeros((len(target), 2))
    slopes = [np.zeros((2, len(grid))) for _ in hazards]
    direct = [np.zeros((2, design.matrix.shape[1])) for _ in hazards]
    for a in range(0, len(target), max(1, CELLS // max(len(grid), 1))):
        cut = slice(a, a + max(1, CELLS // max(len(grid), 1)))
        z = design.matrix[cut].copy()
        z[:, 0] = arm
        risks = [h.risk_at(z) for h in hazards]
        values[cut], gradients = _incidence(risks, steps, grid, tau)
        for k, hazard in enumerate(hazards):
            share = target[cut] * risks[k]
            slopes[k] += [share @ g for g in gradients[k]]
            direct[k] += [(share * (g @ steps[k])) @ (z - hazard.centre) for g in gradients[k]]
    means = target @ values
    influence = target[:, None] * (values - means)
    for hazard, slope, through in zip(hazards, slopes, direct, strict=True):
        influence += _through(hazard, slope[:, np.searchsorted(grid, hazard.time[hazard.time <= tau])], through)
    return means, influence


def _incidence(risks: list[Floats], steps: list[Floats], grid: Floats, tau: float) -> tuple[Floats, list[list[Floats]]]:
    """Give each row's incidence and time lost, (rows, 2), and by cause their derivatives in its hazard, two of (rows, G)."""
    own = risks[0][:, None] * steps[0]
    hazard = sum((r[:, None] * s for r, s in zip(risks[1:], steps[1:], strict=True)), own)
    before = np.exp(hazard - np.cumsum(hazard, axis=1))
    share, bend = _shared(hazard)
    incidence = np.cumsum(before * own * share, axis=1)
    width = np.diff(np.append(grid, tau))
    values = np.column_stack((incidence[:, -1:], incidence @ width)) if len(grid) else np.zeros((len(own), 2))
    tail = np.cumsum((incidence * width)[:, ::-1], axis=1)[:, ::-1]
    gradients = []
    for k in range(len(risks)):
        jump = before * (own * bend + (share if k == 0 else 0.0)) + incidence
        gradients.append([jump - values[:, :1], (tau - grid) * jump - tail])
    return values, gradients


def _shared(hazard: Floats) -> tuple[Floats, Floats]:
    """Give (1 - exp(-h)) / h and its derivative, by their series where h is small."""
    small = hazard < 1e-4
    h = np.where(small, 1.0, hazard)
    gone = np.exp(-h)
    share = np.where(small, 1 - hazard / 2 + hazard**2 / 6, (1 - gone) / h)
    return share, np.where(small, -1 / 2 + hazard / 3 - hazard**2 / 8, (gone * (1 + h) - 1) / h**2)


def _through(hazard: Hazard, slope: Floats, direct: Floats) -> Floats:
    """Give the influence (n, 2) through one cause's hazard steps, with derivatives `slope` (2, G), and its coefficients."""
    known = slope.shape[1]
    jump = slope / hazard.deaths[:known] * hazard.step[:known]
    total = np.concatenate((np.zeros((1, 2)), np.cumsum(slope * hazard.drop[:known], axis=1).T))
    place = np.minimum(hazard.last, known), np.minimum(hazard.first, known)
    influence = -hazard.risk[:, None] * (total[place[0]] - total[place[1]])
    soon = hazard.hit < known
    dead, hit = hazard.dead[soon], hazard.hit[soon]
    influence[dead] += jump[:, hit].T + hazard.risk[dead, None] * (slope * hazard.relief[:known])[:, hit].T
    return np.asarray(influence + hazard.dfbeta @ (direct - slope @ hazard.drift[:known]).T)


def _efron(total: Floats, dead: Floats, deaths: Codes) -> tuple[Floats, Floats, Floats]:
    """Sum over the m terms of each time 1 / (S0 - k/m D0), its square, and k/m times that."""
    place = np.arange(deaths.sum()) - np.repeat(np.cumsum(deaths) - deaths, deaths)
    slot = np.repeat(np.arange(len(deaths)), deaths)
    fraction = place / deaths[slot]
    inverse = 1 / (total[slot] - fraction * dead[slot])
    terms = inverse, inverse**2, fraction * inverse**2
    return tuple(binned(slot, len(deaths), term) for term in terms)  # type: ignore[return-value]


def _spans(values: Floats, first: Codes, last: Codes, size: int) -> Floats:
    """Sum rows of `values` over the places first, ..., last - 1 of each; shape (size, k)."""
    change = np.column_stack([binned(first, size + 1, v) - binned(last, size + 1, v) for v in values.T])
    return np.asarray(np.cumsum(change, axis=0)[:size])


def _on(grid: Floats, hazard: Hazard) -> Floats:
    """Give the steps of a hazard on a grid that holds its times."""
    steps = np.zeros(len(grid))
    inside = hazard.time <= (grid[-1] if len(grid) else -np.inf)
    steps[np.searchsorted(grid, hazard.time[inside])] = hazard.step[inside]
    return steps


def frame(design: Design) -> pd.DataFrame:
    """Give the design as a table, so that models can name its columns."""
    import pandas as pd

    return pd.DataFrame(design.matrix, columns=list(design.names))
