"""Somebody who reads all released files together and tries to work suppressed counts out.

The attacker knows everything but the true counts: the policy and the code that applies it, what each cell counts, which counts
add up to which, and even which counts were suppressed for being small and which to protect others. Three ways in:

- bounds and subtraction: every sum between counts of all tables and shares, solved in whole numbers (`possible`);
- errors: every set of counts for which the policy would have released this value and error (`behind_share`,
  `behind_ratio`);
- both, by narrowing the bounds with what the errors leave.
"""

from __future__ import annotations

import csv
import math

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from ldeval.analysis.counted import Arm
from ldeval.estimate import Estimate, read_csv
from ldeval.release.precision import coarsened


def read(folder, layouts, shares, policy, small):
    """Give what the files say of each count by itself; `layouts` and `shares` tell what cells mean, not their values.

    `small` are the counts suppressed for themselves, each with the least that it can be (a hidden zero is not told apart from
    others). Where one count is shown twice, both are used.
    """
    known = {}

    def note(key, low, high):
        old = known.get(key, (0, math.inf))
        known[key] = max(old[0], low), min(old[1], high)

    for layout in layouts:
        path = folder / "tables" / f"{layout.id}.csv"
        if not path.is_file():
            for key in layout.identities():
                note(key, *hidden(key, small, policy))
            continue
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        first = 2 if any(line.group for line in layout.rows) else 1
        step = 1 if layout.share == "none" else 2
        cells = [cell for row in rows for cell in row[first::step]]
        for key, cell in zip(layout.identities(), cells, strict=True):
            note(key, *(hidden(key, small, policy) if cell == "*" else policy.bounds(int(cell))))
    estimates = read_csv(folder / "estimates.csv")
    for share in shares:
        if share.id in estimates:
            n, events = share.counted()
            note(n, *policy.bounds(estimates[share.id].n))
            note(events, *policy.bounds(estimates[share.id].events))
    return known


def hidden(key, small, policy):
    return (small[key], policy.small) if key in small else (policy.small + 1, math.inf)


def sums(truth):
    """Give the sums that hold among counts: (keys, signs), of each total that is shown, and of unshown totals pairwise."""
    found, breakdowns = [], {}
    for population, conditions in truth:
        for name, category in conditions:
            rest = population, conditions - {(name, category)}
            breakdowns.setdefault(rest, {}).setdefault(name, []).append((population, conditions))
    for total, by_name in breakdowns.items():
        sides = list(by_name.values())
        if total in truth:
            found += [([total, *parts], [-1] + [1] * len(parts)) for parts in sides if added(parts, truth) == truth[total]]
        else:
            pairs = [(a, b) for i, a in enumerate(sides) for b in sides[i + 1 :] if added(a, truth) == added(b, truth)]
            found += [([*a, *b], [1] * len(a) + [-1] * len(b)) for a, b in pairs]
    return found


def inside(truth):
    """Give the pairs of a count and one that holds it, whatever their difference."""
    return [(part, whole) for part in truth for whole in truth if part[0] == whole[0] and whole[1] < part[1]]


def added(parts, truth):
    return sum(truth[key] for key in parts)


def possible(known, truth, wanted):
    """Give the least and largest whole number that each wanted count can be, by integer programming."""
    order = {key: i for i, key in enumerate(known)}
    rows = []
    for keys, signs in sums(truth):
        row = np.zeros(len(order))
        row[[order[key] for key in keys]] = signs
        rows.append((row, 0, 0))
    for part, whole in inside(truth):
        row = np.zeros(len(order))
        row[order[whole]], row[order[part]] = 1, -1
        rows.append((row, 0, np.inf))
    bounds = Bounds([known[key][0] for key in order], [known[key][1] for key in order])
    constraints = [LinearConstraint(np.array([r[0] for r in rows]), [r[1] for r in rows], [r[2] for r in rows])] if rows else []
    return {key: (end(1, key, order, bounds, constraints), end(-1, key, order, bounds, constraints)) for key in wanted}


def end(sign, key, order, bounds, constraints):
    cost = np.zeros(len(order))
    cost[order[key]] = sign
    solved = milp(cost, integrality=np.ones(len(order)), bounds=bounds, constraints=constraints)
    if solved.status in (3, 4) and sign < 0:
        return math.inf
    assert solved.status == 0, solved.message
    return round(sign * solved.fun)


def crude_share(events, n):
    """Give a crude share with Wald's error and interval, as a program without disclosure control would."""
    p = events / n
    se = math.sqrt(p * (1 - p) / n)
    return made("share", p, se, "identity", max(p - 1.96 * se, 0), min(p + 1.96 * se, 1), n, events)


def crude_ratio(a, b, times=(1.0, 1.0)):
    """Give a crude rate ratio: its squared error on the log scale is 1/a + 1/b."""
    value, se = (a / times[0]) / (b / times[1]), math.sqrt(1 / a + 1 / b)
    low, high = value * math.exp(-1.96 * se), value * math.exp(1.96 * se)
    return made("ratio", value, se, "log", low, high, 10_000, a + b)


def made(unit, value, se, scale, low, high, n, events):
    return Estimate("crude/estimate", "o", "m", unit, "descriptive", value, se, scale, low, high, 0.95, n, events, "by hand")


def behind_share(released, policy, release=coarsened):
    """Give the numbers of events for which a crude share would have been released as it was."""
    low, high = policy.bounds(released.n) if policy.base > 1 else (released.n, released.n)
    tried = ((events, n) for n in range(low, high + 1) for events in range(1, n))
    return {events for events, n in tried if release(crude_share(events, n), (), policy) == released}


def behind_ratio(released, arms, policy, times, release=coarsened):
    """Give the numbers of events of the first arm for which a crude ratio would have been released as it was."""
    first, second = (range(lo, hi + 1) for lo, hi in (policy.bounds(arm.events) for arm in arms))
    sides = tuple(Arm(arm.label, 5000, 0) for arm in arms)
    found = set()
    for a in first:
        for b in second:
            ours = tuple(Arm(side.label, side.n, events) for side, events in zip(sides, (a, b), strict=True))
            if release(crude_ratio(a, b, times), ours, policy) == released:
                found.add(a)
    return found
