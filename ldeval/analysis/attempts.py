"""What an analysis gives where the records hold no answer: each result expected of it, as not estimated, with why."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import ParamSpec

import numpy as np
import numpy.typing as npt

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.findings import Findings

P = ParamSpec("P")
FEWEST_AREAS = 2
"""Fewer areas than this in an arm leave nothing from which the error between areas could be had."""

KNOWN = {
    "X": "too few people of some kinds, or too like one another, for a model of their characteristics",
    "small_sample": "these records leave nothing from which the error between areas could be had",
}
"""What a refusal at an input means in words, where one thing leads to it in an analysis."""


class NoAnswer(ValueError):
    """The records cannot answer. The text is a clause that goes into the report: it never holds a count of people."""


def answers(expected: Mapping[str, str]) -> Callable[[Callable[P, Findings]], Callable[P, Findings]]:
    """Turn a refusal in the decorated function into `NotEstimated`, one for each id of `expected` (id to words).

    Estimators refuse what they cannot estimate by `ValueError`. Of their messages only the name of the argument at fault
    goes on, since the rest may count people.
    """

    def decorate(function: Callable[P, Findings]) -> Callable[P, Findings]:
        @functools.wraps(function)
        def attempted(*args: P.args, **kwargs: P.kwargs) -> Findings:
            try:
                return function(*args, **kwargs)
            except ValueError as refused:
                return not_estimated(expected, reason(refused))

        return attempted

    return decorate


def not_estimated(expected: Mapping[str, str], why: str) -> Findings:
    """Give every expected result as not estimated."""
    return Findings(missing=tuple(NotEstimated(key, what, why, _outcome(key)) for key, what in expected.items()))


def reason(refused: ValueError) -> str:
    """Give the clause that says why, without any number of people."""
    if isinstance(refused, NoAnswer):
        return str(refused)
    argument = str(refused).split(":")[0]
    if argument in KNOWN:
        return KNOWN[argument]
    return "the estimator refused these records" + (f" at its input {argument!r}" if argument.isidentifier() else "")


def require_both(event: npt.NDArray[np.bool_], treated: npt.NDArray[np.float64], what: str) -> None:
    """Refuse an arm in which nobody, or everybody, was `what` ("sentenced to custody").

    Raises:
        NoAnswer: as said.

    """
    for arm in (treated == 1.0, treated == 0.0):
        if event[arm].all() or not event[arm].any():
            raise NoAnswer(f"nobody, or everybody, in one arm was {what}")


def require_areas(cluster: npt.NDArray[np.str_], treated: npt.NDArray[np.float64]) -> None:
    """Refuse an arm whose people come from one area only: the error between areas could not be told.

    Raises:
        NoAnswer: as said.

    """
    for label, arm in (("users", treated == 1.0), ("comparators", treated == 0.0)):
        if len(np.unique(cluster[arm])) < FEWEST_AREAS:
            raise NoAnswer(f"the {label} come from one area only")


def _outcome(key: str) -> str:
    return key.split("/")[0] if "/" in key else ""
