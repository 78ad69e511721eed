"""The two studies on release from prison that the validation uses, and the words for them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """One data set and the words for it: `terms` maps a column to its row label, `groups` the codes 0 and 1."""

    data: str
    outcome: str
    event: str
    free_of_event: str
    time: str
    time_unit: str
    exposure: str
    groups: tuple[str, str]
    terms: dict[str, str]
    times: tuple[int, ...]
    estimand: str


ROSSI = Trial(
    data="rossi",
    outcome="rearrest",
    event="re-arrest",
    free_of_event="not re-arrested",
    time="week",
    time_unit="weeks",
    exposure="fin",
    groups=("No financial aid", "Financial aid"),
    terms={
        "fin": "Financial aid",
        "age": "Age at release, per year",
        "race": "Black",
        "wexp": "Full-time work before prison",
        "mar": "Married at release",
        "paro": "Released on parole",
        "prio": "Previous convictions, each",
    },
    times=(10, 20, 30, 40, 52),
    estimand="conditional",
)

RECID = Trial(
    data="recid",
    outcome="return_to_prison",
    event="return to prison",
    free_of_event="not returned to prison",
    time="durat",
    time_unit="months",
    exposure="workprg",
    groups=("No work programme", "Work programme"),
    terms={
        "workprg": "Work programme in prison",
        "priors": "Previous convictions, each",
        "tserved": "Time served, per month",
        "felon": "Felony sentence",
        "alcohol": "Alcohol problem",
        "drugs": "History of drug use",
        "black": "Black",
        "married": "Married when imprisoned",
        "educ": "Schooling, per year",
        "age": "Age at release, per month",
    },
    times=(12, 24, 36, 60, 72),
    estimand="conditional",
)
