"""The pictures the practice hospitals hold, as their charts list them.

Rule: an exam always has the same UIDs, and they are those of the files that `handing` gives out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imaging.phantom import uid
from smart_app.sandbox.cast import PEOPLE, Exam, Person
from smart_app.sandbox.personality import Personality

Resource = dict[str, Any]
SOP_CLASS = {"CT": "1.2.840.10008.5.1.4.1.1.2", "MR": "1.2.840.10008.5.1.4.1.1.4"}
DCM = "http://dicom.nema.org/resources/ontology/DCM"
TOKEN_EXTENSION = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token"  # noqa: S105


@dataclass(frozen=True)
class Held:
    """One study a hospital holds: whose, and which exam."""

    house: str
    person: Person
    exam: Exam

    @property
    def study_instance_uid(self) -> str:
        """Its UID."""
        return uid(f"{self.house}:{self.person.slug}:{self.exam.slug}")

    def series_uid(self, number: int) -> str:
        """The UID of one series, counted from 1, as `imaging.phantom` gives it."""
        return uid(f"{self.study_instance_uid}|{number}")

    def instance_uid(self, series: int, number: int) -> str:
        """The UID of one instance, both counted from 1, as `imaging.phantom` gives it."""
        return uid(f"{self.study_instance_uid}|{series}|{number - 1}")


def all_held(personality: Personality) -> Iterator[Held]:
    """Every study of which the hospital still has the pictures."""
    for person in PEOPLE:
        for exam in person.exams:
            if exam.slices:
                yield Held(personality.name, person, exam)


def endpoint(endpoint_id: str, base: str) -> Resource:
    """Where the open hospital hands out pictures, with the token of the chart (SMART Imaging Access)."""
    return {
        "resourceType": "Endpoint",
        "id": endpoint_id,
        "extension": [{"url": TOKEN_EXTENSION, "valueBoolean": True}],
        "status": "active",
        "connectionType": {
            "system": "http://terminology.hl7.org/CodeSystem/endpoint-connection-type",
            "code": "dicom-wado-rs",
        },
        "payloadType": [{"text": "DICOM WADO-RS"}],
        "payloadMimeType": ["application/dicom"],
        "address": f"{base}/wado",
    }


def imaging_study(holding: Held, study_id: str, patient_id: str, started: str, endpoint_id: str) -> Resource:
    """The ImagingStudy of one exam."""
    exam = holding.exam
    study: Resource = {
        "resourceType": "ImagingStudy",
        "id": study_id,
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{holding.study_instance_uid}"}],
        "status": "available",
        "modality": [{"system": DCM, "code": exam.modality}],
        "subject": {"reference": f"Patient/{patient_id}"},
        "started": started,
        "numberOfSeries": exam.series,
        "numberOfInstances": exam.series * exam.slices,
        "description": exam.title,
        "series": [_series(holding, number) for number in range(1, exam.series + 1)],
    }
    if endpoint_id:
        study["endpoint"] = [{"reference": f"Endpoint/{endpoint_id}"}]
    return study


def _series(holding: Held, number: int) -> Resource:
    exam = holding.exam
    sop_class = {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{SOP_CLASS[exam.modality]}"}
    return {
        "uid": holding.series_uid(number),
        "number": number,
        "modality": {"system": DCM, "code": exam.modality},
        "description": f"{exam.title} {number}",
        "numberOfInstances": exam.slices,
        "bodySite": {"display": exam.body_part},
        "instance": [
            {"uid": holding.instance_uid(number, at), "sopClass": sop_class, "number": at}
            for at in range(1, exam.slices + 1)
        ],
    }
