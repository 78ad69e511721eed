"""Remembers texts under all that they were made from, so that what did not change is not made again, and nothing is stale."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Texts in a folder, each in a file named by what went in, behind the digest of what it holds."""

    folder: Path
    used: set[str] = field(default_factory=set)

    def get(self, key: str) -> str | None:
        """Give the kept text, where there is one and it is whole."""
        try:
            seal, _, content = (self.folder / key).read_bytes().partition(b"\n")
        except OSError:
            return None
        if seal != digest([content]).encode():
            return None
        self.used.add(key)
        return content.decode()

    def put(self, key: str, text: str) -> None:
        """Keep a text."""
        content = text.encode()
        write_whole(self.folder / key, digest([content]).encode() + b"\n" + content)
        self.used.add(key)

    def forget(self) -> None:
        """Drop the oldest texts: three times as many as this whole build used are kept."""
        with suppress(FileNotFoundError):  # another build forgets, too
            paths = sorted(self.folder.glob("*"), key=lambda path: (path.name in self.used, path.stat().st_mtime_ns))
            for path in paths[: -3 * len(self.used)]:
                path.unlink()


_memory: ContextVar[Memory | None] = ContextVar("memory", default=None)


@contextmanager
def remembering(folder: Path) -> Iterator[Memory]:
    """Keep in `folder` what is made as long as the block lasts."""
    memory = Memory(folder)
    token = _memory.set(memory)
    try:
        yield memory
    finally:
        _memory.reset(token)


def remembered(inputs: Iterable[bytes], make: Callable[[], str]) -> str:
    """Give what `make` makes of these inputs, and of nothing else."""
    memory = _memory.get()
    if memory is None:
        return make()
    key = digest(inputs)
    text = memory.get(key)
    if text is None:
        text = make()
        memory.put(key, text)
    return text


def digest(parts: Iterable[bytes]) -> str:
    """Give one SHA-256 for several byte strings, each with its length so that no two lists can meet."""
    total = sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()


def changed(path: str | Path) -> int:
    """Give when a file last changed, in ns; 0 where there is none."""
    try:
        about = os.stat(path)
    except OSError:
        return 0
    return about.st_ctime_ns if stat.S_ISREG(about.st_mode) else 0


def write_whole(path: Path, content: bytes) -> None:
    """Write a file beside and move it into its place, so that no one sees half of it, and two builds cannot mix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}")
    beside.write_bytes(content)
    os.replace(beside, path)
