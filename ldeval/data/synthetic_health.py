"""The twin's health contacts: users only, crowded about the first contact with the service whatever it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ldeval.data.synthetic_cases import CUSTODY
from ldeval.data.synthetic_identity import Held
from ldeval.data.synthetic_justice import Justice, JusticeDraws, inside
from ldeval.data.synthetic_people import ABSENT, Flags, Floats, Ints, People
from ldeval.data.synthetic_service import Needs
from ldeval.data.synthetic_tables import Keys, table
from ldeval.data.twin_parameters import Parameters, day_number

HEALTH_BEGINS = day_number("2015-07-01")
HEALTH_SOURCES = ("ae", "mhsds", "iapt", "ndtms")


@dataclass(frozen=True, slots=True)
class Lives:
    """What health records need to know of a block: who is drawn, their crisis, custody and death."""

    people: People
    needs: Needs
    draws: JusticeDraws
    justice: Justice

    @property
    def contact_day(self) -> Ints:
        """Day of the first contact with the service."""
        return self.people.index_day + self.people.delay

    @property
    def death_day(self) -> Ints:
        """Day of death, however far off."""
        return self.people.index_day + self.people.death_lag

    def can_attend(self, p: Parameters, person: Ints, day: Ints) -> Flags:
        """Say who was alive, out of custody and within the extract on each day."""
        window = (day >= HEALTH_BEGINS) & (day <= p.day("design.extract_end"))
        return window & (day <= self.death_day[person]) & ~in_custody(self.draws, self.justice, person, day)


def in_custody(draws: JusticeDraws, justice: Justice, person: Ints, day: Ints) -> Flags:
    """Say whether each person was in custody, for the index case or a later one, on each day."""
    held = inside(justice.index, person, day)
    jailed = np.flatnonzero(
        justice.happened & (justice.later.remanded & justice.later.charged | (justice.later.disposal == CUSTODY))
    )
    first = np.searchsorted(draws.person[jailed], person, side="left")
    last = np.searchsorted(draws.person[jailed], person, side="right")
    for step in range(int((last - first).max(initial=0))):
        rows = np.flatnonzero(first + step < last)
        held[rows] |= inside(justice.later, jailed[first[rows] + step], day[rows])
    return held


def crisis_days(
    p: Parameters, rng: np.random.Generator, lives: Lives, users: Ints, rate: Floats, height: float
) -> tuple[Ints, Ints]:
    """Draw contacts about the first contact with the service: a base rate a year, times 1 + height at the crisis."""
    reach = int(p.number("health.reach"))
    days = np.arange(-reach, reach + 1)
    fade = np.where(days < 0, days / p.number("health.rise"), -days / p.number("health.fall"))
    weight = 1 + height * np.exp(fade)
    number = rng.poisson(rate * weight.sum() / 365)
    person = np.repeat(users, number)
    at = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random(len(person)))
    day = lives.contact_day[person] + days[np.minimum(at, 2 * reach)]
    possible = lives.can_attend(p, person, day)
    return person[possible], day[possible]


def emergency_rows(p: Parameters, rng: np.random.Generator, lives: Lives, users: Ints) -> tuple[Ints, dict[str, Any]]:
    """Draw A&E attendances: the person of each, and its columns."""
    shape = p.number("health.ae_shape")
    rate = p.number("health.ae_rate") * rng.gamma(shape, 1 / shape, len(users))
    rate *= np.exp(0.25 * lives.people.need[users] - 0.03)
    person, day = crisis_days(p, rng, lives, users, rate, p.number("health.ae_crisis"))
    n = len(person)
    mental = rng.random(n) < np.where(lives.needs.of("mental_health")[person], 0.28, 0.05)
    reason = np.where(mental, 0, np.where(rng.random(n) < 0.35, 1, 2))
    admitted = rng.random(n) < 0.18
    columns = {
        "arrival_date": day,
        "reason": np.where(rng.random(n) < 0.08, -1, reason),
        "admitted": admitted,
        "bed_days": np.where(admitted, rng.geometric(0.4, n), 0),
    }
    return person, columns


@dataclass(frozen=True, slots=True)
class MentalHealth:
    """Referrals to secondary mental health care and their contacts; `referral` is a row of the referrals."""

    person: Ints
    day: Ints
    by_justice: Flags
    discharge: Ints
    referral: Ints
    contact_day: Ints


def mental_health_rows(p: Parameters, rng: np.random.Generator, lives: Lives, users: Ints) -> MentalHealth:
    """Draw referrals with their contacts; the service adds referrals just after it sees someone over the threshold."""
    shape = p.number("health.mh_shape")
    need = np.where(lives.needs.of("mental_health")[users], 1.3, 0.3)
    rate = p.number("health.mh_rate") * need * rng.gamma(shape, 1 / shape, len(users))
    person, day = crisis_days(p, rng, lives, users, rate, p.number("health.mh_crisis"))
    asked = lives.needs.of("mental_health")[users] & lives.needs.threshold_met[users]
    added, added_day = _added(p, rng, lives, users, asked, "effects.mental_health_referral")
    by_justice = np.concatenate([rng.random(len(person)) < 0.1, np.ones(len(added), dtype=bool)])
    person, day = np.concatenate([person, added]), np.concatenate([day, added_day])
    number = rng.negative_binomial(1, 1 / (1 + p.number("health.mh_contacts")), len(person))
    referral = np.repeat(np.arange(len(person)), number)
    contact = day[referral] + np.floor(rng.exponential(70, len(referral))).astype(np.int64)
    open_until = day + 28
    np.maximum.at(open_until, referral, contact)
    discharge = np.minimum(open_until + rng.integers(0, 30, len(person)), lives.death_day[person])
    possible = lives.can_attend(p, person[referral], contact)
    return MentalHealth(person, day, by_justice, discharge, referral[possible], contact[possible])


def _added(p: Parameters, rng: np.random.Generator, lives: Lives, users: Ints, asked: Flags, key: str) -> tuple[Ints, Ints]:
    """Give the referrals that the service adds: some of those `asked`, within weeks of the first contact."""
    chosen = asked & (rng.random(len(users)) < p.number(key))
    day = lives.contact_day[users] + 1 + np.floor(rng.exponential(10, len(users))).astype(np.int64)
    chosen &= lives.can_attend(p, users, day)
    return users[chosen], day[chosen]


def therapy_rows(p: Parameters, rng: np.random.Generator, lives: Lives, users: Ints) -> tuple[Ints, dict[str, Any]]:
    """Draw referrals to talking therapies: the person of each, and its columns."""
    mental = lives.needs.of("mental_health")[users]
    rate = p.number("health.iapt_rate") * np.where(mental, 1.2, 0.4)
    person, day = crisis_days(p, rng, lives, users, rate, p.number("health.iapt_crisis"))
    asked = mental & ~lives.needs.threshold_met[users]
    added, added_day = _added(p, rng, lives, users, asked, "effects.talking_therapy")
    person, day = np.concatenate([person, added]), np.concatenate([day, added_day])
    start, end, finished = _course(p, rng, lives, person, day, 0.5, 30, 80)
    sessions = np.where(start == ABSENT, 0, 1 + rng.poisson(4.0, len(person)))
    recovered = rng.random(len(person)) < p.number("health.iapt_recovered")
    columns = {
        "referral_date": day,
        "start_date": start,
        "end_date": end,
        "sessions": sessions,
        "recovered": np.where(finished & (sessions > 1), recovered, -1),
    }
    return person, columns


def treatment_rows(p: Parameters, rng: np.random.Generator, lives: Lives, users: Ints) -> tuple[Ints, dict[str, Any]]:
    """Draw referrals to drug and alcohol treatment: the person of each, and its columns."""
    substance = lives.needs.substance[users]
    rate = np.where(substance, p.number("health.ndtms_rate"), 0.0)
    person, day = crisis_days(p, rng, lives, users, rate, p.number("health.ndtms_crisis"))
    added, added_day = _added(p, rng, lives, users, substance, "effects.treatment")
    by = np.concatenate([rng.choice(4, len(person), p=[0.15, 0.45, 0.25, 0.15]), np.zeros(len(added), dtype=np.int64)])
    person, day = np.concatenate([person, added]), np.concatenate([day, added_day])
    n = len(person)
    start, end, finished = _course(p, rng, lives, person, day, p.number("health.ndtms_engaged"), 14, 200)
    shares = p("health.ndtms_exit")
    completed = rng.random(n) < shares["completed"] / (shares["completed"] + shares["dropped_out"])
    left = np.where(end == lives.death_day[person], 2, np.where(completed, 0, 1))
    alcohol = lives.needs.of("alcohol")[person] & (~lives.needs.of("drugs")[person] | (rng.random(n) < 0.3))
    columns = {
        "referral_date": day,
        "referred_by": by,
        "substance": np.where(alcohol, 2, np.where(rng.random(n) < 0.6, 0, 1)),
        "start_date": start,
        "end_date": end,
        "exit": np.where(finished | (left == 2) & (end != ABSENT), left, -1),
    }
    return person, columns


def _course(
    p: Parameters,
    rng: np.random.Generator,
    lives: Lives,
    person: Ints,
    day: Ints,
    engaged: float,
    wait: float,
    length: float,
) -> tuple[Ints, Ints, Flags]:
    """Draw a course that some start after a wait: first day, last day, and whether it had ended by the extract's end."""
    n = len(person)
    last, death = p.day("design.extract_end"), lives.death_day[person]
    start = day + np.floor(rng.exponential(wait, n)).astype(np.int64)
    end = np.minimum(start + np.ceil(rng.exponential(length, n)).astype(np.int64), death)
    begun = (rng.random(n) < engaged) & (start <= np.minimum(last, death))
    finished = begun & (end <= last)
    return np.where(begun, start, ABSENT), np.where(finished, end, ABSENT), finished


def health_tables(
    p: Parameters, rng: np.random.Generator, lives: Lives, held: dict[str, Held], keys: Keys
) -> tuple[dict[str, Any], dict[str, Flags]]:
    """Write the health records of the traced users, and say whom each source knows (those with a record)."""
    users = np.flatnonzero(lives.people.user)
    tables, known = {}, {}
    rows = {
        ("ae", "ae_attendances", "attendance_id", "A"): emergency_rows,
        ("iapt", "iapt_referrals", "iapt_referral_id", "T"): therapy_rows,
        ("ndtms", "ndtms_treatments", "treatment_id", "N"): treatment_rows,
    }
    for (source, name, key, prefix), draw in rows.items():
        person, columns = draw(p, rng, lives, _traced(p, rng, users))
        owner = {held[source].source + "_person_id": held[source].key_of(rng, person)}
        tables[name] = table(name, columns | owner | {key: keys(prefix, len(person))})
        known[source] = _marked(len(lives.people), person)
    mental = mental_health_rows(p, rng, lives, _traced(p, rng, users))
    tables |= _mental_health_tables(p, rng, mental, held["mhsds"], keys)
    known["mhsds"] = _marked(len(lives.people), mental.person)
    return tables, known


def _traced(p: Parameters, rng: np.random.Generator, users: Ints) -> Ints:
    return users[rng.random(len(users)) < p.number("health.traced")]


def _marked(n: int, person: Ints) -> Flags:
    marks = np.zeros(n, dtype=bool)
    marks[person] = True
    return marks


def _mental_health_tables(
    p: Parameters, rng: np.random.Generator, mental: MentalHealth, held: Held, keys: Keys
) -> dict[str, Any]:
    n = len(mental.person)
    last = p.day("design.extract_end")
    admitted = rng.random(n) < 0.06
    stay = np.minimum(rng.geometric(1 / 25, n), np.minimum(mental.discharge, last) - mental.day)
    referrals = {
        "mhsds_referral_id": keys("M", n),
        "mhsds_person_id": held.key_of(rng, mental.person),
        "referral_date": mental.day,
        "referred_by": np.where(mental.by_justice, 0, rng.choice([1, 2, 3], n)),
        "discharge_date": np.where(mental.discharge <= last, mental.discharge, ABSENT),
        "bed_days": np.where(admitted, np.maximum(stay, 0), 0),
    }
    attended = np.where(rng.random(len(mental.referral)) < 0.78, 1, 0)
    contacts = {
        "contact_id": keys("C", len(mental.referral)),
        "mhsds_referral_id": keys.rows("M", mental.referral),
        "contact_date": mental.contact_day,
        "attended": np.where(rng.random(len(mental.referral)) < 0.04, -1, attended),
    }
    return {
        "mhsds_referrals": table("mhsds_referrals", referrals),
        "mhsds_contacts": table("mhsds_contacts", contacts),
    }
