"""Every call that leaves us on the way in. Rule: https to public addresses only, never led elsewhere by a redirect.

A hospital's own EHR may have a private address: the operator names its origin (`inside`). Loopback and link-local
addresses, where machines keep their own secrets, stay refused even there. In the practice mode loopback, private
addresses and http are allowed, since the practice EHR lives there.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
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

from launch.errors import Redirected, UnsafeAddress

TIMEOUT = (5.0, 20.0)
"""Seconds to connect and seconds without a byte, for callers that give none."""

LARGEST_ANSWER = 2_000_000
"""Bytes of the largest configuration or key set that is read (the longest known one has 40,000)."""

PATIENCE = 5
"""Seconds of the longest Retry-After that is waited out here; a longer wait belongs to the caller."""

_PORTS = {"http": 80, "https": 443}


class Outbound(requests.Session):
    """A session that keeps the rule of this module. One per process is enough; threads may share it for plain reads.

    `inside` names the origins (`https://fhir.hospital.lan`) that may have private addresses.
    """

    def __init__(
        self,
        *,
        practice: bool = False,
        timeout: float | tuple[float, float] = TIMEOUT,
        inside: Iterable[str] = (),
    ) -> None:
        super().__init__()
        self.practice = practice
        self.timeout = timeout
        self.inside = frozenset(origin(url) for url in inside)
        protect(self, practice=practice, timeout=timeout, inside=self.inside)

    def check(self, url: str) -> str:
        """The address, if it may be called. Raises UnsafeAddress."""
        return check_address(url, practice=self.practice, inside=self.inside)


def protect(
    session: requests.Session,
    *,
    practice: bool,
    timeout: float | tuple[float, float] = TIMEOUT,
    origins: Iterable[str] | None = None,
    inside: frozenset[str] = frozenset(),
) -> None:
    """Put the guard under any session. With `origins` given, requests to every other origin raise UnsafeAddress."""
    allowed = None if origins is None else frozenset(origin(url) for url in origins)
    adapter = _Guard(practice=practice, timeout=timeout, origins=allowed, inside=inside)
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
    host = parts.hostname.lower()
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port or _PORTS[parts.scheme]}"


def check_address(url: str, *, practice: bool, inside: frozenset[str] = frozenset()) -> str:
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
    named = where in inside
    if host == "localhost" or host.endswith(".localhost") or (host.endswith((".local", ".internal")) and not named):
        raise UnsafeAddress(f"{parts.hostname} is not a public address.")
    if (literal := _literal(host)) is not None and not _may_be(literal, named=named):
        raise UnsafeAddress(f"{parts.hostname} is not a public address.")
    return url


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def _literal(host: str) -> _Address | None:
    """The address a host name is, where it is one. Names are not literal addresses."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        # "127.1", "0x7f000001" and "2130706433" are addresses to the C library though not to Python.
        return ipaddress.ip_address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _carried(address: _Address) -> _Address:
    """The IPv4 address inside an IPv6 one, where the network would take it out again (mapped, 6to4, NAT64)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _may_be(address: _Address, *, named: bool) -> bool:
    """May this address be called? Private ones only where the operator `named` the origin."""
    address = _carried(address)
    if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return False
    return address.is_global or (named and address.is_private)


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as problem:
        raise UnsafeAddress(f"{urlsplit(url).hostname} redirects to an address that is none.") from problem


def _no_netrc(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Without an auth of its own, requests would look for passwords in the account's .netrc."""
    return request


class _JudgedPeer:
    """Judge the address really connected to, before a byte is sent: this is what survives DNS rebinding."""

    host: str
    port: int
    inside: frozenset[tuple[str, int]] = frozenset()

    def _new_conn(self) -> socket.socket:
        connection: socket.socket = super()._new_conn()  # type: ignore[misc]
        peer = ipaddress.ip_address(str(connection.getpeername()[0]).partition("%")[0])
        if not _may_be(peer, named=(self.host.lower(), self.port) in self.inside):
            connection.close()
            raise UnsafeAddress(f"{self.host} does not resolve to a public address.")
        return connection


def _pools(inside: frozenset[str]) -> dict[str, type[HTTPConnectionPool]]:
    """Connection pools whose connections judge their peer."""
    judged = {"inside": frozenset((parts.hostname or "", parts.port or 0) for parts in map(urlsplit, inside))}
    plain = type("_HTTPPeer", (_JudgedPeer, HTTPConnection), judged)
    secure = type("_HTTPSPeer", (_JudgedPeer, HTTPSConnection), judged)
    return {
        "http": type("_HTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("_HTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }


class _Patience(Retry):
    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """A Retry-After that makes no sense is as good as none."""
        try:
            return super().get_retry_after(response)
        except (InvalidHeader, ValueError, OverflowError):
            return None


class _Guard(HTTPAdapter):
    """Retries are for reads; a write is sent once, since only the caller knows whether it may be sent again."""

    def __init__(
        self,
        *,
        practice: bool,
        timeout: float | tuple[float, float],
        origins: frozenset[str] | None,
        inside: frozenset[str],
    ) -> None:
        retries = _Patience(
            total=2,
            allowed_methods=frozenset({"GET", "HEAD"}),
            status_forcelist=(429, 502, 503, 504),
            backoff_factor=0.3,
            retry_after_max=PATIENCE,
            raise_on_status=False,
        )
        self.practice, self.timeout, self.origins, self.inside = practice, timeout, origins, inside
        super().__init__(max_retries=retries)
        if not practice:
            self.poolmanager.pool_classes_by_scheme = _pools(inside)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        url = check_address(request.url or "", practice=self.practice, inside=self.inside)
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
            there = _joined(url, target)
            if origin(there) != here:
                raise Redirected(f"{urlsplit(url).hostname} redirects to another address; that is not followed.", there)
        return response
