"""What an estimate ought to be: computed from both potential outcomes of many replicate twins, not read off coefficients.

Each replicate draws areas, people and other court cases anew, so that a truth belongs to the population of which any one twin
is a sample. The values are kept in `data/truth/`, apart from the twins' records.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ldeval.data.synthetic_blocks import Design, Task, ground, tasks
from ldeval.data.synthetic_cases import Cases
from ldeval.data.synthetic_courts import background_cases, background_days
from ldeval.data.synthetic_events import earlier_events
from ldeval.data.synthetic_justice import draw_justice, run_justice
from ldeval.data.synthetic_outcomes import FOLLOW_UP, Outcomes, outcomes
from ldeval.data.synthetic_people import Areas, Flags, Ints, People, draw_people, p_window, stream
from ldeval.data.truth_targets import TARGETS, Sums, Target
from ldeval.data.twin_parameters import Parameters, TwinName
from ldeval.estimate import Estimate, Estimates

TRUTH_FOLDER = Path(__file__).parents[2] / "data" / "truth"
REPLICATES = 40
GROUPS = 20
"""Monte Carlo errors come from this many groups of replicates."""

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
    later_cases = _untouched(p, areas, people.area[draws.person[rows]], later.charge_day[rows], later.end_day[rows])
    earlier = earlier_events(p, stream(design.seed, "history", task.block), people)
    earlier_cases = _untouched(p, areas, people.area[earlier.person], earlier.charge_day, earlier.end_day)
    return sums | {name: index_cases[name] + later_cases[name] + earlier_cases[name] for name in index_cases}


def _untouched(p: Parameters, areas: Areas, area: Ints, charge: Ints, end: Ints) -> Sums:
    """Sum cases on which the service has no effect: they dilute what it does to the others."""
    return case_sums(charge, (end, end), _counted(p, areas, area, charge))


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
