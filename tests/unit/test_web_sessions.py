"""Lines and forms: whose they are, how long they last, and that nobody else's browser or site can use them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from launch.errors import GrantEnded
from smart_app.case import Party
from smart_app.invitation import new_link
from smart_app.store import Line, digest
from smart_app.web import seats
from smart_app.web.sessions import COOKIE, FORM_LIMIT, IDLE, LASTS, POLL
from tests.web import EHR, FRAMED, JSON, PARTIES, PATIENT, Web

KINDS = ("clinician", "patient", "expert", "operator")
CONTEXT = {"iss": f"{EHR}/clinician", "patient": {**PATIENT.__dict__, "given": list(PATIENT.given)}}
FIRST = {"clinician": "", "patient": "tell", "expert": "worklist", "operator": "operate"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "web")
    yield web
    web.close()


# -- the cookie ----------------------------------------------------------------------------------------------------


def given_cookie(web: Web, headers: dict[str, str]) -> str:
    """The Set-Cookie of a browser that comes for the first time, handed a line from another window."""
    line = web.line("clinician", web.browser())
    with web.world.ports.store.transaction() as tx:
        code = tx.sessions.give_handoff(line.id, web.world.now + timedelta(seconds=60))
    answer = web.client().get(f"/handoff?code={code}", headers=headers)
    assert answer.status_code == 303
    return str(answer.headers["Set-Cookie"])


def test_the_cookie_is_kept_from_scripts_other_hosts_and_plain_http(web: Web) -> None:
    """RFC 6265bis 4.1.3.2: the prefix __Host- asks for Secure, Path=/ and no Domain."""
    name, *attributes = given_cookie(web, {"Sec-Fetch-Dest": "document"}).split("; ")
    assert name.startswith(f"{COOKIE}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} == set(attributes)


def test_the_cookie_of_a_frame_is_partitioned_by_the_chart_around_it(web: Web) -> None:
    """Decision 18: a third party's cookie survives only with SameSite=None and Partitioned."""
    _, *attributes = given_cookie(web, {**FRAMED, "Sec-Fetch-Site": "same-origin"}).split("; ")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=None", "Partitioned"} == set(attributes)


def test_the_store_holds_no_browser_id_that_could_be_used(web: Web, tmp_path: Path) -> None:
    """A copied database opens no line: of the cookie only the hash is kept."""
    browser = web.browser()
    web.line("clinician", browser)
    web.close()
    held = b"".join(path.read_bytes() for path in (tmp_path / "web").glob("second-opinion.db*"))
    assert held
    assert browser.encode() not in held


# -- whose line ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_opens_in_its_own_browser_only(web: Web, kind: str) -> None:
    """The address of a page is no key: it may be copied out of a screen or a log."""
    client, line = web.sit_down(kind)
    address = f"/line/{line.id}/{FIRST[kind]}"
    assert client.get(address, headers=JSON).status_code == 200
    for other in (web.client(web.browser()), web.client(), web.client("made-up")):
        answer = other.get(address, headers=JSON)
        assert answer.status_code == 401
        assert answer.json["error"]["kind"] == "LineEnded"


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_is_closed_to_lines_of_every_other_kind(web: Web, kind: str) -> None:
    client, line = web.sit_down(kind)
    for other in set(KINDS) - {kind, "clinician"}:
        assert client.get(f"/line/{line.id}/{FIRST[other]}", headers=JSON).status_code == 403
    referral = web.world.ask()
    expected = 404 if kind == "clinician" else 403
    assert client.get(f"/line/{line.id}/referrals/{referral.id}", headers=JSON).status_code == expected


# -- whose browser -------------------------------------------------------------------------------------------------


def comes_in(web: Web, browser: str, kind: str = "clinician", **place: Any) -> Line:
    """Somebody launches in that browser."""
    with web.app.test_request_context(headers={"Cookie": f"{COOKIE}={browser}"}):
        where = {"site": "open", "patient": PATIENT.reference} if kind in ("clinician", "patient") else {}
        where |= {"party": PARTIES[kind], "expires": web.world.now + LASTS, **place}
        return seats.sit_down(kind, where.pop("party"), **where)


def is_open(web: Web, line: Line) -> bool:
    with web.world.ports.store.reading() as tx:
        return tx.sessions.system_line(line.id) is not None


@pytest.mark.parametrize(
    ("kind", "place"),
    [
        ("clinician", {"party": Party("clinician", "Dr B", "Practitioner/b")}),
        ("clinician", {"party": Party("clinician", "Dr B", "Practitioner/b"), "patient": "Patient/p2"}),
        ("clinician", {"site": "oracle"}),  # the same number at another hospital is another person
        ("patient", {}),
        ("patient", {"party": Party("proxy", "M", "RelatedPerson/m")}),
        ("expert", {"organisation": "northlight"}),
        ("operator", {"organisation": "desk"}),
    ],
)
def test_a_launch_by_somebody_else_ends_every_line_of_the_one_before_in_that_browser(
    web: Web, kind: str, place: dict[str, Any]
) -> None:
    """A shared workstation: whichever door the next person comes by, and whichever patients were open."""
    shared = web.browser()
    before = [web.line("clinician", shared), web.line("clinician", shared, patient="Patient/p9")]
    elsewhere = web.line("clinician", web.browser())
    now = comes_in(web, shared, kind, **place)
    assert [is_open(web, line) for line in before] == [False, False]
    assert is_open(web, now)
    assert is_open(web, elsewhere)


def test_the_windows_that_the_one_before_had_opened_end_too(web: Web) -> None:
    """A window of its own has another cookie jar, and stands on the same screen."""
    frame, window = web.browser(), web.browser()
    before = comes_in(web, frame, context={"grant": "g1"})
    apart = web.line("clinician", window, context={"grant": "g1"})
    unrelated = web.line("clinician", window, context={"grant": "g2"})
    comes_in(web, frame, party=Party("clinician", "Dr B", "Practitioner/b"))
    assert [is_open(web, line) for line in (before, apart, unrelated)] == [False, False, True]


def test_the_same_person_may_have_two_charts_open(web: Web) -> None:
    here = web.browser()
    first, second = comes_in(web, here), comes_in(web, here, patient="Patient/p2")
    assert is_open(web, first)
    assert is_open(web, second)


@pytest.mark.parametrize("kind", ["clinician", "patient"])
def test_a_relaunch_ends_the_line_before_of_the_same_patient_and_no_window_of_it(web: Web, kind: str) -> None:
    here = web.browser()
    first = comes_in(web, here, kind, context={"grant": "g1"})
    window = web.line(kind, web.browser(), context={"grant": "g1"})
    second = comes_in(web, here, kind)
    assert [is_open(web, line) for line in (first, window, second)] == [False, True, True]


@pytest.mark.parametrize("place", [{"kind": "expert", "organisation": "northlight"}, {"referral_id": "r1"}])
def test_who_comes_to_a_browser_where_nothing_is_open_gets_an_id_that_nobody_could_have_put_there(
    web: Web, place: dict[str, Any]
) -> None:
    """Session fixation. Where a page of theirs is open, the id stays: that page depends on it."""
    planted, kind = web.browser(), str(place.pop("kind", "patient"))
    with web.app.test_request_context(headers={"Cookie": f"{COOKIE}={planted}"}):
        where = {"expires": web.world.now + LASTS, **place}
        where |= {"site": "open", "patient": PATIENT.reference} if kind == "patient" else {}
        line = seats.sit_down(kind, PARTIES[kind], **where)
        again = seats.sit_down(kind, PARTIES[kind], **{**where, "referral_id": "r2"})
    assert line.browser != digest(planted)
    assert again.browser == line.browser
    assert web.client(planted).get(f"/line/{line.id}/{FIRST[kind]}").status_code == 401


def test_everybody_who_comes_in_is_written_down(web: Web) -> None:
    for kind in KINDS:
        comes_in(web, web.browser(), kind)
    with web.world.ports.store.reading() as tx:
        came = [(row.who, row.what, row.why) for row in tx.audit.latest(10) if row.verb == "sign-in"]
    assert [who for who, _, _ in reversed(came)] == [PARTIES[kind] for kind in KINDS]
    assert came[-1][1:] == ("open", "clinician")


def test_an_expert_who_signs_in_again_keeps_what_is_open(web: Web) -> None:
    """No patient changes by it, and words may be half written."""
    here = web.browser()
    first = comes_in(web, here, "expert", organisation="northlight")
    second = comes_in(web, here, "expert", organisation="northlight")
    assert is_open(web, first)
    assert is_open(web, second)


def test_somebody_else_at_the_same_browser_never_finds_the_line_before(web: Web) -> None:
    """A handoff into a browser ends the lines of other people in it, and keeps one's own."""
    shared = web.browser()
    client, before = web.client(shared), web.line("clinician", shared)
    own = web.line("clinician", shared, party=Party("clinician", "Dr B", "Practitioner/b"))
    with web.world.ports.store.transaction() as tx:
        code = tx.sessions.give_handoff(own.id, web.world.now + timedelta(seconds=60))
    assert client.get(f"/handoff?code={code}").status_code == 303
    assert client.get(f"/line/{before.id}/").status_code == 401
    assert client.get(f"/line/{own.id}/").status_code == 200


# -- how long ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_line_ends_when_nobody_uses_it(web: Web, kind: str) -> None:
    client, line = web.sit_down(kind)
    address = f"/line/{line.id}/{FIRST[kind]}"
    web.world.now += IDLE[kind] - timedelta(seconds=1)
    assert client.get(address, headers=JSON).status_code == 200
    web.world.now += IDLE[kind]
    assert client.get(address, headers=JSON).status_code == 401


def test_a_page_that_looks_by_itself_keeps_no_line_open(web: Web) -> None:
    """A screen left alone must close although it polls."""
    client, line = web.sit_down("clinician")
    for _ in range(7):
        web.world.now += timedelta(minutes=10)
        answer = client.get(f"/line/{line.id}/", headers={**JSON, POLL: "1"})
    assert answer.status_code == 401


def test_a_line_ends_after_its_longest_time_whatever_happens(web: Web) -> None:
    client, line = web.sit_down("clinician", expires=web.world.now + LASTS)
    while web.world.now < line.created + LASTS:
        assert client.get(f"/line/{line.id}/", headers=JSON).status_code == 200
        web.world.now += timedelta(minutes=30)
    assert client.get(f"/line/{line.id}/", headers=JSON).status_code == 401


def test_who_leaves_has_left_and_the_grant_is_forgotten(web: Web) -> None:
    client, line = web.sit_down("clinician", token="sealed")
    answer = client.post(f"/line/{line.id}/leave", data={"csrf": web.csrf(client, line)})
    assert answer.status_code == 200
    assert answer.headers["Clear-Site-Data"] == '"storage"'
    assert client.get(f"/line/{line.id}/").status_code == 401
    with web.world.ports.store.reading() as tx:
        assert tx.sessions.system_line(line.id) is None


# -- a page of a line that is over -----------------------------------------------------------------------------------


def over(web: Web, kind: str, **more: Any) -> tuple[FlaskClient, Line]:
    client, line = web.sit_down(kind, **more)
    with web.world.ports.store.transaction() as tx:
        tx.sessions.end_line(line.id)
    return client, line


@pytest.mark.parametrize(
    ("kind", "more", "said"),
    [
        ("clinician", {}, "Open the patient’s chart, and start Second Opinion from there."),
        ("patient", {}, 'href="/start/open"'),
        ("patient", {"referral_id": "r1"}, "Open the link in your letter again."),
        ("expert", {}, 'href="/sign-in/northlight"'),
        ("operator", {}, 'href="/sign-in/desk"'),
    ],
)
def test_a_page_that_has_ended_says_how_its_person_comes_back(
    web: Web, kind: str, more: dict[str, Any], said: str
) -> None:
    """The back button, a page restored after a week, a form sent from a dead launch: the same calm page."""
    client, line = over(web, kind, **more)
    web.world.now += timedelta(days=7)
    for answer in (client.get(f"/line/{line.id}/{FIRST[kind]}"), client.post(f"/line/{line.id}/stay")):
        assert answer.status_code == 401
        assert said in answer.text
        assert PATIENT.family not in answer.text
        assert answer.headers["Cache-Control"] == "no-store"


def test_a_page_of_a_dead_launch_leads_to_the_same_patient_of_the_same_person_only(web: Web) -> None:
    client, line = over(web, "clinician")
    browser = client.get_cookie(COOKIE).value
    others = [
        web.line("clinician", browser, patient="Patient/p2"),
        web.line("clinician", browser, party=Party("clinician", "Dr B", "Practitioner/b")),
        web.line("clinician", web.browser()),
    ]
    page = client.get(f"/line/{line.id}/").text
    assert not any(other.id in page for other in others)
    newer = web.line("clinician", browser)
    assert f'href="/line/{newer.id}/"' in client.get(f"/line/{line.id}/").text


def test_nobody_elses_browser_is_told_whose_line_it_was(web: Web) -> None:
    _, line = over(web, "expert")
    for stranger in (web.client(), web.client(web.browser())):
        page = stranger.get(f"/line/{line.id}/worklist").text
        assert "/sign-in/" not in page


def test_a_grant_that_the_chart_has_ended_ends_the_line_in_every_window(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The EHR's own end, where it tells (`invalid_grant`). A token whose time is over ends nothing."""
    client, line = web.sit_down("clinician", context=CONTEXT | {"grant": "g1"})
    window = web.line("clinician", web.browser(), context=CONTEXT | {"grant": "g1"})
    assert client.get(f"/line/{line.id}/").status_code == 200

    class Ended:
        def search(self, *_: Any, **__: Any) -> Any:
            raise GrantEnded("over", by_chart=True)

    monkeypatch.setattr(type(web.world.ports.charts), "line", lambda *_: Ended())
    answer = client.get(f"/line/{line.id}/")
    assert (answer.status_code, "The chart has closed this page" in answer.text) == (401, True)
    assert "start Second Opinion from there" in answer.text
    assert not is_open(web, line)
    assert not is_open(web, window)


# -- forms ---------------------------------------------------------------------------------------------------------


def test_a_form_of_ours_is_taken(web: Web) -> None:
    client, line = web.sit_down("clinician")
    proof = web.csrf(client, line)
    for headers in (
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Origin": "http://localhost:1"},
    ):
        assert client.post(f"/line/{line.id}/stay", data={"csrf": proof}, headers=headers).status_code == 200
    assert client.post(f"/line/{line.id}/stay", headers={"X-CSRF-Token": proof}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:2"},
        {"Origin": "https://localhost:1"},
    ],
)
def test_a_form_from_another_site_is_refused_even_with_the_right_proof(web: Web, headers: dict[str, str]) -> None:
    client, line = web.sit_down("clinician")
    answer = client.post(f"/line/{line.id}/stay", data={"csrf": web.csrf(client, line)}, headers={**JSON, **headers})
    assert answer.status_code == 403
    assert answer.json["error"]["kind"] == "FormNotOurs"


def test_the_proof_is_of_one_line_and_one_browser(web: Web) -> None:
    client, line = web.sit_down("clinician")
    other_client, other = web.sit_down("clinician")
    mine, theirs = web.csrf(client, line), web.csrf(other_client, other)
    assert mine != theirs
    for wrong in ("", theirs, mine[:-1], mine + "x", "é"):
        assert client.post(f"/line/{line.id}/stay", data={"csrf": wrong}).status_code == 403
    second = web.line("clinician", web.browser())
    assert client.post(f"/line/{second.id}/stay", data={"csrf": mine}).status_code == 401


def test_every_address_that_changes_something_asks_for_the_proof(web: Web) -> None:
    """No view can forget it: all POST rules of a line refuse a form without one, before anything else."""
    client, line = web.sit_down("operator")
    rules = [r for r in web.app.url_map.iter_rules() if "POST" in r.methods and "line_id" in r.arguments]
    assert len(rules) > 20
    for rule in rules:
        place = dict.fromkeys(rule.arguments, "none") | {"line_id": line.id}
        address = rule.build({**place, **{n: 1 for n in ("number", "version") if n in place}})[1]
        answer = client.post(address, headers=JSON)
        assert answer.json["error"]["kind"] == "FormNotOurs", rule.rule


def test_nothing_outside_a_line_is_changed_by_a_form_but_the_two_doors(web: Web) -> None:
    """The EHR's own launch may be a POST of another site; the birth date has a proof of its own. Other systems carry
    a signed token and no cookie.
    """
    rules = {r.rule for r in web.app.url_map.iter_rules() if "POST" in r.methods and "line_id" not in r.arguments}
    people = {rule for rule in rules if not rule.startswith(("/cds-services/", "/fhir/"))}
    assert people == {"/launch", "/launch/patient", "/invitation"}


def test_only_the_form_of_files_may_be_long(web: Web) -> None:
    """A stranger, or a form of words, fills no disk of ours."""
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="long"\r\n\r\n'
    long = {"data": head + b"0" * FORM_LIMIT + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}
    referral, link = web.world.ask(patient=PATIENT), new_link("s" * 40)
    with web.world.ports.store.transaction() as tx:
        tx.invitations.add(referral.id, digest(link), web.world.now + timedelta(days=1))
    invited = web.client()
    invited.get(f"/invitation/{link}")
    assert invited.post("/invitation", **long).status_code == 413
    client, line = web.sit_down("patient")
    assert client.post(f"/line/{line.id}/tell", **long).status_code == 413
    assert client.post(f"/line/{line.id}/show/files", **long).status_code == 403


# -- a window of its own -------------------------------------------------------------------------------------------


def handed(web: Web, to: str = "") -> tuple[str, str]:
    """A code given on a line, as the link that uses it, and the line's id."""
    client, line = web.sit_down("clinician")
    form = {"csrf": web.csrf(client, line), "to": to}
    return client.post(f"/line/{line.id}/handoff", data=form, headers=JSON).json["url"], line.id


def test_a_window_of_its_own_gets_a_line_of_its_own_for_the_same_person_and_patient(web: Web) -> None:
    url, first = handed(web, "referrals/r1")
    window = web.client()
    answer = window.get(url)
    place = answer.headers["Location"]
    assert place.startswith("/line/")
    assert place.endswith("/referrals/r1")
    assert first not in place
    home = window.get(place.removesuffix("referrals/r1"), headers=JSON).json
    assert home["patient"]["reference"] == PATIENT.reference


def test_the_code_opens_once_and_for_one_minute(web: Web) -> None:
    url, _ = handed(web)
    assert web.client().get(url).status_code == 303
    assert web.client().get(url).status_code == 400
    late, _ = handed(web)
    web.world.now += timedelta(seconds=61)
    assert web.client().get(late).status_code == 400


def test_the_code_lengthens_nothing(web: Web) -> None:
    """The window's line ends when the launch's would have."""
    url, first = handed(web)
    browser_line = web.client().get(url).headers["Location"].split("/")[2]
    with web.world.ports.store.reading() as tx:
        assert tx.sessions.system_line(browser_line).expires == tx.sessions.system_line(first).expires


@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example", "../../start", "a\\b", "a?b=c", "-"])
def test_the_window_leads_to_no_place_but_the_line(web: Web, to: str) -> None:
    url, _ = handed(web)
    place = web.client().get(f"{url}&to={to}").headers["Location"]
    assert place.startswith("/line/")
    assert place.count("/") == 3
