"""What many test files read, made once a session, whichever worker comes first: released results and rendered books."""

import fcntl
import os
import shutil
from pathlib import Path

import pytest

from ldeval.publish.build import build
from ldeval.release.build import analyse

PROJECT = Path(__file__).parent.parent
BOOK = ("_quarto.yml", "index.qmd", "references.bib", "chapters", "assets")
BOOKS = {"report": PROJECT, "conformance": PROJECT / "tests" / "conformance" / "book"}


def lacking(what):
    """Skip, or fail where all tools are required, and say how to get what is missing."""
    if os.environ.get("LDEVAL_TOOLS_REQUIRED") == "1":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """Give the folder that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def released(shared):
    """Give the study of the project, its records made and its results released, in a folder of its own: read it, or copy it."""
    root = shared / "released"
    with (shared / "released.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "_results").is_dir():
            shutil.rmtree(root, ignore_errors=True)
            for name in ("data", "tests/coverage", "benchmarks/results"):
                shutil.copytree(PROJECT / name, root / name)
            for name in ("study.toml", "requirements.lock"):
                shutil.copy(PROJECT / name, root)
            analyse(root)
    return root


def _copy(name, root, released):
    if name == "conformance":
        shutil.copytree(BOOKS[name], root, ignore=shutil.ignore_patterns("_report", "_build"))
        return
    shutil.copytree(released, root)
    for source in (PROJECT / name for name in BOOK):
        (shutil.copytree if source.is_dir() else shutil.copyfile)(source, root / source.name)


@pytest.fixture(scope="session")
def books(shared, released):
    """Give the rendered folder of each book by name."""
    with (shared / "books.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for name in BOOKS:
            root = shared / f"the {name} book"
            if not (root / "_report").exists():
                shutil.rmtree(root, ignore_errors=True)
                _copy(name, root, released)
                build(root, say=lambda text: None)
    return {name: shared / f"the {name} book" / "_report" for name in BOOKS}
