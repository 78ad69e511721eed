"""The only way out: disclosure control, released results, prose, tables and figures.

Chapters import from here alone. Nothing heavy is loaded until it is used, since every chapter starts a kernel for each
format.
"""

from ldeval.release.cells import among, cell, rows_of
from ldeval.release.declared import about_records, dictionary_table, on_records, source_words, sources_table
from ldeval.release.disclosed import disclosed, disclosure_table, withheld_table
from ldeval.release.documents import (
    assumption_log,
    checklist,
    checklist_counts,
    data_log,
    designs_table,
    estimators_table,
    log_counts,
    published_table,
)
from ldeval.release.drawings import drawing
from ldeval.release.figures import figure
from ldeval.release.headlines import verdict_table
from ldeval.release.prose import est, fact, study
from ldeval.release.sentences import finding, matters, says, says_of_share, verdict
from ldeval.release.tables import (
    all_figures,
    facts_table,
    figures_on,
    fits_table,
    inputs_table,
    key_figures,
    software_table,
    table,
)

__all__ = [
    "about_records",
    "all_figures",
    "among",
    "assumption_log",
    "cell",
    "checklist",
    "checklist_counts",
    "data_log",
    "designs_table",
    "dictionary_table",
    "disclosed",
    "disclosure_table",
    "drawing",
    "est",
    "estimators_table",
    "fact",
    "facts_table",
    "figure",
    "figures_on",
    "finding",
    "fits_table",
    "inputs_table",
    "key_figures",
    "log_counts",
    "matters",
    "on_records",
    "published_table",
    "rows_of",
    "says",
    "says_of_share",
    "software_table",
    "source_words",
    "sources_table",
    "study",
    "table",
    "verdict",
    "verdict_table",
    "withheld_table",
]
