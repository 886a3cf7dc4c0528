"""Who is there, proven by an id_token. Rule: every check of OpenID Connect Core 1.0 section 3.1.3.7, none skipped."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

from launch.clock import Clock, moment
from launch.context import USER_KINDS
from launch.discovery import Configuration, discover_openid
from launch.errors import DiscoveryFailed, IdentityRejected, UnsafeAddress
from launch.issuers import normalised
from launch.outbound import Outbound, origin
from launch.signatures import ALGORITHMS, LONGEST, proven_claims

SKEW = 60
"""Seconds by which clocks may differ."""

_FHIR_USER = re.compile(rf"(?:https?://[^\s?#]+/)?((?:{'|'.join(USER_KINDS)})/[A-Za-z0-9._~-]{{1,256}})")
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


@dataclass(frozen=True)
class Identity:
    """A person, known by `iss` and `sub` together. `fhir_user` is an absolute reference, or None."""

    iss: str
    sub: str
    fhir_user: str | None = None
    name: str = ""
    claims: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


def verify(
    id_token: str,
    configuration: Configuration,
    *,
    client_id: str,
    nonce: str | None,
    http: Outbound,
    now: Clock | datetime,
    access_token: str = "",
    max_age: int | None = None,
) -> Identity:
    """The person this token proves. Raises IdentityRejected naming the failed check, or DiscoveryFailed without keys.

    `nonce` is the one sent with the authorisation request; None only where none was sent. `access_token` is the one
    that came along, held against `at_hash`. `max_age`: seconds since the person last signed in, where that was asked.
    """
    header, unproven = _peek(id_token)
    configuration = _own_issuer(configuration, unproven.get("iss"), http)
    alg = header.get("alg")
    allowed = set(ALGORITHMS) & set(configuration.id_token_algs or ALGORITHMS)
    if not isinstance(alg, str) or alg not in allowed:
        raise IdentityRejected("The id_token is not signed in an allowed way (alg).")
    claims = proven_claims(id_token, alg, header.get("kid"), configuration.jwks_uri, http)
    at = moment(now).timestamp()
    _check_claims(claims, configuration, client_id, nonce, at)
    _check_company(claims, alg, access_token, max_age, at)
    return Identity(
        iss=claims["iss"],
        sub=claims["sub"],
        fhir_user=_fhir_user(claims, configuration.iss),
        name=_name(claims),
        claims=claims,
    )


def _check_claims(
    claims: dict[str, Any], configuration: Configuration, client_id: str, nonce: str | None, now: float
) -> None:
    if not _same(claims.get("iss"), configuration.issuer):
        raise IdentityRejected("The id_token was issued by somebody else (iss).")
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise IdentityRejected("The id_token is meant for another app (aud).")
    if ("azp" in claims or len(audiences) > 1) and claims.get("azp") != client_id:
        raise IdentityRejected("The id_token was issued to another app (azp).")
    if _number(claims, "exp") <= now - SKEW:
        raise IdentityRejected("The id_token has expired (exp).")
    if _number(claims, "iat") > now + SKEW:
        raise IdentityRejected("The id_token comes from the future (iat).")
    if "nbf" in claims and _number(claims, "nbf") > now + SKEW:
        raise IdentityRejected("The id_token is not valid yet (nbf).")
    if nonce is not None:
        answered = claims.get("nonce")
        if not isinstance(answered, str) or not hmac.compare_digest(answered.encode(), nonce.encode()):
            raise IdentityRejected("The id_token answers another sign-in (nonce).")
    if not isinstance(claims.get("sub"), str) or not claims["sub"]:
        raise IdentityRejected("The id_token names nobody (sub).")


def _check_company(claims: dict[str, Any], alg: str, access_token: str, max_age: int | None, now: float) -> None:
    """The access token beside it (OpenID Connect Core 3.1.3.8) and how long ago the person signed in (3.1.3.7)."""
    if "at_hash" in claims and access_token:
        digest = _HASHES[alg[2:]](access_token.encode()).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
        if not isinstance(claims["at_hash"], str) or not hmac.compare_digest(claims["at_hash"].encode(), half.encode()):
            raise IdentityRejected("The id_token belongs to another access token (at_hash).")
    if max_age is not None and _number(claims, "auth_time") < now - max_age - SKEW:
        raise IdentityRejected("The person signed in too long ago (auth_time).")


def _own_issuer(configuration: Configuration, claimed: object, http: Outbound) -> Configuration:
    """The configuration that speaks for the issuer in the token.

    A SMART configuration may leave out `issuer` and `jwks_uri`, or name an issuer above the one that signs. Then the
    signing issuer's own OpenID configuration decides, provided it lives where the token endpoint does and, where we
    know the keys already, shows the same ones.
    """
    if configuration.jwks_uri and _same(claimed, configuration.issuer):
        return configuration
    if not isinstance(claimed, str) or not _one_house(claimed, configuration):
        raise IdentityRejected("The id_token was issued by somebody else (iss).")
    try:
        own = discover_openid(claimed, http=http, allowed=configuration.allowed)
    except (DiscoveryFailed, UnsafeAddress, ValueError) as problem:
        raise IdentityRejected("The id_token names an issuer that does not answer for itself (iss).") from problem
    if configuration.jwks_uri and own.jwks_uri != configuration.jwks_uri:
        raise IdentityRejected("The id_token was issued by somebody else (iss).")
    algs = configuration.id_token_algs or own.id_token_algs
    return replace(configuration, issuer=own.issuer, jwks_uri=own.jwks_uri, id_token_algs=algs)


def _one_house(claimed: str, configuration: Configuration) -> bool:
    """On the token endpoint's origin, and the issuer the server itself names or beneath it, if it names one."""
    try:
        wanted = normalised(claimed)
        if origin(claimed) != origin(configuration.token_endpoint):
            return False
        return not configuration.issuer or f"{wanted}/".startswith(normalised(configuration.issuer) + "/")
    except (UnsafeAddress, ValueError):
        return False


def _same(claimed: object, issuer: str) -> bool:
    return isinstance(claimed, str) and bool(issuer) and claimed.rstrip("/") == issuer.rstrip("/")


def _peek(id_token: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims, unproven: good for choosing a key and nothing else."""
    if not isinstance(id_token, str) or len(id_token) > LONGEST or id_token.count(".") != 2:
        raise IdentityRejected("The id_token is not a signed token (form).")
    parts = []
    for part in id_token.split(".")[:2]:
        try:
            parts.append(json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))
        except (ValueError, RecursionError) as problem:
            raise IdentityRejected("The id_token cannot be read (form).") from problem
    if not all(isinstance(part, dict) for part in parts):
        raise IdentityRejected("The id_token cannot be read (form).")
    return parts[0], parts[1]


def _number(claims: dict[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IdentityRejected(f"The id_token does not say when it is valid ({name}).")
    return float(value)


def _fhir_user(claims: dict[str, Any], base: str) -> str | None:
    """Absolute or relative to the FHIR base (SMART 2.2). SMART 1 put the same reference into `profile`."""
    for member in ("fhirUser", "profile"):
        value = claims.get(member)
        found = _FHIR_USER.fullmatch(value) if isinstance(value, str) else None
        if found:
            return value if urlsplit(value).scheme else urljoin(base.rstrip("/") + "/", found[1])
    return None


def _name(claims: dict[str, Any]) -> str:
    parts = (claims.get("given_name"), claims.get("family_name"))
    joined = " ".join(part for part in parts if isinstance(part, str) and part)
    for value in (claims.get("name"), joined, claims.get("preferred_username")):
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""
