"""The Cox proportional hazards model, with entry times, fractional weights, strata and clusters together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ldeval.stats import _coxcurve, _coxdata, _coxtests, doors
from ldeval.stats._concordance import Concordance
from ldeval.stats._coxdata import CoxData, Residuals
from ldeval.stats._coxnewton import maximise, start_from_sample
from ldeval.stats._coxterms import terms
from ldeval.stats._coxtests import ModelTest, ProportionalHazardsTest, Transform
from ldeval.stats._riskplaces import place
from ldeval.stats._risksets import risk_sets
from ldeval.stats._threads import beside
from ldeval.stats.curves import Curve, Interval, interval_choice
from ldeval.stats.doors import Floats, Groups
from ldeval.stats.fit import tidy
from ldeval.stats.hypotheses import quadratic_form
from ldeval.stats.samples import correction, pick_groups

if TYPE_CHECKING:
    import pandas as pd

Ties = Literal["efron", "breslow"]
SmallSample = Literal["CR1-t", "CR2"]


@dataclass(frozen=True, slots=True)
class CoxFit:
    """A fitted Cox model of p columns.

    `coefficients` (p,) are log hazard ratios in the order of X's columns. `covariance` (p, p) is robust where weights or
    clusters were given; `covariance_model` (p, p) is the inverse information. `n` counts the rows given, `events` those with a
    weight above zero; `df` is that of Student's t (None: normal).
    """

    names: tuple[str, ...]
    coefficients: Floats
    covariance: Floats
    covariance_model: Floats
    loglik: float
    loglik_null: float
    n: int
    events: int
    level: float
    df: float | Floats | None
    method: str
    _data: CoxData = field(repr=False, compare=False)

    def tidy(self) -> pd.DataFrame:
        """Give a row per column of X: `term, estimate, se, low, high, p_value`; estimates are log hazard ratios."""
        return tidy(self.names, self.coefficients, self.covariance, level=self.level, df=self.df)

    def likelihood_ratio_test(self) -> ModelTest:
        """Twice the gain in log-likelihood over no columns; it takes weights for counts and rows for independent."""
        return _coxtests.model_test(2 * (self.loglik - self.loglik_null), len(self.names))

    def wald_test(self) -> ModelTest:
        """b'V^-1 b with V the reported covariance.

        Raises:
            ValueError: V is singular, as where there are fewer clusters than columns.

        """
        statistic, rank = quadratic_form(self.coefficients, self.covariance)
        if rank < len(self.names):
            raise ValueError(
                f"wald_test: expected a covariance of rank {len(self.names)}, found {rank}; give more clusters or fewer columns"
            )
        return _coxtests.model_test(statistic, rank)

    def score_test(self, *, robust: bool = False) -> ModelTest:
        """u'V^-1 u at b = 0, with V the information, or (robust) the sum of outer products of the clusters' or rows' scores."""
        return _coxtests.score_test(self._data.sets, self._data.parts, self._data.cluster, robust=robust)

    def ph_test(self, transform: Transform = "km") -> ProportionalHazardsTest:
        """Test proportional hazards by the score for an interaction of each column with time, as R's cox.zph of survival 3.

        The errors are the model's, as R's, also where the fit's are robust. Time is transformed: `km` is one minus the
        Kaplan-Meier curve just before it, `identity`, `rank` (among all ends of follow-up) or `log`.
        Source: Grambsch and Therneau (1994), Biometrika 81:515, doi:10.1093/biomet/81.3.515; Therneau, cox.zph in survival 3.

        Raises:
            ValueError: another transform; one event time only; `log` with an event at time zero.

        """
        doors.choice("transform", transform, _coxtests.TRANSFORMS)
        data = self._data
        return _coxtests.hazards_test(data.sets, data.parts, data.best.at, self.names, transform, data.times)

    def concordance(self) -> Concordance:
        """Harrell's C with its infinitesimal jackknife error (by cluster where given), as R's concordance.

        Source: Therneau and Watson (2015), Mayo Clinic technical report 85; Therneau, concordance in survival 3.

        Raises:
            ValueError: no event was outlived by anyone at risk.

        """
        return _coxdata.concordance(self._data, self.level)

    def baseline_hazard(self) -> pd.DataFrame:
        """Give the baseline at X = 0 by event time (and stratum): `time, hazard` (its jump), `cumulative_hazard, survival`.

        Efron's estimate under Efron's ties, Breslow's under Breslow's; survival is exp(-cumulative hazard).
        """
        return _coxcurve.baseline(self._data)

    def curve(self, x: Any, *, stratum: Any = None, interval: Interval = "log") -> Curve:
        """Predict the survival of a person with covariates x, shape (p,), in a stratum (its label, where the fit has strata).

        exp(-H) with H = H0 e^(x'b). The error counts the baseline's and the coefficients'; with weights or clusters it is the
        infinitesimal jackknife. Covariates must be fixed in time. Source: Therneau and Grambsch (2000), section 10.2.

        Raises:
            ValueError: x is not p finite numbers; no such stratum, or none given where there are several.

        """
        values = doors.numbers(np.asarray(x, dtype=np.float64).ravel(), "x", rows=len(self.names))
        return _coxcurve.predicted(self._data, values, stratum, self.level, interval_choice(interval))

    def residuals(self, kind: Residuals) -> Floats:
        """Give residuals, in the order of the rows that were given.

        `martingale` (n,): events less expected ones. `dfbeta` (n, p): about how much each row moves the coefficients, weight
        included. `schoenfeld` (events, p): an event's covariates less their mean over its risk set, a row for each event;
        `scaled_schoenfeld`: b plus these times the number of events and the inverse information. Rows of weight zero have 0 as
        dfbeta and NaN as martingale residual, and no Schoenfeld residual.

        Raises:
            ValueError: another kind.

        """
        doors.choice("kind", kind, _coxdata.RESIDUALS)
        return _coxdata.residuals(self._data, kind)


def cox(
    time: Any, event: Any, X: Any, *, entry: Any = None, weights: Any = None, strata: Any = None, cluster: Any = None,
    ties: Ties = "efron", level: float = 0.95, small_sample: SmallSample | None = None,
) -> CoxFit:  # fmt: skip
    """Fit the proportional hazards model h_s(t | x) = h_s0(t) exp(x'b) by partial likelihood.

    It estimates log hazard ratios b, if hazards are proportional within strata s, and censoring and late entry tell nothing
    about the event given x. A person may have several rows, one for each stretch of time with its covariates (time-varying
    covariates, repeated events): give people as clusters where they have several events.

    Args:
        time: end of each row's follow-up, shape (n,), any unit, zero or more. Times are tied where they are equal numbers.
        event: 1 where the row ends in the event, 0 where it is censored, shape (n,).
        X: covariates, shape (n, p), a DataFrame or an array; without an intercept.
        entry: time from which the row is at risk, on (entry, time], shape (n,); None is from the start.
        weights: of rows, zero or more, may be fractional, shape (n,); rows of weight zero take no part.
        strata: a baseline hazard for each, shape (n,).
        cluster: rows that are not independent of each other, shape (n,).
        ties: Efron's or Breslow's likelihood of tied events.
        level: of intervals.
        small_sample: None is R's error; "CR1-t" multiplies the covariance by k / (k - 1) and takes Student's t with k - 1
            degrees of freedom, for k clusters; "CR2" gives back to each cluster's score the variance that the fit took from it,
            and takes Satterthwaite's degrees of freedom: better where a column varies between clusters. (Curves and concordance
            take CR1-t under either.)

    The covariance is the inverse information I^-1; where weights or clusters are given it is I^-1 (sum over clusters of UU')
    I^-1 with U the sum of a cluster's weighted score residuals (of each row without clusters), as R's coxph. Of more than 50,000
    rows the search starts from a part of them, and errors are exact to about a millionth.

    Source: Cox (1972), J. R. Stat. Soc. B 34:187, doi:10.1111/j.2517-6161.1972.tb00899.x; Efron (1977), J. Am. Stat. Assoc.
    72:557, doi:10.1080/01621459.1977.10480613; Lin and Wei (1989), J. Am. Stat. Assoc. 84:1074,
    doi:10.1080/01621459.1989.10478874; Binder (1992), Biometrika 79:139, doi:10.1093/biomet/79.1.139.

    Raises:
        ValueError: input that `doors` refuses; no event; columns that do not vary, or are a combination of others, among those at
            risk; separation (a likelihood without a maximum), naming the columns; a correction without clusters; CR2 of
            a coefficient that one cluster alone determines.

    """
    doors.choice("ties", ties, ("efron", "breslow"))
    doors.level(level)
    times = doors.times(time, event, entry)
    rows = len(times.time)
    weight = doors.weights(weights, rows)
    blocks = None if strata is None else doors.groups(strata, "strata", rows)
    members = _members(cluster, weight)
    doors.choice("small_sample", small_sample, (None, "CR1-t", "CR2"))
    rule = correction("CR1-t" if small_sample == "CR2" else small_sample, members)
    codes, count = (np.broadcast_to(np.intp(0), rows), 1) if blocks is None else (blocks.codes, len(blocks.labels))
    design, placed = beside(rows, lambda: doors.design(X, rows=rows), lambda: place(times, weight, codes, count))
    x, names = design.matrix, design.names
    sets, start = beside(
        rows, lambda: risk_sets(placed, x, weight), lambda: start_from_sample(placed, times, x, weight, ties, names)
    )
    parts = terms(sets, ties)
    best = maximise(sets, parts, names, start)
    data = CoxData(
        times, sets, parts, best, blocks, members, rule, weight, members is not None or weights is not None, small_sample == "CR2"
    )
    covariance, model, df = _coxdata.covariances(data)
    return CoxFit(
        names=names,
        coefficients=best.b / sets.scale,
        covariance=covariance,
        covariance_model=model,
        loglik=data.in_units(best.at.loglik),
        loglik_null=data.in_units(best.null),
        n=rows,
        events=len(sets.dead),
        level=doors.level(level),
        df=df,
        method=f"Cox model, {ties.capitalize()} ties, {data.errors}",
        _data=data,
    )


def _members(cluster: Any, weight: Floats) -> Groups | None:
    """Give the clusters that have a row of weight above zero; rows of weight zero are in none, and coded as in the first."""
    if cluster is None:
        return None
    members = doors.clusters(cluster, len(weight))
    kept = weight > 0
    left = pick_groups(kept, members)
    if left is None or left is members:
        return members
    codes = np.zeros(len(weight), dtype=np.intp)
    codes[kept] = left.codes
    doors.clusters(left.codes, len(left.codes))
    return Groups(codes, left.labels)
