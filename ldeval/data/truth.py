"""What an estimate ought to be: computed from both potential outcomes of many replicate twins, not read off coefficients.

Each replicate draws areas, people and other court cases anew, so that a truth belongs to the population of which any one twin
is a sample. The values are kept in `data/truth/`, apart from the twins' records.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ldeval.data.synthetic_blocks import Design, Task, ground, tasks
from ldeval.data.synthetic_cases import Cases
from ldeval.data.synthetic_courts import background_cases, background_days
from ldeval.data.synthetic_justice import draw_justice, run_justice
from ldeval.data.synthetic_outcomes import FOLLOW_UP, Outcomes, outcomes
from ldeval.data.synthetic_people import Areas, Flags, Floats, Ints, People, draw_people, p_window, stream
from ldeval.data.twin_parameters import Parameters, TwinName
from ldeval.estimate import Estimate, Estimates, Scale

TRUTH_FOLDER = Path(__file__).parents[2] / "data" / "truth"
REPLICATES = 40
GROUPS = 20
"""Monte Carlo errors come from this many groups of replicates."""

Sums = dict[str, Floats]
"""Sums over a population, each an array whose first axis is the arm: 0 without the service, 1 with it."""

_COHORTS_END = 365
"""Court cases are followed for a year: the last cohort is charged this many days before the extract's end."""


def person_sums(people: People, who: Flags, arms: tuple[Outcomes, Outcomes], prefix: str) -> Sums:
    """Sum both potential outcomes over the people `who`."""
    names = ("custody", "sentenced", "custody_days", "sentence_served", "days_inside", "reoffences")
    sums = {f"{prefix}{name}": np.array([getattr(arm, name)[who].sum() for arm in arms]) for name in names}
    lags = [np.minimum(arm.reoffence_lag[who], FOLLOW_UP) for arm in arms]
    left = [np.minimum(np.minimum(arm.reoffence_lag, arm.death_lag)[who], FOLLOW_UP) for arm in arms]
    sums[f"{prefix}n"] = np.full(2, float(who.sum()))
    sums[f"{prefix}events"] = np.array([np.bincount(lag, minlength=FOLLOW_UP + 1)[:FOLLOW_UP] for lag in lags]) * 1.0
    sums[f"{prefix}leavers"] = np.array([np.bincount(day, minlength=FOLLOW_UP + 1) for day in left]) * 1.0
    return sums


def case_sums(charge: Ints, ends: tuple[Ints, Ints], counted: Flags) -> Sums:
    """Sum what became of court cases after 90, 180 and 365 days, with and without the service."""
    days = [np.minimum(end - charge, FOLLOW_UP)[counted] for end in ends]
    return {
        "cases": np.full(2, float(counted.sum())),
        "by_90": np.array([(day < 90).sum() for day in days], dtype=float),
        "by_180": np.array([(day < 180).sum() for day in days], dtype=float),
        "court_days": np.array([day.sum() for day in days], dtype=float),
    }


def replicate(design: Design) -> Sums:
    """Give the sums of one replicate twin."""
    p, areas, people = ground(design)
    total: Sums = {}
    for task in tasks(design):
        found = _people_block(p, design, areas, task) if task.year is None else _court_block(p, design, areas, task, people)
        for name, value in found.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _people_block(p: Parameters, design: Design, areas: Areas, task: Task) -> Sums:
    numbers = np.arange(task.first, task.last)
    people = draw_people(p, areas, design.twin, stream(design.seed, "people", task.block), numbers)
    draws = draw_justice(p, stream(design.seed, "justice", task.block), people, areas)
    nobody = np.zeros(len(people), dtype=bool)
    justice = [run_justice(p, people, areas, draws, treated) for treated in (nobody, people.seen)]
    found = (outcomes(people, draws, justice[0]), outcomes(people, draws, justice[1]))
    first, last = p_window(p)
    in_window = (people.index_day >= first) & (people.index_day <= last)
    eligible = in_window & (people.age >= 18) & areas.live(people.area, people.index_day)
    users = people.user & (people.index_day + people.delay <= last)
    sums = person_sums(people, users, found, "") | person_sums(people, eligible, found, "itt_")
    charge = justice[1].index.charge_day
    index_cases = case_sums(charge, _ends(justice[0].index, justice[1].index), _counted(p, areas, people.area, charge))
    rows = np.flatnonzero(justice[1].happened)
    later = justice[1].later
    counted = _counted(p, areas, people.area[draws.person[rows]], later.charge_day[rows])
    other_cases = case_sums(later.charge_day[rows], (later.end_day[rows], later.end_day[rows]), counted)
    return sums | {name: index_cases[name] + other_cases[name] for name in index_cases}


def _ends(without: Cases, with_service: Cases) -> tuple[Ints, Ints]:
    return without.end_day, with_service.end_day


def _court_block(p: Parameters, design: Design, areas: Areas, task: Task, people: int) -> Sums:
    assert task.year is not None
    ends = []
    for live in (False, True):
        rng = stream(design.seed, "background", task.block)
        charge = background_days(p, rng, areas, task.first, task.year, people)
        ends.append(background_cases(p, rng, areas, task.first, charge, np.full(len(charge), live)).end_day)
    return case_sums(charge, (ends[0], ends[1]), _counted(p, areas, np.full(len(charge), task.first), charge))


def _counted(p: Parameters, areas: Areas, area: Ints, charge: Ints) -> Flags:
    """Cases charged while the service was live, early enough to be followed for a year."""
    last = p.day("design.extract_end") - _COHORTS_END
    return (areas.go_live[area] <= charge) & (charge <= last)


def hazard_ratio(sums: Sums) -> float:
    """Cox's hazard ratio of the service over the first reoffences of both arms, Efron's ties, death censoring."""
    log_ratio = 0.0
    events, at_risk = sums["events"], _at_risk(sums)
    for _ in range(30):
        score, information = _efron(events, at_risk, math.exp(log_ratio))
        log_ratio += score / information
        if abs(score / information) < 1e-12:
            break
    return math.exp(log_ratio)


def _at_risk(sums: Sums) -> Floats:
    """People not yet left at each day 0, 1, ..., 364, by arm."""
    leavers = sums["leavers"]
    return np.asarray(leavers[:, ::-1].cumsum(axis=1)[:, ::-1][:, :FOLLOW_UP])


def _efron(events: Floats, at_risk: Floats, ratio: float) -> tuple[float, float]:
    score = information = 0.0
    for day in np.flatnonzero(events.sum(axis=0)):
        d0, d1 = events[:, day]
        done = np.arange(d0 + d1) / (d0 + d1)
        with_service = (at_risk[1, day] - done * d1) * ratio
        share = with_service / (with_service + at_risk[0, day] - done * d0)
        score += d1 - share.sum()
        information += (share * (1 - share)).sum()
    return float(score), float(information)


def restricted_means(sums: Sums) -> Floats:
    """Area under each arm's Kaplan-Meier curve of the first reoffence over 365 days, death censoring."""
    survival = np.cumprod(1 - sums["events"] / _at_risk(sums), axis=1)
    return np.asarray(1 + survival[:, :-1].sum(axis=1))


def _difference(name: str, base: str = "n") -> Callable[[Sums], float]:
    return lambda sums: float((sums[name] / sums[base])[1] - (sums[name] / sums[base])[0])


def _ratio(name: str, base: str = "n") -> Callable[[Sums], float]:
    return lambda sums: float((sums[name] / sums[base])[1] / (sums[name] / sums[base])[0])


def _odds_ratio(sums: Sums) -> float:
    odds = sums["custody"] / (sums["n"] - sums["custody"])
    return float(odds[1] / odds[0])


def _reconvicted(sums: Sums) -> Floats:
    return np.asarray(sums["events"].sum(axis=1) / sums["n"])


@dataclass(frozen=True, slots=True)
class Target:
    """One estimate whose truth is computed: its id, unit and scale, and what it is in words."""

    id: str
    unit: str
    scale: Scale
    value: Callable[[Sums], float]
    words: str


_CUSTODY = "immediate custody for the index case within 365 days of the index event, no sentence counting as none"
_ENGLAND = "offence within 365 days of the index event, convicted or cautioned within 547"

TARGETS = (
    Target("diversion/risk_difference/att", "proportion", "identity", _difference("custody"), _CUSTODY),
    Target("diversion/risk_ratio/att", "ratio", "log", _ratio("custody"), _CUSTODY),
    Target("diversion/odds_ratio/att", "ratio", "log", _odds_ratio, _CUSTODY),
    Target(
        "diversion/risk_difference/itt",
        "proportion",
        "identity",
        _difference("itt_custody", "itt_n"),
        f"{_CUSTODY}; all eligible index events of live areas",
    ),
    Target(
        "custody_given_sentence/risk_difference/att",
        "proportion",
        "identity",
        _difference("custody", "sentenced"),
        "custody among those sentenced within 365 days, in each arm its own",
    ),
    Target(
        "custody_days/mean_difference/att",
        "days",
        "identity",
        _difference("custody_days"),
        "days served of the index sentence within 365 days of the index event",
    ),
    Target(
        "sentence_served/mean_difference/att",
        "days",
        "identity",
        _difference("sentence_served"),
        "days served to release of index sentences passed within 365 days",
    ),
    Target(
        "days_inside/mean_difference/att",
        "days",
        "identity",
        _difference("days_inside"),
        "days in custody for any reason, remand included, within 365 days",
    ),
    Target(
        "reconviction/hazard_ratio/att",
        "ratio",
        "log",
        hazard_ratio,
        f"{_ENGLAND}; Cox over both potential outcomes, clock from the index event, death censoring",
    ),
    Target(
        "reconviction/rmst_difference/att",
        "days",
        "identity",
        lambda sums: float(np.diff(restricted_means(sums))[0]),
        f"{_ENGLAND}; restricted mean to 365 days, death censoring",
    ),
    Target(
        "reconviction/risk_difference/att",
        "proportion",
        "identity",
        lambda sums: float(np.diff(_reconvicted(sums))[0]),
        f"{_ENGLAND}; death competing",
    ),
    Target(
        "reconviction/risk_ratio/att",
        "ratio",
        "log",
        lambda sums: float(_reconvicted(sums)[1] / _reconvicted(sums)[0]),
        f"{_ENGLAND}; death competing",
    ),
    Target("reoffences/rate_ratio/att", "ratio", "log", _ratio("reoffences"), f"proven arrests a person; {_ENGLAND}"),
    Target(
        "timeliness/completed_90/att",
        "proportion",
        "identity",
        _difference("by_90", "cases"),
        "all cases of live areas from go-live to a year before the extract's end, by charge date",
    ),
    Target(
        "timeliness/completed_180/att",
        "proportion",
        "identity",
        _difference("by_180", "cases"),
        "as timeliness/completed_90/att",
    ),
    Target(
        "timeliness/restricted_mean_days/att",
        "days",
        "identity",
        _difference("court_days", "cases"),
        "days from charge to completion, at most 365; cases as timeliness/completed_90/att",
    ),
)
"""Every estimate whose truth is known."""


def compute_truth(
    twin: TwinName,
    *,
    users: int = 8729,
    replicates: int = REPLICATES,
    processes: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Estimates:
    """Compute the truth of every target over replicate twins; `se` is the Monte Carlo error.

    Raises:
        ValueError: fewer replicates than the groups from which Monte Carlo errors come.

    """
    if replicates < GROUPS:
        raise ValueError(f"replicates must be at least {GROUPS} (for Monte Carlo errors), found {replicates}")
    designs = [Design(twin, 1_000_000 + number, users) for number in range(replicates)]
    found: list[Sums] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for sums in pool.map(replicate, designs):
            found.append(sums)
            if progress:
                progress(len(found), replicates)
    groups = [_together(found[start::GROUPS]) for start in range(GROUPS)]
    return Estimates(_estimate(target, _together(found), groups) for target in TARGETS)


def _together(found: list[Sums]) -> Sums:
    return {name: np.sum([sums[name] for sums in found], axis=0) for name in found[0]}


def _estimate(target: Target, sums: Sums, groups: list[Sums]) -> Estimate:
    outcome, measure, estimand = target.id.split("/")
    value = target.value(sums)
    each = np.array([target.value(group) for group in groups])
    se = float(np.std(np.log(each) if target.scale == "log" else each, ddof=1) / math.sqrt(len(groups)))
    half = 1.959963984540054 * se
    low, high = (value * math.exp(-half), value * math.exp(half)) if target.scale == "log" else (value - half, value + half)
    base = "cases" if outcome == "timeliness" else "itt_n" if estimand == "itt" else "n"
    return Estimate(
        id=target.id,
        outcome=outcome,
        measure=measure,
        unit=target.unit,
        estimand=estimand.upper(),
        value=value,
        se=se,
        scale=target.scale,
        low=low,
        high=high,
        level=0.95,
        n=int(sums[base][1]),
        events=None,
        method=f"truth from both potential outcomes: {target.words}",
    )
