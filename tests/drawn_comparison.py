"""Small records made by hand or by a seed, in the shape of the study's features, for tests of the analyses."""

from pathlib import Path

import numpy as np
import pandas as pd

from ldeval.analysis.records import Records
from ldeval.study import Cohort, Data, Outcome, Protocol, Study

ADJUST = ("age", "sex", "previous_convictions", "index_offence")


def study(adjust=ADJUST, source="twin"):
    outcome = {"estimand": "ATT", "adjust": adjust, "cluster": "area", "better": "lower"}
    return Study(
        study=Protocol(title="Drawn", referral_window=("2017-01-01", "2017-09-30"), follow_up_days=365, conviction_wait_days=182),
        data=Data(source=source),
        cohort=Cohort(),
        outcomes={
            "diversion": Outcome(question="?", matters=0.02, unit="percentage points", **outcome),
            "reconviction": Outcome(question="?", matters=0.90, unit="ratio", **outcome),
        },
    )


def people(n=1200, areas=24, users=0.5, custody=(0.08, 0.15), again=(0.3, 0.3), seed=1):
    """Give n people: the first share of areas live, all of whose people are users; custody and reoffending by arm."""
    rng = np.random.default_rng(seed)
    area = rng.integers(areas, size=n)
    arm = np.where(area < users * areas, "user", "not_yet_live")
    treated = arm == "user"
    jailed = rng.random(n) < np.where(treated, *custody)
    ended = rng.integers(1, 300, n)
    reoffends = rng.random(n) < np.where(treated, *again)
    lag = np.where(reoffends, rng.integers(1, 365, n), 365)
    events = np.where(reoffends, 1 + rng.poisson(0.5, n), 0)
    return pd.DataFrame(
        {
            "study_id": [f"S{i}" for i in range(n)],
            "area_id": [f"Area {a:02d}" for a in area],
            "wave": np.where(treated, 1, 4),
            "arm": arm,
            "entry": 0,
            "age": rng.integers(18, 70, n),
            "sex": np.where(rng.random(n) < 0.2, "female", "male"),
            "index_offence": np.where(rng.random(n) < 0.5, "theft", "violence"),
            "previous_convictions": rng.poisson(5, n),
            "previous_events_year": rng.poisson(1, n),
            "previous_custody": rng.poisson(0.5, n),
            "custody_days_before": rng.poisson(3, n),
            "index_disposal": np.where(jailed, "immediate_custody", np.where(rng.random(n) < 0.5, "fine", "no_further_action")),
            "index_disposal_days": ended.astype(float),
            "index_release_days": np.where(jailed, ended + 60.0, np.nan),
            "custody_race_days": ended,
            "custody_race_state": np.where(jailed, 1, rng.integers(2, 4, n)),
            "custody_days": np.where(jailed, np.minimum(60, 365 - ended), 0),
            "reconviction_days": lag,
            "reconviction_state": reoffends.astype(int),
            "liberty_days": lag,
            "reoffences": events,
            "reoffence_events": events,
        }
    )


def panel(frame, seed=2):
    """Give twelve months of arrests for each person."""
    rng = np.random.default_rng(seed)
    rows = pd.MultiIndex.from_product([frame.study_id, range(12)], names=["study_id", "month"]).to_frame(index=False)
    return rows.assign(arrests=rng.poisson(0.1, len(rows)))


def records(folder: Path, frame, protocol=None):
    """Write a frame of people as the features of a study."""
    folder.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(folder / "people_study.parquet")
    frame.assign(arm="not_yet_live").head(0).to_parquet(folder / "people_historical.parquet")
    panel(frame).to_parquet(folder / "panel_study.parquet")
    return Records(folder, protocol or study())


def values(findings):
    """Give the estimates by id."""
    return {estimate.id: estimate for estimate in findings.estimates}


def reasons(findings):
    """Give why results are missing, by id."""
    return {gap.id: gap.why for gap in findings.missing}
