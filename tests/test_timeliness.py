"""Court timeliness: cohorts and effects by hand on a few areas, open cases, areas that cannot be compared, calibration."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest
from small_records import small_records

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.court_cohorts import Cohorts, cohorts, monthly
from ldeval.analysis.court_stages import cohort_quantile, lengths, progress, quantiles, stage, stages
from ldeval.analysis.timeliness import by_court, dilution, event_studies, per_case_touched, study_effects, timeliness
from ldeval.stats.did import group_time_effects

EXACT = 1e-12
"""Relative: a handful of additions."""
TRIES, BAND = 400, 0.033
"""The binomial half-width, at three standard errors, of a share of 0.05 over so many tries."""

END = date(2016, 6, 30)
"""Cohorts of June 2015 are followed for a year until here."""


def months_of(area, start, *, cases=100, completed=None):
    """Give the months of one area from January 2013 to June 2016; `completed` maps a month number to cases ended in 90 days."""
    rows = []
    for number in range(2013 * 12, 2016 * 12 + 6):
        done = 50 if completed is None else completed(number)
        rows.append(
            {
                "area_id": area,
                "charge_month": date(number // 12, number % 12 + 1, 1),
                "cases": cases,
                "completed_90": done,
                "completed_180": 80,
                "restricted_days": 60 * cases,
                "touched": 0,
                "months_live": np.nan if start is None else number - start,
            }
        )
    return pd.DataFrame(rows)


APRIL = 2014 * 12 + 3
"""April 2014, counted in months."""


def roll_out():
    """Give three areas with the service from April 2014 on, where 10 more cases in 100 end in time, and three without it.

    Areas waver by as much up as down, so that there is an error.
    """

    noise = np.random.default_rng(1).integers(-5, 6, (2, 2, 2016 * 12 + 6))

    def completed(arm, area, effect):
        own = [*noise[arm], -noise[arm].sum(axis=0)][area]
        return lambda m: 50 + own[m] + effect * (m >= APRIL)

    live = [months_of(f"Live {n}", APRIL, completed=completed(0, n, 10)) for n in range(3)]
    return pd.concat([*live, *(months_of(f"Not {n}", None, completed=completed(1, n, 0)) for n in range(3))], ignore_index=True)


def test_periods_begin_with_the_month_in_which_most_services_began():
    made = cohorts(roll_out(), END)
    live = made.rows[made.rows.area_id == "Live 0"]
    # January to March 2013; April to September; ...; April to June 2015: the last month followed for a year
    assert live.cases.tolist() == [300, 600, 600, 600, 600, 300]
    assert live.start.unique().tolist() == [4]
    assert made.rows[made.rows.area_id == "Not 0"].start.unique().tolist() == [0]
    assert made.lost == 0
    assert made.why_not() == ""


def test_the_effect_is_the_change_of_the_areas_with_the_service():
    found = by_court({"": cohorts(roll_out(), END)})
    assert [row.id for row in found.estimates] == ["timeliness/completed_90/att"]
    assert found.estimates[0].value == pytest.approx(0.10, rel=EXACT)


def test_an_outcome_that_is_the_same_everywhere_has_no_estimate():
    """Half of the rest is completed by 180 days in every month of every area, and all cases take 60 days."""
    whole = cohorts(roll_out(), END)
    found = by_court({"": whole}) + event_studies(whole)
    gaps = {gap.id: gap.why for gap in found.missing}
    for key in ("timeliness/completed_180/att", "timeliness/restricted_mean_days/att", "timeliness-events-completed-180"):
        assert gaps[key].startswith("all areas changed alike")


def test_areas_count_by_their_cases():
    small = months_of("Small", APRIL, cases=100, completed=lambda m: 50 + 10 * (m >= APRIL))
    large = months_of("Large", APRIL, cases=300, completed=lambda m: 150 + 60 * (m >= APRIL))
    others = [months_of(f"Not {n}", None, completed=lambda m, n=n: 50 + (2 * n - 1) * (m // 6 % 3)) for n in range(2)]
    whole = cohorts(pd.concat([small, large, *others]), END)
    value = by_court({"": whole}).estimates[0].value
    assert value == pytest.approx((100 * 0.10 + 300 * 0.20) / 400, rel=EXACT)


def test_what_stands_behind_an_estimate_is_split_by_whether_the_service_was_there():
    found = by_court({"": cohorts(roll_out(), END)})
    live, others = found.arms["timeliness/completed_90/att"]
    assert (live.n, live.events) == (3 * 1500, 3 * 15 * 60)
    assert others.n == 3 * 3000 + 3 * 1500


def test_the_event_study_shows_nothing_before_the_start_and_the_effect_after_it():
    found = event_studies(cohorts(roll_out(), END))
    values = {row.id.rsplit("/", 1)[1]: row.value for row in found.estimates if "completed_90" in row.id}
    assert values["half_year_-1"] == pytest.approx(0.0, abs=1e-12)
    assert [values["half_year_+0"], values["half_year_+2"]] == pytest.approx([0.10, 0.10], rel=EXACT)
    places = next(e for e in found.exhibits if e.id == "timeliness-events-completed-90").rows
    assert [row.at for row in places] == [-2, -1, 0, 1, 2]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (months_of("Only", APRIL), "fewer than two areas where the service began"),
        (pd.concat([months_of("A", None), months_of("B", None)]), "fewer than two areas where the service began"),
        (pd.concat([months_of(str(n), 2010 * 12) for n in range(5)]), "fewer than two areas where the service began"),
        (pd.concat([months_of(str(n), APRIL) for n in range(4)]), "fewer than two areas where the service began"),
        (pd.concat([months_of("A", APRIL), months_of("B", APRIL), months_of("C", None)]), "fewer than four areas"),
    ],
    ids=["one area", "none live", "all live from the first", "all live at once", "one comparator"],
)
def test_areas_that_cannot_be_compared_say_why(rows, why):
    made = cohorts(rows, END)
    found = by_court({"": made}) + event_studies(made)
    assert found.estimates == ()
    assert all(why in gap.why for gap in found.missing)
    assert {gap.id for gap in found.missing} >= {"timeliness/completed_90/att", "timeliness-leads"}


def test_where_every_area_has_the_service_in_the_end_the_last_periods_go():
    later = [months_of(f"Later {n}", APRIL + 12) for n in range(2)]
    made = cohorts(pd.concat([roll_out()[lambda r: r.area_id.str.startswith("Live")], *later]), END)
    assert made.rows.period.max() == 5
    assert made.rows[made.rows.area_id == "Later 0"].start.unique().tolist() == [0]


def test_an_area_without_a_case_in_a_period_is_left_out_and_counted():
    rows = roll_out()
    gone = (rows.area_id == "Not 2") & (pd.to_datetime(rows.charge_month) < "2013-04-01")
    assert cohorts(rows[~gone], END).lost == 1
    assert cohorts(rows.assign(cases=rows.cases.where(~gone, 0)), END).lost == 1


CASES = pd.DataFrame(
    [  # area, court, charged, to charge, to listing, days, completed, touched
        ("A", "magistrates", "2014-01-10", 5, 10.0, 89, 1, 1),  # completed in time, on the last day
        ("A", "magistrates", "2014-01-31", 0, 0.0, 90, 1, 0),  # a day too late
        ("A", "crown", "2014-01-02", 7, 20.0, 600, 0, 0),  # open: not completed, counts 365 days
        ("A", "crown", "2014-02-02", 7, np.nan, 300, 0, 0),  # not yet listed
        ("B", "magistrates", "2014-01-05", 3, 4.0, 4, 1, 0),  # completed at its first listing
    ],
    columns=["area_id", "court_type", "charge_date", "days_to_charge", "days_to_listing", "days", "completed", "touched"],
)
CASES["charge_month"] = CASES.charge_date.str[:7] + "-01"
CASES["adjournments"] = [1, 0, 5, 0, 0]
GRID = pd.DataFrame(
    [(area, month, live) for area, live in (("A", 0), ("B", np.nan)) for month in ("2014-01-01", "2014-02-01")],
    columns=["area_id", "charge_month", "months_live"],
)


def test_months_are_counted_from_cases_by_the_limits():
    made = monthly(CASES, GRID)
    january = made[(made.area_id == "A") & (made.charge_month == "2014-01-01")].iloc[0]
    assert (january.cases, january.completed_90, january.completed_180) == (3, 1, 2)
    assert january.restricted_days == 89 + 90 + 365
    assert made[(made.area_id == "B") & (made.charge_month == "2014-02-01")].cases.tolist() == [0]


@pytest.mark.parametrize(
    ("name", "days", "ended"),
    [
        ("offence_to_charge", [5, 0.5, 7, 7, 3], [1, 1, 1, 1, 1]),
        ("charge_to_listing", [10, 0.5, 20, 300, 4], [1, 1, 1, 0, 1]),
        ("listing_to_completion", [79, 90, 580, 0.5], [1, 1, 0, 1]),
        ("charge_to_completion", [89, 90, 600, 300, 4], [1, 1, 0, 0, 1]),
    ],
)
def test_stages_and_their_open_cases(name, days, ended):
    found, done = stage(CASES, name)
    assert found.tolist() == days
    assert done.astype(int).tolist() == ended


def test_the_median_of_a_stage_allows_for_open_cases():
    found = lengths(pd.concat([CASES] * 20), date(2015, 6, 30))
    values = {row.id: row.value for row in found.estimates}
    gaps = {gap.id: gap.why for gap in found.missing}
    assert values["court_stages/charge_to_completion/magistrates/p50"] == 89  # 4, 89, 90
    assert gaps["court_stages/charge_to_completion/crown/p50"] == "no case has ended this stage"


def test_courts_without_cases_say_so():
    found = lengths(CASES[CASES.court_type == "magistrates"], date(2015, 6, 30))
    assert {gap.why for gap in found.missing if "crown" in gap.id} == {"no case of this court"}


def test_cases_are_counted_by_year_and_court():
    (table,) = progress(CASES).exhibits
    labels = [row.label for row in table.rows]
    assert table.values[labels.index("2014")] == (5, 3, 2)
    assert table.values[labels.index("Crown Court")] == (2, 0, 2)


def test_a_cohort_quantile_takes_open_cases_as_never_completed():
    whole = Cohorts(pd.DataFrame({"area_id": ["A"], "period": [1]}), pd.Series([1, 1], index=["2014-01-01", "2014-02-01"]), 0)
    assert cohort_quantile(CASES, whole, 0.25).tolist() == [90]  # of 89, 90, open, open
    assert np.isinf(cohort_quantile(CASES, whole, 0.9)).all()


def test_quantiles_say_why_they_are_not_there():
    found = quantiles(CASES, months_of("Only", APRIL), END)
    assert [gap.id for gap in found.missing][:2] == ["court-quantiles", "court_quantiles/days_p25/descriptive"]


def test_dilution_counts_cases_of_live_areas_in_the_window():
    window = (date(2014, 1, 1), date(2014, 1, 31))
    (share,) = dilution(CASES, GRID, window).shares
    assert (share.events, share.n) == (1, 3)
    (gap,) = dilution(CASES, GRID, (date(2019, 1, 1), date(2019, 2, 1))).missing
    assert isinstance(gap, NotEstimated)


def test_an_effect_a_case_touched_is_that_of_a_case_over_the_share():
    five = pd.concat([CASES] * 5)  # five of fifteen: counts that rounding to the nearest five leaves as they are
    found = by_court({"": cohorts(roll_out(), END)}) + dilution(five, GRID, (date(2014, 1, 1), date(2014, 1, 31)))
    scaled = {row.id: row for row in per_case_touched(found).estimates}
    assert scaled["timeliness/completed_90/per_touched"].value == pytest.approx(0.10 / (1 / 3), rel=EXACT)
    untouched = per_case_touched(by_court({"": cohorts(roll_out(), END)}))
    assert untouched.estimates == ()
    assert len(untouched.missing) == 3


@dataclass
class Drawn:
    """Areas by half-years whose outcomes are noise about a common trend."""

    rng: np.random.Generator

    def fit(self):
        """Draw one panel of forty areas in four waves and fit it."""
        starts = np.repeat([4, 6, 8, 0], [10, 12, 8, 10])
        unit, time = np.divmod(np.arange(40 * 10), 10)
        noise = self.rng.normal(0, 1, 40 * 10) + np.repeat(self.rng.normal(0, 2, 40), 10) + 0.3 * time
        return group_time_effects(noise, unit, time + 1, starts[unit], control="not_yet", small_sample="CR1-t")


@pytest.mark.slow
def test_intervals_and_the_test_of_the_leads_err_as_often_as_they_say():
    """With areas as clusters and noise alone: 5% of intervals exclude nothing, 5% of tests reject."""
    drawn = Drawn(np.random.default_rng(1))
    fits = [drawn.fit() for _ in range(TRIES)]
    misses = np.mean([fit.overall("simple").p_value.iloc[0] < 0.05 for fit in fits])
    rejected = np.mean([fit.lead_test(4).p_value < 0.05 for fit in fits])
    assert misses == pytest.approx(0.05, abs=BAND)
    assert rejected == pytest.approx(0.05, abs=BAND)


def test_the_leads_are_tested_by_hotelling():
    fit = Drawn(np.random.default_rng(2)).fit()
    row = fit.event_study().set_index("event").loc[-1]
    one = fit.lead_test(1)
    assert one.statistic == pytest.approx((row.estimate / row.se) ** 2, rel=EXACT)  # one lead: the square of t
    assert one.p_value == pytest.approx(row.p_value, rel=1e-9)


def test_without_a_lead_there_is_nothing_to_test():
    unit, time = np.divmod(np.arange(40 * 3), 3)
    starts = np.where(np.arange(40) < 20, 2, 0)
    fit = group_time_effects(np.random.default_rng(3).normal(size=120), unit, time + 1, starts[unit])
    with pytest.raises(ValueError, match="from 1 to 39 effects before the start, found 0"):
        fit.lead_test(1)


def test_effects_are_of_the_rows_outcome():
    whole = cohorts(roll_out(), END)
    fit = study_effects(whole, whole.outcome("completed_90"))
    assert fit.n == len(whole.rows)


def test_a_small_twin_gives_every_result_or_says_why_not():
    records = small_records()
    found = (timeliness(records) + stages(records)).check()
    known = {row.id for row in found.estimates} | {gap.id for gap in found.missing}
    assert {f"timeliness/{name}/att" for name in ("completed_90", "completed_180", "restricted_mean_days")} <= known
    months = records.table("area_months")
    whole, counted = cohorts(months, END_OF_TWIN), cohorts(monthly(records.table("court_cases"), months), END_OF_TWIN)
    pd.testing.assert_frame_equal(whole.rows, counted.rows, check_dtype=False)


END_OF_TWIN = date(2019, 6, 30)


def test_no_court_cases_at_all_is_said_of_every_result(monkeypatch):
    records = small_records()
    found = timeliness(records) + stages(records)
    empty = {name: records.table(name).iloc[:0] for name in ("court_cases", "area_months")}
    monkeypatch.setattr(type(records), "table", lambda self, name: empty[name])
    without = (timeliness(records) + stages(records)).check()
    assert without.estimates == ()
    cited = {row.id for row in found.estimates if "half_year" not in row.id and row.id.count("/") < 3}
    assert cited - {gap.id for gap in without.missing} == set()
