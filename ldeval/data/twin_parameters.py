"""Reads `data/twin.toml`: every parameter of the twin with its source and flag."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

Flag = Literal["FOUND", "DERIVED", "RECALLED", "ASSUMPTION", "CALIBRATED"]

TwinName = Literal["identified", "hidden"]
TWINS: tuple[TwinName, ...] = get_args(TwinName)

PARAMETER_FILE = Path(__file__).parents[2] / "data" / "twin.toml"

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter: its key ("people.male"), value, flag and source."""

    key: str
    value: Any
    flag: Flag
    source: str


class Parameters(dict[str, Parameter]):
    """The parameters by key, with readers for the shapes that they come in."""

    def __call__(self, key: str) -> Any:
        """Give the value of one parameter."""
        return self[key].value

    def number(self, key: str, choice: str | None = None) -> float:
        """Give a number, or one of a table of numbers."""
        value = self[key].value
        return float(value if choice is None else value[choice])

    def by(self, key: str, names: tuple[str, ...]) -> NDArray[np.float64]:
        """Give a table of numbers as an array in the order of `names`."""
        value = self[key].value
        return np.array([float(value[name]) for name in names])

    def by_year(self, key: str, years: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give a table of numbers by year for each of `years`; years outside it take its first or last value."""
        table = {int(year): float(value) for year, value in self[key].value.items()}
        first, last = min(table), max(table)
        values = np.array([table[year] for year in range(first, last + 1)])
        return values[np.clip(years, first, last) - first]

    def day(self, key: str) -> int:
        """Give a date as days since 1970."""
        return day_number(self[key].value)


def day_number(text: str) -> int:
    """Give a date as days since 1970."""
    return (date.fromisoformat(text) - _EPOCH).days


def read_parameters(path: Path = PARAMETER_FILE) -> Parameters:
    """Read and check the parameters.

    Raises:
        ValueError: a parameter lacks its value, flag or source, or its flag is none of those known (all named at once).

    """
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    cells = {f"{part}.{name}": cell for part, table in raw.items() for name, cell in table.items()}
    faults = [key for key, cell in cells.items() if not _whole(cell)]
    if faults:
        raise ValueError(f"{path}: each parameter needs value, flag ({', '.join(get_args(Flag))}) and source: {faults}")
    return Parameters({key: Parameter(key, **cell) for key, cell in cells.items()})


def _whole(cell: object) -> bool:
    return (
        isinstance(cell, dict)
        and set(cell) == {"value", "flag", "source"}
        and cell["flag"] in get_args(Flag)
        and bool(cell["source"])
    )


@cache
def default_parameters() -> Parameters:
    """Give the parameters of `data/twin.toml`, read once."""
    return read_parameters()
