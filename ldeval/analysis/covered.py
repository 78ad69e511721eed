"""The columns of every table that says how estimates did over draws of which the truth is known."""

from __future__ import annotations

from ldeval.analysis.exhibits import Column

TRUTH = Column("truth", "Truth", "coefficient")
MEAN = Column("mean", "Mean estimate", "coefficient")
BIAS = Column("bias", "Bias", "bias")
COVERAGE = (
    Column("coverage", "Coverage", "coverage"),
    Column("low", "Band from", "coverage"),
    Column("high", "to", "coverage"),
)
