"""What we ask a token endpoint's neighbours: is this token still good (RFC 7662), and take it back (RFC 7009).

Rule: a server that offers neither is no fault, and taking back is a courtesy that never stops somebody from leaving.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import requests

from launch.client import Client, refusal, signing_alg
from launch.clock import Clock
from launch.context import LaunchContext, read_context
from launch.discovery import Configuration
from launch.errors import LaunchRefused, TokenUnavailable, UnsafeAddress
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.scopes import read_scope


@dataclass(frozen=True)
class Introspection:
    """What the server says of a token now. Everything but `active` is empty for a token that is not."""

    active: bool
    scopes: tuple[str, ...] = ()
    client_id: str = ""
    expires: datetime | None = None
    subject: str = ""
    context: LaunchContext = field(default_factory=LaunchContext)
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def introspect(
    issuer: Issuer,
    configuration: Configuration,
    token: dict[str, Any],
    *,
    keys: Keys | None,
    http: Outbound,
    now: Clock | datetime,
    endpoint: str = "",
) -> Introspection | None:
    """Ask whether the access token still holds, with its context (SMART App Launch 2.2, token introspection).

    None where the server offers no introspection; `endpoint` names one that is there and not advertised (Epic's).
    Raises LaunchRefused, TokenUnavailable, UnsafeAddress.
    """
    url = http.check(endpoint) if endpoint else configuration.introspection_endpoint
    access = token.get("access_token")
    if not url or not access:
        return None
    with _client(issuer, configuration, keys, http, now) as client, _wire():
        return read_introspection(client.introspect_token(url, token=access))


def read_introspection(answer: requests.Response) -> Introspection:
    """Read one answer. Raises LaunchRefused (the server's, or for a context that holds no ids), TokenUnavailable."""
    try:
        body = answer.json()
    except (ValueError, RecursionError):
        body = None
    status, said = answer.status_code, body if isinstance(body, dict) else {}
    if 400 <= status < 500 and status != requests.codes.too_many:
        raise refusal(said.get("error"), said.get("error_description"), said.get("error_uri"), f"status_{status}")
    if status != requests.codes.ok or not isinstance(said.get("active"), bool):
        raise TokenUnavailable(f"The introspection endpoint gave no answer (status {status}).", status=status)
    if not said["active"]:
        return Introspection(active=False)
    return Introspection(
        active=True,
        scopes=read_scope(said.get("scope")) or (),
        client_id=_text(said.get("client_id")),
        expires=_moment(said.get("exp")),
        subject=_text(said.get("sub")),
        context=read_context(said),
        raw=said,
    )


def revoke(
    issuer: Issuer,
    configuration: Configuration,
    token: dict[str, Any],
    *,
    keys: Keys | None,
    http: Outbound,
    now: Clock | datetime,
) -> bool:
    """Hand the grant back when a person leaves; True if the server took what keeps it alive.

    The refresh token first, which should end the access token with it; then the access token, which some servers end
    only by its time (Oracle). Raises nothing: the tokens are forgotten here whatever the server says.
    """
    endpoint = configuration.revocation_endpoint
    held = [(name, token[name]) for name in ("refresh_token", "access_token") if token.get(name)]
    if not endpoint or not held:
        return False
    try:
        with _client(issuer, configuration, keys, http, now) as client:
            taken = [client.revoke_token(endpoint, token=secret, token_type_hint=name).ok for name, secret in held]
    except (requests.RequestException, UnsafeAddress, LaunchRefused):
        return False
    return bool(taken[0])


@contextmanager
def _client(
    issuer: Issuer, configuration: Configuration, keys: Keys | None, http: Outbound, now: Clock | datetime
) -> Iterator[Client]:
    alg = signing_alg(issuer, configuration)
    with Client(issuer, configuration.token_endpoint, keys=keys, http=http, now=now, alg=alg) as client:
        client.revocation_endpoint_auth_method = issuer.auth  # authlib takes it for both endpoints
        yield client


@contextmanager
def _wire() -> Iterator[None]:
    try:
        yield
    except requests.RequestException as problem:
        raise TokenUnavailable(f"The introspection endpoint cannot be reached ({type(problem).__name__}).") from problem


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _moment(value: object) -> datetime | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        return None
