"""What disclosure control did, for the appendix that tells of it: how many results left, by which rule, and which did not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, get_args

from ldeval.analysis.exhibits import Column
from ldeval.release.foot import foot
from ldeval.release.layout import lay_out
from ldeval.release.numbers import form
from ldeval.release.prose import span
from ldeval.release.results import results, subject
from ldeval.words import capital

if TYPE_CHECKING:
    from IPython.display import Markdown

Done = Literal["all", "released", "controlled", "kept"]
"""All results; those that left as they were; those that left after control; those that did not leave."""

LEFT = ("released", "controlled")


def disclosed(done: Done) -> Markdown:
    """Give how many results left in one way, or did not.

    Raises:
        ValueError: `done` is none of the choices.

    """
    if done not in get_args(Done):
        raise ValueError(f"done must be one of {', '.join(get_args(Done))}; found {done!r}")
    given = [row["done"] if row["done"] in LEFT else "kept" for row in results().actions]
    count = len(given) if done == "all" else given.count(done)
    return span(form(count, "values"), "log", "disclosure.csv")


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
    return lay_out(columns, rows, foot((), "disclosure.csv"), "done")


def withheld_table() -> Markdown:
    """Give the results that did not leave, by question and in words, and why; a sentence where all did."""
    from IPython.display import Markdown

    kept = [row for row in results().actions if row["done"] not in LEFT]
    if not kept:
        return Markdown("No result was withheld, refused or could not be estimated.\n")  # type: ignore[no-untyped-call]
    columns = [Column("group", "Question"), Column("what", "Result"), Column("why", "Why it is not shown")]
    rows = [[capital(subject(row["id"])), _named(row["id"]), row["why"]] for row in kept]
    return lay_out(columns, rows, foot((), "disclosure.csv"), "group")


def _named(key: str) -> str:
    """Give the words of a result that is not there."""
    gap = results().missing(key)
    return capital(gap.what if gap else key)


def _rule(why: str) -> str:
    """Take the numbers of one table out of what was done, so that tables under one rule are counted together."""
    return re.sub(r"\d+ of \d+ suppressed", "some suppressed", why)
