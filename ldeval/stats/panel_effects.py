"""The numerics of differences in differences: a balanced panel, and doubly robust two-period comparisons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ldeval.stats import _read, doors, families, glm
from ldeval.stats.doors import Bools, Design, Floats, Groups

Codes = npt.NDArray[np.intp]
NEVER = np.iinfo(np.intp).max
"""The start, as a place among the periods, of a unit that is never treated in them."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Units by periods: `y` (units, periods), `X` (units, periods, p), `start` and `weights` (units,), `times` (periods,).

    `start` is the place of the first treated period, NEVER for none; `rows` holds each unit's first row in the call.
    """

    y: Floats
    X: Floats
    names: tuple[str, ...]
    start: Codes
    weights: Floats
    times: Floats
    unit: Groups
    kept: Bools

    def clusters(self, cluster: Any) -> Groups | None:
        """Give each unit's cluster.

        Raises:
            ValueError: as `doors.clusters`; a unit in two clusters.

        """
        found = doors.clusters(cluster, len(self.unit.codes))
        if found is None:
            return None
        codes = _of_units(found.codes.astype(np.float64), self.unit, "cluster").astype(np.intp)[self.kept]
        held, codes = np.unique(codes, return_inverse=True)
        if len(held) < 2:
            raise ValueError(f"cluster: expected at least 2 clusters among the units used, found {len(held)}")
        return Groups(codes.astype(np.intp), tuple(found.labels[k] for k in held))


def arrange(y: Any, unit: Any, time: Any, first_treated: Any, X: Any, weights: Any) -> tuple[Panel, int]:
    """Check the rows and arrange them by unit and period; count the units left out because they were treated from the first one.

    Raises:
        ValueError: see `did.group_time_effects`.

    """
    outcome = doors.outcome(y)
    n = len(outcome)
    units = doors.groups(unit, "unit", n)
    times, period = np.unique(doors.numbers(time, "time", rows=n), return_inverse=True)
    order = _order(units, period, len(times))
    design = Design(np.ones((n, 1)), ("intercept",)) if X is None else doors.design(X, rows=n)
    load = _of_units(doors.weights(weights, n), units, "weights")
    begin = _of_units(_starts(first_treated, n), units, "first_treated")
    start = np.searchsorted(times, begin)
    start = np.where(begin > times[-1], NEVER, start)
    kept = (start > 0) & (load > 0)
    if not (kept & (start < NEVER)).any():
        raise ValueError("first_treated: expected a group with a period before its start, found none")
    shape = (len(units.labels), len(times))
    columns = design.matrix[order].reshape(*shape, -1)[kept]
    panel = Panel(outcome[order].reshape(shape)[kept], columns, design.names, start[kept], load[kept], times, units, kept)
    return panel, int((start == 0).sum())


def cells(panel: Panel) -> list[tuple[int, int, int]]:
    """List (group, period, base): after the start against the last period before it, before it against the one before."""
    groups = [int(g) for g in np.unique(panel.start) if g < NEVER]
    return [(g, t, g - 1 if t >= g else t - 1) for g in groups for t in range(1, len(panel.times))]


def effect(panel: Panel, g: int, t: int, base: int, *, not_yet: bool) -> tuple[float, Floats]:
    """Give ATT(g, t) and each unit's influence on it, shape (units,).

    Raises:
        ValueError: no controls, or too few for the columns; columns that part the group from its controls.

    """
    treated = panel.start == g
    control = (panel.start > max(t, base)) & ~treated if not_yet else panel.start == NEVER
    used = treated | control
    name = f"group {panel.times[g]:g} at {panel.times[t]:g}"
    if not control.any():
        raise ValueError(f'first_treated: no controls for {name}; choose control="not_yet" or leave out the last periods')
    change = panel.y[used, t] - panel.y[used, base]
    X = panel.X[used, min(base, t)]
    try:
        value, influence = _doubly_robust(change, treated[used], Design(X, panel.names), panel.weights[used])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None
    whole = np.zeros(len(panel.start))
    whole[used] = influence
    return value, whole


def _doubly_robust(change: Floats, treated: Bools, design: Design, load: Floats) -> tuple[float, Floats]:
    """Sant'Anna and Zhao (2020, doi:10.1016/j.jeconom.2020.06.003), section 3: logistic score, least squares of controls."""
    X = design.matrix
    score, score_influence = _score(treated, design, load)
    odds = load * np.where(treated, 0.0, score / (1 - score))
    slope, slope_influence = _least_squares(change, design, load * ~treated)
    rest = change - X @ slope
    own = load * treated
    gain, drift = own @ rest / own.sum(), odds @ rest / odds.sum()
    direct = own * (rest - gain) / own.sum() - odds * (rest - drift) / odds.sum()
    through_slope = slope_influence @ (own @ X / own.sum() - odds @ X / odds.sum())
    through_score = score_influence @ ((odds * (rest - drift)) @ X / odds.sum())
    return float(gain - drift), direct - through_slope - through_score


def _score(treated: Bools, design: Design, load: Floats) -> tuple[Floats, Floats]:
    """Give the probability of being in the group, and each row's influence on its coefficients."""
    solution = glm.fit(families.Binomial(), glm.problem(design, treated.astype(np.float64), weights=load))
    inverse = solution.raw_covariance(solution.inverse)
    return solution.mean, (design.matrix * solution.residual[:, None]) @ inverse


def _least_squares(change: Floats, design: Design, load: Floats) -> tuple[Floats, Floats]:
    """Give the coefficients among the controls, and each row's influence on them."""
    rows = load > 0
    if rows.sum() < len(design.names):
        raise ValueError(f"X: {int(rows.sum())} control(s) for {len(design.names)} columns; use fewer columns")
    solution = glm.fit(families.Gaussian(), glm.problem(design, change, weights=load))
    inverse = solution.raw_covariance(solution.inverse)
    return solution.raw(), (design.matrix * solution.residual[:, None]) @ inverse


def _order(units: Groups, period: Any, periods: int) -> Codes:
    """Give the rows in the order of unit and period, each once."""
    place = units.codes * periods + period
    seen = np.bincount(place, minlength=len(units.labels) * periods)
    if twice := int((seen > 1).sum()):
        raise ValueError(f"unit, time: expected one row for each unit and period, found {twice} pair(s) with more")
    if missing := int((seen == 0).sum()):
        raise ValueError(f"unit, time: expected every unit in every period, found {missing} pair(s) missing; drop those units")
    return np.argsort(place, kind="stable").astype(np.intp)


def _of_units(values: Floats, units: Groups, name: str) -> Floats:
    """Give the value of each unit, where all its rows agree."""
    found = np.empty(len(units.labels))
    found[units.codes] = values
    if changing := len(np.unique(units.codes[values != found[units.codes]])):
        raise ValueError(f"{name}: expected one value in all rows of a unit, found {changing} unit(s) where it changes")
    return found


def _starts(first_treated: Any, rows: int) -> Floats:
    raw = _read.floats(first_treated, "first_treated")
    found = doors.numbers(np.where(np.isposinf(raw), 0.0, raw), "first_treated", rows=rows)
    return np.where(found == 0, np.inf, found)
