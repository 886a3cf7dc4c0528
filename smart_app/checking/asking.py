"""One careful GET of a server we know nothing about: no redirect to elsewhere, no token in clear, any answer taken."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests

LARGEST = 16 * 1024 * 1024
"""Bytes; the longest statement known has 720,000."""

REDIRECTS = 3
TIMEOUT = (5.0, 20.0)
"""Seconds to connect, and seconds without a byte."""

NO_REQUEST = (requests.exceptions.MissingSchema, requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)


class NotAnAddress(ValueError):
    """What was given is no web address, or not one that a token may be sent to."""


@dataclass(frozen=True)
class Heard:
    """What came back. `trouble` is empty where an answer came, whatever its status; `moved_to` is where it pointed."""

    status: int = 0
    content_type: str = ""
    body: bytes = b""
    trouble: str = ""
    moved_to: str = ""

    @property
    def in_words(self) -> str:
        """Why this is no use, in a sentence without the full stop."""
        if self.trouble:
            return self.trouble
        if self.moved_to:
            return f"it sends us to {self.moved_to}; if that is its address, give that one"
        if self.status in (401, 403):
            return f"it wants a token first (HTTP {self.status}); give one with --token"
        if self.status == 404:
            return "there is nothing of that name (HTTP 404)"
        if self.status >= 400:
            return f"it answered with HTTP {self.status}"
        if "html" in self.content_type:
            return "it answered with a web page"
        return "its answer is something else"


class Asker:
    """Asks below one base address. `token` is sent as it is (RFC 6750), never to another host nor in clear.

    Raises NotAnAddress for a base that is none.
    """

    def __init__(self, base: str, token: str = "") -> None:
        self.base = base.strip().rstrip("/")
        parts = urlsplit(self.base)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotAnAddress(f"{base}: that is no web address. Give the FHIR base, such as https://ehr.example/r4")
        if parts.username is not None or parts.query or parts.fragment:
            raise NotAnAddress("Give the bare FHIR base: no password, query or fragment in it.")
        if token and parts.scheme == "http" and not is_loopback(parts.hostname):
            raise NotAnAddress("The token would cross the network in clear. Give the https address.")
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy, no password of the account's .netrc
        self.session.headers["User-Agent"] = "second-opinion check"
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def get(self, path: str, accept: str) -> Heard:
        """The answer to one GET of `path` below the base. Raises nothing of the network's."""
        url = f"{self.base}/{path}"
        for _ in range(REDIRECTS):
            try:
                with self.session.get(
                    url, headers={"Accept": accept}, timeout=TIMEOUT, allow_redirects=False, stream=True
                ) as answer:
                    body = _limited(answer)
            except requests.RequestException as problem:
                return Heard(trouble=_trouble(problem))
            target = answer.headers.get("Location") if answer.is_redirect else None
            if target is None:
                kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                return Heard(answer.status_code, kind, body)
            whole = urljoin(url, target)
            if _origin(whole) != _origin(url):
                return Heard(answer.status_code, moved_to=whole.partition("?")[0])
            url = whole
        return Heard(trouble="it sends us in circles")


def is_loopback(host: str) -> bool:
    """Is this host this machine itself?"""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _limited(answer: requests.Response) -> bytes:
    parts = bytearray()
    for part in answer.iter_content(65536):
        parts += part
        if len(parts) > LARGEST:
            break
    return bytes(parts)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    return parts.scheme, parts.hostname, port or {"http": 80, "https": 443}.get(parts.scheme)


def _trouble(problem: requests.RequestException) -> str:
    if isinstance(problem, requests.exceptions.SSLError):
        return "its certificate is not trusted here"
    if isinstance(problem, requests.ConnectTimeout):
        return f"nothing answers there within {TIMEOUT[0]:.0f} seconds"
    if isinstance(problem, requests.Timeout) or "Read timed out" in str(problem):
        return f"it did not answer within {TIMEOUT[1]:.0f} seconds"
    if isinstance(problem, NO_REQUEST):
        return "that is no web address"
    if isinstance(problem, requests.ConnectionError):
        return "it cannot be reached"
    return "its answer broke off or cannot be read"
