"""A DiagnosticReport that another system sends us as the opinion: what it says it is about, and the words of it.

Rule: this reads and judges nothing. What is absent is empty; an odd element spoils only itself.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Any

from fhir import codes
from fhir.study import study_uid

Resource = dict[str, Any]
SIGNED = ("final", "amended", "corrected", "appended")


@dataclass(frozen=True)
class IncomingReport:
    """What it says. `requests` are "Type/id" or "system|value" of what it answers; `patient` likewise."""

    status: str
    requests: tuple[str, ...]
    patient: tuple[str, ...]
    studies: tuple[str, ...]  # "ImagingStudy/id" or Study Instance UIDs
    reader: str
    conclusion: str
    text: str
    agreement: str
    identifiers: tuple[str, ...] = field(default=())


def read_report(resource: Resource) -> IncomingReport:
    """Read it. Raises nothing."""
    contained = {f"#{one.get('id')}": one for one in _dicts(resource.get("contained"))}
    readers = _dicts(resource.get("resultsInterpreter")) or _dicts(resource.get("performer"))
    return IncomingReport(
        status=_text(resource.get("status")),
        requests=tuple(name for one in _dicts(resource.get("basedOn")) for name in _named(one)),
        patient=_named(resource.get("subject")),
        studies=tuple(name for one in _dicts(resource.get("imagingStudy")) for name in _study(one)),
        reader=next((_text(one.get("display")) for one in readers if _text(one.get("display"))), ""),
        conclusion=_text(resource.get("conclusion")),
        text=_words(resource),
        agreement=_agreement(contained[reference] for reference in _results(resource) if reference in contained),
        identifiers=tuple(_pair(one) for one in _dicts(resource.get("identifier"))),
    )


def _named(reference: object) -> tuple[str, ...]:
    """Every way in which a Reference names its target."""
    if not isinstance(reference, dict):
        return ()
    literal = _text(reference.get("reference"))
    parts = literal.split("/")
    found = ["/".join(parts[-2:])] if len(parts) > 1 else []
    identifier = reference.get("identifier")
    if isinstance(identifier, dict) and identifier.get("value"):
        found.append(_pair(identifier))
    return tuple(found)


def _study(reference: Resource) -> tuple[str, ...]:
    identifier = reference.get("identifier")
    uid = study_uid(identifier) if isinstance(identifier, dict) else ""
    return (uid,) if uid else tuple(name for name in _named(reference) if name.startswith("ImagingStudy/"))


def _pair(identifier: Resource) -> str:
    return f"{_text(identifier.get('system'))}|{_text(identifier.get('value'))}"


def _results(resource: Resource) -> list[str]:
    return [_text(one.get("reference")) for one in _dicts(resource.get("result"))]


def _agreement(observations: Any) -> str:
    """The grade on our five-point scale, where a contained Observation carries it."""
    for observation in observations:
        value = observation.get("valueCodeableConcept")
        for coding in _dicts(value.get("coding")) if isinstance(value, dict) else []:
            if coding.get("system") == codes.AGREEMENT:
                return _text(coding.get("code"))
    return ""


def _words(resource: Resource) -> str:
    """The first plain text among the attachments."""
    for attachment in _dicts(resource.get("presentedForm")):
        if _text(attachment.get("contentType")).startswith("text/plain"):
            try:
                return base64.b64decode(_text(attachment.get("data")), validate=True).decode("utf-8").strip()
            except (binascii.Error, ValueError):
                continue
    return ""


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _dicts(value: object) -> list[Resource]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
