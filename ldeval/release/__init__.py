"""The only way out: disclosure control, released results, prose, tables and figures.

Chapters import from here alone. Nothing heavy is loaded until it is used, since every chapter starts a kernel for each
format.
"""

from ldeval.release.declared import about_records, dictionary_table, notice, source_words, sources_table
from ldeval.release.figures import figure
from ldeval.release.prose import est, fact, study, verdict
from ldeval.release.sentences import finding
from ldeval.release.tables import (
    all_figures,
    disclosure_table,
    facts_table,
    inputs_table,
    key_figures,
    software_table,
    table,
    withheld_table,
)

__all__ = [
    "about_records",
    "all_figures",
    "dictionary_table",
    "disclosure_table",
    "est",
    "fact",
    "facts_table",
    "figure",
    "finding",
    "inputs_table",
    "key_figures",
    "notice",
    "software_table",
    "source_words",
    "sources_table",
    "study",
    "table",
    "verdict",
    "withheld_table",
]
