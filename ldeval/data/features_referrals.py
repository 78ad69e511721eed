"""Referrals to the service, and what was offered at them: needs, routes and uptake, without whose they are."""

from __future__ import annotations

from typing import Any

from ldeval.data.extracts_service import NEEDS
from ldeval.data.linked import Linked
from ldeval.data.windows import in_order


def referrals(linked: Linked) -> Any:
    """Give every referral, a row a referral, those without consent too, with `needs`, the number of needs identified."""
    rows, areas = linked.extracts.table("ld_referrals"), linked.extracts.table("areas")
    both = rows.inner_join(areas, "area_id")
    number = sum((both[name].fill_null(False).cast("int64") for name in NEEDS[1:]), both[NEEDS[0]].fill_null(False).cast("int64"))
    return in_order(
        both.select(
            "area_id", "site_id", "wave", "provider", "referral_date", "setting", "consent", "threshold_met", *NEEDS, needs=number
        )
    )


def interventions(linked: Linked) -> Any:
    """Give every intervention offered, a row an offer, with the area and day of its referral."""
    rows = linked.extracts.table("ld_interventions")
    at = linked.extracts.table("ld_referrals").select("referral_id", "area_id", "referral_date", "threshold_met")
    both = rows.inner_join(at, "referral_id")
    return in_order(both.select("area_id", "referral_date", "intervention", "threshold_met", "taken_up"))
