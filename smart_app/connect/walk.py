"""The walk: every step between us and a hospital's chart, taken in order, each with what was found.

Configuration, keys, clock, a token by Backend Services, the scopes granted, and the rung on which an opinion would be
filed. Rule: the walk reads and asks for a token; it writes nothing, and a step that fails ends only what stands on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from urllib.parse import urlsplit

import requests

from fhir.chart import FhirChart
from fhir.filing import rungs
from launch.backend import BackendSession, backend_session
from launch.discovery import Configuration, forget
from launch.errors import KeysMissing, LaunchError, LaunchRefused, TokenUnavailable, UnsafeAddress
from launch.keys import Keys
from launch.outbound import Outbound
from launch.scopes import missing_scopes
from smart_app.connect.causes import causes_of_invalid_client
from smart_app.connect.door import Door, knock
from smart_app.connect.finding import Finding
from smart_app.connect.ours import Evidence, key_set_address, lead_of_clock, look_at_clock, look_at_key_set
from smart_app.connect.templates import template
from smart_app.connect.trust import issuer_of
from smart_app.profile import profile_of
from smart_app.sites import AUDIENCES, Persona, Site

REFUSALS = {
    "unauthorized_client": "token-no-user",
    "invalid_scope": "token-scope",
    "unsupported_grant_type": "token-no-backend",
    "access_denied": "token-denied",
    "status_401": "token-denied",
    "status_403": "token-denied",
}


@dataclass(frozen=True)
class Walker:
    """What the walk needs. `since` is when the site was last changed here, None for one of the file."""

    keys: Keys
    http: Outbound
    now: Callable[[], datetime]
    base_url: str
    since: datetime | None = None

    def walk(self, site: Site) -> list[Finding]:
        """Every step of that site, in its present stage, also where it is disabled. Raises nothing."""
        forget()  # what the hospital has changed a minute ago must be seen
        personas = {p.audience: p for p in site.registrations if p.stage == site.stage}
        found = [*_registered(site, personas)]
        key_sets = self._key_sets(personas)
        found += key_sets
        state = next((one.code for one in key_sets if one.level != "good"), "keys-good")
        doors = self._doors(site, personas)
        for door in doors.values():
            found += door.findings
        skew, clock = self._clock(personas, doors)
        found += clock
        system = doors.get("system")
        if system is not None and system.configuration is not None:
            found += self._backend(site, personas["system"], system.configuration, Evidence(state, skew))
        found += self._imaging(site)
        return [*found, *_by_people(site, personas, self.base_url)]

    def _key_sets(self, personas: dict[str, Persona]) -> list[Finding]:
        rings = dict.fromkeys(p.ring for p in personas.values() if p.auth == "private_key_jwt")
        return [
            look_at_key_set(key_set_address(self.base_url, ring), ring, self.keys, self.http, self.now())
            for ring in rings
        ]

    def _doors(self, site: Site, personas: dict[str, Persona]) -> dict[str, Door]:
        """Each audience's door. An address that did not answer is not asked again for the next audience."""
        doors: dict[str, Door] = {}
        silent: set[str] = set()
        for audience, persona in personas.items():
            if persona.iss not in silent:
                doors[audience] = knock(persona, issuer_of(site, persona), self.http)
                if doors[audience].configuration is None:
                    silent.add(persona.iss)
        return doors

    def _clock(self, personas: dict[str, Persona], doors: dict[str, Door]) -> tuple[float | None, list[Finding]]:
        for audience, door in doors.items():
            if door.configuration is not None and personas[audience].auth == "private_key_jwt":
                lead = lead_of_clock(door.date, self.now())
                return lead, [look_at_clock(lead, urlsplit(personas[audience].iss).hostname or "")]
        return None, []

    def _backend(self, site: Site, persona: Persona, offered: Configuration, evidence: Evidence) -> list[Finding]:
        """A token for the worker, what it allows, and which rung an opinion would be filed on."""
        issuer = issuer_of(site, persona)
        try:
            session = cast(BackendSession, backend_session(issuer, keys=self.keys, http=self.http, now=self.now))
            granted = session.granted()
        except LaunchRefused as refused:
            return [self._refusal(site, persona, offered, evidence, refused)]
        except TokenUnavailable as problem:
            facts = {"host": urlsplit(offered.token_endpoint).hostname or "", "status": str(problem.status or "")}
            return [Finding("token", "bad", "token-silent", "system", facts)]
        except (KeysMissing, UnsafeAddress, LaunchError) as problem:
            return [Finding("token", "bad", "token-impossible", "system", {"why": str(problem)})]
        found = [Finding("token", "good", "token-good", "system", {"client_id": persona.client_id})]
        missing = missing_scopes(persona.scopes, granted)
        if missing:
            found.append(Finding("scopes", "warn", "scopes-missing", "system", {"scopes": " ".join(missing)}))
        return [*found, *_rungs(site, issuer.iss, session, set(granted))]

    def _refusal(
        self, site: Site, persona: Persona, offered: Configuration, evidence: Evidence, refused: LaunchRefused
    ) -> Finding:
        facts = {
            "reason": refused.reason,
            "client_id": persona.client_id,
            "said": str(refused),
            "error_uri": refused.error_uri or "",
        }
        if refused.reason != "invalid_client":
            return Finding("token", "bad", REFUSALS.get(refused.reason, "token-refused"), "system", facts)
        of = template(site.template, site.profile)
        causes = causes_of_invalid_client(persona, of, evidence, offered, self.since, self.now())
        waits = of.waits.get(persona.stage, 0)
        facts |= {"minutes": str(waits), "hours": str(of.caches_keys), "stage": persona.stage}
        facts |= {"jwks": key_set_address(self.base_url, persona.ring)}
        return Finding("token", "bad", "token-invalid-client", "system", facts, causes)

    def _imaging(self, site: Site) -> list[Finding]:
        """Does the archive's DICOMweb root answer? Without a token it may well ask for one, and that is an answer."""
        if not site.imaging:
            return []
        url = site.imaging.rstrip("/") + "/studies?limit=1"
        facts = {"host": urlsplit(site.imaging).hostname or ""}
        try:
            with self.http.get(url, headers={"Accept": "application/dicom+json"}, stream=True) as answer:
                status = answer.status_code
        except (requests.RequestException, UnsafeAddress, OSError):
            return [Finding("imaging", "warn", "imaging-silent", facts=facts)]
        if status in (200, 204):
            return [Finding("imaging", "good", "imaging-good", facts=facts)]
        if status in (401, 403):
            return [Finding("imaging", "note", "imaging-asks", facts=facts)]
        return [Finding("imaging", "warn", "imaging-status", facts={**facts, "status": str(status)})]


def _registered(site: Site, personas: dict[str, Persona]) -> list[Finding]:
    if not personas:
        return [Finding("registered", "bad", "nothing-registered", facts={"stage": site.stage})]
    missing = [a for a in AUDIENCES if a not in personas]
    return [Finding("registered", "bad" if a == "system" else "note", f"no-{a}", a) for a in missing]


def _rungs(site: Site, iss: str, session: Any, granted: set[str]) -> list[Finding]:
    statement = FhirChart(iss, session).capability()
    if statement is None:
        return [Finding("rungs", "bad", "no-statement", "system", {"iss": iss})]
    profile = profile_of(site)
    steps = rungs(profile, statement, granted)
    declared = {step.name for step in rungs(profile, statement, None) if step.possible}
    open_steps = [step for step in steps if step.possible and step.resource]
    found = [
        Finding(
            "rungs",
            "note",
            "rung-not-granted" if step.name in declared else "rung-not-taken",
            "system",
            {"rung": step.name},
        )
        for step in steps
        if not step.possible
    ]
    if not open_steps:
        return [*found, Finding("rungs", "bad", "only-by-hand", "system")]
    looks = "can-look" if profile.can_look else "cannot-look"
    return [
        *found,
        Finding("rungs", "good", "rung", "system", {"rung": open_steps[0].name}),
        Finding("rungs", "note", looks, "system"),
    ]


def _by_people(site: Site, personas: dict[str, Persona], base_url: str) -> list[Finding]:
    """What no walk can prove, since somebody must sign in; and what was left open."""
    found = []
    if "clinician" in personas and not site.frame_ancestors:
        found.append(Finding("frames", "warn", "no-frames", "clinician"))
    if site.disabled:
        found.append(Finding("registered", "warn", "disabled"))
    if "clinician" in personas:
        found.append(Finding("person", "note", "launch-once", "clinician", {"url": f"{base_url}/launch"}))
    if "patient" in personas:
        found.append(Finding("person", "note", "start-once", "patient", {"url": f"{base_url}/start/{site.id}"}))
    return found
