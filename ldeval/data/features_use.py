"""What people use, as dated quantities: the one list behind the panel, the covariates of use and the cost-bearing quantities.

Health records exist for users alone; police and court quantities for both arms.
"""

from __future__ import annotations

from typing import Any

import ibis

from ldeval.data.cohort import Rules
from ldeval.data.linked import Linked
from ldeval.data.windows import days, overlap, total, within

HEALTH = (
    "ae_attendances",
    "ae_bed_days",
    "mh_referrals",
    "mh_contacts",
    "mh_bed_days",
    "therapy_sessions",
    "treatment_referrals",
)
JUSTICE = ("arrests", "hearings")
QUANTITIES = (*HEALTH, *JUSTICE)
"""Quantities dated by a day. Bed days under a mental health referral, sessions of therapy and hearings of a case stand at the
day of the referral, of the first session and of the charge: their own days are not recorded."""

SPANS = ("treatment_days", "custody_days")
"""Quantities that last: days in drug or alcohol treatment, days in custody."""


def dated_quantities(linked: Linked, people: Any, rule: Rules) -> Any:
    """Give every quantity within a follow-up of the index event, a row a record: `study_id`, `lag`, a column a quantity."""
    own = people.select("study_id", "index_date", index_id="event_id")
    parts = [_part(own, *source) for source in (*_health(linked), *_justice(linked))]
    together = ibis.union(*parts, distinct=False)
    return together.filter(within(together.lag, -rule.follow_up_days, rule.follow_up_days))


def _part(people: Any, rows: Any, day: str, amounts: dict[str, Any]) -> Any:
    both = people.inner_join(rows.filter(rows.study_id.notnull() & rows[day].notnull()), "study_id")
    if "event_id" in both.columns:
        both = both.filter(both.event_id != both.index_id)
    amount = {name: both[amounts[name]].fill_null(0) if name in amounts else ibis.literal(0) for name in QUANTITIES}
    return both.select(
        "study_id", lag=days(both[day], both.index_date), **{name: value.cast("int64") for name, value in amount.items()}
    )


def _health(linked: Linked) -> list[tuple[Any, str, dict[str, str]]]:
    attendances = linked.table("ae_attendances").mutate(one=ibis.literal(1))
    referrals = linked.table("mhsds_referrals").mutate(one=ibis.literal(1))
    contacts = linked.extracts.table("mhsds_contacts").inner_join(
        referrals.select("mhsds_referral_id", "study_id"), "mhsds_referral_id"
    )
    came = contacts.filter(contacts.attended.fill_null(True)).mutate(one=ibis.literal(1))
    treatments = linked.table("ndtms_treatments").mutate(one=ibis.literal(1))
    return [
        (attendances, "arrival_date", {"ae_attendances": "one", "ae_bed_days": "bed_days"}),
        (referrals, "referral_date", {"mh_referrals": "one", "mh_bed_days": "bed_days"}),
        (came, "contact_date", {"mh_contacts": "one"}),
        (linked.table("iapt_referrals"), "start_date", {"therapy_sessions": "sessions"}),
        (treatments, "referral_date", {"treatment_referrals": "one"}),
    ]


def _justice(linked: Linked) -> list[tuple[Any, str, dict[str, str]]]:
    events = linked.table("pnc_events").select("study_id", "event_id", "event_date", "event_type")
    arrests = events.filter(events.event_type == "police_custody").mutate(one=ibis.literal(1))
    cases = linked.table("court_cases").select("study_id", "charge_date", "hearings")
    return [(arrests, "event_date", {"arrests": "one"}), (cases, "charge_date", {"hearings": "hearings"})]


def treatment_spells(linked: Linked, people: Any, rule: Rules) -> Any:
    """Give the days in drug or alcohol treatment, a row a course: `study_id`, `start`, `stop`; the last day is in it."""
    courses = linked.table("ndtms_treatments")
    courses = courses.filter(courses.study_id.notnull() & courses.start_date.notnull())
    both = people.select("study_id", "index_date", "death_days").inner_join(courses, "study_id")
    end = ibis.date(rule.extract_end.isoformat())
    last = days(both.end_date.fill_null(end), both.index_date) + 1
    stop = ibis.least(last, both.death_days.fill_null(last))
    spells = both.select("study_id", start=days(both.start_date, both.index_date), stop=stop)
    return spells.filter(spells.stop > spells.start)


def span_days(spells: Any, name: str, first: int, last: int) -> Any:
    """Sum the days of spells in [first, last), a row a person who has any."""
    shared = spells.mutate(shared=overlap(spells.start, spells.stop, ibis.literal(first), ibis.literal(last)))
    return shared.group_by("study_id").aggregate(**{name: total(shared.shared)})


def totals(quantities: Any, first: int, last: int, suffix: str) -> Any:
    """Sum the quantities of [first, last), a row a person who has any."""
    kept = quantities.filter(within(quantities.lag, first, last))
    return kept.group_by("study_id").aggregate(**{f"{name}{suffix}": total(kept[name]) for name in QUANTITIES})
