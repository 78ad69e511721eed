"""Data and linkage: who is in the study and who is left out, how good the links are, and what is missing or late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ldeval.analysis.counted import Counts, Line, NotEstimated, Share, tally, without_error
from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import NOT_YET_LIVE, RECORDS, UNSEEN, USER, Records
from ldeval.data.linkage import QUALITY, RATES
from ldeval.data.sources import SOURCES
from ldeval.estimate import Estimate

ERRORS = "error rate"
LINKED = Line("Linked", {"linked": "yes"})
EVERY = (Line("Records"), LINKED)

ARMS = (
    Line("Users", {"arm": USER}),
    Line("Not yet live", {"arm": NOT_YET_LIVE}),
    Line("Live, not seen", {"arm": UNSEEN}),
)
"""Users, people of areas where the service had not begun, and people of live areas not known to have been seen."""

FAILED = {
    "in a study area": "Event outside the study's areas",
    "flagged as vulnerable": "Not flagged as vulnerable",
    "age known": "Age not known",
    "adult at the event": "Not an adult at the event",
    "alive after the index day": "Died on the index day or before",
    "follow-up within the extract": "Follow-up ends after the extract",
    "area live at the index event, or not yet at the window's end": "Area went live within the window, after the event",
}
"""What those who fail a step of eligibility are called."""

SUBGROUPS = {
    "sex": "Sex",
    "age": "Age",
    "ethnicity": "Ethnicity",
    "postcode": "Postcode",
    "nhs_number": "NHS number",
    "pnc_id": "PNC identifier",
}
"""What links are judged by, beside the source."""


@made_from(RECORDS)
def linkage(records: Records) -> Findings:
    """Give the flow of exclusions, the quality of the links, and what is missing or late in the records."""
    rates = pd.read_csv(records.links / RATES)
    quality = pd.read_csv(records.links / QUALITY)
    return flows(records) + link_rates(rates) + link_errors(rates, quality) + missingness(records)


@made_from(RECORDS)
def flows(records: Records) -> Findings:
    """Count who is left out at each step, in order, and the arms of those who are left."""
    study = Findings(exhibits=(_flow(records, "study", ARMS),), shares=(_not_flagged(records, "study"),))
    if records.study.cohort.historical_window:
        earlier = (_flow(records, "historical", ARMS[1:2]),)
        return study + Findings(exhibits=earlier, shares=(_not_flagged(records, "historical"),))
    why = "the protocol names no historical window"
    expected = {"flow-historical": "The flow of the historical window", "flow/not_flagged/historical": "people not flagged"}
    return study + Findings(missing=tuple(NotEstimated(key, what, why) for key, what in expected.items()))


def _not_flagged(records: Records, calendar: str) -> Share:
    """Give the share of people with an event in a study area of whom no event was flagged as vulnerable."""
    flow = records.table(f"flow_{calendar}").set_index("condition")
    return Share(
        f"flow/not_flagged/{calendar}",
        "eligibility",
        f"people with an event in a study area who were not flagged as vulnerable, {calendar} window",
        _counted(calendar),
        {"in a study area": "yes"},
        {"flagged as vulnerable": "no"},
        int(flow["excluded"]["flagged as vulnerable"]),
        int(flow["remaining"]["in a study area"]),
    )


def _counted(calendar: str) -> str:
    return f"people with an event in the {calendar} window"


def _flow(records: Records, calendar: str, arms: tuple[Line, ...]) -> Counts:
    """Lay out one window's flow: each step is a condition of its own, asked of those who met all before it."""
    flow = records.table(f"flow_{calendar}").sort_values("step")
    people = records.table(f"people_{calendar}")
    met: dict[str, str] = {}
    rows, values = [Line("People with an event in the window", {}, "Start")], [int(flow["remaining"].iloc[0])]
    for condition, excluded in zip(flow["condition"][1:], flow["excluded"][1:], strict=True):
        rows.append(Line(FAILED[condition], {**met, condition: "no"}, "Left out, in this order"))
        values.append(int(excluded))
        met[condition] = "yes"
    rows.append(Line("People in the study", dict(met), "Left"))
    values.append(len(people))
    for arm in arms:
        rows.append(Line(arm.label, {**met, **arm.where}, "Arms"))
        values.append(int((people["arm"] == arm.where["arm"]).sum()))
    title = f"From events to people in the study, {calendar} window"
    grid = tuple((value,) for value in values)
    return Counts(f"flow-{calendar}", title, _counted(calendar), tuple(rows), (Line("People"),), grid, picture="flow")


@made_from(RECORDS)
def link_rates(rates: pd.DataFrame) -> Findings:
    """Count the records of each source, and those linked to the police's, in all and by subgroup."""
    whole = rates[rates["subgroup"] == "all"]
    parts = rates[rates["subgroup"].isin(SUBGROUPS)]
    pooled = parts.groupby(["subgroup", "level"], sort=False)[["records", "linked"]].sum().reset_index()
    tables = [
        _rates("linkage-sources", "Records linked, by source", _all(whole) + _by_source(whole)),
        _rates("linkage-subgroups", "Records linked, by what is known of the person", _all(whole) + _pooled(pooled)),
        *(
            _rates(f"linkage-{name}", f"Records linked: {SOURCES[name].title}", [*_by_source(whole, name), *_detail(parts, name)])
            for name in whole["source"]
        ),
    ]
    shares = tuple(
        Share(
            f"linkage/linked/{row.source}",
            "linkage",
            f"records linked, {SOURCES[row.source].title}",
            POPULATION,
            {"source": row.source},
            LINKED.where,
            int(row.linked),
            int(row.records),
        )
        for row in whole.itertuples()
    )
    return Findings(exhibits=tuple(tables), shares=shares)


POPULATION = "records to be linked"
Counted = tuple[Line, tuple[int, int]]


def _rates(key: str, title: str, counted: list[Counted]) -> Counts:
    rows, values = tuple(line for line, _ in counted), tuple(pair for _, pair in counted)
    return Counts(key, title, POPULATION, rows, EVERY, values, "of row", "events")


def _all(whole: pd.DataFrame) -> list[Counted]:
    return [(Line("All records", {}, "All"), (int(whole["records"].sum()), int(whole["linked"].sum())))]


def _by_source(whole: pd.DataFrame, only: str = "") -> list[Counted]:
    rows = whole[whole["source"] == only] if only else whole
    group = "All" if only else "Source"
    label = {row.source: "All records" if only else SOURCES[row.source].title for row in rows.itertuples()}
    return [
        (Line(label[row.source], {"source": row.source}, group), (int(row.records), int(row.linked))) for row in rows.itertuples()
    ]


def _pooled(rows: pd.DataFrame) -> list[Counted]:
    return [
        (Line(row.level.capitalize(), {row.subgroup: row.level}, SUBGROUPS[row.subgroup]), (int(row.records), int(row.linked)))
        for name in SUBGROUPS
        for row in sorted(rows[rows["subgroup"] == name].itertuples(), key=_order)
    ]


def _order(row: Any) -> tuple[bool, bool, str]:
    return row.level == "missing", not row.level.startswith("under"), row.level


def _detail(parts: pd.DataFrame, source: str) -> list[Counted]:
    rows = _pooled(parts[parts["source"] == source])
    return [(Line(line.label, {**line.where, "source": source}, line.group), pair) for line, pair in rows]


@made_from(RECORDS)
def link_errors(rates: pd.DataFrame, quality: pd.DataFrame) -> Findings:
    """Give the links that are wrong and those that are missed: as the model expects, and against a twin's truth.

    Between any two records, as shares of linked pairs and of pairs of one person; and by source, as shares of linked records and
    of all records.
    """
    known = quality["precision"].notna().all()
    expected = ("Wrong, expected", "Missed, expected")
    heads = (*expected, *(("Wrong, against truth", "Missed, against truth") if known else ()))
    columns = tuple(Column(f"share_{n}", head, ERRORS, "model") for n, head in enumerate(heads, start=1))
    methods = tuple((row.method.capitalize(), *_pair_errors(row)[: len(heads)]) for row in quality.itertuples())
    sources = tuple((SOURCES[row.source].title, *_record_errors(row, known)) for row in _whole(rates))
    tables = (
        Table("linkage-quality", "Wrong and missed links, by method", (Column("method", "Method"), *columns), methods),
        Table("linkage-errors", "Wrong and missed links, by source", (Column("source", "Source"), *columns), sources),
    )
    model = quality[quality["method"] == "model"].iloc[0]
    join = quality[quality["method"] != "model"].iloc[0]
    errors = dict(zip(_WORDS, (*_pair_errors(model), _pair_errors(join)[1]), strict=True))
    found = tuple(_error(name, value, int(model.linked_pairs)) for name, value in errors.items() if value == value)
    gaps = tuple(
        NotEstimated(f"linkage/{name}", _WORDS[name], "who is who is known of synthetic people alone", "linkage")
        for name, value in errors.items()
        if value != value
    )
    return Findings(found, tables, missing=gaps)


_WORDS = {
    "wrong/expected": "linked pairs of records that are wrong, as the model expects",
    "missed/expected": "pairs of records of one person that are missed, as the model expects",
    "wrong/truth": "linked pairs of records that are wrong, against the twin's truth",
    "missed/truth": "pairs of records of one person that are missed, against the twin's truth",
    "missed_by_join/expected": "pairs of records of one person that a plain join misses, as the model expects",
}


def _pair_errors(row: pd.Series) -> tuple[float, float, float, float]:
    return 1 - row.expected_precision, 1 - row.expected_recall, 1 - row.precision, 1 - row.recall


def _whole(rates: pd.DataFrame) -> Iterator[pd.Series]:
    yield from rates[rates["subgroup"] == "all"].itertuples()


def _record_errors(row: pd.Series, known: bool) -> tuple[Cell, ...]:
    of: Callable[[float, int], Cell] = lambda part, whole: float(part) / whole if whole else None  # noqa: E731
    found = (of(row.expected_wrong, row.linked), of(row.expected_missed, row.records))
    return (*found, of(row.wrong, row.linked), of(row.missed, row.records)) if known else found


def _error(name: str, value: float, pairs: int) -> Estimate:
    expected = "sum over pairs of records of the model's match probability"
    method = expected if name.endswith("expected") else "pairs of records beside the twin's table of who is who"
    return without_error(f"linkage/{name}", _WORDS[name], value, unit=ERRORS, n=pairs, method=method)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that a record of a person lacks, or that came late: its words, and for whom of the people it holds."""

    label: str
    name: str
    of: Callable[[pd.DataFrame], pd.Series]


IN_STUDY = "people in the study"

MISSING = (
    Mark("Sex not recorded", "sex recorded", lambda people: people["sex"].isna()),
    Mark("Ethnicity not stated or not recorded", "ethnicity recorded", lambda people: people["ethnicity"].isna()),
    Mark("Deprivation of the home not known", "deprivation known", lambda people: people["deprivation_decile"].isna()),
    Mark("Outcome of the index case not known", "case outcome known", lambda people: people["index_disposal"].isna()),
)
LATE = (
    Mark("Seen late: enters the comparison on that day", "seen in time", lambda people: people["entry"] > 0),
    Mark("Consented contact after the time allowed", "no later contact", lambda people: people["seen_later"]),
    Mark("Case open at the end of follow-up", "case ended", lambda people: people["custody_race_state"] == 0),
    Mark("Died in follow-up", "alive throughout", lambda people: people["death_days"] < people["follow_up_days"]),
)


@made_from(RECORDS)
def missingness(records: Records) -> Findings:
    """Count people of the study whose records lack something, or have it late, by arm."""
    rows = records.people.assign(follow_up_days=records.study.study.follow_up_days)
    people = rows[["arm"]].copy()
    for mark in (*MISSING, *LATE):
        people[mark.name] = mark.of(rows).map({True: "no", False: "yes"})
    tables = (
        _marks("records-missing", "What is missing from the records of people in the study", MISSING, people),
        _marks("records-late", "What comes late, stays open or ends early", LATE, people),
    )
    shares = tuple(_share(mark, arm, people) for mark in (*MISSING, *LATE) for arm in ARMS[:2])
    return Findings(exhibits=tables, shares=shares)


def _share(mark: Mark, arm: Line, people: pd.DataFrame) -> Share:
    key = f"records/{mark.name.replace(' ', '_')}/{arm.where['arm']}"
    measure = f"{mark.label[:1].lower()}{mark.label[1:]}: {arm.label.lower()}"
    return Share.of(people, key, "records", measure, IN_STUDY, arm.where, {mark.name: "no"})


def _marks(key: str, title: str, marks: tuple[Mark, ...], people: pd.DataFrame) -> Counts:
    rows = (Line("People"), *(Line(mark.label, {mark.name: "no"}) for mark in marks))
    return Counts(key, title, IN_STUDY, rows, ARMS, tally(people, rows, ARMS), "of column")
