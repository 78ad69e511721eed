"""Rendered books that several test files read: made once a session, whichever worker comes first."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from ldeval.publish.build import build
from ldeval.release.build import analyse

PROJECT = Path(__file__).parent.parent
SOURCES = ("_quarto.yml", "index.qmd", "references.bib", "study.toml", "requirements.lock", "chapters", "assets", "data")
BOOKS = {"report": PROJECT, "conformance": PROJECT / "tests" / "conformance" / "book"}


def lacking(what):
    """Skip, or fail where all tools are required, and say how to get what is missing."""
    if os.environ.get("LDEVAL_TOOLS_REQUIRED") == "1":
        pytest.fail(what)
    pytest.skip(what)


def _copy(name, root):
    if name == "conformance":
        shutil.copytree(BOOKS[name], root, ignore=shutil.ignore_patterns("_report", "_build"))
        return
    root.mkdir()
    for source in (PROJECT / name for name in SOURCES):
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, root / source.name)
    shutil.copytree(PROJECT / "tests" / "reference", root / "tests" / "reference")
    analyse(root)


@pytest.fixture(scope="session")
def books(tmp_path_factory, worker_id):
    """Give the rendered folder of each book by name."""
    base = tmp_path_factory.getbasetemp()
    base = base if worker_id == "master" else base.parent
    with (base / "books.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in BOOKS:
            root = base / f"the {name} book"
            if not (root / "_report").exists():
                shutil.rmtree(root, ignore_errors=True)
                _copy(name, root)
                build(root, say=lambda text: None)
    return {name: base / f"the {name} book" / "_report" for name in BOOKS}
