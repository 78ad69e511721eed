"""Referrals to the service and what was offered, as words by which they are counted: needs, routes, interventions, consent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

from ldeval.analysis.counted import Counts, Line, Picture, ShareOf, tally

NEEDS = {
    "need_mental_health": "Mental health",
    "need_drugs": "Drugs",
    "need_alcohol": "Alcohol",
    "need_suicide_self_harm": "Suicide or self-harm",
    "need_learning_disability": "Learning disability",
    "need_accommodation": "Accommodation",
    "need_financial": "Money",
    "need_abuse_victim": "Abuse by partner or family",
}
SETTINGS = {
    "police_custody": "Police custody",
    "voluntary_attendance": "Voluntary attendance",
    "magistrates_court": "Magistrates' court",
    "crown_court": "Crown Court",
}
INTERVENTIONS = {
    "advice": "Advice",
    "brief_intervention": "Brief intervention",
    "primary_care": "Primary care",
    "mental_health_service": "Mental health service",
    "talking_therapy": "Talking therapy",
    "substance_misuse_service": "Drug or alcohol service",
    "accommodation_support": "Accommodation support",
    "mental_health_act_assessment": "Mental Health Act assessment",
}
ONWARD = ("mental_health_service", "talking_therapy", "substance_misuse_service", "accommodation_support")
"""Interventions that another service has to have room for."""

MOST = 4
"""This many needs and more are one category."""
REFERRALS = "referrals to the service in the study's window"
OFFERS = "interventions offered in the study's window"


def within(rows: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    """Give the rows of referrals made from the first day to the last."""
    days = pd.to_datetime(rows["referral_date"])
    return rows[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))]


def described(referrals: pd.DataFrame) -> pd.DataFrame:
    """Give the characteristics by which referrals are counted, as words."""
    flags = ("consent", "threshold_met", *NEEDS)
    yes = {name: referrals[name].fillna(False).astype(bool).map({True: "yes", False: "no"}) for name in flags}
    number = referrals["needs"]
    return pd.DataFrame(
        {
            **yes,
            "setting": referrals["setting"],
            "area": referrals["area_id"],
            "number": number.clip(upper=MOST).astype(str),
            "several": (number >= 2).map({True: "yes", False: "no"}),
            "any": (number >= 1).map({True: "yes", False: "no"}),
        }
    )


def offers_described(offers: pd.DataFrame) -> pd.DataFrame:
    """Give the characteristics by which offers are counted, as words."""
    taken = offers["taken_up"].astype(object)
    return pd.DataFrame(
        {
            "area": offers["area_id"],
            "intervention": offers["intervention"],
            "onward": offers["intervention"].isin(ONWARD).map({True: "yes", False: "no"}),
            "taken": taken.where(taken.notna(), "not known").map({True: "yes", False: "no", "not known": "not known"}),
        }
    )


def case_counts(
    key: str,
    title: str,
    frame: pd.DataFrame,
    population: str,
    rows: Iterable[Line],
    columns: Iterable[Line],
    share: ShareOf = "of row",
    *,
    picture: Picture = "",
    heading: str = "",
    notes: tuple[str, ...] = (),
) -> Counts:
    """Count the cases of a frame that meet the conditions of each row and column."""
    down, across = tuple(rows), tuple(columns)
    values = tally(frame, down, across)
    return Counts(key, title, population, down, across, values, share, "cases", notes, heading, picture)


def lines(name: str, words: Mapping[str, str], group: str = "") -> list[Line]:
    """Give a line for each value of a characteristic."""
    return [Line(label, {name: value}, group) for value, label in words.items()]


ALL = Line("All")
CONSENTED = Line("Consented to linkage", {"consent": "yes"})
MET = Line("Over a threshold", {"threshold_met": "yes"})
BELOW = Line("Several needs, none over", {"several": "yes", "threshold_met": "no"})
