"""How far to trust the estimators: each beside R and the best Python peer, its coverage, its speed, and what is not covered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf
from pathlib import Path

from ldeval.analysis.agreement import SMALLEST
from ldeval.analysis.cases import competing, hazards, regression, survival, weighting
from ldeval.analysis.cases.case import Case, collect
from ldeval.analysis.counted import without_error
from ldeval.analysis.covered import BIAS, COVERAGE, MEAN, TRUTH
from ldeval.analysis.exhibits import Cell, Column, Dot, Dots, Table
from ldeval.analysis.findings import Findings, made_from
from ldeval.data import evidence
from ldeval.data.evidence import RULES, Coverage
from ldeval.estimate import Estimate

LEVEL = 0.95
BAND = 0.999
"""A share of 0.95 over the draws falls outside the band once in a thousand tables, by chance alone."""
GROUPS: dict[str, tuple[str, Callable[[Path], Iterator[Case]]]] = {
    "survival": ("Curves, log-rank tests, restricted means, parametric survival", survival.cases),
    "hazards": ("Cox models", hazards.cases),
    "competing": ("Competing risks", competing.cases),
    "regression": ("Counts, binary outcomes, panels, series, quantiles", regression.cases),
    "weighting": ("Weights, doubly robust comparisons, sensitivity, costs", weighting.cases),
}
FAMILIES = {
    "survival": "Survival",
    "competing": "Competing risks",
    "cox": "Cox model",
    "regression": "Regression and comparison",
}
"""The words for each table of coverage; one that is not here goes by its file's name."""
DATA = (
    *("references", "rossi", "recid", "lung", "bladder2", "cgd", "sk_bmt", "crime1", "arrests", "lalonde", "injury", "castle"),
    *("mpdta", "traffic2", "engel"),
)


def trust(root: Path) -> Findings:
    """Gather the evidence on every estimator."""
    return beside_peers(root) + coverage(root) + speed(root) + references_not_covered(root)


@made_from(*DATA)
def beside_peers(root: Path) -> Findings:
    """Compute every reference case here and in the peer, and set both beside R."""
    groups = {key: collect(cases, root) for key, (_, cases) in GROUPS.items()}
    tables = [_compared(key, GROUPS[key][0], cases) for key, cases in groups.items()]
    every = [case for cases in groups.values() for case in cases]
    return Findings(_sums(every), (*tables, _differing(every), _without_peer(every)))


@made_from("coverage")
def coverage(root: Path) -> Findings:
    """Read how often intervals held the truth in simulated studies, and set each share beside its binomial band."""
    rows = evidence.coverage(root)
    inside = [row for row in rows if _within(row)]
    used = [row for row in rows if row.rule != RULES[1]]
    counts = {
        "coverage/settings": ("simulated settings", len(rows)),
        "coverage/corrected": ("simulated settings whose errors are as the report's", len(used)),
        "coverage/corrected_within": ("of these, with a coverage in its band", sum(row in inside for row in used)),
        "coverage/uncorrected": ("simulated settings with areas and no correction", len(rows) - len(used)),
        "coverage/uncorrected_within": (
            "of these, with a coverage in its band",
            len(inside) - sum(row in inside for row in used),
        ),
    }
    estimates = tuple(_count(key, words, number) for key, (words, number) in counts.items())
    return Findings(estimates, (_coverage_table(rows), _coverage_dots(rows)))


@made_from("benchmarks")
def speed(root: Path) -> Findings:
    """Read what the benchmarks measured."""
    rows = evidence.timings(root)
    stopped = ("A peer at \N{INFINITY} seconds was stopped after a minute.",) if any(row.other == inf for row in rows) else ()
    table = Table(
        id="trust-speed",
        title="Speed against peers",
        columns=(
            Column("family", "Family"),
            Column("case", "Case"),
            Column("against", "Compared with"),
            Column("seconds", "Seconds here", "seconds"),
            Column("other", "Seconds there", "seconds"),
            Column("ratio", "Ratio", "times as fast"),
        ),
        rows=tuple((row.family, row.case, row.against, row.seconds, row.other, row.ratio) for row in rows),
        notes=(*dict.fromkeys(f"{row.family}: {row.machine}." for row in rows), *stopped),
        group="family",
    )
    return Findings((), (table,))


@made_from("references")
def references_not_covered(root: Path) -> Findings:
    """List the results of R that no method here gives, with the reason."""
    listed = evidence.not_covered(root)
    return Findings(
        (_count("not_covered", "values of R that no method covers", len(listed)),),
        (
            Table(
                id="trust-not-covered",
                title="Results of R that no method covers",
                columns=(Column("key", "Entry of R's results"), Column("reason", "Why not")),
                rows=tuple(listed.items()),
                notes=("The tests read the same list, and fail on an entry that is neither covered nor listed.",),
            ),
        ),
    )


def _compared(key: str, title: str, cases: Sequence[Case]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            f"{case.family} ({case.data})" if case.data != "none" else case.family,
            case.quantity,
            case.here,
            case.r,
            max(case.difference, SMALLEST),
            case.peer,
            case.peer_value,
            None if case.peer_difference is None else max(case.peer_difference, SMALLEST),
        )
        for case in cases
    ]
    return Table(
        id=f"trust-{key}",
        title=title,
        columns=(
            Column("family", "Family"),
            Column("quantity", "Quantity"),
            Column("here", "Here", "six digits"),
            Column("r", "R", "six digits"),
            Column("difference", "Difference", "relative difference"),
            Column("peer", "Peer"),
            Column("peer_value", "Its value", "six digits"),
            Column("peer_difference", "Its difference", "relative difference"),
        ),
        rows=tuple(rows),
        notes=(
            "Differences from R: in R's standard errors for estimates, as a share of R's value for the rest; computed when "
            "this report was built.",
        ),
        group="family",
    )


def _differing(cases: Iterable[Case]) -> Table:
    return Table(
        id="trust-peers-differ",
        title="Peers that differ from R, and why",
        columns=(
            Column("family", "Family"),
            Column("quantity", "Quantity"),
            Column("peer", "Peer"),
            Column("difference", "Its difference from R", "relative difference"),
            Column("why", "Why"),
        ),
        rows=tuple(
            (f"{case.family} ({case.data})", case.quantity, case.peer, case.peer_difference, case.why)
            for case in cases
            if case.peer_differs
        ),
        notes=("Versions: see the chapter on software.",),
        group="family",
    )


def _without_peer(cases: Iterable[Case]) -> Table:
    found: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        if case.peer == "none":
            found.setdefault((case.family, case.why), []).append(case.quantity)
    return Table(
        id="trust-no-peer",
        title="What no peer gives",
        columns=(Column("family", "Family"), Column("quantities", "Quantities"), Column("why", "Why")),
        rows=tuple((family, "; ".join(quantities), why) for (family, why), quantities in found.items()),
    )


def _sums(cases: Sequence[Case]) -> tuple[Estimate, ...]:
    """Count cases and peers, and give the largest difference; none below a millionth is stated."""
    worst = max(SMALLEST, *(case.difference for case in cases))
    with_peer = [case for case in cases if case.peer != "none"]
    bound = "bound on a relative difference"
    return (
        _count("largest_difference", "largest difference from R", worst, unit=bound, n=len(cases)),
        _count("cases", "values set beside R's", len(cases)),
        _count("peers", "values that a peer gives too", len(with_peer)),
        _count("peers_differ", "values in which a peer differs from R", sum(case.peer_differs for case in cases)),
        _count("no_peer", "values that no peer gives", len(cases) - len(with_peer)),
    )


def _count(key: str, measure: str, value: float, *, unit: str = "values", n: int | None = None) -> Estimate:
    method = "counted over the reference cases and simulated settings of the appendix"
    return without_error(f"trust/{key}", measure, value, unit=unit, n=int(value) if n is None else n, method=method)


def _band(row: Coverage) -> tuple[float, float]:
    """Give the binomial band of a coverage of 0.95 over the draws."""
    from scipy.stats import binom

    tail = (1 - BAND) / 2
    low, high = binom.ppf([tail, 1 - tail], row.draws, LEVEL) / row.draws
    return float(low), float(high)


def _within(row: Coverage) -> bool:
    low, high = _band(row)
    return low <= row.coverage <= high


def _coverage_table(rows: Sequence[Coverage]) -> Table:
    seeds = ", ".join(dict.fromkeys(f"{FAMILIES.get(row.family, row.family)} {row.seed}" for row in rows))
    blocks = dict.fromkeys(_block(row) for row in rows)
    return Table(
        id="trust-coverage",
        title="Coverage in simulated studies",
        columns=(
            Column("block", "Estimator"),
            Column("setting", "Setting"),
            *(TRUTH, MEAN, BIAS, *COVERAGE),
            Column("draws", "Draws", "values"),
        ),
        rows=tuple(
            (block, row.setting, row.truth, row.mean, row.bias, row.coverage, *_band(row), row.draws)
            for block in blocks
            for row in rows
            if _block(row) == block
        ),
        notes=(
            f"Nominal: {LEVEL:g}. The band holds {BAND:.1%} of what chance gives at that coverage. Bias: mean less truth, in "
            "Monte Carlo errors of the mean. For tests, coverage is the share not rejected, truth and mean are those of the "
            f"statistic. Seeds: {seeds}.",
        ),
        group="block",
    )


def _block(row: Coverage) -> str:
    family = FAMILIES.get(row.family, row.family)
    return row.estimator if row.estimator.startswith(family) else f"{family}: {row.estimator}"


def _coverage_dots(rows: Sequence[Coverage]) -> Dots:
    return Dots(
        id="trust-coverage-dots",
        title="Coverage of 95% intervals by estimator",
        measure="Share of simulated studies whose interval holds the truth",
        unit="coverage",
        nominal=LEVEL,
        band=f"the {BAND:.1%} binomial band",
        series=tuple(rule for rule in RULES if any(row.rule == rule for row in rows)),
        rows=tuple(Dot(row.estimator, row.rule, row.coverage, *_band(row)) for row in rows),
    )
