"""A regression's rows in standard units, streamed in blocks.

Columns are centred (where X holds a constant column) and scaled inside each block, so that no copy of a large X is made and
columns at scales of 1e8 and 1e-8 cost no digits. `Scaling` turns results in these units back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from ldeval.stats import doors
from ldeval.stats._products import across, block_rows, blocks, cross
from ldeval.stats._threads import each, stretches
from ldeval.stats.doors import Codes, Design, Floats
from ldeval.stats.rank import full_rank

SMALL = 1 << 21
"""Numbers in X up to which its standard units are kept: 16 MB."""
ALIKE = 1e8
"""Condition of X'X (columns of length 1) from which on columns are taken apart: it would cost this part of all digits."""


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


def gram(posed: Problem, row_weights: Floats) -> Floats:
    """Give X' diag(row_weights) X in standard units, for weights of zero or more."""
    return posed.total(lambda rows, block: cross(block * row_weights[rows, None], block))


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
    return not condition(gram(posed, _used(posed))) <= ALIKE


def condition(square: Floats) -> float:
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
