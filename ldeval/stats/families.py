"""The distributions of generalised linear models, each with its link, as what Newton's method asks of a row."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from ldeval.stats.doors import Floats


class Family(Protocol):
    """A distribution with its link; `parts` gives mean, score residual, working weight and log-likelihood of each row."""

    def start(self, y: Floats) -> Floats:
        """Give a first linear predictor from the outcome."""

    def parts(self, y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Give mean, d(log-likelihood)/d(eta), its negative slope, and the log-likelihood without constants."""


class Gaussian:
    """Normal, identity link, in units of y: one step from anywhere is the maximum."""

    def start(self, y: Floats) -> Floats:
        """Give a first linear predictor."""
        return y

    def parts(self, y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Give mean, score residual, working weight and log-likelihood."""
        residual = y - eta
        return eta, residual, np.ones_like(eta), -0.5 * residual**2


class Binomial:
    """Bernoulli, logit link."""

    def start(self, y: Floats) -> Floats:
        """Give a first linear predictor."""
        return np.asarray((2 * y - 1) * np.log(3.0))

    def parts(self, y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Give mean, score residual, working weight and log-likelihood."""
        small = np.exp(-np.abs(eta))
        whole, high = 1.0 + small, eta >= 0
        mean, rest = np.where(high, 1.0, small) / whole, np.where(high, small, 1.0) / whole
        residual = y * rest - (1.0 - y) * mean  # y less the mean, to all digits where the mean rounds to 1
        return mean, residual, small / whole**2, y * eta - np.maximum(eta, 0.0) - np.log1p(small)


class Poisson:
    """Poisson, log link."""

    def start(self, y: Floats) -> Floats:
        """Give a first linear predictor."""
        return np.log(y + 0.1)

    def parts(self, y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Give mean, score residual, working weight and log-likelihood."""
        mean = np.exp(eta)
        return mean, y - mean, mean, y * eta - mean


class NegativeBinomial(Poisson):
    """Negative binomial with variance mean + alpha mean^2 (NB2), log link, alpha given."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha

    def parts(self, y: Floats, eta: Floats) -> tuple[Floats, Floats, Floats, Floats]:
        """Give mean, score residual, working weight and log-likelihood."""
        mean = np.exp(eta)
        spread = 1.0 + self.alpha * mean
        slope = mean * (1.0 + self.alpha * y) / spread**2
        return mean, (y - mean) / spread, slope, y * eta - (y + 1.0 / self.alpha) * np.log(spread)
