"""The open data sets of the validation chapter: real people, published for teaching, no identifiers."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

FOLDER = Path("data") / "validation"


@dataclass(frozen=True, slots=True)
class OpenData:
    """One open data set: where it is, which columns it must have, and how many people it holds."""

    name: str
    source: str
    path: Callable[[Path], Path]
    columns: tuple[str, ...]
    people: int


def _rossi_path(_root: Path) -> Path:
    spec = find_spec("lifelines")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("lifelines, which carries the Rossi data, is not installed; run make setup")
    return Path(spec.origin).parent / "datasets" / "rossi.csv"


OPEN_DATA = {
    "rossi": OpenData(
        "rossi",
        "Rossi, Berk and Lenihan (1980), from the Python package lifelines",
        _rossi_path,
        ("week", "arrest", "fin", "age", "race", "wexp", "mar", "paro", "prio"),
        432,
    ),
    "recid": OpenData(
        "recid",
        "Chung, Schmidt and Witte (1991), from the R package wooldridge",
        lambda root: root / FOLDER / "recid.csv",
        (
            *("durat", "cens", "workprg", "priors", "tserved", "felon", "alcohol", "drugs", "black", "married"),
            *("educ", "age", "super"),
        ),
        1445,
    ),
}
"""The data sets by name. `release` takes from here which results carry the policy `none`."""


def load(name: str, root: Path) -> pd.DataFrame:
    """Read an open data set and check that it is the one meant.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: columns are missing, values are missing or not numbers, or the number of people is another one.

    """
    data = OPEN_DATA[name]
    path = data.path(root)
    frame = pd.read_csv(path)
    if lost := [column for column in data.columns if column not in frame.columns]:
        raise ValueError(f"{path}: expected the columns {list(data.columns)}; missing: {lost}")
    frame = frame[list(data.columns)].apply(pd.to_numeric, errors="coerce")
    if holes := {str(column): int(count) for column, count in frame.isna().sum().items() if count}:
        raise ValueError(f"{path}: every value must be a number; missing or not a number, by column: {holes}")
    if len(frame) != data.people:
        raise ValueError(f"{path}: expected {data.people} people, found {len(frame)}; restore the published file")
    return frame


def fingerprint(name: str, root: Path) -> str:
    """Give the SHA-256 of the data set's file."""
    return hashlib.sha256(OPEN_DATA[name].path(root).read_bytes()).hexdigest()
