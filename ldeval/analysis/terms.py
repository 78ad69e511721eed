"""The columns of a design in words: each characteristic of the adjustment set with its levels, the reference among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from ldeval.analysis.exhibits import Column
from ldeval.analysis.records import CODED, LOGGED, Comparison
from ldeval.words import capital

HEADS = (Column("group", "Group"), Column("term", "Characteristic"))
"""The columns that hold the words of a line."""
HISTORY = "History, as the logarithm of one more than the number"
OTHERS = "Other characteristics"
AGE = {"age": "Ten years, counted from 35", "age_squared": "The same, squared"}


@dataclass(frozen=True, slots=True)
class Term:
    """One line of a model's table: its block, its words, and the column of the design; a reference level has none."""

    group: str
    label: str
    column: str = ""


def terms(people: Comparison, adjust: Sequence[str]) -> tuple[Term, ...]:
    """Give the lines of a model on the design of a comparison, block after block, the constant first."""
    made = [Term("Constant", "Constant", "intercept")] if "intercept" in people.X.columns else []
    made += [term for name in adjust for term in _of(people, name)]
    blocks = dict.fromkeys(term.group for term in made)
    return tuple(term for block in blocks for term in made if term.group == block)


def _of(people: Comparison, name: str) -> Iterator[Term]:
    if name in CODED:
        yield from _levels(people, name)
        return
    words = AGE if name == "age" else {name: capital(name), f"{name}_missing": f"{capital(name)} not recorded"}
    group = "Age" if name == "age" else HISTORY if name in LOGGED else OTHERS
    yield from (Term(group, label, column) for column, label in words.items() if column in people.X.columns)


def _levels(people: Comparison, name: str) -> Iterator[Term]:
    """Give the reference first, with the levels that joined it because they were too rare, then the coded levels."""
    column = people.rows[name].astype(object)
    levels = [str(level) for level in column.where(column.notna(), "missing").value_counts().index]
    coded = [level for level in levels if f"{name}_{level}" in people.X.columns]
    if not coded:
        return
    reference, *joined = [_level(level) for level in levels if level not in coded]
    also = f", with {', '.join(label.lower() for label in joined)}" if joined else ""
    yield Term(capital(name), f"{reference} (reference{also})")
    yield from (Term(capital(name), _level(level), f"{name}_{level}") for level in sorted(coded))


def _level(level: str) -> str:
    return "Not recorded" if level == "missing" else capital(level)


def cell(value: float) -> float | None:
    """Give a number as a cell of a table: none where it does not exist."""
    return None if pd.isna(value) else float(value)
