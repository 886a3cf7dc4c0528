"""What an EHR or a sign-in service says of itself. Rule: read the few members we need and tolerate the rest.

SMART App Launch 2.2 (`.well-known/smart-configuration`) and OpenID Connect Discovery 1.0 section 4.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin

from launch.errors import AnswerUnusable, DiscoveryFailed, UnsafeAddress
from launch.issuers import normalised
from launch.outbound import Outbound, check_address, read_json

TTL = 3600.0
"""Seconds a configuration is kept: servers ask not to be read at every launch."""

SMART = "/.well-known/smart-configuration"
OPENID = "/.well-known/openid-configuration"
_KEPT_AT_MOST = 1000


@dataclass(frozen=True)
class Configuration:
    """The members we use. `iss` is the address asked; `issuer` what the server calls itself; absent members are empty.

    Every endpoint is an absolute address that may be called.
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
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def discover(
    iss: str, *, http: Outbound, client_id: str | None = None, clock: Callable[[], float] = time.monotonic
) -> Configuration:
    """The SMART configuration of a FHIR server, at most an hour old. Raises DiscoveryFailed, UnsafeAddress.

    `client_id` is told to the server, since a hospital may send one client to other endpoints than another.
    """
    headers = {"Epic-Client-ID": client_id} if client_id else {}
    return _cached(
        ("smart", normalised(iss), client_id, http.practice), clock, lambda: _fetch(iss, SMART, http, headers)
    )


def discover_openid(iss: str, *, http: Outbound, clock: Callable[[], float] = time.monotonic) -> Configuration:
    """The OpenID configuration of a sign-in service, at most an hour old. Raises DiscoveryFailed, UnsafeAddress.

    It must call itself by the address it was asked at (OpenID Connect Discovery 1.0 section 4.3) and show its keys.
    """

    def fetch() -> Configuration:
        found = _fetch(iss, OPENID, http, {})
        if not found.issuer or normalised(found.issuer) != normalised(iss):
            raise DiscoveryFailed("The sign-in service calls itself by another address than the one it was asked at.")
        if not found.jwks_uri:
            raise DiscoveryFailed("The sign-in service does not say where its keys are.")
        return found

    return _cached(("openid", normalised(iss), None, http.practice), clock, fetch)


def forget() -> None:
    """Empty the cache, e.g. after a hospital has changed its endpoints."""
    with _lock:
        _cache.clear()


_Key = tuple[str, str, str | None, bool]
_cache: dict[_Key, tuple[float, Configuration]] = {}
_lock = threading.Lock()


def _cached(key: _Key, clock: Callable[[], float], fetch: Callable[[], Configuration]) -> Configuration:
    with _lock:
        kept = _cache.get(key)
    if kept is not None and 0 <= clock() - kept[0] < TTL:
        return kept[1]
    found = fetch()
    with _lock:
        if len(_cache) >= _KEPT_AT_MOST:
            _cache.clear()
        _cache[key] = (clock(), found)
    return found


def _fetch(iss: str, well_known: str, http: Outbound, headers: dict[str, str]) -> Configuration:
    url = iss.rstrip("/") + well_known
    try:
        raw = read_json(http, url, headers)
    except AnswerUnusable as problem:
        raise DiscoveryFailed(f"The configuration could not be read: {problem}", status=problem.status) from problem
    return read_configuration(iss, url, raw, practice=http.practice)


def read_configuration(iss: str, url: str, raw: dict[str, Any], *, practice: bool = False) -> Configuration:
    """Make sense of a document found at `url`. Raises DiscoveryFailed without a usable token endpoint."""

    def address(member: str) -> str:
        value = raw.get(member)
        if not isinstance(value, str) or not value.strip():
            return ""
        return check_address(urljoin(url, value.strip()), practice=practice)

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
