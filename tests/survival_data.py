"""The reference results and data of the survival tests, read once each."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

HERE = Path(__file__).parent.parent / "data" / "reference"


@functools.cache
def reference(name: str) -> dict[str, Any]:
    return json.loads((HERE / f"{name}.json").read_text())


@functools.cache
def data(name: str) -> pd.DataFrame:
    return pd.read_csv(HERE / "data" / f"{name}.csv")


def rossi() -> pd.DataFrame:
    """Rossi with R's levels as 0 and 1."""
    table = data("Rossi")
    levels = reference("rossi")["levels"]
    return table.assign(**{name: (table[name] == pair[1]).astype(int) for name, pair in levels.items()})


def lung() -> pd.DataFrame:
    return data("lung").assign(event=lambda x: (x.status == 2).astype(int))


def recid() -> pd.DataFrame:
    return data("recid").assign(event=lambda x: 1 - x.cens)


def draw(seed: int, n: int = 60, *, ties: bool = True) -> dict[str, Any]:
    """Follow-up with late entry, ties, weights and clusters, drawn at random."""
    rng = np.random.default_rng(seed)
    entry = rng.uniform(0, 3, n) * (rng.random(n) < 0.5)
    end = entry + rng.exponential(6, n) + 0.1
    if ties:
        entry, end = np.floor(entry), np.floor(end) + 1
    state = rng.integers(0, 3, n)
    return {
        "time": end,
        "event": (state > 0).astype(int),
        "state": state,
        "entry": entry,
        "weights": rng.uniform(0.2, 3, n),
        "cluster": rng.integers(0, 7, n),
        "group": rng.integers(0, 2, n),
        "x": rng.normal(size=(n, 2)),
    }
