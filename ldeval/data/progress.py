"""Shows how far a long step has come."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

Done = TypeVar("Done")


def shown(label: str, work: Callable[[Callable[[int, int], None]], Done]) -> Done:
    """Run `work` under a progress bar; it is given a function to call with the parts done and the parts in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(label, total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))
