"""What a FHIR server says of itself (`/metadata`), whatever its form: JSON or XML, any release, with holes.

FHIR R4 CapabilityStatement, http://hl7.org/fhir/R4/capabilitystatement.html; DSTU2 called it Conformance. Nothing is
validated: real servers publish statements that no strict reader accepts, and only a few members are needed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree as ET

Resource = dict[str, Any]

KINDS = ("CapabilityStatement", "Conformance")
RELEASES = (
    ("0.", "DSTU1"),
    ("1.", "DSTU2"),
    ("3.", "STU3"),
    ("4.0", "R4"),
    ("4.1", "R4B"),
    ("4.3", "R4B"),
    ("4.", "R5 ballot"),
    ("5.", "R5"),
    ("6.", "R6"),
)
SPOKEN = ("R4", "R4B")
"""The releases whose records we read and write; R4B differs nowhere in what we use."""

MAKERS = (
    # profile, maker, words in what the server says of itself (lower case)
    ("epic", "Epic", ("epic",)),
    ("oracle", "Oracle Health Millennium", ("oracle health", "millennium", "cerner")),
    ("open", "HAPI FHIR", ("hapi",)),
    ("open", "Smile CDR", ("smile cdr",)),
    ("open", "Medplum", ("medplum",)),
    ("open", "Firely Server", ("firely", "vonk")),
    ("open", "Aidbox", ("aidbox",)),
    ("open", "Microsoft FHIR Server", ("microsoft fhir", "azure api for fhir", "azure health")),
    ("open", "Google Cloud Healthcare", ("google cloud", "cloud healthcare")),
    ("open", "LinuxForHealth FHIR Server", ("linuxforhealth", "ibm fhir")),
    ("open", "Blaze", ("blaze",)),
)
OAUTH_URIS = "oauth-uris"
_REPEATED = frozenset(
    {"rest", "resource", "interaction", "searchParam", "format", "instantiates", "extension", "coding"}
)
_DEEPEST = 30


def read_statement(body: bytes) -> Resource | None:
    """The statement in these bytes, JSON or XML; None where they are something else (a page, an error, nothing)."""
    text = body.decode("utf-8-sig", "replace").strip()
    if text.startswith("<"):
        found = _from_xml(text)
    else:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return None
    if isinstance(found, dict) and found.get("resourceType") in KINDS:
        return found
    return None


def release(statement: Resource) -> tuple[str, str]:
    """(version as written, release such as "R4"); empty strings where the statement does not say."""
    version = statement.get("fhirVersion")
    if not isinstance(version, str) or not version.strip():
        return "", "DSTU2" if statement.get("resourceType") == "Conformance" else ""
    version = version.strip()
    return version, next((name for prefix, name in RELEASES if version.startswith(prefix)), "")


def maker(statement: Resource) -> tuple[str, str] | None:
    """(profile that fits, who made the server), from what it says of itself; None for a server we do not know."""
    said = " ".join(_sayings(statement)).lower()
    for profile, name, words in MAKERS:
        if any(_as_word(word, said) for word in words):
            version = _text(_dict(statement.get("software")).get("version"))
            return profile, f"{name} {version}".strip()
    return None


def oauth_addresses(statement: Resource) -> dict[str, str]:
    """The OAuth addresses in the statement's security extension ("authorize", "token"): SMART's older way."""
    found: dict[str, str] = {}
    for rest in server_parts(statement):
        for extension in _dicts(_dict(rest.get("security")).get("extension")):
            if _text(extension.get("url")).endswith(OAUTH_URIS):
                for part in _dicts(extension.get("extension")):
                    address = _text(part.get("valueUri") or part.get("valueUrl"))
                    if address:
                        found.setdefault(_text(part.get("url")), address)
    return found


def interactions(statement: Resource, resource_type: str) -> set[str]:
    """What the statement declares for a type; `transaction` and the like for the type "". Raises nothing."""
    owners = server_parts(statement) if not resource_type else _listed(statement, resource_type)
    return {_text(i.get("code")) for owner in owners for i in _dicts(owner.get("interaction"))} - {""}


def resource_types(statement: Resource) -> set[str]:
    """Every type the server says it has."""
    return {_text(r.get("type")) for rest in server_parts(statement) for r in _dicts(rest.get("resource"))} - {""}


def server_parts(statement: Resource) -> Iterator[Resource]:
    """The parts that speak of the server; a statement may also describe a client."""
    return (rest for rest in _dicts(statement.get("rest")) if rest.get("mode") != "client")


def _listed(statement: Resource, resource_type: str) -> Iterator[Resource]:
    for rest in server_parts(statement):
        yield from (r for r in _dicts(rest.get("resource")) if r.get("type") == resource_type)


def _sayings(statement: Resource) -> Iterator[str]:
    """Software and implementation first: a title may name a guide that somebody else wrote."""
    yield _text(_dict(statement.get("software")).get("name"))
    implementation = _dict(statement.get("implementation"))
    yield _text(implementation.get("description"))
    yield _text(statement.get("publisher"))
    yield from oauth_addresses(statement).values()


def _as_word(word: str, said: str) -> bool:
    """Not as a part of another word: a "repository" is no Epic."""
    start = said.find(word)
    while start >= 0:
        before, after = said[max(start - 1, 0) : start], said[start + len(word) : start + len(word) + 1]
        if not before.isalnum() and not after.isalnum():
            return True
        start = said.find(word, start + 1)
    return False


def _from_xml(text: str) -> Any:
    """FHIR's XML form as its JSON form, as far as a statement needs it (http://hl7.org/fhir/R4/xml.html)."""
    if "<!DOCTYPE" in text[:2000] or "<!ENTITY" in text:
        return None  # FHIR has neither, and entities are how XML is made to explode
    try:
        root = ET.fromstring(text)  # noqa: S314  documents with entities were turned away above
    except ET.ParseError:
        return None
    found = _element(root, 0)
    return {"resourceType": root.tag.rpartition("}")[2], **found} if isinstance(found, dict) else None


def _element(element: ET.Element, depth: int) -> Any:
    if "value" in element.attrib and not len(element):
        return element.attrib["value"]
    found: dict[str, Any] = {"url": element.attrib["url"]} if "url" in element.attrib else {}
    if depth > _DEEPEST:
        return found
    for child in element:
        name = child.tag.rpartition("}")[2]
        value = _element(child, depth + 1)
        if name in _REPEATED:
            found.setdefault(name, []).append(value)
        else:
            found.setdefault(name, value)
    return found


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _dict(value: object) -> Resource:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> Iterator[Resource]:
    """The objects of a list; a single object where a list belongs counts as a list of one."""
    items = value if isinstance(value, list) else [value]
    yield from (item for item in items if isinstance(item, dict))
