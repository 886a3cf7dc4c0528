"""HTTP below the chart: one base address that no request leaves, and writes that are sent exactly once.

The session signs and refreshes; a token of ours must never reach another host, so redirects are not followed by it.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

import requests

from fhir.answers import refusal, translated
from fhir.errors import ChartRefused, ChartUnavailable, ChartUnclear
from fhir.references import type_and_id

__all__ = ["FHIR_JSON", "Answer", "Wire", "below", "type_and_id"]

FHIR_JSON = "application/fhir+json"
LARGEST_ANSWER = 64 * 1024 * 1024
LONGEST_ANSWER = 120.0
NOT_FROM_MEMORY = {"Cache-Control": "no-cache"}
"""HAPI answers the same search from memory for a minute: a look after a write would find what stood there before it."""

REDIRECTS = 3
PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Answer:
    """A successful answer: its status, headers and body, complete or (after a write) as much as arrived."""

    status: int
    headers: requests.structures.CaseInsensitiveDict[str]
    body: bytes

    def json(self) -> Any:
        """The body parsed. Raises ValueError."""
        return json.loads(self.body)


class Wire:
    """One chart's address and the session that opens it.

    `timeout` is in seconds without a byte; an answer that drips for longer than two minutes in all is given up too.
    """

    def __init__(self, base: str, session: requests.Session, timeout: float) -> None:
        self.base = base.rstrip("/")
        self._session = session
        self._timeout = (min(timeout, 5.0), timeout)

    def url(self, address: str) -> str:
        """The absolute address. Raises ChartRefused where it would leave the base: the token stays home."""
        whole = urljoin(self.base + "/", address)
        if not below(self.base, whole):
            raise ChartRefused("The chart pointed to an address outside itself; we did not go there.")
        return whole

    def get(self, address: str, *, accept: str = FHIR_JSON) -> Answer:
        """A read. Redirects are followed only while they stay below the base."""
        url = self.url(address)
        for _ in range(REDIRECTS):
            with translated(writing=False):
                response = self._session.get(
                    url,
                    headers={"Accept": accept, "Accept-Charset": "utf-8", **NOT_FROM_MEMORY},
                    timeout=self._timeout,
                    allow_redirects=False,
                    stream=True,
                )
                body = _body(response)
            if response.is_redirect:
                url = self.url(urljoin(url, response.headers["Location"]))
                continue
            if not response.ok or 300 <= response.status_code < 400:
                raise refusal(response.status_code, response.headers, body, writing=False)
            return Answer(response.status_code, response.headers, body)
        raise ChartRefused("The chart sent us in circles.")

    def write(self, method: str, address: str, resource: Any, headers: dict[str, str] | None = None) -> Answer:
        """One request, never repeated; no body for None. Raises ChartUnclear where it may have been done."""
        url = self.url(address)
        content = None
        if resource is not None:
            content = json.dumps(resource, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        with translated(writing=True):
            response = self._session.request(
                method,
                url,
                data=content,
                headers={"Accept": FHIR_JSON, **({"Content-Type": FHIR_JSON} if content else {}), **(headers or {})},
                timeout=self._timeout,
                allow_redirects=False,
                stream=True,
            )
        try:
            body = _body(response)
        except (requests.RequestException, ChartUnavailable):
            body = b""  # status and Location have arrived: a cut body takes nothing away from them
        if not 200 <= response.status_code < 300:
            raise refusal(response.status_code, response.headers, body, writing=True)
        if response.status_code == 202:
            raise ChartUnclear("The chart took the record to look at later; it may or may not be written.", status=202)
        return Answer(response.status_code, response.headers, body)


def _body(response: requests.Response) -> bytes:
    parts = []
    size = 0
    until = time.monotonic() + LONGEST_ANSWER
    try:
        for part in response.iter_content(65536):
            size += len(part)
            if size > LARGEST_ANSWER:
                raise ChartUnavailable("The chart's answer is larger than we accept.")
            if time.monotonic() > until:
                raise ChartUnavailable("The chart's answer took longer than we wait.")
            parts.append(part)
    finally:
        response.close()
    return b"".join(parts)


def below(base: str, address: str) -> bool:
    """Does the address stay at or below the base: same scheme, host and port, no way up, no user name?"""
    try:
        home, there = urlsplit(base), urlsplit(address)
        same_host = (home.scheme, home.hostname, home.port or PORTS.get(home.scheme)) == (
            there.scheme,
            there.hostname,
            there.port or PORTS.get(there.scheme),
        )
    except ValueError:
        return False
    if not same_host or "@" in there.netloc or "\\" in address:
        return False
    path = unquote(unquote(there.path))
    if ".." in path.split("/") or "\\" in path:
        return False
    root = unquote(home.path).rstrip("/")
    return path == root or path.startswith(root + "/")
