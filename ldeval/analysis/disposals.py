"""How index cases ended in the areas of the service before it began, and how those of its users ended: described, no effect."""

from __future__ import annotations

import pandas as pd

from ldeval.analysis.attempts import NoAnswer, answers
from ldeval.analysis.counted import Counts, tally
from ldeval.analysis.diversion import PEOPLE, arm_lines, endings_of, lines_of_endings
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, USER, Records

BEFORE = {"diversion-before": "How index cases ended before the service and after"}
EARLIER, USERS = "Same areas, before", "Users"


@made_from(RECORDS)
@answers(BEFORE)
def disposals(records: Records) -> Findings:
    """Count how index cases ended: of eligible people of the service's areas before it began, and of its users."""
    if not records.study.cohort.historical_window:
        raise NoAnswer("the protocol names no historical window")
    users = records.people[records.people.arm == USER]
    before = records.table("people_historical")
    return before_and_after(users, before[before.area_id.isin(users.area_id)], records.study.study.follow_up_days)


@made_from(RECORDS)
@answers(BEFORE)
def before_and_after(users: pd.DataFrame, before: pd.DataFrame, follow_up_days: int) -> Findings:
    """Count the endings of both groups of people, a row each."""
    if users.empty or before.empty:
        raise NoAnswer("there is nobody of the same areas in the earlier window")
    sides = {EARLIER: before, USERS: users}
    frame = pd.concat([endings_of(rows, follow_up_days).assign(arm=label) for label, rows in sides.items()])
    lines, columns = lines_of_endings(), arm_lines(*sides)
    title = "How index cases ended in the areas of the service, before it began and among its users"
    note = "Unweighted: years differ, and users are those whom the service saw, so that a difference here is no effect."
    counts = tally(frame, lines, columns)
    made = Counts("diversion-before", title, PEOPLE, lines, columns, counts, "of column", "cases", (note,), picture="beside")
    return Findings((), (made,))
