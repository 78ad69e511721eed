"""What stages found is kept as it was, and nothing damaged is believed."""

import math

import numpy as np
import pytest
from release_folder import findings

from ldeval.analysis import keep
from ldeval.analysis.counted import Arm, Counts, Line, NotEstimated, Share
from ldeval.analysis.findings import Findings, Origin
from ldeval.analysis.keep import KINDS, Kept


def everything():
    """Findings of every kind of result."""
    found = findings()
    table = Counts("c", "Counts", "people", (Line("All"), Line("Women", {"sex": "f"}, "Sex")), (Line("n"),), ((9,), (4,)))
    share = Share("s", "o", "women", "people", {}, {"sex": "f"}, 4, 9)
    arms = {found.estimates[0].id: (Arm("Users", 9, None, 0.1), Arm("Others", 8, 2))}
    more = Findings(
        (), (table,), {"c": Origin("f", ("rossi",))}, (share,), arms, (NotEstimated("m", "what", "nobody: “none”\nat all"),)
    )
    return found + more


def test_findings_come_back_equal():
    found = everything()
    assert keep.decode(keep.encode(found)) == found
    assert {KINDS[name] for name in ("Estimate", "Table", "Curves", "Effects", "Dots", "Counts")} <= {
        type(item) for item in (*found.estimates, *found.exhibits)
    }


def test_floats_keep_all_their_digits_and_numpys_numbers_become_pythons():
    from ldeval.analysis.exhibits import Column, Table

    columns = tuple(Column(name, name, "number") for name in "abcd")
    cells = (0.1 + 0.2, np.float64(1) / 3, np.int64(7), math.inf)
    found = Findings((), (Table("t", "T", columns, (cells,)),))
    back = keep.decode(keep.encode(found)).exhibits[0].rows[0]
    assert back == (0.1 + 0.2, 1 / 3, 7, math.inf)
    assert [type(cell) for cell in back] == [float, float, int, float]


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "stage.json"
    keep.save(path, "inputs", Kept(everything(), 2.0, 1.5))
    return path


def test_what_was_kept_is_given_for_the_same_inputs_alone(kept):
    assert keep.load(kept, "inputs") == Kept(everything(), 2.0, 1.5)
    assert keep.load(kept, "other inputs") is None
    assert keep.load(kept.with_name("other.json"), "inputs") is None
    assert [path.name for path in kept.parent.iterdir()] == ["stage.json"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("0.68", "0.28", 1),
        lambda text: "",
        lambda text: "null\nnull\n",
        lambda text: text + "more\n",
        lambda text: text.split("\n")[0] + "\n",
    ],
)
def test_what_is_damaged_is_not_believed(kept, damage):
    text = kept.read_text(encoding="utf-8")
    assert damage(text) != text
    kept.write_text(damage(text), encoding="utf-8")
    assert keep.load(kept, "inputs") is None


def test_bytes_that_are_no_text_are_not_believed(kept):
    kept.write_bytes(b"\xff\xfe" + kept.read_bytes())
    assert keep.load(kept, "inputs") is None


def test_findings_that_are_none_are_refused():
    with pytest.raises(TypeError, match="expected findings, found dict"):
        keep.decode("{}")
