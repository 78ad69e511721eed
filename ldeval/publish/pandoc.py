"""Calls of pandoc, remembered: what it answers depends on its input alone, so an answer is kept under all that went in."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path


def digest(parts: Iterable[bytes]) -> str:
    """Give one SHA-256 for several byte strings, each with its length so that no two lists can meet."""
    total = sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


@dataclass(frozen=True, slots=True)
class Memory:
    """Answers in a folder, each in a file named by what went in, behind the digest of what it holds."""

    folder: Path
    used: set[str] = field(default_factory=set)

    def get(self, key: str) -> bytes | None:
        """Give the kept answer, where there is one and it is whole."""
        try:
            seal, _, answer = (self.folder / key).read_bytes().partition(b"\n")
        except OSError:
            return None
        if seal.decode(errors="replace") != digest([answer]):
            return None
        self.used.add(key)
        return answer

    def put(self, key: str, answer: bytes) -> None:
        """Keep an answer; written beside and moved in whole, so that two builds cannot mix."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.folder / key, digest([answer]).encode() + b"\n" + answer)
        self.used.add(key)

    def forget(self) -> None:
        """Drop the oldest answers, so that three times as many are kept as this build needed."""
        paths = sorted(self.folder.glob("*"), key=lambda path: (path.name in self.used, path.stat().st_mtime_ns))
        for path in paths[: -3 * len(self.used)]:
            path.unlink(missing_ok=True)


_memory: ContextVar[Memory | None] = ContextVar("memory", default=None)


@contextmanager
def remembering(folder: Path) -> Iterator[Memory]:
    """Keep pandoc's answers in `folder`, as long as the block lasts."""
    memory = Memory(folder)
    token = _memory.set(memory)
    try:
        yield memory
    finally:
        _memory.reset(token)


def pandoc(text: str, *arguments: str, reads: Iterable[Path] = ()) -> str:
    """Run pandoc on `text`; `reads` are the files that the text or the arguments name.

    Raises:
        ValueError: pandoc refuses, or leaves a formula as it is; its message is passed on.

    """
    memory = _memory.get()
    if memory is None:
        return _run(text, arguments)
    program = Path(_program())
    about = program.stat()
    named = [str(program), str(about.st_size), str(about.st_mtime_ns), *arguments, text]
    key = digest([*(part.encode() for part in named), *(path.read_bytes() for path in reads)])
    answer = memory.get(key)
    if answer is None:
        answer = _run(text, arguments).encode()
        memory.put(key, answer)
    return answer.decode()


def _run(text: str, arguments: tuple[str, ...]) -> str:
    # No data folder: what a user keeps there must not change a report.
    command = [_program(), "--data-dir", os.devnull, *arguments]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode or b"Could not convert TeX math" in done.stderr:
        raise ValueError(done.stderr.decode(errors="replace").strip().removeprefix("[WARNING] "))
    return done.stdout.decode()


@lru_cache(maxsize=1)
def _program() -> str:
    """Give the pandoc that the lock names, never another one of this machine."""
    found = find_spec("pypandoc")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).parent / "files" / "pandoc")


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside and move it into its place, so that no one sees half of it."""
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    beside.write_bytes(content)
    os.replace(beside, path)
