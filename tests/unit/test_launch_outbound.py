"""Where we may call, whom we trust, and the keys we sign with."""

from __future__ import annotations

import json
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema

from launch import discovery
from launch.documents import read_json
from launch.errors import (
    AnswerUnusable,
    DiscoveryFailed,
    KeysMissing,
    UnsafeAddress,
    UntrustedIssuer,
)
from launch.issuers import Issuer, Issuers
from launch.keys import Keys
from launch.outbound import LARGEST_ANSWER, Outbound, check_address
from tests.unit.launch_authority import Authority


@pytest.fixture
def authority() -> Iterator[Authority]:
    discovery.forget()
    with Authority() as authority:
        yield authority


# -- addresses -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.example.org/fhir",
        "https://localhost/fhir",
        "https://app.localhost/fhir",
        "https://127.0.0.1/fhir",
        "https://127.1/fhir",
        "https://2130706433/fhir",
        "https://0x7f000001/fhir",
        "https://10.0.0.8/fhir",
        "https://172.16.3.4/fhir",
        "https://192.168.1.1/fhir",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/fhir",
        "https://0.0.0.0/fhir",
        "https://[::1]/fhir",
        "https://[fe80::1]/fhir",
        "https://[fd00::1]/fhir",
        "https://[::ffff:10.0.0.1]/fhir",
        "https://me:pass@ehr.example.org/fhir",
        "file:///etc/passwd",
        "ftp://ehr.example.org",
        "//ehr.example.org",
        "https://",
        "https://ehr.example.org:99999/",
        "",
    ],
)
def test_an_address_inside_or_in_the_clear_is_refused_outside_the_practice_mode(url: str) -> None:
    with pytest.raises(UnsafeAddress):
        check_address(url, practice=False)
    with pytest.raises((UnsafeAddress, InvalidURL, InvalidSchema, MissingSchema)):
        Outbound().get(url)


def test_a_public_https_address_is_allowed() -> None:
    assert check_address("https://ehr.example.org:8443/fhir", practice=False)
    assert check_address("https://8.8.8.8/fhir", practice=False)


def test_a_public_name_that_points_inside_is_refused_before_a_byte_is_sent(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DNS rebinding: what counts is the address really connected to."""
    port = int(authority.url.rpartition(":")[2])
    real = socket.getaddrinfo

    def rebound(host: str, *arguments: object, **more: object) -> object:
        return real("127.0.0.1" if host == "ehr.example.org" else host, *arguments, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with pytest.raises(UnsafeAddress, match="public"):
        Outbound().get(f"https://ehr.example.org:{port}/fhir")
    assert authority.seen == []


def test_a_redirect_within_the_origin_is_followed_and_one_leaving_it_is_not(authority: Authority) -> None:
    http = Outbound(practice=True)
    authority.answers["/a"] = [(302, {"Location": "/b"}, b"")]
    authority.answers["/b"] = [(200, {}, {"here": True})]
    assert read_json(http, f"{authority.url}/a") == {"here": True}
    port = int(authority.url.rpartition(":")[2])
    for target in (f"http://localhost:{port}/b", "//evil.example/b", f"http://127.0.0.1:{port + 1}/b"):
        authority.answers["/a"] = [(307, {"Location": target}, b"")]
        with pytest.raises(UnsafeAddress):
            read_json(http, f"{authority.url}/a")
    assert len(authority.requests_to("/b")) == 1


def test_a_post_is_never_redirected(authority: Authority) -> None:
    """A code or an assertion is not handed on, not even within the server."""
    authority.answers["/a"] = [(307, {"Location": "/b"}, b"")]
    with pytest.raises(UnsafeAddress):
        Outbound(practice=True).post(f"{authority.url}/a", data="code=x")
    assert authority.requests_to("/b") == []


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"", b"[" * 100000, b" " * (LARGEST_ANSWER + 1)])
def test_an_answer_that_is_not_a_json_object_of_bearable_size_is_unusable(authority: Authority, body: bytes) -> None:
    authority.answers["/a"] = [(200, {}, body)]
    with pytest.raises(AnswerUnusable):
        read_json(Outbound(practice=True), f"{authority.url}/a")


def test_passwords_of_the_account_are_not_sent(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """requests would take them from .netrc by itself."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    authority.answers["/a"] = [(200, {}, {})]
    read_json(Outbound(practice=True), f"{authority.url}/a")
    assert "authorization" not in authority.seen[-1].headers


# -- issuers ---------------------------------------------------------------------------------------------------

EHR = Issuer("https://EHR.example.org:443/fhir/R4/", "staff-app")


@pytest.mark.parametrize("iss", ["https://ehr.example.org/fhir/R4", "https://ehr.example.org/fhir/R4/"])
def test_a_known_issuer_is_found_however_its_end_is_written_and_kept_as_sent(iss: str) -> None:
    found = Issuers([EHR]).trusted(iss)
    assert (found.iss, found.client_id) == (iss, "staff-app")


@pytest.mark.parametrize(
    "iss",
    [
        "https://ehr.example.org/fhir/R4/../evil",
        "https://ehr.example.org.evil.example/fhir/R4",
        "https://ehr.example.org@evil.example/fhir/R4",
        "https://ehr.example.org/fhir/R4?x=1",
        "https://ehr.example.org/fhir/R4#x",
        "https://ehr.example.org/fhir/r4",
        "http://ehr.example.org/fhir/R4",
        "https://ehr.example.org:8443/fhir/R4",
        "https://ehr.example.org/fhir/R4\n",
        "https://[bad/fhir",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_unknown_issuer_is_refused(iss: str) -> None:
    with pytest.raises(UntrustedIssuer):
        Issuers([EHR]).trusted(iss)


def test_nobody_launches_as_the_system() -> None:
    both = Issuers([Issuer(EHR.iss, "backend", audience="system"), EHR])
    assert both.trusted(EHR.iss).client_id == "staff-app"
    assert both.trusted(EHR.iss, audience="system").client_id == "backend"
    with pytest.raises(UntrustedIssuer):
        both.trusted(EHR.iss, audience="patient")


def test_a_registration_that_cannot_work_is_refused_at_the_start() -> None:
    for wrong in ({"auth": "magic"}, {"auth": "client_secret_basic"}, {"signing_alg": "HS256"}):
        with pytest.raises(ValueError, match="EHR"):
            Issuer(EHR.iss, "app", **wrong)


# -- discovery -------------------------------------------------------------------------------------------------


def test_a_configuration_is_read_once_an_hour(authority: Authority) -> None:
    http, at = Outbound(practice=True), [0.0]
    for moment, reads in ((0.0, 1), (3599.0, 1), (3601.0, 2)):
        at[0] = moment
        discovery.discover(authority.iss, http=http, clock=lambda: at[0])
        assert len(authority.seen) == reads
    discovery.discover(authority.iss + "/", http=http, client_id="ours", clock=lambda: at[0])
    assert authority.seen[-1].headers["epic-client-id"] == "ours"
    assert authority.seen[-1].headers["accept"] == "application/json"


def test_relative_endpoints_and_odd_members_are_made_sense_of(authority: Authority) -> None:
    authority.configuration_changes = {
        "token_endpoint": "../../oauth2/token",
        "authorization_endpoint": "/oauth2/authorize?tenant=1",
        "capabilities": None,
        "scopes_supported": [["openid", ["launch"]], 5, None],
        "token_endpoint_auth_methods_supported": "client_secret_basic private_key_jwt",
        "issuer": f"{authority.issuer}/.well-known/openid-configuration",
        "jwks_uri": {"odd": 1},
        "revocation_endpoint": "file:///etc/passwd",
    }
    found = discovery.discover(authority.iss, http=Outbound(practice=True))
    assert found.token_endpoint == f"{authority.url}/oauth2/token"
    assert found.authorization_endpoint == f"{authority.url}/oauth2/authorize?tenant=1"
    assert found.scopes == ("openid", "launch")
    assert found.auth_methods == ("client_secret_basic", "private_key_jwt")
    assert found.issuer == authority.issuer
    assert (found.jwks_uri, found.revocation_endpoint, found.capabilities) == ("", "", ())


@pytest.mark.parametrize(
    "answer", [(404, b""), (500, b""), (200, b"<html>"), (200, b"{}"), (200, b'{"token_endpoint": 5}')]
)
def test_a_configuration_that_cannot_be_used_is_worth_another_try_and_is_not_remembered(
    answer: tuple[int, bytes], authority: Authority
) -> None:
    http = Outbound(practice=True)
    authority.answers["/fhir/.well-known/smart-configuration"] = [(answer[0], {}, answer[1])]
    with pytest.raises(DiscoveryFailed) as caught:
        discovery.discover(authority.iss, http=http)
    assert caught.value.retry
    assert discovery.discover(authority.iss, http=http).token_endpoint


def test_a_configuration_cannot_lead_us_inside() -> None:
    """The document is fetched from a trusted place, and yet every address in it is judged."""
    raw = {"token_endpoint": "https://10.0.0.1/token", "authorization_endpoint": "https://ehr.example.org/a"}
    with pytest.raises(UnsafeAddress):
        discovery.read_configuration("https://ehr.example.org", "https://ehr.example.org/x", raw)


def test_a_sign_in_service_must_call_itself_by_its_own_name(authority: Authority) -> None:
    """OpenID Connect Discovery 1.0 section 4.3."""
    http = Outbound(practice=True)
    assert discovery.discover_openid(authority.issuer, http=http).issuer == authority.issuer
    for wrong in ({"issuer": "https://evil.example"}, {"issuer": None}, {"jwks_uri": None}):
        discovery.forget()
        authority.configuration_changes = wrong
        with pytest.raises(DiscoveryFailed):
            discovery.discover_openid(authority.issuer, http=http)


# -- keys ------------------------------------------------------------------------------------------------------


def test_keys_stay_on_disk_for_us_alone_and_the_published_set_is_public(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    with pytest.raises(KeysMissing):
        Keys.load(folder)
    keys = Keys.create(folder)
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}
    assert keys.jwks() == Keys.load(folder).jwks()
    published = keys.jwks()["keys"]
    assert [key["alg"] for key in published] == ["ES384", "RS384"]
    for key in published:
        assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()
        assert key["kid"]
        assert key["use"] == "sig"
    json.dumps(published)


def test_processes_that_start_together_agree_on_the_keys(tmp_path: Path) -> None:
    sets: list[dict] = []
    threads = [threading.Thread(target=lambda: sets.append(Keys.create(tmp_path).jwks())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sets == [sets[0]] * 4
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_is_no_key_stops_the_start_by_name(tmp_path: Path) -> None:
    Keys.create(tmp_path)
    (tmp_path / "rs384-2.pem").write_text("not a key")
    with pytest.raises(KeysMissing, match=r"rs384-2\.pem"):
        Keys.load(tmp_path)


# -- private addresses the operator named ----------------------------------------------------------------------------

LAN = "https://fhir.hospital.lan"


@pytest.mark.parametrize("host", ["10.2.3.4", "192.168.7.7", "172.20.0.1", "[fd00::7]"])
def test_a_private_address_may_be_called_where_the_operator_named_it(host: str) -> None:
    url = f"https://{host}/fhir"
    with pytest.raises(UnsafeAddress):
        Outbound(inside=(LAN,)).check(url)
    assert Outbound(inside=(url,)).check(url) == url
    for other in (f"https://{host}:8443/fhir", url.replace("https", "http")):
        with pytest.raises(UnsafeAddress):
            Outbound(inside=(url,)).check(other)


@pytest.mark.parametrize(
    "url",
    [
        *("https://127.0.0.1/x", "https://localhost/x", "https://169.254.169.254/latest", "https://[::1]/x"),
        *("https://[fe80::1]/x", "https://0.0.0.0/x", "https://224.0.0.1/x", "https://[::ffff:127.0.0.1]/x"),
    ],
)
def test_the_machine_itself_and_its_neighbours_stay_refused_even_where_named(url: str) -> None:
    with pytest.raises(UnsafeAddress):
        Outbound(inside=(url,)).check(url)


@pytest.mark.parametrize(
    "url", ["https://[64:ff9b::7f00:1]/x", "https://[64:ff9b::a00:1]/x", "https://[2002:7f00:1::]/x"]
)
def test_an_inner_address_wrapped_in_another_is_seen(url: str) -> None:
    """The network takes it out of the wrapping (RFC 6052, RFC 3056)."""
    with pytest.raises(UnsafeAddress):
        Outbound().check(url)


@pytest.mark.parametrize(
    ("resolves_to", "named", "may"),
    [("10.2.3.4", True, True), ("10.2.3.4", False, False), ("127.0.0.1", True, False), ("169.254.1.1", True, False)],
)
def test_a_name_is_judged_by_what_it_resolves_to(
    resolves_to: str, named: bool, may: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inside or not, what counts is the address really connected to; nothing is sent to one that may not be called."""
    sent: list[bytes] = []

    class Peer:
        def getpeername(self) -> tuple[str, int]:
            return resolves_to, 443

        def close(self) -> None:
            pass

        def settimeout(self, _: object) -> None:
            pass

    def connected(*_: object, **__: object) -> Peer:
        return Peer()

    monkeypatch.setattr("urllib3.util.connection.create_connection", connected)

    def handshake(*_: object, **__: object) -> None:
        sent.append(b"hello")
        raise OSError("no handshake in this test")

    monkeypatch.setattr("urllib3.connection._ssl_wrap_socket_and_match_hostname", handshake)
    http = Outbound(inside=(LAN,) if named else ())
    with pytest.raises((UnsafeAddress, NoConnection)) as caught:
        http.post(f"{LAN}/token", data="code=x")
    assert isinstance(caught.value, NoConnection) is may
    assert bool(sent) is may


def test_a_redirect_to_nowhere_is_refused(authority: Authority) -> None:
    authority.answers["/a"] = [(302, {"Location": "http://[::1"}, b"")]
    with pytest.raises(UnsafeAddress):
        Outbound(practice=True).get(f"{authority.url}/a")
