"""Every discovery document, token answer, set of claims and refusal that vendors have published, in whole launches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from launch.asking import read_introspection
from launch.capability import as_configuration
from launch.client import read_token
from launch.discovery import read_configuration
from launch.errors import GrantEnded, LaunchRefused, TokenUnavailable
from launch.issuers import Issuer
from launch.outbound import Outbound
from launch.scopes import covers
from launch.signatures import _fitting
from launch.tokens import open_session
from tests.unit.launch_replay import NOW, Replay, read, sent
from tests.unit.test_launch_replay import answered, documents

EPIC = "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4"
APOTTI = "https://gw.apottiekosysteemi.fi/Interconnect-FHIR-EKO01"
TENANT = "ec2458f2-1e24-41c8-b71b-0e701af7583d"
ORACLE = f"https://fhir-ehr-code.cerner.com/r4/{TENANT}"
MYRECORD = f"https://fhir-myrecord.cerner.com/r4/{TENANT}"
LAUNCHER = "https://launch.smarthealthit.org/v/r4/fhir"
READS = ("user/Patient.rs", "user/ImagingStudy.rs", "user/DocumentReference.rs")
SCOPES = ("openid", "fhirUser", *READS, "offline_access")


def issuer_of(iss: str, audience: str = "clinician") -> Issuer:
    return Issuer(iss, "our-app", SCOPES, auth="none", audience=audience)


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    return Replay(monkeypatch)


def test_epics_tutorial_launch(replay: Replay, shared: Path) -> None:
    """Seventy scopes in odd case, a vendor's own patient id, a state in the body, an issuer that is no FHIR base."""
    configuration = read(shared, "epic/smart-configuration-r4.json")
    replay.serve_keys(configuration["jwks_uri"])
    token = read(shared, "epic/token-response-ehr-launch-tutorial.json")
    claims = {**read(shared, "epic/id-token-claims-tutorial.json"), "iss": configuration["issuer"]}
    grant, begun = replay.launch(issuer_of(EPIC), configuration, token, claims)
    assert sent(begun)["aud"] == EPIC
    assert grant.identity is not None
    assert grant.identity.fhir_user == claims["fhirUser"]
    assert grant.context.patient == token["patient"]
    assert grant.missing == ()
    assert {name for name in token if name.startswith("__epic")} <= grant.context.raw.keys()
    assert replay.hosts() == {"fhir.epic.com"}


def test_epics_documented_launch_has_an_appointment(replay: Replay, shared: Path) -> None:
    """`bearer` in small letters; scopes without a level, which allow nothing we asked."""
    configuration = read(shared, "epic/smart-configuration-r4.json")
    replay.serve_keys(configuration["jwks_uri"])
    token = read(shared, "epic/token-response-ehr-launch-docs.json")
    claims = {"iss": configuration["issuer"], "sub": "s", "fhirUser": f"{EPIC}/Practitioner/s"}
    grant, _ = replay.launch(issuer_of(EPIC), configuration, token, claims)
    assert (grant.context.encounter, grant.context.appointment) == (token["encounter"], token["appointment"])
    assert set(grant.missing) == {*READS, "offline_access"}


def test_a_customer_of_epic_launches_with_a_configuration_without_issuer_and_keys(replay: Replay, shared: Path) -> None:
    """The issuer in the id_token speaks for itself, since it lives where the token endpoint does. A banner as text."""
    configuration = read(shared, "epic/smart-configuration-customer-stu3-2023.json")
    claims = read(shared, "epic/id-token-claims-customer-2023.json")
    keys = f"{APOTTI}/api/epic/2019/Security/Open/PublicKeys"
    own = {"issuer": claims["iss"], "jwks_uri": keys, "token_endpoint": configuration["token_endpoint"]}
    replay.documents[f"{claims['iss']}/.well-known/openid-configuration"] = (200, own)
    replay.serve_keys(keys)
    token = read(shared, "epic/token-response-ehr-launch-customer-2023.json")
    grant, _ = replay.launch(issuer_of(f"{APOTTI}/api/FHIR/STU3"), configuration, token, claims)
    assert grant.identity is not None
    assert (grant.identity.sub, grant.identity.fhir_user) == (claims["sub"], None)
    assert grant.context.need_patient_banner
    assert grant.context.smart_style_url == token["smart_style_url"]
    assert "fhirUser" in grant.missing
    assert covers(grant.granted, "user/Encounter.rs")


def test_a_patient_of_epic_comes_first_to_the_app(replay: Replay, shared: Path) -> None:
    configuration = read(shared, "epic/smart-configuration-r4.json")
    replay.serve_keys(configuration["jwks_uri"])
    token = read(shared, "epic/token-response-patient-standalone.json")
    claims = {"iss": configuration["issuer"], "sub": "s", "fhirUser": f"{EPIC}/Patient/{token['patient']}"}
    issuer = Issuer(EPIC, "our-app", ("openid", "fhirUser", "patient/Patient.rs"), auth="none", audience="patient")
    grant, begun = replay.launch(issuer, configuration, token, claims, standalone=True)
    assert "launch/patient" in sent(begun)["scope"].split()
    assert (grant.context.patient, grant.missing) == (token["patient"], ())


@pytest.mark.parametrize(
    ("name", "iss", "audience"),
    [
        ("smart-configuration-provider.json", ORACLE, "clinician"),
        ("smart-configuration-patient.json", MYRECORD, "patient"),
        ("smart-configuration-older-lantern.json", ORACLE, "clinician"),
    ],
)
def test_oracles_identity_comes_from_beneath_the_issuer_it_names(
    replay: Replay, shared: Path, name: str, iss: str, audience: str
) -> None:
    """Two persons' documents and an older one, whose issuer is the address of its OpenID document."""
    configuration = read(shared, f"oracle/{name}")
    openid = read(shared, "oracle/openid-configuration.json")
    replay.documents[f"{openid['issuer']}.well-known/openid-configuration"] = (200, openid)
    replay.serve_keys(openid["jwks_uri"])
    claims = read(shared, "oracle/id-token-claims.json")
    grant, _ = replay.launch(
        issuer_of(iss, audience), configuration, read(shared, "oracle/token-response-openid.json"), claims
    )
    assert grant.identity is not None
    assert grant.identity.name == "Portal, Portal"
    assert grant.identity.fhir_user == claims["fhirUser"]
    assert "user/ImagingStudy.rs" in grant.missing
    assert replay.hosts() <= {"authorization.cerner.com", "fhir-ehr-code.cerner.com", "fhir-myrecord.cerner.com"}


def test_oracle_renews_and_keeps_the_first_refresh_token(replay: Replay, shared: Path) -> None:
    configuration = read(shared, "oracle/smart-configuration-provider.json")
    first = {**read(shared, "oracle/token-response-user-scope.json"), "refresh_token": "first", "patient": "12742400"}
    grant, _ = replay.launch(issuer_of(ORACLE), configuration, first, None)
    replay.documents[configuration["token_endpoint"]] = (200, read(shared, "oracle/token-response-refresh-online.json"))
    replay.documents[f"{ORACLE}/Patient/12742400"] = (200, {"resourceType": "Patient"})
    kept: list[dict[str, Any]] = []
    session = open_session(
        issuer_of(ORACLE),
        configuration["token_endpoint"],
        {**grant.token, "expires_at": 1},
        keys=None,
        http=Outbound(),
        now=NOW,
        on_update=kept.append,
    )
    assert session.get(f"{ORACLE}/Patient/12742400").ok
    assert (kept[0]["refresh_token"], kept[0]["patient"]) == ("first", "12742400")
    assert kept[0]["scope"] == "user/Observation.read online_access"


@pytest.mark.parametrize("name", ["token-error-invalid-grant.json", "token-error-invalid-client.json"])
def test_oracles_refusals_reach_the_person_with_the_page_for_support(replay: Replay, shared: Path, name: str) -> None:
    configuration, refusal = (read(shared, f"oracle/{one}") for one in ("smart-configuration-provider.json", name))
    token = {"access_token": "a", "refresh_token": "r", "expires_in": 1}
    grant, _ = replay.launch(issuer_of(ORACLE), configuration, token, None)
    replay.documents[configuration["token_endpoint"]] = (400, refusal)
    session = open_session(
        issuer_of(ORACLE), configuration["token_endpoint"], grant.token, keys=None, http=Outbound(), now=NOW
    )
    session.token["expires_at"] = 1
    ends = GrantEnded if refusal["error"] == "invalid_grant" else TokenUnavailable
    with pytest.raises(ends) as ended:
        session.get(f"{ORACLE}/Patient/1")
    assert isinstance(ended.value.__cause__, LaunchRefused)
    assert ended.value.__cause__.error_uri == refusal["error_uri"]


LAUNCHES = [
    ("smart-launcher/smart-configuration-r4.json", LAUNCHER),
    ("irregular/smart-configuration-null-fields.json", "https://portal.premierfamily.net/fhir"),
    ("irregular/smart-configuration-nested-scopes-fragment.json", "https://ice3.mychn.org/apis/default/fhir"),
]


@pytest.mark.parametrize(("name", "iss"), LAUNCHES)
@pytest.mark.parametrize("token", ["token-response-public-standalone.json", "token-response-fhircontext.json"])
def test_the_standards_own_answers_to_servers_of_every_kind(
    replay: Replay, shared: Path, name: str, iss: str, token: str
) -> None:
    """Nulls, a list in a list, capabilities cut off: the launch goes through."""
    answer = read(shared, f"spec-smart-app-launch/{token}")
    grant, _ = replay.launch(issuer_of(iss), read(shared, name), answer, None)
    assert grant.context.patient == answer["patient"]
    assert grant.context.need_patient_banner
    if "fhirContext" in answer:
        assert grant.context.references("DiagnosticReport", iss) == ("DiagnosticReport/123",)
        assert grant.context.references("Organization", iss) == ("Organization/789",)


def test_the_standards_roles_of_context_are_kept(shared: Path) -> None:
    from launch.context import read_context

    answer = read(shared, "spec-smart-app-launch/token-response-fhircontext-roles.json")
    context = read_context(answer)
    assert [item["role"] for item in context.fhir_context] == [item["role"] for item in answer["fhirContext"]]


def test_the_standards_worked_id_token_names_its_practitioner(replay: Replay, shared: Path) -> None:
    claims = read(shared, "spec-smart-app-launch/id-token-claims.json")
    iss = claims["iss"]
    keys = "https://my-ehr.org/keys"
    replay.serve_keys(keys)
    configuration = {
        "issuer": iss,
        "jwks_uri": keys,
        "authorization_endpoint": "https://my-ehr.org/authorize",
        "token_endpoint": "https://my-ehr.org/token",
    }
    grant, _ = replay.launch(issuer_of(iss), configuration, {"access_token": "a"}, claims)
    assert grant.context.fhir_user == claims["fhirUser"]


# -- every document of every folder, by itself -------------------------------------------------------------------------


def test_nothing_published_is_left_out(shared: Path) -> None:
    """A document that comes to the collection later must be replayed too: each is named in a test, or read by one."""
    here = Path(__file__).read_text("utf-8") + (Path(__file__).parent / "test_launch_replay.py").read_text("utf-8")
    here += (Path(__file__).parent / "test_launch_asking.py").read_text("utf-8")
    by_pattern = ("token-response", "smart-configuration", "openid-configuration", "id-token-claims", "token-error")
    for path in sorted((shared / "data/ehr").rglob("*.json")):
        about_launch = any(word in path.name for word in (*by_pattern, "jwk", "introspection"))
        if about_launch:
            assert path.name in here or path.name.startswith(by_pattern), path


def test_oracles_published_keys_are_all_understood(shared: Path) -> None:
    keys = read(shared, "oracle/authorization-jwks-public.json")["keys"]
    assert len(keys) >= 2
    for key in keys:
        alg = key.get("alg") or ("RS256" if key["kty"] == "RSA" else "ES384")
        assert len(_fitting([key], alg, key["kid"])) == 1


@pytest.mark.parametrize(("name", "alg"), [("rs384-public-jwk.json", "RS384"), ("es384-public-jwk.json", "ES384")])
def test_the_standards_example_keys_are_understood(shared: Path, name: str, alg: str) -> None:
    keys = read(shared, f"spec-smart-app-launch/{name}")["keys"]
    assert len(_fitting(keys, alg, keys[0]["kid"])) == 1


def test_every_capability_statement_that_names_addresses_gives_them(shared: Path) -> None:
    """For servers that have no other discovery; one that names none gives none."""
    found = {}
    for name, _ in documents(shared, "*/capabilitystatement*.json"):
        configuration = as_configuration(Path(name).read_bytes())
        found[Path(name).name] = bool(configuration)
        if configuration:
            read_configuration("https://ehr.example.org", "https://ehr.example.org/metadata", configuration)
    assert found == {
        "capabilitystatement-r4.json": True,
        "capabilitystatement-r4-secure.json": True,
        "capabilitystatement-r4-open.json": False,
        "capabilitystatement-r4-smilecdr-2019.json": False,
        "capabilitystatement-r4-header-fragment-6.8.3.json": False,
    }


def test_a_refusal_that_is_no_oauth_error_is_told_with_its_status(shared: Path) -> None:
    """Oracle's 403 for a missing scope is JSON of its own; a token endpoint may answer like that as well."""
    body = read(shared, "oracle/resource-error-insufficient-scope-403.json")
    with pytest.raises(LaunchRefused) as caught:
        read_token(answered(body, 403), NOW)
    assert caught.value.reason == "status_403"


def test_the_standards_introspection_is_read(shared: Path) -> None:
    found = read_introspection(answered(read(shared, "spec-smart-app-launch/introspection-response.json")))
    assert (found.active, found.context.patient) == (True, "456")
