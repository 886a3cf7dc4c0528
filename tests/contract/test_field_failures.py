"""The fifteen failures that SMART apps have had in the field, each survived: one test for each, by its number."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet

from fhir.chart import FhirChart
from fhir.errors import ChartRefused, ChartUnavailable
from launch import discovery, signatures
from launch.authorize import Grant, begin, complete
from launch.errors import GrantEnded, TokenUnavailable, UnsafeAddress
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.tokens import open_session
from launch.vault import Vault
from smart_app.connect.templates import templates
from smart_app.deliver import Later, Parked
from smart_app.referral import Status
from smart_app.store import Line
from tests.launching import PAGE, Doorway
from tests.unit.launch_authority import NOW, Authority
from tests.web import FRAMED, JSON
from tests.world import World

CALLBACK = "https://app.example.org/callback"
TOKEN = "/oauth2/token"
CONFIGURATION = "/fhir/.well-known/smart-configuration"
SCOPES = ("openid", "fhirUser", "user/Patient.rs", "offline_access")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    door = Doorway(tmp_path_factory.mktemp("door") / "app")
    yield door
    door.close()


@pytest.fixture
def door(built: Doorway) -> Doorway:
    return built.as_made()


@pytest.fixture
def authority() -> Iterator[Authority]:
    discovery.forget()
    signatures.forget()
    with Authority() as authority:
        yield authority


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def launched(authority: Authority, **changes: Any) -> tuple[Issuer, Grant]:
    """A launch of our library, there and back."""
    issuer = Issuer(**{"iss": authority.iss, "client_id": "our-app", "scopes": SCOPES, "auth": "none", **changes})
    http = Outbound(practice=True)
    begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=http, now=NOW)
    back = authority.browser_follows(begun.url)
    return issuer, complete(issuer, begun.pending, back, keys=None, http=http, now=NOW)


def chart_of(authority: Authority, issuer: Issuer, token: dict[str, Any], **more: Any) -> FhirChart:
    """The chart as the holder of that token sees it."""
    tools = {"keys": None, "http": Outbound(practice=True), "now": NOW, **more}
    return FhirChart(issuer.iss, open_session(issuer, f"{authority.url}{TOKEN}", token, **tools))


def arrive(door: Doorway, client: FlaskClient, **headers: str) -> str:
    """A launch up to its first page; the address of that page."""
    door.press(client)
    back = door.come_back(client, door.sign_in(), **headers)
    arrived = client.get(back.headers["Location"], headers={**PAGE, **headers})
    assert arrived.status_code == 303, arrived.text
    return str(arrived.headers["Location"])


def line_of(door: Doorway, address: str) -> Line:
    with door.world.ports.store.reading() as tx:
        line = tx.sessions.system_line(address.split("/")[2])
    assert line is not None
    return line


def test_failure_01_the_cookie_is_lost_in_the_frame(door: Doorway) -> None:
    """The launch comes back without any cookie, and the person gets the same page in a window that keeps one."""
    door.press(door.client())
    back = door.come_back(door.client(), door.sign_in(), **FRAMED)
    cookie = back.headers["Set-Cookie"]
    assert all(word in cookie for word in ("__Host-", "Secure", "HttpOnly", "SameSite=None", "Partitioned"))
    blocked = door.client().get(back.headers["Location"], headers={**PAGE, **FRAMED})
    assert blocked.status_code == 200
    assert "does not stay signed in" in blocked.text
    link = door.client().get(door_link(blocked.text), headers={**PAGE, "Sec-Fetch-Site": "same-origin"})
    assert link.status_code == 303
    assert line_of(door, link.headers["Location"]).patient == "Patient/p1"


def door_link(page: str) -> str:
    """The link to a window of its own, on that page."""
    start = page.index("/handoff?code=")
    return page[start : page.index('"', start)].replace("&amp;", "&")


def test_failure_02_the_wrong_patient(door: Doorway, authority: Authority) -> None:
    """Two charts in one browser: each address shows its own patient, and no renewal may bring another."""
    client = door.client()
    first = arrive(door, client)
    door.here.token_changes = {"patient": "p2"}
    second = arrive(door, client)
    assert first != second
    for address, patient in ((first, "p1"), (second, "p2"), (first, "p1")):
        assert client.get(address, headers=JSON).json["patient"]["reference"] == f"Patient/{patient}"
    referral = door.world.ask("open", patient=door.world.patient("open"))
    assert client.get(f"{second}referrals/{referral.id}", headers=JSON).status_code == 404

    issuer, grant = launched(authority)
    authority.token_changes = {"patient": "p2"}
    with pytest.raises(GrantEnded, match="another patient"):
        chart_of(authority, issuer, {**grant.token, "expires_at": 1}).read("Patient/p1")


def test_failure_03_the_state_is_gone(door: Doorway) -> None:
    """Kept on the server, good once, and where it is gone the page says how to begin again."""
    client = door.client()
    door.press(client)
    answer = door.sign_in()
    with door.world.ports.store.reading() as tx:
        assert tx.sessions.knows_browser(client.get_cookie("__Host-second-opinion").value)
    assert door.come_back(client, answer).status_code == 303
    for gone in (answer, {**answer, "state": "unknown"}, {"code": "x"}):
        page = door.come_back(client, gone)
        assert page.status_code == 400
        assert re.search("Open Second Opinion again|open Second Opinion again", page.text)


@pytest.mark.parametrize("token", ["x", "opaque+/=~ü" * 3000, "eyJ" + "a" * 12_000 + ".b.c", "{}", "null"])
def test_failure_04_tokens_of_any_form_and_length(authority: Authority, token: str) -> None:
    """Nothing is read from a token, and nothing is cut: it goes into the store and back to the chart as it came."""
    plain = token.encode("ascii", "ignore").decode()
    authority.token_changes = {"access_token": plain, "refresh_token": token}
    issuer, grant = launched(authority)
    vault = Vault("a secret of this test")
    kept = json.loads(vault.open(vault.seal(json.dumps(grant.token))))
    assert (kept["access_token"], kept["refresh_token"]) == (plain, token)
    authority.valid.add(plain)
    assert chart_of(authority, issuer, kept).read("Patient/p1")["id"] == "p1"
    begun = begin(issuer, launch="x" * 9000, redirect_uri=CALLBACK, http=Outbound(practice=True), now=NOW)
    assert parse_qs(urlsplit(begun.url).query)["launch"] == ["x" * 9000]


def test_failure_05_invalid_client(door: Doorway) -> None:
    """Our keys survive a restart, an assertion lives four minutes and is never the same, and the causes are named."""
    again = Keys.load(door.folder / "keys", "s" * 40)
    served = door.client().get("/.well-known/jwks.json")
    assert {key["kid"] for key in again.jwks()["keys"]} >= {key["kid"] for key in served.json["keys"]}
    assert "Location" not in served.headers, "Epic follows no redirect to a key set"
    for _ in "ab":
        arrive(door, door.client())
    claims = [
        jwt.decode(
            seen.form["client_assertion"], KeySet.import_key_set(served.json), algorithms=["RS384", "ES384"]
        ).claims
        for seen in door.here.requests_to(TOKEN)
    ]
    assert {claim["exp"] - claim["iat"] for claim in claims} == {240}
    assert len({claim["jti"] for claim in claims}) == 2
    client = door.client()
    door.press(client)
    door.here.answers[TOKEN] = [(401, {}, {"error": "invalid_client"})]
    page = door.come_back(client, door.sign_in())
    assert page.status_code == 403
    assert "invalid_client" in page.text
    assert "invalid_client" in door.refusals()[0].why

    for of in templates().values():
        old_keys = "kid-unknown" if of.caches_keys else "kid-cached"  # said with the hours where they are known
        assert {"clock", old_keys, "jwks-unreachable"} <= set(of.causes), of.id


def test_failure_06_aud_slash_and_redirect(authority: Authority) -> None:
    """What the EHR wrote is what goes back; only for finding the registration a slash makes no difference."""
    from launch.issuers import Issuers

    known = Issuers([Issuer(authority.iss, "our-app", SCOPES, auth="none")])
    for spelled in (authority.iss, f"{authority.iss}/"):
        issuer = known.trusted(spelled)
        begun = begin(issuer, launch="x", redirect_uri=CALLBACK, http=Outbound(practice=True), now=NOW)
        sent = parse_qs(urlsplit(begun.url).query)
        assert (sent["aud"], sent["redirect_uri"]) == ([spelled], [CALLBACK])
        back = authority.browser_follows(begun.url)
        complete(issuer, begun.pending, back, keys=None, http=Outbound(practice=True), now=NOW)
        assert authority.requests_to(TOKEN)[-1].form["redirect_uri"] == CALLBACK


def test_failure_07_less_was_granted_than_asked(door: Doorway) -> None:
    """Told on the first page, in words of the screen and not of the standard."""
    door.here.token_changes = {"scope": "launch openid fhirUser"}
    client = door.client()
    page = client.get(arrive(door, client), headers=PAGE)
    assert "This hospital’s registration allows less than we ask." in page.text
    assert "reading the patient’s name and birth date" in page.text
    assert "user/Patient" not in page.text
    door.here.token_changes = {}
    client = door.client()
    assert "allows less than we ask" not in client.get(arrive(door, client), headers=PAGE).text


def test_failure_08_what_python_clients_leave_out(authority: Authority) -> None:
    """EHR launch, PKCE and the SMART configuration are ours; a metadata that nobody can parse stops no launch."""
    authority.answers["/fhir/metadata"] = [(200, {}, b"<CapabilityStatement/>")] * 5
    launched(authority)
    assert authority.requests_to("/fhir/metadata") == []
    assert len(authority.requests_to(CONFIGURATION)) == 1
    exchange = authority.requests_to(TOKEN)[0].form
    assert 43 <= len(exchange["code_verifier"]) <= 128
    issuer, grant = launched(authority)
    chart = chart_of(authority, issuer, grant.token)
    assert chart.capability() is None
    assert chart.read("Patient/p1")["resourceType"] == "Patient"


@pytest.mark.parametrize(
    "odd",
    [
        {"scopes_supported": [["openid", ["launch"]]], "capabilities": None},
        {"response_types_supported": None, "management_endpoint": None, "grant_types_supported": "code"},
        {"authorization_endpoint": "/oauth2/authorize", "token_endpoint": "../../oauth2/token"},
        {"issuer": None, "jwks_uri": None},
        {"token_endpoint_auth_methods_supported": {"odd": 1}, "code_challenge_methods_supported": []},
    ],
)
def test_failure_09_odd_discovery(authority: Authority, odd: dict[str, Any]) -> None:
    """Asked for as JSON always; only the members we need are read."""
    authority.configuration_changes = odd
    if odd.get("issuer", "") is None:
        whole = {"issuer": authority.issuer, "jwks_uri": f"{authority.url}/keys"}
        whole["token_endpoint"] = f"{authority.url}{TOKEN}"
        authority.answers["/oauth2/.well-known/openid-configuration"] = [(200, {}, whole)]
    _, grant = launched(authority)
    assert grant.context.patient == "p1"
    assert authority.requests_to(CONFIGURATION)[0].headers["accept"] == "application/json"


def test_failure_10_attachments(authority: Authority) -> None:
    """Relative or absolute, as FHIR JSON or as they are; and the token never goes along to another house."""
    issuer, grant = launched(authority)
    chart = chart_of(authority, issuer, grant.token)
    whole = {"resourceType": "Binary", "contentType": "text/plain", "data": base64.b64encode(b"words").decode()}
    for url in ("Binary/1", f"{authority.iss}/Binary/1"):
        authority.answers["/fhir/Binary/1"] = [(200, {"Content-Type": "application/fhir+json"}, whole)]
        assert chart.read_binary(url) == (b"words", "text/plain")
    for refusal in (404, 406):
        authority.answers["/fhir/Binary/1"] = [
            (refusal, {}, b""),
            (200, {"Content-Type": "application/pdf"}, b"%PDF-1.7"),
        ]
        assert chart.read_binary("Binary/1") == (b"%PDF-1.7", "application/pdf")
        assert authority.seen[-1].headers["accept"] == "*/*"
    with Authority() as stranger:
        for url in (f"{stranger.iss}/Binary/1", f"//127.0.0.1:{stranger.url.rpartition(':')[2]}/fhir/Binary/1"):
            with pytest.raises(ChartRefused):
                chart.read_binary(url)
        authority.answers["/fhir/Binary/1"] = [(302, {"Location": f"{stranger.iss}/Binary/1"}, b"")]
        with pytest.raises((ChartRefused, UnsafeAddress)):
            chart.read_binary("Binary/1")
        assert stranger.seen == []


def test_failure_11_renewal(authority: Authority) -> None:
    """A new refresh token replaces the old one and a missing one does not; only `invalid_grant` is the end."""
    issuer, grant = launched(authority)
    kept: list[dict[str, Any]] = []
    for rotated, expected in (("refresh-new", "refresh-new"), (None, "refresh-1")):
        authority.token_changes = {"refresh_token": rotated, "patient": None, "scope": "openid"}
        old = {**grant.token, "expires_at": 1}
        chart_of(authority, issuer, old, on_update=kept.append).read("Patient/p1")
        authority.spent.clear()
        assert (kept[-1]["refresh_token"], kept[-1]["patient"]) == (expected, "p1")
    authority.answers[TOKEN] = [(503, {}, b"<html>")]
    with pytest.raises(TokenUnavailable):
        chart_of(authority, issuer, {**grant.token, "expires_at": 1}).read("Patient/p1")
    authority.answers[TOKEN] = [(400, {}, {"error": "invalid_client"})]
    with pytest.raises(TokenUnavailable):
        chart_of(authority, issuer, {**grant.token, "expires_at": 1}).read("Patient/p1")
    authority.answers[TOKEN] = [(400, {}, {"error": "invalid_grant"})]
    with pytest.raises(GrantEnded):
        chart_of(authority, issuer, {**grant.token, "expires_at": 1}).read("Patient/p1")


@pytest.mark.parametrize("site", ["epic", "oracle", "open"])
def test_failure_12_a_write_whose_answer_was_lost(world: World, site: str) -> None:
    """One opinion in the chart: found again where one can look, a person where one cannot; never a second document."""
    referral = world.signed(site)
    chart, patient = world.charts.records[site], referral.patient.reference.partition("/")[2]
    chart.scenarios.set(patient, "answer-lost")
    outcome = dict(world.work())["file_opinion"]
    assert isinstance(outcome, Parked if site == "epic" else Later)
    world.later(minutes=5)
    world.work()
    assert len(world.opinions_in(referral)) == 1
    assert world.get(referral).status is (Status.SIGNED if site == "epic" else Status.DELIVERED)


def test_failure_13_searches_that_find_only_remarks(authority: Authority) -> None:
    """A bundle of outcomes is no match; its warnings are notes."""
    issuer, grant = launched(authority)
    remark = {"severity": "warning", "code": "processing", "details": {"coding": [{"code": "4101"}], "text": "None."}}
    outcome = {"resourceType": "OperationOutcome", "issue": [remark]}
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 1,
        "entry": [{"search": {"mode": "outcome"}, "resource": outcome}, {"resource": outcome}],
    }
    authority.answers["/fhir/ImagingStudy"] = [(200, {}, bundle)]
    page = chart_of(authority, issuer, grant.token).search("ImagingStudy", patient="p1")
    assert list(page.entries) == []
    assert any("None." in note for note in page.notes)
    asked = authority.requests_to("/fhir/ImagingStudy")[0]
    assert (asked.method, asked.query) == ("GET", {"patient": "p1"})


@pytest.mark.parametrize(
    ("status", "headers", "body", "words"),
    [
        (403, {}, b"", "403"),
        (406, {}, b"", "406"),
        (403, {}, {"code": "insufficient_scope", "message": "insufficient_scope"}, "insufficient_scope"),
        (400, {}, b"Invalid request", "400"),
        (422, {}, {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "invalid"}]}, "invalid"),
    ],
)
def test_failure_14_errors_that_are_no_operation_outcome(
    authority: Authority, status: int, headers: dict[str, str], body: Any, words: str
) -> None:
    """One family, with the status, whatever words there were, and the number the help desk asks for."""
    issuer, grant = launched(authority)
    chart = chart_of(authority, issuer, grant.token)
    authority.answers["/fhir/Patient/p1"] = [(status, {"X-Request-Id": "req-7", **headers}, body)]
    with pytest.raises(ChartRefused) as caught:
        chart.read("Patient/p1")
    assert caught.value.status == status
    assert words in f"{caught.value} {caught.value.status}"
    assert caught.value.support
    assert "req-7" in caught.value.support


def test_failure_14_a_page_of_a_gateway(authority: Authority) -> None:
    issuer, grant = launched(authority)
    authority.answers["/fhir/Patient/p1"] = [(502, {}, b"<html>bad gateway</html>")] * 3
    with pytest.raises(ChartUnavailable):
        chart_of(authority, issuer, grant.token).read("Patient/p1")


@pytest.mark.parametrize(("site", "kind"), [("epic", "text/plain"), ("oracle", "application/pdf")])
def test_failure_15_what_a_chart_takes(world: World, site: str, kind: str) -> None:
    """Each chart gets the form it takes; where it takes none, the case waits for a person and nothing is lost."""
    referral = world.signed(site)
    world.work()
    (document,) = world.opinions_in(referral)
    assert document["content"][0]["attachment"]["contentType"].partition(";")[0] == kind
    assert ("context" in document) or site != "epic", "Epic wants a visit"


def test_failure_15_where_no_form_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from smart_app.sandbox.records import Records

    def refuse(*_: object, **__: object) -> None:
        raise ChartRefused("This content type is not supported", status=422)

    referral = world.signed("epic")
    with monkeypatch.context() as patch:
        patch.setattr(Records, "create", refuse)
        outcome = dict(world.work())["file_opinion"]
    assert isinstance(outcome, Parked)
    assert world.get(referral).opinion is not None
    assert world.opinions_in(referral) == []


def test_every_failure_has_its_test() -> None:
    """Fifteen numbers, none left out."""
    numbers = {name.split("_")[2] for name in globals() if name.startswith("test_failure_")}
    assert numbers == {f"{number:02d}" for number in range(1, 16)}
