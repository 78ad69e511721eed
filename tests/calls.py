"""Runs what the chapters ask of released results, in this process: quicker than kernels, and it goes on after a fault."""

import ast
import re

import pytest

CELL = re.compile(r"^```\{python\}\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`\{python\} ([^`]*)`")
BOTH = re.compile(rf"{CELL.pattern}|{INLINE.pattern}", re.MULTILINE | re.DOTALL)


def chapters(root):
    """Give the files of the book in `root`."""
    return [root / "index.qmd", *sorted((root / "chapters").glob("[!_]*.qmd"))]


def told(root, paths=None):
    """Give the text of the chapters with every value in its place, and the faults, one for each call that raises."""
    texts, faults = {}, []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for path in paths or chapters(root):
            names = {}
            text = BOTH.sub(lambda found, names=names, path=path: _value(found, names, path, faults), path.read_text("utf-8"))
            texts[path.stem] = " ".join(text.split())
    return texts, faults


def _value(found, names, path, faults):
    try:
        if found[1] is None:
            return eval(found[2], names).data
        return _run(found[1], names)
    except Exception as error:
        faults.append(f"{path.name}: {(found[2] or found[1])[:120]!r}: {type(error).__name__}: {str(error)[:200]}")
        return ""


def _run(code, names):
    """Run a cell and give what its last expression shows."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "cell", "exec"), names)
    shown = None if last is None else eval(compile(ast.Expression(last.value), "cell", "eval"), names)
    return getattr(shown, "data", "")
