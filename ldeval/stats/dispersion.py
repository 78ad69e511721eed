"""The dispersion of the negative binomial (NB2): its maximum likelihood beside the mean's coefficients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ldeval.stats import families, glm
from ldeval.stats._products import across
from ldeval.stats.doors import Floats

ROUNDS = 200
SETTLED = 1e-9  # of the error that alpha has where it is 0: a change that moves nothing
NOISE = 1e-6  # likewise: a change that is rounding where it is no smaller than the one before
FAR = 1e3  # theta from which digamma's asymptotic series is exact


def fit(posed: glm.Problem) -> tuple[glm.Solution, float]:
    """Maximise over coefficients and alpha in turn (their information is zero across), until neither moves.

    The solution's weights and information are the expected ones.
    Gives alpha 0 with Poisson's fit where the likelihood falls from there: sum of w ((y - mean)^2 - y) at or below zero.

    Raises:
        ValueError: as `glm.fit`; no convergence.

    """
    solution = glm.fit(families.Poisson(), posed)
    load = _load(posed)
    mean = _means(solution)
    excess = float(load @ ((posed.y - mean) ** 2 - posed.y))
    if excess <= 0:
        return solution, 0.0
    squares = float(load @ mean**2)
    alpha, error, before = excess / squares, float(np.sqrt(2 * load.mean() / squares)), np.inf
    for _ in range(ROUNDS):
        ahead = _best_alpha(posed, mean, alpha)
        solution = glm.fit(families.NegativeBinomial(ahead), posed)
        mean, change, alpha = _means(solution), abs(ahead - alpha), ahead
        if change <= SETTLED * error or NOISE * error >= change >= before:
            expected = load * mean / (1.0 + alpha * mean)
            return replace(solution, working=expected, information=glm.gram(posed, expected)), alpha
        before = change
    raise ValueError(f"y: the dispersion did not settle in {ROUNDS} rounds; use poisson with robust errors")


def loglik(solution: glm.Solution, alpha: float) -> float:
    """Give the full log-likelihood at the fit."""
    from scipy.special import gammaln, xlogy

    y, mean, theta = solution.problem.y, _means(solution), 1 / alpha
    terms = gammaln(y + theta) - gammaln(theta) - gammaln(y + 1)
    terms += xlogy(y, mean / (mean + theta)) - theta * np.log1p(mean / theta)
    return float(_load(solution.problem) @ terms)


def theta_se(solution: glm.Solution, alpha: float) -> float:
    """Give the error of theta = 1 / alpha from its observed information at fixed means, as R's `MASS::theta.ml`."""
    y, mean, theta = solution.problem.y, _means(solution), 1 / alpha
    curve = _theta_slopes(y, mean, theta)[1]
    return float((-(_load(solution.problem) @ curve)) ** -0.5)


def observed(solution: glm.Solution, alpha: float) -> Floats:
    """Give the coefficients' covariance from the observed information of coefficients and theta together, in standard units."""
    posed, theta = solution.problem, 1 / alpha
    y, mean, load = posed.y, _means(solution), _load(posed)
    p = len(solution.coefficients)
    joint = np.empty((p + 1, p + 1))
    joint[:p, :p] = glm.gram(posed, load * theta * mean * (y + theta) / (mean + theta) ** 2)
    cross = -load * mean * (y - mean) / (mean + theta) ** 2
    joint[p, :p] = joint[:p, p] = posed.total(lambda rows, block: across(block, cross[rows]))
    joint[p, p] = -(load @ _theta_slopes(y, mean, theta)[1])
    return np.asarray(np.linalg.inv(joint)[:p, :p])


def _best_alpha(posed: glm.Problem, mean: Floats, alpha: float) -> float:
    """Newton's method in log theta, which keeps theta above zero."""
    load, log_theta = _load(posed), -np.log(alpha)
    for _ in range(100):
        theta = np.exp(log_theta)
        slopes = _theta_slopes(posed.y, mean, theta)
        first = theta * float(load @ slopes[0])
        second = theta**2 * float(load @ slopes[1]) + first
        step = -first / second if second < 0 else np.sign(first)
        log_theta += float(np.clip(step, -2.0, 2.0))
        if abs(step) < 1e-13:
            break
    return float(np.exp(-log_theta))


def _theta_slopes(y: Floats, mean: Floats, theta: float) -> tuple[Floats, Floats]:
    """Give the first and second derivative of each row's log-likelihood in theta."""
    from scipy.special import digamma, polygamma

    values, where = np.unique(y, return_inverse=True)

    def tail(x: Floats | float) -> Floats | float:
        """Digamma less the logarithm."""
        return digamma(x) - np.log(x) if theta < FAR else -1 / (2 * x) - 1 / (12 * x**2) + 1 / (120 * x**4)

    first = (np.log1p(values / theta) + tail(values + theta) - tail(theta))[where]
    second = (polygamma(1, values + theta) - polygamma(1, theta))[where]
    whole = mean + theta
    first = first - np.log1p(mean / theta) + (mean - y) / whole
    second = second + 1 / theta - 2 / whole + (y + theta) / whole**2
    return first, second


def _load(posed: glm.Problem) -> Floats:
    return np.ones(len(posed.y)) if posed.weights is None else posed.weights


def _means(solution: glm.Solution) -> Floats:
    """Give the rows' means; of rows of weight zero any, for theirs may be infinite."""
    weights = solution.problem.weights
    return solution.mean if weights is None else np.where(weights > 0, solution.mean, 1.0)
