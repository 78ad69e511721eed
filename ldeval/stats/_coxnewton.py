"""The search for the maximum of the partial likelihood, and the reasons why there may be none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats._coxlik import Risks, information, risks, score
from ldeval.stats._coxterms import Terms, terms
from ldeval.stats._riskplaces import Placed, place
from ldeval.stats._risksets import RiskSets, risk_sets
from ldeval.stats._threads import beside, picked
from ldeval.stats.doors import Bools, Floats, Times

NEAR = 1e-16  # a squared step, in standard errors, that moves nothing that is reported
STILL = 1e-6  # relative change of the information that moves no error that is reported
FAST = 0.1  # a borrowed information serves as long as each gain is this part of the one before
ROUGH = 1e-2  # gain up to which a maximum is sought that is but a start
NOISE, SLOW = 1e-10, 0.05  # a gain below the first that has not fallen to this part of the one before is rounding
NEARBY = 1e-4  # a gain from which gains fall by their squares, if there is a maximum
FLAT = 1e-11  # share of a column's information that the other columns must leave for it to count as its own
STEPS = 100
SLACK = 1e-10  # relative loss of log-likelihood that is rounding
LARGE, SAMPLE = 50_000, 40_000  # rows from which a start from about so many of them pays


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


def maximise(sets: RiskSets, parts: Terms, names: tuple[str, ...], start: Start | None = None, *, near: float = NEAR) -> Maximum:
    """Climb by Newton's steps, halved where they lose, from zero or from `start`, until a step gains no more than `near`.

    A start's information serves as long as the gains fall fast with it, bent by each step to what that step found (Broyden,
    Fletcher, Goldfarb and Shanno), and saves computing it at each; the information that is reported is always a computed one,
    so near the maximum that it turns by no more than about a millionth (`STILL`) on the way there.

    Raises:
        ValueError: columns that are constant or a combination of others where they matter; separation; no convergence.

    """
    b, bend, turns = np.zeros(len(names)), None, None
    if start is None:
        at = risks(sets, parts, b)
        null = at.loglik
    else:
        first = start.b * sets.scale
        there, at = beside(len(sets.rows), lambda: risks(sets, parts, first), lambda: risks(sets, parts, b, sums=False))
        null = at.loglik
        if there.loglik > null:
            b, at, bend = first, there, start.information / np.outer(sets.scale, sets.scale) * sets.dead_weight.sum()
            turns = start.turns / sets.scale
    slope, gains = score(sets, at), [np.inf]
    checked = False

    def settled(step: Floats, gain: float) -> bool:
        return gain <= near or (turns is not None and float(np.linalg.norm(turns * step)) <= STILL)

    for _ in range(STEPS):
        step, gain = (slope, 0.0) if bend is None else _step(slope, bend, names)
        if bend is None or not gain < FAST * gains[-1] or settled(step, gain):
            bend = information(sets, parts, at)
            if not checked:
                check_rank(bend, sets, names)
                checked = True
            step, gain = _step(slope, bend, names)
            if settled(step, gain) or NOISE > gain > SLOW * gains[-1]:
                return Maximum(b + step, at, bend, null)
        gains.append(gain)
        if _runs_away(gains):
            raise separation(names, step)
        before, old = b, slope
        b, at = _improved(sets, parts, b, at, step)
        slope = score(sets, at)
        bend = None if start is None else _bent(bend, b - before, old - slope)
    raise ValueError(f"X: the fit did not converge in {STEPS} steps; look for columns that nearly determine the outcome")


def start_from_sample(placed: Placed, times: Times, x: Floats, weight: Floats, ties: str, names: tuple[str, ...]) -> Start | None:
    """Fit a part of many rows, to begin there; None where it does not pay, or the part has no maximum."""
    if len(placed.rows) < LARGE:
        return None
    some = slice(None, None, max(8, len(placed.rows) // SAMPLE))
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


def _step(slope: Floats, bend: Floats, names: tuple[str, ...]) -> tuple[Floats, float]:
    """Give Newton's step and its gain, slope' bend^-1 slope."""
    try:
        root = np.linalg.cholesky(bend)
    except np.linalg.LinAlgError:
        raise separation(names, 1.0 / np.maximum(np.diag(bend), 1e-300)) from None
    half = np.linalg.solve(root, slope)
    return np.asarray(np.linalg.solve(root.T, half), dtype=np.float64), float(half @ half)


def _bent(bend: Floats, step: Floats, change: Floats) -> Floats:
    """Give the information (p, p), bent so that it explains how the score changed along a step."""
    along = bend @ step
    return np.asarray(bend + np.outer(change, change) / (change @ step) - np.outer(along, along) / (step @ along))


def _improved(sets: RiskSets, parts: Terms, b: Floats, at: Risks, step: Floats) -> tuple[Floats, Risks]:
    for _ in range(STEPS):
        new = risks(sets, parts, b + step)
        if new.loglik >= at.loglik - SLACK * (1.0 + abs(at.loglik)):
            return b + step, new
        step = step / 2
    raise ValueError("X: no step improves the likelihood; look for columns with a few extreme values")


def _runs_away(gains: list[float]) -> bool:
    """Near a maximum the gains of Newton's steps fall by their squares; where there is none, by about e at each step."""
    return len(gains) > 2 and gains[-3] < NEARBY and gains[-1] > SLOW * gains[-2] and gains[-2] > SLOW * gains[-3]


def _listed(names: tuple[str, ...], chosen: Bools) -> str:
    return ", ".join(name for name, one in zip(names, chosen, strict=True) if one)
