"""Who uses the service: needs and their overlap, routes, consent, what was offered and taken up, and how sites differ.

Needs are recorded by practitioners at assessment, for users alone; a person may be referred more than once, so that what is
counted are referrals in the study's window. Descriptive: nothing here is compared with people whom the service did not see.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ldeval.analysis.counted import Counts, Line, NotEstimated, Share, tally
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import NOT_YET_LIVE, RECORDS, UNSEEN, USER, Records
from ldeval.analysis.referrals import (
    ALL,
    BELOW,
    CONSENTED,
    INTERVENTIONS,
    MET,
    MOST,
    NEEDS,
    OFFERS,
    REFERRALS,
    SETTINGS,
    case_counts,
    described,
    lines,
    offers_described,
    within,
)
from ldeval.analysis.sites import sites
from ldeval.words import capital, spelt

COMBINATIONS = 12
"""Combinations of needs that are shown, the commonest."""
SHARES = ("any_need", "mental_health", "several_needs", "threshold_met", "several_below", "below_of_several", "consent")
OFFERED = ("taken_up", "onward", "onward_taken_up")
"""The shares that prose quotes, of referrals and of offers."""


@made_from(RECORDS)
def profile(records: Records) -> Findings:
    """Give all that is counted of users, referrals and offers, and the variation between sites."""
    first, last = records.study.study.referral_window
    every = records.table("referrals")
    referrals, offers = within(every, first, last), within(records.table("interventions"), first, last)
    if referrals.empty:
        return people(records) + nobody()
    frame, offered = described(referrals), offers_described(offers)
    return people(records) + needs(frame) + routes(frame) + uptake(offered) + over_time(every) + sites(frame, offered)


def nobody() -> Findings:
    """Say of each exhibit that there is none."""
    titles = {"profile-needs": "needs", "profile-overlap": "overlap of needs", "profile-number": "number of needs"}
    titles |= {"profile-routes": "routes", "profile-consent": "consent", "profile-interventions": "interventions"}
    titles |= {"profile-quarters": "referrals over time", "profile-variation": "variation between sites"}
    titles |= {f"sites-{name}": f"sites: {name}" for name in ("consent", "threshold", "uptake")}
    titles |= {f"profile/{name}": spelt(name) for name in (*SHARES, *OFFERED)}
    return Findings(missing=tuple(NotEstimated(key, title, "nobody was referred", "profile") for key, title in titles.items()))


@made_from(RECORDS)
def people(records: Records) -> Findings:
    """Count the study's people by sex, age and ethnicity, in each arm."""
    frame = records.people[["arm", "sex", "ethnicity", "age"]].copy()
    frame["age"] = pd.cut(frame["age"], [0, 24, 34, 49, 200], labels=["18 to 24", "25 to 34", "35 to 49", "50 and over"])
    frame = frame.astype(object).fillna("Not known").astype(str)
    rows = [ALL]
    for name, title in (("sex", "Sex"), ("age", "Age"), ("ethnicity", "Ethnicity")):
        words = {value: capital(value) for value in sorted(frame[name].unique())}
        rows += lines(name, words, title)
    arms = {USER: "Users", NOT_YET_LIVE: "Not yet live", UNSEEN: "Live, not seen"}
    values = tally(frame, rows, lines("arm", arms))
    table = Counts(
        "profile-people",
        "People of the study by arm",
        "people of the study",
        tuple(rows),
        tuple(lines("arm", arms)),
        values,
        "of column",
    )
    return Findings(exhibits=(table,))


@made_from(RECORDS)
def needs(frame: pd.DataFrame) -> Findings:
    """Count needs by route, their number and whether a threshold was met, and the commonest combinations."""
    needed = [Line(words, {name: "yes"}) for name, words in NEEDS.items()]
    by_need = case_counts(
        "profile-needs",
        "Needs identified, by where the person was seen",
        frame,
        REFERRALS,
        [ALL, *needed, Line("Several needs", {"several": "yes"}), Line("No need", {"any": "no"})],
        [ALL, *lines("setting", SETTINGS)],
        "of column",
        picture="shares",
        heading="Need",
        notes=("A person may have several needs: shares do not add up to the whole.",),
    )
    number = {str(n): str(n) for n in range(MOST)} | {str(MOST): f"{MOST} or more"}
    by_number = case_counts(
        "profile-number",
        "Number of needs, and whether one met the threshold of a service",
        frame,
        REFERRALS,
        [ALL, *lines("number", number)],
        [ALL, MET, Line("None did", {"threshold_met": "no"})],
        heading="Needs",
    )
    shares = (
        _share(frame, "any_need", "referrals with a need", {}, {"any": "yes"}),
        _share(frame, "mental_health", "referrals with a mental health need", {}, {"need_mental_health": "yes"}),
        _share(frame, "several_needs", "referrals with several needs", {}, {"several": "yes"}),
        _share(frame, "threshold_met", "referrals with a need over a service's threshold", {}, {"threshold_met": "yes"}),
        _share(frame, "several_below", "referrals with several needs, none over a threshold", {}, BELOW.where),
        _share(
            frame,
            "below_of_several",
            "no need over a threshold, of referrals with several needs",
            {"several": "yes"},
            {"threshold_met": "no"},
        ),
    )
    return Findings(exhibits=(by_need, by_number, overlap(frame)), shares=shares)


def _share(frame: pd.DataFrame, name: str, words: str, where: Mapping[str, str], event: Mapping[str, str]) -> Share:
    return Share.of(frame, f"profile/{name}", "profile", words, REFERRALS, where, event)


def overlap(frame: pd.DataFrame) -> Counts:
    """Count the commonest exact combinations of needs; who has no need is one of them."""
    found = frame[list(NEEDS)].value_counts().head(COMBINATIONS).index
    rows = []
    for combination in found:
        held = [words for words, value in zip(NEEDS.values(), combination, strict=True) if value == "yes"]
        rows.append(Line(" + ".join(held) or "No need", dict(zip(NEEDS, combination, strict=True))))
    note = f"The {len(rows)} commonest combinations; each is of exactly these needs."
    return case_counts(
        "profile-overlap",
        "Combinations of needs",
        frame,
        REFERRALS,
        [ALL, *rows],
        [Line("Referrals"), MET],
        "of column",
        picture="overlap",
        heading="Needs",
        notes=(note,),
    )


@made_from(RECORDS)
def routes(frame: pd.DataFrame) -> Findings:
    """Count where people were seen, and who consented."""
    met = [Line(words, {name: "yes"}, "Need") for name, words in NEEDS.items()]
    threshold = [Line("Met", {"threshold_met": "yes"}, "Threshold"), Line("Not met", {"threshold_met": "no"}, "Threshold")]
    consent = case_counts(
        "profile-consent",
        "Who consented to the linkage of their records",
        frame,
        REFERRALS,
        [ALL, *lines("setting", SETTINGS, "Seen at"), *threshold, *met],
        [ALL, CONSENTED],
    )
    where = case_counts(
        "profile-routes",
        "Where people were seen, and with what",
        frame,
        REFERRALS,
        [ALL, *lines("setting", SETTINGS)],
        [ALL, Line("Several needs", {"several": "yes"}), MET, BELOW],
        heading="Seen at",
    )
    return Findings(
        exhibits=(where, consent), shares=(_share(frame, "consent", "referrals with consent", {}, {"consent": "yes"}),)
    )


@made_from(RECORDS)
def uptake(offers: pd.DataFrame) -> Findings:
    """Count what was offered and taken up, and the offers that another service has to have room for."""
    if offers.empty:
        keys = ("profile-interventions", *(f"profile/{name}" for name in OFFERED))
        return Findings(missing=tuple(NotEstimated(key, "interventions", "nothing was offered", "profile") for key in keys))
    columns = [
        Line("Offered"),
        Line("Taken up", {"taken": "yes"}),
        Line("Not taken up", {"taken": "no"}),
        Line("Not known", {"taken": "not known"}),
    ]
    rows = [ALL, Line("Places with another service", {"onward": "yes"}), *lines("intervention", INTERVENTIONS, "Intervention")]
    table = case_counts(
        "profile-interventions", "Interventions offered and taken up", offers, OFFERS, rows, columns, heading="Intervention"
    )
    kinds: tuple[tuple[str, str, dict[str, str], dict[str, str]], ...] = (
        ("taken_up", "offers taken up", {}, {"taken": "yes"}),
        ("onward", "offers of a place with another service", {}, {"onward": "yes"}),
        ("onward_taken_up", "offers taken up, of those of a place with another service", {"onward": "yes"}, {"taken": "yes"}),
    )
    shares = [Share.of(offers, f"profile/{n}", "profile", words, OFFERS, where, event) for n, words, where, event in kinds]
    return Findings(exhibits=(table,), shares=tuple(shares))


@made_from(RECORDS)
def over_time(every: pd.DataFrame) -> Findings:
    """Count all referrals of the extract by quarter."""
    frame = described(every)
    frame["quarter"] = pd.to_datetime(every["referral_date"]).dt.to_period("Q").astype(str)
    quarters = {value: f"{value[:4]}, quarter {value[-1]}" for value in sorted(frame["quarter"].unique())}
    columns = [ALL, CONSENTED, MET, BELOW]
    table = case_counts(
        "profile-quarters",
        "Referrals by quarter",
        frame,
        "all referrals to the service",
        [ALL, *lines("quarter", quarters)],
        columns,
        heading="Quarter",
    )
    return Findings(exhibits=(table,))
