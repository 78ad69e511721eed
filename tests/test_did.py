"""Effects by group and time: by hand, against R and the published vignette, against a library, invariants, bad input."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldeval.stats.did import group_time_effects

REFERENCE = 1e-9
"""Relative: R's values have fifteen digits and nothing is iterated but a logistic score."""
PRINTED = 5e-5
"""Absolute: the vignette prints four digits."""
P_PRINTED = 5e-6
"""Absolute: R gives p-values of the pre-trend test to five digits."""

HERE = Path(__file__).parent.parent / "data" / "reference"
MPDTA = pd.read_csv(HERE / "data" / "mpdta.csv")
R = json.loads((HERE / "mpdta.json").read_text(encoding="utf-8"))


def counties(table=MPDTA, **options):
    return group_time_effects(table.lemp, table.countyreal, table.year, table.first_treat, **options)


@pytest.mark.parametrize("control", [key for key in R if key not in {"dataset", "meta"}])
@pytest.mark.parametrize("key", R["never"])
def test_reference(control, key):
    fit, theirs = counties(control=control), R[control][key]
    if key == "pre_trend":
        test = fit.pre_trend()
        assert test.statistic == pytest.approx(theirs["statistic"], rel=REFERENCE)
        assert test.p_value == pytest.approx(theirs["p_value"], abs=P_PRINTED)
        assert test.df == 5
        return
    if key == "overall":
        ours = {kind: fit.overall(kind).iloc[0] for kind in theirs}
        pairs = [(ours[kind], row) for kind, row in theirs.items()]
    else:
        ours = fit.tidy().assign(group=fit.group, time=fit.time) if key == "group_time" else fit.event_study()
        assert ours[[name for name in theirs[0] if name not in {"estimate", "se"}]].to_numpy().tolist() == [
            [value for name, value in row.items() if name not in {"estimate", "se"}] for row in theirs
        ]
        pairs = [(ours.iloc[place], row) for place, row in enumerate(theirs)]
    for mine, row in pairs:
        assert mine.estimate == pytest.approx(row["estimate"], rel=REFERENCE, abs=1e-13)
        assert mine.se == pytest.approx(row["se"], rel=REFERENCE)


def test_published_effects_with_a_covariate():
    """The vignette's table with log population, doubly robust: ATT(2004, 2004) to ATT(2007, 2007)."""
    fit = counties(X=np.column_stack([np.ones(len(MPDTA)), MPDTA.lpop]))
    printed = [-0.0145, -0.0764, -0.1404, -0.1069, -0.0005, -0.0062, 0.0010, -0.0413, 0.0267, -0.0046, -0.0284, -0.0288]
    np.testing.assert_allclose(fit.estimate, printed, atol=PRINTED)


def test_the_doubly_robust_formula_step_by_step():
    """Group 2006 in 2007 against 2005, with statsmodels for the score and the line; diff-diff 3.13 is off by up to 7e-6 here."""
    from statsmodels.api import OLS, Logit

    wide = MPDTA.pivot(index="countyreal", columns="year", values="lemp")
    one = MPDTA.drop_duplicates("countyreal").set_index("countyreal")
    used = one.first_treat.isin([0, 2006])
    change, treated = (wide[2007] - wide[2005])[used], (one.first_treat == 2006)[used].astype(float)
    X = np.column_stack([np.ones(used.sum()), one.lpop[used]])
    score = Logit(treated, X).fit(disp=0, tol=1e-14, method="newton").predict()
    rest = change - X @ OLS(change[treated == 0], X[treated == 0]).fit().params.to_numpy()
    odds = np.where(treated == 1, 0, score / (1 - score))
    expected = rest[treated == 1].mean() - (odds * rest).sum() / odds.sum()
    fit = counties(X=np.column_stack([np.ones(len(MPDTA)), MPDTA.lpop])).tidy().set_index("term")
    assert fit.estimate["ATT(2006, 2007)"] == pytest.approx(expected, rel=1e-9)


def test_errors_equal_the_jackknife_nearly():
    """The influence function with a covariate, against leaving out each county in turn."""
    X = np.column_stack([np.ones(len(MPDTA)), MPDTA.lpop])
    fit = counties(X=X)
    draws = []
    for county in MPDTA.countyreal.unique()[::5]:
        kept = (MPDTA.countyreal != county).to_numpy()
        draws.append(counties(MPDTA[kept], X=X[kept]).estimate - fit.estimate)
    every_fifth = fit.influence[::5]
    places = np.argsort(np.sort(MPDTA.countyreal.unique()))
    assert (places == np.arange(500)).all(), "units come out sorted as the file has them"
    np.testing.assert_allclose(-np.array(draws), every_fifth, atol=0.05 * np.abs(fit.influence).max())


# Six areas, three periods: two begin in period 2, four never do.
SMALL = pd.DataFrame(
    [(area, t, start, y) for area, (start, *ys) in enumerate(
        [(2, 5, 9, 11), (2, 7, 9, 13), (0, 4, 5, 5), (0, 6, 6, 8), (0, 1, 3, 4), (0, 2, 2, 3)]
    ) for t, y in enumerate(ys, 1)],
    columns=["area", "time", "start", "y"],
)  # fmt: skip


def small(table=SMALL, **options):
    return group_time_effects(table.y, table.area, table.time, table.start, **options)


def test_by_hand():
    """Changes to period 2: 4, 2 against 1, 0, 2, 0; to period 3: 6, 6 against 1, 2, 3, 1. Variance: squares over n^2."""
    table = small().tidy()
    assert table.term.tolist() == ["ATT(2, 2)", "ATT(2, 3)"]
    np.testing.assert_allclose(table.estimate, [3 - 3 / 4, 6 - 7 / 4], rtol=1e-12)
    first = 2 * 1 / 2**2 + (0.25**2 + 0.75**2 + 1.25**2 + 0.75**2) / 4**2
    second = 0 + (0.75**2 + 0.25**2 + 1.25**2 + 0.75**2) / 4**2
    np.testing.assert_allclose(table.se, np.sqrt([first, second]), rtol=1e-9)
    assert small().overall().estimate[0] == pytest.approx((2.25 + 4.25) / 2, rel=1e-12)


def test_rows_in_any_order_and_starts_of_any_kind():
    plain = counties().tidy()
    shuffled = MPDTA.sample(frac=1, random_state=4)
    pd.testing.assert_frame_equal(counties(shuffled).tidy(), plain, rtol=1e-9)
    never = MPDTA.assign(first_treat=MPDTA.first_treat.replace(0, np.inf).astype(float))
    pd.testing.assert_frame_equal(counties(never).tidy(), plain)
    later = MPDTA.assign(first_treat=MPDTA.first_treat.replace(0, 2030))
    pd.testing.assert_frame_equal(counties(later).tidy(), plain)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_weights_of_two_equal_doubled_units(seed):
    load = np.random.default_rng(seed).integers(1, 3, 500)
    by_unit = dict(zip(MPDTA.countyreal.unique(), load, strict=True))
    weighted = counties(weights=MPDTA.countyreal.map(by_unit))
    twice = MPDTA[MPDTA.countyreal.map(by_unit) == 2]
    doubled = pd.concat([MPDTA, twice.assign(countyreal=-twice.countyreal)])
    cluster = doubled.countyreal.abs()
    other = counties(doubled, cluster=cluster)
    for one, two in ((weighted.tidy(), other.tidy()), (weighted.event_study(), other.event_study())):
        pd.testing.assert_frame_equal(one, two, rtol=1e-8)
    for kind in ("simple", "group", "dynamic", "calendar"):
        pd.testing.assert_frame_equal(weighted.overall(kind), other.overall(kind), rtol=1e-8)


def test_scaling_and_shifting_the_outcome():
    moved = counties(MPDTA.assign(lemp=3 * MPDTA.lemp + MPDTA.year))
    np.testing.assert_allclose(moved.tidy()[["estimate", "se"]], 3 * counties().tidy()[["estimate", "se"]], rtol=1e-8, atol=1e-11)


def test_units_as_clusters_are_the_default_and_small_samples_widen():
    pd.testing.assert_frame_equal(counties(cluster=MPDTA.countyreal).tidy(), counties().tidy())
    plain, corrected = small().tidy(), small(small_sample="CR1-t").tidy()
    np.testing.assert_allclose(corrected.se, plain.se * np.sqrt(6 / 5), rtol=1e-12)
    assert (corrected.p_value > plain.p_value).all()


def test_units_treated_from_the_first_period_are_dropped_and_counted():
    early = pd.concat([SMALL, SMALL[SMALL.area == 0].assign(area=9, start=1)])
    fit = small(early)
    assert fit.dropped == 1
    pd.testing.assert_frame_equal(fit.tidy(), small().tidy())


def test_all_treated_in_the_end_needs_those_not_yet_treated():
    table = SMALL.assign(start=SMALL.start.replace(0, 3))
    with pytest.raises(ValueError, match='no controls for group 2 at 2; choose control="not_yet"'):
        small(table)
    with pytest.raises(ValueError, match="no controls for group 2 at 3"):
        small(table, control="not_yet")
    fit = small(table[table.time < 3], control="not_yet")
    assert fit.tidy().estimate[0] == pytest.approx(3 - 3 / 4, rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: small(SMALL[1:]), "every unit in every period, found 1 pair"),
        (lambda: small(pd.concat([SMALL, SMALL[:2]])), "one row for each unit and period, found 2 pair"),
        (lambda: small(SMALL.assign(start=SMALL.time)), "first_treated: expected one value in all rows of a unit, found 6"),
        (lambda: small(SMALL.assign(start=0)), "a group with a period before its start, found none"),
        (lambda: small(SMALL.assign(start=1)), "a group with a period before its start, found none"),
        (lambda: small(SMALL.assign(start=np.nan)), "first_treated: expected finite"),
        (lambda: small(SMALL.assign(y=np.nan)), "y: expected finite numbers"),
        (lambda: small(weights=SMALL.time), "weights: expected one value in all rows of a unit, found 6"),
        (lambda: small(cluster=SMALL.time), "cluster: expected one value in all rows of a unit"),
        (lambda: small(control="all"), "'never', 'not_yet', found 'all'"),
        (lambda: small(small_sample="CR2"), "'CR1', 'CR1-t', found 'CR2'"),
        (lambda: small().overall("mean"), "'simple', 'dynamic', 'group', 'calendar', found 'mean'"),
        (lambda: small().pre_trend(), "no pre-trend to test"),
        (lambda: small(X=np.column_stack([np.ones(18), SMALL.start])), "group 2 at 2: X: .*x1"),
        (lambda: small(SMALL[:0]), "y: expected at least one row"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
