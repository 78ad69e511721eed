"""Products of many rows: blocks that stay in cache, and products in pieces so small that each stays on one thread.

OpenBLAS wakes its other threads for larger products and waits for them; pieces in one call let the threads of `_threads` run.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ldeval.stats.doors import Codes, Floats

PRODUCTS, VECTORS = 250_000, 9_000  # multiplications up to which a product of matrices, or with a vector, stays on one thread
WIDEST = 60  # columns of a product, more of which would keep it from staying on one thread
SHORTEST = 64  # rows of a product of matrices, or a block, however many columns: each product makes a matrix of its own
FEWEST = 16  # rows of a product with a vector, however many columns
CACHED = 160_000  # numbers that stay in cache


def blocks(rows: slice, columns: int) -> Iterator[slice]:
    """Cut rows into blocks of `block_rows`."""
    step = block_rows(columns)
    return (slice(a, min(a + step, rows.stop)) for a in range(rows.start, rows.stop, step))


def block_rows(columns: int) -> int:
    """Count the rows of a block that stays in cache."""
    return min(max(CACHED // columns, SHORTEST), 8192)


def cross(a: Floats, b: Floats) -> Floats:
    """Give A'B, (p, q), of two blocks of rows, as small products that stay on one thread each."""
    total = np.empty((a.shape[1], b.shape[1]))
    for i in range(0, len(total), WIDEST):
        for j in range(0, b.shape[1], WIDEST):
            total[i : i + WIDEST, j : j + WIDEST] = _cross(a[:, i : i + WIDEST], b[:, j : j + WIDEST])
    return total


def _cross(a: Floats, b: Floats) -> Floats:
    p, q = a.shape[1], b.shape[1]
    step = min(max(PRODUCTS // (p * (q + 1)), SHORTEST), len(a))
    whole = len(a) // step * step if step else 0
    total = np.zeros((p, q))
    if whole:
        total += np.matmul(a[:whole].reshape(-1, step, p).transpose(0, 2, 1), b[:whole].reshape(-1, step, q)).sum(axis=0)
    if whole < len(a):
        total += a[whole:].T @ b[whole:]
    return total


def along(x: Floats, b: Floats, out: Floats) -> None:
    """Put x b, (n,), into `out`, as products that stay on one thread each."""
    step, whole = _vector_steps(x)
    if whole:
        np.matmul(x[:whole].reshape(-1, step, x.shape[1]), b, out=out[:whole].reshape(-1, step))
    np.matmul(x[whole:], b, out=out[whole:])


def across(x: Floats, values: Floats) -> Floats:
    """Give x'values, (p,), from products that stay on one thread each."""
    step, whole = _vector_steps(x)
    total = values[whole:] @ x[whole:]
    if whole:
        total += np.matmul(values[:whole].reshape(-1, 1, step), x[:whole].reshape(-1, step, x.shape[1])).sum(axis=(0, 1))
    return np.asarray(total)


def sums_by_member(values: Floats, member: Codes, bounds: Codes, x: Floats, count: int) -> Floats:
    """Add values times rows of x to their members' rows, shape (count, p); `bounds` delimit the values that go with each row."""
    from scipy.sparse import csc_array

    return np.asarray(csc_array((values, member, bounds - bounds[0]), shape=(count, len(x))) @ x)


def _vector_steps(x: Floats) -> tuple[int, int]:
    """Give the rows of one product of x (n, p) with a vector, and how many rows make whole ones."""
    step = max(VECTORS // x.shape[1], FEWEST)
    return step, len(x) // step * step
