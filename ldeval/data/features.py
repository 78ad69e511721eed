"""From linked records to what the models read: people, panel, custody, court cohorts, and the flow of exclusions.

Covariates use nothing dated on or after the index event but the facts of that event itself (age, offence, area); outcomes use
what is dated from it on. Every table is an Ibis expression; `write_features` runs them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from ldeval.data import features_courts, features_justice, features_referrals
from ldeval.data.cohort import Rules, draw_cohort, rules
from ldeval.data.engine import open_for
from ldeval.data.features_custody import custody_spells, days_inside, merged, remand_spells, with_releases
from ldeval.data.features_panel import panel
from ldeval.data.features_use import HEALTH, SPANS, dated_quantities, span_days, totals, treatment_spells
from ldeval.data.folders import features_folder, links_folder
from ldeval.data.linked import LINKS, Linked, read_links
from ldeval.data.windows import in_order
from ldeval.study import Study

COVARIATES = (
    "age",
    "sex",
    "ethnicity",
    "deprivation_decile",
    "area_deprivation",
    "index_event",
    "index_offence",
    "previous_events",
    "previous_events_year",
    "days_since_event",
    "previous_offences",
    "previous_convictions",
    "previous_custody",
    "open_cases",
    "custody_days_before",
    "ae_attendances_before",
    "mh_referrals_before",
    "mh_contacts_before",
    "therapy_sessions_before",
    "treatment_referrals_before",
)
"""What is known strictly before the index event, and the facts of that event itself."""

_COUNTED = (
    "previous_events",
    "previous_events_year",
    "previous_offences",
    "previous_convictions",
    "previous_custody",
    "open_cases",
)

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Features:
    """The tables of one calendar window, as expressions: `people`, `panel`, `custody` and the exclusions' `flow`."""

    people: Any
    panel: Any
    custody: Any
    flow: Any


def features(linked: Linked, rule: Rules) -> Features:
    """Give the features of one calendar window."""
    cohort = draw_cohort(linked, rule)
    hold = linked.extracts.hold
    people = hold(cohort.people)
    remand = hold(remand_spells(linked, people, rule))
    offences = hold(features_justice.offences_of(linked, people, rule))
    offences = hold(with_releases(offences, remand, rule))
    custody = hold(custody_spells(people, offences, remand, rule))
    treatment = merged(treatment_spells(linked, people, rule))
    quantities = hold(dated_quantities(linked, people, rule))
    parts = _before(linked, people, offences, custody, quantities, rule)
    parts += _after(people, offences, custody, treatment, quantities, rule)
    described = hold(_joined(people, _persons(linked), _areas(linked), _link_probability(linked), *parts))
    return Features(
        people=_finished(described, custody, rule).order_by("study_id"),
        panel=panel(people, quantities, custody, treatment, rule),
        custody=custody.mutate(calendar=ibis.literal(rule.calendar)).order_by("study_id", "start"),
        flow=cohort.flow,
    )


def _joined(people: Any, *others: tuple[str, Any]) -> Any:
    return reduce(lambda left, right: left.left_join(right[1], right[0]).drop(f"{right[0]}_right"), others, people)


def _persons(linked: Linked) -> tuple[str, Any]:
    """Give what the police hold of each person; where two records of one disagree, the first value in the alphabet stands."""
    rows = linked.table("pnc_persons")
    return "study_id", rows.group_by("study_id").aggregate(
        sex=rows.sex.min(), ethnicity=rows.ethnicity.min(), deprivation_decile=rows.deprivation_decile.min()
    )


def _link_probability(linked: Linked) -> tuple[str, Any]:
    """Give how sure each person's links are; in a drawn link set, the least sure of the records that it brings together."""
    rows = linked.links
    return "study_id", rows.group_by("study_id").aggregate(link_probability=rows.link_probability.min())


def _areas(linked: Linked) -> tuple[str, Any]:
    rows = linked.extracts.table("areas")
    return "area_id", rows.select(
        "area_id",
        "wave",
        area_deprivation=rows.deprivation,
        area_go_live=rows.go_live_date,
        opening="opening",
        provider="provider",
    )


def _before(linked: Linked, people: Any, offences: Any, custody: Any, quantities: Any, rule: Rules) -> list[tuple[str, Any]]:
    return [
        ("study_id", table)
        for table in (
            features_justice.previous_events(linked, people, rule),
            features_justice.previous_offences(offences),
            features_justice.open_cases(linked, people),
            span_days(custody, "custody_days_before", -rule.follow_up_days, 0),
            totals(quantities, -rule.follow_up_days, 0, "_before"),
        )
    ]


def _after(people: Any, offences: Any, custody: Any, treatment: Any, quantities: Any, rule: Rules) -> list[tuple[str, Any]]:
    year = rule.follow_up_days
    return [
        ("study_id", table)
        for table in (
            features_justice.reconvictions(_in_life(offences, people), year, rule.conviction_wait_days),
            features_justice.index_case(offences),
            span_days(custody, "custody_days", 0, year),
            span_days(treatment, "treatment_days", 0, year),
            totals(quantities, 0, year, ""),
        )
    ]


def _in_life(offences: Any, people: Any) -> Any:
    """Leave out offences dated after the person's death: they are somebody else's, or misdated."""
    both = offences.inner_join(people.select("study_id", "death_days"), "study_id")
    return both.filter(both.death_days.isnull() | (both.offence_lag <= both.death_days)).drop("death_days")


def _finished(rows: Any, custody: Any, rule: Rules) -> Any:
    """Fill noughts, and add the clocks: reconviction (raw and at liberty) and the race to immediate custody."""
    year = rule.follow_up_days
    zero = [name for name in rows.columns if name in (*_COUNTED, *SPANS, "custody_days_before", "arrests", "hearings")]
    zero += ["arrests_before", "hearings_before", "reoffences", "reoffence_events"]
    rows = rows.mutate(**{name: rows[name].fill_null(0).cast("int64") for name in zero})
    followed = ibis.least(rows.death_days.fill_null(year), year)
    again = rows.reoffence_days.notnull()
    died = rows.death_days.notnull() & (rows.death_days < year)
    served, to_release = features_justice.days_served(
        rows.index_disposal, rows.index_disposal_days, rows.index_release_days, rows.death_days, year
    )
    time, state = features_justice.custody_state(rows.index_disposal, rows.index_disposal_days, rows.death_days, year)
    rows = rows.mutate(
        followed_days=followed,
        reconviction_days=rows.reoffence_days.fill_null(followed),
        reconviction_state=ibis.cases((again, 1), (died, 2), else_=0).cast("int64"),
        custody_race_days=time,
        custody_race_state=state.cast("int64"),
        immediate_custody=(state == 1).cast("int64"),
        index_custody_days=served,
        index_served_days=to_release,
        **_users_alone(rows),
    )
    spans = rows.select("study_id", first=ibis.literal(0), last=rows.reconviction_days)
    inside = days_inside(custody, spans)
    rows = rows.left_join(inside, "study_id").drop("study_id_right")
    at_liberty = rows.reconviction_days - rows["days"].fill_null(0)
    return rows.mutate(liberty_days=at_liberty).drop("days", "reoffence_days")


def _users_alone(rows: Any) -> dict[str, Any]:
    """Health records exist for users alone: for the others a quantity is missing, not nought."""
    user = rows.arm == "user"
    names = [f"{name}{suffix}" for name in HEALTH for suffix in ("_before", "")] + ["treatment_days"]
    return {name: ibis.ifelse(user, rows[name].fill_null(0).cast("int64"), None) for name in names}


def write_features(linked: Linked, study: Study, folder: Path, say: Say = lambda _: None) -> None:
    """Write the features of every calendar window, and the court cohorts, as Parquet into a folder.

    Files: `people`, `custody` and `flow` of each window ("people_study.parquet", ...), `panel_study`, `court_cases`,
    `area_months`, `referrals` and `interventions`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for rule in rules(study):
        made = features(linked, rule)
        for name in ("people", "custody", "flow", *(["panel"] if rule.calendar == "study" else [])):
            linked.extracts.write(getattr(made, name), folder / f"{name}_{rule.calendar}.parquet")
        say("\n".join(_in_words(rule, folder)))
    cases = linked.extracts.hold(features_courts.court_cases(linked, study.data.extract_end))
    linked.extracts.write(in_order(cases), folder / "court_cases.parquet")
    linked.extracts.write(features_courts.area_months(cases, linked.extracts.table("areas")), folder / "area_months.parquet")
    linked.extracts.write(features_referrals.referrals(linked), folder / "referrals.parquet")
    linked.extracts.write(features_referrals.interventions(linked), folder / "interventions.parquet")
    say("court cases, their cohorts by area and month, and referrals to the service written")


def _in_words(rule: Rules, folder: Path) -> list[str]:
    """Tell the flow of exclusions and the arms of a window whose tables are written."""
    flow = pd.read_parquet(folder / f"flow_{rule.calendar}.parquet")
    arms = pd.read_parquet(folder / f"people_{rule.calendar}.parquet", columns=["arm"])["arm"].value_counts()
    lost = [f"  {row.excluded:,} people not: {row.condition}" for row in flow.itertuples() if row.excluded]
    people = f"{rule.calendar} window from {rule.first} to before {rule.stop}: {flow['remaining'].iloc[0]:,} people with an event"
    return [people, *lost, f"  {', '.join(f'{name} {number:,}' for name, number in arms.items())}"]


def features_of_folder(folder: Path, study: Study, link_set: int = 0, *, say: Say = lambda _: None) -> Path:
    """Write the features of a folder of linked extracts beside it, and say where."""
    extracts = open_for(study, folder)
    linked = read_links(extracts, links_folder(folder) / LINKS, link_set)
    write_features(linked, study, features_folder(folder, link_set), say)
    return features_folder(folder, link_set)


def people_of_folder(folder: Path, study: Study, link_set: int, *, say: Say = lambda _: None) -> Path:
    """Write `people_study` alone: all that is asked of a set of links that was drawn."""
    extracts = open_for(study, folder)
    linked = read_links(extracts, links_folder(folder) / LINKS, link_set)
    place = features_folder(folder, link_set)
    place.mkdir(parents=True, exist_ok=True)
    extracts.write(features(linked, rules(study)[0]).people, place / "people_study.parquet")
    say(f"people of the study under set {link_set} of links written")
    return place
