"""The twin's areas and people: who has an index event, and whom the service sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldeval.data.declaration import ETHNICITIES
from ldeval.data.extracts_justice import OFFENCES
from ldeval.data.twin_parameters import Parameters, TwinName, day_number

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ABSENT = np.iinfo(np.int64).min
"""A missing date or whole number; numpy reads it as NaT."""

YEAR = 365.25
HISTORY_BOUNDS = np.array([1, 3, 7, 11])
"""Previous offences: 0, 1-2, 3-6, 7-10, 11 and more."""

STAGES = ("areas", "people", "justice", "history", "background", "service", "health", "identity", "records", "courts")


def stream(seed: int, stage: str, block: int) -> np.random.Generator:
    """Give the random numbers of one stage of one block: the same whatever else runs, in whichever order."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(STAGES.index(stage), block))))


@dataclass(frozen=True, slots=True)
class Areas:
    """The areas, one value each; `go_live` in days since 1970, the effects on their log scales (recorded nowhere)."""

    wave: Ints
    go_live: Ints
    population: Ints
    deprivation: Floats
    opening: Ints
    provider: Ints
    reoffending: Floats
    custody: Floats
    duration: Floats
    engagement: Floats
    site_effect: Floats
    uptake: Floats

    def __len__(self) -> int:
        return len(self.wave)

    def live(self, area: Ints, day: Ints) -> Flags:
        """Say whether the service of each area was live on each day."""
        return self.go_live[area] <= day


def draw_areas(p: Parameters, rng: np.random.Generator) -> Areas:
    """Draw the areas: waves are fixed, their order among the areas is not."""
    waves = p("areas.live_by_wave") | p("areas.later_by_wave")
    wave = rng.permutation(np.repeat([int(w) for w in waves], list(waves.values())))
    go_live = np.array([day_number(p("areas.go_live")[str(w)]) for w in wave])
    n = len(wave)
    window_live = go_live <= p_window(p)[0]
    mean = np.where(window_live, p.number("areas.deprivation_mean", "live"), p.number("areas.deprivation_mean", "later"))

    def effect(key: str) -> Floats:
        return rng.normal(0, p.number(key), n)

    engagement = effect("areas.engagement_sd")
    low, high = p("areas.population")

    return Areas(
        wave=wave,
        go_live=go_live,
        population=rng.integers(low, high, n),
        deprivation=np.clip(rng.normal(mean, p.number("areas.deprivation_sd")), 5, 60).round(1),
        opening=rng.choice(3, n, p=[0.4, 0.35, 0.25]),
        provider=rng.choice(3, n, p=[0.75, 0.15, 0.10]),
        reoffending=effect("areas.reoffending_sd"),
        custody=effect("areas.custody_sd"),
        duration=effect("areas.duration_sd"),
        engagement=engagement - engagement[window_live].mean(),
        site_effect=effect("areas.site_effect_sd"),
        uptake=effect("areas.engagement_sd"),
    )


def p_window(p: Parameters, key: str = "design.window") -> tuple[int, int]:
    """Give a window's first and last day, in days since 1970."""
    first, last = p(key)
    return day_number(first), day_number(last)


@dataclass(frozen=True, slots=True)
class People:
    """People with an index event, one value each.

    `number` is the true identity; `delay` is the days from index event to first contact (of all, seen or not); `need`,
    `frailty` and `severity` are recorded nowhere; `death_lag` is the days from the index event to death, however far off.
    """

    number: Ints
    area: Ints
    historical: Flags
    index_day: Ints
    hearing: Flags
    birth_day: Ints
    male: Flags
    ethnicity: Ints
    decile: Ints
    offence: Ints
    prior: Ints
    need: Floats
    frailty: Floats
    severity: Floats
    death_lag: Ints
    seen: Flags
    consent: Flags
    delay: Ints
    twin: Flags

    def __len__(self) -> int:
        return len(self.number)

    @property
    def user(self) -> Flags:
        """Seen by the service, and consented to linkage."""
        return self.seen & self.consent

    @property
    def year(self) -> Floats:
        """Years from 2017 to the index event, for secular trends."""
        return (self.index_day - day_number("2017-01-01")) / YEAR

    @property
    def age(self) -> Floats:
        """Age at the index event, in years."""
        return (self.index_day - self.birth_day) / YEAR

    @property
    def history(self) -> Ints:
        """Class of previous offences, 0 to 4 (see HISTORY_BOUNDS)."""
        return np.searchsorted(HISTORY_BOUNDS, self.prior, side="right")

    @property
    def prior_log(self) -> Floats:
        """log(1 + previous offences) from 2, the form in which history enters every model of the twin."""
        return np.log1p(self.prior) - 2


def pool_size(p: Parameters, areas: Areas, users: int) -> int:
    """Give the number of people with an index event, of whom `users` are expected to become users."""
    live = areas.go_live <= p_window(p)[0]
    in_window = 1 - p.number("design.historical_share")
    adult = 1 - p.number("people.under_18")
    seen_and_consenting = p.number("selection.seen_share") * p.number("selection.consent")
    share = float(areas.population[live].sum() / areas.population.sum() * in_window * adult * seen_and_consenting)
    return round(users / share)


def draw_people(p: Parameters, areas: Areas, twin: TwinName, rng: np.random.Generator, numbers: Ints) -> People:
    """Draw people by their numbers: what they are first, then whether the service sees them."""
    n = len(numbers)
    area = rng.choice(len(areas), n, p=areas.population / areas.population.sum())
    historical = rng.random(n) < p.number("design.historical_share")
    index_day = _index_days(p, rng, historical)
    male = rng.random(n) < p.number("people.male")
    age = 18 + rng.gamma(p.number("people.age_shape"), p.number("people.age_scale"), n)
    age = np.where(rng.random(n) < p.number("people.under_18"), rng.uniform(14, 18, n), np.minimum(age, 90))
    offence = rng.choice(len(OFFENCES), n, p=p.by("offences.mix", OFFENCES))
    need = rng.normal(size=n)
    prior = _previous_offences(p, rng, offence, male, age)
    birth_day = index_day - np.floor(age * YEAR).astype(np.int64)
    is_twin = _twins(p, rng, n)
    birth_day[is_twin] = birth_day[np.flatnonzero(is_twin) - 1]
    missing_ethnicity = p.number("people.ethnicity_missing") * np.where(prior == 0, 1.5, 1.0)
    ethnicity = rng.choice(len(ETHNICITIES), n, p=p.by("people.ethnicity", ETHNICITIES))
    ethnicity_seen = np.where(rng.random(n) < missing_ethnicity, -1, ethnicity)
    death_rate = p.number("people.death_rate") * np.exp(
        p.number("people.death_age") * (age - 35) + p.number("people.death_need") * need
    )
    death_lag = np.ceil(rng.exponential(YEAR / death_rate)).astype(np.int64)
    decile = _deciles(p, rng, areas.deprivation[area])
    chance = _selection(p, twin, areas, area, male, age, prior, offence, ethnicity_seen, need)
    delay = _delays(p, rng, n)
    eligible = (index_day - birth_day) >= 18 * YEAR
    seen = (rng.random(n) < chance) & eligible & areas.live(area, index_day) & (delay < death_lag)
    return People(
        number=numbers,
        area=area,
        historical=historical,
        index_day=index_day,
        hearing=rng.random(n) < p.number("people.hearing_share"),
        birth_day=birth_day,
        male=male,
        ethnicity=ethnicity_seen,
        decile=decile,
        offence=offence,
        prior=prior,
        need=need,
        frailty=rng.gamma(p.number("reoffending.frailty"), 1 / p.number("reoffending.frailty"), n),
        severity=rng.normal(size=n),
        death_lag=death_lag,
        seen=seen,
        consent=rng.random(n) < p.number("selection.consent"),
        delay=delay,
        twin=is_twin,
    )


def _index_days(p: Parameters, rng: np.random.Generator, historical: Flags) -> Ints:
    first, last = p_window(p)
    then_first, then_last = p_window(p, "design.historical_window")
    at = rng.random(len(historical))
    now, then = first + at * (last + 1 - first), then_first + at * (then_last + 1 - then_first)
    return np.floor(np.where(historical, then, now)).astype(np.int64)


def _previous_offences(p: Parameters, rng: np.random.Generator, offence: Ints, male: Flags, age: Floats) -> Ints:
    """Draw a count: nought at a fixed share, else log-normal, shifted by offence and sex; the young have had less time."""
    n = len(offence)
    mean = p.number("history.log_mean") + p.by("history.by_offence", OFFENCES)[offence]
    mean += p.number("history.male") * (male - p.number("people.male")) + np.minimum(0.05 * (age - 28), 0)
    drawn = np.floor(np.exp(rng.normal(mean, p.number("history.log_sd")))).astype(np.int64)
    some = rng.random(n) >= p.number("history.none") * np.exp(-p.by("history.by_offence", OFFENCES)[offence])
    return np.where(some, np.clip(drawn, 1, int(p.number("history.most"))), 0)


def _twins(p: Parameters, rng: np.random.Generator, n: int) -> Flags:
    """Mark people who are twins of the person before them (never two running)."""
    drawn = rng.random(n) < p.number("people.twins")
    drawn[:1] = False
    drawn[1:] &= ~drawn[:-1]
    return drawn


def _deciles(p: Parameters, rng: np.random.Generator, deprivation: Floats) -> Ints:
    """Draw the home neighbourhood's decile, 1 the most deprived, from the area's mean score."""
    centre = 5.5 - p.number("people.deprivation_shift") - (deprivation - 22) / 5
    decile = np.clip(np.rint(rng.normal(centre, 2.2)), 1, 10).astype(np.int64)
    return np.where(rng.random(len(decile)) < 0.04, ABSENT, decile)


def _delays(p: Parameters, rng: np.random.Generator, n: int) -> Ints:
    kind = rng.choice(4, n, p=p("selection.delay_shares"))
    low, high = np.array([0, 1, 2, 8])[kind], np.array([0, 1, 7, 60])[kind]
    return np.asarray(np.floor(low + rng.random(n) * (high + 1 - low)), dtype=np.int64)


def _selection(
    p: Parameters,
    twin: TwinName,
    areas: Areas,
    area: Ints,
    male: Flags,
    age: Floats,
    prior: Ints,
    offence: Ints,
    ethnicity: Ints,
    need: Floats,
) -> Floats:
    """Chance of being seen where the service is live.

    Everything but the area and, in the hidden twin, the unrecorded need is recorded for both arms; in the identified
    twin arm is therefore independent of every potential outcome given the records.
    """
    odds = (
        p.number("selection.intercept")
        + p.number("selection.female") * ~male
        + p.number("selection.age") * (age - 35)
        + p.number("selection.history") * (np.log1p(prior) - 2)
        + p.number("selection.theft") * (offence == OFFENCES.index("theft"))
        + p.number("selection.black") * (ethnicity == ETHNICITIES.index("black"))
        + p.number("selection.unrecorded_need", twin) * need
        + areas.engagement[area]
    )
    return logistic(odds)


def logistic(odds: Floats) -> Floats:
    """Turn log odds into a probability."""
    return 1 / (1 + np.exp(-odds))
