"""Time and memory of the features as the extracts grow, with pandas beside the part that both do.

    python benchmarks/features.py [users|everyone [USERS ...]]

Two extracts are measured. That of *users* is what a keeper gives who is asked for the users of a service alone: their own
records, police and courts from a year before the window on, and a few other people; it is one small twin, copied with keys of
its own for each copy. That of *everyone* is a twin as it is: with each user come the others of their window and area, their
lives in police records, and all court cases of the areas.

Every measurement runs in a process of its own. The whole is all that `ldeval features` writes; the core is index events, previous
offences and reconvictions, which pandas does too. Records are linked by the twin's truth, so that linkage is not measured here.
Event rows are those of extracts that are dated; rows count people and areas too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, process_time

import duckdb
import pandas as pd
import pyarrow.parquet as pq
from copies import BASE, LINK, copy_users
from machine import write

from ldeval.data.cohort import draw_cohort, rules
from ldeval.data.engine import open_extracts, write_table
from ldeval.data.extracts_justice import PROVEN
from ldeval.data.features import write_features
from ldeval.data.features_justice import offences_of, previous_offences, reconvictions
from ldeval.data.folders import links_folder, truth_folder
from ldeval.data.linked import LINKS, Linked, read_links
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.root import STUDY_FILE
from ldeval.study import read_study

SIZES = {"users": (10_000, 100_000, 1_000_000), "everyone": (10_000, 40_000, 150_000)}
"""Expected users of each kind of extract: at the top of either are some 30 million event rows."""

MEMORY = "4GB"
STUDY = read_study(Path(__file__).parent.parent / STUDY_FILE)


def linked(folder: Path) -> Linked:
    """Open the extracts with links that make no error."""
    return read_links(open_extracts(folder, memory=MEMORY), links_folder(folder) / LINKS)


def whole(folder: Path) -> None:
    write_features(linked(folder), STUDY, folder.parent / "whole")


def core(folder: Path) -> None:
    records, rule = linked(folder), rules(STUDY)[0]
    people = records.extracts.hold(draw_cohort(records, rule).people)
    offences = records.extracts.hold(offences_of(records, people, rule))
    done = people.left_join(previous_offences(offences), "study_id").drop("study_id_right")
    again = reconvictions(offences, rule.follow_up_days, rule.conviction_wait_days)
    write_table(done.left_join(again, "study_id").drop("study_id_right"), folder.parent / "core.parquet")


def core_in_pandas(folder: Path) -> None:
    rule = rules(STUDY)[0]
    links = pd.read_parquet(links_folder(folder) / LINKS).query("source == 'pnc'")
    events = pd.read_parquet(folder / "pnc_events.parquet").merge(links, left_on="pnc_person_id", right_on="key")
    events["event_date"] = pd.to_datetime(events["event_date"])
    first, stop = pd.Timestamp(rule.first), pd.Timestamp(rule.stop)
    eligible = (
        events["event_date"].between(first, stop, inclusive="left") & events["vulnerable"] & (events["age"] >= rule.adult_age)
    )
    index = events[eligible].sort_values(["event_date", "event_id"]).drop_duplicates("study_id")
    index = index[["study_id", "event_id", "event_date"]].rename(columns={"event_id": "index_id", "event_date": "index_date"})
    offences = pd.read_parquet(folder / "pnc_offences.parquet").merge(events[["event_id", "study_id"]], on="event_id")
    offences = offences.merge(index, on="study_id")
    lags = {name: (pd.to_datetime(offences[f"{name}_date"]) - offences["index_date"]).dt.days for name in ("offence", "disposal")}
    proven = offences["disposal"].isin(PROVEN)
    previous = offences[proven & (lags["disposal"] < 0)].groupby("study_id").size().rename("previous_offences")
    in_time = lags["offence"].between(1, rule.follow_up_days - 1) & (lags["disposal"] < rule.proven_within)
    again = offences.assign(lag=lags["offence"])[proven & in_time & (offences["event_id"] != offences["index_id"])]
    first_again = again.groupby("study_id")["lag"].min().rename("reoffence_days")
    index.merge(previous, on="study_id", how="left").merge(first_again, on="study_id", how="left").to_parquet(
        folder.parent / "pandas.parquet"
    )


WORK: dict[str, Callable[[Path], None]] = {"whole": whole, "core": core, "core in pandas": core_in_pandas}


def measure(name: str, folder: Path) -> None:
    """Do one piece of work and say what it took."""
    warnings.simplefilter("ignore", DeprecationWarning)
    begun, cpu = perf_counter(), process_time()
    WORK[name](folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    took = {"seconds": perf_counter() - begun, "cpu_seconds": process_time() - cpu, "peak_mb": peak}
    print(json.dumps({key: round(value, 1) for key, value in took.items()}))


def make(kind: str, folder: Path, users: int) -> dict[str, int]:
    """Write extracts and their true links; gives their size."""
    if kind == "users":
        copy_users(folder, users // BASE)
    else:
        twin = write_twin(Design("identified", 1, users), folder, processes=2)
        links_folder(folder).mkdir()
        with duckdb.connect() as database:
            who = f"read_parquet('{truth_folder(twin.folder) / 'identities.parquet'}')"
            database.execute(f"COPY ({LINK.format(key='source_person_id', who=who)}) TO '{links_folder(folder) / LINKS}'")
    rows = {path.stem: pq.read_metadata(path).num_rows for path in folder.glob("*.parquet")}
    events = sum(number for name, number in rows.items() if EXTRACTS[name].dated_by and name != "deaths")
    return {"rows": sum(rows.values()), "event_rows": events}


def rows_of(kind: str, users: int) -> list[dict[str, object]]:
    """Measure every piece of work at one size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "twin"
        size: dict[str, object] = {"extract": kind, "users": users} | make(kind, folder, users)
        return [size | {"work": name} | run_apart(name, folder) for name in WORK]


def run_apart(name: str, folder: Path) -> dict[str, object]:
    """Run one piece of work in a process of its own; one that dies (of memory, say) is a row without figures."""
    command = [sys.executable, __file__, "--measure", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return {"seconds": "", "cpu_seconds": "", "peak_mb": ""}
    figures: dict[str, object] = json.loads(done.stdout)
    return figures


def main(arguments: list[str]) -> None:
    """Measure, or do the one piece of work that a process of its own is for."""
    if arguments[:1] == ["--measure"]:
        measure(arguments[1], Path(arguments[2]))
        return
    load = f"{os.getloadavg()[0]:.1f}"
    kinds = [arguments[0]] if arguments else list(SIZES)
    sizes = {kind: [int(argument) for argument in arguments[1:]] or SIZES[kind] for kind in kinds}
    rows = [row for kind, each in sizes.items() for users in each for row in rows_of(kind, users)]
    write("features", [row | {"load_at_start": load} for row in rows])


if __name__ == "__main__":
    main(sys.argv[1:])
