"""Police and court features of people: what came strictly before the index event, and what came from it on."""

from __future__ import annotations

from typing import Any

import ibis

from ldeval.data.cohort import Rules
from ldeval.data.extracts_justice import PROVEN, SENTENCES
from ldeval.data.linked import Linked
from ldeval.data.windows import days, within

NOT_CONVICTED = ("acquitted", "discontinued", "no_further_action", "caution")


def offences_of(linked: Linked, people: Any, rule: Rules) -> Any:
    """Give every offence of the people, dated from the index event.

    Columns: `study_id`, `event_id`, `is_index` (of the index event), `principal`, `disposal`, `sentence_days`, and in days from
    the index event `event_lag`, `offence_lag`, `disposal_lag`, `release_lag`. A disposal entered after the extract's end is
    not there yet.
    """
    events = linked.table("pnc_events").select("event_id", "study_id", "event_date")
    offences = linked.extracts.table("pnc_offences").drop("offence_group", "offence_id")
    own = people.select("study_id", "index_date", index_id="event_id").inner_join(events, "study_id")
    joined = offences.inner_join(own, "event_id")
    known = (joined.recorded_date <= ibis.date(rule.extract_end.isoformat())).fill_null(False)
    dated = {
        "event_lag": days(joined.event_date, joined.index_date),
        "offence_lag": days(joined.offence_date, joined.index_date),
        "disposal_lag": ibis.ifelse(known, days(joined.disposal_date, joined.index_date), None),
        "release_lag": ibis.ifelse(known, days(joined.release_date, joined.index_date), None),
    }
    return joined.select(
        "study_id",
        "event_id",
        "principal",
        "sentence_days",
        is_index=joined.event_id == joined.index_id,
        disposal=ibis.ifelse(known, joined.disposal, None),
        **dated,
    )


def previous_events(linked: Linked, people: Any, rule: Rules) -> Any:
    """Count events strictly before the index event, in all and in the year before, and the days since the last."""
    events = linked.table("pnc_events").select("study_id", "event_date")
    both = people.select("study_id", "index_date").inner_join(events, "study_id")
    both = both.mutate(lag=days(both.event_date, both.index_date))
    before = both.filter(both.lag < 0)
    return before.group_by("study_id").aggregate(
        previous_events=before.count(),
        previous_events_year=before.count(where=before.lag >= -rule.follow_up_days),
        days_since_event=-before.lag.max(),
    )


def previous_offences(offences: Any) -> Any:
    """Count offences proven strictly before the index event: the day of disposal decides, whenever it was entered.

    `previous_offences` are proven (convictions and cautions), `previous_convictions` sentenced in court,
    `previous_custody` sentenced to immediate custody.
    """
    before = offences.filter((offences.disposal_lag < 0) & offences.disposal.isin(PROVEN))
    return before.group_by("study_id").aggregate(
        previous_offences=before.count(),
        previous_convictions=before.count(where=before.disposal.isin(SENTENCES)),
        previous_custody=before.count(where=before.disposal == "immediate_custody"),
    )


def open_cases(linked: Linked, people: Any) -> Any:
    """Count court cases charged strictly before the index event and not completed before it."""
    cases = linked.table("court_cases").select("study_id", "charge_date", "completion_date")
    both = people.select("study_id", "index_date").inner_join(cases.filter(cases.study_id.notnull()), "study_id")
    standing = both.completion_date.isnull() | (both.completion_date >= both.index_date)
    waiting = both.filter((both.charge_date < both.index_date) & standing)
    return waiting.group_by("study_id").aggregate(open_cases=waiting.count())


def reconvictions(offences: Any, follow_up_days: int, wait_days: int) -> Any:
    """Give England's proven reoffending: first reoffence and how many, of the people who have one.

    A reoffence is an offence of another event than the index event, committed after the index date and within the follow-up
    (days 1 to follow_up_days - 1), and proven by a conviction or caution before the follow-up and the wait are over. It is dated
    by the offence, not by the conviction. Ministry of Justice, Guide to proven reoffending statistics: a one-year follow-up
    and six months more for the offence to be proven in court. The rule misses slow Crown Court cases.
    """
    proven = offences.disposal.isin(PROVEN) & (offences.disposal_lag < follow_up_days + wait_days)
    counts = offences.filter(~offences.is_index & within(offences.offence_lag, 1, follow_up_days) & proven)
    return counts.group_by("study_id").aggregate(
        reoffence_days=counts.offence_lag.min(),
        reoffences=counts.count(),
        reoffence_events=counts.event_id.nunique(),
    )


def index_case(offences: Any) -> Any:
    """Give how the principal offence of the index event ended: disposal, and its day, length and release."""
    own = offences.filter(offences.is_index & offences.principal)
    return own.group_by("study_id").aggregate(
        index_disposal=own.disposal.min(),
        index_disposal_days=own.disposal_lag.min(),
        index_sentence_days=own.sentence_days.min(),
        index_release_days=own.release_lag.min(),
    )


def days_served(disposal: Any, start: Any, release: Any, death_days: Any, horizon: int) -> tuple[Any, Any]:
    """Give the days of the index sentence served by the horizon, and to release; nought without custody by the horizon."""
    out = ibis.least(release, death_days.fill_null(release))
    inside = ((disposal == "immediate_custody") & (start < horizon)).fill_null(False)
    within_horizon = ibis.greatest(ibis.least(out, horizon) - start, 0)
    return ibis.ifelse(inside, within_horizon, 0), ibis.ifelse(inside, ibis.greatest(out - start, 0), 0)


def custody_state(disposal: Any, disposal_days: Any, death_days: Any, horizon: int) -> tuple[Any, Any]:
    """Give the time in days and the state of the race to immediate custody for the index case.

    State 0 is an open case at the horizon (censored), 1 immediate custody, 2 another sentence, 3 no conviction in court, 4 death.
    A case that ended before the horizon took at least one day.
    """
    ended = disposal.notnull() & (disposal_days < horizon)
    died = death_days.notnull() & (death_days < horizon)
    of_case = ibis.cases((disposal == "immediate_custody", 1), (disposal.isin(NOT_CONVICTED), 3), else_=2)
    time = ibis.cases((ended, ibis.greatest(disposal_days, 1)), (died, death_days), else_=horizon)
    return time, ibis.cases((ended, of_case), (died, 4), else_=0)


def events_after(linked: Linked, people: Any, rule: Rules) -> Any:
    """Count arrests of the follow-up: custody events from the index date on, but for the index event."""
    events = linked.table("pnc_events").select("study_id", "event_date", "event_type", "event_id")
    both = people.select("study_id", "index_date", index_id="event_id").inner_join(events, "study_id")
    both = both.mutate(lag=days(both.event_date, both.index_date))
    kept = both.filter((both.event_type == "police_custody") & (both.event_id != both.index_id))
    kept = kept.filter(within(kept.lag, 0, rule.follow_up_days))
    return kept.group_by("study_id").aggregate(arrests=kept.count())
