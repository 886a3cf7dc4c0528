"""The practice EHR lets an app in as the real ones do, driven by an app that is not ours."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from smart_app.sandbox import Practice
from smart_app.sandbox.clients import PASSPHRASE
from tests.contract.foreign_app import ASSERTION, ForeignApp

EHRS = ("epic", "oracle", "open")


@pytest.fixture(scope="module")
def app() -> Iterator[ForeignApp]:
    with ForeignApp() as running:
        yield running


@pytest.fixture(scope="module")
def practice(app: ForeignApp, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with Practice(tmp_path_factory.mktemp("practice"), app_base=app.base) as running:
        yield running


def claims_of(token: dict, jwks_uri: str) -> dict:
    """The id_token, checked with the published keys."""
    keys = KeySet.import_key_set(requests.get(jwks_uri, timeout=10).json())
    return jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims


@pytest.mark.parametrize("ehr", EHRS)
@pytest.mark.parametrize("audience", ["clinician", "patient"])
def test_a_launch_from_the_chart_ends_with_the_patient_in_context(
    app: ForeignApp, practice: Practice, ehr: str, audience: str
) -> None:
    token = app.launch(practice, ehr, "holloway", audience)
    answer = requests.get(
        f"{token['iss']}/Patient/{token['patient']}",
        headers={"Authorization": f"Bearer {token['access_token']}", "Accept": "application/fhir+json"},
        timeout=10,
    )
    assert answer.json()["name"][0]["family"] == "Holloway"
    assert ("encounter" in token) == (audience == "clinician")
    claims = claims_of(token, token["smart"]["jwks_uri"])
    assert claims["nonce"] == token["nonce"]
    assert claims["aud"] == f"second-opinion-{audience}"
    assert re.search(r"(Practitioner|Patient)/[^/]+$", claims["fhirUser"])


@pytest.mark.parametrize("ehr", ["epic", "open"])
def test_a_client_library_that_is_not_ours_can_launch_and_read(app: ForeignApp, practice: Practice, ehr: str) -> None:
    """fhirclient, with its own discovery by the CapabilityStatement, its own PKCE and a client secret."""
    from fhirclient.client import FHIRClient
    from fhirclient.models.patient import Patient

    made = requests.post(f"{practice.origin}/practice/{ehr}/launches", json={"patient": "holloway"}, timeout=10).json()
    client = FHIRClient(
        settings={
            "app_id": "second-opinion-clinician",
            "app_secret": PASSPHRASE,
            "api_base": made["iss"],
            "redirect_uri": f"{app.base}/callback",
            "launch_token": made["launch"],
            "scope": "launch openid fhirUser user/Patient.rs",
        }
    )
    client.prepare()
    came_back = requests.get(client.authorize_url, allow_redirects=False, timeout=10).headers["Location"]
    client.handle_callback(came_back)
    assert client.launch_context["patient"]
    found = Patient.read(client.launch_context["patient"], client.server)
    assert found.name[0].family == "Holloway"


def test_a_parent_who_opens_a_childs_record_is_named_as_related_person(app: ForeignApp, practice: Practice) -> None:
    token = app.launch(practice, "epic", "castellan", "patient", user="Teodora Castellan")
    assert "/RelatedPerson/" in claims_of(token, token["smart"]["jwks_uri"])["fhirUser"]


def test_epic_spells_its_token_answer_like_epic(app: ForeignApp, practice: Practice) -> None:
    """Version 1 scopes, string booleans, the state echoed, and a refresh token that no scope admits."""
    token = app.launch(practice, "epic", "holloway")
    assert token["need_patient_banner"] == "false"
    assert token["state"]
    assert token["__epic.dstu2.patient"]
    assert token["refresh_token"]
    scopes = token["scope"].split()
    assert "offline_access" not in scopes
    assert "user/Encounter.Read" in scopes
    assert not [scope for scope in scopes if scope.endswith((".rs", ".cruds"))]
    assert len(token["access_token"]) > 700


def test_oracle_keeps_the_first_refresh_token_for_ever(app: ForeignApp, practice: Practice) -> None:
    """A refresh answer of Oracle holds no new refresh token, and its access token lives 570 seconds."""
    token = app.launch(practice, "oracle", "holloway")
    assert token["expires_in"] in (569, 570)
    endpoint = token["smart"]["token_endpoint"]
    for _ in range(2):
        form = {
            "grant_type": "refresh_token",
            "refresh_token": token["refresh_token"],
            "client_assertion_type": ASSERTION,
            "client_assertion": app.assertion("second-opinion-clinician", endpoint),
        }
        answer = requests.post(endpoint, data=form, timeout=10)
        assert answer.status_code == 200
        assert "refresh_token" not in answer.json()


def test_the_open_server_rotates_refresh_tokens_and_ends_the_old_one(app: ForeignApp, practice: Practice) -> None:
    token = app.launch(practice, "open", "holloway")
    endpoint = token["smart"]["token_endpoint"]

    def renew(refresh: str) -> requests.Response:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh,
            "client_assertion_type": ASSERTION,
            "client_assertion": app.assertion("second-opinion-clinician", endpoint),
        }
        return requests.post(endpoint, data=form, timeout=10)

    first = renew(token["refresh_token"]).json()
    assert first["refresh_token"] != token["refresh_token"]
    again = renew(token["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


def test_the_identity_of_oracle_comes_from_an_issuer_beneath_the_one_it_names(
    app: ForeignApp, practice: Practice
) -> None:
    token = app.launch(practice, "oracle", "holloway")
    claims = claims_of(token, token["smart"]["jwks_uri"])
    assert claims["iss"].startswith(token["smart"]["issuer"] + "/oidc/idsps/")
    own = requests.get(claims["iss"] + ".well-known/openid-configuration", timeout=10).json()
    assert (own["issuer"], own["jwks_uri"]) == (claims["iss"], token["smart"]["jwks_uri"])


def test_oracle_has_one_door_for_staff_and_another_for_patients(practice: Practice) -> None:
    """Two discovery documents, two scope lists: patients are offered no writing at all."""
    house = practice.houses["oracle"]
    staff, patient = (
        requests.get(f"{house.face(a).fhir_base}/.well-known/smart-configuration", timeout=10).json()
        for a in ("clinician", "patient")
    )
    assert staff["authorization_endpoint"] != patient["authorization_endpoint"]
    assert "launch/patient" in patient["scopes_supported"]
    assert "launch/patient" not in staff["scopes_supported"]
    assert "user/DocumentReference.crus" in staff["scopes_supported"]
    assert not [scope for scope in patient["scopes_supported"] if scope.endswith((".write", ".crus", ".crs"))]
    assert requests.get(f"{practice.patient_origin}/epic/api/FHIR/R4/metadata", timeout=10).status_code == 404


def test_epic_hides_its_introspection_and_names_five_scopes(practice: Practice) -> None:
    smart = requests.get(f"{practice.houses['epic'].faces[0].fhir_base}/.well-known/smart-configuration", timeout=10)
    assert "introspection_endpoint" not in smart.json()
    assert len(smart.json()["scopes_supported"]) == 5


def test_a_launch_works_once(app: ForeignApp, practice: Practice) -> None:
    made = requests.post(f"{practice.origin}/practice/epic/launches", json={"patient": "holloway"}, timeout=10).json()
    scope = "launch openid fhirUser"
    first, _ = app.authorize(made["iss"], "second-opinion-clinician", scope, launch=made["launch"])
    second, kept = app.authorize(made["iss"], "second-opinion-clinician", scope, launch=made["launch"])
    assert "code" in first
    assert second["error"] == "invalid_request"
    assert second["state"] == kept["state"]


def test_a_code_works_once(app: ForeignApp, practice: Practice) -> None:
    made = requests.post(f"{practice.origin}/practice/open/launches", json={"patient": "holloway"}, timeout=10).json()
    answer, kept = app.authorize(
        made["iss"], "second-opinion-clinician", "launch openid user/Patient.rs", launch=made["launch"]
    )
    assert app.exchange(kept, answer["code"]).status_code == 200
    assert app.exchange(kept, answer["code"]).json()["error"] == "invalid_grant"


def test_a_code_is_worth_nothing_without_its_verifier(app: ForeignApp, practice: Practice) -> None:
    made = requests.post(f"{practice.origin}/practice/open/launches", json={"patient": "holloway"}, timeout=10).json()
    answer, kept = app.authorize(made["iss"], "second-opinion-clinician", "launch", launch=made["launch"])
    assert app.exchange(kept, answer["code"], code_verifier="x" * 43).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("aud", ["", "https://elsewhere.example/fhir", "slash"])
@pytest.mark.parametrize("ehr", EHRS)
def test_a_missing_or_wrong_audience_is_refused(app: ForeignApp, practice: Practice, ehr: str, aud: str) -> None:
    made = requests.post(f"{practice.origin}/practice/{ehr}/launches", json={"patient": "holloway"}, timeout=10).json()
    sent = made["iss"] + "/" if aud == "slash" else aud
    answer, _ = app.authorize(made["iss"], "second-opinion-clinician", "launch", launch=made["launch"], aud=sent)
    assert answer["error"] == "invalid_request"
    assert ("error_uri" in answer) == (ehr == "oracle")


def test_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter(app: ForeignApp, practice: Practice) -> None:
    iss = practice.houses["epic"].faces[0].fhir_base
    for wrong in (f"{app.base}/callback/", "https://elsewhere.example/callback"):
        _, kept = app.authorize(iss, "second-opinion-clinician", "launch", redirect_uri=wrong)
        assert kept["page"].status_code == 400
        assert "Location" not in kept["page"].headers


def test_an_app_without_pkce_is_refused(app: ForeignApp, practice: Practice) -> None:
    iss = practice.houses["open"].faces[0].fhir_base
    answer, _ = app.authorize(iss, "second-opinion-patient", "launch/patient", code_challenge="")
    assert answer["error"] == "invalid_request"


def test_a_patient_who_comes_first_to_the_app_signs_in_and_agrees(app: ForeignApp, practice: Practice) -> None:
    """Standalone: a page of people, a page of consent, or neither with a login hint."""
    iss = practice.houses["epic"].faces[0].fhir_base
    scope = " ".join(practice.scopes("epic", "patient"))
    _, kept = app.authorize(iss, "second-opinion-patient", scope)
    assert "Zoé Perrault" in kept["page"].text
    _, kept = app.authorize(iss, "second-opinion-patient", scope, chosen="perrault")
    assert "Allow" in kept["page"].text
    answer, _ = app.authorize(iss, "second-opinion-patient", scope, chosen="perrault", allow="no")
    assert answer["error"] == "access_denied"
    answer, kept = app.authorize(iss, "second-opinion-patient", scope, login_hint="perrault")
    token = app.exchange(kept, answer["code"]).json()
    assert token["patient"]
    assert "encounter" not in token


def test_a_wildcard_is_trimmed_in_silence_by_oracle(app: ForeignApp, practice: Practice) -> None:
    """The later 403 is not FHIR at all."""
    made = requests.post(f"{practice.origin}/practice/oracle/launches", json={"patient": "holloway"}, timeout=10).json()
    scope = "launch openid fhirUser patient/*.read"
    answer, kept = app.authorize(made["iss"], "second-opinion-clinician", scope, launch=made["launch"])
    token = app.exchange(kept, answer["code"]).json()
    assert set(token["scope"].split()) == {"launch", "openid", "fhirUser"}
    refused = requests.get(
        f"{made['iss']}/Patient/{token['patient']}",
        headers={"Authorization": f"Bearer {token['access_token']}", "Accept": "application/fhir+json"},
        timeout=10,
    )
    assert refused.status_code == 403
    assert "insufficient_scope" in refused.json()["message"]
    assert refused.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("ehr", EHRS)
@pytest.mark.parametrize("alg", ["RS384", "ES384"])
def test_the_worker_gets_a_token_of_its_own(app: ForeignApp, practice: Practice, ehr: str, alg: str) -> None:
    iss = practice.houses[ehr].face("system").fhir_base
    answer = app.backend(iss, " ".join(practice.scopes(ehr, "system")), alg)
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    if ehr == "epic":
        assert "system/DocumentReference.write" in answer.json()["scope"].split()


def test_an_assertion_is_taken_once_and_only_as_the_standard_has_it(app: ForeignApp, practice: Practice) -> None:
    """Replayed jti, wrong audience, a life over five minutes, an expired one: each is refused."""
    iss = practice.houses["open"].faces[0].fhir_base
    endpoint = f"{practice.origin}/open/auth/token"
    once = app.assertion("second-opinion-system", endpoint)
    assert app.backend(iss, "system/Patient.rs", client_assertion=once).status_code == 200
    bad = {
        "replayed": once,
        "audience": app.assertion("second-opinion-system", iss),
        "long": app.assertion("second-opinion-system", endpoint, exp=9_999_999_999),
        "expired": app.assertion("second-opinion-system", endpoint, exp=1_000_000_000),
        "stranger": app.assertion("somebody-else", endpoint),
        "unsigned": once.rpartition(".")[0] + ".",
    }
    for why, assertion in bad.items():
        refused = app.backend(iss, "system/Patient.rs", client_assertion=assertion)
        assert refused.json()["error"] == "invalid_client", why


def test_a_launching_client_has_no_background_user(app: ForeignApp, practice: Practice) -> None:
    iss = practice.houses["epic"].faces[0].fhir_base
    endpoint = f"{practice.origin}/epic/oauth2/token"
    refused = app.backend(
        iss, "system/Patient.read", client_assertion=app.assertion("second-opinion-clinician", endpoint)
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


def test_introspection_tells_a_known_client_about_a_living_token(app: ForeignApp, practice: Practice) -> None:
    token = app.launch(practice, "open", "holloway")
    endpoint = token["smart"]["introspection_endpoint"]
    form = {
        "token": token["access_token"],
        "client_assertion_type": ASSERTION,
        "client_assertion": app.assertion("second-opinion-clinician", endpoint),
    }
    told = requests.post(endpoint, data=form, timeout=10).json()
    assert told["active"] is True
    assert told["patient"] == token["patient"]
    assert requests.post(endpoint, data={"token": token["access_token"]}, timeout=10).status_code == 401


def test_a_token_opens_only_the_base_it_was_given_for(app: ForeignApp, practice: Practice) -> None:
    token = app.launch(practice, "oracle", "holloway")
    header = {"Authorization": f"Bearer {token['access_token']}", "Accept": "application/fhir+json"}
    patient = practice.houses["oracle"].face("patient").fhir_base
    assert requests.get(f"{patient}/Patient/{token['patient']}", headers=header, timeout=10).status_code == 401


@pytest.mark.parametrize(
    ("organisation", "person", "role"), [("northlight", "exemplar", "expert"), ("desk", "operator", "operator")]
)
def test_an_expert_signs_in_with_their_own_organisation(
    app: ForeignApp, practice: Practice, organisation: str, person: str, role: str
) -> None:
    """OpenID Connect with PKCE and nonce; the id_token carries name, email and roles."""
    import base64
    import hashlib
    from urllib.parse import parse_qs, urlsplit

    issuer = f"{practice.origin}/idp/{organisation}"
    known = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
    assert known["issuer"] == issuer
    verifier = "v" * 64
    asked = {
        "response_type": "code",
        "client_id": "second-opinion",
        "redirect_uri": f"{app.base}/sign-in/callback",
        "scope": "openid profile email",
        "state": "a-state-of-enough-letters",
        "nonce": "a-nonce",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    page = requests.get(known["authorization_endpoint"], params=asked, timeout=10)
    assert "Choose who you are" in page.text
    told = requests.get(
        known["authorization_endpoint"], params={**asked, "login_hint": person}, allow_redirects=False, timeout=10
    )
    code = parse_qs(urlsplit(told.headers["Location"]).query)["code"][0]
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": asked["redirect_uri"],
        "code_verifier": verifier,
        "client_assertion_type": ASSERTION,
        "client_assertion": app.assertion("second-opinion", known["token_endpoint"]),
    }
    token = requests.post(known["token_endpoint"], data=form, timeout=10).json()
    claims = claims_of(token, known["jwks_uri"])
    assert claims["iss"] == issuer
    assert claims["nonce"] == "a-nonce"
    assert claims["roles"] == [role]
    assert claims["email"].startswith(person)
    unsaid = requests.get(
        known["authorization_endpoint"], params={**asked, "nonce": "", "as": person}, allow_redirects=False, timeout=10
    )
    assert "error=invalid_request" in unsaid.headers["Location"]
