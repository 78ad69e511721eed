"""Builds in a folder of its own and exchanges it whole for the last good one."""

from __future__ import annotations

import ctypes
import fcntl
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

AT_FDCWD = -100
RENAME_EXCHANGE = 2
RENAME_SWAP = 2


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`; where the block ends well, it takes the place of `folder` in one step.

    Where the block raises, or the process is killed at any moment, `folder` stays as it was. What killed builds left behind is
    removed by the next build; a build that still runs is known by its lock.

    Raises:
        NotADirectoryError: `folder` is a file.
        OSError: it cannot be written.

    """
    folder = folder.resolve() if folder.is_symlink() else folder
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"{folder}: expected a folder to put the report in, found a file; move it away")
    folder.parent.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    work = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", suffix=".new", dir=folder.parent))
    lock = os.open(work, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield work
        work.chmod(0o755)
        exchange(work, folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        os.close(lock)


def exchange(new: Path, old: Path) -> None:
    """Put `new` in the place of `old` in one step; afterwards `new` holds what was there before, or is gone.

    Linux and macOS exchange two folders atomically. Elsewhere the old one is moved aside first,
    and back if the second move fails.
    """
    if not old.exists():
        try:
            os.rename(new, old)
            return
        except OSError:
            if not old.exists():
                raise
    if not _exchanged(new, old):
        aside = new.with_suffix(".old")
        os.rename(old, aside)
        try:
            os.rename(new, old)
        except OSError:
            os.rename(aside, old)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchanged(new: Path, old: Path) -> bool:
    library = ctypes.CDLL(None, use_errno=True)
    first, second = os.fsencode(new), os.fsencode(old)
    if sys.platform.startswith("linux") and hasattr(library, "renameat2"):
        return bool(library.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0)
    if sys.platform == "darwin":
        return bool(library.renamex_np(first, second, RENAME_SWAP) == 0)
    return False


def _sweep(folder: Path) -> None:
    for left in folder.parent.glob(f"{folder.name}.*.new"):
        try:
            handle = os.open(left, os.O_RDONLY)
        except OSError:
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
