"""Truth: what the potential outcomes say, by hand and on the twin; and that one twin is identified and the other is not."""

import dataclasses
from functools import cache

import numpy as np
import pytest
import statsmodels.api as sm

from ldeval.data.extracts_justice import OFFENCES
from ldeval.data.synthetic_blocks import Design
from ldeval.data.synthetic_justice import draw_justice, run_justice
from ldeval.data.synthetic_outcomes import FOLLOW_UP, outcomes
from ldeval.data.synthetic_people import draw_areas, draw_people, p_window, stream
from ldeval.data.truth import TRUTH_FOLDER, compute_truth, replicate
from ldeval.data.truth_targets import TARGETS, hazard_ratio, restricted_means
from ldeval.data.twin_parameters import TWINS, Parameters, default_parameters
from ldeval.estimate import read_csv

PEOPLE = 20_000
SEEDS = range(4)
AREA_EFFECTS = ("areas.reoffending_sd", "areas.custody_sd", "areas.duration_sd")


def sums(events, leavers):
    """Give the sums of two arms from {day: number} of first reoffences and of all who leave."""
    both = {"events": np.zeros((2, FOLLOW_UP)), "leavers": np.zeros((2, FOLLOW_UP + 1))}
    for name, arms in (("events", events), ("leavers", leavers)):
        for arm, days in enumerate(arms):
            for day, number in days.items():
                both[name][arm, day] = number
    return both


def test_hazard_ratio_of_four_people_by_hand():
    """Without: out on days 1 (event) and 3 (death). With: events on days 2 and 4.

    Day 1: 2 and 2 at risk, arm 0: -2h/(2+2h). Day 2: 1 and 2 at risk, arm 1: 1 - 2h/(1+2h). Day 4: arm 1 alone: 0.
    So 1/(1+2h) = h/(1+h), 1 + h = h + 2h^2, h = sqrt(1/2).
    """
    case = sums(({1: 1}, {2: 1, 4: 1}), ({1: 1, 3: 1}, {2: 1, 4: 1}))
    assert hazard_ratio(case) == pytest.approx(np.sqrt(0.5), rel=1e-10)


def test_efron_splits_tied_events_by_hand():
    """One event in each arm on day 1, 3 and 2 at risk: 1 = 2h/(3+2h) + 1.5h/(2.5+1.5h), so 7.5 = 3h^2 (Breslow: 1.5)."""
    case = sums(({1: 1}, {1: 1}), ({1: 1, 365: 2}, {1: 1, 365: 1}))
    assert hazard_ratio(case) == pytest.approx(np.sqrt(2.5), rel=1e-10)


def test_restricted_means_by_hand():
    """Arm 0: half leave by an event on day 100: 100 + 265 / 2. Arm 1: a death on day 100 is no event: 365."""
    case = sums(({100: 1}, {}), ({100: 1, 365: 1}, {100: 1, 365: 1}))
    assert restricted_means(case) == pytest.approx([100 + 265 / 2, 365])


def with_nought(*keys):
    """Give the parameters with some of them (those whose keys begin or end so) at nought."""
    p = Parameters(default_parameters())
    for key in [key for key in p if key.startswith(keys) or key.endswith(keys)]:
        p[key] = dataclasses.replace(p[key], value=0.0)
    return p


def both_outcomes(p, twin, seed, people=PEOPLE):
    areas = draw_areas(p, stream(seed, "areas", 0))
    drawn = draw_people(p, areas, twin, stream(seed, "people", 0), np.arange(people))
    draws = draw_justice(p, stream(seed, "justice", 0), drawn, areas)
    nobody = np.zeros(people, dtype=bool)
    arms = [outcomes(drawn, draws, run_justice(p, drawn, areas, draws, who)) for who in (nobody, drawn.seen)]
    return areas, drawn, *arms


def test_a_service_without_effect_changes_nothing():
    _, _, without, with_service = both_outcomes(with_nought("effects.", "areas.site_effect_sd"), "identified", 3, 5_000)
    for field in dataclasses.fields(without):
        assert np.array_equal(getattr(without, field.name), getattr(with_service, field.name)), field.name


def test_the_service_touches_nobody_it_does_not_see():
    _, people, without, with_service = both_outcomes(default_parameters(), "identified", 3, 20_000)
    for field in dataclasses.fields(without):
        changed = getattr(without, field.name) != getattr(with_service, field.name)
        assert not changed[~people.seen].any(), field.name
    assert (without.custody != with_service.custody)[people.seen].mean() > 0.03


def test_nobody_is_seen_where_the_service_was_not_live_nor_after_death():
    areas, people, *_ = both_outcomes(default_parameters(), "identified", 4, 20_000)
    assert areas.live(people.area, people.index_day)[people.seen].all()
    assert (people.delay < people.death_lag)[people.seen].all()
    assert (people.age[people.seen] >= 18).all()
    assert not people.seen[people.historical].any()


@cache
def one_of(twin, seed):
    """Give both outcomes where areas do not differ but in deprivation: what is left is who is seen."""
    return both_outcomes(with_nought(*AREA_EFFECTS), twin, seed)


def recorded(people):
    """What both arms' records hold, in the form in which the twin uses it."""
    offences = (people.offence[:, None] == np.arange(1, len(OFFENCES))).astype(float)
    ethnicity = (people.ethnicity[:, None] == np.array([-1, 0, 1, 2, 4])).astype(float)
    history = people.history[:, None] == np.arange(1, 5)
    plain = np.column_stack([people.male, people.age - 35, people.prior_log, people.hearing])
    return sm.add_constant(np.column_stack([plain, offences, ethnicity, history]))


def adjusted_minus_true(twin, seed, outcome):
    """Standardise the comparison areas' outcomes to the users, and subtract the users' own potential outcome without."""
    p = default_parameters()
    areas, people, without, _ = one_of(twin, seed)
    in_window = ~people.historical & (people.age >= 18)
    comparison = in_window & ~areas.live(people.area, np.full(len(people), p_window(p)[1]))
    X, y = recorded(people), getattr(without, outcome)
    y = np.minimum(y, FOLLOW_UP) < FOLLOW_UP if outcome == "reoffence_lag" else y
    model = sm.Logit(y[comparison].astype(float), X[comparison]).fit(disp=False)
    return model.predict(X[people.user]).mean() - y[people.user].mean()


@pytest.mark.parametrize("outcome", ["custody", "reoffence_lag"])
def test_records_suffice_on_identified_and_not_on_hidden(outcome):
    """Over seeds: no bias beyond 3 standard errors on the one, beyond 4 on the other."""
    biases = {twin: np.array([adjusted_minus_true(twin, seed, outcome) for seed in SEEDS]) for twin in TWINS}
    se = {twin: np.std(bias, ddof=1) / np.sqrt(len(SEEDS)) for twin, bias in biases.items()}
    assert abs(biases["identified"].mean()) < 3 * se["identified"]
    assert biases["hidden"].mean() < -4 * se["hidden"]


@pytest.mark.parametrize("twin", TWINS)
def test_the_truths_are_kept_and_within_what_was_published(twin):
    truth = read_csv(TRUTH_FOLDER / f"{twin}.csv")
    assert list(truth) == [target.id for target in TARGETS]
    assert 0.45 < truth["diversion/odds_ratio/att"].value < 0.60  # "almost half as likely"
    assert 0.95 < truth["reconviction/hazard_ratio/att"].value < 1.05  # no evidence of an effect
    assert abs(truth["timeliness/restricted_mean_days/att"].value) < 2  # not significant
    assert abs(truth["diversion/risk_difference/itt"].value) < abs(truth["diversion/risk_difference/att"].value)


def test_replicates_add_up():
    found = replicate(Design("identified", 11, 300))
    assert found["n"][0] == found["n"][1] == found["leavers"][0].sum()
    assert (found["events"].sum(axis=1) <= found["n"]).all()
    assert found["by_90"][1] <= found["by_90"][0] <= found["by_180"][0] <= found["cases"][0]


def test_too_few_replicates_are_refused():
    with pytest.raises(ValueError, match="replicates must be at least 20"):
        compute_truth("identified", replicates=3)


@pytest.mark.slow
@pytest.mark.parametrize("twin", TWINS)
def test_the_kept_truth_is_what_is_computed(twin):
    kept = read_csv(TRUTH_FOLDER / f"{twin}.csv")
    for key, found in compute_truth(twin, replicates=20, processes=2).items():
        scale = np.log if found.scale == "log" else float
        assert abs(scale(found.value) - scale(kept[key].value)) < 4 * np.hypot(found.se, kept[key].se), key
