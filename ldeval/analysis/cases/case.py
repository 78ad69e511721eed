"""One reference case: a number here, in R, and in the best of Python's other packages."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Peer = Literal["lifelines", "statsmodels", "pyfixest", "diff-diff", "none"]
NOISE = 1e-4
"""Relative to the scale: a peer that is nearer to R than this agrees with it, for its own search stops about there."""


@dataclass(frozen=True, slots=True)
class Case:
    """`scale` is R's standard error for an estimate, R's value for the rest; `why` says why a peer lacks it or differs.

    Raises:
        ValueError: a peer without a value or a value without a peer.

    """

    family: str
    data: str
    quantity: str
    here: float
    r: float
    scale: float
    peer: Peer
    peer_value: float | None
    why: str = ""

    def __post_init__(self) -> None:
        if (self.peer == "none") != (self.peer_value is None):
            raise ValueError(f"{self.family}, {self.quantity}: expected a peer and its value, or neither; found {self.peer}")

    @property
    def difference(self) -> float:
        """|here - R| over the scale."""
        return abs(self.here - self.r) / abs(self.scale)

    @property
    def peer_difference(self) -> float | None:
        """|peer - R| over the scale."""
        return None if self.peer_value is None else abs(self.peer_value - self.r) / abs(self.scale)

    @property
    def peer_differs(self) -> bool:
        """Whether the peer's value is another one than R's."""
        return self.peer_difference is not None and self.peer_difference > NOISE


@dataclass(frozen=True, slots=True)
class Family:
    """Makes the cases of one family on one data set."""

    name: str
    data: str

    def value(
        self, quantity: str, here: float, r: float, peer: Peer = "none", peer_value: float | None = None, why: str = ""
    ) -> Case:
        """Give a case whose difference is relative to R's value: an error, a statistic, a weight."""
        return self.estimate(quantity, here, r, r, peer, peer_value, why)

    def estimate(
        self,
        quantity: str,
        here: float,
        r: float,
        se: float,
        peer: Peer = "none",
        peer_value: float | None = None,
        why: str = "",
    ) -> Case:
        """Give a case whose difference is in R's standard errors `se`."""
        given = None if peer_value is None else float(peer_value)
        return Case(self.name, self.data, quantity, float(here), float(r), float(se), peer, given, why)


def collect(cases: Callable[[Path], Iterator[Case]], root: Path) -> tuple[Case, ...]:
    """Compute the cases of a module without the warnings of peers: on tied times, weights, and what they will change next."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tuple(cases(root))
