"""People drawn as small text tables: columns between bars, a row a record, a blank cell is missing.

Columns left out take a plain value (an arrest for theft of an adult of 30, flagged as vulnerable, entered the same day), so
that a table shows what a test is about and nothing else. In every source a person's key is the study identifier itself.
"""

from datetime import date

import ibis
import pyarrow as pa

from ldeval.data.cohort import Rules
from ldeval.data.engine import Extracts
from ldeval.data.linked import Linked
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic_tables import ARROW_TYPES

AREAS = """
    area_id | go_live_date | wave
    Live    | 2014-04-01   | 1
    Later   | 2018-04-01   | 4
    Midway  | 2017-05-01   | 3
    Undated |              | 5
"""

PLAIN = {
    "areas": {"site_id": "Site", "population": 500_000, "deprivation": 22.0, "opening": "extended", "provider": "nhs_trust"},
    "pnc_persons": {"sex": "male", "ethnicity": "white", "deprivation_decile": 3},
    "pnc_events": {
        "area_id": "Live",
        "event_type": "police_custody",
        "vulnerable": True,
        "age": 30,
        "offence_group": "theft",
    },
    "pnc_offences": {"offence_group": "theft", "principal": True},
    "court_cases": {
        "area_id": "Live",
        "offence_group": "theft",
        "court_type": "magistrates",
        "hearings": 1,
        "adjournments": 0,
        "remanded": False,
    },
    "ld_referrals": {"area_id": "Live", "setting": "police_custody", "consent": True, "threshold_met": True},
    "ae_attendances": {"admitted": False, "bed_days": 0},
    "mhsds_referrals": {"referred_by": "other", "bed_days": 0},
    "mhsds_contacts": {"attended": True},
    "iapt_referrals": {"sessions": 0},
    "ndtms_treatments": {"referred_by": "justice", "substance": "alcohol"},
}
LINKS = pa.schema([("source", pa.string()), ("key", pa.string()), ("study_id", pa.string()), ("link_probability", pa.float64())])
SAME_DAY = {"pnc_events": ("recorded_date", "event_date"), "pnc_offences": ("recorded_date", "disposal_date")}
"""Columns that take the value of another where they are left out."""


def rule(**changes):
    """The default protocol in small: January to September 2017, a year's follow-up, half a year's wait."""
    kept = {
        "calendar": "study",
        "first": date(2017, 1, 1),
        "stop": date(2017, 10, 1),
        "adult_age": 18,
        "prompt_contact_days": 7,
        "latest_contact_days": 60,
        "follow_up_days": 365,
        "conviction_wait_days": 182,
        "extract_end": date(2019, 6, 30),
        "release_share": 0.5,
    }
    return Rules(**(kept | changes))


def drawn(**texts):
    """Give linked extracts from text tables; extracts not drawn are empty, and everybody named has a police record."""
    backend = ibis.duckdb.connect()
    tables = {name: rows_of(name, text) for name, text in ({"areas": AREAS} | texts).items()}
    if "pnc_persons" not in texts:
        named = {value for rows in tables.values() for row in rows for key, value in row.items() if key.endswith("person_id")}
        tables["pnc_persons"] = [complete("pnc_persons", {"pnc_person_id": name}) for name in sorted(named - {None})]
    for name, extract in EXTRACTS.items():
        types = pa.schema([(column.name, ARROW_TYPES[column.type]) for column in extract.columns])
        backend.con.register(name, pa.Table.from_pylist(tables.get(name, []), schema=types))
    backend.con.register("links", links_of(tables))
    return Linked(Extracts(backend), backend.table("links"))


def links_of(tables):
    found = {
        (EXTRACTS[name].source.name, row.get(EXTRACTS[name].source.person_id))
        for name, rows in tables.items()
        if EXTRACTS[name].source.person_id
        for row in rows
    }
    named = sorted(pair for pair in found if pair[1])
    sources, keys = [source for source, _ in named], [key for _, key in named]
    return pa.table({"source": sources, "key": keys, "study_id": keys, "link_probability": [1.0] * len(keys)}, LINKS)


def rows_of(name, text):
    """Read a text table into rows of the extract's declared columns."""
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in text.strip().splitlines()]
    return [complete(name, dict(zip(head, line, strict=True)), number) for number, line in enumerate(lines, start=1)]


def complete(name, cells, number=0):
    extract = EXTRACTS[name]
    plain = {extract.key: f"{name}{number}"} | PLAIN.get(name, {})
    row = plain | {column: value_of(extract.column(column).type, cell) for column, cell in cells.items()}
    own, other = SAME_DAY.get(name, ("", ""))
    return row if own in cells or not own else row | {own: row.get(other)}


def value_of(kind, cell):
    if cell == "":
        return None
    return {"text": str, "integer": int, "number": float, "boolean": lambda c: c == "yes", "date": date.fromisoformat}[kind](cell)


def rows(table):
    """Give a table as a list of rows."""
    return table.to_pyarrow().to_pylist()


def by_person(table, column):
    """Give one column of a table by study identifier."""
    return {row["study_id"]: row[column] for row in rows(table)}
