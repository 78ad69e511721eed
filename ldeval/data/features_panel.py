"""The panel: a row a person and month, from twelve months before the index event to twelve after, with exposure."""

from __future__ import annotations

from typing import Any

import ibis

from ldeval.data.cohort import Rules
from ldeval.data.features_use import HEALTH, QUANTITIES, SPANS
from ldeval.data.windows import MONTHS, days, month_of, month_start, overlap, total

PANEL_ARMS = ("user", "not_yet_live")
"""The arms of the primary comparison."""


def months(rule: Rules) -> Any:
    """Give the months -12 to 11: `month`, and its days [`first`, `last`) from the index event."""
    numbers = list(range(-MONTHS, MONTHS))
    first = [month_start(number, rule.follow_up_days) for number in numbers]
    last = [month_start(number + 1, rule.follow_up_days) for number in numbers]
    return ibis.memtable(
        {"month": numbers, "first": first, "last": last}, schema={"month": "int64", "first": "int64", "last": "int64"}
    )


def panel(people: Any, quantities: Any, custody: Any, treatment: Any, rule: Rules) -> Any:
    """Give the panel of the primary comparison's people.

    `exposure` is the days of the month on which the person was alive and within the extract; `custody_days` and
    `treatment_days` are those spent in each. Health quantities are missing, not nought, where the arm has no health records.

    Arrests of the months before the index event rise to it, as in any group of people chosen by an arrest. Within the window
    they are short of those that would themselves have been the index event: a person's first that qualifies always is.
    """
    own = people.filter(people.arm.isin(PANEL_ARMS)).select("study_id", "arm", "index_date", "death_days")
    calendar = months(rule)
    kept = quantities.semi_join(own, "study_id")
    dated = kept.group_by(["study_id", month_of(kept.lag, rule.follow_up_days).name("month")]).aggregate(
        **{name: total(kept[name]) for name in QUANTITIES}, **_none(SPANS), exposure=ibis.literal(0)
    )
    parts = [
        _exposure(own, calendar, rule),
        dated,
        _span(treatment.semi_join(own, "study_id"), calendar, "treatment_days"),
        _span(custody.semi_join(own, "study_id"), calendar, "custody_days"),
    ]
    columns = ["study_id", "month", *QUANTITIES, *SPANS, "exposure"]
    stacked = ibis.union(*(part.select(*(_typed(part, name) for name in columns)) for part in parts), distinct=False)
    summed = stacked.group_by(["study_id", "month"]).aggregate(**{name: total(stacked[name]) for name in columns[2:]})
    named = summed.inner_join(own.select("study_id", "arm"), "study_id")
    health = {name: ibis.ifelse(named.arm == "user", named[name], None) for name in (*HEALTH, "treatment_days")}
    return named.mutate(**health).order_by("study_id", "month")


def _typed(part: Any, name: str) -> Any:
    return part[name] if name == "study_id" else part[name].cast("int64").name(name)


def _none(names: tuple[str, ...]) -> dict[str, Any]:
    return {name: ibis.literal(0) for name in names}


def _exposure(people: Any, calendar: Any, rule: Rules) -> Any:
    end = ibis.date(rule.extract_end.isoformat())
    rows = people.cross_join(calendar)
    covered = days(end, rows.index_date) + 1
    until = ibis.least(covered, rows.death_days.fill_null(covered))
    exposure = ibis.greatest(ibis.least(rows["last"], until) - rows["first"], 0)
    return rows.select("study_id", "month", exposure=exposure).mutate(**_none((*QUANTITIES, *SPANS)))


def _span(spells: Any, calendar: Any, name: str) -> Any:
    rows = spells.cross_join(calendar)
    rows = rows.filter((rows.start < rows["last"]) & (rows.stop > rows["first"]))
    shared = overlap(rows.start, rows.stop, rows["first"], rows["last"])
    others = _none(tuple(other for other in (*QUANTITIES, *SPANS) if other != name))
    return rows.select("study_id", "month", **{name: shared}).mutate(**others, exposure=ibis.literal(0))
