"""How a write becomes a version: what each kind of EHR checks, what it keeps, the id it gives.

Rule: an EHR keeps only what its kind keeps. Our identifiers, descriptions and hashes are gone from Epic and Oracle.
"""

from __future__ import annotations

import copy
import re
import secrets
from collections.abc import Iterator
from typing import Any

from smart_app.sandbox import documents
from smart_app.sandbox.access import Access
from smart_app.sandbox.personality import Personality
from smart_app.sandbox.refusal import outcome
from smart_app.sandbox.shelf import Shelf, Version

Resource = dict[str, Any]
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(/_history/\d+)?")
ORACLE_REPORTS = frozenset({"LP29708-2", "LP7839-6"})
ORACLE_OBSERVATIONS = frozenset({"vital-signs", "laboratory"})


def type_of(resource: Any) -> str:
    """The resource type. Raises Refusal for what is no resource."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        raise outcome(400, "invalid", "This is not a FHIR resource")
    return str(resource["resourceType"])


def usable_id(resource_id: str) -> bool:
    """Could a client give a new resource this id?"""
    return bool(_ID.fullmatch(resource_id))


def prepare(
    personality: Personality, resource: Resource, access: Access, shelf: Shelf, previous: Resource | None
) -> list[Resource]:
    """The resource as it would be kept, and what is kept beside it. Raises Refusal."""
    resource_type = resource["resourceType"]
    if personality.name == "epic":
        return list(documents.epic_note(resource, shelf))
    if personality.name == "oracle":
        if resource_type == "DocumentReference":
            return list(documents.oracle_document(resource, access, shelf, previous))
        _oracle_other(resource, shelf)
    return [copy.deepcopy(resource)]


def _oracle_other(resource: Resource, shelf: Shelf) -> None:
    """Reports of two disciplines, vital signs and laboratory values, messages to providers, and no more."""
    resource_type = resource["resourceType"]
    categories = {c.get("code") for entry in listed(resource.get("category")) for c in documents.codings(entry)}
    if resource_type == "DiagnosticReport":
        if not categories & ORACLE_REPORTS:
            raise outcome(422, "business-rule", "Unprocessable entity")
        for member in ("status", "code", "subject", "performer", "identifier", "presentedForm"):
            if not resource.get(member):
                raise outcome(500, "required", severity="fatal", location=f"/f:DiagnosticReport/f:{member}")
    if resource_type == "Observation" and not categories & ORACLE_OBSERVATIONS:
        raise outcome(422, "business-rule", "Unprocessable entity")
    if resource_type == "Communication":
        recipients = [str(r.get("reference", "")) for r in listed(resource.get("recipient"))]
        if not recipients or not all(shelf.exists(r) and r.startswith(("Practitioner/", "Group/")) for r in recipients):
            raise outcome(422, "business-rule", "Unprocessable entity")


def listed(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; nothing where it is none."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def check_references(personality: Personality, made: list[Resource], shelf: Shelf) -> None:
    """The open server refuses a reference to something it does not have. Raises Refusal."""
    if personality.name != "open":
        return
    for resource in made:
        for path, reference in references(resource):
            found = RELATIVE.fullmatch(reference)
            if found and not shelf.exists(f"{found[1]}/{found[2]}"):
                raise outcome(400, "processing", f"Resource {reference} not found, specified in path: {path}")


def references(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every (path, literal reference) in a resource."""
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield path, node["reference"]
        for key, value in node.items():
            yield from references(value, f"{path}.{key}" if path else key)
    elif isinstance(node, list):
        for item in node:
            yield from references(item, path)


def keep(
    personality: Personality, made: list[Resource], base: str, shelf: Shelf, origin: str, resource_id: str = ""
) -> Version:
    """Give ids, join a document with its Binary, and put both on the shelf. The first one is returned."""
    main = made[0]
    main["id"] = resource_id or new_id(personality, shelf, main["resourceType"])
    if len(made) > 1:
        binary = made[1]
        binary["id"] = f"XR-{main['id']}" if personality.name == "oracle" else new_id(personality, shelf, "Binary")
        binary["securityContext"] = {"reference": f"{main['resourceType']}/{main['id']}"}
        url = f"Binary/{binary['id']}"
        main["content"][0]["attachment"]["url"] = url if personality.name == "epic" else f"{base}/{url}"
        main["identifier"] = [
            {"system": f"https://practice.example/{personality.name}/document", "value": f"PR-{main['id']}"}
        ]
    return shelf.put(made, origin)[0]


def new_id(personality: Personality, shelf: Shelf, resource_type: str) -> str:
    """An id as this kind of EHR writes them."""
    while True:
        if personality.ids == "epic":
            made = "e" + secrets.token_urlsafe(24).replace("_", ".")[:22] + "3"
        elif personality.ids == "number":
            made = str(190_000_000 + secrets.randbelow(9_000_000))
        else:
            made = secrets.token_hex(8)
        if not shelf.history(resource_type, made):
            return made
