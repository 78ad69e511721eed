"""Renders a book with Quarto itself, where it is installed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from ldeval.publish.config import read_book
from ldeval.publish.faults import stop
from ldeval.release.swap import replacing

LEAST = (1, 9)
"""The first version whose books can be set by Typst."""

FORMATS = {"html": ["--to", "html"], "pdf": ["--to", "typst"], "all": []}


def find_quarto() -> tuple[Path | None, str]:
    """Give Quarto's program, or None, and a sentence that says why."""
    program = shutil.which("quarto", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    if program is None:
        return None, "Quarto is not on the path"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"(\d+)\.(\d+)", done.stdout.strip())
    if done.returncode or not match:
        return None, f"{program} does not say its version"
    if (int(match[1]), int(match[2])) < LEAST:
        return None, f"Quarto {done.stdout.strip()} is older than {LEAST[0]}.{LEAST[1]}"
    return Path(program), f"Quarto {done.stdout.strip()} is on the path"


def render(root: Path, *, to: str) -> Path:
    """Render the book in `root` with Quarto into its own output folder, which is exchanged whole.

    Raises:
        BookError: Quarto is not there, is too old, or fails (its own messages are shown as it runs).

    """
    program, why = find_quarto()
    if program is None:
        raise stop("quarto", 0, why, "install Quarto 1.9 or later (make quarto tries), or use --renderer builtin")
    book = read_book(root)
    environment = {**os.environ, "QUARTO_PYTHON": sys.executable}
    with replacing(book.output) as folder:
        command = [str(program), "render", str(root), "--output-dir", folder.name, *FORMATS[to]]
        done = subprocess.run(command, env=environment, check=False)
        if done.returncode:
            raise stop("quarto", 0, f"quarto render ended with code {done.returncode}", "its messages are above")
    return book.output
