"""The twin's justice outcomes of people: the index case, arrests after it, custody, death, with the service and without."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ldeval.data.extracts_justice import OFFENCES
from ldeval.data.synthetic_cases import CODE, CUSTODY, FAR, CaseDraws, Cases, Facts, draw_cases, run_cases
from ldeval.data.synthetic_people import ABSENT, Areas, Flags, Floats, Ints, People
from ldeval.data.twin_parameters import Parameters

SHORT_CUSTODY = 365
"""Sentences shorter than this many days count as short."""


@dataclass(frozen=True, slots=True)
class JusticeDraws:
    """All the chance in a block's outcomes. Candidate arrests come at the highest rate that any state or arm allows."""

    index: CaseDraws
    person: Ints
    arrest_day: Ints
    keep: Floats
    facts: Facts
    offence_lag: Ints
    later: CaseDraws


@dataclass(frozen=True, slots=True)
class Justice:
    """One potential outcome: the index case, and which candidate arrests happened, with their cases.

    `happened` and `later` are by candidate arrest (sorted by person and day); `later` is meaningful where it happened.
    """

    index: Cases
    happened: Flags
    later: Cases


def index_facts(people: People, areas: Areas) -> Facts:
    """Give the facts of the index cases."""
    return Facts(
        day=people.index_day,
        hearing=people.hearing,
        offence=people.offence,
        prior_log=people.prior_log,
        male=people.male,
        need=people.need,
        frailty=people.frailty,
        severity=people.severity,
        area_custody=areas.custody[people.area],
        area_duration=areas.duration[people.area],
        site_effect=areas.site_effect[people.area],
        death_day=people.index_day + people.death_lag,
    )


def draw_justice(p: Parameters, rng: np.random.Generator, people: People, areas: Areas) -> JusticeDraws:
    """Draw the chance in the outcomes of a block of people."""
    index = draw_cases(rng, len(people))
    person, arrest_day = _candidates(p, rng, people, areas)
    n = len(person)
    facts = index_facts(people, areas).take(person)
    same = rng.random(n) < p.number("offences.same_again")
    other = rng.choice(len(OFFENCES), n, p=p.by("offences.mix", OFFENCES))
    lagged = rng.random(n) < p.number("offences.lag_share")
    facts = Facts(
        day=arrest_day,
        hearing=np.zeros(n, dtype=bool),
        offence=np.where(same, facts.offence, other),
        prior_log=facts.prior_log,
        male=facts.male,
        need=facts.need,
        frailty=facts.frailty,
        severity=rng.normal(size=n),
        area_custody=facts.area_custody,
        area_duration=facts.area_duration,
        site_effect=facts.site_effect,
        death_day=facts.death_day,
    )
    lag = np.where(lagged, np.ceil(rng.exponential(p.number("offences.lag_mean"), n)), 0).astype(np.int64)
    lag = np.minimum(lag, arrest_day - people.index_day[person] - 1)
    return JusticeDraws(index, person, arrest_day, rng.random(n), facts, lag, draw_cases(rng, n))


def _candidates(p: Parameters, rng: np.random.Generator, people: People, areas: Areas) -> tuple[Ints, Ints]:
    """Candidate arrests, sorted by person and day: a Poisson process with a Weibull clock from the index event."""
    horizon = p.number("design.police_follow_up")
    shape = p.number("reoffending.shape")
    rate = arrest_rate(p, people, areas) * highest_multiple(p)
    number = rng.poisson(rate * (horizon / 365) ** shape)
    person = np.repeat(np.arange(len(people)), number)
    after = 1 + np.floor(horizon * rng.random(len(person)) ** (1 / shape)).astype(np.int64)
    day = people.index_day[person] + after
    order = np.lexsort((day, person))
    return person[order], day[order]


def arrest_rate(p: Parameters, people: People, areas: Areas) -> Floats:
    """Arrests in the first year at liberty, without the service."""
    log_rate = (
        p.by("reoffending.intercept", OFFENCES)[people.offence]
        + np.array(p("reoffending.history"))[people.history]
        + p.number("reoffending.male") * (people.male - p.number("people.male"))
        + p.number("reoffending.age") * (people.age - 35)
        + p.number("reoffending.unrecorded_need") * people.need
        + p.number("reoffending.year") * people.year
        + areas.reoffending[people.area]
    )
    return np.asarray(people.frailty * np.exp(log_rate))


def highest_multiple(p: Parameters) -> float:
    """Give the highest multiple of the arrest rate that any state or arm allows."""
    return p.number("reoffending.after_short_custody") * max(1.0, float(np.exp(p.number("effects.reoffending"))))


def run_justice(p: Parameters, people: People, areas: Areas, draws: JusticeDraws, treated: Flags) -> Justice:
    """Give the outcomes were `treated` seen by the service, each after its own delay, and the others not."""
    reached_from = np.where(treated, people.index_day + people.delay, FAR)
    index = run_cases(p, draws.index, index_facts(people, areas), reached_from)
    later = run_cases(p, draws.later, draws.facts, np.full(len(draws.person), FAR))
    keep = draws.keep * highest_multiple(p) < _multiple(p, draws, index, reached_from)
    keep &= draws.arrest_day <= people.index_day[draws.person] + people.death_lag[draws.person]
    keep &= ~inside(index, draws.person, draws.arrest_day)
    return Justice(index, _at_liberty(draws, later, keep), later)


def _multiple(p: Parameters, draws: JusticeDraws, index: Cases, reached_from: Ints) -> Floats:
    short = (index.disposal == CUSTODY) & (index.sentence_days < SHORT_CUSTODY)
    released = short[draws.person] & (draws.arrest_day >= index.release_day[draws.person])
    seen = draws.arrest_day >= reached_from[draws.person]
    multiple = np.where(released, p.number("reoffending.after_short_custody"), 1.0)
    return np.where(seen, multiple * np.exp(p.number("effects.reoffending")), multiple)


def inside(cases: Cases, rows: Ints, day: Ints) -> Flags:
    """Say whether the person of case `rows` was in custody for that case on each day (half-open: out on the last day)."""
    charge, end = cases.charge_day[rows], cases.end_day[rows]
    on_remand = cases.remanded[rows] & (charge != ABSENT) & (charge <= day) & (day < end)
    sentenced = (cases.disposal[rows] == CUSTODY) & (end <= day) & (day < cases.release_day[rows])
    return np.asarray(on_remand | sentenced)


def _at_liberty(draws: JusticeDraws, later: Cases, keep: Flags) -> Flags:
    """Drop candidate arrests that fall inside the custody of an earlier arrest that happened, in order of time."""
    jailers = np.flatnonzero(keep & (later.remanded & later.charged | (later.disposal == CUSTODY)))
    ranks = jailers - np.searchsorted(draws.person, draws.person[jailers])
    stops = _first_at_liberty(draws, later, jailers)
    blocked = np.zeros(len(keep), dtype=bool)
    for rank in np.unique(ranks):
        source, stop = jailers[ranks == rank], stops[ranks == rank]
        free = ~blocked[source]
        _block_later(draws, later, source[free], stop[free], blocked)
    return keep & ~blocked


def _first_at_liberty(draws: JusticeDraws, later: Cases, source: Ints) -> Ints:
    """Give the place of the first candidate of the same person, or of the next one, after the custody of `source` has ended."""
    origin = draws.arrest_day.min(initial=0)
    span = draws.arrest_day.max(initial=0) - origin + 2
    out = np.clip(np.maximum(later.end_day, later.release_day)[source] - origin, 0, span - 1)
    return np.asarray(np.searchsorted(draws.person * span + draws.arrest_day - origin, draws.person[source] * span + out))


def _block_later(draws: JusticeDraws, later: Cases, source: Ints, stop: Ints, blocked: Flags) -> None:
    """Mark the candidates between each of `source` and its `stop` that fall inside its custody."""
    between = np.maximum(stop - source - 1, 0)
    jailer = np.repeat(source, between)
    target = jailer + 1 + np.arange(len(jailer)) - np.repeat(np.cumsum(between) - between, between)
    blocked[target[inside(later, jailer, draws.arrest_day[target])]] = True


def proven(disposal: Ints) -> Flags:
    """Say which disposals prove the offence."""
    return disposal <= CODE["caution"]
