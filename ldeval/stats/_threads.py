"""Work on many rows cut into parts of fixed sizes, a core each: results do not depend on the number of cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

Part = TypeVar("Part")
Result = TypeVar("Result")

PARTS = 8
FEW = 50_000  # rows up to which threads cost more than they save


def stretches(rows: int) -> list[slice]:
    """Cut rows into parts, one where they are few."""
    edges = np.linspace(0, rows, (PARTS if rows > FEW else 1) + 1).astype(int)
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def each(work: Callable[[Part], Result], cuts: Sequence[Part]) -> list[Result]:
    """Give the work's results on each part, in order; numpy lets go of the interpreter, so that threads run side by side."""
    threads = min(cores(), len(cuts))
    if threads < 2:
        return [work(cut) for cut in cuts]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, cuts))


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
