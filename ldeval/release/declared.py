"""What the extracts are declared to be, for the report: sources, the data dictionary, and what the records are."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ldeval.analysis.exhibits import Column
from ldeval.data.sources import EXTRACTS, SOURCES, DictionaryRow, dictionary
from ldeval.release.foot import foot
from ldeval.release.layout import lay_out
from ldeval.release.prose import escape
from ldeval.release.results import results

if TYPE_CHECKING:
    from IPython.display import Markdown

    from ldeval.study import Study

DICTIONARY = "dictionary.csv"
COVERED = {"both": "both arms", "users": "users alone", "areas": "areas, not people"}


def write_dictionary(study: Study, path: Path) -> None:
    """Write the data dictionary, with the study's own names for our columns, as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*(field.name for field in fields(DictionaryRow)), "own_name"], lineterminator="\n")
        writer.writeheader()
        for row in dictionary():
            own = study.data.columns.get(row.extract, {}).get(row.column, row.column)
            writer.writerow({**asdict(row), "own_name": own})


def sources_table() -> Markdown:
    """Give the sources: whom they cover, how completely and how late, and which extracts they give."""
    columns = [
        Column("source", "Source"),
        Column("covers", "Covers"),
        Column("coverage", "What is in it"),
        Column("lag", "Lag"),
        Column("extracts", "Extracts"),
    ]
    body = [
        [source.title, COVERED[source.arms], source.coverage, source.lag, ", ".join(_extracts(source.name))]
        for source in SOURCES.values()
    ]
    return lay_out(columns, body, foot((), DICTIONARY))


def dictionary_table(extract: str) -> Markdown:
    """Give the columns of one extract: type and unit, meaning, what a value may be, what a missing one means.

    Raises:
        KeyError: no such extract; those that there are, are listed.

    """
    if extract not in EXTRACTS:
        raise KeyError(f"no extract {extract!r}; extracts: {', '.join(EXTRACTS)}")
    with (results().folder / DICTIONARY).open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["extract"] == extract]
    columns = [Column("column", "Column"), Column("type", "Type"), Column("meaning", "Meaning"), Column("rule", "Values")]
    body = [[_name(row), _type(row), _meaning(row, extract), _rule(row)] for row in rows]
    return lay_out(columns, body, "")


def source_words(extract: str) -> Markdown:
    """Say of one extract what a row is, whose it is, whom it covers, how completely and how late."""
    from IPython.display import Markdown

    declared = EXTRACTS[extract]
    source = declared.source
    text = (
        f"{declared.title}, kept by {source.keeper}. Covers {COVERED[source.arms]}: {source.coverage}. Lag: {source.lag}. "
        f"Key: `{declared.key}`."
    )
    return Markdown(text)  # type: ignore[no-untyped-call]


def on_records(*, twin: str, real: str) -> Markdown:
    """Give the Markdown that holds for the records at hand: a synthetic twin's, or real ones."""
    from IPython.display import Markdown

    return Markdown(twin if results().study["data"]["source"] == "twin" else real)  # type: ignore[no-untyped-call]


TWINS = {
    "identified": "nothing unrecorded decides who is seen",
    "hidden": "an unrecorded need helps to decide who is seen",
}


def about_records() -> Markdown:
    """Say what the results about the service come from, and that the people do not exist where the records are a twin's."""
    from IPython.display import Markdown

    about = results().study
    if about["data"]["source"] == "twin":
        twin = about["data"]["twin"]
        text = (
            f"Results about the service come from a synthetic twin (seed {twin['seed']}) with given effects, in which "
            f"{TWINS[twin['name']]}: **the people in its records do not exist**. They say nothing about real people or services."
        )
    else:
        policy = escape(about["release"]["policy"])
        text = f"Results about the service come from linked records of people, under disclosure control by policy {policy}."
    return Markdown(text)  # type: ignore[no-untyped-call]


def _extracts(source: str) -> Sequence[str]:
    return [extract.name for extract in EXTRACTS.values() if extract.source.name == source]


def _name(row: Mapping[str, str]) -> str:
    return row["column"] if row["own_name"] == row["column"] else f"{row['column']} (in the extract: {row['own_name']})"


def _type(row: Mapping[str, str]) -> str:
    unit = row["unit"] if row["unit"] not in ("", row["type"]) else ""
    return ", ".join(filter(None, (row["type"], unit, "identifiable" if row["identifiable"] == "True" else "")))


def _meaning(row: Mapping[str, str], extract: str) -> str:
    source = EXTRACTS[extract].source
    own = [f"{name}: {row[name]}" for name in ("coverage", "lag") if row[name] != getattr(source, name)]
    return "; ".join([row["meaning"], *own])


def _rule(row: Mapping[str, str]) -> str:
    missing = row["missing"] if row["missing"] == "never missing" else f"missing: {row['missing']}"
    return "; ".join(filter(None, (row["constraint"], missing)))
