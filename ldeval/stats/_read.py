"""What callers hand over (lists, numpy, pandas, polars, Arrow) as plain arrays; what these may hold is for `doors` to say.

Position alone counts: an index never moves a row. Objects are numbers where each of them is one; text never is.
"""

from __future__ import annotations

from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Codes = npt.NDArray[np.intp]

MISSING = ("nan", "NaT", "<NA>")


def floats(values: Any, name: str) -> Floats:
    """Give numbers as float64 of the same shape, missing ones as NaN.

    Raises:
        ValueError: text, categories, dates or other objects, counted; rows of different length.

    """
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(object), np.nan)
    if hasattr(values, "iloc"):
        kind = getattr(values, "dtype", np.dtype(object))
        if is_number(kind):
            return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        if str(kind) != "object":
            raise ValueError(f"{name}: expected numbers, found {kind}; code text and categories before the fit")
        values = values.to_numpy()
    array = _plain(values, name)
    if array.dtype.kind == "O":
        return _of_objects(array, name)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name}: expected numbers, found text or objects; code them before the fit")
    return np.asarray(array, dtype=np.float64)


def members(values: Any, name: str) -> tuple[tuple[str, ...], Codes]:
    """Give the labels of groups, sorted (numbers by size, not as text), and each row's place among them, -1 where it is missing.

    Raises:
        ValueError: more than one dimension; rows of different length; lists or other objects in rows.

    """
    if isinstance(values, np.ma.MaskedArray):
        values = np.ma.filled(values.astype(object), np.nan)
    array = _plain(np.array(values, dtype=object) if isinstance(values, list | tuple) else values, name)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected one dimension, found {array.ndim}")
    if array.dtype.kind in "OUS":
        try:
            return _of_names(array.tolist())
        except TypeError:
            raise ValueError(f"{name}: expected a name or a number in each row, found lists or other objects") from None
    labels, codes = np.unique(array, return_inverse=True)
    gone = ~np.isfinite(labels) if labels.dtype.kind == "f" else labels != labels
    return tuple(str(label) for label in labels[~gone]), np.where(gone[codes], -1, codes).astype(np.intp)


def columns(X: Any) -> list[tuple[str, Any]]:
    """Give the name and values of each column of a table."""
    if hasattr(X, "iloc"):
        return [(str(name), X.iloc[:, j]) for j, name in enumerate(X.columns)]
    return [(str(name), X[name]) for name in getattr(X, "column_names", X.columns)]


def filled(table: list[tuple[str, Any]], rows: int) -> tuple[Floats, list[str]]:
    """Give the columns of a table as a matrix, and the names of those that are no numbers (theirs means nothing)."""
    matrix, other = np.empty((rows, len(table))), []
    for j, (name, values) in enumerate(table):
        try:
            matrix[:, j] = floats(values, name)
        except ValueError:
            other.append(name)
    return matrix, other


def is_number(kind: Any) -> bool:
    """Whether a dtype of numpy or pandas holds numbers or flags."""
    return getattr(kind, "kind", "O") in "biuf" and "categor" not in str(kind)


def _plain(values: Any, name: str) -> npt.NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError:
        raise ValueError(f"{name}: expected rows of one length, found rows of several") from None


def _of_objects(array: npt.NDArray[Any], name: str) -> Floats:
    flat = array.ravel().tolist()
    absent = [_is_missing(value) for value in flat]
    other = sum(not (gone or isinstance(value, Real | Decimal | np.bool_)) for gone, value in zip(absent, flat, strict=True))
    if other:
        raise ValueError(
            f"{name}: expected numbers, found text or objects in {other} of {len(flat)} rows; code them before the fit"
        )
    try:
        return np.array([np.nan if gone else float(v) for gone, v in zip(absent, flat, strict=True)]).reshape(array.shape)
    except OverflowError:
        raise ValueError(
            f"{name}: expected numbers within the range of floats, found whole ones beyond; change their unit"
        ) from None


def _is_missing(value: Any) -> bool:
    return value is None or str(value) in MISSING


def _of_names(values: list[Any]) -> tuple[tuple[str, ...], Codes]:
    distinct = list(dict.fromkeys(values))
    known = [value for value in distinct if not _is_missing(value)]
    if all(isinstance(value, Real | np.bool_) for value in known):
        labels = [str(value) for value in sorted(known)]
    else:
        labels = sorted({str(value) for value in known})
    place = {label: j for j, label in enumerate(labels)}
    places = {value: -1 if _is_missing(value) else place[str(value)] for value in distinct}
    return tuple(labels), np.fromiter((places[value] for value in values), dtype=np.intp, count=len(values))
