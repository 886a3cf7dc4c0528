"""The walk says what is wrong between us and a hospital, one cause at a time, against a server that really does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from launch.keys import Keys
from launch.outbound import Outbound
from smart_app.connect.finding import Finding, from_json, to_json, worst
from smart_app.connect.templates import templates
from smart_app.connect.walk import Walker
from smart_app.sites import Persona, Site
from smart_app.web.site_words import CAUSE, FOUND, LEVEL, STEP, in_english
from tests.unit.launch_authority import Authority

OURS = "/.well-known/jwks.json"
THEIRS = "/fhir/.well-known/smart-configuration"
SCOPES = {
    "clinician": ("launch", "openid", "fhirUser", "user/Patient.rs"),
    "system": ("system/Patient.rs", "system/DocumentReference.cruds", "system/DiagnosticReport.cruds"),
}
STATEMENT = {
    "resourceType": "CapabilityStatement",
    "rest": [
        {
            "mode": "server",
            "resource": [
                {"type": name, "interaction": [{"code": "read"}, {"code": "create"}]}
                for name in ("DocumentReference", "DiagnosticReport")
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def server() -> Iterator[Authority]:
    """One for all: its key takes longer than a test."""
    with Authority() as running:
        yield running


@pytest.fixture
def authority(server: Authority) -> Authority:
    """An EHR that is as it should be."""
    server.seen.clear()
    server.answers.clear()
    server.client_keys = None
    server.configuration_changes = {"capabilities": ["launch-ehr", "sso-openid-connect"]}
    server.token_changes = {"scope": " ".join(SCOPES["system"])}
    server.answers["/fhir/metadata"] = [(200, {}, STATEMENT)] * 9
    return server


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys.create(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def site(authority: Authority) -> Site:
    registrations = tuple(Persona(audience, authority.iss, f"our-{audience}", SCOPES[audience]) for audience in SCOPES)
    return Site(
        "north", "North", "open", registrations, template="epic", frame_ancestors=("https://ehr.north.example",)
    )


Walk = Callable[..., list[Finding]]


@pytest.fixture
def walk(authority: Authority, keys: Keys, site: Site) -> Walk:
    """Walk to the site as changed, from an app whose key set the same machine serves."""

    def go(where: Site = site, *, lead: float = 0.0, since: datetime | None = None, **changes: Any) -> list[Finding]:
        authority.answers.setdefault(OURS, [(200, {}, keys.jwks())] * 9)
        http = Outbound(practice=True, timeout=(1.0, 3.0))
        walker = Walker(keys, http, lambda: datetime.now(UTC) + timedelta(seconds=lead), authority.url, since)
        return walker.walk(replace(where, **changes))

    return go


def faults(found: list[Finding]) -> list[str]:
    return [one.code for one in found if one.level in ("bad", "warn")]


def of(found: list[Finding], code: str) -> Finding:
    return next(one for one in found if one.code == code)


def test_a_hospital_that_is_as_it_should_be_is_found_good(walk: Walk, authority: Authority) -> None:
    found = walk()
    assert faults(found) == []
    codes = [one.code for one in found]
    assert codes[:2] == ["no-patient", "keys-good"]
    assert {"discovery-good", "clock-good", "token-good", "rung", "can-look", "launch-once"} <= set(codes)
    assert of(found, "rung").facts == {"rung": "DiagnosticReport"}
    assert of(found, "rung-not-taken").facts == {"rung": "Communication"}
    assert {seen.method for seen in authority.seen if seen.path.startswith("/fhir")} == {"GET"}, "it writes nothing"


def test_every_finding_and_cause_has_its_words(walk: Walk) -> None:
    """A code without a sentence would stand on the page as it is."""
    for one in walk():
        assert one.step in STEP
        assert one.level in LEVEL
        assert one.code in FOUND
        assert "%(" not in in_english(one.code, one.facts)
    for name, template in templates().items():
        assert set(template.causes) <= set(CAUSE), name


def test_what_was_found_is_kept_and_read_again(walk: Walk) -> None:
    found = walk()
    assert from_json(to_json(found)) == found
    assert from_json("") == from_json('[{"other": "version"}]') == []
    assert worst(found) == "note"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((302, {"Location": "https://www.north.example/.well-known/jwks.json"}, b""), "keys-redirect"),
        ((404, {}, b""), "keys-status"),
        ((200, {}, b"<html>Sign in</html>"), "keys-no-json"),
        ((200, {}, {"keys": [{"kid": "another"}]}), "keys-others"),
        ((0, {}, b""), "keys-unseen"),
    ],
)
def test_our_own_key_set_is_looked_at_as_an_ehr_fetches_it(
    walk: Walk, authority: Authority, answer: tuple[int, dict, Any], code: str
) -> None:
    authority.answers[OURS] = [answer] * 9
    assert code in faults(walk())


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((301, {"Location": "https://fhir.north.example/R4"}, b""), "discovery-moved"),
        ((503, {}, b""), "discovery-status"),
        ((200, {"Content-Type": "text/html"}, b"<html>Welcome</html>"), "discovery-no-json"),
        ((404, {}, b""), "discovery-404"),
        ((200, {}, {"issuer": "x"}), "discovery-unusable"),
        ((0, {}, b""), "no-connection"),
    ],
)
def test_an_address_that_is_no_fhir_base_is_told_from_a_server_that_is_down(
    walk: Walk, authority: Authority, answer: tuple[int, dict, Any], code: str
) -> None:
    authority.answers[THEIRS] = [answer] * 20
    authority.answers["/fhir/metadata"] = [(404, {}, b"")] * 20
    found = walk()
    assert faults(found) == [code]
    assert not [one for one in found if one.step == "token"], "without a configuration nobody asks for a token"


def test_a_name_that_does_not_exist_and_a_private_address_are_told(walk: Walk, site: Site, keys: Keys) -> None:
    nowhere = tuple(replace(p, iss="https://no-such-host.invalid/R4") for p in site.registrations)
    assert faults(walk(registrations=nowhere)) == ["no-such-host"]
    private = tuple(replace(p, iss="https://10.0.0.8/R4") for p in site.registrations)
    walker = Walker(keys, Outbound(), lambda: datetime.now(UTC), "https://opinion.example.invalid")
    found = walker.walk(replace(site, registrations=private))
    assert faults(found) == ["keys-unseen", "address-unsafe"]
    assert "private address" in in_english("address-unsafe", of(found, "address-unsafe").facts)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"authorization_endpoint": None}, "no-authorize"),
        ({"capabilities": ["launch-ehr"]}, "abilities-missing"),
        ({"code_challenge_methods_supported": ["plain"]}, "no-s256"),
        ({"token_endpoint_auth_methods_supported": ["client_secret_post"]}, "proof-not-offered"),
        ({"token_endpoint_auth_signing_alg_values_supported": ["RS256"]}, "alg-not-offered"),
        ({"scopes_supported": [f"user/Type{n}.rs" for n in range(30)]}, "scopes-not-offered"),
        ({"jwks_uri": "/nowhere"}, "no-their-keys"),
    ],
)
def test_what_the_ehr_says_against_us_is_told(walk: Walk, authority: Authority, said: dict, code: str) -> None:
    authority.configuration_changes |= said
    assert code in faults(walk())


@pytest.mark.parametrize(
    "said",
    [
        {"capabilities": None},
        {"code_challenge_methods_supported": None},
        {"token_endpoint_auth_methods_supported": None},
        {"scopes_supported": ["launch", "openid", "fhirUser", "profile"]},
        {
            "scopes_supported": [
                *(f"user/Type{n}.rs" for n in range(30)),
                "user/*.cruds",
                "system/*.cruds",
                *SCOPES["clinician"],
            ]
        },
        {"jwks_uri": None},
    ],
)
def test_what_the_ehr_leaves_unsaid_is_no_fault(walk: Walk, authority: Authority, said: dict) -> None:
    authority.configuration_changes |= said
    assert faults(walk()) == []


@pytest.mark.parametrize(("lead", "code"), [(200.0, "clock-ahead"), (-200.0, "clock-behind"), (20.0, "clock-good")])
def test_a_clock_that_is_off_is_told_with_the_side(walk: Walk, lead: float, code: str) -> None:
    assert of(walk(lead=lead), code).level == ("good" if code == "clock-good" else "bad")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("unauthorized_client", "token-no-user"),
        ("invalid_scope", "token-scope"),
        ("unsupported_grant_type", "token-no-backend"),
        ("access_denied", "token-denied"),
        ("tea_only", "token-refused"),
    ],
)
def test_each_refusal_has_words_of_its_own(walk: Walk, authority: Authority, error: str, code: str) -> None:
    authority.answers["/oauth2/token"] = [(400, {}, {"error": error, "error_uri": "https://err.example/7"})]
    found = of(walk(), code)
    assert found.facts["error_uri"] == "https://err.example/7"
    assert found.causes == ()


def test_a_token_endpoint_that_is_down_is_not_a_refusal(walk: Walk, authority: Authority) -> None:
    authority.answers["/oauth2/token"] = [(503, {}, b"")] * 9
    assert of(walk(), "token-silent").facts["status"] == "503"


# -- invalid_client --------------------------------------------------------------------------------------------------


def refused(walk: Walk, authority: Authority, *arguments: Any, **more: Any) -> list[str]:
    authority.answers["/oauth2/token"] = [(401, {}, {"error": "invalid_client"})]
    return list(of(walk(*arguments, **more), "token-invalid-client").causes)


def test_what_was_ruled_out_is_not_blamed(walk: Walk, authority: Authority) -> None:
    """The key set was fetched without a redirect and the clocks agree: that call is saved."""
    assert refused(walk, authority) == ["waits", "stage", "jwks-static", "kid-unknown", "alg"]


def test_what_was_found_wrong_comes_first(walk: Walk, authority: Authority) -> None:
    authority.answers[OURS] = [(302, {"Location": "https://elsewhere.example"}, b"")] * 9
    assert refused(walk, authority, lead=400.0)[:2] == ["jwks-redirect", "clock"]


def test_a_registration_of_today_has_to_be_waited_for(walk: Walk, authority: Authority) -> None:
    """Twelve hours in production; after that something else is wrong."""
    now = datetime.now(UTC)
    authority.configuration_changes["token_endpoint_auth_signing_alg_values_supported"] = ["RS384"]
    assert refused(walk, authority, since=now - timedelta(hours=1), template="oracle")[:2] == ["waits", "tenant"]
    assert refused(walk, authority, since=now - timedelta(hours=1))[0] == "waits"
    later = refused(walk, authority, since=now - timedelta(hours=13), template="smart-launcher")
    assert later == ["kid-cached"]


def test_a_vendors_test_server_in_production_is_the_first_suspect(site: Site, keys: Keys) -> None:
    """The id of the test environment does not work in production, nor the other way round."""
    from launch.discovery import read_configuration
    from smart_app.connect.causes import causes_of_invalid_client
    from smart_app.connect.ours import Evidence

    epic = templates()["epic"]
    persona = replace(site.registrations[0], iss=epic.test_iss)
    offered = read_configuration(epic.test_iss, epic.test_iss, {"token_endpoint": "https://fhir.epic.com/token"})
    now = datetime.now(UTC)
    causes = causes_of_invalid_client(persona, epic, Evidence(), offered, None, now)
    assert causes[0] == "stage"
    trial = replace(persona, stage="sandbox")
    assert causes_of_invalid_client(trial, epic, Evidence(), offered, None, now)[0] == "waits"


def test_a_wrong_secret_is_not_blamed_on_keys(walk: Walk, authority: Authority, site: Site) -> None:
    with_secret = tuple(
        replace(p, auth="client_secret_basic", client_secret="not-this-one") for p in site.registrations
    )
    authority.answers["/oauth2/token"] = [(401, {}, {"error": "invalid_client"})]
    found = walk(registrations=with_secret)
    assert list(of(found, "token-invalid-client").causes) == ["secret", "waits", "stage", "method"]
    assert not [one for one in found if one.step in ("keys", "clock")]
    assert "not-this-one" not in to_json(found)


# -- the way into the chart ------------------------------------------------------------------------------------------


def test_a_right_that_was_not_granted_closes_a_rung_and_is_named(walk: Walk, authority: Authority) -> None:
    authority.token_changes = {"scope": "system/Patient.rs system/DocumentReference.write"}
    found = walk()
    assert of(found, "scopes-missing").facts["scopes"] == "system/DocumentReference.cruds system/DiagnosticReport.cruds"
    assert of(found, "rung-not-granted").facts == {"rung": "DiagnosticReport"}
    assert of(found, "rung").facts == {"rung": "DocumentReference"}


def test_a_chart_that_takes_nothing_is_said_to_take_nothing(walk: Walk, authority: Authority) -> None:
    authority.answers["/fhir/metadata"] = [(200, {}, {"resourceType": "CapabilityStatement", "rest": []})] * 9
    assert faults(walk()) == ["only-by-hand"]


def test_a_statement_that_cannot_be_read_is_told(walk: Walk, authority: Authority) -> None:
    authority.answers["/fhir/metadata"] = [(500, {}, b"<html>oops</html>")] * 9
    assert faults(walk()) == ["no-statement"]


# -- the site itself -------------------------------------------------------------------------------------------------


def test_what_the_site_lacks_is_told_without_a_call(walk: Walk, authority: Authority, site: Site) -> None:
    found = walk(stage="sandbox")
    assert [one.code for one in found] == ["nothing-registered"]
    assert authority.seen == []
    clinician = site.registrations[:1]
    assert faults(walk(registrations=clinician, frame_ancestors=())) == ["no-system", "no-frames"]
    assert faults(walk(disabled=True)) == ["disabled"]


@pytest.mark.parametrize(("status", "code"), [(200, "imaging-good"), (401, "imaging-asks"), (500, "imaging-status")])
def test_an_image_archive_is_knocked_at(walk: Walk, authority: Authority, status: int, code: str) -> None:
    authority.answers["/dicomweb/studies"] = [(status, {}, b"[]")] * 9
    found = walk(imaging=f"{authority.url}/dicomweb")
    assert of(found, code).step == "imaging"
    assert "authorization" not in authority.requests_to("/dicomweb/studies")[0].headers


def test_a_test_environment_is_signed_for_with_keys_of_its_own(
    walk: Walk, authority: Authority, site: Site, keys: Keys
) -> None:
    authority.answers["/.well-known/jwks-sandbox.json"] = [(200, {}, keys.ring("sandbox").jwks())] * 9
    authority.client_keys, authority.now = keys.ring("sandbox").jwks(), datetime.now(UTC)
    trial = tuple(replace(p, stage="sandbox") for p in site.registrations)
    assert faults(walk(registrations=trial, stage="sandbox")) == []
    assert authority.requests_to(OURS) == []


def test_keys_that_are_not_there_are_said_to_be_ours(
    site: Site, keys: Keys, tmp_path: Path, authority: Authority
) -> None:
    broken = Keys.create(tmp_path)
    (tmp_path / "rs384-1.pem").write_text("no key")
    walker = Walker(broken, Outbound(practice=True), lambda: datetime.now(UTC), authority.url)
    found = walker.walk(site)
    assert {"keys-missing", "token-impossible"} <= set(faults(found))
