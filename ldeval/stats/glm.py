"""Generalised linear models by Newton's method, streamed in blocks of rows: the numerics behind `binary`, `counts`, `linear`.

Columns are centred (where X holds a constant column) and scaled inside each block, so that no copy of a large X is made and
columns at scales of 1e8 and 1e-8 cost no digits. Everything in a `Solution` is in these standard units; `Scaling` turns it back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ldeval.stats.doors import Design, Floats
from ldeval.stats.families import Family, Gaussian
from ldeval.stats.rank import full_rank

DECREMENT = 1e-11
"""Newton stops once the squared step, in standard errors, is below this: the step after it would be near 1e-11 of one."""
STEPS = 100
SMALL = 1 << 21
"""Numbers in X up to which its standard units are kept: 16 MB."""
SUSPECT = 8
"""From this step on, a fit that has not converged is searched for a separating direction."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Standard units of the columns: (X - shift) / scale; `constant` is the index of the constant column, if there is one."""

    shift: Floats
    scale: Floats
    constant: int | None

    def back(self) -> Floats:
        """Give the matrix T of shape (p, p) such that raw coefficients are T times those in standard units."""
        turn = np.diag(1.0 / self.scale)
        if self.constant is not None:
            turn[self.constant] -= self.shift / self.scale / self.scale[self.constant]
        return turn


@dataclass(frozen=True, slots=True)
class Problem:
    """What a fit needs: X of shape (n, p), the outcome, an offset of the linear predictor and weights (None: none).

    `standard` is X in standard units, where it is small enough to be kept.
    """

    design: Design
    y: Floats
    offset: Floats | None
    weights: Floats | None
    scaling: Scaling
    standard: Floats | None = None

    def blocks(self, least: int = 0) -> Iterator[tuple[slice, Floats]]:
        """Give the rows of each block, small enough for the cache and for one thread, and its columns in standard units, to read.

        OpenBLAS wakes its other threads for products above 2^18 multiplications (9,216 for a vector), and on a busy machine
        waits for them: blocks stay below, and products are of two different arrays, since one with itself goes to a routine
        that always waits.
        """
        n, p = self.design.matrix.shape
        size = max(64, min((1 << 18) // (p * (p + 1)), 9215 // p), least)
        for begin in range(0, n, size):
            rows = slice(begin, min(begin + size, n))
            yield rows, self._scaled(rows) if self.standard is None else self.standard[rows]

    def _scaled(self, rows: slice) -> Floats:
        block = self.design.matrix[rows] - self.scaling.shift
        block /= self.scaling.scale
        return block


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


def problem(design: Design, y: Floats, *, offset: Floats | None = None, weights: Floats | None = None) -> Problem:
    """Put a design into standard units (mean 0 where it holds a constant column, root mean square 1).

    Raises:
        ValueError: names columns that are zero or a combination of others.

    """
    matrix = design.matrix if weights is None or weights.all() else design.matrix[weights > 0]
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    level = np.flatnonzero((low == high) & (low != 0))
    constant = int(level[0]) if len(level) else None
    shift = np.zeros(len(low)) if constant is None else low + (matrix - low).mean(axis=0)
    if constant is not None:
        shift[constant] = 0.0
    reach = np.maximum(np.abs(low - shift), np.abs(high - shift))
    found = Problem(design, y, offset, weights, Scaling(shift, np.where(reach > 0, reach, 1.0), constant))
    if design.matrix.size <= SMALL:
        standard = _standard(found)
        standard.setflags(write=False)
        found = replace(found, standard=standard)
    _check_rank(found)
    return found


def fit(family: Family, posed: Problem) -> Solution:
    """Maximise the likelihood by Newton's method with step halving.

    Raises:
        ValueError: separation (names the columns); no convergence.

    """
    current = _start(family, posed)
    mass = 1.0 if posed.weights is None else float(posed.weights.mean())
    for iteration in range(STEPS):
        step = _solve(current.information, current.gradient)
        decrement = float(current.gradient @ step) / mass
        if iteration >= SUSPECT:
            _refuse_separation(family, posed, step)
        current = _advance(family, posed, current, step)
        if decrement < DECREMENT or isinstance(family, Gaussian):
            return current
    raise ValueError(f"X: the fit did not converge in {STEPS} steps; look for columns that all but determine the outcome")


def sweep(family: Family, posed: Problem, coefficients: Floats) -> Solution:
    """Go through the rows once: log-likelihood, gradient and information at `coefficients`."""
    n, p = posed.design.matrix.shape
    mean, residual, working = np.empty(n), np.empty(n), np.empty(n)
    information, gradient, loglik = np.zeros((p, p)), np.zeros(p), 0.0
    for rows, block in posed.blocks():
        eta = block @ coefficients
        if posed.offset is not None:
            eta += posed.offset[rows]
        mean[rows], score, weight, terms = family.parts(posed.y[rows], eta)
        if posed.weights is not None:
            share = posed.weights[rows]
            score, weight, terms = score * share, weight * share, terms * share
        residual[rows], working[rows] = score, weight
        loglik += float(terms.sum())
        gradient += score @ block
        information += (block * weight[:, None]).T @ block
    return Solution(posed, coefficients, information, gradient, loglik, mean, residual, working)


def gram(posed: Problem, row_weights: Floats) -> Floats:
    """Give X' diag(row_weights) X in standard units, for weights of zero or more."""
    total = np.zeros((len(posed.design.names),) * 2)
    for rows, block in posed.blocks():
        total += (block * row_weights[rows][:, None]).T @ block
    return total


def _start(family: Family, posed: Problem) -> Solution:
    """Weighted least squares of a first linear predictor, as R's glm; coefficients of zero where that is out of range."""
    eta = family.start(posed.y)
    target = eta if posed.offset is None else eta - posed.offset
    weight = family.parts(posed.y, eta)[2]
    weight = weight if posed.weights is None else weight * posed.weights
    first = np.zeros(len(posed.design.names))
    for rows, block in posed.blocks():
        first += (weight[rows] * target[rows]) @ block
    with np.errstate(over="ignore", invalid="ignore"):
        found = sweep(family, posed, _solve(gram(posed, weight), first))
        return found if np.isfinite(found.loglik) else sweep(family, posed, np.zeros(len(first)))


def _advance(family: Family, posed: Problem, current: Solution, step: Floats) -> Solution:
    slack = 1e-10 * (abs(current.loglik) + 1.0)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(60):
            ahead = sweep(family, posed, current.coefficients + step)
            if np.isfinite(ahead.loglik) and ahead.loglik >= current.loglik - slack:
                return ahead
            step = step / 2
    return current


def _solve(information: Floats, gradient: Floats) -> Floats:
    try:
        return np.asarray(np.linalg.solve(information, gradient))
    except np.linalg.LinAlgError:
        raise ValueError("X: the information is singular; look for columns that all but determine the outcome") from None


def _check_rank(posed: Problem) -> None:
    used = np.ones(len(posed.y)) if posed.weights is None else (posed.weights > 0).astype(np.float64)
    total = gram(posed, used)
    length = np.sqrt(np.diag(total))
    if not length.all() or np.linalg.cond(total / np.outer(length, length)) > 1e10:
        full_rank(Design(_standard(posed), posed.design.names), weights=used)


def _standard(posed: Problem) -> Floats:
    return np.concatenate([block for _, block in posed.blocks()])


def _refuse_separation(family: Family, posed: Problem, step: Floats) -> None:
    slope = np.concatenate([block @ step for _, block in posed.blocks()])
    y = posed.y
    if posed.weights is not None:
        slope, y = slope[posed.weights > 0], y[posed.weights > 0]
    size = float(np.abs(slope).max(initial=0.0))
    if size > 0 and family.separates(y, slope, 1e-3 * size):
        part = np.abs(step) > 1e-3 * np.abs(step).max()
        named = [name for j, name in enumerate(posed.design.names) if part[j] and j != posed.scaling.constant]
        columns = ", ".join(named or posed.design.names)
        raise ValueError(
            f"X: separation: {columns} foretell(s) the outcome of some rows without fail, so no finite coefficient is best; "
            "drop the column(s) or join categories"
        )
