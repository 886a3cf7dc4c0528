"""Our own key to a chart, for work done when nobody is present: SMART Backend Services (App Launch 2.2).

Rule: the token lives in memory only and is fetched again before it ends, or once after a 401.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import requests

from launch.client import signing_alg, token_request
from launch.clock import Clock
from launch.discovery import discover
from launch.errors import LaunchRefused
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.scopes import granted_scopes
from launch.tokens import TokenSession


class BackendSession(TokenSession):
    """A `requests.Session` that signs as this installation. Made by `backend_session`."""

    requested: tuple[str, ...] = ()
    _lock: threading.RLock

    def granted(self) -> tuple[str, ...]:
        """The scopes of the token held; fetches one if there is none. Raises as every request of this session."""
        if not self.token:
            self._renew("")
        return granted_scopes(dict(self.token), self.requested)

    def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        """As `requests`. Raises LaunchRefused, TokenUnavailable, UnsafeAddress."""
        if not self.token and not kwargs.get("withhold_token") and kwargs.get("auth") is None:
            self._renew("")
        return super().request(method, url, *args, **kwargs)

    def _renew(self, stale: str) -> None:
        with self._lock:
            if self._access() != stale:
                return
            held = self.token
            try:
                with token_request():
                    self.fetch_token(
                        self.metadata["token_endpoint"],
                        grant_type="client_credentials",
                        scope=" ".join(self.requested),
                    )
            except Exception:
                self.token = held
                raise

    def _can_renew(self) -> bool:
        return True


def backend_session(
    issuer: Issuer, *, keys: Keys | None, http: Outbound, now: Clock | datetime, scopes: Iterable[str] | None = None
) -> requests.Session:
    """A session for the chart of `issuer`, as the system. Reads the configuration now and takes a token when needed.

    Raises DiscoveryFailed, UnsafeAddress. Requests raise LaunchRefused (`invalid_client`: keys or registration),
    TokenUnavailable, UnsafeAddress; all of them before anything was sent to the chart.
    """
    if issuer.auth == "none":
        raise LaunchRefused("A public client cannot sign in as the system.", reason="invalid_client")
    configuration = discover(issuer.iss, http=http, client_id=issuer.client_id, allowed=issuer.origins)
    session = BackendSession(
        issuer,
        configuration.token_endpoint,
        keys=keys,
        http=http,
        now=now,
        alg=signing_alg(issuer, configuration),
        origins=(issuer.iss, configuration.token_endpoint),
    )
    session._lock = threading.RLock()
    session.requested = tuple(issuer.scopes if scopes is None else scopes)
    result: requests.Session = session
    return result
