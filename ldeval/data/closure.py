"""The code behind a module: itself and all that it imports from the package, as one fingerprint.

Imports are read from the text of the modules, those within functions too: nothing is run, and nothing that may run is missed.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

TOP = Path(__file__).parents[2]
PACKAGE = Path(__file__).parents[1].name
IMPORT = re.compile(r"^[ \t]*((?:from[ \t]+[\w.]+[ \t]+)?import[ \t]+(?:\([^)]*\)|[^\n(]*))$", re.MULTILINE)


def code_behind(module: str, *, short_of: Collection[str] = ()) -> str:
    """Give the SHA-256 over the modules behind `module`; what those named in `short_of` import is left out, and they too."""
    total = hashlib.sha256()
    for path in files_behind(module, short_of=short_of):
        total.update(f"{path.relative_to(TOP).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def files_behind(module: str, *, short_of: Collection[str] = ()) -> list[Path]:
    """Give the files of `module` and of all that it imports from the package, directly or not, sorted.

    Raises:
        ModuleNotFoundError: there is no such module in the package.

    """
    if _file(module) is None:
        raise ModuleNotFoundError(f"no module {module!r} in the package")
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        path = _file(name)
        if path is None or name in found or name in short_of:
            continue
        found[name] = path
        waiting += [*imports(path, path.stat().st_mtime_ns), *_parents(name)]
    return sorted(found.values())


@lru_cache(maxsize=512)
def imports(path: Path, _time: int) -> tuple[str, ...]:
    """Give the modules of the package that the text of a module names in its imports."""
    text = path.read_text(encoding="utf-8")
    names = {name for node in ast.walk(_imports_alone(text) or ast.parse(text)) for name in _named(node)}
    return tuple(sorted(name for name in names if name.split(".")[0] == PACKAGE))


def _imports_alone(text: str) -> ast.Module | None:
    """Read the lines that import, which takes a tenth of the time; None where they cannot be told from the rest for sure."""
    if re.search(r"\bimport\b", IMPORT.sub("", text)):
        return None
    try:
        return ast.parse("\n".join(IMPORT.findall(text)))
    except SyntaxError:
        return None


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _file(module: str) -> Path | None:
    base = TOP.joinpath(*module.split("."))
    places = (base.with_name(f"{base.name}.py"), base / "__init__.py")
    return next((place for place in places if place.is_file()), None)
