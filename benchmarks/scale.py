"""Records to links and features as extracts grow: DuckDB with 4 GB and with 2 GB of memory, and Spark beside it.

    python benchmarks/scale.py [--sizes 10000 50000 200000 700000 2000000] [--most USERS] [--engines duckdb spark]
                               [--spark-to 50000] [--master 'local[*]']

The extracts are of a service's users alone (`copies`), so sizes are multiples of ten thousand. Every measurement runs in a
process of its own; Spark's Java counts with it. With 2 GB the larger sizes do not fit, and DuckDB works from the disk. Spark is
left out above `--spark-to` users (it needs the extra spark and Java). Writes benchmarks/results/scale.csv after every size: rows
that are measured again take the place of the last ones, all others stay.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from time import perf_counter, process_time

import pandas as pd
import psutil
import pyarrow.parquet as pq
from copies import BASE, copy_users
from machine import RESULTS, write

from ldeval.data.engine import Extracts, open_extracts
from ldeval.data.engine_spark import open_spark
from ldeval.data.features import write_features
from ldeval.data.folders import links_folder
from ldeval.data.linkage import link, write_links
from ldeval.data.linked import LINKS, read_links
from ldeval.root import STUDY_FILE
from ldeval.study import read_study

SIZES = (10_000, 50_000, 200_000, 700_000, 2_000_000)
SPARK_TO = 50_000
ENGINES = (("duckdb", "4GB"), ("duckdb", "2GB"), ("spark", "4GB"))
WHAT = ("users", "engine", "memory", "step")
STEPS = ("links", "features")
STUDY = read_study(Path(__file__).parent.parent / STUDY_FILE)


def opened(engine: str, memory: str, folder: Path, master: str) -> Extracts:
    if engine == "duckdb":
        return open_extracts(folder, memory=memory)
    settings = {"spark.driver.memory": memory.removesuffix("B").lower(), "spark.driver.maxResultSize": "2g"}
    return open_spark(folder, {}, master=master, settings=settings)


def work(step: str, extracts: Extracts, links: Path, made: Path) -> None:
    """Link, or make the features of records that are linked by the twin's truth."""
    if step == "links":
        at = pd.Timestamp(STUDY.study.referral_window[0])
        write_links(link(extracts, threshold=STUDY.linkage.threshold, seed=STUDY.linkage.seed, at=at), made)
    else:
        write_features(read_links(extracts, links), STUDY, made / "features")


def measure(step: str, engine: str, memory: str, folder: Path, master: str) -> dict[str, float]:
    """Do one step and say what it took, opening (and the start of Spark) included."""
    warnings.simplefilter("ignore")
    begun = perf_counter()
    work(step, opened(engine, memory, folder, master), links_folder(folder) / LINKS, folder.parent / f"{engine}-{memory}")
    seconds = perf_counter() - begun
    helpers = psutil.Process().children(recursive=True)
    cpu = process_time() + sum(sum(helper.cpu_times()[:2]) for helper in helpers)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 + sum(peak_of(helper.pid) for helper in helpers)
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": peak}


def peak_of(process: int) -> float:
    """Give the most memory that a process ever had, in MB."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def apart(step: str, engine: str, memory: str, folder: Path, master: str) -> dict[str, object]:
    """Measure in a process of its own; one that dies (of memory, say) is a row without figures."""
    command = [sys.executable, __file__, "--measure", step, engine, memory, str(folder), "--master", master]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder.parent)
    if done.returncode:
        print(done.stderr.strip().splitlines()[-1:], file=sys.stderr)
        return {"seconds": "", "cpu_seconds": "", "peak_mb": ""}
    return {key: round(value, 1) for key, value in json.loads(done.stdout.splitlines()[-1]).items()}


def rows_of(users: int, engines: list[tuple[str, str]], master: str) -> list[dict[str, object]]:
    """Measure engines at one size."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "twin"
        copy_users(folder, users // BASE)
        rows = sum(pq.read_metadata(path).num_rows for path in folder.glob("*.parquet"))
        found = []
        for engine, memory in engines:
            for step in STEPS:
                load = f"{os.getloadavg()[0]:.1f}"
                took = apart(step, engine, memory, folder, master)
                speed = round(rows / float(str(took["seconds"]))) if took["seconds"] else ""
                found.append(
                    {"users": users, "rows": rows, "engine": engine, "memory": memory, "step": step}
                    | took
                    | {"rows_per_second": speed, "load_at_start": load}
                )
        return found


def keep(found: list[dict[str, object]]) -> None:
    """Write what was found among the rows of earlier runs, in order."""
    path = RESULTS / "scale.csv"
    with path.open(newline="", encoding="utf-8") as file:
        earlier: list[dict[str, object]] = [dict(row) for row in csv.DictReader(file)]
    rows = {tuple(str(row[name]) for name in WHAT): row for row in [*earlier, *found]}
    order = [(engine, memory, step) for engine, memory in ENGINES for step in STEPS]
    write("scale", [rows[key] for key in sorted(rows, key=lambda key: (int(key[0]), order.index(key[1:])))])  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--most", type=int, default=max(SIZES), metavar="USERS")
    parser.add_argument("--engines", choices=("duckdb", "spark"), nargs="+", default=("duckdb", "spark"))
    parser.add_argument("--spark-to", type=int, default=SPARK_TO)
    parser.add_argument("--master", default="local[*]")
    parser.add_argument("--measure", nargs=4, metavar=("STEP", "ENGINE", "MEMORY", "FOLDER"), help="for a process of its own")
    asked = parser.parse_args()
    if asked.measure:
        step, engine, memory, folder = asked.measure
        print(json.dumps(measure(step, engine, memory, Path(folder), asked.master)))
        return
    for users in (users for users in asked.sizes if users <= asked.most):
        engines = [each for each in ENGINES if each[0] in asked.engines and (each[0] != "spark" or users <= asked.spark_to)]
        keep(rows_of(users, engines, asked.master))


if __name__ == "__main__":
    main()
