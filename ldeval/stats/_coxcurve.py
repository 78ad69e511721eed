"""Baseline hazard and predicted survival of a Cox model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.stats._coxdata import CoxData
from ldeval.stats._coxdiag import cluster_scores, means
from ldeval.stats._coxlik import squares
from ldeval.stats._risksets import restart_sums
from ldeval.stats.curves import Curve, Interval, limits
from ldeval.stats.doors import Codes, Floats

if TYPE_CHECKING:
    import pandas as pd

CELLS = 4_000_000  # numbers held at once when clusters meet times


def baseline(data: CoxData) -> pd.DataFrame:
    """Give the baseline at X = 0: hazards of centred, shifted risks, moved back."""
    import pandas as pd

    sets, best = data.sets, data.best
    moved = np.exp(-best.at.shift - sets.centre @ (best.b / sets.scale))
    jump = best.at.hazard * moved[sets.slot_stratum]
    total = restart_sums(jump, sets.slot_bounds)
    table = pd.DataFrame({"time": sets.slot_time, "hazard": jump, "cumulative_hazard": total, "survival": np.exp(-total)})
    if data.strata is not None:
        table.insert(0, "stratum", [data.strata.labels[code] for code in sets.slot_stratum])
    return table


def predicted(data: CoxData, x: Floats, stratum: Any, level: float, interval: Interval) -> Curve:
    """Give exp(-H) with H = H0 e^(x'b), and its interval from se(exp(-H)) = exp(-H) se(H), at a stratum's event times and end."""
    sets, code = data.sets, _stratum(data, stratum)
    cut = slice(int(sets.slot_bounds[code]), int(sets.slot_bounds[code + 1]))
    z = (x - sets.centre[code]) / sets.scale
    ratio = float(np.exp(z @ data.best.b - data.best.at.shift[code]))
    hazard = np.cumsum(data.best.at.hazard[cut])
    drift = np.outer(hazard, z) - means(sets, data.parts, data.best.at).cumulated[cut]
    variance = _robust_variance(data, cut, drift) if data.robust else _model_variance(data, cut, drift)
    survival = np.exp(-ratio * hazard)
    se = survival * ratio * np.sqrt(variance * data.correction.factor)
    critical = data.correction.critical(level)
    low, high = limits(survival, se, critical, interval)
    time, steps = _to_the_end(data, code, sets.slot_time[cut], [survival, se, low, high, *_counts(data, code, cut)])
    estimate, se, low, high, at_risk, events = steps
    method = f"exp(-cumulative hazard) of a Cox model, {data.errors}"
    return Curve(time, estimate, se, low, high, at_risk, events, 1.0, level, critical, int((data.weight > 0).sum()), method)


def _stratum(data: CoxData, label: Any) -> int:
    if data.strata is None:
        if label is not None:
            raise ValueError("stratum: expected none, for the fit has no strata")
        return 0
    labels = data.strata.labels
    if str(label) not in labels:
        raise ValueError(f"stratum: expected one of the fit's {len(labels)} strata (stratum=label), found another or none")
    return labels.index(str(label))


def _counts(data: CoxData, code: int, cut: slice) -> list[Floats]:
    """Weights at risk at a stratum's slots, and of the events there."""
    sets = data.sets
    rows = slice(int(sets.row_bounds[code]), int(sets.row_bounds[code + 1]))
    slots = cut.stop - cut.start
    change = np.bincount(sets.last[rows] - cut.start, weights=sets.weight[rows], minlength=slots)
    late = (sets.late >= rows.start) & (sets.late < rows.stop)
    gone = np.bincount(sets.first[late] - 1 - cut.start, weights=sets.weight[sets.late[late]], minlength=slots)
    at_risk = np.cumsum((change - gone)[::-1])[::-1]
    return [at_risk * sets.unit, sets.dead_weight[cut] * sets.unit]


def _to_the_end(data: CoxData, code: int, time: Floats, steps: list[Floats]) -> tuple[Floats, list[Floats]]:
    """Carry the curve on to the stratum's last end of follow-up."""
    ends = data.times.time if data.strata is None else data.times.time[data.strata.codes == code]
    end = float(ends.max())
    if not len(time) or end <= time[-1]:
        return time, steps
    estimate, se, low, high, _, _ = (step[-1] for step in steps)
    remaining = float((ends == end).sum())
    return np.append(time, end), [np.append(a, v) for a, v in zip(steps, (estimate, se, low, high, remaining, 0.0), strict=True)]


def _model_variance(data: CoxData, cut: slice, drift: Floats) -> Floats:
    """Sum of a, plus d'Vd with d the sum of (x - mean) dH, as R's survfit of a Cox model; of H at the centre."""
    a = squares(data.parts, data.best.at)[0][cut]
    inverse = np.linalg.inv(data.best.information)
    return np.asarray((np.cumsum(a) + np.einsum("gi,ij,gj->g", drift, inverse, drift)) / data.sets.unit)


def _robust_variance(data: CoxData, cut: slice, drift: Floats) -> Floats:
    """Sum over clusters, or rows, of the squared influence on the cumulative hazard at the centre.

    A cluster's influence is its deaths' jumps A/W, less the share a of the risk that its rows carried, plus d'VU, U its score.
    """
    sets, parts, at = data.sets, data.parts, data.best.at
    rows = np.arange(len(data.weight))
    codes, count = (rows, len(rows)) if data.cluster is None else (data.cluster.codes, len(data.cluster.labels))
    scores = cluster_scores(sets, parts, at, codes, count) @ np.linalg.inv(data.best.information)
    changes = _changes(data, cut, codes[sets.rows])
    a = squares(parts, at)[0][cut]
    total = np.zeros(len(a))
    step = max(1, CELLS // max(len(a), 1))
    for start in range(0, count, step):
        stop = min(start + step, count)
        influence = _process(changes, a, start, stop) + scores[start:stop] @ drift.T
        total += np.einsum("kg,kg->g", influence, influence)
    return total


def _changes(data: CoxData, cut: slice, owner: Codes) -> list[tuple[Codes, Codes, Floats]]:
    """Say what happens to clusters at a stratum's slots: (owner, slot, value) of risk that leaves, that entered, and of jumps."""
    sets, parts, at = data.sets, data.parts, data.best.at
    relief = squares(parts, at)[1]
    share = at.hazard / sets.dead_weight
    jump = sets.weight[sets.dead] * share[sets.hit] + at.risk[sets.dead] * relief[sets.hit]
    leaving = (owner, sets.last, at.risk)
    entering = (owner[sets.late], sets.first - 1, -at.risk[sets.late])
    changes = []
    for who, slot, value in (leaving, entering, (owner[sets.dead], sets.hit, jump)):
        inside = np.flatnonzero((slot >= cut.start) & (slot < cut.stop))
        inside = inside[np.argsort(who[inside], kind="stable")]
        changes.append((who[inside], slot[inside] - cut.start, value[inside]))
    return changes


def _process(changes: list[tuple[Codes, Codes, Floats]], a: Floats, start: int, stop: int) -> Floats:
    """Influence of clusters start, ..., stop - 1 on the cumulative hazard at given coefficients, shape (stop - start, slots)."""
    shape = (stop - start, len(a))
    tables = []
    for who, slot, value in changes:
        part = slice(*np.searchsorted(who, (start, stop)))
        flat = (who[part] - start) * shape[1] + slot[part]
        tables.append(np.bincount(flat, weights=value[part], minlength=shape[0] * shape[1]).reshape(shape))
    carried = np.cumsum((tables[0] + tables[1])[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(np.cumsum(tables[2] - carried * a, axis=1), dtype=np.float64)
