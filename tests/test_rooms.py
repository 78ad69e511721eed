"""Data flow from left to right: a room imports only from itself, from rooms to its left, and from the hall."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "ldeval"
HALL = {"root", "study", "estimate", "words"}
MAY_IMPORT = {
    "root": set(),
    "study": set(),
    "estimate": set(),
    "words": set(),
    "data": {"data"},
    "stats": {"stats"},
    "analysis": {"data", "stats", "analysis"},
    "release": {"analysis", "stats", "data", "release"},
    "publish": {"release", "publish"},
}


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "ldeval" else [f"ldeval.{alias.name}" for alias in node.names]
        yield from (name.split(".")[1] for name in names if name.startswith("ldeval."))


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_from_its_left(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room in {"cli", "__init__", "__main__"}:
        return
    assert set(imported_rooms(path)) <= MAY_IMPORT[room] | HALL
