"""Shows how far a long step has come."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Done = TypeVar("Done")


def shown(label: str, work: Callable[[Callable[[int, int], None]], Done]) -> Done:
    """Run `work` under a progress bar; it is given a function to call with the parts done and the parts in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as bar:
        task = bar.add_task(label, total=None)
        return work(lambda done, total: bar.update(task, completed=done, total=total))


@contextmanager
def steps() -> Iterator[tuple[Callable[[str], None], Callable[[int, int], None]]]:
    """Give two functions for a long run: one to say what is done now, one to tell how far the step has come.

    What is said stays above the bar, on the error stream; without a terminal it is plain lines.
    """
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield lambda text: console.print(text, markup=False, soft_wrap=True), lambda _done, _total: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def say(text: str) -> None:
            console.print(text, markup=False, style="dim")
            bar.update(task, description=text.splitlines()[0][:60], completed=0, total=None)

        yield say, lambda done, total: bar.update(task, completed=done, total=total)
