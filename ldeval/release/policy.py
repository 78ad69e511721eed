"""Disclosure policies by name: what is a small count, how counts are rounded, which totals one person dominates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

SUPPRESSED = "*"
"""What stands in the place of a suppressed count, whatever the reason: the reason itself would disclose."""

WITHHELD = "by disclosure control"
"""In the reason of each result that was made and may not leave."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy. Counts of 1 to `small` are suppressed, others rounded to the nearest `base`.

    Shares are of rounded counts, in whole per cents where fewer than `decimals_from` people are behind. A group of fewer than
    `zero_group` people is not shown to have none, or all, of its people with a characteristic. A total or mean of which one
    person makes up more than `dominance` is withheld.

    Source: NHS Digital, HES and ECDS disclosure control from 13 September 2018 (counts, shares, means); the zero rule after
    the Ministry of Justice's minimum cohort of 30; one person's share of a total as the customary (n, k) rule with n = 1.
    """

    name: str
    small: int
    base: int
    decimals_from: int
    zero_group: int
    dominance: float

    def is_small(self, count: int | None) -> bool:
        """Say whether a count may not be shown."""
        return count is not None and 1 <= count <= self.small

    def rounded(self, count: int) -> int:
        """Round a count to the nearest multiple of the base (an odd base has no ties)."""
        return (count + self.base // 2) // self.base * self.base

    def digits(self, people: int) -> int:
        """Give the decimals of a share of so many people: three (12.3%) or two (12%)."""
        return 3 if people >= self.decimals_from else 2

    def bounds(self, shown: int) -> tuple[int, int]:
        """Give the true counts that are shown as `shown`."""
        if shown == 0:
            return 0, 0
        half = self.base // 2
        return max(shown - half, self.small + 1), shown + half


POLICIES: Mapping[str, Policy] = MappingProxyType(
    {"nhs-hes": Policy("nhs-hes", small=7, base=5, decimals_from=4000, zero_group=30, dominance=0.5)}
)
"""The policies that control anything; `none` is for open data and synthetic records."""


def significant(value: float, digits: int) -> float:
    """Round to a number of significant digits."""
    return float(f"{value:.{digits - 1}e}")
