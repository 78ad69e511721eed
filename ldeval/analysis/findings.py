"""What an analysis hands to release: estimates, the exhibits that show them, and what made each.

What to hand over as what, so that disclosure control can do its work (results from open data pass as they are):

- people, cases or events counted: `Counts` (tables, time series of counts, flows) and `Share` (a share for prose), from
  `ldeval.analysis.counted`, which has an example. Shares and totals are made after control, never handed over.
- what a model estimated: `Estimate`, with an estimand other than "descriptive", and its arms (`Findings.arms`: people and
  events on each side). It is released at the precision of its standard error; where an arm has 1 to 7 people or events
  it is withheld. Crude quantities (means, medians, Kaplan-Meier shares, crude ratios) have the estimand "descriptive":
  they could be turned back into counts, and so could every share; they are released as if the counts were the rounded ones. A
  crude ratio or difference needs its two arms, the numerator's first. A share of one arm names that arm alone.
- curves: `Curves`, with every step (time, numbers at risk and of events) and `shape`; `weighted=True` where the values are not
  those of the counts. Control thins the steps and rebuilds unweighted curves from rounded cumulative counts.
- other numbers in a `Table`: allowed where the column says what they come from: `source="model"` (standardised differences,
  test statistics, model output; three significant digits leave) or `source="public"` (parameters, published values).
  Columns of counts, and shares or means of people, are refused there: use the types above.
- what could not be estimated: `NotEstimated(id, what, why)` in `Findings.missing`, so that prose and tables say why.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import ParamSpec

from ldeval.analysis.counted import Arm, Counts, Key, NotEstimated, Share
from ldeval.analysis.exhibits import Effects, Exhibit
from ldeval.estimate import Estimate

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Origin:
    """Which function made a result, and from which data sets."""

    function: str
    data: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one or more analyses found. `origins` maps every id to what made it, `arms` an estimate's id to its arms.

    Raises:
        ValueError: an id that two results share; a set of effects that names an estimate that is not there is refused
            by `check`, once all analyses are together.

    """

    estimates: tuple[Estimate, ...] = ()
    exhibits: tuple[Exhibit | Counts, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=lambda: MappingProxyType({}))
    shares: tuple[Share, ...] = ()
    arms: Mapping[str, tuple[Arm, ...]] = field(default_factory=lambda: MappingProxyType({}))
    missing: tuple[NotEstimated, ...] = ()

    def __post_init__(self) -> None:
        if repeated := sorted(key for key, times in Counter(self.ids()).items() if times > 1):
            raise ValueError(f"each result needs an id of its own; repeated: {', '.join(repeated)}")

    def ids(self) -> Iterator[str]:
        """Give the ids of estimates, then of shares, of exhibits, and of what could not be estimated."""
        yield from (result.id for result in (*self.estimates, *self.shares, *self.exhibits, *self.missing))

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            self.estimates + other.estimates,
            self.exhibits + other.exhibits,
            {**self.origins, **other.origins},
            self.shares + other.shares,
            {**self.arms, **other.arms},
            self.missing + other.missing,
        )

    def check(self) -> Findings:
        """Refuse what does not fit together, once all analyses are there; give the findings back.

        Raises:
            ValueError: effects that name estimates which no analysis made, or that mix units; arms of no known estimate;
                two values of one count.

        """
        units = {estimate.id: estimate.unit for estimate in self.estimates} | {share.id: "share" for share in self.shares}
        known = units.keys() | {missing.id for missing in self.missing}
        effects = [exhibit for exhibit in self.exhibits if isinstance(exhibit, Effects)]
        lost = [f"{e.id}: {row.estimate}" for e in effects for row in e.rows if row.estimate not in known]
        if lost:
            raise ValueError(f"effects that show no known estimate: {', '.join(lost)}")
        if stray := sorted(self.arms.keys() - known):
            raise ValueError(f"arms of no known estimate: {', '.join(stray)}")
        mixed = [e.id for e in effects if len({units[row.estimate] for row in e.rows if row.estimate in units}) > 1]
        if mixed:
            raise ValueError(f"effects that mix units on one axis: {', '.join(mixed)}")
        self.counted()
        return self

    def counted(self, keep: Container[str] | None = None) -> dict[Key, int]:
        """Give every true count by its identity, of all results or of those of the ids in `keep`.

        Raises:
            ValueError: results that give one count two values; their ids are named.

        """
        counts: dict[Key, int] = {}
        shown: dict[Key, str] = {}
        tables = tuple(exhibit for exhibit in self.exhibits if isinstance(exhibit, Counts))
        results: tuple[Counts | Share, ...] = tables + self.shares
        for result in results:
            if keep is not None and result.id not in keep:
                continue
            for key, value in result.counted().items():
                if counts.setdefault(key, value) != value:
                    population, where = key
                    raise ValueError(
                        f"one count, two values: {population} where {dict(sorted(where))} differs between "
                        f"{shown[key]!r} and {result.id!r}; use other conditions or another population where others are meant"
                    )
                shown.setdefault(key, result.id)
        return counts


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
            return replace(found, origins=filled)

        return stamped

    return decorate
