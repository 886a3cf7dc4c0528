"""Tampered launches, one row each: a clear page, a line in the audit, nothing opened, no code spent without need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

import pytest
from werkzeug.test import TestResponse

from smart_app.web.refused import MOST
from tests.contract.tampering import KEYS, TABLE, TOKEN
from tests.launching import PAGE, Doorway


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    door = Doorway(tmp_path_factory.mktemp("door") / "app")
    yield door
    door.close()


@pytest.fixture
def door(built: Doorway) -> Doorway:
    """As it was made, and codes are good once."""
    built.as_made()
    built.here.codes, built.there.codes = {}, {}
    return built


def test_the_table_is_as_long_as_it_was_promised() -> None:
    assert len(TABLE) >= 60


@pytest.mark.parametrize("name", TABLE)
def test_a_tampered_launch_is_refused(door: Doorway, name: str) -> None:
    tampering, client = TABLE[name], door.client()
    before, written = door.lines(), len(door.refusals())
    answer = tampering.act(door, client)
    _is_a_clear_page(door, answer)
    audit = door.refusals()
    assert len(audit) == written + 1, "one row for one refusal"
    newest = audit[0]
    assert tampering.check in newest.why
    assert newest.at == door.world.now
    assert newest.what in ("/launch", "/callback", "/arrive", "/handoff", "/sign-in/callback")
    assert (newest.who.role, newest.who.name) == ("unknown", "")
    secret = _secrets(door)
    assert not any(one in newest.why for one in secret)
    if not tampering.asks:
        assert door.here.requests_to(TOKEN) == [], "the code was not spent"
        assert door.lines() == before, "no line was opened"
    assert door.here.requests_to("/attacker") == []
    if "elsewhere" in name or "other hospital" in name:
        assert door.there.requests_to(KEYS) == []


def _is_a_clear_page(door: Doorway, answer: TestResponse) -> None:
    """What happened, what is safe, what to do; and nothing that could be used or run."""
    assert 400 <= answer.status_code < 500 or answer.status_code == 502, answer.text
    assert answer.mimetype == "text/html"
    assert len(re.findall(r"<h1\b", answer.text)) == 1
    heading = re.search(r"<h1[^>]*>(.*?)</h1>", answer.text, re.DOTALL)
    assert heading
    assert heading[1].strip()
    assert re.search(
        r"(Nothing was|No call was made|Nothing of|again from|window of its own|Open Second Opinion)", answer.text
    )
    assert "<script>alert" not in answer.text
    assert "Traceback" not in answer.text
    assert not any(one in answer.text for one in _secrets(door))
    assert "Location" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]


def _secrets(door: Doorway) -> set[str]:
    """What was on the wire and may stand neither on a page nor in the audit."""
    held = set()
    for authority in (door.here, door.there):
        for seen in authority.seen:
            held |= {seen.form.get(name, "") for name in ("code", "code_verifier", "client_assertion", "refresh_token")}
        held |= {authority.nonce, *authority.valid}
    return {one for one in held if len(one) > 5}


# -- what is not refused, and yet leads nowhere else -------------------------------------------------------------------


@pytest.mark.parametrize(
    "to", ["//evil.example", "https://evil.example", "/\\evil.example", "../../x", "javascript:alert(1)", "%2f%2fevil"]
)
def test_no_window_opens_elsewhere(door: Doorway, to: str) -> None:
    """Open redirect: the page asked for is one of ours or the first one."""
    client = door.client()
    arrived = client.get(door.launch(client).headers["Location"]).headers["Location"]
    client_page = client.get(arrived, headers={"Accept": "application/json"}).json
    assert client_page is not None
    offered = client.post(
        f"{arrived}handoff",
        data={"csrf": client_page["csrf"], "to": to},
        headers={"Accept": "application/json", "Sec-Fetch-Site": "same-origin"},
    ).json["url"]
    opened = door.client().get(f"{offered}&to={to}" if "to=" not in offered else offered, headers=PAGE)
    assert opened.status_code == 303
    assert re.fullmatch(r"/line/[\w-]+/", opened.headers["Location"])


def test_a_browser_is_never_given_an_id_of_somebody_elses_choice(door: Doorway) -> None:
    """Session fixation: a cookie we did not make is not taken over by the line."""
    client = door.client("an-id-the-attacker-knows")
    door.press(client)
    back = door.come_back(client, door.sign_in())
    assert back.status_code == 303
    arrived = client.get(back.headers["Location"])
    assert arrived.status_code == 303
    attacker = door.client("an-id-the-attacker-knows")
    assert attacker.get(arrived.headers["Location"], headers=PAGE).status_code == 401


def test_an_untampered_launch_goes_through_and_leaves_no_refusal(door: Doorway) -> None:
    """Else the table above proves nothing."""
    client, written = door.client(), len(door.refusals())
    arrived = client.get(door.launch(client).headers["Location"])
    assert client.get(arrived.headers["Location"], headers=PAGE).status_code == 200
    assert len(door.refusals()) == written


def test_a_flood_of_refusals_fills_no_disk_and_is_counted(door: Doorway) -> None:
    client, written = door.client(), len(door.refusals())
    for _ in range(MOST + 25):
        assert client.get("/launch?iss=https://evil.example&launch=x").status_code == 403
    assert len(door.refusals()) == written + MOST
    at: datetime = door.world.now
    door.world.later(minutes=1)
    client.get("/launch?iss=https://evil.example&launch=x")
    newest = door.refusals()[0]
    assert newest.at > at
    assert "(25 more before it)" in newest.why


def test_a_server_that_does_not_answer_has_refused_nobody(door: Doorway) -> None:
    door.here.answers["/fhir/.well-known/smart-configuration"] = [(500, {}, b"")]
    client, written = door.client(), len(door.refusals())
    answer = client.get("/launch", query_string={"iss": door.here.iss, "launch": "x"}, headers=PAGE)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert len(door.refusals()) == written
