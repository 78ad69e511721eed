"""The linkage model: deterministic rules, and a Fellegi-Sunter model trained by expectation maximisation with Splink.

A pair of records has the match probability

    p = B / (1 + B),   B = (prior odds) x product over comparisons of m / u,

with m the share of true matches, u of others, at the pair's level of agreement, adjusted for how common an agreeing name is;
comparisons are taken as independent given the match. Fellegi and Sunter (1969), doi:10.1080/01621459.1969.10501049.
"""

from __future__ import annotations

import logging
from typing import Any

import duckdb
import pandas as pd
import splink.comparison_level_library as levels
import splink.comparison_library as comparisons
import sqlglot
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ldeval.data.engine import Extracts

logging.getLogger("splink").setLevel(logging.WARNING)  # progress is said by ldeval itself

DETERMINISTIC_RULES = (
    "l.nhs_number = r.nhs_number and (l.birth_date = r.birth_date or l.surname = r.surname)",
    "l.pnc_id = r.pnc_id and (l.birth_date = r.birth_date or l.surname = r.surname)",
    "l.forename = r.forename and l.surname = r.surname and l.birth_date = r.birth_date and l.postcode = r.postcode",
)
"""Agreement that is taken as a link whatever the model says, unless two national numbers contradict each other."""

NO_CONTRADICTION = "coalesce(l.nhs_number = r.nhs_number, true) and coalesce(l.pnc_id = r.pnc_id, true)"

RULE_RECALL = 0.8
"""Share of true pairs that the deterministic rules are taken to find: a starting value, which training moves."""

BLOCKS = (
    ("nhs_number",),
    ("pnc_id",),
    ("surname", "birth_date"),
    ("forename", "birth_date"),
    ("postcode", "birth_date"),
    ("forename", "surname", "sex"),
)
"""Pairs that agree on one of these are compared; a true pair that agrees on none is never seen."""

TRAINING_BLOCKS = (("forename", "surname"), ("birth_date",))
"""Each trains the comparisons that it does not use."""

U_PAIRS = 2e6
LOWEST = 0.001
"""Pairs below this match probability are dropped: nothing is expected of them."""


def settings() -> Any:
    """Give the untrained model."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record",
        comparisons=[
            _name("forename"),
            _name("surname"),
            _birth_date(),
            comparisons.ExactMatch("sex"),
            comparisons.CustomComparison(
                [
                    levels.NullLevel("postcode"),
                    levels.ExactMatchLevel("postcode"),
                    levels.ExactMatchLevel("sector"),
                    levels.ElseLevel(),
                ],
                output_column_name="postcode",
            ),
            comparisons.ExactMatch("nhs_number"),
            comparisons.ExactMatch("pnc_id"),
        ],
        blocking_rules_to_generate_predictions=[block_on(*columns) for columns in BLOCKS],
        retain_matching_columns=False,
        linker_uid="ldeval",
    )


def _name(column: str) -> Any:
    """Compare names by edits of a letter, which all engines count alike; they do not agree on Jaro-Winkler similarity."""
    exact = levels.ExactMatchLevel(column, term_frequency_adjustments=True)
    edits = [levels.LevenshteinLevel(column, number) for number in (1, 2)]
    return comparisons.CustomComparison([levels.NullLevel(column), exact, *edits, levels.ElseLevel()], output_column_name=column)


def _birth_date() -> Any:
    swapped = "birth_date_l = birth_swapped_r"
    return comparisons.CustomComparison(
        [
            levels.NullLevel("birth_date"),
            levels.ExactMatchLevel("birth_date"),
            levels.CustomLevel(swapped, label_for_charts="day and month exchanged"),
            levels.LevenshteinLevel("birth_date", 1),
            levels.ElseLevel(),
        ],
        output_column_name="birth_date",
    )


def train(records: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Estimate the model's parameters on some records; same records and seed, same parameters.

    Training runs on DuckDB, in this process, whichever engine holds the records, so that both score with the same numbers.
    """
    with duckdb.connect() as connection:
        connection.register("training_records", records)
        linker = _linker(DuckDBAPI(connection), "training_records", settings())
        training = linker.training
        training.estimate_probability_two_random_records_match(list(DETERMINISTIC_RULES), recall=RULE_RECALL)
        training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=seed, min_count_per_level=None, num_chunks=1)
        for columns in TRAINING_BLOCKS:
            training.estimate_parameters_using_expectation_maximisation(
                block_on(*columns), estimate_without_term_frequencies=True
            )
        trained: dict[str, Any] = _rounded(linker.misc.save_model_to_json())
    return trained


def _rounded(part: Any) -> Any:
    """Keep nine digits of every number: the last ones depend on the order in which threads add up."""
    if isinstance(part, float):
        return float(f"{part:.9g}")
    if isinstance(part, dict):
        return {key: _rounded(value) for key, value in part.items()}
    return [_rounded(value) for value in part] if isinstance(part, list) else part


def score(extracts: Extracts, table: str, model: dict[str, Any]) -> pd.DataFrame:
    """Give the compared pairs of a table of records, in order of their keys.

    Columns: `left_record`, `right_record`, `probability`, and `by_rule` (a deterministic rule holds).
    """
    api = extracts.splink()
    linker = _linker(api, table, spoken(model, api.sql_dialect.sql_dialect_str))
    scored = linker.inference.predict(threshold_match_probability=LOWEST)
    rules = " or ".join(f"({rule})" for rule in DETERMINISTIC_RULES)
    pairs: pd.DataFrame = extracts.fetch_sql(
        f"""select record_l as left_record, record_r as right_record, match_probability as probability,
            coalesce(({rules}) and {NO_CONTRADICTION}, false) as by_rule
            from {scored.physical_name} join {table} l on l.record = record_l join {table} r on r.record = record_r
            order by 1, 2"""
    ).to_pandas()
    return pairs.assign(probability=pairs["probability"].round(6))


def spoken(part: Any, dialect: str, own: str = "") -> Any:
    """Give a model in an engine's dialect of SQL: a trained model holds its conditions in that of the engine that trained it."""
    if isinstance(part, list):
        return [spoken(value, dialect, own) for value in part]
    if not isinstance(part, dict):
        return part
    own = part.get("sql_dialect") or own
    said = {key: spoken(value, dialect, own) for key, value in part.items()}
    if "sql_dialect" in said:
        said["sql_dialect"] = dialect
    for key in {"sql_condition", "blocking_rule"} & said.keys():
        if isinstance(said[key], str) and said[key] != "ELSE":
            said[key] = sqlglot.transpile(said[key], read=own, write=dialect)[0]
    return said


def _linker(api: Any, table: str, model: Any) -> Any:
    return Linker(api.register(table), model, log_level=None)
