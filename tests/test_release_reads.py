"""What a chapter reads of the released results, by key: it is run again where that moved, and only there."""

import json

import pytest
from release_folder import make_released

from ldeval.release import reads
from ldeval.release.results import Results


@pytest.fixture
def folder(tmp_path):
    return make_released(tmp_path) / "_results"


def read(folder, how):
    """Give what is noted when `how` reads the results."""
    before = set(reads.READ)
    reads.READ.clear()
    how(Results(folder, noting=True))
    noted, found = sorted(reads.READ), reads.digests(folder, sorted(reads.READ))
    reads.READ.update(before)
    return noted, found


def rewrite(folder, name, change):
    """Change a file of the results, which are then others."""
    path = folder / name
    text = path.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    path.write_text(changed, encoding="utf-8")
    stamp = folder / "provenance.json"
    beside = stamp.with_suffix(".new")
    beside.write_bytes(stamp.read_bytes())
    beside.replace(stamp)


def first_of(released):
    """Go through the ids of all estimates, and read the first alone."""
    return released.estimates[sorted(released.estimates)[0]]


def test_who_goes_through_the_ids_has_read_them_and_the_values_asked_for(folder):
    first, *others = sorted(Results(folder).estimates)
    noted, _ = read(folder, first_of)
    assert noted == sorted([("estimates", reads.KEYS), ("estimates", first)])
    assert others


@pytest.mark.parametrize(
    ("what", "moves"),
    [("the value that was read", True), ("another value", False), ("an estimate that is gone", True)],
)
def test_what_was_not_read_moves_nothing(folder, what, moves):
    noted, before = read(folder, first_of)
    ids = sorted(Results(folder).estimates)
    place = ids[0] if what == "the value that was read" else ids[1]

    def change(text):
        lines = text.splitlines(keepends=True)
        (at,) = [number for number, line in enumerate(lines) if line.startswith(f"{place},")]
        if what == "an estimate that is gone":
            del lines[at]
        else:
            lines[at] = lines[at].replace("Cox", "Weibull") if "Cox" in lines[at] else lines[at].replace(",ATT,", ",ATE,")
        return "".join(lines)

    rewrite(folder, "estimates.csv", change)
    assert (reads.digests(folder, noted) != before) == moves


def test_all_values_are_read_by_who_asks_for_them(folder):
    noted, _ = read(folder, lambda released: list(released.estimates.values()))
    assert {key for _, key in noted} == {reads.KEYS, *Results(folder).estimates}


def test_the_text_of_a_drawing_is_read_by_its_name(folder):
    place = folder / "drawings"
    place.mkdir(exist_ok=True)
    (place / "alt-texts.json").write_text(json.dumps({"one": "a", "two": "b"}), encoding="utf-8")
    noted, before = read(folder, lambda released: released.alt_texts["one"])
    rewrite(folder, "drawings/alt-texts.json", lambda text: text.replace('"b"', '"c"'))
    assert reads.digests(folder, noted) == before
    rewrite(folder, "drawings/alt-texts.json", lambda text: text.replace('"a"', '"d"'))
    assert reads.digests(folder, noted) != before


def test_the_keys_of_what_is_not_there_are_absent(folder):
    assert reads.digests(folder, [("facts", "nobody", reads.KEYS)]) == [reads.ABSENT]
