"""Which system calls us: it proves itself by a short token signed with its own key.

An EHR with a CDS hook (CDS Hooks 2.0, "Trusting CDS Clients"), or a client that asks for a token (SMART Backend
Services, RFC 7523). Rule: the caller is known, its keys come from an address the operator allowed, the token is for
this very address, short-lived, and used once. What fails any of it is refused before anything is read or answered.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError

from launch.clock import Clock, moment
from launch.errors import CallerRejected, DiscoveryFailed, IdentityRejected
from launch.issuers import normalised
from launch.outbound import Outbound
from launch.signatures import ALGORITHMS, LONGEST, proven_claims

SKEW = 60
"""Seconds by which clocks may differ."""

LONGEST_LIFE = 600
"""Seconds from issue to expiry; both standards ask for five minutes at most, and some systems round up."""

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class Caller:
    """A system that may call. `iss` names it in its tokens; `jwks` is the only place its keys are read from."""

    iss: str
    jwks: str


class Used:
    """Tokens that were shown already, until they expire: each is good for one call (`jti`)."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def first(self, iss: str, jti: str, expires: float, now: float) -> bool:
        """Is this the first time? Remembers it either way."""
        with self._lock:
            self._seen = {key: until for key, until in self._seen.items() if until > now}
            known = (iss, jti) in self._seen
            self._seen[iss, jti] = expires
            return not known


def caller_of(
    authorization: str,
    endpoint: str,
    callers: Mapping[str, Caller],
    *,
    http: Outbound,
    now: Clock | datetime,
    used: Used,
) -> Caller:
    """The EHR this call comes from. Raises CallerRejected naming the failed check.

    `callers` are the known EHRs by normalised `iss`; `endpoint` is the address that was called, as we publish it.
    """
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise CallerRejected("The call carries no signed token (Authorization).")

    def find(iss: str) -> Caller | None:
        try:
            return callers.get(normalised(iss))
        except ValueError:
            return None

    return _proven(token.strip(), endpoint, find, http, now, used)[0]


def client_of(
    form: Mapping[str, str],
    endpoint: str,
    callers: Mapping[str, Caller],
    *,
    http: Outbound,
    now: Clock | datetime,
    used: Used,
) -> Caller:
    """The client that asks for a token by `private_key_jwt`. Raises CallerRejected naming the failed check.

    `callers` are the registered clients by client id, which is issuer and subject of the assertion.
    """
    if form.get("client_assertion_type") != ASSERTION:
        raise CallerRejected("A client proves itself by a signed assertion (client_assertion_type).")
    caller, claims = _proven(form.get("client_assertion", ""), endpoint, callers.get, http, now, used)
    if claims.get("sub") != caller.iss:
        raise CallerRejected("The assertion speaks of another client (sub).")
    return caller


def _proven(
    token: str,
    endpoint: str,
    find: Callable[[str], Caller | None],
    http: Outbound,
    now: Clock | datetime,
    used: Used,
) -> tuple[Caller, dict[str, Any]]:
    if not token or len(token) > LONGEST:
        raise CallerRejected("The call carries no signed token (form).")
    header, unproven = _peek(token)
    alg, iss = header.get("alg"), unproven.get("iss")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise CallerRejected("The token is not signed in an allowed way (alg).")
    caller = find(iss) if isinstance(iss, str) else None
    if caller is None:
        raise CallerRejected("This installation does not know that system (iss).")
    if header.get("jku") not in (None, caller.jwks):
        raise CallerRejected("The token names keys in a place nobody allowed (jku).")
    try:
        claims = proven_claims(token, alg, header.get("kid"), caller.jwks, http)
    except (IdentityRejected, DiscoveryFailed) as problem:
        raise CallerRejected("No key of that system fits the signature of the token (signature).") from problem
    _check(claims, caller, endpoint, moment(now).timestamp(), used)
    return caller, claims


def _check(claims: dict[str, Any], caller: Caller, endpoint: str, now: float, used: Used) -> None:
    audience = claims.get("aud")
    if endpoint not in (audience if isinstance(audience, list) else [audience]):
        raise CallerRejected("The token is meant for another service (aud).")
    issued, expires = _number(claims, "iat"), _number(claims, "exp")
    if expires <= now - SKEW:
        raise CallerRejected("The token has expired (exp).")
    if issued > now + SKEW or expires - issued > LONGEST_LIFE:
        raise CallerRejected("The token is not valid now, or for too long (iat).")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise CallerRejected("The token cannot be told from another (jti).")
    if not used.first(caller.iss, jti, expires + SKEW, now):
        raise CallerRejected("The token was used before (jti).")


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CallerRejected(f"The token does not say when it is valid ({name}).")
    return float(value)


def _peek(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unproven: good for choosing a key and nothing else."""
    try:
        found = jws.extract_compact(token.encode())
        claims = json.loads(found.payload)
    except (JoseError, ValueError, RecursionError, KeyError, TypeError) as problem:
        raise CallerRejected("The token cannot be read (form).") from problem
    if not isinstance(claims, dict):
        raise CallerRejected("The token cannot be read (form).")
    return dict(found.headers()), claims
