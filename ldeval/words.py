"""Names that the code uses, as readers should see them."""

from __future__ import annotations

from collections.abc import Collection

SPELT = {
    "rmst_difference": "difference in restricted means",
    "summary_motoring": "summary motoring offence",
    "summary_non_motoring": "summary offence other than motoring",
}
"""Names whose parts do not make words."""

ALIKE = 9
"""Names that are told in the place of one that is not there."""


def spelt(name: str) -> str:
    """Give a name in words."""
    return SPELT.get(name, name.replace("_", " "))


def capital(name: str) -> str:
    """Give a name in words, the first with a capital."""
    text = spelt(name)
    return f"{text[:1].upper()}{text[1:]}"


def nearest(name: str, known: Collection[str]) -> str:
    """Say which of the known names are most like one that is not among them."""
    from difflib import get_close_matches

    alike = ", ".join(get_close_matches(name, known, n=ALIKE, cutoff=0.0))
    return f"most like it of the {len(known)} there are: {alike}" if alike else "there are none"
