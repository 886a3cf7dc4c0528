"""Experts, coordinators and operators: their part by their organisation's claims, proven again before they sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from smart_app.sites import Organisation
from smart_app.sites.roles import role_of
from smart_app.store import Line
from smart_app.web.seats import browser_words
from tests.launching import Doorway
from tests.staged import staged
from tests.web import JSON
from tests.world import WORDS

READERS = Organisation("northlight", "Northlight", "", "", role_claim="roles", experts=("radiologist", "md"))
READERS = replace(READERS, coordinators=("clerk",), operators=("admin",))
DESK = replace(READERS, role="operator")
SIGNED = {"confirm": ["name", "birth_date", "side", "study_date"], "first_report_read": "none"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


# -- the part ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("organisation", "claims", "role"),
    [
        (READERS, {"roles": ["radiologist"]}, "expert"),
        (READERS, {"roles": "clerk md"}, "expert"),
        (READERS, {"roles": ["clerk"]}, "coordinator"),
        (READERS, {"roles": ["admin"]}, ""),
        (READERS, {"roles": []}, ""),
        (READERS, {"roles": [7, None, {"radiologist": 1}]}, ""),
        (READERS, {"roles": {"radiologist": True}}, ""),
        (READERS, {}, ""),
        (READERS, {"groups": ["radiologist"]}, ""),
        (DESK, {"roles": ["admin"]}, "operator"),
        (DESK, {"roles": ["radiologist"]}, ""),
        (replace(READERS, role_claim="realm_access.roles"), {"realm_access": {"roles": ["md"]}}, "expert"),
        (replace(READERS, role_claim="https://idp.example/groups"), {"https://idp.example/groups": ["md"]}, "expert"),
        (replace(READERS, role_claim="a.b"), {"a": "md", "a.b": ["clerk"]}, "coordinator"),
        (replace(READERS, role_claim=""), {}, "expert"),
        (replace(DESK, role_claim=""), {"roles": ["radiologist"]}, "operator"),
    ],
)
def test_a_part_is_given_by_the_claims_that_the_organisation_named(
    organisation: Organisation, claims: dict[str, Any], role: str
) -> None:
    """No reading organisation makes operators of this installation."""
    assert role_of(organisation, claims) == role


# -- signing in ----------------------------------------------------------------------------------------------------


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Doorway]:
    door = Doorway(tmp_path / "web")
    yield door
    door.close()


def settings(door: Doorway, **changed: Any) -> None:
    """The organisation's own settings."""
    directory = door.world.ports.directory
    reader = replace(directory.organisations[0], **changed)
    ports = replace(door.world.ports, directory=replace(directory, organisations=(reader,)))
    door.world.ports = ports
    door.app.extensions["second-opinion-ports"] = ports
    doors = door.app.extensions["second-opinion-doors"]
    door.app.extensions["second-opinion-doors"] = replace(doors, directory=ports.directory)


def claims(door: Doorway, **said: Any) -> None:
    """What the sign-in service says of whoever signs in now."""
    now = int(door.world.now.timestamp())
    given = {"sub": "7", "name": "Dr Ottavia Exemplar", "auth_time": now, "email": "ottavia@idp.example", **said}
    door.here.claims_changes = {"fhirUser": None, **given}


def goes(door: Doorway, client: FlaskClient, url: str) -> tuple[dict[str, str], TestResponse]:
    """Off to the sign-in service and back: what was asked of it, and our answer."""
    door.here.now = door.world.now
    away = client.get(url, headers={"Accept": "text/html"})
    assert away.status_code == 303, away.text
    asked = {name: values[0] for name, values in parse_qs(urlsplit(away.headers["Location"]).query).items()}
    back = door.here.browser_follows(away.headers["Location"])
    return asked, client.get("/sign-in/callback", query_string=back, headers=JSON)


def signs_in(door: Doorway, client: FlaskClient) -> Line:
    _, answer = goes(door, client, "/sign-in/northlight")
    assert answer.status_code == 303, answer.text
    with door.world.ports.store.reading() as tx:
        found = tx.sessions.system_line(answer.headers["Location"].split("/")[2])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("roles", "role", "home"), [(["radiologist"], "expert", "worklist"), (["clerk"], "coordinator", "worklist")]
)
def test_a_person_gets_the_part_their_organisation_gave_them(
    door: Doorway, roles: list[str], role: str, home: str
) -> None:
    settings(door, role_claim="roles", experts=("radiologist",), coordinators=("clerk",))
    claims(door, roles=roles)
    client = door.client()
    line = signs_in(door, client)
    assert (line.kind, line.party.role) == ("expert", role)
    assert client.get(f"/line/{line.id}/{home}", headers=JSON).status_code == 200


def test_somebody_without_a_part_gets_no_line_and_it_is_written_down(door: Doorway) -> None:
    settings(door, role_claim="roles", experts=("radiologist",))
    claims(door, roles=["visitor"])
    _, answer = goes(door, door.client(), "/sign-in/northlight")
    assert (answer.status_code, answer.json["error"]["kind"]) == (403, "NoPart")
    assert door.lines() == 0
    with door.world.ports.store.reading() as tx:
        assert [row.verb for row in tx.audit.latest(5)] == ["refuse-sign-in"]


def test_a_coordinator_neither_signs_nor_proves_anything_for_it(door: Doorway) -> None:
    settings(door, role_claim="roles", experts=("radiologist",), coordinators=("clerk",))
    claims(door, roles=["clerk"])
    client = door.client()
    line = signs_in(door, client)
    referral = reading(door, line)
    assert client.get(f"/line/{line.id}/prove", headers=JSON).status_code == 404
    assert client.post(f"/line/{line.id}/cases/{referral}/sign", data=form(door, client, line)).status_code == 404


# -- again before signing ------------------------------------------------------------------------------------------


def reading(door: Doorway, line: Line) -> str:
    """A case that this person reads."""
    made = staged("reading", door.world.now, id="11111111-0000-4000-8000-000000000009")
    made = replace(made, expert=line.party, prior_reports=(), ask=replace(made.ask, side=made.ask.side.NONE))
    with door.world.ports.store.transaction() as tx:
        tx.referrals.add(made)
    return made.id


def form(door: Doorway, client: FlaskClient, line: Line) -> dict[str, Any]:
    return {"csrf": door.csrf(client, line), **WORDS, **SIGNED}


def sign(door: Doorway, client: FlaskClient, line: Line, referral: str, **headers: str) -> TestResponse:
    return client.post(f"/line/{line.id}/cases/{referral}/sign", data=form(door, client, line), headers=headers)


def signed(door: Doorway, referral: str) -> bool:
    with door.world.ports.store.reading() as tx:
        return tx.referrals.get(referral).opinion is not None


@pytest.fixture
def expert(door: Doorway) -> tuple[FlaskClient, Line, str]:
    """Signed in a quarter of an hour ago, reading a case."""
    claims(door)
    client = door.client()
    line = signs_in(door, client)
    referral = reading(door, line)
    door.world.later(minutes=15)
    return client, line, referral


def test_who_has_just_signed_in_signs(door: Doorway) -> None:
    claims(door)
    client = door.client()
    line = signs_in(door, client)
    referral = reading(door, line)
    assert sign(door, client, line, referral).status_code == 303
    assert signed(door, referral)


def test_later_they_prove_again_who_they_are_and_no_word_is_lost(
    door: Doorway, expert: tuple[FlaskClient, Line, str]
) -> None:
    client, line, referral = expert
    answer = sign(door, client, line, referral)
    assert answer.headers["Location"] == f"/line/{line.id}/prove?to=cases/{referral}"
    assert not signed(door, referral)
    page = client.get(answer.headers["Location"]).text
    assert "is it you?" in page
    claims(door)
    asked, back = goes(door, client, f"/line/{line.id}/prove/go?to=cases/{referral}")
    assert (asked["prompt"], asked["max_age"], asked["login_hint"]) == ("login", "0", "ottavia@idp.example")
    assert back.headers["Location"] == f"/line/{line.id}/cases/{referral}?proven=1"
    case = client.get(back.headers["Location"]).text
    assert "You have proven who you are." in case
    assert WORDS["findings"] in case
    assert sign(door, client, line, referral).headers["Location"].endswith(f"/cases/{referral}")
    assert signed(door, referral)
    with door.world.ports.store.reading() as tx:
        assert "prove-again" in [row.verb for row in tx.audit.latest(10)]


def test_a_program_is_told_that_it_must_prove_first(door: Doorway, expert: tuple[FlaskClient, Line, str]) -> None:
    client, line, referral = expert
    answer = sign(door, client, line, referral, **JSON)
    assert (answer.status_code, answer.json["error"]["why"]) == (403, "prove-first")


def test_a_proof_is_good_for_five_minutes(door: Doorway, expert: tuple[FlaskClient, Line, str]) -> None:
    client, line, referral = expert
    claims(door)
    goes(door, client, f"/line/{line.id}/prove/go")
    door.world.later(minutes=5, seconds=1)
    assert "/prove" in sign(door, client, line, referral).headers["Location"]
    assert not signed(door, referral)


def test_a_correction_is_signed_like_the_first_version(door: Doorway, expert: tuple[FlaskClient, Line, str]) -> None:
    client, line, referral = expert
    words = {**form(door, client, line), "change": "corrected", "change_reason": "A date."}
    answer = client.post(f"/line/{line.id}/cases/{referral}/revise", data=words)
    assert answer.headers["Location"] == f"/line/{line.id}/prove?to=cases/{referral}/revise"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"sub": "8"}, "Somebody else signed in"),
        ({"auth_time": None}, "auth_time"),
        ({"auth_time": -3600}, "auth_time"),
        ({"roles": ["clerk"]}, "another part"),
        ({"acr": "weak"}, "not as strong"),
        ({"acr": None}, "not as strong"),
    ],
)
def test_an_answer_that_proves_too_little_lets_nobody_sign(
    door: Doorway, expert: tuple[FlaskClient, Line, str], said: dict[str, Any], told: str
) -> None:
    client, line, referral = expert
    settings(door, role_claim="roles", experts=("md",), coordinators=("clerk",), acr_values=("strong",))
    if isinstance(said.get("auth_time"), int):
        said = {"auth_time": int(door.world.now.timestamp()) + said["auth_time"]}
    claims(door, **{"roles": ["md"], "acr": "strong", **said})
    asked, back = goes(door, client, f"/line/{line.id}/prove/go")
    assert asked["acr_values"] == "strong"
    assert back.status_code == 403
    assert told in back.json["error"]["message"]
    assert "/prove" in sign(door, client, line, referral).headers["Location"]


def test_the_strength_is_asked_of_a_fresh_sign_in_too(door: Doorway) -> None:
    settings(door, acr_values=("strong",))
    claims(door, acr="weak")
    client = door.client()
    line = signs_in(door, client)
    assert "/prove" in sign(door, client, line, reading(door, line)).headers["Location"]


def test_another_browser_cannot_prove_for_this_line(door: Doorway, expert: tuple[FlaskClient, Line, str]) -> None:
    client, line, referral = expert
    away = client.get(f"/line/{line.id}/prove/go").headers["Location"]
    claims(door)
    back = door.here.browser_follows(away)
    stranger = door.client(door.browser())
    assert stranger.get("/sign-in/callback", query_string=back, headers=JSON).json["error"]["kind"] == "BegunElsewhere"
    assert "/prove" in sign(door, client, line, referral).headers["Location"]


def test_a_line_that_has_ended_meanwhile_is_not_opened_by_it(
    door: Doorway, expert: tuple[FlaskClient, Line, str]
) -> None:
    client, line, _ = expert
    started = client.get(f"/line/{line.id}/prove/go").headers["Location"]
    with door.world.ports.store.transaction() as tx:
        tx.sessions.end_line(line.id)
    claims(door)
    door.here.now = door.world.now
    back = client.get("/sign-in/callback", query_string=door.here.browser_follows(started), headers=JSON)
    assert (back.status_code, back.json["error"]["kind"]) == (401, "LineEnded")


def test_an_organisation_may_keep_that_to_itself(door: Doorway, expert: tuple[FlaskClient, Line, str]) -> None:
    client, line, referral = expert
    settings(door, step_up=False)
    assert sign(door, client, line, referral).status_code == 303
    assert signed(door, referral)


# -- where one is signed in ----------------------------------------------------------------------------------------


def test_every_place_is_listed_and_can_be_left_from_here(door: Doorway) -> None:
    claims(door)
    here, there = door.client(), door.client()
    mine = signs_in(door, here)
    there.environ_base["HTTP_USER_AGENT"] = FIREFOX
    other = signs_in(door, there)
    listed = here.get(f"/line/{mine.id}/signed-in", headers=JSON).json
    assert {place["id"]: place["here"] for place in listed["places"]} == {mine.id: True, other.id: False}
    assert "Firefox, Linux" in here.get(f"/line/{mine.id}/signed-in").text
    proof = {"csrf": listed["csrf"]}
    assert here.post(f"/line/{mine.id}/signed-in/{other.id}/end", data=proof).status_code == 303
    assert there.get(f"/line/{other.id}/worklist").status_code == 401
    assert here.get(f"/line/{mine.id}/worklist").status_code == 200


def test_everywhere_is_everywhere_and_nobody_else_is_signed_out(door: Doorway) -> None:
    claims(door, sub="8")
    colleague = door.client()
    kept = signs_in(door, colleague)
    claims(door)
    clients = [door.client() for _ in range(3)]
    lines = [signs_in(door, client) for client in clients]
    proof = {"csrf": clients[0].get(f"/line/{lines[0].id}/signed-in", headers=JSON).json["csrf"]}
    assert clients[0].post(f"/line/{lines[0].id}/signed-in/{kept.id}/end", data=proof).status_code == 404
    answer = clients[0].post(f"/line/{lines[0].id}/signed-in/end", data=proof)
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    for client, line in zip(clients, lines, strict=True):
        assert client.get(f"/line/{line.id}/worklist").status_code == 401
    assert colleague.get(f"/line/{kept.id}/worklist").status_code == 200


def test_a_place_that_nobody_used_is_not_listed(door: Doorway) -> None:
    claims(door)
    old, new = door.client(), door.client()
    signs_in(door, old)
    door.world.later(hours=3)
    claims(door)
    line = signs_in(door, new)
    listed = new.get(f"/line/{line.id}/signed-in", headers=JSON).json["places"]
    assert [place["id"] for place in listed] == [line.id]


# -- the desk ------------------------------------------------------------------------------------------------------


def test_the_desk_signs_out_one_person_everywhere_or_everybody(door: Doorway) -> None:
    claims(door)
    expert = [door.client(), door.client()]
    lines = [signs_in(door, client) for client in expert]
    patient, own = door.sit_down("patient")
    desk, line = door.sit_down("operator")
    listed = desk.get(f"/line/{line.id}/everybody", headers=JSON).json
    assert [(one["role"], one["lines"]) for one in listed["people"] if one["role"] != "operator"] == [
        ("expert", 2),
        ("patient", 1),
    ]
    assert "Dr Ottavia Exemplar" in desk.get(f"/line/{line.id}/everybody").text
    key = next(one["key"] for one in listed["people"] if one["role"] == "expert")
    form = {"csrf": listed["csrf"], "person": key}
    assert desk.post(f"/line/{line.id}/everybody/end", data=form).status_code == 303
    for client, gone in zip(expert, lines, strict=True):
        assert client.get(f"/line/{gone.id}/worklist").status_code == 401
    assert patient.get(f"/line/{own.id}/tell").status_code == 200
    assert desk.post(f"/line/{line.id}/everybody/end-all", data=form).status_code == 303
    assert patient.get(f"/line/{own.id}/tell").status_code == 401
    assert desk.get(f"/line/{line.id}/everybody").status_code == 200
    with door.world.ports.store.reading() as tx:
        assert [row.verb for row in tx.audit.latest(2)] == ["sign-out-others"] * 2


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (FIREFOX, "Firefox, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/156.0 Safari/537.36 Edg/156.0", "Edge, Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605 Version/18 Safari/605", "Safari, macOS"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18 Safari/605", "Safari, iPhone"),
        ("curl/8.7 <script>", ""),
        ("", ""),
    ],
)
def test_of_a_browser_only_its_kind_is_kept(agent: str, words: str) -> None:
    assert browser_words(agent) == words


def test_time_is_told_in_minutes_and_not_in_trust() -> None:
    """The window in which one may sign without asking again is the organisation's to narrow."""
    assert Organisation("a", "A", "", "").step_up_seconds == timedelta(minutes=5).total_seconds()
    assert Organisation("a", "A", "", "").step_up is True
