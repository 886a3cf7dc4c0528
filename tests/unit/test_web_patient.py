"""The patient's addresses as a program uses them: one state, faults in one shape, and what is theirs to do."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from imaging.study import Person
from smart_app.case import Side
from smart_app.referral import Referral, Status
from smart_app.store import Line
from tests.discs import of
from tests.staged import PATIENT, staged
from tests.web import JSON, PARTIES
from tests.webdesk import Desk

ME = Person("Samplewright^Marisol", "1992-03-14", "F", "TST-0048213")
STRANGER = Person("Example^Ottoline", "1987-07-02", "F", "OX-77120")
ASKED = {"question": "Do I need it?", "side": "right", "very_ill": "no", "agree": "yes", "copy_to_doctor": "no"}
AGREED = {"very_ill": "no", "agree": "yes"}


@dataclass
class Home:
    """One patient at their own browser."""

    desk: Desk
    referral: Referral | None = None
    client: FlaskClient = field(init=False)
    line: Line = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.desk.client()
        context = {"patient": {**PATIENT.__dict__, "given": list(PATIENT.given)}, "iss": "https://ehr.example"}
        about: dict[str, Any] = {"patient": PATIENT.reference, "context": context, "party": PARTIES["patient"]}
        if self.referral is not None:
            about["referral_id"] = self.referral.id
        self.line = self.desk.web.line("patient", self.desk.browser, **about)

    def get(self, place: str) -> TestResponse:
        """That page's state."""
        return self.client.get(f"/line/{self.line.id}/{place}", headers=JSON)

    def post(self, place: str, **form: Any) -> TestResponse:
        """Send that form, with its proof."""
        form["csrf"] = self.get("emergency").get_json()["csrf"]
        return self.client.post(f"/line/{self.line.id}/{place}", data=form, headers=JSON)

    def give(self, *contents: bytes) -> TestResponse:
        """Send these files in one batch."""
        return self.post("show/files", files=[(io.BytesIO(c), f"IM{n}") for n, c in enumerate(contents)])

    def now(self) -> Referral:
        """The case as it stands."""
        with self.desk.ports.store.reading() as tx:
            found = tx.referrals.find(site="open", patient=PATIENT.reference)
        return found[0]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The app."""
    made = Desk(tmp_path)
    yield made
    made.close()


def own(desk: Desk, status: str) -> Referral:
    """A case that the patient started, and that has come that far."""
    made = staged(status, desk.now, id="22222222-0000-4000-8000-000000000001", requester=PARTIES["patient"])
    with desk.ports.store.transaction() as tx:
        tx.referrals.add(made)
    return made


def test_each_step_leads_to_the_next_one(desk: Desk) -> None:
    home = Home(desk)
    for place in ("show", "check", "status"):
        assert home.get(place).location.endswith("/tell"), place
    assert home.post("tell", **ASKED).location.endswith("/show")
    assert home.get("tell").location.endswith("/show")
    home.give(of(ME))
    home.post("show/mine", mine="yes")
    assert home.post("send").location.endswith("/status")
    for place in ("show", "check"):
        assert home.get(place).location.endswith("/status"), place


def test_a_question_keeps_every_answer_of_its_form(desk: Desk) -> None:
    home = Home(desk)
    home.post("tell", **ASKED, body_part="Knee", doctor="Dr Mockford")
    ask = home.now().ask
    assert (ask.question, ask.side, ask.body_part) == ("Do I need it?", Side.RIGHT, "Knee")
    assert (ask.doctor, ask.copy_to_doctor) == ("Dr Mockford", False)


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ({}, {"very_ill": "missing", "question": "missing", "agree": "missing"}),
        ({"question": " ", **AGREED}, {"question": "missing"}),
        ({"question": "What is it?", **AGREED, "agree": "no"}, {"agree": "missing"}),
        ({"question": "What is it?", "agree": "yes"}, {"very_ill": "missing"}),
        ({"question": "What is it?", "agree": "yes", "very_ill": "perhaps"}, {"very_ill": "missing"}),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_opened(
    desk: Desk, form: dict[str, str], fields: dict[str, str]
) -> None:
    home = Home(desk)
    answer = home.post("tell", **form)
    assert (answer.status_code, answer.get_json()["error"]["fields"]) == (422, fields)
    with desk.ports.store.reading() as tx:
        assert tx.referrals.find(site="open", patient=PATIENT.reference) == []


def test_very_ill_opens_nothing_even_where_all_else_is_filled_in(desk: Desk) -> None:
    home = Home(desk)
    assert home.post("tell", **{**ASKED, "very_ill": "yes"}).location.endswith("/emergency")
    with desk.ports.store.reading() as tx:
        assert tx.referrals.find(site="open", patient=PATIENT.reference) == []


def test_a_doctors_question_too_goes_on_only_when_that_is_answered(desk: Desk) -> None:
    """Safety rule 18: whoever was invited by a doctor may be ill too."""
    referral = desk.referral("gathering")
    home = Home(desk, referral)
    answer = home.post("tell", agree="yes")
    assert (answer.status_code, answer.get_json()["error"]["fields"]) == (422, {"very_ill": "missing"})
    with desk.ports.store.reading() as tx:
        assert tx.uploads.of_referral(referral.id) is None


def test_the_state_counts_every_file_and_names_what_is_missing(desk: Desk) -> None:
    home = Home(desk, desk.referral("gathering"))
    home.post("tell", **AGREED)
    assert home.get("show").get_json()["gaps"] == ["images", "report"]
    picture = of(ME)
    home.give(picture, picture, b"hello")
    state = home.get("show").get_json()
    assert state["counts"] == {"image": 1, "duplicate": 1, "not-an-image": 1}
    assert state["given"] == 3
    assert state["gaps"] == ["confirmation", "report"]
    assert state["people"] == [{"name": "Samplewright^Marisol", "birth_date": "1992-03-14", "sex": "F", "id": ME.id}]


def test_sending_too_early_says_what_comes_first(desk: Desk) -> None:
    home = Home(desk, desk.referral("gathering"))
    home.post("tell", **AGREED)
    assert home.post("send").get_json()["error"]["fields"] == {"files": "missing"}
    home.give(of(ME))
    assert home.post("send").get_json()["error"]["fields"] == {"confirm": "missing"}


def test_a_stop_tells_the_images_side_and_never_the_charts(desk: Desk) -> None:
    """Who holds somebody else's disc must not learn from us whose chart it was tried on."""
    home = Home(desk, desk.referral("gathering"))
    home.post("tell", **AGREED)
    home.give(of(STRANGER))
    home.post("show/mine", mine="yes")
    stop = home.post("send")
    assert (stop.status_code, stop.get_json()["error"]["why"]) == (409, "wrong-patient")
    told = home.get("show").get_data(as_text=True) + stop.get_data(as_text=True)
    assert "Ottoline" in told
    assert not [word for word in ("Marisol", "1992", PATIENT.mrn) if word in told]


def test_two_people_cannot_be_confirmed_and_one_is_left_out_by_number(desk: Desk) -> None:
    home = Home(desk, desk.referral("gathering"))
    home.post("tell", **AGREED)
    home.give(of(ME), of(STRANGER))
    assert home.post("show/mine", mine="yes").get_json()["error"]["why"] == "two-people"
    everybody = home.get("show").get_json()["everybody"]
    other = next(n for n, person in enumerate(everybody) if person["name"] == STRANGER.name)
    assert home.post("show/leave-out", person=other).status_code == 303
    assert [person["name"] for person in home.get("show").get_json()["people"]] == [ME.name]


@pytest.mark.parametrize("person", ["", "-1", "7", "²", "x"])
def test_nobody_is_left_out_by_a_number_that_is_none(desk: Desk, person: str) -> None:
    home = Home(desk, desk.referral("gathering"))
    home.post("tell", **AGREED)
    home.give(of(ME))
    assert home.post("show/leave-out", person=person).status_code == 422
    assert home.get("show").get_json()["counts"] == {"image": 1}


def test_files_before_the_agreement_are_not_taken(desk: Desk) -> None:
    home = Home(desk, desk.referral("gathering"))
    assert home.give(of(ME)).status_code == 422
    assert home.get("show").location.endswith("/tell")


def test_an_answer_is_taken_from_who_started_the_case(desk: Desk) -> None:
    home = Home(desk, own(desk, "question"))
    assert home.post("answer", text=" ").get_json()["error"]["fields"] == {"text": "missing"}
    assert home.post("answer", text="None.").status_code == 303
    assert home.now().messages[-1].text == "None."


@pytest.mark.parametrize(("place", "form"), [("answer", {"text": "None."}), ("stop", {"reason": "No."})])
def test_a_doctors_case_is_neither_answered_nor_stopped_by_the_patient(
    desk: Desk, place: str, form: dict[str, str]
) -> None:
    home = Home(desk, desk.referral("question"))
    assert home.post(place, **form).status_code == 404
    assert home.now().status is Status.QUESTION


def test_a_case_of_their_own_is_stopped_with_or_without_a_reason(desk: Desk) -> None:
    home = Home(desk, own(desk, "sent"))
    assert home.post("stop", reason="").location.endswith("/status")
    assert (home.now().status, home.now().history[-1].reason) == (Status.WITHDRAWN, "Stopped by the patient.")


@pytest.mark.parametrize("status", ["reading", "signed", "quarantined", "in-error"])
def test_before_it_is_in_the_chart_or_under_check_no_address_gives_the_opinion(desk: Desk, status: str) -> None:
    home = Home(desk, desk.referral(status))
    assert home.get("opinion").location.endswith("/status")
    assert "opinion" not in home.get("status").get_json()
    for place in ("opinion/letter/1", "opinion/reports/1"):
        assert home.get(place).status_code == 404, place


def test_reading_the_opinion_is_written_down_once_and_looking_by_itself_is_not(desk: Desk) -> None:
    referral = desk.referral("delivered")
    home = Home(desk, referral)

    def views() -> list[str]:
        with desk.ports.store.reading() as tx:
            return [row.what for row in tx.audit.of_referral(referral.id) if row.verb == "view"]

    home.client.get(f"/line/{home.line.id}/opinion", headers={**JSON, "Second-Opinion-Poll": "1"})
    assert views() == []
    for _ in range(2):
        assert home.get("opinion").get_json()["opinion"]["version"] == 1
    assert views() == ["opinion version 1"]


def test_a_version_that_was_never_signed_is_not_there(desk: Desk) -> None:
    home = Home(desk, desk.referral("corrected"))
    assert home.get("opinion?version=1").status_code == 200
    assert home.get("opinion?version=3").status_code == 404
    assert home.get("opinion/letter/3").status_code == 404
