"""The extracts of police, conviction and court records. They cover both arms."""

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

PNC = Source(
    "pnc",
    "Police National Computer, research copy",
    "the justice department",
    "both",
    coverage="everyone arrested or summonsed for a recordable offence; summary offences that are not recordable are absent",
    lag="most disposals within two weeks; some are filed months late",
    persons="pnc_persons",
    person_id="pnc_person_id",
)
COURTS = Source(
    "court",
    "HMCTS case management, magistrates' and Crown Courts",
    "the courts service",
    "both",
    coverage="all criminal cases of the study's areas charged since 2012; defendants are named only for people of the study",
    lag="about one week after a hearing",
    persons="court_persons",
    person_id="court_person_id",
)

OFFENCES = (
    "violence",
    "sexual",
    "robbery",
    "theft",
    "damage",
    "drugs",
    "weapons",
    "public_order",
    "miscellaneous",
    "fraud",
    "summary_non_motoring",
    "summary_motoring",
)
"""The twelve offence groups of the justice department's reoffending tables."""

DISPOSALS = (
    "immediate_custody",
    "suspended_sentence",
    "community_order",
    "fine",
    "discharge",
    "caution",
    "acquitted",
    "discontinued",
    "no_further_action",
)
"""How an offence ends. The first five are sentences; the first six prove the offence."""

SENTENCES = DISPOSALS[:5]
PROVEN = DISPOSALS[:6]

PLEAS = ("guilty", "not_guilty", "none_entered")

_ENDED = "not yet ended"
_SENTENCE = "no immediate custody"

JUSTICE_EXTRACTS = (
    Extract(
        "pnc_persons",
        PNC,
        "One row a person on the Police National Computer",
        "pnc_person_id",
        (
            key("pnc_person_id", "the keeper's own key of a person"),
            *identifiers("pnc_id"),
            ETHNICITY,
            count(
                "deprivation_decile",
                "deprivation of the home neighbourhood, 1 the most deprived; derived by the keeper",
                "decile",
                low=1,
                high=10,
                missing="no home postcode",
            ),
        ),
    ),
    Extract(
        "pnc_events",
        PNC,
        "One row a police-custody event or a first hearing without one",
        "event_id",
        (
            key("event_id", "event"),
            Column("pnc_person_id", "text", "person"),
            Column("area_id", "text", "area of the custody suite or court", missing="outside the study's areas"),
            day("event_date", "day of arrival in custody or of the first hearing"),
            coded("event_type", "what happened", ("police_custody", "first_hearing")),
            flag("vulnerable", "risk assessment or screening flagged a vulnerability; done in every area, live or not"),
            count("age", "age at the event", "completed years", low=10, high=110, missing="date of birth unknown"),
            coded("offence_group", "principal offence", OFFENCES),
            day("charge_date", "day of charge", missing="not charged"),
            day("recorded_date", "day on which the record was entered"),
        ),
        references=(Reference("pnc_person_id", "pnc_persons"), Reference("area_id", "areas")),
        orders=(Order("event_date", "recorded_date"),),
        dated_by="event_date",
        begins=date(1970, 1, 1),
    ),
    Extract(
        "pnc_offences",
        PNC,
        "One row an offence, with its disposal once it has one",
        "offence_id",
        (
            key("offence_id", "offence"),
            Column("event_id", "text", "event at which it was dealt with"),
            day("offence_date", "day of the offence (its first day, where it lasted)"),
            coded("offence_group", "offence group", OFFENCES),
            flag("principal", "the most serious offence of its event"),
            coded("disposal", "how it ended", DISPOSALS, missing=_ENDED),
            day("disposal_date", "day of sentence, caution, acquittal or discontinuance", missing=_ENDED),
            count("sentence_days", "length imposed", "days", low=1, high=36_525, missing=_SENTENCE),
            day(
                "release_date",
                "day of first release from the custodial part, from prison discharge records",
                missing="no custody, not yet released, died inside, or discharge not matched",
            ),
            day("recorded_date", "day on which the disposal was entered", missing=_ENDED),
        ),
        references=(Reference("event_id", "pnc_events"),),
        orders=(
            Order("offence_date", "pnc_events.event_date"),
            Order("offence_date", "disposal_date"),
            Order("disposal_date", "release_date"),
            Order("disposal_date", "recorded_date"),
        ),
        dated_by="offence_date",
        begins=date(1970, 1, 1),
    ),
    Extract(
        "court_persons",
        COURTS,
        "One row a defendant of the study, as the keeper has de-duplicated them",
        "court_person_id",
        (key("court_person_id", "the keeper's own key of a defendant"), *identifiers("pnc_id")),
    ),
    Extract(
        "court_cases",
        COURTS,
        "One row a defendant in a case; it may be open",
        "case_id",
        (
            key("case_id", "defendant in a case"),
            Column("court_person_id", "text", "defendant", missing="not a person of the study: identity withheld"),
            Column("area_id", "text", "area of the court"),
            coded("offence_group", "principal offence", OFFENCES),
            day("offence_date", "day of the offence"),
            day("charge_date", "day of charge or of the laying of information"),
            day("first_listing_date", "first hearing", missing="not yet listed"),
            day("completion_date", "day on which the case ended", missing="open when the extract was drawn"),
            coded("court_type", "court in which it ended or stands", ("magistrates", "crown")),
            count("hearings", "hearings so far", "hearings", high=500),
            count("adjournments", "hearings that were adjourned", "hearings", high=500),
            flag("remanded", "held in custody from charge to completion"),
            coded("plea", "plea to the principal offence", PLEAS, missing=_ENDED),
            coded("disposal", "how it ended", (*SENTENCES, "acquitted", "discontinued"), missing=_ENDED),
            count("sentence_days", "length imposed", "days", low=1, high=36_525, missing=_SENTENCE),
        ),
        references=(Reference("court_person_id", "court_persons"), Reference("area_id", "areas")),
        orders=(
            Order("offence_date", "charge_date"),
            Order("charge_date", "first_listing_date"),
            Order("first_listing_date", "completion_date"),
        ),
        dated_by="charge_date",
        begins=date(2012, 1, 1),
    ),
)
