"""Figures in one look: drawn once, when results are released, as SVG with text as text.

A chapter shows a figure in a cross-reference div and writes its caption there, with bound numbers:

    ::: {#fig-rossi}
    ```{python}
    figure("rossi-curves")
    ```
    Of those given aid, `{python} est("rossi/not_rearrested/fin/52_weeks")` were not re-arrested within the year.
    :::

Why so: a `fig-alt` cell option is fixed text (Quarto computes it only in R), and an alternative text has to state the
finding from the numbers. The cell therefore gives Markdown, an image with its alternative text. Its path is rooted at
the project, because a cell cannot know its chapter's folder. Drawing at release keeps kernels light, and the released
data of every figure lie beside it as CSV.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

from ldeval.analysis.exhibits import Curves, Dots, Effects, Exhibit, Point, Table
from ldeval.estimate import Estimate, Estimates
from ldeval.release import plots_economics
from ldeval.release.counts_plot import (
    beside_alt,
    draw_beside,
    draw_funnel,
    draw_overlap,
    draw_shares,
    funnel_alt,
    overlap_alt,
    shares_alt,
)
from ldeval.release.flow import draw_flow, flow_alt
from ldeval.release.foot import foot, not_shown
from ldeval.release.look import DASHES, GREY, LOOK, PALETTE, WIDTH
from ldeval.release.numbers import between, central, form, interval, level
from ldeval.release.plots_love import draw_love, love_alt
from ldeval.release.results import FOLDER, KINDS, results
from ldeval.release.series_plot import draw_series, series_alt
from ldeval.release.ticks import LETTERS, even_axis, ratio_axis, row_names, ticks

if TYPE_CHECKING:
    from IPython.display import Markdown
    from matplotlib.axes import Axes

Drawn = Curves | Effects | Dots | Table
PICTURES: dict[str, tuple[Callable[[Table], str], Callable[[Table, Any], Any]]] = {
    "flow": (flow_alt, draw_flow),
    "shares": (shares_alt, draw_shares),
    "beside": (beside_alt, draw_beside),
    "overlap": (overlap_alt, draw_overlap),
    "funnel": (funnel_alt, draw_funnel),
    "love": (love_alt, draw_love),
    "bars": (plots_economics.bars_alt, plots_economics.draw_bars),
    "tornado": (plots_economics.tornado_alt, plots_economics.draw_tornado),
    "acceptability": (plots_economics.acceptability_alt, plots_economics.draw_acceptability),
}
"""How a table of each picture is told in words, and drawn."""


def figure(key: str) -> Markdown:
    """Show the figure of released curves, effects or flow, with its alternative text and what disclosure control did.

    Raises:
        KeyError: no figure is drawn of that id; those that are, are listed.

    """
    from IPython.display import Markdown

    released = results()
    if gap := released.missing(key):
        return not_shown(gap)
    alt = released.alt(key).replace("\\", "\\\\").replace('"', '\\"')
    exhibit = released.exhibit(key)
    below = foot([released.origin(key).disclosure], f"{KINDS[type(exhibit)]}/{key}.csv", key)
    return Markdown(f'![](/{FOLDER}/figures/{key}.svg){{fig-alt="{alt}"}}{below}')  # type: ignore[no-untyped-call]


def is_drawn(exhibit: Exhibit) -> TypeGuard[Drawn]:
    """Say whether an exhibit has a figure."""
    return isinstance(exhibit, Curves | Effects | Dots) or bool(exhibit.picture)


def alt_text(exhibit: Drawn, estimates: Estimates) -> str:
    """State what the figure shows, from its numbers: every figure that is drawn gets one."""
    if isinstance(exhibit, Table):
        return PICTURES[exhibit.picture][0](exhibit)
    if isinstance(exhibit, Dots):
        return _dots_alt(exhibit)
    return _curves_alt(exhibit) if isinstance(exhibit, Curves) else _effects_alt(exhibit, estimates)


def draw(exhibit: Drawn, estimates: Estimates, path: Path) -> None:
    """Draw the figure of an exhibit as SVG: the same bytes from the same numbers.

    Raises:
        ValueError: more groups than colours that can be told apart.

    """
    import matplotlib as mpl

    path.parent.mkdir(exist_ok=True)
    with mpl.rc_context({**mpl.rcParamsDefault, **LOOK, "backend": "svg"}):
        from matplotlib.figure import Figure

        picture = _picture(exhibit, estimates, Figure)
        picture.savefig(path, format="svg", metadata={"Date": None, "Creator": None})


def _picture(exhibit: Drawn, estimates: Estimates, new: Any) -> Any:
    if isinstance(exhibit, Table):
        return PICTURES[exhibit.picture][1](exhibit, new)
    if isinstance(exhibit, Dots):
        return _draw_dots(exhibit, new)
    return _draw_curves(exhibit, new) if isinstance(exhibit, Curves) else _draw_effects(exhibit, estimates, new)


def _ends(exhibit: Curves) -> list[Point]:
    """Give the last point of each group at which anybody was still at risk."""
    return [max(exhibit.of(group), key=lambda p: (p.at_risk > 0, p.time)) for group in exhibit.groups]


NAMES = {
    "survival": ("Kaplan-Meier curves of the share {}", "share"),
    "incidence": ("Aalen-Johansen curves of the share {}", "share"),
    "mean count": ("Curves of the mean number of {}", "number"),
}
"""How curves of each shape are named, and the unit of their values."""


def _curves_alt(exhibit: Curves) -> str:
    ends = _ends(exhibit)
    words, unit = NAMES[exhibit.shape]
    said = [
        f"{p.group}, {form(p.value, unit)} ({level(exhibit.level)} interval {interval(p.low, p.high, unit, 0)})"
        f" after {p.time:g} {exhibit.time_unit}"
        for p in ends
    ]
    order = sorted(ends, key=lambda p: p.value, reverse=True)
    highest = f" The highest curve at its end is that of: {order[0].group}." if len(ends) > 1 else ""
    return (
        f"{'Weighted ' if exhibit.weighted else ''}{words.format(exhibit.outcome)}, by {exhibit.time_unit} since "
        f"{exhibit.since}, with the numbers at risk below. At the end of follow-up: {'; '.join(said)}.{highest}"
    )


def _effects_alt(exhibit: Effects, estimates: Estimates) -> str:
    if exhibit.axis:
        return series_alt(exhibit, estimates)
    rows = [(f"{row.group} ({row.label})" if row.group else row.label, estimates[row.estimate]) for row in exhibit.rows]
    sides = {
        "below": [label for label, e in rows if e.high < e.null],
        "above": [label for label, e in rows if e.low > e.null],
        "across": [label for label, e in rows if e.low <= e.null <= e.high],
    }
    null = f"{rows[0][1].null:g}"
    words = {"below": f"wholly below {null}", "above": f"wholly above {null}", "across": f"that include {null}"}
    said = [f"intervals {words[side]}: {', '.join(labels)}" for side, labels in sides.items() if labels]
    return f"Forest plot, {exhibit.title[:1].lower()}{exhibit.title[1:]}: " + "; ".join(said) + "."


def _dots_alt(exhibit: Dots) -> str:
    said = []
    for series in exhibit.series:
        rows = [row for row in exhibit.rows if row.series == series]
        inside = sum(row.low <= row.value <= row.high for row in rows)
        span = interval(min(row.value for row in rows), max(row.value for row in rows), exhibit.unit, exhibit.nominal)
        said.append(f"{series}, {inside} of {len(rows)} within the band, from {span}")
    return (
        f"Dot plot, {exhibit.title[:1].lower()}{exhibit.title[1:]}, against {form(exhibit.nominal, exhibit.unit)} and "
        f"{exhibit.band}: {'; '.join(said)}."
    )


NARROWING = 52
"""Letters of the longest label and the longest numbers of a forest plot beyond which its axis is narrow, with few ticks."""

ROW, CLOSE, MANY = 0.3, 0.22, 20
"""Inches of a row of a forest plot, and of one of more than so many, which would fill a page."""

MARKERS = ("o", "X", "s", "D", "^", "v")


def _draw_dots(exhibit: Dots, new: Any) -> Any:
    labels = list(dict.fromkeys(row.label for row in exhibit.rows))
    series = exhibit.series
    picture = new(figsize=(WIDTH, 1.0 + 0.23 * len(labels)), layout="constrained")
    axes = picture.subplots()
    for row in exhibit.rows:
        y = labels.index(row.label)
        axes.plot([row.low, row.high], [y, y], color="#E1E6EC", lw=7, solid_capstyle="butt", zorder=1)
    for number, name in enumerate(series):
        rows = [row for row in exhibit.rows if row.series == name]
        places = [labels.index(row.label) + 0.16 * (number - (len(series) - 1) / 2) for row in rows]
        look = {"color": PALETTE[number], "marker": MARKERS[number], "s": 18, "linewidths": 0}
        axes.scatter([row.value for row in rows], places, zorder=2, label=name, **look)
    axes.axvline(exhibit.nominal, color=GREY, lw=1, ls=(0, (4, 3)))
    axes.set_yticks(range(len(labels)), labels, color="black")
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    even_axis(axes, "x")
    axes.set_xlabel(exhibit.measure)
    picture.legend(loc="outside lower center", ncols=min(len(series), 4), frameon=False)
    return picture


def _draw_curves(exhibit: Curves, new: Any) -> Any:
    groups = exhibit.groups
    if len(groups) > len(PALETTE):
        raise ValueError(f"figure {exhibit.id!r}: at most {len(PALETTE)} groups can be told apart, found {len(groups)}")
    below = 0.19 * (len(groups) + 1)
    picture = new(figsize=(WIDTH, 3.3 + below), layout="constrained")
    axes, table = picture.subplots(2, 1, sharex=True, height_ratios=[3.1, below])
    for number, group in enumerate(groups):
        _step(axes, exhibit.of(group), PALETTE[number], DASHES[number])
    end = max(p.time for p in exhibit.points)
    marks = ticks(end, exhibit.time_unit)
    axes.set(xlim=(0, end * 1.02), xticks=marks)
    _value_axis(axes, exhibit)
    axes.tick_params(labelbottom=True)
    axes.set_xlabel(f"{exhibit.time_unit.capitalize()} since {exhibit.since}")
    axes.set_title(NAMES[exhibit.shape][0].split(" of the ")[1].format(exhibit.outcome).capitalize())
    axes.grid(axis="y", color="#E5E5E5", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.legend(loc="lower left" if exhibit.shape == "survival" else "upper left", frameon=False)
    _risk_table(table, exhibit, marks)
    return picture


def _value_axis(axes: Axes, exhibit: Curves) -> None:
    """Set the axis of values: from 0 to 1 for shares that start at 1, and as high as the intervals go for what starts at 0."""
    if exhibit.shape == "survival":
        axes.set_ylim(0, 1)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
        return
    axes.set_ylim(0, 1.05 * max(point.high for point in exhibit.points))
    even_axis(axes, "y", unit="share" if exhibit.shape == "incidence" else "")


def _step(axes: Axes, points: Sequence[Point], colour: str, dash: Any) -> None:
    time = [p.time for p in points]
    axes.fill_between(time, [p.low for p in points], [p.high for p in points], step="post", color=colour, alpha=0.15, lw=0)
    axes.step(time, [p.value for p in points], where="post", color=colour, linestyle=dash, lw=1.8, label=points[0].group)


def at_risk(points: Sequence[Point], time: float) -> int:
    """Give the number still at risk just before `time`."""
    return next((p.at_risk for p in points if p.time >= time), 0)


def _risk_table(axes: Axes, exhibit: Curves, marks: Sequence[float]) -> None:
    axes.set_axis_off()
    axes.set_ylim(len(exhibit.groups) + 0.5, -0.6)
    axes.text(0, -0.1, "Number at risk", transform=axes.get_yaxis_transform(), weight="bold", va="center")
    for number, group in enumerate(exhibit.groups):
        axes.text(-0.065, number + 1, group, transform=axes.get_yaxis_transform(), ha="right", va="center")
        for tick in marks:
            axes.text(tick, number + 1, form(at_risk(exhibit.of(group), tick), "people"), ha="center", va="center")


def _draw_effects(exhibit: Effects, estimates: Estimates, new: Any) -> Any:
    if exhibit.axis:
        return draw_series(exhibit, estimates, new)
    lines = _lines(exhibit, estimates)
    rows = [row for _, row in lines if row is not None]
    picture = new(figsize=(WIDTH, 0.9 + (ROW if len(lines) <= MANY else CLOSE) * len(lines)), layout="constrained")
    axes = picture.subplots()
    for y, (_, row) in enumerate(lines):
        if row is None:
            continue
        axes.plot([row.low, row.high], [y, y], color=PALETTE[0], lw=1.6)
        axes.plot(row.value, y, "s", color=PALETTE[0], ms=5)
        text = f"{central(row)} ({between(row)})"
        axes.text(1.02, y, text, transform=axes.get_yaxis_transform(), va="center")
    axes.axvline(rows[0].null, color=GREY, lw=1, ls=(0, (4, 3)))
    row_names(axes, [label for label, _ in lines], bold=[y for y, (_, row) in enumerate(lines) if row is None])
    axes.spines["left"].set_visible(False)
    named, printed = max(len(label) for label, _ in lines), max(len(central(row) + between(row)) for row in rows)
    wide = min(named, LETTERS) + printed > NARROWING
    if rows[0].scale == "log":
        ratio_axis(axes, "x", min(row.low for row in rows) * 0.92, max(row.high for row in rows) * 1.08, 5 if wide else 9)
    else:
        even_axis(axes, "x", unit=rows[0].unit, most=4 if wide else 8)
    axes.set_xlabel(f"{exhibit.measure}{_in_points(exhibit, rows[0])}, {level(rows[0].level)} interval")
    return picture


def _lines(exhibit: Effects, estimates: Estimates) -> list[tuple[str, Estimate | None]]:
    """Give the lines of a forest plot: a heading where a group begins, and each estimate."""
    lines: list[tuple[str, Estimate | None]] = []
    group = ""
    for row in exhibit.rows:
        if row.group and row.group != group:
            lines.append((row.group, None))
        group = row.group
        lines.append((row.label, estimates[row.estimate]))
    return lines


def _in_points(exhibit: Effects, row: Estimate) -> str:
    said = row.unit != "percentage points" or row.unit in exhibit.measure
    return "" if said else " in percentage points"
