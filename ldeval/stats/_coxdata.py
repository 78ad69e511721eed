"""What a Cox fit keeps so that it can be asked further, and what is asked of it row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ldeval.stats import _coxdiag
from ldeval.stats._concordance import Concordance, pair_sums
from ldeval.stats._coxclusters import bias_reduced
from ldeval.stats._coxlik import surplus
from ldeval.stats._coxnewton import Maximum
from ldeval.stats._coxterms import Terms
from ldeval.stats._risksets import RiskSets
from ldeval.stats.at_risk import binned
from ldeval.stats.doors import Floats, Groups, Times
from ldeval.stats.samples import Correction

Residuals = Literal["martingale", "schoenfeld", "scaled_schoenfeld", "dfbeta"]
RESIDUALS = ("martingale", "schoenfeld", "scaled_schoenfeld", "dfbeta")


@dataclass(frozen=True, slots=True)
class CoxData:
    """The checked input of a fit of n rows, its layout and its maximum; `robust` where the reported errors are."""

    times: Times
    sets: RiskSets
    parts: Terms
    best: Maximum
    strata: Groups | None
    cluster: Groups | None
    correction: Correction
    weight: Floats
    robust: bool
    bias_reduced: bool

    @property
    def errors(self) -> str:
        """Say in words how the standard errors are made."""
        if self.cluster is not None:
            rule = ", CR2, Satterthwaite's t" if self.bias_reduced else self.correction.words
            return f"robust errors over {len(self.cluster.labels)} clusters{rule}"
        return "robust errors" if self.robust else "errors from the information"

    def in_units(self, loglik: float) -> float:
        """Log-likelihood under the weights as given, from that under weights of mean 1."""
        return self.sets.unit * (loglik - float(np.log(self.sets.unit)) * float(self.sets.dead_weight.sum()))


def covariances(data: CoxData) -> tuple[Floats, Floats, float | Floats | None]:
    """Give the covariance that is reported, the inverse information, of the coefficients of X as given, and Student's df."""
    sets = data.sets
    inverse = np.linalg.inv(data.best.information)
    scale = np.outer(sets.scale, sets.scale)
    model = inverse / sets.unit / scale
    if not data.robust:
        return model, model, None
    if data.bias_reduced and data.cluster is not None:
        robust, df = bias_reduced(sets, data.parts, data.best.at, np.asarray(inverse), data.cluster)
        return robust / scale, model, df
    robust = inverse @ _coxdiag.meat(sets, data.parts, data.best.at, data.cluster) @ inverse
    return robust * data.correction.factor / scale, model, data.correction.df


def concordance(data: CoxData, level: float) -> Concordance:
    """Give Harrell's C and its error.

    Raises:
        ValueError: no event was outlived by anyone at risk.

    """
    good, bad, tied = pair_sums(data.sets, data.sets.x @ data.best.b)
    pairs = good + bad + tied
    count = float(pairs.sum())
    if count == 0:
        raise ValueError("concordance: expected an event that someone at risk outlived, found none")
    gain = float(good.sum() - bad.sum()) / count
    influence = (good - bad - gain * pairs) / count
    if data.cluster is not None:
        influence = binned(data.cluster.codes[data.sets.rows], len(data.cluster.labels), influence)
    se = float(np.sqrt(influence @ influence * data.correction.factor))
    estimate, width = (1 + gain) / 2, se * data.correction.critical(level)
    sums = (float(part.sum()) / 2 * data.sets.unit**2 for part in (good, bad, tied))
    return Concordance(estimate, se, max(0.0, estimate - width), min(1.0, estimate + width), *sums)


def residuals(data: CoxData, kind: Residuals) -> Floats:
    """Give residuals in the order of the call's rows."""
    if kind == "martingale":
        return _martingale(data)
    return _dfbeta(data) if kind == "dfbeta" else _schoenfeld(data, scaled=kind == "scaled_schoenfeld")


def _martingale(data: CoxData) -> Floats:
    out = np.where(data.weight > 0, 0.0, np.nan)
    out[data.sets.rows] = surplus(data.sets, data.best.at) / data.sets.weight
    return out


def _dfbeta(data: CoxData) -> Floats:
    sets = data.sets
    out = np.zeros((len(data.weight), sets.x.shape[1]))
    inverse = np.linalg.inv(data.best.information) / sets.scale
    for cut, score in _coxdiag.scores(sets, data.parts, data.best.at).rows(slice(0, len(sets.rows)), _coxdiag.WIDE):
        out[sets.rows[cut]] = score @ inverse
    return out


def _schoenfeld(data: CoxData, *, scaled: bool) -> Floats:
    sets = data.sets
    out = _coxdiag.schoenfeld(sets, data.parts, data.best.at)[np.argsort(sets.rows[sets.dead])]
    if not scaled:
        return np.asarray(out * sets.scale)
    inverse = np.linalg.inv(data.best.information) / sets.unit
    return np.asarray((data.best.b + len(out) * (out @ inverse)) / sets.scale)
