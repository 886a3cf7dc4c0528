"""The CapabilityStatement of our FHIR face: exactly what `exchange` answers, made from the same tables."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from smart_app.exchange.asked import INCLUDES, POINTS
from smart_app.exchange.shown import TYPES

Resource = dict[str, Any]
WRITES = {"Task": "update", "DiagnosticReport": "create", "Communication": "create"}


def statement(base: str) -> Resource:
    """The statement of the server at that address."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-24",
        "kind": "instance",
        "software": {"name": "Second Opinion", "version": version("second-opinion")},
        "implementation": {"description": "Referrals for an outside imaging second opinion", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json"],
        "rest": [
            {
                "mode": "server",
                "security": {
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
                    "description": "SMART Backend Services: client_credentials with private_key_jwt.",
                },
                "resource": [_resource(kind) for kind in TYPES]
                + [{"type": "Binary", "interaction": [{"code": "read"}]}],
            }
        ],
    }


def _resource(kind: str) -> Resource:
    interactions = ["read", "search-type", *([WRITES[kind]] if kind in WRITES else [])]
    parameters = [("_id", "token"), ("_lastUpdated", "date"), ("identifier", "token")]
    parameters += [(name, "reference") for name in POINTS[kind]]
    if kind in ("Task", "ServiceRequest", "DiagnosticReport"):
        parameters.append(("status", "token"))
    made: Resource = {
        "type": kind,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned",
        "searchInclude": list(INCLUDES[kind]),
        "searchParam": [{"name": name, "type": what} for name, what in parameters],
    }
    return {name: value for name, value in made.items() if value}
