"""The opinion as FHIR: DiagnosticReport with its agreement Observation, or the document that a chart takes instead.

Effective is when the images were made, issued is when the opinion was signed: a second opinion belongs beside the
images in the chart's time line, not at today's date. It never replaces the first report.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir import codes
from fhir.elements import identifier, narrative, person, pointer, present, printable, stamp, tidy, when
from fhir.invariants import sha1
from fhir.profiles import Profile

Resource = dict[str, Any]

READERS = ("Practitioner", "PractitionerRole")
TITLE = "Second opinion on outside imaging"
OPENING = 4  # lines a reader sees before anything else
UNKNOWN_TIME = {"extension": [{"url": codes.DATA_ABSENT, "valueCode": "unknown"}]}


@dataclass(frozen=True)
class OpinionFacts:
    """One signed version, in the words and bytes that were signed.

    `acquired` is the ISO time of the index study, or empty. `replaces` is where the earlier version stands in the
    chart ("Type/id"), `change_line` the sentence that says what changed. References are "Type/id" in this chart.
    """

    referral_id: str
    version: int
    status: str  # "final", "corrected", "appended", "amended", "entered-in-error"
    subject: str
    subject_display: str
    answer: str
    findings: str
    impression: str
    agreement: str  # "1".."5" or "cannot-compare"
    agreement_words: str
    affects_management: bool | None
    signed_at: datetime
    expert_name: str
    expert_reference: str
    organisation_name: str
    acquired: str
    study_instance_uids: tuple[str, ...]
    service_request: str | None
    imaging_study: str | None
    encounter: str | None
    pdf: bytes
    text: str
    change_line: str = ""
    replaces: str | None = None


def opinion_identifier(referral_id: str, version: int) -> Resource:
    """Names exactly this version."""
    return identifier(codes.OPINION_VERSION, f"{referral_id}/{version}")


def opinion_key(referral_id: str) -> Resource:
    """Names the opinion over all its versions: the same resource in a chart that lets it be updated."""
    return identifier(codes.OPINION_ID, referral_id, codes.FILLER, "official")


def reference_line(referral_id: str, version: int) -> str:
    """The line by which we know our own document again where a chart drops identifiers."""
    return f"Reference: {referral_id} version {version}"


def title(facts: OpinionFacts) -> str:
    """What a list of documents shows; ends with our reference."""
    return f"{TITLE}, version {facts.version} ({facts.referral_id}/{facts.version})"


def note_text(facts: OpinionFacts) -> str:
    """The text as a note: it opens with what it replaces and ends with our reference line, each once."""
    text = printable(facts.text).strip("\n")
    opening = "\n".join(text.splitlines()[:OPENING]).casefold()
    if facts.change_line and f"version {facts.version - 1}" not in opening:
        text = f"{facts.change_line}\n\n{text}"
    line = reference_line(facts.referral_id, facts.version)
    if line not in text.splitlines():
        text = f"{text}\n\n{line}"
    return text + "\n"


def diagnostic_report(facts: OpinionFacts, *, agreement: str = "") -> Resource:
    """The structured report; claims US Core DiagnosticReport note 6.1.0.

    `agreement` is the reference of the agreement Observation where it stands on its own; without it the Observation
    travels contained. Without a known acquisition time, effective says so instead of guessing.
    """
    acquired = when(facts.acquired)
    text = note_text(facts)
    resource = present(
        resourceType="DiagnosticReport",
        meta={"profile": [codes.US_CORE_REPORT_NOTE]},
        text=narrative(text),
        contained=None if agreement else [{**agreement_observation(facts), "id": "agreement"}],
        identifier=[
            opinion_key(facts.referral_id),
            opinion_identifier(facts.referral_id, facts.version),
            identifier(codes.REFERRAL_ID, facts.referral_id, codes.PLACER),
        ],
        basedOn=[_request(facts)],
        status=facts.status,
        category=[codes.concept(codes.RADIOLOGY), codes.concept(codes.RADIOLOGY_SERVICE)],
        code=codes.concept(codes.IMAGING_REPORT, text=TITLE),
        subject=_subject(facts),
        encounter={"reference": facts.encounter} if facts.encounter else None,
        effectiveDateTime=acquired,
        _effectiveDateTime=None if acquired else UNKNOWN_TIME,
        issued=stamp(facts.signed_at),
        performer=[_organisation(facts)],
        resultsInterpreter=[_expert(facts)],
        result=[{"reference": agreement or "#agreement"}],
        imagingStudy=_studies(facts),
        conclusion="\n\n".join(
            part.strip() for part in (facts.change_line, facts.answer, facts.impression) if part.strip()
        ),
        presentedForm=[
            attachment(facts, "application/pdf", facts.pdf, hashed=True),
            attachment(facts, "text/plain; charset=utf-8", text.encode(), hashed=True),
        ],
    )
    return tidy(resource)


def agreement_observation(facts: OpinionFacts) -> Resource:
    """How far the expert agrees with the first reading, on the five-point scale, and whether it changes care."""
    agrees = {"1": [codes.AGREES], "cannot-compare": []}.get(facts.agreement, [codes.DISAGREES])
    component = {"code": codes.concept(codes.AFFECTS_MANAGEMENT), "valueBoolean": facts.affects_management}
    resource = present(
        resourceType="Observation",
        identifier=[identifier(codes.OPINION_AGREEMENT, facts.referral_id)],
        basedOn=[_request(facts)],
        status={"appended": "amended"}.get(facts.status, facts.status),
        category=[codes.concept(codes.CATEGORY_IMAGING)],
        code=codes.concept(codes.CONCORDANCE, text=codes.CONCORDANCE["display"]),
        subject=_subject(facts),
        effectiveDateTime=stamp(facts.signed_at),
        performer=[_expert(facts), _organisation(facts)],
        valueCodeableConcept=codes.concept(
            codes.coding(codes.AGREEMENT, facts.agreement, facts.agreement_words), *agrees, text=facts.agreement_words
        ),
        derivedFrom=_studies(facts),
        component=[component] if facts.affects_management is not None else None,
    )
    return tidy(resource)


def document_reference(facts: OpinionFacts, profile: Profile) -> Resource:
    """The document this profile takes: one attachment, no author, the expert named inside it.

    `context.period.end` is the time of signing. Where the chart keeps elements of ours, identifier and `relatesTo`
    stand in it too.
    """
    keeps = profile.look_by == "identifier"
    mistake = facts.status == "entered-in-error"
    revised = facts.version > 1 and profile.revise == "update" and facts.replaces
    resource = present(
        resourceType="DocumentReference",
        meta={"profile": [codes.US_CORE_DOCUMENT_REFERENCE]} if profile.us_core else None,
        identifier=[opinion_identifier(facts.referral_id, facts.version)] if keeps else None,
        status="entered-in-error" if mistake else "current",
        docStatus="amended" if revised and not mistake else profile.doc_status,
        type=codes.concept(codes.coding(*profile.document_type)),
        category=[codes.concept(codes.CLINICAL_NOTE)] if profile.us_core else None,
        subject={"reference": facts.subject},
        date=stamp(facts.signed_at) if profile.us_core else None,
        relatesTo=[{"code": "replaces", "target": {"reference": facts.replaces}}]
        if keeps and facts.replaces and facts.replaces.startswith("DocumentReference/")
        else None,
        content=[{"attachment": _document(facts, profile)}],
        context=present(
            encounter=[{"reference": facts.encounter}] if facts.encounter else None,
            period={"end": stamp(facts.signed_at)} if profile.needs_period_end or profile.us_core else None,
        ),
    )
    return tidy(resource)


def communication(facts: OpinionFacts) -> Resource:
    """The opinion as a message about the patient, for a chart that takes nothing else."""
    resource = present(
        resourceType="Communication",
        identifier=[opinion_identifier(facts.referral_id, facts.version)],
        basedOn=[_request(facts)],
        status="entered-in-error" if facts.status == "entered-in-error" else "completed",
        subject=_subject(facts),
        topic={"text": title(facts)},
        sent=stamp(facts.signed_at),
        sender=None,
        payload=[
            {"contentString": note_text(facts).strip()},
            {"contentAttachment": attachment(facts, "application/pdf", facts.pdf, hashed=True)},
        ],
    )
    return tidy(resource)


def attachment(facts: OpinionFacts, content_type: str, content: bytes, *, hashed: bool) -> Resource:
    """An Attachment; size and hash (SHA-1, as FHIR says) are of the decoded bytes."""
    return present(
        contentType=content_type,
        data=base64.b64encode(content).decode(),
        size=len(content) if hashed else None,
        hash=sha1(content) if hashed else None,
        title=title(facts),
        creation=stamp(facts.signed_at),
    )


def document_bytes(facts: OpinionFacts, content_type: str) -> bytes:
    """The bytes that are filed under this content type."""
    return facts.pdf if content_type.startswith("application/pdf") else note_text(facts).encode()


def observation_url(facts: OpinionFacts) -> str:
    """The same `urn:uuid:` for the same version, so that a transaction sent twice is the same transaction."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{codes.OPINION_AGREEMENT}/{facts.referral_id}/{facts.version}").urn


def _document(facts: OpinionFacts, profile: Profile) -> Resource:
    content = document_bytes(facts, profile.content_type)
    if profile.content_type == "text/plain":
        return {"contentType": "text/plain", "data": base64.b64encode(content).decode()}
    return attachment(facts, profile.content_type, content, hashed=profile.us_core)


def _request(facts: OpinionFacts) -> Resource:
    return pointer(facts.service_request or f"{codes.REFERRAL_ID}|{facts.referral_id}", "ServiceRequest")


def _subject(facts: OpinionFacts) -> Resource:
    return present(reference=facts.subject, display=facts.subject_display)


def _organisation(facts: OpinionFacts) -> Resource:
    return present(type="Organization", display=facts.organisation_name)


def _expert(facts: OpinionFacts) -> Resource:
    known = person(facts.expert_reference, facts.expert_name, *READERS)
    return known if "reference" in known else {"type": "Practitioner", **known}


def _studies(facts: OpinionFacts) -> list[Resource]:
    """The index study where it stands in this chart, else every study reviewed by its UID."""
    if facts.imaging_study:
        return [pointer(facts.imaging_study, "ImagingStudy")]
    return [pointer(f"{codes.DICOM_UID}|{codes.OID}{uid}", "ImagingStudy") for uid in facts.study_instance_uids]
