"""What an EHR or a sign-in service says of itself. Rule: read the few members we need and tolerate the rest.

SMART App Launch 2.2 (`.well-known/smart-configuration`) and OpenID Connect Discovery 1.0 section 4.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from launch.capability import METADATA, as_configuration
from launch.documents import LONGEST, Documents, Fetched, fetch, fetch_json
from launch.errors import AnswerUnusable, DiscoveryFailed, UnsafeAddress
from launch.issuers import normalised
from launch.outbound import Outbound, check_address, origin

SMART = "/.well-known/smart-configuration"
OPENID = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Configuration:
    """The members we use. `iss` is the address asked; `issuer` what the server calls itself; absent members are empty.

    Every endpoint is an absolute address that may be called. `allowed` holds the only origins they may be on, where
    the operator named any. `names_itself`: every answer of the authorisation endpoint carries `iss` (RFC 9207).
    """

    iss: str
    token_endpoint: str
    issuer: str = ""
    authorization_endpoint: str = ""
    jwks_uri: str = ""
    introspection_endpoint: str = ""
    revocation_endpoint: str = ""
    auth_methods: tuple[str, ...] = ()
    signing_algs: tuple[str, ...] = ()  # for our client assertion
    id_token_algs: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    names_itself: bool = False
    allowed: frozenset[str] = frozenset()
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def discover(
    iss: str,
    *,
    http: Outbound,
    client_id: str | None = None,
    allowed: Iterable[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Configuration:
    """The SMART configuration of a FHIR server, as fresh as the server wants it. Raises DiscoveryFailed, UnsafeAddress.

    `client_id` is told to the server, since a hospital may send one client to other endpoints than another. With
    `allowed` every endpoint must be on one of these origins or on that of `iss`.
    """
    headers = {"Epic-Client-ID": client_id} if client_id else {}
    named = _origins(iss, allowed)

    def read(validators: Mapping[str, str]) -> Fetched:
        url = iss.rstrip("/") + SMART
        try:
            return fetch_json(http, url, {**headers, **validators})
        except AnswerUnusable as problem:
            older = _older(iss, http, headers, problem)
            if older is None:
                raise _failed(problem) from problem
            return older

    def make(raw: dict[str, Any]) -> Configuration:
        return read_configuration(
            iss, iss.rstrip("/") + SMART, raw, practice=http.practice, inside=http.inside, allowed=named
        )

    return _found.get(("smart", normalised(iss), client_id, named, *_way(http)), read, make, clock=clock)


def discover_openid(
    iss: str, *, http: Outbound, allowed: Iterable[str] = (), clock: Callable[[], float] = time.monotonic
) -> Configuration:
    """The OpenID configuration of a sign-in service, as fresh as it wants it. Raises DiscoveryFailed, UnsafeAddress.

    It must call itself by the address it was asked at (OpenID Connect Discovery 1.0 section 4.3) and show its keys.
    """
    named = _origins(iss, allowed)
    url = iss.rstrip("/") + OPENID

    def read(validators: Mapping[str, str]) -> Fetched:
        try:
            return fetch_json(http, url, validators)
        except AnswerUnusable as problem:
            raise _failed(problem) from problem

    def make(raw: dict[str, Any]) -> Configuration:
        found = read_configuration(iss, url, raw, practice=http.practice, inside=http.inside, allowed=named)
        if not found.issuer or not _same_issuer(found.issuer, iss):
            raise DiscoveryFailed("The sign-in service calls itself by another address than the one it was asked at.")
        if not found.jwks_uri:
            raise DiscoveryFailed("The sign-in service does not say where its keys are.")
        return found

    return _found.get(("openid", normalised(iss), None, named, *_way(http)), read, make, clock=clock)


def forget() -> None:
    """Empty the cache, e.g. after a hospital has changed its endpoints."""
    _found.forget()


_found: Documents[Configuration] = Documents(bears=LONGEST)


def _way(http: Outbound) -> tuple[bool, frozenset[str]]:
    """What one session may call, another may not."""
    return http.practice, http.inside


def _origins(iss: str, allowed: Iterable[str]) -> frozenset[str]:
    named = frozenset(origin(url) for url in allowed)
    return named | {origin(iss)} if named else named


def _failed(problem: AnswerUnusable) -> DiscoveryFailed:
    return DiscoveryFailed(f"The configuration could not be read: {problem}", status=problem.status)


def _older(iss: str, http: Outbound, headers: dict[str, str], problem: AnswerUnusable) -> Fetched | None:
    """A server before SMART 2 may name its addresses in its CapabilityStatement alone. A server in trouble is none."""
    if problem.status is None or problem.status >= 500 or problem.status == 429:
        return None
    try:
        accept = {"Accept": "application/fhir+json, application/json;q=0.9", **headers}
        status, got, body = fetch(http, iss.rstrip("/") + METADATA, accept)
    except (AnswerUnusable, UnsafeAddress):
        return None
    found = as_configuration(body) if status == 200 else {}
    lifetime = {name: value for name, value in got.items() if name.lower() in ("cache-control", "age")}
    return Fetched(found, lifetime) if found else None


def _same_issuer(one: str, other: str) -> bool:
    try:
        return normalised(one) == normalised(other)
    except ValueError:
        return False


def read_configuration(
    iss: str,
    url: str,
    raw: dict[str, Any],
    *,
    practice: bool = False,
    inside: frozenset[str] = frozenset(),
    allowed: frozenset[str] = frozenset(),
) -> Configuration:
    """Make sense of a document found at `url`. Raises DiscoveryFailed without a token endpoint, UnsafeAddress."""

    def address(member: str) -> str:
        value = raw.get(member)
        if not isinstance(value, str) or not value.strip():
            return ""
        try:
            found = check_address(urljoin(url, value.strip()), practice=practice, inside=inside)
        except ValueError as problem:
            raise UnsafeAddress(f"The {member} of the configuration is malformed.") from problem
        if allowed and origin(found) not in allowed:
            raise UnsafeAddress(f"The {member} is on {origin(found)}, which is not allowed for this hospital.")
        return found

    def spare(member: str) -> str:
        """An address we could do without is dropped where it may not be called."""
        try:
            return address(member)
        except UnsafeAddress:
            return ""

    if not address("token_endpoint"):
        raise DiscoveryFailed("The configuration names no token endpoint.")
    issuer = raw.get("issuer")
    return Configuration(
        iss=iss,
        issuer=issuer.strip().removesuffix(OPENID) if isinstance(issuer, str) else "",
        authorization_endpoint=address("authorization_endpoint"),
        token_endpoint=address("token_endpoint"),
        jwks_uri=spare("jwks_uri"),
        introspection_endpoint=spare("introspection_endpoint"),
        revocation_endpoint=spare("revocation_endpoint"),
        auth_methods=_words(raw.get("token_endpoint_auth_methods_supported")),
        signing_algs=_words(raw.get("token_endpoint_auth_signing_alg_values_supported")),
        id_token_algs=_words(raw.get("id_token_signing_alg_values_supported")),
        capabilities=_words(raw.get("capabilities")),
        scopes=_words(raw.get("scopes_supported")),
        names_itself=raw.get("authorization_response_iss_parameter_supported") is True,
        allowed=allowed,
        raw=raw,
    )


def _words(value: object) -> tuple[str, ...]:
    """A list of strings, however it is nested or written; anything else in it is passed over."""

    def flat(item: object, depth: int = 0) -> Iterator[str]:
        if isinstance(item, str):
            yield from item.split()
        elif isinstance(item, list) and depth < 4:
            for part in item:
                yield from flat(part, depth + 1)

    return tuple(flat(value))
