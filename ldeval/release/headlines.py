"""The headline effects on one axis: how many times the smallest effect that matters each is, better to the right.

Effects in percentage points, ratios, days and pounds can only be set beside each other against what the protocol says matters
for each. Both the table and the picture are made from released estimates, so that what was withheld is not in them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ldeval.analysis.exhibits import Column
from ldeval.estimate import Estimate
from ldeval.release.foot import foot
from ldeval.release.layout import lay_out
from ldeval.release.look import GREY, PALE, PALETTE
from ldeval.release.numbers import between, printed
from ldeval.release.prose import find, protocol_of
from ldeval.release.results import results
from ldeval.release.sentences import direction, worded
from ldeval.release.tables import cell_of
from ldeval.release.verdicts import decide, judged, threshold

if TYPE_CHECKING:
    from IPython.display import Markdown

HEADLINES = {
    "diversion/risk_difference/att": "Immediate custody for the index case",
    "reconviction/hazard_ratio/att": "Time to a proven reoffence, hazard ratio",
    "timeliness/completed_90/att": "Court cases completed within three months",
    "economics/net_public/marginal": "Saving a referral net of the service, prison at direct cost",
}
"""The effects that the summary shows, in its order, and what each is of."""

WIDTH, ROW, FAR = 4.3, 0.3, 8.0
"""Inches: the picture and a row; intervals that go beyond `FAR` multiples end in an arrow."""

UNITS = {"percentage points": "points", "days": "days"}
"""How a unit that the numbers do not show is named in the table: points are percentage points."""

Outcomes = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Headline:
    """One effect and its interval in multiples of the smallest effect that matters; above nought is better."""

    estimate: str
    label: str
    text: str
    verdict: str
    way: str
    value: float
    low: float
    high: float


def headline(row: Estimate, label: str, outcome: Mapping[str, Any]) -> Headline:
    """Scale one estimate: its distance from no effect over that of the effect that matters, on the scale of its error.

    Raises:
        ValueError: what matters for its outcome is in another unit, or means no effect.

    """
    matters = threshold(row, outcome)
    verdict = decide(row, matters)
    unit = abs(log(matters)) if row.scale == "log" else abs(matters)
    sign = 1 if outcome.get("better") == "higher" else -1
    ends = [sign * _distance(number, row) / unit for number in (row.low, row.high)]
    way = direction(row, outcome.get("better") or "")
    return Headline(row.id, label, printed(row), verdict, way, sign * _distance(row.value, row) / unit, min(ends), max(ends))


def _distance(number: float, row: Estimate) -> float:
    return (log(number) if number > 0 else -FAR) if row.scale == "log" else number


def headlines(estimates: Mapping[str, Estimate], outcomes: Outcomes) -> tuple[Headline, ...]:
    """Give the headline effects that were released, in the order of the summary."""
    known = [(estimates[key], label) for key, label in HEADLINES.items() if key in estimates]
    return tuple(headline(row, label, outcomes[row.outcome]) for row, label in known if judged(row, outcomes[row.outcome]))


def headlines_alt(shown: tuple[Headline, ...]) -> str:
    """State each effect with its verdict."""
    said = [f"{one.label[:1].lower()}{one.label[1:]}, {one.text}, {one.verdict}{_told(one)}" for one in shown]
    return (
        "Headline effects with their intervals, in multiples of the smallest effect that matters, better to the right of no "
        f"effect: {'; '.join(said)}."
    )


def _told(one: Headline) -> str:
    return f", {one.way}" if one.verdict.startswith("a difference") else ""


def draw_headlines(shown: tuple[Headline, ...], new: Any) -> Any:
    """Draw one row an effect, its words above it; in the grey bar of a row lie effects too small to matter."""
    picture = new(figsize=(WIDTH, 0.55 + ROW * len(shown)), layout="constrained")
    axes = picture.subplots()
    reach = max([2.0, *(min(FAR, 1.08 * abs(end)) for one in shown for end in (one.low, one.high))])
    for y, one in enumerate(shown):
        _interval(axes, y, one, reach)
        axes.text(-reach, y - 0.42, one.label, va="center", size=8.5, weight="bold")
    axes.set(xlim=(-reach, reach), ylim=(len(shown) - 0.7, -0.7), yticks=[])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Multiples of the smallest effect that matters, better to the right", size=8)
    return picture


def _interval(axes: Any, y: int, one: Headline, reach: float) -> None:
    """Draw the interval as a line with the value on it; what lies beyond the edge is an arrow there."""
    ends = [max(-reach, min(reach, end)) for end in (one.low, one.high)]
    axes.plot([-1, 1], [y, y], color=PALE, lw=8, solid_capstyle="butt", zorder=0)
    axes.plot([0, 0], [y - 0.16, y + 0.16], color=GREY, lw=1, zorder=1)
    axes.plot(ends, [y, y], color=PALETTE[0], lw=2)
    for end, mark in ((one.low, "<"), (one.high, ">")):
        if abs(end) > reach:
            axes.plot(reach if end > 0 else -reach, y, mark, color=PALETTE[0], ms=6, clip_on=False)
    if abs(one.value) <= reach:
        axes.plot(one.value, y, "s", color=PALETTE[0], ms=6)


def write_headlines(shown: tuple[Headline, ...], path: Path) -> None:
    """Write the data of the picture as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(Headline.__slots__)
        writer.writerows([getattr(one, name) for name in Headline.__slots__] for one in shown)


def verdict_table(rows: Mapping[str, str]) -> Markdown:
    """Give estimates with interval and verdict in words; `rows` says what each is of.

    An estimate that describes has no verdict and says that it describes; one that is missing says why.

    Raises:
        KeyError: no such estimate, or its outcome is not in the protocol.
        ValueError: what matters for an outcome is in another unit.

    """
    columns = [
        Column("what", "What"),
        Column("value", "Estimate", "ratio"),
        Column("interval", "95% interval", "ratio"),
        Column("verdict", "Verdict"),
    ]
    body = [_line(key, what) for key, what in rows.items()]
    return lay_out(columns, body, foot((), "estimates.csv"))


def _line(key: str, what: str) -> list[str]:
    if gap := results().missing(key):
        return [what, "–", "–", f"could not be estimated: {gap.why}"]
    row = find(key)
    unit = f", {UNITS[row.unit]}" if row.unit in UNITS else ""
    return [what + unit, cell_of(row), between(row), _said(row)]


def _said(row: Estimate) -> str:
    if row.estimand == "descriptive":
        return "describes; no effect is claimed"
    return worded(row, protocol_of(row))
