"""Robustness, hidden causes and the truth: on drawn people, and on the twin, whose truth the headline intervals hold."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_comparison import people, reasons, records, study, values

from ldeval.analysis import (
    custody_days,
    diversion,
    hidden_causes,
    reconviction,
    reoffending,
    robustness,
    truths,
    uncertain_records,
)
from ldeval.analysis.diversion import race
from ldeval.analysis.exhibits import Table
from ldeval.analysis.findings import Findings
from ldeval.analysis.records import compare, open_records
from ldeval.data.truth import TRUTH_FOLDER
from ldeval.estimate import read_csv
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent
EXACT = 1e-9  # the same sums, done once more
ROUGH = 0.01  # weighted differences of shares, with and without the little that late entry changes
FAR = 4.0  # standard errors: thirteen results of one twin that is as it should be lie nearer to their truth


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return records(tmp_path_factory.mktemp("drawn"), people())


@pytest.fixture(scope="module")
def cases(drawn):
    return race(compare(drawn, "diversion"), 365)


def table(findings, key) -> Table:
    return next(e for e in findings.exhibits if isinstance(e, Table) and e.id == key)


def test_every_specification_is_estimated_or_says_why(drawn, cases):
    found = diversion.primary(cases) + robustness.specifications(drawn, cases)
    found.check()
    assert reasons(found) == {
        "robustness/risk_difference/area_deprivation": "the estimator refused these records at its input 'adjust'",
        "robustness/risk_difference/historical": "there is nobody of the same areas in the earlier window",
        "robustness/risk_difference/unseen": "there are no comparators in the records",
    }


def test_no_adjustment_is_the_plain_difference(drawn, cases):
    found = values(robustness.specifications(drawn, cases))["robustness/risk_difference/unadjusted"]
    treated = cases.people.treated == 1
    assert found.value == pytest.approx(cases.custody[treated].mean() - cases.custody[~treated].mean(), abs=EXACT)


def test_leaving_areas_out_brackets_the_effect(cases):
    rows = dict(table(robustness.without_each_area(cases), "robustness-areas").rows)
    whole = values(diversion.primary(cases))["diversion/risk_difference/att"].value
    assert rows["Smallest"] < whole < rows["Largest"]
    assert rows["Smallest"] <= rows["Median"] <= rows["Largest"]


def test_errors_of_few_clusters_share_one_value(cases):
    one, two = robustness.few_clusters(cases).estimates
    assert one.value == pytest.approx(two.value, abs=EXACT)
    assert one.value == pytest.approx(values(diversion.primary(cases))["diversion/risk_difference/att"].value, abs=ROUGH)
    assert one.se != two.se


def test_p_values_of_the_primary_outcomes_are_adjusted_together(cases, drawn):
    found = diversion.primary(cases) + reconviction.reconviction(drawn)
    rows = table(robustness.multiplicity(found), "robustness-multiplicity").rows
    raw = sorted(row[1] for row in rows)
    assert sorted(row[2] for row in rows)[0] == pytest.approx(min(1, 2 * raw[0]), rel=EXACT)
    assert reasons(robustness.multiplicity(Findings())) == {"robustness-multiplicity": "no primary outcome could be estimated"}


def test_the_alarm_rings_where_the_past_differs(tmp_path, drawn):
    assert table(hidden_causes.prior_outcomes(compare(drawn, "diversion")), "robustness-alarm").rows[0][3] == "is silent"
    frame = people()
    frame.loc[frame.arm == "user", "previous_custody"] += 1
    biased = hidden_causes.prior_outcomes(compare(records(tmp_path, frame), "diversion"))
    assert table(biased, "robustness-alarm").rows[0][3] == "rings"


def test_e_values_are_those_of_the_formula(drawn, cases):
    found = table(hidden_causes.strength(drawn, cases), "robustness-e-values").rows[0]
    ratio = 1 / values(diversion.primary(cases))["diversion/risk_ratio/att"].value
    assert found[1] == pytest.approx(ratio + np.sqrt(ratio * (ratio - 1)), rel=EXACT)


def test_truth_and_estimate_are_compared_on_the_scale_of_the_estimate(cases):
    estimate = values(diversion.primary(cases))["diversion/risk_ratio/att"]
    truth = replace(estimate, value=estimate.value * np.exp(2 * estimate.se), high=9.0, se=0.0)
    assert truths.standardised(estimate, truth) == pytest.approx(-2, abs=EXACT)
    assert not truths.holds(estimate, replace(truth, value=estimate.high * 1.01, high=9.0))


def test_real_records_have_no_truth(cases):
    found = truths.truths(diversion.primary(cases), PROJECT, study(source="extracts"))
    assert not found.estimates
    assert set(reasons(found)) == set(truths.EXPECTED)


def test_hard_cases_say_why(tmp_path):
    drawn = records(tmp_path, people(400).assign(arm="user"))
    found = robustness.robustness(drawn) + uncertain_records.uncertain_records(drawn) + hidden_causes.hidden_causes(drawn)
    assert set(reasons(found).values()) == {"there are no comparators in the records"}
    (found + diversion.diversion(drawn) + reconviction.reconviction(drawn)).check()


@pytest.fixture(scope="module")
def twin(tmp_path_factory):
    protocol = read_study(PROJECT / "study.toml")
    folder = PROJECT if (PROJECT / "_build" / "records").is_dir() else tmp_path_factory.mktemp("twin")
    records = open_records(folder, protocol)
    analyses = (diversion.diversion, custody_days.custody_days, reconviction.reconviction, reoffending.reoffending)
    return sum((analysis(records) for analysis in analyses), Findings()), protocol


def test_headline_intervals_hold_the_truth_of_the_twin(twin):
    found, protocol = twin
    truth = read_csv(TRUTH_FOLDER / f"{protocol.data.twin.name}.csv")
    estimates = values(found)
    headline = [key for key in truth if not key.startswith("timeliness/")]
    assert set(headline) <= set(estimates)
    apart = {key: truths.standardised(estimates[key], truth[key]) for key in headline}
    assert max(abs(z) for z in apart.values()) < FAR, apart
    held = [key for key in headline if truths.holds(estimates[key], truth[key])]
    assert len(held) >= len(headline) - 2, sorted(set(headline) - set(held))
    summary = values(truths.truths(found, PROJECT, protocol))
    assert [summary[key].value for key in (truths.HELD, truths.COMPARED)] == [len(held), len(headline)]


def test_the_effect_on_custody_is_found_and_that_on_reconviction_is_not_made_up(twin):
    estimates = values(twin[0])
    assert estimates["diversion/risk_difference/att"].high < 0
    low, high = (getattr(estimates["reconviction/hazard_ratio/att"], name) for name in ("low", "high"))
    assert low < 1 < high
