"""Records to links and features as the twin grows: DuckDB with 4 GB and with 2 GB of memory, and Spark beside it.

    python benchmarks/scale.py [--sizes 10000 40000 150000 600000 2000000] [--spark-to 150000] [--master 'local[*]']

Sizes are expected users; everybody else in their windows and areas comes with them. Every measurement runs in a process of
its own; Spark's Java counts with it. With 2 GB the larger sizes do not fit, and the engine works from the disk. Spark is left
out above `--spark-to` users (it needs the extra spark and Java). Writes benchmarks/results/scale.csv, anew after every size.
"""

from __future__ import annotations

import argparse
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
from machine import write

from ldeval.data.engine import Extracts, open_extracts
from ldeval.data.engine_spark import open_spark
from ldeval.data.features import write_features
from ldeval.data.linkage import link, write_links
from ldeval.data.linked import LINKS, read_links
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.study import STUDY_FILE, read_study

SIZES = (10_000, 40_000, 150_000, 600_000, 2_000_000)
SPARK_TO = 150_000
ENGINES = (("duckdb", "4GB"), ("duckdb", "2GB"), ("spark", "4GB"))
STEPS = ("links", "features")
STUDY = read_study(Path(__file__).parent.parent / STUDY_FILE)


def opened(engine: str, memory: str, folder: Path, master: str) -> Extracts:
    if engine == "duckdb":
        return open_extracts(folder, memory=memory)
    settings = {"spark.driver.memory": memory.removesuffix("B").lower(), "spark.driver.maxResultSize": "2g"}
    return open_spark(folder, {}, master=master, settings=settings)


def work(step: str, extracts: Extracts, made: Path) -> None:
    """Link, or make the features of what DuckDB linked with 4 GB."""
    if step == "links":
        at = pd.Timestamp(STUDY.study.referral_window[0])
        write_links(link(extracts, threshold=STUDY.linkage.threshold, seed=STUDY.linkage.seed, at=at), made)
    else:
        write_features(read_links(extracts, made.parent / "duckdb-4GB" / LINKS), STUDY, made / "features")


def measure(step: str, engine: str, memory: str, folder: Path, master: str) -> dict[str, float]:
    """Do one step and say what it took, opening (and the start of Spark) included."""
    warnings.simplefilter("ignore")
    begun = perf_counter()
    work(step, opened(engine, memory, folder, master), folder.parent / f"{engine}-{memory}")
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


def rows_of(users: int, spark: bool, master: str) -> list[dict[str, object]]:
    """Measure every engine at one size."""
    load = f"{os.getloadavg()[0]:.1f}"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "twin"
        twin = write_twin(Design("identified", 1, users), folder, processes=2)
        rows = sum(pq.read_metadata(path).num_rows for path in twin.folder.glob("*.parquet"))
        found = []
        for engine, memory in ENGINES:
            for step in STEPS if engine == "duckdb" or spark else ():
                took = apart(step, engine, memory, folder, master)
                speed = round(rows / float(str(took["seconds"]))) if took["seconds"] else ""
                found.append(
                    {"users": users, "rows": rows, "engine": engine, "memory": memory, "step": step}
                    | took
                    | {"rows_per_second": speed, "load_at_start": load}
                )
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--spark-to", type=int, default=SPARK_TO)
    parser.add_argument("--master", default="local[*]")
    parser.add_argument("--measure", nargs=4, metavar=("STEP", "ENGINE", "MEMORY", "FOLDER"), help="for a process of its own")
    asked = parser.parse_args()
    if asked.measure:
        step, engine, memory, folder = asked.measure
        print(json.dumps(measure(step, engine, memory, Path(folder), asked.master)))
        return
    found: list[dict[str, object]] = []
    for users in asked.sizes:
        found += rows_of(users, users <= asked.spark_to, asked.master)
        write("scale", found)


if __name__ == "__main__":
    main()
