"""One referral as a FHIR R4 Bundle of type collection, built from our record when it is asked for."""

from __future__ import annotations

import uuid
from typing import Any

from fhir.agreement import ConsentFacts, consent, provenance
from fhir.report import agreement_observation, diagnostic_report
from smart_app import letter, record
from smart_app.referral import Referral
from smart_app.web.plainly import started_by_themselves
from smart_app.web.sessions import ports

SPACE = uuid.UUID("6f4f2a52-7f0d-5c2b-9b39-0d6b6a1f9a10")


def bundle(referral: Referral, *, opinion: bool) -> dict[str, Any]:
    """ImagingStudy, ServiceRequest, Task and, where it is signed and may be read (`opinion`), the newest opinion.

    Beside them who agreed to share, and a Provenance that names who asked and for whom they acted.
    """
    built = list(record.resources(referral, ports().directory, referral.mirrored))
    if referral.opinion is not None and opinion:
        built += _opinion(referral, referral.opinion.version)
    built += _agreements(referral)
    entries = [{"fullUrl": _url(referral, name), "resource": resource} for name, resource in built]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _agreements(referral: Referral) -> list[tuple[str, dict[str, Any]]]:
    patient, asked = referral.patient, referral.requester
    made = [
        (
            f"Consent:{number}",
            consent(
                ConsentFacts(
                    referral.id,
                    number,
                    patient.reference,
                    patient.formal_name,
                    said.by.reference,
                    said.by.name,
                    said.at,
                    said.copy_to_doctor or not started_by_themselves(referral),
                    said.wording,
                    newest=number == len(referral.consents),
                )
            ),
        )
        for number, said in enumerate(referral.consents, 1)
    ]
    behind = provenance(
        (_url(referral, "ServiceRequest"), *(_url(referral, name) for name, _ in made)),
        recorded=referral.consents[-1].at if referral.consents else referral.opened_at,
        who=asked.reference,
        who_display=asked.name,
        on_behalf_of=patient.reference if asked.role == "proxy" else "",
    )
    return [*made, ("Provenance", behind)]


def _opinion(referral: Referral, version: int) -> list[tuple[str, dict[str, Any]]]:
    names = {
        "organisation": ports().directory.organisation(referral.organisation).name,
        "site": ports().directory.site(referral.site).name,
    }
    facts = record.opinion_facts(
        referral,
        version,
        organisation=names["organisation"],
        pdf=letter.pdf(referral, version, **names),
        text=letter.text(referral, version, **names),
    )
    grade = _url(referral, "Observation")
    return [
        ("Observation", agreement_observation(facts)),
        ("DiagnosticReport", diagnostic_report(facts, agreement=grade)),
    ]


def _url(referral: Referral, name: str) -> str:
    return f"urn:uuid:{uuid.uuid5(SPACE, f'{referral.id} {name}')}"
