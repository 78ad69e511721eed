"""Names that the code uses, as readers should see them."""

from __future__ import annotations

SPELT = {
    "rmst_difference": "difference in restricted means",
    "summary_motoring": "summary motoring offence",
    "summary_non_motoring": "summary offence other than motoring",
}
"""Names whose parts do not make words."""


def spelt(name: str) -> str:
    """Give a name in words."""
    return SPELT.get(name, name.replace("_", " "))


def capital(name: str) -> str:
    """Give a name in words, the first with a capital."""
    text = spelt(name)
    return f"{text[:1].upper()}{text[1:]}"
