"""The link in the patient's letter: exchanged at once, opened by the birth date, and over after five wrong ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from smart_app.referral import Referral
from smart_app.store import digest
from tests.web import JSON, PATIENT, Web, proof_in

SECRET = "the-secret-of-the-letter"
WRONG = {"year": "1992", "month": "3", "day": "15"}
RIGHT = {"year": "1992", "month": "3", "day": "14"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "web")
    yield web
    web.close()


@pytest.fixture
def referral(web: Web) -> Referral:
    """A clinician's question, with the patient invited for two weeks."""
    made = web.world.ask(patient=PATIENT)
    invite(web, made, SECRET)
    return made


def invite(web: Web, referral: Referral, secret: str) -> None:
    with web.world.ports.store.transaction() as tx:
        tx.sessions.add_invitation(referral.id, digest(secret), web.world.now + timedelta(days=14))


def opened(web: Web) -> FlaskClient:
    """A browser that followed the link of the letter."""
    client = web.client()
    answer = client.get(f"/invitation/{SECRET}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/invitation")
    return client


def say(client: FlaskClient, birth_date: dict[str, str]):
    """Type the birth date into the page."""
    proof = client.get("/invitation", headers=JSON).json["csrf"]
    return client.post("/invitation", data={"csrf": proof, **birth_date}, headers=JSON)


def test_the_right_birth_date_opens_this_referral_for_the_patient(web: Web, referral: Referral) -> None:
    other = web.world.ask(patient=PATIENT)
    client = opened(web)
    place = say(client, RIGHT).headers["Location"]
    assert place.startswith("/line/")
    assert place.endswith("/tell")
    assert client.get(place, headers=JSON).json["referral_id"] == referral.id != other.id


def test_before_the_birth_date_fits_nothing_of_the_case_is_shown(web: Web, referral: Referral) -> None:
    """Neither name, question, hospital unit, nor the secret: a letter may be read by others."""
    page = opened(web).get("/invitation").get_data(as_text=True)
    for word in (PATIENT.family, "Marisol", PATIENT.birth_date, PATIENT.mrn, referral.ask.question, SECRET):
        assert word not in page
    assert referral.id not in page
    assert proof_in(page)


def test_a_wrong_birth_date_opens_nothing_and_five_end_the_invitation(web: Web, referral: Referral) -> None:
    """The limit is of the invitation, not of the browser: another browser does not get five more."""
    for _ in range(5):
        answer = say(opened(web), WRONG)
        assert answer.status_code == 422
        assert answer.json["error"]["fields"] == {"birth_date": "wrong"}
    assert web.client().get(f"/invitation/{SECRET}", headers=JSON).status_code == 404


def test_the_fifth_wrong_one_ends_it_in_a_browser_that_stands_at_the_question(web: Web, referral: Referral) -> None:
    waiting, guessing = opened(web), opened(web)
    proof = waiting.get("/invitation", headers=JSON).json["csrf"]
    for _ in range(5):
        say(guessing, WRONG)
    answer = waiting.post("/invitation", data={"csrf": proof, **RIGHT}, headers=JSON)
    assert (answer.status_code, answer.json["error"]["kind"]) == (404, "InvitationOver")


@pytest.mark.parametrize("typed", [{}, {"year": "1992"}, {"year": "x", "month": "3", "day": "14"}, {"birth_date": "?"}])
def test_what_is_no_date_is_asked_again_and_not_counted(web: Web, referral: Referral, typed: dict[str, str]) -> None:
    client = opened(web)
    for _ in range(6):
        answer = say(client, typed)
        assert answer.json["error"]["fields"] == {"birth_date": "missing"}
    assert say(client, RIGHT).status_code == 303


def test_a_link_works_again_for_the_patient_who_comes_back(web: Web, referral: Referral) -> None:
    """Days later, or after the mail program looked at the link first."""
    for _ in range(7):
        assert say(opened(web), RIGHT).status_code == 303
        web.world.now += timedelta(hours=40)


def test_an_invitation_ends_on_its_day(web: Web, referral: Referral) -> None:
    web.world.now += timedelta(days=14)
    assert web.client().get(f"/invitation/{SECRET}").status_code == 404


def test_who_never_followed_the_link_is_asked_nothing(web: Web, referral: Referral) -> None:
    opened(web)
    for stranger in (web.client(), web.client(web.browser())):
        assert stranger.get("/invitation", headers=JSON).status_code == 404


def test_the_birth_date_form_is_taken_from_our_page_only(web: Web, referral: Referral) -> None:
    client = opened(web)
    proof = client.get("/invitation", headers=JSON).json["csrf"]
    assert client.post("/invitation", data=RIGHT).status_code == 403
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/invitation", data={"csrf": proof, **RIGHT}, headers=elsewhere).status_code == 403


def test_the_entry_is_written_down(web: Web, referral: Referral) -> None:
    say(opened(web), RIGHT)
    with web.world.ports.store.reading() as tx:
        verbs = [row.verb for row in tx.audit.of_referral(referral.id)]
    assert "enter-by-invitation" in verbs
