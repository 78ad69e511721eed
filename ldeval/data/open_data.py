"""The open data sets that results of R exist for: real people, published for teaching, no identifiers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FOLDER = Path("data") / "reference"
TABLES = FOLDER / "data"
NO_YES = {"no": 0, "yes": 1}


@dataclass(frozen=True, slots=True)
class OpenData:
    """One open data set: where it is, how many rows it holds, which columns are used, and the numbers for words in them.

    A `path` may be a folder of tables about estimators, not people; it has no number of rows and is not loaded as a whole.
    """

    name: str
    source: str
    path: Path
    rows: int | None = None
    columns: tuple[str, ...] = ()
    codes: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def _table(name: str, source: str, rows: int, file: str = "") -> OpenData:
    return OpenData(name, source, TABLES / f"{file or name}.csv", rows)


ROSSI_COLUMNS = ("week", "arrest", "fin", "age", "race", "wexp", "mar", "paro", "prio", "educ")
RECID_COLUMNS = (
    *("durat", "cens", "workprg", "priors", "tserved", "felon", "alcohol", "drugs", "black", "married"),
    *("educ", "age", "super"),
)
WEEKS = tuple(f"emp{week}" for week in range(1, 53))

_ALL = (
    OpenData(
        "rossi",
        "Rossi, Berk and Lenihan (1980), from the R package carData",
        TABLES / "Rossi.csv",
        432,
        (*ROSSI_COLUMNS, *WEEKS),
        {
            **dict.fromkeys(("fin", "wexp", "paro", *WEEKS), NO_YES),
            "race": {"other": 0, "black": 1},
            "mar": {"not married": 0, "married": 1},
        },
    ),
    OpenData(
        "recid",
        "Chung, Schmidt and Witte (1991), from the R package wooldridge",
        TABLES / "recid.csv",
        1445,
        RECID_COLUMNS,
    ),
    _table("lung", "Loprinzi et al. (1994), from the R package survival", 228),
    _table("bladder2", "Byar (1980), from the R package survival", 178),
    _table("bladder", "Byar (1980), from the R package survival", 340),
    _table("cgd", "Fleming and Harrington (1991), from the R package survival", 203),
    _table("sk_bmt", "Scrucca, Santucci and Aversa (2007), from the Python package scikit-survival", 35),
    _table("crime1", "Grogger (1991), from the R package wooldridge", 2725),
    _table("arrests", "Toronto Star, from the R package carData", 5226, "Arrests"),
    _table("lalonde", "LaLonde (1986), Dehejia and Wahba (1999), from the R package MatchIt", 614, "lalonde_matchit"),
    _table("injury", "Meyer, Viscusi and Durbin (1995), from the R package wooldridge", 7150),
    _table("castle", "Cheng and Hoekstra (2013), from the Python package causaldata", 550, "cd_castle"),
    _table("mpdta", "Callaway and Sant'Anna (2021), from the R package did", 2500),
    _table("traffic2", "McCarthy (1994), from the R package wooldridge", 108),
    _table("uis", "Hosmer and Lemeshow (1999), from the R package quantreg", 575),
    _table("engel", "Koenker and Bassett (1982), from the Python package statsmodels", 235, "sm_engel"),
    OpenData("references", "Results of R and published values", FOLDER),
    OpenData("coverage", "Simulated studies: the project's own", Path("tests") / "coverage"),
    OpenData("draws", "Draws of the synthetic twins: the project's own", Path("tests") / "coverage" / "twin"),
    OpenData("benchmarks", "Times on generated rows: the project's own", Path("benchmarks") / "results"),
)
OPEN_DATA = {data.name: data for data in _ALL}
"""The data sets by name. `release` takes from here which results carry the policy `none`."""


def load(name: str, root: Path) -> pd.DataFrame:
    """Read an open data set and check that it is the one meant.

    Words become numbers where the data set says how. Where it names no columns, all come as they are.

    Raises:
        FileNotFoundError: the file is not there.
        ValueError: columns are missing, values are missing or not numbers, or the number of rows is another one.

    """
    import pandas as pd  # takes its time: not at import, for releases that are up to date

    data = OPEN_DATA[name]
    path = present(root / data.path, data.source)
    frame = pd.read_csv(path)
    if lost := [column for column in data.columns if column not in frame.columns]:
        raise ValueError(f"{path}: expected the columns {list(data.columns)}; missing: {lost}")
    if data.columns:
        frame = _numbers(frame[list(data.columns)], data, path)
    if len(frame) != data.rows:
        raise ValueError(f"{path}: expected {data.rows} rows, found {len(frame)}; restore the published file")
    return frame


def _numbers(frame: pd.DataFrame, data: OpenData, path: Path) -> pd.DataFrame:
    import pandas as pd

    for column, codes in data.codes.items():
        frame = frame.assign(**{column: frame[column].map(codes)})
    frame = frame.apply(pd.to_numeric, errors="coerce")
    later = frame["week"] if data.name == "rossi" else None
    holes = {}
    for column in frame.columns:
        empty = frame[column].isna()
        if later is not None and column in WEEKS:  # nobody's work is recorded after their re-arrest
            empty &= later >= WEEKS.index(column) + 1
        if count := int(empty.sum()):
            holes[str(column)] = count
    if holes:
        raise ValueError(f"{path}: every value must be a number or a known word; missing or neither, by column: {holes}")
    return frame


@cache
def results_of_r(name: str, root: Path) -> Mapping[str, Any]:
    """Read R's results on a data set; `name` is the file's, without its ending.

    Raises:
        FileNotFoundError: the file is not there.

    """
    path = present(root / FOLDER / f"{name}.json", "R's results")
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def present(path: Path, what: str) -> Path:
    """Give `path` back when the file is there.

    Raises:
        FileNotFoundError: it is not; what it should hold is named.

    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; it holds {what}. Restore it from the repository")
    return path


def fingerprint(name: str, root: Path) -> str:
    """Give the SHA-256 of the data set's file, or of the contents of its folder's files in the order of their names.

    Raises:
        FileNotFoundError: there is neither.

    """
    path = root / OPEN_DATA[name].path
    if not path.exists():
        raise FileNotFoundError(
            f"{path}: no such file or folder; it holds {OPEN_DATA[name].source}. Restore it from the repository"
        )
    files = [path] if path.is_file() else sorted(file for file in path.glob("*.*") if file.suffix in {".csv", ".json"})
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
