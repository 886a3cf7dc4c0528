"""An app that is not ours: keys, a key set on loopback, and launches driven by bare requests."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ForeignApp:
    """`with ForeignApp() as app:` serves its public keys at `app.base` until the block ends."""

    def __init__(self) -> None:
        self.keys = {
            "RS384": RSAKey.generate_key(2048, auto_kid=True),
            "ES384": ECKey.generate_key("P-384", auto_kid=True),
        }
        published = json.dumps({"keys": [key.as_dict(private=False) for key in self.keys.values()]}).encode()

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.path == "/.well-known/jwks.json" else 404)
                self.end_headers()
                self.wfile.write(published)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.base = f"http://localhost:{self._server.server_address[1]}"

    def __enter__(self) -> ForeignApp:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def assertion(self, client_id: str, audience: str, alg: str = "RS384", **changed: Any) -> str:
        """A client assertion as SMART 2.2 wants it, unless a test changes a claim."""
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "exp": now + 240, "jti": secrets.token_hex(16)}
        key = self.keys[alg]
        return jwt.encode({"alg": alg, "kid": key.kid}, {**claims, **changed}, key, algorithms=[alg])

    def authorize(self, iss: str, client_id: str, scope: str, **extra: str) -> tuple[dict[str, str], dict[str, Any]]:
        """Walk through the authorisation: (the answer in the redirect, what must be remembered)."""
        smart = requests.get(f"{iss}/.well-known/smart-configuration", timeout=10).json()
        verifier = secrets.token_urlsafe(48)
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        kept = {"smart": smart, "verifier": verifier, "state": secrets.token_urlsafe(24), "client_id": client_id}
        kept["nonce"] = secrets.token_urlsafe(24)
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": f"{self.base}/callback",
            "scope": scope,
            "state": kept["state"],
            "aud": iss,
            "nonce": kept["nonce"],
            "code_challenge": digest,
            "code_challenge_method": "S256",
            **extra,
        }
        answer = requests.get(
            smart["authorization_endpoint"],
            params={name: value for name, value in asked.items() if value},
            allow_redirects=False,
            timeout=10,
        )
        kept["page"] = answer
        target = answer.headers.get("Location", "")
        return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}, kept

    def exchange(self, kept: dict[str, Any], code: str, **changed: str) -> requests.Response:
        """Code for token, with a signed assertion."""
        endpoint = kept["smart"]["token_endpoint"]
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": f"{self.base}/callback",
            "code_verifier": kept["verifier"],
            "client_assertion_type": ASSERTION,
            "client_assertion": self.assertion(kept["client_id"], endpoint),
        }
        return requests.post(endpoint, data={**form, **changed}, timeout=10)

    def launch(self, practice: Any, ehr: str, patient: str, audience: str = "clinician", **more: Any) -> dict[str, Any]:
        """A whole EHR launch: the token answer, with `iss`, `smart` and `nonce` beside it."""
        asked = {"patient": patient, "audience": audience, **more}
        made = requests.post(f"{practice.origin}/practice/{ehr}/launches", json=asked, timeout=10).json()
        scope = " ".join(practice.scopes(ehr, audience))
        client_id = f"second-opinion-{audience}"
        answer, kept = self.authorize(made["iss"], client_id, scope, launch=made["launch"])
        assert answer["state"] == kept["state"]
        token = self.exchange(kept, answer["code"])
        assert token.status_code == 200, token.text
        return {**token.json(), "iss": made["iss"], "smart": kept["smart"], "nonce": kept["nonce"]}

    def backend(self, iss: str, scope: str, alg: str = "RS384", **changed: str) -> requests.Response:
        """A Backend Services token."""
        endpoint = requests.get(f"{iss}/.well-known/smart-configuration", timeout=10).json()["token_endpoint"]
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION,
            "client_assertion": self.assertion("second-opinion-system", endpoint, alg),
        }
        return requests.post(endpoint, data={**form, **changed}, timeout=10)
