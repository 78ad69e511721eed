"""Calls of pandoc: what it answers depends on its input alone, and is remembered under it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from ldeval.publish.memory import remembered


def pandoc(text: str, *arguments: str, reads: Iterable[Path] = ()) -> str:
    """Run pandoc on `text`; `reads` are the files that the text or the arguments name.

    Raises:
        ValueError: pandoc refuses, or leaves a formula as it is; its message is passed on.

    """
    about = _program().stat()
    named = [str(_program()), str(about.st_size), str(about.st_mtime_ns), *arguments, text]
    inputs = [*(part.encode() for part in named), *(path.read_bytes() for path in reads)]
    return remembered(inputs, lambda: _run(text, arguments))


def _run(text: str, arguments: tuple[str, ...]) -> str:
    # No data folder: what a user keeps there must not change a report.
    command = [str(_program()), "--data-dir", os.devnull, *arguments]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode or b"Could not convert TeX math" in done.stderr:
        raise ValueError(done.stderr.decode(errors="replace").strip().removeprefix("[WARNING] "))
    return done.stdout.decode()


@lru_cache(maxsize=1)
def _program() -> Path:
    """Give the pandoc that the lock names, never another one of this machine."""
    found = find_spec("pypandoc")
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).parent / "files" / "pandoc"
