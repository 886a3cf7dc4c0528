"""The EHRs and sign-in services we trust. Rule: an issuer is looked up here before any call leaves us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from launch.errors import UntrustedIssuer

AUTH_METHODS = ("private_key_jwt", "client_secret_basic", "client_secret_post", "none")
"""token_endpoint_auth_methods (RFC 7591 section 2) we can speak; "none" is a public client."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Issuer:
    """One registration of ours with one issuer.

    `iss` is used exactly as written, since servers compare `aud` by the letter. `audience` is "clinician",
    "patient", "system" or "expert". `redirect_uri` is used where `begin` is given none. `signing_alg` ("RS384" or
    "ES384") overrules the choice made from the server's own list. `origins`, where any are given, are the only ones
    beside that of `iss` on which the server's endpoints may be. `ring` names the ring of our keys that signs.
    """

    iss: str
    client_id: str
    scopes: tuple[str, ...] = ()
    auth: str = "private_key_jwt"
    client_secret: str = ""
    redirect_uri: str = ""
    audience: str = "clinician"
    signing_alg: str = ""
    origins: tuple[str, ...] = ()
    ring: str = ""

    def __post_init__(self) -> None:
        if self.auth not in AUTH_METHODS:
            raise ValueError(f"{self.iss}: auth must be one of {', '.join(AUTH_METHODS)}, not {self.auth!r}")
        if self.auth.startswith("client_secret") and not self.client_secret:
            raise ValueError(f"{self.iss}: auth {self.auth} needs a client_secret")
        if not self.client_secret.isascii():
            raise ValueError(f"{self.iss}: a client_secret is written in ASCII (RFC 6749 appendix A.2)")
        if self.signing_alg not in ("", "RS384", "ES384"):
            raise ValueError(f"{self.iss}: signing_alg must be RS384 or ES384, not {self.signing_alg!r}")


class Issuers:
    """The list of issuers, searched by address."""

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._issuers = tuple(issuers)

    def __iter__(self) -> Iterator[Issuer]:
        return iter(self._issuers)

    def trusted(self, iss: str, *, audience: str | None = None) -> Issuer:
        """The registration for this issuer, carrying `iss` as it was sent.

        Compared without a trailing slash, default port or case of the host. Without `audience` our own "system"
        registrations are left out, since nobody launches as the system. Raises UntrustedIssuer.
        """
        try:
            wanted = normalised(iss)
        except ValueError as problem:
            raise UntrustedIssuer("The issuer is not a web address.") from problem
        for issuer in self._issuers:
            fits = issuer.audience != "system" if audience is None else issuer.audience == audience
            if fits and normalised(issuer.iss) == wanted:
                return replace(issuer, iss=iss)
        raise UntrustedIssuer("This installation does not know that EHR.")


def normalised(iss: str) -> str:
    """The form in which two issuers are compared, never sent. Raises ValueError for what cannot be an issuer."""
    parts = urlsplit(iss)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("an issuer is an http(s) address without query, fragment or password")
    if any(character.isspace() or not character.isprintable() for character in iss) or "\\" in iss:
        raise ValueError("an issuer holds no blanks")
    port = parts.port if parts.port != _DEFAULT_PORTS[parts.scheme] else None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host.lower()}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
