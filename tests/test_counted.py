"""What analyses count: counts know whom they count, and shares and tables are counted alike."""

import pandas as pd
import pytest
from release_folder import ratio

from ldeval.analysis.counted import Arm, Counts, Line, Share, key, tally
from ldeval.analysis.findings import Findings

ALL = Line("All")
SIX = pd.DataFrame({"sex": list("FFMMMM"), "need": ["yes", "no", "yes", "yes", "no", "no"]})
ROWS = (ALL, Line("Need", {"need": "yes"}))
COLUMNS = (ALL, Line("Women", {"sex": "F"}), Line("Men", {"sex": "M"}))


def table(values=((6, 2, 4), (3, 1, 2)), rows=ROWS, columns=COLUMNS, **other):
    return Counts("t", "T", "people", rows, columns, values, **other)


def test_six_people_counted_by_hand():
    assert tally(SIX, ROWS, COLUMNS) == ((6, 2, 4), (3, 1, 2))
    share = Share.of(SIX, "a/share", "needs", "men with the need", "people", {"sex": "M"}, {"need": "yes"})
    assert (share.events, share.n) == (2, 4)


def test_counts_of_one_identity_are_one_count_in_tables_and_shares():
    share = Share.of(SIX, "a/share", "needs", "men with the need", "people", {"sex": "M"}, {"need": "yes"})
    shared = set(table().counted()) & set(share.counted())
    assert shared == {key("people", {"sex": "M"}), key("people", {"need": "yes"}, {"sex": "M"})}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"values": ((6, 2), (3, 1))}, "expected 2 rows of 3 counts"),
        ({"values": ((6, 2, 4), (3, 1, -1))}, "whole number from 0 on, found -1"),
        ({"values": ((6, 2, 4), (3, 1, 0.5))}, "whole number from 0 on, found 0.5"),
        ({"rows": (ALL, Line("Men", {"sex": "M"}))}, "contradict one another"),
        ({"rows": (ALL, Line("Everyone", {}))}, "two cells have the same conditions"),
        ({"rows": (Line("x", {"x": "1"}), Line("y", {"x": "2"})), "share": "of column"}, "needs a row without conditions"),
    ],
)
def test_tables_that_do_not_hang_together_are_refused(other, message):
    with pytest.raises(ValueError, match=message):
        table(**other)


def test_conditions_on_unknown_columns_are_all_named():
    with pytest.raises(KeyError, match="nine, ten"):
        tally(SIX, (Line("x", {"ten": "1", "nine": "1"}),), (ALL,))


@pytest.mark.parametrize(("events", "n"), [(3, 2), (-1, 2), (1.0, 2)])
def test_shares_of_impossible_counts_are_refused(events, n):
    with pytest.raises(ValueError, match="0 <= events <= n"):
        Share("a", "o", "m", "people", {}, {"need": "yes"}, events, n)


def test_two_values_of_one_count_are_refused_by_their_ids():
    share = Share("a/share", "o", "m", "people", {"sex": "M"}, {"need": "yes"}, 2, 5)
    with pytest.raises(ValueError, match=r"people where \{'sex': 'M'\} differs between 't' and 'a/share'"):
        Findings((), (table(),), shares=(share,)).check()


def test_arms_of_no_estimate_are_refused():
    with pytest.raises(ValueError, match="arms of no known estimate: b"):
        Findings((ratio("a"),), arms={"a": (Arm("x", 9),), "b": (Arm("x", 9),)}).check()


def test_findings_add_up_with_all_their_parts():
    one = Findings((ratio("a"),), arms={"a": (Arm("x", 9),)})
    share = Share("s", "o", "m", "people", {}, {"need": "yes"}, 2, 5)
    both = one + Findings((), (table(),), shares=(share,))
    assert list(both.ids()) == ["a", "s", "t"]
    assert both.arms == one.arms
