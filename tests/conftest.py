"""What many test files share: the project's own study with its released results, made once a run."""

import fcntl
import shutil
from pathlib import Path

import pytest

from ldeval.release.build import analyse

PROJECT = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def released(tmp_path_factory, worker_id):
    """The study of the project, its records made and its results released, in a folder of its own: read it, or copy it."""
    base = tmp_path_factory.getbasetemp()
    root = (base if worker_id == "master" else base.parent) / "released"
    with (root.parent / "released.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker makes it, the others wait
        if not (root / "_results").is_dir():
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(PROJECT / "data", root / "data")
            for name in ("study.toml", "requirements.lock"):
                shutil.copy(PROJECT / name, root)
            analyse(root)
    return root
