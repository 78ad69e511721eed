"""Which counts are not shown: the small ones, and as many others as it takes so that no small one can be worked out.

Who reads all released tables together knows that counts add up, how counts were rounded, and that a small count lies between 1
and the threshold. A suppressed count is safe where this leaves it as many possible values as a rounded count has: `base` of them.
Where it leaves fewer, the smallest count that adds up with it is suppressed, too, until it does not. Suppressing more never makes
a safe count unsafe, so each is looked at until it is safe, and never again. Some small counts are narrowed by small totals that
are suppressed themselves (three parts of a total of at most 7 are at most 5 each): no more is asked than suppressing all
would give.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from ldeval.analysis.counted import Key
from ldeval.release.linked import Linked, Range, Sum, link, ranges
from ldeval.release.policy import Policy


@dataclass(frozen=True, slots=True)
class Controlled:
    """Released counts by identity; None is suppressed. `small` were so for themselves, `complementary` to protect these."""

    counts: Mapping[Key, int | None]
    small: frozenset[Key]
    complementary: frozenset[Key]


def control(counts: Mapping[Key, int], policy: Policy, fixed: Collection[int] = ()) -> Controlled:
    """Suppress and round linked counts.

    `fixed` are counts that are shown elsewhere (with estimates): no count of such a value is suppressed to protect another,
    because it could be looked up there.
    """
    linked = link(counts)
    small = frozenset(key for key in linked.shown if policy.is_small(counts[key]) or _telling_zero(key, linked, policy))
    hidden: set[Key] = set()
    for members, sums in linked.components():
        hidden |= _complementary(members, sums, linked, small, policy, fixed)
    shown = {key: None if key in small or key in hidden else policy.rounded(value) for key, value in counts.items()}
    return Controlled(shown, small, frozenset(hidden))


def _telling_zero(key: Key, linked: Linked, policy: Policy) -> bool:
    """Say whether none, or all, of a small group have a characteristic: the zero, or its counterpart, tells of each of them."""
    if linked.counts[key] != 0:
        return False
    totals = [linked.counts[one.total] for one in linked.sums if key in one.parts]
    return any(0 < total < policy.zero_group for total in totals)


def _complementary(
    members: frozenset[Key],
    sums: Sequence[Sum],
    linked: Linked,
    small: frozenset[Key],
    policy: Policy,
    fixed: Collection[int],
) -> set[Key]:
    """Give what has to be suppressed, beside the small counts, in one connected part of the system."""
    hidden: set[Key] = set()
    unshown = {key for key in members - linked.shown if policy.is_small(linked.counts[key])}
    waiting = sorted((members & small) | unshown, key=_order)
    if not waiting:
        return hidden
    order = sorted(members, key=_order)
    most = {key for key in members & linked.shown if linked.counts[key] > policy.small}
    at_best = ranges({key: _limits(key, linked, small, most, policy) for key in order}, sums, waiting)
    while waiting:
        limits = {key: _limits(key, linked, small, hidden, policy) for key in order}
        if _wide_enough(ranges(limits, sums, waiting[:1])[waiting[0]], at_best[waiting[0]], policy):
            waiting.pop(0)
            continue
        choice = _next(waiting[0], sums, linked, small | hidden, fixed)
        if choice is None:
            waiting.pop(0)
        else:
            hidden.add(choice)
    return hidden


def _wide_enough(left: Range, at_best: Range, policy: Policy) -> bool:
    values, most = (high - low + 1 for low, high in (left, at_best))
    return values >= min(policy.base, most)


def _limits(key: Key, linked: Linked, small: frozenset[Key], hidden: set[Key], policy: Policy) -> Range:
    """Give what is known of one count by itself, to somebody who knows the policy and why it is not shown."""
    if key not in linked.shown:
        return 0, inf
    if key in small:
        return min(1, linked.counts[key]), policy.small
    if key in hidden:
        return policy.small + 1, inf
    return policy.bounds(policy.rounded(linked.counts[key]))


def _next(key: Key, sums: Sequence[Sum], linked: Linked, gone: frozenset[Key] | set[Key], fixed: Collection[int]) -> Key | None:
    """Give the count to suppress: near `key`, with the most conditions (parts before totals), the smallest of these."""
    near, seen = {key}, {key}
    while near:
        near = {k for one in sums for k in (one.total, *one.parts) if seen & {one.total, *one.parts}} - seen
        open_ = [k for k in near if k in linked.shown and k not in gone and linked.counts[k] > 0]
        free = [k for k in open_ if linked.counts[k] not in fixed] or open_
        if free:
            return min(free, key=lambda k: (-len(k[1]), linked.counts[k], _order(k)))
        seen |= near
    return None


def _order(key: Key) -> tuple[str, int, list[tuple[str, str]]]:
    return key[0], len(key[1]), sorted(key[1])
