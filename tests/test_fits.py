"""Kaplan-Meier, log-rank and Cox on six people, worked on paper.

person   time   event   x
a           1       1   1
b           1       0   1
c           6       1   1
d           6       1   0
e           8       0   0
f           9       1   0
"""

import numpy as np
import pandas as pd
import pytest

from ldeval.analysis import fits

EXACT = 1e-12  # sums and products of a few fractions
SOLVED = 1e-7  # the root of a score equation, found by Newton's method

TIME = np.array([1.0, 1, 6, 6, 8, 9])
EVENT = np.array([1.0, 0, 1, 1, 0, 1])
X = np.array([1.0, 1, 1, 0, 0, 0])
PEOPLE = pd.DataFrame({"time": TIME, "event": EVENT, "x": X})


def test_the_curve_is_the_product_of_those_who_stay_free():
    curve = fits.kaplan_meier(TIME, EVENT, level=0.95)
    assert curve.time.tolist() == [0, 1, 6, 8, 9]
    assert curve.at_risk.tolist() == [6, 6, 4, 2, 1]
    assert curve.estimate == pytest.approx([1, 5 / 6, 5 / 6 * 2 / 4, 5 / 12, 0], abs=EXACT)


def test_greenwoods_error_is_the_curve_times_the_root_of_its_sum():
    curve = fits.kaplan_meier(TIME, EVENT, level=0.95)
    sums = np.sqrt([0, 1 / (6 * 5), 1 / (6 * 5) + 2 / (4 * 2), 1 / (6 * 5) + 2 / (4 * 2)])
    assert curve.se[:4] == pytest.approx(curve.estimate[:4] * sums, abs=EXACT)


def test_the_interval_is_log_log():
    # exp(-exp(log(-log S) -+ z s)), with s = sqrt(sum) / |log S| at time 6
    curve = fits.kaplan_meier(TIME, EVENT, level=0.95)
    surv, s = 5 / 12, np.sqrt(1 / 30 + 1 / 4) / abs(np.log(5 / 12))
    for bound, z in ((curve.low, 1.959963984540054), (curve.high, -1.959963984540054)):
        assert bound[curve.at(6)] == pytest.approx(np.exp(-np.exp(np.log(-np.log(surv)) + z * s)), abs=1e-9)


def test_a_step_holds_until_the_next():
    curve = fits.kaplan_meier(TIME, EVENT, level=0.95)
    assert [curve.at(t) for t in (0, 0.5, 1, 5.9, 6, 100)] == [0, 0, 1, 1, 2, 4]


def test_logrank_by_hand():
    test = fits.logrank(TIME, EVENT, X)
    assert test.observed == (2, 2)
    assert test.expected == pytest.approx((3, 1 * 3 / 6 + 2 * 1 / 4 + 1 * 0), abs=EXACT)
    variance = 1 * (3 / 6) * (3 / 6) + 2 * (1 / 4) * (3 / 4) * (2 / 3)
    assert test.statistic == pytest.approx((2 - 1) ** 2 / variance, abs=EXACT)
    assert test.log_ratio == pytest.approx((2 - 1) / variance, abs=EXACT)
    assert test.se == pytest.approx(variance**-0.5, abs=EXACT)
    assert test.p_value == pytest.approx(0.157299207050, abs=1e-9)  # chi-squared of 2 on 1 df


def test_cox_with_breslows_ties_solves_its_score_equation():
    # 2 = r/(r + 1) + 2 r/(r + 3): r = (3 + sqrt(33)) / 2
    fit = fits.cox(PEOPLE, "time", "event", ["x"], ties="breslow")
    assert fit.coef[0] == pytest.approx(np.log((3 + np.sqrt(33)) / 2), abs=SOLVED)
    assert fit.loglik[0] == pytest.approx(-np.log(6) - 2 * np.log(4), abs=EXACT)


def test_cox_with_efrons_ties_solves_its_score_equation():
    fit = fits.cox(PEOPLE, "time", "event", ["x"])
    r = np.exp(fit.coef[0])
    assert r / (r + 1) + r / (r + 3) + r / (r + 5) == pytest.approx(2, abs=SOLVED)
    assert fit.loglik[0] == pytest.approx(-np.log(6) - np.log(4) - np.log(3), abs=EXACT)
    information = r / (r + 1) ** 2 + 3 * r / (r + 3) ** 2 + 5 * r / (r + 5) ** 2
    assert fit.se[0] == pytest.approx(information**-0.5, abs=SOLVED)
    assert (fit.n, fit.events) == (6, 4)


def test_swapping_the_groups_inverts_the_ratio():
    swapped = fits.logrank(TIME, EVENT, 1 - X)
    assert swapped.log_ratio == pytest.approx(-fits.logrank(TIME, EVENT, X).log_ratio, abs=EXACT)
