"""Public documents of other servers (configurations, key sets, styles), read and kept as long as HTTP lets us.

Rule: a document that could not be used is not remembered, and one that is too old is asked for again with the
validators it came with (RFC 9110 section 13, RFC 9111 sections 4 and 5).
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from launch.errors import AnswerUnusable
from launch.outbound import LARGEST_ANSWER

LIFETIME = 3600.0
"""Seconds a document is kept whose server does not say: servers ask not to be read at every launch."""

SHORTEST = 60.0
"""Seconds a document is kept whatever its server says, since one launch needs the same document several times."""

LONGEST = 86_400.0
"""Seconds after which it is asked for again whatever its server says."""

KEPT_AT_MOST = 1000
_DIRECTIVES = ("max-age", "stale-if-error")
_VALIDATORS = {"If-None-Match": "ETag", "If-Modified-Since": "Last-Modified"}
_CONDITIONS = frozenset(_VALIDATORS)
T = TypeVar("T")


@dataclass(frozen=True)
class Fetched:
    """One answer: `document` is None where the server says that nothing changed (304)."""

    document: dict[str, Any] | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def read_json(http: requests.Session, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
    """GET one JSON object. Raises AnswerUnusable (with the HTTP status where there was one) or UnsafeAddress."""
    document = fetch_json(http, url, headers).document
    if document is None:
        raise AnswerUnusable(f"{urlsplit(url).hostname} answered with status 304.", status=304)
    return document


def fetch_json(http: requests.Session, url: str, headers: Mapping[str, str] | None = None) -> Fetched:
    """GET one JSON object, with the headers of its answer. Raises as `read_json`, which is for a single reading."""
    host = urlsplit(url).hostname
    status, got, body = fetch(http, url, {"Accept": "application/json", **(headers or {})})
    if status == requests.codes.not_modified and not _CONDITIONS.isdisjoint(headers or ()):
        return Fetched(None, got)
    if status != requests.codes.ok:
        raise AnswerUnusable(f"{host} answered with status {status}.", status=status)
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise AnswerUnusable(f"{host} did not answer with JSON.", status=status) from problem
    if not isinstance(answer, dict):
        raise AnswerUnusable(f"{host} did not answer with a JSON object.", status=status)
    return Fetched(answer, got)


def fetch(http: requests.Session, url: str, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str], bytes]:
    """GET: status, headers and a body of bearable size. Raises AnswerUnusable, UnsafeAddress."""
    try:
        with http.get(url, headers=dict(headers), stream=True) as response:
            return response.status_code, response.headers, _body(response)
    except requests.RequestException as problem:
        name = type(problem).__name__
        raise AnswerUnusable(f"{urlsplit(url).hostname} cannot be reached ({name}).") from problem


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(65536):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise AnswerUnusable(f"The answer is larger than {LARGEST_ANSWER} bytes.", status=response.status_code)
    return bytes(body)


@dataclass(frozen=True)
class _Kept(Generic[T]):
    made: T
    fresh_until: float
    bearable_until: float  # past this it is not even used while the server is in trouble
    headers: Mapping[str, str] = field(default_factory=dict)


class Documents(Generic[T]):
    """What was made of documents, under keys of the caller's choice. Threads may share it; one reads, others wait.

    `bears`: seconds past its time for which a document still serves while its server is in trouble, where the server
    does not say (`stale-if-error`, RFC 5861). Wrong for keys, which may have been withdrawn.
    """

    def __init__(self, *, bears: float = 0.0) -> None:
        self._bears = bears
        self._kept: dict[Hashable, _Kept[T]] = {}
        self._locks: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(
        self,
        key: Hashable,
        read: Callable[[Mapping[str, str]], Fetched],
        make: Callable[[dict[str, Any]], T],
        *,
        clock: Callable[[], float] = time.monotonic,
        again: bool = False,
    ) -> T:
        """What is kept under `key`, or what `read` (given the validators) brings and `make` makes of it.

        `again`: read it now, however young it is. Raises whatever `read` and `make` raise.
        """
        kept = self._kept.get(key)
        if kept is not None and not again and clock() < kept.fresh_until:
            return kept.made
        with self._lock_of(key):
            newer = self._kept.get(key)
            if newer is not None and newer is not kept and clock() < newer.fresh_until:
                return newer.made  # another thread has just read it
            try:
                fetched = read(_validators(kept.headers) if kept is not None else {})
            except AnswerUnusable as problem:
                if kept is not None and not again and _in_trouble(problem) and clock() < kept.bearable_until:
                    return kept.made
                raise
            return self._keep(key, kept, fetched, make, clock())

    def _keep(
        self, key: Hashable, kept: _Kept[T] | None, fetched: Fetched, make: Callable[[dict[str, Any]], T], at: float
    ) -> T:
        if fetched.document is not None:
            headers = CaseInsensitiveDict(fetched.headers)
            made = make(fetched.document)
        elif kept is not None:
            headers = CaseInsensitiveDict(kept.headers)
            headers.update(fetched.headers)  # RFC 9111 section 3.2
            made = kept.made
        else:
            raise AnswerUnusable("The server says that nothing changed, of a document never read.", status=304)
        lifetime, bears = lifetimes(headers, self._bears)
        new = _Kept(made, at + lifetime, at + lifetime + bears, headers)
        with self._lock:
            if len(self._kept) >= KEPT_AT_MOST:
                self._kept.clear()
                self._locks.clear()
            self._kept[key] = new
        return new.made

    def _lock_of(self, key: Hashable) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(key, threading.Lock())

    def forget(self) -> None:
        """Keep nothing, e.g. after a hospital has changed its endpoints."""
        with self._lock:
            self._kept.clear()


def lifetimes(headers: Mapping[str, str], bears: float = 0.0) -> tuple[float, float]:
    """Seconds a document is fresh, and seconds after that for which it may serve while the server is in trouble."""
    said: dict[str, float] = {}
    control = [part.strip().lower() for part in headers.get("Cache-Control", "").split(",")]
    for part in control:
        name, _, value = part.partition("=")
        if name in _DIRECTIVES and value.strip('"').isdecimal():
            said[name] = float(value.strip('"')[:9])
    if "no-store" in control or "no-cache" in control:
        fresh = 0.0
    elif "max-age" in said:
        age = headers.get("Age", "0")
        fresh = said["max-age"] - (float(age[:9]) if age.isdecimal() else 0.0)
    else:
        fresh = _until_expiry(headers)
    return min(max(fresh, SHORTEST), LONGEST), min(said.get("stale-if-error", bears), LONGEST)


def _until_expiry(headers: Mapping[str, str]) -> float:
    if "Expires" not in headers:
        return LIFETIME
    try:
        lasts = parsedate_to_datetime(headers["Expires"]) - parsedate_to_datetime(headers["Date"])
        return lasts.total_seconds()
    except (ValueError, TypeError, KeyError, OverflowError):
        return 0.0  # "0" and other nonsense mean: already over (RFC 9111 section 5.3)


def _validators(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[said] for name, said in _VALIDATORS.items() if headers.get(said)}


def _in_trouble(problem: AnswerUnusable) -> bool:
    return problem.status is None or problem.status >= 500 or problem.status == requests.codes.too_many
