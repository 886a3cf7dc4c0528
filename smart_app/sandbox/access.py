"""What a token opens. Rule: scopes are read in both spellings of SMART, and the patient level never leaves its patient.

SMART App Launch 2.2, "Scopes for requesting FHIR Resources"; version 1 wrote `.read` (= `.rs`) and `.write` (= `.cud`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_SCOPE = re.compile(r"(patient|user|system)/([A-Za-z]+|\*)\.([A-Za-z]+|\*)(\?.*)?")
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
FREE_TYPES = frozenset({"Practitioner", "PractitionerRole", "Organization", "Location", "Endpoint", "Medication"})
"""Types that belong to no patient and may be read by anyone whose scope names them."""


@dataclass(frozen=True)
class Access:
    """Who asks. `persona` is "provider", "patient" or "system"; `patient` the id of the patient in context."""

    persona: str
    scopes: tuple[str, ...]
    patient: str = ""
    user: str = ""  # "Practitioner/…", "Patient/…", "RelatedPerson/…"
    client_id: str = ""

    def reach(self, resource_type: str, letter: str) -> str:
        """How far this token reaches: "all", "patient" (its own patient only) or "" (not at all)."""
        found = ""
        for scope in self.scopes:
            parts = scope_parts(scope)
            if parts is None or parts[1] not in ("*", resource_type.lower()) or letter not in parts[2]:
                continue
            if parts[0] in ("user", "system"):
                return "all"
            found = "patient"
        return found


EVERYTHING = Access("system", ("system/*.cruds",), client_id="practice")


def scope_parts(scope: str) -> tuple[str, str, str] | None:
    """(level, resource type in lower case, letters) of a resource scope; None for any other scope."""
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return None
    letters = found[3].lower()
    return found[1], found[2].lower(), _VERSION_1.get(letters, letters)


def covers(allowed: tuple[str, ...], wanted: str) -> bool:
    """Is `wanted` wholly inside the allowed scopes, whichever spelling each uses?"""
    asked = scope_parts(wanted)
    if asked is None:
        return wanted in allowed
    letters: set[str] = set()
    for scope in allowed:
        given = scope_parts(scope)
        if given and given[0] == asked[0] and given[1] in ("*", asked[1]):
            letters |= set(given[2])
    return set(asked[2]) <= letters


def in_version_1(scope: str) -> list[str]:
    """The version 1 spelling of a scope: one or two scopes."""
    found = _SCOPE.fullmatch(scope)
    if found is None:
        return [scope]
    letters = _VERSION_1.get(found[3].lower(), found[3].lower())
    spelled = []
    if set(letters) & set("rs"):
        spelled.append(f"{found[1]}/{found[2]}.read")
    if set(letters) & set("cud"):
        spelled.append(f"{found[1]}/{found[2]}.write")
    return spelled


def patient_of(resource: dict[str, Any]) -> str:
    """The id of the patient this resource is about; empty where it is about none."""
    if resource.get("resourceType") == "Patient":
        return str(resource.get("id", ""))
    for member in ("subject", "patient", "for"):
        value = resource.get(member)
        reference = value.get("reference", "") if isinstance(value, dict) else ""
        if isinstance(reference, str) and "Patient/" in reference:
            return reference.rpartition("/")[2]
    return ""
