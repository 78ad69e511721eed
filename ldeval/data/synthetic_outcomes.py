"""The outcomes of the twin's people that the report estimates, one value a person and arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.data.extracts_justice import SENTENCES
from ldeval.data.synthetic_cases import CUSTODY, FAR
from ldeval.data.synthetic_justice import Justice, JusticeDraws, inside, proven
from ldeval.data.synthetic_people import Floats, Ints, People

FOLLOW_UP = 365
WAIT = 182
"""The England rule: 12 months to offend, 6 more to be convicted or cautioned."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of each person after the index event.

    `custody`: immediate custody for the index case within 12 months (0 or 1; no sentence counts as none). `sentenced`: any
    sentence for it within 12 months. `custody_days`: days served of that sentence within the 12 months; `sentence_served`:
    all days of it to release. `reoffence_lag`: days to the first proven reoffence (its offence within 12 months, its
    conviction or caution within 18), else FAR. `reoffences`: how many such. `death_lag`: days to death.
    """

    custody: Floats
    sentenced: Floats
    custody_days: Floats
    sentence_served: Floats
    days_inside: Floats
    reoffence_lag: Ints
    reoffences: Floats
    death_lag: Ints


def outcomes(people: People, draws: JusticeDraws, justice: Justice) -> Outcomes:
    """Reduce one potential outcome to what the report estimates."""
    index = justice.index
    last = people.index_day + FOLLOW_UP
    in_time = index.end_day < last
    custody = in_time & (index.disposal == CUSTODY)
    lag, number = _reoffences(people, draws, justice)
    return Outcomes(
        custody=custody.astype(float),
        sentenced=(in_time & (index.disposal < len(SENTENCES))).astype(float),
        custody_days=np.where(custody, np.minimum(_out(people, justice), last) - index.end_day, 0).astype(float),
        sentence_served=np.where(custody, _out(people, justice) - index.end_day, 0).astype(float),
        days_inside=_days_inside(people, draws, justice),
        reoffence_lag=lag,
        reoffences=number,
        death_lag=people.death_lag,
    )


def _out(people: People, justice: Justice) -> Ints:
    """Day of release or of death, whichever came first."""
    death = people.index_day + people.death_lag
    return np.asarray(np.maximum(np.minimum(justice.index.release_day, death), justice.index.end_day))


def _reoffences(people: People, draws: JusticeDraws, justice: Justice) -> tuple[Ints, Floats]:
    start = people.index_day[draws.person]
    lag = draws.arrest_day - draws.offence_lag - start
    counts = justice.happened & proven(justice.later.disposal) & (lag < FOLLOW_UP)
    counts &= justice.later.end_day < start + FOLLOW_UP + WAIT
    first = np.full(len(people), FAR)
    np.minimum.at(first, draws.person[counts], lag[counts])
    return first, np.bincount(draws.person[counts], minlength=len(people)).astype(float)


def _days_inside(people: People, draws: JusticeDraws, justice: Justice) -> Floats:
    """Days in custody for any reason in the 12 months, counted on every seventh day (unbiased, as starts are random)."""
    days = np.zeros(len(people))
    everyone = np.arange(len(people))
    jailed = np.flatnonzero(justice.happened)
    death = people.index_day + people.death_lag
    for offset in range(3, FOLLOW_UP, 7):
        day = people.index_day + offset
        held = inside(justice.index, everyone, day)
        later = inside(justice.later, jailed, day[draws.person[jailed]])
        held[draws.person[jailed[later]]] = True
        days += held & (day < death)
    return days * FOLLOW_UP / len(range(3, FOLLOW_UP, 7))
