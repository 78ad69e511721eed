"""Every source's people in one table, with their identifiers put into one form. Read here and nowhere else."""

from __future__ import annotations

from typing import Any

import ibis

from ldeval.data.declaration import Source
from ldeval.data.engine import Extracts
from ldeval.data.sources import EXTRACTS, PERSON_SOURCES

NATIONAL_NUMBERS = ("nhs_number", "pnc_id")
IDENTIFIERS = ("forename", "surname", "birth_date", "postcode", *NATIONAL_NUMBERS)
"""What must not leave linkage. Sex is used for linkage too, but identifies nobody."""


def read_records(extracts: Extracts) -> Any:
    """Stack the persons extracts, one row a record.

    Columns: `record` (source and key), `source`, `key`, and as texts, or missing, `forename`, `surname` (letters alone, in
    lower case), `birth_date` (year-month-day), `birth_swapped` (day and month exchanged), `sex`, `postcode` (no blanks, upper
    case), `sector` (the postcode but its last two letters) and the national numbers.
    """
    return ibis.union(*(_records(extracts, source) for source in PERSON_SOURCES), distinct=False)


def _records(extracts: Extracts, source: Source) -> Any:
    declared = EXTRACTS[source.persons].names
    rows = extracts.identified(source.persons, (source.person_id, "sex", *IDENTIFIERS))
    missing = ibis.null().cast("string")
    postcode = _filled(rows.postcode.replace(" ", "").upper())
    born = rows.birth_date.strftime("%Y-%m-%d")
    return rows.select(
        record=ibis.literal(f"{source.name}:") + rows[source.person_id],
        source=ibis.literal(source.name),
        key=rows[source.person_id],
        forename=_filled(rows.forename.lower().re_replace("[^a-z]", "")),
        surname=_filled(rows.surname.lower().re_replace("[^a-z]", "")),
        birth_date=born,
        birth_swapped=born.substr(0, 5) + born.substr(8, 2) + "-" + born.substr(5, 2),
        sex=rows.sex,
        postcode=postcode,
        sector=postcode.substr(0, postcode.length() - 2),
        **{number: rows[number] if number in declared else missing for number in NATIONAL_NUMBERS},
    )


def _filled(text: Any) -> Any:
    return text.nullif("")
