"""Resampling and combining: cluster bootstrap, Rubin's rules, several p-values at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ldeval.stats import doors
from ldeval.stats._threads import each
from ldeval.stats.doors import Codes, Floats, Groups
from ldeval.stats.wild import wild_cluster_bootstrap

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Bootstrap", "Pooled", "adjust_p", "cluster_bootstrap", "pool", "wild_cluster_bootstrap"]

Adjustment = Literal["holm", "bh"]


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A statistic of k numbers and its draws: `estimate` (k,), `draws` (draws kept, k); `failed` draws raised an error."""

    estimate: Floats
    draws: Floats
    failed: int

    @property
    def se(self) -> Floats:
        """The standard deviation of the draws, shape (k,)."""
        return np.asarray(self.draws.std(axis=0, ddof=1))

    def interval(self, level: float = 0.95) -> Floats:
        """Give the percentile interval, shape (2, k)."""
        tail = (1 - doors.level(level)) / 2
        return np.asarray(np.quantile(self.draws, [tail, 1 - tail], axis=0))


@dataclass(frozen=True, slots=True)
class Pooled:
    """Estimates from m imputations as one, each of shape (k,); `df` for Student's t, `fraction` of missing information."""

    estimate: Floats
    se: Floats
    df: Floats
    within: Floats
    between: Floats
    fraction: Floats

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """Give a row per estimate: `term, estimate, se, low, high, p_value` (terms x0, x1, ...)."""
        from ldeval.stats.fit import tidy

        names = tuple(f"x{j}" for j in range(len(self.estimate)))
        return tidy(names, self.estimate, np.diag(self.se**2), level=doors.level(level), df=self.df)


def cluster_bootstrap(statistic: Callable[[Any], Any], data: Any, *, cluster: Any, draws: int, seed: int) -> Bootstrap:
    """Draw whole clusters with replacement, as many as there are, and compute the statistic on each draw.

    Gives the statistic's sampling distribution where clusters are independent and many enough (below about 30, percentile
    intervals cover too little; set them beside CR2 or CR1-t). A cluster drawn twice appears twice under the same name. Draws
    on which the statistic raises `ValueError` (an arm without a member, a separated fit) are left out and counted; more than
    one in twenty is an error.

    Args:
        statistic: takes data of the same kind, gives a number or an array (k,); it is called from a thread for each core.
        data: a DataFrame, an array with rows first, or a dictionary of such arrays.
        cluster: membership, shape (n,), or the name of a column of the DataFrame.
        draws: how many, at least 2.
        seed: of the generator; the same seed gives the same draws.

    Source: Cameron, Gelbach and Miller, 2008, doi:10.1162/rest.90.3.414; Davison and Hinkley, Bootstrap Methods (1997),
        section 3.8.

    Raises:
        ValueError: fewer than 2 clusters or draws; a statistic that fails on too many draws, with its last message.

    """
    wanted, start = doors.whole(draws, "draws", 2), doors.whole(seed, "seed", 0)
    named = isinstance(cluster, str) and hasattr(data, "columns")
    if named and cluster not in data.columns:
        raise ValueError(f"cluster: expected a column of the data or an array, found no column {cluster!r}")
    clusters = doors.groups(data[cluster] if named else cluster, "cluster", _rows(data))
    count = len(clusters.labels)
    if count < 2:
        raise ValueError(f"cluster: expected at least 2 clusters, found {count}")
    members = _members(clusters)
    rng = np.random.default_rng(start)
    estimate = np.atleast_1d(np.asarray(statistic(data), dtype=np.float64))

    def of_draw(chosen: Codes) -> Floats | str:
        try:
            return np.atleast_1d(
                np.asarray(statistic(_take(data, np.concatenate([members[g] for g in chosen]))), dtype=np.float64)
            )
        except ValueError as error:
            return str(error)

    found = each(of_draw, [rng.integers(0, count, count) for _ in range(wanted)])
    kept = [values for values in found if not isinstance(values, str)]
    failed = wanted - len(kept)
    if failed * 20 > wanted or len(kept) < 2:
        message = next((words for words in reversed(found) if isinstance(words, str)), "")
        raise ValueError(f"statistic: it failed on {failed} of {draws} draws; the last time with: {message}")
    return Bootstrap(estimate, np.array(kept), failed)


def pool(estimates: Any, ses: Any, *, df: float | None = None) -> Pooled:
    """Combine estimates from m imputed data sets (or m linkages) by Rubin's rules.

    Estimate: the mean. Variance: W + (1 + 1 / m) B, with W the mean of the squared errors and B the variance of the estimates.
    Degrees of freedom (m - 1) (1 + W / ((1 + 1 / m) B))^2, or Barnard and Rubin's where `df`, those of the complete data, are
    given.

    Args:
        estimates: shape (m,) or (m, k).
        ses: their standard errors, of the same shape.
        df: degrees of freedom of the complete data.

    Source: Rubin, Multiple Imputation (1987), chapter 3; Barnard and Rubin, 1999, doi:10.1093/biomet/86.4.948.

    Raises:
        ValueError: fewer than 2 imputations; shapes that differ; errors below zero; missing or infinite values.

    """
    means = doors.design(estimates).matrix
    errors = doors.design(ses, rows=len(means)).matrix
    if errors.shape != means.shape or len(means) < 2:
        raise ValueError(f"estimates, ses: expected the same shape and 2 rows or more, found {means.shape} and {errors.shape}")
    if df is not None and doors.number(df, "df") <= 0:
        raise ValueError(f"df: expected degrees of freedom above zero, found {df}")
    if (errors < 0).any():
        raise ValueError(f"ses: expected zero or more, found {int((errors < 0).sum())} below")
    count = len(means)
    within, between = (errors**2).mean(axis=0), means.var(axis=0, ddof=1)
    extra = (1 + 1 / count) * between
    total = within + extra
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(total > 0, extra / total, 0.0)
        freedom = (count - 1) / share**2
        if df is not None:
            observed = (df + 1) / (df + 3) * df * (1 - share)
            freedom = 1 / (1 / freedom + 1 / observed)
    return Pooled(means.mean(axis=0), np.sqrt(total), freedom, within, between, share)


def adjust_p(p: Any, method: Adjustment) -> Floats:
    """Adjust p-values for their number, in the order given.

    "holm" keeps the chance of any false rejection (max over j <= i of (m - j + 1) p_(j)); "bh" keeps the expected share of
    false among the rejected (min over j >= i of m / j p_(j)), for independent or positively dependent tests. Both are capped
    at 1.

    Args:
        p: the p-values, shape (m,).
        method: holm or bh.

    Source: Holm, 1979, jstor:4615733; Benjamini and Hochberg, 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.

    Raises:
        ValueError: an unknown method; values outside [0, 1] or missing.

    """
    doors.choice("method", method, get_args(Adjustment))
    values = doors.numbers(p, "p")
    if wrong := int(((values < 0) | (values > 1)).sum()):
        raise ValueError(f"p: expected values from 0 to 1, found {wrong} of {len(values)} outside")
    count, order = len(values), np.argsort(values, kind="stable")
    ranks = np.arange(1, count + 1)
    rising = values[order]
    if method == "holm":
        rising = np.maximum.accumulate(rising * (count - ranks + 1))
    else:
        rising = np.minimum.accumulate((rising * count / ranks)[::-1])[::-1]
    adjusted = np.empty(count)
    adjusted[order] = np.minimum(rising, 1.0)
    return adjusted


def _members(clusters: Groups) -> list[Codes]:
    order = np.argsort(clusters.codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(clusters.codes, minlength=len(clusters.labels)))[:-1])


def _rows(data: Any) -> int:
    if isinstance(data, dict):
        lengths = {len(values) for values in data.values()}
        if len(lengths) != 1:
            raise ValueError(f"data: expected arrays of one length, found lengths {sorted(lengths)}")
        return int(lengths.pop())
    return len(data)


def _take(data: Any, rows: Codes) -> Any:
    if isinstance(data, dict):
        return {name: _take(values, rows) for name, values in data.items()}
    return data.iloc[rows] if hasattr(data, "iloc") else np.asarray(data)[rows]
