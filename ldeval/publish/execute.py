"""Runs a chapter's code in a Jupyter kernel of its own and gives what each piece showed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldeval.publish.config import Book, lookup
from ldeval.publish.faults import settled, stop
from ldeval.publish.memory import changed
from ldeval.publish.source import Chapter, Code

ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b\x0c\x0e-\x1f]")
"""Colours of a terminal, and characters that no page shows."""

WORD = re.compile(r"[\w./-]+")
"""What may be the name of a file in code: libraries that are not of Python open files that nothing notes."""

LAUNCH = """
import sys
sys.path[:] = filter(None, sys.path)
sys.modules["debugpy"] = None
from ipykernel.kernelapp import launch_new_instance
launch_new_instance()
"""
"""Starts a kernel as `ipykernel_launcher` does, but without a debugger, which takes its time to load."""

AT_ONCE = 2
"""Kernels a core: one that starts or ends mostly waits."""

LOOKS = ("code-fold", "code-summary", "fig-width", "fig-height")
DEFAULTS = {"echo": True, "eval": True, "include": True, "output": True, "warning": True, "error": False}

Output = Mapping[str, Any]
"""One thing shown, as notebooks hold it: `output_type` is "stream", "error", or "display_data" and "execute_result"."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a chapter showed: the outputs of each piece of code in order; files and folders read, and results by key."""

    outputs: Sequence[Sequence[Output]] = ()
    opened: Sequence[str] = ()
    read: Sequence[Sequence[str]] = ()


def cell_options(book: Book, chapter: Chapter, cell: Code) -> dict[str, Any]:
    """Give the options of a cell: its own, over the chapter's, over the book's, over the defaults."""
    looks = {name: book.option(name, "html") for name in LOOKS if book.option(name, "html") is not None}
    own = {name: chapter.meta[name] for name in LOOKS if name in chapter.meta}
    executed = (book.options.get("execute") or {}) | (chapter.meta.get("execute") or {})
    given = looks | own | executed | dict(cell.options or {})
    return DEFAULTS | {name: value for name, value in given.items() if value not in (None, "default")}


async def run_chapter(book: Book, chapter: Chapter, *, timeout: int) -> Run:
    """Execute a chapter from top to bottom in a fresh kernel on local sockets, with our interpreter and its compiled bytecode.

    Raises:
        BookError: a cell that raises (file, line, label and a readable traceback), one that takes longer than `timeout`
            seconds, or a kernel that dies.

    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [_cell(book, chapter, code) for code in chapter.code]
    first, last = "import ldeval.publish.kernel", "from ldeval.publish import kernel; kernel.tell()"
    notebook = new_notebook(cells=[new_code_cell(first), *cells, new_code_cell(last)])
    is_project = lookup(book.options, "project.execute-dir") == "project"
    folder = book.root if is_project else (book.root / chapter.path).parent
    named = {os.path.normpath(folder / word) for code in chapter.code for word in WORD.findall(code.text)}
    before = {name: changed(name) for name in named if not os.path.isdir(name)}
    begun: list[int] = []
    with tempfile.TemporaryDirectory(prefix="ldeval-") as name:
        client = NotebookClient(notebook, km=_manager(Path(name, "kernel")), timeout=timeout, shutdown_kernel="immediate")
        client.on_cell_start = lambda cell, cell_index: begun.append(cell_index)
        try:
            await client.async_execute(cwd=str(folder), env=_environment(), cleanup_kc=True)
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            code = [Code("", chapter.path, 0), *chapter.code, Code("", chapter.path, 0)][begun[-1]]
            if isinstance(error, CellTimeoutError):
                what, advice = f"ran longer than {timeout} seconds", "make it quicker, or allow more with --cell-timeout"
            elif isinstance(error, DeadKernelError):
                what, advice = "ended its kernel", "often memory: see what the cell loads"
            else:
                what, advice = "failed", readable(error.traceback or f"{error.ename}: {error.evalue}").replace("\n", "\n    ")
            raise stop(code.file, code.line, f"{code.name} {what}", advice) from error
    told = next(output["data"]["text/plain"] for output in notebook.cells[-1].outputs if "data" in output)
    opened, read = json.loads(told)
    kept = (name for name, time in before.items() if changed(name) == time)  # the others are what the chapter made
    return Run([cell.outputs for cell in cells], [*opened, *kept], read)


def _cell(book: Book, chapter: Chapter, code: Code) -> Any:
    """Give a piece of code as a cell of a notebook."""
    from nbformat.v4 import new_code_cell

    if code.options is None:
        return new_code_cell(f"from ldeval.publish.kernel import show as _show; _show({code.text}\n)")
    options = cell_options(book, chapter, code)
    text = code.text if options["eval"] else ""
    if text and ("fig-width" in options or "fig-height" in options):
        size = f"({options.get('fig-width', 7)}, {options.get('fig-height', 5)})"
        text = f"import matplotlib as _mpl; _mpl.rcParams['figure.figsize'] = {size}; del _mpl\n{text}"
    return new_code_cell(text, metadata={"tags": ["raises-exception"] if options["error"] else []})


def _manager(connection: Path) -> Any:
    """Give the manager of a kernel; text of its figures stays text, and the same figure has the same ids in every build."""
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    look = "--InlineBackend.rc={'svg.fonttype': 'none', 'svg.hashsalt': 'ldeval'}"
    flags = ["--InlineBackend.figure_formats={'svg'}", look, "--HistoryManager.enabled=False"]
    command = [sys.executable, "-c", LAUNCH, "-f", "{connection_file}", *flags]
    manager = AsyncKernelManager(connection_file=str(connection), transport="ipc" if os.name == "posix" else "tcp")
    manager._kernel_spec = KernelSpec(argv=command, language="python", display_name="Python")
    return manager


def _environment() -> dict[str, str]:
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"SOURCE_DATE_EPOCH": kept.get("SOURCE_DATE_EPOCH", "0"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


def readable(text: str) -> str:
    """Give a traceback without colours; its frames in the kernel's own code say nothing and are left out by IPython."""
    return ANSI.sub("", text).strip()


def run_all(book: Book, chapters: Sequence[Chapter], *, timeout: int, done: Callable[[str], None]) -> list[Run]:
    """Execute chapters side by side; `done(path)` is called as each ends.

    Raises:
        BookError: the faults of all chapters together.

    """
    gate = asyncio.Semaphore(AT_ONCE * (os.cpu_count() or 1))

    async def one(chapter: Chapter) -> Run:
        async with gate:
            run = await run_chapter(book, chapter, timeout=timeout)
        done(chapter.path)
        return run

    async def gather() -> list[Run | BaseException]:
        return await asyncio.gather(*map(one, chapters), return_exceptions=True)

    return settled(asyncio.run(gather()))
