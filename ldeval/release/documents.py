"""Logs and checklists of the report, kept as CSV in `data/`: read, checked and laid out as tables whose places are links.

    assumptions.csv   what the report takes for granted, why, what a mistake would do, where it is tested; rated
    data_log.csv      the state of each source of data; rated
    designs.csv       the design of each question, and what would make it wrong; estimand and estimator come from the results
    published.csv     published findings, the estimate here that each is set beside, and whether the twin was set to it
    checklists/*.csv  the items of a reporting guideline in our own words, and where the report deals with each

A place is the label of a heading ("sec-flow"), several with spaces between them. Tables are Markdown, so that the renderer
resolves the links, in HTML and PDF alike.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ldeval.release.facts import Fact
from ldeval.release.foot import foot
from ldeval.release.numbers import as_given, printed
from ldeval.release.prose import escape, est, find, span
from ldeval.release.results import results
from ldeval.release.sentences import verdict
from ldeval.release.verdicts import judged

if TYPE_CHECKING:
    from IPython.display import Markdown

DOCUMENTS = "documents"
COLOURS = {"red": "#D4351C", "amber": "#F47738", "green": "#00703C"}
CHECKLISTS = ("strobe", "record", "cheers")
RATINGS = {"red": "Red", "amber": "Amber", "green": "Green"}
ASSUMPTION = ["id", "assumption", "why", "if_wrong", "rating", "where"]
SOURCE = ["id", "source", "known", "weak", "rating", "where"]
DESIGN = ["name", "outcome", "estimate", "design", "comparison", "wrong", "maryland", "where"]
PUBLISHED = ["fact", "estimate", "verdict", "set_to", "note"]
ITEM = ["item", "topic", "asks", "where", "note"]
KEPT: dict[str, list[str]] = {
    "assumptions": ASSUMPTION,
    "data_log": SOURCE,
    "designs": DESIGN,
    "published": PUBLISHED,
    **{f"checklists/{name}": ITEM for name in CHECKLISTS},
}
"""The columns of each file."""

SET_TO = ("yes", "no", "in part")
STANDINGS = {
    "FOUND": "published",
    "FOUND (direction)": "published, without a number",
    "FOUND (secondary)": "published, read in a third party",
    "DERIVED": "worked out from published numbers",
    "RECALLED-high": "RECALLED, not checked",
    "RECALLED-medium": "RECALLED, not checked",
    "RECALLED-low": "RECALLED, not checked",
    "NOT FOUND": "NOT FOUND",
}
"""The standing of a fact in a few words."""

Row = dict[str, str]


def write_documents(root: Path, folder: Path) -> None:
    """Check the logs and checklists of the study in `root` and copy them below `folder`; those that are not there are left out.

    Raises:
        ValueError: a file is not right; all its faults at once.

    """
    for name in KEPT:
        source, target = root / "data" / f"{name}.csv", folder / DOCUMENTS / f"{name}.csv"
        if source.is_file():
            read_document(source, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def read_document(path: Path, name: str) -> list[Row]:
    """Read one file, row by row.

    Raises:
        ValueError: other columns than expected, a repeated key, an empty cell, a rating or place that is none, an item with
            neither place nor reason; all faults at once, by line.

    """
    columns = KEPT[name]
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if reader.fieldnames != columns:
            raise ValueError(f"{path}: expected the columns {columns}, found {reader.fieldnames}")
        rows = list(reader)
    keys = [row[columns[0]] for row in rows]
    check = FAULTS[",".join(columns)]
    faults = [f"  line {line}: {fault}" for line, row in enumerate(rows, 2) for fault in check(row)]
    faults += [f"  {columns[0]} {key!r} is repeated" for key in dict.fromkeys(keys) if keys.count(key) > 1]
    if faults:
        raise ValueError(f"{path}: {len(faults)} fault(s)\n" + "\n".join(faults))
    return rows


def _design_faults(row: Row) -> list[str]:
    return [f"{name} is empty" for name, cell in row.items() if not cell] + _place_faults(row)


def _log_faults(row: Row) -> list[str]:
    faults = [f"{name} is empty" for name, cell in row.items() if not cell]
    if row["rating"] not in RATINGS:
        faults.append(f"rating {row['rating']!r} is none of {', '.join(RATINGS)}")
    return faults + _place_faults(row)


def _item_faults(row: Row) -> list[str]:
    faults = [f"{name} is empty" for name in ("item", "topic", "asks") if not row[name]]
    if not row["where"] and not row["note"].startswith("Not applicable"):
        faults.append('an item that is dealt with nowhere needs a note that begins "Not applicable" and says why')
    return faults + _place_faults(row)


def _published_faults(row: Row) -> list[str]:
    faults = [f"{name} is empty" for name in ("fact", "set_to", "note") if not row[name]]
    if row["verdict"] not in ("yes", "no"):
        faults.append(f"verdict {row['verdict']!r} is none of yes, no")
    return faults + ([] if row["set_to"] in SET_TO else [f"set_to {row['set_to']!r} is none of {', '.join(SET_TO)}"])


def _place_faults(row: Row) -> list[str]:
    return [f"place {place!r} is no label of a section" for place in row["where"].split() if not place.startswith("sec-")]


FAULTS: dict[str, Callable[[Row], list[str]]] = {
    ",".join(ASSUMPTION): _log_faults,
    ",".join(SOURCE): _log_faults,
    ",".join(DESIGN): _design_faults,
    ",".join(PUBLISHED): _published_faults,
    ",".join(ITEM): _item_faults,
}
"""What is checked of a row, by the columns of its file."""


def assumption_log() -> Markdown:
    """Give the log of assumptions."""
    heads = {"Assumption": 26, "Why we make it": 24, "If it is wrong": 24, "Rating": 10, "Where": 16}
    return _log("assumptions", heads, lambda row: [row["assumption"], row["why"], row["if_wrong"]])


def data_log() -> Markdown:
    """Give the log of data."""
    heads = {"Source": 20, "What is known of it": 28, "Where it is weak": 26, "Rating": 10, "Where": 16}
    return _log("data_log", heads, lambda row: [row["source"], row["known"], row["weak"]])


def log_counts(name: Literal["assumptions", "data_log"]) -> Markdown:
    """Say how many entries of a log have each rating.

    Raises:
        KeyError: there is no such log.

    """
    if name not in ("assumptions", "data_log"):
        raise KeyError(f"no log {name!r}; logs: assumptions, data_log")
    given = [row["rating"] for row in _released(name)]
    text = ", ".join(f"{word.lower()} {given.count(rating)}" for rating, word in RATINGS.items())
    return span(text, "log", f"{DOCUMENTS}/{name}.csv")


def designs_table() -> Markdown:
    """Give for each question its design, comparison, estimand (from the protocol), Maryland level, and its chapter."""
    heads = {"Question": 18, "Design": 28, "Compared with": 20, "Estimand": 13, "Maryland level": 13, "Where": 12}
    outcomes = results().study["outcomes"]
    body = [
        [
            *map(escape, (row["name"], row["design"], row["comparison"], outcomes[row["outcome"]]["estimand"], row["maryland"])),
            _links(row["where"]),
        ]
        for row in _released("designs")
    ]
    return _pipes(heads, body, "designs")


def estimators_table() -> Markdown:
    """Give for each question the estimator and errors of its headline estimate, as released, and what would make it wrong."""
    heads = {"Question": 16, "Estimator": 30, "Errors and interval": 24, "What would make it wrong": 34}
    body = [[escape(row["name"]), *map(escape, _method(row["estimate"])), escape(row["wrong"])] for row in _released("designs")]
    return _pipes(heads, body, "designs")


def _method(key: str) -> tuple[str, str]:
    """Give estimator and errors of an estimate, in the words of its method."""
    if gap := results().missing(key):
        return f"could not be estimated: {gap.why}", ""
    estimator, _, errors = find(key).method.rpartition("; ")
    return (estimator, errors) if estimator else (errors, "as said of the estimator")


def published_table() -> Markdown:
    """Set published findings, with the standing of each, beside what was found here.

    Where the records are a twin's, a column says whether it was set to what was published, so that agreement proves nothing.

    Raises:
        KeyError: a fact, or an estimate, that is not there.

    """
    twin = results().study["data"]["source"] == "twin"
    heads = {"Published": 30, "Value and standing": 22, "Here": 22} | ({"Was the twin set to it?": 26} if twin else {})
    body = []
    for row in _released("published"):
        fact = results().facts[row["fact"]]
        said = "; ".join(filter(None, (_amount(fact), STANDINGS.get(fact.flag, fact.standing))))
        set_to = [escape(f"{row['set_to'].capitalize()}. {row['note']}.")] if twin else []
        body.append([escape(fact.text), escape(said), _here(row["estimate"], judge=row["verdict"] == "yes"), *set_to])
    return _pipes(heads, body, "published")


def _amount(fact: Fact) -> str:
    return "" if fact.value is None else as_given(fact.value, fact.unit)


def _here(key: str, *, judge: bool) -> str:
    if not key:
        return "–"
    if results().missing(key):
        return str(est(key).data)
    row = find(key)
    shown = span(printed(row), "est", key).data
    claimed = judge and row.estimand != "descriptive" and judged(row, results().study["outcomes"].get(row.outcome, {}))
    return f"{shown}: {verdict(key).data}" if claimed else str(shown)


def checklist(name: str) -> Markdown:
    """Give a checklist: item, topic, what is asked in our own words, and where it is dealt with or why it does not apply.

    Raises:
        KeyError: there is no such checklist; those that there are, are listed.

    """
    file = _known(name)
    body = [[row["item"], escape(f"{row['topic']}: {row['asks']}"), _dealt(row)] for row in _released(file)]
    return _pipes({"Item": 8, "What it asks": 52, "Where, or why not": 40}, body, file)


def checklist_counts(name: str) -> Markdown:
    """Say of how many of its items a section deals with.

    Raises:
        KeyError: there is no such checklist; those that there are, are listed.

    """
    rows = _released(_known(name))
    return span(
        f"{sum(bool(row['where']) for row in rows)} of its {len(rows)} items", "log", f"{DOCUMENTS}/checklists/{name}.csv"
    )


def _known(name: str) -> str:
    if name not in CHECKLISTS:
        raise KeyError(f"no checklist {name!r}; checklists: {', '.join(CHECKLISTS)}")
    return f"checklists/{name}"


def _log(name: str, heads: Mapping[str, int], say: Callable[[Row], list[str]]) -> Markdown:
    rows = sorted(_released(name), key=lambda row: list(RATINGS).index(row["rating"]))
    body = [[*map(escape, say(row)), _rating(row["rating"]), _links(row["where"])] for row in rows]
    return _pipes(heads, body, name)


def _rating(rating: str) -> str:
    mark = f'#h(3pt)#box(width: 5pt, height: 5pt, fill: rgb("{COLOURS[rating]}"))'
    return f"[{RATINGS[rating]}]{{.rating .rating-{rating}}}`{mark}`{{=typst}}"


def _dealt(row: Row) -> str:
    parts = [_links(row["where"]), escape(row["note"])]
    return ". ".join(part.rstrip(".") for part in parts if part) + ("." if row["note"] else "")


def _links(places: str) -> str:
    return ", ".join(f"@{place}" for place in places.split())


def _released(name: str) -> list[Row]:
    return read_document(results().folder / DOCUMENTS / f"{name}.csv", name)


def _pipes(heads: Mapping[str, int], body: Sequence[Sequence[str]], name: str) -> Markdown:
    """Lay out a pipe table: the numbers of dashes give the widths of the columns."""
    from IPython.display import Markdown

    lines = ["| " + " | ".join(heads) + " |", "|" + "|".join("-" * width for width in heads.values()) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in body]
    return Markdown("\n".join(lines) + "\n" + foot((), f"{DOCUMENTS}/{name}.csv"))  # type: ignore[no-untyped-call]
