"""Runs the stages of the analysis whose inputs changed, side by side; `ldeval.release` takes what all of them found.

Each stage works in another process, all of them set alike, so that a result does not depend on how many cores there are. What it
found is kept (`ldeval.analysis.keep`) and read again from there: kept and new results are the same bytes.
"""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from ldeval.analysis import keep
from ldeval.analysis.findings import Findings
from ldeval.analysis.keep import Kept
from ldeval.analysis.plan import STAGES, Stage
from ldeval.data.folders import features_folder, links_folder
from ldeval.data.stages import Say, Tell, extracts_folder, prepare, stale
from ldeval.study import Study

MOST = 4
"""More processes than this would ask for more memory than time is won."""

LINK_SETS = (1, 2, 3, 4, 5)
"""The sets of links that are drawn by probability."""

NOTHING = Findings()
ALIKE = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "PYTHONHASHSEED": "0",
}
"""What makes every process compute the same bytes: one thread, and one order of sets, which peers go through as they add up."""


def run(
    root: Path,
    study: Study,
    pool: ProcessPoolExecutor,
    *,
    anew: bool = False,
    say: Say = lambda _: None,
    tell: Tell = lambda _done, _all: None,
) -> Findings:
    """Bring the records of the study in `root` up to date, run the stages whose inputs changed, and give all findings.

    `pool` is of `processes`. `anew` runs every stage. `say` is told of each stage as it ends, `tell` how many are done.

    Raises:
        FileNotFoundError, ValueError: the study's data are not there or not right.
        RuntimeError: a stage failed, or a process that ran one was ended from outside.

    """
    first = [stage for stage in STAGES if not stage.takes]
    work = Work(pool, root, study, anew)
    begun = work.begin([stage for stage in first if not stage.records])
    records = _records(work, say, tell)
    begun += work.begin([stage for stage in first if stage.records], records)
    made = work.end(begun, say, tell)
    for stage in (stage for stage in STAGES if stage.takes):
        taken = stage.taken(_together(made))
        made |= work.end(work.begin([stage], found=taken), say, tell)
    return _together(made).check()


def _together(made: Mapping[str, Findings]) -> Findings:
    """Put together what was found, in the order of the report, whichever stage ended first."""
    return sum((made[stage.function] for stage in STAGES if stage.function in made), NOTHING)


@dataclass(frozen=True, slots=True)
class Work:
    """What all stages of one run share: the processes, the study's folder, the protocol, and whether to run what is kept."""

    pool: ProcessPoolExecutor
    root: Path
    study: Study
    anew: bool

    def begin(self, stages: Iterable[Stage], records: str = "", found: Findings = NOTHING) -> list[Begun]:
        """Begin those of the stages whose inputs changed; the others' findings are there."""
        return [self._begun(stage, stage.inputs(self.root, self.study, records, found), found) for stage in stages]

    def _begun(self, stage: Stage, inputs: str, found: Findings) -> Begun:
        kept = None if self.anew else keep.load(place(self.root, stage.function), inputs)
        if kept:
            return Begun(stage, inputs, kept)
        return Begun(stage, inputs, self.pool.submit(answer, self.root, self.study, stage.function, inputs, keep.encode(found)))

    def end(self, begun: Iterable[Begun], say: Say, tell: Tell) -> dict[str, Findings]:
        """Give what each stage found, by function, once all have ended; where one fails, those that wait are not begun."""
        ahead = {one.kept: one for one in begun if isinstance(one.kept, Future)}
        made = {one.stage.function: one.kept.findings for one in begun if isinstance(one.kept, Kept)}
        try:
            for number, future in enumerate(as_completed(ahead), start=1):
                stage = ahead[future].stage
                say(f"analysis: {stage.words}, {_seconds(stage, future):.1f} s")
                tell(number, len(ahead))
                made[stage.function] = self._again(stage, ahead[future].inputs)
        finally:
            for future in ahead:
                future.cancel()
        return made

    def _again(self, stage: Stage, inputs: str) -> Findings:
        path = place(self.root, stage.function)
        kept = keep.load(path, inputs)
        if kept is None:
            raise RuntimeError(f"{path}: not as it was written a moment ago; is another build running, or the disk full?")
        return kept.findings


def _seconds(stage: Stage, future: Future[float]) -> float:
    """Give the seconds that a stage took; what went wrong in its process names the stage."""
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except (FileNotFoundError, ValueError) as wrong:
        kind = FileNotFoundError if isinstance(wrong, FileNotFoundError) else ValueError
        raise kind(f"analysis of {stage.words}: {wrong}") from wrong
    except Exception as wrong:
        text = f"{type(wrong).__name__}: {wrong}; `{stage.function}` of ldeval.analysis does not expect this"
        raise RuntimeError(f"analysis of {stage.words} failed: {text}") from wrong


@dataclass(frozen=True, slots=True)
class Begun:
    """A stage, and what it found: kept from before, or on its way."""

    stage: Stage
    inputs: str
    kept: Kept | Future[float]


def answer(root: Path, study: Study, function: str, inputs: str, taken: str) -> float:
    """Run one stage, given what it takes as `keep.encode` gives it, and keep what it finds; gives the seconds that it took."""
    begun, cpu = perf_counter(), process_time()
    module, name = function.split(".")
    work = getattr(importlib.import_module(f"{__package__}.{module}"), name)
    asked = inspect.signature(work).parameters
    given: dict[str, Any] = {"root": root, "study": study, "found": keep.decode(taken)}
    if "records" in asked:
        from ldeval.analysis.records import Records

        given["records"] = Records(features_folder(extracts_folder(root, study)), study, root)
    made = work(**{key: given[key] for key in asked})
    took = perf_counter() - begun
    keep.save(place(root, function), inputs, Kept(made, took, process_time() - cpu))
    return took


def place(root: Path, function: str) -> Path:
    """Give the file that keeps what a stage found."""
    return root / keep.FOLDER / f"{function}.json"


def _records(work: Work, say: Say, tell: Tell) -> str:
    """Bring the records up to date under every set of links, and give the fingerprint of what the analyses read of them."""
    root, study = work.root, work.study
    folders = [prepare(root, study, say=say, tell=tell)]
    todo = [number for number in LINK_SETS if stale(root, study, number)]
    if study.data.engine == "duckdb":
        ahead = [work.pool.submit(prepare, root, study, link_set=number).result for number in todo]
    else:  # a cluster does one thing after the other for one who asks; two who ask would wait for each other
        ahead = [partial(prepare, root, study, link_set=number) for number in todo]
    for number, made in enumerate(ahead, start=1):
        made()
        tell(number, len(ahead))
    folders += [features_folder(extracts_folder(root, study), number) for number in LINK_SETS]
    total = sha256()
    for folder in (links_folder(extracts_folder(root, study)), *folders):
        for path in sorted(path for path in folder.iterdir() if path.suffix in (".parquet", ".csv")):
            total.update(f"{folder.name}/{path.name}\n".encode())
            for file in [path] if path.is_file() else sorted(path.glob("*.parquet")):
                total.update(sha256(file.read_bytes()).digest())
    return total.hexdigest()


@contextmanager
def processes() -> Iterator[ProcessPoolExecutor]:
    """Give processes, all of them set alike; they start at once, and have loaded what every stage needs when there is work.

    Raises:
        RuntimeError: one of them was ended from outside.

    """
    before = {name: os.environ.get(name) for name in ALIKE}
    os.environ.update(ALIKE)
    count = min(os.cpu_count() or 1, MOST)
    try:
        with ProcessPoolExecutor(count, mp_context=multiprocessing.get_context("spawn")) as pool:
            for _ in range(count):
                pool.submit(importlib.import_module, f"{__package__}.records")
            yield pool
    except BrokenProcessPool as ended:
        raise RuntimeError("a process of the analysis was ended from outside, often for want of memory") from ended
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
