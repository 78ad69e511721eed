"""Costs: one price year, present values, scenarios, and their uncertainty from the models' own covariance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ldeval.stats import doors
from ldeval.stats.doors import Floats

if TYPE_CHECKING:
    import pandas as pd

Timing = Literal["start", "middle", "end"]
Parameters = Mapping[str, float]
Model = Callable[[Any], Any]

SHIFT = {"start": 0.0, "middle": 0.5, "end": 1.0}


@dataclass(frozen=True, slots=True)
class Normal:
    """Parameters that vary together: `names` (k,), `mean` (k,), `covariance` (k, k), as a fitted model gives them.

    `link` "log" says that the mean and covariance are those of the logarithms: the model sees the exponentials.
    """

    names: tuple[str, ...]
    mean: Floats
    covariance: Floats
    link: Literal["identity", "log"] = "identity"

    def draw(self, rng: np.random.Generator, draws: int) -> dict[str, Floats]:
        """Give `draws` values of each name."""
        values = np.asarray(self.mean) + rng.normal(size=(draws, len(self.names))) @ _root(np.asarray(self.covariance)).T
        values = np.exp(values) if self.link == "log" else values
        return dict(zip(self.names, values.T, strict=True))


@dataclass(frozen=True, slots=True)
class Triangular:
    """One parameter of which a register gives low, central and high values."""

    name: str
    low: float
    central: float
    high: float

    def draw(self, rng: np.random.Generator, draws: int) -> dict[str, Floats]:
        """Give `draws` values from the triangle."""
        return {self.name: rng.triangular(self.low, self.central, self.high, draws)}


@dataclass(frozen=True, slots=True)
class Probabilistic:
    """Results and parameters of each draw, (draws,) each by name."""

    results: pd.DataFrame
    parameters: pd.DataFrame

    def summary(self, level: float = 0.95) -> pd.DataFrame:
        """Give a row per result: `term, estimate, se, low, high` (mean, standard deviation, percentile interval of the draws)."""
        import pandas as pd

        tail = (1 - doors.level(level)) / 2
        low, high = self.results.quantile(tail), self.results.quantile(1 - tail)
        columns = {"estimate": self.results.mean(), "se": self.results.std(), "low": low, "high": high}
        return pd.DataFrame(columns).rename_axis("term").reset_index()


def uprate(amount: Any, from_year: Any, to_year: Any, deflator: Any) -> Any:
    """Give an amount in the prices of another year: amount x index(to) / index(from).

    Args:
        amount: a number or an array (n,).
        from_year: its price year, one or (n,); any label that the deflator has.
        to_year: the price year wanted, one.
        deflator: a mapping or a Series from year to price index, above zero.

    Source: HM Treasury, The Green Book (2022), section 5.

    Raises:
        ValueError: years that the deflator lacks, by name; an index at or below zero; missing or infinite amounts.

    """
    index = {year: doors.number(level, f"deflator, {year}") for year, level in deflator.items()}
    years = np.atleast_1d(np.asarray(from_year, dtype=object)).tolist()
    if absent := sorted({str(year) for year in [*years, to_year] if year not in index}):
        known = sorted(map(str, index)) or ["none"]
        raise ValueError(f"deflator: no index for {', '.join(absent)}; it has {known[0]} to {known[-1]}")
    levels = np.array([index[year] for year in years])
    if not (levels > 0).all() or not index[to_year] > 0:
        raise ValueError("deflator: expected every index above zero")
    values = doors.numbers(np.atleast_1d(amount), "amount") * index[to_year] / levels
    return values if np.ndim(amount) or np.ndim(from_year) else float(values[0])


def discount(amounts: Any, *, rate: Any, timing: Timing = "end", periods_per_year: float = 1.0) -> float:
    """Give the present value of a stream of amounts, one for each period from the first: sum of a_t / (1 + r)^(time in years).

    Args:
        amounts: shape (periods,).
        rate: a year, such as 0.035 (The Green Book's social time preference), or one for each period, compounded.
        timing: whether a period's amount falls at its start (the first is not discounted), middle or end.
        periods_per_year: 12 for months.

    Source: HM Treasury, The Green Book (2022), annex 6.

    Raises:
        ValueError: an unknown timing; rates at or below -1, or as many as neither one nor the periods; missing or infinite
            values.

    """
    doors.choice("timing", timing, get_args(Timing))
    values = doors.numbers(amounts, "amounts")
    rates = doors.numbers(np.atleast_1d(rate), "rate")
    if len(rates) not in (1, len(values)) or (rates <= -1).any() or doors.number(periods_per_year, "periods_per_year") <= 0:
        raise ValueError(f"rate: expected one above -1, or one for each of {len(values)} periods, found {len(rates)}")
    growth = np.broadcast_to(np.log1p(rates) / periods_per_year, len(values))
    before = np.concatenate([[0.0], np.cumsum(growth)[:-1]])
    return float(values @ np.exp(-before - SHIFT[timing] * growth))


def scenarios(model: Model, base: Parameters, changes: Mapping[str, Parameters]) -> pd.DataFrame:
    """Compute a model under its base values and under named changes of them: a row per scenario, "base" first.

    Args:
        model: takes a dictionary of parameters, gives a number or a dictionary of numbers.
        base: every parameter's value.
        changes: for each scenario the parameters that differ.

    Source: Drummond et al. (2015), Methods for the Economic Evaluation of Health Care Programmes, chapter 11.

    Raises:
        ValueError: a scenario called "base", or one that changes parameters that the base lacks, by name.

    """
    import pandas as pd

    if "base" in changes:
        raise ValueError('changes: "base" is the name of the unchanged case; choose another')
    for name, change in changes.items():
        _check_known(f"scenario {name}", change, base)
    rows = {name: _results(model(dict(base) | dict(change))) for name, change in {"base": {}, **changes}.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("scenario").reset_index()


def probabilistic(model: Model, base: Parameters, uncertain: Any, *, draws: int, seed: int) -> Probabilistic:
    """Draw the uncertain parameters together and compute the model on each draw.

    Args:
        model: takes a dictionary of parameters, gives a number or a dictionary of numbers. It is called once for each draw.
        base: every parameter's value; those without a distribution keep it.
        uncertain: distributions: `Normal` (from a model's coefficients and covariance), `Triangular`.
        draws: how many, at least 2.
        seed: of the generator; the same seed gives the same draws.

    Source: Briggs, Claxton and Sculpher, Decision Modelling for Health Economic Evaluation (2006), chapter 4.

    Raises:
        ValueError: fewer than 2 draws; a parameter drawn twice or unknown to the base; a covariance that is none.

    """
    import pandas as pd

    count = doors.whole(draws, "draws", 2)
    rng = np.random.default_rng(doors.whole(seed, "seed", 0))
    drawn: dict[str, Floats] = {}
    for distribution in uncertain:
        values = distribution.draw(rng, count)
        _check_known("uncertain", values, base)
        if again := sorted(set(values) & set(drawn)):
            raise ValueError(f"uncertain: {', '.join(again)} drawn by two distributions; keep one")
        drawn |= values
    parameters = pd.DataFrame(drawn)
    results = [_results(model(dict(base) | row)) for row in parameters.to_dict("records")]
    return Probabilistic(pd.DataFrame(results), parameters)


def tornado(model: Model, base: Parameters, ranges: Mapping[str, tuple[float, float]], *, result: str = "value") -> pd.DataFrame:
    """Move one parameter at a time to the ends of its range: `parameter, low, high, at_low, at_high, swing`, widest first.

    Args:
        model: takes a dictionary of parameters, gives a number or a dictionary of numbers.
        base: every parameter's value.
        ranges: lower and upper value of each parameter to move.
        result: which of the model's results ("value" for a model that gives one number).

    Source: Drummond et al. (2015), Methods for the Economic Evaluation of Health Care Programmes, chapter 11.

    Raises:
        ValueError: a parameter that the base lacks; a range upside down; a result that the model does not give.

    """
    import pandas as pd

    _check_known("ranges", ranges, base)
    if turned := [name for name, (low, high) in ranges.items() if not low <= high]:
        raise ValueError(f"ranges: expected low before high, found otherwise for {', '.join(turned)}")
    known = _results(model(dict(base)))
    doors.choice("result", result, tuple(known))
    rows = []
    for name, ends in ranges.items():
        at = [_results(model(dict(base) | {name: value}))[result] for value in ends]
        rows.append([name, *ends, *at, abs(at[1] - at[0])])
    table = pd.DataFrame(rows, columns=["parameter", "low", "high", "at_low", "at_high", "swing"])
    return table.sort_values("swing", ascending=False, kind="stable", ignore_index=True)


def acceptability(saving: Any, effect: Any = None, *, thresholds: Any = (0.0,)) -> pd.DataFrame:
    """Give for each threshold the chance that net benefit is above zero, its mean, and the value of perfect information.

    Net benefit of a draw: saving + threshold x effect. Columns: `threshold, probability, net_benefit, evpi`, the last the
    mean of the positive part of net benefit less the positive part of its mean: what knowing the parameters would be worth
    per decision.

    Args:
        saving: money saved against the comparator in each draw, shape (draws,).
        effect: units of effect gained in each draw, shape (draws,); None where money is all.
        thresholds: worth of a unit of effect, shape (k,).

    Source: Fenwick, O'Brien and Briggs, 2004, doi:10.1002/hec.903; Briggs, Claxton and Sculpher (2006), chapters 5 and 6.

    Raises:
        ValueError: draws of different number; missing or infinite values.

    """
    import pandas as pd

    money = doors.numbers(saving, "saving")
    gained = np.zeros(len(money)) if effect is None else doors.numbers(effect, "effect", rows=len(money))
    worth = doors.numbers(np.atleast_1d(thresholds), "thresholds")
    benefit = money + worth[:, None] * gained
    mean = benefit.mean(axis=1)
    known = np.maximum(benefit, 0).mean(axis=1) - np.maximum(mean, 0)
    columns = {"threshold": worth, "probability": (benefit > 0).mean(axis=1), "net_benefit": mean, "evpi": known}
    return pd.DataFrame(columns)


def _results(found: Any) -> dict[str, float]:
    return {str(name): float(value) for name, value in found.items()} if isinstance(found, Mapping) else {"value": float(found)}


def _check_known(where: str, names: Any, base: Parameters) -> None:
    if unknown := sorted(set(names) - set(base)):
        raise ValueError(f"{where}: expected parameters of the base, found others: {', '.join(unknown)}")


def _root(covariance: Floats) -> Floats:
    """Give a root of a covariance, which may be singular."""
    if covariance.ndim != 2 or covariance.shape[0] != covariance.shape[1] or not np.allclose(covariance, covariance.T):
        raise ValueError(f"covariance: expected a symmetric matrix, found shape {covariance.shape}")
    values, vectors = np.linalg.eigh(covariance)
    if values.min() < -1e-8 * max(values.max(), 0):
        raise ValueError("covariance: expected no variance below zero in any direction, found one")
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))
