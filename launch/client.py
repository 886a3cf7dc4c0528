"""Our side of a token endpoint: authlib's session with a short-lived assertion and a patient reading of the answer.

Rule: an answer becomes a token, a refusal with its reason, or "unavailable"; nothing else gets out of here.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import requests
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from launch.clock import Clock, moment
from launch.discovery import Configuration
from launch.errors import LaunchRefused, TokenUnavailable
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound, protect

ASSERTION_LIFETIME = 240
"""Seconds; SMART App Launch 2.2 allows 300 at most, and clocks differ."""

_PASSING = frozenset({"server_error", "temporarily_unavailable", "slow_down"})


class ShortAssertion(PrivateKeyJWT):  # type: ignore[misc]
    """`private_key_jwt` as SMART asks for it: four minutes, a fresh `jti` each time, `kid` in the header."""

    def __init__(self, keys: Keys, alg: str, token_endpoint: str, now: Clock | datetime) -> None:
        super().__init__(token_endpoint=token_endpoint, alg=alg)
        self._keys = keys
        self._now = now

    def sign(self, auth: Any, token_endpoint: str) -> str:
        """The client assertion (RFC 7523 section 3), for the token endpoint also where its neighbours are asked."""
        issued = int(moment(self._now).timestamp())
        claims = {
            "iss": auth.client_id,
            "sub": auth.client_id,
            "aud": token_endpoint,
            "iat": issued,
            "exp": issued + ASSERTION_LIFETIME,
            "jti": secrets.token_urlsafe(24),
        }
        return self._keys.sign(claims, self.alg)


class Client(OAuth2Session):  # type: ignore[misc]
    """One registration of ours at one token endpoint. Raises LaunchRefused and TokenUnavailable only."""

    def __init__(
        self,
        issuer: Issuer,
        token_endpoint: str,
        *,
        keys: Keys | None,
        http: Outbound,
        now: Clock | datetime,
        alg: str = "",
        origins: tuple[str, ...] | None = None,
        token: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            client_id=issuer.client_id,
            client_secret=issuer.client_secret or None,
            token_endpoint_auth_method=issuer.auth,
            code_challenge_method="S256",
            token_endpoint=token_endpoint,
            token=token,
        )
        self.now = now
        self.http = http
        protect(self, practice=http.practice, timeout=http.timeout, origins=origins, inside=http.inside)
        if issuer.auth == "private_key_jwt":
            if keys is None:
                raise LaunchRefused("Our signing keys are needed for this registration.", reason="invalid_client")
            self.register_client_auth_method(
                ShortAssertion(keys.ring(issuer.ring), issuer.signing_alg or alg or "RS384", token_endpoint, now)
            )

    def parse_response_token(self, response: requests.Response) -> dict[str, Any]:
        """A token of any length with any extras, its lifetime counted from now. Authlib calls this for every answer."""
        self.token = read_token(response, moment(self.now))
        token: dict[str, Any] = self.token
        return token


def signing_alg(issuer: Issuer, configuration: Configuration) -> str:
    """RS384 unless the registration says otherwise or the server only takes ES384 (SMART 2.2: both must be offered)."""
    listed = configuration.signing_algs
    return issuer.signing_alg or ("ES384" if "ES384" in listed and "RS384" not in listed else "RS384")


@contextmanager
def token_request() -> Iterator[None]:
    """Around every call of the token endpoint: what the wire did becomes TokenUnavailable."""
    try:
        yield
    except requests.RequestException as problem:
        kind = type(problem).__name__
        raise TokenUnavailable(f"The token endpoint cannot be reached ({kind}).") from problem


def read_token(response: requests.Response, at: datetime) -> dict[str, Any]:
    """Read one answer of a token endpoint. Raises LaunchRefused with its reason, or TokenUnavailable.

    `expires_at` (seconds since 1970) is counted from `at`; an `expires_in` that is no number is left out.
    """
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        answer = None
    status = response.status_code
    body = answer if isinstance(answer, dict) else {}
    error = body.get("error")
    if status == requests.codes.too_many or status >= 500 or (isinstance(error, str) and error in _PASSING):
        raise TokenUnavailable(f"The token endpoint cannot answer now (status {status}).", status=status)
    if error or status >= 400:
        raise refusal(error, body.get("error_description"), body.get("error_uri"), f"status_{status}")
    token = body.get("access_token")
    if not isinstance(token, str) or not token:
        raise TokenUnavailable(f"The token endpoint answered without a token (status {status}).", status=status)
    kind = body.get("token_type")
    if isinstance(kind, str) and kind and kind.lower() != "bearer":
        raise LaunchRefused("The token is of a kind we cannot use.", reason="unsupported_token_type")
    kept = {name: value for name, value in body.items() if name not in ("expires_at", "expires_in", "state")}
    kept |= {"token_type": "Bearer"}
    lifetime = _seconds(body.get("expires_in"))
    if lifetime is not None:
        kept |= {"expires_in": lifetime, "expires_at": int(at.timestamp()) + lifetime}
    if not isinstance(kept.get("refresh_token"), str) or not kept["refresh_token"]:
        kept.pop("refresh_token", None)
    return kept


def refusal(error: object, description: object, error_uri: object, otherwise: str = "") -> LaunchRefused:
    """The server's own words, made safe to show: one line, no control characters, not longer than a paragraph."""
    reason = _plain(error, 80) or otherwise
    said = _plain(description, 300)
    page = _plain(error_uri, 1000)
    return LaunchRefused(
        f"The authorisation server refused ({reason}){f': {said}' if said else '.'}",
        reason=reason,
        error_uri=page if re.match(r"https?://", page) else None,
    )


def same_secret(one: str, other: str) -> bool:
    """Compare without telling by time how much of it was right."""
    return hmac.compare_digest(one.encode(), other.encode())


def _plain(value: object, longest: int) -> str:
    text = value if isinstance(value, str) else ""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: longest * 2]).split())[:longest]


def _seconds(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return min(int(seconds), 10**9) if 0 <= seconds < float("inf") else None
