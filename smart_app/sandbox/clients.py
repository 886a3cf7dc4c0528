"""The apps registered with the practice, and how each proves itself at a token endpoint.

Rule: a client assertion is checked as the real ones check it (RFC 7523, SMART App Launch 2.2 "client-confidential-
asymmetric"): key from the registered address, audience, five minutes, and a `jti` that never comes twice.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import requests
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from joserfc.jws import JWSRegistry

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LONGEST_LIFE = 300
SKEW = 10


@dataclass(frozen=True)
class Client:
    """One registered app. `audience` is "clinician", "patient", "system" or "expert"."""

    client_id: str
    audience: str
    redirect_uris: tuple[str, ...]
    jwks_uri: str
    name: str = "Second Opinion"
    secret: str = ""


PASSPHRASE = "practice-only-not-a-secret"  # noqa: S105
"""What the practice accepts as client_secret, for integrators whose app has no keys."""


def registrations(app_base: str) -> tuple[Client, ...]:
    """The apps every practice EHR and practice sign-in service knows, for an app at that address."""
    jwks = f"{app_base}/.well-known/jwks.json"
    chart = (f"{app_base}/callback",)
    return (
        Client("second-opinion-clinician", "clinician", chart, jwks, secret=PASSPHRASE),
        Client("second-opinion-patient", "patient", chart, jwks, secret=PASSPHRASE),
        Client("second-opinion-system", "system", (), jwks, secret=PASSPHRASE),
        Client("second-opinion", "expert", (f"{app_base}/sign-in/callback",), jwks, secret=PASSPHRASE),
    )


class ClientRejected(Exception):
    """The app did not prove who it is. The message says why, for those who build one."""


class Register:
    """Knows the clients, their keys and every `jti` already seen."""

    def __init__(self, clients: tuple[Client, ...]) -> None:
        self._clients = {client.client_id: client for client in clients}
        self._seen: dict[str, float] = {}
        self._keys: dict[str, list[dict[str, Any]]] = {}
        self._lock = threading.Lock()

    def find(self, client_id: str) -> Client | None:
        """The client with that id."""
        return self._clients.get(client_id)

    def prove(
        self, form: Mapping[str, str], authorization: str, token_endpoint: str, algs: tuple[str, ...], *, public: bool
    ) -> Client:
        """Who is asking. `public` allows a client that only names itself (PKCE guards it). Raises ClientRejected."""
        if form.get("client_assertion"):
            if form.get("client_assertion_type") != ASSERTION:
                raise ClientRejected("client_assertion_type is wrong")
            return self._by_assertion(form["client_assertion"], token_endpoint, algs)
        if authorization.lower().startswith("basic "):
            return self._by_secret(*_basic(authorization))
        if form.get("client_secret"):
            return self._by_secret(form.get("client_id", ""), form["client_secret"])
        client = self.find(form.get("client_id", ""))
        if client is None or not public:
            raise ClientRejected("the client did not authenticate")
        return client

    def _by_secret(self, client_id: str, secret: str) -> Client:
        client = self.find(client_id)
        if client is None or not client.secret or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            raise ClientRejected("client id or secret is wrong")
        return client

    def _by_assertion(self, assertion: str, token_endpoint: str, algs: tuple[str, ...]) -> Client:
        header, unproven = _peek(assertion)
        client = self.find(str(unproven.get("sub", "")))
        if client is None:
            raise ClientRejected("no such client")
        if header.get("alg") not in algs or not header.get("kid"):
            raise ClientRejected("alg or kid is missing or not allowed")
        claims = self._verified(client, assertion, str(header["alg"]), str(header["kid"]))
        now = time.time()
        if claims.get("iss") != client.client_id:
            raise ClientRejected("iss is not the client")
        if claims.get("aud") not in (token_endpoint, [token_endpoint]):
            raise ClientRejected("aud is not this token endpoint")
        expires = claims.get("exp")
        if not isinstance(expires, int | float) or not now - SKEW < expires <= now + LONGEST_LIFE + SKEW:
            raise ClientRejected("exp is missing, past, or more than five minutes ahead")
        self._first_time(client.client_id, claims.get("jti"), now)
        return client

    def _first_time(self, client_id: str, jti: object, now: float) -> None:
        if not isinstance(jti, str) or not jti or len(jti) > 151:
            raise ClientRejected("jti is missing or too long")
        with self._lock:
            self._seen = {key: at for key, at in self._seen.items() if at > now}
            key = f"{client_id} {jti}"
            if key in self._seen:
                raise ClientRejected("jti was used before")
            self._seen[key] = now + 2 * LONGEST_LIFE

    def _verified(self, client: Client, assertion: str, alg: str, kid: str) -> dict[str, Any]:
        for fresh in (False, True):
            for key in self._key_set(client.jwks_uri, fresh=fresh):
                if key.get("kid") != kid:
                    continue
                try:
                    public = RSAKey.import_key(key) if key.get("kty") == "RSA" else ECKey.import_key(key)
                    registry = JWSRegistry(algorithms=[alg], strict_check_header=False)
                    return dict(jwt.decode(assertion, public, algorithms=[alg], registry=registry).claims)
                except (JoseError, ValueError) as problem:
                    raise ClientRejected("the signature does not fit") from problem
        raise ClientRejected("no such key in the client's key set")

    def _key_set(self, jwks_uri: str, *, fresh: bool) -> list[dict[str, Any]]:
        """The client's keys; its address must answer itself and not send us elsewhere."""
        if not fresh and jwks_uri in self._keys:
            return self._keys[jwks_uri]
        try:
            answer = requests.get(jwks_uri, timeout=5, allow_redirects=False)
            keys = answer.json()["keys"] if answer.status_code == 200 else []
        except (requests.RequestException, ValueError, KeyError, TypeError) as problem:
            raise ClientRejected("the client's key set cannot be read") from problem
        self._keys[jwks_uri] = [key for key in keys if isinstance(key, dict)]
        return self._keys[jwks_uri]


def _basic(authorization: str) -> tuple[str, str]:
    try:
        name, _, secret = base64.b64decode(authorization[6:].strip()).decode().partition(":")
    except (binascii.Error, ValueError) as problem:
        raise ClientRejected("the Basic header cannot be read") from problem
    return unquote(name), unquote(secret)


def _peek(assertion: str) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        parts = [json.loads(base64.urlsafe_b64decode(p + "=" * (-len(p) % 4))) for p in assertion.split(".")[:2]]
        header, claims = parts
    except (ValueError, binascii.Error) as problem:
        raise ClientRejected("the assertion cannot be read") from problem
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise ClientRejected("the assertion cannot be read")
    return header, claims
