"""Quantile regression of right-censored times: Portnoy's estimator along its exact path in the quantile.
 A censored row that the rising plane passes at quantile t keeps weight (q - t) / (1 - t) where it is, the rest goes to
infinity. Its part in the gradient, t (1 - q) / (1 - t), is linear in q like everyone's, so that the plane moves from vertex
to vertex as in parametric linear programming, and no grid is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ldeval.stats import quantile
from ldeval.stats.doors import Bools, Floats

JITTER = 1e-10
"""Ties are broken by moving outcomes by up to this share of their spread; the result is of the outcomes as they are."""


class Unidentified(ValueError):
    """The path ends before the quantile wanted: the rows left are all censored."""


@dataclass(slots=True)
class Path:
    """A vertex of the path and what leads on: rows in the basis, residuals, and each row's gradient `level + slope q`."""

    X: Floats
    y: Floats
    censored: Bools
    basis: list[int]
    residual: Floats
    level: Floats
    slope: Floats
    crossed: Floats
    inverse: Floats = field(default_factory=lambda: np.empty(0))


def solve(X: Floats, y: Floats, censored: Bools, q: float) -> Floats:
    """Give Portnoy's coefficients (p,) at quantile q.

    Censored rows at or below the plane of the lowest quantile, 1 / (2 n), say nothing and are left out. Columns should be of
    like size.

    Raises:
        Unidentified: the quantile cannot be reached; says up to where.

    """
    path = _start(X, y, censored, min(q, 1.0) / (2 * len(y)))
    now = min(q, 1.0) / (2 * len(y))
    for _ in range(50 * len(y) + 1000):
        now, place, up = _next_break(path, now)
        if now >= q:
            return np.asarray(np.linalg.solve(path.X[path.basis], path.y[path.basis]))
        _pivot(path, now, place, up)
    raise Unidentified(f"q: the path to quantile {q} did not end; too many equal rows")


def _start(X: Floats, y: Floats, censored: Bools, q: float) -> Path:
    kept = np.ones(len(y), dtype=bool)
    spread = float(np.ptp(np.quantile(y, [0.05, 0.95]))) or float(np.ptp(y)) or 1.0
    moved = y + spread * JITTER * np.modf(np.arange(1, len(y) + 1) * 0.6180339887498949)[0]
    while True:
        if (kept & ~censored).sum() <= X.shape[1]:
            left = int((kept & ~censored).sum())
            raise Unidentified(
                f"censored: expected more uncensored rows than columns to begin from, found {left} and {X.shape[1]}; drop columns"
            )
        residual = moved - X @ quantile.solve(X[kept], moved[kept], q)
        low = kept & censored & (residual <= 1e-3 * JITTER * spread)
        if not low.any():
            break
        kept &= ~low
    rows, residual = np.flatnonzero(kept), residual[kept]
    basis = quantile.nearest(X[rows], residual)
    if len(basis) < X.shape[1]:
        raise Unidentified("X: too few different rows near the lowest quantile to begin from; drop columns")
    residual[basis] = 0.0
    level = np.where(residual < 0, -1.0, 0.0)
    path = Path(X[rows], y[rows], censored[rows], basis, residual, level, np.ones(len(rows)), np.full(len(rows), np.nan))
    path.inverse = np.asarray(np.linalg.inv(path.X[basis]))
    return path


def _next_break(path: Path, now: float) -> tuple[float, int, bool]:
    """Give the quantile at which a basic row reaches a bound, its place in the basis, and whether that is the upper one."""
    outside = np.ones(len(path.y), dtype=bool)
    outside[path.basis] = False
    level = -(path.level * outside) @ path.X @ path.inverse
    slope = -(path.slope * outside) @ path.X @ path.inverse
    split = path.crossed[path.basis]
    uncensored = np.isnan(split)
    low_level = np.where(uncensored, -1.0, split / (1 - np.where(uncensored, 0.0, split)))
    low_slope = np.where(uncensored, 1.0, -low_level)
    with np.errstate(divide="ignore", invalid="ignore"):
        upper = np.where(slope > 1, -level / (slope - 1), np.inf)
        lower = np.where(slope < low_slope, (low_level - level) / (slope - low_slope), np.inf)
    ends = np.maximum(np.minimum(upper, lower), now)
    place = int(np.argmin(ends))
    return float(ends[place]), place, bool(upper[place] <= lower[place])


def _pivot(path: Path, now: float, place: int, up: bool) -> None:
    """Let a basic row go above the plane (`up`) or below it, and take in the next row that the plane meets."""
    leaving = path.basis[place]
    move = path.X @ path.inverse[:, place] * (-1.0 if up else 1.0)
    move[path.basis] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(move * path.residual > 0, path.residual / move, np.inf)
    entering = int(np.argmin(reach))
    while np.isfinite(reach[entering]) and path.censored[entering] and np.isnan(path.crossed[entering]):
        path.crossed[entering] = now
        _set_side(path, entering, above=False)
        reach[entering] = np.inf
        entering = int(np.argmin(reach))
    if not np.isfinite(reach[entering]):
        raise Unidentified(f"q: the rows left above quantile {now:.3g} are all censored; ask for a lower one")
    path.residual -= reach[entering] * move
    path.residual[path.basis] = 0.0
    path.residual[leaving] = reach[entering] if up else -reach[entering]
    path.residual[entering] = 0.0
    _set_side(path, leaving, above=up)
    path.basis[place] = entering
    path.inverse = np.asarray(np.linalg.inv(path.X[path.basis]))


def _set_side(path: Path, row: int, *, above: bool) -> None:
    split = path.crossed[row]
    if above:
        path.level[row], path.slope[row] = 0.0, 1.0
    elif np.isnan(split):
        path.level[row], path.slope[row] = -1.0, 1.0
    else:
        path.level[row], path.slope[row] = split / (1 - split), -split / (1 - split)
