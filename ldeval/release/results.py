"""The released results of a study: plain open files in `_results/`, read lazily.

    estimates.csv         one row an estimate, all digits
    tables/*.csv          released tables
    curves/*.csv          released curves, one row a step
    effects/*.csv         the estimates of each forest plot, in its order
    dots/*.csv            values beside what was expected of them
    figures/*.svg         the figures, drawn from the files above
    drawings/             the headline effects and the logic model, each as SVG and CSV
    documents/            logs and checklists
    disclosure.csv        what disclosure control did to each result, for the owner of the data
    tables.xlsx           all tables as one accessible workbook
    dictionary.csv        the extracts' columns, as declared, with the study's own names for them
    facts.csv, study.json the facts and the protocol that the chapters may quote
    provenance.json       fingerprints, software, what made each result and what disclosure control did to it
    inputs.csv, software.csv  the fingerprints and the versions among them, as tables
    provenance.js         what the pages say of each number, as a script

Reading needs no pandas, matplotlib or pydantic: every chapter starts a kernel for each format.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, TypeVar

from ldeval import estimate
from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.exhibits import Cell, Column, Curves, Dot, Dots, Effect, Effects, Exhibit, Point, Table
from ldeval.estimate import Estimate, Estimates
from ldeval.release.facts import Fact, read_facts
from ldeval.release.numbers import COUNTS
from ldeval.release.policy import SUPPRESSED, WITHHELD
from ldeval.release.reads import Noted, noted_by_key
from ldeval.root import find_root
from ldeval.words import nearest

Value = TypeVar("Value")

FOLDER = "_results"
DRAWINGS = "drawings"
ALT_TEXTS = "alt-texts.json"
KINDS: dict[type, str] = {Table: "tables", Curves: "curves", Effects: "effects", Dots: "dots"}


@dataclass(frozen=True, slots=True)
class Provenance:
    """What one released result comes from."""

    function: str
    source: str
    file: str
    data: dict[str, str]
    disclosure: str


class Results:
    """The released results in `folder`; each file is read when it is first asked for. `noting` notes what is read, by key."""

    def __init__(self, folder: Path, *, noting: bool = False) -> None:
        self.folder, self.noting = folder, noting

    @cached_property
    def estimates(self) -> Mapping[str, Estimate]:
        """All released estimates."""
        return self._noted("estimates", lambda: estimate.read_csv(self.folder / "estimates.csv"))

    @cached_property
    def facts(self) -> Mapping[str, Fact]:
        """The facts and assumptions that chapters may quote."""
        return self._noted("facts", lambda: read_facts(self.folder / "facts.csv"))

    @cached_property
    def study(self) -> Mapping[str, Any]:
        """The protocol, as read from `study.toml`."""
        return self._noted("study", lambda: _json(self.folder / "study.json"))

    @cached_property
    def provenance(self) -> Mapping[str, Any]:
        """Fingerprints, software versions, data sets, and what made each result."""
        return self._noted("provenance", lambda: _json(self.folder / "provenance.json"))

    @cached_property
    def alt_texts(self) -> Mapping[str, str]:
        """The alternative texts of the drawings."""
        return self._noted("alt_texts", lambda: _json(self.folder / DRAWINGS / ALT_TEXTS))

    def _noted(self, name: str, read: Callable[[], Mapping[str, Value]]) -> Mapping[str, Value]:
        if not self.noting:
            return read()
        with noted_by_key():
            return Noted(read(), name)

    def exhibit(self, key: str) -> Exhibit:
        """Read one table, set of curves or set of effects.

        Raises:
            KeyError: there is none of that id; those most like it are listed.

        """
        known = self.provenance["exhibits"]
        if key not in known:
            raise KeyError(f"no released exhibit {key!r}; {nearest(key, known)}")
        return _read_exhibit(self.folder, key, dict(known[key]))

    def alt(self, key: str) -> str:
        """Give the alternative text of a figure.

        Raises:
            KeyError: no figure is drawn of that id; those most like it are listed.

        """
        known = self.provenance["figures"]
        if key not in known:
            raise KeyError(f"no figure {key!r}; {nearest(key, known)}")
        return str(known[key])

    def missing(self, key: str) -> NotEstimated | None:
        """Give why there is no result of that id where one was expected; None where there is one, or none was.

        What an analysis that stopped would have given is not known one by one: where results on a subject (the first part of
        their ids) could not be estimated, another on it that is not there has the reasons of those.
        """
        gaps = self.provenance["missing"]
        if key in gaps:
            return NotEstimated(key, **gaps[key])
        if key in self.estimates or key in self.provenance["exhibits"]:
            return None
        kin = [gap for other, gap in gaps.items() if subject(other) == subject(key)]
        whys = dict.fromkeys(gap["why"] for gap in kin if WITHHELD not in gap["why"])
        return NotEstimated(key, "result", "; ".join(whys)) if whys else None

    @cached_property
    def actions(self) -> list[dict[str, str]]:
        """What disclosure control did to each result, one row each."""
        with (self.folder / "disclosure.csv").open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    def origin(self, key: str) -> Provenance:
        """Give what made the estimate or exhibit `key`, and what disclosure control did to it."""
        about, made = self.provenance["results"][key], self.provenance["functions"]
        function = about["function"]
        return Provenance(
            function,
            made[function]["source"],
            made[function]["file"],
            {name: self.provenance["data"][name]["sha256"] for name in about["data"]},
            about["disclosure"],
        )


def results() -> Results:
    """Give the released results of the study in whose folder the work is done.

    Raises:
        FileNotFoundError: there is no study at or above the working directory, or nothing has been released yet.

    """
    folder = find_root(Path.cwd()) / FOLDER
    try:
        stamp = (folder / "provenance.json").stat()
    except FileNotFoundError:
        raise FileNotFoundError(
            f"no released results in {folder}: run `make report`, or `ldeval analyse` for the results alone"
        ) from None
    return _results(folder, stamp.st_ino, stamp.st_mtime_ns)


@lru_cache(maxsize=1)
def _results(folder: Path, _inode: int, _time: int) -> Results:
    return Results(folder, noting=True)


def subject(key: str) -> str:
    """Give the first part of an id: what it is of."""
    return re.split("[/-]", key)[0]


def _json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def describe(exhibit: Exhibit) -> dict[str, Any]:
    """Give all of an exhibit but its rows, as plain values for `provenance.json`."""
    about = asdict(exhibit)
    for rows in ("id", "rows", "points"):
        about.pop(rows, None)
    return {"kind": KINDS[type(exhibit)], **about}


def write_exhibit(exhibit: Exhibit, folder: Path, estimates: Estimates) -> None:
    """Write the rows of an exhibit as CSV into its place below `folder`."""
    path = folder / KINDS[type(exhibit)] / f"{exhibit.id}.csv"
    path.parent.mkdir(exist_ok=True)
    header, rows = _rows(exhibit, estimates)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows([estimate.cell(value) for value in row] for row in rows)


def _rows(exhibit: Exhibit, estimates: Estimates) -> tuple[list[str], list[list[object]]]:
    if isinstance(exhibit, Table):
        return [column.name for column in exhibit.columns], [list(row) for row in exhibit.rows]
    if isinstance(exhibit, Curves):
        header = list(Point.__slots__)
        return header, [[getattr(point, name) for name in header] for point in exhibit.points]
    if isinstance(exhibit, Dots):
        header = list(Dot.__slots__)
        return header, [[getattr(row, name) for name in header] for row in exhibit.rows]
    numbers = ["value", "low", "high", "level", "p_value", "n", "events"]
    return ["group", "label", "at", "estimate", *numbers], [
        [row.group, row.label, row.at, row.estimate, *(getattr(estimates[row.estimate], name) for name in numbers)]
        for row in exhibit.rows
    ]


def _read_exhibit(folder: Path, key: str, about: dict[str, Any]) -> Exhibit:
    kind = about.pop("kind")
    with (folder / kind / f"{key}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if kind == "tables":
        columns = tuple(Column(**column) for column in about.pop("columns"))
        cells = tuple(tuple(_cell(row[c.name], c.unit) for c in columns) for row in rows)
        return Table(id=key, columns=columns, rows=cells, notes=tuple(about.pop("notes")), **about)
    if kind == "curves":
        return Curves(id=key, points=tuple(_point(row) for row in rows), **about)
    if kind == "dots":
        return Dots(id=key, series=tuple(about.pop("series")), rows=tuple(_dot(row) for row in rows), **about)
    effects = tuple(_effect(row) for row in rows)
    return Effects(id=key, rows=effects, notes=tuple(about.pop("notes")), **about)


def _effect(row: dict[str, str]) -> Effect:
    return Effect(row["label"], row["estimate"], row["group"], float(row["at"]) if row["at"] else None)


def _cell(text: str, unit: str) -> Cell:
    if unit == "text":
        return text
    if not text or text == SUPPRESSED:
        return text or None
    return int(text) if unit in COUNTS else float(text)


def _dot(row: dict[str, str]) -> Dot:
    return Dot(row["label"], row["series"], *(float(row[name]) for name in ("value", "low", "high")))


def _point(row: dict[str, str]) -> Point:
    time, value, low, high = (float(row[name]) for name in ("time", "value", "low", "high"))
    at_risk, events, censored = (int(row[name]) for name in ("at_risk", "events", "censored"))
    return Point(row["group"], time, value, low, high, at_risk, events, censored, int(row["competing"]))
