"""Who uses the service: needs and their overlap, routes, consent, what was offered and taken up, and how sites differ.

Needs are recorded by practitioners at assessment, for users alone; a person may be referred more than once, so that what is
counted are referrals in the study's window. Descriptive: nothing here is compared with people whom the service did not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pandas as pd

from ldeval.analysis.counted import Counts, Line, NotEstimated, Picture, Share, ShareOf, tally
from ldeval.analysis.findings import Column, Findings, Table, made_from
from ldeval.analysis.records import NOT_YET_LIVE, RECORDS, UNSEEN, USER, Records
from ldeval.stats.funnel import SiteVariation, site_variation

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

COMBINATIONS = 12
"""Combinations of needs that are shown, the commonest."""
MOST = 4
"""This many needs and more are one category."""
SHARES = ("any_need", "mental_health", "several_needs", "threshold_met", "several_below", "below_of_several", "consent")
OFFERED = ("taken_up", "onward", "onward_taken_up")
"""The shares that prose quotes, of referrals and of offers."""
REFERRALS = "referrals to the service in the study's window"
OFFERS = "interventions offered in the study's window"


@made_from(RECORDS)
def profile(records: Records) -> Findings:
    """Give all that is counted of users, referrals and offers, and the variation between sites."""
    first, last = records.study.study.referral_window
    every = records.table("referrals")
    referrals, offers = _within(every, first, last), _within(records.table("interventions"), first, last)
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
    titles |= {f"profile/{name}": name.replace("_", " ") for name in (*SHARES, *OFFERED)}
    return Findings(missing=tuple(NotEstimated(key, title, "nobody was referred", "profile") for key, title in titles.items()))


def _within(rows: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
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


def _counts(
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
    down, across = tuple(rows), tuple(columns)
    values = tally(frame, down, across)
    return Counts(key, title, population, down, across, values, share, "cases", notes, heading, picture)


def _lines(name: str, words: Mapping[str, str], group: str = "") -> list[Line]:
    return [Line(label, {name: value}, group) for value, label in words.items()]


ALL = Line("All")
CONSENTED = Line("Consented to linkage", {"consent": "yes"})
MET = Line("Over a threshold", {"threshold_met": "yes"})
BELOW = Line("Several needs, none over", {"several": "yes", "threshold_met": "no"})


@made_from(RECORDS)
def people(records: Records) -> Findings:
    """Count the study's people by sex, age and ethnicity, in each arm."""
    frame = records.people[["arm", "sex", "ethnicity", "age"]].copy()
    frame["age"] = pd.cut(frame["age"], [0, 24, 34, 49, 200], labels=["18 to 24", "25 to 34", "35 to 49", "50 and over"])
    frame = frame.astype(object).fillna("Not known").astype(str)
    rows = [ALL]
    for name, title in (("sex", "Sex"), ("age", "Age"), ("ethnicity", "Ethnicity")):
        words = {value: value.replace("_", " ").capitalize() for value in sorted(frame[name].unique())}
        rows += _lines(name, words, title)
    arms = {USER: "Users", NOT_YET_LIVE: "Not yet live", UNSEEN: "Live, not seen"}
    values = tally(frame, rows, _lines("arm", arms))
    table = Counts(
        "profile-people",
        "People of the study by arm",
        "people of the study",
        tuple(rows),
        tuple(_lines("arm", arms)),
        values,
        "of column",
    )
    return Findings(exhibits=(table,))


@made_from(RECORDS)
def needs(frame: pd.DataFrame) -> Findings:
    """Count needs by route, their number and whether a threshold was met, and the commonest combinations."""
    needed = [Line(words, {name: "yes"}) for name, words in NEEDS.items()]
    by_need = _counts(
        "profile-needs",
        "Needs identified, by where the person was seen",
        frame,
        REFERRALS,
        [ALL, *needed, Line("Several needs", {"several": "yes"}), Line("No need", {"any": "no"})],
        [ALL, *_lines("setting", SETTINGS)],
        "of column",
        picture="shares",
        heading="Need",
        notes=("A person may have several needs: shares do not add up to the whole.",),
    )
    number = {str(n): str(n) for n in range(MOST)} | {str(MOST): f"{MOST} or more"}
    by_number = _counts(
        "profile-number",
        "Number of needs, and whether one met the threshold of a service",
        frame,
        REFERRALS,
        [ALL, *_lines("number", number)],
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
    return _counts(
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
    consent = _counts(
        "profile-consent",
        "Who consented to the linkage of their records",
        frame,
        REFERRALS,
        [ALL, *_lines("setting", SETTINGS, "Seen at"), *threshold, *met],
        [ALL, CONSENTED],
    )
    where = _counts(
        "profile-routes",
        "Where people were seen, and with what",
        frame,
        REFERRALS,
        [ALL, *_lines("setting", SETTINGS)],
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
    rows = [ALL, Line("Places with another service", {"onward": "yes"}), *_lines("intervention", INTERVENTIONS, "Intervention")]
    table = _counts(
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
    table = _counts(
        "profile-quarters",
        "Referrals by quarter",
        frame,
        "all referrals to the service",
        [ALL, *_lines("quarter", quarters)],
        columns,
        heading="Quarter",
    )
    return Findings(exhibits=(table,))


@made_from(RECORDS)
def sites(frame: pd.DataFrame, offers: pd.DataFrame) -> Findings:
    """Count consent, thresholds and uptake by site, and test whether sites differ beyond chance."""
    known = offers[offers["taken"] != "not known"]
    kinds = (
        ("consent", "Consent to linkage", frame, REFERRALS, CONSENTED),
        ("threshold", "A need over a service's threshold", frame, REFERRALS, MET),
        ("uptake", "Offers taken up", known, f"{OFFERS}, uptake known", Line("Taken up", {"taken": "yes"})),
    )
    tables: list[Counts] = []
    tests: list[tuple[str | float, ...]] = []
    missing: list[NotEstimated] = []
    for name, title, rows, population, event in kinds:
        areas = {area: area for area in sorted(rows["area"].unique())}
        if len(areas) < 2:
            why = "there is one site only, or none"
            missing.append(NotEstimated(f"sites-{name}", f"{title}, by site", why, "profile"))
            continue
        lines = [ALL, *_lines("area", areas)]
        table = _counts(
            f"sites-{name}", f"{title}, by site", rows, population, lines, [ALL, event], picture="funnel", heading="Site"
        )
        tables.append(table)
        n, events = zip(*table.values[1:], strict=True)
        if 0 < sum(events) < sum(n):
            tests.append((title, *_tested(site_variation(events, n))))
    return Findings(exhibits=tuple(tables), missing=tuple(missing)) + _variation(tests)


def _tested(found: SiteVariation) -> tuple[float, ...]:
    return found.statistic, found.df, found.p_value, found.dispersion, found.spread


def _variation(tests: list[tuple[str | float, ...]]) -> Findings:
    if not tests:
        why = "fewer than two sites differ in anything"
        return Findings(missing=(NotEstimated("profile-variation", "variation between sites", why, "profile"),))
    columns = (
        Column("share", "Share"),
        Column("statistic", "Chi squared", "number", "model"),
        Column("df", "Degrees of freedom", "values", "model"),
        Column("p_value", "p-value", "p", "model"),
        Column("dispersion", "Times what chance gives", "number", "model"),
        Column("spread", "Spread beyond chance, points", "percentage points", "model"),
    )
    note = "Null hypothesis: all sites share one probability. The spread is the standard deviation of the sites' own shares."
    return Findings(exhibits=(Table("profile-variation", "Do sites differ beyond chance?", columns, tuple(tests), (note,)),))
