"""The charts of the practice hospitals, made from the cast. Rule: the same start day gives the same chart, id by id."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from smart_app.sandbox import pictures
from smart_app.sandbox.cast import DOCTORS, PEOPLE, Exam, Person
from smart_app.sandbox.documents import CODE_SET
from smart_app.sandbox.personality import LOINC, Personality
from smart_app.sandbox.shelf import stamp

Resource = dict[str, Any]
V2 = "http://terminology.hl7.org/CodeSystem/v2-0203"
ABSENT = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}],
    "text": "Unknown",
}
_REPRESENTATION = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def seed_id(personality: Personality, slug: str) -> str:
    """An id in this hospital's own style, always the same for the same thing."""
    digest = hashlib.sha256(f"{personality.name}:{slug}".encode()).digest()
    if personality.ids == "epic":
        return "e" + base64.urlsafe_b64encode(digest).decode().replace("_", ".")[:22] + "3"
    if personality.ids == "number":
        return str(12_000_000 + int.from_bytes(digest[:4], "big") % 900_000)
    return digest[:8].hex()


def mrn_of(person: Person) -> str:
    """The hospital number of one of the cast."""
    return str(4_000_000 + int(hashlib.sha256(person.slug.encode()).hexdigest()[:6], 16) % 900_000)


def chart(personality: Personality, opened: datetime, base: str) -> Iterator[Resource]:
    """Every resource this hospital starts with, seen from the day the practice was first opened."""
    start = opened.replace(hour=9, minute=0, second=0, microsecond=0)
    chart_of = _Chart(personality, start, base)
    yield from chart_of.house()
    for person in PEOPLE:
        yield from chart_of.person(person)


def patient_resource(
    personality: Personality,
    patient_id: str,
    *,
    family: str,
    given: tuple[str, ...],
    birth_date: str,
    sex: str,
    mrn: str,
) -> Resource:
    """A Patient as this kind of EHR writes one."""
    system = f"urn:oid:2.25.3001.{len(personality.name)}.1"
    kind = {"coding": [{"system": V2, "code": "MR"}], "text": "MRN"}
    identifiers: list[Resource] = [{"use": "usual", "type": kind, "system": system, "value": mrn}]
    if personality.name == "epic":
        identifiers.append({"use": "usual", "type": {"text": "FHIR"}, "system": f"{system}.9", "value": patient_id})
    name: Resource = {"use": "official", "text": " ".join((*given, family)), "family": family}
    if given:
        name["given"] = list(given)
    patient: Resource = {
        "resourceType": "Patient",
        "id": patient_id,
        "identifier": identifiers,
        "active": True,
        "name": [name],
    }
    if sex:
        patient["gender"] = sex
    if birth_date:
        patient["birthDate"] = birth_date
    return patient


class _Chart:
    """Builds the resources of one hospital."""

    def __init__(self, personality: Personality, start: datetime, base: str) -> None:
        self.p = personality
        self.start = start
        self.base = base

    def id(self, slug: str) -> str:
        return seed_id(self.p, slug)

    def at(self, days_ago: int, hours: int = 0) -> str:
        return stamp(self.start - timedelta(days=days_ago) + timedelta(hours=hours))

    def house(self) -> Iterator[Resource]:
        """The hospital, its doctors and the place its pictures can be fetched from."""
        yield {"resourceType": "Organization", "id": self.id("house"), "active": True, "name": self.p.hospital}
        for slug, family, given, _ in DOCTORS:
            yield {
                "resourceType": "Practitioner",
                "id": self.id(slug),
                "active": True,
                "name": [{"use": "usual", "text": f"{given} {family}, MD", "family": family, "given": [given]}],
            }
        if self.p.name == "epic":
            yield {
                "resourceType": "Practitioner",
                "id": "background",
                "active": True,
                "name": [{"use": "usual", "text": "Interface, Background User"}],
            }
        if self.p.name == "open":
            yield pictures.endpoint(self.id("pictures"), self.base)

    def person(self, person: Person) -> Iterator[Resource]:
        """One patient with everything in the chart."""
        patient_id = self.id(person.slug)
        mrn = mrn_of(person)
        patient = patient_resource(
            self.p,
            patient_id,
            family=person.family,
            given=person.given,
            birth_date=person.birth_date,
            sex=person.sex,
            mrn=mrn,
        )
        patient["name"] += [
            _written(representation, family, given) for representation, family, given in person.other_names
        ]
        patient["telecom"] = [
            {"system": "phone", "value": "555-0100", "use": "home"},
            {"system": "email", "value": f"{person.slug}@post.example"},
        ]
        patient["address"] = [{"use": "home", "line": ["1 Practice Lane"], "city": person.city, "postalCode": "00000"}]
        patient["communication"] = [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": person.language}]}, "preferred": True}
        ]
        patient["generalPractitioner"] = [self.doctor("ramancole")]
        yield patient
        yield from self._visits(person, patient_id)
        yield self._problem(person, patient_id)
        if person.proxy:
            yield self._proxy(person, patient_id)
        if person.order:
            yield self._order(person, patient_id)
        for exam in person.exams:
            yield from self._exam(person, patient_id, exam)

    def doctor(self, slug: str) -> Resource:
        family, given = next((f, g) for s, f, g, _ in DOCTORS if s == slug)
        return {"reference": f"Practitioner/{self.id(slug)}", "display": f"{given} {family}, MD"}

    def _visits(self, person: Person, patient_id: str) -> Iterator[Resource]:
        for number, (kind, began, ended, why) in enumerate(person.visits):
            period = {"start": self.at(began)}
            if ended is not None:
                period["end"] = self.at(ended, 1)
            status = "planned" if began < 0 else "in-progress" if ended is None else "finished"
            yield {
                "resourceType": "Encounter",
                "id": self.id(f"{person.slug}:visit:{number}"),
                "status": status,
                "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": kind},
                "type": [{"text": why}],
                "subject": {"reference": f"Patient/{patient_id}"},
                "participant": [{"individual": self.doctor("marlowe")}],
                "period": period,
            }

    def _problem(self, person: Person, patient_id: str) -> Resource:
        return {
            "resourceType": "Condition",
            "id": self.id(f"{person.slug}:problem"),
            "clinicalStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]
            },
            "category": [
                {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/condition-category",
                            "code": "problem-list-item",
                        }
                    ]
                }
            ],
            "code": {"text": person.problem},
            "subject": {"reference": f"Patient/{patient_id}"},
        }

    def _proxy(self, person: Person, patient_id: str) -> Resource:
        family, given, relationship = person.proxy or ("", "", "")
        system = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
        return {
            "resourceType": "RelatedPerson",
            "id": self.id(f"{person.slug}:proxy"),
            "active": True,
            "patient": {"reference": f"Patient/{patient_id}"},
            "relationship": [{"coding": [{"system": system, "code": relationship, "display": "mother"}]}],
            "name": [{"use": "usual", "text": f"{given} {family}", "family": family, "given": [given]}],
            "telecom": [{"system": "email", "value": f"{person.slug}-proxy@post.example"}],
        }

    def _order(self, person: Person, patient_id: str) -> Resource:
        order: Resource = {
            "resourceType": "ServiceRequest",
            "id": self.id(f"{person.slug}:order"),
            "status": "active",
            "intent": "order",
            "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005", "display": "Imaging"}]}],
            "code": {"text": "Outside imaging opinion"},
            "subject": {"reference": f"Patient/{patient_id}"},
            "authoredOn": self.at(1),
            "requester": self.doctor("marlowe"),
            "priority": "routine",
            "note": [{"text": person.order}],
        }
        if person.visits:
            order["encounter"] = {"reference": f"Encounter/{self.id(f'{person.slug}:visit:0')}"}
        return order

    def _exam(self, person: Person, patient_id: str, exam: Exam) -> Iterator[Resource]:
        slug = f"{person.slug}:{exam.slug}"
        done = self.at(exam.days_ago, 2)
        study_id = ""
        if exam.slices and "ImagingStudy" in self.p.declared:
            study_id = self.id(f"{slug}:study")
            endpoint = self.id("pictures") if self.p.name == "open" else ""
            holding = pictures.Held(self.p.name, person, exam)
            yield pictures.imaging_study(holding, study_id, patient_id, done, endpoint)
        text = f"{exam.title.upper()}\n\nFINDINGS\n{exam.finding}\n\nCONCLUSION\n{exam.conclusion}"
        report: Resource = {
            "resourceType": "DiagnosticReport",
            "id": self.id(f"{slug}:report"),
            "identifier": [
                {"system": f"https://practice.example/{self.p.name}/report", "value": self.id(f"{slug}:no")}
            ],
            "status": "final",
            "category": [ABSENT if self.p.name == "oracle" else _radiology()],
            "code": {"coding": [self._code(exam)], "text": exam.title},
            "subject": {"reference": f"Patient/{patient_id}"},
            "effectiveDateTime": done,
            "issued": self.at(exam.days_ago, 5),
            "performer": [{"reference": f"Organization/{self.id('house')}", "display": self.p.hospital}],
            "conclusion": exam.conclusion,
        }
        if study_id:
            report["imagingStudy"] = [{"reference": f"ImagingStudy/{study_id}"}]
        binary_id = self.id(f"{slug}:binary")
        data = base64.b64encode(text.encode()).decode()
        form: Resource = {"contentType": "text/plain", "title": exam.title, "creation": self.at(exam.days_ago, 5)}
        if self.p.name == "open":
            form["data"] = data
        else:
            url = f"Binary/{binary_id}"
            form["url"] = url if self.p.name == "epic" else f"{self.base}/{url}"
            yield {
                "resourceType": "Binary",
                "id": binary_id,
                "contentType": "text/plain",
                "securityContext": {"reference": f"DiagnosticReport/{report['id']}"},
                "data": data,
            }
        report["presentedForm"] = [form]
        yield report

    def _code(self, exam: Exam) -> Resource:
        if self.p.name == "oracle":
            number = str(int(hashlib.sha256(exam.title.encode()).hexdigest()[:6], 16))
            return {"system": CODE_SET, "code": number, "display": exam.title, "userSelected": True}
        return {"system": LOINC, "code": "18748-4", "display": "Diagnostic imaging study"}


def _radiology() -> Resource:
    return {
        "coding": [
            {"system": LOINC, "code": "LP29684-5", "display": "Radiology"},
            {"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "RAD", "display": "Radiology"},
        ],
        "text": "Radiology",
    }


def _written(representation: str, family: str, given: str) -> Resource:
    """The same name in another script (ISO 21090: IDE ideographic, SYL syllabic)."""
    return {
        "extension": [{"url": _REPRESENTATION, "valueCode": representation}],
        "use": "usual",
        "text": f"{family} {given}",
        "family": family,
        "given": [given],
    }
