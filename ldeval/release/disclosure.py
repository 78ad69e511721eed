"""The only way out: every result passes a named policy before it is written, and carries what was done to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ldeval.analysis.counted import Counts
from ldeval.analysis.findings import Exhibit, Findings
from ldeval.data.open_data import OPEN_DATA

OPEN = "Open data: no disclosure control."
UNTOUCHED = "Policy none: no disclosure control."


@dataclass(frozen=True, slots=True)
class Cleared:
    """Findings that may leave, and for every id what disclosure control did. Only `clear` makes it."""

    findings: Findings
    policy: str
    done: Mapping[str, str]

    @property
    def exhibits(self) -> tuple[Exhibit, ...]:
        """The exhibits as they are released: tables of counts are tables like others by now."""
        return tuple(exhibit for exhibit in self.findings.exhibits if not isinstance(exhibit, Counts))


def clear(findings: Findings, policy: str) -> Cleared:
    """Apply `policy` ("none") to all findings; results from open data alone always leave as they are.

    Raises:
        ValueError: another policy is asked for results that are not from open data. Nothing leaves half controlled.

    """
    guarded = [key for key in findings.ids() if not _open(findings, key)]
    if policy != "none" and guarded:
        items = (*findings.estimates, *findings.exhibits)
        kinds = Counter(type(item).__name__ for item in items if item.id in set(guarded))
        count = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        raise ValueError(
            f"[release] policy = {policy!r}: ldeval can apply only 'none' so far, and {len(guarded)} result(s) are not "
            f"from open data ({count}); nothing was released. Release open data or synthetic records under 'none'"
        )
    done = {key: OPEN if _open(findings, key) else UNTOUCHED for key in findings.ids()}
    return Cleared(findings, policy, done)


def _open(findings: Findings, key: str) -> bool:
    origin = findings.origins.get(key)
    return origin is not None and bool(origin.data) and set(origin.data) <= set(OPEN_DATA)
