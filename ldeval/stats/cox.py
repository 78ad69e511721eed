"""The Cox proportional hazards model, with entry times, weights, strata and clusters together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ldeval.stats import _coxdiag, doors
from ldeval.stats._coxlik import Risks, Terms, derivatives, risks, terms
from ldeval.stats._risksets import RiskSets, risk_sets
from ldeval.stats.doors import Codes, Floats
from ldeval.stats.fit import tidy

if TYPE_CHECKING:
    import pandas as pd

Ties = Literal["efron", "breslow"]
SmallSample = Literal["CR1-t"]

NEAR = 1e-13  # a gain in log-likelihood, in squared standard errors, below which the last step ends the search
FLAT = 1e-11  # share of a column's information that others must leave for it to count as its own


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model.

    `coefficients` (p,) are log hazard ratios in the order of X's columns; `covariance` (p, p) is robust where weights or clusters
    were given, `covariance_model` never. `df` is for Student's t (None: normal).
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    covariance_model: Floats
    loglik: float
    loglik_null: float
    n: int
    events: int
    ties: str
    level: float
    df: float | None
    _sets: RiskSets = field(repr=False, compare=False)
    _parts: Terms = field(repr=False, compare=False)
    _at: Risks = field(repr=False, compare=False)

    def tidy(self) -> pd.DataFrame:
        """Give a row per coefficient: `term, estimate, se, low, high, p_value`, log hazard ratios."""
        return tidy(self.names, self.coefficients, self.covariance, level=self.level, df=self.df)


def cox(
    time: Any, event: Any, X: Any, *, entry: Any = None, weights: Any = None, strata: Any = None, cluster: Any = None,
    ties: Ties = "efron", level: float = 0.95, small_sample: SmallSample | None = None,
) -> CoxFit:  # fmt: skip
    """Fit the Cox model h(t | x) = h0(t) exp(x'b) by partial likelihood."""
    doors.choice("ties", ties, ("efron", "breslow"))
    doors.choice("small_sample", small_sample, (None, "CR1-t"))
    doors.level(level)
    times = doors.times(time, event, entry)
    rows = len(times.time)
    design = doors.design(X, rows=rows)
    weight = doors.weights(weights, rows)
    blocks = None if strata is None else doors.groups(strata, "strata", rows)
    members = doors.clusters(cluster, rows)
    if small_sample is not None and members is None:
        raise ValueError("small_sample: expected clusters for it to correct, found none; give cluster=")
    sets = (
        risk_sets(times, design.matrix, weight, np.zeros(rows, dtype=np.intp), 1)
        if blocks is None
        else risk_sets(times, design.matrix, weight, blocks.codes, len(blocks.labels))
    )
    parts = terms(sets, ties)
    b, at, information, loglik_null = _maximise(sets, parts, design.names)
    inverse = np.linalg.inv(information)
    model = inverse / sets.unit
    covariance = model
    if members is not None or weights is not None:
        filling = _coxdiag.meat(sets, parts, at, *((None, 0) if members is None else (members.codes, len(members.labels))))
        covariance = inverse @ filling @ inverse
    df = None
    if members is not None and small_sample is not None:
        count = len(members.labels)
        covariance = covariance * count / (count - 1)
        df = float(count - 1)
    scale = np.outer(sets.scale, sets.scale)
    return CoxFit(
        names=design.names, coefficients=b / sets.scale, covariance=covariance / scale, covariance_model=model / scale,
        loglik=_in_units(at.loglik, sets), loglik_null=_in_units(loglik_null, sets), n=rows, events=len(sets.dead), ties=ties,
        level=level, df=df, _sets=sets, _parts=parts, _at=at,
    )  # fmt: skip


def _in_units(loglik: float, sets: RiskSets) -> float:
    """Log-likelihood under the weights as they were given, from that under weights of mean 1."""
    return sets.unit * (loglik - float(np.log(sets.unit)) * float(sets.dead_weight.sum()))


def _maximise(sets: RiskSets, parts: Terms, names: tuple[str, ...]) -> tuple[Floats, Risks, Floats, float]:
    """Newton's method from zero, with steps halved where they lose."""
    b = np.zeros(len(names))
    at = risks(sets, parts, b)
    null = at.loglik
    gains: list[float] = []
    for _ in range(100):
        score, information = derivatives(sets, parts, at)
        if not gains:
            _check_rank(information, sets, names)
        try:
            step = np.linalg.solve(information, score)
        except np.linalg.LinAlgError:
            raise _separation(information, names, np.ones(len(names))) from None
        gains.append(float(score @ step))
        if _runs_away(gains):
            raise _separation(information, names, step)
        if gains[-1] <= NEAR:
            b = b + step
            return b, risks(sets, parts, b), information, null
        b, at = _improved(sets, parts, b, at, step)
    raise ValueError("X: the fit did not converge in 100 steps; look for columns that nearly determine the outcome")


def _improved(sets: RiskSets, parts: Terms, b: Floats, at: Risks, step: Floats) -> tuple[Floats, Risks]:
    for _ in range(60):
        new = risks(sets, parts, b + step)
        if new.loglik >= at.loglik - 1e-10 * (1.0 + abs(at.loglik)):
            return b + step, new
        step = step / 2
    raise ValueError("X: no step improves the likelihood; look for columns of extreme values")


def _runs_away(gains: list[float]) -> bool:
    """Near a maximum Newton's gains fall by their square; where there is none, by a constant factor."""
    if len(gains) < 3 or gains[-1] <= NEAR:
        return False
    return gains[-3] < 1e-4 and gains[-1] > 0.05 * gains[-2] > 0.05 * 0.05 * gains[-3]


def _separation(information: Floats, names: tuple[str, ...], step: Floats) -> ValueError:
    size = np.abs(step)
    found = [name for name, value in zip(names, size, strict=True) if value > 0.1 * size.max()]
    return ValueError(
        f"X: expected a likelihood with a maximum, found that it rises without end in {len(found)} column(s): {', '.join(found)} "
        "(separation: a value at which no event, or every event, happens); drop or merge them"
    )


def _check_rank(information: Floats, sets: RiskSets, names: tuple[str, ...]) -> None:
    left = information / float(sets.dead_weight.sum())
    own = np.diag(left).copy()
    kept = np.ones(len(names), dtype=bool)
    for _ in names:
        share = np.where(kept, np.diag(left) / np.maximum(own, 1e-300), 0.0)
        share[own < FLAT] = 0.0
        j = int(share.argmax())
        if share[j] < FLAT:
            break
        kept[j] = False
        left = left - np.outer(left[:, j], left[j]) / left[j, j]
    if kept.any():
        bad = [name for name, drop in zip(names, kept, strict=True) if drop]
        raise ValueError(
            f"X: {len(bad)} column(s) are constant among those at risk (within strata) or a combination of others: "
            f"{', '.join(bad)}; drop them"
        )
