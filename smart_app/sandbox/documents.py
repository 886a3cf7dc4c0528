"""What each kind of EHR takes as a document, and what it makes of it. Rule: no answer here is kinder than the real one.

Epic: clinical notes (its specification 1046). Oracle: DocumentReference create and update of Millennium.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from smart_app.sandbox.access import Access, patient_of
from smart_app.sandbox.personality import LOINC, PLAIN, TENANT
from smart_app.sandbox.refusal import outcome
from smart_app.sandbox.shelf import Shelf, stamp

Resource = dict[str, Any]

EPIC_BACKGROUND_USER = "Practitioner/background"
EPIC_NOTE_TYPES = "urn:oid:2.25.3001.4.11"
"""The hospital's own note types; its LOINC list is the other way to name one."""
EPIC_LOINC = frozenset({"11488-4", "18748-4", "34117-2", "11506-3", "28570-0", "57133-1", "34109-9", "11504-8"})
EPIC_NOT_WRITTEN = frozenset({"18842-5", "69730-0"})  # discharge summary, patient instructions
CATEGORY = {
    "coding": [
        {
            "system": "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
            "code": "clinical-note",
            "display": "Clinical Note",
        }
    ]
}
CODE_SET = f"https://practice.example/{TENANT}/codeSet/72"
ORACLE_TYPES = frozenset(
    {"application/pdf", PLAIN, "text/richtext", "text/rtf", "text/html", "application/xml", "application/xhtml+xml"}
)
ORACLE_UPDATE_TYPES = ORACLE_TYPES - {PLAIN}
_HAS_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def codings(concept: Any) -> list[dict[str, Any]]:
    """The codings of a CodeableConcept, whatever came in its place."""
    listed = concept.get("coding", []) if isinstance(concept, dict) else []
    return [coding for coding in listed if isinstance(coding, dict)]


def decoded(attachment: dict[str, Any]) -> bytes | None:
    """The bytes of an attachment's data; None where there are none or they are not base64."""
    data = attachment.get("data")
    if not isinstance(data, str) or not data:
        return None
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return None


def epic_note(resource: Resource, shelf: Shelf) -> tuple[Resource, Resource]:
    """The note and its Binary as Epic would keep them. Raises Refusal."""
    for modifier in ("implicitRules", "modifierExtension"):
        if modifier in resource:
            raise outcome(422, "business-rule", f"Unsupported modifier element {modifier}", number="59012")
    patient = patient_of(resource)
    if not patient or not shelf.exists(f"Patient/{patient}"):
        raise outcome(400, "not-found", "Invalid subject received", number="59144")
    if resource.get("status") != "current":
        raise outcome(400, "value", "Invalid status; only current is supported", number="59100")
    if resource.get("docStatus") not in ("final", "preliminary"):
        raise outcome(400, "required", "docStatus is required: final or preliminary", number="59101")
    _epic_type(resource.get("type"))
    encounter = _epic_encounter(resource, patient, shelf)
    content = resource.get("content") or [{}]
    attachment = content[0].get("attachment", {}) if isinstance(content[0], dict) else {}
    media = str(attachment.get("contentType", "")).partition(";")[0].strip().lower()
    if media != PLAIN:
        raise outcome(400, "value", "Invalid content type; notes are text/plain", number="59100")
    text = decoded(attachment)
    if text is None:
        raise outcome(400, "required", "The note has no content", number="59101")
    if encounter.get("status") == "planned" and resource["docStatus"] == "final":
        raise outcome(400, "business-rule", "A note for a planned visit must be preliminary", number="59159")
    author = next((a for a in resource.get("author", []) if shelf.exists(str(a.get("reference", "")))), None)
    now = stamp(shelf.now())
    binary = {"resourceType": "Binary", "contentType": PLAIN, "data": base64.b64encode(text).decode()}
    note = {
        "resourceType": "DocumentReference",
        "status": "current",
        "docStatus": resource["docStatus"],
        "type": resource["type"],
        "category": [CATEGORY],
        "subject": {"reference": f"Patient/{patient}"},
        "date": now,
        "author": [author or {"reference": EPIC_BACKGROUND_USER, "display": "Interface, Background User"}],
        "content": [{"attachment": {"contentType": PLAIN, "creation": now}}],
        "context": {"encounter": [{"reference": f"Encounter/{encounter['id']}"}]},
    }
    if resource["docStatus"] == "final":
        note["authenticator"] = note["author"][0]
    return note, binary


def _epic_type(concept: Any) -> None:
    listed = codings(concept)
    codes = {c.get("code") for c in listed if c.get("system") == LOINC}
    if codes & EPIC_NOT_WRITTEN:
        raise outcome(400, "business-rule", "This note type cannot be written", number="59159")
    if not codes & EPIC_LOINC and not any(c.get("system") == EPIC_NOTE_TYPES for c in listed):
        raise outcome(400, "value", "Invalid note type", number="59100")


def _epic_encounter(resource: Resource, patient: str, shelf: Shelf) -> Resource:
    context = resource.get("context")
    listed = context.get("encounter", []) if isinstance(context, dict) else []
    reference = str(listed[0].get("reference", "")) if len(listed) == 1 else ""
    found = shelf.newest("Encounter", reference.rpartition("/")[2]) if "Encounter/" in reference else None
    if found is None or found.deleted or patient_of(found.resource) != patient:
        raise outcome(400, "required", "Valid encounter required", number="59101")
    return found.resource


def oracle_document(
    resource: Resource, access: Access, shelf: Shelf, previous: Resource | None
) -> tuple[Resource, Resource]:
    """The document and its Binary as Millennium would keep them; `previous` is given for an update. Raises Refusal."""
    for modifier, code in (("modifierExtension", "extension"), ("implicitRules", "not-supported")):
        if modifier in resource:
            raise outcome(422, code, "Unprocessable entity")
    for member in ("status", "type", "subject", "content"):
        if not resource.get(member):
            raise outcome(500, "required", severity="fatal", location=f"/f:DocumentReference/f:{member}")
    _oracle_statuses(resource, access, previous)
    patient = patient_of(resource)
    if not shelf.exists(f"Patient/{patient}"):
        raise outcome(422, "invalid", "Unprocessable entity")
    _oracle_type(resource["type"])
    _oracle_dates(resource)
    _oracle_people(resource, access)
    encounter = _oracle_encounter(resource, patient, shelf, previous)
    attachment, raw = _oracle_attachment(resource, ORACLE_TYPES if previous is None else ORACLE_UPDATE_TYPES)
    media = str(attachment["contentType"]).partition(";")[0]
    if media in ("text/html", "application/xhtml+xml"):
        raw = rendered_again(raw)
    kept_attachment = {
        "contentType": media,
        "title": attachment.get("title") or "Document",
        "creation": attachment.get("creation") or stamp(shelf.now()),
    }
    context: dict[str, Any] = {"period": resource["context"]["period"]}
    if encounter:
        context["encounter"] = [{"reference": encounter}]
    kept = {
        "resourceType": "DocumentReference",
        "status": resource["status"],
        "docStatus": resource["docStatus"],
        "type": {**resource["type"], "text": _type_text(resource["type"])},
        "category": [CATEGORY],
        "subject": {"reference": f"Patient/{patient}"},
        "date": stamp(shelf.now()),
        "content": [{"attachment": kept_attachment}],
        "context": context,
    }
    for member in ("author", "authenticator"):
        if resource.get(member):
            kept[member] = resource[member]
    return kept, {"resourceType": "Binary", "contentType": media, "data": base64.b64encode(raw).decode()}


def _oracle_statuses(resource: Resource, access: Access, previous: Resource | None) -> None:
    allowed = {"final"}
    if previous is not None:
        allowed = {"final", "amended", "entered-in-error"}
    elif access.persona == "system":
        allowed = {"final", "amended"}
    if resource.get("docStatus") not in allowed:
        raise outcome(422, "invalid", "Unprocessable entity")
    if resource["status"] != "current" and not (previous and resource["status"] == "entered-in-error"):
        raise outcome(422, "business-rule", "Unprocessable entity")


def _oracle_type(concept: Any) -> None:
    """LOINC, or exactly one code of this tenant's code set 72."""
    listed = codings(concept)
    sets = [c for c in listed if "/codeSet/" in str(c.get("system", ""))]
    if any(c.get("system") != CODE_SET for c in sets):
        raise outcome(400, "invalid", "Invalid request")
    if len(sets) > 1 or not (sets or any(c.get("system") == LOINC and c.get("code") for c in listed)):
        raise outcome(422, "invalid", "Unprocessable entity")


def _oracle_dates(resource: Resource) -> None:
    """`context.period.end` is required, and every date needs a time part."""
    context = resource.get("context")
    period = context.get("period", {}) if isinstance(context, dict) else {}
    if not isinstance(period, dict) or not period.get("end"):
        raise outcome(422, "required", "Unprocessable entity")
    attachments = [c.get("attachment", {}) for c in resource["content"] if isinstance(c, dict)]
    dates = [period.get("start"), period["end"], resource.get("date"), *(a.get("creation") for a in attachments)]
    if any(date is not None and not _HAS_TIME.match(str(date)) for date in dates):
        raise outcome(422, "value", "Unprocessable entity")


def _oracle_people(resource: Resource, access: Access) -> None:
    """A provider writes as themselves and authenticates nobody; the system may name both or neither."""
    authors = resource.get("author") or []
    if access.persona == "provider":
        if len(authors) != 1 or _own(authors[0].get("reference")) != access.user:
            raise outcome(422, "business-rule", "Unprocessable entity")
        if resource.get("authenticator"):
            raise outcome(400, "invalid", "Invalid request")
    elif len(authors) > 1:
        raise outcome(422, "business-rule", "Unprocessable entity")


def _own(reference: Any) -> str:
    """`Type/id` of a reference, absolute or relative."""
    return "/".join(str(reference).split("/")[-2:])


def _oracle_encounter(resource: Resource, patient: str, shelf: Shelf, previous: Resource | None) -> str:
    listed = resource["context"].get("encounter", [])
    if len(listed) > 1:
        raise outcome(422, "invalid", "Unprocessable entity")
    reference = str(listed[0].get("reference", "")) if listed else ""
    if reference:
        found = shelf.newest("Encounter", reference.rpartition("/")[2])
        if found is None or found.deleted or patient_of(found.resource) != patient:
            raise outcome(422, "invalid", "Unprocessable entity")
    if previous is not None:
        before = previous.get("context", {}).get("encounter", [])
        if reference != (before[0]["reference"] if before else ""):
            raise outcome(422, "business-rule", "Unprocessable entity")
    return reference


def _oracle_attachment(resource: Resource, types: frozenset[str]) -> tuple[dict[str, Any], bytes]:
    content = resource["content"]
    attachment = content[0].get("attachment", {}) if len(content) == 1 and isinstance(content[0], dict) else {}
    declared = str(attachment.get("contentType", "")).lower().replace(" ", "")
    media, _, parameter = declared.partition(";")
    if media not in types or (media != "application/pdf" and parameter != "charset=utf-8"):
        raise outcome(422, "value", "Unprocessable entity")
    raw = decoded(attachment)
    if raw is None:
        raise outcome(422, "required", "Unprocessable entity")
    return attachment, raw


def _type_text(concept: dict[str, Any]) -> str:
    listed = codings(concept)
    return str(concept.get("text") or (listed[0].get("display") if listed else "") or "Document")


def rendered_again(raw: bytes) -> bytes:
    """HTML as it looks after a trip through the EHR's own format: scripts, styles, frames and outside images gone."""
    text = raw.decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style|iframe|frame|object)\b.*?(</\1\s*>|$)", "", text)
    text = re.sub(r"(?is)\s(on\w+|style|class)\s*=\s*(\"[^\"]*\"|'[^']*'|\S+)", "", text)
    text = re.sub(r"(?is)<img\b(?![^>]*src\s*=\s*[\"']data:)[^>]*>", "", text)
    body = re.search(r"(?is)<body\b[^>]*>(.*)</body>", text)
    inside = body[1] if body else text
    return f'<html xmlns="http://www.w3.org/1999/xhtml"><body>{inside}</body></html>'.encode()
