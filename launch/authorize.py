"""From a launch to a grant: `begin` sends the browser away, `complete` receives it back.

Rule: PKCE S256, state and nonce always; the caller keeps `Pending` under its state and deletes it when it takes it,
which is what makes a state good for once. SMART App Launch 2.2; OpenID Connect Core 1.0; RFC 7636, RFC 9207.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from launch.client import Client, refusal, same_secret, signing_alg, token_request
from launch.clock import Clock, moment
from launch.context import LaunchContext, read_context
from launch.discovery import Configuration, discover, discover_openid
from launch.errors import DiscoveryFailed, IdentityRejected, LaunchExpired, LaunchRefused, UntrustedIssuer
from launch.identity import Identity, verify
from launch.issuers import Issuer, normalised
from launch.keys import Keys
from launch.outbound import Outbound
from launch.scopes import granted_scopes, missing_scopes

PATIENCE = timedelta(minutes=10)
"""How long a person may take to sign in."""

LONGEST_URL = 2000
"""Characters of an address that every server takes: some stop at 2,048 (Internet Information Services, by default)."""

_SKEW = timedelta(minutes=1)
_OURS = frozenset(
    {
        *("state", "client_id", "response_type", "response_mode", "code_verifier", "code_challenge"),
        *("code_challenge_method", "url", "redirect_uri", "scope", "nonce", "aud", "launch", "request", "request_uri"),
    }
)
_CONTEXT_SCOPES = {"launch": "", "launch/patient": "patient", "launch/encounter": "encounter"}


@dataclass(frozen=True)
class Pending:
    """A launch under way. It holds secrets: keep it on the server, never in a cookie or a page."""

    state: str
    iss: str
    code_verifier: str = field(repr=False)
    nonce: str | None = field(repr=False)
    redirect_uri: str
    token_endpoint: str
    started_at: datetime
    client_id: str
    scopes: tuple[str, ...]
    openid: bool = False  # a sign-in without a chart
    ehr_launch: bool = False
    max_age: int | None = None  # seconds since the person last signed in, where that was asked

    def to_json(self) -> str:
        """One line of JSON, for the store."""
        return json.dumps({**asdict(self), "started_at": self.started_at.isoformat()})

    @classmethod
    def from_json(cls, text: str) -> Pending:
        """The same record again. Raises LaunchExpired for something that is none."""
        try:
            fields = json.loads(text)
            started_at = datetime.fromisoformat(fields.pop("started_at"))
            return cls(**{**fields, "scopes": tuple(fields["scopes"]), "started_at": started_at})
        except (ValueError, TypeError, KeyError, AttributeError) as problem:
            raise LaunchExpired("The launch under way cannot be read. Please launch again.") from problem


@dataclass(frozen=True)
class Begun:
    """Where to send the browser, and what to keep meanwhile under `pending.state`.

    `form` is None where a redirect to `url` will do; else the launch is so long that the browser must send it as a
    form: (address, fields) of a POST (SMART App Launch 2.2, capability `authorize-post`).
    """

    url: str = field(repr=False)
    pending: Pending
    form: tuple[str, tuple[tuple[str, str], ...]] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Grant:
    """What came back. `missing` names the scopes that were asked and not granted: those steps must be switched off."""

    token: dict[str, Any] = field(repr=False)
    context: LaunchContext
    identity: Identity | None
    granted: tuple[str, ...]
    missing: tuple[str, ...]


def begin(
    issuer: Issuer,
    *,
    launch: str | None,
    redirect_uri: str = "",
    http: Outbound,
    now: Clock | datetime,
    scopes: Iterable[str] | None = None,
    extra: Mapping[str, str] | None = None,
    openid: bool = False,
) -> Begun:
    """Start an EHR launch (`launch` as received), a standalone launch (None), or with `openid` a sign-in.

    `issuer` comes from `Issuers.trusted`. `extra` adds parameters such as `prompt`, `login_hint` or `max_age`, and
    cannot change ours; a `max_age` is held against the answer. In a standalone launch a patient is asked for where
    one signs in, and where a clinician's EHR offers to pick one (`context-standalone-patient`).
    Raises DiscoveryFailed, UnsafeAddress.
    """
    if not (redirect_uri or issuer.redirect_uri):
        raise ValueError("begin needs the address the browser comes back to")
    configuration = _configuration(issuer, http, openid=openid)
    if not configuration.authorization_endpoint:
        raise DiscoveryFailed("The configuration names no authorisation endpoint.")
    picks = "context-standalone-patient" in configuration.capabilities
    asked = _scopes(issuer, scopes, launch=launch, openid=openid, picks=picks)
    added = {name: value for name, value in (extra or {}).items() if name not in _OURS}
    pending = Pending(
        state=secrets.token_urlsafe(32),
        iss=issuer.iss,
        code_verifier=secrets.token_urlsafe(64),
        nonce=secrets.token_urlsafe(32) if "openid" in asked else None,
        redirect_uri=redirect_uri or issuer.redirect_uri,
        token_endpoint=configuration.token_endpoint,
        started_at=moment(now),
        client_id=issuer.client_id,
        scopes=asked,
        openid=openid,
        ehr_launch=launch is not None,
        max_age=int(added["max_age"]) if added.get("max_age", "").isdecimal() else None,
    )
    parameters: dict[str, str | None] = {
        **added,
        "redirect_uri": pending.redirect_uri,
        "scope": " ".join(asked),
        "nonce": pending.nonce,
        "aud": None if openid else issuer.iss,
        "launch": None if openid else launch,
    }
    # A public client asks for the address alone: nothing is signed here and no secret is needed.
    client = Client(replace(issuer, auth="none"), configuration.token_endpoint, keys=None, http=http, now=now)
    url, _ = client.create_authorization_url(
        configuration.authorization_endpoint,
        state=pending.state,
        code_verifier=pending.code_verifier,
        **parameters,
    )
    long = launch is not None and len(url) > LONGEST_URL and "authorize-post" in configuration.capabilities
    return Begun(url, pending, _as_form(url, configuration.authorization_endpoint) if long else None)


def _as_form(url: str, endpoint: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The same request for a form. What the endpoint's own address carries stays in it."""
    own = parse_qsl(urlsplit(endpoint).query, keep_blank_values=True)
    return endpoint, tuple(parse_qsl(urlsplit(url).query, keep_blank_values=True)[len(own) :])


def complete(
    issuer: Issuer,
    pending: Pending,
    parameters: Mapping[str, str],
    *,
    keys: Keys | None,
    http: Outbound,
    now: Clock | datetime,
) -> Grant:
    """Check what came back with the browser, exchange the code, read the context and prove who is there.

    Raises LaunchExpired (state, age), LaunchRefused (the server's error, no code, mixed-up issuer, refused exchange),
    TokenUnavailable, DiscoveryFailed, IdentityRejected. The message never holds a code, token or state.
    """
    _check_return(issuer, pending, parameters, moment(now))
    configuration = _configuration(issuer, http, openid=pending.openid)
    _check_answering(parameters.get("iss"), configuration, pending)
    alg = signing_alg(issuer, configuration)
    client = Client(issuer, pending.token_endpoint, keys=keys, http=http, now=now, alg=alg)
    with token_request():
        answer = client.fetch_token(
            pending.token_endpoint,
            grant_type="authorization_code",
            code=parameters["code"],
            code_verifier=pending.code_verifier,
            redirect_uri=pending.redirect_uri,
        )
    token = dict(answer)
    identity = _identity(token, issuer, pending, configuration, http, now)
    context = read_context(token)
    if identity is not None and identity.fhir_user is not None:
        context = replace(context, fhir_user=identity.fhir_user)
    granted = granted_scopes(token, pending.scopes)
    missing = missing_scopes(pending.scopes, granted)
    return Grant(token, context, identity, granted, tuple(s for s in missing if not _had(s, token, identity)))


def _check_answering(answering: str | None, configuration: Configuration, pending: Pending) -> None:
    """A server that says it names itself must (RFC 9207 section 2.4); one that names another is another."""
    if answering is None and configuration.names_itself:
        raise LaunchRefused("The answer does not say which server it comes from.", reason="issuer_missing")
    if answering is not None and answering.rstrip("/") not in (
        configuration.issuer.rstrip("/"),
        pending.iss.rstrip("/"),
    ):
        raise LaunchRefused("The answer comes from another server than the one asked.", reason="issuer_mismatch")


def _check_return(issuer: Issuer, pending: Pending, parameters: Mapping[str, str], at: datetime) -> None:
    if normalised(issuer.iss) != normalised(pending.iss) or issuer.client_id != pending.client_id:
        raise UntrustedIssuer("The launch was begun with another issuer.")
    if not same_secret(parameters.get("state", ""), pending.state):
        raise LaunchExpired("This launch is not known. Please launch again from the chart.")
    if not -_SKEW <= at - pending.started_at <= PATIENCE:
        raise LaunchExpired("This launch took too long. Please launch again from the chart.")
    if parameters.get("error"):
        raise refusal(parameters["error"], parameters.get("error_description"), parameters.get("error_uri"))
    if not parameters.get("code"):
        raise LaunchRefused("The authorisation server sent no code.", reason="no_code")


def _identity(
    token: dict[str, Any],
    issuer: Issuer,
    pending: Pending,
    configuration: Configuration,
    http: Outbound,
    now: Clock | datetime,
) -> Identity | None:
    """A token sent is a token checked, asked for or not; a sign-in without one is no sign-in."""
    id_token = token.get("id_token")
    if id_token is None:
        if pending.openid:
            raise IdentityRejected("The sign-in service sent no id_token.")
        return None
    return verify(
        id_token,
        configuration,
        client_id=issuer.client_id,
        nonce=pending.nonce,
        http=http,
        now=now,
        access_token=str(token.get("access_token", "")),
        max_age=pending.max_age,
    )


def _configuration(issuer: Issuer, http: Outbound, *, openid: bool) -> Configuration:
    if openid:
        return discover_openid(issuer.iss, http=http, allowed=issuer.origins)
    return discover(issuer.iss, http=http, client_id=issuer.client_id, allowed=issuer.origins)


def _scopes(
    issuer: Issuer, scopes: Iterable[str] | None, *, launch: str | None, openid: bool, picks: bool
) -> tuple[str, ...]:
    """The scopes of the registration, with the one that this kind of launch cannot do without."""
    asked = [scope for scope in (issuer.scopes if scopes is None else scopes) if scope != "launch"]
    if openid:
        needed = ["openid", "profile"] if not asked else ["openid"]
    elif launch is not None:
        needed = ["launch"]
    else:
        needed = ["launch/patient"] if issuer.audience == "patient" or picks else []
    return tuple(dict.fromkeys((*needed, *asked)))


def _had(scope: str, token: dict[str, Any], identity: Identity | None) -> bool:
    """Some servers grant these without naming them: what counts is that the thing itself came."""
    if scope in _CONTEXT_SCOPES:
        member = _CONTEXT_SCOPES[scope]
        return bool(token.get(member)) if member else any(token.get(m) for m in ("patient", "encounter"))
    if scope in ("offline_access", "online_access"):
        return "refresh_token" in token
    if scope == "fhirUser":
        return identity is not None and identity.fhir_user is not None
    return scope in ("openid", "profile") and identity is not None
