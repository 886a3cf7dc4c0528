"""Consent and Provenance of one referral: who agreed to share, for whom they acted, and who asked the question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir import codes
from fhir.codes import coding, concept
from fhir.elements import identifier, person, stamp, tidy

Resource = dict[str, Any]

WHO = ("Patient", "RelatedPerson", "Practitioner", "PractitionerRole")


@dataclass(frozen=True)
class ConsentFacts:
    """One agreement. `by_reference` is the patient's or, where somebody acts for them, that person's ("Type/id").

    `doctors_may_read`: may the doctors of the chart read the answer? `wording` is the edition of the words agreed to.
    """

    referral_id: str
    number: int
    patient: str
    patient_display: str
    by_reference: str
    by_display: str
    at: datetime
    doctors_may_read: bool
    wording: str
    newest: bool = True


def consent(facts: ConsentFacts) -> Resource:
    """A privacy consent to disclose for treatment, as R4 `Consent`; an older one is inactive."""
    provision: Resource = {
        "type": "permit",
        "action": [concept(coding(codes.CONSENT_ACTION, "disclose", "Disclose"))],
        "purpose": [coding(codes.ACT_REASON, "TREAT", "treatment")],
    }
    if not facts.doctors_may_read:
        recipient = concept(coding(codes.PARTICIPATION, "IRCP", "information recipient"))
        provision["provision"] = [
            {
                "type": "deny",
                "actor": [{"role": recipient, "reference": {"display": "The doctors of the patient's chart"}}],
                "action": [concept(coding(codes.CONSENT_ACTION, "access", "Access"))],
            }
        ]
    return tidy(
        {
            "resourceType": "Consent",
            "identifier": [identifier(codes.CONSENT_ID, f"{facts.referral_id}:{facts.number}")],
            "status": "active" if facts.newest else "inactive",
            "scope": concept(coding(codes.CONSENT_SCOPE, "patient-privacy", "Privacy Consent")),
            "category": [concept(coding(codes.LOINC, "59284-0", "Consent Document"))],
            "patient": person(facts.patient, facts.patient_display, "Patient"),
            "dateTime": stamp(facts.at),
            "performer": [person(facts.by_reference, facts.by_display, *WHO)],
            "policyRule": concept(coding(codes.ACT_CODE, "OPTIN", "opt-in"), text=f"Wording {facts.wording}"),
            "provision": provision,
        }
    )


def provenance(
    targets: tuple[str, ...], *, recorded: datetime, who: str, who_display: str, on_behalf_of: str = ""
) -> Resource:
    """Who made these resources (references): the person who asked, and for whom they acted where they did."""
    author: Resource = {
        "type": concept(coding(codes.PROVENANCE_AGENT, "author", "Author")),
        "who": person(who, who_display, *WHO),
    }
    if on_behalf_of:
        author["onBehalfOf"] = {"reference": on_behalf_of}
    assembler = {
        "type": concept(coding(codes.PROVENANCE_AGENT, "assembler", "Assembler")),
        "who": {"display": "Second Opinion"},
    }
    return {
        "resourceType": "Provenance",
        "target": [{"reference": target} for target in targets],
        "recorded": stamp(recorded),
        "activity": concept(coding(codes.DATA_OPERATION, "CREATE", "create")),
        "agent": [author, assembler],
    }
