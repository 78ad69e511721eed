"""Weights that carry their estimand, so that two estimands cannot be mixed by accident."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from ldeval.stats import doors
from ldeval.stats.doors import Bools, Design, Floats

Estimand = Literal["ATT", "ATE", "overlap"]


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """What errors that account for estimated weights need: `slope`, d(weight)/d(coefficient), and `influence`, both (n, p).

    Row i's share in the error of the fitted coefficients is `influence[i]`: coefficients - truth is near its sum over rows.
    """

    slope: Floats
    influence: Floats


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of n rows, for one estimand. Pass it wherever an estimator takes `weights`.

    Args:
        values: shape (n,), zero or more.
        treated: shape (n,).
        estimand: whose effect the weighted arms tell: "ATT" the treated, "ATE" everyone, "overlap" those who could be in
            either arm.
        method: one line that a reviewer can follow.
        score: each row's probability of treatment, shape (n,); None where the method needs none.
        model: of the scores; None where the method has none.

    """

    values: Floats
    treated: Bools
    estimand: Estimand
    method: str
    score: Floats | None = None
    model: ScoreModel | None = None

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        return np.array(self.values, dtype=dtype, copy=copy)

    def __len__(self) -> int:
        return len(self.values)

    def __mul__(self, other: Weights) -> Weights:
        """Multiply two sets of weights for the same estimand (for example, of treatment and of remaining in the study).

        Raises:
            ValueError: their estimands, arms or lengths differ.

        """
        require(other, self.estimand)
        if len(self) != len(other) or (self.treated != other.treated).any():
            raise ValueError("weights: expected the same rows and arms in both sets")
        return Weights(self.values * other.values, self.treated, self.estimand, f"{self.method}; {other.method}", self.score)

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.values)

    def effective_sample_size(self) -> dict[str, float]:
        """Give (sum w)^2 / sum w^2 in each arm, by the keys "treated" and "control"."""
        return {
            "treated": effective_sample_size(self.values[self.treated]),
            "control": effective_sample_size(self.values[~self.treated]),
        }


def require(weights: Any, estimand: str) -> None:
    """Refuse weights that were made for another estimand; plain arrays carry none and pass.

    Raises:
        ValueError: the estimands differ.

    """
    if isinstance(weights, Weights) and weights.estimand != estimand:
        raise ValueError(f"weights: made for the estimand {weights.estimand}, asked for {estimand}; two estimands do not mix")


def target(arm: Bools, load: Floats | None, estimand: str, weights: Any = None) -> Floats:
    """Give each row's share in the population that an estimand is about: the treated, or everyone, by their weights.

    Raises:
        ValueError: weights made for another estimand; the overlap population, which weights make, without `Weights`.

    """
    doors.choice("estimand", estimand, get_args(Estimand))
    require(weights, estimand)
    if estimand == "overlap" and not isinstance(weights, Weights):
        raise ValueError("weights: the overlap population is made by weights; give those of propensity_weights")
    whole = np.ones(len(arm)) if load is None else load
    share = whole * arm if estimand == "ATT" else whole
    if not share.any():
        raise ValueError(f"weights: expected at least one row above zero in the target of the {estimand}, found none")
    return np.asarray(share / share.sum())


def effective_sample_size(weights: Any) -> float:
    """Give Kish's effective sample size, (sum w)^2 / sum w^2.

    Source: Kish (1965), Survey Sampling, section 11.7.

    Raises:
        ValueError: as `doors.weights`.

    """
    values = doors.numbers(weights, "weights")
    values = doors.weights(values / max(float(np.abs(values).max()), np.finfo(float).tiny), len(values))
    return float(values.sum() ** 2 / (values**2).sum())


def arms(treated: Any, X: Any, *, rows: int | None = None) -> tuple[Bools, Design]:
    """Check who is treated, and the columns of both arms.

    Raises:
        ValueError: input that a door refuses; values other than 0 and 1; one arm only.

    """
    arm = doors.numbers(treated, "treated", rows=rows)
    if other := int(np.count_nonzero((arm != 0) & (arm != 1))):
        raise ValueError(f"treated: expected 0 or 1, found {other} of {len(arm)} rows otherwise; code the arms as 0 and 1")
    if arm.min() == arm.max():
        raise ValueError(f"treated: expected rows in both arms, found all {len(arm)} in one")
    return arm == 1, doors.design(X, rows=len(arm))
