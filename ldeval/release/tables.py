"""Tables in one look, every cell printed by the one rounding rule.

A chapter puts the table in a cross-reference div and writes its caption there, so that the caption is prose with bound
numbers (a `tbl-cap` cell option is fixed text; Quarto computes it only in R):

    ::: {#tbl-rossi}
    ```{python}
    table("rossi-cox")
    ```
    Financial aid goes with `{python} est("rossi/hazard_ratio/fin", "change")` hazard of re-arrest.
    :::

The HTML carries no style of its own but alignment (the page's style sheet sets it, in light and dark alike), and pandoc
reads it into a native table for the PDF. Notes are a paragraph below the table, without marks: in the table's foot they
would widen its last column in the PDF.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.draws import label
from ldeval.analysis.exhibits import Column, Curves, Dots, Effects
from ldeval.estimate import Estimate
from ldeval.release.foot import foot, not_shown
from ldeval.release.layout import lay_out
from ldeval.release.listing import MAIN, PAGES, page_of
from ldeval.release.numbers import as_given, between, central, form, level
from ldeval.release.policy import SUPPRESSED
from ldeval.release.prose import span
from ldeval.release.results import results
from ldeval.words import capital

if TYPE_CHECKING:
    from IPython.display import Markdown

NO_BREAK = "\N{NO-BREAK SPACE}"

INPUTS = {
    "code": "Package code",
    "lock": "Pinned packages",
    "data": "Data files",
    "study": "Protocol",
    "records": "Extracts of records",
}


def table(key: str, *, errors: bool = False) -> Markdown:
    """Give a released table, or a released set of effects as a table; `errors` adds the standard errors of effects.

    Raises:
        KeyError: there is none of that id; those that there are, are listed.
        TypeError: it is a set of curves or dots, which is shown as a figure.

    """
    released = results()
    if gap := released.missing(key):
        return not_shown(gap)
    exhibit = released.exhibit(key)
    if isinstance(exhibit, Curves | Dots):
        raise TypeError(f"{key!r} holds {type(exhibit).__name__.lower()}; show it with figure({key!r})")
    notes = (*exhibit.notes, released.origin(key).disclosure)
    if isinstance(exhibit, Effects):
        group = "group" if any(row.group for row in exhibit.rows) else None
        columns, rows = _effects(exhibit, released.estimates, group, errors)
        return lay_out(columns, rows, foot(notes, f"effects/{key}.csv", key), group)
    body = [[_text(cell, column) for cell, column in zip(row, exhibit.columns, strict=True)] for row in exhibit.rows]
    return lay_out(exhibit.columns, body, foot(notes, f"tables/{key}.csv", key), exhibit.group)


def key_figures(keys: Sequence[str]) -> Markdown:
    """Give estimates of any kind as one table: what it is, value, interval, p-value, people and events."""
    shown = [results().estimates[key] for key in keys]
    columns = [Column("what", "Estimate"), *_headings("Value", shown), *_COUNTS]
    return lay_out(columns, [[words(row), *_numbers(row)] for row in shown], foot(_done(keys), "estimates.csv"))


def all_figures(page: str) -> Markdown:
    """Give every estimate that one page of the appendix lists, by question, each with the rest of its id.

    Raises:
        KeyError: there is no such page; those that there are, are listed.

    """
    known, keys = results().estimates, _listed(page)
    if not keys:
        whys = dict.fromkeys(gap["why"] for key, gap in results().provenance["missing"].items() if page_of(key) == page)
        return not_shown(NotEstimated(page, "Key figures", "; ".join(whys) or "none was asked for"))
    columns = [
        Column("group", "Question"),
        Column("what", "Estimate"),
        *_headings("Value", [known[key] for key in keys]),
        *_COUNTS,
    ]
    rows = [[capital(key.split("/")[0]), _named(known[key]), *_numbers(known[key])] for key in keys]
    return lay_out(columns, rows, foot(_done(keys), "estimates.csv"), "group")


def figures_on(page: str) -> Markdown:
    """Give how many estimates one page of the appendix lists.

    Raises:
        KeyError: there is no such page; those that there are, are listed.

    """
    return span(form(len(_listed(page)), "values"), "log", "estimates.csv")


def _listed(page: str) -> list[str]:
    if page not in (pages := sorted({MAIN, *PAGES.values()})):
        raise KeyError(f"no key figures on a page {page!r}; pages: {', '.join(pages)}")
    return [key for key in results().estimates if page_of(key) == page]


def _done(keys: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(results().origin(key).disclosure for key in keys))


def _named(row: Estimate) -> Markup:
    """Name an estimate by its words and by what tells it from others of these words: its id, after the question."""
    return Markup("{} <code>{}</code>").format(words(row), row.id.partition("/")[2])


def fits_table(keys: Sequence[str]) -> Markdown:
    """Give estimates under the words of their model: value, error on the model's scale, interval, p-value, people, events."""
    released = results()
    gaps = {key: gap for key in keys if (gap := released.missing(key))}
    shown = [released.estimates[key] for key in keys if key not in gaps]
    value, *rest = _headings("Value", shown)
    columns = [Column("model", "Model"), Column("what", "Estimate"), value, *_ERROR, *rest, *_COUNTS]
    rows = [[capital(row.method), words(row), *_with_error(row)] for row in shown]
    rows += [["Not estimated", f"{capital(gap.what)}: {gap.why}", *["–"] * 6] for gap in gaps.values()]
    return lay_out(columns, rows, foot(_done([row.id for row in shown]), "estimates.csv"), "model")


def facts_table(keys: Sequence[str]) -> Markdown:
    """Give published facts as a table with source and standing."""
    facts = results().facts
    columns = [Column("what", "What"), Column("amount", "Value"), Column("source", "Source"), Column("flag", "Standing")]
    rows = []
    for fact in (facts[key] for key in keys):
        value = "" if fact.value is None else as_given(fact.value, fact.unit)
        rows.append([fact.text, value.replace(" ", NO_BREAK) or "–", fact.source, fact.standing])
    return lay_out(columns, rows, foot((), "facts.csv"))


def software_table() -> Markdown:
    """Give the versions of the software that made the results."""
    rows = [list(pair) for pair in results().provenance["software"].items()]
    return lay_out([Column("package", "Software"), Column("version", "Version")], rows, foot((), "software.csv"))


def inputs_table() -> Markdown:
    """Give the fingerprints of what the results were made from."""
    columns = [Column("group", "Kind"), Column("what", "Input"), Column("sha256", "SHA-256, first 16 digits")]
    rows = [[kind, what, digest[:16]] for kind, what, digest in fingerprints(results().provenance)]
    return lay_out(columns, rows, foot((), "inputs.csv"), "group")


def fingerprints(about: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Give kind, name and SHA-256 of everything that results were made from, out of their provenance."""
    inputs = [("Inputs", INPUTS[kind], digest) for kind, digest in about["inputs"].items()]
    return inputs + [("Data sets", data["source"], data["sha256"]) for data in about["data"].values()]


_ERROR = [Column("se", "Standard error", "number")]
_COUNTS = [Column("n", "People", "people"), Column("events", "Events", "events")]


def _effects(
    exhibit: Effects, estimates: Mapping[str, Estimate], group: str | None, errors: bool
) -> tuple[list[Column], list[list[str]]]:
    """Lay out a set of effects: value, interval, p-value (where there is any), and the error after the value where asked for."""
    shown = [estimates[row.estimate] for row in exhibit.rows]
    value, *rest = _headings(exhibit.measure, shown)
    columns = [
        *([Column(group, "Group")] if group else []),
        Column("effect", "Characteristic"),
        value,
        *_ERROR[: int(errors)],
        *rest,
    ]
    rows = []
    for row, number in zip(exhibit.rows, shown, strict=True):
        cells = _with_error(number)[:4] if errors else _numbers(number)[:3]
        rows.append([*([row.group] if group else []), row.label, *cells])
    if all(number.p_value is None for number in shown):
        return columns[:-1], [row[:-1] for row in rows]
    return columns, rows


def _headings(measure: str, shown: Sequence[Estimate]) -> list[Column]:
    levels = " and ".join(dict.fromkeys(level(row.level) for row in shown))
    return [
        Column("value", measure, "ratio"),
        Column("interval", f"{levels} interval", "ratio"),
        Column("p", "p", "p"),
    ]


def words(row: Estimate) -> str:
    """Say in words what was estimated."""
    return capital(row.measure)


def cell_of(row: Estimate) -> Markup:
    """Give the value of an estimate as the HTML of a cell that carries its id."""
    return Markup('<span class="est" data-id="{}">{}</span>').format(row.id, central(row))


def _numbers(row: Estimate) -> list[str]:
    counts = [form(row.n, "people"), form(row.events, "events")]
    return [cell_of(row), between(row).replace(" ", NO_BREAK), form(row.p_value, "p"), *counts]


def _with_error(row: Estimate) -> list[str]:
    """Give the cells of an estimate with its error: that of the logarithm for a ratio, in points for shares and differences."""
    points = 100 if row.unit in ("percentage points", "share", "rounded share") else 1
    value, *rest = _numbers(row)
    return [value, form(points * row.se, "number") if row.se else "–", *rest]


def _text(cell: object, column: Column) -> str:
    if column.name == "estimate_id":
        return label(str(cell))
    if column.unit == "text" or cell == SUPPRESSED:
        return "" if cell is None else str(cell)
    return form(cell, column.unit)  # type: ignore[arg-type]  # a cell with a unit is a number or None
