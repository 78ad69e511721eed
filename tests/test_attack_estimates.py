"""What leaves with estimates (errors, events of arms, one estimate over another) gives no suppressed count away either.

As in `test_attack`, a count counts as recovered when fewer values are possible than a rounded count has.
"""

from dataclasses import replace

import pytest
from attack import behind_ratio, behind_share, crude_ratio, crude_share, made

from ldeval.analysis.counted import Arm, Share
from ldeval.analysis.effects import FIVE, in_fives
from ldeval.analysis.findings import Findings, Origin
from ldeval.analysis.timeliness import per_case_touched
from ldeval.release.disclosure import clear
from ldeval.release.policy import POLICIES
from ldeval.release.precision import coarsened

POLICY = POLICIES["nhs-hes"]
EXACT = replace(POLICY, base=1)
ORIGIN = Origin("ldeval.analysis.validation.rossi", ("rossi", "records"))
"""Not from open data alone: the study's policy holds."""


def plain_release(row, arms, policy):
    return row


@pytest.mark.parametrize("events", [2, 5, 9, 33])
def test_the_attack_reads_events_out_of_unrounded_errors(events):
    assert behind_share(crude_share(events, 80), EXACT, plain_release) == {events}
    arms = (Arm("Service", 5000, events), Arm("Comparison", 5000, 300))
    assert behind_ratio(crude_ratio(events, 300), arms, EXACT_BLIND, (1.0, 1.0), plain_release) == {events}


class Blind:
    """Somebody who knows nothing of the events of either arm."""

    base = 1

    def bounds(self, shown):
        return 1, 400


EXACT_BLIND = Blind()


@pytest.mark.parametrize("n", [60, 100, 401, 2003])
@pytest.mark.parametrize("events", [8, 9, 13, 30, 52])
def test_released_errors_leave_all_that_rounding_leaves_of_a_share(events, n):
    left = behind_share(coarsened(crude_share(events, n), (), POLICY), POLICY)
    low, high = POLICY.bounds(POLICY.rounded(events))
    assert left >= set(range(low, high + 1)) & set(range(n - 4))


@pytest.mark.parametrize("counts", [(8, 500), (10, 30), (23, 200), (50, 503), (1003, 5000)])
def test_released_errors_leave_all_that_rounding_leaves_of_a_ratio(counts):
    times = (3.1, 7.7)
    row = coarsened(crude_ratio(*counts, times), tuple(Arm("", 5000, count) for count in counts), POLICY)
    arms = tuple(Arm("", 5000, POLICY.rounded(count)) for count in counts)
    low, high = POLICY.bounds(POLICY.rounded(counts[0]))
    assert behind_ratio(row, arms, POLICY, times) == set(range(low, high + 1))


def monthly(*events):
    """Give rate ratios of three months, and of the quarter that they make, against the quarter before."""

    def arm(*months):
        return Arm("Months", 400, sum(count for _, count in months), 0.1, "contacts of users", months)

    base, months = arm(("-2", 40), ("-1", 44)), [(f"+{number}", count) for number, count in enumerate(events)]
    arms = {**{f"use/ratio/{name}": (arm((name, count)), base) for name, count in months}, "use/ratio/near": (arm(*months), base)}
    rows = tuple(replace(crude_ratio(one.events, 84, (1.0, 2.0)), id=key) for key, (one, _) in arms.items())
    return replace(Findings(rows, arms=arms), origins=dict.fromkeys(arms, ORIGIN))


def left_of_the_first_month(shown):
    """Give what the first month can be, withheld as it is, given the arms of all estimates that left."""

    def bounds(key):
        return POLICY.bounds(shown[key][0].events) if key in shown else (1, 400)

    sums = [bounds("use/ratio/near")[end] - bounds("use/ratio/+1")[1 - end] - bounds("use/ratio/+2")[1 - end] for end in (0, 1)]
    return set(range(max(1, sums[0]), min(7, sums[1]) + 1))


@pytest.mark.parametrize("events", [(1, 13, 18), (6, 13, 18), (3, 22, 41), (7, 8, 8), (2, 9, 100)])
def test_months_and_their_quarter_give_no_small_month_away(events):
    findings = monthly(*events)
    every = {key: tuple(Arm("", 400, POLICY.rounded(arm.events)) for arm in arms) for key, arms in findings.arms.items()}
    careless = {key: arms for key, arms in every.items() if key != "use/ratio/+0"}
    left = left_of_the_first_month(clear(findings, "nhs-hes").findings.arms)
    assert len(left) >= POLICY.base
    assert left_of_the_first_month(careless) <= left


def test_a_month_is_recovered_where_only_small_estimates_are_withheld():
    """True 1, 13 and 18, of 32: shown *, 15 and 20 of 30, which is at most 32 less 13 less 18."""
    every = {
        key: tuple(Arm("", 400, POLICY.rounded(arm.events)) for arm in arms) for key, arms in monthly(1, 13, 18).arms.items()
    }
    assert left_of_the_first_month({key: arms for key, arms in every.items() if key != "use/ratio/+0"}) == {1}


def test_months_that_are_large_all_leave():
    assert len(clear(monthly(30, 40, 50), "nhs-hes").findings.estimates) == 4


ROW = made("days", -2.0, 0.5, "identity", -2.98, -1.02, 300, None)
TOUCHED = replace(ROW, id="timeliness/restricted_mean_days/att", outcome="timeliness", measure="days", estimand="ATT")


def over_a_share(events, n):
    """Give what leaves of an effect on all cases, of the share of cases touched, and of one over the other."""
    share = Share("timeliness/touched", "timeliness", "touched", "cases", {"live": "yes"}, {"touched": "yes"}, events, n)
    plain = Findings((TOUCHED,), shares=(share,), arms={TOUCHED.id: (Arm("Live", 150), Arm("Not yet", 150))})
    whole = plain + per_case_touched(plain)
    return clear(replace(whole, origins=dict.fromkeys(whole.ids(), ORIGIN)), "nhs-hes").findings


@pytest.mark.parametrize("events", [1, 3, 7])
def test_no_estimate_over_a_suppressed_share_leaves(events):
    """The effect over the share, beside the effect, is the share."""
    assert [row.id for row in over_a_share(events, 200).estimates] == [TOUCHED.id]


@pytest.mark.parametrize(("low", "n"), [(8, 200), (13, 61), (98, 4003)])
def test_an_estimate_over_a_share_is_the_same_for_all_counts_that_round_alike(low, n):
    assert len({over_a_share(events, n).estimates for events in range(low, low + 5)}) == 1


def test_a_number_of_people_diverted_is_the_same_for_all_numbers_of_users_that_round_alike():
    assert len({in_fives(users) for users in range(8458, 8463)}) == 1
    assert {policy.base for policy in POLICIES.values()} == {FIVE}
    assert all(in_fives(count) == POLICY.rounded(count) for count in range(3, 200))
