"""Two arms compared with adjustment for what they differ in: survival, cumulative incidence and restricted means.

Errors come from influence functions: they allow for estimated weights, or estimated Cox models and the sampling of the people
over whom these are averaged, and for clusters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from ldeval.stats import doors
from ldeval.stats._standardised import fit_hazard, frame, standardised
from ldeval.stats._weighted import weighted_incidence
from ldeval.stats.doors import Bools, Design, Floats, States
from ldeval.stats.estimands import Estimand, arms
from ldeval.stats.fit import Contrasts
from ldeval.stats.influence import cluster_sums
from ldeval.stats.samples import SmallSample, correction
from ldeval.stats.weights import propensity_weights

By = Literal["weighting", "standardisation"]


@dataclass(frozen=True, slots=True)
class _Arms:
    """Checked rows of two arms."""

    rows: States
    arm: Bools
    design: Design
    tau: float


def adjusted_survival(
    time: Any,
    event: Any,
    treated: Any,
    X: Any,
    *,
    tau: float,
    estimand: Estimand,
    by: By = "weighting",
    entry: Any = None,
    cluster: Any = None,
    small_sample: SmallSample | None = None,
    level: float = 0.95,
) -> Contrasts:
    """Compare survival to tau, and mean time without the event up to tau, between two arms of one population.

    By weighting: each arm's Kaplan-Meier curve under propensity weights. By standardisation: the mean over the population of each
    person's curve from a Cox model on treatment and X, exp(-H(tau | arm, x)) (the g-formula). Rows: `survival_treated`,
    `survival_control`, `survival_difference`, `log_survival_ratio`, and the same of `rmst`, the restricted mean to tau.

    It estimates the effect on the treated (ATT), on everyone (ATE) or on the overlap population, if X holds all confounders,
    censoring and late entry are independent given the arm (weighting) or given the arm and X (standardisation), and the
    propensity model, or the Cox model, holds. Errors are those of the influence function, the estimated models included, summed
    within clusters.

    Args:
        time: end of follow-up, shape (n,).
        event: 1 for the event, 0 for censored, shape (n,).
        treated: 0 or 1, shape (n,).
        X: design with its own intercept column, shape (n, p); the Cox model leaves constant columns out.
        tau: the horizon, in the unit of time.
        estimand: ATT or ATE, or overlap (by weighting only).
        by: weighting or standardisation.
        entry: when each row comes under observation; at risk on (entry, time].
        cluster: the cluster of each row, shape (n,).
        small_sample: CR1-t, for few clusters: covariance times G / (G - 1), Student's t on G - 1 degrees of freedom.
        level: of the intervals.

    Source: Xie & Liu (2005), doi:10.1002/sim.2174; Conner et al. (2019), Stat. Med. 38:3832; for the influence of estimated
    weights Lunceford & Davidian (2004), doi:10.1002/sim.1903; for standardisation Chen & Tsiatis (2001),
    doi:10.1111/j.0006-341X.2001.01030.x.

    Raises:
        ValueError: input refused at the doors of `ldeval.stats.doors`; one arm only; a propensity or Cox model that cannot be
            fitted; tau at or below zero, or beyond the follow-up of an arm.

    """
    rows = doors.times(time, event, entry)
    data = _arms(States(rows.time, rows.event.astype(np.int64), rows.entry), treated, X, tau)
    means, influence = _estimates(data, 1, estimand, by)
    means, influence = np.array([1.0, data.tau] * 2) - means, -influence
    return _contrasts(("survival", "rmst"), means, influence, estimand, by, cluster, small_sample, level)


def adjusted_incidence(
    time: Any,
    state: Any,
    treated: Any,
    X: Any,
    *,
    cause: int,
    tau: float,
    estimand: Estimand,
    by: By = "weighting",
    entry: Any = None,
    cluster: Any = None,
    small_sample: SmallSample | None = None,
    level: float = 0.95,
) -> Contrasts:
    """Compare the cumulative incidence of a cause by tau, and the mean time lost to it by then, between two arms.

    By weighting: each arm's Aalen-Johansen curve under propensity weights. By standardisation: the mean over the population of
    each person's incidence from a Cox model of each cause on treatment and X. Rows: `incidence_treated`, `incidence_control`,
    `incidence_difference`, `log_incidence_ratio`, and the same of `time_lost`, the integral of the incidence to tau. What it
    estimates, under which assumptions, and how the errors are made: as `adjusted_survival`; the effect is the total one,
    through competing causes too.

    Args:
        time: end of follow-up, shape (n,).
        state: 0 for censored, 1, 2, ... for the cause, shape (n,).
        treated: 0 or 1, shape (n,).
        X: design with its own intercept column, shape (n, p); the Cox models leave constant columns out.
        cause: the cause of interest.
        tau: the horizon, in the unit of time.
        estimand: ATT or ATE, or overlap (by weighting only).
        by: weighting or standardisation.
        entry: when each row comes under observation; at risk on (entry, time].
        cluster: the cluster of each row, shape (n,).
        small_sample: CR1-t, for few clusters: covariance times G / (G - 1), Student's t on G - 1 degrees of freedom.
        level: of the intervals.

    Source: Young et al. (2020), doi:10.1002/sim.8471; Andersen (2013), Stat. Med. 32:5278, for the time lost.

    Raises:
        ValueError: as `adjusted_survival`; no event of the cause.

    """
    data = _arms(doors.states(time, state, entry, cause=cause), treated, X, tau)
    if not (data.rows.state == cause).any():
        raise ValueError(f"state: expected at least one event of cause {cause}, found none in {len(data.arm)} rows")
    means, influence = _estimates(data, cause, estimand, by)
    return _contrasts(("incidence", "time_lost"), means, influence, estimand, by, cluster, small_sample, level)


def _arms(rows: States, treated: Any, X: Any, tau: float) -> _Arms:
    arm, design = arms(treated, X, rows=len(rows.time))
    horizon = doors.number(tau, "tau")
    if horizon <= 0:
        raise ValueError(f"tau: expected a horizon above zero, found {horizon:g}")
    for label, part in (("treated", arm), ("control", ~arm)):
        last = rows.time[part].max()
        if horizon > last:
            raise ValueError(
                f"tau: expected a horizon within the follow-up of each arm, found {horizon:g}, beyond that of the {label}"
            )
    return _Arms(rows, arm, design, horizon)


def _estimates(data: _Arms, cause: int, estimand: Estimand, by: By) -> tuple[Floats, Floats]:
    """Incidence and time lost under treatment, then under control, (4,), and the rows' influence, (n, 4)."""
    doors.choice("by", by, get_args(By))
    if by == "weighting":
        return _by_weighting(data, cause, estimand)
    doors.choice("estimand", estimand, ("ATT", "ATE"))
    return _by_standardisation(data, cause, estimand)


def _by_weighting(data: _Arms, cause: int, estimand: Estimand) -> tuple[Floats, Floats]:
    weights = propensity_weights(data.arm, frame(data.design), estimand=estimand)
    assert weights.model is not None
    means, parts = [], []
    for part in (data.arm, ~data.arm):
        seen = part & (weights.values > 0) & (True if data.rows.entry is None else data.rows.entry < data.tau)
        entry = None if data.rows.entry is None else data.rows.entry[seen]
        rows = States(data.rows.time[seen], data.rows.state[seen], entry)
        value, slope = weighted_incidence(rows, cause, weights.values[seen], data.tau)
        influence = weights.model.influence @ (weights.model.slope[seen].T @ slope)
        influence[seen] += weights.values[seen, None] * slope
        means.append(value)
        parts.append(influence)
    return np.concatenate(means), np.column_stack(parts)


def _by_standardisation(data: _Arms, cause: int, estimand: Estimand) -> tuple[Floats, Floats]:
    varies = np.ptp(data.design.matrix, axis=0) > 0
    names = ("treated", *(name for name, keep in zip(data.design.names, varies, strict=True) if keep))
    design = Design(np.column_stack((data.arm.astype(np.float64), data.design.matrix[:, varies])), names)
    causes = [cause, *(int(k) for k in np.unique(data.rows.state) if k not in (0, cause))]
    hazards = [fit_hazard(data.rows, design, k) for k in causes]
    target = data.arm.astype(np.float64) if estimand == "ATT" else np.ones(len(data.arm))
    found = [standardised(hazards, design, value, target / target.sum(), data.tau) for value in (1.0, 0.0)]
    return np.concatenate([means for means, _ in found]), np.column_stack([influence for _, influence in found])


def _contrasts(
    measures: tuple[str, str],
    means: Floats,
    influence: Floats,
    estimand: Estimand,
    by: By,
    cluster: Any,
    small_sample: SmallSample | None,
    level: float,
) -> Contrasts:
    groups = doors.clusters(cluster, len(influence))
    rule = correction(small_sample, groups)
    sums = cluster_sums(influence, groups)
    covariance = rule.factor * sums.T @ sums
    names: list[str] = []
    values, slopes = [], []
    for j, measure in enumerate(measures):
        one, zero = means[j], means[j + 2]
        rows = np.zeros((4, 4))
        rows[[0, 2], j] = 1.0
        rows[[1, 2], j + 2] = 1.0, -1.0
        log_ratio = np.nan
        if one > 0 and zero > 0:
            rows[3, [j, j + 2]] = 1 / one, -1 / zero
            log_ratio = float(np.log(one / zero))
        names += [f"{measure}_treated", f"{measure}_control", f"{measure}_difference", f"log_{measure}_ratio"]
        values += [one, zero, one - zero, log_ratio]
        slopes.append(rows)
    jacobian = np.vstack(slopes)
    who = "independent rows" if groups is None else f"{len(groups.labels)} clusters{rule.words}"
    return Contrasts(
        tuple(names),
        np.array(values),
        jacobian @ covariance @ jacobian.T,
        doors.level(level),
        len(influence),
        estimand,
        f"influence function of {by}, {who}",
        rule.df,
    )
