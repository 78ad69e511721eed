"""Poisson and logistic regression with clustered errors at a million rows and twenty columns, beside statsmodels and pyfixest.

Every pair runs in one process on the same data, warm; times are medians. Writes benchmarks/results/stats_regression.csv.
"""

from __future__ import annotations

import csv
import os
import platform
import sys
import time
import warnings
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from ldeval.stats.binary import logistic
from ldeval.stats.counts import poisson

ROWS, COLUMNS, AREAS = 1_000_000, 20, 45
REPEATS = 5
RESULTS = Path(__file__).parent / "results" / "stats_regression.csv"


def machine() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines() if Path("/proc/cpuinfo").exists() else []
    cpu = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    return f"{cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"


def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(ROWS, COLUMNS))
    X[:, 0] = 1.0
    area = rng.integers(0, AREAS, ROWS)
    eta = X @ np.linspace(-0.2, 0.2, COLUMNS) + 0.1 * rng.normal(size=AREAS)[area]
    return X, area, rng.poisson(np.exp(eta)).astype(float), (rng.random(ROWS) < 1 / (1 + np.exp(-eta))).astype(float)


def peers(kind: str, y: np.ndarray, X: np.ndarray, area: np.ndarray) -> dict[str, object]:
    import pyfixest
    from statsmodels.api import GLM, families

    family = families.Poisson() if kind == "poisson" else families.Binomial()
    frame = pd.DataFrame(X[:, 1:], columns=[f"x{j}" for j in range(1, COLUMNS)]).assign(y=y, area=area)
    formula = "y ~ " + " + ".join(f"x{j}" for j in range(1, COLUMNS))
    clusters = {"CRV1": "area"}

    def by_statsmodels() -> np.ndarray:
        fit = GLM(y, X, family=family).fit(cov_type="cluster", cov_kwds={"groups": area, "use_correction": False})
        return np.asarray(fit.bse)

    def by_pyfixest() -> np.ndarray:
        if kind == "poisson":
            fit = pyfixest.fepois(formula, frame, vcov=clusters, copy_data=False, store_data=False)
        else:
            fit = pyfixest.feglm(formula, frame, family="logit", vcov=clusters, copy_data=False, store_data=False)
        return np.asarray(fit.se())

    return {"statsmodels": by_statsmodels, "pyfixest": by_pyfixest}


def main() -> int:
    warnings.simplefilter("ignore")  # the peers' own
    X, area, counts, flags = data()
    rows = []
    for kind, y, ours in (("poisson", counts, poisson), ("logistic", flags, logistic)):
        calls = {"ldeval": lambda ours=ours, y=y: ours(y, X, cluster=area).tidy()["se"].to_numpy()}
        calls |= peers(kind, y, X, area)
        times: dict[str, list[float]] = {name: [] for name in calls}
        errors = {name: call() for name, call in calls.items()}
        for _ in range(REPEATS):
            for name, call in calls.items():
                begin = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - begin)
        own = median(times["ldeval"])
        for name, spent in times.items():
            ratio = median([there / here for there, here in zip(spent, times["ldeval"], strict=True)])
            agree = float(np.abs(errors[name] / errors["ldeval"] - 1).max())
            figures = [f"{median(spent):.2f}", f"{ratio:.2f}", f"{agree:.1e}"]
            rows.append([kind, ROWS, COLUMNS, AREAS, name, *figures, REPEATS, machine()])
        told = ", ".join(f"{row[4]} {row[6]} times that" for row in rows if row[0] == kind and row[4] != "ldeval")
        print(f"{kind}: ldeval {own:.2f} s; {told}", flush=True)
    header = ["model", "rows", "columns", "clusters", "package", "seconds", "times_ours", "largest_difference_of_errors"]
    header += ["repeats", "machine"]
    RESULTS.parent.mkdir(exist_ok=True)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return 0


if __name__ == "__main__":
    sys.exit(main())
