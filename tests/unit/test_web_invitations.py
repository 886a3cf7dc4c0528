"""The link in the patient's letter: looked at without effect, opened by birth date and code together, never guessed."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from smart_app import refer
from smart_app.invitation import LIVES, code_for, is_ours, new_link
from smart_app.referral import Referral, Unfinished, WrongStatus
from smart_app.store import digest
from smart_app.store.invitations import MOST
from smart_app.store.tables import metadata
from smart_app.web.invitations import COOKIE
from tests.staged import staged
from tests.web import JSON, PATIENT, Web, proof_in

WRONG = {"year": "1992", "month": "3", "day": "15"}
RIGHT = {"year": "1992", "month": "3", "day": "14"}
KEY = "s" * 40


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "web")
    yield web
    web.close()


@pytest.fixture
def referral(web: Web) -> Referral:
    """A clinician's question about somebody with an address."""
    return web.world.ask(patient=PATIENT)


@pytest.fixture
def link(web: Web, referral: Referral) -> str:
    """The last part of the link in their letter."""
    return invite(web, referral)


def invite(web: Web, referral: Referral) -> str:
    link = new_link(KEY)
    with web.world.ports.store.transaction() as tx:
        tx.invitations.add(referral.id, digest(link), web.world.now + timedelta(days=14))
    return link


def code(referral: Referral, generation: int = 0) -> str:
    return code_for(KEY, referral.id, generation)


def opened(web: Web, link: str) -> FlaskClient:
    """A browser that followed the link of the letter."""
    client = web.client()
    answer = client.get(f"/invitation/{link}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/invitation")
    return client


def say(client: FlaskClient, birth_date: dict[str, str], code: str) -> Any:
    """Type birth date and code into the page."""
    proof = client.get("/invitation", headers=JSON).json["csrf"]
    return client.post("/invitation", data={"csrf": proof, "code": code, **birth_date}, headers=JSON)


def refused(web: Web, link: str) -> bool:
    answer = web.client().get(f"/invitation/{link}", headers=JSON)
    return (answer.status_code, answer.json["error"]["kind"]) == (404, "InvitationOver") if answer.json else False


# -- both fit ------------------------------------------------------------------------------------------------------


def test_birth_date_and_code_open_this_referral_for_the_patient(web: Web, referral: Referral, link: str) -> None:
    other = web.world.ask(patient=PATIENT)
    client = opened(web, link)
    place = say(client, RIGHT, code(referral)).headers["Location"]
    assert place.startswith("/line/")
    assert place.endswith("/tell")
    assert client.get(place, headers=JSON).json["referral_id"] == referral.id != other.id


@pytest.mark.parametrize("grouped", ["{}", " {} ", "{0[0]}{0[1]} {0[2]}-{0[4]}{0[5]}{0[6]}"])
def test_the_code_may_be_typed_in_any_grouping(web: Web, referral: Referral, link: str, grouped: str) -> None:
    assert say(opened(web, link), RIGHT, grouped.format(code(referral))).status_code == 303


def test_a_link_works_again_for_the_patient_who_comes_back(web: Web, referral: Referral, link: str) -> None:
    for _ in range(7):
        assert say(opened(web, link), RIGHT, code(referral)).status_code == 303
        web.world.now += timedelta(hours=40)


def test_the_entry_is_written_down(web: Web, referral: Referral, link: str) -> None:
    say(opened(web, link), RIGHT, code(referral))
    with web.world.ports.store.reading() as tx:
        verbs = [row.verb for row in tx.audit.of_referral(referral.id)]
    assert "enter-by-invitation" in verbs


# -- either alone opens nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "typed"), [(RIGHT, "000 000"), (WRONG, None), (WRONG, "000 000"), (RIGHT, "٠٠٠٠٠٠"), (RIGHT, "1")]
)
def test_one_that_is_wrong_opens_nothing_and_which_one_is_not_told(
    web: Web, referral: Referral, link: str, born: dict[str, str], typed: str | None
) -> None:
    answer = say(opened(web, link), born, code(referral) if typed is None else typed)
    assert answer.status_code == 422
    assert answer.json["error"]["fields"] == {"birth_date": "wrong"}


def test_the_code_of_another_referral_opens_nothing(web: Web, referral: Referral, link: str) -> None:
    other = web.world.ask(patient=PATIENT)
    assert code(other) != code(referral)
    assert say(opened(web, link), RIGHT, code(other)).status_code == 422


def test_without_a_birth_date_in_the_chart_nobody_gets_in(web: Web) -> None:
    nameless = web.world.ask(patient=replace(PATIENT, birth_date=""))
    client = opened(web, invite(web, nameless))
    assert "We cannot check who you are" in client.get("/invitation").text
    assert say(client, RIGHT, code(nameless)).status_code == 422


def test_the_code_stands_in_no_letter_and_not_in_the_store(web: Web, referral: Referral) -> None:
    with_mail = web.world.ask(patient=web.world.patient("open", email="marisol@mail.example"))
    web.world.act(web.world.owed(with_mail, "invite_patient"))
    letter = web.world.letters[-1].text
    said = code(with_mail)
    assert "/invitation/" in letter
    assert said not in letter
    assert said.replace(" ", "") not in letter
    held = b"".join(path.read_bytes() for path in web.folder.glob("second-opinion.db*"))
    assert said.encode() not in held
    assert said.replace(" ", "").encode() not in held


# -- looked at by a mail scanner -----------------------------------------------------------------------------------


def rows(web: Web) -> dict[str, int]:
    """How many rows every table has."""
    with web.world.ports.store.reading() as tx:
        return {
            name: tx.connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def test_looking_at_the_link_changes_nothing_however_often(web: Web, referral: Referral, link: str) -> None:
    """A mail program opens every link, and follows where it leads."""
    before = rows(web)
    for method in ("GET", "HEAD", "OPTIONS"):
        for _ in range(9):
            scanner = web.client()
            scanner.open(f"/invitation/{link}", method=method)
            scanner.open("/invitation", method=method)
    assert rows(web) == before
    assert say(opened(web, link), RIGHT, code(referral)).status_code == 303


def test_the_secret_leaves_the_address_and_stays_in_this_browser_for_a_while(web: Web, link: str) -> None:
    answer = web.client().get(f"/invitation/{link}")
    assert link not in answer.headers["Location"]
    name, *attributes = answer.headers["Set-Cookie"].split("; ")
    assert name == f"{COOKIE}={link}"
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=900"} <= set(attributes)


def test_before_both_fit_nothing_of_the_case_is_shown(web: Web, referral: Referral, link: str) -> None:
    """Neither name, question, hospital unit, nor the secret: a letter may be read by others."""
    page = opened(web, link).get("/invitation").get_data(as_text=True)
    for word in (PATIENT.family, "Marisol", PATIENT.birth_date, PATIENT.mrn, referral.ask.question, link):
        assert word not in page
    assert referral.id not in page
    assert proof_in(page)


# -- guessing ------------------------------------------------------------------------------------------------------


def test_five_wrong_answers_end_it_for_every_browser(web: Web, referral: Referral, link: str) -> None:
    """The limit is of the invitation, not of the browser: another browser does not get five more."""
    waiting = opened(web, link)
    for _ in range(MOST):
        assert say(opened(web, link), WRONG, code(referral)).status_code == 422
    assert refused(web, link)
    answer = waiting.post("/invitation", data={"csrf": "x", "code": code(referral), **RIGHT}, headers=JSON)
    assert (answer.status_code, answer.json["error"]["kind"]) == (404, "InvitationOver")


def test_guessing_side_by_side_wins_nothing(web: Web, referral: Referral, link: str) -> None:
    """Each attempt is taken before it is judged."""
    clients = [opened(web, link) for _ in range(12)]
    proofs = [client.get("/invitation", headers=JSON).json["csrf"] for client in clients]

    def guess(number: int) -> int:
        form = {"csrf": proofs[number], "code": f"00000{number % 10}", **WRONG}
        return clients[number].post("/invitation", data=form, headers=JSON).status_code

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(guess, range(12)))
    assert said.count(422) <= MOST
    assert refused(web, link)


def test_a_right_answer_gives_the_attempts_back(web: Web, referral: Referral, link: str) -> None:
    for _ in range(3):
        for _ in range(MOST - 1):
            say(opened(web, link), WRONG, code(referral))
        assert say(opened(web, link), RIGHT, code(referral)).status_code == 303


@pytest.mark.parametrize("typed", [{}, {"year": "1992"}, {"year": "x", "month": "3", "day": "14"}, {"birth_date": "?"}])
def test_what_is_no_date_is_asked_again_and_not_counted(
    web: Web, referral: Referral, link: str, typed: dict[str, str]
) -> None:
    client = opened(web, link)
    for _ in range(MOST + 1):
        assert say(client, typed, code(referral)).json["error"]["fields"] == {"birth_date": "missing"}
    assert say(client, RIGHT, "").json["error"]["fields"] == {"code": "missing"}
    assert say(client, RIGHT, code(referral)).status_code == 303


# -- forged, old, taken back ---------------------------------------------------------------------------------------


def test_a_link_that_we_did_not_sign_is_refused_before_anything_is_looked_up(
    web: Web, referral: Referral, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one whose SHA-256 somebody put into the database."""
    forged = "A" * 43
    with web.world.ports.store.transaction() as tx:
        tx.invitations.add(referral.id, digest(forged), web.world.now + timedelta(days=14))
    assert not is_ours(KEY, forged)
    assert refused(web, forged)
    assert not is_ours("t" * 40, new_link(KEY))
    assert not is_ours(KEY, new_link(KEY)[:-1])


def test_an_invitation_ends_on_its_day(web: Web, link: str) -> None:
    web.world.now += timedelta(days=14)
    assert refused(web, link)


def test_who_never_followed_the_link_is_asked_nothing(web: Web, link: str) -> None:
    opened(web, link)
    for stranger in (web.client(), web.client(web.browser())):
        assert stranger.get("/invitation", headers=JSON).status_code == 404


def test_the_form_is_taken_from_our_page_only(web: Web, referral: Referral, link: str) -> None:
    client, right = opened(web, link), {"code": code(referral), **RIGHT}
    proof = client.get("/invitation", headers=JSON).json["csrf"]
    other = opened(web, invite(web, referral)).get("/invitation", headers=JSON).json["csrf"]
    assert client.post("/invitation", data=right).status_code == 403
    assert client.post("/invitation", data={"csrf": other, **right}).status_code == 403
    elsewhere = {"Sec-Fetch-Site": "cross-site"}
    assert client.post("/invitation", data={"csrf": proof, **right}, headers=elsewhere).status_code == 403


def test_the_clinician_takes_it_back_or_sends_a_new_one_with_a_new_code(web: Web) -> None:
    patient = web.world.patient("open", email="marisol@mail.example")
    referral = web.world.ask(patient=patient)
    client, line = web.sit_down("clinician", patient=patient.reference)
    root = f"/line/{line.id}/referrals/{referral.id}"

    def link_sent() -> str:
        web.world.act(web.world.owed(referral, "invite_patient"))
        return web.world.letters[-1].text.split("/invitation/")[1].split()[0]

    first = link_sent()
    standing = client.get(root, headers=JSON).json["invitation"]
    assert (standing["stands"], standing["code"]) == ("open", code(referral))
    assert standing["code"] in client.get(root).text
    proof = {"csrf": web.csrf(client, line)}
    assert client.post(f"{root}/uninvite", data=proof).status_code == 303
    assert client.get(root, headers=JSON).json["invitation"] | {"sent": "", "until": ""} == {
        "stands": "revoked",
        "sent": "",
        "until": "",
        "code": "",
    }
    assert refused(web, first)
    assert client.post(f"{root}/invite", data=proof).status_code == 303
    second = link_sent()
    assert second != first
    assert client.get(root, headers=JSON).json["invitation"]["code"] == code(referral, 1) != code(referral)
    assert refused(web, first)
    with web.world.ports.store.reading() as tx:
        verbs = [row.verb for row in tx.audit.of_referral(referral.id)]
        found = tx.invitations.get(digest(second))
    assert {"uninvite", "invite-again", "invite"} <= set(verbs)
    assert found is not None
    assert found.expires == web.world.now + LIVES


def test_no_invitation_is_made_once_the_images_are_here(web: Web) -> None:
    sent = staged("sent", web.world.now, id="11111111-0000-4000-8000-000000000001")
    with web.world.ports.store.transaction() as tx:
        tx.referrals.add(sent)
    with pytest.raises(WrongStatus):
        refer.invite(web.world.ports, sent.requester, sent.id)
    without = web.world.ask()
    with pytest.raises(Unfinished):
        refer.invite(web.world.ports, without.requester, without.id)
