"""What an analysis hands over, and what it may not."""

import pytest
from release_folder import ratio

from ldeval.analysis.exhibits import Column, Curves, Dot, Dots, Effect, Effects, Point, Table
from ldeval.analysis.findings import Findings, Origin, made_from


def test_a_table_needs_a_cell_for_each_column():
    with pytest.raises(ValueError, match=r"2 cells a row; not so in row\(s\) \[2\]"):
        Table("t", "T", (Column("a", "A"), Column("b", "B")), (("x", "y"), ("x",)))


def test_a_column_is_named_once_and_the_group_is_one_of_them():
    with pytest.raises(ValueError, match="repeated"):
        Table("t", "T", (Column("a", "A"), Column("a", "B")), ())
    with pytest.raises(ValueError, match="none of its columns"):
        Table("t", "T", (Column("a", "A"),), (), group="b")


def test_an_id_is_used_once_over_estimates_and_exhibits():
    with pytest.raises(ValueError, match="repeated: a"):
        Findings((ratio("a"),), (Table("a", "T", (), ()),))
    with pytest.raises(ValueError, match="repeated: a"):
        Findings((ratio("a"),)) + Findings((ratio("a"),))


def test_effects_show_estimates_that_exist():
    lost = Findings((ratio("a"),), (Effects("e", "E", "Ratio", (Effect("x", "a"), Effect("y", "b"))),))
    with pytest.raises(ValueError, match="e: b"):
        lost.check()


def test_the_function_that_made_a_result_is_stamped_on_it():
    @made_from("inner")
    def inner():
        return Findings((ratio("a"),))

    @made_from("outer")
    def outer():
        return inner() + Findings((ratio("b"),))

    origins = outer().origins
    assert set(origins) == {"a", "b"}
    assert origins["a"] == Origin(f"{__name__}.{inner.__qualname__}", ("inner",))
    assert origins["b"].data == ("outer",)


def test_a_function_for_any_data_takes_those_of_its_caller():
    @made_from()
    def anything():
        return Findings((ratio("a"),))

    @made_from("records")
    def caller():
        return anything()

    assert caller().origins["a"] == Origin(f"{__name__}.{anything.__qualname__}", ("records",))


def test_curves_give_their_groups_in_order():
    points = tuple(Point(g, float(t), 1.0, 1.0, 1.0, 1, 0, 0) for t, g in enumerate("bab"))
    curves = Curves("c", "C", "free", "days", "index", 0.95, "m", points)
    assert curves.groups == ("b", "a")
    assert len(curves.of("b")) == 2


def test_curves_need_points_whose_times_rise():
    with pytest.raises(ValueError, match="at least one point"):
        Curves("c", "C", "free", "days", "index", 0.95, "m", ())
    back = tuple(Point("a", t, 1.0, 1.0, 1.0, 1, 0, 0) for t in (0.0, 2.0, 2.0))
    with pytest.raises(ValueError, match="must rise; not so in 'a'"):
        Curves("c", "C", "free", "days", "index", 0.95, "m", back)


def test_dots_need_rows_of_the_series_named():
    with pytest.raises(ValueError, match="at least one row"):
        Dots("d", "D", "Share", "coverage", 0.95, "band", ("a",), ())
    with pytest.raises(ValueError, match=r"\['b'\] are none of those named"):
        Dots("d", "D", "Share", "coverage", 0.95, "band", ("a",), (Dot("x", "b", 0.9, 0.8, 1.0),))


def test_effects_need_rows_of_one_unit():
    with pytest.raises(ValueError, match="at least one row"):
        Effects("e", "E", "Ratio", ())
    mixed = Effects("e", "E", "Ratio", (Effect("x", "a"), Effect("y", "b")))
    days = ratio("b", unit="days", scale="identity")
    with pytest.raises(ValueError, match="mix units on one axis: e"):
        Findings((ratio("a"), days), (mixed,)).check()
