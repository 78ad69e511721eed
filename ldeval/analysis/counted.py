"""What analyses count: tables of counts, shares of people, the arms behind an estimate. True counts, no rounding.

Disclosure control has to know which counts are one count, and which add up to another. Each count therefore says whom it
counts: a `population` ("service users") and the conditions that hold (`where`, such as {"sex": "Female", "arm": "Service"}).
Two counts of one population and the same conditions are one count wherever they are shown: they are released alike, in all
tables and in prose. Those that differ in one characteristic add up to the count without it; nothing else has to be declared.

    users = ...                                           # a frame, one row a person, a column for each characteristic
    rows = (Line("All"), Line("Mental health", {"mental_health": "yes"}, "Need"), Line("Housing", {"housing": "yes"}, "Need"))
    columns = (Line("All"), Line("Women", {"sex": "Female"}), Line("Men", {"sex": "Male"}))
    table = Counts("profile-needs", "Needs by sex", "service users", rows, columns, tally(users, rows, columns), "of column")

    share = Share.of(users, "profile/mental_health/women", "needs", "women with a mental-health need",
                     "service users", {"sex": "Female"}, {"mental_health": "yes"})

    Findings(estimates, (table,), shares=(share,), arms={"diversion/risk_difference/att": (
        Arm("Service", n=1200, events=85), Arm("Comparison", n=5300, events=611))})

What a characteristic's categories mean is part of its name: conditions of one name mean one thing in all of a population.
Characteristics of which a person may have several (needs, services) are one yes-or-no condition each. Where the conditions
of a population are known for some people only, that is a category ("Not known"), or another population.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Self

from ldeval.estimate import Estimate

if TYPE_CHECKING:
    import pandas as pd

Conditions = Mapping[str, str]
ShareOf = Literal["none", "of column", "of row"]
Picture = Literal["", "flow", "shares", "beside", "overlap", "funnel", "love", "bars", "tornado", "acceptability"]
"""The figure that is drawn of a table as well."""
Key = tuple[str, frozenset[tuple[str, str]]]
"""Whom a count counts: the population, and the conditions that hold."""


def key(population: str, *where: Conditions) -> Key:
    """Give the identity of a count: counts of one identity are one count."""
    return population, frozenset(pair for conditions in where for pair in conditions.items())


@dataclass(frozen=True, slots=True)
class Line:
    """One row or column of a table of counts: its heading, the conditions of its counts, the block of rows it is in."""

    label: str
    where: Conditions = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """A table of counts: `values[i][j]` people (or cases: `unit`) meet the conditions of row i and of column j.

    `share` adds the share of each count in its column's count of all (a row without conditions) or its row's (a column
    without). Shares are computed after disclosure control, from the counts that are released; never hand shares over.

    Raises:
        ValueError: values that do not fit rows and columns, a count that is no whole number from 0 on, a row and a column
            that contradict one another, two cells that count the same, a share without the count that it is a share of.

    """

    id: str
    title: str
    population: str
    rows: tuple[Line, ...]
    columns: tuple[Line, ...]
    values: tuple[tuple[int, ...], ...]
    share: ShareOf = "none"
    unit: Literal["people", "cases", "events"] = "people"
    notes: tuple[str, ...] = ()
    heading: str = ""
    picture: Picture = ""

    def __post_init__(self) -> None:
        if faults := self._faults():
            raise ValueError(f"counts {self.id!r}: " + "; ".join(faults))

    def _faults(self) -> list[str]:
        if [len(row) for row in self.values] != [len(self.columns)] * len(self.rows) or not self.values:
            return [f"expected {len(self.rows)} rows of {len(self.columns)} counts"]
        faults = [f"a count must be a whole number from 0 on, found {v!r}" for row in self.values for v in row if not _count(v)]
        pairs = [(row, column) for row in self.rows for column in self.columns]
        faults += [f"{r.label!r} and {c.label!r} contradict one another" for r, c in pairs if _contradict(r.where, c.where)]
        if len(set(self.identities())) < len(pairs):
            faults.append("two cells have the same conditions")
        lines = {"none": (), "of column": self.rows, "of row": self.columns}[self.share]
        if lines and not any(not line.where for line in lines):
            faults.append(f"a share {self.share} needs a {'row' if self.share == 'of column' else 'column'} without conditions")
        return faults

    def identities(self) -> tuple[Key, ...]:
        """Give the identity of each count, row after row."""
        return tuple(key(self.population, row.where, column.where) for row in self.rows for column in self.columns)

    def counted(self) -> dict[Key, int]:
        """Give the true counts by identity."""
        return dict(zip(self.identities(), (value for row in self.values for value in row), strict=True))


@dataclass(frozen=True, slots=True)
class Share:
    """A share of people: of the `n` of `population` that meet `where`, those that meet `event` too.

    Released as an `Estimate` (unit "share", estimand "descriptive") with Wilson's interval, from the released counts.
    """

    id: str
    outcome: str
    measure: str
    population: str
    where: Conditions
    event: Conditions
    events: int
    n: int
    level: float = 0.95

    def __post_init__(self) -> None:
        if not 0 <= self.events <= self.n or not (_count(self.events) and _count(self.n)):
            raise ValueError(f"share {self.id!r}: expected whole numbers 0 <= events <= n, found {self.events} of {self.n}")
        if not self.event or _contradict(self.where, self.event):
            raise ValueError(f"share {self.id!r}: the event needs conditions that do not contradict those of the people")

    @classmethod
    def of(
        cls, frame: pd.DataFrame, share_id: str, outcome: str, measure: str, population: str, where: Conditions, event: Conditions
    ) -> Self:
        """Count a share in a frame with one row a person and a column for each characteristic."""
        ((n,), (events,)) = tally(frame, (Line("n", where), Line("events", {**where, **event})), (Line("all"),))
        return cls(share_id, outcome, measure, population, where, event, events, n)

    def counted(self) -> dict[Key, int]:
        """Give the two true counts by identity."""
        return {key(self.population, self.where): self.n, key(self.population, self.where, self.event): self.events}


@dataclass(frozen=True, slots=True)
class Arm:
    """One side of the comparison behind an estimate: its people, its events, and the largest share that one person (or
    case) has in the arm's total, where the estimate is of a total or a mean (days, pounds). Weights do not count here.

    Where arms of several estimates add up to one another, `of` names what is counted in all of them, and `parts` are the
    events by the smallest cells of which the arms consist, such as months.
    """

    label: str
    n: int
    events: int | None = None
    largest: float | None = None
    of: str = ""
    parts: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class NotEstimated:
    """A result (estimate or exhibit) that is expected by its id and that there is none of, and `why` as a clause
    ("nobody was reconvicted", "fewer than 8 people"). Prose, tables and figures then say so instead of failing.
    """

    id: str
    what: str
    why: str
    outcome: str = ""


def tally(frame: pd.DataFrame, rows: Sequence[Line], columns: Sequence[Line]) -> tuple[tuple[int, ...], ...]:
    """Count the rows of `frame` that meet the conditions of each row and column of a table.

    Raises:
        KeyError: a condition on something that is no column of the frame; all such are named.

    """
    named = {name for line in (*rows, *columns) for name in line.where}
    if lost := sorted(named - set(frame.columns)):
        raise KeyError(
            f"conditions on columns that are not there: {', '.join(lost)}; columns: {', '.join(map(str, frame.columns))}"
        )
    across = [_meets(frame, column.where) for column in columns]
    return tuple(tuple(int((_meets(frame, row.where) & column).sum()) for column in across) for row in rows)


def _meets(frame: pd.DataFrame, where: Conditions) -> pd.Series[bool]:
    import pandas as pd

    met = pd.Series(True, index=frame.index)
    for name, category in where.items():
        met &= frame[name].astype(str) == category
    return met


def _contradict(one: Conditions, other: Conditions) -> bool:
    return any(other.get(name, category) != category for name, category in one.items())


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def without_error(
    key: str,
    measure: str,
    value: float,
    *,
    unit: str = "values",
    n: int,
    method: str,
    estimand: str = "descriptive",
    outcome: str = "",
) -> Estimate:
    """Give a number that is counted or computed and has no error; its outcome is the first part of the key, or given."""
    return Estimate(
        id=key,
        outcome=outcome or key.split("/")[0],
        measure=measure,
        unit=unit,
        estimand=estimand,
        value=float(value),
        se=0.0,
        scale="identity",
        low=float(value),
        high=float(value),
        level=0.95,
        n=n,
        events=None,
        method=method,
    )
