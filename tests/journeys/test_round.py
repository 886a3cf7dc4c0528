"""One referral goes all the way round, in each kind of chart, and each gate stops what it must."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from smart_app.played import Expert, StepFailed
from tests.journeys.conftest import Round, until

FILED_AS = {"epic": "DocumentReference", "oracle": "DocumentReference", "open": "DiagnosticReport"}


@pytest.mark.parametrize("ehr", ["epic", "oracle", "open"])
def test_a_referral_goes_from_the_question_to_the_read_opinion(
    begin: Callable[..., Round], disc: list[Path], ehr: str
) -> None:
    """Asked, given, read, signed, filed as that chart takes it, exactly once, and read by the asker."""
    walk = begin(ehr)
    walk.to_expert(disc)
    walk.to_reading().sign()
    until(walk.status, "delivered")
    assert [d.partition("/")[0] for d in walk.chart.documents(walk.patient_id)] == [FILED_AS[ehr]]
    walk.clinician.acknowledge()
    assert walk.clinician.state()["status"] == "seen"


def test_a_wrong_patient_is_stopped_before_anything_is_stored(begin: Callable[..., Round], disc: list[Path]) -> None:
    """The chart's patient is somebody else than the images name."""
    walk = begin("open", other=True)
    walk.patient.tell()
    walk.patient.give(disc, None)
    walk.patient.confirm()
    with pytest.raises(StepFailed) as stopped:
        walk.patient.send()
    assert stopped.value.why == "wrong-patient"
    assert walk.patient.status() == "gathering"


def test_the_patient_never_sees_the_charts_side_of_a_mismatch(begin: Callable[..., Round], disc: list[Path]) -> None:
    """A stranger with a link would learn whose chart it is."""
    walk = begin("open", other=True)
    walk.patient.tell()
    walk.patient.give(disc, None)
    walk.patient.confirm()
    with pytest.raises(StepFailed):
        walk.patient.send()
    shown = walk.patient.http.get(walk.patient.at("check")).text
    assert "Marisol" in shown
    assert "Marisol" in shown.partition('id="main"')[2]
    assert "1944" not in shown.partition('id="main"')[2]


def test_two_people_on_a_disc_are_stopped_until_one_is_left_out(begin: Callable[..., Round], disc: list[Path]) -> None:
    """The stranger's pictures can be left out, and the rest goes on."""
    walk = begin("open")
    walk.patient.tell()
    walk.patient.give(disc, None, stranger=True)
    with pytest.raises(StepFailed) as stopped:
        walk.patient.confirm()
    assert stopped.value.why == "two-people"
    page = walk.patient.open(walk.patient.at("show"))
    stranger = next(n for n, p in enumerate(page["everybody"]) if "Strangerson" in p["name"])
    walk.patient.post("show/leave-out", {"person": stranger})
    walk.patient.confirm()
    walk.patient.send()
    until(walk.patient.status, "sent")


def test_a_question_is_answered_where_it_was_asked(begin: Callable[..., Round], disc: list[Path]) -> None:
    """The expert asks, the clinician answers, and the case goes on where it was."""
    walk = begin("open")
    walk.to_expert(disc)
    expert = walk.to_reading()
    expert.post(f"cases/{walk.clinician.referral}/ask", {"text": "Any steroids before the scan?"})
    assert walk.clinician.state()["status"] == "question"
    walk.clinician.post(f"referrals/{walk.clinician.referral}/answer", {"text": "None since June."})
    assert walk.clinician.state()["status"] == "reading"


def test_a_returned_case_comes_back_with_its_reason(begin: Callable[..., Round], disc: list[Path]) -> None:
    """The asker sees why."""
    walk = begin("open")
    walk.to_expert(disc)
    expert = Expert(walk.house.addresses.app_base, "northlight")
    expert.open(expert.at("worklist"))
    expert.post(f"cases/{walk.clinician.referral}/return", {"reason": "Please ask a paediatric reader."})
    state = walk.clinician.state()
    assert state["status"] == "returned"
    assert "paediatric" in state["reason"]


@pytest.mark.parametrize("ehr", ["epic", "oracle", "open"])
def test_a_correction_is_filed_again_and_must_be_read_again(
    begin: Callable[..., Round], disc: list[Path], ehr: str
) -> None:
    """Version 2 reaches the chart beside or over version 1, and the reader is asked again."""
    walk = begin(ehr)
    walk.to_expert(disc)
    expert = walk.to_reading()
    expert.sign()
    until(walk.status, "delivered")
    walk.clinician.acknowledge()
    expert.revise("The side was misspelt.")
    assert walk.clinician.state()["status"] == "revised"
    until(lambda: walk.status() and [f["version"] for f in walk.clinician.state()["filings"]], [1, 2])
    with pytest.raises(StepFailed):
        walk.clinician.post(
            f"referrals/{walk.clinician.referral}/acknowledge", {"version": 1, "next_step": "plan-stays"}
        )
    walk.clinician.acknowledge()
    assert walk.clinician.state()["status"] == "seen"


def test_two_launches_in_one_browser_never_mix(begin: Callable[..., Round]) -> None:
    """Two charts open in one browser: each line shows its own patient, whatever the other does."""
    one, two = begin("open"), begin("open", other=True)
    browser = one.clinician
    first_line = browser.at("")
    browser.open(two.chart.launch(two.patient_id, "clinician"))
    second_line = browser.at("")
    assert first_line != second_line
    assert browser.open(first_line)["patient"]["name"] != browser.open(second_line)["patient"]["name"]
    with pytest.raises(StepFailed):
        browser.open(first_line + f"referrals/{two.clinician.referral}")


def test_a_launch_by_somebody_else_ends_what_was_open_in_that_browser(begin: Callable[..., Round]) -> None:
    """A shared workstation. Who signs in at another hospital is somebody else, whatever their number there."""
    one, two = begin("open"), begin("epic", other=True)
    browser = one.clinician
    first_line = browser.at("")
    browser.open(two.chart.launch(two.patient_id, "clinician"))
    second_line = browser.at("")
    with pytest.raises(StepFailed, match="has ended"):
        browser.open(first_line)
    assert browser.open(second_line)["patient"]["name"]


def test_a_line_does_not_open_in_another_browser(begin: Callable[..., Round]) -> None:
    """The address alone is worth nothing."""
    one, two = begin("open"), begin("open")
    with pytest.raises(StepFailed):
        two.clinician.open(one.clinician.at(""))
