"""Draws of a twin at feature level: the twin's own blocks in memory, everybody's true identity, the study's own features.

What is left out is what the headline estimators do not need: errors in identifiers, linkage, files, and health records other than
attendances at A&E. People, areas, court cases and the service come from the same random numbers as in the twin on disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa

from ldeval.analysis.records import Records
from ldeval.data import features_courts, features_panel
from ldeval.data.cohort import rules
from ldeval.data.engine import Extracts
from ldeval.data.features import features
from ldeval.data.linked import Linked
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic_blocks import Design, Task, ground, run, tasks
from ldeval.data.synthetic_events import all_events
from ldeval.data.synthetic_health import Lives, emergency_rows
from ldeval.data.synthetic_identity import Held
from ldeval.data.synthetic_justice import draw_justice, run_justice
from ldeval.data.synthetic_people import People, draw_people, stream
from ldeval.data.synthetic_records import court_table, pnc_tables
from ldeval.data.synthetic_service import area_table, draw_needs, draw_referrals, service_tables
from ldeval.data.synthetic_tables import Keys, schema, table, texts
from ldeval.study import Study

HELD = ("pnc", "court", "ld", "ae", "deaths")
"""The sources of which a draw has records."""
PANEL = ("study_id", "month", "exposure", "custody_days", "ae_attendances")
"""What the analyses of a draw read of the panel, of users alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawn(Records):
    """The features of a draw, in memory in the place of files; equal to itself alone."""

    tables: dict[str, pd.DataFrame] | None = None

    def table(self, name: str) -> pd.DataFrame:
        """Give a table of features by name."""
        return (self.tables or {})[name]


class Known(Linked):
    """Records filed under true numbers: whose each is can be read off its key, and need not be looked up.

    Numbers name the people of a draw, for they are joined faster than texts.
    """

    __slots__ = ()

    def table(self, name: str) -> Any:
        """Give an extract with `study_id`."""
        key = EXTRACTS[name].source.person_id
        rows = self.extracts.table(name)
        return rows.mutate(study_id=rows[key].substr(1).cast("int64")).drop(key)


class Keeping(Extracts):
    """Extracts that remember the SQL of every table held, so that the next draw need not compile it."""

    __slots__ = ("held",)

    def __init__(self, backend: Any) -> None:
        super().__init__(backend)
        object.__setattr__(self, "held", [])

    def hold(self, table: Any) -> Any:
        """Run an expression once and hold its rows."""
        made = super().hold(table)
        self.held.append((made.op().name, self.backend.compile(table)))  # type: ignore[attr-defined]
        return made


class Machine:
    """Features of one draw after another on one connection: compiled on the first, replayed as SQL on the others."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self.backend = ibis.duckdb.connect(threads=1)
        self.backend.raw_sql("SET enable_progress_bar = false")
        self.kept: Keeping | None = None
        self.made: dict[str, Any] = {}

    def features(self, extracts: dict[str, Any], people: int) -> Drawn:
        """Give the features of extracts filed under true numbers."""
        for name, rows in (extracts | {"links": links(people)}).items():
            self.backend.con.register(name, rows)
        if self.kept is None:
            self._compile()
        else:
            for name, sql in self.kept.held:  # type: ignore[attr-defined]
                self.backend.con.execute(f'DELETE FROM "{name}"')
                self.backend.con.execute(f'INSERT INTO "{name}" {sql}')
        frames = {name: self.backend.con.sql(sql).to_arrow_table().to_pandas() for name, (_, sql) in self.made.items()}
        return Drawn(study=self.study, folder=None, tables=frames)  # type: ignore[arg-type]  # a draw has no folder

    def _compile(self) -> None:
        self.kept = Keeping(self.backend)
        linked = Known(self.kept, self.backend.table("links"))
        with patch.object(features_panel, "PANEL_ARMS", ("user",)):  # nothing is read of the others' months
            made = features(linked, rules(self.study)[0])
        months = features_courts.area_months(
            features_courts.court_cases(linked, self.study.data.extract_end), self.kept.table("areas")
        )
        panel = made.panel.select(*PANEL).order_by("study_id", "month")
        for name, expression in (("people_study", made.people), ("panel_study", panel), ("area_months", months)):
            self.backend._run_pre_execute_hooks(expression)  # small tables of constants, which stay while the expression does
            self.made[name] = (expression, self.backend.compile(expression))


def draw(machine: Machine, twins: tuple[str, ...], seed: int, users: int) -> Iterator[tuple[str, Drawn]]:
    """Give the features of twins of one seed: they share areas, people and other court cases, and differ in who is seen."""
    first = Design(twins[0], seed, users)  # type: ignore[arg-type]
    shared = [(task, run(first, task)) for task in tasks(first) if task.year is not None]
    for twin in twins:
        design = replace(first, twin=twin)
        blocks = [_block(design, task) for task in tasks(design) if task.year is None] + [rows for _, rows in shared]
        yield twin, machine.features(_together(blocks), ground(design)[2])


def _together(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    parts = {name: [block[name] for block in blocks if name in block] for name in EXTRACTS}
    return {name: pa.concat_tables(rows) if rows else schema(name).empty_table() for name, rows in parts.items()}


def _block(design: Design, task: Task) -> dict[str, Any]:
    """Give the records of a block of people, as `synthetic_blocks.people_tables` does but for identity and most of health."""
    p, areas, _ = ground(design)
    keys = Keys(task.block)

    def chance(stage: str) -> np.random.Generator:
        return stream(design.seed, stage, task.block)

    people = draw_people(p, areas, design.twin, chance("people"), np.arange(task.first, task.last))
    draws = draw_justice(p, chance("justice"), people, areas)
    justice = run_justice(p, people, areas, draws, people.seen)
    events = all_events(p, chance("history"), people, draws, justice)
    service, held = chance("service"), {source: _true(source, people) for source in HELD}
    needs = draw_needs(p, service, people)
    referrals = draw_referrals(p, service, people, areas, events)
    tables = service_tables(p, service, people, areas, referrals, needs, held["ld"], keys)
    tables |= pnc_tables(p, chance("records"), people, events, held["pnc"], keys)
    tables |= court_table(p, chance("courts"), people, events, held["court"], keys)
    person, columns = emergency_rows(p, chance("health"), Lives(people, needs, draws, justice), np.flatnonzero(people.user))
    columns |= {"ae_person_id": held["ae"].key_of(chance("identity"), person), "attendance_id": keys("A", len(person))}
    tables |= {"ae_attendances": table("ae_attendances", columns)} | _persons(people, held, p.day("design.extract_end"))
    return tables | ({"areas": area_table(areas)} if task.block == 0 else {})


def _true(source: str, people: People) -> Held:
    """Hold each person once, under the true number."""
    return Held(source, np.arange(len(people)), people.number, people.number, people.number)


def _persons(people: People, held: dict[str, Held], last: int) -> dict[str, Any]:
    """Give what the police hold of people, and who has died, without an error and without a name."""
    day = people.index_day + people.death_lag
    columns = {"pnc_person_id": held["pnc"].keys(), "sex": people.male, "ethnicity": people.ethnicity}
    deaths = {"death_id": held["deaths"].keys(), "death_date": day, "registration_date": day}
    persons = _nameless("pnc_persons", columns | {"deprivation_decile": people.decile})
    return {"pnc_persons": persons, "deaths": _nameless("deaths", deaths).filter(pa.array(day <= last))}


def _nameless(name: str, columns: dict[str, Any]) -> Any:
    rows = len(next(iter(columns.values())))
    blank = {field.name: pa.nulls(rows, field.type) for field in schema(name) if field.name not in columns}
    return table(name, blank | columns)


@lru_cache(maxsize=2)
def links(people: int) -> Any:
    """Give the links of records filed under true numbers."""
    numbers = np.arange(people)
    parts = [{"source": pa.array([source] * people), "key": texts(source[0].upper(), numbers)} for source in HELD]
    more = {"link_probability": np.ones(people), "study_id": numbers}
    return pa.concat_tables([pa.table(part | more) for part in parts])
