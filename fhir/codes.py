"""Every code, code system, identifier system and profile this project writes, once.

Standard codes were verified against R4 4.0.1 and its terminology; where no verified code exists, the code is ours.
"""

from __future__ import annotations

from typing import Any

PROJECT = "https://second-opinion.example/fhir"

# Identifier systems
REFERRAL_ID = f"{PROJECT}/referral-id"
OPINION_ID = f"{PROJECT}/opinion-id"
OPINION_VERSION = f"{PROJECT}/opinion-version"
OPINION_AGREEMENT = f"{PROJECT}/opinion-agreement"
CONSENT_ID = f"{PROJECT}/consent-id"
STUDY_OF_REFERRAL = f"{PROJECT}/study-of-referral"
DICOM_UID = "urn:dicom:uid"
URI = "urn:ietf:rfc:3986"
OID = "urn:oid:"

# Code systems of ours
REQUEST = f"{PROJECT}/CodeSystem/request"
BUSINESS_STATUS = f"{PROJECT}/CodeSystem/business-status"
TASK_INPUT = f"{PROJECT}/CodeSystem/task-input"
TASK_OUTPUT = f"{PROJECT}/CodeSystem/task-output"
OBSERVATION = f"{PROJECT}/CodeSystem/observation"
AGREEMENT = f"{PROJECT}/CodeSystem/agreement"

# Code systems of others
DCM = "http://dicom.nema.org/resources/ontology/DCM"
SNOMED = "http://snomed.info/sct"
LOINC = "http://loinc.org"
IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
DIAGNOSTIC_SERVICE = "http://terminology.hl7.org/CodeSystem/v2-0074"
REFERRAL_REASON = "http://terminology.hl7.org/CodeSystem/v2-0336"
OBSERVATION_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
CONNECTION_TYPE = "http://terminology.hl7.org/CodeSystem/endpoint-connection-type"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DATA_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
CONSENT_ACTION = "http://terminology.hl7.org/CodeSystem/consentaction"
PROVENANCE_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
V3_ROLE = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
US_CORE_DOCUMENT_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"

# Profiles (US Core 6.1.0) and extensions
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/"
US_CORE_SERVICE_REQUEST = f"{US_CORE}us-core-servicerequest"
US_CORE_REPORT_NOTE = f"{US_CORE}us-core-diagnosticreport-note"
US_CORE_DOCUMENT_REFERENCE = f"{US_CORE}us-core-documentreference"
REQUIRES_ACCESS_TOKEN = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/requires-access-token"  # noqa: S105
DATA_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

Concept = dict[str, Any]


def coding(system: str, code: str, display: str = "") -> Concept:
    """One Coding; no empty display."""
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: Concept, text: str = "") -> Concept:
    """One CodeableConcept; no empty text."""
    return {**({"coding": list(codings)} if codings else {}), **({"text": text} if text else {})}


IMAGING = coding(SNOMED, "363679005", "Imaging")
SECOND_OPINION = coding(REQUEST, "imaging-second-opinion", "Second opinion on outside imaging")
OUTSIDE_STUDY = coding(DCM, "111418", "Review of an outside study")
REASON_SECOND_OPINION = coding(REFERRAL_REASON, "S", "Second Opinion")
FULFILL = coding(TASK_CODE, "fulfill", "Fulfill the focal request")
TREATMENT = coding(ACT_REASON, "TREAT", "treatment")

PLACER = coding(IDENTIFIER_TYPE, "PLAC", "Placer Identifier")
FILLER = coding(IDENTIFIER_TYPE, "FILL", "Filler Identifier")
ACCESSION = coding(IDENTIFIER_TYPE, "ACSN", "Accession ID")
DCM_ACCESSION = coding(DCM, "121022", "Accession Number")
DCM_STUDY_UID = coding(DCM, "110180", "Study Instance UID")
DCM_STUDY = coding(DCM, "113014", "Study")
WADO_RS = coding(CONNECTION_TYPE, "dicom-wado-rs", "DICOM WADO-RS")

IMAGING_REPORT = coding(LOINC, "18748-4", "Diagnostic imaging study")
RADIOLOGY = coding(LOINC, "LP29684-5", "Radiology")
RADIOLOGY_SERVICE = coding(DIAGNOSTIC_SERVICE, "RAD", "Radiology")
CLINICAL_NOTE = coding(US_CORE_DOCUMENT_CATEGORY, "clinical-note", "Clinical Note")
CATEGORY_IMAGING = coding(OBSERVATION_CATEGORY, "imaging", "Imaging")

CONCORDANCE = coding(OBSERVATION, "second-opinion-agreement", "Agreement with the first reading")
AFFECTS_MANAGEMENT = coding(OBSERVATION, "affects-management", "The difference would change care")
AGREES = coding(DCM, "122775", "Agreement with prior findings")
DISAGREES = coding(DCM, "122776", "Disagreement with prior findings")

BUSINESS_STATUSES: dict[str, str] = {
    "awaiting-material": "Waiting for the images",
    "received": "Received by the reading organisation",
    "more-information-needed": "The expert has a question",
    "declined": "Given back with a reason",
    "accepted": "An expert has taken the case",
    "reading": "Being read",
    "signed": "Signed, on its way to the chart",
    "outcome-final": "The signed opinion is in the chart",
    "seen": "Read by the clinician",
    "revised": "A newer version of the opinion exists",
    "identity-check": "Held: the patient's identity is being checked",
    "cancelled": "Stopped by the asker",
    "entered-in-error": "Filed by mistake",
}
"""Task.businessStatus of this project: code and display."""

MODALITIES: dict[str, str] = {
    "BI": "Biomagnetic imaging",
    "CR": "Computed Radiography",
    "CT": "Computed Tomography",
    "DX": "Digital Radiography",
    "ES": "Endoscopy",
    "IO": "Intra-oral Radiography",
    "IVUS": "Intravascular Ultrasound",
    "MG": "Mammography",
    "MR": "Magnetic Resonance",
    "NM": "Nuclear Medicine",
    "OP": "Ophthalmic photography",
    "OPT": "Ophthalmic Tomography",
    "OT": "Other Modality",
    "PT": "Positron emission tomography",
    "PX": "Panoramic X-Ray",
    "RF": "Radiofluoroscopy",
    "RG": "Radiographic imaging",
    "SM": "Slide Microscopy",
    "US": "Ultrasound",
    "XA": "X-Ray Angiography",
    "XC": "External-camera Photography",
}
"""DICOM CID 29, as far as outside studies commonly bring it; others go out without a display."""

NOT_ACQUIRED = frozenset({"KO", "PR", "SR", "SEG", "REG", "DOC", "RWV", "FID", "AU"})
"""Modalities of derived objects: kept per series, left out of the study's own list."""

LATERALITY: dict[str, Concept] = {
    "L": coding(SNOMED, "419161000", "Unilateral left"),
    "R": coding(SNOMED, "419465000", "Unilateral right"),
    "B": coding(SNOMED, "51440002", "Bilateral"),
}
