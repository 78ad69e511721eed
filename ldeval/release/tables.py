"""Tables in one look, laid out by great-tables, every cell printed by the one rounding rule.

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

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING

from ldeval.analysis.findings import Column, Curves, Dots, Effects
from ldeval.estimate import Estimate
from ldeval.release.foot import foot, not_shown
from ldeval.release.numbers import as_given, between, central, form, level
from ldeval.release.policy import SUPPRESSED
from ldeval.release.results import results

if TYPE_CHECKING:
    from IPython.display import Markdown

MARKED = "value"
"""The column whose cells carry the id of their estimate as HTML."""

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
        return lay_out(columns, rows, foot(notes, f"effects/{key}.csv", key), key, "effect", group)
    body = [[_text(cell, column) for cell, column in zip(row, exhibit.columns, strict=True)] for row in exhibit.rows]
    heads = next(column.name for column in exhibit.columns if column.name != exhibit.group)
    return lay_out(exhibit.columns, body, foot(notes, f"tables/{key}.csv", key), key, heads, exhibit.group)


def key_figures(keys: Sequence[str] | None = None) -> Markdown:
    """Give estimates of any kind, or all of them, as one table: what it is, value, interval, p-value, people and events."""
    released = results()
    keys = list(released.estimates) if keys is None else keys
    shown = [released.estimates[key] for key in keys]
    columns = [Column("what", "Estimate"), *_headings("Value", shown), *_COUNTS]
    rows = [[_words(row), *_numbers(row)] for row in shown]
    done = dict.fromkeys(released.origin(key).disclosure for key in keys)
    return lay_out(columns, rows, foot(tuple(done), "estimates.csv"), _named("figures", keys), "what")


def fits_table(keys: Sequence[str]) -> Markdown:
    """Give estimates under the words of their model: value, error on the model's scale, interval, p-value, people, events."""
    released = results()
    gaps = {key: gap for key in keys if (gap := released.missing(key))}
    shown = [released.estimates[key] for key in keys if key not in gaps]
    value, *rest = _headings("Value", shown)
    columns = [Column("model", "Model"), Column("what", "Estimate"), value, *_ERROR, *rest, *_COUNTS]
    rows = [[_sentence(row.method), _words(row).replace("_", " "), *_with_error(row)] for row in shown]
    rows += [["Not estimated", f"{_sentence(gap.what)}: {gap.why}", *["–"] * 6] for gap in gaps.values()]
    done = dict.fromkeys(released.origin(row.id).disclosure for row in shown)
    return lay_out(columns, rows, foot(tuple(done), "estimates.csv"), _named("fits", keys), "what", "model")


def facts_table(keys: Sequence[str]) -> Markdown:
    """Give published facts as a table with source and standing."""
    facts = results().facts
    columns = [Column("what", "What"), Column("amount", "Value"), Column("source", "Source"), Column("flag", "Standing")]
    rows = []
    for fact in (facts[key] for key in keys):
        value = "" if fact.value is None else as_given(fact.value, fact.unit)
        rows.append([fact.text, value.replace(" ", NO_BREAK) or "–", fact.source, fact.standing])
    return lay_out(columns, rows, foot((), "facts.csv"), _named("facts", keys), "what")


def software_table() -> Markdown:
    """Give the versions of the software that made the results."""
    rows = [list(pair) for pair in results().provenance["software"].items()]
    return lay_out([Column("package", "Software"), Column("version", "Version")], rows, "", "software", "package")


def inputs_table() -> Markdown:
    """Give the fingerprints of what the results were made from."""
    about = results().provenance
    rows = [["Inputs", INPUTS[kind], digest[:16]] for kind, digest in about["inputs"].items()]
    rows += [["Data sets", data["source"], data["sha256"][:16]] for data in about["data"].values()]
    columns = [Column("group", "Kind"), Column("what", "Input"), Column("sha256", "SHA-256, first 16 digits")]
    return lay_out(columns, rows, "", "inputs", "what", "group")


def disclosure_table() -> Markdown:
    """Give what disclosure control did: for each rule, how many results and numbers it was for and how many it hid."""
    rules: dict[tuple[str, str], list[int]] = {}
    for row in results().actions:
        tally = rules.setdefault((row["done"], _rule(row["why"])), [0, 0, 0])
        for place, more in enumerate((1, int(row["numbers"]), int(row["suppressed"]))):
            tally[place] += more
    columns = [Column("done", "Done"), Column("why", "Rule and reason"), Column("results", "Results", "values")]
    columns += [Column("numbers", "Numbers shown", "values"), Column("suppressed", "Suppressed", "values")]
    rows = [[done.capitalize(), why, *(form(count, "values") for count in tally)] for (done, why), tally in sorted(rules.items())]
    return lay_out(columns, rows, foot((), "disclosure.csv"), "disclosure", "why", "done")


def withheld_table() -> Markdown:
    """Give the results that did not leave, and why; a sentence where all did."""
    from IPython.display import Markdown

    kept = [row for row in results().actions if row["done"] not in ("released", "controlled")]
    if not kept:
        return Markdown("No result was withheld, refused or could not be estimated.\n")  # type: ignore[no-untyped-call]
    columns = [Column("id", "Result"), Column("kind", "Kind"), Column("why", "Why it is not shown")]
    return lay_out(columns, [[row["id"], row["kind"], row["why"]] for row in kept], foot((), "disclosure.csv"), "withheld", "id")


def _rule(why: str) -> str:
    """Take the numbers of one table out of what was done, so that tables under one rule are counted together."""
    return re.sub(r"\d+ of \d+ suppressed", "some suppressed", why)


_ERROR = [Column("se", "Standard error", "number")]
_COUNTS = [Column("n", "People", "people"), Column("events", "Events", "events")]


def _effects(
    exhibit: Effects, estimates: Mapping[str, Estimate], group: str | None, errors: bool
) -> tuple[list[Column], list[list[str]]]:
    """Lay out a set of effects: value, interval, p-value, and the error after the value where it is asked for."""
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
    return columns, rows


def _named(kind: str, keys: Sequence[str]) -> str:
    """Give a table made in a chapter a name of its own, so that two of them on one page have different ids."""
    return f"{kind}-{sha256(' '.join(keys).encode()).hexdigest()[:8]}"


def _headings(measure: str, shown: Sequence[Estimate]) -> list[Column]:
    levels = " and ".join(dict.fromkeys(level(row.level) for row in shown))
    return [
        Column(MARKED, measure, "ratio"),
        Column("interval", f"{levels} interval", "ratio"),
        Column("p", "p", "p"),
    ]


def _words(row: Estimate) -> str:
    return _sentence(row.measure)


def cell_of(row: Estimate) -> str:
    """Give the value of an estimate as the HTML of a cell that carries its id."""
    return f'<span class="est" data-id="{escape(row.id)}">{escape(central(row))}</span>'


def _numbers(row: Estimate) -> list[str]:
    counts = [form(row.n, "people"), form(row.events, "events")]
    return [cell_of(row), between(row).replace(" ", NO_BREAK), form(row.p_value, "p"), *counts]


def _with_error(row: Estimate) -> list[str]:
    """Give the cells of an estimate with its error: that of the logarithm for a ratio, in points for shares and differences."""
    points = 100 if row.unit in ("percentage points", "share", "rounded share") else 1
    value, *rest = _numbers(row)
    return [value, form(points * row.se, "number") if row.se else "–", *rest]


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"


def _text(cell: object, column: Column) -> str:
    if column.unit == "text" or cell == SUPPRESSED:
        return "" if cell is None else str(cell)
    return form(cell, column.unit)  # type: ignore[arg-type]  # a cell with a unit is a number or None


def lay_out(
    columns: Sequence[Column],
    body: Sequence[Sequence[str]],
    below: str,
    key: str,
    row_header: str,
    group: str | None = None,
) -> Markdown:
    """Lay out plain cells; those of the column "value" are HTML. `row_header` names the column that heads the rows."""
    import pandas as pd
    from great_tables import GT
    from IPython.display import Markdown

    frame = pd.DataFrame([list(row) for row in body], columns=[column.name for column in columns], dtype=str)
    labels = {column.name: column.label for column in columns}
    right = [column.name for column in columns if column.unit != "text"]
    left = [column.name for column in columns if column.unit == "text"]
    layout = GT(frame, rowname_col=row_header, groupname_col=group, id=f"gt-{key}")
    layout = layout.fmt(str, columns=[name for name in labels if name == MARKED])
    layout = layout.cols_align("right", columns=right).cols_align("left", columns=left)
    layout = layout.cols_label({name: text for name, text in labels.items() if name not in (row_header, group)})
    layout = layout.tab_stubhead(labels[row_header])
    text = _plain(layout.as_raw_html())
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return Markdown(f"{fence}{{=html}}\n{text}\n{fence}\n{below}")  # type: ignore[no-untyped-call]


def _plain(text: str) -> str:
    """Keep the table alone: no style sheet, no frame, no ids of rows; alignment as a style, which pandoc reads."""
    text = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
    found = re.search(r"<table.*</table>", text, flags=re.DOTALL)
    assert found is not None
    text = found[0].replace('class="gt_group_heading"', 'class="gt_group_heading gt_left"')
    text = re.sub(r'\bgt_row | id="[^"]*-stub-\d+"|^ +', "", text, flags=re.MULTILINE)
    return re.sub(r'(?=class="[^"]*\bgt_(left|right)\b)', r'style="text-align: \1;" ', text)
