"""Poisson regression with an effect for each unit, taken out rather than estimated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.stats import doors, glm, sandwich
from ldeval.stats._climbs import FAR, STILL, SURE, endless, rounding, settled
from ldeval.stats.doors import Codes, Design, Floats, Groups
from ldeval.stats.fit import Regression
from ldeval.stats.rank import full_rank

VANISHED = 1e-15  # part of a column's information at zero, below which nothing is left to tell its coefficient


@dataclass(frozen=True, slots=True)
class UnitPoisson(Regression):
    """A fit with unit effects: `units` that inform it, and `silent`, the units left out because they never have a count."""

    units: int
    silent: int


def fixed_effects_poisson(
    y: Any,
    X: Any,
    *,
    unit: Any,
    exposure: Any = None,
    cluster: Any = None,
    small_sample: sandwich.SmallSample | None = None,
    level: float = 0.95,
) -> UnitPoisson:
    """Fit log(E[y_it | x] / exposure) = a_i + x_it'b with a free effect a_i of each unit.

    Conditional on its total each unit is multinomial, so that the a_i drop out without bias for b; the same b and errors
    follow from a dummy for each unit. Estimates log rate ratios within units over time. Model-based errors need Poisson
    variance and independent rows: name the clusters (often the units). Time effects go into X as columns.

    Args:
        y: counts, zero or more, shape (n,).
        X: columns that vary within units, shape (n, p), without an intercept (the units are it).
        unit: membership, shape (n,).
        exposure: time at risk, above zero, shape (n,).
        cluster: membership, shape (n,), each unit within one cluster.
        small_sample: CR1 or CR1-t (p counts the columns, not the units, which lie within the clusters), or CR2.
        level: of the intervals.

    Source: Hausman, Hall and Griliches, 1984, doi:10.2307/1911191; Wooldridge, 1999, doi:10.1016/S0304-4076(98)00033-5.

    Raises:
        ValueError: as `counts.poisson`; columns that do not vary within units, by name; a unit in two clusters.

    """
    outcome = doors.counts(y)
    design = doors.design(X, rows=len(outcome))
    units = doors.groups(unit, "unit", len(outcome))
    offset = doors.log_exposure(exposure, len(outcome))
    clusters = doors.clusters(cluster, len(outcome))
    sandwich.check(None, clusters, small_sample)
    _check_nested(units, clusters)
    panel, rows = _panel(outcome, design, units, np.zeros(len(outcome)) if offset is None else offset)
    state = _climb(panel)
    solution = _within(panel, state, design.names)
    members = None if clusters is None else _members(clusters, rows)
    found = sandwich.errors(solution, robust=None, cluster=members, small_sample=small_sample)
    fitted = np.zeros(len(outcome))
    fitted[rows] = state.mean
    turn = 1 / panel.scale
    return UnitPoisson(
        design.names,
        state.coefficients * turn,
        found.covariance * np.outer(turn, turn),
        doors.level(level),
        len(outcome),
        found.label,
        found.df,
        state.loglik,
        fitted,
        units=len(panel.begins),
        silent=len(units.labels) - len(panel.begins),
    )


@dataclass(frozen=True, slots=True)
class _Panel:
    """Rows sorted by unit, silent units left out; columns less their unit's mean, over `scale`; where each unit begins."""

    y: Floats
    columns: Floats
    offset: Floats
    begins: Codes
    codes: Codes
    scale: Floats


@dataclass(frozen=True, slots=True)
class _State:
    coefficients: Floats
    loglik: float
    mean: Floats
    centred: Floats

    def information(self) -> Floats:
        return (self.centred * self.mean[:, None]).T @ self.centred


def _check_nested(units: Groups, clusters: Groups | None) -> None:
    if clusters is None:
        return
    low, high = np.full(len(units.labels), len(clusters.labels)), np.zeros(len(units.labels), dtype=np.intp)
    np.minimum.at(low, units.codes, clusters.codes)
    np.maximum.at(high, units.codes, clusters.codes)
    if split := int(np.count_nonzero(low != high)):
        raise ValueError(f"cluster: expected each unit within one cluster, found {split} unit(s) in more; choose wider clusters")


def _panel(y: Floats, design: Design, units: Groups, offset: Floats) -> tuple[_Panel, Codes]:
    totals = np.bincount(units.codes, y, minlength=len(units.labels))
    if not totals.any():
        raise ValueError(f"y: expected at least one count above zero, found none in {len(y)} rows; nothing can be estimated")
    order = np.argsort(units.codes, kind="stable")
    rows = order[totals[units.codes[order]] > 0]
    begins = np.flatnonzero(np.diff(units.codes[rows], prepend=-1))
    codes = np.repeat(np.arange(len(begins)), np.diff(np.append(begins, len(rows))))
    raw = design.matrix[rows]
    middle = np.add.reduceat(raw, begins, axis=0) / np.bincount(codes)[:, None]
    columns = raw - middle[codes]
    reach = np.abs(columns).max(axis=0)
    still = reach <= 1e-12 * np.abs(raw).max(axis=0)
    if still.any():
        names = ", ".join(name for name, stuck in zip(design.names, still, strict=True) if stuck)
        raise ValueError(f"X: {int(still.sum())} column(s) do not vary within any unit that has a count: {names}; drop them")
    full_rank(Design(columns / reach, design.names))
    return _Panel(y[rows], columns / reach, offset[rows], begins, codes, reach), rows


def _climb(panel: _Panel) -> _State:
    state, squares, reach = _at(panel, np.zeros(panel.columns.shape[1])), [], 0.0
    known = np.diag(state.information())
    for _ in range(glm.STEPS):
        gradient = (panel.y - state.mean) @ panel.columns
        try:
            step = np.asarray(np.linalg.solve(state.information(), gradient), dtype=np.float64)
        except np.linalg.LinAlgError:
            raise ValueError("X: the information is singular; look for columns that all but determine the outcome") from None
        squares.append(float(gradient @ step))
        reach = float(np.abs(step).sum())  # columns are nowhere above 1
        if reach > FAR and (endless(squares) or endless(squares, *SURE)):
            break
        state = _ahead(panel, state, step)
        if reach < STILL and (settled(squares, glm.DECREMENT) or rounding(squares)):
            if (np.diag(state.information()) > VANISHED * known).all():
                return state
            break
    else:
        raise ValueError(f"X: the fit did not converge in {glm.STEPS} steps; look for columns that all but determine the outcome")
    raise ValueError("X: separation: some columns foretell without fail which rows have no count; drop them or join categories")


def _ahead(panel: _Panel, state: _State, step: Floats) -> _State:
    for _ in range(60):
        ahead = _at(panel, state.coefficients + step)
        if ahead.loglik >= state.loglik - 1e-10 * (abs(state.loglik) + 1):
            return ahead
        step = step / 2
    return state


def _at(panel: _Panel, coefficients: Floats) -> _State:
    eta = panel.offset + panel.columns @ coefficients
    eta -= np.maximum.reduceat(eta, panel.begins)[panel.codes]
    parts = np.exp(eta)
    sums = np.add.reduceat(parts, panel.begins)[panel.codes]
    share = parts / sums
    mean = np.add.reduceat(panel.y, panel.begins)[panel.codes] * share
    middle = np.add.reduceat(share[:, None] * panel.columns, panel.begins, axis=0)
    loglik = float(panel.y @ (eta - np.log(sums)))
    return _State(coefficients, loglik, mean, panel.columns - middle[panel.codes])


def _within(panel: _Panel, state: _State, names: tuple[str, ...]) -> glm.Solution:
    """Give the fit as one of columns centred at each unit's weighted mean, on which all clustered errors act as with dummies."""
    p = len(names)
    scaling = glm.Scaling(np.zeros(p), np.ones(p), None)
    posed = glm.Problem(Design(state.centred, names), panel.y, None, None, scaling)
    residual = panel.y - state.mean
    information = state.information()
    return glm.Solution(
        posed, state.coefficients, information, residual @ state.centred, state.loglik, state.mean, residual, state.mean
    )


def _members(clusters: Groups, rows: Codes) -> Groups:
    labels, codes = np.unique(clusters.codes[rows], return_inverse=True)
    if len(labels) < 2:
        raise ValueError(f"cluster: expected at least 2 clusters with a count above zero, found {len(labels)}")
    return Groups(codes.astype(np.intp), tuple(clusters.labels[k] for k in labels))
