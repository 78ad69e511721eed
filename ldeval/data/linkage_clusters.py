"""From scored pairs of records to people: clusters, how sure each is, and other link sets drawn by probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Scored pairs of records: rows of the two records, match probability, and whether a deterministic rule holds."""

    left: Ints
    right: Ints
    probability: Floats
    by_rule: Flags

    def __len__(self) -> int:
        return len(self.left)

    def take(self, rows: Ints | Flags) -> Pairs:
        """Give some of the pairs."""
        return Pairs(self.left[rows], self.right[rows], self.probability[rows], self.by_rule[rows])


def clusters(pairs: Pairs, numbers: Ints, threshold: float) -> Ints:
    """Give each record the number of its cluster.

    Pairs at or above `threshold`, and those of a deterministic rule, are links; records joined by a chain of links are one
    person. `numbers` has a row a record and a column a national number (-1 where missing): where a chain would join two
    values of one national number, its links are taken again in order of probability, and none that joins two is kept.
    """
    linked = pairs.take(pairs.by_rule | (pairs.probability >= threshold))
    labels = components(linked, len(numbers))
    torn = _contradictory(labels, numbers)
    inside = torn[labels[linked.left]]
    kept = [linked.take(~inside), _without_contradiction(linked.take(inside), numbers)]
    return components(_joined(kept), len(numbers))


def components(links: Pairs, n: int) -> Ints:
    """Give the connected component of each of `n` records."""
    graph = coo_array((np.ones(len(links), dtype=np.int8), (links.left, links.right)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int64)


def _joined(parts: list[Pairs]) -> Pairs:
    return Pairs(*(np.concatenate([getattr(part, name) for part in parts]) for name in Pairs.__slots__))


def _contradictory(labels: Ints, numbers: Ints) -> Flags:
    """Say which clusters hold two values of one national number."""
    torn = np.zeros(labels.max(initial=-1) + 1, dtype=bool)
    for values in numbers.T:
        known = values >= 0
        held = np.unique(np.column_stack([labels[known], values[known]]), axis=0)[:, 0]
        torn |= np.bincount(held, minlength=len(torn)) > 1
    return torn


def _without_contradiction(links: Pairs, numbers: Ints) -> Pairs:
    order = np.lexsort((links.right, links.left, -links.probability, ~links.by_rule))
    parent: dict[int, int] = {}
    held: dict[int, tuple[int, ...]] = {}

    def root(record: int) -> int:
        while (above := parent.get(record, record)) != record:
            record = above
        return record

    def values(record: int) -> tuple[int, ...]:
        return held.get(record, tuple(int(value) for value in numbers[record]))

    kept = np.zeros(len(links), dtype=bool)
    for row in order:
        left, right = root(int(links.left[row])), root(int(links.right[row]))
        sides = list(zip(values(left), values(right), strict=True))
        if any(a >= 0 and b >= 0 and a != b for a, b in sides):
            continue
        kept[row] = True
        parent[right], held[left] = left, tuple(max(side) for side in sides)
    return links.take(kept)


def link_probability(pairs: Pairs, labels: Ints) -> Floats:
    """Give each cluster the probability that all its joins are right.

    That is the product of match probabilities over the strongest set of links that holds the cluster together (its maximum
    spanning tree), joins taken as independent; 1 for a record alone. By cluster number.
    """
    within = pairs.take(labels[pairs.left] == labels[pairs.right])
    n = len(labels)
    tree: Any = minimum_spanning_tree(
        coo_array((2 - within.probability, (within.left, within.right)), shape=(n, n)).tocsr()
    ).tocoo()
    log_sum = np.bincount(labels[tree.row], weights=np.log(2 - tree.data), minlength=labels.max(initial=-1) + 1)
    return np.asarray(np.exp(log_sum), dtype=np.float64)


def draw_clusters(pairs: Pairs, numbers: Ints, rng: np.random.Generator, certain: float) -> Ints:
    """Draw another link set: each join that is not certain happens with its match probability.

    Pairs of a deterministic rule, and those of probability `certain` or more, always hold. Between two groups so held together,
    there is one chance, with the probability of the strongest pair: pairs of the same two people are no separate evidence.
    """
    sure = clusters(pairs, numbers, certain)
    open_pairs = pairs.take(sure[pairs.left] != sure[pairs.right])
    a, b = np.minimum(sure[open_pairs.left], sure[open_pairs.right]), np.maximum(sure[open_pairs.left], sure[open_pairs.right])
    order = np.lexsort((open_pairs.probability, b, a))[::-1]
    _, first = np.unique(np.column_stack([a, b])[order], axis=0, return_index=True)
    joins = open_pairs.take(np.sort(order[first]))
    happened = rng.random(len(joins)) < joins.probability
    held = pairs.take(sure[pairs.left] == sure[pairs.right])
    always = Pairs(held.left, held.right, np.ones(len(held)), held.by_rule)
    drawn = joins.take(happened)
    together = _joined([always, Pairs(drawn.left, drawn.right, drawn.probability, drawn.by_rule & False)])
    return clusters(together, numbers, 0.0)
