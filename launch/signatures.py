"""Other people's signatures and the key sets they publish. Rule: never `none`, never a shared secret, never our choice.

RFC 7515, RFC 7517. A key set is kept for an hour; a token that no kept key fits has it read once more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from launch.errors import AnswerUnusable, DiscoveryFailed, IdentityRejected
from launch.outbound import Outbound, read_json

ALGORITHMS = {"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "ES256": "EC", "ES384": "EC"}
"""Allowed signatures and the key type each needs."""

LONGEST = 100_000
"""Characters of the longest token we verify; real ones carry certificates in the header and groups in the claims."""

TTL = 3600.0


def proven_claims(
    token: str,
    alg: str,
    kid: object,
    jwks_uri: str,
    http: Outbound,
    clock: Callable[[], float] = time.monotonic,
) -> dict[str, Any]:
    """The claims, once a published key fits the signature. Raises IdentityRejected, or DiscoveryFailed without keys."""
    for fresh in (False, True):
        for key in _fitting(_key_set(jwks_uri, http, clock, fresh=fresh), alg, kid):
            try:
                return dict(jwt.decode(token, key, algorithms=[alg], registry=_registry(alg)).claims)
            except (JoseError, ValueError):
                continue
    raise IdentityRejected("No key of the issuer fits the signature of the id_token (signature).")


class _Roomy(JWSRegistry):
    max_header_length = LONGEST
    max_payload_length = LONGEST


def _registry(alg: str) -> JWSRegistry:
    return _Roomy(algorithms=[alg], strict_check_header=False)


def _fitting(keys: Iterable[dict[str, Any]], alg: str, kid: object) -> list[RSAKey | ECKey]:
    fitting: list[RSAKey | ECKey] = []
    for key in keys:
        kind, use, limited_to = key.get("kty"), key.get("use"), key.get("alg")
        if kind != ALGORITHMS[alg] or use not in (None, "sig") or limited_to not in (None, alg):
            continue
        if kid is not None and key.get("kid") != kid:
            continue
        public: dict[str, str | list[str]] = {
            name: value for name in ("kty", "n", "e", "crv", "x", "y") if isinstance(value := key.get(name), str)
        }
        try:
            fitting.append(RSAKey.import_key(public) if kind == "RSA" else ECKey.import_key(public))
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # one odd key of a set must not spoil the others
    return fitting


_kept: dict[str, tuple[float, list[dict[str, Any]]]] = {}
_lock = threading.Lock()


def _key_set(jwks_uri: str, http: Outbound, clock: Callable[[], float], *, fresh: bool) -> list[dict[str, Any]]:
    with _lock:
        read_at, keys = _kept.get(jwks_uri, (float("-inf"), []))
    if not fresh and clock() - read_at < TTL:
        return keys
    try:
        answer = read_json(http, jwks_uri)
    except AnswerUnusable as problem:
        raise DiscoveryFailed(
            f"The keys of the issuer could not be read: {problem}", status=problem.status
        ) from problem
    listed = answer.get("keys")
    keys = [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []
    with _lock:
        _kept[jwks_uri] = (clock(), keys)
    return keys


def forget() -> None:
    """Empty the kept key sets."""
    with _lock:
        _kept.clear()
