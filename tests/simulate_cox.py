"""Does the Cox model's interval cover the truth? `python tests/simulate_cox.py` writes coverage/cox.csv.

Areas differ by a positive stable frailty of index A: whatever it adds, hazards stay proportional across the whole population,
with A times the coefficients within areas (Hougaard 1986, Biometrika 73:387, doi:10.1093/biomet/73.2.387). So the truth is known
exactly and yet outcomes within areas are correlated. (Exactly for very many areas: the coefficients of 27 lie about one per cent
nearer to those within areas.) Times are whole days (ties), follow-up ends at random or after a year.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from coverage_table import summary, write

from ldeval.stats.cox import cox

SEED = 20170101
DRAWS = 2000
AREAS = 27
STABLE = 0.85
INSIDE = np.array([-0.35, 0.25, 0.40])  # coefficients within areas: treated, age, sex
TERMS = ("treated", "age", "sex")


def positive_stable(rng: np.random.Generator, index: float, size: int) -> Any:
    """Draw Z with E exp(-sZ) = exp(-s^index), by Kanter's method (1975)."""
    angle, wait = rng.uniform(0, np.pi, size), rng.exponential(size=size)
    first = np.sin((1 - index) * angle) ** ((1 - index) / index)
    return first * np.sin(index * angle) / np.sin(angle) ** (1 / index) / wait ** ((1 - index) / index)


def people(rng: np.random.Generator, *, area_of: Any, treated: Any, index: float) -> dict[str, Any]:
    """Draw whole days to the event or the end of follow-up."""
    n = len(area_of)
    x = np.column_stack([treated, rng.normal(size=n), rng.random(n) < 0.3]).astype(float)
    frailty = positive_stable(rng, index, AREAS)[area_of] if index < 1 else 1.0
    time = 500 * (rng.exponential(size=n) / (frailty * np.exp(x @ INSIDE))) ** (1 / 0.9)
    end = np.minimum(rng.uniform(90, 730, n), 365)
    return {"time": np.maximum(np.ceil(np.minimum(time, end)), 1), "event": time <= end, "X": x}


def areas(rng: np.random.Generator, n: int) -> Any:
    """Give unequal areas: the largest is about four times the smallest."""
    share = np.linspace(1, 4, AREAS)
    return rng.choice(AREAS, n, p=share / share.sum())


def independent(rng: np.random.Generator) -> dict[str, Any]:
    return people(rng, area_of=areas(rng, 600), treated=rng.random(600) < 0.5, index=1.0)


def within_areas(rng: np.random.Generator) -> dict[str, Any]:
    area = areas(rng, 1500)
    return people(rng, area_of=area, treated=rng.random(1500) < 0.5, index=STABLE) | {"cluster": area}


def between_areas(rng: np.random.Generator) -> dict[str, Any]:
    """Thirteen areas have the service, fourteen do not yet."""
    area = areas(rng, 1500)
    return people(rng, area_of=area, treated=rng.permutation(AREAS)[area] < 13, index=STABLE) | {"cluster": area}


def everything(rng: np.random.Generator) -> dict[str, Any]:
    """Late entry, strata and fractional weights within areas: overlap weights of a known propensity that depends on age."""
    area = areas(rng, 2000)
    case = people(rng, area_of=area, treated=np.zeros(2000), index=1.0)
    share = 1 / (1 + np.exp(-0.8 * case["X"][:, 1]))
    case["X"][:, 0] = rng.random(2000) < share
    frailty = positive_stable(rng, STABLE, AREAS)[area]
    baseline = np.where(case["X"][:, 2] == 1, 400, 700)
    time = baseline * (rng.exponential(size=2000) / (frailty * np.exp(case["X"] @ INSIDE))) ** (1 / 0.9)
    entry = np.floor(np.where(rng.random(2000) < 0.5, 0, rng.uniform(0, 60, 2000)))
    end = np.minimum(rng.uniform(90, 730, 2000), 365)
    time, event = np.maximum(np.ceil(np.minimum(time, end)), 1), time <= end
    kept = time > entry
    weights = np.where(case["X"][:, 0] == 1, 1 - share, share)
    case = {"time": time, "event": event, "X": case["X"][:, :2], "entry": entry, "weights": weights, "cluster": area}
    return {key: value[kept] for key, value in case.items()} | {"strata": baseline[kept]}


SETTINGS: dict[str, tuple[Callable[[np.random.Generator], dict[str, Any]], float, tuple[Any, ...]]] = {
    "people": (independent, 1.0, (None,)),
    "treated within 27 areas": (within_areas, STABLE, (None, "CR1-t", "CR2")),
    "treated by area, 27 areas": (between_areas, STABLE, (None, "CR1-t", "CR2")),
    "entry, weights, strata, 27 areas": (everything, STABLE, (None, "CR1-t", "CR2")),
}


def simulate(draws: int = DRAWS) -> list[dict[str, Any]]:
    """Give a row per setting, rule for errors and term."""
    rows = []
    for k, (name, (make, index, rules)) in enumerate(SETTINGS.items()):
        rng = np.random.default_rng([SEED, k])
        cases = [make(rng) for _ in range(draws)]
        for rule in rules:
            found = np.array([cox(**case, small_sample=rule).tidy()[["estimate", "se", "low", "high"]] for case in cases])
            setting = name if rule is None else f"{name}, {rule}"
            rows += [
                summary(f"Cox model: {term}", setting, index * INSIDE[j], found[:, j], SEED)
                for j, term in enumerate(TERMS[: found.shape[1]])
            ]
    return rows


if __name__ == "__main__":
    write("cox", simulate())
