"""All released files together give no suppressed count away; weak releases do, so the attack itself works.

A suppressed count counts as recovered when fewer values are possible than a rounded count has (`policy.base`).
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from attack import hidden, possible, read, sums
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from release_folder import make_study, write_results

from ldeval.analysis.counted import Counts, Line, Share, tally
from ldeval.analysis.findings import Findings, Origin
from ldeval.release.counts_table import as_table
from ldeval.release.disclosure import Cleared, clear
from ldeval.release.policy import POLICIES
from ldeval.release.suppress import control

POLICY = POLICIES["nhs-hes"]
ORIGIN = Origin("ldeval.analysis.validation.rossi", ("rossi", "records"))
"""Not from open data alone: the study's policy holds."""

PEOPLE = "service users"
ALL = Line("All")
SEX = tuple(Line(name, {"sex": name}) for name in ("Female", "Male"))
AREAS = tuple(Line(name, {"area": name}) for name in "ABCD")
AGES = tuple(Line(name, {"age": name}) for name in ("18-24", "25-44", "45+"))
NEEDS = tuple(Line(name, {name: "yes"}) for name in ("housing", "mental health"))
ARMS = tuple(Line(name, {"arm": name}) for name in ("service", "comparison"))


def people(n, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": rng.choice(["Female", "Male"], n, p=[0.2, 0.8]),
            "area": rng.choice(list("ABCD"), n, p=[0.5, 0.3, 0.15, 0.05]),
            "age": rng.choice(["18-24", "25-44", "45+"], n, p=[0.3, 0.6, 0.1]),
            "housing": rng.choice(["yes", "no"], n, p=[0.15, 0.85]),
            "mental health": rng.choice(["yes", "no"], n, p=[0.6, 0.4]),
            "arm": rng.choice(["service", "comparison"], n),
        }
    )


def layouts(frame):
    """Give linked tables: each shares margins with others, none shows all that there is."""
    shapes = {
        "area-sex": ((ALL, *AREAS), (ALL, *SEX)),
        "area-age": ((ALL, *AREAS), AGES),
        "needs-sex": ((ALL, *NEEDS), (ALL, *SEX)),
        "needs-area": (NEEDS, (ALL, *AREAS)),
        "arm-age": (AGES, (ALL, *ARMS)),
    }
    return tuple(
        Counts(key, key, PEOPLE, rows, columns, tally(frame, rows, columns), "of column" if ALL in rows else "none")
        for key, (rows, columns) in shapes.items()
    )


def shares(frame):
    return tuple(
        Share.of(frame, f"needs/{need.label.replace(' ', '_')}/{area.label}", "needs", "share", PEOPLE, area.where, need.where)
        for need in NEEDS
        for area in AREAS
    )


def found(frame):
    plain = Findings((), layouts(frame), shares=shares(frame))
    return replace(plain, origins=dict.fromkeys(plain.ids(), ORIGIN))


def released(root, cleared):
    make_study(root)
    write_results(root, cleared)
    return root / "_results"


def hidden_for_themselves(findings):
    counts = findings.counted()
    return {key: min(1, counts[key]) for key in control(counts, POLICY).small}


def recovered(folder, findings, policy, small):
    """Give the suppressed counts of which the released files leave too few values possible, with these.

    Small totals, suppressed themselves, narrow their parts whatever is released; no release has to do better than none.
    """
    truth = findings.counted()
    known = read(folder, findings.exhibits, findings.shares, policy, small)
    for key, (low, high) in known.items():
        assert low <= truth[key] <= high, "the attacker's knowledge must be true"
    wanted = [key for key in truth if policy.is_small(truth[key])]
    left = possible(known, truth, wanted)
    unseen = {key: hidden(key, small, policy) if truth[key] or key in small else (0, 0) for key in truth}
    at_best = possible(unseen, truth, wanted)
    return {key: left[key] for key in wanted if values(left[key]) < min(POLICY.base, values(at_best[key]))}


def values(ends):
    return ends[1] - ends[0] + 1


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("n", [60, 250])
def test_nothing_suppressed_can_be_recovered(tmp_path, seed, n):
    findings = found(people(n, seed))
    small = hidden_for_themselves(findings)
    assert small
    folder = released(tmp_path, clear(findings, "nhs-hes"))
    assert recovered(folder, findings, POLICY, small) == {}


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(st.integers(0, 25), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_table_with_its_margins_gives_a_small_count_away(tmp_path_factory, grid):
    findings = one_table(grid)
    small = hidden_for_themselves(findings)
    folder = released(tmp_path_factory.mktemp("study"), clear(findings, "nhs-hes"))
    assert recovered(folder, findings, POLICY, small) == {}


def one_table(values):
    rows = tuple(Line(f"r{i}", {"r": f"r{i}"}) for i in range(len(values)))
    columns = tuple(Line(f"c{j}", {"c": f"c{j}"}) for j in range(len(values[0])))
    filled = [[*row, sum(row)] for row in values]
    total = [sum(column) for column in zip(*filled, strict=True)]
    grid = tuple(tuple(row) for row in (*filled, total))
    plain = Findings((), (Counts("t", "T", PEOPLE, (*rows, ALL), (*columns, ALL), grid),))
    return replace(plain, origins={"t": ORIGIN})


# The attack works: each weak release is one that somebody has made.


def weakly(findings, policy, suppress):
    """Release counts by a rule of one's own: `suppress` says which of the counts of one table are not shown."""
    tables = []
    for layout in findings.exhibits:
        hidden = suppress(layout.counted())
        shown = {key: None if key in hidden else policy.rounded(value) for key, value in layout.counted().items()}
        tables.append(as_table(layout, shown, policy))
    kept = Findings((), tuple(tables), findings.origins)
    return Cleared(kept, "weak", dict.fromkeys(kept.ids(), "Weak."))


def small(counts):
    """Give the small counts of a table, which is all that a careless release hides."""
    return {key: 1 for key, value in counts.items() if POLICY.is_small(value)}


EXACT = replace(POLICY, base=1)


def test_the_attack_recovers_a_lone_small_count_of_an_unrounded_table(tmp_path):
    findings = one_table([[3, 40, 50], [20, 30, 60]])
    folder = released(tmp_path, weakly(findings, EXACT, small))
    gone = recovered(folder, findings, EXACT, small(findings.counted()))
    assert set(gone.values()) == {(3, 3)}


def test_the_attack_recovers_small_counts_by_subtraction_across_tables(tmp_path):
    """Each table is safe by itself: two are hidden in each row. The other table shows what they add up to, by sex."""
    findings = replace(found(people(250, 1)), shares=())

    def alone(counts):
        controlled = control(counts, EXACT)
        return {key for key, value in controlled.counts.items() if value is None}

    folder = released(tmp_path, weakly(findings, EXACT, alone))
    gone = recovered(folder, findings, EXACT, hidden_for_themselves(findings))
    assert any(low == high for low, high in gone.values())


def test_the_attack_narrows_a_rounded_table_without_complementary_suppression(tmp_path):
    """True 7, 12 and 43: shown *, 10 and 45 of 62, shown 60; with the third shown low, too few values are left."""
    findings = one_table([[7, 12], [40, 40]])
    folder = released(tmp_path, weakly(findings, POLICY, small))
    assert recovered(folder, findings, POLICY, small(findings.counted()))


def test_the_sums_that_the_attacker_knows_hold():
    truth = found(people(250, 3)).counted()
    assert len(sums(truth)) > 10
    for keys, signs in sums(truth):
        assert math.isclose(sum(sign * truth[key] for key, sign in zip(keys, signs, strict=True)), 0)
