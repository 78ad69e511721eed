"""A finding as sentences: the estimate, the verdict and what it rests on, for each of the four verdicts.

Nothing is typed for one direction: the same chapter says "for the better", "for the worse" or that nothing can be said, as the
numbers have it. Which way is better for an outcome is in `study.toml`; where it is not, the sentence says lower or higher.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ldeval.estimate import Estimate
from ldeval.release.numbers import between, central, form, level
from ldeval.release.prose import find, protocol_of, span
from ldeval.release.results import results
from ldeval.release.verdicts import Better, band, decide, excludes_null, threshold
from ldeval.words import spelt

if TYPE_CHECKING:
    from IPython.display import Markdown

    from ldeval.analysis.counted import NotEstimated

WORDED = ("percentage points", "days")
"""Units that a number does not show by itself."""


def finding(key: str) -> Markdown:
    """Give two sentences on one estimate: what was estimated, and what its interval shows.

    Raises:
        KeyError: no such estimate, or its outcome is not in the protocol.
        ValueError: what matters for its outcome is in another unit.

    """
    if gap := results().missing(key):
        return span(f"The {_subject(gap.what)} could not be estimated: {gap.why}.", "est missing", key)
    row = find(key)
    outcome = protocol_of(row)
    return span(sentences(row, threshold(row, outcome), outcome.get("better") or ""), "est verdict", key)


def verdict(key: str) -> Markdown:
    """Give one of the four wordings, from the estimate and the effect that matters for its outcome in `study.toml`.

    A difference has its direction with it.

    Raises:
        KeyError: no such estimate, or its outcome is not in the protocol.
        ValueError: what matters for its outcome is in another unit.

    """
    if results().missing(key):
        return span("could not be estimated", "est verdict missing", key)
    row = find(key)
    return span(worded(row, protocol_of(row)), "est verdict", key)


def worded(row: Estimate, outcome: Mapping[str, Any]) -> str:
    """Give the verdict on an estimate, a difference with its direction."""
    said = decide(row, threshold(row, outcome))
    return f"{said}, {direction(row, outcome.get('better') or '')}" if said.startswith("a difference") else said


def sentences(row: Estimate, matters: float, better: Better) -> str:
    """Give the two sentences as plain text."""
    unit = f" {row.unit}" if row.unit in WORDED else ""
    first = f"The {_subject(spelt(row.measure))} was {central(row)}{unit} ({level(row.level)} interval {between(row)})."
    return f"{first} {_reading(row, matters, better)}"


def _subject(words: str) -> str:
    """Close with a comma what a comma opened, so that a verb can follow."""
    return f"{words}," if "," in words else words


def _reading(row: Estimate, matters: float, better: Better) -> str:
    said, way, bounds = decide(row, matters), direction(row, better), _limits(row, matters)
    if said == "a difference that matters":
        return f"This is a difference that matters, {way}: the whole interval lies at or beyond {bounds}."
    if said == "a difference, but smaller than matters":
        return f"This is a difference {way}, but smaller than matters: the whole interval lies short of {bounds}."
    if said == "no difference that matters":
        return f"This shows no difference that matters: the interval includes no effect and lies wholly short of {bounds}."
    if excludes_null(row):
        held = f"The interval reaches one of {bounds}, and holds smaller effects too"
        return f"{held}: there is evidence of a difference {way}, but it is too imprecise to say whether it matters."
    return f"The interval reaches at least one of {bounds}, and also includes no effect at all: this is too imprecise to say."


def matters(outcome: str) -> Markdown:
    """Give the smallest effect that matters for an outcome of the protocol, with its unit.

    Raises:
        KeyError: no such outcome; those that there are, are listed.

    """
    outcomes = results().study["outcomes"]
    if outcome not in outcomes:
        raise KeyError(f"outcome {outcome!r} is not in study.toml; it has: {', '.join(outcomes)}")
    size, unit = outcomes[outcome]["matters"], outcomes[outcome]["unit"]
    words = f" {unit}" if unit in WORDED else ""
    return span(f"{form(size, unit)}{words}", "study", f"outcomes.{outcome}.matters")


def _silent(gap: NotEstimated, key: str) -> Markdown:
    return span(f"Nothing is concluded here: the {_subject(gap.what)} could not be estimated ({gap.why}).", "est missing", key)


Case = Literal["better", "worse", "small", "none", "unclear"]
"""What a text may turn on: the verdict, and for a difference that matters whether it is for the better."""


def says(key: str, *, better: str, worse: str, small: str, none: str, unclear: str) -> Markdown:
    """Give the text for the case that the estimate is in; where it could not be estimated, say so and nothing else.

    `better` and `worse` are for a difference that matters, `small` for one that is smaller than matters, `none` for no
    difference that matters, `unclear` for one too imprecise to say. All five have to be written.

    Raises:
        KeyError: no such estimate, or its outcome is not in the protocol.
        ValueError: what matters for its outcome is in another unit, or the protocol does not say which way is better.

    """
    if gap := results().missing(key):
        return _silent(gap, key)
    row = find(key)
    texts = {"better": better, "worse": worse, "small": small, "none": none, "unclear": unclear}
    return span(texts[_case(row, protocol_of(row))], "est verdict", key)


def says_of_share(key: str, *, many: str, few: str, unclear: str) -> Markdown:
    """Give the text for where the interval of a share lies: at or above the share that matters, below it, or across it.

    Raises:
        KeyError: no such estimate, or its outcome is not in the protocol.
        ValueError: what matters for its outcome is a ratio, a sum or a number of days.

    """
    if gap := results().missing(key):
        return _silent(gap, key)
    row = find(key)
    outcome = protocol_of(row)
    if outcome["unit"] != "percentage points":
        raise ValueError(f"{key}: what matters for {row.outcome} in study.toml is in {outcome['unit']}, which judges no share")
    size = float(outcome["matters"])
    return span(many if row.low >= size else few if row.high < size else unclear, "est verdict", key)


def _case(row: Estimate, outcome: Mapping[str, Any]) -> Case:
    said = decide(row, threshold(row, outcome))
    if said == "a difference that matters":
        if not outcome.get("better"):
            raise ValueError(f"{row.outcome}: study.toml does not say which way is better, so no text can turn on it")
        return "better" if direction(row, outcome["better"]) == "for the better" else "worse"
    if said == "a difference, but smaller than matters":
        return "small"
    return "none" if said == "no difference that matters" else "unclear"


def direction(row: Estimate, better: Better) -> str:
    """Give which way an estimate points: for the better or the worse where the protocol says which is which."""
    lower = row.value < row.null
    if not better:
        return "towards lower values" if lower else "towards higher values"
    return "for the better" if lower == (better == "lower") else "for the worse"


def _limits(row: Estimate, matters: float) -> str:
    """Give the two effects that matter, in words."""
    low, high = band(row, matters)
    if row.scale == "log":
        return f"the effects that matter ({form(low, row.unit)} and {form(high, row.unit)})"
    unit = f" {row.unit}" if row.unit in WORDED else ""
    return f"the effects that matter ({form(high, row.unit)}{unit} in either direction)"
