"""Rules of R4 and of US Core that bind two elements, each under its official key. One small function per rule."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from fhir import codes

Fault = tuple[str, str]
Node = dict[str, Any]


def invariant_faults(resource: Node, path: str) -> Iterator[Fault]:
    """(path, fault) for this resource, everything in it, and every resource it holds."""
    yield from _of_resource(resource, path)
    for name, value in resource.items():
        if name != "contained":
            yield from _inside(value, f"{path}.{name}")
    for number, inner in enumerate(resource.get("contained", ())):
        yield from invariant_faults(inner, f"{path}.contained[{number}]")


def _inside(value: object, path: str) -> Iterator[Fault]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _inside(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        if "resourceType" in value:
            yield from invariant_faults(value, path)
            return
        yield from _of_element(value, path)
        for name, item in value.items():
            yield from _inside(item, f"{path}.{name}")


def _of_element(node: Node, path: str) -> Iterator[Fault]:
    if _attachment(path) and "data" in node:
        yield from _attachment_faults(node, path)
    if {"start", "end"} <= set(node) <= {"id", "extension", "start", "end"}:
        start, end = moment(node["start"]), moment(node["end"])
        if start and end and start > end:
            yield path, "per-1: start is after end"


def _attachment(path: str) -> bool:
    name = path.rpartition(".")[2].partition("[")[0]
    return name in ("attachment", "presentedForm", "photo", "valueAttachment", "contentAttachment", "sourceAttachment")


def _attachment_faults(node: Node, path: str) -> Iterator[Fault]:
    if "contentType" not in node:
        yield f"{path}.contentType", "att-1: data needs a contentType"
    content = base64.b64decode(node["data"])
    if "size" in node and node["size"] != len(content):
        yield f"{path}.size", "is not the number of bytes in data"
    if "hash" in node and node["hash"] != sha1(content):
        yield f"{path}.hash", "is not the SHA-1 of data"


def _of_resource(resource: Node, path: str) -> Iterator[Fault]:
    for rule in RULES.get(resource["resourceType"], ()):
        yield from rule(resource, path)
    yield from _contained(resource, path)
    yield from _narrative(resource, path)
    for profile in resource.get("meta", {}).get("profile", ()):
        for name in PROFILE_MUSTS.get(profile.partition("|")[0], ()):
            if name not in resource:
                yield f"{path}.{name}", f"is demanded by {profile}"


def _contained(resource: Node, path: str) -> Iterator[Fault]:
    inner = resource.get("contained", ())
    used = set(_references(resource))
    own = {f"#{r['id']}" for r in inner if "id" in r}
    for number, one in enumerate(inner):
        here = f"{path}.contained[{number}]"
        if "contained" in one:
            yield f"{here}.contained", "dom-2: a contained resource contains none itself"
        if f"#{one.get('id')}" not in used and "#" not in set(_references(one)):
            yield here, "dom-3: nothing refers to it"
        if {"versionId", "lastUpdated"} & set(one.get("meta", {})):
            yield f"{here}.meta", "dom-4: a contained resource has no version of its own"
        if "security" in one.get("meta", {}):
            yield f"{here}.meta.security", "dom-5: a contained resource has no security label of its own"
    for reference in sorted(used):
        if reference.startswith("#") and reference != "#" and reference not in own and "entry" not in resource:
            yield path, f"ref-1: nothing here has the id {reference}"


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _narrative(resource: Node, path: str) -> Iterator[Fault]:
    text = resource.get("text")
    if isinstance(text, dict) and "div" in text and not text["div"].lstrip().startswith("<div"):
        yield f"{path}.text.div", "is not an XHTML div"


def _service_request(r: Node, path: str) -> Iterator[Fault]:
    if "orderDetail" in r and "code" not in r:
        yield f"{path}.orderDetail", "prr-1: orderDetail only where there is a code"


def _task(r: Node, path: str) -> Iterator[Fault]:
    first, last = moment(r.get("authoredOn")), moment(r.get("lastModified"))
    if first and last and last < first:
        yield f"{path}.lastModified", "inv-1: is before authoredOn"


def _consent(r: Node, path: str) -> Iterator[Fault]:
    if "policy" not in r and "policyRule" not in r:
        yield path, "ppc-1: either policy or policyRule"
    scope = {c.get("code") for c in r.get("scope", {}).get("coding", ())}
    if "patient-privacy" in scope and "patient" not in r:
        yield f"{path}.patient", "ppc-2: a privacy consent names the patient"


REPORTED = frozenset({"partial", "preliminary", "final", "amended", "corrected", "appended"})


EFFECTIVE = frozenset({"effectiveDateTime", "effectivePeriod"})


def _diagnostic_report(r: Node, path: str) -> Iterator[Fault]:
    claims = any(p.startswith(codes.US_CORE + "us-core-diagnosticreport") for p in r.get("meta", {}).get("profile", ()))
    if claims and r["status"] in REPORTED and not {name.lstrip("_") for name in r} & EFFECTIVE:
        yield path, "us-core-10: a report from partial on has an effective time"


def _observation(r: Node, path: str) -> Iterator[Fault]:
    value = any(name.startswith("value") for name in r)
    if value and "dataAbsentReason" in r:
        yield f"{path}.dataAbsentReason", "obs-6: only where there is no value"
    own = _codings(r.get("code", {}))
    for number, component in enumerate(r.get("component", ())):
        if value and own & _codings(component.get("code", {})):
            yield f"{path}.component[{number}].code", "obs-7: a value beside a component of the same code"


def _codings(concept: Node) -> set[tuple[str, str]]:
    return {(c.get("system", ""), c.get("code", "")) for c in concept.get("coding", ())}


def _bundle(r: Node, path: str) -> Iterator[Fault]:
    asks, answers = r["type"] in ("batch", "transaction", "history"), r["type"].endswith(("-response", "history"))
    seen: set[tuple[str, str]] = set()
    for number, entry in enumerate(r.get("entry", ())):
        here = f"{path}.entry[{number}]"
        if ("request" in entry) != asks:
            yield f"{here}.request", "bdl-3: in batch, transaction and history, and only there"
        if ("response" in entry) != answers:
            yield f"{here}.response", "bdl-4: in responses and history, and only there"
        version = entry.get("resource", {}).get("meta", {}).get("versionId", "")
        key = (entry.get("fullUrl", ""), version)
        if key[0] and key in seen and r["type"] != "history":
            yield f"{here}.fullUrl", "bdl-7: stands twice"
        seen.add(key)


Rule = Callable[[Node, str], Iterator[Fault]]
RULES: dict[str, tuple[Rule, ...]] = {
    "ServiceRequest": (_service_request,),
    "Task": (_task,),
    "Consent": (_consent,),
    "DiagnosticReport": (_diagnostic_report,),
    "Observation": (_observation,),
    "Bundle": (_bundle,),
}

PROFILE_MUSTS: dict[str, tuple[str, ...]] = {
    codes.US_CORE_SERVICE_REQUEST: ("code", "subject"),
    codes.US_CORE_REPORT_NOTE: ("category", "subject"),
    codes.US_CORE_DOCUMENT_REFERENCE: ("type", "category", "subject"),
}
"""Elements with cardinality 1.. in US Core 6.1.0 that are optional in R4."""


def sha1(content: bytes) -> str:
    """Attachment.hash: SHA-1 of the raw bytes, base64 (R4 section 2.24.0.6)."""
    return base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


def moment(value: object) -> datetime | None:
    """A FHIR dateTime with a time part as a moment; None for anything shorter or unreadable."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
