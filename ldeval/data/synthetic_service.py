"""The twin's service: referrals, needs, offers and what was taken up."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ldeval.data.extracts_service import INTERVENTIONS, NEEDS
from ldeval.data.synthetic_events import Events
from ldeval.data.synthetic_identity import Held
from ldeval.data.synthetic_people import Areas, Flags, Floats, Ints, People, logistic
from ldeval.data.synthetic_tables import Keys, area_names, table
from ldeval.data.twin_parameters import Parameters


@dataclass(frozen=True, slots=True)
class Needs:
    """The needs of a block's people as a practitioner would find them, one row a person; columns as in NEEDS."""

    found: Flags
    threshold_met: Flags

    def of(self, name: str) -> Flags:
        """Give one need."""
        return np.asarray(self.found[:, NEEDS.index(f"need_{name}")])

    @property
    def substance(self) -> Flags:
        """Drug or alcohol need."""
        return self.of("drugs") | self.of("alcohol")


def draw_needs(p: Parameters, rng: np.random.Generator, people: People) -> Needs:
    """Draw needs that meet the published shares: any, mental health, drugs or alcohol.

    Given any need, mental health and drug or alcohol need are independent but for what unrecorded need brings; whoever has
    neither, nor another need, has mental health need.
    """
    n = len(people)
    some = rng.random(n) < p.number("needs.any")
    given = {key: p.number(f"needs.{key}") / p.number("needs.any") for key in ("mental_health", "drugs_or_alcohol")}
    others = p("needs.others")
    substance = some & (rng.random(n) < given["drugs_or_alcohol"])
    other = {name: some & _with_need(p, rng, people, name, share / p.number("needs.any")) for name, share in others.items()}
    alone = some & ~substance & ~np.any(list(other.values()), axis=0)
    filled = alone[some].mean() if some.any() else 0.0
    mental = _with_need(p, rng, people, "mental_health", max((given["mental_health"] - filled) / (1 - filled), 0.0))
    mental = some & (mental | alone)
    drugs = substance & (rng.random(n) < p.number("needs.drugs_share"))
    alcohol = substance & (~drugs | (rng.random(n) < p.number("needs.alcohol_share")))
    columns = {"mental_health": mental, "drugs": drugs, "alcohol": alcohol} | other
    found = np.column_stack([columns[name.removeprefix("need_")] for name in NEEDS])
    met = found.any(axis=1) & (rng.random(n) < p.number("needs.threshold") + 0.08 * (found.sum(axis=1) - 2.2))
    return Needs(found, met)


def _with_need(p: Parameters, rng: np.random.Generator, people: People, name: str, share: float) -> Flags:
    """Draw a need at a share; mental health need and self-harm go with the person's unrecorded need."""
    rank = rng.normal(size=len(people))
    if name in ("mental_health", "suicide_self_harm"):
        along = p.number("needs.need_correlation")
        rank = along * people.need + np.sqrt(1 - along**2) * rank
    return np.asarray(rank > _normal_quantile(1 - share))


def _normal_quantile(share: float) -> float:
    return NormalDist().inv_cdf(min(max(share, 1e-9), 1 - 1e-9))


@dataclass(frozen=True, slots=True)
class Referrals:
    """Referrals of a block, one value each; `setting` is a code of the declared column."""

    person: Ints
    day: Ints
    setting: Ints
    consent: Flags


def draw_referrals(p: Parameters, rng: np.random.Generator, people: People, areas: Areas, events: Events) -> Referrals:
    """Refer those seen at the index event, and again some users who are arrested later while the service is live."""
    seen = np.flatnonzero(people.seen)
    again = people.user[events.person] & (events.day > (people.index_day + people.delay)[events.person])
    again &= rng.random(len(events)) < p.number("selection.repeat")
    again &= areas.live(people.area[events.person], events.day)
    person = np.concatenate([seen, events.person[again]])
    day = np.concatenate([(people.index_day + people.delay)[seen], events.day[again]])
    in_court = np.concatenate([people.hearing[seen], events.hearing[again]])
    u = rng.random(len(person))
    police = np.where(u < 0.92, 0, 1)
    court = np.where(u < 0.93, 2, 3)
    return Referrals(person, day, np.where(in_court, court, police), people.consent[person])


def service_tables(
    p: Parameters,
    rng: np.random.Generator,
    people: People,
    areas: Areas,
    referrals: Referrals,
    needs: Needs,
    held: Held,
    keys: Keys,
) -> dict[str, Any]:
    """Write the service's minimum data set; without consent a referral names nobody."""
    named = held.key_of(rng, referrals.person)
    found = needs.found[referrals.person]
    columns: dict[str, Any] = {
        "referral_id": keys("R", len(referrals.person)),
        "ld_person_id": _blank(named, ~referrals.consent),
        "area_id": area_names(people.area[referrals.person]),
        "referral_date": referrals.day,
        "setting": referrals.setting,
        "consent": referrals.consent,
        "threshold_met": needs.threshold_met[referrals.person],
    }
    columns |= {name: found[:, column] for column, name in enumerate(NEEDS)}
    offers = _offers(p, rng, people, areas, referrals, needs, keys)
    return {"ld_referrals": table("ld_referrals", columns), "ld_interventions": offers}


def _blank(values: Any, missing: Flags) -> Any:
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), values)


def _offers(
    p: Parameters,
    rng: np.random.Generator,
    people: People,
    areas: Areas,
    referrals: Referrals,
    needs: Needs,
    keys: Keys,
) -> Any:
    """Offer what answers the needs found; sites differ in how much is taken up."""
    chance = p.by("needs.offers", INTERVENTIONS)[None, :] * _relevance(needs, referrals.person)
    referral, kind = np.nonzero(rng.random(chance.shape) < chance)
    n = len(referral)
    area = people.area[referrals.person[referral]]
    share = p.number("needs.uptake")
    taken = rng.random(n) < logistic(np.log(share / (1 - share)) + areas.uptake[area])
    unknown = rng.random(n) < p.number("needs.uptake_missing")
    last = np.minimum((people.index_day + people.death_lag)[referrals.person[referral]], p.day("design.extract_end"))
    day = np.minimum(referrals.day[referral] + rng.integers(0, 8, n), last)
    return table(
        "ld_interventions",
        {
            "intervention_id": keys("I", n),
            "referral_id": keys.rows("R", referral),
            "intervention": kind,
            "offer_date": day,
            "taken_up": np.where(unknown, -1, taken),
        },
    )


def _relevance(needs: Needs, person: Ints) -> Floats:
    """Where an offer needs a need: nought without it; mental health teams also ask for the threshold."""
    mental, met = needs.of("mental_health")[person], needs.threshold_met[person]
    by_kind = {
        "mental_health_service": mental & met,
        "talking_therapy": mental & ~met,
        "substance_misuse_service": needs.substance[person],
        "accommodation_support": needs.of("accommodation")[person],
        "mental_health_act_assessment": mental & met,
    }
    everyone = np.ones(len(person), dtype=bool)
    return np.column_stack([by_kind.get(name, everyone) for name in INTERVENTIONS]).astype(float)


def area_table(areas: Areas) -> Any:
    """Write the areas: "Area 01" with "Site 01" and so on."""
    names = np.arange(len(areas))
    digits = area_names(names)
    return table(
        "areas",
        {
            "area_id": digits,
            "site_id": pc.replace_substring(digits, pattern="Area", replacement="Site"),
            "wave": areas.wave,
            "go_live_date": areas.go_live,
            "population": areas.population,
            "deprivation": areas.deprivation,
            "opening": areas.opening,
            "provider": areas.provider,
        },
    )
