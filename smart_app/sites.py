"""The hospitals we are connected to and the organisations that read for us, from one TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Persona:
    """One way into a site's EHR: an issuer for an audience.

    `audience` is "clinician", "patient" or "system". `auth` is a token_endpoint_auth_method (RFC 7591 section 2),
    with "none" for a public client.
    """

    audience: str
    iss: str
    client_id: str
    scopes: tuple[str, ...]
    auth: str = "private_key_jwt"
    client_secret: str = ""


@dataclass(frozen=True)
class Site:
    """One hospital. `profile` names how its chart takes a report (`fhir.filing`): epic, oracle or open."""

    id: str
    name: str
    profile: str
    personas: tuple[Persona, ...]
    timezone: str = "UTC"
    frame_ancestors: tuple[str, ...] = ()
    emergency_number: str = "911"
    phone: str = ""
    note_status: str = "preliminary"  # Epic only: "preliminary" or "final"
    note_code: str = ""  # the organisation's own note type, if it has one

    def persona(self, audience: str) -> Persona:
        """The persona for that audience. Raises KeyError where the site has none."""
        for persona in self.personas:
            if persona.audience == audience:
                return persona
        raise KeyError(f"site {self.id} has no {audience} persona")


@dataclass(frozen=True)
class Organisation:
    """A reading organisation and how its experts sign in (OpenID Connect). `role` is "expert" or "operator"."""

    id: str
    name: str
    iss: str
    client_id: str
    role: str = "expert"
    client_secret: str = ""
    phone: str = ""
    email: str = ""
    subspecialties: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """Every site and organisation of this installation."""

    sites: tuple[Site, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    source: str = field(default="", compare=False)

    def site(self, site_id: str) -> Site:
        """That site. Raises KeyError."""
        for site in self.sites:
            if site.id == site_id:
                return site
        raise KeyError(f"no site named {site_id!r} in the directory")

    def organisation(self, organisation_id: str) -> Organisation:
        """That organisation. Raises KeyError."""
        for organisation in self.organisations:
            if organisation.id == organisation_id:
                return organisation
        raise KeyError(f"no organisation named {organisation_id!r} in the directory")

    def site_of_issuer(self, iss: str) -> tuple[Site, Persona] | None:
        """The site and persona that own this issuer, compared without a trailing slash; None if unknown."""
        wanted = iss.rstrip("/")
        for site in self.sites:
            for persona in site.personas:
                if persona.iss.rstrip("/") == wanted and persona.audience != "system":
                    return site, persona
        return None


def load_directory(path: Path) -> Directory:
    """Read the TOML file. Raises ValueError naming the file and the field that is wrong."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise ValueError(f"{path}: cannot be read: {problem}") from problem
    try:
        sites = tuple(_site(entry) for entry in raw.get("site", []))
        organisations = tuple(_organisation(entry) for entry in raw.get("organisation", []))
    except (TypeError, KeyError) as problem:
        raise ValueError(f"{path}: {problem}") from problem
    return Directory(sites, organisations, str(path))


def _site(entry: dict[str, Any]) -> Site:
    personas = tuple(Persona(**_tuples(p)) for p in entry.pop("persona", []))
    return Site(personas=personas, **_tuples(entry))


def _organisation(entry: dict[str, Any]) -> Organisation:
    return Organisation(**_tuples(entry))


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
