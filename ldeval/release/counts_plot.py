"""Figures of released counts: bars of shares, combinations with their bars, and the funnel of sites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ldeval.analysis.exhibits import Cell, Table
from ldeval.release.look import GREY, PALE, PALETTE, WIDTH
from ldeval.release.numbers import form
from ldeval.release.shares import WHOLE
from ldeval.release.ticks import even_axis

JOIN = " + "
"""Between the parts of a combination in its label."""

LIMITS = ((1.96, "95% limits", (0, (4, 3))), (3.09, "99.8% limits", "-"))
"""Spiegelhalter's two pairs of limits."""


HATCHES = ("", "///", "...", "xxx")
"""What tells bars of several columns apart in greyscale."""

LABEL, NEAR = 0.045, 0.1
"""Height of a site's name as a share of the height of the picture, and how near in size names stand above one another."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of a table of counts: its words, its count and its share, None where they are suppressed, and the share's unit."""

    label: str
    count: int | None
    share: float | None
    unit: str = WHOLE


def bars_of(table: Table, column: int = 0) -> list[Bar]:
    """Give the rows of one column of counts, with their shares where it has them; the first row is the count of all."""
    names = [c.name for c in table.columns]
    label = names.index("label")
    at = [place for place in range(label + 1, len(names)) if not names[place].endswith("_share")][column]
    shared = names[at + 1 : at + 2] == [f"{names[at]}_share"]
    unit = table.columns[at + 1].unit if shared else WHOLE
    return [_bar(str(row[label]), row[at], row[at + 1] if shared else None, unit) for row in table.rows]


def _bar(label: str, count: Cell, share: Cell, unit: str) -> Bar:
    return Bar(label, count if isinstance(count, int) else None, None if isinstance(share, str) else share, unit)


def _said(bar: Bar) -> str:
    return "suppressed" if bar.share is None else form(bar.share, bar.unit)


def shares_alt(table: Table) -> str:
    """State each bar."""
    whole, *rows = bars_of(table)
    said = "; ".join(f"{bar.label[:1].lower()}{bar.label[1:]}, {_said(bar)}" for bar in rows)
    return f"Bars, {table.title[:1].lower()}{table.title[1:]}, as shares of {form(whole.count, 'cases')}: {said}."


def draw_shares(table: Table, new: Any) -> Any:
    """Draw one bar a row, its share beside it."""
    _, *rows = bars_of(table)
    picture = new(figsize=(WIDTH, 0.7 + 0.27 * len(rows)), layout="constrained")
    axes = picture.subplots()
    axes.barh(range(len(rows)), [bar.share or 0.0 for bar in rows], color=PALETTE[0], height=0.68)
    for y, bar in enumerate(rows):
        axes.text((bar.share or 0.0) + 0.01, y, _said(bar), va="center")
    axes.set_yticks(range(len(rows)), [bar.label for bar in rows], color="black")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlim(0, max([bar.share or 0.0 for bar in rows] + [0.1]) * 1.15)
    even_axis(axes, "x", unit="share")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Share of all")
    return picture


def _heads(table: Table) -> list[str]:
    """Give the headings of the columns of counts."""
    names = [column.name for column in table.columns]
    return [column.label for column in table.columns[names.index("label") + 1 :] if not column.name.endswith("_share")]


def beside_alt(table: Table) -> str:
    """State the row in which the columns are furthest apart, then every row's shares."""
    heads = _heads(table)
    sides = [bars_of(table, place) for place in range(len(heads))]
    whole, *rows = list(zip(*sides, strict=True))
    sizes = ", ".join(f"{head} ({form(bar.count, 'cases')})" for head, bar in zip(heads, whole, strict=True))
    furthest = max(rows, key=lambda row: abs((row[0].share or 0.0) - (row[-1].share or 0.0)))
    said = [f"{row[0].label[:1].lower()}{row[0].label[1:]}, {' and '.join(_said(bar) for bar in row)}" for row in rows]
    return (
        f"Bars, {table.title[:1].lower()}{table.title[1:]}: {sizes}. Furthest apart: {said[rows.index(furthest)]}. "
        f"All: {'; '.join(said)}."
    )


def draw_beside(table: Table, new: Any) -> Any:
    """Draw a bar for each column in every row, its share beside it."""
    heads = _heads(table)
    whole, *rows = bars_of(table)
    picture = new(figsize=(WIDTH, 0.9 + 0.2 * len(heads) * len(rows)), layout="constrained")
    axes = picture.subplots()
    height = 0.8 / len(heads)
    for place, head in enumerate(heads):
        bars = bars_of(table, place)[1:]
        at = [row + (place - (len(heads) - 1) / 2) * height for row in range(len(bars))]
        shares = [bar.share or 0.0 for bar in bars]
        look = {"color": PALETTE[place], "hatch": HATCHES[place], "edgecolor": "white", "label": head}
        axes.barh(at, shares, height=0.92 * height, **look)
        for y, bar, share in zip(at, bars, shares, strict=True):
            axes.text(share + 0.004, y, _said(bar), va="center", size=7.5)
    axes.set_yticks(range(len(rows)), [bar.label for bar in rows], color="black")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.12)
    even_axis(axes, "x", unit="share")
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"Share of {whole.label[:1].lower()}{whole.label[1:]}")
    axes.legend(loc="lower right", frameon=False)
    return picture


def overlap_alt(table: Table) -> str:
    """State the commonest combinations."""
    whole, *rows = bars_of(table)
    said = "; ".join(f"{bar.label}, {_said(bar)}" for bar in rows)
    return (
        f"Combinations of needs as dots, the share of each above, of {form(whole.count, 'cases')}. "
        f"From the commonest on, each exactly these needs: {said}."
    )


def draw_overlap(table: Table, new: Any) -> Any:
    """Draw an upright bar for each combination, and below it a dot for each part that it has."""
    _, *rows = bars_of(table)
    parts = list(dict.fromkeys(part for bar in rows if bar.label != "No need" for part in bar.label.split(JOIN)))
    picture = new(figsize=(WIDTH, 2.2 + 0.24 * len(parts)), layout="constrained")
    above, below = picture.subplots(2, 1, sharex=True, height_ratios=[1.8, 0.24 * max(len(parts), 1) + 0.2])
    above.bar(range(len(rows)), [bar.share or 0.0 for bar in rows], color=PALETTE[0], width=0.65)
    for x, bar in enumerate(rows):
        above.text(x, (bar.share or 0.0), f" {_said(bar)}", ha="center", va="bottom", size=7.5)
        held = [parts.index(part) for part in bar.label.split(JOIN) if part in parts]
        below.plot([x] * len(parts), range(len(parts)), "o", color=PALE, ms=6)
        below.plot([x] * len(held), held, "o-", color=PALETTE[0], ms=6, lw=1.6)
    above.set_ylim(0, 1.12 * max([bar.share or 0.0 for bar in rows] + [0.01]))
    even_axis(above, "y", unit="share", most=6)
    above.set_title("Share of all")
    above.tick_params(axis="x", length=0, labelbottom=False)
    below.set_yticks(range(len(parts)), parts, color="black")
    below.set_ylim(len(parts) - 0.5, -0.5)
    below.set_xticks([])
    below.tick_params(length=0)
    for side in ("left", "bottom"):
        below.spines[side].set_visible(False)
    return picture


def _sites(table: Table) -> tuple[float, list[tuple[str, int, float]]]:
    """Give the share of all and, of each site that is shown, its name, people and share."""
    _, *sites = bars_of(table)
    events = [bar.share for bar in bars_of(table, 1)]
    known = [(bar.label, bar.count, share) for bar, share in zip(sites, events[1:], strict=True)]
    return float(events[0] or 0.0), [(label, n, share) for label, n, share in known if n and share is not None]


def _outside(share: float, sites: list[tuple[str, int, float]], critical: float) -> list[str]:
    from ldeval.stats.funnel import funnel_limits  # loads numpy: not at import

    if not sites:
        return []
    low, high = funnel_limits(share, [n for _, n, _ in sites], critical)
    return [label for (label, _, own), a, b in zip(sites, low, high, strict=True) if not a <= own <= b]


def funnel_alt(table: Table) -> str:
    """State how many sites lie outside the limits, and which."""
    share, sites = _sites(table)
    said = [f"{len(_outside(share, sites, critical))} outside the {words}" for critical, words, _ in LIMITS]
    far = _outside(share, sites, LIMITS[-1][0])
    named = f" The furthest out: {', '.join(far)}." if far else ""
    return (
        f"Funnel plot, {table.title[:1].lower()}{table.title[1:]}: {len(sites)} sites about a share of "
        f"{form(share, WHOLE)}; {', '.join(said)}.{named}"
    )


def _spaced(sites: list[tuple[str, int, float]], apart: float) -> list[tuple[str, int, float, float]]:
    """Give each named site the height of its name: its own, or lower where names of sites of like size would touch."""
    placed: list[tuple[str, int, float, float]] = []
    for label, n, own in sorted(sites, key=lambda site: -site[2]):
        near = [height for _, other, _, height in placed if abs(other - n) < NEAR * max(size for _, size, _ in sites)]
        placed.append((label, n, own, min([own, *(height - apart for height in near if height - own < apart)])))
    return placed


def draw_funnel(table: Table, new: Any) -> Any:
    """Draw each site's share by its size, and the limits within which chance would keep nearly all."""
    import numpy as np

    from ldeval.stats.funnel import funnel_limits

    share, sites = _sites(table)
    picture = new(figsize=(WIDTH, 3.4), layout="constrained")
    axes = picture.subplots()
    largest = max([n for _, n, _ in sites] + [10])
    grid = np.linspace(max(5, min([n for _, n, _ in sites] + [largest]) * 0.7), largest * 1.05, 200)
    for critical, words, dash in LIMITS:
        for place, line in enumerate(funnel_limits(share, grid, critical)):
            axes.plot(grid, line, color=GREY, ls=dash, lw=1, label=words if place == 0 else None)
    axes.axhline(share, color=PALETTE[2], lw=1.2, label="All sites")
    axes.plot([n for _, n, _ in sites], [own for _, _, own in sites], "o", color=PALETTE[0], ms=5)
    far = set(_outside(share, sites, LIMITS[-1][0]))
    apart = LABEL * (max(own for _, _, own in sites) - min(own for _, _, own in sites)) if far else 0
    for label, n, own, height in _spaced([site for site in sites if site[0] in far], apart):
        axes.annotate(label, (n, own), xytext=(n + largest * 0.012, height), va="center", size=7)
    even_axis(axes, "y", unit="share")
    even_axis(axes, "x")
    axes.set_xlabel("Number at the site")
    axes.set_title(table.columns[-1].label)
    axes.legend(frameon=False, loc="best")
    return picture
