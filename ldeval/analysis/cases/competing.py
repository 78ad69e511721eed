"""Reference cases of competing risks: cumulative incidence, Gray's test, Fine and Gray's model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from ldeval.analysis.cases.case import Case, Family
from ldeval.analysis.cases.survival import NO_METHOD
from ldeval.data.open_data import load, results_of_r
from ldeval.stats.competing import cumulative_incidence
from ldeval.stats.fine_gray import fine_gray
from ldeval.stats.gray import gray_test

VARIANCE = "it takes another formula for the variance"


def cases(root: Path) -> Iterator[Case]:
    """Give the cases of this module."""
    people, r = load("sk_bmt", root), results_of_r("bmt_scrucca", root)
    family, group = Family("Cumulative incidence", "sk_bmt"), people[people["dis"] == 1]
    for cause, words in ((1, "Relapse"), (2, "Death from treatment")):
        row, variance = (next(row for row in r[key] if row["_row"] == f"1 {cause}") for key in ("est", "var"))
        point = cumulative_incidence(group["ftime"], group["status"], cause=cause).at(24)
        peer, error = _aalen_johansen(group, cause)
        se = np.sqrt(variance["24"])
        yield family.estimate(f"{words} by month 24", point.estimate, row["24"], se, "lifelines", peer)
        yield family.value(f"{words} by month 24: standard error", point.se, se, "lifelines", error, VARIANCE)
    family = Family("Gray's test", "sk_bmt")
    for cause, words in ((1, "Relapse"), (2, "Death from treatment")):
        here = gray_test(people["ftime"], people["status"], people["dis"], cause=cause).statistic
        yield family.value(f"{words}: chi-squared", here, r["tests"][cause - 1]["stat"], why=NO_METHOD)
    family, found = (
        Family("Fine and Gray's model", "sk_bmt"),
        fine_gray(people["ftime"], people["status"], people[["dis"]], cause=1),
    )
    row = found.tidy().iloc[0]
    yield family.estimate("Disease", row.estimate, r["crr1"]["coef"], r["crr1"]["se"], why=NO_METHOD)
    yield family.value("Disease: standard error", row.se, r["crr1"]["se"], why=NO_METHOD)


def _aalen_johansen(people: pd.DataFrame, cause: int) -> tuple[float, float]:
    from lifelines import AalenJohansenFitter

    fit = AalenJohansenFitter(seed=1).fit(people["ftime"], people["status"], event_of_interest=cause)
    share = float(fit.cumulative_density_.loc[:24].iloc[-1, 0])
    return share, float(np.sqrt(fit.variance_.loc[:24].iloc[-1]))
