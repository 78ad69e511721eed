"""Columns of a design matrix that add nothing to the others."""

from __future__ import annotations

import numpy as np

from ldeval.stats.doors import Design, Floats


def full_rank(design: Design, *, constant: bool = True, weights: Floats | None = None) -> Design:
    """Give the design back where no column is a linear combination of others (nor constant, where `constant` is False).

    Judged by a pivoted QR of the columns scaled to length 1, at 1e-9; rows of weight zero do not count. `constant=False`
    centres the columns first: for models without an intercept, such as Cox's.

    Raises:
        ValueError: names the columns that add nothing.

    """
    from scipy.linalg import qr

    matrix = design.matrix if weights is None else design.matrix[weights > 0]
    scale = np.abs(matrix).max(axis=0, initial=0.0)
    scaled = matrix / np.where(scale > 0, scale, 1.0)
    centred = scaled if constant else scaled - scaled.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    zero = length <= 1e-9 * np.sqrt(max(len(matrix), 1))
    scaled = centred / np.where(zero, 1.0, length)
    gram = scaled[:, ~zero].T @ scaled[:, ~zero]
    names = [name for name, drop in zip(design.names, zero, strict=True) if drop]
    if gram.size and np.linalg.cond(gram) > 1e12:
        upper, pivot = qr(scaled[:, ~zero], mode="r", pivoting=True)
        diagonal = np.abs(np.diag(upper))
        kept = np.flatnonzero(~zero)
        rank = int((diagonal > 1e-9).sum())
        names += [design.names[kept[j]] for j in pivot[rank:]]
    if names:
        kind = "constant or a combination of others" if not constant else "zero or a combination of others"
        raise ValueError(f"X: {len(names)} column(s) are {kind}: {', '.join(sorted(names))}; drop them")
    return design


def standard(matrix: Floats) -> tuple[Floats, Floats]:
    """Give X and T with matrix = X T, X (n, p): columns of size 1, or orthogonal where those are nearly collinear."""
    size = np.abs(matrix).max(axis=0)
    scaled = np.asarray(matrix / size)
    if np.linalg.cond(scaled.T @ scaled) < 1e8:
        return scaled, np.diag(size)
    q, r = np.linalg.qr(scaled)
    root = np.sqrt(len(matrix))
    return np.asarray(q * root), np.asarray(r * size / root)
