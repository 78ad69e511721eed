"""What is wrong with a book: every fault names file, line, what was found and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from pathlib import PurePath
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One fault of a book's sources; `line` counts from 1, 0 is the whole file."""

    file: str
    line: int
    what: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.what}" + (f"\n    {self.advice}" if self.advice else "")


class BookError(Exception):
    """A book that cannot be rendered, with all the faults found together."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        count = f"{len(self.faults)} fault{'s' if len(self.faults) > 1 else ''} in the book"
        super().__init__("\n".join([count, *map(str, self.faults)]))


def stop(file: str | PurePath, line: int, what: str, advice: str = "") -> BookError:
    """Make the error of a single fault."""
    return BookError([Fault(str(file), line, what, advice)])


def side_by_side(items: Iterable[A], work: Callable[[A], B]) -> list[B]:
    """Apply `work` to every item at once; the faults of all of them come together."""
    with ThreadPoolExecutor() as pool:
        futures = [pool.submit(copy_context().run, work, item) for item in items]
    return settled(future.exception() or future.result() for future in futures)


def settled(results: Iterable[B | BaseException]) -> list[B]:
    """Give the results of what ran at once, or raise: the faults of all of them together, or what else was raised first."""
    kept = list(results)
    if faults := [fault for result in kept if isinstance(result, BookError) for fault in result.faults]:
        raise BookError(faults)
    for result in kept:
        if isinstance(result, BaseException):
            raise result
    return kept  # type: ignore[return-value]  # no exception is left
