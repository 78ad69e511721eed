"""The search for the maximum of the partial likelihood, and the reasons why there may be none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats._coxlik import Risks, Terms, derivatives, risks
from ldeval.stats._risksets import RiskSets
from ldeval.stats.doors import Bools, Floats

NEAR = 1e-13  # a squared Newton step, in standard errors, after which nothing that is reported moves
FLAT = 1e-11  # share of a column's information that the other columns must leave for it to count as its own
STEPS = 100
SLACK = 1e-10  # relative loss of log-likelihood that is rounding


@dataclass(frozen=True, slots=True)
class Maximum:
    """The coefficients (p,) of the standardised columns, the state there, the information (p, p), and score and information at 0."""

    b: Floats
    at: Risks
    information: Floats
    null: float
    null_score: Floats
    null_information: Floats


def maximise(sets: RiskSets, parts: Terms, names: tuple[str, ...]) -> Maximum:
    """Climb by Newton's steps from zero, halved where they lose.

    Raises:
        ValueError: columns that are constant or a combination of others where they matter; separation; no convergence.

    """
    b = np.zeros(len(names))
    start = at = risks(sets, parts, b)
    score, information = null = derivatives(sets, parts, at)
    check_rank(information, sets, names)
    gains: list[float] = []
    for _ in range(STEPS):
        step = _step(score, information, names)
        gains.append(float(score @ step))
        if gains[-1] <= NEAR:
            return Maximum(b + step, risks(sets, parts, b + step), information, start.loglik, *null)
        if _runs_away(gains):
            raise separation(names, step)
        b, at = _improved(sets, parts, b, at, step)
        score, information = derivatives(sets, parts, at)
    raise ValueError(f"X: the fit did not converge in {STEPS} steps; look for columns that nearly determine the outcome")


def check_rank(information: Floats, sets: RiskSets, names: tuple[str, ...]) -> None:
    """Refuse columns without information of their own, by pivoted Cholesky of the information at zero.

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


def _step(score: Floats, information: Floats, names: tuple[str, ...]) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, score), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise separation(names, 1.0 / np.maximum(np.diag(information), 1e-300)) from None


def _improved(sets: RiskSets, parts: Terms, b: Floats, at: Risks, step: Floats) -> tuple[Floats, Risks]:
    for _ in range(STEPS):
        new = risks(sets, parts, b + step)
        if new.loglik >= at.loglik - SLACK * (1.0 + abs(at.loglik)):
            return b + step, new
        step = step / 2
    raise ValueError("X: no step improves the likelihood; look for columns with a few extreme values")


def _runs_away(gains: list[float]) -> bool:
    """Near a maximum the gains of Newton's steps fall by their squares; where there is none, by about e at each step."""
    if len(gains) < 3 or gains[-3] > 1e-4:
        return False
    return gains[-1] > 0.05 * gains[-2] and gains[-2] > 0.05 * gains[-3]


def _listed(names: tuple[str, ...], chosen: Bools) -> str:
    return ", ".join(name for name, one in zip(names, chosen, strict=True) if one)
