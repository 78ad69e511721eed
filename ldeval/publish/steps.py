"""Where the time of a build goes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter


@dataclass(frozen=True, slots=True)
class Steps:
    """Seconds of each step of a build: (by the clock, by the processors, those of ended child processes among them)."""

    taken: dict[str, tuple[float, float]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; one that comes again is added up."""
        clock, processors = perf_counter(), sum(os.times()[:4])
        try:
            yield
        finally:
            before = self.taken.get(name, (0.0, 0.0))
            self.taken[name] = before[0] + perf_counter() - clock, before[1] + sum(os.times()[:4]) - processors

    def __str__(self) -> str:
        """Say it in one line."""
        return ", ".join(f"{name} {clock:.1f} s" for name, (clock, _) in self.taken.items())
