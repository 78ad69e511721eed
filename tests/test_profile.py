"""Counts of referrals by hand, combinations, sites beyond chance, and what an empty service says."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from small_records import small_records

from ldeval.analysis.profile import needs, overlap, profile, routes, uptake
from ldeval.analysis.referrals import NEEDS, described, offers_described
from ldeval.analysis.sites import sites
from ldeval.release.disclosure import clear
from ldeval.stats.funnel import funnel_limits, site_variation

EXACT = 1e-12
"""Relative: a handful of additions."""
TRIES, BAND = 2000, 0.015
"""Three standard errors of a share of 0.05 over so many tries."""

HELD = (  # area, seen at, consent, over a threshold, needs
    ("A", "police_custody", True, True, ("mental_health", "drugs")),
    ("A", "police_custody", True, False, ("mental_health", "drugs")),
    ("A", "crown_court", False, False, ("alcohol",)),
    ("B", "police_custody", True, True, ("mental_health",)),
    ("B", "voluntary_attendance", False, False, ()),
)
ROWS = pd.DataFrame(
    [
        {
            "area_id": area,
            "setting": setting,
            "consent": consent,
            "threshold_met": met,
            "referral_date": date(2017, 2, 1),
            **{name: name.removeprefix("need_") in held for name in NEEDS},
            "needs": len(held),
        }
        for area, setting, consent, met, held in HELD
    ]
)
OFFERS = pd.DataFrame(
    {
        "area_id": ["A", "A", "B", "B"],
        "intervention": ["advice", "talking_therapy", "talking_therapy", "advice"],
        "taken_up": [True, False, None, True],
    }
)
FRAME = described(ROWS)


def row(table, label):
    return table.values[[line.label for line in table.rows].index(label)]


def test_needs_are_counted_by_where_people_were_seen():
    table = next(e for e in needs(FRAME).exhibits if e.id == "profile-needs")
    assert row(table, "All") == (5, 3, 1, 0, 1)
    assert row(table, "Mental health") == (3, 3, 0, 0, 0)
    assert row(table, "Several needs") == (2, 2, 0, 0, 0)
    assert row(table, "No need") == (1, 0, 1, 0, 0)


def test_several_needs_below_every_threshold():
    shares = {share.id: share for share in needs(FRAME).shares}
    assert (shares["profile/several_below"].events, shares["profile/several_below"].n) == (1, 5)
    assert (shares["profile/below_of_several"].events, shares["profile/below_of_several"].n) == (1, 2)
    assert shares["profile/any_need"].events == 4


def test_combinations_are_exact():
    table = overlap(FRAME)
    assert row(table, "Mental health + Drugs") == (2, 1)
    assert row(table, "Mental health") == (1, 1)  # not those with drugs as well
    assert row(table, "No need") == (1, 0)
    assert sum(values[0] for values in table.values[1:]) == 5


def test_consent_by_route_and_need():
    table = next(e for e in routes(FRAME).exhibits if e.id == "profile-consent")
    assert row(table, "All") == (5, 3)
    assert row(table, "Crown Court") == (1, 0)
    assert row(table, "Drugs") == (2, 2)


def test_uptake_keeps_what_is_not_known_apart():
    (table,) = uptake(offers_described(OFFERS)).exhibits
    assert row(table, "All") == (4, 2, 1, 1)
    assert row(table, "Places with another service") == (2, 0, 1, 1)
    assert {gap.why for gap in uptake(offers_described(OFFERS[:0])).missing} == {"nothing was offered"}


def test_sites_are_counted_and_one_site_says_why_not():
    table = next(e for e in sites(FRAME, offers_described(OFFERS)).exhibits if e.id == "sites-consent")
    assert [row(table, name) for name in ("All", "A", "B")] == [(5, 3), (3, 2), (2, 1)]
    alone = sites(FRAME[FRAME.area == "A"], offers_described(OFFERS[:2]))
    assert {gap.why for gap in alone.missing} == {"there is one site only, or none", "fewer than two sites differ in anything"}


def test_variation_by_hand():
    """Shares 2 / 10 and 8 / 20 about 10 / 30: X^2 = (10 x 0.1333^2 + 20 x 0.0667^2) / (1/3 x 2/3) = 1.2."""
    found = site_variation([2, 8], [10, 20])
    assert found.share == pytest.approx(1 / 3, rel=EXACT)
    assert found.statistic == pytest.approx(1.2, rel=EXACT)
    w = np.array([10, 20]) / (2 / 9)
    assert found.spread**2 == pytest.approx((1.2 - 1) / (w.sum() - (w @ w) / w.sum()), rel=1e-9)
    assert site_variation([5, 10], [10, 20]).spread == 0.0


@pytest.mark.parametrize(
    ("events", "n", "why"),
    [([1], [2], "at least 2 sites"), ([3, 1], [2, 2], "no more events than people"), ([0, 0], [2, 2], "with and without")],
)
def test_variation_refuses(events, n, why):
    with pytest.raises(ValueError, match=why):
        site_variation(events, n)


def test_alike_sites_are_said_to_differ_as_often_as_chance_has_it():
    rng = np.random.default_rng(1)
    n = rng.integers(200, 900, 27)
    rejected = np.mean([site_variation(rng.binomial(n, 0.6), n).p_value < 0.05 for _ in range(TRIES)])
    assert rejected == pytest.approx(0.05, abs=BAND)


def test_limits_of_the_funnel_narrow_and_stay_within_shares():
    low, high = funnel_limits(0.5, [25, 100], 2.0)
    assert low.tolist() == pytest.approx([0.3, 0.4], rel=EXACT)
    assert high.tolist() == pytest.approx([0.7, 0.6], rel=EXACT)
    assert funnel_limits(0.9, [4], 3.09)[1].tolist() == [1.0]


def test_the_profile_of_a_small_twin_leaves_under_the_policy():
    found = profile(small_records()).check()
    assert found.missing == ()
    released = clear(found, "nhs-hes")
    assert {exhibit.id for exhibit in released.exhibits} >= {"profile-needs", "profile-overlap", "sites-uptake"}
    names = set(small_records().table("referrals").columns) | set(small_records().table("interventions").columns)
    assert not any("person" in name or name in {"referral_id", "nhs_number", "study_id"} for name in names)


def test_nobody_referred_says_so(monkeypatch):
    records = small_records()
    profile_of_all = profile(records)
    empty = {name: records.table(name).iloc[:0] for name in ("referrals", "interventions")}
    empty["people_study"] = records.people
    monkeypatch.setattr(type(records), "table", lambda self, name: empty[name])
    found = profile(records)
    assert {gap.why for gap in found.missing} == {"nobody was referred"}
    whole = {*(row.id for row in profile_of_all.shares), *(exhibit.id for exhibit in profile_of_all.exhibits)}
    assert {gap.id for gap in found.missing} | {"profile-people"} == whole
