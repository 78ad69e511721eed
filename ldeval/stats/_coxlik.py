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
from functools import partial

import numpy as np

from ldeval.stats._coxrisk import RowRisks, risks_of_rows
from ldeval.stats._coxsums import Moments, kept, streamed
from ldeval.stats._coxterms import Terms
from ldeval.stats._products import across, block_rows, blocks, cross
from ldeval.stats._risksets import RiskSets, restart_sums
from ldeval.stats._threads import beside, each, picked, stretches
from ldeval.stats.doors import Floats


@dataclass(frozen=True, slots=True)
class Risks:
    """The state at one b: `risk` r (n,), `shift` (k,) taken off log r in each stratum, `total` S0 and `dead` D0 (G,),
    `hazard` A and `relief` B (G,), and the log-likelihood (of weights of mean 1). `sums` are S1 and D1 (None: one term each),
    where they are kept.
    """

    risk: Floats
    shift: Floats
    total: Floats
    dead: Floats
    hazard: Floats
    relief: Floats
    loglik: float
    sums: tuple[Floats, Floats | None] | None


def risks(sets: RiskSets, parts: Terms, b: Floats, *, sums: bool = True) -> Risks:
    """Evaluate risks, hazards and log-likelihood at b, shape (p,); with `sums`, S1 and D1 too, where they are small."""
    sums = sums and sets.tied
    rows = risks_of_rows(sets, b, steps=sums)
    total = _at_risk(sets, rows)
    np.maximum(total, rows.dead, out=total)

    def sums_of_x() -> tuple[Floats, Floats | None] | None:
        if sets.steps is None or rows.by_step is None:
            return None
        return kept(sets, sets.steps, rows.risk, rows.by_step, deaths=parts.several)

    terms = partial(parts.sums, total, rows.dead, _logs_and_inverses)
    (logs, hazard, relief), first = beside(len(sets.rows), terms, sums_of_x)
    loglik = _observed(sets, b, rows.shift) - float(logs.sum())
    return Risks(rows.risk, rows.shift, total, rows.dead, hazard, relief, loglik, first)


def _logs_and_inverses(term: Floats, fraction: Floats) -> Iterator[Floats]:
    yield np.log(term)
    np.divide(1.0, term, out=term)
    yield term
    term *= fraction
    yield term


def _squares(term: Floats, fraction: Floats) -> Iterator[Floats]:
    term *= term
    np.divide(1.0, term, out=term)
    yield term
    term *= fraction
    yield term
    term *= fraction
    yield term


def _observed(sets: RiskSets, b: Floats, shift: Floats) -> float:
    """Sum w x'b over deaths, less the shifts."""
    lost = shift[0] * sets.dead_weight.sum() if len(shift) == 1 else shift[sets.slot_stratum] @ sets.dead_weight
    return float(sets.observed @ b - lost)


def expected(sets: RiskSets, hazard: Floats, relief: Floats) -> Floats:
    """Cumulate hazards over each row's time at risk, less the relief of its own death: q / r, shape (n,)."""
    cumulated = over_risk(sets, hazard)
    if relief.any():
        cumulated[sets.dead] -= relief[sets.hit]
    return cumulated


def over_risk(sets: RiskSets, hazard: Floats) -> Floats:
    """Sum values of slots, shape (G,) or (G, p), over each row's time at risk, shape (n,) or (n, p)."""
    sums = restart_sums(hazard, sets.slot_bounds)
    cumulated = picked(sums, sets.last)
    if len(sets.late):
        cumulated[sets.late] -= sums[sets.first - 1]
    return cumulated


def score(sets: RiskSets, at: Risks, by: Floats | None = None) -> Floats:
    """Give the score (p,), each slot times `by`."""
    if by is None and at.sums is not None:
        s1, d1 = at.sums
        means = at.hazard @ s1
        return np.asarray(sets.observed - means if d1 is None else sets.observed - means + at.relief @ d1)
    difference = surplus(sets, at, by)
    totals = each(lambda cut: across(sets.x[cut], difference[cut]), stretches(len(sets.x)))
    return np.asarray(np.sum(totals, axis=0))


def information(sets: RiskSets, parts: Terms, at: Risks, by: Floats | None = None) -> Floats:
    """Give the information (p, p), each slot times `by`."""
    hazard, relief = (at.hazard, at.relief) if by is None else (at.hazard * by, at.relief * by)
    q = expected(sets, hazard, relief)
    q *= at.risk
    return _gram(sets.x, q, signed=by is not None) - _means_gram(sets, parts, at, by)


def surplus(sets: RiskSets, at: Risks, by: Floats | None = None) -> Floats:
    """Give each row's weight of deaths less its expectation, dw - q, shape (n,), each slot times `by`."""
    hazard, relief = (at.hazard, at.relief) if by is None else (at.hazard * by, at.relief * by)
    difference = expected(sets, hazard, relief)
    events = sets.events
    if by is not None:
        events = events.copy()
        events[sets.dead] *= by[sets.hit]

    def part(cut: slice) -> None:
        own = difference[cut]
        own *= at.risk[cut]
        np.subtract(events[cut], own, out=own)

    each(part, stretches(len(difference)))
    return difference


def _gram(x: Floats, q: Floats, *, signed: bool) -> Floats:
    """Give X'diag(q)X, by the roots of q where it is above zero, less (if `signed`) by those of -q where it is below."""
    total = _root_gram(x, q, 1.0)
    if signed:
        total -= _root_gram(x, q, -1.0)
    return total


def _root_gram(x: Floats, q: Floats, sign: float) -> Floats:
    p = x.shape[1]

    def part(stretch: slice) -> Floats:
        total, room = np.zeros((p, p)), np.empty((block_rows(p), p))
        for cut in blocks(stretch, p):
            root = np.sqrt(np.maximum(sign * q[cut], 0.0))
            block = np.multiply(x[cut], root[:, None], out=room[: len(root)])
            total += cross(block, block)
        return total

    return np.asarray(np.sum(each(part, stretches(len(x))), axis=0))


def _means_gram(sets: RiskSets, parts: Terms, at: Risks, by: Floats | None) -> Floats:
    """Sum over terms the outer products of risk-set means, times W/m and times the slots' values `by`."""
    a, b, c = squares(parts, at)
    if by is not None:
        a, b, c = a * by, b * by, c * by

    def part(moment: Moments) -> Floats:
        total = np.zeros((sets.x.shape[1], sets.x.shape[1]))
        for whole, s1, d1 in moment:
            if d1 is None:
                total += _gram(s1, a[whole], signed=by is not None)
                continue
            for cut in blocks(whole, sets.x.shape[1]):
                own = slice(cut.start - whole.start, cut.stop - whole.start)
                one, other = s1[own], d1[own]
                mixed = cross(one, other * b[cut, None])
                total += cross(one, one * a[cut, None]) + cross(other, other * c[cut, None]) - mixed - mixed.T
        return total

    return np.asarray(np.sum(each(part, moments(sets, parts, at)), axis=0))


def squares(parts: Terms, at: Risks) -> Floats:
    """Give a, b and c, shape (3, G)."""
    return parts.sums(at.total, at.dead, _squares)


def moments(sets: RiskSets, parts: Terms, at: Risks) -> list[Moments]:
    """Give S1 and D1 (None where there is one term each) of each stretch of slots, by blocks of slots."""
    if at.sums is not None:
        return [iter([(slice(0, len(at.total)), *at.sums)])]
    return streamed(sets, at.risk, deaths=parts.several)


def _at_risk(sets: RiskSets, rows: RowRisks) -> Floats:
    """S0: the rows that end in a slot or later, less those that enter in it or later, cumulated together against cancellation."""
    change = rows.ended
    if len(sets.late):
        change = change - np.bincount(sets.first, weights=rows.risk[sets.late], minlength=len(change) + 1)[1:]
    return restart_sums(change, sets.slot_bounds, reverse=True)
