"""One of every resource that leaves this house, each under a name, for readers other than our own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fhir.agreement import ConsentFacts, consent, provenance
from fhir.order import OrderFacts, service_request, task
from fhir.profiles import PROFILES
from fhir.report import (
    OpinionFacts,
    agreement_observation,
    communication,
    diagnostic_report,
    document_reference,
)
from fhir.study import endpoint, imaging_study
from smart_app.case import SeriesNote, StudyNote

UID = "1.2.826.0.1.3680043.8.498.1"
REFERRAL = "3f1c1d0e-6a3b-4c55-9f0a-0d6f1c2b7a11"
ASKED = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
SIGNED = datetime(2026, 3, 4, 15, 58, tzinfo=UTC)

STUDY = StudyNote(
    study_instance_uid=UID,
    started="2024-05-08T14:02:00-05:00",
    description="CT KNEE",
    accession="A-1",
    institution="Outside Imaging",
    modalities=("CT",),
    series=(
        SeriesNote(
            series_instance_uid=f"{UID}.1",
            modality="CT",
            number=1,
            description="AXIAL",
            body_part="KNEE",
            laterality="L",
            instances=((f"{UID}.1.1", "1.2.840.10008.5.1.4.1.1.2", 1),),
        ),
    ),
)
ORDER = OrderFacts(
    referral_id=REFERRAL,
    subject="Patient/p",
    subject_display="RUIZ, María",
    status="active",
    task_status="requested",
    business_status="received",
    authored_on=ASKED,
    requester_reference="Practitioner/r",
    requester_display="Dr. Ada Okafor",
    organisation_display="Cedar Readers",
    priority="urgent",
    question="Is the tear new?",
    subspecialty="msk",
    side="left",
    body_part="knee",
    decision="surgery on Friday",
    encounter="Encounter/e",
    chart_order="ServiceRequest/own",
    study_references=(f"urn:dicom:uid|urn:oid:{UID}", "ImagingStudy/i"),
    comparison_references=("ImagingStudy/c",),
    report_references=("DocumentReference/prior",),
    output_references=("DiagnosticReport/d",),
)
OPINION = OpinionFacts(
    referral_id=REFERRAL,
    version=1,
    status="final",
    subject="Patient/p",
    subject_display="RUIZ, María",
    answer="Yes, it is new.",
    findings="Tear of 9 mm.",
    impression="New tear <9 mm & stable otherwise.",
    agreement="4",
    agreement_words="Important difference, detection",
    affects_management=True,
    signed_at=SIGNED,
    expert_name="Dr. Ines Vidal",
    expert_reference="",
    organisation_name="Cedar Readers",
    acquired="2024-05-08T14:02:00-05:00",
    study_instance_uids=(UID,),
    service_request="ServiceRequest/s",
    imaging_study="ImagingStudy/i",
    encounter="Encounter/e",
    pdf=b"%PDF-1.7 opinion",
    text="Second opinion\n\nNew tear.",
)
OPINIONS = {
    "first": OPINION,
    "corrected": replace(OPINION, version=2, status="corrected", change_line="Version 2 replaces version 1: the side."),
    "appended, nothing to compare": replace(
        OPINION, version=2, status="appended", agreement="cannot-compare", affects_management=None
    ),
    "unknown time, nothing in the chart": replace(
        OPINION, acquired="", service_request=None, imaging_study=None, encounter=None
    ),
    "taken back": replace(OPINION, status="entered-in-error"),
}
AGREED = ConsentFacts(
    referral_id=REFERRAL,
    number=1,
    patient="Patient/p",
    patient_display="RUIZ, María",
    by_reference="Patient/p",
    by_display="María Ruiz",
    at=ASKED,
    doctors_may_read=True,
    wording="2026-11",
)


def emitted() -> dict[str, dict[str, Any]]:
    """Name to resource."""
    point = endpoint("https://app.example.org/dicomweb", requires_token=True)
    found = {
        "Endpoint": point,
        "ImagingStudy": imaging_study(STUDY, subject="Patient/p", referral_id=REFERRAL),
        "ImagingStudy with endpoint": imaging_study(STUDY, subject="Patient/p", referral_id=REFERRAL, endpoint=point),
        "ServiceRequest": service_request(ORDER),
        "Task": task(ORDER),
        "Task on hold": task(
            replace(ORDER, task_status="on-hold", reason="Which side?", service_request="ServiceRequest/s")
        ),
    }
    found["Consent"] = consent(AGREED)
    found["Consent by a relative, kept from the doctors, replaced"] = consent(
        replace(AGREED, by_reference="RelatedPerson/r", by_display="Ana Ruiz", doctors_may_read=False, newest=False)
    )
    found["Provenance"] = provenance(
        ("ServiceRequest/s", "Task/t"), recorded=ASKED, who="Practitioner/r", who_display="Dr. Ada Okafor"
    )
    found["Provenance of a relative"] = provenance(
        ("ServiceRequest/s",), recorded=ASKED, who="RelatedPerson/r", who_display="Ana Ruiz", on_behalf_of="Patient/p"
    )
    for name, facts in OPINIONS.items():
        found[f"DiagnosticReport {name}"] = diagnostic_report(facts)
        found[f"DiagnosticReport beside its grade, {name}"] = diagnostic_report(facts, agreement="Observation/o")
        found[f"Observation {name}"] = agreement_observation(facts)
        found[f"Communication {name}"] = communication(facts)
        for profile in PROFILES.values():
            found[f"DocumentReference for {profile.name}, {name}"] = document_reference(facts, profile)
    return found
