"""Events that come again: the mean cumulative count of events a person."""

from __future__ import annotations

from typing import Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.curves import Curve, make_curve
from ldeval.stats.doors import Codes, Floats
from ldeval.stats.influence import jackknife_variance
from ldeval.stats.samples import hazard_process, sample


def mean_cumulative_count(start: Any, stop: Any, event: Any, person: Any, *, level: float = 0.95) -> Curve:
    """Estimate the mean number of events a person has had by each time.

        M(t) = sum over u <= t of d(u) / n(u),

    with d(u) the events at u and n(u) the people under observation just before. It estimates the mean of the counting process
    where being under observation is independent of it; no independence between a person's events is assumed, because the error
    sums each person's influence (Lawless & Nadeau). A death that ends the process must end observation as censoring only where
    the mean without death is wanted. The interval is made on the log scale.

    Args:
        start: start of each spell under observation, shape (n,).
        stop: its end.
        event: 1 where the spell ends in an event, else 0.
        person: whose spell it is; a person's spells may not overlap.
        level: of the pointwise interval.

    Source: Lawless & Nadeau (1995), doi:10.1080/00401706.1995.10484300; R's survival::survfit(Surv(start, stop, event) ~ 1, id=).

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; spells of one person that overlap.

    """
    end = doors.numbers(stop, "stop")
    begin = doors.numbers(start, "start", rows=len(end))
    people = doors.groups(person, "person", len(end))
    if len(people.labels) < 2:
        raise ValueError("person: expected at least two people for a robust error, found 1")
    if empty := int(np.count_nonzero(begin >= end)):
        raise ValueError(f"start: expected a time before the spell's stop, found {empty} of {len(end)} rows otherwise; drop them")
    data = sample(end, event, begin, None, people.codes)
    _refuse_overlap(begin, end, people.codes)
    sets = data.sets
    estimate = np.cumsum(sets.hazard)
    process = hazard_process(sets, data.event)
    return make_curve(
        data,
        estimate,
        jackknife_variance(sets, [process], [np.ones(len(estimate))], data.weights, data.cluster),
        events=sets.events,
        initial=0.0,
        level=doors.level(level),
        interval="hazard",
        method=f"Mean cumulative count; robust errors over {len(people.labels)} people; log interval",
    )


def _refuse_overlap(start: Floats, stop: Floats, person: Codes) -> None:
    order = np.lexsort((start, person))
    same = person[order][1:] == person[order][:-1]
    broken = int(np.count_nonzero(same & (start[order][1:] < stop[order][:-1])))
    if broken:
        raise ValueError(f"start, stop: expected spells of one person that do not overlap, found {broken} overlaps; merge them")
