"""How long `make report` takes, and where the time goes: from a clean tree, up to date, after a changed unit cost, after an edit.

    python benchmarks/report.py [USERS]

Each case is one run of `ldeval report` in a copy of the study, with the environment installed. The steps are those that the run
tells of: a step lasts until the next is told of. Analyses run side by side; theirs are the seconds of each by itself, as kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from machine import write
from rich.console import Console

from ldeval.analysis.keep import FOLDER
from ldeval.analysis.plan import STAGES

ROOT = Path(__file__).parent.parent
BUILT = shutil.ignore_patterns("_report*", "_results*", "_build", ".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
STEPS = {
    "": "start",
    "Synthetic twin": "simulate",
    " records of ": "link",
    "study window": "features",
    "analysis: ": "analyse",
    "disclosure control": "release",
    "Rendering": "read the book",
    "Running the code": "run chapters",
    "Setting the PDF": "write Typst",
    "Writing": "set the PDF, write HTML",
}
"""What the line that tells of a step holds, and the step's name here."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A run: its seconds on the clock and of processors, and those of each step."""

    seconds: float
    cpu_seconds: float
    steps: dict[str, float]


def report(study: Path, console: Console) -> Timed:
    """Run `ldeval report` in `study`, showing what it tells."""
    command = [sys.executable, "-m", "ldeval", "report", "--renderer", "builtin"]
    before, begun = os.times(), perf_counter()
    told = [("start", 0.0)]
    run = subprocess.Popen(command, cwd=study, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.stdout is not None
    with console.status("") as shown:
        for line in run.stdout:
            passed = perf_counter() - begun
            shown.update(f"{passed:.0f} s  {line.strip()}")
            told += [(name, passed) for start, name in STEPS.items() if start and start in line]
    if run.wait():
        raise SystemExit(f"ldeval report failed in {study}")
    after, whole = os.times(), perf_counter() - begun
    cpu = sum(after[2:4]) - sum(before[2:4])
    steps: dict[str, float] = {}
    for (name, at), (_, until) in zip(told, [*told[1:], ("end", whole)], strict=True):
        steps[name] = steps.get(name, 0.0) + until - at
    return Timed(whole, cpu, steps)


def dearer(study: Path) -> None:
    """Make the service a pound dearer in the register of unit costs."""
    path = study / "data" / "unit_costs.csv"
    text = path.read_text(encoding="utf-8")
    changed, times = re.subn(r"(?m)^(service,.*?,2017-18,\d+,)(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}", text)
    if times != 1:
        raise SystemExit(f"{path}: expected one line for the service, found {times}")
    path.write_text(changed, encoding="utf-8")


def edited(study: Path) -> None:
    """Add a sentence to a chapter."""
    chapter = study / "chapters" / "reconviction.qmd"
    chapter.write_text(chapter.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")


CASES: tuple[tuple[str, Callable[[Path], None]], ...] = (
    ("clean tree", lambda _: None),
    ("results up to date", lambda _: None),
    ("changed unit cost", dearer),
    ("changed prose", edited),
)


def rows_of(what: str, timed: Timed, study: Path) -> Iterator[dict[str, object]]:
    """Give the rows of one case: the whole, its steps, and, for the clean tree, each analysis by itself."""
    yield row(what, timed.seconds, timed.cpu_seconds)
    yield from (row(f"{what}, {name}", seconds) for name, seconds in timed.steps.items())
    if what == "clean tree":
        for stage in STAGES:
            kept = json.loads((study / FOLDER / f"{stage.function}.json").read_text(encoding="utf-8").splitlines()[0])
            yield row(f"analysis by itself, {stage.words}", kept["seconds"], kept["cpu_seconds"])


def row(what: str, seconds: float, cpu_seconds: float | None = None) -> dict[str, object]:
    cpu = "" if cpu_seconds is None else round(cpu_seconds, 1)
    return {"what": what, "renderer": "builtin", "seconds": round(seconds, 2), "cpu_seconds": cpu}


def main(arguments: list[str]) -> None:
    """Measure all cases in a copy of the study; `USERS` makes its twin another size."""
    console, load = Console(stderr=True), f"{os.getloadavg()[0]:.1f}"
    with tempfile.TemporaryDirectory() as place:
        study = Path(shutil.copytree(ROOT, Path(place) / "study", ignore=BUILT))
        if arguments:
            protocol = study / "study.toml"
            text = re.sub(r"(?m)^users = \d+", f"users = {int(arguments[0])}", protocol.read_text(encoding="utf-8"))
            protocol.write_text(text, encoding="utf-8")
        rows: list[dict[str, object]] = []
        for what, change in CASES:
            change(study)
            console.print(f"{what} ...")
            rows += rows_of(what, report(study, console), study)
    write("report", [each | {"load_at_start": load} for each in rows])


if __name__ == "__main__":
    main(sys.argv[1:])
