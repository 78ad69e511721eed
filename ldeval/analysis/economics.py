"""Economics: what custody avoided is worth, to whom, and against what the service costs.

Depends on the estimates of diversion, on the register of unit costs and on the protocol's [economics] alone; the arithmetic is
in `ldeval.analysis.chain`. Nothing in it is tuned to the published savings; `economics_reverse` asks what they would imply.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import get_args

import numpy as np

from ldeval.analysis import chain
from ldeval.analysis import economics_exhibits as exhibits
from ldeval.analysis.chain import Costing
from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.effects import at_work
from ldeval.analysis.exhibits import Exhibit
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS
from ldeval.analysis.register_exhibits import costs, shares, sources
from ldeval.analysis.unit_costs import UNIT_COSTS, Register, register_of
from ldeval.estimate import Estimate
from ldeval.stats.costs import Probabilistic, probabilistic
from ldeval.stats.doors import Floats
from ldeval.study import Economics, Study

COSTINGS: tuple[Costing, ...] = get_args(Costing)
COUNTED = {
    "marginal": "prison at direct cost",
    "average": "prison at overall cost",
}
LEVEL = 0.95

TOTALS = {
    "saving": ("saving a referral, before the cost of the service", "saving"),
    "net_public": ("saving a referral to the public sector, net of the cost of the service", "public sector"),
    "net_society": ("saving a referral to society, net of the cost of the service", "society"),
}
"""What is estimated for each costing: its words, and the name of the total in the chain."""
AT_CENTRAL, OVER_DRAWS = "central values of effects and register", "mean over the draws of effects and register"

CUSTODY_A_YEAR = "economics/custody_avoided_a_year/att"
PLACES_A_YEAR = "economics/prison_years_avoided_a_year/att"
AT_SCALE = {
    CUSTODY_A_YEAR: "custodial sentences avoided a year at programme scale",
    PLACES_A_YEAR: "years in prison avoided a year at programme scale",
}


@dataclass(frozen=True, slots=True)
class Case:
    """The account under one costing of prison: its parameters, the chain at their central values, and the draws."""

    costing: Costing
    parameters: Mapping[str, float]
    central: Mapping[str, float]
    draws: Probabilistic


def question(found: Findings, root: Path, study: Study) -> Findings:
    """Answer from what the other questions found and the register of the study in `root`; the arms are those of diversion."""
    effects = {estimate.id: estimate for estimate in found.estimates}
    answer = economics(effects, register_of(root, study), study)
    arms = found.arms.get(chain.DAYS_SERVED) or found.arms.get(chain.CUSTODY) or ()
    return replace(answer, arms={estimate.id: arms for estimate in answer.estimates if arms})


@made_from(RECORDS, UNIT_COSTS)
def economics(effects: Mapping[str, Estimate], register: Register, study: Study) -> Findings:
    """Give savings by payer and net of the service, their uncertainty, scenarios, break-even, and the reverse table.

    `effects` holds at least the estimates that `chain.DRAWN` names; where one is missing, nothing is estimated and each result
    says why. Correlations between them, days inside and reconviction are used where they are there.
    """
    if any(key not in effects for key in chain.DRAWN.values()):
        return register_alone(register) + not_estimated("the effect on custody or on days served could not be estimated")
    cases = tuple(drawn(effects, register, study.economics, costing) for costing in COSTINGS)
    return register_alone(register) + totals(effects, cases, study.economics) + shown(effects, register, cases, study.economics)


def drawn(effects: Mapping[str, Estimate], register: Register, plan: Economics, costing: Costing) -> Case:
    """Compute the account at the central values and over the draws."""
    p = chain.base(effects, register, plan, costing)
    distributions = chain.uncertain(effects, register, costing)
    draws = probabilistic(chain.account, p, distributions, draws=plan.draws, seed=plan.seed)
    return Case(costing, MappingProxyType(p), MappingProxyType(chain.account(p)), draws)


@made_from(RECORDS, UNIT_COSTS)
def totals(effects: Mapping[str, Estimate], cases: tuple[Case, ...], plan: Economics) -> Findings:
    """Give the totals as estimates: a referral, at programme scale, and a custodial sentence avoided."""
    custody, scale = effects[chain.CUSTODY], float(plan.referrals_a_year)
    made = [total(custody, case, key) for case in cases for key in TOTALS]
    made += [_at_scale(estimate, scale) for estimate in made]
    made += [mean(custody, case, key) for case in cases for key in TOTALS]
    made.append(at_work(custody, CUSTODY_A_YEAR, -scale, "people"))
    made.append(at_work(effects[chain.DAYS_SERVED], PLACES_A_YEAR, -scale / chain.DAYS_A_YEAR, "number"))
    made = [replace(estimate, measure=AT_SCALE.get(estimate.id, estimate.measure)) for estimate in made]
    return sum((per_sentence(custody, case) for case in cases), Findings(tuple(made)))


def total(custody: Estimate, case: Case, key: str) -> Estimate:
    """Give one total a referral: its central value, standard deviation and percentile interval over the draws."""
    words, name = TOTALS[key]
    values = case.draws.results[name].to_numpy()
    return _pounds(f"economics/{key}/{case.costing}", words, case, case.central[name], values, custody)


def mean(custody: Estimate, case: Case, key: str) -> Estimate:
    """Give one total a referral as it is to be expected: its mean, standard deviation and interval over the draws.

    It differs from the total at the central values as far as these are not the means of their ranges (`chain.means`).
    """
    words, name = TOTALS[key]
    values = case.draws.results[name].to_numpy()
    return _pounds(f"economics/{key}_mean/{case.costing}", words, case, float(values.mean()), values, custody, OVER_DRAWS)


def per_sentence(custody: Estimate, case: Case) -> Findings:
    """Give the net cost to the public sector of a custodial sentence avoided; below nought it saves."""
    key, words = f"economics/cost_per_custody_avoided/{case.costing}", "net cost of a custodial sentence avoided"
    if not custody.high < 0:
        why = "the interval of custody avoided includes none, or harm: a ratio to it has no meaning"
        return Findings(missing=(NotEstimated(key, words, why, "economics"),))
    results = case.draws.results
    values = -(results["public sector"] / results["sentences"]).to_numpy()
    central = -case.central["public sector"] / case.central["sentences"]
    return Findings((_pounds(key, words, case, central, values, custody),))


def _pounds(key: str, words: str, case: Case, value: float, values: Floats, custody: Estimate, of: str = AT_CENTRAL) -> Estimate:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return Estimate(
        id=key,
        outcome="economics",
        measure=words if of == AT_CENTRAL else f"{words}, mean over the draws",
        unit="pounds",
        estimand="ATT",
        value=value,
        se=float(np.std(values, ddof=1)),
        scale="identity",
        low=min(float(low), value),
        high=max(float(high), value),
        level=LEVEL,
        n=custody.n,
        events=custody.events,
        method=f"{COUNTED[case.costing]}; {of}; interval from the percentiles of "
        f"{len(values):,} draws of the effects together, by their models' errors, and of each unit cost over its range",
    )


def _at_scale(estimate: Estimate, scale: float) -> Estimate:
    outcome, measure, costing = estimate.id.split("/")
    grown = at_work(estimate, f"{outcome}/{measure}_programme/{costing}", scale / 1e6, "million pounds")
    method = f"{estimate.id} times {scale:,.0f} referrals; {estimate.method}"
    return replace(grown, measure=f"{estimate.measure.replace('a referral', 'a year')}, at programme scale", method=method)


@made_from(RECORDS, UNIT_COSTS)
def shown(effects: Mapping[str, Estimate], register: Register, cases: tuple[Case, ...], plan: Economics) -> Findings:
    """Give the exhibits: the account by payer, scenarios, tornado, break-even, acceptability, and the reverse table."""
    marginal = cases[0]
    scenario = exhibits.changes(effects, register, plan)
    ranges = chain.ranges(effects, register, marginal.costing)
    parts: tuple[Exhibit, ...] = (
        exhibits.lines({case.costing: case.central for case in cases}),
        exhibits.payers({case.costing: case.central for case in cases}),
        exhibits.lopsided({case.costing: case.parameters for case in cases}, register, plan),
        exhibits.scenario_table(marginal.parameters, scenario, plan),
        exhibits.tornado_table(marginal.parameters, ranges, register, plan),
        exhibits.break_even_table(marginal.parameters, register, plan),
        exhibits.probabilities({case.costing: case.draws.results for case in cases}),
        exhibits.acceptability_table({case.costing: case.draws.results for case in cases}, plan),
        exhibits.reverse({case.costing: case.parameters for case in cases}, plan),
    )
    return Findings((), parts)


@made_from(UNIT_COSTS)
def register_alone(register: Register) -> Findings:
    """Give the register as tables."""
    return Findings((), (costs(register), shares(register), sources(register)))


@made_from(UNIT_COSTS)
def not_estimated(why: str) -> Findings:
    """Say of each result that there is none, and why."""
    words = {f"economics/{key}/{costing}": TOTALS[key][0] for key in TOTALS for costing in COSTINGS}
    expected = {
        f"economics/{key}_mean/{costing}": f"{TOTALS[key][0]}, mean over the draws" for key in TOTALS for costing in COSTINGS
    }
    scaled = {f"economics/{key}_programme/{costing}": TOTALS[key][0] for key in TOTALS for costing in COSTINGS}
    ratio = {f"economics/cost_per_custody_avoided/{costing}": "net cost of a custodial sentence avoided" for costing in COSTINGS}
    every = {**words, **expected, **scaled, **ratio, **AT_SCALE, **exhibits.TITLES}
    return Findings(missing=tuple(NotEstimated(key, what, why, "economics") for key, what in every.items()))
