"""How one gets in: the server's SMART configuration, with nulls, nested lists and members missing, or none at all.

SMART App Launch 2.2, https://hl7.org/fhir/smart-app-launch/STU2.2/conformance.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from launch.discovery import SMART, Configuration, read_configuration
from launch.errors import LaunchError, UnsafeAddress
from launch.outbound import check_address
from smart_app.checking.asking import Asker, Heard


@dataclass(frozen=True)
class Entrance:
    """What the configuration says. None for a question that it does not answer."""

    found: bool = False
    trouble: str = ""
    configuration: Configuration | None = None
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def capabilities(self) -> tuple[str, ...]:
        """What it says it can do; empty where it does not say."""
        return self.configuration.capabilities if self.configuration else ()

    @property
    def has_associated(self) -> bool:
        """Does its token open another server too (SMART Imaging Access names the images' server so)?"""
        others = self.raw.get("associated_endpoints")
        return isinstance(others, list) and any(
            "smart-imaging-access" in str(one.get("capabilities")) for one in others if isinstance(one, dict)
        )

    def can(self, capability: str) -> bool | None:
        """Is this capability listed? None where no capability is."""
        return capability in self.capabilities if self.capabilities else None

    @property
    def backend(self) -> bool | None:
        """May a program sign in by its own key (Backend Services)? None where nothing is said."""
        if self.configuration is None:
            return None
        methods, grants = self.configuration.auth_methods, _words(self.raw.get("grant_types_supported"))
        by_key = "private_key_jwt" in methods or "client-confidential-asymmetric" in self.capabilities
        if not methods and not self.capabilities:
            return None
        return by_key and (not grants or "client_credentials" in grants)

    @property
    def pkce(self) -> bool | None:
        """Does it take S256? None where it does not say; we send it in any case."""
        methods = _words(self.raw.get("code_challenge_methods_supported"))
        return "S256" in methods if methods else None

    def as_json(self) -> dict[str, Any]:
        """The `smart` member of the report."""
        found = self.configuration
        return {
            "found": self.found,
            "issuer": found.issuer if found else "",
            "authorization_endpoint": found.authorization_endpoint if found else "",
            "token_endpoint": found.token_endpoint if found else "",
            "launch_ehr": self.can("launch-ehr"),
            "launch_standalone": self.can("launch-standalone"),
            "backend_services": self.backend,
            "pkce": self.pkce,
            "auth_methods": list(found.auth_methods) if found else [],
            "capabilities": list(self.capabilities),
            "scopes_offered": len(found.scopes) if found else 0,
        }


def look_for_entrance(asker: Asker) -> Entrance:
    """Ask for the SMART configuration and make sense of it."""
    heard = asker.get(SMART.lstrip("/"), "application/json")
    return read_entrance(asker.base, heard)


def read_entrance(base: str, heard: Heard) -> Entrance:
    """What an answer to that question means."""
    if heard.trouble or heard.moved_to or heard.status != 200:
        return Entrance(trouble=heard.in_words)
    try:
        raw = json.loads(heard.body.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return Entrance(trouble=heard.in_words)
    if not isinstance(raw, dict) or "resourceType" in raw:
        return Entrance(trouble="its answer is no SMART configuration")
    try:
        # Loopback and http are let through here, and told below: whoever checks a server may run it on this machine.
        return Entrance(found=True, raw=raw, configuration=read_configuration(base, base + SMART, raw, practice=True))
    except LaunchError as problem:
        return Entrance(found=True, raw=raw, trouble=str(problem).rstrip("."))


def not_for_production(entrance: Entrance) -> str:
    """Why a launch with these addresses would be refused in production; empty where it would not be."""
    if entrance.configuration is None:
        return ""
    for address in (entrance.configuration.token_endpoint, entrance.configuration.authorization_endpoint):
        try:
            if address:
                check_address(address, practice=False)
        except UnsafeAddress as problem:
            return str(problem)
    return ""


def _words(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    if isinstance(value, list):
        return tuple(word for item in value for word in _words(item))
    return ()
