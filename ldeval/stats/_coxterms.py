"""The terms of tied event times and sums over them, made a block at a time: fresh memory would take longer than the sums.

A slot of m deaths has the terms S0 - k/m D0 for k = 0, ..., m - 1 under Efron's ties, and the one term S0 under Breslow's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ldeval.stats._risksets import RiskSets
from ldeval.stats._threads import each
from ldeval.stats.doors import Codes, Floats

WIDE = 131_072  # terms

Of = Callable[[Floats, Floats], Iterator[Floats]]
"""What to sum: it is given terms and their k/m, may overwrite the terms, and yields numbers that are summed before it goes on."""


@dataclass(frozen=True, slots=True)
class Terms:
    """Each slot's `share` W/m of its deaths' weight (G,), where its terms begin and end among all (G + 1,), and their k/m."""

    share: Floats
    bounds: Codes
    fraction: Floats

    @property
    def several(self) -> bool:
        """Say whether there are slots of several terms."""
        return len(self.fraction) > len(self.share)

    def sums(self, total: Floats, dead: Floats, of: Of) -> Floats:
        """Give each slot's share of the sums, over its terms of S0 `total` and D0 `dead`, of what `of` yields: (3, G)."""
        out = np.empty((3, len(self.share)))
        edges = np.searchsorted(self.bounds, np.arange(0, len(self.fraction), WIDE))
        cuts = [slice(int(a), int(b)) for a, b in pairwise(np.unique([*edges, len(self.share)]))]

        def part(cut: slice) -> None:
            begins, counts = self.bounds[cut] - self.bounds[cut.start], np.diff(self.bounds[cut.start : cut.stop + 1])
            fraction = self.fraction[self.bounds[cut.start] : self.bounds[cut.stop]]
            term = np.repeat(total[cut], counts)
            if self.several:
                term -= np.repeat(dead[cut], counts) * fraction
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                for sums, values in zip(out, of(term, fraction), strict=True):
                    found = np.add.reduceat(values, begins) if self.several else values
                    np.multiply(found, self.share[cut], out=sums[cut])

        each(part, cuts)
        return out


def terms(sets: RiskSets, ties: str) -> Terms:
    """Lay out the terms of Efron's sums, or Breslow's single ones."""
    if ties == "breslow":
        slots = len(sets.dead_weight)
        return Terms(sets.dead_weight, np.arange(slots + 1), np.zeros(slots))
    deaths = sets.deaths
    fraction = np.arange(len(sets.dead), dtype=np.float64)
    fraction -= np.repeat(sets.dead_bounds[:-1], deaths)
    fraction /= np.repeat(deaths, deaths)
    return Terms(sets.dead_weight / deaths, sets.dead_bounds, fraction)
