"""The pictures the practice hospitals hold: which there are, and their bytes, made when somebody asks.

Rule: an exam always has the same UIDs, so what the chart lists and what is handed out agree.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from smart_app.sandbox.cast import PEOPLE, Exam, Person
from smart_app.sandbox.personality import Personality

Resource = dict[str, Any]
_SPACE = uuid.UUID("5ec0ad09-13d5-4c0d-8b00-0dec0de0f11e")
SOP_CLASS = {
    "CT": "1.2.840.10008.5.1.4.1.1.2",
    "MR": "1.2.840.10008.5.1.4.1.1.4",
    "DX": "1.2.840.10008.5.1.4.1.1.1.1",
}
DCM = "http://dicom.nema.org/resources/ontology/DCM"
TOKEN_EXTENSION = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token"  # noqa: S105


def uid(*names: str) -> str:
    """A UID under 2.25 (PS3.5 B.2), always the same for the same names."""
    return f"2.25.{uuid.uuid5(_SPACE, ':'.join(names)).int}"


@dataclass(frozen=True)
class Held:
    """One study a hospital holds: whose, and which exam."""

    personality: str
    person: Person
    exam: Exam

    @property
    def study_instance_uid(self) -> str:
        """Its UID."""
        return uid(self.personality, f"{self.person.slug}:{self.exam.slug}")

    def series_uid(self, number: int) -> str:
        """The UID of one series, counted from 1."""
        return uid(self.personality, f"{self.person.slug}:{self.exam.slug}", str(number))

    def instance_uid(self, series: int, number: int) -> str:
        """The UID of one instance, both counted from 1."""
        return uid(self.personality, f"{self.person.slug}:{self.exam.slug}", str(series), str(number))


def held(personality: Personality, study_instance_uid: str) -> Held | None:
    """The study with that UID, or None."""
    for person in PEOPLE:
        for exam in person.exams:
            found = Held(personality.name, person, exam)
            if found.study_instance_uid == study_instance_uid:
                return found
    return None


def held_of(personality: Personality, slug: str) -> Iterator[Held]:
    """Every study of one of the cast."""
    for person in PEOPLE:
        if person.slug == slug:
            for exam in person.exams:
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


def imaging_study(
    personality: Personality, study_id: str, patient_id: str, slug: str, exam: Exam, started: str, endpoint_id: str
) -> Resource:
    """The ImagingStudy of one exam. `slug` is the person's and the exam's, joined by a colon."""
    person = next(person for person in PEOPLE if person.slug == slug.partition(":")[0])
    holding = Held(personality.name, person, exam)
    series = [
        {
            "uid": holding.series_uid(number),
            "number": number,
            "modality": {"system": DCM, "code": picture.modality},
            "description": picture.description,
            "numberOfInstances": picture.slices,
            "bodySite": {"display": picture.body_part},
            "instance": [
                {
                    "uid": holding.instance_uid(number, at),
                    "sopClass": {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{SOP_CLASS[picture.modality]}"},
                    "number": at,
                }
                for at in range(1, picture.slices + 1)
            ],
        }
        for number, picture in enumerate(exam.series, 1)
    ]
    study: Resource = {
        "resourceType": "ImagingStudy",
        "id": study_id,
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{holding.study_instance_uid}"}],
        "status": "available",
        "modality": [{"system": DCM, "code": code} for code in sorted({p.modality for p in exam.series})],
        "subject": {"reference": f"Patient/{patient_id}"},
        "started": started,
        "numberOfSeries": len(series),
        "numberOfInstances": sum(picture.slices for picture in exam.series),
        "description": exam.title,
        "series": series,
    }
    if endpoint_id:
        study["endpoint"] = [{"reference": f"Endpoint/{endpoint_id}"}]
    return study
