"""The exhibits of the economics: account, scenarios, tornado, break-even, acceptability, and the reverse table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.analysis import chain
from ldeval.analysis.chain import LINES, Costing, Parameters
from ldeval.analysis.counted import Picture
from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.analysis.unit_costs import PAYERS, Register
from ldeval.estimate import Estimate
from ldeval.stats.costs import acceptability, scenarios, tornado
from ldeval.study import Economics

if TYPE_CHECKING:
    import pandas as pd

Totals = Mapping[Costing, Mapping[str, float]]
Draws = Mapping["Costing", "pd.DataFrame"]

STEPS = 40
"""Steps of the curve of acceptability."""

LEAST = 0.01
"""Pounds: a parameter that moves the net saving by less has no bar in the tornado."""

TITLES = {
    "economics-account": "The account of one referral",
    "economics-payers": "Who saves and who pays, by referral",
    "economics-lopsided": "From the base case to the mean of the draws",
    "economics-scenarios": "The account under other assumptions",
    "economics-tornado": "What moves the net saving most",
    "economics-break-even": "What each parameter would have to be for savings to meet the cost",
    "economics-probability": "How likely it is that savings exceed the cost",
    "economics-acceptability": "How likely it is that the service is worth its cost",
    "economics-reverse": "What would imply the published savings",
}
NAMES = {
    "custody": "Custodial sentences avoided a referral",
    "days_year": "Days in prison avoided within a year",
    "days_served": "Days in prison avoided, to release",
    "prison": "Direct cost of a prisoner, per year (pounds)",
}
COSTINGS: dict[Costing, str] = {"marginal": "Prison at direct cost", "average": "Prison at overall cost"}


def _table(
    key: str,
    columns: tuple[Column, ...],
    rows: list[tuple[Cell, ...]],
    notes: tuple[str, ...] = (),
    picture: Picture = "",
    **other: Any,
) -> Table:
    return Table(key, TITLES[key], columns, tuple(rows), notes, picture=picture, **other)


def _model(name: str, label: str, unit: str) -> Column:
    return Column(name, label, unit, source="model")


def _public(name: str, label: str, unit: str) -> Column:
    return Column(name, label, unit, source="public")


def lines(cases: Totals) -> Table:
    """Give each line of the account by payer, at both costings, and what could be cashed at most."""
    marginal, average = cases["marginal"], cases["average"]
    columns = (
        Column("payer", "Payer"),
        Column("line", "Line"),
        _model("marginal", "Prison at direct cost", "pounds"),
        _model("average", "Prison at overall cost", "pounds"),
        _model("cashable", "Cashable at most", "pounds"),
    )
    rows: list[tuple[Cell, ...]] = [
        (line.payer, line.label, marginal[line.id], average[line.id], marginal[line.id] if line.cashable else 0.0)
        for payer in PAYERS
        for line in LINES
        if line.payer == payer
    ]
    cashable = [sum(float(row[4] or 0) for row in rows if row[0] != chain.SOCIETY), sum(float(row[4] or 0) for row in rows)]
    for (name, label), cash in zip((("public sector", "Public sector"), ("society", "Society")), cashable, strict=True):
        rows.append(("Net of the service", label, marginal[name], average[name], cash))
    notes = ("Pounds a referral; a saving is above nought, a cost below.",)
    return _table("economics-account", columns, rows, notes, group="payer")


def payers(cases: Totals) -> Table:
    """Give what each payer saves or pays, at both costings."""
    added = {costing: chain.by_payer(case) for costing, case in cases.items()}
    columns = (
        Column("payer", "Payer"),
        _model("marginal", "Prison at direct cost", "pounds"),
        _model("average", "Prison at overall cost", "pounds"),
    )
    rows: list[tuple[Cell, ...]] = [(payer, added["marginal"][payer], added["average"][payer]) for payer in PAYERS]
    return _table("economics-payers", columns, rows, picture="bars")


def lopsided(cases: Mapping[Costing, Parameters], register: Register, plan: Economics) -> Table:
    """Give what takes the net saving from central values to the means of the ranges, a unit cost at a time, then all at once."""
    columns = (
        Column("costing", "Costing"),
        Column("parameter", "Parameter"),
        _public("central", "Central value", "number"),
        _public("mean", "Mean of its range", "number"),
        _model("moved", "Moves the net by", "pounds"),
        _model("net", "Net saving", "pounds"),
    )
    rows: list[tuple[Cell, ...]] = []
    for costing, p in cases.items():
        means, at = chain.means(register, costing), chain.account(p)[plan.perspective]
        moved = {name: chain.account({**p, name: mean})[plan.perspective] - at for name, mean in means.items()}
        widest = sorted((name for name in moved if abs(moved[name]) > LEAST), key=lambda name: -abs(moved[name]))
        rows.append((COSTINGS[costing], "Base case, all at their central values", None, None, None, at))
        texts = {name: cost.text for name, cost in chain.priced(register, costing).items()}
        rows += [(COSTINGS[costing], texts[name], p[name], means[name], moved[name], None) for name in widest]
        expected = chain.account({**p, **means})[plan.perspective]
        rows.append((COSTINGS[costing], "All at the means of their ranges", None, None, expected - at, expected))
    notes = (
        f"Net of the service, {plan.perspective}, pounds a referral. The mean of a range is a third of the sum of its low, "
        "central and high value, as draws from a triangle have it; unit costs whose mean is their central value have no line.",
    )
    return _table("economics-lopsided", columns, rows, notes, group="costing")


def changes(effects: Mapping[str, Estimate], register: Register, plan: Economics) -> dict[str, dict[str, float]]:
    """Give the scenarios: what each changes of the base case. Those that need an effect that is not there are left out."""
    overall, order = register["prison_overall"], register["community_order"]
    found: dict[str, dict[str, float]] = {
        "Prison at overall cost": {"prison": overall.central},
        "Prison at the lowest direct cost": {"prison": register["prison_direct"].low},
        "Days within a year of the index event alone": {"later_factor": 0.0},
        "Days served later not discounted": {"later_factor": float(plan.horizon_years > 1)},
        "Nothing replaces custody": {"community_order": 0.0, "breach_share": 0.0},
        "The dearest order replaces custody": {"community_order": order.high},
        "Half the sentences that replace custody are breached": {"breach_share": register["breach_share"].high},
        "Service at the high end of its cost": {"service": register["service"].high},
    }
    if inside := effects.get(chain.DAYS_INSIDE):
        days = {"days_year": -inside.value, "days_served": -inside.value}
        found["All days inside within a year, remand and later sentences included"] = days
    if reconvicted := effects.get(chain.RECONVICTION):
        found["Reconviction changed as estimated"] = {"reconvictions": -reconvicted.value}
    return found


def scenario_table(p: Parameters, changed: Mapping[str, Mapping[str, float]], plan: Economics) -> Table:
    """Give the account of the base case and of each scenario."""
    columns = (
        Column("scenario", "Scenario"),
        _model("saving", "Saving", "pounds"),
        _model("public", "Net, public sector", "pounds"),
        _model("society", "Net, society", "pounds"),
        _model("programme", "Net a year, public sector", "million pounds"),
    )
    found = scenarios(chain.account, p, changed).rename(columns={"public sector": "public"})
    rows: list[tuple[Cell, ...]] = [
        (_base_case(row.scenario), row.saving, row.public, row.society, row.public * plan.referrals_a_year / 1e6)
        for row in found.itertuples()
    ]
    notes = ("Pounds a referral; the last column is at programme scale.",)
    return _table("economics-scenarios", columns, rows, notes)


def _base_case(name: str) -> str:
    return "Base case: prison at direct cost" if name == "base" else name


def named(name: str, register: Register) -> str:
    """Give a parameter in words."""
    return NAMES.get(name) or register[name].text


def tornado_table(p: Parameters, ranges: Mapping[str, tuple[float, float]], register: Register, plan: Economics) -> Table:
    """Give the net saving at both ends of each parameter's range, the widest first."""
    columns = (
        Column("parameter", "Parameter"),
        _model("low", "Low", "number"),
        _model("high", "High", "number"),
        _model("at_low", "Net at low", "pounds"),
        _model("at_high", "Net at high", "pounds"),
        _model("base", "Net, base case", "pounds"),
    )
    net = chain.account(p)[plan.perspective]
    found = tornado(chain.account, p, ranges, result=plan.perspective)
    rows: list[tuple[Cell, ...]] = [
        (named(row.parameter, register), row.low, row.high, row.at_low, row.at_high, net)
        for row in found.itertuples()
        if row.swing > LEAST
    ]
    notes = (
        f"Net of the service, {plan.perspective}, pounds a referral. One parameter is moved at a time; the draws move the "
        "effects on custody and on days together.",
    )
    return _table("economics-tornado", columns, rows, notes, picture="tornado")


def break_even_table(p: Parameters, register: Register, plan: Economics) -> Table:
    """Give the value of each parameter at which the net saving is nought, the others held."""
    columns = (
        Column("parameter", "Parameter"),
        _model("base", "Base case", "number"),
        _model("break_even", "Break-even", "number"),
    )
    factor = chain.break_even_effect(p, plan.perspective)
    together: Cell = None if factor is None else factor * p["custody"]
    rows: list[tuple[Cell, ...]] = [("Custodial sentences avoided a referral, days in proportion", p["custody"], together)]
    moving = ("days_served", "prison", "community_order", "service")
    rows += [(named(name, register), p[name], chain.break_even(p, name, plan.perspective)) for name in moving]
    bearable = chain.break_even(p, "service", plan.perspective)
    rows.append(("Referrals of one user, each at the full cost", 1.0, None if bearable is None else bearable / p["service"]))
    notes = ("The other parameters are held at the base case; below nought there is no break-even that makes sense.",)
    return _table("economics-break-even", columns, rows, notes)


def probabilities(draws: Draws) -> Table:
    """Give the share of draws in which savings exceed the cost, and what certainty would be worth a referral."""
    columns = (
        Column("costing", "Costing"),
        Column("perspective", "Perspective"),
        _model("probability", "Savings exceed cost", "share"),
        _model("evpi", "Worth of certainty a referral", "pounds"),
    )
    rows: list[tuple[Cell, ...]] = []
    for costing, results in draws.items():
        for result in ("public sector", "society"):
            found = acceptability(results[result].to_numpy()).iloc[0]
            rows.append((COSTINGS[costing], result.capitalize(), float(found.probability), float(found.evpi)))
    return _table("economics-probability", columns, rows, group="costing")


def acceptability_table(draws: Draws, plan: Economics) -> Table:
    """Give the chance that the service is worth its cost, by what a custodial sentence avoided is worth in itself."""
    worth = np.linspace(0.0, float(plan.worth_up_to), STEPS + 1)
    columns = (
        _public("worth", "Worth of a sentence avoided", "pounds"),
        _model("marginal", "Prison at direct cost", "share"),
        _model("average", "Prison at overall cost", "share"),
    )
    chance = {
        costing: acceptability(
            results[plan.perspective].to_numpy(), results["sentences"].to_numpy(), thresholds=worth
        ).probability
        for costing, results in draws.items()
    }
    rows: list[tuple[Cell, ...]] = [
        (float(at), float(one), float(other)) for at, one, other in zip(worth, chance["marginal"], chance["average"], strict=True)
    ]
    return _table("economics-acceptability", columns, rows, picture="acceptability")


def reverse(cases: Mapping[Costing, Parameters], plan: Economics) -> Table:
    """Give what would imply each published total, one quantity at a time: never used as an input."""
    columns = (
        _public("total", "Published saving", "million pounds"),
        Column("costing", "Prison at"),
        _public("years", "Years in prison", "number"),
        _model("sentences", "Sentences avoided", "number"),
        _model("referrals", "Referrals", "number"),
        _model("days", "Days a sentence", "days"),
        _model("difference", "Custody avoided, points", "percentage points"),
    )
    words = {"marginal": "direct cost", "average": "overall cost"}
    rows: list[tuple[Cell, ...]] = [
        (million, words[costing], *implied(1e6 * million, p, plan.referrals_a_year))
        for million in plan.published
        for costing, p in cases.items()
    ]
    notes = (
        "Years in prison: the total over the cost of a prisoner. Sentences: that over the days served for each found here. "
        "Referrals: the total over the saving and work of one referral found here. Days a sentence and custody avoided: what "
        f"they would have to be at {plan.referrals_a_year:,} referrals with all else as here.",
    )
    return _table("economics-reverse", columns, rows, notes)


def implied(total: float, p: Parameters, referrals: float) -> tuple[float | None, ...]:
    """Give years in prison, sentences, referrals, days a sentence, and the difference in custody that would imply a total.

    The total is the saving with the work done outside prison, as the published one is, without the cost of the service. What
    cannot be implied (an effect that is nought, or harm) is None.
    """
    count, found = chain.quantities(p), chain.account(p)
    years = total / p["prison"]
    worth = found["saving"] + found["productivity"]
    a_day = (found["prison"] + found["productivity"]) / count["days"] if count["days"] else 0.0
    others = worth - a_day * count["days"]
    if count["sentences"] <= 0 or count["days"] <= 0 or worth <= 0:
        return years, None, None, None, None
    days = (total / referrals - others) / a_day / count["sentences"]
    served = count["days"] / count["sentences"]
    return years, years * chain.DAYS_A_YEAR / served, total / worth, days, count["sentences"] * total / (referrals * worth)
