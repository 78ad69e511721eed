"""Who is in the study: index events, eligibility in order with the flow kept as data, arms, and delayed entry.

The index event is a person's first event of the window that meets the rules, the same in both arms; nothing that the service
does decides it. Events of one day are ordered: police custody before a first hearing, then by key. A person has one row in a
calendar window, and the area of the index event decides the arm, whatever is recorded elsewhere later.

Rules for late and missing records:

- an event entered after the extract's end is not there; one entered late is used as if it had been in time;
- an event without an area took place outside the study's areas, one without an age cannot be judged: neither is an index event;
- a death on the index day or before leaves nothing to follow;
- the follow-up and the wait for a conviction must lie within the extract.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Any, Literal

import ibis

from ldeval.data.linked import Linked
from ldeval.data.windows import days, total
from ldeval.study import Study

Calendar = Literal["study", "historical"]

EVENT_STEPS = (
    "in a study area",
    "flagged as vulnerable",
    "age known",
    "adult at the event",
)
PERSON_STEPS = (
    "alive after the index day",
    "follow-up within the extract",
    "area live at the index event, or not yet at the window's end",
)
STEPS = ("an event in the window", *EVENT_STEPS, *PERSON_STEPS)
"""The conditions in order; who fails one is not asked for the next."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The protocol's rules for one calendar window, [first, stop)."""

    calendar: Calendar
    first: date
    stop: date
    adult_age: int
    prompt_contact_days: int
    latest_contact_days: int
    follow_up_days: int
    conviction_wait_days: int
    extract_end: date
    release_share: float

    @property
    def proven_within(self) -> int:
        """Days from the index event within which a reoffence must be proven."""
        return self.follow_up_days + self.conviction_wait_days


def rules(study: Study) -> tuple[Rules, ...]:
    """Give the rules of each calendar window of the protocol."""
    windows: list[tuple[Calendar, tuple[date, date] | None]] = [
        ("study", study.study.referral_window),
        ("historical", study.cohort.historical_window),
    ]
    return tuple(_rules(study, calendar, *window) for calendar, window in windows if window)


def _rules(study: Study, calendar: Calendar, first: date, last: date) -> Rules:
    return Rules(
        calendar=calendar,
        first=first,
        stop=last + timedelta(days=1),
        adult_age=study.cohort.adult_age,
        prompt_contact_days=study.cohort.prompt_contact_days,
        latest_contact_days=study.cohort.latest_contact_days,
        follow_up_days=study.study.follow_up_days,
        conviction_wait_days=study.study.conviction_wait_days,
        extract_end=study.data.extract_end,
        release_share=study.cohort.release_share,
    )


@dataclass(frozen=True, slots=True)
class Cohort:
    """The people of a calendar window, and how they came to be those.

    `people` has a row a person: `study_id`, `calendar`, `arm` ("user", "unseen" in a live area, "not_yet_live"), `event_id`,
    `index_date`, `index_event`, `index_offence`, `age`, `area_id`, `contact_delay` (days to the first contact, missing for who
    had none in time), `entry` (first day at risk), `seen_later`, `death_days`. `flow` has a row a step: people who got there
    and no further (`excluded`), and who passed it (`remaining`).
    """

    rules: Rules
    people: Any
    flow: Any


def draw_cohort(linked: Linked, rule: Rules) -> Cohort:
    """Apply the rules of one calendar window."""
    judged = linked.extracts.hold(_judged(linked, rule))
    everyone = judged.filter(judged.passed == len(STEPS))
    return Cohort(rule, _with_arms(linked, everyone, rule), flow(judged, rule))


def _judged(linked: Linked, rule: Rules) -> Any:
    """Give a row a person with an event in the window: the event that got furthest, and how many steps it passed."""
    events = linked.table("pnc_events")
    first, stop, end = (ibis.date(day.isoformat()) for day in (rule.first, rule.stop, rule.extract_end))
    in_time = (events.event_date >= first) & (events.event_date < stop) & (events.recorded_date <= end)
    events = events.filter(in_time & events.study_id.notnull())
    areas = linked.extracts.table("areas").select("area_id", "go_live_date")
    events = events.left_join(areas, "area_id").drop("area_id_right")
    events = events.mutate(passed_as_event=1 + _steps_passed(_event_conditions(events, rule)))
    judged = _first_of_each(events).left_join(_deaths(linked), "study_id").drop("study_id_right")
    judged = judged.mutate(death_days=days(judged.death_date, judged.event_date))
    all_passed = judged.passed_as_event == 1 + len(EVENT_STEPS)
    further = _steps_passed(_person_conditions(judged, rule))
    return judged.mutate(passed=judged.passed_as_event + ibis.ifelse(all_passed, further, 0))


def _event_conditions(events: Any, rule: Rules) -> list[Any]:
    return [events.area_id.notnull(), events.vulnerable, events.age.notnull(), events.age >= rule.adult_age]


def _person_conditions(judged: Any, rule: Rules) -> list[Any]:
    end, stop = ibis.date(rule.extract_end.isoformat()), ibis.date(rule.stop.isoformat())
    not_yet = judged.go_live_date.isnull() | (judged.go_live_date >= stop)
    return [
        judged.death_days.isnull() | (judged.death_days > 0),
        days(end, judged.event_date) >= rule.proven_within - 1,
        not_yet | (judged.go_live_date <= judged.event_date),
    ]


def _steps_passed(conditions: list[Any]) -> Any:
    """Count the conditions that hold before the first that does not."""
    held = [reduce(lambda a, b: a & b, conditions[: number + 1]) for number in range(len(conditions))]
    return sum((condition.fill_null(False).cast("int64") for condition in held), start=ibis.literal(0))


def _first_of_each(events: Any) -> Any:
    """Give each person's event that got furthest, the earliest of those."""
    custody_first = (events.event_type == "police_custody").cast("int64")
    order = [events.passed_as_event.desc(), events.event_date, custody_first.desc(), events.event_id]
    rank = ibis.row_number().over(ibis.window(group_by="study_id", order_by=order))
    ranked = events.mutate(rank=rank)
    return ranked.filter(ranked["rank"] == 0).drop("rank")


def _deaths(linked: Linked) -> Any:
    deaths = linked.table("deaths")
    known = deaths.filter(deaths.study_id.notnull())
    return known.group_by("study_id").aggregate(death_date=known.death_date.min())


def _with_arms(linked: Linked, everyone: Any, rule: Rules) -> Any:
    people = everyone.select(
        "study_id",
        "event_id",
        "area_id",
        "age",
        "death_days",
        calendar=ibis.literal(rule.calendar),
        index_date=everyone.event_date,
        index_event=everyone.event_type,
        index_offence=everyone.offence_group,
        live=(everyone.go_live_date <= everyone.event_date).fill_null(False),
    )
    contacts = _contacts(linked, people, rule)
    people = people.left_join(contacts, "study_id").drop("study_id_right")
    user = people.live & people.contact_delay.notnull()
    late = user & (people.contact_delay > rule.prompt_contact_days)
    return people.mutate(
        arm=ibis.cases((user, "user"), (people.live, "unseen"), else_="not_yet_live"),
        entry=ibis.ifelse(late, people.contact_delay, 0),
        seen_later=people.seen_later.fill_null(False),
    ).drop("live")


def _contacts(linked: Linked, people: Any, rule: Rules) -> Any:
    """Give each person's first consented contact in time and in the window, and whether there was one after that."""
    referrals = linked.table("ld_referrals")
    named = referrals.filter(referrals.consent & referrals.study_id.notnull()).select("study_id", "referral_date")
    both = people.select("study_id", "index_date").inner_join(named, "study_id")
    both = both.mutate(lag=days(both.referral_date, both.index_date))
    both = both.filter((both.lag >= 0) & (both.lag < rule.follow_up_days))
    in_time = (both.lag <= rule.latest_contact_days) & (both.referral_date < ibis.date(rule.stop.isoformat()))
    return both.group_by("study_id").aggregate(contact_delay=both.lag.min(where=in_time), seen_later=(~in_time).any())


def flow(judged: Any, rule: Rules) -> Any:
    """Count, step by step in order, the people excluded and those who remain; all steps are there, were there no people."""
    steps = ibis.memtable(
        {"step": list(range(len(STEPS))), "condition": list(STEPS)}, schema={"step": "int64", "condition": "string"}
    )
    reached = judged.group_by("passed").aggregate(people=judged.count())
    pairs = steps.left_join(reached, reached.passed >= steps.step)
    counted = pairs.group_by(["step", "condition"]).aggregate(
        excluded=total(pairs.people, where=pairs.passed == pairs.step).fill_null(0),
        remaining=total(pairs.people, where=pairs.passed > pairs.step).fill_null(0),
    )
    return counted.mutate(calendar=ibis.literal(rule.calendar)).order_by("step")
