"""Multiple imputation by chained equations: proper draws of what is missing, column by column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Bools, Codes, Floats

if TYPE_CHECKING:
    import pandas as pd

PRIOR = 2.5
"""Standard deviation of the normal prior on a coefficient of a standardised column: keeps separated categories finite."""
DONORS = 5
"""Observed rows from which a missing number is taken (Morris, White and Royston, 2014, doi:10.1186/1471-2288-14-75)."""
STEPS = 50
CLOSE = 1e-4
"""Newton's decrement at which a posterior mode is found: a hundredth of a standard deviation from it."""


def impute(columns: pd.DataFrame, X: Any, *, draws: int, seed: int, sweeps: int = 5) -> Iterator[pd.DataFrame]:
    """Give the columns with their missing values drawn, `draws` times over, for `resample.pool` to combine.

    Fully conditional specification: each column in turn is modelled by X and the other columns on the rows that have it, the
    coefficients are drawn from their posterior, and the missing values given them. Texts and flags follow a multinomial logit
    (posterior by Laplace's approximation, a weak normal prior); numbers a normal linear model, each missing one taken from one
    of the observed rows nearest in prediction, so that it is a value that occurs. Valid where values are missing at random given
    X and the other columns; X must therefore hold the arm and the outcome as well as the covariates.

    Args:
        columns: covariates with missing values, shape (n, k); those without any come back as they are.
        X: complete predictors, shape (n, p), without an intercept.
        draws: imputations, at least 1 (at least 2 to be pooled).
        seed: of the generator.
        sweeps: passes over the columns; more than one matter only where rows miss several.

    Source: van Buuren and Groothuis-Oudshoorn, 2011, doi:10.18637/jss.v045.i03; Rubin, Multiple Imputation (1987), chapter 5;
        White, Royston and Wood, 2011, doi:10.1002/sim.4067.

    Raises:
        ValueError: fewer than 1 draw or sweep; predictors that a door refuses; a column without an observed value.

    """
    times, passes = doors.whole(draws, "draws", 1), doors.whole(sweeps, "sweeps", 1)
    known = _standardised(doors.design(X, rows=len(columns)).matrix)
    covariates = {name: _read(columns[name]) for name in columns.columns}
    gaps = sorted((name for name in covariates if covariates[name].absent.any()), key=lambda name: covariates[name].absent.sum())
    if empty := [str(name) for name in gaps if covariates[name].absent.all()]:
        raise ValueError(f"columns: expected an observed value in each, found none in {', '.join(empty)}")
    rng, modes = np.random.default_rng(doors.whole(seed, "seed", 0)), dict[Any, Mode]()
    for _ in range(times):
        filled = _one(covariates, known, gaps, rng, passes, modes)
        yield columns.assign(**{name: covariates[name].written(filled[name]) for name in gaps})


@dataclass(frozen=True, slots=True)
class Covariate:
    """A column: its numbers, or the places of its values among `labels`; what stands where it is `absent` means nothing."""

    values: Floats
    absent: Bools
    labels: Any
    like: pd.Series

    def coded(self, values: Floats) -> Floats:
        """Give values as standardised predictors: themselves, or an indicator of each category but the first."""
        if self.labels is None:
            return _standardised(values[:, None])
        return _standardised((values[:, None] == np.arange(1, len(self.labels))).astype(np.float64))

    def written(self, values: Floats) -> Any:
        """Give the column with these values where it was absent."""
        column = self.like.copy()
        drawn = values[self.absent]
        column[self.absent] = drawn if self.labels is None else self.labels[drawn.astype(np.int64)]
        return column


def _read(column: pd.Series) -> Covariate:
    absent = column.isna().to_numpy()
    if column.dtype.kind in "iuf":
        return Covariate(column.fillna(0).to_numpy(np.float64), absent, None, column)
    labels, codes = np.unique(column[~absent].to_numpy(), return_inverse=True)
    values = np.zeros(len(column))
    values[~absent] = codes
    return Covariate(values, absent, labels, column)


def _one(
    covariates: dict[Any, Covariate],
    known: Floats,
    gaps: list[Any],
    rng: np.random.Generator,
    sweeps: int,
    modes: dict[Any, Mode],
) -> dict[Any, Floats]:
    """Give every column's values once, the absent ones drawn."""
    filled = {name: each.values.copy() for name, each in covariates.items()}
    for name in gaps:
        absent = covariates[name].absent
        filled[name][absent] = rng.choice(filled[name][~absent], int(absent.sum()))
    for _ in range(sweeps if len(gaps) > 1 else 1):
        for name in gaps:
            own = covariates[name]
            others = [each.coded(filled[other]) for other, each in covariates.items() if other != name]
            Z = np.column_stack([np.ones(len(known)), known, *others])
            if own.labels is None:
                filled[name][own.absent] = _numbers(filled[name], Z, own.absent, rng)
            elif len(own.labels) > 1:
                codes = filled[name][~own.absent].astype(np.int64)
                mode = modes[name] = _mode(Z[~own.absent], codes, len(own.labels), modes.get(name))
                filled[name][own.absent] = _categories(Z[own.absent], mode, rng)
    return filled


def _standardised(matrix: Floats) -> Floats:
    spread = matrix.std(axis=0)
    return np.asarray((matrix - matrix.mean(axis=0))[:, spread > 0] / spread[spread > 0])


def _numbers(values: Floats, Z: Floats, absent: Bools, rng: np.random.Generator) -> Floats:
    """Match on predictions: of the observed under the fitted coefficients, of the missing under drawn ones."""
    seen, y = Z[~absent], values[~absent]
    information = seen.T @ seen + np.eye(Z.shape[1]) * 1e-8
    fitted = np.linalg.solve(information, seen.T @ y)
    freedom = max(len(y) - Z.shape[1], 1)
    scale = np.sqrt(((y - seen @ fitted) ** 2).sum() / rng.chisquare(freedom))
    drawn = fitted + scale * np.linalg.solve(np.linalg.cholesky(information).T, rng.standard_normal(len(fitted)))
    return np.asarray(y[_donors(seen @ fitted, Z[absent] @ drawn, rng)])


def _donors(observed: Floats, wanted: Floats, rng: np.random.Generator) -> Codes:
    """Give, for each wanted prediction, one of the observed rows nearest to it; rows of one prediction come in chance order."""
    mixed = rng.permutation(len(observed))
    order = mixed[np.argsort(observed[mixed], kind="stable")]
    number = min(DONORS, len(order))
    first = np.clip(np.searchsorted(observed[order], wanted) - number, 0, max(len(order) - 2 * number, 0))
    window = np.minimum(first[:, None] + np.arange(2 * number), len(order) - 1)
    nearest = np.argsort(np.abs(observed[order][window] - wanted[:, None]), axis=1, kind="stable")[:, :number]
    rows = np.arange(len(wanted))
    return np.asarray(order[window[rows, nearest[rows, rng.integers(0, number, len(wanted))]]])


def _categories(Z: Floats, mode: Mode, rng: np.random.Generator) -> Codes:
    """Draw categories of rows from a multinomial logit with drawn coefficients."""
    chances = np.cumsum(_chances(Z, mode.coefficients + mode.error(rng)), axis=1)
    return np.asarray((rng.random((len(chances), 1)) > chances[:, :-1]).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Mode:
    """Posterior mode of the coefficients against the first category, (kinds - 1, p), and the root of the information there."""

    coefficients: Floats
    root: Floats

    def step(self, score: Floats) -> Floats:
        """Give Newton's step for a score of the coefficients' shape."""
        return np.asarray(np.linalg.solve(self.root.T, np.linalg.solve(self.root, score.ravel())).reshape(score.shape))

    def error(self, rng: np.random.Generator) -> Floats:
        """Draw from the normal with mean nought and the inverse information."""
        drawn = np.linalg.solve(self.root.T, rng.standard_normal(len(self.root)))
        return np.asarray(drawn.reshape(self.coefficients.shape))


def _mode(Z: Floats, codes: Codes, kinds: int, known: Mode | None) -> Mode:
    """Find the mode by Newton's method.

    A later fit differs from the first by the few predictors filled in anew: it starts there and keeps its information.
    """
    precision = np.full(Z.shape[1], PRIOR**-2)
    precision[0] = 1e-6
    beta = _shares(codes, kinds, Z.shape[1]) if known is None else known.coefficients
    observed = (codes[:, None] == np.arange(1, kinds)).astype(np.float64)
    for _ in range(STEPS):
        chances = _chances(Z, beta)[:, 1:]
        score = (observed - chances).T @ Z - precision * beta
        root = known.root if known else np.asarray(np.linalg.cholesky(_information(Z, chances, precision)), dtype=np.float64)
        step = Mode(beta, root).step(score)
        if float((step * score).sum()) < CLOSE:
            break
        beta = beta + step * min(1.0, 5.0 / float(np.abs(step).max()))
    return Mode(beta, root)


def _shares(codes: Codes, kinds: int, p: int) -> Floats:
    """Give coefficients by which every row has the observed shares."""
    counts = np.bincount(codes, minlength=kinds)
    beta = np.zeros((kinds - 1, p))
    beta[:, 0] = np.log(counts[1:] / counts[0])
    return beta


def _chances(Z: Floats, beta: Floats) -> Floats:
    """Give each row's chance of each category, the first the reference, shape (n, kinds)."""
    odds = np.column_stack([np.zeros(len(Z)), Z @ beta.T])
    raised = np.exp(odds - odds.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _information(Z: Floats, chances: Floats, precision: Floats) -> Floats:
    """Give the observed information with the prior's, ((kinds - 1) p) squared."""
    kinds, p = chances.shape[1], Z.shape[1]
    whole = np.empty((kinds, p, kinds, p))
    for one in range(kinds):
        for two in range(one, kinds):
            load = chances[:, one] * ((one == two) - chances[:, two])
            whole[one, :, two] = Z.T @ (load[:, None] * Z)
            whole[two, :, one] = whole[one, :, two].T
    return whole.reshape(kinds * p, kinds * p) + np.diag(np.tile(precision, kinds))
