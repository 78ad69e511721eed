"""The numerics of quantile regression: an interior-point solution taken to its vertex, and R's standard errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats.doors import Codes, Floats

STEPS = 200
GAP = 1e-9
"""The interior point stops at this duality gap relative to the loss; the vertex is exact."""
NO_DENSITY = 'errors: the density at the quantile cannot be told from these rows; use errors="iid"'


def solve(X: Floats, y: Floats, q: float) -> Floats:
    """Give b (p,) that minimises the sum of (y - Xb) (q - 1[y < Xb]).

    Frisch-Newton on the dual (Portnoy and Koenker, 1997, doi:10.1214/ss/1030037960), then the exact fit through the p rows
    that are nearest and independent, where its loss is no higher. Columns should be of like size.
    """
    centre = np.linalg.lstsq(X, y, rcond=None)[0]
    residual = y - X @ centre
    scale = float(np.abs(residual).mean())
    if scale <= 1e-13 * float(np.abs(y).mean()):
        return np.asarray(centre)
    inner = centre + _interior(X, residual / scale, q) * scale
    vertex = _vertex(X, y, inner)
    return vertex if _loss(X, y, q, vertex) <= _loss(X, y, q, inner) * (1 + 1e-9) else inner


def bandwidth(q: float, n: int) -> float:
    """Give Hall and Sheather's (1988) bandwidth for 95% intervals, halved until it stays inside (0, 1), as R's quantreg."""
    h = _hall_sheather(q, n)
    while q - h < 0 or q + h > 1:
        h /= 2
    return h


def covariance_iid(X: Floats, residual: Floats, q: float) -> Floats:
    """Give s(q)^2 q (1 - q) (X'X)^-1; the sparsity s(q) by a median line through the residuals nearest to zero."""
    n, p = X.shape
    zeros = int((np.abs(residual) < np.finfo(float).eps ** 0.5).sum())
    reach = max(p + 1, int(np.ceil(n * _hall_sheather(q, n))))
    places = np.arange(zeros + 1, min(reach + zeros + 1, n) + 1)
    near = np.sort(residual[np.argsort(np.abs(residual), kind="stable")][places - 1])
    line = np.column_stack([np.ones(len(places)), places / (n - p)])
    sparsity = solve(line, near, 0.5)[1]
    return np.asarray(sparsity**2 * q * (1 - q) * np.linalg.inv(X.T @ X))


def density_nid(X: Floats, y: Floats, q: float) -> Floats:
    """Give each row's density at its quantile from fits a bandwidth above and below (Hendricks and Koenker, 1992)."""
    h = bandwidth(q, len(y))
    spread = X @ (solve(X, y, q + h) - solve(X, y, q - h))
    with np.errstate(divide="ignore"):
        return np.maximum(0.0, 2 * h / (spread - np.finfo(float).eps ** 0.5))


def density_kernel(residual: Floats, q: float) -> Floats:
    """Give each row's share in Powell's (1991) density estimate: a normal kernel at its residual.

    Raises:
        ValueError: residuals so many of which are alike that the kernel has no width.

    """
    from scipy.special import ndtri

    h = bandwidth(q, len(residual))
    quartiles = np.quantile(residual, [0.25, 0.75])
    width = (ndtri(q + h) - ndtri(q - h)) * min(residual.std(ddof=1), np.ptp(quartiles) / 1.34)
    if not width > 0:
        raise ValueError(NO_DENSITY)
    return np.asarray(np.exp(-0.5 * (residual / width) ** 2) / (np.sqrt(2 * np.pi) * width))


def sandwich(X: Floats, density: Floats, meat: Floats) -> Floats:
    """Give D^-1 meat D^-1, D = X' diag(density) X.

    Raises:
        ValueError: no density where it is needed.

    """
    bread = (X * density[:, None]).T @ X
    if not np.isfinite(bread).all() or np.linalg.cond(bread) > 1e14:
        raise ValueError(NO_DENSITY)
    inverse = np.linalg.inv(bread)
    return np.asarray(inverse @ meat @ inverse)


def cluster_meat(X: Floats, residual: Floats, q: float, codes: Codes, count: int) -> Floats:
    """Give the sum of u_g u_g', u_g the sum of x (q - 1[residual < 0]) over a cluster (Parente and Santos Silva, 2016)."""
    at = np.abs(residual) <= 1e-9 * np.abs(residual).max()
    side = np.where(at, 0.0, q - (residual < 0))
    sums = np.column_stack([np.bincount(codes, column * side, minlength=count) for column in X.T])
    return np.asarray(sums.T @ sums)


def _hall_sheather(q: float, n: int) -> float:
    from scipy.special import ndtri

    x = float(ndtri(q))
    density = float(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))
    return float(n ** (-1 / 3) * ndtri(0.975) ** (2 / 3) * (1.5 * density**2 / (2 * x**2 + 1)) ** (1 / 3))


def _loss(X: Floats, y: Floats, q: float, b: Floats) -> float:
    residual = y - X @ b
    return float(residual @ (q - (residual < 0)))


def _interior(X: Floats, y: Floats, q: float) -> Floats:
    """Mehrotra's predictor-corrector for max y'a subject to X'a = (1 - q) X'1, 0 <= a <= 1; its multipliers are -b."""
    x = np.full(len(y), 1.0 - q)
    s = 1.0 - x
    b = np.asarray(np.linalg.lstsq(X, -y, rcond=None)[0], dtype=np.float64)
    r = -y - X @ b
    z = np.maximum(r, 0.0) + 0.01 * (1.0 + float(np.abs(r).mean()))
    w = z - r
    size = 1.0 + float(np.abs(y).sum())
    for _ in range(STEPS):
        state = _State(X, x, s, z, w)
        if state.gap() <= GAP * size:
            break
        db, dx, dz, dw = state.direction(0.0, 0.0)
        fp, fd = _reach(x, s, dx), _reach_dual(z, dz, w, dw)
        if min(fp, fd) < 1.0:
            ahead = float((z + fd * dz) @ (x + fp * dx) + (w + fd * dw) @ (s - fp * dx))
            mu = state.gap() * (ahead / state.gap()) ** 3 / (2 * len(y))
            db, dx, dz, dw = state.direction((mu - dx * dz) / x, (mu + dx * dw) / s)
            fp, fd = _reach(x, s, dx), _reach_dual(z, dz, w, dw)
        x, s = x + fp * dx, s - fp * dx
        b, z, w = b + fd * db, z + fd * dz, w + fd * dw
    return np.asarray(-b)


@dataclass(frozen=True, slots=True)
class _State:
    """Dual variables x and their slacks s, both above zero, with the multipliers z and w of these bounds."""

    X: Floats
    x: Floats
    s: Floats
    z: Floats
    w: Floats

    def gap(self) -> float:
        return float(self.z @ self.x + self.w @ self.s)

    def direction(self, first: Floats | float, second: Floats | float) -> tuple[Floats, Floats, Floats, Floats]:
        """Give the steps of b, x, z, w to z x = first x, w s = second s (Newton's, with the products' second order inside)."""
        weight = 1.0 / (self.z / self.x + self.w / self.s)
        right = self.z - self.w - first + second
        gram = (self.X * weight[:, None]).T @ self.X
        db = np.asarray(np.linalg.solve(gram, self.X.T @ (weight * right)), dtype=np.float64)
        dx = weight * (self.X @ db - right)
        return db, dx, first - self.z - self.z * dx / self.x, second - self.w + self.w * dx / self.s


def _reach(x: Floats, s: Floats, dx: Floats) -> float:
    down, up = dx < 0, dx > 0
    most = min(np.min(-x[down] / dx[down], initial=np.inf), np.min(s[up] / dx[up], initial=np.inf))
    return float(min(0.9995 * most, 1.0))


def _reach_dual(z: Floats, dz: Floats, w: Floats, dw: Floats) -> float:
    low, other = dz < 0, dw < 0
    most = min(np.min(-z[low] / dz[low], initial=np.inf), np.min(-w[other] / dw[other], initial=np.inf))
    return float(min(0.9995 * most, 1.0))


def _vertex(X: Floats, y: Floats, b: Floats) -> Floats:
    """Give the exact fit through the rows nearest to the plane that are linearly independent."""
    chosen = nearest(X, y - X @ b)
    return np.asarray(np.linalg.solve(X[chosen], y[chosen])) if len(chosen) == X.shape[1] else b


def nearest(X: Floats, residual: Floats) -> list[int]:
    """Give the rows nearest to the plane that are linearly independent, p of them where there are so many near it."""
    p = X.shape[1]
    near = np.argsort(np.abs(residual), kind="stable")
    chosen: list[int] = []
    basis = np.zeros((0, p))
    for row in near[: 50 * p + 1000]:
        rest = X[row] - basis.T @ (basis @ X[row])
        rest = rest - basis.T @ (basis @ rest)
        length = float(np.linalg.norm(rest))
        if length > 1e-8 * float(np.linalg.norm(X[row])):
            basis = np.vstack([basis, rest / length])
            chosen.append(int(row))
            if len(chosen) == p:
                break
    return chosen
