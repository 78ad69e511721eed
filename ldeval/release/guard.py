"""What a disclosure policy does to each kind of result, and the record of it for the owner of the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ldeval.analysis.counted import Arm, Counts, Key, NotEstimated, Share
from ldeval.analysis.exhibits import Cell, Curves, Effects, Exhibit, Table
from ldeval.estimate import Estimate
from ldeval.release.behind import keys
from ldeval.release.counts_table import as_table
from ldeval.release.policy import SUPPRESSED, WITHHELD, Policy, significant
from ldeval.release.precision import DIGITS, coarsened, is_crude, undeclared
from ldeval.release.shares import share_estimate
from ldeval.release.suppress import Controlled
from ldeval.release.thin import refused, thinned

Item = Estimate | Share | Exhibit | Counts | NotEstimated
Result = Estimate | Exhibit | NotEstimated

IDENTIFIERS = ("person", "nhs_number", "nhsnumber", "pnc", "urn", "surname", "forename", "birth", "postcode")
"""Parts of column names under which a person's own record would stand."""

MOST_ROWS = 1000
"""A plain table with more rows than this is no table for readers; it may be person-level rows under another name."""


@dataclass(frozen=True, slots=True)
class Action:
    """What was done to one result: `done` is released, controlled, withheld or refused; `suppressed` of its `numbers`."""

    id: str
    kind: str
    policy: str
    done: str
    numbers: int
    suppressed: int
    why: str


def untouched(item: Item, why: str) -> tuple[Result, Action]:
    """Release a result as it is; tables of counts are laid out, shares computed."""
    action = Action(item.id, type(item).__name__, "none", "released", _size(item), 0, why)
    if isinstance(item, Counts):
        return as_table(item, item.counted(), None), action
    if isinstance(item, Share):
        return share_estimate(item, item.events, item.n, None), action
    return item, replace(action, done="not estimated", why=_clause(item.why)) if isinstance(item, NotEstimated) else action


def controlled(item: Item, arms: Sequence[Arm], shown: Controlled, policy: Policy) -> tuple[Result, Action]:
    """Apply the policy to one result.

    Raises:
        TypeError: it is no result.

    """
    if isinstance(item, Estimate):
        return _estimate(item, arms, shown, policy)
    if isinstance(item, Share):
        return _share(item, shown, policy)
    if isinstance(item, Counts):
        return _counts(item, shown, policy)
    if isinstance(item, Curves):
        return _curves(item, policy)
    if isinstance(item, Table):
        return _table(item, policy)
    if isinstance(item, Effects):
        return item, _action(item, policy, "controlled", "Each estimate shown has passed disclosure control on its own.")
    if isinstance(item, NotEstimated):
        return untouched(item, "")
    raise TypeError(f"{type(item).__name__} is no result that can be released; person-level rows never leave")


def _action(item: Item, policy: Policy, done: str, why: str, suppressed: int = 0) -> Action:
    return Action(item.id, type(item).__name__, policy.name, done, _size(item), suppressed, why)


def _size(item: Item) -> int:
    """Give how many numbers a result shows."""
    if isinstance(item, Counts):
        return len(item.rows) * len(item.columns)
    if isinstance(item, Curves):
        return len(item.points)
    if isinstance(item, Table):
        return sum(len(item.rows) for column in item.columns if column.unit != "text")
    if isinstance(item, Effects):
        return len(item.rows)
    return 0 if isinstance(item, NotEstimated) else 1


def _clause(why: str) -> str:
    return f"Not estimated: {why}."


def _kept(item: Estimate | Share | Counts | Curves | Table, policy: Policy, done: str, why: str) -> tuple[Result, Action]:
    """Keep a result back: the report says why in its place."""
    what = item.measure if isinstance(item, Estimate | Share) else item.title
    outcome = item.outcome if isinstance(item, Estimate | Share) else ""
    said = f"{done.capitalize()} by policy {policy.name}: {why}."
    return NotEstimated(item.id, what, f"{done} {WITHHELD}: {why}", outcome), _action(item, policy, done, said, _size(item))


def _estimate(row: Estimate, arms: Sequence[Arm], shown: Controlled, policy: Policy) -> tuple[Result, Action]:
    sides = (*((arm.n, arm.events) for arm in arms), (row.n, row.events))
    if any(policy.is_small(n) for n, _ in sides):
        return _kept(row, policy, "withheld", f"1 to {policy.small} people on one side")
    if any(policy.is_small(events) for _, events in sides):
        return _kept(row, policy, "withheld", f"1 to {policy.small} events on one side")
    if any(shown.counts[key] is None for key in keys(row, arms)):
        return _kept(row, policy, "withheld", "a count behind it is suppressed")
    if any((arm.largest or 0) > policy.dominance for arm in arms):
        return _kept(row, policy, "withheld", f"one person makes up more than {policy.dominance:.0%} of a total")
    if undeclared(row, arms):
        return _kept(row, policy, "withheld", "a crude comparison whose arms were not declared could be turned back into counts")
    model = f"from a model: {DIGITS} significant digits of its standard error"
    made = "crude: moved to where rounded counts put it, without p-value" if is_crude(row) else model
    unseen = "" if arms else " Its arms were not declared: checked on all people and events together."
    why = f"Policy {policy.name}: people and events rounded to the nearest {policy.base}; {made}.{unseen}"
    return coarsened(row, arms, policy), _action(row, policy, "controlled", why)


def _share(item: Share, shown: Controlled, policy: Policy) -> tuple[Result, Action]:
    counts = item.counted()
    n, events = (shown.counts[key] for key in counts)
    if n is None or events is None:
        return _kept(item, policy, "withheld", "a count behind it is suppressed")
    why = f"Policy {policy.name}: from counts rounded to the nearest {policy.base}."
    return share_estimate(item, events, n, policy), _action(item, policy, "controlled", why)


def _counts(item: Counts, shown: Controlled, policy: Policy) -> tuple[Result, Action]:
    hidden = sum(shown.counts[key] is None for key in item.identities())
    if hidden == _size(item):
        return _kept(item, policy, "withheld", "every count is suppressed")
    said = f"Policy {policy.name}: counts rounded to the nearest {policy.base}, so that parts may not add up"
    if hidden:
        said += f"; {hidden} of {_size(item)} suppressed ({SUPPRESSED}: 1 to {policy.small}, or to protect such a count)"
    if item.share != "none":
        said += "; shares are of rounded counts"
    return as_table(item, _only(shown, item), policy), _action(item, policy, "controlled", f"{said}.", hidden)


def _only(shown: Controlled, item: Counts) -> dict[Key, int | None]:
    return {key: shown.counts[key] for key in item.identities()}


def _curves(item: Curves, policy: Policy) -> tuple[Result, Action]:
    if why := refused(item, policy):
        return _kept(item, policy, "withheld", why)
    made = "values in steps of one rounded count" if item.weighted else "computed again from rounded cumulative counts"
    why = (
        f"Policy {policy.name}: steps only where more than {policy.small} further events have come in each group; {made}; "
        f"numbers at risk rounded to the nearest {policy.base}, 1 to {policy.small} shown as 0."
    )
    return thinned(item, policy), _action(item, policy, "controlled", why)


def _table(item: Table, policy: Policy) -> tuple[Result, Action]:
    names = [column.name.lower() for column in item.columns]
    if found := [name for name in names if any(word in name for word in IDENTIFIERS)]:
        return _kept(item, policy, "refused", f"person-level rows never leave (column {', '.join(found)})")
    if len(item.rows) > MOST_ROWS:
        return _kept(item, policy, "refused", f"more than {MOST_ROWS:,} rows: person-level rows never leave")
    if plain := [column.name for column in item.columns if column.unit != "text" and not column.source]:
        return _kept(item, policy, "refused", f"numbers of undeclared source (column {', '.join(plain)})")
    rows = tuple(
        tuple(_number(cell) if column.source == "model" else cell for cell, column in zip(row, item.columns, strict=True))
        for row in item.rows
    )
    why = f"Policy {policy.name}: numbers from models, {DIGITS} significant digits, and public values; no count of people."
    return replace(item, rows=rows), _action(item, policy, "controlled", why)


def _number(cell: Cell) -> Cell:
    return significant(cell, DIGITS) if isinstance(cell, float) and cell else cell
