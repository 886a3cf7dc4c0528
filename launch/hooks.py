"""Who calls a CDS service: the EHR proves itself by a short signed token (CDS Hooks 2.0, "Trusting CDS Clients").

Rule: the caller is a known EHR, its keys come from an address the operator allowed, the token is for this very service,
short-lived, and used once. A token that fails any of it is refused before anything is read or answered.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
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
"""Seconds from issue to expiry; CDS Hooks asks for five minutes at most, and some EHRs round up."""


@dataclass(frozen=True)
class Caller:
    """An EHR that may call. `iss` names it in its tokens; `jwks` is the only place its keys are read from."""

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
    if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
        raise CallerRejected("The call carries no signed token (Authorization).")
    header, unproven = _peek(token.strip())
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in ALGORITHMS:
        raise CallerRejected("The token is not signed in an allowed way (alg).")
    caller = _known(unproven.get("iss"), callers)
    if header.get("jku") not in (None, caller.jwks):
        raise CallerRejected("The token names keys in a place nobody allowed (jku).")
    try:
        claims = proven_claims(token.strip(), alg, header.get("kid"), caller.jwks, http)
    except (IdentityRejected, DiscoveryFailed) as problem:
        raise CallerRejected("No key of that EHR fits the signature of the token (signature).") from problem
    _check(claims, caller, endpoint, moment(now).timestamp(), used)
    return caller


def _known(iss: object, callers: Mapping[str, Caller]) -> Caller:
    try:
        found = callers.get(normalised(iss)) if isinstance(iss, str) else None
    except ValueError:
        found = None
    if found is None:
        raise CallerRejected("This installation does not know that EHR (iss).")
    return found


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
