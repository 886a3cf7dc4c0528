"""Our way in against the practice hospitals: two sides written apart, joined by the standard alone."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from launch import discovery, signatures
from launch.authorize import Begun, begin, complete
from launch.backend import backend_session
from launch.errors import LaunchRefused
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.tokens import open_session
from smart_app.sandbox.grants import Launch
from smart_app.sandbox.practice import Practice

EHRS = ("epic", "oracle", "open")


def now() -> datetime:
    """The practice lives in real time, and so do the clocks compared here."""
    return datetime.now(UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def app_base(keys: Keys) -> Iterator[str]:
    """Our app, as far as an EHR looks at it: the public keys."""
    published = json.dumps(keys.jwks()).encode()

    class Published(BaseHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(published)))
            self.end_headers()
            self.wfile.write(published)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Published)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def practice(app_base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    discovery.forget()
    signatures.forget()
    with Practice(tmp_path_factory.mktemp("practice"), app_base=app_base) as practice:
        yield practice


@pytest.fixture
def http() -> Outbound:
    return Outbound(practice=True)


def registration(practice: Practice, ehr: str, audience: str) -> Issuer:
    """What a site's directory would say of this EHR."""
    iss = practice.houses[ehr].face(audience).fhir_base
    return Issuer(iss, f"second-opinion-{audience}", practice.scopes(ehr, audience), audience=audience)


def came_back(begun: Begun) -> dict[str, str]:
    """What the browser brings to our callback."""
    answer = requests.get(begun.url, allow_redirects=False, timeout=10)
    assert answer.status_code == 302, answer.text
    return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def first(practice: Practice, ehr: str, resource_type: str) -> str:
    return practice.houses[ehr].records.shelf.present(resource_type)[0].resource["id"]


@pytest.mark.parametrize("ehr", EHRS)
def test_a_clinician_launches_from_the_chart(
    ehr: str, practice: Practice, app_base: str, http: Outbound, keys: Keys
) -> None:
    """Context, identity and a token that reads that patient, at each kind of EHR."""
    patient, doctor = first(practice, ehr, "Patient"), f"Practitioner/{first(practice, ehr, 'Practitioner')}"
    opened = practice.houses[ehr].grants.give_launch(Launch(patient, "", doctor, "clinician"))
    issuer = registration(practice, ehr, "clinician")
    begun = begin(issuer, launch=opened, redirect_uri=f"{app_base}/callback", http=http, now=now)
    grant = complete(issuer, begun.pending, came_back(begun), keys=keys, http=http, now=now)
    assert grant.context.patient == patient
    assert grant.identity is not None
    assert (grant.identity.fhir_user or "").endswith(doctor)
    assert grant.missing == ()
    session = open_session(issuer, begun.pending.token_endpoint, grant.token, keys=keys, http=http, now=now)
    read = session.get(f"{issuer.iss}/Patient/{patient}", headers={"Accept": "application/fhir+json"})
    assert read.json()["id"] == patient


@pytest.mark.parametrize("ehr", EHRS)
def test_a_launch_value_works_once(ehr: str, practice: Practice, app_base: str, http: Outbound, keys: Keys) -> None:
    opened = practice.houses[ehr].grants.give_launch(
        Launch(first(practice, ehr, "Patient"), "", f"Practitioner/{first(practice, ehr, 'Practitioner')}", "clinician")
    )
    issuer = registration(practice, ehr, "clinician")
    for attempt in range(2):
        begun = begin(issuer, launch=opened, redirect_uri=f"{app_base}/callback", http=http, now=now)
        back = came_back(begun)
        if attempt == 0:
            complete(issuer, begun.pending, back, keys=keys, http=http, now=now)
        else:
            with pytest.raises(LaunchRefused) as caught:
                complete(issuer, begun.pending, back, keys=keys, http=http, now=now)
            assert bool(caught.value.error_uri) is (ehr == "oracle")


@pytest.mark.parametrize("ehr", EHRS)
def test_a_patient_comes_to_the_app_first(
    ehr: str, practice: Practice, app_base: str, http: Outbound, keys: Keys
) -> None:
    """Standalone: the portal says which patient; the grant outlives its first token where the EHR allows it."""
    issuer = registration(practice, ehr, "patient")
    hint = {"login_hint": f"Patient/{first(practice, ehr, 'Patient')}"}
    begun = begin(issuer, launch=None, redirect_uri=f"{app_base}/callback", http=http, now=now, extra=hint)
    grant = complete(issuer, begun.pending, came_back(begun), keys=keys, http=http, now=now)
    assert grant.context.patient
    assert grant.missing == ()
    kept: list[dict] = []
    stale = {**grant.token, "expires_at": 1}
    session = open_session(
        issuer, begun.pending.token_endpoint, stale, keys=keys, http=http, now=now, on_update=kept.append
    )
    if "refresh_token" in grant.token:
        assert session.get(f"{issuer.iss}/Patient/{grant.context.patient}").ok
        assert kept[0]["patient"] == grant.context.patient
        assert kept[0]["refresh_token"]


@pytest.mark.parametrize("ehr", EHRS)
def test_the_worker_reads_with_our_own_key(ehr: str, practice: Practice, http: Outbound, keys: Keys) -> None:
    """Backend Services: the assertion is checked against the keys we publish."""
    issuer = registration(practice, ehr, "system")
    session = backend_session(issuer, keys=keys, http=http, now=now)
    read = session.get(f"{issuer.iss}/Patient/{first(practice, ehr, 'Patient')}")
    assert read.ok, read.text
    assert session.granted()


def test_the_worker_is_refused_with_a_key_the_ehr_does_not_know(
    practice: Practice, http: Outbound, tmp_path: Path
) -> None:
    session = backend_session(registration(practice, "epic", "system"), keys=Keys.create(tmp_path), http=http, now=now)
    with pytest.raises(LaunchRefused) as caught:
        session.get(f"{registration(practice, 'epic', 'system').iss}/Patient/1")
    assert caught.value.reason == "invalid_client"


def test_an_expert_signs_in_with_their_own_organisation(
    practice: Practice, app_base: str, http: Outbound, keys: Keys
) -> None:
    """OpenID Connect without a chart."""
    for sign_in in practice.sign_ins.values():
        issuer = Issuer(sign_in.issuer, "second-opinion", audience="expert")
        member = sign_in.organisation.members[0]
        begun = begin(
            issuer,
            launch=None,
            redirect_uri=f"{app_base}/sign-in/callback",
            http=http,
            now=now,
            openid=True,
            extra={"login_hint": member.name},
        )
        grant = complete(issuer, begun.pending, came_back(begun), keys=keys, http=http, now=now)
        assert grant.identity is not None
        assert grant.identity.name == member.name
