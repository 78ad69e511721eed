"""Which page of the appendix lists an estimate: key figures are split by question, so that no page grows heavy."""

from __future__ import annotations

MAIN = "key-figures"
PAGES = {
    "rossi": "key-figures-validation",
    "recid": "key-figures-validation",
    "trust": "key-figures-validation",
    "service_use": "key-figures-use",
    "timeliness": "key-figures-courts",
    "court_stages": "key-figures-courts",
    "court_quantiles": "key-figures-courts",
}
"""The page by the first part of an id; what is not named here is on the main page."""


def page_of(key: str) -> str:
    """Give the page, without its ending, that lists an estimate."""
    return PAGES.get(key.split("/")[0], MAIN)
