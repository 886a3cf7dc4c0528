"""A small authorisation server on loopback, with real keys: the other side of every launch test.

It does as the standard says unless a test changes one of its fields, so that each refusal has exactly one cause.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes


class Authority:
    """`with Authority() as authority:` serves a FHIR base at `authority.iss` until the block ends."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.key = RSAKey.generate_key(2048)
        self.kid = "first"
        self.published = [{**self.key.as_dict(private=False), "kid": self.kid, "use": "sig"}]
        self.client_keys: dict | None = None  # our JWKS, when the test wants assertions verified
        self.configuration_changes: dict = {}
        self.token_changes: dict = {}
        self.claims_changes: dict = {}
        self.answers: dict[str, list] = {}  # path -> queued (status, headers, body)
        self.challenge = ""
        self.nonce = ""
        self.issued = 0
        self.valid: set[str] = set()
        self.used_jtis: set[str] = set()
        self.spent: set[str] = set()  # refresh tokens that were used: each is good once
        self.codes: dict[str, str] | None = None  # code -> challenge, when the test wants codes that are good once
        self.now = NOW

    def __enter__(self) -> Authority:
        authority = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: object) -> None:
                pass

            def _any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                address = urlsplit(self.path)
                query = dict(parse_qsl(address.query))
                form = dict(parse_qsl(body.decode("latin-1"))) if length else {}
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(self.command, address.path, query, headers, form, body)
                authority.seen.append(seen)
                status, extra, content = authority.answer(seen)
                if status == 0:
                    self.close_connection = True
                    return
                raw = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **extra}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_POST = do_PUT = _any  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.iss = f"{self.url}/fhir"
        self.issuer = f"{self.url}/oauth2"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    # -- what it says ----------------------------------------------------------------------------------------

    def configuration(self) -> dict:
        return {
            "issuer": self.issuer,
            "jwks_uri": f"{self.url}/keys",
            "authorization_endpoint": f"{self.url}/oauth2/authorize",
            "token_endpoint": f"{self.url}/oauth2/token",
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
            "code_challenge_methods_supported": ["S256"],
            "capabilities": ["launch-ehr", "permission-v2"],
            **self.configuration_changes,
        }

    def answer(self, seen: Seen) -> tuple[int, dict, object]:
        queue = self.answers.get(seen.path)
        if queue:
            return queue.pop(0)
        if seen.path.endswith("/.well-known/smart-configuration") or seen.path == (
            "/oauth2/.well-known/openid-configuration"
        ):
            return 200, {}, self.configuration()
        if seen.path == "/keys":
            return 200, {}, {"keys": self.published}
        if seen.path == "/oauth2/token":
            return self._token(seen)
        if seen.path.startswith("/fhir/"):
            bearer = seen.headers.get("authorization", "").removeprefix("Bearer ")
            kind, _, number = seen.path.removeprefix("/fhir/").partition("/")
            return (200, {}, {"resourceType": kind, "id": number}) if bearer in self.valid else (401, {}, b"")
        return 404, {}, b""

    def _token(self, seen: Seen) -> tuple[int, dict, object]:
        refused = self._wrong_client(seen)
        if refused:
            return 401, {}, {"error": "invalid_client", "error_description": refused}
        if seen.form.get("grant_type") == "authorization_code":
            if self.codes is not None:
                code = seen.form.get("code", "")
                if code not in self.codes:
                    return 400, {}, {"error": "invalid_grant", "error_description": "no such code"}
                self.challenge = self.codes.pop(code)
            verifier = seen.form.get("code_verifier", "")
            digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
            if digest != self.challenge:
                return 400, {}, {"error": "invalid_grant", "error_description": "PKCE verification failed"}
        spending = seen.form.get("refresh_token", "")
        if spending in self.spent:
            return 400, {}, {"error": "invalid_grant"}
        self.spent |= {spending} - {""}
        self.issued += 1
        access = f"access-{self.issued}"
        self.valid.add(access)
        answer = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": 3600,
            "scope": "launch openid fhirUser user/Patient.rs offline_access",
            "refresh_token": f"refresh-{self.issued}",
            "patient": "p1",
            "encounter": "e1",
            "need_patient_banner": "false",
        }
        if seen.form.get("grant_type") == "authorization_code" and "id_token" not in self.token_changes:
            answer["id_token"] = self.id_token()
        answer |= self.token_changes
        return 200, {}, {name: value for name, value in answer.items() if value is not None}

    def _wrong_client(self, seen: Seen) -> str:
        if self.client_keys is None:
            return ""
        assertion = seen.form.get("client_assertion", "")
        keys = KeySet.import_key_set(self.client_keys)
        token = jwt.decode(assertion, keys, algorithms=["RS384", "ES384"])
        claims = token.claims
        if "kid" not in token.header:
            return "no kid"
        if claims["aud"] != f"{self.url}/oauth2/token" or claims["iss"] != claims["sub"]:
            return "wrong claims"
        if not 0 < claims["exp"] - self.now.timestamp() < 300:
            return "lives too long"
        if claims["jti"] in self.used_jtis:
            return "used before"
        self.used_jtis.add(claims["jti"])
        return ""

    def id_token(self, *, header: dict | None = None, key: object = None) -> str:
        at = int(self.now.timestamp())
        claims = {
            "iss": self.issuer,
            "sub": "dr-who",
            "aud": "our-app",
            "exp": at + 300,
            "iat": at,
            "nonce": self.nonce,
            "fhirUser": f"{self.iss}/Practitioner/77",
            "name": "Alex Reader",
            **self.claims_changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": "RS256", "kid": self.kid, **(header or {})}
        return jwt.encode(head, claims, key or self.key, algorithms=[head["alg"]])

    # -- what a browser and an EHR do ------------------------------------------------------------------------

    def browser_follows(self, url: str) -> dict[str, str]:
        """Sign in at the address our app sends the browser to; the parameters that come back to the callback."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        self.challenge = query["code_challenge"]
        self.nonce = query.get("nonce", "")
        code = "the-code"
        if self.codes is not None:
            code = secrets.token_urlsafe(12)
            self.codes[code] = self.challenge
        return {"code": code, "state": query["state"]}

    def requests_to(self, path: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path == path]


def as_part(value: dict | bytes) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed_by_nobody(claims: dict) -> str:
    """An unsigned token, as an attacker writes one."""
    return f"{as_part({'alg': 'none'})}.{as_part(claims)}."


def signed_with_a_secret(claims: dict, secret: bytes) -> str:
    """An HS256 token, made by hand since honest libraries refuse a public key as the secret."""
    signed = f"{as_part({'alg': 'HS256', 'kid': 'first'})}.{as_part(claims)}"
    return f"{signed}.{as_part(hmac.digest(secret, signed.encode(), 'sha256'))}"
