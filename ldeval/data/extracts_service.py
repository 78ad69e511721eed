"""The extracts of areas and of the service itself, and the register of deaths."""

from __future__ import annotations

from datetime import date

from ldeval.data.declaration import (
    ETHNICITY,
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

AREAS = Source(
    "areas",
    "Areas and sites",
    "the commissioner",
    "areas",
    coverage="every area of the study, with a service or not yet",
    lag="none",
)
SERVICE = Source(
    "ld",
    "Liaison and Diversion minimum data set",
    "the commissioner",
    "users",
    coverage="every referral to a site; people are named only where they consented",
    lag="about one month",
    persons="ld_persons",
    person_id="ld_person_id",
)
DEATHS = Source(
    "deaths",
    "Civil registration of deaths",
    "the registrar",
    "both",
    coverage="all deaths registered in England",
    lag="days to weeks; several months where there is an inquest",
    persons="deaths",
    person_id="death_id",
)

NEEDS = (
    "need_mental_health",
    "need_drugs",
    "need_alcohol",
    "need_suicide_self_harm",
    "need_learning_disability",
    "need_accommodation",
    "need_financial",
    "need_abuse_victim",
)
"""The needs that a practitioner records at assessment, as columns of `ld_referrals`."""

INTERVENTIONS = (
    "advice",
    "brief_intervention",
    "primary_care",
    "mental_health_service",
    "talking_therapy",
    "substance_misuse_service",
    "accommodation_support",
    "mental_health_act_assessment",
)

_NEED_WORDS = {
    "need_mental_health": "mental health",
    "need_drugs": "drug misuse",
    "need_alcohol": "alcohol misuse",
    "need_suicide_self_harm": "risk of suicide or self-harm",
    "need_learning_disability": "learning disability",
    "need_accommodation": "unstable accommodation",
    "need_financial": "debt or money",
    "need_abuse_victim": "being abused by a partner or family",
}

SERVICE_EXTRACTS = (
    Extract(
        "areas",
        AREAS,
        "One row an area, with the site that serves it",
        "area_id",
        (
            Column("area_id", "text", "area", pattern=r"\S.*"),
            Column("site_id", "text", "the site that serves or will serve the area", pattern=r"\S.*"),
            count("wave", "wave of the roll-out", "number", low=1, high=20),
            day("go_live_date", "first day of the service", missing="no date set yet"),
            count("population", "residents aged 18 and over", "people", low=1, high=20_000_000),
            Column("deprivation", "number", "mean index of multiple deprivation", "score", low=0, high=100),
            coded("opening", "when the site is staffed", ("all_hours", "extended", "office_hours")),
            coded("provider", "who runs the site", ("nhs_trust", "voluntary", "private")),
        ),
    ),
    Extract(
        "ld_persons",
        SERVICE,
        "One row a person known to a site",
        "ld_person_id",
        (key("ld_person_id", "the service's own key of a person"), *identifiers("nhs_number", "pnc_id"), ETHNICITY),
    ),
    Extract(
        "ld_referrals",
        SERVICE,
        "One row a referral to Liaison and Diversion",
        "referral_id",
        (
            key("referral_id", "referral"),
            Column("ld_person_id", "text", "person referred", missing="no consent to the use of identifiers"),
            Column("area_id", "text", "area of the site"),
            day("referral_date", "day of the first contact with the service"),
            coded(
                "setting",
                "where the person was seen",
                ("police_custody", "voluntary_attendance", "magistrates_court", "crown_court"),
            ),
            flag("consent", "consented to linkage of records"),
            *(flag(name, f"need identified: {words}") for name, words in _NEED_WORDS.items()),
            flag("threshold_met", "at least one need met the threshold of a service to which it could be referred on"),
        ),
        references=(Reference("ld_person_id", "ld_persons"), Reference("area_id", "areas")),
        dated_by="referral_date",
        begins=date(2017, 1, 1),
    ),
    Extract(
        "ld_interventions",
        SERVICE,
        "One row an intervention offered",
        "intervention_id",
        (
            key("intervention_id", "intervention"),
            Column("referral_id", "text", "referral at which it was offered"),
            coded("intervention", "what was offered", INTERVENTIONS),
            day("offer_date", "day of the offer"),
            flag("taken_up", "the person took it up", missing="not known"),
        ),
        references=(Reference("referral_id", "ld_referrals"),),
        orders=(Order("ld_referrals.referral_date", "offer_date"),),
        dated_by="offer_date",
        begins=date(2017, 1, 1),
    ),
    Extract(
        "deaths",
        DEATHS,
        "One row a death",
        "death_id",
        (
            key("death_id", "registration"),
            *identifiers("nhs_number"),
            day("death_date", "day of death"),
            day("registration_date", "day of registration"),
        ),
        orders=(Order("birth_date", "death_date"), Order("death_date", "registration_date")),
        dated_by="death_date",
        begins=date(2012, 1, 1),
    ),
)
