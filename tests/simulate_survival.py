"""Simulate survival data of known truth and see whether 95% intervals cover it: writes tests/coverage.

People in 27 areas of unequal size; times in whole days, so that many are tied; a covariate that moves both treatment and events;
censoring from four months on. Areas are correlated through normal copulas, which leave each person's own distribution as stated:
every truth below is an integral over the covariate, not another simulation.

Run: python tests/simulate_survival.py [draws]
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from coverage_table import summary, write
from scipy.special import expit, ndtr

from ldeval.stats.adjusted import adjusted_incidence, adjusted_survival
from ldeval.stats.competing import cumulative_incidence, fine_gray, gray_test
from ldeval.stats.survival import kaplan_meier, logrank, mean_cumulative_count, nelson_aalen, rmst

SEED = 20261123
DRAWS = 1000
AREAS = 27
TAU = 200
NODES, SHARES = np.polynomial.hermite_e.hermegauss(80)
SHARES = SHARES / SHARES.sum()

FRAILTY = 0.5  # variance of the gamma frailty of people's repeated events
ODDS = (-0.4, 0.7)  # of treatment: intercept and covariate
RATES = ((0.004, 0.5, -0.4), (0.002, 0.3, 0.2))  # of two causes a day: level, covariate, treatment
FINE_GRAY = (0.35, 0.4, -0.5)  # incidence of the cause at the end for x = 0; subdistribution log hazard ratios of x and treatment


@dataclass(frozen=True, slots=True)
class Row:
    """One estimator in one setting: in each draw, the estimate, its error and its interval; `truth` is what they should tell."""

    table: str
    estimator: str
    setting: str
    truth: float


Found = tuple[float, float, float, float]


def correlated(rng: np.random.Generator, area: np.ndarray, share: float) -> np.ndarray:
    """Uniform numbers, correlated within areas."""
    common = rng.normal(size=AREAS)[area]
    return ndtr(np.sqrt(share) * common + np.sqrt(1 - share) * rng.normal(size=len(area)))


def people(rng: np.random.Generator, *, within: float) -> dict[str, np.ndarray]:
    """Area, covariate and treatment of about 1,100 people."""
    area = np.repeat(np.arange(AREAS), rng.integers(15, 66, AREAS))
    x = rng.normal(size=len(area))
    treated = correlated(rng, area, within) < expit(ODDS[0] + ODDS[1] * x)
    return {"area": area, "x": x, "treated": treated}


def observed(rng: np.random.Generator, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whole days of follow-up and the cause (0: censored first)."""
    end = np.ceil(np.column_stack((rng.uniform(120, 500, len(times)), times)))
    state = np.where(end[:, 1:].min(axis=1) <= end[:, 0], 1 + end[:, 1:].argmin(axis=1), 0)
    return end.min(axis=1), state


def cause_specific(rng: np.random.Generator, within: float) -> dict[str, np.ndarray]:
    """Exponential times of two causes given covariate and treatment."""
    data = people(rng, within=within)
    times = [
        -np.log(correlated(rng, data["area"], within)) / (level * np.exp(b * data["x"] + effect * data["treated"]))
        for level, b, effect in RATES
    ]
    data["time"], data["state"] = observed(rng, np.column_stack(times))
    data["time_one"], data["event_one"] = observed(rng, times[0][:, None])
    return data


def rates(arm: float) -> tuple[np.ndarray, np.ndarray]:
    """Rates of the two causes at the nodes of the covariate."""
    first, second = (level * np.exp(b * NODES + effect * arm) for level, b, effect in RATES)
    return first, second


def target(estimand: str) -> np.ndarray:
    """The covariate's distribution in the target population."""
    share = SHARES * (expit(ODDS[0] + ODDS[1] * NODES) if estimand == "ATT" else 1.0)
    return share / share.sum()


def survival_truth(arm: float, estimand: str) -> tuple[float, float]:
    """Survival of the first cause alone to TAU, and its restricted mean in whole days."""
    rate = rates(arm)[0][:, None] * np.arange(TAU + 1)
    curve = target(estimand) @ np.exp(-rate)
    return float(curve[-1]), float(curve[:-1].sum())


def incidence_truth(arm: float, estimand: str, tau: float = TAU) -> float:
    first, second = rates(arm)
    return float(target(estimand) @ (first / (first + second) * -np.expm1(-(first + second) * tau)))


def crude(function: Callable[[float], float]) -> float:
    """The mean over both arms as they are: treatment depends on the covariate."""
    share = float(SHARES @ expit(ODDS[0] + ODDS[1] * NODES))
    return share * function(1.0) + (1 - share) * function(0.0)


def any_curve(day: int) -> float:
    """Survival of both causes at a day, everyone as treated as they are."""
    chance = expit(ODDS[0] + ODDS[1] * NODES)
    return float(sum(SHARES * p @ np.exp(-sum(rates(arm)) * day) for arm, p in ((1.0, chance), (0.0, 1 - chance))))


def any_incidence(day: int) -> float:
    chance = expit(ODDS[0] + ODDS[1] * NODES)
    total = 0.0
    for arm, p in ((1.0, chance), (0.0, 1 - chance)):
        first, second = rates(arm)
        total += float(SHARES * p @ (first / (first + second) * -np.expm1(-(first + second) * day)))
    return total


def median_day() -> float:
    """The first day by which half have had an event of either cause."""
    return float(next(day for day in range(1, 2000) if any_curve(day) <= 0.5))


def point(found: Any) -> Found:
    return found.estimate, found.se, found.low, found.high


def term(found: Any, name: str) -> Found:
    row = found.tidy().set_index("term").loc[name]
    return row.estimate, row.se, row.low, row.high


def curves(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Curves of everyone: independent people, then areas."""
    truth, cause = any_curve(TAU), any_incidence(TAU)
    hazard = float(-np.sum(np.log([any_curve(day + 1) / any_curve(day) for day in range(TAU)])))
    steps = float(sum(1 - any_curve(day + 1) / any_curve(day) for day in range(TAU)))
    for setting, within in (("independent people", 0.0), ("27 areas, CR1-t", 0.08)):
        d = cause_specific(rng, within)
        by = {} if not within else {"cluster": d["area"], "small_sample": "CR1-t"}
        curve = kaplan_meier(d["time"], d["state"] > 0, **by)
        yield Row("survival", "Kaplan-Meier at 200", setting, truth), point(curve.at(TAU))
        yield Row("survival", "Kaplan-Meier median", setting, median_day()), point(curve.quantile(0.5))
        incidence = cumulative_incidence(d["time"], d["state"], cause=1, **by)
        yield Row("competing", "Cumulative incidence at 200", setting, cause), point(incidence.at(TAU))
        if not within:
            assert abs(hazard - steps) < 0.01
            yield Row("survival", "Nelson-Aalen at 200", setting, steps), point(nelson_aalen(d["time"], d["state"] > 0).at(TAU))


def weighted(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Fractional weights that undo a known selection: the chance of being seen depends on the covariate."""
    d = cause_specific(rng, 0.08)
    chance = expit(0.5 + d["x"])
    seen = rng.random(len(chance)) < chance
    part = {key: d[key][seen] for key in ("time", "state", "area")}
    options = {"weights": 1 / chance[seen], "cluster": part["area"], "small_sample": "CR1-t"}
    curve = kaplan_meier(part["time"], part["state"] > 0, **options)
    setting = "27 areas, CR1-t, known fractional weights"
    yield Row("survival", "Kaplan-Meier at 200", setting, any_curve(TAU)), point(curve.at(TAU))
    incidence = cumulative_incidence(part["time"], part["state"], cause=1, **options)
    yield Row("competing", "Cumulative incidence at 200", setting, any_incidence(TAU)), point(incidence.at(TAU))


def late_entry(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Half come under observation later, if nothing has happened to them by then."""
    d = cause_specific(rng, 0.08)
    entry = np.floor(rng.uniform(0, 120, len(d["time"]))) * (rng.random(len(d["time"])) < 0.5)
    seen = d["time"] > entry
    part = {key: d[key][seen] for key in ("time", "state", "area")}
    options = {"entry": entry[seen], "cluster": part["area"], "small_sample": "CR1-t"}
    curve = kaplan_meier(part["time"], part["state"] > 0, **options)
    yield Row("survival", "Kaplan-Meier at 200", "27 areas, CR1-t, late entry", any_curve(TAU)), point(curve.at(TAU))


def restricted(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Arms drawn by lot within areas; the effect is the difference of the two potential restricted means."""
    for setting, within in (("randomised, independent people", 0.0), ("randomised, 27 areas, CR1-t", 0.08)):
        d = cause_specific(rng, within)
        arm = rng.random(len(d["x"])) < 0.5
        level, b, effect = RATES[0]
        time, event = observed(
            rng, (-np.log(correlated(rng, d["area"], within)) / (level * np.exp(b * d["x"] + effect * arm)))[:, None]
        )
        by = {} if not within else {"cluster": d["area"], "small_sample": "CR1-t"}
        found = rmst(time, event, tau=TAU, group=arm, **by)
        one, zero = survival_truth(1.0, "ATE")[1], survival_truth(0.0, "ATE")[1]
        yield Row("survival", "Restricted mean, difference to 200", setting, one - zero), term(found, "difference")
        value, se, low, high = term(found, "ratio")
        yield (
            Row("survival", "Restricted mean, log ratio to 200", setting, np.log(one / zero)),
            (np.log(value), se, np.log(low), np.log(high)),
        )


def counts(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Repeated events of people of unequal proneness (gamma frailty), at most one a day."""
    n = 300
    end = np.ceil(rng.uniform(120, 400, n)).astype(int)
    rate = 0.008 * rng.gamma(1 / FRAILTY, FRAILTY, n)
    chance = -np.expm1(-rate)
    rows = []
    for person in range(n):
        days = np.flatnonzero(rng.random(end[person]) < chance[person]) + 1
        stops = np.append(days, end[person])[: len(days) + (not len(days) or days[-1] < end[person])]
        rows += [(a, b, b in days, person) for a, b in zip(np.append(0, stops[:-1]), stops, strict=True)]
    start, stop, event, person_of = np.array(rows).T
    truth = TAU * (1 - (1 + FRAILTY * 0.008) ** (-1 / FRAILTY))
    curve = mean_cumulative_count(start, stop, event, person_of)
    yield Row("survival", "Mean cumulative count at 200", "gamma frailty", truth), point(curve.at(TAU))


def adjusted(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Confounded arms in correlated areas."""
    d = cause_specific(rng, 0.08)
    X = np.column_stack((np.ones(len(d["x"])), d["x"]))
    by_area = {"cluster": d["area"], "small_sample": "CR1-t"}
    for by in ("weighting", "standardisation"):
        for estimand in ("ATT", "ATE"):
            options = {"tau": TAU, "estimand": estimand, "by": by, **by_area}
            found = adjusted_survival(d["time_one"], d["event_one"], d["treated"], X, **options)
            (one, mean_one), (zero, mean_zero) = (survival_truth(arm, estimand) for arm in (1.0, 0.0))
            setting = f"{estimand} by {by}, 27 areas, CR1-t"
            yield Row("survival", "Adjusted survival difference at 200", setting, one - zero), term(found, "survival_difference")
            lost = mean_one - mean_zero
            yield Row("survival", "Adjusted survival rmst difference to 200", setting, lost), term(found, "rmst_difference")
            found = adjusted_incidence(d["time"], d["state"], d["treated"], X, cause=1, **options)
            difference = incidence_truth(1.0, estimand) - incidence_truth(0.0, estimand)
            yield (
                Row("competing", "Adjusted incidence difference at 200", setting, difference),
                term(found, "incidence_difference"),
            )


def subdistribution(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Fine and Gray's own design: cause 1 has proportional subdistribution hazards, the other cause fills the rest."""
    for setting, within in (("independent people", 0.0), ("27 areas, CR1-t", 0.08)):
        d = people(rng, within=within)
        level, *effects = FINE_GRAY
        score = np.exp(effects[0] * d["x"] + effects[1] * d["treated"])
        ever = 1 - (1 - level) ** score
        u, v = correlated(rng, d["area"], within), correlated(rng, d["area"], within)
        first = u < ever
        inside = np.where(first, 1 - (1 - u) ** (1 / score), 0.0) / level
        times = np.where(first, -np.log1p(-np.minimum(inside, 1 - 1e-12)), -np.log(v) * 1.5) * 100
        end = np.ceil(np.column_stack((rng.uniform(120, 500, len(times)), times)) * 4) / 4
        state = np.where(end[:, 1] <= end[:, 0], np.where(first, 1, 2), 0)
        by = {} if not within else {"cluster": d["area"], "small_sample": "CR1-t"}
        found = fine_gray(end.min(axis=1), state, np.column_stack((d["x"], d["treated"])), cause=1, **by)
        yield Row("competing", "Fine and Gray: covariate", setting, effects[0]), term(found, "x0")
        yield Row("competing", "Fine and Gray: treatment", setting, effects[1]), term(found, "x1")


def tests_under_the_null(rng: np.random.Generator) -> Iterator[tuple[Row, Found]]:
    """Groups by lot: a test at 5% must accept 95% of the time. `estimate` is its statistic, whose mean is its df."""
    d = cause_specific(rng, 0.0)
    group, weight = rng.integers(0, 3, len(d["x"])), rng.uniform(0.5, 2, len(d["x"]))
    event = d["state"] > 0
    trials = (
        ("survival", "Log-rank", "three groups", logrank(d["time"], event, group)),
        ("survival", "Log-rank rho = 1", "three groups, strata", logrank(d["time"], event, group, strata=d["treated"], rho=1)),
        ("survival", "Log-rank", "three groups, fractional weights", logrank(d["time"], event, group, weights=weight)),
        ("competing", "Gray's test", "three groups", gray_test(d["time"], d["state"], group, cause=1)),
    )
    for table, name, setting, found in trials:
        accepted = found.p_value >= 0.05
        yield Row(table, name, setting, 2.0), (found.statistic, 2.0, -np.inf if accepted else np.inf, np.inf)


DESIGNS = (curves, weighted, late_entry, restricted, counts, adjusted, subdistribution, tests_under_the_null)


def simulate(draws: int, seed: int = SEED) -> list[dict[str, Any]]:
    """Give a row per estimator and setting: truth, bias, error, coverage and the band that it must lie in."""
    found: dict[Row, list[Found]] = {}
    for j, stream in enumerate(np.random.SeedSequence(seed).spawn(draws)):
        for design, own in zip(DESIGNS, stream.spawn(len(DESIGNS)), strict=True):
            for row, values in design(np.random.default_rng(own)):
                found.setdefault(row, []).append(values)
        if sys.stderr.isatty():
            print(f"\r{j + 1} of {draws}", end="", file=sys.stderr)
    return [{"table": row.table} | summary(row.estimator, row.setting, row.truth, values, seed) for row, values in found.items()]


if __name__ == "__main__":
    warnings.simplefilter("error")
    simulated = simulate(int(sys.argv[1]) if len(sys.argv) > 1 else DRAWS)
    for name in ("survival", "competing"):
        write(name, [{key: row[key] for key in row if key != "table"} for row in simulated if row["table"] == name])
