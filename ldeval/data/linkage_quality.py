"""How good the links are: rates by source and subgroup, errors that the model expects, and errors against a twin's truth."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ldeval.data.linkage_clusters import Flags, Floats, Ints, Pairs

ANCHOR = "pnc"
"""The source to which all others are linked: it holds the index events."""

AGE_BANDS = (18, 25, 35, 45, 55)


@dataclass(frozen=True, slots=True)
class PairQuality:
    """Pairs of records taken as one person, by one method.

    `expected_false` is the sum of 1 - p over compared pairs taken as one person, `expected_missed` the sum of p over those
    that are not; pairs never compared are in neither. `precision` and `recall` are against truth, where it is known.
    """

    method: str
    people: int
    linked_pairs: int
    expected_false: float
    expected_missed: float
    expected_precision: float
    expected_recall: float
    precision: float | None
    recall: float | None


def pair_quality(method: str, labels: Ints, pairs: Pairs, truth: Ints | None) -> PairQuality:
    """Judge one clustering of the records."""
    within = labels[pairs.left] == labels[pairs.right]
    false, right = float((1 - pairs.probability[within]).sum()), float(pairs.probability[within].sum())
    missed = float(pairs.probability[~within].sum())
    linked = same_pairs(labels)
    both = None if truth is None else same_pairs(labels, truth)
    return PairQuality(
        method=method,
        people=len(np.unique(labels)),
        linked_pairs=linked,
        expected_false=false,
        expected_missed=missed,
        expected_precision=_share(right, right + false),
        expected_recall=_share(right, right + missed),
        precision=None if both is None else _share(both, linked),
        recall=None if both is None or truth is None else _share(both, same_pairs(truth)),
    )


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def same_pairs(*groupings: Ints) -> int:
    """Count the pairs of records that are together in every grouping."""
    sizes = np.unique(np.column_stack(groupings), axis=0, return_counts=True)[1].astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


@dataclass(frozen=True, slots=True)
class Anchored:
    """Each record's link to the anchor: whether it has one, and the errors expected and (where truth is known) made."""

    linked: Flags
    expected_wrong: Floats
    expected_missed: Floats
    wrong: Flags | None
    missed: Flags | None


def anchored(source: pd.Series, labels: Ints, sure: Floats, pairs: Pairs, truth: Ints | None) -> Anchored:
    """Say of each record whether its cluster holds a record of the anchor.

    A linked record is expected to be wrong with 1 - the link probability of its cluster (`sure`); one without a link is
    expected to be missed with the probability of its strongest pair with a record of the anchor. Against truth, a record is
    wrong whose cluster holds the anchor's record of somebody else alone, and missed where the anchor holds its person elsewhere.
    """
    at_anchor = (source == ANCHOR).to_numpy()
    linked = np.isin(labels, labels[at_anchor])
    best = np.zeros(len(labels))
    for one, other in ((pairs.left, pairs.right), (pairs.right, pairs.left)):
        rows = at_anchor[other]
        np.maximum.at(best, one[rows], pairs.probability[rows])
    wrong, missed = (None, None) if truth is None else _against_truth(at_anchor, linked, labels, truth)
    expected_wrong = np.where(linked, 1 - sure[labels], 0.0)
    return Anchored(linked, expected_wrong, np.where(linked, 0.0, best), wrong, missed)


def _against_truth(at_anchor: Flags, linked: Flags, labels: Ints, truth: Ints) -> tuple[Flags, Flags]:
    together = labels * (int(truth.max(initial=0)) + 1) + truth
    right = np.isin(together, together[at_anchor])
    known = np.isin(truth, truth[at_anchor])
    return linked & ~right, known & ~right


def subgroups(records: pd.DataFrame, ethnicity: pd.Series, at: pd.Timestamp) -> pd.DataFrame:
    """Give the subgroup of each record by name: nothing here identifies anybody."""
    age = (at - pd.to_datetime(records["birth_date"])).dt.days / 365.25
    bands = pd.cut(age, [-np.inf, *AGE_BANDS, np.inf], right=False, labels=_band_names())
    known = {True: "held", False: "missing"}
    return pd.DataFrame(
        {
            "all": "all",
            "sex": records["sex"].fillna("missing"),
            "age": bands.astype("object").fillna("missing"),
            "ethnicity": ethnicity.fillna("missing"),
            "postcode": records["has_postcode"].map(known),
            "nhs_number": records["nhs_number"].notna().map(known),
            "pnc_id": records["pnc_id"].notna().map(known),
        }
    )


def _band_names() -> list[str]:
    inner = [f"{low}-{high - 1}" for low, high in pairwise(AGE_BANDS)]
    return [f"under {AGE_BANDS[0]}", *inner, f"{AGE_BANDS[-1]} and over"]


def link_rates(source: pd.Series, groups: pd.DataFrame, found: Anchored) -> pd.DataFrame:
    """Count, by source and subgroup, records, those linked to the anchor, and the errors expected and made.

    A subgroup that a source does not record is left out for it.
    """
    counts = pd.DataFrame(
        {
            "records": 1,
            "linked": found.linked.astype(int),
            "expected_wrong": found.expected_wrong,
            "expected_missed": found.expected_missed,
        }
    )
    if found.wrong is not None and found.missed is not None:
        counts = counts.assign(wrong=found.wrong.astype(int), missed=found.missed.astype(int))
    tables = [
        counts.groupby([source.rename("source"), groups[name].rename("level")]).sum().reset_index().assign(subgroup=name)
        for name in groups
    ]
    rates = pd.concat(tables, ignore_index=True).query(f"source != '{ANCHOR}'")
    held = rates.groupby(["source", "subgroup"])["level"].transform(lambda level: (level != "missing").any())
    rates = rates[held]
    rates = rates.assign(link_rate=rates["linked"] / rates["records"])
    first = ["source", "subgroup", "level", "records", "linked", "link_rate"]
    order = [*first, *(name for name in rates if name not in first)]
    return rates[order].sort_values(first[:3]).reset_index(drop=True)
