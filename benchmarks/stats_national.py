"""Cox, Poisson and logistic fits as the report calls them, on as many rows as a nation has people.

    python benchmarks/stats_national.py [--rows 10000000]

Each fit runs once, in a process of its own: ten columns, 150 areas as clusters, weights, times in days, and who is seen late
enters late. Writes benchmarks/results/stats_national.csv.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
from time import perf_counter, process_time

import numpy as np
from machine import write

from ldeval.stats.binary import logistic
from ldeval.stats.counts import poisson
from ldeval.stats.cox import cox

ROWS, COLUMNS, AREAS, DAYS = 10_000_000, 10, 150, 365
MODELS = ("Cox", "Poisson", "logistic")


def fit(model: str, rows: int) -> dict[str, float]:
    """Draw the rows, then fit and tidy; drawing is not counted."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((rows, COLUMNS))
    if model != "Cox":
        X[:, 0] = 1.0
    area = rng.integers(0, AREAS, rows)
    eta = X @ np.linspace(-0.2, 0.2, COLUMNS)
    weights = rng.uniform(0.5, 1.5, rows)
    if model == "Cox":
        ends = rng.exponential(900.0, rows) * np.exp(-eta)
        time, event = np.minimum(np.ceil(ends), DAYS), (ends <= DAYS).astype(float)
        entry = np.where((rng.random(rows) < 0.1) & (time > 7), 7.0, 0.0)
    else:
        y = (
            rng.poisson(np.exp(eta)).astype(float)
            if model == "Poisson"
            else (rng.random(rows) < 1 / (1 + np.exp(-eta))).astype(float)
        )
    begun, cpu = perf_counter(), process_time()
    if model == "Cox":
        done = cox(time, event, X, entry=entry, weights=weights, cluster=area, small_sample="CR2")
    elif model == "Poisson":
        done = poisson(y, X, weights=weights, cluster=area, small_sample="CR2")
    else:
        done = logistic(y, X, weights=weights, cluster=area, small_sample="CR2")
    done.tidy()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": perf_counter() - begun, "cpu_seconds": process_time() - cpu, "peak_mb": peak}


def apart(model: str, rows: int) -> dict[str, object]:
    """Fit in a process of its own."""
    command = [sys.executable, __file__, "--rows", str(rows), "--fit", model]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    figures = {key: round(value, 1) for key, value in json.loads(told).items()}
    return {"model": model, "rows": rows, "columns": COLUMNS, "clusters": AREAS} | figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--fit", choices=MODELS, help="one fit, for a process of its own")
    asked = parser.parse_args()
    if asked.fit:
        print(json.dumps(fit(asked.fit, asked.rows)))
        return
    write("stats_national", [apart(model, asked.rows) for model in MODELS])


if __name__ == "__main__":
    main()
