"""Court timeliness: all cases of an area and month, as cohorts by charge date; open cases stay in, as not yet completed."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis

from ldeval.data.linked import Linked
from ldeval.data.windows import days, total

COMPLETED_BY = (90, 180)
"""Days from charge by which the share completed is counted."""

RESTRICTED_TO = 365
"""Days to which the mean from charge to completion is restricted."""


def court_cases(linked: Linked, extract_end: date) -> Any:
    """Give every court case, a row a case, without whose it is.

    `days` runs from charge to completion, or to the extract's end where `completed` is 0; `touched` says that the defendant is
    known to have been seen by the service between the offence and completion (consenting people alone are known).
    """
    end = ibis.date(extract_end.isoformat())
    cases = linked.table("court_cases")
    until = cases.completion_date.fill_null(end)
    touched = _touched(linked, cases.mutate(until=until))
    cases = cases.left_join(touched, "case_id").drop("case_id_right")
    until = cases.completion_date.fill_null(end)
    return cases.select(
        "area_id",
        "offence_group",
        "court_type",
        "remanded",
        "plea",
        "disposal",
        "sentence_days",
        "hearings",
        "adjournments",
        charge_date="charge_date",
        charge_month=ibis.date(cases.charge_date.year(), cases.charge_date.month(), 1),
        days_to_charge=days(cases.charge_date, cases.offence_date),
        days_to_listing=days(cases.first_listing_date, cases.charge_date),
        days=days(until, cases.charge_date),
        days_covered=days(end, cases.charge_date),
        completed=cases.completion_date.notnull().cast("int64"),
        touched=cases.touched.fill_null(0).cast("int64"),
    )


def _touched(linked: Linked, cases: Any) -> Any:
    seen = linked.table("ld_referrals").select("study_id", "referral_date", "consent")
    seen = seen.filter(seen.consent & seen.study_id.notnull())
    both = cases.filter(cases.study_id.notnull()).inner_join(seen, "study_id")
    both = both.filter((both.referral_date >= both.offence_date) & (both.referral_date <= both.until))
    return both.select("case_id", touched=ibis.literal(1)).distinct()


def area_months(cases: Any, areas: Any) -> Any:
    """Give the cohorts: a row an area and month of charge.

    `followed_90` counts the cases charged at least 90 days before the extract's end and `completed_90` those of them completed
    fewer than 90 days after the charge; so for 180. `restricted_days` is the sum, over the cases followed for a year, of days
    to completion but 365 at most. `open_cases` were open when the extract was drawn. `months_live` counts months from the
    service's first whole month, 0 that month, missing where it has no date.
    """
    by = cases.group_by(["area_id", "charge_month"])
    shares: dict[str, Any] = {}
    for limit in COMPLETED_BY:
        followed = cases.days_covered >= limit
        in_time = followed & (cases.completed == 1) & (cases.days < limit)
        shares |= {f"followed_{limit}": cases.count(where=followed), f"completed_{limit}": cases.count(where=in_time)}
    for_a_year = cases.days_covered >= RESTRICTED_TO
    counted = by.aggregate(
        cases=cases.count(),
        open_cases=cases.count(where=cases.completed == 0),
        crown=cases.count(where=cases.court_type == "crown"),
        guilty_pleas=cases.count(where=(cases.plea == "guilty").fill_null(False)),
        immediate_custody=cases.count(where=(cases.disposal == "immediate_custody").fill_null(False)),
        touched=total(cases.touched),
        followed_365=cases.count(where=for_a_year),
        restricted_days=total(ibis.least(cases.days, RESTRICTED_TO), where=for_a_year).fill_null(0),
        **shares,
    )
    joined = counted.inner_join(areas.select("area_id", "wave", "go_live_date"), "area_id")
    return joined.mutate(months_live=_months_live(joined)).order_by("area_id", "charge_month")


def _months_live(rows: Any) -> Any:
    """Count months from the first whole month of the service: a month in which it began part-way is month -1."""
    start = rows.go_live_date
    part_way = (start.day() > 1).cast("int64")
    first = start.year() * 12 + start.month() + part_way
    return rows.charge_month.year() * 12 + rows.charge_month.month() - first
