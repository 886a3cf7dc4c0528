"""ServiceRequest and Task of one referral: why it is asked, and how far the asking has come.

The request says what is wanted, the Task how it is carried out (HL7 Clinical Order Workflows, coordination task).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir import codes
from fhir.body_sites import body_site
from fhir.elements import identifier, person, pointer, present, stamp, tidy, when

Resource = dict[str, Any]

ASKERS = ("Practitioner", "PractitionerRole", "Organization", "Patient", "RelatedPerson", "Device")
OUTPUTS = {"DiagnosticReport": "final-report", "DocumentReference": "report-document", "Observation": "agreement"}
STOPPED = frozenset({"rejected", "cancelled", "failed", "on-hold", "entered-in-error"})


@dataclass(frozen=True)
class OrderFacts:
    """What both resources are built from. References are "Type/id", absolute, or "system|value" for a logical one.

    `attempt` counts the readers asked: a referral that was given back gets a new Task on the same request.
    """

    referral_id: str
    subject: str
    subject_display: str
    status: str  # request-status
    task_status: str  # task-status
    business_status: str  # one of codes.BUSINESS_STATUSES
    authored_on: datetime
    requester_reference: str
    requester_display: str
    organisation_display: str
    priority: str  # request-priority
    question: str
    subspecialty: str = ""
    side: str = ""  # "left", "right", "bilateral" or empty
    body_part: str = ""
    decision: str = ""  # what waits on the answer
    encounter: str = ""
    chart_order: str = ""  # the clinician's own order
    study_references: tuple[str, ...] = ()
    comparison_references: tuple[str, ...] = ()
    report_references: tuple[str, ...] = ()
    reason: str = ""  # why it stopped or waits
    last_modified: datetime | None = None
    output_references: tuple[str, ...] = ()
    service_request: str = ""  # where our ServiceRequest stands in this chart, if it does
    due: datetime | None = None
    attempt: int = 1


@dataclass(frozen=True)
class ChartOrder:
    """A clinician's own order, as the chart lists it."""

    reference: str
    text: str = ""
    status: str = ""
    priority: str = ""
    authored_on: str = ""
    requester: str = ""
    reason: str = ""
    partly_readable: bool = False


def service_request(facts: OrderFacts) -> Resource:
    """The request for a second opinion; claims US Core ServiceRequest 6.1.0."""
    resource = present(
        resourceType="ServiceRequest",
        meta={"profile": [codes.US_CORE_SERVICE_REQUEST]},
        identifier=[_loop_key(facts.referral_id)],
        basedOn=[pointer(facts.chart_order, "ServiceRequest")] if facts.chart_order else None,
        requisition=identifier(codes.REFERRAL_ID, facts.referral_id),
        status=facts.status,
        intent="order",
        category=[codes.concept(codes.IMAGING)],
        priority=facts.priority,
        code=codes.concept(codes.SECOND_OPINION, text="Second opinion on outside imaging"),
        subject=_subject(facts),
        encounter=_encounter(facts),
        authoredOn=stamp(facts.authored_on),
        requester=person(facts.requester_reference, facts.requester_display, *ASKERS),
        performerType=codes.concept(text=facts.subspecialty),
        performer=[_organisation(facts)],
        reasonCode=[codes.concept(codes.OUTSIDE_STUDY, codes.REASON_SECOND_OPINION, text=facts.question.strip())],
        supportingInfo=[
            *_studies((*facts.study_references, *facts.comparison_references)),
            *(pointer(r, "DocumentReference") for r in facts.report_references),
        ],
        bodySite=_body_site(facts),
        note=[{"text": f"Waits on the answer: {facts.decision.strip()}"}] if facts.decision.strip() else None,
    )
    return tidy(resource)


def task(facts: OrderFacts) -> Resource:
    """The coordination Task: code fulfill, focus on the request, owned by the reading organisation."""
    stopped = facts.task_status in STOPPED and facts.reason.strip()
    resource = present(
        resourceType="Task",
        identifier=[_loop_key(facts.referral_id if facts.attempt == 1 else f"{facts.referral_id}/{facts.attempt}")],
        groupIdentifier=identifier(codes.REFERRAL_ID, facts.referral_id),
        status=facts.task_status,
        statusReason={"text": facts.reason.strip()} if stopped else None,
        businessStatus=_business_status(facts.business_status),
        intent="order",
        priority=facts.priority,
        code=codes.concept(codes.FULFILL),
        focus=pointer(facts.service_request or f"{codes.REFERRAL_ID}|{facts.referral_id}", "ServiceRequest"),
        for_=_subject(facts),
        encounter=_encounter(facts),
        authoredOn=stamp(facts.authored_on),
        lastModified=stamp(max(facts.last_modified or facts.authored_on, facts.authored_on)),
        requester=person(facts.requester_reference, facts.requester_display, *ASKERS),
        owner=_organisation(facts),
        restriction={"period": {"end": stamp(facts.due)}} if facts.due else None,
        input=list(_inputs(facts)),
        output=[
            {"type": codes.concept(codes.coding(codes.TASK_OUTPUT, _output(r))), "valueReference": {"reference": r}}
            for r in facts.output_references
        ],
    )
    return tidy(resource)


def _inputs(facts: OrderFacts) -> Iterable[Resource]:
    def given(code: str, **value: object) -> Resource:
        return {"type": codes.concept(codes.coding(codes.TASK_INPUT, code)), **value}

    for study in _studies(facts.study_references):
        yield given("index-study", valueReference=study)
    for study in _studies(facts.comparison_references):
        yield given("comparison-study", valueReference=study)
    for report in facts.report_references:
        yield given("prior-report", valueReference=pointer(report, "DocumentReference"))
    if facts.question.strip():
        yield given("clinical-question", valueString=facts.question.strip())
    yield given("purpose-of-use", valueCodeableConcept=codes.concept(codes.TREATMENT))


def _output(reference: str) -> str:
    return next((code for kind, code in OUTPUTS.items() if f"/{reference}".find(f"/{kind}/") >= 0), "report")


def _loop_key(value: str) -> Resource:
    return identifier(codes.REFERRAL_ID, value, codes.PLACER, "official")


def _business_status(code: str) -> Resource | None:
    if not code:
        return None
    words = codes.BUSINESS_STATUSES[code]
    return codes.concept(codes.coding(codes.BUSINESS_STATUS, code, words), text=words)


def _subject(facts: OrderFacts) -> Resource:
    return present(reference=facts.subject, display=facts.subject_display)


def _encounter(facts: OrderFacts) -> Resource | None:
    return {"reference": facts.encounter} if facts.encounter else None


def _organisation(facts: OrderFacts) -> Resource:
    return present(type="Organization", display=facts.organisation_display)


def _studies(references: Iterable[str]) -> list[Resource]:
    return [pointer(reference, "ImagingStudy") for reference in references]


def _body_site(facts: OrderFacts) -> list[Resource] | None:
    """Code of the part; the side stands beside it in words, written in full, and is never dropped."""
    site = body_site(facts.body_part)
    words = " ".join(part for part in (facts.side, (site or {}).get("display", "").lower()) if part).strip()
    if not words:
        return None
    coded = [site] if site and "code" in site else []
    return [codes.concept(*coded, text=words[0].upper() + words[1:])]


def read_service_request(resource: Resource) -> ChartOrder:
    """The clinician's own order, read tolerantly. Raises nothing."""
    text = _concept_text(resource.get("code"))
    requester = resource.get("requester")
    reasons = resource.get("reasonCode")
    reason = next((t for t in map(_concept_text, reasons if isinstance(reasons, list) else ()) if t), "")
    return ChartOrder(
        reference=f"ServiceRequest/{resource.get('id', '')}",
        text=text,
        status=_word(resource.get("status")),
        priority=_word(resource.get("priority")),
        authored_on=when(_word(resource.get("authoredOn"))),
        requester=_word(requester.get("display")) if isinstance(requester, dict) else "",
        reason=reason,
        partly_readable=not (text and resource.get("id") and _word(resource.get("status"))),
    )


def _concept_text(concept: object) -> str:
    if not isinstance(concept, dict):
        return ""
    coded = concept.get("coding")
    displays = [c.get("display") for c in coded if isinstance(c, dict)] if isinstance(coded, list) else []
    return next((_word(t) for t in (concept.get("text"), *displays) if _word(t)), "")


def _word(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
