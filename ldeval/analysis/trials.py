"""The two studies on release from prison that the validation uses: their words, models and horizons."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ldeval.stats.cox import Ties
from ldeval.stats.samples import SmallSample

EACH = "each person"
"""As the cluster of a model: every person is one, which gives robust errors."""


@dataclass(frozen=True, slots=True)
class Model:
    """One Cox model of a trial: `key` is R's entry for it (or our own, where R has none), `label` its words."""

    key: str
    label: str
    ties: Ties = "efron"
    strata: tuple[str, ...] = ()
    cluster: str | None = None
    small_sample: SmallSample | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One data set and the words for it: `terms` maps a column to its row label, `groups` the codes 0 and 1.

    `models` are beside the main one; `horizons` maps the end of a restricted mean to R's entries for the means and the
    difference; `parametric` says whether accelerated failure time models are shown.
    """

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
    models: tuple[Model, ...]
    horizons: dict[int, tuple[str, str]]

    @property
    def slugs(self) -> tuple[str, str]:
        """How ids name the two groups."""
        return f"no_{self.exposure}", self.exposure


MAIN = Model("cox_efron", "As above: Efron's ties, errors of the model")
BRESLOW = replace(MAIN, key="cox_breslow", label="Breslow's ties", ties="breslow")

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
    models=(
        BRESLOW,
        Model("cox_strata_wexp", "Stratified by work experience", strata=("wexp",)),
        Model("cox_strata_wexp_mar", "Stratified by work experience and marriage", strata=("wexp", "mar")),
        Model("cox_robust", "Robust errors", cluster=EACH),
        Model("cox_cluster_educ", "Clustered by schooling, R's errors", cluster="educ"),
        Model("cluster_educ_cr1t", "Clustered by schooling, CR1-t", cluster="educ", small_sample="CR1-t"),
    ),
    horizons={52: ("rmst52_fin", "rmst52_diff")},
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
    models=(
        BRESLOW,
        Model("strata_super", "Stratified by supervision after release", strata=("super",)),
        Model("robust", "Robust errors", cluster=EACH),
        Model("cox12m", "Followed up for twelve months", until=12),
    ),
    horizons={24: ("rmst24_workprg", "rmst24_diff"), 70: ("rmst70", "rmst70_diff")},
)
