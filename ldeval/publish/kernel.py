"""What a chapter's kernel runs beside the chapter: it notes what the chapter reads, and shows the values of inline code.

It stands in a module of its own, since a chapter may give any name another meaning, or drop it.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.util import source_from_cache
from typing import Any

OPENED: set[str] = set()
WRITTEN: set[str] = set()
LISTERS = ("importlib", "pkgutil")
"""Code that lists folders in search of modules, of which only those that it opens count."""


def _noted(name: str, default: Any) -> Any:
    """Give what `ldeval.release.reads` knows, where the chapter uses it: released results are noted by key there."""
    return getattr(sys.modules.get("ldeval.release.reads"), name, default)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and isinstance(arguments[0], str):
        path, mode, flags = _source(os.path.abspath(arguments[0])), arguments[1], arguments[2]
        if mode is None:  # of `os.open`
            mode = "w" if flags & (os.O_WRONLY | os.O_RDWR) else "r"
        if "r" in mode and path not in WRITTEN and not _noted("by_key", False):
            OPENED.add(path)
        if set(mode) & set("wax+"):
            WRITTEN.add(path)
    elif event in ("os.listdir", "os.scandir") and not isinstance(arguments[0], int) and not _seeks_modules():
        OPENED.add(os.path.abspath(os.fsdecode(arguments[0] or ".")))


def _source(path: str) -> str:
    """Give the module that a file of bytecode was made from, any other file as it is."""
    try:
        return source_from_cache(path) if path.endswith(".pyc") else path
    except ValueError:
        return path


def _seeks_modules() -> bool:
    return any(name in sys._getframe(2).f_code.co_filename for name in LISTERS)


sys.addaudithook(_audit)


def show(value: Any) -> None:
    """Show the value of inline code as its page takes it: a string as itself, not quoted."""
    from IPython.core.interactiveshell import InteractiveShell

    shell: Any = InteractiveShell.instance()
    data = {"text/plain": value} if isinstance(value, str) else shell.display_formatter.format(value)[0]
    shell.display_pub.publish(data)


def tell() -> None:
    """Show what the chapter has read: files, but those that it had written itself, folders, and results by their keys."""
    show(json.dumps([sorted(OPENED), sorted(_noted("READ", ()))]))
