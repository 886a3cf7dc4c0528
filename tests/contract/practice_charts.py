"""The same practice chart twice: in memory, and over HTTP behind the chart the product uses."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import requests

from fhir.chart import Chart, FhirChart
from smart_app.sandbox import Practice
from smart_app.sandbox.access import EVERYTHING, Access
from smart_app.sandbox.people import seed_id
from smart_app.sandbox.personality import PERSONALITIES
from smart_app.sandbox.records import Records

LOINC = "http://loinc.org"
CONSULT = {"coding": [{"system": LOINC, "code": "11488-4", "display": "Consult note"}]}
IMAGING = {"coding": [{"system": LOINC, "code": "18748-4", "display": "Diagnostic imaging study"}]}
PDF = b"%PDF-1.4 practice"


@dataclass
class Bench:
    """One practice hospital and a way to look at its chart with any token."""

    ehr: str
    records: Records
    practice: Practice | None = None

    def chart(self, access: Access = EVERYTHING) -> Chart:
        """The chart as a token with these rights sees it."""
        if self.practice is None:
            return self.records.seen_by(access)
        house = self.practice.houses[self.ehr]
        face = house.face("patient" if access.persona == "patient" else "clinician")
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {house.grants.give_token(face.key, access, 300).value}"
        return FhirChart(face.fhir_base, session, timeout=10)

    def id(self, slug: str) -> str:
        """The id of one of the cast, or of something of theirs."""
        return seed_id(self.records.personality, slug)

    def patient(self, slug: str = "holloway") -> str:
        """`Patient/id` of one of the cast."""
        return f"Patient/{self.id(slug)}"

    def visit(self, slug: str = "holloway", number: int = 0) -> str:
        """`Encounter/id` of a visit."""
        return f"Encounter/{self.id(f'{slug}:visit:{number}')}"

    def doctor(self) -> str:
        """`Practitioner/id` of somebody who can sign in."""
        return f"Practitioner/{self.id('marlowe')}"

    def provider(self, *scopes: str) -> Access:
        """A signed-in clinician."""
        return Access("provider", scopes or ("user/*.cruds",), self.id("holloway"), self.doctor(), "clinician")

    def as_patient(self, slug: str = "holloway") -> Access:
        """A signed-in patient."""
        return Access("patient", ("patient/*.rs",), self.id(slug), self.patient(slug), "patient")


def benches(practice: Practice) -> Iterator[Bench]:
    """Each personality in memory and over HTTP."""
    for name, personality in PERSONALITIES.items():
        yield Bench(name, Records(personality))
        yield Bench(name, practice.houses[name].records, practice)


def encoded(raw: bytes) -> str:
    """Base64 for an attachment."""
    return base64.b64encode(raw).decode()


def epic_note(bench: Bench, **changed: Any) -> dict[str, Any]:
    """A note as Epic takes it, with every extra of ours that it drops."""
    note: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": "https://second-opinion.example/fhir/opinion", "value": str(uuid.uuid4())}],
        "status": "current",
        "docStatus": "preliminary",
        "type": CONSULT,
        "subject": {"reference": bench.patient()},
        "description": "Second opinion",
        "content": [{"attachment": {"contentType": "text/plain", "data": encoded(b"SECOND OPINION"), "title": "T"}}],
        "context": {"encounter": [{"reference": bench.visit()}]},
    }
    return {key: value for key, value in {**note, **changed}.items() if value is not None}


def oracle_document(bench: Bench, **changed: Any) -> dict[str, Any]:
    """A document as Millennium takes it from the system persona."""
    document: dict[str, Any] = {
        "resourceType": "DocumentReference",
        "identifier": [{"system": "https://second-opinion.example/fhir/opinion", "value": str(uuid.uuid4())}],
        "status": "current",
        "docStatus": "final",
        "type": IMAGING,
        "subject": {"reference": bench.patient()},
        "description": "Second opinion",
        "content": [
            {
                "attachment": {
                    "contentType": "application/pdf",
                    "data": encoded(PDF),
                    "title": "Second opinion r-1/1",
                    "creation": "2026-03-02T09:00:00Z",
                }
            }
        ],
        "context": {
            "encounter": [{"reference": bench.visit()}],
            "period": {"start": "2026-03-02T08:00:00Z", "end": "2026-03-02T09:00:00Z"},
        },
    }
    return {key: value for key, value in {**document, **changed}.items() if value is not None}


def attachment(**changed: Any) -> list[dict[str, Any]]:
    """One content with one attachment."""
    plain = {"contentType": "application/pdf", "data": encoded(PDF), "title": "T", "creation": "2026-03-02T09:00:00Z"}
    return [{"attachment": {**plain, **changed}}]
