"""The policy nhs-hes on each kind of result, and what holds whatever is released."""

import csv
from dataclasses import replace
from math import exp, log, sqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_folder import findings as open_findings
from release_folder import make_study, ratio, write_results

from ldeval.analysis.counted import Arm, Counts, Line, NotEstimated, Share
from ldeval.analysis.exhibits import Column, Curves, Effect, Effects, Point, Table
from ldeval.analysis.findings import Findings, Origin
from ldeval.release.disclosure import clear
from ldeval.release.numbers import form
from ldeval.release.policy import POLICIES, SUPPRESSED
from ldeval.release.precision import coarsened
from ldeval.release.results import Results
from ldeval.release.suppress import control
from ldeval.release.thin import thinned

POLICY = POLICIES["nhs-hes"]
GUARDED = Origin("ldeval.analysis.validation.rossi", ("records",))
ALL = Line("All")


def release(*estimates, exhibits=(), shares=(), arms=None, missing=()):
    plain = Findings(estimates, exhibits, shares=shares, arms=arms or {}, missing=missing)
    return clear(replace(plain, origins=dict.fromkeys(plain.ids(), GUARDED)), "nhs-hes")


def only(cleared):
    found = cleared.findings
    (item,) = (*found.estimates, *found.exhibits, *found.missing)
    return item


def counts(values, share="none", **other):
    rows = tuple(ALL if i == 0 else Line(f"r{i}", {"r": str(i)}) for i in range(len(values)))
    columns = tuple(Line(f"c{j}", {"c": str(j)}) for j in range(len(values[0])))
    return Counts("t", "T", "people", rows, columns, tuple(map(tuple, values)), share, **other)


# Counts


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (8, 10), (12, 10), (13, 15), (1002, 1000), (1003, 1005)])
def test_counts_are_rounded_to_the_nearest_five(count, shown):
    assert POLICY.rounded(count) == shown
    low, high = POLICY.bounds(shown)
    assert low <= count <= high


@given(st.integers(8, 10**6))
def test_a_rounded_count_is_within_two_of_the_true_one_and_its_bounds_hold(count):
    shown = POLICY.rounded(count)
    assert abs(shown - count) <= 2
    assert shown % 5 == 0
    assert POLICY.bounds(shown)[0] <= count <= POLICY.bounds(shown)[1]


@pytest.mark.parametrize("count", range(1, 8))
def test_small_counts_are_suppressed_and_never_written(count):
    table = only(release(exhibits=(counts([[count, 50]]),)))
    assert table.rows == (("All", SUPPRESSED, 50),)


def test_shares_are_of_rounded_counts_with_decimals_only_for_many_people():
    table = only(release(exhibits=(counts([[98, 5003], [33, 1234]], "of column"),)))
    assert table.rows[1] == ("r1", 35, 0.35, 1235, 0.247)
    assert form(table.rows[1][2], table.columns[2].unit) == "35%"
    assert form(table.rows[1][4], table.columns[4].unit) == "24.7%"


def test_a_share_of_a_suppressed_count_is_suppressed_too():
    table = only(release(exhibits=(counts([[100], [3], [40]], "of column"),)))
    assert table.rows[1] == ("r1", SUPPRESSED, SUPPRESSED)


def test_none_of_a_small_group_is_not_told():
    table = only(release(exhibits=(counts([[20], [0], [20]]),)))
    assert table.rows[1] == ("r1", SUPPRESSED)
    table = only(release(exhibits=(counts([[200], [0], [200]]),)))
    assert table.rows[1] == ("r1", 0)


def test_a_table_of_small_counts_alone_is_withheld_and_says_why():
    gone = only(release(exhibits=(counts([[3, 4]]),)))
    assert isinstance(gone, NotEstimated)
    assert gone.why == "withheld by disclosure control: every count is suppressed"


def test_complementary_suppression_takes_the_smallest_part():
    """True 7, 12, 42 of 61: *, 10 and 40 of 60 would leave 4 to 7. So 12 is hidden, not 42."""
    shown = control(counts([[61], [7], [12], [42]]).counted(), POLICY).counts
    assert [shown[key] for key in counts([[0], [0], [0], [0]]).identities()] == [60, None, None, 40]


def test_counts_shown_with_estimates_are_not_hidden_in_vain():
    fixed = control(counts([[61], [7], [12], [42]]).counted(), POLICY, fixed={12}).counts
    assert [fixed[key] for key in counts([[0], [0], [0], [0]]).identities()] == [60, None, 10, None]


def test_the_same_count_is_released_alike_in_every_table_and_sentence():
    first = counts([[61], [7], [12], [42]])
    second = replace(first, id="u", rows=first.rows[2:3], values=((12,),))
    share = Share("a/share", "o", "m", "people", {"c": "0"}, {"r": "2"}, 12, 61)
    cleared = release(exhibits=(first, second), shares=(share,))
    assert [item.id for item in cleared.findings.missing] == ["a/share", "u"]


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 40), min_size=2, max_size=3), min_size=2, max_size=3).filter(
        lambda v: len({*map(len, v)}) == 1
    )
)
def test_no_small_count_is_ever_shown(values):
    total = [sum(column) for column in zip(*values, strict=True)]
    shown = control(counts([total, *values]).counted(), POLICY).counts
    assert all(value is None or value == 0 or value >= 10 for value in shown.values())


# Estimates


def test_a_model_keeps_three_digits_of_its_error_and_rounded_counts():
    row = ratio("a", value=0.683456, low=0.471234, high=0.987654, se=0.190123, n=1443, events=552, p_value=0.047432)
    made = only(release(row))
    assert (made.value, made.se, made.low, made.high) == (0.683, 0.19, 0.471, 0.988)
    assert (made.n, made.events, made.p_value) == (1445, 550, 0.0474)


def test_a_bound_never_rounds_onto_no_effect():
    assert only(release(ratio("a", high=0.99996))).high == 0.99996


@pytest.mark.parametrize(
    ("row", "arms", "why"),
    [
        (ratio("a", n=7), (), "1 to 7 people on one side"),
        (ratio("a", events=3), (), "1 to 7 events on one side"),
        (ratio("a"), (Arm("x", 700, 4), Arm("y", 700, 90)), "1 to 7 events on one side"),
        (ratio("a"), (Arm("x", 5, None), Arm("y", 700, 90)), "1 to 7 people on one side"),
        (ratio("a"), (Arm("x", 90, 40, largest=0.6), Arm("y", 700, 90)), "one person makes up more than 50% of a total"),
        (ratio("a", estimand="descriptive"), (), "arms were not declared"),
    ],
)
def test_estimates_that_tell_of_few_are_withheld(row, arms, why):
    cleared = release(row, arms={"a": arms} if arms else None)
    assert why in only(cleared).why
    assert cleared.actions[0].done == "withheld"


def test_a_crude_ratio_is_that_of_rounded_counts_and_so_is_its_error():
    a, b, n = 12, 203, 1000
    row = ratio("a", value=a / b, se=sqrt(1 / a + 1 / b), low=0.01, high=0.5, estimand="descriptive")
    made = coarsened(row, (Arm("x", n, a), Arm("y", n, b)), POLICY)
    assert made.value == pytest.approx(10 / 205, rel=2e-2)
    assert made.se == pytest.approx(sqrt(1 / 10 + 1 / 205), rel=5e-3)
    assert made.p_value is None


@given(st.integers(8, 400), st.integers(8, 400), st.floats(0.2, 5))
def test_counts_that_round_alike_release_one_crude_ratio(a, b, times):
    def made(a, b):
        value, se = a / b * times, sqrt(1 / a + 1 / b)
        row = ratio(
            "a",
            value=value,
            se=se,
            low=value * exp(-1.96 * se),
            high=value * exp(1.96 * se),
            estimand="descriptive",
            events=400,
            p_value=None,
        )
        return coarsened(row, (Arm("x", 5000, a), Arm("y", 5000, b)), POLICY)

    alike = max(POLICY.bounds(POLICY.rounded(a))[0], 8), POLICY.bounds(POLICY.rounded(b))[1]
    assert log(made(a, b).value) == pytest.approx(log(made(*alike).value), abs=1e-9)
    assert made(a, b) == made(*alike)


@given(st.integers(8, 4900), st.integers(5000, 5002))
def test_counts_that_round_alike_release_one_share(events, n):
    def made(events, n):
        p = events / n
        row = ratio("a", value=p, se=sqrt(p * (1 - p) / n), low=0.0, high=1.0, unit="share", scale="identity", n=n, events=events)
        return coarsened(row, (), POLICY)

    assert made(events, n) == made(POLICY.bounds(POLICY.rounded(events))[0], 4999)


def test_effects_are_shown_without_what_was_withheld_and_say_so():
    effects = Effects("e", "E", "Ratio", (Effect("Many", "a"), Effect("Few", "b")))
    cleared = release(ratio("a"), ratio("b", events=2), exhibits=(effects,))
    (shown,) = cleared.exhibits
    assert [row.label for row in shown.rows] == ["Many"]
    assert shown.notes == ("Not shown: Few (withheld by disclosure control: 1 to 7 events on one side).",)
    cleared = release(ratio("b", events=2), exhibits=(replace(effects, rows=effects.rows[1:]),))
    assert [gap.id for gap in cleared.findings.missing] == ["b", "e"]


def test_shares_come_with_wilsons_interval_of_rounded_counts():
    made = only(release(shares=(Share("s", "o", "m", "people", {}, {"need": "yes"}, 12, 98),)))
    assert (made.n, made.events, made.value, made.unit) == (100, 10, 0.1, "rounded share")
    assert (made.low, made.high) == (0.06, 0.17)  # Wilson's interval of 10 in 100: 0.0552 to 0.1744


# Tables


def plain(columns, rows=(("x", 0.123456),)):
    return Table("t", "T", columns, rows)


def test_numbers_of_undeclared_source_are_refused():
    gone = only(release(exhibits=(plain((Column("a", "A"), Column("b", "B", "number"))),)))
    assert gone.why == "refused by disclosure control: numbers of undeclared source (column b)"


def test_rows_of_persons_are_refused_by_their_columns_and_their_number():
    gone = only(release(exhibits=(plain((Column("person_id", "A"), Column("b", "B", "number", "model"))),)))
    assert "person-level rows never leave" in gone.why
    many = plain((Column("a", "A"), Column("b", "B", "number", "model")), (("x", 0.1),) * 1001)
    assert "person-level rows never leave" in only(release(exhibits=(many,))).why


def test_what_is_no_result_is_refused():
    class Frame:
        id = "frame"

    with pytest.raises(TypeError, match="Frame is no result"):
        release(exhibits=(Frame(),))


def test_models_numbers_keep_three_digits_and_public_ones_all():
    columns = (Column("a", "A"), Column("b", "B", "number", "model"), Column("c", "C", "pounds", "public"))
    assert only(release(exhibits=(plain(columns, (("x", 0.123456, 1234.5),)),))).rows == (("x", 0.123, 1234.5),)


# Curves


def curve(times, n, name="Service", **other):
    """Give the Kaplan-Meier curve of people whose events come at `times`, `n` at risk at first, nobody censored."""
    points, left = [Point(name, 0.0, 1.0, 1.0, 1.0, n, 0, 0)], n
    for time in sorted(set(times)):
        events = times.count(time)
        value = (left - events) / n
        points.append(Point(name, float(time), value, max(value - 0.1, 0), min(value + 0.1, 1), left, events, 0))
        left -= events
    return Curves("c", "C", "not reconvicted", "days", "index date", 0.95, "Kaplan-Meier", tuple(points), **other)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 365), min_size=8, max_size=300), st.integers(0, 200))
def test_every_step_of_a_released_curve_stands_on_enough_events(times, free):
    n = len(times) + free + 8
    made = thinned(curve(times, n), POLICY)
    steps = [point for point in made.points if point.events]
    since = 0.0
    for point in steps:
        assert sum(since < time <= point.time for time in times) > POLICY.small
        assert point.events % 5 == 0
        since = point.time
    assert all(point.at_risk % 5 == 0 for point in made.points)
    values = [point.value for point in made.points]
    assert values == sorted(values, reverse=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 365), min_size=30, max_size=300), st.integers(0, 200))
def test_a_released_curve_is_the_true_one_to_within_rounding(times, free):
    n = len(times) + free + 8
    true = curve(times, n)
    for point in thinned(true, POLICY).points:
        if point.events:
            exact = next(p.value for p in reversed(true.points) if p.time <= point.time)
            # cumulative events and people are each within 2; hazards of grouped steps add their rounding
            assert abs(point.value - exact) < 12 / n + 0.02
            assert point.low <= point.value <= point.high


def test_rounded_daily_counts_would_have_been_wrong():
    """One event a day: each rounds to 0, so a curve from daily counts would never fall; the released one does."""
    made = thinned(curve(list(range(1, 101)), 200), POLICY)
    assert made.points[-1].value == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (curve([5] * 3, 100), "a group has 1 to 7 events"),
        (curve([5, 6], 6), "a group has no more than 7 people"),
        (curve([], 20), "nobody had the event in a group of fewer than 30 people"),
    ],
)
def test_curves_of_few_are_withheld(made, why):
    assert only(release(exhibits=(made,))).why == f"withheld by disclosure control: {why}"


def test_incidence_with_a_competing_cause_and_mean_counts_are_rebuilt_too():
    points = [Point("S", 0.0, 0.0, 0.0, 0.0, 200, 0, 0)]
    left, value = 200, 0.0
    for day in range(1, 61):
        value += 1 / 200
        points.append(Point("S", float(day), value, max(value - 0.05, 0), value + 0.05, left, 1, 0, 1))
        left -= 2
    base = Curves("c", "C", "in custody", "days", "index date", 0.95, "Aalen-Johansen", tuple(points), "incidence")
    made = thinned(base, POLICY)
    assert made.points[-1].value == pytest.approx(0.3, abs=0.03)
    assert sum(point.competing for point in made.points) == pytest.approx(60, abs=12)
    assert thinned(replace(base, shape="mean count"), POLICY).points[-1].value > 0.3


def test_a_weighted_curve_keeps_its_values_in_steps_of_one_rounded_count():
    made = thinned(curve(list(range(1, 101)), 200, weighted=True), POLICY)
    assert all((point.value * 200 / 5) == pytest.approx(round(point.value * 200 / 5)) for point in made.points)


# The whole


def test_open_data_and_records_of_one_study_are_each_under_their_own_policy():
    found = open_findings()
    guarded = Findings((ratio("b/effect", n=1443),), origins={"b/effect": GUARDED})
    cleared = clear(found + guarded, "nhs-hes")
    assert cleared.findings.estimates[:-1] == found.estimates
    assert cleared.findings.estimates[-1].n == 1445
    assert {action.policy for action in cleared.actions} == {"none", "nhs-hes"}


def test_an_unknown_policy_is_refused():
    with pytest.raises(ValueError, match="policies: none, nhs-hes"):
        clear(open_findings(), "strict")


def test_the_report_for_the_owner_has_a_row_for_each_result(tmp_path):
    root = make_study(tmp_path)
    arms = {"a": (Arm("Service", 703, 52), Arm("Comparison", 742, 500))}
    cleared = release(ratio("a"), ratio("b", events=2), exhibits=(counts([[61], [7], [12], [42]]),), arms=arms)
    write_results(root, cleared)
    with (root / "_results" / "disclosure.csv").open(encoding="utf-8") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    assert {key: (row["done"], row["numbers"], row["suppressed"]) for key, row in rows.items()} == {
        "a": ("controlled", "1", "0"),
        "b": ("withheld", "1", "1"),
        "t": ("controlled", "4", "2"),
    }
    results = Results(root / "_results")
    assert results.provenance["results"]["a"]["arms"][0] == {"label": "Service", "n": 705, "events": 50, "largest": None}
    assert results.missing("b").why == "withheld by disclosure control: 1 to 7 events on one side"
    assert results.exhibit("t").rows[1] == ("r1", SUPPRESSED)
