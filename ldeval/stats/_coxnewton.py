"""The search for the maximum of the partial likelihood, and the reasons why there may be none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats import _climbs
from ldeval.stats._climbs import ROUGH, SURE, endless, every, rounding
from ldeval.stats._coxlik import Risks, information, risks, score
from ldeval.stats._coxterms import Terms, terms
from ldeval.stats._products import along
from ldeval.stats._riskplaces import Placed, place
from ldeval.stats._risksets import RiskSets, risk_sets
from ldeval.stats._threads import beside, each, picked, stretches
from ldeval.stats.doors import Bools, Floats, Times

NEAR = 1e-16  # a squared step, in standard errors, that moves nothing that is reported
STILL = 1e-6  # relative change of the information that moves no error that is reported
FAST = 0.1  # a borrowed information serves as long as each gain is this part of the one before
FLAT = 1e-11  # share of a column's information that the other columns must leave for it to count as its own
LEAP = 4.0  # a move of a row's linear predictor that may be too long a step; where there is no maximum each moves it by one
STEPS = 100
SLACK = 1e-10  # relative loss of log-likelihood that is rounding


@dataclass(frozen=True, slots=True)
class Start:
    """Where to begin: coefficients (p,) of X as given, about the information there (p, p) for each unit of deaths' weight, and by
    what share a column's information `turns` for each unit of its coefficient (p,): the third of its moments over the second.
    """

    b: Floats
    information: Floats
    turns: Floats


@dataclass(frozen=True, slots=True)
class Maximum:
    """Coefficients (p,) of the standardised columns, the state and information (p, p) there, the log-likelihood at 0."""

    b: Floats
    at: Risks
    information: Floats
    null: float


@np.errstate(divide="ignore", over="ignore", invalid="ignore")  # far from the maximum, risks may be lost to rounding
def maximise(sets: RiskSets, parts: Terms, names: tuple[str, ...], start: Start | None = None, *, near: float = NEAR) -> Maximum:
    """Climb by Newton's steps, halved where they lose, from zero or from `start`, until a step gains no more than `near`.

    A start's information serves as long as the gains fall fast with it, bent by each step to what that step found (Broyden,
    Fletcher, Goldfarb and Shanno), and saves computing it at each; the information that is reported is always a computed one,
    so near the maximum that it turns by no more than about a millionth (`STILL`) on the way there.

    Raises:
        ValueError: columns that are constant or a combination of others where they matter; separation; no convergence.

    """
    b, at, null, bend, turns = _begun(sets, parts, names, start)
    slope, gains, loglik = score(sets, at), [np.inf], at.loglik
    step, checked, least = np.zeros(len(names)), False, FLAT * float(sets.dead_weight.sum())

    def still(step: Floats) -> bool:
        return turns is not None and float(np.linalg.norm(turns * step)) <= STILL

    def ended(step: Floats, gain: float) -> bool:
        small = gain <= near or rounding([gains[-1], gain])
        return still(step) or (small and (near > NEAR or not _moves(sets, step, _climbs.STILL)))

    for _ in range(STEPS):
        found = None if bend is None else _step(slope, bend, least)
        if found is None or not near < found[1] < FAST * gains[-1] or still(found[0]):
            bend = information(sets, parts, at)
            if not checked:
                check_rank(bend, sets, names)
                checked = True
            found = _step(slope, bend, least)
            if found is not None and ended(*found):
                return Maximum(b + found[0], at, bend, null)
        if found is not None:
            gains.append(found[1])
            if endless(gains) or endless(gains, *SURE):
                raise separation(names, found[0])
            loglik = at.loglik
            b, at, step = _improved(sets, parts, b, loglik, found[0])
        elif _moves(sets, step, LEAP):
            b, at, step = _improved(sets, parts, b - step, loglik, step / 2)
        else:
            raise separation(names, step) if bend is not None and np.isfinite(bend).all() else _far_values(names, step)
        old, slope = slope, score(sets, at)
        bend = None if start is None or bend is None or found is None else _bent(bend, step, old - slope)
    raise ValueError(f"X: the fit did not converge in {STEPS} steps; look for columns that nearly determine the outcome")


def _begun(
    sets: RiskSets, parts: Terms, names: tuple[str, ...], start: Start | None
) -> tuple[Floats, Risks, float, Floats | None, Floats | None]:
    """Give where a search begins, the state there, the log-likelihood at zero, and what is borrowed of a start."""
    zero = np.zeros(len(names))
    if start is None:
        at = risks(sets, parts, zero)
        return zero, at, at.loglik, None, None
    first = start.b * sets.scale
    there, at = beside(len(sets.rows), lambda: risks(sets, parts, first), lambda: risks(sets, parts, zero, sums=False))
    if not at.loglik < there.loglik < np.inf:  # infinite where risks are lost to rounding
        return zero, at, at.loglik, None, None
    bend = start.information / np.outer(sets.scale, sets.scale) * sets.dead_weight.sum()
    return first, there, at.loglik, bend, start.turns / sets.scale


def start_from_sample(placed: Placed, times: Times, x: Floats, weight: Floats, ties: str, names: tuple[str, ...]) -> Start | None:
    """Fit a part of many rows, to begin there; None where it does not pay, or the part has no maximum."""
    if not (apart := every(len(placed.rows))):
        return None
    some = slice(None, None, apart)
    rows, stratum, strata = placed.rows[some], placed.stratum[some], len(placed.slot_bounds) - 1
    entry = None if times.entry is None else picked(times.entry, rows)
    shorter = Times(picked(times.time, rows), picked(times.event, rows), entry)
    few, light = picked(x, rows), picked(weight, rows)
    try:
        part = place(shorter, light, stratum, strata)
        sets = risk_sets(part, few, light)
        best = maximise(sets, terms(sets, ties), names, near=ROUGH)
    except ValueError:
        return None
    powers = sets.x * sets.x
    second = powers.mean(axis=0)
    powers *= sets.x
    turns = np.maximum(np.abs(powers.mean(axis=0)) / second, np.sqrt(second)) * sets.scale
    return Start(best.b / sets.scale, best.information * np.outer(sets.scale, sets.scale) / sets.dead_weight.sum(), turns)


def check_rank(information: Floats, sets: RiskSets, names: tuple[str, ...]) -> None:
    """Refuse columns without information of their own, by pivoted Cholesky of the information.

    Raises:
        ValueError: names these columns.

    """
    left = information / float(sets.dead_weight.sum())
    own = np.diag(left).copy()
    waiting = own > FLAT
    while waiting.any():
        share = np.where(waiting, np.diag(left) / np.where(waiting, own, 1.0), -1.0)
        j = int(share.argmax())
        if share[j] <= FLAT:
            break
        waiting[j] = False
        left = left - np.outer(left[:, j], left[j]) / left[j, j]
    bad = waiting | (own <= FLAT)
    if bad.any():
        raise ValueError(
            f"X: {int(bad.sum())} column(s) do not vary, or are a combination of others, among those at risk when events happen "
            f"(within strata): {_listed(names, bad)}; drop them"
        )


def separation(names: tuple[str, ...], step: Floats) -> ValueError:
    """Say that the likelihood has no maximum, and along which columns it rises."""
    size = np.abs(step)
    rising = size > 0.1 * size.max()
    return ValueError(
        f"X: expected a likelihood with a maximum, found separation: it rises without end along {int(rising.sum())} column(s): "
        f"{_listed(names, rising)}; a value of theirs goes with no event, or with every event: drop or merge them"
    )


def _far_values(names: tuple[str, ...], step: Floats) -> ValueError:
    """Say that risks leave the range of floats on the way to a maximum, and by which columns."""
    size = np.abs(step)
    return ValueError(
        f"X: expected values whose risks stay within the range of floats, found some too far from the others in "
        f"{_listed(names, size > 0.1 * size.max())}; mend or cap them"
    )


def _step(slope: Floats, bend: Floats, least: float) -> tuple[Floats, float] | None:
    """Give Newton's step and its gain, slope' bend^-1 slope; None where a column's information is below what rounding leaves."""
    if not (np.diag(bend) > least).all():
        return None
    try:
        root = np.linalg.cholesky(bend)
    except np.linalg.LinAlgError:
        return None
    half = np.linalg.solve(root, slope)
    gain = float(half @ half)
    return (np.asarray(np.linalg.solve(root.T, half), dtype=np.float64), gain) if np.isfinite(gain) else None


def _bent(bend: Floats, step: Floats, change: Floats) -> Floats:
    """Give the information (p, p), bent so that it explains how the score changed along a step."""
    along = bend @ step
    return np.asarray(bend + np.outer(change, change) / (change @ step) - np.outer(along, along) / (step @ along))


def _improved(sets: RiskSets, parts: Terms, b: Floats, loglik: float, step: Floats) -> tuple[Floats, Risks, Floats]:
    """Give where the step, or a half of it and so on, does not lose: coefficients, the state there, and the step."""
    for _ in range(STEPS):
        new = risks(sets, parts, b + step)
        if loglik - SLACK * (1.0 + abs(loglik)) <= new.loglik < np.inf:
            return b + step, new, step
        step = step / 2
    raise ValueError("X: no step improves the likelihood; look for columns with a few extreme values")


def _moves(sets: RiskSets, step: Floats, far: float) -> bool:
    """Tell whether a step moves the linear predictor of a row so far."""

    def farthest(cut: slice) -> float:
        moved = np.empty(cut.stop - cut.start)
        along(sets.x[cut], step, out=moved)
        return float(max(moved.max(), -moved.min()))

    return max(each(farthest, stretches(len(sets.x)))) >= far


def _listed(names: tuple[str, ...], chosen: Bools) -> str:
    return ", ".join(name for name, one in zip(names, chosen, strict=True) if one)
