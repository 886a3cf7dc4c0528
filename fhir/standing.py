"""What stands in the chart, compared with what was signed: the right patient, the right version, the same content.

What survives a round trip differs. Bytes are compared by hash; where a chart re-renders them, our reference line
inside what it kept is the proof. A title alone proves nothing about the content under it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from fhir import codes
from fhir.chart import Chart
from fhir.errors import ChartConflict, ChartUnavailable, NotInChart
from fhir.invariants import sha1
from fhir.profiles import Profile
from fhir.report import OpinionFacts, document_bytes, note_text, reference_line
from fhir.wire import type_and_id

Resource = dict[str, Any]


def same_patient(resource: Resource, patient: str) -> bool:
    """Is this record about that patient ("Patient/id", absolute or not)?"""
    subject = resource.get("subject")
    found = type_and_id(subject.get("reference"), "Patient") if isinstance(subject, dict) else None
    return found is not None and found == type_and_id(patient, "Patient")


def version_of(resource: Resource, referral_id: str) -> int | None:
    """Which version of this opinion the record says it is, by our identifier; None where it names none."""
    for identifier in _dicts(resource.get("identifier")):
        value = str(identifier.get("value", ""))
        if identifier.get("system") == codes.OPINION_VERSION and value.startswith(f"{referral_id}/"):
            number = value.rpartition("/")[2]
            return int(number) if number.isdecimal() else None
    return None


def proven(chart: Chart, resource: Resource, facts: OpinionFacts) -> bool:
    """Is the content of this record the one that was signed? Fetches attachments where the chart keeps them apart.

    Raises the chart's errors where an attachment cannot be read: what was not seen is not proven.
    """
    line = reference_line(facts.referral_id, facts.version)
    good = False
    for content_type, content in _contents(chart, resource):
        wanted = document_bytes(facts, content_type)
        if sha1(content) == sha1(wanted) or _marked(content.decode("latin-1"), line) or _same_words(content, facts):
            good = True
        elif content_type.startswith(("application/pdf", "text/plain")):
            return False  # one form says what was signed and another does not
    return good


def must_be_ours(chart: Chart, resource: Resource, facts: OpinionFacts) -> None:
    """Raises ChartConflict, in words for the person who must look, unless this is exactly what was signed."""
    where = f"{resource.get('resourceType')}/{resource.get('id')}"
    if not same_patient(resource, facts.subject):
        raise ChartConflict(f"{where} stands in another patient's chart. Look at it at once.")
    if resource.get("status") == "entered-in-error" and facts.status != "entered-in-error":
        raise ChartConflict(f"{where} was marked in the chart as an error.")
    if not proven(chart, resource, facts):
        raise ChartConflict(f"{where} in the chart does not hold the words that were signed. Compare them.")


def mentions(resource: Resource, facts: OpinionFacts) -> bool:
    """Does the record name this version where a list shows it: our identifier, title or description?"""
    if version_of(resource, facts.referral_id) == facts.version:
        return True
    mark = f"{facts.referral_id}/{facts.version}"
    titles = [attachment.get("title") for attachment in attachments(resource)]
    return any(_marked(text, mark) for text in (*titles, resource.get("description")))


def find(chart: Chart, profile: Profile, facts: OpinionFacts, kind: str) -> Resource | None:
    """What the chart holds of this opinion: by our identifier, or among the patient's documents of our type.

    Raises ChartConflict where it stands there more than once, ChartUnavailable where the chart had more than it gave.
    """
    patient = facts.subject.rpartition("/")[2]
    if profile.look_by == "identifier":
        version = f"{codes.OPINION_VERSION}|{facts.referral_id}/{facts.version}"
        token = f"{codes.OPINION_ID}|{facts.referral_id}" if kind == "DiagnosticReport" else version
        where = {"identifier": token, "patient": patient}
    else:
        system, code, _ = profile.document_type
        where = {"patient": patient, "type": f"{system}|{code}"}
    page = chart.search(kind, where)
    found = [e for e in page.entries if e.get("resourceType") == kind and same_patient(e, facts.subject)]
    if profile.look_by == "content":
        found = [e for e in found if mentions(e, facts)]
    else:
        found = [e for e in found if _carries(e, facts)]
    if not found and not page.complete:
        raise ChartUnavailable("The chart could not be searched to the end, so nothing was written.")
    if len(found) > 1:
        raise ChartConflict(f"This opinion stands {len(found)} times in the chart. Look which one is right.")
    return found[0] if found else None


def _carries(resource: Resource, facts: OpinionFacts) -> bool:
    """A search that ignored the identifier must not give us somebody else's report."""
    if version_of(resource, facts.referral_id) is not None:
        return True
    known = _dicts(resource.get("identifier"))
    return any(i.get("system") == codes.OPINION_ID and i.get("value") == facts.referral_id for i in known)


def attachments(resource: Resource) -> list[Resource]:
    """The attachments of a report, document or message, in order."""
    found = _dicts(resource.get("presentedForm"))
    found += [c["attachment"] for c in _dicts(resource.get("content")) if isinstance(c.get("attachment"), dict)]
    for part in _dicts(resource.get("payload")):
        if isinstance(part.get("contentAttachment"), dict):
            found.append(part["contentAttachment"])
    return found


def _contents(chart: Chart, resource: Resource) -> Iterator[tuple[str, bytes]]:
    for attachment in attachments(resource):
        content_type = str(attachment.get("contentType", ""))
        if isinstance(attachment.get("data"), str):
            try:
                yield content_type, base64.b64decode(attachment["data"])
            except (binascii.Error, ValueError):
                yield content_type, b""
        elif isinstance(attachment.get("url"), str):
            try:
                content, found_type = chart.read_binary(attachment["url"])
            except NotInChart:
                content, found_type = b"", ""
            yield content_type or found_type, content


def _same_words(content: bytes, facts: OpinionFacts) -> bool:
    """The same text but for line ends and trailing blanks, which notes lose on the way."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    return _words(text) == _words(note_text(facts))


def _words(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").split("\n")).strip()


def _marked(text: object, mark: str) -> bool:
    """The mark, and not as the beginning of a higher version number."""
    return isinstance(text, str) and re.search(rf"{re.escape(mark)}(?!\d)", text) is not None


def _dicts(value: object) -> list[Resource]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
