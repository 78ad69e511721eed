"""What an analysis hands to release: estimates, and the tables, curves and sets of effects that show them.

Nothing here is formatted or rounded; `ldeval.release` does that, after disclosure control. These types are plain
tuples of plain values, so that reading released results in a chapter costs no heavy import.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ParamSpec

from ldeval.estimate import Estimate

Cell = str | int | float | None
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name in the CSV, its heading, and the unit that fixes how its cells are rounded."""

    name: str
    label: str
    unit: str = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of plain values. `group` names the column whose value heads a block of rows.

    Raises:
        ValueError: a row that has not one cell a column, a repeated column, a `group` that is no column.

    """

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()
    group: str | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        wrong = [number for number, row in enumerate(self.rows, start=1) if len(row) != len(names)]
        if wrong:
            raise ValueError(f"table {self.id!r}: expected {len(names)} cells a row; not so in row(s) {wrong}")
        if len(set(names)) < len(names):
            raise ValueError(f"table {self.id!r}: a column name is repeated in {names}")
        if self.group is not None and self.group not in names:
            raise ValueError(f"table {self.id!r}: group {self.group!r} is none of its columns {names}")


@dataclass(frozen=True, slots=True)
class Point:
    """One step of a curve: from `time` on, `value` holds; `at_risk` are those at risk just before `time`."""

    group: str
    time: float
    value: float
    low: float
    high: float
    at_risk: int
    events: int
    censored: int


@dataclass(frozen=True, slots=True)
class Curves:
    """Step curves on one time axis, one a group; `outcome` completes "share ..." ("not re-arrested").

    Raises:
        ValueError: no points, or a group whose times do not rise.

    """

    id: str
    title: str
    outcome: str
    time_unit: str
    since: str
    level: float
    method: str
    points: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError(f"curves {self.id!r}: expected at least one point, found none")
        for group in self.groups:
            times = [point.time for point in self.of(group)]
            if times != sorted(set(times)):
                raise ValueError(f"curves {self.id!r}: the times of each group must rise; not so in {group!r}")

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups, in order of first appearance."""
        return tuple(dict.fromkeys(point.group for point in self.points))

    def of(self, group: str) -> tuple[Point, ...]:
        """Give the points of one group, in time order."""
        return tuple(point for point in self.points if point.group == group)


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of a set of effects: its words and the estimate that it shows."""

    label: str
    estimate: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Effects:
    """Estimates of one measure that belong in one table or forest plot, in the order to be shown.

    Raises:
        ValueError: no rows.

    """

    id: str
    title: str
    measure: str
    rows: tuple[Effect, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"effects {self.id!r}: expected at least one row, found none")


@dataclass(frozen=True, slots=True)
class Dot:
    """One value on the row `label`, of a kind named by `series`; from `low` to `high` it is as expected."""

    label: str
    series: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Dots:
    """Values on one axis beside what was expected of them: `nominal`, give or take each row's band.

    `series` names the kinds of values in the order of the legend.

    Raises:
        ValueError: no rows, or one of a kind that `series` does not name.

    """

    id: str
    title: str
    measure: str
    unit: str
    nominal: float
    band: str
    series: tuple[str, ...]
    rows: tuple[Dot, ...]

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"dots {self.id!r}: expected at least one row, found none")
        if unnamed := sorted({row.series for row in self.rows} - set(self.series)):
            raise ValueError(f"dots {self.id!r}: series {unnamed} are none of those named: {list(self.series)}")


Exhibit = Table | Curves | Effects | Dots


@dataclass(frozen=True, slots=True)
class Origin:
    """Which function made a result, and from which data sets."""

    function: str
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one or more analyses found. `origins` maps every id to what made it.

    Raises:
        ValueError: an id that two results share; a set of effects that names an estimate that is not there is refused
            by `check`, once all analyses are together.

    """

    estimates: tuple[Estimate, ...] = ()
    exhibits: tuple[Exhibit, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        if repeated := sorted(key for key, times in Counter(self.ids()).items() if times > 1):
            raise ValueError(f"each result needs an id of its own; repeated: {', '.join(repeated)}")

    def ids(self) -> Iterator[str]:
        """Give the ids of estimates, then of exhibits."""
        yield from (estimate.id for estimate in self.estimates)
        yield from (exhibit.id for exhibit in self.exhibits)

    def __add__(self, other: Findings) -> Findings:
        return Findings(self.estimates + other.estimates, self.exhibits + other.exhibits, {**self.origins, **other.origins})

    def check(self) -> Findings:
        """Refuse sets of effects that name estimates which no analysis made, or that mix units; give the findings back."""
        units = {estimate.id: estimate.unit for estimate in self.estimates}
        effects = [exhibit for exhibit in self.exhibits if isinstance(exhibit, Effects)]
        lost = [f"{e.id}: {row.estimate}" for e in effects for row in e.rows if row.estimate not in units]
        if lost:
            raise ValueError(f"effects that show no known estimate: {', '.join(lost)}")
        mixed = [e.id for e in effects if len({units[row.estimate] for row in e.rows}) > 1]
        if mixed:
            raise ValueError(f"effects that mix units on one axis: {', '.join(mixed)}")
        return self


def made_from(*data: str) -> Callable[[Callable[P, Findings]], Callable[P, Findings]]:
    """Stamp the findings of the decorated function with the function and the data sets that they come from.

    The innermost function keeps the findings. One that works on any data set names none; its caller's are then taken.
    """

    def decorate(function: Callable[P, Findings]) -> Callable[P, Findings]:
        @functools.wraps(function)
        def stamped(*args: P.args, **kwargs: P.kwargs) -> Findings:
            found = function(*args, **kwargs)
            here = Origin(f"{function.__module__}.{function.__qualname__}", data)
            origins = {key: found.origins.get(key, here) for key in found.ids()}
            filled = {key: origin if origin.data else replace(origin, data=data) for key, origin in origins.items()}
            return Findings(found.estimates, found.exhibits, filled)

        return stamped

    return decorate
