"""Other servers' documents: how long they are kept, how they are asked for again, and what older servers look like."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from launch import discovery, signatures
from launch.capability import as_configuration
from launch.discovery import discover
from launch.documents import LIFETIME, LONGEST, SHORTEST, lifetimes
from launch.errors import DiscoveryFailed, IdentityRejected, UnsafeAddress
from launch.outbound import Outbound
from launch.signatures import AGAIN_AFTER, proven_claims
from tests.unit.launch_authority import Authority, as_part

CONFIGURATION = "/fhir/.well-known/smart-configuration"
STATEMENT = """<CapabilityStatement xmlns="http://hl7.org/fhir"><rest><security>
<extension url="http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris">
<extension url="token"><valueUri value="{url}/old/token"/></extension>
<extension url="authorize"><valueUri value="{url}/old/authorize"/></extension>
</extension></security></rest></CapabilityStatement>"""


class Wall:
    """A clock one can move."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def authority() -> Iterator[Authority]:
    discovery.forget()
    signatures.forget()
    with Authority() as authority:
        yield authority


@pytest.fixture
def http() -> Outbound:
    return Outbound(practice=True)


@pytest.mark.parametrize(
    ("headers", "fresh", "bears"),
    [
        ({}, LIFETIME, 0.0),
        ({"Cache-Control": "max-age=600"}, 600.0, 0.0),
        ({"Cache-Control": "public, MAX-AGE=600", "Age": "100"}, 500.0, 0.0),
        ({"Cache-Control": "max-age=9999999"}, LONGEST, 0.0),
        ({"Cache-Control": "no-store"}, SHORTEST, 0.0),
        ({"Cache-Control": "no-cache, max-age=600"}, SHORTEST, 0.0),
        ({"Cache-Control": "max-age=0, stale-if-error=300"}, SHORTEST, 300.0),
        ({"Cache-Control": "max-age=nonsense"}, LIFETIME, 0.0),
        ({"Cache-Control": 'max-age="600"'}, 600.0, 0.0),
        ({"Expires": "Thu, 05 Mar 2026 12:20:00 GMT", "Date": "Thu, 05 Mar 2026 12:00:00 GMT"}, 1200.0, 0.0),
        ({"Expires": "0"}, SHORTEST, 0.0),
        ({"Expires": "Thu, 05 Mar 2026 12:20:00 GMT"}, SHORTEST, 0.0),
    ],
)
def test_a_document_is_fresh_for_as_long_as_its_server_says(
    headers: dict[str, str], fresh: float, bears: float
) -> None:
    """RFC 9111 sections 4.2 and 5, RFC 5861; between a minute and a day whatever it says."""
    assert lifetimes(headers) == (fresh, bears)


def test_an_old_configuration_is_asked_for_with_its_validators_and_kept_when_it_did_not_change(
    authority: Authority, http: Outbound
) -> None:
    clock = Wall()
    kept = {"ETag": 'W/"7"', "Last-Modified": "Thu, 05 Mar 2026 12:00:00 GMT", "Cache-Control": "max-age=600"}
    authority.answers[CONFIGURATION] = [
        (200, kept, authority.configuration()),
        (304, {"cache-control": "max-age=900"}, b""),
        (200, {}, {**authority.configuration(), "token_endpoint": f"{authority.url}/new"}),
    ]
    first = discover(authority.iss, http=http, clock=clock)
    clock.at = 601.0
    assert discover(authority.iss, http=http, clock=clock) is first
    asked = authority.requests_to(CONFIGURATION)[1].headers
    assert (asked["if-none-match"], asked["if-modified-since"]) == (kept["ETag"], kept["Last-Modified"])
    clock.at = 1400.0
    assert discover(authority.iss, http=http, clock=clock) is first
    clock.at = 1502.0
    assert discover(authority.iss, http=http, clock=clock).token_endpoint == f"{authority.url}/new"
    assert len(authority.requests_to(CONFIGURATION)) == 3


@pytest.mark.parametrize("trouble", [(503, {"Retry-After": "0"}, b""), (500, {}, b"<html>"), (0, {}, b"")])
def test_a_server_in_trouble_is_not_the_end_of_a_known_configuration(
    trouble: tuple[int, dict, bytes], authority: Authority, http: Outbound
) -> None:
    clock = Wall()
    first = discover(authority.iss, http=http, clock=clock)
    authority.answers[CONFIGURATION] = [trouble] * 9
    clock.at = LIFETIME + 1
    assert discover(authority.iss, http=http, clock=clock) is first
    clock.at = LIFETIME + LONGEST + 1
    with pytest.raises(DiscoveryFailed) as caught:
        discover(authority.iss, http=http, clock=clock)
    assert caught.value.retry


def test_a_server_that_takes_its_configuration_away_is_believed(authority: Authority, http: Outbound) -> None:
    clock = Wall()
    discover(authority.iss, http=http, clock=clock)
    authority.answers[CONFIGURATION] = [(404, {}, b"")]
    clock.at = LIFETIME + 1
    with pytest.raises(DiscoveryFailed):
        discover(authority.iss, http=http, clock=clock)


def test_twenty_launches_at_once_read_a_configuration_once(authority: Authority, http: Outbound) -> None:
    ready, found = threading.Barrier(20), []

    def one() -> None:
        ready.wait()
        found.append(discover(authority.iss, http=http))

    threads = [threading.Thread(target=one) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(authority.requests_to(CONFIGURATION)) == 1
    assert all(one is found[0] for one in found)


def test_a_304_nobody_asked_for_is_no_configuration(authority: Authority, http: Outbound) -> None:
    authority.answers[CONFIGURATION] = [(304, {}, b"")]
    with pytest.raises(DiscoveryFailed):
        discover(authority.iss, http=http)


# -- older servers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [(404, {}, b"not here"), (200, {}, b"<html>sign in</html>"), (403, {}, b"")])
def test_a_server_before_smart_2_is_read_by_its_metadata_in_xml(
    answer: tuple[int, dict, bytes], authority: Authority, http: Outbound
) -> None:
    """Some answer /metadata in XML whatever is asked for."""
    authority.answers[CONFIGURATION] = [answer]
    xml = STATEMENT.format(url=authority.url).encode()
    authority.answers["/fhir/metadata"] = [(200, {"Content-Type": "application/fhir+xml"}, xml)]
    found = discover(authority.iss, http=http, client_id="ours")
    assert found.token_endpoint == f"{authority.url}/old/token"
    assert found.authorization_endpoint == f"{authority.url}/old/authorize"
    asked = authority.requests_to("/fhir/metadata")[0].headers
    assert asked["accept"].startswith("application/fhir+json")
    assert asked["epic-client-id"] == "ours"


def test_a_server_in_trouble_is_not_taken_for_an_older_one(authority: Authority, http: Outbound) -> None:
    authority.answers[CONFIGURATION] = [(500, {}, b"")]
    with pytest.raises(DiscoveryFailed):
        discover(authority.iss, http=http)
    assert authority.requests_to("/fhir/metadata") == []


ODD: list[tuple[bytes, dict[str, Any]]] = [
    (b"", {}),
    (b"<", {}),
    (b"<html><body>x</body></html>", {}),
    (b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>' + STATEMENT.encode(), {}),
    (b"[" * 100_000, {}),
    (b"<a>" * 100_000, {}),
    (b'{"rest": [null, {"security": {"extension": [5, {"url": "x"}]}}, {"security": 7}]}', {}),
    ("\ufeff".encode() + b'{"rest": {}}', {}),
]


@pytest.mark.parametrize(("body", "expected"), ODD)
def test_metadata_that_is_odd_or_hostile_names_nothing(body: bytes, expected: dict) -> None:
    assert as_configuration(body) == expected


# -- only where the operator allows ----------------------------------------------------------------------------------


def test_with_a_list_of_allowed_origins_a_configuration_may_name_no_other(authority: Authority, http: Outbound) -> None:
    """A hospital's configuration that was changed by somebody else sends no code to an address nobody agreed."""
    elsewhere = f"{authority.url.replace('127.0.0.1', 'localhost')}/token"
    authority.configuration_changes = {"token_endpoint": elsewhere}
    assert discover(authority.iss, http=http).token_endpoint == elsewhere
    with pytest.raises(UnsafeAddress, match="not allowed"):
        discover(authority.iss, http=http, allowed=("https://login.hospital.example",))
    allowed = discover(authority.iss, http=http, allowed=("https://login.hospital.example", elsewhere))
    assert allowed.token_endpoint == elsewhere
    authority.configuration_changes = {"jwks_uri": elsewhere}
    assert discover(authority.iss, http=http, allowed=("https://login.example",)).jwks_uri == ""


# -- keys ------------------------------------------------------------------------------------------------------------


def _claims(authority: Authority, clock: Wall, http: Outbound) -> dict[str, Any]:
    token = authority.id_token()
    return proven_claims(token, "RS256", authority.kid, f"{authority.url}/keys", http, clock)


def test_a_key_set_is_kept_as_its_server_says(authority: Authority, http: Outbound) -> None:
    clock = Wall()
    published = {"keys": authority.published}
    authority.answers["/keys"] = [
        (200, {"Cache-Control": "max-age=300", "ETag": '"1"'}, published),
        (304, {}, b""),
    ]
    for at, reads in ((0.0, 1), (299.0, 1), (301.0, 2), (500.0, 2)):
        clock.at = at
        assert _claims(authority, clock, http)["sub"] == "dr-who"
        assert len(authority.requests_to("/keys")) == reads
    assert authority.requests_to("/keys")[1].headers["if-none-match"] == '"1"'


def test_a_withdrawn_key_does_not_outlive_its_time_while_the_server_is_silent(
    authority: Authority, http: Outbound
) -> None:
    clock = Wall()
    _claims(authority, clock, http)
    authority.answers["/keys"] = [(500, {}, b"")] * 9
    clock.at = LIFETIME + 1
    with pytest.raises(DiscoveryFailed):
        _claims(authority, clock, http)


def test_a_flood_of_unknown_keys_does_not_become_a_flood_on_the_hospital(authority: Authority, http: Outbound) -> None:
    clock = Wall()
    _claims(authority, clock, http)
    authority.kid = "unknown"
    for _ in range(20):
        with pytest.raises(IdentityRejected):
            _claims(authority, clock, http)
    assert len(authority.requests_to("/keys")) == 2
    authority.published[0]["kid"] = "unknown"
    clock.at = AGAIN_AFTER + 1
    assert _claims(authority, clock, http)["sub"] == "dr-who"


def test_a_short_key_proves_nothing(authority: Authority, http: Outbound) -> None:
    """RFC 7518 section 3.3. The signature is right, and yet anybody might have made it."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    modulus = private.public_key().public_numbers().n
    authority.published = [{"kty": "RSA", "kid": "first", "n": as_part(modulus.to_bytes(128)), "e": "AQAB"}]
    signed = f"{as_part({'alg': 'RS256', 'kid': 'first'})}.{as_part({'sub': 'dr-who'})}"
    signature = private.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(IdentityRejected, match="signature"):
        proven_claims(f"{signed}.{as_part(signature)}", "RS256", "first", f"{authority.url}/keys", http, Wall())
