"""Our launch against a SMART server that is not ours, really over HTTP: an OpenID provider with SMART's launch context.

`npm ci --prefix tests/peers` fetches it; node comes with the development environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from joserfc.jwk import RSAKey

from launch import discovery, signatures
from launch.asking import introspect, revoke
from launch.authorize import Begun, Grant, begin, complete
from launch.backend import backend_session
from launch.errors import GrantEnded, IdentityRejected, LaunchRefused
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.style import fetch_style
from launch.tokens import open_session
from tests.interop.peers import free_port, parameters_of, peer, walk

pytestmark = [pytest.mark.interop, pytest.mark.needs]

CALLBACK = "http://localhost:1/callback"
SCOPES = ("openid", "fhirUser", "profile", "user/Patient.rs", "user/ImagingStudy.rs", "offline_access")
SECRET = "a-secret-of-32-characters-or-more!"
CLIENTS = {
    "public": {"auth": "none"},
    "basic": {"auth": "client_secret_basic", "client_secret": SECRET},
    "post": {"auth": "client_secret_post", "client_secret": SECRET},
    "rs384": {"auth": "private_key_jwt", "signing_alg": "RS384"},
    "es384": {"auth": "private_key_jwt", "signing_alg": "ES384"},
}


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys"))


def signing() -> dict[str, Any]:
    return {"keys": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]}


class Server:
    """One running server: launches are made at its chart, and people walk through its sign-in."""

    def __init__(self, port: int, keys: Keys) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.iss = f"{self.url}/fhir"
        self.keys = keys
        self.http = Outbound(practice=True)

    def issuer(self, client: str = "es384", **more: Any) -> Issuer:
        return Issuer(**{"iss": self.iss, "client_id": client, "scopes": SCOPES, **CLIENTS[client], **more})

    def press(self, **asked: Any) -> str:
        """The button in the chart: a launch value."""
        return str(requests.get(f"{self.url}/ehr/launch", params=asked, timeout=10).json()["launch"])

    def begin(self, issuer: Issuer, launch: str | None, **extra: str) -> Begun:
        return begin(issuer, launch=launch, redirect_uri=CALLBACK, http=self.http, now=now, extra=extra)

    def sign_in(self, begun: Begun) -> dict[str, str]:
        """What comes back to the callback of the app."""
        browser = requests.Session()
        if begun.form is None:
            return parameters_of(walk(browser, begun.url, CALLBACK))
        action, fields = begun.form
        answer = browser.post(action, data=dict(fields), allow_redirects=False, timeout=20)
        return parameters_of(walk(browser, f"{self.url}{answer.headers['Location']}", CALLBACK))

    def complete(self, issuer: Issuer, begun: Begun, answer: dict[str, str]) -> Grant:
        return complete(issuer, begun.pending, answer, keys=self.keys, http=self.http, now=now)

    def launch(self, issuer: Issuer, launch: str | None = "", **extra: str) -> Grant:
        begun = self.begin(issuer, self.press() if launch == "" else launch, **extra)
        return self.complete(issuer, begun, self.sign_in(begun))


@pytest.fixture(scope="module", params=[True, False], ids=["rotating", "keeping"])
def server(keys: Keys, request: pytest.FixtureRequest) -> Iterator[Server]:
    port = free_port()
    discovery.forget()
    signatures.forget()
    with peer(
        "smart-server.mjs", port=port, redirect=CALLBACK, jwks=keys.jwks(), rotates=request.param, signing=signing()
    ):
        yield Server(port, keys)


@pytest.mark.parametrize("client", CLIENTS)
def test_every_kind_of_client_launches_reads_renews_and_leaves(server: Server, client: str) -> None:
    issuer = server.issuer(client)
    grant = server.launch(issuer)
    context = grant.context
    assert (context.patient, context.encounter, context.need_patient_banner) == ("p-1", "e-1", False)
    assert (context.tenant, context.intent, context.appointment) == ("t-1", "second-opinion", "ap-1")
    assert context.references("ImagingStudy", issuer.iss) == ("ImagingStudy/st-1",)
    assert context.references("ServiceRequest", issuer.iss) == ("ServiceRequest/sr-1",)
    assert grant.identity is not None
    assert grant.identity.fhir_user == f"{server.iss}/Practitioner/doc-1"
    assert grant.identity.iss == server.url
    assert grant.missing == ()

    kept: list[dict[str, Any]] = []
    found = discovery.discover(issuer.iss, http=server.http, client_id=issuer.client_id)
    tools = {"keys": server.keys, "http": server.http, "now": now}
    session = open_session(issuer, found, grant.token, on_update=kept.append, **tools)
    assert session.get(f"{server.iss}/Patient/p-1").json()["id"] == "p-1"
    alive = introspect(issuer, found, grant.token, **tools)
    assert alive is not None
    assert (alive.active, alive.client_id, alive.context.patient) == (True, client, "p-1")

    over = {**grant.token, "expires_at": 1}
    session = open_session(issuer, found, over, on_update=kept.append, **tools)
    assert session.get(f"{server.iss}/Patient/p-1").ok
    renewed = kept[-1]
    assert renewed["access_token"] != grant.token["access_token"]
    assert renewed["patient"] == "p-1"

    assert revoke(issuer, found, renewed, **tools)
    gone = introspect(issuer, found, renewed, **tools)
    assert gone is not None
    assert not gone.active
    with pytest.raises(GrantEnded):
        open_session(issuer, found, {**renewed, "expires_at": 1}, **tools).get(f"{server.iss}/Patient/p-1")


@pytest.mark.parametrize(
    ("user", "fhir_user"),
    [
        ("doctor", "{base}/Practitioner/doc-1"),
        ("role", "{base}/PractitionerRole/role-1"),
        ("patient", "{base}/Patient/p-1"),
        ("mother", "{base}/RelatedPerson/rel-1"),
    ],
)
def test_whoever_launches_is_named_whole(server: Server, user: str, fhir_user: str) -> None:
    """One of them is named relative to the FHIR base, as SMART 2.2 allows."""
    grant = server.launch(server.issuer(), server.press(user=user))
    assert grant.context.fhir_user == fhir_user.format(base=server.iss)


@pytest.mark.parametrize(("audience", "hint"), [("patient", "patient"), ("clinician", "doctor")])
def test_who_comes_first_to_the_app_signs_in_and_gets_a_patient(server: Server, audience: str, hint: str) -> None:
    grant = server.launch(server.issuer(audience=audience), None, login_hint=hint)
    assert grant.context.patient == "p-1"
    assert grant.context.encounter is None
    assert "launch/patient" in grant.granted
    assert "launch" not in grant.granted


def test_a_launch_of_many_kilobytes_goes_as_a_form(server: Server) -> None:
    issuer = server.issuer()
    begun = server.begin(issuer, server.press(long=6000))
    assert begun.form is not None
    assert server.complete(issuer, begun, server.sign_in(begun)).context.patient == "p-1"


def test_a_style_of_the_chart_is_read(server: Server) -> None:
    grant = server.launch(server.issuer())
    found = fetch_style(grant.context.smart_style_url, http=server.http, origins=(server.iss,))
    assert (found.color_highlight, found.dim_border_radius) == ("#69b5ce", "6px")


@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_our_own_key_opens_the_chart_when_nobody_is_present(server: Server, alg: str) -> None:
    """Backend Services, by either algorithm (SMART App Launch 2.2: a client must be able to do both)."""
    issuer = Issuer(server.iss, "backend", ("system/Patient.rs",), audience="system", signing_alg=alg)
    session = backend_session(issuer, keys=server.keys, http=server.http, now=now)
    assert session.get(f"{server.iss}/Patient/p-1").ok
    assert session.granted() == ("system/Patient.rs",)


# -- what a server that is not ours refuses, and what we refuse of it --------------------------------------------------


def test_a_code_works_once(server: Server) -> None:
    issuer = server.issuer()
    begun = server.begin(issuer, server.press())
    answer = server.sign_in(begun)
    server.complete(issuer, begun, answer)
    with pytest.raises(LaunchRefused) as caught:
        server.complete(issuer, begun, answer)
    assert caught.value.reason == "invalid_grant"


def test_a_code_of_another_launch_is_worth_nothing(server: Server) -> None:
    """Code injection: the verifier of this launch does not fit (RFC 7636)."""
    issuer = server.issuer()
    mine, other = (server.begin(issuer, server.press()) for _ in "ab")
    stolen = server.sign_in(other)
    answer = {**server.sign_in(mine), "code": stolen["code"]}
    with pytest.raises(LaunchRefused) as caught:
        server.complete(issuer, mine, answer)
    assert caught.value.reason == "invalid_grant"


def test_a_launch_value_works_once(server: Server) -> None:
    issuer, launch = server.issuer(), server.press()
    server.launch(issuer, launch)
    begun = server.begin(issuer, launch)
    with pytest.raises(LaunchRefused) as caught:
        server.complete(issuer, begun, server.sign_in(begun))
    assert caught.value.reason == "invalid_request"


def test_a_client_that_signs_with_a_strangers_key_is_refused(server: Server, tmp_path_factory: Any) -> None:
    issuer = server.issuer("rs384")
    begun = server.begin(issuer, server.press())
    answer = server.sign_in(begun)
    strange = Keys.create(tmp_path_factory.mktemp("strange"))
    with pytest.raises(LaunchRefused) as caught:
        complete(issuer, begun.pending, answer, keys=strange, http=server.http, now=now)
    assert caught.value.reason == "invalid_client"


def test_an_answer_of_another_server_is_refused_by_its_name(server: Server, keys: Keys) -> None:
    """Mix-up: begun here, answered there; nothing is sent to either token endpoint (RFC 9207)."""
    port = free_port()
    with peer("smart-server.mjs", port=port, redirect=CALLBACK, jwks=keys.jwks(), rotates=True, signing=signing()):
        other = Server(port, keys)
        issuer = server.issuer()
        begun = server.begin(issuer, server.press())
        there = other.sign_in(other.begin(other.issuer(), other.press()))
        for forged, reason in (
            ({**there, "state": begun.pending.state}, "issuer_mismatch"),
            ({"code": there["code"], "state": begun.pending.state}, "issuer_missing"),
        ):
            with pytest.raises(LaunchRefused) as caught:
                server.complete(issuer, begun, forged)
            assert caught.value.reason == reason


def test_a_server_that_changes_its_keys_is_believed_and_one_that_only_says_so_is_not(keys: Keys) -> None:
    """The server starts again on the same address: its new key is found by reading the set once more."""
    port, launches = free_port(), []
    discovery.forget()
    signatures.forget()
    for _ in "ab":
        with peer("smart-server.mjs", port=port, redirect=CALLBACK, jwks=keys.jwks(), rotates=True, signing=signing()):
            server = Server(port, keys)
            issuer = server.issuer()
            begun = server.begin(issuer, server.press())
            launches.append(server.complete(issuer, begun, server.sign_in(begun)))
    old, new = (grant.token["id_token"] for grant in launches)
    assert old != new
    with peer("smart-server.mjs", port=port, redirect=CALLBACK, jwks=keys.jwks(), rotates=True, signing=signing()):
        from launch.identity import verify

        discovery.forget()
        signatures.forget()
        found = discovery.discover(server.iss, http=server.http)
        with pytest.raises(IdentityRejected, match="signature"):
            verify(new, found, client_id="es384", nonce=None, http=server.http, now=now)
