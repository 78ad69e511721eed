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
from dataclasses import dataclass, field
from math import inf

from ldeval.analysis.counted import Key
from ldeval.release.linked import Behind, Linked, Range, Sum, link, ranges
from ldeval.release.policy import Policy

NOTHING = Behind()


@dataclass(frozen=True, slots=True)
class Controlled:
    """Released counts by identity; None is suppressed. `small` were so for themselves, `complementary` to protect these."""

    counts: Mapping[Key, int | None]
    small: frozenset[Key]
    complementary: frozenset[Key]


def control(counts: Mapping[Key, int], policy: Policy, fixed: Collection[int] = (), more: Behind = NOTHING) -> Controlled:
    """Suppress and round linked counts.

    `fixed` are counts that are shown elsewhere (with estimates): no count of such a value is suppressed to protect another,
    because it could be looked up there. `more` are the counts behind estimates.
    """
    linked = link(counts, more)
    small = frozenset(key for key in linked.shown if policy.is_small(linked.counts[key]) or _telling_zero(key, linked, policy))
    hidden: set[Key] = set()
    for members, sums in linked.components():
        hidden |= _Part(sorted(members, key=_order), sums, linked, small, policy).hide(fixed)
    every = {**counts, **more.shown}
    shown = {key: None if key in small or key in hidden else policy.rounded(value) for key, value in every.items()}
    return Controlled(shown, small, frozenset(hidden))


def _telling_zero(key: Key, linked: Linked, policy: Policy) -> bool:
    """Say whether none, or all, of a small group have a characteristic: the zero, or its counterpart, tells of each of them."""
    if linked.counts[key] != 0:
        return False
    totals = [linked.counts[one.total] for one in linked.sums if key in one.parts]
    return any(0 < total < policy.zero_group for total in totals)


@dataclass
class _Part:
    """One connected part of the system, and what is hidden of it so far beside the small counts."""

    members: Sequence[Key]
    sums: Sequence[Sum]
    linked: Linked
    small: frozenset[Key]
    policy: Policy
    hidden: set[Key] = field(default_factory=set)

    def hide(self, fixed: Collection[int]) -> set[Key]:
        """Hide what it takes; small counts that nobody shows (a total less its parts) are protected like those shown."""
        counts = self.linked.counts
        unshown = {key for key in self.members if key not in self.linked.shown and self.policy.is_small(counts[key])}
        for key in self.members:
            if key in self.small or key in unshown:
                while not self.is_safe(key) and (choice := self.choice(key, fixed)):
                    self.hidden.add(choice)
        return self.hidden

    def is_safe(self, key: Key) -> bool:
        """Say whether as many values are possible as a rounded count has, or as suppressing all would leave."""
        left = self.values(key, self.hidden)
        if left >= self.policy.base:
            return True
        return left >= self.values(key, {one for one in self.members if self.linked.counts[one] > self.policy.small})

    def values(self, key: Key, hidden: Collection[Key]) -> float:
        """Give how many values of a count are possible."""
        low, high = ranges({one: self.limits(one, hidden) for one in self.members}, self.sums, [key])[key]
        return high - low + 1

    def limits(self, key: Key, hidden: Collection[Key]) -> Range:
        """Give what is known of one count by itself, to somebody who knows the policy and why it is not shown."""
        if key not in self.linked.shown:
            return 0, inf
        if key in self.small:
            return min(1, self.linked.counts[key]), self.policy.small
        if key in hidden:
            return self.policy.small + 1, inf
        return self.policy.bounds(self.policy.rounded(self.linked.counts[key]))

    def choice(self, key: Key, fixed: Collection[int]) -> Key | None:
        """Give the count to hide next: near `key`, with the most conditions (parts before totals), the smallest of these."""
        seen, near = {key}, {key}
        while near:
            near = {one for total in self.sums for one in _all(total) if seen & set(_all(total))} - seen
            shown = [one for one in near & self.linked.shown if one not in self.small | self.hidden and self.linked.counts[one]]
            free = [one for one in shown if self.linked.counts[one] not in fixed] or shown
            if free:
                return min(free, key=lambda one: (-len(one[1]), self.linked.counts[one], _order(one)))
            seen |= near
        return None


def _all(one: Sum) -> tuple[Key, ...]:
    return (one.total, *one.parts)


def _order(key: Key) -> tuple[str, int, list[tuple[str, str]]]:
    return key[0], len(key[1]), sorted(key[1])
