"""The twin's events of people as they happened: history, arrests still unsettled, the index event and what came after."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from ldeval.data.extracts_justice import OFFENCES
from ldeval.data.synthetic_cases import CODE, CUSTODY, Cases, other_sentence, sentence_length
from ldeval.data.synthetic_justice import Justice, JusticeDraws
from ldeval.data.synthetic_people import ABSENT, YEAR, Flags, Ints, People, logistic, p_window
from ldeval.data.twin_parameters import Parameters, day_number

PNC_BEGINS = day_number("1975-01-01")


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a block as they happened, one value each; `person` is a row of the block."""

    person: Ints
    day: Ints
    hearing: Flags
    vulnerable: Flags
    offence: Ints
    offences: Ints
    offence_day: Ints
    charge_day: Ints
    listing_day: Ints
    end_day: Ints
    disposal: Ints
    sentence_days: Ints
    release_day: Ints
    crown: Flags
    remanded: Flags
    guilty_plea: Flags

    def __len__(self) -> int:
        return len(self.person)

    def take(self, rows: Ints | Flags) -> Events:
        """Give some of the events."""
        return Events(*(getattr(self, field.name)[rows] for field in fields(self)))


def together(parts: list[Events]) -> Events:
    """Put events one after another."""
    return Events(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Events)))


def all_events(p: Parameters, rng: np.random.Generator, people: People, draws: JusticeDraws, justice: Justice) -> Events:
    """Give every event of the block's people that took place by the extract's end."""
    everything = together(
        [
            earlier_events(p, rng, people),
            _case_events(p, rng, people, np.arange(len(people)), justice.index, None),
            _later_events(p, rng, people, draws, justice),
        ]
    )
    return everything.take(everything.day <= p.day("design.extract_end"))


def earlier_events(p: Parameters, rng: np.random.Generator, people: People) -> Events:
    """Give the events before the index event; the service, which comes after it, changes none of them."""
    return together([history_events(p, rng, people), pending_events(p, rng, people)])


def history_events(p: Parameters, rng: np.random.Generator, people: People) -> Events:
    """Spread the previous offences over earlier events, the later years fuller; all were proven before the index event.

    It is the day of proof that crowds towards the index event; the arrest came earlier by the time that a court takes.
    """
    events = np.ceil(people.prior / p.number("offences.per_event")).astype(np.int64)
    person = np.repeat(np.arange(len(people)), events)
    n = len(person)
    rank = np.arange(n) - np.repeat(np.cumsum(events) - events, events)
    share, rest = people.prior[person] // events[person], people.prior[person] % events[person]
    last = people.index_day[person] - 1
    span = np.maximum(last - np.maximum(people.birth_day[person] + 11 * YEAR, PNC_BEGINS), 200)
    power = p.number("history.recency") * np.exp(p.number("history.recency_need") * people.need[person])
    end = np.floor(last - span * rng.random(n) ** power).astype(np.int64)
    in_court = rng.random(n) < p.number("history.court_share")
    to_listing, heard = rng.integers(1, 25, n), _days_heard(p, rng, n)
    day = np.where(in_court, np.maximum(end - to_listing - heard, np.floor(last - span)), end).astype(np.int64)
    offence = _offence_again(p, rng, people, person)
    sentence = sentence_length(p, offence, rng.normal(size=n), rng.normal(size=n), np.zeros(n, dtype=bool))
    release = end + sentence // 2
    odds = -2.6 + p.number("sentencing.history") * people.prior_log[person] * (rank + 1) / events[person]
    custody = in_court & (rng.random(n) < logistic(odds)) & (release <= last)
    in_town = np.where(in_court, other_sentence(p, rng.random(n)), CODE["caution"])
    return _before_index(
        p,
        rng,
        person,
        day,
        offence=offence,
        offences=share + (rank < rest),
        charge_day=np.where(in_court, day, ABSENT),
        listing_day=np.where(in_court, np.minimum(day + to_listing, end), ABSENT),
        end_day=end,
        disposal=np.where(custody, CUSTODY, in_town),
        sentence_days=np.where(custody, sentence, ABSENT),
        release_day=np.where(custody, release, ABSENT),
    )


def pending_events(p: Parameters, rng: np.random.Generator, people: People) -> Events:
    """Draw the arrests of the crisis before the index event that no court or caution had proven by then.

    They are no previous offences. Those charged are in court on the index day, and an exponential time later still; the others
    are dropped. None ends in custody, so that custody in the follow-up comes of the index event and what followed it.
    """
    need = p.number("history.recency_need")
    mean = p.number("history.pending") * np.exp(need * people.need - need**2 / 2)
    person = np.repeat(np.arange(len(people)), rng.poisson(mean))
    n = len(person)
    index, death = people.index_day[person], (people.index_day + people.death_lag)[person]
    day = index - 1 - np.floor(rng.exponential(p.number("history.pending_lag"), n)).astype(np.int64)
    charged = rng.random(n) < p.number("police.charged")
    listing = day + rng.integers(1, 25, n)
    end = np.where(charged, np.maximum(listing, index) + _days_heard(p, rng, n), day + rng.integers(0, 30, n))
    dropped = rng.random(n) < p.number("courts.verdict", "discontinued")
    in_court = np.where(dropped | (death < end), CODE["discontinued"], other_sentence(p, rng.random(n)))
    absent = np.full(n, ABSENT)
    return _before_index(
        p,
        rng,
        person,
        day,
        offence=_offence_again(p, rng, people, person),
        offences=np.ones(n, dtype=np.int64),
        charge_day=np.where(charged, day, ABSENT),
        listing_day=np.where(charged & (listing <= death), listing, ABSENT),
        end_day=np.minimum(end, death),
        disposal=np.where(charged, in_court, CODE["no_further_action"]),
        sentence_days=absent,
        release_day=absent,
    )


def _days_heard(p: Parameters, rng: np.random.Generator, n: int) -> Ints:
    """Days from first listing to the end of an earlier case."""
    return np.floor(rng.exponential(p.number("history.days_heard"), n)).astype(np.int64)


def _offence_again(p: Parameters, rng: np.random.Generator, people: People, person: Ints) -> Ints:
    same = rng.random(len(person)) < p.number("offences.same_again")
    other = rng.choice(len(OFFENCES), len(person), p=p.by("offences.mix", OFFENCES))
    return np.where(same, people.offence[person], other)


def _before_index(p: Parameters, rng: np.random.Generator, person: Ints, day: Ints, **facts: Ints) -> Events:
    """Give events before the index event: in police custody, and never flagged in a window (one would be the index event)."""
    n = len(person)
    none = np.zeros(n, dtype=bool)
    return Events(
        person=person,
        day=day,
        hearing=none,
        vulnerable=(rng.random(n) < p.number("reoffending.vulnerable_again")) & ~_in_windows(p, day),
        offence_day=day - rng.integers(0, 10, n),
        crown=none,
        remanded=none,
        guilty_plea=rng.random(n) < 0.8,
        **facts,
    )


def _in_windows(p: Parameters, day: Ints) -> Flags:
    """Say which days fall in a window: an earlier event there is never flagged, or it would be the index event."""
    windows = (p_window(p), p_window(p, "design.historical_window"))
    return np.asarray(np.any([(day >= first) & (day <= last) for first, last in windows], axis=0))


def _later_events(p: Parameters, rng: np.random.Generator, people: People, draws: JusticeDraws, justice: Justice) -> Events:
    rows = np.flatnonzero(justice.happened)
    later = Cases(*(getattr(justice.later, field.name)[rows] for field in fields(Cases)))
    again = rng.random(len(rows)) < p.number("reoffending.vulnerable_again")
    found = (draws.arrest_day[rows], draws.facts.offence[rows], draws.offence_lag[rows], again)
    return _case_events(p, rng, people, draws.person[rows], later, found)


def _case_events(
    p: Parameters,
    rng: np.random.Generator,
    people: People,
    person: Ints,
    cases: Cases,
    later: tuple[Ints, Ints, Ints, Flags] | None,
) -> Events:
    """Give the events behind cases: the index events, or the later arrests (day, offence, lag, vulnerable)."""
    n = len(person)
    lag = np.where(rng.random(n) < p.number("offences.lag_share"), rng.exponential(p.number("offences.lag_mean"), n), 0)
    index = (people.index_day[person], people.offence[person], np.ceil(lag).astype(np.int64), np.ones(n, dtype=bool))
    day, offence, offence_lag, vulnerable = index if later is None else later
    first = np.minimum(day, np.where(cases.charged, cases.charge_day, day))
    death = (people.index_day + people.death_lag)[person]
    return Events(
        person=person,
        day=day,
        hearing=people.hearing[person] if later is None else np.zeros(n, dtype=bool),
        vulnerable=vulnerable,
        offence=offence,
        offences=1 + rng.poisson(p.number("offences.per_event") - 1, n),
        offence_day=first - offence_lag,
        charge_day=cases.charge_day,
        listing_day=cases.listing_day,
        end_day=cases.end_day,
        disposal=cases.disposal,
        sentence_days=cases.sentence_days,
        release_day=np.where(cases.release_day <= death, cases.release_day, ABSENT),
        crown=cases.crown,
        remanded=cases.remanded & cases.charged,
        guilty_plea=cases.guilty_plea,
    )
