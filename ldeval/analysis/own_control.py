"""People as their own controls: a panel of months around an event, what can be added up in it, and before against after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from ldeval.analysis.counted import Arm
from ldeval.stats.counts import fixed_effects_poisson, standardised_rate
from ldeval.stats.fit import Contrasts, Regression

SMALL_SAMPLE: Literal["CR1-t"] = "CR1-t"
YEAR = 365.25


@dataclass(frozen=True, slots=True)
class Window:
    """Two spans of months to be compared; `key` is part of the ids, `words` say what they are."""

    key: str
    words: str
    before: range
    after: range


WINDOWS = (
    Window("year", "twelve months before and after", range(-12, 0), range(12)),
    Window("near", "three months on either side, the crisis among them", range(-3, 0), range(3)),
    Window("far", "the nine months further off on either side", range(-12, -3), range(3, 12)),
)
BASE = range(-12, -9)
"""The months furthest before the event: the base of the event study."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A row a person and month: `person`, `area`, `month`, `net` (days alive, in the extract, not in custody), and outcomes."""

    rows: pd.DataFrame

    @property
    def people(self) -> int:
        """People in it."""
        return int(self.rows["person"].nunique())

    def span(self, months: Sequence[int]) -> pd.DataFrame:
        """Give the rows of some months."""
        return self.rows[self.rows["month"].isin(months)]

    def arm(self, outcome: str, months: Sequence[int], label: str, group: str = "users") -> Arm:
        """Give what stands behind a span: its people, the outcome's total by month, and the largest share of one person in it."""
        rows = self.span(months)
        own = rows.groupby("person")[outcome].sum()
        total = float(own.sum())
        by_month = tuple((f"{month:+d}", int(rows.loc[rows["month"] == month, outcome].sum())) for month in months)
        return Arm(label, len(own), int(total), float(own.max() / total) if total else None, f"{outcome} of {group}", by_month)


def own_control(panel: pd.DataFrame, people: pd.DataFrame, outcomes: Sequence[str]) -> Panel:
    """Give the panel of users, months without a day at risk left out."""
    users = people.loc[people["arm"] == "user", ["study_id", "area_id", "index_date"]]
    rows = panel[["study_id", "month", "exposure", "custody_days", *outcomes]].merge(users, on="study_id")
    rows = rows.assign(net=(rows["exposure"] - rows["custody_days"]).clip(lower=0))
    kept = rows[rows["net"] > 0].rename(columns={"study_id": "person", "area_id": "area"})
    return Panel(kept.drop(columns=["exposure", "custody_days"]).reset_index(drop=True))


def event_study(panel: Panel, outcome: str) -> Regression:
    """Fit rate ratios of each month against the base, a free rate for each person, clustered by area.

    People of one area with the same days at risk in every month are added up first: their totals are sufficient for the fit and
    its clustered errors.
    """
    rows = _added_up(panel.rows, outcome)
    months = [month for month in sorted(rows["month"].unique()) if month not in BASE]
    X = pd.DataFrame({f"month{month:+d}": (rows["month"] == month).astype(float) for month in months})
    return fixed_effects_poisson(
        rows[outcome], X, unit=rows["unit"], exposure=rows["net"], cluster=rows["area"], small_sample=SMALL_SAMPLE
    )


def _added_up(rows: pd.DataFrame, outcome: str) -> pd.DataFrame:
    """Add up people of one area and one course of days at risk."""
    course = rows.pivot(index="person", columns="month", values="net").fillna(0)
    area = rows.groupby("person")["area"].first().reindex(course.index)
    unit = course.assign(area=area).groupby([*course.columns, "area"], sort=False).ngroup()
    named = rows.assign(unit=rows["person"].map(unit))
    return (
        named.groupby(["unit", "month"])
        .agg(area=("area", "first"), net=("net", "first"), **{outcome: (outcome, "sum")})
        .reset_index()
    )


def before_after(panel: Panel, outcome: str, window: Window) -> Regression:
    """Fit the rate ratio of after against before, a free rate for each person, clustered by area."""
    rows = spans(panel, outcome, window)
    return fixed_effects_poisson(
        rows[outcome],
        rows[["after"]],
        unit=rows["person"],
        exposure=rows["net"],
        cluster=rows["area"],
        small_sample=SMALL_SAMPLE,
    )


def spans(panel: Panel, outcome: str, window: Window) -> pd.DataFrame:
    """Give two rows a person: before and after, with the outcome's total and days at risk. Who lacks one of them goes."""
    rows = panel.span([*window.before, *window.after])
    rows = rows.assign(after=(rows["month"] >= window.after.start).astype(float))
    by = rows.groupby(["person", "after"]).agg(area=("area", "first"), net=("net", "sum"), **{outcome: (outcome, "sum")})
    both = by.groupby(level="person")["net"].transform("size") == 2
    return by[both].reset_index()


def rates(panel: Panel, outcome: str, window: Window) -> Contrasts:
    """Give the rates a person-year at risk before and after and their difference, errors clustered by area."""
    rows = spans(panel, outcome, window).groupby(["area", "after"])[["net", outcome]].sum().reset_index()
    return standardised_rate(
        rows[outcome],
        rows["after"],
        np.ones((len(rows), 1)),
        estimand="ATT",
        exposure=rows["net"] / YEAR,
        cluster=rows["area"],
        small_sample=SMALL_SAMPLE,
    )


@dataclass(frozen=True, slots=True)
class Placebo:
    """Early and later referred people in the same calendar months.

    `rows`: as a panel's, with `later` and `month` from the early event on; the later referred stand `shift` months before
    their own event there.
    """

    rows: pd.DataFrame
    shift: int


FIRST, LAST = range(-6, -3), range(3)
"""Months compared in the placebo: before the crisis of the early referred, and just after their event."""


def placebo(panel: Panel, follow_up_days: int) -> Placebo | str:
    """Set the first third of the window's people beside the last third, whose events come later; or say why not."""
    rows = panel.rows
    dates = pd.to_datetime(rows.groupby("person")["index_date"].first())
    if dates.nunique() < 3:
        return "all events are of one time: nobody was referred later"
    early, later = dates <= dates.quantile(1 / 3), dates > dates.quantile(2 / 3)
    gap = (dates[later].mean() - dates[early].mean()).days
    shift = round(gap * 12 / follow_up_days)
    if FIRST.start - shift < -12 or LAST.stop - shift > -3:
        return "the window is too short, or too long, for people referred about half a year later"
    group = pd.Series(np.select([early, later], [0.0, 1.0], np.nan), dates.index)
    named = rows.assign(later=rows["person"].map(group)).dropna(subset=["later"])
    named = named.assign(month=named["month"] + (named["later"] * shift).astype(int))
    return Placebo(named[named["month"].isin([*FIRST, *LAST])], shift)


def placebo_fit(given: Placebo, outcome: str) -> Regression:
    """Fit after against before in both groups: `log_later` for those later referred, `log_early_to_later` against them."""
    rows = given.rows.assign(after=given.rows["month"] >= 0)
    by = rows.groupby(["person", "after"]).agg(
        area=("area", "first"), later=("later", "first"), net=("net", "sum"), **{outcome: (outcome, "sum")}
    )
    by = by[by.groupby(level="person")["net"].transform("size") == 2].reset_index()
    after = by["after"].astype(float)
    X = pd.DataFrame({"log_later": after, "log_early_to_later": after * (1 - by["later"])})
    return fixed_effects_poisson(
        by[outcome], X, unit=by["person"], exposure=by["net"], cluster=by["area"], small_sample=SMALL_SAMPLE
    )
