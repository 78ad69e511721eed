"""The extracts of health and treatment. Linked by consent, they cover service users only.

The national extracts hold no names; a study that links by consent has its own file of identifiers traced by each keeper,
and receives it back with the keeper's key.
"""

from __future__ import annotations

from datetime import date

from ldeval.data.declaration import (
    Column,
    Extract,
    Order,
    Reference,
    Source,
    coded,
    count,
    day,
    flag,
    identifiers,
    key,
)

_CONSENT = "service users who consented and were traced; nobody of the comparison arm"
_BEGINS = date(2015, 7, 1)


def _source(name: str, title: str, keeper: str, lag: str) -> Source:
    return Source(name, title, keeper, "users", _CONSENT, lag, persons=f"{name}_persons", person_id=f"{name}_person_id")


EMERGENCY = _source("ae", "Hospital Episode Statistics, A&E", "the health data keeper", "about two months")
MENTAL_HEALTH = _source("mhsds", "Mental Health Services Data Set", "the health data keeper", "about three months")
THERAPIES = _source("iapt", "Improving Access to Psychological Therapies", "the health data keeper", "about three months")
TREATMENT = _source("ndtms", "National Drug Treatment Monitoring System", "the public health keeper", "about two months")


def _persons(source: Source) -> Extract:
    name = f"One row a person known to {source.title}"
    columns = (key(source.person_id, "the keeper's own key of a person"), *identifiers("nhs_number"))
    return Extract(source.persons, source, name, source.person_id, columns)


def _extract(
    source: Source,
    name: str,
    title: str,
    columns: tuple[Column, ...],
    dated_by: str,
    *orders: Order,
    begins: date = _BEGINS,
) -> Extract:
    person = Column(source.person_id, "text", "person")
    own, *others = columns
    references = (Reference(source.person_id, source.persons),)
    return Extract(name, source, title, own.name, (own, person, *others), references, orders, dated_by, begins)


HEALTH_EXTRACTS = (
    _persons(EMERGENCY),
    _extract(
        EMERGENCY,
        "ae_attendances",
        "One row an attendance",
        (
            key("attendance_id", "attendance"),
            day("arrival_date", "day of arrival"),
            coded("reason", "main reason", ("mental_health_or_self_harm", "injury", "other"), missing="not coded"),
            flag("admitted", "admitted to a ward"),
            count("bed_days", "nights in hospital that followed", "days", high=366),
        ),
        "arrival_date",
    ),
    _persons(MENTAL_HEALTH),
    _extract(
        MENTAL_HEALTH,
        "mhsds_referrals",
        "One row a referral to secondary mental health care",
        (
            key("mhsds_referral_id", "referral"),
            day("referral_date", "day of referral"),
            coded("referred_by", "who referred", ("justice", "primary_care", "emergency_care", "other")),
            day("discharge_date", "day of discharge", missing="still open"),
            count("bed_days", "nights in a mental health ward under this referral", "days", high=1_500),
        ),
        "referral_date",
        Order("referral_date", "discharge_date"),
    ),
    Extract(
        "mhsds_contacts",
        MENTAL_HEALTH,
        "One row a contact with a mental health team",
        "contact_id",
        (
            key("contact_id", "contact"),
            Column("mhsds_referral_id", "text", "referral to which it belongs"),
            day("contact_date", "day of the contact"),
            flag("attended", "the person came", missing="not recorded"),
        ),
        references=(Reference("mhsds_referral_id", "mhsds_referrals"),),
        orders=(
            Order("mhsds_referrals.referral_date", "contact_date"),
            Order("contact_date", "mhsds_referrals.discharge_date"),
        ),
        dated_by="contact_date",
        begins=_BEGINS,
    ),
    _persons(THERAPIES),
    _extract(
        THERAPIES,
        "iapt_referrals",
        "One row a referral to talking therapies",
        (
            key("iapt_referral_id", "referral"),
            day("referral_date", "day of referral"),
            day("start_date", "first session", missing="never started"),
            day("end_date", "end of the course", missing="never started, or still in it"),
            count("sessions", "sessions attended", "sessions", high=60),
            flag("recovered", "moved to recovery by the end", missing="did not finish a course"),
        ),
        "referral_date",
        Order("referral_date", "start_date"),
        Order("start_date", "end_date"),
    ),
    _persons(TREATMENT),
    _extract(
        TREATMENT,
        "ndtms_treatments",
        "One row a referral to structured drug or alcohol treatment",
        (
            key("treatment_id", "treatment journey"),
            day("referral_date", "day of referral"),
            coded("referred_by", "who referred", ("justice", "self", "health", "other")),
            coded("substance", "main substance", ("opiates", "other_drugs", "alcohol")),
            day("start_date", "first day of treatment", missing="never started"),
            day("end_date", "last day of treatment", missing="never started, or still in it"),
            coded("exit", "how it ended", ("completed", "dropped_out", "died"), missing="never started, or still in it"),
        ),
        "referral_date",
        Order("referral_date", "start_date"),
        Order("start_date", "end_date"),
    ),
)
