"""Reconviction and repeat offending: by hand, what every result has, and the hard cases."""

import numpy as np
import pytest
from drawn_comparison import panel, people, reasons, records, values

from ldeval.analysis import reconviction, reoffending
from ldeval.analysis.attempts import KNOWN
from ldeval.analysis.exhibits import Curves, Table
from ldeval.analysis.reconviction import ruled_out, spells_of, weighted_cox
from ldeval.analysis.records import compare

EXACT = 1e-9  # weighted sums over a thousand people
ALL = (
    (reconviction.reconviction, reconviction.HAZARDS | reconviction.SHARES | reconviction.CURVES | reconviction.PERIODS),
    (reoffending.reoffending, reoffending.RATE | reoffending.PER_REOFFENDER | reoffending.ARRESTS),
)


@pytest.fixture(scope="module")
def frame():
    return people()


@pytest.fixture(scope="module")
def drawn(frame, tmp_path_factory):
    return records(tmp_path_factory.mktemp("drawn"), frame)


@pytest.fixture(scope="module")
def spell(drawn):
    return spells_of(drawn)


@pytest.mark.parametrize(("analysis", "expected"), ALL, ids=lambda x: getattr(x, "__name__", ""))
def test_every_expected_result_is_there_or_says_why(analysis, expected, drawn):
    found = analysis(drawn).check()
    assert set(expected) <= set(found.ids())
    assert not found.missing
    assert all(found.arms.get(estimate.id) for estimate in found.estimates)


def test_users_who_had_offended_before_contact_are_left_out(frame, tmp_path):
    late = frame.copy()
    late.loc[late.arm == "user", "entry"] = 30
    spell = spells_of(records(tmp_path, late))
    assert (spell.people.entry < spell.time).all()
    assert spell.people.treated.sum() == ((late.arm == "user") & (late.reconviction_days > 30)).sum()


def test_the_curve_ends_at_one_less_the_share_reconvicted_when_nobody_dies(spell):
    (curves,) = [e for e in reconviction.curves(spell).exhibits if isinstance(e, Curves)]
    shares = values(reconviction.times_and_shares(spell))
    for group, arm in (("Users", "users"), ("Comparators", "comparators")):
        assert 1 - curves.of(group)[-1].value == pytest.approx(shares[f"reconviction/risk_{arm}/att"].value, abs=EXACT)


def test_effects_inside_the_interval_are_compatible_and_others_ruled_out(spell):
    fit = weighted_cox(spell)
    row = fit.tidy().iloc[0]
    low, high = np.exp(row.low), np.exp(row.high)
    for ratio, p_value, said in ruled_out(fit, 0.9).rows:
        assert said == ("compatible" if low <= ratio <= high else "ruled out")
        assert (p_value < 0.025) == (said == "ruled out")


def test_steps_of_the_effect_that_matters_go_both_ways(spell):
    ratios = [row[0] for row in ruled_out(weighted_cox(spell), 0.5).rows]
    assert ratios == pytest.approx([0.125, 0.25, 0.5, 0.5**0.5, 2**0.5, 2, 4, 8], abs=EXACT)


def test_parts_of_the_year_share_out_the_events(spell):
    parts = values(reconviction.periods(spell))
    assert sum(estimate.events for estimate in parts.values()) == spell.events


def test_proven_offences_a_reoffender_are_a_plain_mean(frame, drawn):
    found = values(reoffending.reoffending(drawn))
    own = frame[(frame.arm == "user") & (frame.reconviction_state == 1)].reoffences
    estimate = found["reoffences/per_reoffender_users/descriptive"]
    assert estimate.value == pytest.approx(own.mean(), abs=EXACT)
    assert estimate.se == pytest.approx(own.std() / len(own) ** 0.5, abs=EXACT)


def test_the_mean_count_of_users_is_the_plain_mean_so_far(frame, drawn):
    (curves,) = [e for e in reoffending.arrests(drawn).exhibits if isinstance(e, Curves)]
    arrests = panel(frame).pivot(index="study_id", columns="month", values="arrests").reindex(frame.study_id)
    users = (frame.arm == "user").to_numpy()
    own = [point.value for point in curves.of("Users")[1:]]
    assert own == pytest.approx(arrests[users].cumsum(axis=1).mean().tolist(), abs=EXACT)
    assert [point.events for point in curves.of("Users")[1:]] == arrests[users].sum().tolist()


def test_the_test_of_proportional_hazards_has_one_row(spell):
    table = next(e for e in reconviction.hazards(spell, 0.9).exhibits if isinstance(e, Table))
    assert len(table.rows) == 1


HARD = {
    "an empty arm": ({"arm": "not_yet_live"}, "there are no users in the records"),
    "one area only": ({"area_id": "Area 00"}, "the users come from one area only"),
    "nobody reconvicted": (
        {"reconviction_state": 0, "reconviction_days": 365, "reoffence_events": 0, "reoffences": 0},
        "nobody in one arm was reconvicted",
    ),
}


@pytest.mark.parametrize("case", HARD)
def test_hard_cases_say_why(case, frame, tmp_path):
    change, why = HARD[case]
    drawn = records(tmp_path, frame.assign(**change))
    found = (reconviction.reconviction(drawn) + reoffending.reoffending(drawn)).check()
    assert reasons(found)["reconviction/hazard_ratio/att"] == why
    assert "reoffences/rate_ratio/att" in reasons(found)


def test_when_everybody_is_reconvicted_the_hazard_ratio_stands_and_shares_say_why(frame, tmp_path):
    days = np.arange(len(frame)) % 364 + 1
    everybody = frame.assign(reconviction_state=1, reconviction_days=days, liberty_days=days)
    found = reconviction.reconviction(records(tmp_path, everybody)).check()
    assert "reconviction/hazard_ratio/att" in values(found)
    assert reasons(found)["reconviction/risk_difference/att"] == "nobody, or everybody, in one arm was reconvicted"


def test_when_everybody_is_reconvicted_on_one_early_day_each_result_says_why(frame, tmp_path):
    everybody = frame.assign(reconviction_state=1, reconviction_days=30, liberty_days=30)
    why = reasons(reconviction.reconviction(records(tmp_path, everybody)).check())
    assert why["reconviction/hazard_ratio/att"] == KNOWN["small_sample"]
    assert why["reconviction/hazard_ratio_to_day_182/att"] == "nobody in one arm was followed so far without a proven offence"


def test_deaths_compete_and_none_is_no_obstacle(frame, tmp_path):
    dying = frame.assign(reconviction_state=frame.reconviction_state.where(frame.reconviction_state == 1, 2))
    dying["reconviction_days"] = dying.reconviction_days.where(dying.reconviction_state == 1, 364)
    dying.loc[:9, ["reconviction_state", "reconviction_days"]] = 0, 365
    found = reconviction.reconviction(records(tmp_path, dying))
    assert "reconviction/risk_difference/att" in values(found)


def test_arrests_that_are_not_recorded_by_month_say_so(frame, tmp_path):
    drawn = records(tmp_path, frame)
    panel(frame.head(100)).to_parquet(tmp_path / "panel_study.parquet")
    assert compare(drawn, "reconviction").n == len(frame)
    assert reasons(reoffending.arrests(drawn)) == {"arrests-mean-count": "the records do not hold everybody's arrests by month"}
