"""All other court cases of the twin's areas: people outside the study, without identity, from 2012 on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ldeval.data.extracts_justice import OFFENCES
from ldeval.data.synthetic_cases import CODE, CUSTODY, FAR, court_days, log_normal, sentence_length
from ldeval.data.synthetic_events import Events
from ldeval.data.synthetic_people import ABSENT, YEAR, Areas, Flags, Floats, Ints, p_window
from ldeval.data.synthetic_records import COURTS_BEGIN, case_rows, study_cases_a_month
from ldeval.data.synthetic_tables import Keys
from ldeval.data.twin_parameters import Parameters, day_number


def background_days(p: Parameters, rng: np.random.Generator, areas: Areas, area: int, year: int, people: int) -> Ints:
    """Draw the charge dates of one area and year; there are fewer where the study's own index cases fill the window."""
    first = max(day_number(f"{year}-01-01"), COURTS_BEGIN)
    last = min(day_number(f"{year}-12-31"), p.day("design.extract_end"))
    rate = monthly_rate(p, people) * areas.population[area] / areas.population.mean()
    days = first + np.floor(rng.random(rng.poisson(rate * (last + 1 - first) / (YEAR / 12))) * (last + 1 - first))
    keep = np.ones(len(days))
    for key in ("design.window", "design.historical_window"):
        start, stop = p_window(p, key)
        filled = min(study_cases_a_month(p, people, areas, key) / monthly_rate(p, people), 0.8)
        keep = np.where((days >= start) & (days <= stop), 1 - filled, keep)
    return np.sort(days[rng.random(len(days)) < keep]).astype(np.int64)


def monthly_rate(p: Parameters, people: int) -> float:
    """Other cases an area and month, in proportion to the people of the study."""
    return p.number("courts.background_monthly") * people / p.number("courts.background_people")


def background_cases(p: Parameters, rng: np.random.Generator, areas: Areas, area: int, charge: Ints, live: Flags) -> Events:
    """Run cases charged on the given days; `live` says where the service was there to touch a share of them.

    The chance is drawn before `live` is used, so that both potential outcomes share it.
    """
    n = len(charge)
    offence = rng.choice(len(OFFENCES), n, p=_mix(p))
    crown = rng.random(n) < p.number("courts.crown_background")
    spread = p.number("courts.log_sd_charge")
    before = np.where(crown, p.number("courts.offence_to_charge", "crown"), p.number("courts.offence_to_charge", "magistrates"))
    to_charge = np.floor(log_normal(1.0, spread, rng.normal(size=n)) * before).astype(np.int64)
    to_listing = np.floor(log_normal(p.number("courts.charge_to_listing"), 0.6, rng.normal(size=n))).astype(np.int64)
    listing = charge + to_listing
    trial = (rng.random(n) < p.number("courts.trial")) & ~crown
    duration = np.full(n, areas.duration[area])
    days = court_days(p, rng.random(n), rng.normal(size=n), listing, crown, trial, duration)
    touched = (rng.random(n) < p.number("courts.touched_share")) & live
    days = np.where(touched, days * np.exp(p.number("effects.court_days")), days)
    stuck = rng.random(n) < p.number("courts.never_ends")
    disposal = _disposals(p, rng.random(n), rng.random(n), rng.random(n), crown)
    sentence = sentence_length(p, offence, rng.normal(size=n), rng.normal(size=n), crown)
    none = np.zeros(n, dtype=bool)
    return Events(
        person=np.zeros(n, dtype=np.int64),
        day=charge,
        hearing=none,
        vulnerable=none,
        offence=offence,
        offences=np.ones(n, dtype=np.int64),
        offence_day=charge - to_charge,
        charge_day=charge,
        listing_day=listing,
        end_day=np.where(stuck, FAR, listing + np.floor(days)).astype(np.int64),
        disposal=disposal,
        sentence_days=np.where(disposal == CUSTODY, sentence, ABSENT),
        release_day=np.full(n, ABSENT),
        crown=crown,
        remanded=crown & (rng.random(n) < 0.3),
        guilty_plea=~trial & (rng.random(n) < 0.9),
    )


def background_table(
    p: Parameters, rng: np.random.Generator, areas: Areas, area: int, year: int, people: int, keys: Keys
) -> pa.Table:
    """Write the other cases of one area and year."""
    charge = background_days(p, rng, areas, area, year, people)
    cases = background_cases(p, rng, areas, area, charge, areas.go_live[area] <= charge)
    nobody = pa.nulls(len(charge), pa.string())
    return case_rows(p, rng, cases, np.full(len(charge), area), nobody, keys)


def _mix(p: Parameters) -> Floats:
    mix = p.by("courts.background_mix", OFFENCES)
    return np.asarray(mix / mix.sum())


def _disposals(p: Parameters, u_verdict: Floats, u_custody: Floats, u_other: Floats, crown: Flags) -> Ints:
    acquitted, discontinued = p.number("courts.verdict", "acquitted"), p.number("courts.verdict", "discontinued")
    chance = np.where(crown, p.number("courts.custody_background", "crown"), p.number("courts.custody_background", "magistrates"))
    other = np.where(u_other < 0.75, CODE["fine"], np.where(u_other < 0.9, CODE["community_order"], CODE["discharge"]))
    disposal = np.where(u_custody < chance, CUSTODY, other)
    disposal = np.where(u_verdict < acquitted + discontinued, CODE["discontinued"], disposal)
    return np.where(u_verdict < acquitted, CODE["acquitted"], disposal)
