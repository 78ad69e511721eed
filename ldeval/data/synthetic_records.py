"""The twin's police and court records of people: history, index event and what came after, as the keepers file them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ldeval.data.extracts_justice import OFFENCES, PLEAS
from ldeval.data.synthetic_cases import CODE, CUSTODY, Cases, sentence_length
from ldeval.data.synthetic_identity import Held
from ldeval.data.synthetic_justice import Justice, JusticeDraws
from ldeval.data.synthetic_people import ABSENT, YEAR, Areas, Flags, Ints, People, logistic, p_window
from ldeval.data.synthetic_tables import Keys, area_names, table
from ldeval.data.twin_parameters import Parameters, day_number

COURTS_BEGIN = day_number("2012-01-01")
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


def all_events(p: Parameters, rng: np.random.Generator, people: People, draws: JusticeDraws, justice: Justice) -> Events:
    """Give every event of the block's people that took place by the extract's end."""
    parts = [
        history_events(p, rng, people),
        _case_events(p, rng, people, np.arange(len(people)), justice.index, None),
        _later_events(p, rng, people, draws, justice),
    ]
    together = Events(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Events)))
    return together.take(together.day <= p.day("design.extract_end"))


def history_events(p: Parameters, rng: np.random.Generator, people: People) -> Events:
    """Spread the previous offences over earlier events, the later years fuller; all were proven before the index event."""
    events = np.ceil(people.prior / p.number("offences.per_event")).astype(np.int64)
    person = np.repeat(np.arange(len(people)), events)
    n = len(person)
    rank = np.arange(n) - np.repeat(np.cumsum(events) - events, events)
    share, rest = people.prior[person] // events[person], people.prior[person] % events[person]
    last = people.index_day[person] - 30
    born = np.maximum(people.birth_day[person] + 11 * YEAR, PNC_BEGINS)
    span = np.maximum(last - born, 200)
    power = p.number("history.recency") * np.exp(p.number("history.recency_need") * people.need[person])
    day = np.floor(last - span * rng.random(n) ** power).astype(np.int64)
    same = rng.random(n) < p.number("offences.same_again")
    other = rng.choice(len(OFFENCES), n, p=p.by("offences.mix", OFFENCES))
    offence = np.where(same, people.offence[person], other)
    in_court = rng.random(n) < p.number("history.court_share")
    charge = np.where(in_court, day, ABSENT)
    listing = np.minimum(day + rng.integers(1, 25, n), last)
    end = np.minimum(listing + np.floor(rng.exponential(19, n)).astype(np.int64), last + 1)
    sentence = sentence_length(p, offence, rng.normal(size=n), rng.normal(size=n), np.zeros(n, dtype=bool))
    release = end + sentence // 2
    odds = -2.6 + p.number("sentencing.history") * people.prior_log[person] * (rank + 1) / events[person]
    custody = in_court & (rng.random(n) < logistic(odds)) & (release <= last + 29)
    others = np.array([CODE[name] for name in p("sentencing.others")])
    other_end = others[rng.choice(len(others), n, p=list(p("sentencing.others").values()))]
    disposal = np.where(custody, CUSTODY, np.where(in_court, other_end, CODE["caution"]))
    unflagged = _in_windows(p, day)
    return Events(
        person=person,
        day=day,
        hearing=np.zeros(n, dtype=bool),
        vulnerable=(rng.random(n) < p.number("reoffending.vulnerable_again")) & ~unflagged,
        offence=offence,
        offences=share + (rank < rest),
        offence_day=day - rng.integers(0, 10, n),
        charge_day=charge,
        listing_day=np.where(in_court, listing, ABSENT),
        end_day=end,
        disposal=disposal,
        sentence_days=np.where(custody, sentence, ABSENT),
        release_day=np.where(custody, release, ABSENT),
        crown=np.zeros(n, dtype=bool),
        remanded=np.zeros(n, dtype=bool),
        guilty_plea=rng.random(n) < 0.8,
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


def pnc_tables(p: Parameters, rng: np.random.Generator, people: People, events: Events, held: Held, keys: Keys) -> dict[str, Any]:
    """Write the events and offences as the police file them: late, and not at all where later than the extract."""
    last = p.day("design.extract_end")
    recorded = np.minimum(events.day + rng.integers(0, 4, len(events)), last)
    event_table = table(
        "pnc_events",
        {
            "event_id": keys("E", len(events)),
            "pnc_person_id": held.key_of(rng, events.person),
            "area_id": area_names(people.area[events.person]),
            "event_date": events.day,
            "event_type": events.hearing.astype(np.int64),
            "vulnerable": events.vulnerable,
            "age": completed_years(people.birth_day[events.person], events.day),
            "offence_group": events.offence,
            "charge_date": _by(events.charge_day, last),
            "recorded_date": recorded,
        },
    )
    return {"pnc_events": event_table, "pnc_offences": _offences(p, rng, events, keys)}


def _offences(p: Parameters, rng: np.random.Generator, events: Events, keys: Keys) -> Any:
    last = p.day("design.extract_end")
    rows = np.repeat(np.arange(len(events)), events.offences)
    principal = np.r_[True, rows[1:] != rows[:-1]] if len(rows) else np.zeros(0, dtype=bool)
    n, each = len(rows), events.take(rows)
    late = rng.random(len(events)) < p.number("police.late_share")
    lag = rng.exponential(8.0, len(events)) + np.where(late, rng.exponential(p.number("police.late_mean"), len(events)), 0)
    recorded = each.end_day + np.floor(lag).astype(np.int64)[rows]
    ended = (recorded <= last) & (each.disposal >= 0)
    inside = ended & (each.disposal == CUSTODY)
    matched = (rng.random(len(events)) >= p.number("police.release_unmatched"))[rows]
    shorter = np.maximum(each.sentence_days // 2, 7)
    other = rng.choice(len(OFFENCES), n, p=p.by("offences.mix", OFFENCES))
    return table(
        "pnc_offences",
        {
            "offence_id": keys("O", n),
            "event_id": keys.rows("E", rows),
            "offence_date": each.offence_day,
            "offence_group": np.where(principal | (rng.random(n) < 0.6), each.offence, other),
            "principal": principal,
            "disposal": np.where(ended, each.disposal, -1),
            "disposal_date": np.where(ended, each.end_day, ABSENT),
            "sentence_days": np.where(inside, np.where(principal, each.sentence_days, shorter), ABSENT),
            "release_date": np.where(inside & matched, _by(each.release_day, last), ABSENT),
            "recorded_date": np.where(ended, recorded, ABSENT),
        },
    )


def court_table(
    p: Parameters, rng: np.random.Generator, people: People, events: Events, held: Held, keys: Keys
) -> dict[str, Any]:
    """Write the court cases of the block's people charged since 2012."""
    last = p.day("design.extract_end")
    charged = (events.charge_day >= COURTS_BEGIN) & (events.charge_day <= last)
    cases = events.take(charged)
    person = held.key_of(rng, cases.person)
    return {"court_cases": case_rows(p, rng, cases, people.area[cases.person], person, keys)}


def case_rows(p: Parameters, rng: np.random.Generator, cases: Events, area: Ints, person: Any, keys: Keys) -> Any:
    """Write court cases as the courts hold them on the extract's last day."""
    last = p.day("design.extract_end")
    listing, completion = _by(cases.listing_day, last), _by(cases.end_day, last)
    ended = completion != ABSENT
    listed = listing != ABSENT
    in_court = np.where(listed, np.where(ended, completion, last) - np.where(listed, listing, 0), 0)
    more = rng.poisson(np.minimum(in_court / 28, 40)) + (ended & (in_court > 0))
    hearings = np.where(listed, 1 + more, 0)
    plea = np.where(cases.guilty_plea, PLEAS.index("guilty"), PLEAS.index("not_guilty"))
    return table(
        "court_cases",
        {
            "case_id": keys("K", len(cases)),
            "court_person_id": person,
            "area_id": area_names(area),
            "offence_group": cases.offence,
            "offence_date": cases.offence_day,
            "charge_date": cases.charge_day,
            "first_listing_date": listing,
            "completion_date": completion,
            "court_type": cases.crown.astype(np.int64),
            "hearings": hearings,
            "adjournments": rng.binomial(np.maximum(hearings - 1, 0), 0.7),
            "remanded": cases.remanded,
            "plea": np.where(ended, plea, -1),
            "disposal": np.where(ended, _COURT_CODE[cases.disposal], -1),
            "sentence_days": np.where(ended & (cases.disposal == CUSTODY), cases.sentence_days, ABSENT),
        },
    )


_COURT_CODE = np.array([0, 1, 2, 3, 4, 4, 5, 6, 6])
"""From the codes of all disposals to those of a court (which has no cautions)."""


def completed_years(birth: Ints, day: Ints) -> Ints:
    """Give age in completed years."""
    born_year, born_day = _year_and_day(birth)
    then_year, then_day = _year_and_day(day)
    return np.asarray(then_year - born_year - (then_day < born_day), dtype=np.int64)


def _year_and_day(days: Ints) -> tuple[Ints, Ints]:
    """Give the year, and month and day as one number in their order."""
    dates = days.view("M8[D]")
    years, months = dates.astype("M8[Y]"), dates.astype("M8[M]")
    month = (months - years.astype("M8[M]")).astype(np.int64)
    return years.astype(np.int64), month * 32 + (dates - months).astype(np.int64)


def _by(day: Ints, last: int) -> Ints:
    """Give the days that had come by the extract's last one, and ABSENT for the others."""
    return np.where(day <= last, day, ABSENT)


def study_cases_a_month(p: Parameters, people: int, areas: Areas, key: str) -> float:
    """Give the index cases an area and month that a block design of `people` adds to a window's courts."""
    first, last = p_window(p, key)
    share = p.number("design.historical_share")
    in_window = share if key == "design.historical_window" else 1 - share
    hearing = p.number("people.hearing_share")
    charged = hearing + (1 - hearing) * p.number("police.charged")
    return people * in_window * charged / len(areas) / ((last - first) / (YEAR / 12))
