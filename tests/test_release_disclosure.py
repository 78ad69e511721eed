"""The boundary: everything released passes a named policy and carries what was done."""

from release_folder import findings

from ldeval.release.disclosure import clear


def test_open_data_leave_as_they_are_and_say_so():
    cleared = clear(findings(), "none")
    assert cleared.findings == findings()
    assert set(cleared.done.values()) == {"Open data: no disclosure control."}
    assert set(cleared.done) == set(findings().ids())


def test_open_data_leave_under_any_policy_of_the_study():
    assert set(clear(findings(), "nhs-hes").done.values()) == {"Open data: no disclosure control."}


def test_other_data_under_none_say_that_nothing_was_done():
    assert set(clear(findings(data=("twin",)), "none").done.values()) == {"Policy none: no disclosure control."}
