"""The models in full: their tables hold the fits that the results rest on, and nothing that disclosure control would refuse."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_comparison import people, reasons, records

from ldeval.analysis import models
from ldeval.analysis.counted import Counts
from ldeval.analysis.diversion import race
from ldeval.analysis.exhibits import Table
from ldeval.analysis.records import compare, design
from ldeval.analysis.terms import terms
from ldeval.stats.binary import aipw, logistic
from ldeval.stats.weights import propensity_weights

ROUNDING = 1e-8  # two fits of one model from the same start
PEOPLE = models.SAMPLES | models.CONTACT | models.CUSTODY_MODEL | models.DAYS_MODELS


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return records(tmp_path_factory.mktemp("drawn"), people())


@pytest.fixture(scope="module")
def found(drawn):
    return models.people_models(drawn)


@pytest.fixture(scope="module")
def cases(drawn):
    return race(compare(drawn, "diversion"), 365)


def exhibit(found, key):
    return next(each for each in found.exhibits if each.id == key)


def column(table, name):
    """Give a column by the words of its rows, reference levels left out."""
    at = [each.name for each in table.columns].index(name)
    return {row[1]: row[at] for row in table.rows if row[at] is not None}


def test_every_model_is_there(found):
    assert set(found.ids()) == set(PEOPLE)


def test_the_model_of_contact_is_that_of_the_weights(found, cases):
    table = exhibit(found, "models-contact-custody")
    coefficients = column(table, "estimate")
    X, lines = cases.people.X, [line for line in terms(cases.people, ADJUST) if line.column]
    eta = sum(coefficients[line.label] * X[line.column].to_numpy() for line in lines)
    weights = np.asarray(propensity_weights(cases.people.treated, X))
    others = cases.people.treated == 0.0
    np.testing.assert_allclose(np.exp(eta[others]), weights[others], rtol=ROUNDING)


ADJUST = ("age", "sex", "previous_convictions", "index_offence")


def test_errors_are_clustered_by_area_with_the_correction_of_the_report(found, cases):
    own = cases.people
    fit = logistic(own.treated, own.X, cluster=own.cluster, small_sample="CR1-t").tidy().set_index("term")
    table = exhibit(found, "models-contact-custody")
    for name in ("se", "low", "high", "p_value"):
        assert column(table, name)["Female"] == pytest.approx(fit.loc["sex_female", name], rel=ROUNDING)
    assert column(table, "ratio")["Female"] == pytest.approx(np.exp(fit.loc["sex_female", "estimate"]), rel=ROUNDING)
    assert f"{len(np.unique(own.cluster))} areas" in table.notes[0]


def test_days_and_contact_together_give_the_doubly_robust_estimate(drawn, found):
    """By hand from the two tables: mean over users of days less predicted, less the weighted same of comparators."""
    own = compare(drawn, "diversion")
    lines = [line for line in terms(own, ADJUST) if line.column]
    days = models.VALUES["custody_days"](own, 365)

    def linear_part(key):
        coefficients = column(exhibit(found, key), "estimate")
        return sum(coefficients[line.label] * own.X[line.column].to_numpy() for line in lines)

    left, odds, users = days - linear_part("models-custody-days"), np.exp(linear_part("models-contact-days")), own.treated == 1.0
    by_hand = (left[users].sum() - (odds * left)[~users].sum()) / users.sum()
    fit = aipw(days, own.treated, own.X, estimand="ATT").tidy().set_index("term")
    assert by_hand == pytest.approx(fit.loc["mean_difference", "estimate"], rel=1e-6)


def test_each_reference_level_is_named_and_has_no_numbers(found):
    table = exhibit(found, "models-custody")
    assert [row[1:] for row in table.rows if "(reference" in row[1]] == [
        ("Male (reference)", *[None] * 6),
        (next(row[1] for row in table.rows if row[0] == "Index offence"), *[None] * 6),
    ]


def test_levels_too_rare_to_code_are_named_with_their_reference(drawn):
    own = compare(drawn, "diversion")
    rows = own.rows.copy()
    rows.loc[rows.index[:5], "index_offence"] = "robbery"
    rows.loc[rows.index[5:8], "sex"] = None
    odd = replace(own, rows=rows, X=design(rows, own.treated, ADJUST))
    labels = [line.label for line in terms(odd, ADJUST)]
    assert "Male (reference, with not recorded)" in labels
    assert any(label.endswith("(reference, with robbery)") for label in labels)


def test_every_column_of_the_design_has_one_line(cases):
    lines = [line.column for line in terms(cases.people, ADJUST) if line.column]
    assert sorted(lines) == sorted(cases.people.X.columns)
    assert lines[0] == "intercept"


def test_people_are_counted_as_the_models_take_them(found, cases):
    table = exhibit(found, "models-samples")
    assert isinstance(table, Counts)
    by = {line.label: values for line, values in zip(table.rows, table.values, strict=True)}
    arms = cases.people.arms(cases.custody)
    assert by["At risk of custody"] == tuple(arm.n for arm in arms)
    assert by["of them, sentenced to custody"] == tuple(arm.events for arm in arms)


def test_numbers_say_that_they_come_from_a_model(found):
    for table in (each for each in found.exhibits if isinstance(each, Table)):
        assert all(each.source == "model" for each in table.columns if each.unit != "text"), table.id


def test_where_nobody_went_to_custody_the_models_of_it_say_why(tmp_path):
    frame = people(custody=(0.0, 0.0))
    gone = models.people_models(records(tmp_path, frame))
    assert reasons(gone)["models-custody"] == "no comparator was sentenced to immediate custody for the index case"
    assert reasons(gone)["models-custody-days"] == "the records hold no such days"
    assert exhibit(gone, "models-contact-custody")


def test_without_comparators_every_table_says_why(tmp_path):
    frame = people()
    gone = models.people_models(records(tmp_path, frame[frame.arm == "user"]))
    assert set(reasons(gone)) == set(PEOPLE)
