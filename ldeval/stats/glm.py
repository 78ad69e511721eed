"""Generalised linear models by Newton's method, streamed in blocks of rows: the numerics behind `binary`, `counts`, `linear`.

Columns are centred (where X holds a constant column) and scaled inside each block, so that no copy of a large X is made and
columns at scales of 1e8 and 1e-8 cost no digits. Everything in a `Solution` is in these standard units; `Scaling` turns it back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ldeval.stats import doors
from ldeval.stats._climbs import FAR, STILL, endless, rounding, settled
from ldeval.stats._products import across, along, block_rows, blocks, cross
from ldeval.stats._threads import each, stretches
from ldeval.stats.doors import Codes, Design, Floats
from ldeval.stats.families import Family, Gaussian
from ldeval.stats.rank import full_rank

DECREMENT = 1e-20
"""The square of a step, in standard errors, that moves nothing that is reported."""
STEPS = 100
SMALL = 1 << 21
"""Numbers in X up to which its standard units are kept: 16 MB."""
ALIKE = 1e8
"""Condition of X'X (columns of length 1) from which on columns are taken apart: it would cost this part of all digits."""
LOST = 1e14
"""Condition of the information at a maximum from which on weights of rows have vanished, and a coefficient with them."""
LARGE, SAMPLE = 50_000, 40_000
"""Rows from which a start from about so many of them pays."""
ROUGH = 1e-2
"""`DECREMENT` of a maximum that is but a start."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """Standard units of the columns: (X - shift) / scale; `constant` is the index of the constant column, if there is one.

    Columns that are nearly alike are taken apart: (X - shift) / scale = standard units times the inverse of `turn` (p, p).
    """

    shift: Floats
    scale: Floats
    constant: int | None
    turn: Floats | None = None

    def back(self) -> Floats:
        """Give the matrix T of shape (p, p) such that raw coefficients are T times those in standard units."""
        turn = np.diag(1.0 / self.scale)
        if self.constant is not None:
            turn[self.constant] -= self.shift / self.scale / self.scale[self.constant]
        return turn if self.turn is None else np.asarray(turn @ self.turn)


@dataclass(frozen=True, slots=True)
class Problem:
    """What a fit needs: X of shape (n, p), the outcome, an offset of the linear predictor and weights (None: none).

    `standard` is X in standard units, where it is small enough to be kept, or was taken apart.
    """

    design: Design
    y: Floats
    offset: Floats | None
    weights: Floats | None
    scaling: Scaling
    standard: Floats | None = None

    def blocks(self, part: slice | None = None) -> Iterator[tuple[slice, Floats]]:
        """Give the rows of each block of a part (None: of all), and its columns in standard units, to read before the next."""
        n, p = self.design.matrix.shape
        cuts = blocks(slice(0, n) if part is None else part, p)
        if self.standard is not None:
            yield from ((rows, self.standard[rows]) for rows in cuts)
            return
        shape = (min(block_rows(p), n), 1)
        shifts, factors = np.tile(self.scaling.shift, shape), np.tile(1.0 / self.scaling.scale, shape)  # no short rows to stretch
        room = np.empty_like(shifts)
        for rows in cuts:
            size = rows.stop - rows.start
            block = np.subtract(self.design.matrix[rows], shifts[:size], out=room[:size])
            block *= factors[:size]
            yield rows, block

    def columns(self) -> Floats:
        """Give X in standard units, shape (n, p)."""
        if self.standard is not None:
            return self.standard
        out = np.empty(self.design.matrix.shape)
        for rows, block in self.blocks():
            out[rows] = block
        return out

    def at(self, rows: Codes) -> Floats:
        """Give rows of X in standard units."""
        if self.standard is not None:
            return self.standard[rows]
        return np.asarray((self.design.matrix[rows] - self.scaling.shift) / self.scaling.scale)

    def total(self, work: Callable[[slice, Floats], Floats]) -> Floats:
        """Add up the work's results on blocks of `blocks`; parts of many rows run side by side."""

        def part(cut: slice) -> Floats:
            return np.asarray(sum(work(*block) for block in self.blocks(cut)))

        return np.asarray(sum(each(part, stretches(len(self.y)))))

    def every(self, step: int) -> Problem:
        """Give the problem of every so-manyth row, in the same units.

        Raises:
            ValueError: these rows do not tell the columns apart.

        """
        some = slice(None, None, step)
        design = Design(np.ascontiguousarray(self.design.matrix[some]), self.design.names)
        offset, weights, standard = (
            values if values is None else values[some] for values in (self.offset, self.weights, self.standard)
        )
        part = _kept(Problem(design, self.y[some], offset, weights, self.scaling, standard))
        if _are_alike(part):
            raise ValueError("X: some rows do not tell the columns apart")
        return part


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


def problem(design: Design, y: Floats, *, offset: Floats | None = None, weights: Floats | None = None) -> Problem:
    """Put a design into standard units (about mean 0 where it holds a constant column, largest size 1).

    Weights whose squares leave the range of floats are divided by their largest.

    Raises:
        ValueError: names columns that are zero or a combination of others.

    """
    if weights is not None and not doors.SMALL <= weights.max() <= 1 / doors.SMALL:
        weights = weights / weights.max()
    used = None if weights is None else weights > 0
    rows = slice(None) if used is None or used.all() else used
    low, high, mean = _extent(design.matrix[rows], None if weights is None else weights[rows])
    level = np.flatnonzero((low == high) & (low != 0))
    constant = int(level[0]) if len(level) else None
    shift = np.zeros(len(low)) if constant is None else mean
    if constant is not None:
        shift[constant] = 0.0
    reach = np.maximum(np.abs(low - shift), np.abs(high - shift))
    posed = _kept(Problem(design, y, offset, weights, Scaling(shift, np.where(reach > 0, reach, 1.0), constant)))
    return _apart(posed) if _are_alike(posed) else posed


def fit(family: Family, posed: Problem) -> Solution:
    """Maximise the likelihood by Newton's method with step halving, of many rows from the maximum of some.

    Ends after a step that foretells a next one whose square, in standard errors, is below `DECREMENT`, or where rounding is all
    that moves it; never after a step that moves a row's linear predictor by more than `STILL`.

    Raises:
        ValueError: separation (names the columns); no convergence.

    """
    rows = len(posed.y)
    if rows >= LARGE:
        try:
            some = posed.every(max(8, rows // SAMPLE))
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
            if _condition(current.information) < LOST:
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


def gram(posed: Problem, row_weights: Floats) -> Floats:
    """Give X' diag(row_weights) X in standard units, for weights of zero or more."""
    return posed.total(lambda rows, block: cross(block * row_weights[rows, None], block))


def _bordered(square: Floats, edge: Floats, corner: float) -> Floats:
    """Give one array (p + 1, p + 1) of three sums, which add up as one."""
    out = np.empty((len(edge) + 1,) * 2)
    out[:-1, :-1], out[-1, :-1], out[:-1, -1], out[-1, -1] = square, edge, edge, corner
    return out


def _extent(matrix: Floats, weights: Floats | None) -> tuple[Floats, Floats, Floats]:
    """Give the columns' least and largest values and their weighted means."""

    def part(cut: slice) -> Floats:
        found = []
        for rows in blocks(cut, matrix.shape[1]):
            block = matrix[rows]
            total = block.sum(axis=0) if weights is None else across(block, weights[rows])
            found.append((block.min(axis=0), block.max(axis=0), total))
        low, high, totals = zip(*found, strict=True)
        return np.array([np.min(low, axis=0), np.max(high, axis=0), np.sum(totals, axis=0)])

    found = np.array(each(part, stretches(len(matrix))))
    mass = len(matrix) if weights is None else weights.sum()
    return found[:, 0].min(axis=0), found[:, 1].max(axis=0), found[:, 2].sum(axis=0) / mass


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


def _kept(posed: Problem) -> Problem:
    """Keep the standard units of a small problem."""
    if posed.design.matrix.size > SMALL or posed.standard is not None:
        return posed
    standard = posed.columns()
    standard.setflags(write=False)
    return replace(posed, standard=standard)


def _used(posed: Problem) -> Floats:
    return np.ones(len(posed.y)) if posed.weights is None else (posed.weights > 0).astype(np.float64)


def _are_alike(posed: Problem) -> bool:
    """Tell whether some columns are nearly, or wholly, a combination of others."""
    return not _condition(gram(posed, _used(posed))) <= ALIKE


def _condition(square: Floats) -> float:
    """Give the condition of X'X as if columns had length 1; infinite where one has none."""
    length = np.sqrt(np.diag(square))
    return float(np.linalg.cond(square / np.outer(length, length))) if length.all() else np.inf


def _apart(posed: Problem) -> Problem:
    """Take columns apart that are nearly alike, so that X'X costs no digits; refuse those that are a combination of others."""
    columns, used = posed.columns(), _used(posed)
    full_rank(Design(columns, posed.design.names), weights=used)
    upper: Floats = np.asarray(np.linalg.qr(columns[used > 0], mode="r"))
    standard = np.linalg.solve(upper.T, columns.T).T
    size = np.abs(standard[used > 0]).max(axis=0)
    turn = np.linalg.inv(upper) / size
    return replace(posed, scaling=replace(posed.scaling, turn=turn), standard=np.ascontiguousarray(standard / size))


def _separation(posed: Problem, step: Floats) -> ValueError:
    """Say that the likelihood has no maximum, and along which columns it rises."""
    size = np.abs(step if posed.scaling.turn is None else posed.scaling.turn @ step)
    rising = [j for j in np.flatnonzero(size > 1e-3 * size.max()) if j != posed.scaling.constant]
    columns = ", ".join([posed.design.names[j] for j in rising] or posed.design.names)
    return ValueError(
        f"X: separation: {columns} foretell(s) the outcome of some rows without fail, so no finite coefficient is best; "
        "drop the column(s) or join categories"
    )
