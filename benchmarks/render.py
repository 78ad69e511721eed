"""How long a build takes: the conformance book cold, and the report unchanged and after an edit of one chapter.

Where Quarto is on the path, it renders the conformance book in the same run, and the ratio is given.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from machine import write

from ldeval.publish import quarto

ROOT = Path(__file__).parent.parent
BUILT = shutil.ignore_patterns("_report*", "_build", ".venv", ".git", "__pycache__")


def seconds(work: Callable[[], None], before: Callable[[], None] = lambda: None, runs: int = 5) -> float:
    """Give the median time of several runs; `before` is not counted."""
    times = []
    for _ in range(runs):
        before()
        begun = perf_counter()
        work()
        times.append(perf_counter() - begun)
    return statistics.median(times)


def command(*arguments: str) -> None:
    """Run ldeval in a process of its own, as a user does."""
    subprocess.run([sys.executable, "-m", "ldeval", *arguments], check=True, capture_output=True, cwd=ROOT)


def conformance(folder: Path) -> list[dict[str, object]]:
    """Time the conformance book in both formats, cold."""
    book = folder / "book"
    shutil.copytree(ROOT / "tests" / "conformance" / "book", book, ignore=BUILT)

    def cold() -> None:
        for name in ("_build", "_report", ".quarto"):
            shutil.rmtree(book / name, ignore_errors=True)

    own = seconds(lambda: command("render", str(book), "--renderer", "builtin"), cold)
    rows: list[dict[str, object]] = [{"what": "conformance book, cold", "renderer": "builtin", "seconds": round(own, 2)}]
    if quarto.find_quarto()[0]:
        peer = seconds(lambda: command("render", str(book), "--renderer", "quarto"), cold)
        rows.append({"what": "conformance book, cold", "renderer": "quarto", "seconds": round(peer, 2)})
        print(f"built-in to Quarto: {own / peer:.2f}")
    return rows


def report(folder: Path) -> list[dict[str, object]]:
    """Time the report: unchanged, and after an edit of one chapter's prose."""
    book = folder / "report"
    shutil.copytree(ROOT, book, ignore=BUILT)
    chapter = book / "chapters" / "validation.qmd"

    def edit() -> None:
        chapter.write_text(chapter.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")

    def render() -> None:
        command("render", str(book), "--renderer", "builtin")

    render()
    unchanged, edited = seconds(render), seconds(render, edit)
    return [
        {"what": "report, unchanged", "renderer": "builtin", "seconds": round(unchanged, 2)},
        {"what": "report, one chapter edited", "renderer": "builtin", "seconds": round(edited, 2)},
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        write("render", [*conformance(Path(name)), *report(Path(name))])
