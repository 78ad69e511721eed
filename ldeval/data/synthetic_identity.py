"""The twin's identifiers, and the errors with which each source holds them.

Nobody is real: names are made of syllables, NHS numbers are of the range set aside for tests (they begin 999), Police National
Computer identifiers are of the year 9999, and postcodes begin ZZ.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa

from ldeval.data.sources import SOURCES
from ldeval.data.synthetic_people import ABSENT, Flags, Ints, People
from ldeval.data.synthetic_tables import joined, padded, scrambled, texts
from ldeval.data.twin_parameters import Parameters

SOURCE_ORDER = ("ld", "pnc", "court", "ae", "mhsds", "iapt", "ndtms", "deaths")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_ONSETS = ("b", "d", "f", "g", "k", "l", "m", "n", "r", "s", "t", "v")
_VOWELS = ("a", "e", "i", "o", "u", "ai")
_CODAS = ("", "n", "r", "l", "m", "s", "th", "k")
_SYLLABLES = tuple("".join(parts) for parts in product(_ONSETS, _VOWELS))

FORENAMES = tuple((a + b).capitalize() for a in _SYLLABLES[::3] for b in _SYLLABLES[1::4])
SURNAMES = tuple((a + b + c).capitalize() for a in _SYLLABLES[::2] for b in _SYLLABLES[2::3] for c in _CODAS)
_TESTS = 1_000_000
"""Nine-digit beginnings of the NHS numbers set aside for tests: 999 and six digits."""


@dataclass(frozen=True, slots=True)
class Identity:
    """The true identifiers of people, one value each; texts as numpy objects, numbers as Arrow texts."""

    forename: Ints
    surname: Ints
    birth_day: Ints
    male: Flags
    postcode: Ints
    nhs_number: Ints
    pnc_id: Ints


def draw_identity(rng: np.random.Generator, people: People) -> Identity:
    """Draw true identifiers; a twin shares surname, birth date and address with the person before."""
    n = len(people)
    surname, postcode = popular(rng, n, len(SURNAMES)), draw_postcodes(rng, people.area)
    before = np.flatnonzero(people.twin) - 1
    surname[people.twin], postcode[people.twin] = surname[before], postcode[before]
    return Identity(
        forename=draw_forenames(rng, people.male),
        surname=surname,
        birth_day=people.birth_day,
        male=people.male,
        postcode=postcode,
        nhs_number=nhs_numbers(people.number),
        pnc_id=people.number,
    )


def popular(rng: np.random.Generator, n: int, names: int) -> Ints:
    """Draw names, the early ones far commoner than the late ones."""
    return np.floor(names * rng.random(n) ** 1.6).astype(np.int64)


def draw_forenames(rng: np.random.Generator, male: Flags) -> Ints:
    """Draw first names: even ones for men, odd ones for women."""
    return 2 * popular(rng, len(male), len(FORENAMES) // 2) + ~male


def draw_postcodes(rng: np.random.Generator, area: Ints) -> Ints:
    """Draw postcodes as numbers: the area, a sector, two letters; some 30,000 an area."""
    return (area * 50 + rng.integers(0, 50, len(area))) * 676 + rng.integers(0, 676, len(area))


def nhs_numbers(people: Ints) -> Ints:
    """Give each person an NHS number of the test range with a right check digit, or ABSENT where the range is used up.

    The check digit makes the sum of digits times 10, 9, ..., 1 a multiple of 11; beginnings for which it would be 10 are not
    used, so that some nine in eleven of a million remain.
    """
    beginnings = 999_000_000 + (np.arange(_TESTS) * 387_421 + 17) % _TESTS
    digits = beginnings[:, None] // 10 ** np.arange(8, -1, -1) % 10
    check = (11 - (digits * np.arange(10, 1, -1)).sum(axis=1) % 11) % 11
    valid = (beginnings * 10 + check)[check < 10]
    return np.where(people < len(valid), valid[np.minimum(people, len(valid) - 1)], ABSENT)


@dataclass(frozen=True, slots=True)
class Held:
    """The copies of people that one source holds: their rows in the block, and each copy's own key.

    `first` and `second` give, for every person of the block, the number of the copy (the same where there is one).
    """

    source: str
    rows: Ints
    numbers: Ints
    first: Ints
    second: Ints

    def key_of(self, rng: np.random.Generator, people: Ints) -> Any:
        """Give, for records of `people` (rows of the block), the key of the copy under which each was filed."""
        other = rng.random(len(people)) < 0.5
        return texts(self.source[0].upper(), np.where(other, self.second[people], self.first[people]))

    def keys(self) -> Any:
        """Give the keys of the copies."""
        return texts(self.source[0].upper(), self.numbers)


def hold(p: Parameters, rng: np.random.Generator, source: str, people: People, known: Flags) -> Held:
    """Say under which keys a source holds the people it knows; a few it holds twice."""
    twice = known & (rng.random(len(people)) < p.number("identity.duplicates", source))
    salt = (SOURCE_ORDER.index(source) + 1) * 7_919
    first = scrambled(people.number * 2, salt)
    second = np.where(twice, scrambled(people.number * 2 + 1, salt), first)
    rows = np.concatenate([np.flatnonzero(known), np.flatnonzero(twice)])
    numbers = np.concatenate([first[known], second[twice]])
    order = np.argsort(numbers)
    return Held(source, rows[order], numbers[order], first, second)


def person_columns(p: Parameters, rng: np.random.Generator, held: Held, true: Identity, area: Ints) -> dict[str, Any]:
    """Write the identifiers of a source's people with its errors."""
    rows = held.rows
    male = true.male[rows]
    sex = np.where(rng.random(len(rows)) < p.number("identity.sex_error"), ~male, male).astype(np.int64)
    columns = {
        SOURCES[held.source].person_id: held.keys(),
        "forename": _forenames(p, rng, true.forename[rows], male),
        "surname": _surnames(p, rng, true.surname[rows], male),
        "birth_date": _birth_days(p, rng, true.birth_day[rows]),
        "sex": np.where(rng.random(len(rows)) < p.number("identity.sex_missing"), -1, sex),
        "postcode": _postcodes(p, rng, true.postcode[rows], area[rows]),
    }
    for name, numbers in (("nhs_number", true.nhs_number), ("pnc_id", true.pnc_id)):
        if held.source in p(f"identity.{name}"):
            absent = rng.random(len(rows)) >= p.number(f"identity.{name}", held.source)
            columns[name] = _national(name, numbers[rows], absent)
    return columns


def _national(name: str, numbers: Ints, absent: Flags) -> Any:
    absent = absent | (numbers == ABSENT)
    if name == "nhs_number":
        return texts("", numbers, absent)
    letters = pa.array(np.array(list("ABCDEFGHJKLMNPQRTUVWXYZ"))[numbers % 23])
    pnc = joined("9999/", padded(numbers % 10**7, 7), letters)
    return pa.array(np.where(absent, None, pnc.to_numpy(zero_copy_only=False)), type=pa.string())


def _forenames(p: Parameters, rng: np.random.Generator, names: Ints, male: Flags) -> Any:
    other = rng.random(len(names)) < p.number("identity.forename_other")
    names = np.where(other, draw_forenames(rng, male), names)
    return _with_typos(rng, np.array(FORENAMES, dtype=object)[names], p.number("identity.forename_typo"))


def _surnames(p: Parameters, rng: np.random.Generator, names: Ints, male: Flags) -> Any:
    chance = np.where(male, p.number("identity.surname_changed", "male"), p.number("identity.surname_changed", "female"))
    changed = rng.random(len(names)) < chance
    names = np.where(changed, popular(rng, len(names), len(SURNAMES)), names)
    return _with_typos(rng, np.array(SURNAMES, dtype=object)[names], p.number("identity.surname_typo"))


def _with_typos(rng: np.random.Generator, names: Any, rate: float) -> Any:
    wrong = np.flatnonzero(rng.random(len(names)) < rate)
    draws = rng.integers(0, 2**31, (len(wrong), 3))
    for row, (kind, place, letter) in zip(wrong, draws, strict=True):
        names[row] = _typo(names[row], int(kind) % 3, int(place), _LETTERS[int(letter) % 26])
    return pa.array(names, type=pa.string())


def _typo(name: str, kind: int, place: int, letter: str) -> str:
    """Change, drop or swap one letter after the first."""
    at = 1 + place % (len(name) - 2)
    if kind == 0:
        return name[:at] + letter + name[at + 1 :]
    if kind == 1:
        return name[:at] + name[at + 1 :]
    return name[:at] + name[at + 1] + name[at] + name[at + 2 :]


def _birth_days(p: Parameters, rng: np.random.Generator, days: Ints) -> Ints:
    wrong = rng.random(len(days)) < p.number("identity.birth_date_error")
    missing = rng.random(len(days)) < p.number("identity.birth_date_missing")
    by_a_year = days + np.where(rng.random(len(days)) < 0.5, 365, -365)
    held = np.where(wrong, _swapped(days, by_a_year), days)
    return np.where(missing, ABSENT, held)


def _swapped(days: Ints, otherwise: Ints) -> Ints:
    """Swap day and month where both orders are dates and differ, else take the other value."""
    dates = days.view("M8[D]")
    months, years = dates.astype("M8[M]"), dates.astype("M8[Y]")
    day, month = (dates - months).astype(np.int64) + 1, (months - years.astype("M8[M]")).astype(np.int64) + 1
    swapped = (years.astype("M8[M]") + (day - 1)).astype("M8[D]").astype(np.int64) + month - 1
    return np.where((day <= 12) & (day != month), swapped, otherwise)


def _postcodes(p: Parameters, rng: np.random.Generator, codes: Ints, area: Ints) -> Any:
    moved = rng.random(len(codes)) < p.number("identity.moved")
    codes = np.where(moved, draw_postcodes(rng, area), codes)
    absent = rng.random(len(codes)) < p.number("identity.postcode_missing")
    district, letters = codes // 676, codes % 676
    alphabet = np.array(list("ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
    written = joined(
        "ZZ",
        texts("", district // 10),
        " ",
        texts("", district % 10),
        pa.array(alphabet[letters // 26]),
        pa.array(alphabet[letters % 26]),
    )
    return pa.array(np.where(absent, None, written.to_numpy(zero_copy_only=False)), type=pa.string())
