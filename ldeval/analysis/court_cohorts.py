"""Cohorts of court cases: areas by periods of the charge date, as the staggered comparison of timeliness reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

PERIOD = 6
"""Months of a period: half-years keep the cells few enough, and full enough, for 40 areas or so."""

LIMITS = (90, 180)
"""Days from charge by which the share completed is counted."""

RESTRICTED_TO = 365
"""Days to which the mean from charge to completion is restricted, and for which every cohort is followed."""

COUNTS = ("cases", "completed_90", "completed_180", "restricted_days", "touched")
"""What is summed over the months of a period."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohorts:
    """A row an area and period, all areas in all periods: `rows` with `area_id, period, start` and `COUNTS`.

    `start` is the period of the first whole month of the service, 0 where it began after the last cohort or has no date;
    `period_of` maps months of charge to periods; `lost` counts areas without a case in some period, which are left out.
    """

    rows: pd.DataFrame
    period_of: pd.Series
    lost: int

    @property
    def weights(self) -> npt.NDArray[np.float64]:
        """Mean cases a period of each row's area: so that the effect is that of a case, not of an area."""
        return np.asarray(self.rows.groupby("area_id")["cases"].transform("mean"), dtype=np.float64)

    @property
    def live(self) -> npt.NDArray[np.bool_]:
        """Where the service was there in the period."""
        return np.asarray((self.rows["start"] > 0) & (self.rows["period"] >= self.rows["start"]), dtype=np.bool_)

    def outcome(self, name: str) -> npt.NDArray[np.float64]:
        """Give a sum of `COUNTS` a case."""
        return np.asarray(self.rows[name] / self.rows["cases"], dtype=np.float64)

    def why_not(self) -> str:
        """Say why there is nothing to compare, or nothing."""
        if self.rows.empty:
            return "there are no cohorts of court cases followed for a year"
        start = self.rows.groupby("area_id")["start"].first()
        if (start > 1).sum() < 2:
            return "fewer than two areas where the service began within the cohorts"
        if len(start) - (start == 1).sum() < 4:
            return "fewer than four areas observed before the service began there"
        if (start == 0).sum() < 2:
            return "fewer than two areas where the service had not begun by the last cohort"
        return ""


def cohorts(months: pd.DataFrame, extract_end: date) -> Cohorts:
    """Gather months (columns of `area_months`) into periods; cohorts followed for less than a year are left out.

    Periods begin in the month of the year in which most areas' services began, so that few begin within one; the first and
    the last period may be shorter. Where every area has the service in the end, the last periods, without comparators, go.
    """
    charged = pd.to_datetime(months["charge_month"])
    if charged.empty:
        return Cohorts(pd.DataFrame(columns=["area_id", "period", "start", *COUNTS]), pd.Series(dtype=int), 0)
    number = charged.dt.year * 12 + charged.dt.month - 1
    followed = (charged + pd.offsets.MonthEnd(0)).dt.date <= extract_end - timedelta(days=RESTRICTED_TO)
    first = number - months["months_live"]
    shift = _shift(first.groupby(months["area_id"]).first())
    origin = (number.min() - shift) // PERIOD - 1
    made = months.assign(period=(number - shift) // PERIOD - origin, start=((first - shift) // PERIOD - origin))[followed]
    rows = made.groupby(["area_id", "period"]).agg(start=("start", "first"), **{name: (name, "sum") for name in COUNTS})
    return _complete(rows[rows["cases"] > 0].reset_index(), made.groupby("charge_month")["period"].first())


def _shift(starts: pd.Series) -> int:
    """Give the month of the year, 0 to PERIOD - 1, at which periods begin: that of most starts."""
    known = (starts.dropna() % PERIOD).astype(int)
    return int(known.mode().iloc[0]) if len(known) else 0


def _complete(rows: pd.DataFrame, period_of: pd.Series) -> Cohorts:
    rows = _started(rows, rows["period"].max())
    if (rows["start"] > 0).all() and rows["start"].max() > 1:
        last = rows["start"].max() - 1
        rows = _started(rows[rows["period"] <= last], last)
    full = rows.groupby("area_id")["period"].transform("nunique") == rows["period"].nunique()
    return Cohorts(rows[full].reset_index(drop=True), period_of, int(rows["area_id"].nunique() - rows[full]["area_id"].nunique()))


def _started(rows: pd.DataFrame, last: float) -> pd.DataFrame:
    """Set the starts: 1 for those before the first period, 0 for those after the last and for areas without a date."""
    start = rows["start"].clip(lower=1)
    return rows.assign(start=start.where(start <= last, 0).astype(int))


def monthly(cases: pd.DataFrame, areas: pd.DataFrame) -> pd.DataFrame:
    """Count cases by area and month as `area_months` does, for cases of one kind; `areas` holds all areas' months.

    Months without such a case stay, with none: `months_live` comes from `areas`.
    """
    counted = cases.assign(
        cases=1,
        completed_90=((cases["completed"] == 1) & (cases["days"] < LIMITS[0])).astype(int),
        completed_180=((cases["completed"] == 1) & (cases["days"] < LIMITS[1])).astype(int),
        restricted_days=cases["days"].clip(upper=RESTRICTED_TO),
    )
    by = counted.groupby(["area_id", "charge_month"])[list(COUNTS)].sum().reset_index()
    named = areas[["area_id", "charge_month", "months_live"]].merge(by, how="left", on=["area_id", "charge_month"])
    return named.fillna(dict.fromkeys(COUNTS, 0))
