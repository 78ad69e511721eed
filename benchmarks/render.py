"""How long a build takes, and on which step: the conformance book cold; the report cold, unchanged, and with one chapter edited.

Both formats each time. Where Quarto is on the path, it renders the conformance book in the same run, and the ratio is given.
Seconds are those of the clock for the whole command (median of the runs); steps are given in seconds by the clock and, in
brackets, of the processors, which a busy machine changes less.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from machine import write

from ldeval.publish import quarto
from ldeval.release.build import analyse

ROOT = Path(__file__).parent.parent
BUILT = shutil.ignore_patterns("_report*", "_build", ".venv", ".git", "__pycache__", ".quarto")
RUNS = 3

BUILD = """
import json, sys
from pathlib import Path
from ldeval.publish.build import build
from ldeval.publish.steps import Steps
steps = Steps()
build(Path(sys.argv[1]), steps=steps, say=lambda text: None)
print(json.dumps(steps.taken))
"""


def built_in(book: Path) -> dict[str, tuple[float, float]]:
    """Build in a process of its own, as a user does, and give what each step took."""
    done = subprocess.run([sys.executable, "-c", BUILD, str(book)], check=True, capture_output=True, text=True, cwd=ROOT)
    return dict(json.loads(done.stdout))


def with_quarto(book: Path) -> dict[str, tuple[float, float]]:
    """Render with Quarto, which does not say what its steps take."""
    command = [sys.executable, "-m", "ldeval", "render", str(book), "--renderer", "quarto"]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    return {}


Renderer = Callable[[Path], dict[str, tuple[float, float]]]


def measured(what: str, book: Path, render: Renderer, before: Callable[[Path], None]) -> dict[str, object]:
    """Time several runs, `before` each not counted, and give the one in the middle."""
    runs = []
    for _ in range(RUNS):
        before(book)
        begun = perf_counter()
        steps = render(book)
        runs.append((perf_counter() - begun, steps))
    seconds, steps = sorted(runs, key=lambda run: run[0])[RUNS // 2]
    told = "; ".join(f"{name} {clock:.2f} ({processors:.2f})" for name, (clock, processors) in steps.items())
    return {"what": what, "renderer": render.__name__, "seconds": round(seconds, 2), "steps": told}


def cold(book: Path) -> None:
    """Forget all that was built."""
    for name in ("_build", "_report", ".quarto"):
        shutil.rmtree(book / name, ignore_errors=True)


def same(book: Path) -> None:
    """Change nothing."""


def edited(book: Path) -> None:
    """Add a sentence to one chapter."""
    chapter = book / "chapters" / "validation.qmd"
    chapter.write_text(chapter.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")


def main(folder: Path) -> None:
    """Measure and write the table; the report's results are brought up to date first, which is not measured."""
    analyse(ROOT, say=print)
    small, report = folder / "book", folder / "report"
    shutil.copytree(ROOT / "tests" / "conformance" / "book", small, ignore=BUILT)
    shutil.copytree(ROOT, report, ignore=BUILT)
    rows = [measured("conformance book, cold", small, built_in, cold)]
    if quarto.find_quarto()[0]:
        rows.append(measured("conformance book, cold", small, with_quarto, cold))
        print(f"built-in to Quarto: {float(str(rows[0]['seconds'])) / float(str(rows[1]['seconds'])):.2f}")
    for what, before in (("cold", cold), ("unchanged", same), ("one chapter edited", edited)):
        rows.append(measured(f"report, {what}", report, built_in, before))
    write("render", rows)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
