"""The partial likelihood of the Cox model and its derivatives, without a p-by-p matrix carried over time.

With r the weighted risk of a row, S0 and S1 the sums of r and r x over a risk set, D0 and D1 those over its m deaths and W the
deaths' weight, Efron's log-likelihood is

    sum over deaths of w x'b  -  sum over event times of (W/m) sum over k of log(S0 - k/m D0),   k = 0, ..., m - 1,

Breslow's has the one term k = 0, weighed by W. Write u for the terms' reciprocals and

    A = (W/m) sum u,  B = (W/m) sum (k/m) u,  a, b, c = (W/m) sum of 1, k/m, (k/m)^2 times u^2.

Each row's expected weight of deaths is q = r (A summed over its time at risk, less B of its own death). The score is X'(dw - q),
the information X'diag(q)X - S1'a S1 + S1'b D1 + D1'b S1 - D1'c D1: a difference of Gram matrices.

Source: Efron (1977), J. Am. Stat. Assoc. 72:557, doi:10.1080/01621459.1977.10480613; Therneau and Grambsch (2000), Modeling
Survival Data, section 3.3.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats._risksets import RiskSets, blocks, restart_sums, segment_sums
from ldeval.stats.doors import Floats


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of each slot's sum over k: `fraction` k/m (None: one term each), `share` W/m, and where each slot begins."""

    share: Floats
    fraction: Floats | None
    starts: Any
    counts: Any

    def spread(self, values: Floats) -> Floats:
        """Give each term its slot's value."""
        return values if self.fraction is None else np.repeat(values, self.counts)

    def gather(self, values: Floats) -> Floats:
        """Sum the terms of each slot, times its share."""
        summed = values if self.fraction is None else np.add.reduceat(values, self.starts)
        return np.asarray(self.share * summed, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Risks:
    """The state at one b: `risk` r (n,), `shift` (k,) taken off log r in each stratum, `total` S0 and `dead` D0 (G,), `inverse` u
    by term, `hazard` A and `relief` B (G,), and the log-likelihood (of weights of mean 1).
    """

    risk: Floats
    shift: Floats
    total: Floats
    dead: Floats
    inverse: Floats
    hazard: Floats
    relief: Floats
    loglik: float


def terms(sets: RiskSets, ties: str) -> Terms:
    """Lay out the terms of Efron's sums, or Breslow's single ones."""
    deaths = sets.deaths
    if ties == "breslow" or deaths.max() == 1:
        return Terms(sets.dead_weight, None, None, None)
    starts = sets.dead_bounds[:-1]
    place = np.arange(len(sets.dead)) - np.repeat(starts, deaths)
    return Terms(sets.dead_weight / deaths, place / np.repeat(deaths, deaths), starts, deaths)


def risks(sets: RiskSets, parts: Terms, b: Floats) -> Risks:
    """Evaluate risks, hazards and log-likelihood at b, shape (p,)."""
    eta = np.einsum("ij,j->i", sets.x, b) if b.any() else np.zeros(len(sets.x))
    shift = _top(eta, sets)
    eta -= shift[sets.stratum] if len(shift) > 1 else shift[0]
    weight_of_dead = sets.weight[sets.dead]
    observed = float(weight_of_dead @ eta[sets.dead])
    risk = np.exp(eta, out=eta)
    risk *= sets.weight
    dead = np.add.reduceat(risk[sets.dead], sets.dead_bounds[:-1])
    total = np.maximum(_at_risk(sets, risk), dead)
    inner = parts.spread(total)
    if parts.fraction is not None:
        inner = inner - parts.fraction * parts.spread(dead)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        inverse = 1.0 / inner
        hazard = parts.gather(inverse)
        relief = np.zeros_like(hazard) if parts.fraction is None else parts.gather(parts.fraction * inverse)
        loglik = observed - float(parts.gather(np.log(inner)).sum())
    return Risks(risk, shift, total, dead, inverse, hazard, relief, loglik)


def expected(sets: RiskSets, hazard: Floats, relief: Floats) -> Floats:
    """Cumulate hazards over each row's time at risk, less the relief of its own death: q / r, shape (n,)."""
    cumulated = over_risk(sets, hazard)
    cumulated[sets.dead] -= relief[sets.hit]
    return cumulated


def over_risk(sets: RiskSets, hazard: Floats) -> Floats:
    """Sum values of slots, shape (G,) or (G, p), over each row's time at risk, shape (n,) or (n, p)."""
    sums = restart_sums(hazard, sets.slot_bounds)
    cumulated = sums[sets.last]
    if len(sets.late):
        cumulated[sets.late] -= sums[sets.first - 1]
    return cumulated


def score(sets: RiskSets, at: Risks, by: Floats | None = None) -> Floats:
    """Give the score (p,), each slot times `by`."""
    total: Floats = segment_sums(sets.x, surplus(sets, at, by), np.array([0, len(sets.x)]))[0]
    return total


def information(sets: RiskSets, parts: Terms, at: Risks, by: Floats | None = None) -> Floats:
    """Give the information (p, p), each slot times `by`."""
    hazard, relief = (at.hazard, at.relief) if by is None else (at.hazard * by, at.relief * by)
    q = expected(sets, hazard, relief)
    q *= at.risk
    return _gram(sets.x, q) - _means_gram(sets, parts, at, by)


def surplus(sets: RiskSets, at: Risks, by: Floats | None = None) -> Floats:
    """Give each row's weight of deaths less its expectation, dw - q, shape (n,), each slot times `by`."""
    hazard, relief = (at.hazard, at.relief) if by is None else (at.hazard * by, at.relief * by)
    difference = expected(sets, hazard, relief)
    difference *= at.risk
    np.negative(difference, out=difference)
    difference[sets.dead] += sets.weight[sets.dead] * (1.0 if by is None else by[sets.hit])
    return difference


def _gram(x: Floats, q: Floats) -> Floats:
    total = np.zeros((x.shape[1], x.shape[1]))
    for cut in blocks(*x.shape):
        part = x[cut]
        total += part.T @ (part * q[cut, None])
    return total


def _means_gram(sets: RiskSets, parts: Terms, at: Risks, by: Floats | None) -> Floats:
    """Sum over terms the outer products of risk-set means, times W/m and times the slots' values `by`."""
    a, b, c = squares(parts, at)
    if by is not None:
        a, b, c = a * by, b * by, c * by
    total = np.zeros((sets.x.shape[1], sets.x.shape[1]))
    for cut, s1, d1 in moments(sets, parts, at):
        total += s1.T @ (s1 * a[cut, None])
        if d1 is not None:
            cross = s1.T @ (d1 * b[cut, None])
            total += d1.T @ (d1 * c[cut, None]) - cross - cross.T
    return total


def squares(parts: Terms, at: Risks) -> tuple[Floats, Floats, Floats]:
    """Give a, b and c, shape (G,) each."""
    square = at.inverse * at.inverse
    a = parts.gather(square)
    if parts.fraction is None:
        return a, np.zeros_like(a), np.zeros_like(a)
    square *= parts.fraction
    b = parts.gather(square)
    square *= parts.fraction
    return a, b, parts.gather(square)


def moments(sets: RiskSets, parts: Terms, at: Risks) -> Iterator[tuple[slice, Floats, Floats | None]]:
    """Give S1 and D1 (None where there is one term each) by blocks of slots, the last block first."""
    leaving = _by_slot(sets, at.risk)
    entering = _by_entry(sets, at.risk) if len(sets.late) else None
    dying = None if parts.fraction is None else _by_death(sets, at.risk)
    carry, owner = np.zeros(sets.x.shape[1]), -1
    for cut in reversed(list(blocks(len(at.total), sets.x.shape[1]))):
        s1 = leaving(cut)
        if entering is not None:
            s1 -= entering[cut.start + 1 : cut.stop + 1]
        s1 = _cumulated(s1, sets, cut, carry, owner)
        carry, owner = s1[0], sets.slot_stratum[cut.start]
        yield cut, s1, None if dying is None else dying(cut)


def _cumulated(s1: Floats, sets: RiskSets, cut: slice, carry: Floats, owner: int) -> Floats:
    stratum = sets.slot_stratum[cut]
    if stratum[-1] == owner:
        s1[-1] += carry
    lowest, highest = stratum[0], stratum[-1]
    inside = np.clip(sets.slot_bounds[lowest : highest + 2], cut.start, cut.stop) - cut.start
    return restart_sums(s1, inside, reverse=True)


def _by_slot(sets: RiskSets, risk: Floats) -> Any:
    """Make the sums of r x over the rows that end in each slot, for a slice of slots."""

    def sums(cut: slice) -> Floats:
        return segment_sums(sets.x, risk, sets.ends[cut.start : cut.stop + 1])

    return sums


def _by_death(sets: RiskSets, risk: Floats) -> Any:
    """Make the sums of r x over the deaths of each slot, for a slice of slots."""
    from scipy.sparse import csr_array

    def sums(cut: slice) -> Floats:
        bounds = sets.dead_bounds[cut.start : cut.stop + 1]
        places = sets.dead[bounds[0] : bounds[-1]]
        shape = (len(bounds) - 1, len(sets.x))
        return np.asarray(csr_array((risk[places], places, bounds - bounds[0]), shape=shape) @ sets.x)

    return sums


def _by_entry(sets: RiskSets, risk: Floats) -> Floats:
    """Sum r x over the rows that enter late, between slots g - 1 and g, shape (G + 1, p)."""
    from scipy.sparse import csc_array

    shape = (len(sets.slot_time) + 1, len(sets.x))
    return np.asarray(csc_array((risk[sets.late], sets.first, sets.late_bounds), shape=shape) @ sets.x)


def _at_risk(sets: RiskSets, risk: Floats) -> Floats:
    """S0: the rows that end in a slot or later, less those that enter in it or later, cumulated together against cancellation."""
    change = np.add.reduceat(risk, sets.ends[:-1])
    if len(sets.late):
        change -= np.bincount(sets.first, weights=risk[sets.late], minlength=len(change) + 1)[1:]
    return restart_sums(change, sets.slot_bounds, reverse=True)


def _top(eta: Floats, sets: RiskSets) -> Floats:
    if len(sets.row_bounds) == 2:
        return np.array([eta.max()])
    filled = np.flatnonzero(np.diff(sets.row_bounds))
    top = np.zeros(len(sets.row_bounds) - 1)
    top[filled] = np.maximum.reduceat(eta, sets.row_bounds[filled])
    return top
