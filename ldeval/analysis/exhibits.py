"""The kinds of exhibit that an analysis hands to release: tables, curves, sets of effects and dots.

Nothing here is formatted or rounded; `ldeval.release` does that, after disclosure control. These types are plain
tuples of plain values, so that reading released results in a chapter costs no heavy import. Tables of counts are
`ldeval.analysis.counted.Counts`; what to hand over as what is told in `ldeval.analysis.findings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ldeval.analysis.counted import Picture

Cell = str | int | float | None
CurveKind = Literal["survival", "incidence", "mean count"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its name in the CSV, its heading, the unit that fixes how its cells are printed.

    `source` says what the numbers of a column come from where records of people are behind the table: a model, or public
    values; without it they do not leave.
    """

    name: str
    label: str
    unit: str = "text"
    source: Literal["", "model", "public"] = ""


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
    picture: Picture = ""

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
    """One step of a curve: from `time` on, `value` holds; `at_risk` are those at risk just before `time`.

    `events`, `competing` (of the other causes) and `censored` are those at `time`; in released curves, since the last step.
    """

    group: str
    time: float
    value: float
    low: float
    high: float
    at_risk: int
    events: int
    censored: int
    competing: int = 0


@dataclass(frozen=True, slots=True)
class Curves:
    """Step curves on one time axis, one a group; `outcome` completes "share ..." ("not re-arrested").

    `shape`: survival is the share free of the event (Kaplan-Meier), incidence the share with it while other causes compete
    (Aalen-Johansen), mean count the events so far per person. `weighted`: the values are not those of the plain counts.

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
    shape: CurveKind = "survival"
    weighted: bool = False

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

    def people(self, group: str) -> int:
        """Give the most of a group that were ever at risk."""
        return max(point.at_risk for point in self.of(group))

    def events(self, group: str) -> int:
        """Give all events of a group."""
        return sum(point.events for point in self.of(group))


@dataclass(frozen=True, slots=True)
class Effect:
    """One row of a set of effects: its words, the estimate that it shows, and its place on the axis of a series."""

    label: str
    estimate: str
    group: str = ""
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Effects:
    """Estimates of one measure that belong in one table and figure, in the order to be shown.

    The figure is a forest plot; where `axis` names what their places count ("Months since referral"), a series over these.

    Raises:
        ValueError: no rows, or a series with a row that has no place.

    """

    id: str
    title: str
    measure: str
    rows: tuple[Effect, ...]
    notes: tuple[str, ...] = ()
    axis: str = ""

    def __post_init__(self) -> None:
        if not self.rows:
            raise ValueError(f"effects {self.id!r}: expected at least one row, found none")
        if self.axis and (lost := sum(row.at is None for row in self.rows)):
            raise ValueError(f"effects {self.id!r}: expected a place on the axis for every row, found {lost} without")


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
