"""Remembers what chapters showed: never stale, because a run is kept with the content of all files and results that it read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

import ldeval
from ldeval.publish.config import Book
from ldeval.publish.execute import Run
from ldeval.publish.memory import Memory, changed, digest
from ldeval.publish.source import Chapter
from ldeval.release.reads import digests
from ldeval.release.results import FOLDER as RESULTS
from ldeval.root import LOCK_FILE

FOLDER = "_build"
PACKAGE = Path(ldeval.__file__).parent
RECORD = "site_libs/build.json"
IGNORED = (".venv", FOLDER, ".git", "__pycache__")


@lru_cache(maxsize=1)
def package() -> str:
    """Give the fingerprint of the installed package's code and of the lock beside it, where there is one."""
    files = sorted(path for path in PACKAGE.rglob("*") if path.is_file() and path.suffix != ".pyc")
    lock = PACKAGE.parent / LOCK_FILE
    return digest(path.read_bytes() for path in [*files, *([lock] if lock.exists() else [])])


def load(memory: Memory, book: Book, chapter: Chapter) -> Run | None:
    """Give the kept run of a chapter where its text, the package and every file that it read are as they were."""
    kept = json.loads(memory.get(_key(book, chapter)) or "null")
    if kept is None or any(_content(book, name) != seen for name, seen in kept["read"].items()):
        return None
    run = Run(**kept["run"])
    return run if digests(book.root / RESULTS, map(tuple, run.read)) == kept["results"] else None


def save(memory: Memory, book: Book, chapter: Chapter, run: Run, begun: int) -> None:
    """Keep the run of a chapter, unless what it read changed since it had `begun` (in ns)."""
    read = {name: _content(book, name) for name in sorted(set(_within(book.root, run.opened)))}
    results = digests(book.root / RESULTS, map(tuple, run.read))
    if all(changed(book.root / name) < begun for name in [*read, f"{RESULTS}/provenance.json"]):
        memory.put(_key(book, chapter), json.dumps({"read": read, "results": results, "run": asdict(run)}))


def is_current(output: Path, inputs: str) -> bool:
    """Tell whether the report in `output` was made from these inputs and still has every file, each of its size."""
    try:
        kept = json.loads((output / RECORD).read_text(encoding="utf-8"))
        sizes = {name: (output / name).stat().st_size for name in kept["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return bool(kept["inputs"] == inputs and kept["files"] == sizes)


def record(folder: Path, inputs: str) -> None:
    """Note in a finished report what it was made from."""
    files = {path.relative_to(folder).as_posix(): path.stat().st_size for path in sorted(folder.rglob("*")) if path.is_file()}
    (folder / RECORD).parent.mkdir(parents=True, exist_ok=True)
    (folder / RECORD).write_text(json.dumps({"inputs": inputs, "files": files}), encoding="utf-8")


def _key(book: Book, chapter: Chapter) -> str:
    settings = json.dumps([book.options, book.formats], sort_keys=True, default=str)
    return digest([chapter.path.encode(), repr((chapter.text, chapter.code)).encode(), settings.encode(), package().encode()])


def _content(book: Book, name: str) -> str:
    """Give the digest of a file, or of the names in a folder; what builds make comes and goes in the book's own."""
    path = book.root / name
    made = (*IGNORED, book.output.name, str(RESULTS)) if name == "." else IGNORED
    try:
        if path.is_dir():
            return digest(sorted(os.fsencode(item.name) for item in path.iterdir() if not item.name.startswith(made)))
        return digest([path.read_bytes()])
    except OSError:
        return "gone"


def _within(root: Path, opened: Iterable[str]) -> Iterable[str]:
    """Keep the files and folders of the book: the package has a fingerprint of its own, and the rest is fixed by the lock."""
    top = root.resolve()
    for name in opened:
        path = Path(name) if Path(name).is_relative_to(top) else Path(name).resolve()
        if path.is_relative_to(top) and not path.is_relative_to(PACKAGE):
            relative = path.relative_to(top)
            if not set(relative.parts) & set(IGNORED):
                yield relative.as_posix()
