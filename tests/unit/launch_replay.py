"""Whole launches replayed from published documents: every address answers what its vendor published, and nothing else.

The guard of `launch.outbound` stays in force above it; what it lets through is answered here instead of by a network.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey
from requests.adapters import HTTPAdapter

from launch import discovery, signatures
from launch.authorize import Begun, Grant, begin, complete
from launch.issuers import Issuer
from launch.outbound import Outbound

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
CALLBACK = "https://app.example.org/callback"
KEY = RSAKey.generate_key(2048, auto_kid=True)
Answer = tuple[int, Any]


class Replay:
    """`documents` maps an address to its answer: (status, body), or a function of the request that makes one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        discovery.forget()
        signatures.forget()
        self.documents: dict[str, Answer | Callable[[requests.PreparedRequest], Answer]] = {}
        self.asked: list[requests.PreparedRequest] = []
        monkeypatch.setattr(HTTPAdapter, "send", lambda _, request, **__: self._send(request))

    def _send(self, request: requests.PreparedRequest) -> requests.Response:
        self.asked.append(request)
        found = self.documents.get(str(request.url), (404, b""))
        status, body = found(request) if callable(found) else found
        response = requests.Response()
        response.status_code = status
        response.url, response.request = str(request.url), request
        response.raw = BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        return response

    def serve_keys(self, jwks_uri: str) -> None:
        """The key that signs here, published where the vendor publishes its own."""
        self.documents[jwks_uri] = (200, {"keys": [KEY.as_dict(private=False)]})

    def launch(
        self,
        issuer: Issuer,
        configuration: dict[str, Any],
        token: dict[str, Any],
        claims: dict[str, Any] | None,
        *,
        standalone: bool = False,
    ) -> tuple[Grant, Begun]:
        """There and back: `claims` are signed as the id_token, with the nonce and the time of this launch."""
        self.documents[issuer.iss.rstrip("/") + discovery.SMART] = (200, configuration)
        http = Outbound()
        begun = begin(issuer, launch=None if standalone else "xyz", redirect_uri=CALLBACK, http=http, now=NOW)
        answer = dict(token)
        answer.pop("id_token", None)
        if claims is not None:
            answer["id_token"] = signed({**claims, "aud": issuer.client_id, "nonce": begun.pending.nonce})
        self.documents[configuration["token_endpoint"]] = (200, answer)
        back = {"code": "c", "state": begun.pending.state}
        return complete(issuer, begun.pending, back, keys=None, http=http, now=NOW), begun

    def hosts(self) -> set[str]:
        """Everybody who was called."""
        return {str(urlsplit(str(request.url)).hostname) for request in self.asked}

    def forms(self, url: str) -> list[dict[str, str]]:
        """The forms that were posted there."""
        return [dict(parse_qsl(str(request.body))) for request in self.asked if request.url == url and request.body]


def signed(claims: dict[str, Any]) -> str:
    """An id_token of this moment. Claims that are None are left out."""
    at = int(NOW.timestamp())
    whole = {**claims, "iat": at, "exp": at + 300}
    return jwt.encode(
        {"alg": "RS256", "kid": KEY.kid}, {k: v for k, v in whole.items() if v is not None}, KEY, algorithms=["RS256"]
    )


def sent(begun: Begun) -> dict[str, str]:
    """What the browser takes along."""
    return {name: values[0] for name, values in parse_qs(urlsplit(begun.url).query).items()}


def read(shared: Path, name: str) -> dict[str, Any]:
    """One published document."""
    found: dict[str, Any] = json.loads((shared / "data/ehr" / name).read_text("utf-8"))
    return found
