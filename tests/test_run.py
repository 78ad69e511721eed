"""Running stages: what goes wrong in another process names the analysis."""

import os
from concurrent.futures import Future

import pytest

from ldeval.analysis.findings import Findings
from ldeval.analysis.plan import STAGES
from ldeval.analysis.run import Begun, Work, processes

STAGE = next(stage for stage in STAGES if stage.function == "profile.profile")


def ended(wrong, tmp_path):
    future = Future()
    future.set_exception(wrong)
    return Work(None, tmp_path, None, False).end([Begun(STAGE, "", future)], lambda _: None, lambda _done, _all: None)


@pytest.mark.parametrize(
    ("wrong", "kind", "text"),
    [
        (KeyError("sex"), RuntimeError, "analysis of who uses the service failed: KeyError: 'sex'; `profile.profile` of"),
        (ValueError("no such column"), ValueError, "^analysis of who uses the service: no such column$"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "bad"), ValueError, "^analysis of who uses the service: 'utf-8' codec"),
        (FileNotFoundError("a.csv: not there"), FileNotFoundError, "^analysis of who uses the service: a.csv: not there$"),
    ],
)
def test_what_goes_wrong_in_a_stage_names_it(wrong, kind, text, tmp_path):
    with pytest.raises(kind, match=text):
        ended(wrong, tmp_path)


def test_a_process_that_is_ended_from_outside_is_told():
    with pytest.raises(RuntimeError, match="a process of the analysis was ended from outside"), processes() as pool:
        pool.submit(os._exit, 1).result()


def test_findings_that_are_kept_need_no_process(tmp_path):
    from ldeval.analysis.keep import Kept

    made = Work(None, tmp_path, None, False).end([Begun(STAGE, "", Kept(Findings(), 0.0, 0.0))], print, print)
    assert made == {STAGE.function: Findings()}


def test_processes_go_through_sets_in_one_order():
    seen = set()
    for _ in range(2):
        with processes() as pool:
            seen.add(pool.submit(hash, "sid").result())
    assert len(seen) == 1
