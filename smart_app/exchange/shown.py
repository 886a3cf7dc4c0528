"""A referral as FHIR R4 resources of our own server: every id is the referral's, every reference is on this server.

Nothing of the chart it came from leaks: no chart reference, no encounter, no address of the hospital's EHR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from fhir import codes
from fhir.order import service_request, task
from fhir.report import diagnostic_report
from fhir.study import imaging_study
from smart_app import letter, record
from smart_app.ports import Ports
from smart_app.referral import Referral

Resource = dict[str, Any]
TYPES = (
    "Task",
    "ServiceRequest",
    "Patient",
    "ImagingStudy",
    "DocumentReference",
    "DiagnosticReport",
    "Communication",
)
"""What can be read and searched. A Binary can be read."""


def shown(ports: Ports, referral: Referral, kind: str, at: datetime) -> list[Resource]:
    """Every resource of that type of this referral, last changed at that moment. Raises KeyError for other types."""
    made = _BUILDERS[kind](ports, _ours(referral))
    for resource in made:
        kept = resource.get("meta", {})
        resource["meta"] = {"versionId": str(referral.version), "lastUpdated": at.isoformat(), **kept}
    return made


def named(resource_id: str) -> str:
    """The referral that an id of ours belongs to."""
    return resource_id.partition(".")[0]


def prior_report(referral: Referral, resource_id: str) -> str:
    """The key of the stored bytes behind a Binary of ours. Raises KeyError."""
    _, _, number = resource_id.partition(".r")
    if not number.isdigit() or int(number) >= len(referral.prior_reports):
        raise KeyError(resource_id)
    return referral.prior_reports[int(number)].sha256


def _ours(referral: Referral) -> Referral:
    """The referral with every reference to the hospital's own chart taken out."""
    return replace(
        referral,
        patient=replace(referral.patient, reference=f"Patient/{referral.id}"),
        requester=replace(referral.requester, reference=""),
        encounter="",
        chart_order="",
        mirrored={
            "ServiceRequest": f"ServiceRequest/{referral.id}",
            **{
                f"ImagingStudy:{study.study_instance_uid}": f"ImagingStudy/{referral.id}.s{number}"
                for number, study in enumerate(referral.studies)
            },
        },
    )


def _patient(_: Ports, referral: Referral) -> Iterator[Resource]:
    """What was shared of the person: what the images are compared with, and no address or telephone."""
    patient = referral.patient
    identifiers = [{"system": patient.mrn_system or None, "value": patient.mrn}] if patient.mrn else []
    resource: Resource = {
        "resourceType": "Patient",
        "id": referral.id,
        "identifier": [{k: v for k, v in one.items() if v} for one in identifiers],
        "name": [{"family": patient.family, "given": list(patient.given)}],
        "gender": patient.sex,
        "birthDate": patient.birth_date,
    }
    yield {name: value for name, value in resource.items() if value}


def _service_request(ports: Ports, referral: Referral) -> Iterator[Resource]:
    yield {**service_request(record.order_facts(referral, ports.directory, referral.mirrored)), "id": referral.id}


def _task(ports: Ports, referral: Referral) -> Iterator[Resource]:
    facts = record.order_facts(referral, ports.directory, referral.mirrored)
    facts = replace(facts, service_request=f"ServiceRequest/{referral.id}", output_references=())
    if facts.task_status:
        yield {**task(facts), "id": referral.id}


def _imaging_study(ports: Ports, referral: Referral) -> Iterator[Resource]:
    del ports
    for number, study in enumerate(referral.studies):
        made = imaging_study(study, subject=referral.patient.reference, referral_id=referral.id)
        yield {**made, "id": f"{referral.id}.s{number}"}


def _document_reference(ports: Ports, referral: Referral) -> Iterator[Resource]:
    """The first readings that came along."""
    del ports
    for number, report in enumerate(referral.prior_reports):
        name = f"{referral.id}.r{number}"
        attachment = {
            "contentType": report.content_type,
            "url": f"Binary/{name}",
            "size": report.size,
            "title": report.title,
        }
        yield {
            "resourceType": "DocumentReference",
            "id": name,
            "status": "current",
            "type": codes.concept(codes.IMAGING_REPORT, text="Report of the first reading"),
            "subject": {"reference": referral.patient.reference},
            "content": [{"attachment": {key: value for key, value in attachment.items() if value}}],
            "context": {"related": [{"reference": f"ServiceRequest/{referral.id}"}]},
        }


def _diagnostic_report(ports: Ports, referral: Referral) -> Iterator[Resource]:
    """The newest signed version; earlier ones live on in the referral's own record."""
    if referral.opinion is None:
        return
    version = referral.opinion.version
    organisation = ports.directory.organisation(referral.organisation).name
    site = ports.directory.site(referral.site).name
    text = letter.text(referral, version, organisation=organisation, site=site)
    pdf = letter.pdf(referral, version, organisation=organisation, site=site)
    facts = record.opinion_facts(referral, version, organisation=organisation, pdf=pdf, text=text)
    yield {**diagnostic_report(replace(facts, replaces=None)), "id": referral.id}


def _communication(ports: Ports, referral: Referral) -> Iterator[Resource]:
    """Questions and answers, in order."""
    del ports
    for number, message in enumerate(referral.messages):
        yield {
            "resourceType": "Communication",
            "id": f"{referral.id}.m{number}",
            "status": "completed",
            "basedOn": [{"reference": f"ServiceRequest/{referral.id}"}],
            "subject": {"reference": referral.patient.reference},
            "sent": message.at.isoformat(timespec="seconds"),
            "sender": {"display": message.by.name or message.by.role},
            "topic": {"text": message.kind},
            "payload": [{"contentString": message.text}],
        }


_MAKERS: dict[str, Callable[[Ports, Referral], Iterator[Resource]]] = {
    "Task": _task,
    "ServiceRequest": _service_request,
    "Patient": _patient,
    "ImagingStudy": _imaging_study,
    "DocumentReference": _document_reference,
    "DiagnosticReport": _diagnostic_report,
    "Communication": _communication,
}
_BUILDERS = {kind: lambda ports, referral, make=make: list(make(ports, referral)) for kind, make in _MAKERS.items()}
