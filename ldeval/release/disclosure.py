"""The only way out: every result passes a named policy before it is written, and carries what was done to it.

The policy is per result: what comes from open data alone carries `none`, all else the study's. Counts are controlled
together, whatever tables and sentences show them (`release.suppress`); each kind of result then has its rule
(`release.guard`). What may not leave becomes a `NotEstimated`, so that the report says so in its place.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

from ldeval.analysis.counted import Arm, Counts, NotEstimated
from ldeval.analysis.exhibits import Curves, Effects, Exhibit
from ldeval.analysis.findings import Findings
from ldeval.data.open_data import OPEN_DATA
from ldeval.estimate import Estimate
from ldeval.release import guard
from ldeval.release.behind import behind
from ldeval.release.guard import Action, Item, Result
from ldeval.release.policy import POLICIES, Policy
from ldeval.release.suppress import control

OPEN = "Open data: no disclosure control."
UNTOUCHED = "Policy none: no disclosure control."


@dataclass(frozen=True, slots=True)
class Cleared:
    """Findings that may leave, and for every id what disclosure control did. Only `clear` makes it."""

    findings: Findings
    policy: str
    done: Mapping[str, str]
    actions: tuple[Action, ...] = ()

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """The exhibits as they are released: tables of counts are tables like others by now."""
        return tuple(exhibit for exhibit in self.findings.exhibits if not isinstance(exhibit, Counts))


def clear(findings: Findings, policy: str) -> Cleared:
    """Apply the policy of that name to all findings; results from open data alone always leave as they are.

    Raises:
        TypeError: something that is no result, such as a data frame.
        ValueError: a policy of no known name; two values of one count. Nothing leaves half controlled.

    """
    if policy != "none" and policy not in POLICIES:
        raise ValueError(f"[release] policy = {policy!r} is not known; policies: none, {', '.join(POLICIES)}")
    rule = POLICIES.get(policy)
    opened = {key for key in findings.ids() if _open(findings, key)}
    guarded = set(findings.ids()) - opened if rule else set()
    made = {}
    if rule is not None:
        more = behind(findings, guarded)
        shown = control(findings.counted(guarded), rule, _shown_elsewhere(findings, guarded), more)
        arms_of = findings.arms
        made = {item.id: guard.controlled(item, arms_of.get(item.id, ()), shown, rule) for item in _items(findings, guarded)}
    for item in _items(findings, set(findings.ids()) - guarded):
        made[item.id] = guard.untouched(item, OPEN if item.id in opened else UNTOUCHED)
    results = [made[key][0] for key in findings.ids()]
    actions = tuple(made[key][1] for key in findings.ids())
    arms = {key: _rounded(arms, rule) if rule and key in guarded else arms for key, arms in findings.arms.items()}
    return Cleared(_together(results, findings, arms), policy, {action.id: action.why for action in actions}, actions)


def write_actions(actions: Iterable[Action], path: Path) -> None:
    """Write what was done to each result, one row each: the report for the owner of the data."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Action)])
        writer.writerows(astuple(action) for action in actions)


def _open(findings: Findings, key: str) -> bool:
    origin = findings.origins.get(key)
    return origin is not None and bool(origin.data) and set(origin.data) <= set(OPEN_DATA)


def _items(findings: Findings, keep: set[str]) -> Iterable[Item]:
    return (item for item in (*findings.estimates, *findings.shares, *findings.exhibits, *findings.missing) if item.id in keep)


def _shown_elsewhere(findings: Findings, guarded: set[str]) -> set[int]:
    """Give the counts that leave with estimates and curves, which no table may pretend to hide."""
    rows = [row for row in findings.estimates if row.id in guarded]
    arms = [arm for key, arms in findings.arms.items() if key in guarded for arm in arms]
    curves = [each for each in findings.exhibits if isinstance(each, Curves) and each.id in guarded]
    shown = [(row.n, row.events) for row in rows] + [(arm.n, arm.events) for arm in arms]
    shown += [(each.people(group), each.events(group)) for each in curves for group in each.groups]
    return {count for pair in shown for count in pair if count is not None}


def _rounded(arms: tuple[Arm, ...], policy: Policy) -> tuple[Arm, ...]:
    return tuple(
        Arm(arm.label, policy.rounded(arm.n), None if arm.events is None else policy.rounded(arm.events)) for arm in arms
    )


def _together(results: Iterable[Result], findings: Findings, arms: Mapping[str, tuple[Arm, ...]]) -> Findings:
    """Put released results together; sets of effects are shown without the estimates that are not there."""
    given = list(results)
    missing = {item.id: item for item in given if isinstance(item, NotEstimated)}
    exhibits: list[Exhibit] = []
    for item in given:
        if isinstance(item, Effects):
            shown = _without(item, missing)
            if isinstance(shown, NotEstimated):
                missing[shown.id] = shown
            else:
                exhibits.append(shown)
        elif not isinstance(item, Estimate | NotEstimated):
            exhibits.append(item)
    estimates = tuple(item for item in given if isinstance(item, Estimate))
    kept = {row.id for row in estimates}
    return Findings(
        estimates,
        tuple(exhibits),
        findings.origins,
        arms={key: value for key, value in arms.items() if key in kept},
        missing=tuple(missing.values()),
    )


def _without(effects: Effects, missing: Mapping[str, NotEstimated]) -> Effects | NotEstimated:
    left_out = [row for row in effects.rows if row.estimate in missing]
    if not left_out:
        return effects
    kept = tuple(row for row in effects.rows if row.estimate not in missing)
    if not kept:
        whys = dict.fromkeys(missing[row.estimate].why for row in left_out)
        return NotEstimated(effects.id, effects.title, f"none of its estimates: {'; '.join(whys)}")
    said = "; ".join(f"{row.label} ({missing[row.estimate].why})" for row in left_out)
    return replace(effects, rows=kept, notes=(*effects.notes, f"Not shown: {said}."))
