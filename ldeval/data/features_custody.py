"""Custody: spells of sentence and remand, overlapping ones made one, cut at death and at the extract's end.

A spell is [start, stop) in days from the index event: the day of release is a day at liberty. Where a release is missing, it is
taken at `release_share` of the sentence, counted from the sentence, less the remand that ended on that day.
"""

from __future__ import annotations

from typing import Any

import ibis

from ldeval.data.cohort import Rules
from ldeval.data.linked import Linked
from ldeval.data.windows import days, overlap, total


def custody_spells(people: Any, offences: Any, remand: Any, rule: Rules) -> Any:
    """Give the custody of each person, a row a spell: `study_id`, `start`, `stop`.

    `offences` come from `with_releases`, `remand` from `remand_spells`. Spells over a follow-up before the index event are left
    out.
    """
    inside = offences.filter((offences.disposal == "immediate_custody") & offences.disposal_lag.notnull())
    sentences = inside.select("study_id", start=inside.disposal_lag, stop=inside.release_lag)
    raw = ibis.union(sentences, remand, distinct=False)
    ends = people.select("study_id", "death_days", last=days(ibis.date(rule.extract_end.isoformat()), people.index_date) + 1)
    raw = raw.inner_join(ends, "study_id")
    stop = ibis.least(raw.stop, raw.death_days.fill_null(raw["last"]), raw["last"])
    cut = raw.select("study_id", "start", stop=stop)
    return merged(cut.filter((cut.stop > cut.start) & (cut.stop > -rule.follow_up_days)))


def remand_spells(linked: Linked, people: Any, rule: Rules) -> Any:
    """Give the days from charge to completion of who was held on remand; open cases run to the extract's end."""
    cases = linked.table("court_cases")
    cases = cases.filter(cases.remanded & cases.study_id.notnull())
    end = ibis.date(rule.extract_end.isoformat())
    joined = people.select("study_id", "index_date").inner_join(cases, "study_id")
    until = days(joined.completion_date.fill_null(end), joined.index_date)
    open_day = joined.completion_date.isnull().cast("int64")
    return joined.select("study_id", start=days(joined.charge_date, joined.index_date), stop=until + open_day)


def with_releases(offences: Any, remand: Any, rule: Rules) -> Any:
    """Fill `release_lag` of immediate custody where it is missing: the assumed share of the sentence, less remand."""
    longest = remand.group_by("study_id", "stop").aggregate(remand_days=(remand.stop - remand.start).max())
    both = offences.left_join(longest, ["study_id", ("disposal_lag", "stop")]).drop("study_id_right", "stop")
    assumed = (both.sentence_days.fill_null(0) * rule.release_share).floor().cast("int64") - both.remand_days.fill_null(0)
    filled = both.release_lag.fill_null(both.disposal_lag + ibis.greatest(assumed, 0))
    inside = (both.disposal == "immediate_custody").fill_null(False)
    return both.mutate(release_lag=ibis.ifelse(inside, filled, None)).drop("remand_days")


def merged(spells: Any) -> Any:
    """Make overlapping or touching spells one.

    Like spells count once: the order of ties is the engine's own, and differs between the two passes.
    """
    spells = spells.select("study_id", "start", "stop").distinct()
    before = ibis.window(group_by="study_id", order_by=["start", "stop"], rows=(None, -1))
    until = spells.mutate(until=spells.stop.max().over(before))
    begins = until.mutate(begins=(until.until.isnull() | (until.start > until.until)).cast("int64"))
    so_far = ibis.window(group_by="study_id", order_by=["start", "stop"], rows=(None, 0))
    numbered = begins.mutate(spell=begins.begins.sum().over(so_far))
    whole = numbered.group_by(["study_id", "spell"]).aggregate(start=numbered.start.min(), stop=numbered.stop.max())
    return whole.select("study_id", "start", "stop")


def days_inside(spells: Any, people: Any) -> Any:
    """Give the days in custody of [`first`, `last`), two columns of `people` (a row a person, all kept)."""
    both = people.select("study_id", "first", "last").inner_join(spells, "study_id")
    shared = both.mutate(shared=overlap(both.start, both.stop, both["first"], both["last"]))
    return shared.group_by("study_id").aggregate(days=total(shared.shared))
