"""Layer 4 on the twin: over many draws the headline intervals cover the truth, and the alarms ring where a need is hidden."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pytest

from ldeval.analysis import draws
from ldeval.analysis.exhibits import Table
from ldeval.study import read_study

sys.path.insert(0, str(Path(__file__).parent / "coverage"))

import simulate_twin
from twin_draw import Machine, draw

PROJECT = Path(__file__).parent.parent
BIAS = 4.0  # Monte Carlo errors of a mean; sixteen estimates share their draws
LOUD = 0.9  # share of hidden twins in which the negative controls, together, must ring
UNLIKE = "robustness/risk_difference/area_deprivation"  # what the report leaves out, because it does not cover
ALONE = ("robustness-alarm", "robustness/negative_control/", "timeliness-leads")
SAME = 1e-5  # the table has six digits
USERS = 300  # small enough to be quick, large enough that both arms have people


def check(estimates: pd.DataFrame, alarms: pd.DataFrame) -> None:
    """Say whether tables are as they should be, where nothing is hidden and where a need is."""
    known = estimates[(estimates.twin == "identified") & (estimates.id != UNLIKE)]
    assert (known.bias.abs() < BIAS * known.bias_mc_error).all()
    assert ((known.band_low <= known.coverage) & (known.coverage <= known.band_high)).all()
    quiet = alarms[(alarms.twin == "identified") & alarms.id.str.startswith(ALONE)]
    assert ((quiet.band_low <= quiet.rings) & (quiet.rings <= quiet.band_high)).all()
    assert (quiet.uniform_p > 0.001).all()
    hidden = alarms[alarms.twin == "hidden"].set_index("id").rings
    assert hidden["robustness-alarm/0/p_value"] > LOUD


def committed() -> tuple[pd.DataFrame, pd.DataFrame]:
    return tuple(pd.read_csv(simulate_twin.FOLDER / f"{name}.csv") for name in ("estimates", "alarms"))


def test_the_committed_tables_hold() -> None:
    check(*committed())


def test_the_report_shows_every_row_of_them() -> None:
    found = draws.draws(PROJECT)
    tables = {exhibit.id: exhibit for exhibit in found.exhibits if isinstance(exhibit, Table)}
    estimates, alarms = committed()
    assert len(tables["draws-identified"].rows) + len(tables["draws-hidden"].rows) == len(estimates)
    assert 2 * len(tables["draws-alarms"].rows) == len(alarms)


@pytest.fixture(scope="module")
def machine() -> Machine:
    return Machine(read_study(PROJECT / "study.toml"))


def test_a_draw_replayed_is_the_draw_compiled(machine: Machine) -> None:
    first = dict(draw(machine, ("identified", "hidden"), 1, USERS))
    again = dict(draw(machine, ("identified",), 1, USERS))
    for name, frame in first["identified"].tables.items():
        pd.testing.assert_frame_equal(frame, again["identified"].tables[name])
    assert (first["identified"].people.arm != first["hidden"].people.arm).any()
    pd.testing.assert_frame_equal(
        first["identified"].table("area_months").iloc[:, :2], first["hidden"].table("area_months").iloc[:, :2]
    )


def test_two_small_draws_give_every_estimate_and_alarm(machine: Machine) -> None:
    rows = []
    for seed in (11, 12):
        for twin, drawn in draw(machine, ("identified", "hidden"), seed, 4 * USERS):
            found = simulate_twin.analyses(drawn) + simulate_twin.later_referred(drawn)
            rows.append(pd.DataFrame(simulate_twin.rows_of(found)).assign(twin=twin, draw=seed))
    together = pd.concat(rows)
    estimates, alarms = simulate_twin.estimates(together), simulate_twin.alarms(together)
    assert (estimates.draws == 2).all()
    assert estimates.sd.gt(0).all()
    assert alarms.rings.between(0, 1).all()


@pytest.mark.slow
def test_drawn_anew_the_tables_are_the_same() -> None:
    found = simulate_twin.run()
    for now, kept in zip((simulate_twin.estimates(found), simulate_twin.alarms(found)), committed(), strict=True):
        pd.testing.assert_frame_equal(now, kept, rtol=SAME, check_dtype=False)
