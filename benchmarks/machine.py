"""Describes the machine that a benchmark ran on, and writes its table."""

from __future__ import annotations

import csv
import os
import platform
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Say what ran: processor, cores, system and Python, with no name of the machine."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def write(name: str, rows: Sequence[dict[str, object]]) -> Path:
    """Print the rows and write them to `results/NAME.csv`, each with the machine's description where it has none of its own."""
    path = RESULTS / f"{name}.csv"
    RESULTS.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys([*rows[0], "machine"])), lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({"machine": machine(), **row})
            print("  ".join(f"{key}={value}" for key, value in row.items()))
    print(f"written to {path}")
    return path
