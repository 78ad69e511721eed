"""The estimates whose truth is known, and how each is read off the sums of both potential outcomes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ldeval.data.synthetic_outcomes import FOLLOW_UP
from ldeval.data.synthetic_people import Floats
from ldeval.estimate import Scale

Sums = dict[str, Floats]
"""Sums over a population, each an array whose first axis is the arm: 0 without the service, 1 with it."""


def hazard_ratio(sums: Sums) -> float:
    """Cox's hazard ratio of the service over the first reoffences of both arms, Efron's ties, death censoring."""
    log_ratio = 0.0
    events, at_risk = sums["events"], _at_risk(sums)
    for _ in range(30):
        score, information = _efron(events, at_risk, math.exp(log_ratio))
        log_ratio += score / information
        if abs(score / information) < 1e-12:
            break
    return math.exp(log_ratio)


def _at_risk(sums: Sums) -> Floats:
    """People not yet left at each day 0, 1, ..., 364, by arm."""
    leavers = sums["leavers"]
    return np.asarray(leavers[:, ::-1].cumsum(axis=1)[:, ::-1][:, :FOLLOW_UP])


def _efron(events: Floats, at_risk: Floats, ratio: float) -> tuple[float, float]:
    score = information = 0.0
    for day in np.flatnonzero(events.sum(axis=0)):
        d0, d1 = events[:, day]
        done = np.arange(d0 + d1) / (d0 + d1)
        with_service = (at_risk[1, day] - done * d1) * ratio
        share = with_service / (with_service + at_risk[0, day] - done * d0)
        score += d1 - share.sum()
        information += (share * (1 - share)).sum()
    return float(score), float(information)


def restricted_means(sums: Sums) -> Floats:
    """Area under each arm's Kaplan-Meier curve of the first reoffence over 365 days, death censoring."""
    survival = np.cumprod(1 - sums["events"] / _at_risk(sums), axis=1)
    return np.asarray(survival.sum(axis=1))


def _difference(name: str, base: str = "n") -> Callable[[Sums], float]:
    return lambda sums: float((sums[name] / sums[base])[1] - (sums[name] / sums[base])[0])


def _ratio(name: str, base: str = "n") -> Callable[[Sums], float]:
    return lambda sums: float((sums[name] / sums[base])[1] / (sums[name] / sums[base])[0])


def _odds_ratio(sums: Sums) -> float:
    odds = sums["custody"] / (sums["n"] - sums["custody"])
    return float(odds[1] / odds[0])


def _reconvicted(sums: Sums) -> Floats:
    return np.asarray(sums["events"].sum(axis=1) / sums["n"])


@dataclass(frozen=True, slots=True)
class Target:
    """One estimate whose truth is computed: its id, unit and scale, and what it is in words."""

    id: str
    unit: str
    scale: Scale
    value: Callable[[Sums], float]
    words: str


_CUSTODY = "immediate custody for the index case within 365 days of the index event, no sentence counting as none"
_ENGLAND = "offence within 365 days of the index event, convicted or cautioned within 547"

TARGETS = (
    Target("diversion/risk_difference/att", "proportion", "identity", _difference("custody"), _CUSTODY),
    Target("diversion/risk_ratio/att", "ratio", "log", _ratio("custody"), _CUSTODY),
    Target("diversion/odds_ratio/att", "ratio", "log", _odds_ratio, _CUSTODY),
    Target(
        "diversion/risk_difference/itt",
        "proportion",
        "identity",
        _difference("itt_custody", "itt_n"),
        f"{_CUSTODY}; all eligible index events of live areas",
    ),
    Target(
        "custody_given_sentence/risk_difference/att",
        "proportion",
        "identity",
        _difference("custody", "sentenced"),
        "custody among those sentenced within 365 days, in each arm its own",
    ),
    Target(
        "custody_days/mean_difference/att",
        "days",
        "identity",
        _difference("custody_days"),
        "days served of the index sentence within 365 days of the index event",
    ),
    Target(
        "sentence_served/mean_difference/att",
        "days",
        "identity",
        _difference("sentence_served"),
        "days served to release of index sentences passed within 365 days",
    ),
    Target(
        "days_inside/mean_difference/att",
        "days",
        "identity",
        _difference("days_inside"),
        "days in custody for any reason, remand included, within 365 days",
    ),
    Target(
        "reconviction/hazard_ratio/att",
        "ratio",
        "log",
        hazard_ratio,
        f"{_ENGLAND}; Cox over both potential outcomes, clock from the index event, death censoring",
    ),
    Target(
        "reconviction/rmst_difference/att",
        "days",
        "identity",
        lambda sums: float(np.diff(restricted_means(sums))[0]),
        f"{_ENGLAND}; restricted mean to 365 days, death censoring",
    ),
    Target(
        "reconviction/risk_difference/att",
        "proportion",
        "identity",
        lambda sums: float(np.diff(_reconvicted(sums))[0]),
        f"{_ENGLAND}; death competing",
    ),
    Target(
        "reconviction/risk_ratio/att",
        "ratio",
        "log",
        lambda sums: float(_reconvicted(sums)[1] / _reconvicted(sums)[0]),
        f"{_ENGLAND}; death competing",
    ),
    Target("reoffences/rate_ratio/att", "ratio", "log", _ratio("reoffences"), f"proven arrests a person; {_ENGLAND}"),
    Target(
        "timeliness/completed_90/att",
        "proportion",
        "identity",
        _difference("by_90", "cases"),
        "all cases of live areas from go-live to a year before the extract's end, by charge date",
    ),
    Target(
        "timeliness/completed_180/att",
        "proportion",
        "identity",
        _difference("by_180", "cases"),
        "as timeliness/completed_90/att",
    ),
    Target(
        "timeliness/restricted_mean_days/att",
        "days",
        "identity",
        _difference("court_days", "cases"),
        "days from charge to completion, at most 365; cases as timeliness/completed_90/att",
    ),
)
"""Every estimate whose truth is known."""
