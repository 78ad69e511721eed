"""Who is at risk when: the counts by distinct time that every non-parametric estimator of survival starts from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.stats.doors import Bools, Codes, Floats


@dataclass(frozen=True, slots=True)
class AtRisk:
    """Weighted counts at the T distinct ends of n rows, each at risk on (entry, end].

    `at_risk` = `events` + `beyond`: the weight at risk just before each time, the part of it whose event happens there and the
    part that goes on (or is censored there). `beyond` is summed from the end of follow-up backwards, so that it is exactly zero
    where nobody is left. `end` is the place of each row's end among `time`; `start` the number of times at or before its entry.
    """

    time: Floats
    at_risk: Floats
    events: Floats
    beyond: Floats
    end: Codes
    start: Codes | None

    @property
    def hazard(self) -> Floats:
        """Events over those at risk, at each time."""
        return ratio(self.events, self.at_risk)

    @property
    def survival(self) -> Floats:
        """The product of the shares that go on, at each time."""
        return np.asarray(np.cumprod(ratio(self.beyond, self.at_risk)), dtype=np.float64)


def count_at_risk(time: Floats, event: Bools, entry: Floats | None, weights: Floats) -> AtRisk:
    """Count those at risk and their events at each distinct end of follow-up; all arrays have shape (n,)."""
    distinct, end = distinct_times(time)
    size = len(distinct)
    events = binned(end, size, weights * event)
    ended = binned(end, size, weights)
    censored = binned(end, size, weights * ~event)
    later = _after(ended)
    start = None
    if entry is not None:
        start = np.searchsorted(distinct, entry, side="right").astype(np.intp)
        later = _present(later, binned(start, size + 1, weights), np.bincount(end, minlength=size), start)
    beyond = later + censored
    return AtRisk(distinct, beyond + events, events, beyond, end, start)


def distinct_times(time: Floats) -> tuple[Floats, Codes]:
    """Give the distinct times, sorted, and the place of each row among them; whole days need no sort."""
    size = int(time.max()) + 1 if time.max() < 4 * len(time) + 1024 else 0
    if size:
        whole = time.astype(np.intp)
        if np.array_equal(whole, time):
            present = np.bincount(whole, minlength=size) > 0
            return np.flatnonzero(present).astype(np.float64), (np.cumsum(present) - 1)[whole]
    distinct, place = np.unique(time, return_inverse=True)
    return distinct, place.astype(np.intp)


def ratio(above: Floats, below: Floats) -> Floats:
    """Divide, with 0 where `below` is 0: a time at which nobody is at risk, or beyond which nobody is left, adds nothing."""
    return np.divide(above, below, out=np.zeros(np.broadcast(above, below).shape), where=below > 0)


def before(values: Floats, first: float) -> Floats:
    """Give the left limit of a step function: its values one step earlier, `first` before the first step."""
    return np.concatenate(([first], values[:-1]))


def _after(ended: Floats) -> Floats:
    """Give the weight that ends after each time."""
    return np.concatenate((np.cumsum(ended[::-1])[::-1][1:], [0.0]))


def _present(later: Floats, entered: Floats, ends: Codes, start: Codes) -> Floats:
    """Give, of the weight that ends later, the part that has entered before each time; exactly zero where no row is there."""
    still_out = np.cumsum(entered[::-1])[::-1][1:]
    rows = np.cumsum(np.bincount(start, minlength=len(later) + 1)[:-1]) - np.cumsum(ends)
    return np.where(rows > 0, np.maximum(later - still_out, 0.0), 0.0)


def binned(place: Codes, size: int, values: Floats) -> Floats:
    """Sum `values` by place, 0, ..., size - 1."""
    return np.asarray(np.bincount(place, values, size), dtype=np.float64)
