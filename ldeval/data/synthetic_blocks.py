"""One block of the twin at a time: a few thousand people, or the other court cases of one area and year."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from ldeval.data.extracts_justice import COURTS
from ldeval.data.synthetic_courts import background_table
from ldeval.data.synthetic_events import all_events
from ldeval.data.synthetic_health import HEALTH_SOURCES, Lives, health_tables
from ldeval.data.synthetic_identity import SOURCE_ORDER, Held, draw_identity, hold, person_columns
from ldeval.data.synthetic_justice import draw_justice, run_justice
from ldeval.data.synthetic_people import Areas, Flags, People, draw_areas, draw_people, pool_size, stream
from ldeval.data.synthetic_records import court_table, pnc_tables
from ldeval.data.synthetic_service import area_table, draw_needs, draw_referrals, service_tables
from ldeval.data.synthetic_tables import Keys, table
from ldeval.data.twin_parameters import Parameters, TwinName, day_number, default_parameters

BLOCK = 4096
COURTS_YEAR = 2012
IDENTITIES = "identities"
"""The table of who is who, which is no extract: it is kept apart from them."""


@dataclass(frozen=True, slots=True)
class Design:
    """What fixes a twin: its name, its seed and how many users are expected."""

    twin: TwinName
    seed: int
    users: int


@dataclass(frozen=True, slots=True)
class Task:
    """One block: people by number, or (where `year` is given) the other cases of an area."""

    block: int
    first: int
    last: int
    year: int | None = None


@lru_cache(maxsize=4)
def ground(design: Design) -> tuple[Parameters, Areas, int]:
    """Give what all blocks of a twin share: parameters, areas, and the number of people."""
    p = default_parameters()
    areas = draw_areas(p, stream(design.seed, "areas", 0))
    return p, areas, pool_size(p, areas, design.users)


def tasks(design: Design) -> list[Task]:
    """List the blocks of a twin. They depend on its size alone, never on how many processes share them."""
    p, areas, people = ground(design)
    firsts = range(0, people, BLOCK)
    blocks = [Task(block, first, min(first + BLOCK, people)) for block, first in enumerate(firsts)]
    years = range(COURTS_YEAR, int(p("design.extract_end")[:4]) + 1)
    return blocks + [
        Task(len(blocks) + area * len(years) + number, area, area + 1, year)
        for area in range(len(areas))
        for number, year in enumerate(years)
    ]


def run(design: Design, task: Task) -> dict[str, Any]:
    """Give the tables of one block, by extract."""
    p, areas, people = ground(design)
    keys = Keys(task.block)
    if task.year is not None:
        rng = stream(design.seed, "background", task.block)
        return {"court_cases": background_table(p, rng, areas, task.first, task.year, people, keys)}
    tables = people_tables(p, design, areas, task, keys)
    return ({"areas": area_table(areas)} if task.block == 0 else {}) | tables


def people_tables(p: Parameters, design: Design, areas: Areas, task: Task, keys: Keys) -> dict[str, Any]:
    """Give every record of a block of people."""

    def chance(stage: str) -> np.random.Generator:
        return stream(design.seed, stage, task.block)

    people = draw_people(p, areas, design.twin, chance("people"), np.arange(task.first, task.last))
    draws = draw_justice(p, chance("justice"), people, areas)
    justice = run_justice(p, people, areas, draws, people.seen)
    events = all_events(p, chance("history"), people, draws, justice)
    service, health, identity = chance("service"), chance("health"), chance("identity")
    needs = draw_needs(p, service, people)
    known = _known(p, identity, people)
    held = {source: hold(p, identity, source, people, known[source]) for source in SOURCE_ORDER}
    referrals = draw_referrals(p, service, people, areas, events)
    tables = service_tables(p, service, people, areas, referrals, needs, held["ld"], keys)
    tables |= pnc_tables(p, chance("records"), people, events, held["pnc"], keys)
    tables |= court_table(p, chance("courts"), people, events, held["court"], keys)
    records, with_record = health_tables(p, health, Lives(people, needs, draws, justice), held, keys)
    in_court = np.zeros(len(people), dtype=bool)
    in_court[events.person[events.charge_day >= day_number(f"{COURTS_YEAR}-01-01")]] = True
    for source, marks in (with_record | {COURTS.name: in_court}).items():
        held[source] = _only(held[source], marks)
    return tables | records | _persons(p, identity, people, held)


def _known(p: Parameters, rng: np.random.Generator, people: People) -> dict[str, Flags]:
    """Say whom each source may hold; health sources hold users alone."""
    everyone = np.ones(len(people), dtype=bool)
    return (
        dict.fromkeys(("pnc", "court"), everyone)
        | dict.fromkeys(("ld", *HEALTH_SOURCES), people.user)
        | {"deaths": people.index_day + people.death_lag <= p.day("design.extract_end")}
    )


def _only(held: Held, marks: Flags) -> Held:
    kept = marks[held.rows]
    return replace(held, rows=held.rows[kept], numbers=held.numbers[kept])


def _persons(p: Parameters, rng: np.random.Generator, people: People, held: dict[str, Held]) -> dict[str, Any]:
    true = draw_identity(rng, people)
    tables = {}
    for source in SOURCE_ORDER:
        columns = person_columns(p, rng, held[source], true, people.area)
        rows = held[source].rows
        if source in ("pnc", "ld"):
            unstated = rng.random(len(rows)) < (0.0 if source == "pnc" else 0.04)
            columns |= {"ethnicity": np.where(unstated, -1, people.ethnicity[rows])}
            columns |= {"deprivation_decile": people.decile[rows]}
        if source == "deaths":
            columns |= _death_days(p, rng, people, held[source])
        name = "deaths" if source == "deaths" else f"{source}_persons"
        tables[name] = table(name, columns)
    return tables | {IDENTITIES: _identities(people, held)}


def _death_days(p: Parameters, rng: np.random.Generator, people: People, held: Held) -> dict[str, Any]:
    day = (people.index_day + people.death_lag)[held.rows]
    inquest = np.where(rng.random(len(day)) < 0.15, rng.exponential(120, len(day)), 0)
    registered = day + np.floor(4 + rng.exponential(6, len(day)) + inquest).astype(np.int64)
    return {"death_date": day, "registration_date": np.minimum(registered, p.day("design.extract_end"))}


def _identities(people: People, held: dict[str, Held]) -> Any:
    """Give who is who: the true person behind every key of every source."""
    parts = [
        pa.table(
            {
                "source": pa.array([source] * len(one.rows), pa.string()),
                "source_person_id": one.keys(),
                "person": pa.array(people.number[one.rows]),
            }
        )
        for source, one in held.items()
    ]
    return pa.concat_tables(parts)
