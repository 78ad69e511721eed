"""Two releases, or two reports, compared: which numbers moved and what that means, which exhibits and sentences changed."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldeval import estimate
from ldeval.estimate import Change, Estimate, Estimates
from ldeval.release.numbers import between, central
from ldeval.release.page_text import Edit, edits
from ldeval.release.results import FOLDER
from ldeval.release.verdicts import decide, excludes_null, judged

EXHIBITS = ("tables", "curves", "effects")
Protocol = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Moved:
    """One estimate that is new, gone or different. `drift` is how far its value moved, in the old standard errors."""

    id: str
    old: Estimate | None
    new: Estimate | None
    drift: float | None
    fields: tuple[str, ...]
    means: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Altered:
    """One exhibit that is new, gone or different, in words."""

    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs between an old and a new release or report."""

    moved: tuple[Moved, ...]
    exhibits: tuple[Altered, ...]
    sentences: tuple[Edit, ...]
    remarks: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.moved or self.exhibits or self.sentences)


def difference(old: Path, new: Path) -> Difference:
    """Compare two folders: each a study, its `_results`, or a rendered report.

    Sentences are compared where both hold rendered pages, verdicts where both hold the protocol.

    Raises:
        FileNotFoundError: a folder holds no released results.

    """
    before, after = results_in(old), results_in(new)
    outcomes = _outcomes(before), _outcomes(after)
    pages = pages_in(old), pages_in(new)
    remarks = []
    if not all(outcomes):
        remarks.append("Verdicts are not compared: the protocol (study.json) is not in both folders.")
    if not all(pages):
        remarks.append("Sentences are not compared: rendered pages are not in both folders.")
    return Difference(
        tuple(_moved(_estimates(before), _estimates(after), *outcomes)),
        tuple(_altered(before, after)),
        tuple(edits(*pages)) if all(pages) else (),
        tuple(remarks),
    )


def results_in(folder: Path) -> Path:
    """Give the released results in a folder: its own, or those below it.

    Raises:
        FileNotFoundError: there are none.

    """
    for place in (folder, folder / FOLDER):
        if (place / "estimates.csv").is_file():
            return place
    raise FileNotFoundError(
        f"{folder}: expected released results (estimates.csv, or {FOLDER}/estimates.csv below it); found none"
    )


def pages_in(folder: Path) -> dict[str, Path]:
    """Give the rendered pages of a report by name, those of a study from its `_report`."""
    place = folder / "_report" if (folder / "_report").is_dir() else folder
    return {path.relative_to(place).as_posix(): path for path in sorted(place.rglob("*.html")) if path.stem != "provenance"}


def _estimates(folder: Path) -> Estimates:
    return estimate.read_csv(folder / "estimates.csv")


def _outcomes(folder: Path) -> Protocol:
    path = folder / "study.json"
    if not path.is_file():
        return {}
    outcomes: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["outcomes"]
    return outcomes


def _moved(old: Estimates, new: Estimates, was: Protocol, now: Protocol) -> Iterator[Moved]:
    by_id: dict[str, list[Change]] = {}
    for change in estimate.compare(old, new):
        by_id.setdefault(change.id, []).append(change)
    for key, changes in by_id.items():
        before, after = old.get(key), new.get(key)
        fields = tuple(change.field for change in changes)
        drift = next((change.drift for change in changes if change.field == "value"), None)
        means = tuple(_means(before, after, was, now)) if before and after else ("new" if after else "gone",)
        yield Moved(key, before, after, drift, fields, means)


def _means(old: Estimate, new: Estimate, was: Protocol, now: Protocol) -> Iterator[str]:
    """Say what the move of one estimate means for a reader."""
    if (old.value - old.null) * (new.value - new.null) < 0:
        yield "changed sign"
    if not old.low <= new.value <= old.high:
        yield "lies outside its old interval"
    if excludes_null(old) != excludes_null(new):
        yield "its interval now " + ("excludes no effect" if excludes_null(new) else "includes no effect")
    earlier, later = was.get(old.outcome, {}), now.get(new.outcome, {})
    if judged(old, earlier) and judged(new, later):
        verdicts = decide(old, earlier["matters"]), decide(new, later["matters"])
        if verdicts[0] != verdicts[1]:
            yield f"its verdict was “{verdicts[0]}”, is “{verdicts[1]}”"


def _altered(old: Path, new: Path) -> Iterator[Altered]:
    names = {
        path.relative_to(place).as_posix() for place in (old, new) for kind in EXHIBITS for path in (place / kind).glob("*.csv")
    }
    for name in sorted(names):
        before, after = old / name, new / name
        if not before.is_file() or not after.is_file():
            yield Altered(name, "new" if after.is_file() else "gone")
        elif before.read_bytes() != after.read_bytes():
            yield Altered(name, _cells(before, after))


def _cells(old: Path, new: Path) -> str:
    """Say how much of a table changed."""
    before, after = (list(csv.reader(path.read_text(encoding="utf-8").splitlines())) for path in (old, new))
    if before[0] != after[0]:
        return "other columns"
    if len(before) != len(after):
        return f"{len(after) - 1} rows instead of {len(before) - 1}"
    pairs = [(a, b) for one, other in zip(before, after, strict=True) for a, b in zip(one, other, strict=True)]
    return f"{sum(a != b for a, b in pairs)} of {len(pairs) - len(before[0])} cells differ"


def as_text(found: Difference) -> str:
    """Give the difference as plain text, the largest moves first."""
    if not found:
        return "\n".join(["nothing differs", *found.remarks])
    lines = [f"{len(found.moved)} estimate(s) moved"]
    lines += [f"  {_line(one)}" for one in by_size(found)]
    lines += [f"{len(found.exhibits)} exhibit(s) changed", *(f"  {one.name}: {one.what}" for one in found.exhibits)]
    lines.append(f"{len(found.sentences)} passage(s) changed")
    for edit in found.sentences:
        lines += [f"  {edit.page}", *(f"    - {text}" for text in edit.old), *(f"    + {text}" for text in edit.new)]
    return "\n".join([*lines, *found.remarks])


def by_size(found: Difference) -> list[Moved]:
    """Give what moved: what is new or gone first, then by distance in standard errors."""
    return sorted(found.moved, key=lambda one: (one.old is not None and one.new is not None, -abs(one.drift or 0)))


def _line(one: Moved) -> str:
    drift = f" ({distance(one)})" if one.drift is not None else ""
    means = f": {'; '.join(one.means)}" if one.means else ""
    shown = "" if one.old is None or one.new is None else f" {shown_as(one.old)} -> {shown_as(one.new)}"
    other = [name for name in one.fields if name not in estimate.NUMBERS]
    return f"{one.id}{shown}{drift}{means}" + (f" [{', '.join(other)}]" if other and one.old and one.new else "")


def distance(one: Moved) -> str:
    """Give how far a value moved, in standard errors; those without one moved by more than any number of them."""
    if one.drift is None:
        return ""
    return f"{one.drift:+.2f} se" if math.isfinite(one.drift) else "it has no standard error"


def shown_as(row: Estimate) -> str:
    """Give an estimate as the report prints it."""
    return f"{central(row)} ({between(row)})"
