"""Extracts with the study identifier in the place of each source's own key of a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ldeval.data.engine import Extracts
from ldeval.data.sources import EXTRACTS

LINKS = "links.parquet"


@dataclass(frozen=True, slots=True)
class Linked:
    """The extracts of a folder, and the table of links: `source`, `key`, `study_id`, `link_probability`."""

    extracts: Extracts
    links: Any

    def table(self, name: str) -> Any:
        """Give an extract with `study_id`, missing where the source names nobody."""
        source = EXTRACTS[name].source
        rows = self.extracts.table(name)
        own = self.links.filter(self.links.source == source.name).select(**{source.person_id: "key", "study_id": "study_id"})
        return rows.left_join(own, source.person_id).drop(source.person_id, f"{source.person_id}_right")


def read_links(extracts: Extracts, path: Path, link_set: int = 0) -> Linked:
    """Read the links; `link_set` 0 is the best one, 1 and on those drawn by probability.

    Raises:
        FileNotFoundError: the records have not been linked.
        ValueError: there is no such link set.

    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file; link the records first (ldeval link)")
    rows = extracts.read(path)
    column = f"study_id_{link_set}" if link_set else "study_id"
    if column not in rows.columns:
        raise ValueError(f"link_set must be one of those in {path.name}, found {link_set}")
    return Linked(extracts, rows.select("source", "key", "link_probability", study_id=column))
