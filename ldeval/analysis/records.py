"""The study's records as the analyses read them: features by name, the comparison of arms, and its design matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ldeval.analysis.attempts import NoAnswer, require_areas
from ldeval.analysis.counted import Arm
from ldeval.data.folders import links_folder
from ldeval.data.stages import Say, Tell, extracts_folder, prepare
from ldeval.study import Study

RECORDS = "records"
"""The name under which results say that they come from the study's linked records."""

USER, NOT_YET_LIVE, UNSEEN = "user", "not_yet_live", "unseen"

FEWEST = 20
"""A category with fewer people than this in either arm joins the reference, and a missing value gets no category of its own: it
could not be balanced, and its balance would count it."""

LOGGED = ("previous_events", "previous_offences", "previous_convictions", "previous_custody", "open_cases")
CODED = ("sex", "ethnicity", "index_offence", "index_event")


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """The features of a study, read when asked for. Nothing in them identifies anybody."""

    folder: Path
    study: Study
    root: Path = Path()

    @property
    def links(self) -> Path:
        """The folder that says which records are one person's, and how good the links are."""
        return links_folder(extracts_folder(self.root, self.study))

    def table(self, name: str) -> pd.DataFrame:
        """Give a table of features by name ("people_study", "panel_study", "area_months", ...)."""
        return _read(self.folder / f"{name}.parquet")

    @property
    def people(self) -> pd.DataFrame:
        """Everyone of the study window, one row a person, all arms."""
        return self.table("people_study")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Users and comparators, one row a person, with what every model of them needs.

    `treated` (n,) is 1 for users; `X` (n, p) the design with its own intercept; `cluster` (n,) the area; `entry` (n,) the day
    from which a person is at risk (users seen late enter late).
    """

    rows: pd.DataFrame
    treated: npt.NDArray[np.float64]
    X: pd.DataFrame
    cluster: npt.NDArray[np.str_]
    entry: npt.NDArray[np.float64]

    @property
    def n(self) -> int:
        """People in both arms."""
        return len(self.rows)

    def arms(self, event: npt.NDArray[np.bool_] | None = None, total: npt.NDArray[np.float64] | None = None) -> tuple[Arm, Arm]:
        """Give both sides for disclosure control: people, those with `event` (n,), the largest part of one person in `total`."""
        users, comparators = (
            _arm(label, self.treated == arm, event, total) for label, arm in (("Users", 1.0), ("Comparators", 0.0))
        )
        return users, comparators

    def keep(self, which: npt.NDArray[np.bool_]) -> Comparison:
        """Give the part of it where `which` (n,) holds; columns that are constant there are left out."""
        rows = self.rows[which].reset_index(drop=True)
        X = self.X[which].reset_index(drop=True)
        return Comparison(rows, self.treated[which], varying(X, self.treated[which]), self.cluster[which], self.entry[which])


def open_records(
    root: Path, study: Study, *, link_set: int = 0, say: Say = lambda _: None, tell: Tell = lambda _done, _all: None
) -> Records:
    """Give the records of the study in `root`, brought up to date first; `say` and `tell` as in `stages.prepare`.

    Raises:
        FileNotFoundError, ValueError: as `ldeval.data.stages.prepare`.

    """
    return Records(prepare(root, study, link_set=link_set, say=say, tell=tell), study, root)


def compare(records: Records, outcome: str, *, users: Sequence[str] = (USER,), control: str = NOT_YET_LIVE) -> Comparison:
    """Give users beside one kind of comparators, with the adjustment set of an outcome of the protocol.

    Raises:
        NoAnswer: an arm without people, or from one area only.
        ValueError: an adjustment that the features do not hold.

    """
    people = records.people
    rows = people[people.arm.isin([*users, control])].reset_index(drop=True)
    treated = rows.arm.isin(users).to_numpy(dtype=np.float64)
    for label, present in (("users", treated.any()), ("comparators", not treated.all())):
        if rows.empty or not present:
            raise NoAnswer(f"there are no {label} in the records")
    return comparison(rows, treated, records.study.outcomes[outcome].adjust)


def comparison(rows: pd.DataFrame, treated: npt.NDArray[np.float64], adjust: Sequence[str]) -> Comparison:
    """Give people of both arms, a row each, with the design matrix of an adjustment set.

    Raises:
        NoAnswer: an arm from one area only.
        ValueError: as `design`.

    """
    cluster = rows.area_id.to_numpy(str)
    require_areas(cluster, treated)
    return Comparison(rows, treated, design(rows, treated, adjust), cluster, rows.entry.to_numpy(float))


def _arm(
    label: str,
    who: npt.NDArray[np.bool_],
    event: npt.NDArray[np.bool_] | None,
    total: npt.NDArray[np.float64] | None,
) -> Arm:
    events = None if event is None else int((event & who).sum())
    whole = 0.0 if total is None else float(total[who].sum())
    return Arm(label, int(who.sum()), events, float(total[who].max() / whole) if total is not None and whole > 0 else None)


def design(rows: pd.DataFrame, treated: npt.NDArray[np.float64], adjust: Sequence[str]) -> pd.DataFrame:
    """Code the adjustment set: counts as log(1 + x), age with its square, categories with missing as one of them.

    Raises:
        ValueError: names what the features do not hold.

    """
    if missing := [name for name in adjust if name not in rows.columns]:
        raise ValueError(f"adjust: {len(missing)} name(s) that are no feature: {', '.join(missing)}; mend study.toml")
    parts = [pd.Series(1.0, rows.index, name="intercept"), *(_coded(rows[name], treated) for name in adjust)]
    return varying(pd.concat(parts, axis=1), treated)


def varying(X: pd.DataFrame, treated: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Leave out the columns (but the intercept) that are constant in an arm: no model could tell them from it."""
    arms = (X[treated == arm] for arm in (1.0, 0.0))
    kept = np.logical_and.reduce([(arm.max() > arm.min()).to_numpy() for arm in arms])
    return X.loc[:, kept | (X.columns == "intercept")]


def _coded(column: pd.Series, treated: npt.NDArray[np.float64]) -> pd.DataFrame:
    name = str(column.name)
    if name in CODED:
        return _categories(column, treated)
    if name == "age":
        centred = (column - 35.0) / 10.0
        return pd.DataFrame({"age": centred, "age_squared": centred**2})
    values = np.log1p(column) if name in LOGGED else column.astype(float)
    made = pd.DataFrame({name: values.fillna(values.median())})
    if min(column[treated == arm].isna().sum() for arm in (1.0, 0.0)) >= FEWEST:
        made[f"{name}_missing"] = column.isna().astype(float)
    return made


def _categories(column: pd.Series, treated: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Give an indicator for each category but the commonest and those too rare in an arm."""
    named = column.astype(object).where(column.notna(), "missing")
    codes, labels = pd.factorize(named, sort=True)
    counts = np.stack([np.bincount(codes[treated == arm], minlength=len(labels)) for arm in np.unique(treated)])
    reference = counts.sum(axis=0).argmax()
    kept = [k for k in np.flatnonzero(counts.min(axis=0) >= FEWEST) if k != reference]
    return pd.DataFrame({f"{column.name}_{labels[k]}": (codes == k).astype(float) for k in kept}, index=column.index)


@lru_cache(maxsize=16)
def _read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)
