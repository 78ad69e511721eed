"""Curves that may leave: on a grid of times whose every step passes the threshold, from cumulative rounded counts.

A curve that falls at each event gives the day of each person's event away; one that is rebuilt from rounded daily counts is
wrong, because small daily counts all round to nothing. So the events are cumulated first; a step is kept once more of them have
come since the last step than the threshold, in every group; the cumulated counts are rounded; and the curve is computed again
from these. A weighted curve is no function of plain counts: its values at the same grid leave in steps of one rounded person.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import sqrt

from ldeval.analysis.exhibits import Curves, Point
from ldeval.release.policy import Policy
from ldeval.release.shares import around, wald
from ldeval.release.ticks import ticks


@dataclass(frozen=True, slots=True)
class Cumulated:
    """The events of one group up to each of its times, and who was at risk."""

    points: tuple[Point, ...]
    times: tuple[float, ...]
    events: tuple[int, ...]
    competing: tuple[int, ...]

    @property
    def total(self) -> int:
        """All events of the group."""
        return self.events[-1]

    @property
    def people(self) -> int:
        """The most that were ever at risk."""
        return max(point.at_risk for point in self.points)

    def upto(self, counts: Sequence[int], time: float) -> int:
        """Give a cumulated count just after `time`."""
        place = bisect_right(self.times, time)
        return counts[place - 1] if place else 0

    def at(self, time: float) -> Point:
        """Give the step that holds at `time`."""
        return self.points[max(bisect_right(self.times, time) - 1, 0)]

    def at_risk(self, time: float) -> int:
        """Give the number at risk just before `time`; nobody after the last step."""
        place = bisect_left(self.times, time)
        return self.points[place].at_risk if place < len(self.points) else 0

    def after(self, time: float) -> int:
        """Give the number at risk just after `time`."""
        place = bisect_right(self.times, time)
        return self.points[place].at_risk if place < len(self.points) else 0


def refused(curves: Curves, policy: Policy) -> str | None:
    """Say why curves cannot leave at all, or None."""
    for group in (_cumulated(curves, name) for name in curves.groups):
        if group.people <= policy.small:
            return f"a group has no more than {policy.small} people"
        if policy.is_small(group.total):
            return f"a group has 1 to {policy.small} events"
        if group.total == 0 and group.people < policy.zero_group:
            return f"nobody had the event in a group of fewer than {policy.zero_group} people"
    return None


def thinned(curves: Curves, policy: Policy) -> Curves:
    """Give curves that may leave: see the module's text."""
    groups = [_cumulated(curves, name) for name in curves.groups]
    grid = _grid(groups, policy)
    axis = ticks(max(point.time for point in curves.points), curves.time_unit)
    points = [point for group in groups for point in _rebuilt(group, curves, grid, axis, policy)]
    return replace(curves, points=tuple(points))


def _cumulated(curves: Curves, name: str) -> Cumulated:
    points = curves.of(name)
    return Cumulated(
        points,
        tuple(point.time for point in points),
        _running(points, lambda point: point.events),
        _running(points, lambda point: point.competing),
    )


def _running(points: Sequence[Point], count: Callable[[Point], int]) -> tuple[int, ...]:
    total, totals = 0, []
    for point in points:
        total += count(point)
        totals.append(total)
    return tuple(totals)


def _grid(groups: Sequence[Cumulated], policy: Policy) -> list[float]:
    """Give the times at which every group that has events has had more than the threshold since the last such time."""
    moving = [group for group in groups if group.total]
    grid: list[float] = []
    last = [0] * len(moving)
    for time in sorted({time for group in moving for time in group.times}):
        now = [group.upto(group.events, time) for group in moving]
        seen = all(group.at_risk(time) > policy.small for group in groups if group.times[-1] >= time)
        if seen and all(new - old > policy.small for new, old in zip(now, last, strict=True)):
            grid.append(time)
            last = now
    return grid


def _rebuilt(group: Cumulated, curves: Curves, grid: Sequence[float], axis: Sequence[float], policy: Policy) -> list[Point]:
    """Compute one group's curve again at the grid; at the axis ticks between, it stays and gives the number at risk."""
    name, people = group.points[0].group, policy.rounded(group.people)
    start = 0.0 if curves.shape != "survival" else 1.0
    found = [Point(name, 0.0, start, start, start, people, 0, 0)]
    free, done, others = 1.0, 0, 0
    since = 0.0
    for time in sorted({*grid, *(tick for tick in axis if 0 < tick <= group.times[-1])}):
        last = found[-1]
        at_risk = _shown(group.at_risk(time), policy)
        if time not in grid:
            found.append(replace(last, time=time, at_risk=at_risk, events=0, competing=0, censored=0))
            continue
        events = policy.rounded(group.upto(group.events, time)) - done
        now = group.upto(group.competing, time)
        competing = policy.rounded(now) - others if now - others > policy.small else 0
        exposed = _exposed(policy.rounded(group.after(since)), policy.rounded(group.after(time)), events, competing)
        value, free = _step(curves, last.value, free, events / exposed, competing / exposed)
        value = _coarse(group.at(time).value, people, policy) if curves.weighted else value
        low, high = _interval(group.at(time), value, curves, group.people, people)
        found.append(Point(name, time, value, low, high, at_risk, events, 0, competing))
        done, others, since = done + events, others + competing, time
    return found


def _shown(at_risk: int, policy: Policy) -> int:
    """Round a number at risk; one that is small is shown as none, as at the end of follow-up."""
    return 0 if policy.is_small(at_risk) else policy.rounded(at_risk)


def _exposed(before: int, after: int, events: int, competing: int) -> float:
    """Give who was at risk between two steps: those at its start, and half of those who came or went for no event."""
    others = after - (before - events - competing)
    return max(before + others / 2, float(events + competing), 1.0)


def _step(curves: Curves, value: float, free: float, hazard: float, other: float) -> tuple[float, float]:
    if curves.shape == "mean count":
        return value + hazard, free
    left = max(free * (1 - hazard - other), 0.0)
    if curves.shape == "survival":
        left = max(free * (1 - hazard), 0.0)
        return left, left
    return value + free * hazard, left


def _coarse(value: float, people: int, policy: Policy) -> float:
    step = policy.base / people
    return float(f"{round(value / step) * step:.12g}")


def _interval(model: Point, value: float, curves: Curves, n: int, people: int) -> tuple[float, float]:
    """Give an interval around the released value, wider than that of rounded counts by as much as the model's was."""
    if curves.shape == "mean count":
        half = 2 * _factor(model, sqrt(max(model.value, 0.0) / n)) * sqrt(value / people)
        return max(value - half, 0.0), value + half
    low, high = around(value, people / _factor(model, wald(model.value, n)) ** 2, curves.level)
    return min(low, value), max(high, value)


def _factor(model: Point, plain: float) -> float:
    """Give how much wider an interval is than a plain one of two errors on each side, to one decimal."""
    return max(round((model.high - model.low) / (4 * plain), 1), 0.1) if plain else 1.0
