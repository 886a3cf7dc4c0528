"""Our store is the record: ServiceRequest, Task, ImagingStudy and DiagnosticReport are built from it on demand.

The status words are one table: what each status of ours means elsewhere (`docs/glossary.md`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir.order import OrderFacts, service_request, task
from fhir.report import OpinionFacts
from fhir.study import imaging_study
from smart_app.case import Agreement, Change, Side
from smart_app.referral import Referral, Status
from smart_app.sites import Directory


@dataclass(frozen=True)
class Meaning:
    """What one status of ours is called in FHIR R4. An empty string: no such resource yet."""

    service_request: str
    task: str
    business_status: str
    diagnostic_report: str


MEANING: dict[Status, Meaning] = {
    Status.DRAFT: Meaning("draft", "", "", ""),
    Status.GATHERING: Meaning("draft", "draft", "awaiting-material", ""),
    Status.SENT: Meaning("active", "requested", "received", "registered"),
    Status.QUESTION: Meaning("on-hold", "on-hold", "more-information-needed", "registered"),
    Status.RETURNED: Meaning("active", "rejected", "declined", "cancelled"),
    Status.ACCEPTED: Meaning("active", "accepted", "accepted", "registered"),
    Status.READING: Meaning("active", "in-progress", "reading", "partial"),
    Status.SIGNED: Meaning("active", "in-progress", "signed", "final"),
    Status.DELIVERED: Meaning("active", "completed", "outcome-final", "final"),
    Status.SEEN: Meaning("completed", "completed", "seen", "final"),
    Status.REVISED: Meaning("active", "completed", "revised", "amended"),
    Status.WITHDRAWN: Meaning("revoked", "cancelled", "cancelled", "cancelled"),
    Status.IN_ERROR: Meaning("entered-in-error", "entered-in-error", "entered-in-error", "entered-in-error"),
    Status.QUARANTINED: Meaning("on-hold", "on-hold", "identity-check", ""),
}

AGREEMENT_WORDS: dict[Agreement, str] = {
    Agreement.NO_DIFFERENCE: "No difference",
    Agreement.UNIMPORTANT_DETECTION: "Unimportant difference, detection",
    Agreement.UNIMPORTANT_INTERPRETATION: "Unimportant difference, interpretation",
    Agreement.IMPORTANT_DETECTION: "Important difference, detection",
    Agreement.IMPORTANT_INTERPRETATION: "Important difference, interpretation",
    Agreement.CANNOT_COMPARE: "Cannot compare: no first report",
}


def order_facts(referral: Referral, directory: Directory, mirrored: Mapping[str, str] | None = None) -> OrderFacts:
    """What a ServiceRequest and a Task are built from. `mirrored` names our resources that stand in this chart."""
    mirrored = {} if mirrored is None else mirrored
    meaning = MEANING[referral.status]
    last = referral.history[-1].at if referral.history else referral.opened_at

    def reference(study_instance_uid: str) -> str:
        return mirrored.get(f"ImagingStudy:{study_instance_uid}", f"urn:dicom:uid|urn:oid:{study_instance_uid}")

    return OrderFacts(
        referral_id=referral.id,
        subject=referral.patient.reference,
        subject_display=referral.patient.formal_name,
        status=meaning.service_request,
        task_status=meaning.task,
        business_status=meaning.business_status,
        authored_on=referral.opened_at,
        last_modified=max(last, referral.opened_at),
        requester_reference=_chart_reference(referral.requester.reference),
        requester_display=referral.requester.name,
        organisation_display=directory.organisation(referral.organisation).name,
        priority=referral.ask.urgency.value,
        question=referral.ask.question,
        subspecialty=referral.ask.subspecialty,
        side="" if referral.ask.side is Side.NONE else referral.ask.side.value,
        body_part=referral.ask.body_part,
        decision=referral.ask.decision,
        encounter=referral.encounter,
        chart_order=referral.chart_order,
        service_request=mirrored.get("ServiceRequest", ""),
        study_references=tuple(reference(s.study_instance_uid) for s in referral.studies if not s.comparison),
        comparison_references=tuple(reference(s.study_instance_uid) for s in referral.studies if s.comparison),
        report_references=(),
        reason=_reason(referral),
        output_references=tuple(filing.resource for filing in referral.filings),
    )


def _chart_reference(reference: str) -> str:
    """`Type/id` of an absolute reference; empty where the person has none in this chart."""
    parts = reference.rstrip("/").split("/")
    return "/".join(parts[-2:]) if len(parts) >= 2 else ""


def _reason(referral: Referral) -> str:
    if referral.status in (Status.RETURNED, Status.WITHDRAWN, Status.IN_ERROR):
        return referral.history[-1].reason
    if referral.status is Status.QUESTION:
        return referral.messages[-1].text
    return ""


def resources(
    referral: Referral, directory: Directory, mirrored: Mapping[str, str] | None = None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Named resources in reference order: each ImagingStudy, then ServiceRequest, then Task (where there is one).

    Each is built when it is asked for: what has been put into `mirrored` by then is pointed at by its place there.
    """
    for study in referral.studies:
        name = f"ImagingStudy:{study.study_instance_uid}"
        yield name, imaging_study(study, subject=referral.patient.reference, referral_id=referral.id)
    yield "ServiceRequest", service_request(order_facts(referral, directory, mirrored))
    facts = order_facts(referral, directory, mirrored)
    if facts.task_status:
        yield "Task", task(facts)


def opinion_facts(referral: Referral, version: int, *, organisation: str, pdf: bytes, text: str) -> OpinionFacts:
    """What the chart is told about one signed version."""
    opinion = referral.opinion_version(version)
    mirrored = referral.mirrored or {}
    index = next((s for s in referral.studies if not s.comparison), None)
    earlier = next((f for f in reversed((*referral.unsigned, *referral.filings)) if f.version < version), None)
    status = {None: "final", Change.CORRECTED: "corrected", Change.APPENDED: "appended"}[opinion.change]
    return OpinionFacts(
        referral_id=referral.id,
        version=version,
        status=status,
        subject=referral.patient.reference,
        subject_display=referral.patient.formal_name,
        answer=opinion.answer,
        findings=opinion.findings,
        impression=opinion.impression,
        agreement=opinion.agreement.value,
        agreement_words=AGREEMENT_WORDS[opinion.agreement],
        affects_management=_affects_management(opinion.agreement),
        signed_at=opinion.signed_at,
        expert_name=opinion.signed_by.name,
        expert_reference="",
        organisation_name=organisation,
        acquired=index.started if index else "",
        study_instance_uids=opinion.studies,
        service_request=mirrored.get("ServiceRequest"),
        imaging_study=mirrored.get(f"ImagingStudy:{index.study_instance_uid}") if index else None,
        encounter=None,
        pdf=pdf,
        text=text,
        change_line=f"Version {version} replaces version {version - 1}: {opinion.change_reason}" if version > 1 else "",
        replaces=earlier.resource if earlier else None,
    )


def _affects_management(agreement: Agreement) -> bool | None:
    """ "Important" means that it would change care."""
    if agreement is Agreement.CANNOT_COMPARE:
        return None
    return agreement in (Agreement.IMPORTANT_DETECTION, Agreement.IMPORTANT_INTERPRETATION)
