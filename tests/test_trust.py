"""How far to trust the estimators: every case equals R, every difference of a peer has its reason, the evidence reads rightly."""

import shutil
from functools import cache
from pathlib import Path

import pytest
from scipy.stats import binom

from ldeval.analysis import trust
from ldeval.analysis.cases import competing, hazards, regression, survival, weighting
from ldeval.analysis.cases.case import NOISE, Case, collect
from ldeval.data import evidence
from ldeval.data.open_data import FOLDER, OPEN_DATA, fingerprint

PROJECT = Path(__file__).parent.parent
MODULES = (competing, hazards, regression, survival, weighting)

# In R's standard errors, or relative: R prints eleven digits and stops its own searches near 1e-7.
TOLERANCE = 1e-6


@cache
def cases(module):
    return collect(module.cases, PROJECT)


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.split(".")[-1])
def test_every_case_equals_r(module):
    wrong = [f"{case.family}, {case.quantity}: {case.here} here, {case.r} in R" for case in cases(module)
             if not case.difference < TOLERANCE]  # fmt: skip
    assert wrong == []


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.split(".")[-1])
def test_a_peer_that_differs_or_lacks_the_method_has_a_reason(module):
    without = [f"{case.family}, {case.quantity}" for case in cases(module)
               if (case.peer_differs or case.peer == "none") and not case.why]  # fmt: skip
    assert without == []


@pytest.mark.parametrize("module", MODULES, ids=lambda m: m.__name__.split(".")[-1])
def test_quantities_are_named_once(module):
    names = [(case.family, case.data, case.quantity) for case in cases(module)]
    assert sorted(names) == sorted(set(names))


def case(here=1.0, r=1.0, scale=0.5, peer="lifelines", peer_value=1.0):
    return Case("Family", "rossi", "Quantity", here, r, scale, peer, peer_value)


def test_differences_are_relative_to_the_scale():
    found = case(here=1.1, peer_value=0.8)
    assert found.difference == pytest.approx(0.2)
    assert found.peer_difference == pytest.approx(0.4)
    assert found.peer_differs
    assert not case(peer_value=1.0 + 0.4 * NOISE).peer_differs
    assert case(peer_value=1.0 + 0.6 * NOISE).peer_differs


def test_a_wrong_case_would_be_noticed():
    assert not case(here=1.0 + 2e-6).difference < TOLERANCE


@pytest.mark.parametrize(("peer", "value"), [("none", 1.0), ("lifelines", None)])
def test_a_peer_comes_with_a_value_and_a_value_with_a_peer(peer, value):
    with pytest.raises(ValueError, match="a peer and its value, or neither"):
        case(peer=peer, peer_value=value)


# Coverage


@pytest.mark.parametrize("row", evidence.coverage(PROJECT), ids=lambda row: f"{row.family}: {row.estimator}, {row.setting}")
def test_committed_coverage_is_of_at_least_a_thousand_draws_without_bias(row):
    assert row.draws >= 1000
    assert abs(row.bias) < 4.5  # Monte Carlo errors of the mean, over some hundred settings


def test_the_band_is_binomial():
    row = next(row for row in evidence.coverage(PROJECT) if row.draws == 1000)
    low, high = trust._band(row)
    assert (low, high) == (0.926, 0.971)
    assert binom.cdf(1000 * low - 1, 1000, 0.95) < 0.0005 < binom.cdf(1000 * low, 1000, 0.95)
    assert binom.sf(1000 * high, 1000, 0.95) < 0.0005 < binom.sf(1000 * high - 1, 1000, 0.95)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("people", "Independent people"),
        ("randomised, independent people", "Independent people"),
        ("27 areas, CR1-t", "Areas, CR1-t"),
        ("area policy, linear, CR2", "Areas, CR2"),
        ("area policy, linear, no correction", "Areas, no correction"),
        ("median regression, clustered", "Areas, no correction"),
    ],
)
def test_the_rule_for_errors_is_read_off_the_setting(tmp_path, text, rule):
    folder = tmp_path / evidence.COVERAGE
    folder.mkdir(parents=True)
    names = "estimator,setting,truth,mean_estimate,bias_over_mc_error,sd,coverage,draws,seed"
    (folder / "a.csv").write_text(f'{names}\nCox,"{text}",1,1.1,2,2,0.95,1600,7\n')
    (found,) = evidence.coverage(tmp_path)
    assert (found.rule, found.family, found.seed) == (rule, "a", 7)
    assert (found.estimator, found.bias) == ("Cox", 2)


def test_what_the_report_uses_is_counted_apart():
    sums = {row.id: row.value for row in trust.coverage(PROJECT).estimates}
    assert sums["trust/coverage/settings"] == sums["trust/coverage/corrected"] + sums["trust/coverage/uncorrected"]
    assert sums["trust/coverage/corrected_within"] >= 0.95 * sums["trust/coverage/corrected"]


# Speed, and what is not covered


def test_timings_of_all_shapes(tmp_path):
    folder = tmp_path / evidence.BENCHMARKS
    folder.mkdir(parents=True)
    (folder / "render.csv").write_text("what,renderer,seconds,machine\nbook,builtin,3,m\n")
    (folder / "stats.csv").write_text(
        'what,seconds,other_seconds,ratio,runs,machine\n"Cox 1,000 x 2: lifelines",1,30,30,5,m\nPeak memory,,,2.5,1,m\n'
    )
    (folder / "stats_survival.csv").write_text(
        "times,case,package,seconds,times_ldeval,rows,machine\n"
        "days,Kaplan-Meier,ldeval,2,1,1000,m\ndays,Kaplan-Meier,lifelines,inf,inf,1000,m\n"
    )
    (folder / "stats_regression.csv").write_text(
        "model,rows,columns,clusters,package,seconds,times_ours,machine\n"
        "poisson,1000,2,9,ldeval,2,1,m\npoisson,1000,2,9,pyfixest,5,2.4,m\n"
    )
    (folder / "features.csv").write_text("users,work,seconds,peak_mb,machine\n10000,whole,4.5,6,m\n")
    found = evidence.timings(tmp_path)
    assert [(row.case, row.against, row.seconds, row.other, row.ratio) for row in found] == [
        ("10,000 users, all features", "", 4.5, None, None),
        ("Book", "", 3, None, None),
        ("Cox 1,000 x 2", "lifelines", 1, 30, 30),
        ("Peak memory", "itself", None, None, 2.5),
        ("Poisson, 1,000 x 2, 9 clusters", "pyfixest", 2, 5, 2.4),
        ("Kaplan-Meier, days, 1,000 rows", "lifelines", 2, float("inf"), float("inf")),
    ]


def test_a_missing_list_says_what_it_should_hold(tmp_path):
    with pytest.raises(FileNotFoundError, match="no method covers"):
        evidence.not_covered(tmp_path)


def test_the_fingerprint_of_a_folder_is_that_of_its_tables(tmp_path):
    shutil.copytree(PROJECT / FOLDER, tmp_path / FOLDER)
    before = fingerprint("references", tmp_path)
    assert before == fingerprint("references", PROJECT)
    (tmp_path / FOLDER / "README.md").write_text("other words")
    assert fingerprint("references", tmp_path) == before
    with (tmp_path / FOLDER / "rossi.json").open("a") as file:
        file.write("\n")
    assert fingerprint("references", tmp_path) != before


def test_every_data_set_of_a_case_is_among_those_named():
    used = {case.data for module in MODULES for case in cases(module)} - {"none"}
    assert used <= set(trust.DATA) <= set(OPEN_DATA)
