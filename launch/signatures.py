"""Other people's signatures and the key sets they publish. Rule: never `none`, never a shared secret, never our choice.

RFC 7515, RFC 7517. A key set is kept as long as its server says (an hour where it does not); a token that no kept key
fits has it read once more, though not at the pace of somebody who sends such tokens.
"""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

from launch.documents import KEPT_AT_MOST, Documents, Fetched, fetch_json
from launch.errors import AnswerUnusable, DiscoveryFailed, IdentityRejected
from launch.outbound import Outbound

ALGORITHMS = {"RS256": "RSA", "RS384": "RSA", "RS512": "RSA", "PS256": "RSA", "ES256": "EC", "ES384": "EC"}
"""Allowed signatures and the key type each needs."""

LONGEST = 100_000
"""Characters of the longest token we verify; real ones carry certificates in the header and groups in the claims."""

RSA_BITS = 2048
"""RFC 7518 section 3.3: a shorter key is no proof."""

AGAIN_AFTER = 10.0
"""Seconds before a key set is read once more for a second token that no kept key fits."""


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
            if kind == "RSA" and _bits(public["n"]) < RSA_BITS:
                continue
            fitting.append(RSAKey.import_key(public) if kind == "RSA" else ECKey.import_key(public))
        except (JoseError, ValueError, TypeError, KeyError):
            continue  # one odd key of a set must not spoil the others
    return fitting


def _bits(modulus: object) -> int:
    text = str(modulus)
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))).bit_length()


_sets: Documents[list[dict[str, Any]]] = Documents()
_reread: dict[str, float] = {}
_lock = threading.Lock()


def _key_set(jwks_uri: str, http: Outbound, clock: Callable[[], float], *, fresh: bool) -> list[dict[str, Any]]:
    """Raises DiscoveryFailed where the keys cannot be read."""

    def read(validators: Mapping[str, str]) -> Fetched:
        try:
            return fetch_json(http, jwks_uri, validators)
        except AnswerUnusable as problem:
            raise DiscoveryFailed(
                f"The keys of the issuer could not be read: {problem}", status=problem.status
            ) from problem

    again = fresh and _may_read_again(jwks_uri, clock())
    return _sets.get((jwks_uri, http.practice, http.inside), read, _keys_of, clock=clock, again=again)


def _keys_of(answer: dict[str, Any]) -> list[dict[str, Any]]:
    listed = answer.get("keys")
    return [key for key in listed if isinstance(key, dict)] if isinstance(listed, list) else []


def _may_read_again(jwks_uri: str, now: float) -> bool:
    with _lock:
        last = _reread.get(jwks_uri)
        if last is not None and 0 <= now - last < AGAIN_AFTER:
            return False
        if len(_reread) >= KEPT_AT_MOST:
            _reread.clear()
        _reread[jwks_uri] = now
        return True


def forget() -> None:
    """Empty the kept key sets."""
    _sets.forget()
    with _lock:
        _reread.clear()
