"""Work on many rows cut into parts of fixed sizes, a core each: results do not depend on the number of cores."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

Part = TypeVar("Part")
Result = TypeVar("Result")
Number = TypeVar("Number", bound=np.generic)

PARTS = 8
NAME = "ldeval.stats"
FEW = 20_000  # rows up to which threads cost more than they save


def stretches(rows: int, step: int = 1) -> list[slice]:
    """Cut rows into parts of whole steps (the last may hold a rest), one where they are few."""
    if rows <= FEW:
        return [slice(0, rows)]
    edges = np.linspace(0, rows // step, PARTS + 1).astype(int) * step
    edges[-1] = rows
    return [slice(int(a), int(b)) for a, b in pairwise(edges)]


def each(work: Callable[[Part], Result], cuts: Sequence[Part]) -> list[Result]:
    """Give the work's results on each part, in order; numpy lets go of the interpreter, so that threads run side by side.

    What the caller asked of numpy's warnings holds in each.
    The caller's thread takes its share, and does not wait for a thread that has not begun.
    """
    if len(cuts) < 2 or _alone():
        return [work(cut) for cut in cuts]
    found: dict[int, Result] = {}
    left = deque(enumerate(cuts))

    def take() -> None:
        while left:
            try:
                j, cut = left.popleft()
            except IndexError:  # another thread took the last
                return
            found[j] = work(cut)

    helpers = [_pool().submit(copy_context().run, take) for _ in range(min(cores(), len(cuts)) - 1)]
    try:
        take()
    finally:
        left.clear()
        for helper in helpers:
            if not helper.cancel():
                helper.result()
    return [found[j] for j in range(len(cuts))]


def beside(rows: int, work: Callable[[], Result], other: Callable[[], Part]) -> tuple[Result, Part]:
    """Give the results of two calls about so many rows, the second on another core."""
    if rows <= FEW or _alone():
        return work(), other()
    later = _pool().submit(copy_context().run, other)
    return work(), later.result()


def picked(values: NDArray[Number], places: NDArray[np.intp]) -> NDArray[Number]:
    """Give values[places], along axis 0."""
    out = np.empty((len(places), *values.shape[1:]), dtype=values.dtype)
    each(lambda cut: np.take(values, places[cut], axis=0, out=out[cut], mode="clip"), stretches(len(places)))
    return out


def _alone() -> bool:
    """Say whether there is one core, or this already is one of the threads."""
    return cores() < 2 or threading.current_thread().name.startswith(NAME)


@cache
def _pool() -> ThreadPoolExecutor:
    """Start a thread for each core but that of the caller, once."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(cores() - 1, thread_name_prefix=NAME)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads stay behind


def cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
