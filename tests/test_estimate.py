"""The one result type: what it refuses, how it is kept as CSV, and what counts as moved."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ldeval.estimate import Change, Estimate, Estimates, cell, compare, read_csv, write_csv

HAZARD = Estimate(
    id="reconviction/hazard_ratio/att",
    outcome="reconviction",
    measure="hazard ratio",
    unit="ratio",
    estimand="ATT",
    value=0.82,
    se=0.1,
    scale="log",
    low=0.67,
    high=1.0,
    level=0.95,
    n=200,
    events=40,
    method="Cox model",
    p_value=0.05,
)
POUNDS = replace(
    HAZARD, id="economics/net", unit="pounds", scale="identity", value=-5.0, low=-25.0, high=15.0, se=10.0, events=None
)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("low", 0.9, "misses its value"),
        ("high", 0.7, "misses its value"),
        ("low", math.nan, "misses its value"),
        ("value", math.nan, "must be finite"),
        ("value", 0.0, "ratio"),
        ("low", -0.1, "ratio"),
        ("se", -0.1, "se must be finite"),
        ("se", math.inf, "se must be finite"),
        ("level", 95, "level must lie between"),
        ("level", 1.0, "level must lie between"),
        ("n", -1, "must not be negative"),
        ("events", -1, "must not be negative"),
        ("p_value", 1.2, "p_value"),
        ("scale", "logit", "scale must be one of"),
        ("id", "two words", "one word"),
        ("id", "", "one word"),
    ],
)
def test_an_impossible_estimate_is_refused(field, value, message):
    with pytest.raises(ValueError, match=message):
        replace(HAZARD, **{field: value})


def test_all_faults_come_at_once():
    with pytest.raises(ValueError, match=r"se must.*; level must.*; n and events"):
        replace(HAZARD, se=-1, level=2, n=-5)


def test_the_null_is_one_for_a_ratio_and_zero_for_a_difference():
    assert (HAZARD.null, POUNDS.null) == (1, 0)


def test_numbers_of_numpy_become_plain_ones():
    row = replace(HAZARD, value=np.float64(0.82), n=np.int64(200), p_value=np.float32(0.5))
    assert [type(v) for v in (row.value, row.n, row.p_value)] == [float, int, float]
    assert cell(np.float64(0.5)) == "0.5"


def test_a_table_refuses_repeated_ids_and_names_all_of_them():
    with pytest.raises(ValueError, match=r"repeated: economics/net, reconviction"):
        Estimates([HAZARD, POUNDS, HAZARD, POUNDS])


def test_csv_gives_back_what_was_written(tmp_path):
    rows = Estimates([HAZARD, POUNDS, replace(HAZARD, id="x", value=1 / 3, low=0.1, method='a "quoted", line')])
    write_csv(rows, tmp_path / "e.csv")
    assert list(read_csv(tmp_path / "e.csv").values()) == list(rows.values())


def test_csv_with_other_columns_is_refused(tmp_path):
    (tmp_path / "e.csv").write_text("id,value\nx,1\n")
    with pytest.raises(ValueError, match="expected the columns"):
        read_csv(tmp_path / "e.csv")


def test_a_bad_row_is_named_by_its_line(tmp_path):
    write_csv(Estimates([HAZARD, POUNDS]), tmp_path / "e.csv")
    text = (tmp_path / "e.csv").read_text().replace("-5.0", "much")
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(ValueError, match=r"e\.csv, line 3"):
        read_csv(tmp_path / "e.csv")


def moved(new, old=HAZARD):
    return [str(change) for change in compare(Estimates([old]), Estimates([new]))]


def test_a_move_is_told_in_standard_errors():
    # log(0.85 / 0.82) = 0.0359, over se 0.1
    assert moved(replace(HAZARD, value=0.85)) == ["reconviction/hazard_ratio/att: value 0.82 -> 0.85 (+0.36 se)"]
    assert moved(replace(POUNDS, value=-10.0), POUNDS) == ["economics/net: value -5 -> -10 (-0.5 se)"]


def test_a_drift_below_a_millionth_of_the_standard_error_passes_and_one_above_does_not():
    assert moved(replace(HAZARD, value=0.82 * math.exp(0.5e-7))) == []
    assert len(moved(replace(HAZARD, value=0.82 * math.exp(2e-7)))) == 1


@pytest.mark.parametrize(("field", "value"), [("n", 201), ("events", 41), ("method", "other"), ("estimand", "ATE")])
def test_labels_and_counts_must_match_exactly(field, value):
    assert [c.field for c in compare(Estimates([HAZARD]), Estimates([replace(HAZARD, **{field: value})]))] == [field]


def test_se_and_p_value_may_drift_relative_to_themselves():
    assert moved(replace(HAZARD, se=0.1 * (1 + 1e-8))) == []
    assert moved(replace(HAZARD, se=0.1001)) != []
    assert moved(replace(HAZARD, p_value=None)) != []


def test_new_and_lost_ids_are_told():
    assert [str(c) for c in compare(Estimates([HAZARD]), Estimates([POUNDS]))] == [
        "reconviction/hazard_ratio/att: gone",
        "economics/net: new",
    ]


def test_rounding_of_a_value_without_error_is_no_move():
    """Processors add in different orders."""
    fixed = replace(POUNDS, se=0.0)
    assert moved(replace(fixed, value=-5.0 * (1 + 1e-12)), fixed) == []
    assert len(moved(replace(fixed, value=-5.0 * (1 + 1e-8)), fixed)) == 1


def test_a_value_without_error_that_moves_has_moved_infinitely():
    fixed = replace(POUNDS, se=0.0)
    changes = compare(Estimates([fixed]), Estimates([replace(fixed, value=-4.0)]))
    assert changes == [Change("economics/net", "value", -5.0, -4.0, math.inf)]
