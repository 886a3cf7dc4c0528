"""Is this token still good, and take it back: the two questions beside the token endpoint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from launch import discovery, signatures
from launch.asking import Introspection, introspect, revoke
from launch.discovery import Configuration
from launch.errors import LaunchRefused, TokenUnavailable, UnsafeAddress
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from tests.unit.launch_authority import NOW, Authority

REVOKE, INTROSPECT = "/oauth2/revoke", "/oauth2/introspect"
TOKEN = {"access_token": "access-0", "refresh_token": "refresh-0"}


@pytest.fixture
def authority() -> Iterator[Authority]:
    discovery.forget()
    signatures.forget()
    with Authority() as authority:
        authority.configuration_changes = {
            "revocation_endpoint": f"{authority.url}{REVOKE}",
            "introspection_endpoint": f"{authority.url}{INTROSPECT}",
        }
        yield authority


@pytest.fixture
def http() -> Outbound:
    return Outbound(practice=True)


def public(authority: Authority) -> Issuer:
    return Issuer(authority.iss, "our-app", auth="none")


def configuration(authority: Authority, http: Outbound) -> Configuration:
    return discovery.discover(authority.iss, http=http)


# -- taking back -----------------------------------------------------------------------------------------------------


def test_a_grant_is_handed_back_refresh_token_first(authority: Authority, http: Outbound) -> None:
    """RFC 7009 section 2.1."""
    authority.answers[REVOKE] = [(200, {}, b""), (200, {}, b"")]
    assert revoke(public(authority), configuration(authority, http), TOKEN, keys=None, http=http, now=NOW)
    sent = [seen.form for seen in authority.requests_to(REVOKE)]
    assert sent == [
        {"token": "refresh-0", "token_type_hint": "refresh_token", "client_id": "our-app"},
        {"token": "access-0", "token_type_hint": "access_token", "client_id": "our-app"},
    ]


@pytest.mark.parametrize(
    ("answers", "taken"),
    [
        ([(200, {}, b""), (400, {}, {"error": "unsupported_token_type"})], True),  # Oracle ends no access token
        ([(400, {}, b""), (200, {}, b"")], False),
        ([(503, {}, b"<html>")] * 2, False),
        ([(0, {}, b"")], False),
        ([(307, {"Location": "https://elsewhere.example/"}, b"")], False),
    ],
)
def test_a_server_that_cannot_take_it_back_is_no_reason_to_fail(
    answers: list, taken: bool, authority: Authority, http: Outbound
) -> None:
    authority.answers[REVOKE] = answers
    assert revoke(public(authority), configuration(authority, http), TOKEN, keys=None, http=http, now=NOW) is taken


def test_nothing_is_asked_of_a_server_that_takes_nothing_back(authority: Authority, http: Outbound) -> None:
    authority.configuration_changes = {}
    assert not revoke(public(authority), configuration(authority, http), TOKEN, keys=None, http=http, now=NOW)
    assert {seen.method for seen in authority.seen} == {"GET"}


def test_a_confidential_client_proves_itself_there_as_at_the_token_endpoint(
    authority: Authority, http: Outbound, tmp_path: Path
) -> None:
    """The assertion is for the token endpoint, which every server knows as its own name (RFC 7523 section 3)."""
    keys = Keys.create(tmp_path / "keys")
    authority.answers[REVOKE] = [(200, {}, b""), (200, {}, b"")]
    issuer = Issuer(authority.iss, "our-app")
    assert revoke(issuer, configuration(authority, http), TOKEN, keys=keys, http=http, now=NOW)
    for seen in authority.requests_to(REVOKE):
        token = jwt.decode(seen.form["client_assertion"], KeySet.import_key_set(keys.jwks()), algorithms=["RS384"])
        assert token.claims["aud"] == f"{authority.url}/oauth2/token"
        assert "client_id" not in seen.form


# -- still good? -----------------------------------------------------------------------------------------------------


def asked(authority: Authority, http: Outbound, status: int, body: Any, **more: Any) -> Introspection | None:
    authority.answers[INTROSPECT] = [(status, {}, body)]
    issuer = Issuer(authority.iss, "our-app", auth="client_secret_basic", client_secret="s")
    return introspect(issuer, configuration(authority, http), TOKEN, keys=None, http=http, now=NOW, **more)


def test_a_living_token_is_told_with_scopes_context_and_user(
    authority: Authority, http: Outbound, shared: Path
) -> None:
    """The example of SMART App Launch 2.2, token introspection."""
    example = json.loads((shared / "data/ehr/spec-smart-app-launch/introspection-response.json").read_text("utf-8"))
    found = asked(authority, http, 200, example)
    assert found is not None
    assert found.active
    assert found.scopes == ("patient/*.read", "openid", "fhirUser")
    assert found.client_id == example["client_id"]
    assert found.subject == example["sub"]
    assert found.context.patient == "456"
    assert found.context.fhir_user == "https://ehr.example.org/fhir/Patient/123"
    assert found.expires is not None
    assert int(found.expires.timestamp()) == example["exp"]
    sent = authority.requests_to(INTROSPECT)[0]
    assert sent.form == {"token": "access-0"}
    assert sent.headers["authorization"].startswith("Basic ")


def test_a_token_that_is_over_says_nothing_else(authority: Authority, http: Outbound) -> None:
    assert asked(authority, http, 200, {"active": False, "patient": "p1"}) == Introspection(active=False)


@pytest.mark.parametrize("body", [b"<html>", [], {}, {"active": "true"}, {"active": 1}, b""])
def test_an_answer_that_is_none_is_not_taken_for_a_yes(body: Any, authority: Authority, http: Outbound) -> None:
    with pytest.raises(TokenUnavailable):
        asked(authority, http, 200, body)


def test_a_refusal_and_a_server_in_trouble_are_told_apart(authority: Authority, http: Outbound) -> None:
    with pytest.raises(LaunchRefused) as caught:
        asked(authority, http, 401, {"error": "invalid_client"})
    assert caught.value.reason == "invalid_client"
    for trouble in (503, 429, 0):
        with pytest.raises(TokenUnavailable):
            asked(authority, http, trouble, b"")


def test_an_endpoint_that_is_there_and_not_advertised_can_be_named(authority: Authority, http: Outbound) -> None:
    """Epic's; it is judged like every other address."""
    authority.configuration_changes = {}
    assert asked(authority, http, 200, {"active": True}) is None
    assert asked(authority, http, 200, {"active": True}, endpoint=f"{authority.url}{INTROSPECT}") is not None
    issuer, found = public(authority), configuration(authority, http)
    with pytest.raises(UnsafeAddress):
        introspect(issuer, found, TOKEN, keys=None, http=Outbound(), now=NOW, endpoint="https://10.0.0.1/x")
