"""The twin's police and court records of people, as the keepers file them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ldeval.data.extracts_justice import OFFENCES, PLEAS
from ldeval.data.synthetic_cases import CUSTODY
from ldeval.data.synthetic_events import Events
from ldeval.data.synthetic_identity import Held
from ldeval.data.synthetic_people import ABSENT, YEAR, Areas, Ints, People, p_window
from ldeval.data.synthetic_tables import Keys, area_names, table
from ldeval.data.twin_parameters import Parameters, day_number

COURTS_BEGIN = day_number("2012-01-01")


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
