"""Generalised linear models by Newton's method: the numerics behind `binary`, `counts`, `linear`.

Everything in a `Solution` is in the standard units of its `Problem`; `raw` and `raw_covariance` turn it back.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats._climbs import FAR, ROUGH, STILL, endless, every, rounding, settled
from ldeval.stats._products import across, along, cross
from ldeval.stats._units import Problem, Scaling, condition, gram, problem
from ldeval.stats.doors import Floats
from ldeval.stats.families import Family, Gaussian

__all__ = ["Problem", "Scaling", "Solution", "fit", "gram", "problem", "sweep"]

DECREMENT = 1e-20
"""The square of a step, in standard errors, that moves nothing that is reported."""
STEPS = 100
LOST = 1e14
"""Condition of the information at a maximum from which on weights of rows have vanished, and a coefficient with them."""


@dataclass(frozen=True, slots=True)
class Solution:
    """A fit in standard units: `coefficients` (p,), `information` (p, p), and each row's mean, score residual and weight (n,).

    Score residuals and working weights include the row's weight.
    """

    problem: Problem
    coefficients: Floats
    information: Floats
    gradient: Floats
    loglik: float
    mean: Floats
    residual: Floats
    working: Floats

    @property
    def odds(self) -> Floats:
        """The odds mean / (1 - mean) of a logistic fit without weights, kept within floats where the mean rounds to 0 or 1."""
        mean, spread = self.mean, self.working
        odds = np.divide(mean**2, spread, out=np.where(mean > 0.5, np.inf, 0.0), where=spread > 0)
        return np.clip(odds, 1e-300, 1e300)

    @property
    def inverse(self) -> Floats:
        """The inverse of the information, in standard units."""
        return np.asarray(np.linalg.inv(self.information), dtype=np.float64)

    def raw(self) -> Floats:
        """Give the coefficients in the units of X."""
        return np.asarray(self.problem.scaling.back() @ self.coefficients)

    def raw_covariance(self, covariance: Floats) -> Floats:
        """Give a covariance in the units of X from one in standard units."""
        turn = self.problem.scaling.back()
        return np.asarray(turn @ covariance @ turn.T)


class _Lost(ValueError):
    """A search has come to where rounding leaves nothing to go by."""


def fit(family: Family, posed: Problem) -> Solution:
    """Maximise the likelihood by Newton's method with step halving, of many rows from the maximum of some.

    Ends after a step that foretells a next one whose square, in standard errors, is below `DECREMENT`, or where rounding is all
    that moves it; never after a step that moves a row's linear predictor by more than `STILL`.

    Raises:
        ValueError: separation (names the columns); no convergence.

    """
    if apart := every(len(posed.y)):
        try:
            some = posed.every(apart)
            begun = _climbed(family, some, _first(family, some), ROUGH)
            return _climbed(family, posed, sweep(family, posed, begun.coefficients), DECREMENT)
        except ValueError:  # some have no maximum, or one too far from that of all
            pass
    try:
        return _climbed(family, posed, _first(family, posed), DECREMENT)
    except _Lost:
        return _climbed(family, posed, sweep(family, posed, np.zeros(len(posed.design.names))), DECREMENT)


def _climbed(family: Family, posed: Problem, current: Solution, least: float) -> Solution:
    if not np.isfinite(current.loglik):
        raise _Lost("X: the fit begins beyond the range of floats; look for values far from all others")
    mass = 1.0 if posed.weights is None else float(posed.weights.mean())
    squares: list[float] = []
    step, reach = np.zeros(len(current.coefficients)), 0.0
    for _ in range(STEPS):
        try:
            step = _solve(current.information, current.gradient)
        except _Lost:
            if reach > FAR:
                break
            raise
        squares.append(float(current.gradient @ step) / mass)
        reach = float(np.abs(step).sum())  # columns in standard units are nowhere above 1
        if reach > FAR and endless(squares):
            break
        current = _advance(family, posed, current, step)
        if isinstance(family, Gaussian):
            return current
        if reach < STILL and (settled(squares, least) or rounding(squares)):
            if condition(current.information) < LOST:
                return current
            reach = np.inf
            break
    if reach > FAR:
        raise _separation(posed, step)
    raise ValueError(f"X: the fit did not converge in {STEPS} steps; look for columns that all but determine the outcome")


def sweep(family: Family, posed: Problem, coefficients: Floats) -> Solution:
    """Go through the rows once: log-likelihood, gradient and information at `coefficients`."""
    p = len(coefficients)
    mean, residual, working = (np.empty(len(posed.y)) for _ in range(3))

    def sums(rows: slice, block: Floats) -> Floats:
        eta = np.empty(len(block))
        along(block, coefficients, out=eta)
        if posed.offset is not None:
            eta += posed.offset[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            mean[rows], score, weight, terms = family.parts(posed.y[rows], eta)
            if posed.weights is not None:
                share = posed.weights[rows]
                score, weight, terms = (np.where(share > 0, part * share, 0.0) for part in (score, weight, terms))
            residual[rows], working[rows] = score, weight
            return _bordered(cross(block * weight[:, None], block), across(block, score), float(terms.sum()))

    found = posed.total(sums)
    return Solution(posed, coefficients, found[:p, :p], found[p, :p], float(found[p, p]), mean, residual, working)


def _bordered(square: Floats, edge: Floats, corner: float) -> Floats:
    """Give one array (p + 1, p + 1) of three sums, which add up as one."""
    out = np.empty((len(edge) + 1,) * 2)
    out[:-1, :-1], out[-1, :-1], out[:-1, -1], out[-1, -1] = square, edge, edge, corner
    return out


def _first(family: Family, posed: Problem) -> Solution:
    """Weighted least squares of a first linear predictor, as R's glm; coefficients of zero where that is out of range."""
    p = len(posed.design.names)

    def sums(rows: slice, block: Floats) -> Floats:
        eta = family.start(posed.y[rows])
        weight = family.parts(posed.y[rows], eta)[2]
        weight = weight if posed.weights is None else weight * posed.weights[rows]
        target = eta if posed.offset is None else eta - posed.offset[rows]
        return _bordered(cross(block * weight[:, None], block), across(block, weight * target), 0.0)

    total = posed.total(sums)
    found = sweep(family, posed, _solve(total[:p, :p], total[p, :p]))
    return found if np.isfinite(found.loglik) else sweep(family, posed, np.zeros(p))


def _advance(family: Family, posed: Problem, current: Solution, step: Floats) -> Solution:
    slack = 1e-10 * (abs(current.loglik) + 1.0)
    for _ in range(60):
        ahead = sweep(family, posed, current.coefficients + step)
        if np.isfinite(ahead.loglik) and ahead.loglik >= current.loglik - slack:
            return ahead
        step = step / 2
    return current


def _solve(information: Floats, gradient: Floats) -> Floats:
    try:
        found = np.asarray(np.linalg.solve(information, gradient))
    except np.linalg.LinAlgError:
        found = np.full(len(gradient), np.nan)
    if not np.isfinite(found).all():
        raise _Lost("X: the information is singular; look for columns that all but determine the outcome")
    return found


def _separation(posed: Problem, step: Floats) -> ValueError:
    """Say that the likelihood has no maximum, and along which columns it rises."""
    size = np.abs(step if posed.scaling.turn is None else posed.scaling.turn @ step)
    rising = [j for j in np.flatnonzero(size > 1e-3 * size.max()) if j != posed.scaling.constant]
    columns = ", ".join([posed.design.names[j] for j in rising] or posed.design.names)
    return ValueError(
        f"X: separation: {columns} foretell(s) the outcome of some rows without fail, so no finite coefficient is best; "
        "drop the column(s) or join categories"
    )
