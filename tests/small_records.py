"""The records of a small twin, made once in a session."""

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

from ldeval.analysis.records import Records, open_records
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent
USERS = 600


@lru_cache(maxsize=1)
def small_records() -> Records:
    """Give the records of a twin of 600 users, linked, in a folder that goes with the session."""
    root = Path(tempfile.mkdtemp(prefix="ldeval-"))
    for name in ("study.toml", "requirements.lock"):
        shutil.copyfile(PROJECT / name, root / name)
    for name in ("data", "tests/coverage", "benchmarks/results"):
        shutil.copytree(PROJECT / name, root / name)
    given = read_study(root / "study.toml")
    twin = given.data.twin.model_copy(update={"users": USERS})
    study = given.model_copy(update={"data": given.data.model_copy(update={"twin": twin})})
    return open_records(root, study)
