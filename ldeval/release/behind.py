"""The events behind estimates as counts that hang together: months, the spans that they add up to, and both sides of an estimate.

An estimate leaves with the events of each of its arms and of both together. Where arms of several estimates consist of the same
cells (`Arm.parts`), a small arm that is withheld could be worked out from the others, as a small cell of a table could: three
months that add up to a quarter are a row of three cells with its total.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ldeval.analysis.counted import Arm, Key, key
from ldeval.analysis.findings import Findings
from ldeval.estimate import Estimate
from ldeval.release.linked import Behind, Sum


def behind(findings: Findings, guarded: Collection[str]) -> Behind:
    """Give the counts behind all estimates of the ids in `guarded`; those whose arms name no cells have none."""
    shown: dict[Key, int] = {}
    cells: dict[Key, int] = {}
    sums: dict[Key, Sum] = {}
    for row in findings.estimates:
        arms = _linked(findings.arms.get(row.id, ())) if row.id in guarded else []
        for arm in arms:
            shown[arm_key(arm)] = sum(events for _, events in arm.parts)
            cells |= dict(zip(_cells(arm), (events for _, events in arm.parts), strict=True))
            sums[arm_key(arm)] = Sum(arm_key(arm), _cells(arm))
        if both := both_key(row, arms):
            shown[both] = row.events or 0
            sums[both] = Sum(both, tuple(arm_key(arm) for arm in arms))
    return Behind(shown, cells, tuple(one for one in sums.values() if one.parts != (one.total,)))


def keys(row: Estimate, arms: Sequence[Arm]) -> list[Key]:
    """Give the identities of the counts that leave with an estimate."""
    linked = _linked(arms)
    both = both_key(row, linked)
    return [*(arm_key(arm) for arm in linked), *([both] if both else [])]


def arm_key(arm: Arm) -> Key:
    """Give the identity of an arm's events: one cell's is the cell's own."""
    names = [name for name, _ in arm.parts]
    return key(arm.of, {"cell": names[0]}) if len(names) == 1 else key(arm.of, {"cells": " ".join(names)})


def both_key(row: Estimate, linked: Sequence[Arm]) -> Key | None:
    """Give the identity of the events of both sides together, where these are what the estimate says."""
    if len(linked) < 2 or row.events != sum(arm.events or 0 for arm in linked):
        return None
    return key("both sides", {"sides": " and ".join(sorted(str(arm_key(arm)) for arm in linked))})


def _linked(arms: Sequence[Arm]) -> list[Arm]:
    return [arm for arm in arms if arm.parts]


def _cells(arm: Arm) -> tuple[Key, ...]:
    return tuple(key(arm.of, {"cell": name}) for name, _ in arm.parts)
