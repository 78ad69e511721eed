"""Do the sites of the service differ beyond chance: in consent, in needs over a threshold, in what is taken up?"""

from __future__ import annotations

import pandas as pd

from ldeval.analysis.counted import Counts, Line, NotEstimated
from ldeval.analysis.exhibits import Column, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS
from ldeval.analysis.referrals import ALL, CONSENTED, MET, OFFERS, REFERRALS, case_counts, lines
from ldeval.stats.funnel import SiteVariation, site_variation


@made_from(RECORDS)
def sites(frame: pd.DataFrame, offers: pd.DataFrame) -> Findings:
    """Count consent, thresholds and uptake by site, and test whether sites differ beyond chance."""
    known = offers[offers["taken"] != "not known"]
    kinds = (
        ("consent", "Consent to linkage", frame, REFERRALS, CONSENTED),
        ("threshold", "A need over a service's threshold", frame, REFERRALS, MET),
        ("uptake", "Offers taken up", known, f"{OFFERS}, uptake known", Line("Taken up", {"taken": "yes"})),
    )
    tables: list[Counts] = []
    tests: list[tuple[str | float, ...]] = []
    missing: list[NotEstimated] = []
    for name, title, rows, population, event in kinds:
        areas = {area: area for area in sorted(rows["area"].unique())}
        if len(areas) < 2:
            why = "there is one site only, or none"
            missing.append(NotEstimated(f"sites-{name}", f"{title}, by site", why, "profile"))
            continue
        down = [ALL, *lines("area", areas)]
        table = case_counts(
            f"sites-{name}", f"{title}, by site", rows, population, down, [ALL, event], picture="funnel", heading="Site"
        )
        tables.append(table)
        n, events = zip(*table.values[1:], strict=True)
        if 0 < sum(events) < sum(n):
            tests.append((title, *_tested(site_variation(events, n))))
    return Findings(exhibits=tuple(tables), missing=tuple(missing)) + _variation(tests)


def _tested(found: SiteVariation) -> tuple[float, ...]:
    return found.statistic, found.df, found.p_value, found.dispersion, found.spread


def _variation(tests: list[tuple[str | float, ...]]) -> Findings:
    if not tests:
        why = "fewer than two sites differ in anything"
        return Findings(missing=(NotEstimated("profile-variation", "variation between sites", why, "profile"),))
    columns = (
        Column("share", "Share"),
        Column("statistic", "Chi squared", "number", "model"),
        Column("df", "Degrees of freedom", "values", "model"),
        Column("p_value", "p-value", "p", "model"),
        Column("dispersion", "Times what chance gives", "number", "model"),
        Column("spread", "Spread beyond chance, points", "percentage points", "model"),
    )
    note = "Null hypothesis: all sites share one probability. The spread is the standard deviation of the sites' own shares."
    return Findings(exhibits=(Table("profile-variation", "Do sites differ beyond chance?", columns, tuple(tests), (note,)),))
