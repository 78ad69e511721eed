"""The chain from custody avoided to pounds: what is counted, what it is multiplied by, and who pays. Pure arithmetic.

    saving a referral =   days in prison not served x cost of a prisoner a day         (prisons)
                        - sentences avoided x cost of the sentence that replaces them  (probation)
                        + sentences avoided x supervision after release not needed     (probation)
                        - sentences avoided x share breached x hearing for breach      (courts)
                        + reconvictions avoided x (arrest + court case)                (police, courts; none in the base case)
    net, public       = saving - cost of the service                                   (NHS)
    net, society      = net, public + days not served x share in work x earnings a day (wider economy)

Days are those served, never the length of a sentence: the release share and time on remand are in the records already. Taxes
and benefits are transfers and are left out. Sentences and days are effects a referral (ATT), below zero where harm was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose, prod
from typing import Literal

import numpy as np

from ldeval.analysis.unit_costs import PAYERS, Register, UnitCost
from ldeval.estimate import Estimate
from ldeval.stats.costs import Normal, Triangular, discount
from ldeval.stats.doors import Floats
from ldeval.study import Economics

Costing = Literal["marginal", "average"]
Parameters = Mapping[str, float]

PRISON: dict[Costing, str] = {"marginal": "prison_direct", "average": "prison_overall"}
"""What a prisoner costs a year, by how a place is counted: the direct cost, or the overall cost with buildings and offices."""

CUSTODY = "diversion/risk_difference/att"
DAYS_YEAR = "custody_days/mean_difference/att"
DAYS_SERVED = "sentence_served/mean_difference/att"
DRAWN = {"custody": CUSTODY, "days_year": DAYS_YEAR, "days_served": DAYS_SERVED}
"""The effects that are drawn together, by the name that they have here."""

CORRELATIONS = {
    ("custody", "days_year"): "custody_days/correlation/diversion",
    ("custody", "days_served"): "sentence_served/correlation/diversion",
    ("days_year", "days_served"): "sentence_served/correlation/custody_days",
}
DAYS_INSIDE = "days_inside/mean_difference/att"
RECONVICTION = "reconviction/risk_difference/att"

DAYS_A_YEAR, DAYS_A_WEEK = 365.0, 7.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the account: `sign` x quantity x the product of `factors` / `per`.

    `cashable` says whether the money could leave a budget at most: at direct cost, and if what is freed stays unused.
    """

    id: str
    label: str
    payer: str
    quantity: str
    factors: tuple[str, ...]
    sign: int
    cashable: bool
    per: float = 1.0


LINES = (
    Line("prison", "Days in prison not served", "Prisons", "days", ("prison",), 1, True, DAYS_A_YEAR),
    Line("replacement", "Sentence that replaces custody", "Probation", "sentences", ("community_order",), -1, True),
    Line("supervision", "Supervision after release not needed", "Probation", "sentences", ("release_supervision",), 1, False),
    Line("breach", "Hearings for breach", "Courts", "sentences", ("breach_share", "breach_hearing"), -1, False),
    Line("cases", "Court cases for reconviction", "Courts", "reconvictions", ("court_case",), 1, False),
    Line("arrests", "Arrests for reconviction", "Police", "reconvictions", ("arrest",), 1, False),
    Line("service", "Liaison and Diversion service", "NHS", "referrals", ("service",), -1, True),
    Line("productivity", "Work done outside prison", "Wider economy", "days", ("employed", "earnings"), 1, False, DAYS_A_WEEK),
)
SOCIETY = "Wider economy"


def later_factor(plan: Economics) -> float:
    """Give what a day served after the first year counts for: its mean discount factor; nought where the horizon is a year."""
    later = plan.horizon_years - 1
    if later == 0:
        return 0.0
    return discount([0.0, *[1.0 / later] * later], rate=plan.discount_rate, timing="start")


def base(effects: Mapping[str, Estimate], register: Register, plan: Economics, costing: Costing) -> dict[str, float]:
    """Give every parameter of the chain at its central value."""
    found = {name: -effects[key].value for name, key in DRAWN.items()}
    costs = {key: cost.central for key, cost in register.items()}
    prison = {"prison": costs[PRISON[costing]]}
    return {**costs, **prison, **found, "later_factor": later_factor(plan), "reconvictions": 0.0}


def quantities(p: Parameters) -> dict[str, float]:
    """Give what a referral avoids: days (discounted), sentences, reconvictions; and the referral itself."""
    days = p["days_year"] + p["later_factor"] * (p["days_served"] - p["days_year"])
    return {"days": days, "sentences": p["custody"], "reconvictions": p["reconvictions"], "referrals": 1.0}


def amounts(p: Parameters) -> dict[str, float]:
    """Give each line of the account, pounds a referral, savings above zero."""
    count = quantities(p)
    return {line.id: line.sign * count[line.quantity] * prod(p[name] for name in line.factors) / line.per for line in LINES}


def by_payer(lines: Mapping[str, float]) -> dict[str, float]:
    """Add the lines up by payer."""
    return {payer: sum(lines[line.id] for line in LINES if line.payer == payer) for payer in PAYERS}


def account(p: Parameters) -> dict[str, float]:
    """Give the lines and their totals: the saving without the service's cost, and net of it to the public sector and to all."""
    lines = amounts(p)
    society = sum(lines.values())
    public = society - by_payer(lines)[SOCIETY]
    totals = {"saving": public - lines["service"], "public sector": public, "society": society, "sentences": p["custody"]}
    return lines | totals


def uncertain(effects: Mapping[str, Estimate], register: Register, costing: Costing) -> list[Normal | Triangular]:
    """Give the distributions: effects together, as their models' errors have it; each unit cost over its range."""
    names = tuple(DRAWN)
    rows = [effects[key] for key in DRAWN.values()]
    joint = Normal(names, np.array([-row.value for row in rows]), covariance(effects))
    costs = priced(register, costing)
    ranges = [Triangular(name, cost.low, cost.central, cost.high) for name, cost in costs.items() if cost.low < cost.high]
    return [joint, *ranges]


def priced(register: Register, costing: Costing) -> dict[str, UnitCost]:
    """Give the unit costs by the name that they have in the chain: one of the two costs of prison is `prison`."""
    others = {key: cost for key, cost in register.items() if key not in PRISON.values()}
    return {**others, "prison": register[PRISON[costing]]}


def means(register: Register, costing: Costing) -> dict[str, float]:
    """Give the mean of each unit cost over its triangle, (low + central + high) / 3, where that is not its central value.

    Effects and unit costs are drawn apart, and each total is linear in each of them, so that the mean of a total over the draws
    is the total at these means, give or take the error of the draws.
    """
    found = {name: (cost.low + cost.central + cost.high) / 3 for name, cost in priced(register, costing).items()}
    return {name: mean for name, mean in found.items() if not isclose(mean, priced(register, costing)[name].central)}


def covariance(effects: Mapping[str, Estimate]) -> Floats:
    """Give the covariance of the effects that are drawn together; those without a known correlation count as independent."""
    names = list(DRAWN)
    se = np.array([effects[key].se for key in DRAWN.values()])
    correlation = np.eye(len(names))
    for (one, other), key in CORRELATIONS.items():
        if key in effects:
            i, j = names.index(one), names.index(other)
            correlation[i, j] = correlation[j, i] = effects[key].value
    return correlation * np.outer(se, se)


def ranges(effects: Mapping[str, Estimate], register: Register, costing: Costing) -> dict[str, tuple[float, float]]:
    """Give the range of each parameter: an effect's interval, a unit cost's low and high."""
    found = {name: (-effects[key].high, -effects[key].low) for name, key in DRAWN.items()}
    costs = {name: (cost.low, cost.high) for name, cost in priced(register, costing).items()}
    used = {name for line in LINES for name in line.factors if line.quantity != "reconvictions"}
    return found | {name: ends for name, ends in costs.items() if name in used}


def break_even(p: Parameters, name: str, result: str) -> float | None:
    """Give the value of one parameter at which a total is nought, the others held; None where it does not move the total.

    Each total is linear in each parameter, so that two evaluations give the line.
    """
    at_zero = account({**p, name: 0.0})[result]
    slope = account({**p, name: 1.0})[result] - at_zero
    return None if abs(slope) < 1e-12 else -at_zero / slope


def break_even_effect(p: Parameters, result: str) -> float | None:
    """Give by which factor custody avoided and days served would have to be multiplied together for a total of nought."""
    at_zero = account({**p, **dict.fromkeys(DRAWN, 0.0)})[result]
    slope = account(p)[result] - at_zero
    return None if abs(slope) < 1e-12 else -at_zero / slope
