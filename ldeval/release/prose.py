"""Numbers for prose: each comes out as Markdown that carries its id, so that the page can show where it comes from.

In a chapter, as inline code: `` `{python} est("rossi/hazard_ratio/fin", "interval")` ``. HTML gets a span with the id,
the PDF plain text, under Quarto and the built-in renderer alike.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, get_args

from ldeval.estimate import Estimate
from ldeval.release.numbers import as_given, between, central, end, form, level
from ldeval.release.results import results
from ldeval.words import nearest, spelt

if TYPE_CHECKING:
    from IPython.display import Markdown

Form = Literal["value", "interval", "range", "change", "low", "high", "p", "n", "events"]
FactForm = Literal["cited", "value"]


def est(key: str, how: Form = "value") -> Markdown:
    """Give one estimate for prose.

    `value` 0.68; `interval` 0.68 (95% interval 0.47 to 0.996); `range` 0.47 to 0.996; `change` 32% lower, for a ratio;
    `low` and `high` its bounds; `p` p = 0.047; `n` and `events` the counts behind it.

    Raises:
        KeyError: no such estimate was released; those most like it are listed.
        ValueError: `how` is none of the forms, or the estimate has no such number.

    """
    _known(how, Form)
    if gap := results().missing(key):
        return span(f"not available ({gap.why})", "est missing", key)
    return span(_text(find(key), how), "est", key)


def fact(key: str, how: FactForm = "cited") -> Markdown:
    """Give a published fact or assumption: `cited` with a footnote that names source and standing, or the bare `value`.

    An assumption is marked as one in the text itself, and what was not found says so.

    Raises:
        KeyError: there is no such fact; all that there are, are listed.

    """
    facts = results().facts
    if key not in facts:
        raise KeyError(f"no fact {key!r} in data/facts.csv; facts: {', '.join(sorted(facts))}")
    found = facts[key]
    text = found.text if found.value is None else as_given(found.value, found.unit)
    shown = "not found" if found.flag == "NOT FOUND" else text
    mark = " (assumption)" if found.assumed else ""
    note = f"^[{escape(f'{found.text}. {found.source}: {found.standing}.')}]" if _known(how, FactForm) == "cited" else ""
    return span(shown, "fact", key, after=mark + note)


PARTS = ("_rate", "_share")
"""How the protocol's keys of parts of a whole end."""


def study(key: str) -> Markdown:
    """Give a value of the protocol by its key in `study.toml`, such as "study.follow_up_days"; a rate or share in per cent.

    Raises:
        KeyError: there is no such key; the part that fails and the keys there are named.

    """
    value: Any = results().study
    for part in key.split("."):
        if not isinstance(value, Mapping) or part not in value:
            keys = ", ".join(value) if isinstance(value, Mapping) else "none"
            raise KeyError(f"no key {key!r} in study.toml: {part!r} is not there; keys at that place: {keys}")
        value = value[part]
    if isinstance(value, Mapping):
        raise KeyError(f"{key!r} in study.toml is a table, not a value; its keys: {', '.join(value)}")
    return span(f"{100 * value:.3g}%" if key.endswith(PARTS) else _protocol(value), "study", key)


def escape(text: str) -> str:
    """Escape what Markdown would read as markup; line breaks become spaces."""
    return re.sub(r"([\\`*_{}\[\]<>#|~^$@!&])", r"\\\1", " ".join(text.split()))


UNBROKEN = re.compile(
    r"(?<=[\d%]) (?=to [−£\d])|(?<=[\d%] to) (?=[−£\d])|(?<=\bp) (?=[=\\<])|(?<=[=<]) (?=[−\d])"
    r"|(?<=\d) (?=(?:million|percentage points|days?|weeks?|months?|years?|people|interval)\b)|(?<=percentage) (?=points)"
)
"""Spaces at which a line may not end: in an interval, after "p" and "=", between a number and its unit."""


def unbroken(text: str) -> str:
    """Keep together on a line what is read as one: `p = 0.05`, `0.47 to 0.996`, `12 days`, `−£40`."""
    return UNBROKEN.sub("\N{NO-BREAK SPACE}", text).replace("−£", "−\N{WORD JOINER}£")


def protocol_of(row: Estimate) -> Mapping[str, Any]:
    """Give what the protocol says of the outcome of an estimate.

    Raises:
        KeyError: the outcome is not in the protocol; those that are, are listed.

    """
    outcomes: Mapping[str, Mapping[str, Any]] = results().study["outcomes"]
    if row.outcome not in outcomes:
        raise KeyError(f"outcome {row.outcome!r} is not in study.toml; it has: {', '.join(outcomes)}")
    return outcomes[row.outcome]


def find(key: str) -> Estimate:
    """Give a released estimate.

    Raises:
        KeyError: there is none of that id; those most like it are listed.

    """
    estimates = results().estimates
    if key not in estimates:
        raise KeyError(f"no released estimate {key!r}; {nearest(key, estimates)}")
    return estimates[key]


def _known(how: Any, forms: Any) -> Any:
    if how not in get_args(forms):
        raise ValueError(f"form must be one of {', '.join(get_args(forms))}; found {how!r}")
    return how


def _text(row: Estimate, how: Form) -> str:
    if how == "interval":
        return f"{central(row)} ({level(row.level)} interval {between(row)})"
    if how == "range":
        return between(row)
    if how == "change":
        return _change(row)
    if how in ("low", "high"):
        return end(row, "low" if how == "low" else "high")
    if how == "value":
        return central(row)
    return _count_or_p(row, how)


def _count_or_p(row: Estimate, how: Form) -> str:
    number = {"p": row.p_value, "n": row.n, "events": row.events}[how]
    if number is None:
        raise ValueError(f"estimate {row.id!r} has no {how}")
    if how != "p":
        return form(number, "people")
    text = form(number, "p")
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def _change(row: Estimate) -> str:
    if row.scale != "log":
        raise ValueError(f"estimate {row.id!r} is no ratio: a change in per cent cannot be given")
    size = abs(row.value - 1) * 100
    text = f"{size:,.0f}" if size >= 1 else f"{size:.1f}"
    return "unchanged" if text == "0.0" else f"{text}% {'lower' if row.value < 1 else 'higher'}"


def _protocol(value: object) -> str:
    if isinstance(value, list):
        words = [spelt(_protocol(item)) for item in value]
        return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
    if isinstance(value, float):
        return f"{value:.2f}" if len(f"{value:g}") <= 4 else f"{value:g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return _day(text) if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"


def span(text: str, classes: str, key: str, *, after: str = "") -> Markdown:
    """Give text as Markdown that carries its classes and the id of what it comes from."""
    from IPython.display import Markdown

    safe = key.replace("\\", "\\\\").replace('"', '\\"')
    dotted = " ".join(f".{name}" for name in classes.split())
    return Markdown(f'[{unbroken(escape(text))}]{{{dotted} data-id="{safe}"}}{after}')  # type: ignore[no-untyped-call]
