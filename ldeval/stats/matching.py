"""Nearest-neighbour matching on the propensity score, with caliper and exact strata."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ldeval.stats import doors, families, glm
from ldeval.stats.doors import Bools, Codes, Floats
from ldeval.stats.estimands import Weights, arms

Pairs = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Match:
    """Pairs of rows (m, 2), treated first, and the ATT weights that they imply; `unmatched` counts treated rows without a match.

    Where some are unmatched, the effect is that on the matched treated, not on all.
    """

    pairs: Pairs
    weights: Weights
    unmatched: int


def match(treated: Any, X: Any, *, ratio: int = 1, caliper: float | None = None, exact: Any = None) -> Match:
    """Match each treated row to its nearest controls on the log odds of the propensity score, without replacement.

    Greedy: treated rows in falling order of the score take the nearest free control; with `ratio` k this is done k times. A
    matched treated row weighs 1, each of its controls 1 over the number that it has. Greedy matching depends on the order in
    which equal distances are met, so packages differ from each other and from version to version; report balance, not pairs.

    Args:
        treated: 0 or 1, shape (n,).
        X: design of the score, with its own intercept column, shape (n, p).
        ratio: controls for each treated row.
        caliper: largest distance allowed, in standard deviations of the log odds; 0.2 is usual (Austin, 2011,
            doi:10.1002/pst.433).
        exact: strata within which to match: an array (n,) or a table of columns.

    Source: Rosenbaum and Rubin, 1985, doi:10.1080/00031305.1985.10479383.

    Raises:
        ValueError: input that a door refuses; one arm only; separation; a ratio below 1; a caliper of zero or less; no match
            at all.

    """
    arm, design = arms(treated, X)
    controls = doors.whole(ratio, "ratio", 1)
    if caliper is not None and doors.number(caliper, "caliper") <= 0:
        raise ValueError(f"caliper: expected a distance above zero, found {caliper}")
    solution = glm.fit(families.Binomial(), glm.problem(design, arm.astype(np.float64)))
    odds = np.log(solution.odds)
    reach = np.inf if caliper is None else caliper * float(odds.std(ddof=1))
    strata = _strata(exact, len(arm))
    pairs = _greedy(odds, arm, strata, controls, reach)
    if not len(pairs):
        raise ValueError("caliper, exact: no treated row has a control within them; widen the caliper or join strata")
    values = _pair_weights(pairs, len(arm))
    unmatched = int(arm.sum() - np.count_nonzero(values[arm]))
    method = f"ATT weights, {ratio}:1 nearest-neighbour matching on the log odds of the propensity score"
    method += f", caliper {caliper} sd" if caliper is not None else ""
    method += f", exact in {strata.max() + 1} strata" if exact is not None else ""
    return Match(pairs, Weights(values, arm, "ATT", f"{method}, {unmatched} treated unmatched", solution.mean), unmatched)


def _strata(exact: Any, rows: int) -> Codes:
    if exact is None:
        return np.zeros(rows, dtype=np.intp)
    if not hasattr(exact, "columns"):
        return doors.groups(exact, "exact", rows).codes
    codes = np.zeros(rows, dtype=np.intp)
    for name in exact.columns:
        part = doors.groups(exact[name], f"exact, column {name}", rows)
        codes = np.unique(codes * len(part.labels) + part.codes, return_inverse=True)[1]
    return codes


def _greedy(odds: Floats, arm: Bools, strata: Codes, ratio: int, reach: float) -> Pairs:
    order = np.lexsort((odds, strata))
    found: list[tuple[int, int]] = []
    for rows in np.split(order, np.flatnonzero(np.diff(strata[order])) + 1):
        seekers, pool = rows[arm[rows]][::-1], rows[~arm[rows]]
        found += [(int(seekers[i]), int(pool[j])) for i, j in _nearest(odds[seekers], odds[pool], ratio, reach)]
    return np.array(found, dtype=np.intp).reshape(-1, 2)


def _nearest(seekers: Floats, pool: Floats, ratio: int, reach: float) -> Iterator[tuple[int, int]]:
    """Give (seeker, control) by position: `pool` rises; `right` and `left` lead to the nearest free control."""
    size = len(pool)
    right, left = list(range(size + 1)), list(range(size + 1))
    places = np.searchsorted(pool, seekers)
    for _ in range(ratio):
        for seeker, (value, place) in enumerate(zip(seekers, places, strict=True)):
            above, below = _find(right, int(place)), _find(left, int(place)) - 1
            up = pool[above] - value if above < size else np.inf
            down = value - pool[below] if below >= 0 else np.inf
            if min(up, down) > reach or up == down == np.inf:
                continue
            taken = above if up < down else below
            right[taken], left[taken + 1] = taken + 1, taken
            yield seeker, taken


def _find(links: list[int], start: int) -> int:
    """Follow the links to the free place that they end in, shortening them on the way."""
    root = start
    while links[root] != root:
        root = links[root]
    while links[start] != root:
        links[start], start = root, links[start]
    return root


def _pair_weights(pairs: Pairs, rows: int) -> Floats:
    values = np.zeros(rows)
    partners = np.bincount(pairs[:, 0], minlength=rows)
    values[pairs[:, 0]] = 1.0
    values[pairs[:, 1]] = 1.0 / partners[pairs[:, 0]]
    return values
