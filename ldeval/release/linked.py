"""How counts hang together: which add up to which, and what the released ones leave possible for the others.

Counts of one population differ in their conditions. Those that add one characteristic to the same conditions are parts of the
count without it: they add up to it, or leave a remainder where not all categories are shown. Counts that nobody shows, but
that two breakdowns share as their total, link these breakdowns; they are added as unknowns, and so are remainders.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from ldeval.analysis.counted import Key

Range = tuple[float, float]
REST = "(rest)"


@dataclass(frozen=True, slots=True)
class Sum:
    """`total` is the sum of `parts`."""

    total: Key
    parts: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Behind:
    """Counts whose sums are given: true ones that leave with estimates, and those of the cells that they consist of."""

    shown: Mapping[Key, int] = field(default_factory=dict)
    cells: Mapping[Key, int] = field(default_factory=dict)
    sums: tuple[Sum, ...] = ()


@dataclass(frozen=True, slots=True)
class Linked:
    """True counts by identity, those of unknowns included, the sums among them, and which of them are shown at all."""

    counts: Mapping[Key, int]
    sums: tuple[Sum, ...]
    shown: frozenset[Key]

    def components(self) -> list[tuple[frozenset[Key], tuple[Sum, ...]]]:
        """Give the parts of the system that no sum connects with one another."""
        leader = {key: key for key in self.counts}

        def find(key: Key) -> Key:
            while leader[key] != key:
                leader[key] = leader[leader[key]]
                key = leader[key]
            return key

        for one in self.sums:
            for part in one.parts:
                leader[find(part)] = find(one.total)
        members: dict[Key, set[Key]] = defaultdict(set)
        sums: dict[Key, list[Sum]] = defaultdict(list)
        for key in self.counts:
            members[find(key)].add(key)
        for one in self.sums:
            sums[find(one.total)].append(one)
        return [(frozenset(members[root]), tuple(sums[root])) for root in members]


def link(counts: Mapping[Key, int], more: Behind) -> Linked:
    """Find the sums among true counts; those among `more` are given."""
    known = dict(counts)
    sums: list[Sum] = []
    parts = _parts(counts)
    for total in sorted(parts, key=lambda key: (-len(key[1]), key[0], sorted(key[1]))):
        by_name = {name: tuple(sorted(found, key=lambda key: sorted(key[1]))) for name, found in parts[total].items()}
        reached = {name: sum(known[key] for key in found) for name, found in by_name.items()}
        if total not in known:
            known[total] = max(reached.values())
        for name, found in by_name.items():
            rest = known[total] - reached[name]
            if rest:
                remainder = (total[0], total[1] | {(name, REST)})
                known[remainder] = max(rest, 0)
                found = (*found, remainder)
            if rest >= 0:
                sums.append(Sum(total, found))
    known |= {**more.cells, **more.shown}
    return Linked(known, (*sums, *more.sums), frozenset(counts) | more.shown.keys())


def _parts(counts: Mapping[Key, int]) -> dict[Key, dict[str, set[Key]]]:
    """Give, for each total, the counts that break it down, by the name of the characteristic; totals of totals too."""
    parts: dict[Key, dict[str, set[Key]]] = defaultdict(lambda: defaultdict(set))
    for population, conditions in counts:
        for name, category in conditions:
            parts[population, conditions - {(name, category)}][name].add((population, conditions))
    return {
        total: by_name
        for total, by_name in parts.items()
        if total in counts or len(by_name) > 1 or any(len(found) > 1 for found in by_name.values())
    }


def ranges(limits: Mapping[Key, Range], sums: Sequence[Sum], wanted: Iterable[Key]) -> dict[Key, Range]:
    """Give what the limits and the sums leave possible for each wanted count, as whole numbers.

    Two linear programmes a count: its least and its largest value. Their bounds, rounded inwards, hold every solution in whole
    numbers, and are reached by one in tables of two dimensions (whose sums are totally unimodular).

    Raises:
        ValueError: nothing fits all limits and sums.

    """
    order = {key: number for number, key in enumerate(limits)}
    cells = [(row, order[key], sign) for row, one in enumerate(sums) for key, sign in _signed(one)]
    rows, columns, signs = (list(column) for column in zip(*cells, strict=True)) if cells else ([], [], [])
    equal = csr_array((signs, (rows, columns)), shape=(len(sums), len(order)))
    low, high = np.array(list(limits.values()), dtype=float).T
    system = LinearConstraint(equal, 0, 0) if sums else ()
    return {
        key: (_end(1, order[key], Bounds(low, high), system), _end(-1, order[key], Bounds(low, high), system)) for key in wanted
    }


def _signed(one: Sum) -> list[tuple[Key, float]]:
    return [(one.total, -1.0), *((part, 1.0) for part in one.parts)]


def _end(sign: int, place: int, bounds: Bounds, system: LinearConstraint | tuple[()]) -> float:
    """Give the least (sign 1) or largest (-1) value of one count; `milp` without whole-number rules is a linear programme."""
    cost = np.zeros(len(bounds.lb))
    cost[place] = sign
    found = milp(cost, bounds=bounds, constraints=system)
    if found.status in (3, 4) and np.isinf(bounds.ub[place]) and sign < 0:
        return float(np.inf)
    if found.status != 0:
        raise ValueError(f"the counts do not fit their limits: {found.message}")
    return float(np.ceil(found.fun - 1e-6) if sign > 0 else np.floor(-found.fun + 1e-6))
