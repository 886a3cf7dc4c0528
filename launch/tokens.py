"""A token becomes a `requests.Session` that signs, renews and times out.

Rule: one renewal at a time per grant, the old refresh token is kept unless a new one comes, and only `invalid_grant`
ends a grant. The token is sent to the chart's origin and to nobody else.
"""

from __future__ import annotations

import hashlib
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import requests

from launch.client import Client, signing_alg, token_request
from launch.clock import Clock, moment
from launch.context import SECRETS
from launch.discovery import Configuration
from launch.errors import GrantEnded, LaunchRefused, TokenUnavailable
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound

LEEWAY = 60
"""Seconds before its end at which a token is renewed; less for one that lives only minutes."""

LOOKS = (0.0, 0.2, 0.5, 1.0)
"""Pauses, in seconds, before each look for a token that another process has just renewed."""


def open_session(
    issuer: Issuer,
    configuration: Configuration | str,
    token: dict[str, Any],
    *,
    keys: Keys | None,
    http: Outbound,
    now: Clock | datetime,
    on_update: Callable[[dict[str, Any]], None] | None = None,
    reread: Callable[[], dict[str, Any] | None] | None = None,
    origins: Iterable[str] = (),
) -> requests.Session:
    """A session for the chart of `issuer`, signed with `token` and renewed as long as the grant lives.

    `configuration` may be just the token endpoint. `on_update` must keep the new token before it returns: it is
    called inside the lock, before the token is used. `reread` answers the token kept now, so that two processes do
    not both spend one refresh token. `origins` adds servers named by the chart that take the same token.

    Requests raise GrantEnded (launch again), TokenUnavailable (try later), UnsafeAddress. Only GET and HEAD are
    repeated after a passing fault. A 401 is repeated once with a new token whatever the method, since it says that
    nothing was done (RFC 9110 section 15.5.2).
    """
    endpoint = configuration if isinstance(configuration, str) else configuration.token_endpoint
    alg = "" if isinstance(configuration, str) else signing_alg(issuer, configuration)
    session = _GrantSession(
        issuer,
        endpoint,
        keys=keys,
        http=http,
        now=now,
        alg=alg,
        origins=(issuer.iss, endpoint, *origins),
        token=_for_use(token),
    )
    session.on_update = on_update
    session.reread = reread
    result: requests.Session = session
    return result


class TokenSession(Client, ABC):
    """A client whose requests carry a token. What a new token is, the kinds below decide in `_renew`."""

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """As `requests`, and once more with a new token after a 401."""
        response: requests.Response = super().request(method, url, *args, **kwargs)
        ours = not kwargs.get("withhold_token") and kwargs.get("auth") is None
        if response.status_code != requests.codes.unauthorized or not ours or not _repeatable(kwargs):
            return response
        used = response.request.headers.get("Authorization", "").partition(" ")[2]
        response.close()
        self._renew(used)
        again: requests.Response = super().request(method, url, *args, **kwargs)
        return again

    def ensure_active_token(self, token: object = None) -> bool:  # noqa: ARG002  (authlib hands in what we hold)
        """Called by authlib before each signed request."""
        left = self._seconds_left()
        if left is None or left > self._margin() or (left > 0 and not self._can_renew()):
            return True
        try:
            self._renew(self._access())
        except TokenUnavailable:
            if left <= 0:
                raise
        return True

    @abstractmethod
    def _renew(self, stale: str) -> None:
        """Hold a token other than `stale` afterwards. Raises GrantEnded, TokenUnavailable."""

    @abstractmethod
    def _can_renew(self) -> bool:
        """Is there any way to another token?"""

    def _access(self) -> str:
        return str(self.token["access_token"]) if self.token else ""

    def _seconds_left(self) -> float | None:
        """None where the server does not say how long it lives."""
        expires_at = self.token.get("expires_at") if self.token else 0
        if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
            return None
        return float(expires_at) - moment(self.now).timestamp()

    def _margin(self) -> float:
        lifetime = self.token.get("expires_in") if self.token else None
        return min(LEEWAY, lifetime / 4) if isinstance(lifetime, int | float) else LEEWAY


class _GrantSession(TokenSession):
    """A person's grant, renewed by its refresh token."""

    on_update: Callable[[dict[str, Any]], None] | None = None
    reread: Callable[[], dict[str, Any] | None] | None = None

    def _renew(self, stale: str) -> None:
        with _lock_of(self.metadata["token_endpoint"], self.token):
            if self._access() != stale or self._adopt_kept(stale):
                return
            held = dict(self.token)
            refresh_token = held.get("refresh_token")
            if not refresh_token:
                raise GrantEnded("The time allowed by the chart is over. Please launch again.")
            try:
                with token_request():
                    answer = dict(self.refresh_token(self.metadata["token_endpoint"], refresh_token=refresh_token))
            except LaunchRefused as refused:
                self.token = held
                if refused.reason != "invalid_grant":
                    raise TokenUnavailable(f"The token could not be renewed ({refused.reason}).") from refused
                if self._adopt_soon(stale):
                    return
                raise GrantEnded("The chart has ended this grant. Please launch again.", by_chart=True) from refused
            self._keep(held, answer)

    def _can_renew(self) -> bool:
        return bool(self.token.get("refresh_token"))

    def _keep(self, held: dict[str, Any], answer: dict[str, Any]) -> None:
        """A renewal may leave the launch context out, and may not change it (SMART 2.2: context is fixed)."""
        if answer.get("patient") and held.get("patient") and answer["patient"] != held["patient"]:
            self.token = held
            raise GrantEnded("The chart now names another patient. Please launch again.", by_chart=True)
        carried = {name: value for name, value in held.items() if name not in _OF_ONE_ANSWER}
        fresh = {**carried, **answer}
        if self.on_update is not None:
            self.on_update(dict(fresh))
        self.token = fresh

    def _adopt_kept(self, stale: str) -> bool:
        """Another thread or process may have renewed it: then its token is ours too."""
        kept = self.reread() if self.reread is not None else None
        if not kept or not kept.get("access_token") or kept["access_token"] == stale:
            return False
        self.token = _for_use(kept)
        return True

    def _adopt_soon(self, stale: str) -> bool:
        """Another process may have spent the refresh token a moment ago and be about to keep what it got."""
        for pause in LOOKS if self.reread is not None else ():
            time.sleep(pause)
            if self._adopt_kept(stale):
                return True
        return False


_OF_ONE_ANSWER = (SECRETS - {"refresh_token"}) | {"expires_in", "expires_at"}

_locks: weakref.WeakValueDictionary[str, threading.RLock] = weakref.WeakValueDictionary()
_locks_lock = threading.Lock()


def _lock_of(endpoint: str, token: dict[str, Any]) -> Any:
    """One lock per grant, however many sessions were opened on it in this process."""
    secret = str(token.get("refresh_token") or token.get("access_token"))
    name = hashlib.sha256(f"{endpoint} {secret}".encode()).hexdigest()
    with _locks_lock:
        lock = _locks.get(name)
        if lock is None:
            lock = _locks[name] = threading.RLock()
        return lock


def _for_use(token: dict[str, Any]) -> dict[str, Any]:
    """Authlib counts a missing `expires_at` from the wall clock; ours is counted once, where the answer is read."""
    return {name: value for name, value in token.items() if name != "expires_in" or "expires_at" in token}


def _repeatable(kwargs: dict[str, Any]) -> bool:
    """A body that was streamed is gone."""
    body = kwargs.get("data")
    return not kwargs.get("files") and (body is None or isinstance(body, str | bytes | dict | list))
