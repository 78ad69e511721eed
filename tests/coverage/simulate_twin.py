"""Do the headline intervals cover the twin's truth, and do the alarms ring? 200 draws of both twins at feature level.

`python tests/coverage/simulate_twin.py [draws]` draws, runs the analyses of the report on each draw, and writes the tables of the
folder `twin` beside this file. What each draw gave is kept in `_build/draws`, so that a run that was stopped goes on where it
was; delete that folder when the twin or an analysis has changed.
"""

from __future__ import annotations

import gc
import os
import sys
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from twin_draw import Drawn, Machine, draw

from ldeval.analysis import custody_days, diversion, hidden_causes, reconviction, reoffending, robustness, service_use, timeliness
from ldeval.analysis.court_cohorts import cohorts
from ldeval.analysis.exhibits import Table
from ldeval.analysis.findings import Findings
from ldeval.analysis.own_control import own_control, placebo
from ldeval.analysis.records import compare
from ldeval.data.truth import TRUTH_FOLDER
from ldeval.data.twin_parameters import TwinName
from ldeval.estimate import read_csv
from ldeval.stats import adjusted, binary
from ldeval.stats.doors import Design
from ldeval.stats.weights import propensity_weights
from ldeval.study import read_study

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "twin"
KEPT = ROOT / "_build" / "draws"
TWINS: tuple[TwinName, ...] = ("identified", "hidden")
SEED = 500_000
DRAWS = 200
USERS = 8729
PROCESSES = 2
BAND = 0.999
"""A share falls outside its band once in a thousand tables by chance alone, as in the other tables of coverage."""

AGAIN = {
    "robustness/risk_difference/cr1t": "diversion/risk_difference/att",
    "robustness/risk_difference/cr2": "diversion/risk_difference/att",
    "robustness/risk_difference/area_deprivation": "diversion/risk_difference/att",
}
"""Other estimates of a headline effect, and the id of their truth."""
TABLES = ("robustness-e-values", "robustness-tipping", "robustness-alarm", "timeliness-leads", "reconviction-proportional")
"""Tables whose numbers are kept."""

TESTS = {
    "robustness-alarm/0/p_value": "Negative controls, all together",
    "robustness/negative_control/previous_events_year": "Arrests in the year before",
    "robustness/negative_control/previous_custody": "Custodial sentences before",
    "robustness/negative_control/custody_days_before": "Days in custody in the year before",
    "timeliness-leads/0/p_value": "Changes before the start, completed within 90 days",
    "timeliness-leads/1/p_value": "Changes before the start, completed within 180 days",
    "timeliness-leads/2/p_value": "Changes before the start, mean days",
    "reconviction/hazard_ratio/att": "An effect on reconviction is found, where there is next to none",
    "service_use/ae_attendances/placebo/later": "A&E attendances of those referred later, same calendar months",
}
"""Alarms that are tests at 5%."""
STRENGTHS = {
    "robustness-e-values/0/bound": ("E-value of custody's interval below 2", 2.0, -1),
    "robustness-tipping/1/bound": ("A need of 80% of users, 40% of comparators that halves custody would do", 0.5, 1),
}
"""Alarms that are no tests: the number, a limit of ours, and the side of it on which they ring."""


def analyses(drawn: Drawn) -> Findings:
    """Run the headline analyses of the report, and its alarms, on one draw."""
    days = drawn.study.study.follow_up_days
    people = compare(drawn, "diversion")
    cases = diversion.race(people, days)
    found = diversion.primary(cases) + diversion.intention_to_treat(drawn) + diversion.given_sentence(cases)
    found += custody_days.differences(people, days) + robustness.few_clusters(cases)
    with_area = robustness.risk_difference(robustness.with_area(cases), "robustness/risk_difference/area_deprivation", "")
    found += Findings((with_area,))
    spell = reconviction.spells_of(drawn)
    found += reconviction.hazards(spell, drawn.study.outcomes["reconviction"].matters)
    found += reconviction.times_and_shares(spell) + reoffending.rate(spell)
    courts = cohorts(drawn.table("area_months"), drawn.study.data.extract_end)
    found += timeliness.by_court({"": courts}) + timeliness.event_studies(courts)
    return found + hidden_causes.strength(drawn, cases) + hidden_causes.prior_outcomes(people)


def later_referred(drawn: Drawn) -> Findings:
    """Run the placebo of people referred later."""
    panel = own_control(drawn.table("panel_study"), drawn.people, ("ae_attendances",))
    gaps = {name: "not drawn" for name in service_use.OUTCOMES if name != "ae_attendances"}
    return service_use.later_referred(panel, placebo(panel, drawn.study.study.follow_up_days), gaps)


def rows_of(found: Findings) -> Iterator[dict[str, Any]]:
    """Give every estimate, and every number of the alarms' tables, as a row."""
    for e in found.estimates:
        yield {"id": e.id, "value": e.value, "se": e.se, "scale": e.scale, "low": e.low, "high": e.high, "p_value": e.p_value}
    for table in found.exhibits:
        if isinstance(table, Table) and table.id in TABLES:
            names = [column.name for column in table.columns]
            for number, row in enumerate(table.rows):
                cells = zip(names, row, strict=True)
                yield from (
                    {"id": f"{table.id}/{number}/{name}", "value": cell} for name, cell in cells if isinstance(cell, float)
                )


def remember() -> None:
    """Let the analyses of a draw share what several of them fit: scores of the same people, the spells of the same records."""
    gc.disable()  # `one` looks for cycles after each draw: amid millions of objects each search is long
    reconviction.spells_of = hidden_causes.spells_of = lru_cache(maxsize=1)(reconviction.spells_of)
    binary.fit_logistic = once(binary.fit_logistic)
    weigh = once(propensity_weights)
    for module in (adjusted, diversion, reconviction, robustness):
        module.propensity_weights = weigh  # type: ignore[attr-defined]


def once(fit: Callable[..., Any]) -> Callable[..., Any]:
    """Let a fit to an arm or outcome and a design answer from memory where it was among the last few that were asked for."""
    known: deque[tuple[Any, Any, Any, Any]] = deque(maxlen=4)

    def answer(y: Any, X: Any, *weights: Any, **options: Any) -> Any:
        if any(part is not None for part in weights):
            return fit(y, X, *weights, **options)
        design = X.matrix if isinstance(X, Design) else X.to_numpy()
        for other, people, asked, found in known:
            if asked == options and np.array_equal(people, design) and np.array_equal(other, y):
                return found
        known.append((y, design, options, fit(y, X, *weights, **options)))
        return known[-1][-1]

    return answer


@lru_cache(maxsize=1)
def machine() -> Machine:
    """Give this process's own."""
    return Machine(read_study(ROOT / "study.toml"))


def one(number: int, folder: Path, users: int = USERS) -> int:
    """Draw one seed of both twins, unless that was done, and keep what the analyses gave."""
    place = folder / f"{number:03d}.csv"
    if place.is_file():
        return number
    warnings.filterwarnings("ignore", category=DeprecationWarning)  # ibis calls DuckDB by an old name
    parts = [
        pd.DataFrame(rows_of(analyses(drawn) + later_referred(drawn))).assign(twin=twin, draw=number)
        for twin, drawn in draw(machine(), TWINS, SEED + number, users)
    ]
    unfinished = place.with_suffix(".part")
    pd.concat(parts).to_csv(unfinished, index=False)
    unfinished.replace(place)
    gc.collect()
    return number


def run(folder: Path = KEPT, draws: int = DRAWS) -> pd.DataFrame:
    """Draw as often as asked, and give what every draw gave."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # each process has a core
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"), initializer=remember) as pool:
        for done in as_completed([pool.submit(one, number, folder) for number in range(draws)]):
            print(f"draw {done.result()}", flush=True)
    return pd.concat([pd.read_csv(folder / f"{number:03d}.csv") for number in range(draws)])


def band(share: float, draws: int) -> tuple[float, float]:
    """Give the binomial band of a share over the draws."""
    from scipy.stats import binom

    tail = (1 - BAND) / 2
    low, high = binom.ppf([tail, 1 - tail], draws, share) / draws
    return float(low), float(high)


def estimates(found: pd.DataFrame) -> pd.DataFrame:
    """Set every headline estimate beside its truth: bias, spread, mean error, coverage; ratios on the log scale."""
    rows = []
    for twin in TWINS:
        truth = dict(read_csv(TRUTH_FOLDER / f"{twin}.csv"))
        known = truth | {key: truth[other] for key, other in AGAIN.items()}
        own = found[found.twin == twin]
        rows += [_compared(twin, key, known[key], own[own.id == key]) for key in known]
    return pd.DataFrame(rows)


def _compared(twin: str, key: str, truth: Any, rows: pd.DataFrame) -> dict[str, Any]:
    scaled = np.log if truth.scale == "log" else np.asarray
    values, true, draws = scaled(rows.value.to_numpy()), float(scaled(truth.value)), len(rows)
    low, high = band(0.95, draws)
    sd = float(values.std(ddof=1))
    return {
        "twin": twin,
        "id": key,
        "scale": truth.scale,
        "truth": true,
        "mean": float(values.mean()),
        "bias": float(values.mean() - true),
        "bias_mc_error": float(np.hypot(sd / draws**0.5, truth.se)),
        "sd": sd,
        "mean_se": float(rows.se.mean()),
        "coverage": float(((rows.low <= truth.value) & (truth.value <= rows.high)).mean()),
        "band_low": low,
        "band_high": high,
        "draws": draws,
        "seed": SEED,
    }


def alarms(found: pd.DataFrame) -> pd.DataFrame:
    """Give the share of draws in which each alarm rings; for tests also whether p-values are uniform (Kolmogorov-Smirnov)."""
    rows = []
    for twin in TWINS:
        own = found[found.twin == twin]
        for key, words in TESTS.items():
            at = own[own.id == key]
            p = (at.value if key.endswith("p_value") else at.p_value).to_numpy()
            rows.append(_rung(twin, key, words, p < 0.05, 0.05, p))
        for key, (words, limit, side) in STRENGTHS.items():
            values = own[own.id == key].value.to_numpy()
            rows.append(_rung(twin, key, words, side * (values - limit) > 0, None, None))
    return pd.DataFrame(rows)


def _rung(twin: str, key: str, words: str, rings: Any, nominal: float | None, p: Any) -> dict[str, Any]:
    from scipy.stats import kstest

    low, high = band(nominal, len(rings)) if nominal else (None, None)
    return {
        "twin": twin,
        "id": key,
        "alarm": words,
        "rings": float(np.mean(rings)),
        "nominal": nominal,
        "band_low": low,
        "band_high": high,
        "uniform_p": None if p is None else float(kstest(p, "uniform").pvalue),
        "draws": len(rings),
        "seed": SEED,
    }


def write(found: pd.DataFrame, folder: Path = FOLDER) -> None:
    """Write both tables."""
    folder.mkdir(exist_ok=True)
    estimates(found).to_csv(folder / "estimates.csv", index=False, float_format="%.6g")
    alarms(found).to_csv(folder / "alarms.csv", index=False, float_format="%.6g")


def main(arguments: Sequence[str]) -> None:
    """Draw, and write the tables."""
    write(run(draws=int(arguments[0]) if arguments else DRAWS))


if __name__ == "__main__":
    main(sys.argv[1:])
