"""Pictures of the economics: bars by payer, tornado, acceptability. Each is drawn from a released table, in the one look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ldeval.analysis.exhibits import Table
from ldeval.release.numbers import form
from ldeval.release.ticks import row_names

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DARK, LIGHT, LINE, GREY, RULE = "#12436D", "#28A197", "#801650", "#595959", "#E5E5E5"
WIDTH = 6.3
MOST = 10
"""Parameters that a tornado shows: the widest."""


def _pounds(value: Any) -> str:
    return form(float(value), "pounds")


def _frame(rows: int, new: Any) -> tuple[Any, Axes]:
    picture = new(figsize=(WIDTH, 0.9 + 0.42 * rows), layout="constrained")
    axes = picture.subplots()
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=RULE, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_formatter(lambda value, _: _pounds(value))
    return picture, axes


def bars_alt(table: Table) -> str:
    """State what each payer saves or pays."""
    said = [f"{row[0]}, {_pounds(row[1])} and {_pounds(row[2])}" for row in table.rows]
    return (
        "Bars of what each payer saves (above nought) or pays (below) for one referral, with prison at direct and at overall "
        f"cost: {'; '.join(said)}."
    )


def draw_bars(table: Table, new: Any) -> Any:
    """Draw two bars a payer, one for each costing of prison, with their amounts."""
    picture, axes = _frame(len(table.rows), new)
    widest = max(abs(float(cell or 0)) for row in table.rows for cell in row[1:]) or 1.0
    for column, (shift, colour, hatch) in enumerate(((-0.2, DARK, ""), (0.2, LIGHT, "///")), start=1):
        values = [float(row[column] or 0) for row in table.rows]
        places = [place + shift for place in range(len(values))]
        axes.barh(places, values, height=0.36, color=colour, hatch=hatch, edgecolor="white", label=table.columns[column].label)
        for place, value in zip(places, values, strict=True):
            beyond = widest * 0.02 * (1 if value >= 0 else -1)
            axes.text(value + beyond, place, _pounds(value), va="center", ha="left" if value >= 0 else "right", fontsize=8)
    axes.axvline(0, color=GREY, lw=1)
    axes.set_yticks(range(len(table.rows)), [str(row[0]) for row in table.rows], color="black")
    axes.set_ylim(len(table.rows) - 0.4, -0.6)
    axes.margins(x=0.14)
    axes.set_xlabel("Pounds a referral, saving above nought")
    axes.legend(loc="lower right", frameon=False)
    return picture


def tornado_alt(table: Table) -> str:
    """State which parameters move the net saving most, and which can turn it."""
    rows = [(str(row[0]), float(row[3] or 0), float(row[4] or 0)) for row in table.rows]
    first = [f"{name} ({_pounds(low)} at its low end, {_pounds(high)} at its high end)" for name, low, high in rows[:3]]
    turning = [name for name, low, high in rows if min(low, high) < 0 < max(low, high)]
    turned = (
        f"Within their ranges these turn its sign: {'; '.join(turning)}." if turning else "None turns its sign within its range."
    )
    return f"Tornado of the net saving a referral, one parameter moved at a time. The widest bars: {'; '.join(first)}. {turned}"


def draw_tornado(table: Table, new: Any) -> Any:
    """Draw the bars of a tornado round the base case, the widest on top, with the ends of each parameter's range."""
    rows = table.rows[:MOST]
    picture, axes = _frame(len(rows), new)
    base = float(rows[0][5] or 0)
    for place, row in enumerate(rows):
        ends = (("low", 1, 3, LIGHT, "///"), ("high", 2, 4, DARK, ""))
        for name, at, net, colour, hatch in ends:
            value = float(row[net] or 0)
            axes.barh(place, value - base, left=base, height=0.55, color=colour, hatch=hatch, edgecolor="white", label=name)
            side = "left" if value > base or (value == base and net == 4) else "right"
            axes.annotate(
                form(float(row[at] or 0), "number"),
                (value, place),
                (4 if side == "left" else -4, 0),
                textcoords="offset points",
                va="center",
                ha=side,
                fontsize=7.5,
            )
    axes.axvline(base, color=GREY, lw=1)
    axes.axvline(0, color=LINE, lw=1.2, ls=(0, (4, 3)))
    row_names(axes, [str(row[0]) for row in rows], size=8)
    axes.margins(x=0.18)
    axes.set_xlabel("Net saving a referral (solid line: base case; dashed: none)")
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[:2], [f"at its {label} end" for label in labels[:2]], loc="lower right", frameon=False)
    return picture


def acceptability_alt(table: Table) -> str:
    """State the chance at both ends of the curve."""
    first, last = table.rows[0], table.rows[-1]
    said = [
        f"{column.label}: {form(float(first[place] or 0), 'share')} to {form(float(last[place] or 0), 'share')}"
        for place, column in enumerate(table.columns[1:], start=1)
    ]
    return (
        "Curves of the share of draws in which the service is worth its cost, from where a custodial sentence avoided has no "
        f"worth in itself to where it has {_pounds(last[0])}. {'; '.join(said)}."
    )


def draw_acceptability(table: Table, new: Any) -> Any:
    """Draw the chance that the service is worth its cost against what a custodial sentence avoided is worth in itself."""
    picture = new(figsize=(WIDTH, 3.2), layout="constrained")
    axes = picture.subplots()
    worth = [float(row[0] or 0) for row in table.rows]
    for place, (colour, dash) in enumerate(((DARK, "-"), (LIGHT, (0, (5, 2)))), start=1):
        chance = [float(row[place] or 0) for row in table.rows]
        axes.plot(worth, chance, color=colour, ls=dash, lw=1.8, label=table.columns[place].label)
    axes.set(ylim=(0, 1.02), xlim=(0, worth[-1]))
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    axes.xaxis.set_major_formatter(lambda value, _: _pounds(value))
    axes.grid(axis="y", color=RULE, linewidth=0.8)
    axes.set_xlabel("Worth of one custodial sentence avoided, in itself")
    axes.set_title("Share of draws in which the service is worth its cost")
    axes.legend(loc="lower right", frameon=False)
    return picture
