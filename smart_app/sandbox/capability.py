"""The CapabilityStatement of each personality. Rule: it says what the real ones say, which is more than they take."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from smart_app.sandbox.personality import Personality
from smart_app.sandbox.shelf import stamp

_ORDER = ("read", "search-type", "create", "update", "delete")
_PARAMETERS = ("_id", "identifier", "patient", "subject", "category", "code", "date", "encounter", "status", "_count")
_PROFILED = ("DiagnosticReport-note", "DocumentReference", "Encounter", "Patient", "ServiceRequest")


def statement(personality: Personality, base: str, now: datetime) -> dict[str, Any]:
    """The statement as this kind of EHR publishes it."""
    rest: dict[str, Any] = {
        "mode": "server",
        "security": {
            "cors": True,
            "service": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                            "code": "SMART-on-FHIR",
                        }
                    ]
                }
            ],
        },
        "resource": [_resource(personality, name) for name in sorted(personality.declared)],
    }
    if personality.system:
        rest["interaction"] = [{"code": code} for code in sorted(personality.system)]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "experimental": True,
        "date": stamp(now),
        "publisher": personality.hospital,
        "kind": "instance",
        "software": {"name": personality.product, "version": "practice"},
        "implementation": {
            "description": f"{personality.hospital} (practice, in the manner of {personality.like})",
            "url": base,
        },
        "fhirVersion": "4.0.1",
        "format": ["xml", "json"] if personality.name == "epic" else ["json", "application/fhir+json"],
        "rest": [rest],
    }


def _resource(personality: Personality, name: str) -> dict[str, Any]:
    declared = personality.declared[name]
    only = personality.search_only.get(name)
    parameters = sorted({*only, "_id", "_count"}) if only else list(_PARAMETERS)
    entry: dict[str, Any] = {
        "type": name,
        "interaction": [{"code": code} for code in _ORDER if code in declared],
    }
    profile = next((p for p in _PROFILED if p.partition("-")[0] == name), None)
    if profile:
        url = f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{profile.lower()}"
        entry["supportedProfile"] = [f"{url}|6.1.0" if personality.name == "epic" else url]
    if personality.name != "oracle":
        entry["conditionalCreate"] = personality.conditional_create
        entry["versioning"] = "versioned" if personality.etag else "no-version"
    entry["updateCreate"] = personality.name == "open"
    if "search-type" in declared:
        entry["searchParam"] = [{"name": parameter, "type": _kind(parameter)} for parameter in parameters]
    return entry


def _kind(parameter: str) -> str:
    if parameter in ("patient", "subject", "encounter"):
        return "reference"
    if parameter in ("date", "period", "birthdate", "_lastUpdated"):
        return "date"
    if parameter in ("name", "family", "given"):
        return "string"
    return "number" if parameter == "_count" else "token"
