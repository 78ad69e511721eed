"""The register of unit costs as tables: amounts, shares, and where each line comes from."""

from __future__ import annotations

from ldeval.analysis.exhibits import Cell, Column, Table
from ldeval.analysis.unit_costs import NUMBERS, PAYERS, Register


def costs(register: Register) -> Table:
    """Give the unit costs: as published, and low, central and high at the study's prices."""
    columns = (
        Column("payer", "Payer"),
        Column("text", "Unit cost"),
        Column("given", "As published", "pounds", source="public"),
        Column("price_year", "Price year"),
        *_numbers("pounds"),
        Column("standing", "Standing"),
    )
    rows: list[tuple[Cell, ...]] = [
        (cost.payer, cost.text, cost.given, cost.price_year, cost.low, cost.central, cost.high, cost.standing)
        for payer in PAYERS
        for cost in register.values()
        if cost.unit == "pounds" and cost.payer == payer
    ]
    return Table("economics-unit-costs", "The register of unit costs", columns, tuple(rows), group="payer")


def shares(register: Register) -> Table:
    """Give the shares of the register."""
    columns = (Column("text", "Share"), *_numbers("share"), Column("standing", "Standing"))
    rows: list[tuple[Cell, ...]] = [
        (cost.text, cost.low, cost.central, cost.high, cost.standing) for cost in register.values() if cost.unit == "share"
    ]
    return Table("economics-shares", "The shares of the register", columns, tuple(rows))


def sources(register: Register) -> Table:
    """Give where each line of the register comes from, and what has to be known of it."""
    columns = (Column("text", "Line"), Column("source", "Source"), Column("note", "Note"))
    rows: list[tuple[Cell, ...]] = [(cost.text, cost.source, cost.note) for cost in register.values()]
    return Table("economics-sources", "Where the register comes from", columns, tuple(rows))


def _numbers(unit: str) -> tuple[Column, ...]:
    return tuple(Column(name, name.capitalize(), unit, source="public") for name in NUMBERS)
