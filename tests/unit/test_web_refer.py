"""The clinician's acts over HTTP: each changes exactly what it says, and a faulty form changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smart_app.case import Side, Urgency
from smart_app.referral import Referral, Status
from tests.staged import CLINICIAN, conflicting_upload, renamed_upload
from tests.web import JSON
from tests.webdesk import Desk

ASKED = {
    "question": "  Is it a glioma?  ",
    "urgency": "urgent",
    "subspecialty": "neuro",
    "side": "left",
    "body_part": "Brain",
    "decision": "Biopsy or not.",
    "history": "Seizures.",
    "organisation": "northlight",
    "chart_order": "ServiceRequest/9",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk")
    yield desk
    desk.close()


def post(desk: Desk, path: str, form: Any) -> Any:
    """Send a form of a clinician's line; its answer, as a program gets it."""
    line = desk.line()
    fields = [*dict(form).items()] if isinstance(form, dict) else form
    data: dict[str, list[str]] = {"csrf": [desk.csrf(line)]}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return desk.client().post(f"/line/{line.id}/{path}", data=data, headers=JSON)


def now(desk: Desk, referral: Referral) -> Referral:
    """As it is saved."""
    with desk.ports.store.reading() as tx:
        return tx.referrals.get(referral.id)


def owed(desk: Desk, referral_id: str) -> set[str]:
    """What is owed to the outside for it."""
    with desk.ports.store.reading() as tx:
        return {row.action for row in tx.outbox.of_referral(referral_id)}


# -- ask -------------------------------------------------------------------------------------------------------------


def test_a_question_keeps_every_answer_of_its_form_and_invites_the_patient(desk: Desk) -> None:
    chosen = [("chart_studies", "ImagingStudy/1"), ("chart_studies", "ImagingStudy/2")]
    answer = post(desk, "ask", [*ASKED.items(), *chosen])
    assert answer.status_code == 303
    referral_id = answer.headers["Location"].rsplit("/", 1)[1]
    with desk.ports.store.reading() as tx:
        made = tx.referrals.get(referral_id)
    ask = made.ask
    assert (ask.question, ask.urgency, ask.side) == ("Is it a glioma?", Urgency.URGENT, Side.LEFT)
    assert (ask.subspecialty, ask.body_part, ask.decision) == ("neuro", "Brain", "Biopsy or not.")
    assert (made.chart_order, made.chart_studies) == ("ServiceRequest/9", ("ImagingStudy/1", "ImagingStudy/2"))
    assert (made.requester, made.status) == (CLINICIAN, Status.GATHERING)
    assert "invite_patient" in owed(desk, referral_id)


def test_a_form_with_faults_names_all_of_them_at_once_and_opens_nothing(desk: Desk) -> None:
    answer = post(desk, "ask", {"question": " ", "history": "Seizures."})
    assert answer.status_code == 422
    assert answer.json["error"]["fields"] == {"question": "missing", "side": "missing", "organisation": "missing"}
    assert answer.json["referrals"] == []


def test_a_form_that_comes_back_still_holds_what_was_written(desk: Desk) -> None:
    """Nobody writes a history twice."""
    line = desk.line()
    form = {"csrf": desk.csrf(line), "history": "Seizures since <May>.", "side": "left"}
    page = desk.client().post(f"/line/{line.id}/ask", data=form)
    text = page.get_data(as_text=True)
    assert page.status_code == 422
    assert "Seizures since &lt;May&gt;." in text
    assert 'id="faults"' in text


@pytest.mark.parametrize("organisation", ["nobody", "desk"])
def test_only_who_reads_images_can_be_asked(desk: Desk, organisation: str) -> None:
    """An organisation of operators would hold the case for ever."""
    answer = post(desk, "ask", {**ASKED, "organisation": organisation})
    assert answer.json["error"]["fields"] == {"organisation": "missing"}


def test_words_that_no_menu_offers_fall_back_to_the_careful_ones(desk: Desk) -> None:
    answer = post(desk, "ask", {**ASKED, "urgency": "whenever", "side": "up"})
    with desk.ports.store.reading() as tx:
        ask = tx.referrals.get(answer.headers["Location"].rsplit("/", 1)[1]).ask
    assert (ask.urgency, ask.side) == (Urgency.ROUTINE, Side.NONE)


# -- acts on a referral ----------------------------------------------------------------------------------------------


def test_an_answer_goes_to_the_expert(desk: Desk) -> None:
    referral = desk.referral("question")
    assert post(desk, f"referrals/{referral.id}/answer", {"text": "None since June."}).status_code == 303
    assert now(desk, referral).messages[-1].text == "None since June."
    assert "notify_expert" in owed(desk, referral.id)


@pytest.mark.parametrize(
    ("status", "act", "form"),
    [
        ("question", "answer", {"text": "  "}),
        ("sent", "withdraw", {"reason": ""}),
        ("returned", "resend", {"organisation": ""}),
        ("returned", "resend", {"organisation": "desk"}),
        ("delivered", "hold", {"reason": ""}),
        ("delivered", "acknowledge", {"version": "1"}),
        ("delivered", "acknowledge", {"version": "1", "next_step": "made-up"}),
    ],
)
def test_an_act_without_its_words_comes_back_and_changes_nothing(
    desk: Desk, status: str, act: str, form: dict[str, str]
) -> None:
    referral = desk.referral(status)
    answer = post(desk, f"referrals/{referral.id}/{act}", form)
    assert answer.status_code == 422
    assert answer.json["error"]["fields"]
    assert now(desk, referral) == referral


@pytest.mark.parametrize(
    ("status", "act", "form", "then"),
    [
        ("sent", "withdraw", {"reason": "Went elsewhere."}, Status.WITHDRAWN),
        ("returned", "resend", {"organisation": "northlight"}, Status.SENT),
        ("delivered", "hold", {"reason": "Another face."}, Status.QUARANTINED),
        ("delivered", "acknowledge", {"version": "1", "next_step": "plan-stays"}, Status.SEEN),
        ("unsigned", "signed-in-chart", {"version": "1"}, Status.DELIVERED),
    ],
)
def test_an_act_leads_to_the_page_that_shows_it(
    desk: Desk, status: str, act: str, form: dict[str, str], then: Status
) -> None:
    referral = desk.referral(status)
    answer = post(desk, f"referrals/{referral.id}/{act}", form)
    assert answer.status_code == 303
    assert desk.client().get(answer.headers["Location"], headers=JSON).json["status"] == then.value
    assert now(desk, referral).status is then


@pytest.mark.parametrize(
    ("status", "act", "form"),
    [
        ("delivered", "withdraw", {"reason": "Too late."}),
        ("sent", "answer", {"text": "Nobody asked."}),
        ("sent", "resend", {"organisation": "northlight"}),
        ("delivered", "signed-in-chart", {"version": "1"}),
        ("corrected", "acknowledge", {"version": "1", "next_step": "plan-stays"}),
        ("delivered", "acknowledge", {"version": "7", "next_step": "plan-stays"}),
    ],
)
def test_an_act_whose_time_is_over_is_told_and_changes_nothing(
    desk: Desk, status: str, act: str, form: dict[str, str]
) -> None:
    """Two windows of one page: the second press finds the case moved on."""
    referral = desk.referral(status)
    assert post(desk, f"referrals/{referral.id}/{act}", form).status_code == 409
    assert now(desk, referral) == referral


# -- what is shown ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["-1", "0", "9", "x", ""])
def test_a_version_that_never_was_is_the_newest(desk: Desk, version: str) -> None:
    referral, line = desk.referral("corrected"), desk.line()
    page = desk.client().get(f"/line/{line.id}/referrals/{referral.id}?version={version}")
    assert page.status_code == 200
    assert referral.opinion.change_reason in page.get_data(as_text=True)


def test_the_record_counts_as_opening_the_opinion_in_it(desk: Desk) -> None:
    """Safety rule 19: there is no way to an opinion that leaves no trace."""
    referral, line = desk.referral("delivered"), desk.line()
    bundle = desk.client().get(f"/line/{line.id}/referrals/{referral.id}/record")
    assert bundle.content_type == "application/fhir+json"
    with desk.ports.store.reading() as tx:
        assert [r.what for r in tx.audit.of_referral(referral.id) if r.verb == "view"] == ["opinion version 1"]


def test_while_a_case_is_checked_no_way_leads_to_its_opinion(desk: Desk) -> None:
    """Safety rule 6: page, letter and record alike."""
    referral, line = desk.referral("quarantined"), desk.line()
    root = f"/line/{line.id}/referrals/{referral.id}"
    words = referral.opinion.impression
    for path in ("", "/record"):
        assert words not in desk.client().get(root + path).get_data(as_text=True)
    assert desk.client().get(f"{root}/letter/1", headers=JSON).status_code == 404


def test_a_letter_is_the_signed_version_and_its_download_is_written_down(desk: Desk) -> None:
    referral, line = desk.referral("corrected"), desk.line()
    root = f"/line/{line.id}/referrals/{referral.id}/letter"
    letter = desk.client().get(f"{root}/1")
    assert letter.get_data().startswith(b"%PDF")
    assert "attachment" in letter.headers["Content-Disposition"]
    assert desk.client().get(f"{root}/3", headers=JSON).status_code == 404
    with desk.ports.store.reading() as tx:
        assert [r.what for r in tx.audit.of_referral(referral.id) if r.verb == "download"] == ["opinion version 1"]


# -- whose pictures --------------------------------------------------------------------------------------------------


def test_pictures_under_another_name_are_let_in_by_a_word_about_what_was_shown(desk: Desk) -> None:
    referral = desk.referral("gathering")
    with desk.ports.store.transaction() as tx:
        tx.uploads.add(renamed_upload(referral.id))
    path = f"referrals/{referral.id}"
    line = desk.line()
    shown = desk.client().get(f"/line/{line.id}/{path}", headers=JSON).json
    assert (shown["stopped"], shown["may_vouch"], shown["vouch"]) == ("wrong-patient", True, None)
    stale = post(desk, f"{path}/vouch", {"seen": shown["upload"] + 1, "reason": "Married in 2019."})
    assert stale.json["error"]["kind"] == "StaleReferral"
    bare = post(desk, f"{path}/vouch", {"seen": shown["upload"], "reason": " "})
    assert (bare.status_code, bare.json["error"]["fields"]) == (422, {"vouch": "missing"})
    assert post(desk, f"{path}/vouch", {"seen": shown["upload"], "reason": "Married in 2019."}).status_code == 303
    after = desk.client().get(f"/line/{line.id}/{path}", headers=JSON).json
    assert (after["stopped"], after["may_vouch"]) == ("", False)
    assert (after["vouch"]["by"], after["vouch"]["reason"]) == (CLINICIAN.name, "Married in 2019.")


def test_another_birth_date_is_let_in_by_nobody(desk: Desk) -> None:
    referral = desk.referral("gathering")
    with desk.ports.store.transaction() as tx:
        tx.uploads.add(conflicting_upload(referral.id))
    path = f"referrals/{referral.id}"
    shown = desk.client().get(f"/line/{desk.line().id}/{path}", headers=JSON).json
    assert (shown["stopped"], shown["may_vouch"]) == ("wrong-patient", False)
    page = desk.client().get(f"/line/{desk.line().id}/{path}").get_data(as_text=True)
    assert "/vouch" not in page
    refused = post(desk, f"{path}/vouch", {"seen": shown["upload"], "reason": "I know her."})
    assert refused.json["error"]["kind"] == "WrongStatus"
