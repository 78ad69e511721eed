"""Time ldeval's Cox model against lifelines, and R's coxph where Rscript is on the path, on the same data in one run.

Run: python benchmarks/stats.py. Each pair is measured in turn, run by run, so that whatever else the machine does hits both; a
ratio is the median of the pairs' ratios. Peers that need minutes get fewer rows or runs, and the table says so.

The ratio to lifelines depends on what else runs: on a busy machine its many small products wait for each other, on an idle one of
two cores they take 2 to 3 s in the first row. Processor seconds, of all threads together, stand beside the seconds on the clock.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from machine import write

from ldeval.stats.cox import cox
from ldeval.stats.resample import cluster_bootstrap

RUNS = 5
R_ONCE = {300_000: 760.0, 100_000: 68.0}
"""Seconds that R's coxph (survival 3.5-3) took once for so many rows with 45 clusters: too long to measure each time."""
R_SCRIPT = """
library(survival); a <- commandArgs(TRUE); d <- read.csv(a[1]); n <- as.integer(a[2])
f <- if (a[3] == "cluster") Surv(t, e) ~ . - area else Surv(t, e) ~ .
run <- function() if (a[3] == "cluster") coxph(f, d, cluster = area) else coxph(f, d)
for (i in seq_len(n)) cat(system.time(run())[["elapsed"]], "\\n")
"""


def sample(rows: int, columns: int, *, daily: bool = True, seed: int = 1) -> dict[str, Any]:
    """Two years of follow-up, four in ten with an event; a third of the columns are 0 or 1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    X[:, ::3] = X[:, ::3] > 0.5
    time_to_event = rng.exponential(800 * np.exp(-(X @ np.linspace(-0.3, 0.3, columns))))
    end = rng.uniform(200, 730, rows)
    follow_up = np.minimum(time_to_event, end)
    return {"time": np.ceil(follow_up) if daily else follow_up, "event": time_to_event <= end, "X": X}


def everything(case: dict[str, Any]) -> dict[str, Any]:
    """Add late entry, fractional weights, five strata and 45 clusters."""
    rng = np.random.default_rng(2)
    rows = len(case["time"])
    entry = np.minimum(np.floor(case["time"] * rng.random(rows) / 2), case["time"] - 1)
    options = {"weights": rng.uniform(0.2, 3, rows), "strata": rng.integers(0, 5, rows), "cluster": rng.integers(0, 45, rows)}
    return {**case, "entry": entry, **options}


def seconds(call: Callable[[], object]) -> tuple[float, float]:
    """Time a call on the clock and in processor seconds."""
    start, busy = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - start, time.process_time() - busy


def pair(name: str, first: Callable[[], object], second: Callable[[], object], *, runs: int = RUNS) -> dict[str, object]:
    """Measure two calls in turn, warm where there are several runs; the ratio is of the second's time to the first's."""
    first()
    if runs > 1:
        second()
    times = [seconds(first) + seconds(second) for _ in range(runs)]
    ours, busy, theirs, their_busy = (statistics.median(side) for side in zip(*times, strict=True))
    ratio = statistics.median(run[2] / run[0] for run in times)
    return row(name, ours, theirs, ratio, runs, busy=busy, their_busy=their_busy)


def row(
    name: str, ours: float, theirs: float | None, ratio: float | None, runs: int, *, busy: float, their_busy: float | None = None
) -> dict[str, object]:
    found = {"seconds": ours, "other_seconds": theirs, "ratio": ratio, "cpu_seconds": busy, "other_cpu_seconds": their_busy}
    return {"what": name, **{key: "" if value is None else round(value, 3) for key, value in found.items()}, "runs": runs}


def lifelines_fit(case: dict[str, Any]) -> Callable[[], object]:
    import pandas as pd
    from lifelines import CoxPHFitter

    data = pd.DataFrame(case["X"], columns=[f"x{j}" for j in range(case["X"].shape[1])])
    data = data.assign(t=case["time"], e=case["event"].astype(int))
    options = {}
    if "cluster" in case:
        data["area"], options["cluster_col"] = case["cluster"], "area"
    return lambda: CoxPHFitter().fit(data, "t", "e", **options)


def r_times(case: dict[str, Any], runs: int) -> list[float]:
    """Time R's coxph on the same rows, without reading them."""
    import pandas as pd

    data = pd.DataFrame(case["X"]).add_prefix("x").assign(t=case["time"], e=case["event"].astype(int))
    kind = "cluster" if "cluster" in case else "plain"
    if kind == "cluster":
        data["area"] = case["cluster"]
    with tempfile.TemporaryDirectory() as folder:
        script, table = Path(folder) / "cox.R", Path(folder) / "data.csv"
        script.write_text(R_SCRIPT)
        data.to_csv(table, index=False)
        done = subprocess.run(["Rscript", str(script), str(table), str(runs), kind], capture_output=True, text=True, check=True)
    return [float(value) for value in done.stdout.split()]


def against_r(name: str, case: dict[str, Any], runs: int) -> list[dict[str, object]]:
    if shutil.which("Rscript") is None:
        return []
    return [against(name, case, statistics.median(r_times(case, runs)))]


def against(name: str, case: dict[str, Any], theirs: float) -> dict[str, object]:
    """Set our time beside a known one."""
    cox(**case)
    ours, busy = (statistics.median(side) for side in zip(*(seconds(lambda: cox(**case)) for _ in range(RUNS)), strict=True))
    return row(name, ours, theirs, theirs / ours, RUNS, busy=busy)


def memory(rows: int, columns: int) -> list[dict[str, object]]:
    """Peak of what numpy allocates during a fit, the caller's X not counted, over the size of X: of an array and of a frame."""
    import pandas as pd

    case = sample(rows, columns)
    found = []
    for kind, X in (("an array", case["X"]), ("a DataFrame", pd.DataFrame(case["X"]).add_prefix("x"))):
        tracemalloc.start()
        cox(case["time"], case["event"], X)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        name = f"Cox {rows:,} x {columns}: peak memory beyond X itself, {kind}, in sizes of X"
        none = dict.fromkeys(("seconds", "other_seconds", "cpu_seconds", "other_cpu_seconds"), "")
        found.append({"what": name, **none, "ratio": round(peak / case["X"].nbytes, 2), "runs": 1})
    return [{key: one[key] for key in row("", 0, 0, 0, 1, busy=0)} for one in found]


def bootstrap() -> list[dict[str, object]]:
    """Time a cluster bootstrap of 999 draws."""
    case = sample(17_000, 10)
    areas = np.random.default_rng(3).integers(0, 42, 17_000)

    def draws() -> object:
        return cluster_bootstrap(lambda some: cox(**some).coefficients, case, cluster=areas, draws=999, seed=1)

    ours, busy = seconds(draws)
    return [row("Cox 17,000 x 10, 42 clusters, bootstrap of 999 draws", ours, None, None, 1, busy=busy)]


def cox_rows() -> list[dict[str, object]]:
    rows = [pair_of("Cox 1,000,000 x 20, daily ties: lifelines", sample(1_000_000, 20))]
    rows.append(pair_of("Cox 1,000,000 x 20, continuous times: lifelines (one run)", sample(1_000_000, 20, daily=False), runs=1))
    rows += [*options(), *clusters(), *bootstrap(), *growth(), *memory(1_000_000, 20)]
    return rows + against_r("Cox 1,000,000 x 20, daily ties: R", sample(1_000_000, 20), 3)


def pair_of(name: str, case: dict[str, Any], *, runs: int = RUNS) -> dict[str, object]:
    return pair(name, lambda: cox(**case), lifelines_fit(case), runs=runs)


def options() -> list[dict[str, object]]:
    plain, continuous = sample(1_000_000, 20), sample(1_000_000, 20, daily=False)
    full = everything(plain)
    return [
        pair("Cox 1,000,000 x 20: continuous times against daily", lambda: cox(**plain), lambda: cox(**continuous)),
        pair("Cox 1,000,000 x 20: all options against none", lambda: cox(**plain), lambda: cox(**full)),
    ]


def clusters() -> list[dict[str, object]]:
    """R took 760 s for 300,000 rows and 68 s for 100,000; lifelines 132 s for 100,000: fewer rows here."""
    case = sample(300_000, 10)
    areas = np.random.default_rng(3).integers(0, 45, 300_000)
    some = first_rows(case | {"cluster": areas}, 10_000)
    rows = [pair("Cox 300,000 x 10: 45 clusters against none", lambda: cox(**case), lambda: cox(**case, cluster=areas))]
    rows += [
        against(f"Cox {count:,} x 10, 45 clusters: R, measured once", first_rows(case | {"cluster": areas}, count), known)
        for count, known in R_ONCE.items()
    ]
    rows.append(pair_of("Cox 10,000 x 10, 45 clusters: lifelines", some, runs=3))
    return rows + against_r("Cox 10,000 x 10, 45 clusters: R", some, 3)


def first_rows(case: dict[str, Any], count: int) -> dict[str, Any]:
    return {key: value[:count] for key, value in case.items()}


def growth() -> list[dict[str, object]]:
    """Ten times the rows should take little more than ten times as long."""
    found = []
    for rows in (10_000, 100_000, 1_000_000):
        few, many = sample(rows, 10), sample(10 * rows, 10)
        runs = RUNS if rows < 1_000_000 else 2
        name = f"Cox {10 * rows:,} x 10 against {rows:,}"
        found.append(pair(name, lambda few=few: cox(**few), lambda many=many: cox(**many), runs=runs))
    return found


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # those of peers
    write("stats", cox_rows())
