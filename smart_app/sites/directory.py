"""Every hospital and reading organisation of this installation, as it stands; and the TOML file some come from."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from launch.issuers import normalised
from smart_app.sites.hours import read_hours
from smart_app.sites.registration import Persona
from smart_app.sites.site import Adaptation, Brand, Contact, Site


@dataclass(frozen=True)
class Organisation:
    """A reading organisation and how its people sign in (OpenID Connect). `role` is "expert" or "operator".

    `role_claim` names the claim of the id_token that holds roles or groups; `experts`, `coordinators` and `operators`
    are the values that give each part (`sites.roles`). Before signing, an expert signs in again where the last time is
    longer ago than `step_up_seconds`, and as strongly as one of `acr_values` where any are named; `step_up = false`
    leaves that to the organisation.
    """

    id: str
    name: str
    iss: str
    client_id: str
    role: str = "expert"
    client_secret: str = field(default="", repr=False)
    phone: str = ""
    email: str = ""
    subspecialties: tuple[str, ...] = ()
    role_claim: str = ""
    experts: tuple[str, ...] = ()
    coordinators: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    step_up: bool = True
    step_up_seconds: int = 300
    acr_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class System:
    """Another organisation's own system that may call our FHIR face (SMART Backend Services).

    `id` is its client id, `organisation` the reading organisation it speaks for, `jwks` where its public keys are.
    """

    id: str
    name: str
    organisation: str
    jwks: str
    scopes: tuple[str, ...] = ("system/*.rs",)


@dataclass(frozen=True)
class Directory:
    """Every site and organisation of this installation."""

    sites: tuple[Site, ...] = ()
    organisations: tuple[Organisation, ...] = ()
    source: str = field(default="", compare=False)
    systems: tuple[System, ...] = ()

    def site(self, site_id: str) -> Site:
        """That site, also where it is disabled. Raises KeyError."""
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
        """The site and persona that own this issuer, compared as launches are; None if unknown."""
        try:
            wanted = normalised(iss)
        except ValueError:
            return None
        for site in self.sites:
            for persona in site.personas:
                if persona.audience != "system" and normalised(persona.iss) == wanted:
                    return site, persona
        return None

    def refresh(self) -> None:
        """Look again at the next question; a directory that stands still has nothing to look at."""

    def readers_for(self, site_id: str) -> tuple[Organisation, ...]:
        """The reading organisations that may receive images of that site. Raises KeyError."""
        site = self.site(site_id)
        return tuple(o for o in self.organisations if o.role == "expert" and site.may_be_read_by(o.id))


def load_directory(path: Path) -> Directory:
    """Read the TOML file. Raises ValueError naming the file and the field that is wrong."""
    try:
        raw = tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as problem:
        raise ValueError(f"{path}: cannot be read: {problem}") from problem
    try:
        sites = tuple(_site(entry) for entry in raw.get("site", []))
        organisations = tuple(Organisation(**_tuples(entry)) for entry in raw.get("organisation", []))
        systems = tuple(System(**_tuples(entry)) for entry in raw.get("system", []))
    except (TypeError, KeyError, ValueError) as problem:
        raise ValueError(f"{path}: {problem}") from problem
    return Directory(sites, organisations, str(path), systems)


def _site(entry: dict[str, Any]) -> Site:
    personas = tuple(Persona(**_tuples(p)) for p in entry.pop("persona", []))
    contacts = tuple(Contact(**c) for c in entry.pop("contact", []))
    hours = read_hours(entry.pop("hours"), tuple(entry.pop("away", ()))) if "hours" in entry else None
    brand = Brand(**entry.pop("brand", {}))
    adaptation = Adaptation(**_tuples(entry.pop("adaptation", {})))
    return Site(
        registrations=personas, contacts=contacts, hours=hours, brand=brand, adaptation=adaptation, **_tuples(entry)
    )


def _tuples(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
