"""What a site may say. Rule: no call is made to find out; whether the hospital agrees is for the walk to see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fhir.filing import PROFILES
from launch.errors import UnsafeAddress
from launch.issuers import AUTH_METHODS, normalised
from launch.outbound import check_address, origin
from smart_app.connect.templates import templates
from smart_app.sites import STAGES, Directory, Hours, Persona, Site, SiteUnfit, read_hours

ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
RESERVED = frozenset({"new", "brands", "start"})
SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # scope-token, RFC 6749 section 3.3
FRAME = re.compile(r"https?://(\*\.)?[a-z0-9.-]+(:(\d{1,5}|\*))?", re.IGNORECASE)
CODE = re.compile(r"[0-9]{1,7}-[0-9]|(urn:oid:[0-2](\.[0-9]+)+|https?://[^\s|]+)\|[A-Za-z0-9._-]{1,64}")
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST = 400
RIGHTS = {"clinician": ("user", "patient"), "patient": ("patient", "user"), "system": ("system",)}


class Checks:
    """Gathers faults while a site is read; `done` raises them together."""

    def __init__(self, directory: Directory, *, practice: bool) -> None:
        self._directory = directory
        self._practice = practice
        self._faults: dict[str, str] = {}

    def fault(self, name: str, code: str) -> None:
        """Something is wrong with that field; the first fault of a field is told."""
        self._faults.setdefault(name, code)

    def done(self) -> None:
        """Raises SiteUnfit where anything was wrong."""
        if self._faults:
            what = ", ".join(sorted(self._faults))
            raise SiteUnfit(f"The site cannot be kept like this. Look at: {what}.", **self._faults)

    def new_id(self, site_id: str) -> None:
        """The name of a new site stands in addresses and on the command line."""
        if not ID.fullmatch(site_id) or site_id in RESERVED:
            self.fault("id", "id")
        elif any(site.id == site_id for site in self._directory.sites):
            self.fault("id", "taken")

    def hours(self, text: str, away: str) -> Hours | None:
        """Read the hours, if there are any."""
        if not text:
            if away:
                self.fault("hours", "missing")
            return None
        try:
            read_hours(text)
        except ValueError:
            self.fault("hours", "hours")
            return None
        try:
            return read_hours(text, tuple(away.replace(",", " ").split()))
        except ValueError:
            self.fault("away", "date")
            return None

    def site(self, site: Site) -> None:
        """Everything that can be seen without asking anybody."""
        self._choice("profile", site.profile, PROFILES)
        self._choice("template", site.template, ("", *templates()))
        self._choice("stage", site.stage, STAGES)
        self._choice("note_status", site.note_status, ("preliminary", "final"))
        self._words(site)
        if site.profile in PROFILES:
            allowed = (*PROFILES[site.profile].rungs, "by-hand")
            if any(rung not in allowed for rung in site.adaptation.rungs):
                self.fault("rungs", "choice")
        readers = {o.id for o in self._directory.organisations if o.role == "expert"}
        if any(reader not in readers for reader in site.readers):
            self.fault("readers", "unknown-reader")
        self._addresses(site)
        for persona in site.registrations:
            self._registration(site, persona)

    def _words(self, site: Site) -> None:
        if not site.name:
            self.fault("name", "missing")
        if not site.emergency_number:
            self.fault("emergency_number", "missing")
        try:
            ZoneInfo(site.timezone)
        except (ValueError, OSError, ZoneInfoNotFoundError):
            self.fault("timezone", "zone")
        if site.note_code and not CODE.fullmatch(site.note_code):
            self.fault("note_code", "code")
        for contact in site.contacts:
            if contact.email and not MAIL.fullmatch(contact.email):
                self.fault(f"contact_{contact.role}_email", "email")
        for name in ("name", "phone", "emergency_number"):
            if len(getattr(site, name)) > LONGEST:
                self.fault(name, "too-long")

    def _addresses(self, site: Site) -> None:
        if any(not FRAME.fullmatch(one) or (not self._practice and one[:5] == "http:") for one in site.frame_ancestors):
            self.fault("frame_ancestors", "origin")
        for name in ("origins", "inside"):
            if not all(self._is_origin(one) for one in getattr(site, name)):
                self.fault(name, "origin")
        for name, url in (("imaging", site.imaging), ("brand_website", site.brand.website)):
            if url and not self._may_be_called(url, site):
                self.fault(name, "address")

    def _registration(self, site: Site, persona: Persona) -> None:
        start = f"{persona.stage}_{persona.audience}_"
        if not persona.client_id:
            self.fault(f"{start}client_id", "missing")
        if not persona.iss:
            self.fault(f"{start}iss", "missing")
        elif not self._may_be_called(persona.iss, site):
            self.fault(f"{start}iss", "address")
        elif self._taken(site.id, persona.iss):
            self.fault(f"{start}iss", "other-site")
        self._choice(f"{start}auth", persona.auth, AUTH_METHODS)
        self._choice(f"{start}signing_alg", persona.signing_alg, ("", "RS384", "ES384"))
        if persona.audience == "system" and persona.auth == "none":
            self.fault(f"{start}auth", "public-system")
        if persona.auth.startswith("client_secret") and not persona.client_secret:
            self.fault(f"{start}client_secret", "missing")
        if not persona.client_secret.isascii():
            self.fault(f"{start}client_secret", "ascii")
        if not persona.scopes or any(not SCOPE.fullmatch(scope) for scope in persona.scopes):
            self.fault(f"{start}scopes", "scopes")
        elif any("/" in s and s.partition("/")[0] not in (*RIGHTS[persona.audience], "launch") for s in persona.scopes):
            self.fault(f"{start}scopes", "scope-level")

    def _may_be_called(self, url: str, site: Site) -> bool:
        try:
            normalised(url)
            inside = frozenset(origin(one) for one in site.inside if self._is_origin(one))
            check_address(url, practice=self._practice, inside=inside)
        except (ValueError, UnsafeAddress):
            return False
        return True

    def _is_origin(self, text: str) -> bool:
        try:
            origin(text)
        except UnsafeAddress:
            return False
        parts = urlsplit(text)
        return parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc

    def _taken(self, site_id: str, iss: str) -> bool:
        """An issuer opens the pages of one hospital only."""
        wanted = normalised(iss)
        others = (p for site in self._directory.sites if site.id != site_id for p in site.registrations)
        return any(_same(persona.iss, wanted) for persona in others)

    def _choice(self, name: str, value: str, allowed: Iterable[str]) -> None:
        if value not in allowed:
            self.fault(name, "choice")


def _same(iss: str, wanted: str) -> bool:
    try:
        return normalised(iss) == wanted
    except ValueError:
        return False
