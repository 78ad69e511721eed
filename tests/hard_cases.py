"""A small study on a folder of extracts, and what is done to the extracts to make each hard case."""

import re
import shutil
from pathlib import Path

import duckdb

from ldeval.analysis import keep
from ldeval.data.sources import EXTRACTS
from ldeval.data.synthetic import write_twin
from ldeval.data.synthetic_blocks import Design
from ldeval.release import kept_figures

PROJECT = Path(__file__).parent.parent
USERS = 600
BOOK = ("_quarto.yml", "index.qmd", "references.bib", "chapters", "assets")

INDEX = """(SELECT pnc_person_id, min(event_date) AS first FROM {pnc_events}
    WHERE vulnerable AND event_date BETWEEN DATE '2017-01-01' AND DATE '2017-09-30' GROUP BY 1)"""
"""About the index event of each person."""

AGAIN = f"""FROM {{pnc_offences}} o JOIN {{pnc_events}} e USING (event_id) JOIN {INDEX} i USING (pnc_person_id)
    WHERE o.offence_date > i.first"""

LIVE = "SELECT area_id FROM {areas} WHERE go_live_date < DATE '2017-01-01'"

CASES = {
    "no_users": {
        "ld_persons": "FROM {ld_persons} LIMIT 0",
        "ld_referrals": "FROM {ld_referrals} LIMIT 0",
        "ld_interventions": "FROM {ld_interventions} LIMIT 0",
    },
    "no_comparators": {"areas": "SELECT * REPLACE (DATE '2014-04-01' AS go_live_date) FROM {areas}"},
    "one_area": {
        name: f"FROM {{{name}}} WHERE area_id = (SELECT min(area_id) FROM {{areas}} WHERE go_live_date < DATE '2017-01-01')"
        for name in ("areas", "ld_referrals", "pnc_events", "court_cases")
    },
    "nobody_reconvicted": {
        "pnc_offences": f"FROM {{pnc_offences}} WHERE offence_id NOT IN (SELECT offence_id {AGAIN})",
    },
    "everyone_reconvicted": {
        "pnc_events": f"""FROM {{pnc_events}} UNION ALL BY NAME
            (SELECT e.* REPLACE ('new-' || e.event_id AS event_id, i.first + 30 AS event_date, i.first + 30 AS charge_date,
                i.first + 60 AS recorded_date)
             FROM {{pnc_events}} e JOIN {INDEX} i ON e.pnc_person_id = i.pnc_person_id AND e.event_date = i.first)""",
        "pnc_offences": f"""FROM {{pnc_offences}} UNION ALL BY NAME
            (SELECT o.* REPLACE ('new-' || o.offence_id AS offence_id, 'new-' || o.event_id AS event_id,
                i.first + 30 AS offence_date,
                'fine' AS disposal, i.first + 60 AS disposal_date, NULL AS sentence_days, NULL AS release_date,
                i.first + 60 AS recorded_date)
             FROM {{pnc_offences}} o JOIN {{pnc_events}} e USING (event_id)
             JOIN {INDEX} i ON e.pnc_person_id = i.pnc_person_id AND e.event_date = i.first)""",
    },
    "no_deaths": {"deaths": "FROM {deaths} LIMIT 0"},
    "all_one_sex": {
        name: f"SELECT * REPLACE ('male' AS sex) FROM {{{name}}}" for name, extract in EXTRACTS.items() if "sex" in extract.names
    },
    "small_pool": {
        "pnc_events": f"FROM {{pnc_events}} WHERE area_id IN ({LIVE}) OR hash(pnc_person_id) % 4 = 0",
    },
    "tiny_pool": {
        "pnc_events": f"FROM {{pnc_events}} WHERE area_id IN ({LIVE}) OR hash(pnc_person_id) % 12 = 0",
    },
}
"""By case, what each extract becomes; the extracts that are not named stay."""


def make_study(root: Path, *, source: str = "extracts", text: str = "") -> Path:
    """Make the folder of a study with the project's book; `text` is put at the end of its protocol."""
    root.mkdir(parents=True)
    for name in ("data", "tests/coverage", "benchmarks/results"):
        shutil.copytree(PROJECT / name, root / name)
    for name in (*BOOK, "requirements.lock"):
        (shutil.copytree if (PROJECT / name).is_dir() else shutil.copyfile)(PROJECT / name, root / name)
    protocol = (PROJECT / "study.toml").read_text(encoding="utf-8").replace("users = 8729", f"users = {USERS}")
    protocol = re.sub(r'^source = "twin"', f'source = "{source}"', protocol, flags=re.MULTILINE)
    (root / "study.toml").write_text(protocol + text, encoding="utf-8")
    return root


def make_extracts(root: Path, users: int = USERS) -> Path:
    """Write the extracts of a small twin as those of a study."""
    write_twin(Design("identified", 1, users), root / "twin", processes=1)
    (root / "extracts").mkdir()
    for path in (root / "twin").glob("*.parquet"):
        shutil.move(path, root / "extracts" / path.name)
    return root / "extracts"


def harden(root: Path, case: str) -> None:
    """Change the extracts of a study into a hard case."""
    folder = root / "extracts"
    old = {name: f"'{folder / name}.parquet'" for name in EXTRACTS}
    fresh = {}
    for name, query in CASES[case].items():
        fresh[name] = folder / f"{name}.fresh"
        duckdb.sql(f"COPY ({query.format(**old)}) TO '{fresh[name]}' (FORMAT parquet)")
    for name, path in fresh.items():
        path.replace(folder / f"{name}.parquet")


def with_open_data(released, root):
    """Keep in a study what another one found of open data and drew."""
    for folder in (keep.FOLDER, kept_figures.FOLDER):
        shutil.copytree(released / folder, root / folder)
    return root
