"""Which scopes each kind of EHR offers, what its registration of our app allows, and what it grants of what is asked.

Rule: Epic grants what was ticked on the app, whatever was asked, in version 1 spelling; Oracle grants fixed strings and
no wildcard; the open server grants what fits inside the registration.
"""

from __future__ import annotations

from smart_app.sandbox.access import covers, in_version_1, scope_parts
from smart_app.sandbox.personality import Personality

PLAIN_SCOPES = ("openid", "fhirUser", "profile", "launch", "launch/patient", "launch/encounter")
REFRESH_SCOPES = ("offline_access", "online_access")
_CLINICIAN_READS = (
    *("Patient", "Practitioner", "Encounter", "ServiceRequest", "DiagnosticReport", "DocumentReference"),
    "ImagingStudy",
)
_PATIENT_READS = ("Patient", "RelatedPerson", "DiagnosticReport", "DocumentReference", "ImagingStudy")
_SYSTEM_READS = (
    *("Patient", "RelatedPerson", "Practitioner", "Encounter", "ServiceRequest", "DiagnosticReport"),
    "ImagingStudy",
)
_OPEN_WRITES = (
    *("DocumentReference", "DiagnosticReport", "Observation", "ServiceRequest", "Task", "ImagingStudy"),
    *("Communication", "Endpoint", "Binary"),
)
ORACLE_LETTERS = {
    "Binary": "r",
    "Communication": "crus",
    "Condition": "crus",
    "DiagnosticReport": "crs",
    "DocumentReference": "crus",
    "Encounter": "crus",
    "Media": "r",
    "Observation": "crus",
    "Organization": "rs",
    "Patient": "crus",
    "Practitioner": "rs",
    "Provenance": "crs",
    "RelatedPerson": "crus",
    "ServiceRequest": "rs",
}


def registered(personality: Personality, audience: str) -> tuple[str, ...]:
    """What the registration allows, and what the app should ask, in the spelling of this kind of EHR."""
    head: tuple[str, ...]
    reads: tuple[str, ...]
    if audience == "clinician":
        head = ("openid", "fhirUser", "launch")
        reads, level = _CLINICIAN_READS, "user"
    elif audience == "patient":
        head = ("openid", "fhirUser", "launch", "launch/patient")
        reads, level = _PATIENT_READS, "patient"
    else:
        head, reads, level = (), _SYSTEM_READS, "system"
    if head:
        head += ("online_access",) if personality.name == "oracle" else ("offline_access",)
    spelled: list[str] = []
    for name in reads:
        if name in personality.declared and not (
            personality.name == "oracle" and (level, name) == ("patient", "RelatedPerson")
        ):
            spelled += _read(personality, level, name)
    if personality.name != "open" or audience != "system":
        spelled += [f"{level}/Binary.r" if personality.name != "epic" else f"{level}/Binary.read"]
    if personality.name == "open" and audience != "system":
        spelled.append(f"{level}/Endpoint.rs")
    if audience == "system":
        spelled += _system_writes(personality)
    return (*head, *dict.fromkeys(spelled))


def _read(personality: Personality, level: str, name: str) -> list[str]:
    return [f"{level}/{name}.rs"] if personality.name == "open" else [f"{level}/{name}.read"]


def _system_writes(personality: Personality) -> list[str]:
    if personality.name == "open":
        return [f"system/{name}.cruds" for name in _OPEN_WRITES]
    if personality.name == "oracle":
        return ["system/DocumentReference.crus"]
    return ["system/DocumentReference.read", "system/DocumentReference.write"]


def offered(personality: Personality, *, patient_face: bool) -> tuple[str, ...]:
    """`scopes_supported` of the discovery document."""
    if personality.name == "epic":
        return ("epic.scanning.dmsusername", "fhirUser", "launch", "openid", "profile")
    if personality.name == "open":
        return (*PLAIN_SCOPES, *REFRESH_SCOPES, "patient/*.cruds", "user/*.cruds", "system/*.cruds")
    levels = ("patient", "user") if patient_face else ("patient", "system", "user")
    listed = ["fhirUser", "launch", "offline_access", "online_access", "openid", "profile"]
    if patient_face:
        listed.append("launch/patient")
    for level in levels:
        for name, letters in ORACLE_LETTERS.items():
            kept = "".join(letter for letter in letters if letter in "rs") if patient_face else letters
            listed += [f"{level}/{name}.read", f"{level}/{name}.{kept}"]
            if set(kept) & set("cu"):
                listed.append(f"{level}/{name}.write")
    return tuple(sorted(set(listed)))


def granted(
    personality: Personality, audience: str, asked: tuple[str, ...], *, patient_face: bool = False
) -> tuple[str, ...]:
    """What this kind of EHR grants of what was asked."""
    allowed = registered(personality, audience)
    picks = audience == "clinician" and personality.name != "oracle"  # its staff choose a patient at the sign-in
    known = (*PLAIN_SCOPES, *REFRESH_SCOPES)
    plain = tuple(s for s in asked if s in known and (s != "launch/patient" or s in allowed or picks))
    if personality.name == "epic":
        ticked = [one for scope in allowed if scope_parts(scope) for one in in_version_1(scope)]
        return (*ticked, *(s for s in plain if s not in REFRESH_SCOPES))
    levels = {"clinician": ("user", "patient"), "patient": ("patient", "user"), "system": ("system",)}[audience]
    resources = tuple(s for s in asked if (scope_parts(s) or ("",))[0] in levels)
    if personality.name == "oracle":
        fixed = offered(personality, patient_face=patient_face)
        return (*(s for s in resources if s in fixed), *(s for s in plain if s in fixed))
    wide = allowed if audience != "clinician" else (*allowed, "patient/*.rs", "user/*.rs")
    if audience == "patient":
        wide = (*allowed, "patient/*.rs")
    return (*(s for s in resources if covers(wide, s)), *plain)
