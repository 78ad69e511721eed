"""Health service use around the event that led to the service: descriptive throughout, never an effect.

Health records exist for users alone, so each is their own control: month by month, twelve months before and after, rates net of
custody and death. Use rises to a crisis around the event and falls after it whatever the service does; the months near it and far
from it are shown apart, and people referred later, in the same calendar months, show what the calendar alone would do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pandas as pd

from ldeval.analysis.counted import Arm, NotEstimated
from ldeval.analysis.effects import effect
from ldeval.analysis.exhibits import Effect, Effects
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.own_control import (
    BASE,
    FIRST,
    LAST,
    WINDOWS,
    Panel,
    Placebo,
    Window,
    before_after,
    event_study,
    own_control,
    placebo,
    placebo_fit,
    rates,
)
from ldeval.analysis.records import RECORDS, Records
from ldeval.estimate import Estimate

OUTCOMES = {
    "ae_attendances": "Attendances at A&E",
    "mh_referrals": "Referrals to mental health services",
    "mh_contacts": "Contacts with mental health services",
    "therapy_sessions": "Sessions of talking therapy",
    "treatment_referrals": "Referrals to drug or alcohol treatment",
    "treatment_days": "Days in drug or alcohol treatment",
}
NET = "days in custody and after death are not at risk; errors clustered by area (CR1, t)"
WITHIN = f"fixed-effects Poisson, each user their own control; {NET}"
Result = tuple[Estimate, tuple[Arm, ...]]


@made_from(RECORDS)
def service_use(records: Records) -> Findings:
    """Give, for each kind of use, the event study, before against after near and far, and the later-referred placebo."""
    panel = own_control(records.table("panel_study"), records.people, tuple(OUTCOMES))
    gaps = {name: why for name in OUTCOMES if (why := why_not(panel, name))}
    given: Placebo | str = "" if len(gaps) == len(OUTCOMES) else placebo(panel, records.study.study.follow_up_days)
    return event_studies(panel, gaps) + before_and_after(panel, gaps) + later_referred(panel, given, gaps)


def why_not(panel: Panel, outcome: str) -> str:
    """Say why an outcome cannot be analysed, or nothing."""
    if not panel.people:
        return "the service has no users in the study"
    values = panel.rows[outcome]
    if values.isna().all():
        return "there are no such records"
    if panel.rows["area"].nunique() < 2:
        return "there is one area only, so that no error can be given"
    empty = [w for w in WINDOWS for months in (w.before, w.after) if not panel.span(months)[outcome].sum()]
    return "nobody had any in part of the time compared" if empty else ""


def _label(outcome: str) -> str:
    return f"{OUTCOMES[outcome][:1].lower()}{OUTCOMES[outcome][1:]}"


def _crude(row: Estimate, words: str, arms: tuple[Arm, Arm]) -> Result:
    """Name an estimate, and say what stands behind it: it is as good as a comparison of counts, and is controlled as one."""
    return replace(row, outcome="service_use", measure=words, n=arms[0].n, events=sum(arm.events or 0 for arm in arms)), arms


def _together(results: list[Result], shown: tuple[Effects, ...], missing: tuple[NotEstimated, ...] = ()) -> Findings:
    return Findings(
        tuple(row for row, _ in results), shown, arms={row.id: arms for row, arms in results if arms}, missing=missing
    )


@made_from(RECORDS)
def event_studies(panel: Panel, gaps: dict[str, str]) -> Findings:
    """Give rate ratios by month against the months furthest before the event."""
    found = Findings()
    for outcome, words in OUTCOMES.items():
        key = f"use-events-{outcome.replace('_', '-')}"
        why = gaps.get(outcome) or _empty_month(panel, outcome)
        if why:
            keys = (key, *(_month_id(outcome, month) for month in range(-12, 12) if month not in BASE))
            gone = tuple(NotEstimated(k, f"rate ratio of {_label(outcome)} by month", why, "service_use") for k in keys)
            found += Findings(missing=gone)
            continue
        rows = list(_months(panel, outcome))
        shown = Effects(
            key,
            f"{words}, by month around the event",
            "Rate ratio",
            tuple(Effect(f"Month {month:+d}" if month else "Month 0", row.id, at=month) for month, (row, _) in rows),
            (f"Against months {BASE.start} to {BASE.stop - 1}. Month 0 begins with the event that led to the service.",),
            axis="Months since the event",
        )
        found += _together([result for _, result in rows], (shown,))
    return found


def _empty_month(panel: Panel, outcome: str) -> str:
    by = panel.rows.groupby("month")[outcome].sum()
    return "nobody had any in some of the months" if (by == 0).any() or len(by) < 24 else ""


def _month_id(outcome: str, month: int) -> str:
    return f"service_use/{outcome}/rate_ratio/month_{month:+d}"


def _months(panel: Panel, outcome: str) -> Iterator[tuple[int, Result]]:
    fit = event_study(panel, outcome)
    base = panel.arm(outcome, BASE, "The months furthest before")
    for term in fit.names:
        month = int(term.removeprefix("month"))
        key = _month_id(outcome, month)
        row = effect(fit, term, key, unit="ratio", estimand="descriptive", method=WITHIN)
        arms = (panel.arm(outcome, [month], f"Month {month:+d}"), base)
        yield month, _crude(row, f"rate ratio of {_label(outcome)}", arms)


@made_from(RECORDS)
def before_and_after(panel: Panel, gaps: dict[str, str]) -> Findings:
    """Give the rates before and after, their ratio and their difference, over the year, and near and far from the crisis."""
    results: list[Result] = []
    missing: list[NotEstimated] = []
    ratios: list[Effect] = []
    differences: list[Effect] = []
    for outcome, words in OUTCOMES.items():
        for window in WINDOWS:
            keys = [f"service_use/{outcome}/{kind}/{window.key}" for kind in ("rate_ratio", "rate_difference")]
            ratios.append(Effect(_window_label(window), keys[0], words))
            differences.append(Effect(_window_label(window), keys[1], words))
            if why := gaps.get(outcome):
                more = [f"service_use/{outcome}/rate_{side}/year" for side in ("before", "after")] if window.key == "year" else []
                missing += [NotEstimated(key, f"rates of {_label(outcome)}", why, "service_use") for key in (*keys, *more)]
            else:
                results += _compared(panel, outcome, window)
    shown = (
        Effects("use-ratios", "Rates after the event over rates before it", "Rate ratio", tuple(ratios)),
        Effects("use-differences", "Rates after the event less rates before it", "A person-year at risk", tuple(differences)),
    )
    return _together(results, shown, tuple(missing))


def _window_label(window: Window) -> str:
    return {"year": "Twelve months", "near": "Near the crisis", "far": "Far from the crisis"}[window.key]


def _compared(panel: Panel, outcome: str, window: Window) -> Iterator[Result]:
    arms = (panel.arm(outcome, window.after, "After the event"), panel.arm(outcome, window.before, "Before the event"))
    key, words, about = f"service_use/{outcome}", _label(outcome), window.words
    ratio = effect(
        before_after(panel, outcome, window),
        "after",
        f"{key}/rate_ratio/{window.key}",
        unit="ratio",
        estimand="descriptive",
        method=f"{about}; {WITHIN}",
    )
    yield _crude(ratio, f"rate ratio of {words}, {about}", arms)
    fit = rates(panel, outcome, window)
    kinds = [("rate_difference", "rate_difference", "difference in the rate of")]
    if window.key == "year":
        kinds += [("rate_treated", "rate_after", "rate after the event of"), ("rate_control", "rate_before", "rate before it of")]
    for term, name, said in kinds:
        method = f"{about}; a person-year at risk; {NET}"
        row = effect(fit, term, f"{key}/{name}/{window.key}", unit="number", estimand="descriptive", method=method)
        p_value = row.p_value if term == "rate_difference" else None
        yield _crude(replace(row, p_value=p_value), f"{said} {words}", arms)


@made_from(RECORDS)
def later_referred(panel: Panel, given: Placebo | str, gaps: dict[str, str]) -> Findings:
    """Give the change of people referred early beside that of people referred later, in the same calendar months."""
    results: list[Result] = []
    missing: list[NotEstimated] = []
    rows: list[Effect] = []
    for outcome, words in OUTCOMES.items():
        keys = [f"service_use/{outcome}/placebo/{kind}" for kind in ("later", "early_to_later")]
        labels = ("Referred later, same calendar months", "Referred early, over those referred later")
        rows += [Effect(label, key, words) for label, key in zip(labels, keys, strict=True)]
        why = gaps.get(outcome) or (given if isinstance(given, str) else _empty_group(given, outcome))
        if why or isinstance(given, str):
            missing += [NotEstimated(key, f"placebo comparison of {_label(outcome)}", why, "service_use") for key in keys]
            continue
        fit = placebo_fit(given, outcome)
        words_of = (f"rate ratio of {_label(outcome)} among those referred later", f"ratio of rate ratios of {_label(outcome)}")
        for term, key, said in zip(fit.names, keys, words_of, strict=True):
            method = (
                f"months {LAST.start} to {LAST.stop - 1} against {FIRST.start} to {FIRST.stop - 1} of people referred early, and "
                f"the same calendar months of people referred {given.shift} months later; {WITHIN}"
            )
            row = effect(fit, term, key, unit="ratio", estimand="descriptive", method=method)
            results.append(_crude(row, said, _sides(given.rows, outcome, later=key.endswith("/later"))))
    shown = Effects("use-placebo", "People referred later, in the same calendar months", "Rate ratio", tuple(rows))
    return _together(results, (shown,), tuple(missing))


def _empty_group(given: Placebo, outcome: str) -> str:
    by = given.rows.groupby([given.rows["later"], given.rows["month"] >= 0])[outcome].sum()
    return "nobody had any in part of the months compared" if len(by) < 4 or (by == 0).any() else ""


def _sides(rows: pd.DataFrame, outcome: str, *, later: bool) -> tuple[Arm, Arm]:
    """Give what stands behind: of one group after against before, or of both groups after the event."""
    if later:
        own = Panel(rows[rows["later"] == 1.0])
        group = "people referred later"
        return own.arm(outcome, LAST, "After, referred later", group), own.arm(outcome, FIRST, "Before, referred later", group)
    early, late = Panel(rows[rows["later"] == 0.0]), Panel(rows[rows["later"] == 1.0])
    groups = ("people referred early", "people referred later")
    return early.arm(outcome, LAST, "After, referred early", groups[0]), late.arm(
        outcome, LAST, "After, referred later", groups[1]
    )
