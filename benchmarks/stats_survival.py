"""Time Kaplan-Meier and Aalen-Johansen at a million rows against Python's other packages, on the same data in one run.

Run: python benchmarks/stats_survival.py. Peers that cannot share ldeval's environment (scikit-survival and SurPyval want an older
pandas) are measured by another interpreter that has them, named by the environment variable LDEVAL_PEERS. Each time is the median
of five warm runs, of one where a run takes longer than ten seconds; `inf` is more than a minute, or than memory holds. ldeval's
times include its checks of the input.
"""

from __future__ import annotations

import csv
import importlib.metadata
import json
import math
import os
import platform
import signal
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

ROWS = 1_000_000
SLOW, LIMIT = 10.0, 60
RUNS = 5
RESULTS = Path(__file__).parent / "results" / "stats_survival.csv"
HERE, ELSEWHERE = ("ldeval", "lifelines"), ("scikit-survival", "SurPyval")


def sample(kind: str) -> dict[str, np.ndarray]:
    """Two years of follow-up, two causes, half censored; whole days or continuous."""
    rng = np.random.default_rng(7)
    end = np.column_stack((rng.uniform(0, 1500, ROWS), rng.exponential(900, ROWS), rng.exponential(1500, ROWS))).clip(1e-3, 730)
    first = end.argmin(axis=1)
    shortest = end.min(axis=1)
    state = np.where(shortest < 730, first, 0)
    times = np.ceil(shortest) if kind == "days" else shortest
    return {
        "time": times,
        "state": state,
        "event": state > 0,
        "weights": rng.uniform(0.2, 3, ROWS),
        "area": rng.integers(0, 27, ROWS),
        "person": rng.integers(0, ROWS // 2, ROWS),
    }


def calls(package: str, d: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Give what a package can do, by the names of the cases."""
    return {"ldeval": of_ldeval, "lifelines": of_lifelines, "scikit-survival": of_sksurv, "SurPyval": of_surpyval}[package](d)


def of_ldeval(d: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], Any]]]:
    from ldeval.stats.competing import cumulative_incidence
    from ldeval.stats.survival import kaplan_meier

    rows, weights = (d["time"], d["event"]), d["weights"]
    causes = (d["time"], d["state"])
    yield "Kaplan-Meier", lambda: kaplan_meier(*rows)
    yield "Kaplan-Meier, weights", lambda: kaplan_meier(*rows, weights=weights)
    yield "Kaplan-Meier, weights, 27 clusters", lambda: kaplan_meier(*rows, weights=weights, cluster=d["area"])
    yield "Kaplan-Meier, weights, 500,000 clusters", lambda: kaplan_meier(*rows, weights=weights, cluster=d["person"])
    yield "Aalen-Johansen", lambda: cumulative_incidence(*causes, cause=1)
    yield "Aalen-Johansen, weights", lambda: cumulative_incidence(*causes, cause=1, weights=weights)
    yield (
        "Aalen-Johansen, weights, 27 clusters",
        lambda: cumulative_incidence(*causes, cause=1, weights=weights, cluster=d["area"]),
    )


def of_lifelines(d: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], Any]]]:
    from lifelines import AalenJohansenFitter, KaplanMeierFitter

    yield "Kaplan-Meier", lambda: KaplanMeierFitter().fit(d["time"], d["event"])
    yield "Kaplan-Meier, weights", lambda: KaplanMeierFitter().fit(d["time"], d["event"], weights=d["weights"])
    yield "Aalen-Johansen", lambda: AalenJohansenFitter().fit(d["time"], d["state"], event_of_interest=1)
    yield (
        "Aalen-Johansen, weights",
        lambda: AalenJohansenFitter().fit(d["time"], d["state"], event_of_interest=1, weights=d["weights"]),
    )


def of_sksurv(d: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Without the interval of Aalen-Johansen, which needs memory for times by times."""
    from sksurv.nonparametric import cumulative_incidence_competing_risks, kaplan_meier_estimator

    yield "Kaplan-Meier", lambda: kaplan_meier_estimator(d["event"], d["time"], conf_type="log-log")
    yield "Aalen-Johansen", lambda: cumulative_incidence_competing_risks(d["state"], d["time"])


def of_surpyval(d: dict[str, np.ndarray]) -> Iterator[tuple[str, Callable[[], Any]]]:
    import surpyval

    yield "Kaplan-Meier", lambda: surpyval.KaplanMeier.fit(d["time"], c=(~d["event"]).astype(int))
    causes = np.where(d["state"] == 0, None, d["state"]).astype(object)
    yield "Aalen-Johansen", lambda: surpyval.CompetingRisks.fit(d["time"], causes, c=(~d["event"]).astype(int))


def seconds(call: Callable[[], Any]) -> float:
    """Give the median of the warm runs; infinity where one takes longer than the limit or more memory than there is."""
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(LIMIT)
    try:
        return median_of_runs(call)
    except (TimeoutError, MemoryError):
        return math.inf
    finally:
        signal.alarm(0)


def give_up(*_: Any) -> None:
    raise TimeoutError


def median_of_runs(call: Callable[[], Any]) -> float:
    times: list[float] = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        signal.alarm(LIMIT)
        if times[0] > SLOW:
            return times[0]
    return statistics.median(times[1:])


def measure(packages: tuple[str, ...]) -> list[dict[str, Any]]:
    """Measure every case of these packages."""
    rows = []
    for kind in ("days", "continuous"):
        data = sample(kind)
        for package in packages:
            for case, call in calls(package, data):
                rows.append({"times": kind, "case": case, "package": package, "seconds": seconds(call)})
    for row in rows:
        row["version"] = importlib.metadata.version(row["package"].lower())
    return rows


def elsewhere() -> list[dict[str, Any]]:
    """Measure the peers of another interpreter, if one is named."""
    if not (python := os.environ.get("LDEVAL_PEERS")):
        return []
    done = subprocess.run([python, __file__, "--measure"], check=True, stdout=subprocess.PIPE, text=True)
    return list(json.loads(done.stdout.splitlines()[-1]))


def machine() -> str:
    """Describe the machine, and how busy it is."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    versions = f"Python {platform.python_version()}, numpy {np.__version__}"
    return f"{model}, {os.cpu_count()} cores, load {load:.1f} at the end, {platform.system()}, {versions}"


def main() -> None:
    warnings.simplefilter("ignore")  # peers warn of ties and fractional weights at each call
    if "--measure" in sys.argv:
        print(json.dumps(measure(ELSEWHERE)))
        return
    rows = [*measure(HERE), *elsewhere()]
    own = {(row["times"], row["case"]): row["seconds"] for row in rows if row["package"] == "ldeval"}
    rows.sort(key=lambda row: (row["times"], row["case"]))
    described = machine()
    print(f"{ROWS:,} rows; {described}")
    for row in rows:
        row["times_ldeval"] = row["seconds"] / own[row["times"], row["case"]]
        print(f"{row['times']:11} {row['case']:40} {row['package']:16} {row['seconds']:8.3f} s {row['times_ldeval']:8.1f} x")
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "rows", "machine"], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            short = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in row.items()}
            writer.writerow(short | {"rows": ROWS, "machine": described})


if __name__ == "__main__":
    main()
