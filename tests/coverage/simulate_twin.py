"""Do the headline intervals cover the twin's truth, and do the alarms ring? 200 draws of both twins at feature level.

`python tests/coverage/simulate_twin.py [folder]` draws, runs the analyses of the report on each draw, and writes the tables of the
folder `twin` beside this file. What each draw gave is kept in `folder` (`_build/draws` by default), so that a run that was
stopped goes on where it was.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Any

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")  # two processes draw side by side

import numpy as np
import pandas as pd
from twin_draw import Drawn, Machine, draw

from ldeval.analysis import custody_days, diversion, hidden_causes, reconviction, reoffending, robustness, service_use, timeliness
from ldeval.analysis.court_cohorts import cohorts
from ldeval.analysis.findings import Findings, Table
from ldeval.analysis.own_control import own_control, placebo
from ldeval.analysis.records import compare
from ldeval.study import read_study

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "twin"
TWINS = ("identified", "hidden")
SEED = 500_000
DRAWS = 200
USERS = 8729
PROCESSES = 2


def analyses(drawn: Drawn) -> Findings:
    """Run the headline analyses of the report, and its alarms, on one draw."""
    days = drawn.study.study.follow_up_days
    people = compare(drawn, "diversion")
    cases = diversion.race(people, days)
    found = diversion.primary(cases) + diversion.intention_to_treat(drawn) + diversion.given_sentence(cases)
    found += custody_days.differences(people, days) + robustness.few_clusters(cases)
    spell = reconviction.spells_of(drawn)
    found += reconviction.hazards(spell, drawn.study.outcomes["reconviction"].matters)
    found += reconviction.times_and_shares(spell) + reoffending.rate(spell)
    courts = cohorts(drawn.table("area_months"), drawn.study.data.extract_end)
    found += timeliness.by_court({"": courts}) + timeliness.event_studies(courts)
    found += hidden_causes.hidden_causes(drawn)
    panel = own_control(drawn.table("panel_study"), drawn.people, ("ae_attendances",))
    gaps = {name: "not drawn" for name in service_use.OUTCOMES if name != "ae_attendances"}
    return found + service_use.later_referred(panel, placebo(panel, days), gaps)


def rows_of(found: Findings) -> Iterator[dict[str, Any]]:
    """Give every estimate, and every number of the alarms' tables, as a row."""
    for e in found.estimates:
        yield {"id": e.id, "value": e.value, "se": e.se, "scale": e.scale, "low": e.low, "high": e.high, "p_value": e.p_value}
    for table in found.exhibits:
        if isinstance(table, Table) and table.id in TABLES:
            names = [column.name for column in table.columns]
            for number, row in enumerate(table.rows):
                for name, cell in zip(names, row, strict=True):
                    if isinstance(cell, float):
                        yield {"id": f"{table.id}/{number}/{name}", "value": cell}


TABLES = (
    *("robustness-e-values", "robustness-tipping", "robustness-alarm", "robustness-wild"),
    *("timeliness-leads", "reconviction-proportional"),
)


def one(number: int, folder: Path) -> int:
    """Draw one seed of both twins, unless that was done, and keep what the analyses gave."""
    place = folder / f"{number:03d}.csv"
    if place.is_file():
        return number
    global MACHINE
    if MACHINE is None:
        MACHINE = Machine(read_study(ROOT / "study.toml"))
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    parts = []
    for twin, drawn in draw(MACHINE, TWINS, SEED + number, USERS):
        parts.append(pd.DataFrame(rows_of(analyses(drawn))).assign(twin=twin, draw=number))
    unfinished = place.with_suffix(".part")
    pd.concat(parts).to_csv(unfinished, index=False)
    unfinished.replace(place)
    return number


MACHINE: Machine | None = None


def run(folder: Path, draws: int = DRAWS, processes: int = PROCESSES) -> pd.DataFrame:
    """Draw as often as asked, and give what every draw gave."""
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(one, number, folder) for number in range(draws)]):
            print(f"draw {done.result()}", flush=True)
    return pd.concat([pd.read_csv(folder / f"{number:03d}.csv") for number in range(draws)])


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
