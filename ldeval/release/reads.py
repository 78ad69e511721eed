"""Notes which released results a chapter reads, so that it is run again when one of them moved, and not when others did.

The files that hold many results (estimates, provenance, protocol, facts, alternative texts) are read as mappings that note each
key asked for, also one that is not there; whoever goes through a mapping has read which keys it has, in their order, and of their
values those that were asked for. All other files count as files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from ldeval.release.results import Results

Read = tuple[str, ...]
"""What was read: which of the results' properties, and the keys that lead to the value."""

Value = TypeVar("Value")
READ: set[Read] = set()
"""All that was read in this process."""

ABSENT = "absent"
KEYS = "keys()"
"""Stands at the end of a read of a mapping's keys."""

by_key = False
"""Whether a file is being opened whose reading is noted by key."""


@contextmanager
def noted_by_key() -> Iterator[None]:
    """Say that the files opened within are not read as a whole."""
    global by_key
    by_key = True
    try:
        yield
    finally:
        by_key = False


class Noted(Mapping[str, Value]):
    """A mapping that notes what is read of it; mappings within it are of this kind too."""

    __slots__ = ("_inner", "_path")

    def __init__(self, inner: Mapping[str, Value], *path: str) -> None:
        self._inner, self._path = inner, path

    def __getitem__(self, key: str) -> Value:
        value = self._inner.get(key)
        if isinstance(value, dict):
            return Noted(value, *self._path, key)  # type: ignore[return-value]  # reads like the value
        READ.add((*self._path, key))
        return self._inner[key]

    def __contains__(self, key: object) -> bool:
        READ.add((*self._path, str(key)))
        return key in self._inner

    def __iter__(self) -> Iterator[str]:
        READ.add((*self._path, KEYS))
        return iter(self._inner)

    def __len__(self) -> int:
        READ.add((*self._path, KEYS))
        return len(self._inner)


def digests(folder: Path, reads: Iterable[Read]) -> list[str]:
    """Give the SHA-256 of what each read would give now, from the results in `folder`; all absent where there are none."""
    try:
        stamp = (folder / "provenance.json").stat()
        released = _results(folder, stamp.st_ino, stamp.st_mtime_ns)
        return [_digest(released, read) for read in reads]
    except (OSError, ValueError):
        return [ABSENT for _ in reads]


@lru_cache(maxsize=1)
def _results(folder: Path, _inode: int, _time: int) -> Results:
    from ldeval.release.results import Results

    return Results(folder)


def _digest(released: Results, read: Read) -> str:
    value: Any = getattr(released, read[0])
    for key in read[1:]:
        if not isinstance(value, Mapping) or (key != KEYS and key not in value):
            return ABSENT
        value = list(value) if key == KEYS else value[key]
    return sha256(json.dumps(value, default=_plain).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(value)
