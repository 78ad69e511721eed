"""Who is who: links the records of all sources into people with one study identifier.

Deterministic rules first, then the probabilistic model, then clusters. Identifiers are read here and nowhere else, and none
leaves: what is written names a record by its source's own key, and a person by a study identifier that is a random number.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd

from ldeval.data import linkage_model
from ldeval.data.engine import Extracts, open_for
from ldeval.data.folders import links_folder, truth_folder
from ldeval.data.linkage_clusters import Flags, Floats, Ints, Pairs, clusters, draw_clusters, link_probability
from ldeval.data.linkage_quality import PairQuality, anchored, link_rates, pair_quality, subgroups
from ldeval.data.linkage_records import NATIONAL_NUMBERS, read_records
from ldeval.data.linked import LINKS
from ldeval.data.sources import EXTRACTS, PERSON_SOURCES
from ldeval.data.synthetic_blocks import IDENTITIES
from ldeval.study import Study

MODEL = "model.json"
RATES = "link_rates.csv"
QUALITY = "link_quality.csv"

LINK_SETS = 5
CERTAIN = 0.999
"""Pairs as sure as this hold in every drawn link set."""

TRAINING_RECORDS = 300_000
"""The model is trained on so many records at most: their pairs grow by the square, its parameters settle long before."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Links:
    """The outcome of a linkage; nothing in it identifies anybody.

    `table` has a row a record: `source`, `key` (the source's own), `study_id`, `link_probability` (that all joins of the
    person are right), and `study_id_1` to `study_id_5` of the link sets drawn by probability.
    """

    table: pd.DataFrame
    model: dict[str, Any]
    rates: pd.DataFrame
    quality: tuple[PairQuality, ...]


def link(
    extracts: Extracts,
    *,
    threshold: float,
    seed: int,
    at: pd.Timestamp,
    model: dict[str, Any] | None = None,
    truth: pd.DataFrame | None = None,
    say: Say = lambda _: None,
) -> Links:
    """Link the people of all sources.

    `threshold` is the match probability from which a pair is a link; `at` the day on which ages are reckoned for the
    subgroups; `model` an earlier trained model (else one is trained); `truth` a twin's table of who is who (`source`,
    `source_person_id`, `person`), used for judging alone. The same seed gives the same links.

    Raises:
        ValueError: the threshold is not between 0 and 1, or a source's key names two records.

    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1, found {threshold}")
    held = extracts.hold(read_records(extracts))
    records = _records(extracts, held)
    people = None if truth is None else _true_people(records, truth)
    say(f"{len(records):,} records of {len(PERSON_SOURCES)} sources")
    model = model or linkage_model.train(_training_records(extracts, held, seed), seed)
    scored = linkage_model.score(extracts, held.op().name, model)
    say(f"{len(scored):,} pairs compared, {int(scored['by_rule'].sum()):,} of them linked by rule")
    return _links(extracts, records, _pairs(records, scored), model, threshold, seed, at, people)


def _links(
    extracts: Extracts,
    records: pd.DataFrame,
    pairs: Pairs,
    model: dict[str, Any],
    threshold: float,
    seed: int,
    at: pd.Timestamp,
    people: Ints | None,
) -> Links:
    numbers = np.column_stack([pd.factorize(records[name])[0] for name in NATIONAL_NUMBERS])
    labels = clusters(pairs, numbers, threshold)
    sure = link_probability(pairs, labels)
    joined = clusters(pairs.take(pairs.by_rule), numbers, threshold)
    quality = (
        pair_quality("model", labels, pairs, people),
        pair_quality("deterministic join", joined, pairs, people),
    )
    found = anchored(records["source"], labels, sure, pairs, people)
    rates = link_rates(records["source"], subgroups(records, _ethnicity(extracts, records), at), found)
    return Links(_table(records, pairs, numbers, labels, sure, seed), model, rates, quality)


def _table(records: pd.DataFrame, pairs: Pairs, numbers: Ints, labels: Ints, sure: Floats, seed: int) -> pd.DataFrame:
    streams = np.random.default_rng(seed).spawn(1 + LINK_SETS)
    drawn = {
        f"study_id_{number}": study_ids(draw_clusters(pairs, numbers, rng, CERTAIN), rng)
        for number, rng in enumerate(streams[1:], start=1)
    }
    own = {"study_id": study_ids(labels, streams[0]), "link_probability": sure[labels].round(6)}
    return records[["source", "key"]].assign(**own, **drawn)


def study_ids(labels: Ints, rng: np.random.Generator) -> pd.Series:
    """Give each cluster a number at random, so that a study identifier tells nothing of the records behind it."""
    numbers = rng.permutation(int(labels.max(initial=-1)) + 1)[labels]
    return pd.Series(numbers).map("S{:08d}".format)


def _records(extracts: Extracts, held: Any) -> pd.DataFrame:
    """Give what clusters and subgroups need of each record, in order of their keys; names and postcodes stay in the engine."""
    kept = held.select("record", "source", "key", "birth_date", "sex", *NATIONAL_NUMBERS, has_postcode=held.postcode.notnull())
    records: pd.DataFrame = extracts.fetch(kept.order_by("record")).to_pandas()
    twice = records["record"].duplicated()
    if twice.any():
        named = ", ".join(sorted(records.loc[twice, "source"].unique()))
        raise ValueError(f"{int(twice.sum())} record(s) of {named} share a key; run ldeval check, and mend the extract")
    return records


def _training_records(extracts: Extracts, held: Any, seed: int) -> pd.DataFrame:
    """Draw the records on which the model is trained, by a hash that all engines compute alike; all, where there are few."""
    drawn = (held.record + ibis.literal(f":{seed}")).hexdigest("md5")
    sample = held.mutate(drawn=drawn).order_by("drawn", "record").limit(TRAINING_RECORDS).drop("drawn")
    records: pd.DataFrame = extracts.fetch(sample).to_pandas()
    return records.sort_values("record", ignore_index=True)


def _pairs(records: pd.DataFrame, scored: pd.DataFrame) -> Pairs:
    row = pd.Series(np.arange(len(records)), index=records["record"])
    left, right = row[scored["left_record"]].to_numpy(), row[scored["right_record"]].to_numpy()
    by_rule: Flags = scored["by_rule"].to_numpy(dtype=bool)
    return Pairs(left, right, scored["probability"].to_numpy(dtype=float), by_rule)


def _true_people(records: pd.DataFrame, truth: pd.DataFrame) -> Ints:
    person = pd.Series(truth["person"].to_numpy(), index=truth["source"] + ":" + truth["source_person_id"])
    found = person.reindex(records["record"])
    if found.isna().any():
        raise ValueError(f"the truth lacks {int(found.isna().sum())} of {len(found)} records; it is another twin's")
    return np.asarray(found, dtype=np.int64)


def _ethnicity(extracts: Extracts, records: pd.DataFrame) -> pd.Series:
    """Give the ethnicity that each record's own source holds; most hold none."""
    known = [
        rows.select(record=ibis.literal(f"{source.name}:") + rows[source.person_id], value=rows.ethnicity)
        for source in PERSON_SOURCES
        if "ethnicity" in EXTRACTS[source.persons].names
        for rows in [extracts.table(source.persons)]
    ]
    held = extracts.fetch(ibis.union(*known, distinct=False)).to_pandas()
    values: pd.Series = held.set_index("record")["value"].reindex(records["record"]).reset_index(drop=True)
    return values


def write_links(links: Links, folder: Path) -> None:
    """Write links, model and quality; each file whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    quality = pd.DataFrame([asdict(row) for row in links.quality])
    writers: dict[str, Callable[[Path], Any]] = {
        LINKS: lambda path: links.table.to_parquet(path, index=False, compression="zstd"),
        MODEL: lambda path: path.write_text(json.dumps(links.model, indent=1) + "\n", encoding="utf-8"),
        RATES: lambda path: links.rates.to_csv(path, index=False, lineterminator="\n"),
        QUALITY: lambda path: quality.to_csv(path, index=False, lineterminator="\n"),
    }
    for name, write in writers.items():
        unfinished = folder / f".{name}.unfinished"
        write(unfinished)
        unfinished.replace(folder / name)


def link_folder(folder: Path, study: Study, model: Path | None = None, *, say: Say = lambda _: None) -> tuple[Links, Path]:
    """Link the extracts of a folder as the study asks, judge a twin's links against its truth, and write all beside it."""
    known = truth_folder(folder) / f"{IDENTITIES}.parquet"
    links = link(
        open_for(study, folder),
        threshold=study.linkage.threshold,
        seed=study.linkage.seed,
        at=pd.Timestamp(study.study.referral_window[0]),
        model=read_model(model) if model else None,
        truth=pd.read_parquet(known) if known.is_file() else None,
        say=say,
    )
    write_links(links, links_folder(folder))
    return links, links_folder(folder)


def describe(links: Links) -> list[str]:
    """Say in a few lines how good the links are."""
    lines = [_in_words(row) for row in links.quality]
    whole = links.rates[links.rates["subgroup"] == "all"]
    rates = [f"{row.source} {row.link_rate:.1%}" for row in whole.itertuples()]
    return [*lines, f"linked to police records: {', '.join(rates)}"]


def _in_words(row: PairQuality) -> str:
    text = (
        f"{row.method}: {row.people:,} people; expected precision {row.expected_precision:.4f}, recall {row.expected_recall:.4f}"
    )
    return text if row.precision is None else f"{text}; true precision {row.precision:.4f}, recall {row.recall:.4f}"


def read_model(path: Path) -> dict[str, Any]:
    """Read a trained model.

    Raises:
        ValueError: the file holds no trained model.

    """
    model = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(model, dict) or "comparisons" not in model:
        raise ValueError(f"{path} holds no trained linkage model; train one with ldeval link")
    return model
