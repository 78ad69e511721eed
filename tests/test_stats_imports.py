"""The estimators load fast: heavy libraries only when a call needs them."""

import subprocess
import sys
from pathlib import Path

import pytest

STATS = Path(__file__).parent.parent / "ldeval" / "stats"
HEAVY = ("pandas", "scipy.stats", "scipy.optimize", "statsmodels", "lifelines", "pyfixest", "diff_diff", "matplotlib")


@pytest.mark.parametrize("module", sorted(path.stem for path in STATS.glob("*.py")))
def test_no_heavy_library_is_loaded_on_import(module):
    name = "ldeval.stats" if module == "__init__" else f"ldeval.stats.{module}"
    script = f"import sys, {name}; print(*[h for h in {HEAVY!r} if h in sys.modules])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
