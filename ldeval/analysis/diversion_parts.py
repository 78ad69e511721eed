"""Diversion by method, by group of people and by site: does the one number hide others?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ldeval.analysis.attempts import NoAnswer, answers, reason, require_both
from ldeval.analysis.counted import NotEstimated
from ldeval.analysis.diversion import CUSTODY, SMALL_SAMPLE, WORDS, Array, Race, incidence, race, risk_difference
from ldeval.analysis.effects import effect, found
from ldeval.analysis.exhibits import Column, Effect, Effects, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.analysis.records import RECORDS, Comparison, Records, compare
from ldeval.estimate import Estimate
from ldeval.stats.binary import aipw, logistic, standardised_risk
from ldeval.stats.fit import Contrasts
from ldeval.stats.matching import match
from ldeval.stats.weights import entropy_weights
from ldeval.words import capital

FEWEST_EVENTS = 20
"""A group with fewer sentences of custody than this in either arm is not estimated on its own."""

FEWEST_AREAS = 10
"""Nor one whose people come from fewer areas than this in all: the errors of so few would be too small."""

FEWEST_AT_SITE = 50
"""A site with fewer users than this is left out of the comparison of sites."""

OPEN_CASES = "open cases count as no custody"
METHOD_LABELS = {
    "standardisation": "Standardisation",
    "doubly_robust": "Doubly robust",
    "entropy_balancing": "Entropy balancing",
    "matching": "Matching",
}
METHODS = {
    **{f"diversion/risk_difference/att/{name}": f"risk difference, {label.lower()}" for name, label in METHOD_LABELS.items()},
    "diversion-methods": "The same effect by five methods",
}
PARTS = {
    "diversion-parts": "The effect by group of people",
    **{
        f"diversion/risk_difference/att/{sex}": f"risk difference, {label}"
        for sex, label in (("male", "men"), ("female", "women"))
    },
}
"""What is said of groups where there is no comparison at all: the exhibit, and the groups that the text speaks of."""
SITES = {
    "diversion-sites": "Custody at each site, beside what was expected",
    "diversion-heterogeneity": "Variation between sites",
}

Flags = npt.NDArray[np.bool_]


@made_from(RECORDS)
@answers(METHODS | PARTS | SITES)
def diversion_parts(records: Records) -> Findings:
    """Give the risk difference by other methods, in groups of people, and custody at each site."""
    cases = race(compare(records, "diversion"), records.study.study.follow_up_days)
    return methods(cases) + parts(cases) + sites(cases)


@made_from(RECORDS)
@answers(METHODS)
def methods(cases: Race) -> Findings:
    """Give the risk difference by several methods side by side: they should agree where each one's assumptions hold."""
    require_both(cases.custody, cases.people.treated, CUSTODY)
    tried = [_method(cases, name, make) for name, make in _METHODS.items()]
    rows = tuple(Effect(label, f"diversion/risk_difference/att/{name}") for name, label in METHOD_LABELS.items())
    shown = Effects(
        "diversion-methods",
        "The same effect by five methods",
        "Risk difference",
        (Effect("Weighting (primary)", "diversion/risk_difference/att"), *rows),
    )
    return sum(tried, Findings((), (shown,)))


def _method(cases: Race, name: str, make: Callable[[Race], tuple[Contrasts, str, str]]) -> Findings:
    key = f"diversion/risk_difference/att/{name}"

    @answers({key: METHODS[key]})
    def one() -> Findings:
        fit, term, words = make(cases)
        method = f"{words}; {WORDS}"
        unit = "percentage points"
        estimate = effect(fit, term, key, unit=unit, estimand="ATT", method=method, events=cases.events)
        return found([estimate], cases.people.arms(cases.custody))

    return one()


def _standardisation(cases: Race) -> tuple[Contrasts, str, str]:
    return incidence(cases, "standardisation"), "incidence_difference", "Cox models of each ending, standardised to the users"


def _doubly_robust(cases: Race) -> tuple[Contrasts, str, str]:
    return difference(cases), "risk_difference", f"augmented inverse probability weighting; {OPEN_CASES}"


def _entropy(cases: Race) -> tuple[Contrasts, str, str]:
    weights = entropy_weights(cases.people.treated, cases.people.X)
    return _risk(cases, weights), "risk_difference", f"entropy balancing, weights taken as known; {OPEN_CASES}"


def _matching(cases: Race) -> tuple[Contrasts, str, str]:
    matched = match(cases.people.treated, cases.people.X, caliper=0.2)
    words = "nearest neighbour on the propensity score within 0.2 standard deviations, pairs taken as known"
    return _risk(cases, matched.weights), "risk_difference", f"{words}; {OPEN_CASES}"


_METHODS = {
    "standardisation": _standardisation,
    "doubly_robust": _doubly_robust,
    "entropy_balancing": _entropy,
    "matching": _matching,
}


def difference(cases: Race) -> Contrasts:
    """Give the doubly robust difference of custody, open cases counted as none."""
    people = cases.people
    custody = cases.custody.astype(float)
    return aipw(custody, people.treated, people.X, estimand="ATT", cluster=people.cluster, small_sample=SMALL_SAMPLE)


def _risk(cases: Race, weights: Any) -> Contrasts:
    people = cases.people
    custody, X = cases.custody.astype(float), people.X[["intercept"]]
    options: dict[str, Any] = {"weights": weights, "cluster": people.cluster, "small_sample": SMALL_SAMPLE}
    return standardised_risk(custody, people.treated, X, estimand="ATT", **options)


@made_from(RECORDS)
@answers(PARTS)
def parts(cases: Race) -> Findings:
    """Give the risk difference in groups of people, each group weighted anew."""
    tried = [
        (_part(cases.keep(which), group, label, key), Effect(label, key, group)) for group, label, key, which in _parts(cases)
    ]
    rows = tuple(row for _, row in tried)
    shown = Effects("diversion-parts", "The effect by group of people", "Risk difference", rows)
    return sum((part for part, _ in tried), Findings((), (shown,)))


def _part(cases: Race, group: str, label: str, key: str) -> Findings:
    words = f"as the primary estimate, among: {group.lower()}, {label.lower()}"
    try:
        _require_enough(cases)
        return found([risk_difference(cases, key, words)], cases.people.arms(cases.custody))
    except ValueError as refused:
        return Findings(
            missing=(NotEstimated(key, f"risk difference, {group.lower()}: {label.lower()}", reason(refused), "diversion"),)
        )


def _require_enough(cases: Race) -> None:
    treated = cases.people.treated == 1.0
    if min((cases.custody & treated).sum(), (cases.custody & ~treated).sum()) < FEWEST_EVENTS:
        raise NoAnswer("too few sentences of custody in an arm to weigh it on its own")
    if len(np.unique(cases.people.cluster)) < FEWEST_AREAS:
        raise NoAnswer("too few areas to tell the error")


def _parts(cases: Race) -> Iterator[tuple[str, str, str, Flags]]:
    """Give each group of people: its heading, its words, the id of its estimate, and who is in it."""
    rows = cases.people.rows
    stem = "diversion/risk_difference/att/"
    for value, label in (("male", "Men"), ("female", "Women")):
        yield "Sex", label, stem + value, (rows.sex == value).to_numpy(bool)
    for low, high in ((18, 25), (25, 35), (35, 50), (50, 200)):
        label = f"{low} to {high - 1}" if high < 200 else f"{low} and over"
        yield "Age", label, f"{stem}age_{low}", rows.age.between(low, high - 1).to_numpy()
    for low, high, label in ((0, 0, "None"), (1, 5, "1 to 5"), (6, 14, "6 to 14"), (15, 10_000, "15 or more")):
        yield "Previous convictions", label, f"{stem}convictions_{low}", rows.previous_convictions.between(low, high).to_numpy()
    live = rows.loc[cases.people.treated == 1.0, "wave"]
    for wave in sorted(live.unique()):
        who = (rows.wave == wave).to_numpy(bool) | (cases.people.treated == 0.0)
        yield "Service", f"Wave {wave}", f"{stem}wave_{wave}", who
    for offence in sorted(rows.index_offence.unique()):
        yield "Index offence", capital(str(offence)), f"{stem}{offence}", (rows.index_offence == offence).to_numpy(bool)


@made_from(RECORDS)
@answers(SITES)
def sites(cases: Race) -> Findings:
    """Set custody at each site beside what comparators like its users had, and test whether sites differ beyond chance.

    Expected custody comes from a logistic model among comparators, taken as known. A site's difference is the mean of
    observed less expected over its users: the effect there, and whatever else local courts do otherwise.
    """
    people = cases.people
    require_both(cases.custody, people.treated, CUSTODY)
    excess = cases.custody - _expected(people, cases.custody)
    users = people.treated == 1.0
    areas = [area for area in np.unique(people.cluster[users]) if (users & (people.cluster == area)).sum() >= FEWEST_AT_SITE]
    if len(areas) < 2:
        raise NoAnswer("fewer than two sites have enough users")
    made = [_site(area, excess[users & (people.cluster == area)], cases) for area in areas]
    rows = tuple(Effect(area, estimate.id) for area, (estimate, _) in zip(areas, made, strict=True))
    title = "Custody of the users of each site, observed less expected"
    shown = Effects("diversion-sites", title, "Difference from expected", rows)
    table = _heterogeneity([estimate for estimate, _ in made])
    arms = {estimate.id: (arm,) for estimate, arm in made}
    return Findings(tuple(estimate for estimate, _ in made), (shown, table), arms=arms)


def _expected(people: Comparison, custody: Flags) -> Array:
    others = people.treated == 0.0
    fit = logistic(custody[others].astype(float), people.X[others])
    return np.asarray(1 / (1 + np.exp(-(people.X.to_numpy(float) @ fit.coefficients))))


def _site(area: str, excess: Array, cases: Race) -> tuple[Estimate, Any]:
    own = cases.people.keep((cases.people.cluster == area) & (cases.people.treated == 1.0))
    custody = cases.custody[(cases.people.cluster == area) & (cases.people.treated == 1.0)]
    mean, se = float(excess.mean()), float(excess.std(ddof=1) / np.sqrt(len(excess)))
    key = f"diversion/site_difference/{area.lower().replace(' ', '_')}"
    estimate = Estimate(
        id=key,
        outcome="diversion",
        measure="site_difference",
        unit="percentage points",
        estimand="ATT",
        value=mean,
        se=se,
        scale="identity",
        low=mean - 1.959964 * se,
        high=mean + 1.959964 * se,
        level=0.95,
        n=len(excess),
        events=int(custody.sum()),
        method="mean of custody less that expected by a logistic model among comparators, taken as known; users of one site",
    )
    return estimate, own.arms(custody)[0]


def _heterogeneity(made: list[Estimate]) -> Table:
    """Test that all sites have one difference (Cochran's Q), and give the spread between them (DerSimonian and Laird, 1986)."""
    from scipy.special import chdtrc

    values, variances = np.array([e.value for e in made]), np.array([e.se for e in made]) ** 2
    weights = 1 / variances
    q = float(weights @ (values - weights @ values / weights.sum()) ** 2)
    df = len(values) - 1
    spread = max(0.0, (q - df) / float(weights.sum() - weights @ weights / weights.sum())) ** 0.5
    columns = (
        Column("q", "Cochran's Q", "number", source="model"),
        Column("df", "Degrees of freedom", "number", source="model"),
        Column("p_value", "p-value", "p", source="model"),
        Column("i_squared", "Share of variation beyond chance", "share", source="model"),
        Column("tau", "Standard deviation between sites", "percentage points", source="model"),
    )
    row = (q, float(df), float(chdtrc(df, q)), max(0.0, 1 - df / q) if q else 0.0, spread)
    return Table("diversion-heterogeneity", "Do sites differ beyond chance?", columns, (row,))
