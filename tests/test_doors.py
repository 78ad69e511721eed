"""The doors of the estimators: what they read from any library, and what they refuse in which words."""

from __future__ import annotations

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ldeval.stats import doors
from ldeval.stats.survival import mean_cumulative_count, rmst

READ = {
    "objects": np.array([1, 2.5, True], dtype=object),
    "objects with an index": pd.Series([1, Decimal("2.5"), np.bool_(True)], index=[3, 3, 1], dtype=object),
    "Arrow": pa.chunked_array([[1.0, 2.5], [1.0]]),
    "masked": np.ma.array([1.0, 2.5, 1.0], mask=[False] * 3),
    "half precision": np.array([1, 2.5, 1], dtype=np.float16),
    "reversed": np.array([1, 2.5, 1])[::-1],
}


@pytest.mark.parametrize("kind", READ)
def test_numbers_of_any_library_are_read_in_their_order(kind):
    np.testing.assert_array_equal(doors.numbers(READ[kind], "y"), [1, 2.5, 1])


MISSING = {
    "masked": np.ma.array([1, 2, 3], mask=[False, True, False]),
    "a list": [1, None, 3],
    "objects": np.array([1, pd.NA, 3], dtype=object),
    "nullable": pd.Series([1, None, 3], dtype="Int64"),
    "Arrow": pa.array([1, None, 3]),
}


@pytest.mark.parametrize("kind", MISSING)
def test_missing_numbers_are_counted(kind):
    with pytest.raises(ValueError, match="y: expected finite numbers, found 1 of 3 rows otherwise"):
        doors.numbers(MISSING[kind], "y")


TEXT = {
    "digits in objects": np.array(["1", "2"], dtype=object),
    "digits": np.array(["1", "2"]),
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="M8[D]"),
    "dates in objects": [datetime.date(2020, 1, 1)] * 2,
    "complex numbers": np.array([1j, 2]),
    "bytes": np.array([b"1", b"2"]),
}


@pytest.mark.parametrize("kind", TEXT)
def test_text_is_never_read_as_numbers(kind):
    """Not even digits: a column that came as text is coded by whoever knows what it means."""
    with pytest.raises(ValueError, match=r"^y: expected numbers, found"):
        doors.numbers(TEXT[kind], "y")
    with pytest.raises(ValueError, match=r"^X: expected numbers"):
        doors.design(pd.DataFrame({"a": [0.0, 1.0], "b": list(TEXT[kind])}))


def test_categories_are_not_numbers_even_of_numbers():
    with pytest.raises(ValueError, match="y: expected numbers, found category"):
        doors.numbers(pd.Series([1, 2], dtype="category"), "y")


def test_rows_of_several_lengths_are_refused():
    with pytest.raises(ValueError, match="expected rows of one length"):
        doors.design([[1, 2], [3]])


@pytest.mark.parametrize("nothing", [None, 3.0, np.zeros((2, 2, 2)), pd.DataFrame(index=[0, 1])])
def test_a_design_is_a_table(nothing):
    with pytest.raises(ValueError, match="expected a table of rows and columns, found shape"):
        doors.design(nothing)


def test_tables_of_arrow_and_columns_of_objects_are_designs():
    for table in (pa.table({"a": [1, 2], "b": [True, False]}), pd.DataFrame({"a": [1, 2], "b": [True, False]}, dtype=object)):
        found = doors.design(table)
        assert found.names == ("a", "b")
        np.testing.assert_array_equal(found.matrix, [[1, 1], [2, 0]])


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_columns_whose_squares_are_no_floats_are_named(size):
    with pytest.raises(ValueError, match=r"found 1 beyond: x1; change their units"):
        doors.design(np.array([[1, size], [2, 3 * size]]))


@pytest.mark.parametrize(
    ("members", "labels"),
    [
        ([10, 2, 1], ("1", "2", "10")),
        (np.array([10, 2, 1], dtype=object), ("1", "2", "10")),
        (pd.Series([10, 2, 1], dtype="Int64"), ("1", "2", "10")),
        (pd.Series(["b", "a", "b"], dtype="category"), ("a", "b")),
        ([True, False, True], ("False", "True")),
        (["b", 1, "a"], ("1", "a", "b")),
        (pa.array(["b", "a", "b"]), ("a", "b")),
    ],
)
def test_groups_sort_numbers_by_size_and_names_as_text(members, labels):
    found = doors.groups(members, "group", 3)
    assert found.labels == labels
    assert [found.labels[code] for code in found.codes] == [str(member) for member in members]


@pytest.mark.parametrize(
    "members",
    [
        ["a", np.nan, "b"],
        ["a", None, "b"],
        np.array(["a", np.nan, "b"]),
        np.ma.array([1, 2, 3], mask=[False, True, False]),
        np.array(["2020-01-01", "NaT", "2020-01-01"], dtype="M8[D]"),
        pd.Series(["a", None, "b"]),
        [1.0, np.nan, 2.0],
    ],
)
def test_a_missing_member_is_no_group_of_its_own(members):
    with pytest.raises(ValueError, match="group: expected a member for each row, found 1 of 3 rows otherwise"):
        doors.groups(members, "group", 3)


def test_the_first_group_is_the_smallest_number():
    """The difference is told against it: 10 is not before 9."""
    time, event, group = [4, 4, 2, 2], [1, 1, 1, 1], np.array([10, 10, 9, 9], dtype=object)
    table = rmst(time, event, tau=4, group=group).tidy()
    assert list(table.term[:2]) == ["9", "10"]
    assert table.estimate[2] == 2


@pytest.mark.parametrize("value", ["0.95", None, [0.9, 0.95], np.array([0.95]), float("nan"), 95, 0, True])
def test_a_level_is_one_share(value):
    with pytest.raises(ValueError, match=r"^level: expected (one finite number|a share between 0 and 1)"):
        doors.level(value)


@pytest.mark.parametrize("value", ["3", None, [3], 2.5, float("inf"), float("nan"), 0])
def test_a_whole_number_is_asked_for_by_name(value):
    with pytest.raises(ValueError, match=r"^draws: expected (one finite number|a whole number from 1)"):
        doors.whole(value, "draws", 1)


def test_a_seed_keeps_its_digits():
    assert doors.whole(2**80 + 1, "seed", 0) == 2**80 + 1


def test_a_horizon_is_one_number():
    with pytest.raises(ValueError, match="tau: expected one finite number, found 2 in an array"):
        rmst([1, 2, 3], [1, 0, 1], tau=[1, 2])


def test_messages_never_show_a_follow_up_time():
    with pytest.raises(ValueError, match="beyond that of 'all'") as caught:
        rmst([1, 23.75], [1, 0], tau=30)
    assert "23.75" not in str(caught.value)


def test_spells_are_refused_under_their_own_names():
    with pytest.raises(ValueError, match=r"^start: expected a time before the spell's stop, found 1 of 2 rows"):
        mean_cumulative_count([0, 3], [2, 3], [1, 0], [1, 2])
    with pytest.raises(ValueError, match=r"^start: expected finite numbers, found 1 of 2"):
        mean_cumulative_count([0, np.nan], [2, 3], [1, 0], [1, 2])


ODD = {
    "lists in rows": (lambda: doors.groups(pd.Series([[1], [2]]), "cluster", 2), "a name or a number in each row, found lists"),
    "an infinite member": (lambda: doors.groups(np.array([1.0, np.inf, 2.0]), "cluster", 3), "found 1 of 3 rows otherwise"),
    "a whole number beyond floats": (lambda: doors.numbers([10**400, 1], "y"), "within the range of floats"),
    "a state beyond whole numbers": (lambda: doors.states([1.0, 2.0], [1, 1e19], cause=1), "found 1 of 2 rows otherwise"),
    "an array for an option": (
        lambda: doors.choice("ties", np.array(["efron", "b"]), ("efron", "breslow")),
        "one of 'efron', 'breslow', found ndarray",
    ),
}


@pytest.mark.parametrize(("call", "message"), ODD.values(), ids=ODD)
def test_what_no_one_expects_is_refused_in_words(call, message):
    with pytest.raises(ValueError, match=message):
        call()
