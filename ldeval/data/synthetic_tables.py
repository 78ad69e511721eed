"""From the twin's arrays to tables of the declared shape."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ldeval.data.declaration import Column
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic_people import ABSENT, Flags, Ints

ARROW_TYPES: dict[str, Any] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
}

_BITS = 40
_MASK = np.uint64(2**_BITS - 1)
_ODD = (np.uint64(0x9E3779B97F), np.uint64(0x5DEECE66D))


def schema(extract: str) -> Any:
    """Give the Arrow schema of an extract."""
    return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in EXTRACTS[extract].columns])


def table(extract: str, columns: dict[str, Any]) -> Any:
    """Make a table of an extract from its columns.

    Coded columns come as codes (-1 where missing), dates and whole numbers with ABSENT, flags as booleans (or -1, 0, 1),
    texts as Arrow arrays.
    """
    declared = EXTRACTS[extract].columns
    return pa.table([_array(column, columns[column.name]) for column in declared], schema=schema(extract))


def _array(column: Column, values: Any) -> Any:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if column.codes:
        return coded(np.asarray(values), column.codes)
    if column.type == "date":
        return pa.array(np.asarray(values, dtype=np.int64).view("M8[D]"))
    if column.type == "integer":
        return pa.array(values, mask=np.asarray(values) == ABSENT)
    if column.type == "boolean" and np.asarray(values).dtype != np.bool_:
        return pa.array(np.asarray(values) > 0, mask=np.asarray(values) < 0)
    return pa.array(values, type=ARROW_TYPES[column.type])


def coded(codes: Ints, values: tuple[str, ...]) -> Any:
    """Turn codes into texts; -1 is missing."""
    indices = pa.array(codes.astype(np.int32), mask=codes < 0)
    return pc.cast(pa.DictionaryArray.from_arrays(indices, pa.array(values)), pa.string())


def scrambled(numbers: Ints, salt: int) -> Ints:
    """Give each number another below 2**40, one to one, so that keys of two sources have nothing to do with each other."""
    x = (numbers.astype(np.uint64) + np.uint64(salt)) & _MASK
    for odd in _ODD:
        x = (x * odd) & _MASK
        x ^= x >> np.uint64(_BITS // 2)
    return x.astype(np.int64)


def texts(prefix: str, numbers: Ints, missing: Flags | None = None) -> Any:
    """Write numbers as texts after a prefix."""
    digits = pc.cast(pa.array(numbers, mask=missing), pa.string())
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, pa.scalar(""))


def padded(numbers: Ints, width: int) -> Any:
    """Write numbers as texts, with leading noughts."""
    return pc.utf8_lpad(pc.cast(pa.array(numbers), pa.string()), width=width, padding="0")


def joined(*parts: Any) -> Any:
    """Join texts and Arrow arrays of texts, row by row."""
    return pc.binary_join_element_wise(*(pa.scalar(x) if isinstance(x, str) else x for x in parts), pa.scalar(""))


def area_names(areas: Ints) -> Any:
    """Write areas as "Area 01" and so on."""
    names = joined("Area ", padded(np.arange(1, areas.max(initial=-1) + 2), 2))
    return names.take(pa.array(areas))


class Keys:
    """Keys of the records of one block: unique across blocks, and without meaning."""

    def __init__(self, block: int) -> None:
        self.first = block << 24

    def __call__(self, prefix: str, n: int) -> Any:
        """Give `n` keys, the same whenever they are asked for."""
        return self.rows(prefix, np.arange(n))

    def rows(self, prefix: str, rows: Ints, missing: Flags | None = None) -> Any:
        """Give the keys of some rows."""
        return texts(prefix, self.first + rows, missing)
