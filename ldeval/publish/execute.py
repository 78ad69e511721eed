"""Runs a chapter's cells in a Jupyter kernel of its own and gives what each one showed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import tempfile
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ldeval.publish.config import Book, lookup
from ldeval.publish.faults import BookError, stop
from ldeval.publish.source import Cell, Chapter, Inline, Markdown

MIMES = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain")
ANSI = re.compile(r"\x1b\[[0-9;]*m")

PRELUDE = """
import os as _os, sys as _sys
_ldeval_opened = set()
def _ldeval_reads(name, default):
    return getattr(_sys.modules.get("ldeval.release.reads"), name, default)
def _ldeval_seen():
    import json
    print(json.dumps([sorted(_ldeval_opened), sorted(_ldeval_reads("READ", ()))]))
def _ldeval_audit(event, args):
    written = isinstance(args[1], str) and set(args[1]) & set("wax+") if event == "open" else True
    if not written and isinstance(args[0], str) and not _ldeval_reads("by_key", False):
        _ldeval_opened.add(_os.path.abspath(args[0]))
_sys.addaudithook(_ldeval_audit)
def _ldeval_show(value):
    from IPython import get_ipython
    from IPython.display import display
    data = {"text/plain": value} if isinstance(value, str) else get_ipython().display_formatter.format(value)[0]
    display(data, raw=True)
"""
"""Runs first: notes the files that the chapter opens (but those that `ldeval.release.reads` notes by key), and shows inline
values (a string as itself, not quoted)."""


@dataclass(frozen=True, slots=True)
class Output:
    """One thing shown: `kind` is "stdout", "stderr", "display" or "error"; `data` its text or its content by MIME type."""

    kind: str
    data: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What a chapter showed: outputs of each cell, values of each inline expression; files opened, and results read by key."""

    cells: tuple[tuple[Output, ...], ...]
    inlines: tuple[Output, ...]
    opened: tuple[str, ...]
    read: tuple[tuple[str, ...], ...] = ()

    def plain(self) -> dict[str, Any]:
        """Give the run as plain data for JSON."""
        return asdict(self)


def from_plain(data: Mapping[str, Any]) -> Run:
    """Rebuild a run from what `Run.plain` gave."""

    def output(item: Mapping[str, Any]) -> Output:
        return Output(item["kind"], item["data"])

    cells = tuple(tuple(map(output, cell)) for cell in data["cells"])
    return Run(cells, tuple(map(output, data["inlines"])), tuple(data["opened"]), tuple(map(tuple, data["read"])))


@dataclass(frozen=True, slots=True)
class _Job:
    """One thing to execute: a cell, or the inline expressions of one stretch of text."""

    code: str
    file: str
    line: int
    name: str
    allow_errors: bool = False


def cell_options(book: Book, chapter: Chapter, cell: Cell) -> dict[str, Any]:
    """Give the options of a cell: its own, over the chapter's, over the book's, over the defaults."""
    defaults: dict[str, Any] = {"echo": True, "eval": True, "include": True, "output": True, "warning": True, "error": False}
    looks = ("code-fold", "code-summary", "fig-width", "fig-height")
    defaults |= {name: book.option(name, "html") for name in looks if book.option(name, "html") is not None}
    defaults |= {name: chapter.meta[name] for name in looks if name in chapter.meta}
    return defaults | (book.options.get("execute") or {}) | (chapter.meta.get("execute") or {}) | dict(cell.options)


def has_code(chapter: Chapter) -> bool:
    """Tell whether the chapter needs a kernel at all."""
    return any(isinstance(part, Cell) for part in chapter.parts)


async def run_chapter(book: Book, chapter: Chapter, *, timeout: int) -> Run:
    """Execute a chapter from top to bottom in a fresh kernel.

    Raises:
        BookError: a cell that raises (file, line, label and a readable traceback), one that takes longer than `timeout`
            seconds, or a kernel that dies.

    """
    jobs = list(_jobs(book, chapter))
    shown: list[tuple[Output, ...]] = []
    async with _kernel(book, chapter, timeout) as client:
        for job in jobs:
            shown.append(await _execute(client, job, timeout))
        seen = await _execute(client, _Job("_ldeval_seen()", chapter.path, 0, ""), timeout)
    opened, read = json.loads("".join(output.data.get("text", "") for output in seen))
    return replace(_sorted_out(chapter, shown), opened=tuple(opened), read=tuple(map(tuple, read)))


def _jobs(book: Book, chapter: Chapter) -> Iterator[_Job]:
    for part in chapter.parts:
        if isinstance(part, Markdown):
            inlines = [piece for piece in part.pieces if isinstance(piece, Inline)]
            for item in inlines:
                yield _Job(f"_ldeval_show({item.code}\n)", item.file, item.line, f"inline code `{item.code}`")
            continue
        options = cell_options(book, chapter, part)
        name = f"cell {options['label']!r}" if options.get("label") else "cell"
        code = _sized(part.code, options) if options["eval"] else ""
        yield _Job(code, part.file, part.line, name, bool(options["error"]))


def _sized(code: str, options: Mapping[str, Any]) -> str:
    if "fig-width" not in options and "fig-height" not in options:
        return code
    size = f"({options.get('fig-width', 7)}, {options.get('fig-height', 5)})"
    return f"import matplotlib as _mpl; _mpl.rcParams['figure.figsize'] = {size}; del _mpl\n{code}"


def _sorted_out(chapter: Chapter, shown: Sequence[tuple[Output, ...]]) -> Run:
    cells, inlines = [], []
    queue = iter(shown)
    for part in chapter.parts:
        if isinstance(part, Cell):
            cells.append(next(queue))
        else:
            inlines += [_value(next(queue)) for piece in part.pieces if isinstance(piece, Inline)]
    return Run(tuple(cells), tuple(inlines), ())


def _value(outputs: tuple[Output, ...]) -> Output:
    return next((output for output in outputs if output.kind == "display"), Output("display", {"text/plain": ""}))


@asynccontextmanager
async def _kernel(book: Book, chapter: Chapter, timeout: int) -> AsyncIterator[Any]:
    """Give a client of a kernel on local sockets, in the chapter's folder, with our interpreter and its compiled bytecode."""
    import nbformat
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    # Text of figures stays text, and the same figure has the same ids in every build.
    look = "--InlineBackend.rc={'svg.fonttype': 'none', 'svg.hashsalt': 'ldeval'}"
    flags = ["--InlineBackend.figure_formats={'svg'}", look, "--HistoryManager.enabled=False"]
    command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}", *flags]
    is_project = lookup(book.options, "project.execute-dir") == "project"
    folder = book.root if is_project else (book.root / chapter.path).parent
    with tempfile.TemporaryDirectory(prefix="ldeval-") as name:
        transport = "ipc" if os.name == "posix" else "tcp"
        manager = AsyncKernelManager(connection_file=str(Path(name, "kernel")), transport=transport)
        manager._kernel_spec = KernelSpec(argv=command, language="python", display_name="Python")
        options = {"timeout": timeout, "allow_errors": True, "shutdown_kernel": "immediate"}
        client = NotebookClient(nbformat.v4.new_notebook(), km=manager, **options)
        async with client.async_setup_kernel(cwd=str(folder), env=_environment(), cleanup_kc=True):
            await _execute(client, _Job(PRELUDE, chapter.path, 0, "prelude"), timeout)
            yield client


def _environment() -> dict[str, str]:
    dropped = ("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if name not in dropped}
    return kept | {"SOURCE_DATE_EPOCH": kept.get("SOURCE_DATE_EPOCH", "0"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}


async def _execute(client: Any, job: _Job, timeout: int) -> tuple[Output, ...]:
    import nbformat
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    cell = nbformat.v4.new_code_cell(job.code)
    client.nb.cells.append(cell)
    try:
        await client.async_execute_cell(cell, len(client.nb.cells) - 1)
    except CellTimeoutError as error:
        advice = "make it quicker, or allow more with --cell-timeout"
        raise stop(job.file, job.line, f"{job.name} ran longer than {timeout} seconds", advice) from error
    except DeadKernelError as error:
        raise stop(job.file, job.line, f"{job.name} ended its kernel", "often memory: see what the cell loads") from error
    outputs = tuple(_outputs(cell.outputs))
    failed = next((output for output in outputs if output.kind == "error"), None)
    if failed and not job.allow_errors:
        raise stop(job.file, job.line, f"{job.name} failed", failed.data["text"].replace("\n", "\n    "))
    return outputs


def _outputs(raw: Sequence[Mapping[str, Any]]) -> Iterator[Output]:
    for item in raw:
        if item["output_type"] == "stream":
            yield Output(item["name"], {"text": item["text"]})
        elif item["output_type"] == "error":
            yield Output("error", {"text": _readable(item)})
        else:
            data = {mime: value for mime, value in item["data"].items() if mime in MIMES}
            yield Output("display", {mime: "".join(value) for mime, value in data.items()})


def _readable(item: Mapping[str, Any]) -> str:
    """Give the traceback without colours; its frames in the kernel's own code say nothing and are left out by IPython."""
    text = ANSI.sub("", "\n".join(item["traceback"]))
    return text.strip() or f"{item['ename']}: {item['evalue']}"


def run_all(book: Book, chapters: Sequence[Chapter], *, timeout: int, done: Any) -> list[Run]:
    """Execute chapters side by side, as many as there are cores; `done(path)` is called as each ends.

    Raises:
        BookError: the faults of all chapters together.

    """

    async def gather() -> list[Any]:
        gate = asyncio.Semaphore(max(1, os.cpu_count() or 1))

        async def one(chapter: Chapter) -> Run:
            async with gate:
                run = await run_chapter(book, chapter, timeout=timeout)
                done(chapter.path)
                return run

        return await asyncio.gather(*map(one, chapters), return_exceptions=True)

    results = asyncio.run(gather())
    faults = [fault for result in results if isinstance(result, BookError) for fault in result.faults]
    if faults:
        raise BookError(faults)
    if other := next((result for result in results if isinstance(result, BaseException)), None):
        raise RuntimeError("".join(traceback.format_exception(other))) from other
    return results
