"""The synthetic twin: people who do not exist, whose true effects are known, written as extracts of the declared shape.

The same design gives the same bytes with any number of processes: each block draws its own random numbers, and blocks are
written in order.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ldeval.data.folders import MANIFEST, truth_folder
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic_blocks import IDENTITIES, Design, Task, run, tasks
from ldeval.data.synthetic_tables import schema
from ldeval.data.twin_parameters import TWINS

ROW_GROUP = 131_072
NOTICE = "Synthetic: these people do not exist."

Progress = Callable[[int, int], None]
"""Called with the blocks done and the blocks in all."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A twin on disk: its design, the rows of each extract, and one hash over the bytes of all of them."""

    folder: Path
    design: Design
    rows: dict[str, int]
    sha256: str


def write_twin(design: Design, folder: Path, *, processes: int = 1, progress: Progress | None = None) -> Twin:
    """Write a twin's extracts as Parquet into `folder`, and who is who into the folder beside it.

    The twin is built in a folder of its own and exchanged whole for an earlier one.

    Raises:
        ValueError: an unknown twin, fewer than one user or process, or a negative seed.
        FileExistsError: `folder` is there and holds something other than a twin.

    """
    _check(design, processes)
    if folder.exists() and any(folder.iterdir()) and not (truth_folder(folder) / MANIFEST).is_file():
        raise FileExistsError(f"{folder} is not empty and holds no twin; name another folder, or empty it first")
    work = folder.parent / f".{folder.name}.new"
    shutil.rmtree(work, ignore_errors=True)
    (work / "data").mkdir(parents=True)
    (work / "truth").mkdir()
    try:
        rows = _write(design, work, processes, progress)
        twin = Twin(folder, design, rows, fingerprint(work / "data"))
        manifest = asdict(design) | {"rows": rows, "sha256": twin.sha256, "notice": NOTICE}
        (work / "truth" / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        _exchange(work / "data", folder)
        _exchange(work / "truth", truth_folder(folder))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return twin


def _check(design: Design, processes: int) -> None:
    faults = [
        text
        for broken, text in (
            (design.twin not in TWINS, f"twin must be one of {', '.join(TWINS)}, found {design.twin!r}"),
            (design.users < 1, f"people must be at least 1, found {design.users}"),
            (design.seed < 0, f"seed must not be negative, found {design.seed}"),
            (processes < 1, f"processes must be at least 1, found {processes}"),
        )
        if broken
    ]
    if faults:
        raise ValueError("; ".join(faults))


def _exchange(built: Path, place: Path) -> None:
    if place.exists():
        shutil.rmtree(place)
    built.replace(place)


def fingerprint(folder: Path) -> str:
    """Give one hash over the names and bytes of a folder's files, at any depth."""
    total = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            total.update(f"{path.relative_to(folder).as_posix()} {hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def _write(design: Design, work: Path, processes: int, progress: Progress | None) -> dict[str, int]:
    todo = tasks(design)
    writers = {name: _Writer(work / "data" / f"{name}.parquet", schema(name)) for name in EXTRACTS}
    writers[IDENTITIES] = _Writer(work / "truth" / f"{IDENTITIES}.parquet", None)
    for done, tables in enumerate(_blocks(design, todo, processes), start=1):
        for name, rows in tables.items():
            writers[name].add(rows)
        if progress:
            progress(done, len(todo))
    return {name: writer.close() for name, writer in writers.items()}


def _blocks(design: Design, todo: list[Task], processes: int) -> Iterator[dict[str, Any]]:
    """Give the tables of the blocks in order; a few blocks at most are ahead of the writer."""
    if processes == 1:
        yield from (run(design, task) for task in todo)
        return
    with ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn")) as pool:
        waiting = iter(todo)
        ahead: deque[Future[dict[str, Any]]] = deque(pool.submit(run, design, task) for task in islice(waiting, 4 * processes))
        while ahead:
            yield ahead.popleft().result()
            ahead.extend(pool.submit(run, design, task) for task in islice(waiting, 1))


class _Writer:
    """Gathers tables into row groups of one Parquet file, so that memory stays bounded."""

    def __init__(self, path: Path, expected: Any) -> None:
        self.path, self.rows, self.held = path, 0, 0
        self.waiting: list[Any] = []
        self.file = self._open(expected) if expected is not None else None

    def _open(self, expected: Any) -> Any:
        return pq.ParquetWriter(self.path, expected.with_metadata({"notice": NOTICE}), compression="zstd")

    def add(self, rows: Any) -> None:
        self.waiting.append(rows)
        self.held += rows.num_rows
        while self.held >= ROW_GROUP:
            self._flush(ROW_GROUP)

    def _flush(self, size: int) -> None:
        together = pa.concat_tables(self.waiting)
        self.file = self.file or self._open(together.schema)
        self.file.write_table(together.slice(0, size).cast(self.file.schema), row_group_size=ROW_GROUP)
        self.rows += min(size, together.num_rows)
        self.waiting, self.held = [together.slice(size)], max(together.num_rows - size, 0)

    def close(self) -> int:
        if self.held:
            self._flush(self.held)
        if self.file:
            self.file.close()
        return self.rows
