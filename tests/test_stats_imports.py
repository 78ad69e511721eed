"""The estimators load fast, are found by their names, and say what they do: index, docstrings, imports."""

import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ldeval.stats

STATS = Path(__file__).parent.parent / "ldeval" / "stats"
HEAVY = ("pandas", "scipy.stats", "scipy.optimize", "statsmodels", "lifelines", "pyfixest", "diff_diff", "matplotlib")
LIMIT = 0.5  # seconds of processor time for an import, the interpreter's own start not counted
ROWS = [line[58:] for line in (ldeval.stats.__doc__ or "").splitlines() if "`" in line]
INDEX = re.findall(r"`([a-z_]+)\.([a-z_]+)`((?:, `[a-z_]+`(?!\.))*)", " ".join(ROWS))
NAMES = [(module, name) for module, first, more in INDEX for name in [first, *re.findall(r"`([a-z_]+)`", more)]]


@pytest.mark.parametrize("module", sorted(path.stem for path in STATS.glob("*.py")))
def test_no_heavy_library_is_loaded_on_import(module):
    name = "ldeval.stats" if module == "__init__" else f"ldeval.stats.{module}"
    script = f"import sys, {name}; print(*[h for h in {HEAVY!r} if h in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []


@pytest.mark.parametrize("module", ["ldeval.stats", "ldeval.stats.cox"])
def test_import_takes_less_than_half_a_second(module):
    """Processor seconds, of a process that finds bytecode from the one before; the machine may be busy."""
    script = f"import time; start = time.process_time(); import {module}; print(time.process_time() - start)"
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in range(3)]
    assert min(float(run.stdout) for run in runs) < LIMIT


def test_modules_are_there_when_asked_for():
    script = "from ldeval import stats; print(stats.survival.kaplan_meier.__name__, hasattr(stats, 'kaplan'))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["kaplan_meier", "False"]


def test_the_index_names_what_there_is():
    assert len(NAMES) > 35
    for module, name in NAMES:
        assert callable(getattr(importlib.import_module(f"ldeval.stats.{module}"), name)), f"{module}.{name}"


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_docstrings_are_complete(module, name):
    """What it estimates, its source and what it refuses; each argument is named."""
    function = getattr(importlib.import_module(f"ldeval.stats.{module}"), name)
    text = inspect.getdoc(function) or ""
    assert "Raises:" in text
    assert re.search(r"Source|doi:", text), "no source"
    assert [word for word in inspect.signature(function).parameters if not re.search(rf"\b{word}\b", text)] == []
