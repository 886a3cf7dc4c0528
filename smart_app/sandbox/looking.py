"""What the screens show of a chart: resources made into rows for people. Rule: reads only, and takes nothing away."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from smart_app.sandbox.house import House
from smart_app.sandbox.shelf import Version
from smart_app.sandbox.staff import display

Resource = dict[str, Any]


@dataclass(frozen=True)
class Banner:
    """Who a chart belongs to."""

    id: str
    name: str
    other_names: tuple[str, ...]
    birth_date: str
    sex: str
    mrn: str
    email: str
    problem: str
    trouble: str


@dataclass(frozen=True)
class Document:
    """One document or report. `parts` are (title, content type, text or empty, number for the address of its bytes)."""

    kind: str
    id: str
    title: str
    at: str
    by: str
    status: str
    version: int
    from_app: bool
    unsigned: bool
    conclusion: str
    parts: tuple[tuple[str, str, str, int], ...]


def banner(house: House, patient_id: str) -> Banner | None:
    """The banner of one chart; None where there is no such patient."""
    version = house.records.shelf.newest("Patient", patient_id)
    if version is None or version.deleted:
        return None
    patient = version.resource
    names = [name.get("text", "") for name in patient.get("name", [])]
    telecom = {entry["system"]: entry["value"] for entry in patient.get("telecom", [])}
    problems = [r.get("code", {}).get("text", "") for r in about(house, "Condition", patient_id)]
    return Banner(
        patient_id,
        display(patient),
        tuple(names[1:]),
        patient.get("birthDate", "not known"),
        patient.get("gender", "not known"),
        next((i["value"] for i in patient.get("identifier", [])), ""),
        telecom.get("email", ""),
        ", ".join(problem for problem in problems if problem),
        house.records.scenarios.of(patient_id),
    )


def banners(house: House, wanted: str = "") -> list[Banner]:
    """Every chart whose name, birth date or number holds these letters."""
    found = [banner(house, version.resource["id"]) for version in house.records.shelf.present("Patient")]
    words = wanted.casefold().split()
    kept = [
        b
        for b in found
        if b and all(word in f"{b.name} {' '.join(b.other_names)} {b.birth_date} {b.mrn}".casefold() for word in words)
    ]
    return sorted(kept, key=lambda b: [*b.name.split()[-1:], b.name])


def about(house: House, kind: str, patient_id: str) -> list[Resource]:
    """Every resource of that kind about that patient."""
    return [v.resource for v in _versions(house, kind, patient_id)]


def _versions(house: House, kind: str, patient_id: str) -> list[Version]:
    return house.records.shelf.present(kind, patient_id)


def documents(house: House, kind: str, patient_id: str, *, for_patient: bool = False) -> list[Document]:
    """The documents or reports of one patient, newest first; a patient sees no unsigned ones."""
    rows = [_document(house, version) for version in _versions(house, kind, patient_id)]
    if for_patient:
        rows = [row for row in rows if not row.unsigned and row.status != "entered-in-error"]
    return sorted(rows, key=lambda row: row.at, reverse=True)


def _document(house: House, version: Version) -> Document:
    resource = version.resource
    first = house.records.shelf.history(resource["resourceType"], resource["id"])[0]
    title = resource.get("type", resource.get("code", {}))
    words = title.get("text") or next((c.get("display", "") for c in title.get("coding", [])), "") or "Document"
    people = resource.get("author") or resource.get("resultsInterpreter") or resource.get("performer") or []
    parts = []
    for number, attachment in enumerate(attachments(resource)):
        raw, media = contents(house, attachment)
        text = raw.decode("utf-8", "replace") if media.startswith("text/plain") else ""
        parts.append((str(attachment.get("title", "")), media, text, number))
    return Document(
        kind=resource["resourceType"],
        id=resource["id"],
        title=words,
        at=str(resource.get("date") or resource.get("issued") or resource.get("sent") or version.at),
        by=", ".join(_person(house, person) for person in people),
        status=str(resource.get("docStatus") or resource.get("status", "")),
        version=version.number,
        from_app=first.origin not in ("seed", "chart"),
        unsigned=resource.get("docStatus") == "preliminary",
        conclusion=str(resource.get("conclusion", "")),
        parts=tuple(parts),
    )


def _person(house: House, reference: Resource) -> str:
    if reference.get("display"):
        return str(reference["display"])
    kind, _, key = str(reference.get("reference", "")).partition("/")
    found = house.records.shelf.newest(kind, key)
    return (display(found.resource) if kind != "Organization" else str(found.resource["name"])) if found else ""


def attachments(resource: Resource) -> list[Resource]:
    """The attachments of a document, report or message, in order."""
    found = [c.get("attachment", {}) for c in resource.get("content", [])]
    found += resource.get("presentedForm", [])
    found += [p["contentAttachment"] for p in resource.get("payload", []) if "contentAttachment" in p]
    return found


def contents(house: House, attachment: Resource) -> tuple[bytes, str]:
    """The bytes of an attachment, from itself or from its Binary, and their type."""
    media = str(attachment.get("contentType", "application/octet-stream"))
    if attachment.get("data"):
        return base64.b64decode(attachment["data"]), media
    found = house.records.shelf.newest("Binary", str(attachment.get("url", "")).rpartition("/")[2])
    return (base64.b64decode(found.resource.get("data", "")), media) if found else (b"", media)
