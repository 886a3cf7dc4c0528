"""Every call that leaves us on the way in. Rule: https to public addresses only, never led elsewhere by a redirect.

In the practice mode loopback, private addresses and http are allowed, since the practice EHR lives there.
"""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Iterable, Mapping
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util.retry import Retry

from launch.errors import AnswerUnusable, UnsafeAddress

TIMEOUT = (5.0, 20.0)
"""Seconds to connect and seconds without a byte, for callers that give none."""

LARGEST_ANSWER = 2_000_000
"""Bytes of the largest configuration or key set that is read (the longest known one has 40,000)."""

PATIENCE = 5
"""Seconds of the longest Retry-After that is waited out here; a longer wait belongs to the caller."""

_PORTS = {"http": 80, "https": 443}


class Outbound(requests.Session):
    """A session that keeps the rule of this module. One per process is enough; threads may share it for plain reads."""

    def __init__(self, *, practice: bool = False, timeout: float | tuple[float, float] = TIMEOUT) -> None:
        super().__init__()
        self.practice = practice
        self.timeout = timeout
        protect(self, practice=practice, timeout=timeout)


def protect(
    session: requests.Session,
    *,
    practice: bool,
    timeout: float | tuple[float, float] = TIMEOUT,
    origins: Iterable[str] | None = None,
) -> None:
    """Put the guard under any session. With `origins` given, requests to every other origin raise UnsafeAddress."""
    allowed = None if origins is None else frozenset(origin(url) for url in origins)
    adapter = _Guard(practice=practice, timeout=timeout, origins=allowed)
    session.adapters.clear()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.max_redirects = 3
    # A session may serve many people one after the other: nobody's cookies are kept.
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    if session.auth is None:
        session.auth = _no_netrc


def origin(url: str) -> str:
    """`scheme://host:port` in lower case, the port always written. Raises UnsafeAddress for anything but http(s)."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as problem:
        raise UnsafeAddress("The address is malformed.") from problem
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UnsafeAddress("The address is not an absolute web address.")
    return f"{parts.scheme}://{parts.hostname.lower()}:{port or _PORTS[parts.scheme]}"


def check_address(url: str, *, practice: bool) -> str:
    """Give back the address if it may be called or shown. Raises UnsafeAddress, which names the host and no more.

    Names are judged again once they are resolved: a public name may point inside.
    """
    where = origin(url)
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise UnsafeAddress(f"The address of {parts.hostname} holds a password.")
    if practice:
        return url
    if not where.startswith("https:"):
        raise UnsafeAddress(f"The address of {parts.hostname} does not use https.")
    host = (parts.hostname or "").rstrip(".").lower()
    if host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or _inside(host):
        raise UnsafeAddress(f"{parts.hostname} is not a public address.")
    return url


def read_json(http: requests.Session, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """GET one JSON object. Raises AnswerUnusable (with the HTTP status where there was one) or UnsafeAddress."""
    host = urlsplit(url).hostname
    try:
        with http.get(url, headers={"Accept": "application/json", **(headers or {})}, stream=True) as response:
            body = _read(response)
            status = response.status_code
    except requests.RequestException as problem:
        raise AnswerUnusable(f"{host} cannot be reached ({type(problem).__name__}).") from problem
    if status != requests.codes.ok:
        raise AnswerUnusable(f"{host} answered with status {status}.", status=status)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise AnswerUnusable(f"{host} did not answer with JSON.", status=status) from problem
    if not isinstance(answer, dict):
        raise AnswerUnusable(f"{host} did not answer with a JSON object.", status=status)
    return answer


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise AnswerUnusable(f"The answer is larger than {LARGEST_ANSWER} bytes.", status=response.status_code)
    return bytes(body)


def _inside(host: str) -> bool:
    """Is this a literal address that is not public? Names are not literal addresses."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            # "127.1", "0x7f000001" and "2130706433" are addresses to the C library though not to Python.
            address = ipaddress.ip_address(socket.inet_aton(host))
        except OSError:
            return False
    mapped = getattr(address, "ipv4_mapped", None)
    return not (mapped or address).is_global or address.is_multicast


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without an auth of its own, requests would look for passwords in the account's .netrc."""
    return request


class _PublicPeer:
    """Judge the address really connected to, before a byte is sent: this is what survives DNS rebinding."""

    host: str

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        if _inside(str(connection.getpeername()[0])):
            connection.close()
            raise UnsafeAddress(f"{self.host} does not resolve to a public address.")
        return connection


class _HTTPPeer(_PublicPeer, HTTPConnection):
    pass


class _HTTPSPeer(_PublicPeer, HTTPSConnection):
    pass


class _HTTPPool(HTTPConnectionPool):
    ConnectionCls = _HTTPPeer


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSPeer


class _Patience(Retry):
    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """A Retry-After that makes no sense is as good as none."""
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):
            return None


class _Guard(HTTPAdapter):
    """Retries are for reads; a write is sent once, since only the caller knows whether it may be sent again."""

    def __init__(self, *, practice: bool, timeout: float | tuple[float, float], origins: frozenset[str] | None) -> None:
        retries = _Patience(
            total=2,
            allowed_methods=frozenset({"GET", "HEAD"}),
            status_forcelist=(429, 502, 503, 504),
            backoff_factor=0.3,
            retry_after_max=PATIENCE,
            raise_on_status=False,
        )
        self.practice, self.timeout, self.origins = practice, timeout, origins
        super().__init__(max_retries=retries)
        if not practice:
            self.poolmanager.pool_classes_by_scheme = {"http": _HTTPPool, "https": _HTTPSPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = check_address(request.url or "", practice=self.practice)
        here = origin(url)
        if self.origins is not None and here not in self.origins:
            raise UnsafeAddress(f"{urlsplit(url).hostname} is not an address this token may be sent to.")
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self.timeout
        response = super().send(request, *args, **kwargs)
        target = response.headers.get("Location")
        if response.is_redirect and target:
            if request.method not in ("GET", "HEAD"):
                raise UnsafeAddress(f"{urlsplit(url).hostname} redirects a {request.method}; that is not followed.")
            if origin(urljoin(url, target)) != here:
                raise UnsafeAddress(f"{urlsplit(url).hostname} redirects to another address; that is not followed.")
        return response
