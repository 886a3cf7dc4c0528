"""Three kinds of EHR as data: what each declares, what it really takes, and how it answers.

Rule: a difference between kinds of EHR that data can express stands here and nowhere else. `declared` is what the
CapabilityStatement says; `refused` is the part of it that this app's registration is not given all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

TENANT = "b7f0c1de-0000-4000-8000-5ec0ad0913d5"
"""The one tenant of the oracle personality."""

READ = frozenset({"read", "search-type"})
WRITE = READ | {"create", "update"}
ALL = WRITE | {"delete"}

PLAIN = "text/plain"
LOINC = "http://loinc.org"


@dataclass(frozen=True)
class Personality:
    """One kind of EHR."""

    name: str
    hospital: str
    product: str  # a made-up product name, for the screens
    like: str  # whose manner it has, as the statement tells
    fhir_path: str
    declared: dict[str, frozenset[str]]
    refused: frozenset[tuple[str, str]] = frozenset()
    system: frozenset[str] = frozenset()
    conditional_create: bool = False
    etag: bool = True
    absolute_location: bool = True
    if_match: str = "honoured"  # "ignored", "required", "honoured"
    stale: int = 409
    forbidden: str = "outcome"  # "empty", "plain", "outcome": the body of a 403
    ids: str = "uuid"  # "epic", "number", "uuid"
    needs_patient: frozenset[str] = frozenset()  # types that are not searched without a patient
    unknown_parameter: str = "refuse"  # "warn", "ignore", "refuse"
    search_only: dict[str, frozenset[str]] = field(default_factory=dict)  # parameters a type knows; absent = all
    repeats_across_pages: bool = False
    page: int = 50
    version_1_scopes: bool = False
    string_booleans: bool = False
    token_seconds: int = 3600
    rotates_refresh: bool = False
    assertion_algs: tuple[str, ...] = ("RS384", "ES384")


EPIC = Personality(
    name="epic",
    hospital="Alder Test Hospital",
    product="Lodestone Chart",
    like="Epic",
    fhir_path="/epic/api/FHIR/R4",
    declared={
        "Binary": READ,
        "Communication": READ | {"create"},
        "Condition": READ | {"create"},
        "DiagnosticReport": READ | {"update"},
        "DocumentReference": WRITE,
        "Encounter": READ,
        "Endpoint": READ,
        "ImagingStudy": READ,
        "Media": READ,
        "Observation": READ | {"create"},
        "Organization": READ,
        "Patient": READ | {"create"},
        "Practitioner": READ,
        "PractitionerRole": READ,
        "Provenance": frozenset({"read"}),
        "QuestionnaireResponse": READ | {"create"},
        "RelatedPerson": READ,
        "ServiceRequest": WRITE,
        "Task": READ | {"update"},
    },
    refused=frozenset(
        {
            ("Communication", "create"),
            ("Condition", "create"),
            ("DiagnosticReport", "update"),
            ("DocumentReference", "update"),
            ("Observation", "create"),
            ("Patient", "create"),
            ("QuestionnaireResponse", "create"),
            ("ServiceRequest", "create"),
            ("ServiceRequest", "update"),
            ("Task", "update"),
        }
    ),
    etag=False,
    absolute_location=False,
    if_match="ignored",
    forbidden="empty",
    ids="epic",
    needs_patient=frozenset(
        {"Condition", "DiagnosticReport", "DocumentReference", "Encounter", "ImagingStudy", "Observation"}
        | {"RelatedPerson", "ServiceRequest", "Task", "Communication"}
    ),
    unknown_parameter="warn",
    version_1_scopes=True,
    string_booleans=True,
    assertion_algs=("RS256", "RS384", "RS512", "ES256", "ES384"),
)

ORACLE = Personality(
    name="oracle",
    hospital="Birchwater Practice Clinic",
    product="Meridian Workbench",
    like="Oracle Health Millennium",
    fhir_path=f"/oracle/r4/{TENANT}",
    declared={
        "Binary": frozenset({"read"}),
        "Communication": READ | {"create"},
        "Condition": READ,
        "DiagnosticReport": READ | {"create"},
        "DocumentReference": WRITE,
        "Encounter": READ,
        "Media": frozenset({"read"}),
        "Observation": READ | {"create"},
        "Organization": READ,
        "Patient": READ,
        "Practitioner": READ,
        "Provenance": READ | {"create"},
        "RelatedPerson": READ,
        "ServiceRequest": READ,
    },
    system=frozenset({"batch"}),
    if_match="required",
    forbidden="plain",
    ids="number",
    needs_patient=frozenset({"Condition", "DiagnosticReport", "DocumentReference", "Encounter", "ServiceRequest"}),
    unknown_parameter="ignore",
    search_only={
        "DocumentReference": frozenset({"patient", "subject", "encounter", "period", "type", "category", "date"}),
        "DiagnosticReport": frozenset({"category", "code", "encounter", "patient", "subject", "date"}),
        "ServiceRequest": frozenset({"patient", "subject", "code"}),
        "Encounter": frozenset({"patient", "subject", "status", "date", "identifier"}),
        "Patient": frozenset({"identifier", "name", "given", "family", "birthdate", "gender"}),
    },
    repeats_across_pages=True,
    token_seconds=570,
)

_EVERY_TYPE = (
    *("Binary", "Communication", "Condition", "Consent", "Device", "DiagnosticReport", "DocumentReference"),
    *("Encounter", "Endpoint", "ImagingStudy", "Media", "Observation", "Organization", "Patient"),
    *("Practitioner", "PractitionerRole", "Procedure", "Provenance", "RelatedPerson", "ServiceRequest", "Task"),
)

OPEN = Personality(
    name="open",
    hospital="Cedar Open Infirmary",
    product="Commons Record",
    like="an open server",
    fhir_path="/open/fhir",
    declared=dict.fromkeys(_EVERY_TYPE, ALL),
    system=frozenset({"transaction", "batch"}),
    conditional_create=True,
    stale=412,
    rotates_refresh=True,
)

PERSONALITIES = {p.name: p for p in (EPIC, ORACLE, OPEN)}
