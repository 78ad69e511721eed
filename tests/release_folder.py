"""A small study folder with released results, for the tests of `ldeval.release`."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ldeval.analysis.exhibits import Column, Curves, Dot, Dots, Effect, Effects, Point, Table
from ldeval.analysis.findings import Findings, Origin
from ldeval.data.folders import MANIFEST, truth_folder
from ldeval.data.open_data import OPEN_DATA
from ldeval.data.stages import extracts_folder
from ldeval.estimate import Estimate
from ldeval.release.build import write
from ldeval.release.disclosure import clear
from ldeval.study import read_study

PROJECT = Path(__file__).parent.parent
ORIGIN = Origin("ldeval.analysis.validation.rossi", ("rossi",))
HOSTILE = "</script><b>x & 'y'</b> \u2028 [link](x) $a$ @z *b*"

FACTS = """id,value,unit,text,flag,source,where
users,8729,people,People who used the service,FOUND,A report (2021),page 3
any_need,0.88,share,People with a need,FOUND (secondary),"A ledger, entry 26",line 1
frequency,4.05,number,Reoffences each,RECALLED-medium,A ministry,table 5
odds,,ratio,The odds ratio,NOT FOUND,A report (2021),nowhere
direction,,text,Custody became rarer,FOUND (direction),A press release,paragraph 2
"""


def ratio(key, value=0.68, low=0.47, high=0.9957, **other):
    fields = {
        "id": key,
        "outcome": "rearrest",
        "measure": "hazard ratio",
        "unit": "ratio",
        "estimand": "ATT",
        "value": value,
        "se": 0.19,
        "scale": "log",
        "low": low,
        "high": high,
        "level": 0.95,
        "n": 1445,
        "events": 552,
        "method": "Cox model",
        "p_value": 0.0474,
    }
    return Estimate(**(fields | other))


def findings(*, title="A table", data=("rossi",)):
    estimates = (
        ratio("a/effect"),
        ratio("a/none", value=1.05, low=0.8, high=1.4, p_value=None, method=HOSTILE),
        ratio("a/share", value=0.694, low=0.628, high=0.751, unit="share", scale="identity", se=0.03, p_value=None),
        ratio("a/certain", value=2.0, low=2.0, high=2.0, se=0.0, events=None, outcome="nowhere"),
    )
    exhibits = (
        Table(
            "t-plain",
            title,
            (Column("g", "Block"), Column("name", "Name"), Column("n", "People", "people"), Column("p", "p", "p")),
            (("One", "A <b> & c", 1234, 0.0001), ("One", "B", None, None), ("Two", "C", 0, 0.05)),
            notes=("A note with <i>markup</i>.",),
            group="g",
        ),
        Curves(
            "c-two",
            "Curves",
            "not re-arrested",
            "weeks",
            "release",
            0.95,
            "Kaplan-Meier",
            (
                Point("Aid", 0.0, 1.0, 1.0, 1.0, 6, 0, 0),
                Point("Aid", 10.0, 0.8, 0.5, 0.9, 6, 1, 1),
                Point("Aid", 30.0, 0.4, 0.1, 0.7, 4, 2, 2),
                Point("None", 0.0, 1.0, 1.0, 1.0, 4, 0, 0),
                Point("None", 52.0, 0.5, 0.1, 0.8, 4, 2, 2),
            ),
        ),
        Effects("e-all", "Hazard ratios", "Hazard ratio", (Effect('Aid "x"', "a/effect"), Effect("None", "a/none"))),
        Dots(
            "d-two",
            "Coverage by estimator",
            "Share",
            "coverage",
            0.95,
            "the band",
            ("Plain", "Corrected"),
            (
                Dot("Mean", "Plain", 0.9, 0.93, 0.97),
                Dot("Mean", "Corrected", 0.94, 0.93, 0.97),
                Dot("Median", "Plain", 0.96, 0.93, 0.97),
            ),
        ),
    )
    plain = Findings(estimates, exhibits)
    return Findings(estimates, exhibits, dict.fromkeys(plain.ids(), Origin(ORIGIN.function, data)))


def make_study(root, *, facts=FACTS):
    root.mkdir(parents=True, exist_ok=True)
    table = OPEN_DATA["rossi"].path
    (root / table).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / table, root / table)
    (root / "data" / "facts.csv").write_text(facts, encoding="utf-8")
    shutil.copy(PROJECT / "study.toml", root / "study.toml")
    manifest = truth_folder(extracts_folder(root, read_study(root / "study.toml"))) / MANIFEST
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text('{"sha256": "' + "1" * 64 + '"}', encoding="utf-8")  # the twin that results from records name
    return root


def write_results(root, cleared):
    with ThreadPoolExecutor(1) as beside:
        write(root, read_study(root / "study.toml"), cleared, {"code": "0" * 64}, beside)


def make_released(root, found=None):
    write_results(make_study(root), clear(found or findings(), "none"))
    return root
