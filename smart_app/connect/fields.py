"""A site written down flat, as the operator's form and the command line have it: {field: text}.

Rule: the names here are the only ones; a field that is not given keeps what the site has, an empty one clears it. A
secret goes in and never comes out. `read_site` tells every fault at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as members
from dataclasses import replace
from typing import Any

from smart_app.connect.checks import Checks
from smart_app.connect.templates import Template, template
from smart_app.sites import AUDIENCES, STAGES, Adaptation, Brand, Contact, Persona, Site

PLAIN = (
    *("name", "profile", "template", "stage", "timezone", "phone", "emergency_number", "note_status", "note_code"),
    "imaging",
)
LISTS = ("frame_ancestors", "readers", "origins", "inside")
HOURS = ("hours", "away")
BRAND = tuple(f"brand_{member.name}" for member in members(Brand))
ADAPTATION = ("rungs", "can_look", "max_mb")
CONTACTS = ("technical", "clinical", "privacy")
CONTACT = tuple(f"contact_{role}_{part}" for role in CONTACTS for part in ("name", "phone", "email"))
PARTS = ("iss", "client_id", "auth", "scopes", "signing_alg", "client_secret")
REGISTRATION = tuple(f"{stage}_{audience}_{part}" for stage in STAGES for audience in AUDIENCES for part in PARTS)
FIELDS = (*PLAIN, *LISTS, *HOURS, *BRAND, *ADAPTATION, *CONTACT, *REGISTRATION)


def flat(site: Site) -> dict[str, str]:
    """Every field of the site as text; secrets are always empty."""
    said = {name: str(getattr(site, name)) for name in PLAIN}
    said |= {name: " ".join(getattr(site, name)) for name in LISTS}
    said |= {"hours": str(site.hours or ""), "away": " ".join(site.hours.away if site.hours else ())}
    said |= {name: getattr(site.brand, name.removeprefix("brand_")) for name in BRAND}
    ours = site.adaptation
    said |= {"rungs": " ".join(ours.rungs), "max_mb": str(ours.max_mb or "")}
    said["can_look"] = {None: "", True: "yes", False: "no"}[ours.can_look]
    for role in CONTACTS:
        contact = site.contact(role) or Contact(role)
        said |= {f"contact_{role}_{part}": getattr(contact, part) for part in ("name", "phone", "email")}
    said |= dict.fromkeys(REGISTRATION, "")
    for persona in site.registrations:
        start = f"{persona.stage}_{persona.audience}_"
        said |= {f"{start}{part}": getattr(persona, part) for part in ("iss", "client_id", "auth", "signing_alg")}
        said[f"{start}scopes"] = " ".join(persona.scopes)
    return said


def read_site(given: Mapping[str, str], base: Site, checks: Checks) -> Site:
    """The site as the fields say, over `base`. Raises SiteUnfit with every fault at its field.

    What a registration leaves open is filled in from the template: how it proves itself and what it asks for.
    """
    unknown = sorted(set(given) - set(FIELDS))
    for name in unknown:
        checks.fault(name, "unknown")
    said = flat(base) | {name: _tidy(name, text) for name, text in given.items() if name in FIELDS}
    plain: dict[str, Any] = {name: said[name] for name in PLAIN}
    plain |= {name: _list(said[name]) for name in LISTS}
    site = replace(
        base,
        **plain,
        hours=checks.hours(said["hours"], said["away"]),
        brand=Brand(**{name.removeprefix("brand_"): said[name] for name in BRAND}),
        adaptation=_adaptation(said, checks),
        contacts=_contacts(said),
        registrations=_registrations(said, base, template(said["template"], said["profile"])),
    )
    checks.site(site)
    checks.done()
    return site


def _tidy(name: str, text: str) -> str:
    """One line, one blank between words; a secret keeps what is inside it."""
    return text.strip() if name.endswith("client_secret") else " ".join(text.split())


def _list(text: str) -> tuple[str, ...]:
    return tuple(text.replace(",", " ").split())


def _adaptation(said: Mapping[str, str], checks: Checks) -> Adaptation:
    looks = {"": None, "yes": True, "no": False}
    if said["can_look"] not in looks:
        checks.fault("can_look", "choice")
    size = said["max_mb"]
    if size and not (size.isdecimal() and 1 <= int(size) <= 100):
        checks.fault("max_mb", "number")
        size = ""
    return Adaptation(_list(said["rungs"]), looks.get(said["can_look"]), int(size) if size else None)


def _contacts(said: Mapping[str, str]) -> tuple[Contact, ...]:
    found = (
        Contact(role, *(said[f"contact_{role}_{part}"] for part in ("name", "phone", "email"))) for role in CONTACTS
    )
    return tuple(contact for contact in found if contact != Contact(contact.role))


def _registrations(said: Mapping[str, str], base: Site, of: Template) -> tuple[Persona, ...]:
    kept = {persona.key: persona for persona in base.registrations}
    found = []
    for stage in STAGES:
        for audience in AUDIENCES:
            part = {name: said[f"{stage}_{audience}_{name}"] for name in PARTS}
            if not part["iss"] and not part["client_id"]:
                continue
            asked = of.asked.get(audience)
            auth = part["auth"] or (asked.auth if asked else "private_key_jwt")
            scopes = _list(part["scopes"]) or (asked.scopes if asked else ())
            old = kept.get(f"{stage} {audience}")
            secret = part["client_secret"] or (old.client_secret if old else "")
            found.append(
                Persona(
                    audience=audience,
                    iss=part["iss"],
                    client_id=part["client_id"],
                    scopes=scopes,
                    auth=auth,
                    client_secret=secret if auth.startswith("client_secret") else "",
                    stage=stage,
                    signing_alg=part["signing_alg"],
                )
            )
    return tuple(found)
