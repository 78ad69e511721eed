"""Links and missing covariates drawn: pooled by hand, near the main analysis, and a reason where nothing is drawn."""

import numpy as np
import pytest
from drawn_comparison import people, reasons, records, values

from ldeval.analysis import diversion, uncertain_records
from ldeval.analysis.attempts import answers
from ldeval.analysis.records import compare

EXACT = 1e-9  # the same sums, done once more
NEAR = 0.5  # standard errors: a few people's missing sex moves an effect less than this


@pytest.fixture(scope="module")
def gaps(tmp_path_factory):
    frame = people()
    frame.loc[np.random.default_rng(3).random(len(frame)) < 0.1, "sex"] = None
    return records(tmp_path_factory.mktemp("gaps"), frame)


def test_missing_sex_is_drawn_and_pooled(gaps):
    found = uncertain_records.imputed(gaps)
    main = values(diversion.primary(diversion.race(compare(gaps, "diversion"), 365)))["diversion/risk_difference/att"]
    pooled = values(found)["robustness/risk_difference/imputed"]
    assert abs(pooled.value - main.value) < NEAR * main.se
    assert pooled.value != main.value
    assert values(found)["robustness/hazard_ratio/imputed"].value > 0


def test_pooled_by_hand(gaps):
    """Estimates 1, 2, 3 with errors 1: the mean is 2, the variance 1 + 4/3."""
    fits = [{"risk_difference": (x, 1.0), "hazard_ratio": (0.0, 0.1)} for x in (1.0, 2.0, 3.0)]
    found = values(uncertain_records._pooled(fits, compare(gaps, "diversion"), "imputed"))
    assert found["robustness/risk_difference/imputed"].value == pytest.approx(2.0, abs=EXACT)
    assert found["robustness/risk_difference/imputed"].se == pytest.approx((7 / 3) ** 0.5, rel=EXACT)
    assert found["robustness/hazard_ratio/imputed"].value == pytest.approx(1.0, abs=EXACT)


def test_nothing_missing_is_said(tmp_path):
    whole = records(tmp_path, people(n=300))
    found = answers(uncertain_records.ids("imputed"))(uncertain_records.imputed)(whole)
    assert set(reasons(found).values()) == {"no covariate has a missing value"}
