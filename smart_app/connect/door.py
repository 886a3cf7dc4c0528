"""One issuer from outside: is it there, what does it say of itself, and can it do what its audience needs?

Rule: what the server leaves unsaid is no fault; only what it says against us is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.exceptions import ConnectTimeout, ReadTimeout, SSLError

from launch.discovery import SMART, Configuration, discover
from launch.errors import DiscoveryFailed, Redirected, UnsafeAddress
from launch.issuers import Issuer
from launch.outbound import LARGEST_ANSWER, Outbound
from launch.scopes import covers
from smart_app.connect.finding import Finding
from smart_app.sites import Persona

NEEDED = {
    "clinician": ("launch-ehr", "sso-openid-connect"),
    "patient": ("launch-standalone", "context-standalone-patient"),
    "system": (),
}
"""Capabilities without which that audience cannot come in (SMART App Launch 2.2, conformance)."""
SAYS_SCOPES = 20
"""A list of this many scopes is a list of them all; a shorter one names examples."""


@dataclass(frozen=True)
class Door:
    """What was found at one issuer. `date` is its Date header."""

    findings: tuple[Finding, ...]
    configuration: Configuration | None = None
    date: str = ""


def knock(persona: Persona, issuer: Issuer, http: Outbound) -> Door:
    """Fetch the SMART configuration as it is, without following redirects, and make sense of it. Raises nothing."""
    url = persona.iss.rstrip("/") + SMART
    facts = {"iss": persona.iss, "host": urlsplit(persona.iss).hostname or persona.iss}

    def bad(code: str, **more: str) -> Door:
        return Door((Finding("discovery", "bad", code, persona.audience, {**facts, **more}),))

    try:
        headers = {"Accept": "application/json", "Epic-Client-ID": persona.client_id}
        with http.get(url, headers=headers, allow_redirects=False, stream=True) as answer:
            status, got = answer.status_code, answer.headers
            body = answer.raw.read(LARGEST_ANSWER, decode_content=True)
    except Redirected as elsewhere:
        return bad("discovery-moved", where=elsewhere.where[:200])
    except UnsafeAddress as problem:
        return bad("address-unsafe", why=str(problem))
    except (requests.RequestException, OSError) as problem:
        return bad(_silence(problem))
    if 300 <= status < 400:
        return bad("discovery-moved", where=got.get("Location", "")[:200])
    if status != requests.codes.ok and not (400 <= status < 500):
        return bad("discovery-status", status=str(status))
    if status == requests.codes.ok and not _is_object(body):
        return bad("discovery-no-json")
    try:
        found = discover(issuer.iss, http=http, client_id=issuer.client_id, allowed=issuer.origins)
    except UnsafeAddress as problem:
        return bad("endpoint-unsafe", why=str(problem))
    except DiscoveryFailed as problem:
        return bad("discovery-404" if status == requests.codes.not_found else "discovery-unusable", why=str(problem))
    return Door(
        (Finding("discovery", "good", "discovery-good", persona.audience, facts), *_abilities(persona, found, http)),
        found,
        got.get("Date", ""),
    )


def _silence(problem: Exception) -> str:
    said = str(problem)
    if "NameResolution" in said or "getaddrinfo" in said or "Name or service" in said:
        return "no-such-host"
    if isinstance(problem, SSLError):
        return "certificate"
    if isinstance(problem, ConnectTimeout | ReadTimeout):
        return "no-answer"
    return "no-connection"


def _is_object(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False


def _abilities(persona: Persona, found: Configuration, http: Outbound) -> list[Finding]:
    said = [
        *_capabilities(persona, found),
        *_proof(persona, found),
        *_scopes(persona, found),
    ]
    if persona.audience != "system":
        said += [*_pkce(persona, found), *_their_keys(persona, found, http)]
    return said


def _capabilities(persona: Persona, found: Configuration) -> list[Finding]:
    missing = [name for name in NEEDED[persona.audience] if found.capabilities and name not in found.capabilities]
    if persona.audience != "system" and not found.authorization_endpoint:
        return [Finding("abilities", "bad", "no-authorize", persona.audience)]
    if missing:
        return [Finding("abilities", "bad", "abilities-missing", persona.audience, {"missing": ", ".join(missing)})]
    return []


def _pkce(persona: Persona, found: Configuration) -> list[Finding]:
    methods: Any = found.raw.get("code_challenge_methods_supported")
    if isinstance(methods, list) and methods and "S256" not in methods:
        return [Finding("abilities", "bad", "no-s256", persona.audience)]
    return []


def _proof(persona: Persona, found: Configuration) -> list[Finding]:
    """A public client is often not listed, since "none" is no method of authentication."""
    facts = {"auth": persona.auth, "offered": ", ".join(found.auth_methods)}
    if found.auth_methods and persona.auth != "none" and persona.auth not in found.auth_methods:
        return [Finding("proof", "bad", "proof-not-offered", persona.audience, facts)]
    algs = set(found.signing_algs)
    ours = {persona.signing_alg} if persona.signing_alg else {"RS384", "ES384"}
    if persona.auth == "private_key_jwt" and algs and not ours & algs:
        facts = {"ours": " ".join(sorted(ours)), "offered": ", ".join(sorted(algs))}
        return [Finding("proof", "bad", "alg-not-offered", persona.audience, facts)]
    return []


def _scopes(persona: Persona, found: Configuration) -> list[Finding]:
    """Only a list that names resources in number is taken at its word: Epic's names five scopes and grants dozens."""
    if len([scope for scope in found.scopes if "/" in scope]) < SAYS_SCOPES:
        return []
    unknown = [scope for scope in persona.scopes if scope not in found.scopes and not covers(found.scopes, scope)]
    if not unknown:
        return []
    return [Finding("scopes", "warn", "scopes-not-offered", persona.audience, {"scopes": " ".join(unknown)})]


def _their_keys(persona: Persona, found: Configuration, http: Outbound) -> list[Finding]:
    """Without the server's keys no id_token can be checked, and nobody is let in."""
    if not found.jwks_uri:
        return []  # the keys are then found through the OpenID configuration of its issuer
    facts = {"url": found.jwks_uri}
    try:
        with http.get(found.jwks_uri, headers={"Accept": "application/json"}, stream=True) as answer:
            body = answer.raw.read(LARGEST_ANSWER, decode_content=True)
        rows: Any = json.loads(body).get("keys")
    except (requests.RequestException, UnsafeAddress, OSError, ValueError, AttributeError):
        rows = None
    if isinstance(rows, list) and rows:
        return []
    return [Finding("abilities", "bad", "no-their-keys", persona.audience, facts)]
