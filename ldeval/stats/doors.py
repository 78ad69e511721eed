"""One door per kind of input: each checks once what every estimator relies on and gives plain arrays.

Every fault of a call's input is a `ValueError` that says what was expected, what was found, how many and what to do, and never
shows a value that could belong to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ldeval.stats import _read
from ldeval.stats._threads import each, stretches

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.intp]

SMALL = 1e-100  # squares of smaller numbers, and of ones above its inverse, leave the range of floats


MOST_STATES = 1_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """Follow-up of each row: at risk on (entry, time], `event` where it ends in the event. Arrays of shape (n,)."""

    time: Floats
    event: Bools
    entry: Floats | None


@dataclass(frozen=True, slots=True)
class States:
    """Follow-up of each row: at risk on (entry, time]; `state` 0 is censored, 1, 2, ... are the causes. Shape (n,)."""

    time: Floats
    state: npt.NDArray[np.int64]
    entry: Floats | None


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix of shape (n, p), float64, with the names of its columns."""

    matrix: Floats
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Groups:
    """Membership as integers 0, ..., k - 1 of shape (n,), and the label of each, sorted."""

    codes: Codes
    labels: tuple[str, ...]


def numbers(values: Any, name: str, *, rows: int | None = None) -> Floats:
    """Give a one-dimensional float64 array.

    Raises:
        ValueError: no row, another length than `rows`, more than one dimension, text, missing or infinite values.

    """
    array = _read.floats(values, name)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, found {array.ndim}")
    _check_rows(len(array), name, rows)
    _refuse(~np.isfinite(array), name, "finite numbers", "drop or impute the rows with missing or infinite values")
    return array


def outcome(values: Any) -> Floats:
    """Give an outcome.

    Raises:
        ValueError: as `numbers`; an outcome too large or too small for its squares.

    """
    array = numbers(values, "y")
    size = np.abs(array)
    _refuse(size > 1 / SMALL, "y", f"numbers up to {1 / SMALL:g} in size", "change their unit")
    if 0 < size.max() < SMALL:
        raise ValueError(
            f"y: expected some number of {SMALL:g} or more in size, found none in {len(array)} rows; change their unit"
        )
    return array


def times(time: Any, event: Any, entry: Any = None) -> Times:
    """Check follow-up that ends in an event or in censoring.

    Raises:
        ValueError: as `numbers`; events other than 0 and 1; times below zero; rows whose entry is not before their end.

    """
    end, start = _spans(time, entry)
    if type(event) is np.ndarray and event.dtype == bool and event.shape == end.shape:  # nothing to check or to copy
        return Times(end, event, start)
    happened = numbers(event, "event", rows=len(end))
    _refuse(~np.isin(happened, (0.0, 1.0)), "event", "0 (censored) or 1 (event)", "code the event as 0 and 1")
    return Times(end, happened == 1.0, start)


def states(time: Any, state: Any, entry: Any = None, *, cause: int) -> States:
    """Check follow-up that ends in one of several causes, of which `cause` must be a possible code.

    Raises:
        ValueError: as `numbers`; states that are not whole numbers from 0; times below zero; rows whose entry is not before
            their end; a cause below 1.

    """
    end, start = _spans(time, entry)
    code = numbers(state, "state", rows=len(end))
    _refuse(
        (code < 0) | (code > MOST_STATES) | (code != np.floor(code)),
        "state",
        "0 (censored) or the whole number of a cause",
        "recode it",
    )
    whole(cause, "cause", 1)
    return States(end, code.astype(np.int64), start)


def design(X: Any, *, rows: int | None = None) -> Design:
    """Give the design matrix in float64 with its column names (`x0`, `x1`, ... for an array).

    Text and categorical columns are refused by name: choose their coding (for instance `pandas.get_dummies`) before the fit.

    Raises:
        ValueError: no row or no column, another length than `rows`, text or categorical columns, repeated names, missing or
            infinite values (counted by column), columns too large or too small for their squares.

    """
    if hasattr(X, "columns"):
        columns = _read.columns(X)
        names = tuple(name for name, _ in columns)
        matrix, coded = _read.filled(columns, len(X))
        if coded:
            raise ValueError(
                f"X: expected numbers; {len(coded)} column(s) hold text or categories: {', '.join(coded)}; code them"
            )
    else:
        matrix = _read.floats(X, "X")
        matrix = matrix[:, None] if matrix.ndim == 1 else matrix
        names = tuple(f"x{j}" for j in range(matrix.shape[1] if matrix.ndim == 2 else 0))
    if matrix.ndim != 2 or matrix.shape[1] == 0:
        raise ValueError(f"X: expected a table of rows and columns, found shape {matrix.shape}")
    if len(set(names)) < len(names):
        raise ValueError("X: each column needs a name of its own")
    _check_rows(len(matrix), "X", rows)
    _check_columns(matrix, names)
    return Design(np.ascontiguousarray(matrix), names)


def weights(values: Any, rows: int) -> Floats:
    """Give weights, which may be fractional; None is 1 for each row.

    Raises:
        ValueError: as `numbers`; weights below zero; all weights zero.

    """
    if values is None:
        return np.broadcast_to(1.0, rows)
    array = numbers(values, "weights", rows=rows)
    _refuse(array < 0, "weights", "zero or more", "drop these rows or mend their weights")
    if array.max() < np.finfo(np.float64).tiny:
        raise ValueError(f"weights: expected at least one above zero, found {rows} of {rows} at zero")
    return array


def counts(values: Any) -> Floats:
    """Give an outcome of zero or more (whole numbers are usual, but not needed).

    Raises:
        ValueError: as `outcome`; values below zero.

    """
    array = outcome(values)
    _refuse(array < 0, "y", "zero or more", "a count or a rate's numerator cannot be negative")
    return array


def log_exposure(values: Any, rows: int) -> Floats | None:
    """Give the logarithm of each row's time at risk, or None where there is none.

    Raises:
        ValueError: as `numbers`; exposures of zero or less.

    """
    if values is None:
        return None
    array = numbers(values, "exposure", rows=rows)
    _refuse(array <= 0, "exposure", "above zero", "drop rows that are never at risk")
    return np.log(array)


def groups(values: Any, name: str, rows: int) -> Groups:
    """Give membership of clusters, strata or groups, of any type that sorts (text, numbers, categories).

    Raises:
        ValueError: another length than `rows`, more than one dimension, missing members.

    """
    labels, codes = _read.members(values, name)
    _check_rows(len(codes), name, rows)
    _refuse(codes < 0, name, "a member for each row", "drop these rows or name their group")
    return Groups(codes, labels)


def clusters(values: Any, rows: int, *, least: int = 2) -> Groups | None:
    """Give the clusters, or None where there are none.

    Raises:
        ValueError: as `groups`; fewer clusters than `least`.

    """
    if values is None:
        return None
    found = groups(values, "cluster", rows)
    if len(found.labels) < least:
        raise ValueError(f"cluster: expected at least {least} clusters for a robust error, found {len(found.labels)}")
    return found


def number(value: Any, name: str) -> float:
    """Give one finite number.

    Raises:
        ValueError: text, nothing, several numbers, or one that is not finite.

    """
    try:
        array = _read.floats(value, name)
    except ValueError:
        raise ValueError(f"{name}: expected one finite number, found {type(value).__name__}") from None
    if array.ndim or not np.isfinite(array):
        found = f"{array.size} in an array" if array.ndim else f"{float(array):g}"
        raise ValueError(f"{name}: expected one finite number, found {found}")
    return float(array)


def whole(value: Any, name: str, least: int, most: float = np.inf) -> int:
    """Give one whole number from `least` to `most`.

    Raises:
        ValueError: as `number`; a fraction; a number outside.

    """
    found = number(value, name)
    if found != np.floor(found) or not least <= found <= most:
        upto = f" to {most:g}" if np.isfinite(most) else ""
        raise ValueError(f"{name}: expected a whole number from {least}{upto}, found {found:g}")
    return int(value) if isinstance(value, int | np.integer) else int(found)


def level(value: Any, name: str = "level") -> float:
    """Give the confidence level, or another share that is neither none nor all.

    Raises:
        ValueError: as `number`; outside (0, 1).

    """
    found = number(value, name)
    if not 0 < found < 1:
        raise ValueError(f"{name}: expected a share between 0 and 1 such as 0.95, found {found:g}")
    return found


def choice(name: str, value: Any, options: tuple[Any, ...]) -> Any:
    """Give the option back where it is one of those allowed.

    Raises:
        ValueError: names the argument and lists the choices.

    """
    plain = value is None or isinstance(value, str | int | float)
    if not plain or value not in options:
        found = repr(value) if plain else type(value).__name__
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, options))}, found {found}")
    return value


def _spans(time: Any, entry: Any) -> tuple[Floats, Floats | None]:
    end = numbers(time, "time")
    _refuse(end < 0, "time", "zero or more", "check the dates that it is made from")
    if entry is None:
        return end, None
    start = numbers(entry, "entry", rows=len(end))
    _refuse(start >= end, "entry", "a time before the row's end", "drop rows that are never at risk")
    return end, start


def _check_rows(found: int, name: str, rows: int | None) -> None:
    if found == 0:
        raise ValueError(f"{name}: expected at least one row, found none")
    if rows is not None and found != rows:
        raise ValueError(f"{name}: expected {rows} rows, as many as the outcome has, found {found}")


def _check_columns(matrix: Floats, names: tuple[str, ...]) -> None:
    total = sum(each(lambda cut: _sum(matrix[cut]), stretches(len(matrix))))
    some = np.abs(matrix[:: max(1, len(matrix) // 1000)]).max(axis=0)
    if abs(total) < 1 / SMALL and not ((some > 0) & (some < SMALL)).any():
        return
    counts = (~np.isfinite(matrix)).sum(axis=0)
    if counts.any():
        bad = ", ".join(f"{name} ({count})" for name, count in zip(names, counts, strict=True) if count)
        raise ValueError(f"X: expected finite numbers, found missing or infinite ones in {bad}; drop or impute these rows")
    size = np.abs(matrix).max(axis=0)
    if odd := [name for name, s in zip(names, size, strict=True) if 0 < s < SMALL or s > 1 / SMALL]:
        raise ValueError(
            f"X: expected columns whose size is between {SMALL:g} and {1 / SMALL:g}, found {len(odd)} beyond: {', '.join(odd)};"
            " change their units"
        )


def _sum(part: Floats) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(part.sum())


def _refuse(broken: Bools, name: str, expected: str, advice: str) -> None:
    if count := int(np.count_nonzero(broken)):
        raise ValueError(f"{name}: expected {expected}, found {count} of {len(broken)} rows otherwise; {advice}")
