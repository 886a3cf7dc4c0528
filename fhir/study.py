"""ImagingStudy and Endpoint: built from what the images say, read from whatever an EHR or imaging server gives.

R4 section "ImagingStudy, DICOM mapping". The subject is always the patient of the chart, never a name in a header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fhir import codes
from fhir.body_sites import body_site, side
from fhir.elements import identifier, pointer, present, tidy, when
from fhir.study_facts import SeriesFacts, StudyFacts

Resource = dict[str, Any]
MOST_INSTANCES = 2000
UID = re.compile(r"[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True)
class ChartStudy:
    """A study as the chart lists it. Counts are -1 where the chart does not say. `endpoints` are references."""

    reference: str
    study_instance_uid: str = ""
    started: str = ""
    modalities: tuple[str, ...] = ()
    description: str = ""
    series_count: int = -1
    instance_count: int = -1
    endpoints: tuple[str, ...] = ()
    accession: str = ""
    partly_readable: bool = False


def imaging_study(
    study: StudyFacts,
    *,
    subject: str,
    referral_id: str | None = None,
    accession_system: str = "",
    endpoint: Resource | None = None,
    instances: bool = True,
) -> Resource:
    """The ImagingStudy of a referral. Above 2,000 instances it lists series only.

    The first identifier is ours where there is a referral, so that a search by it finds our copy and never the
    hospital's own record of the same study. An accession number goes out only with its issuer.
    """
    total = sum(len(series.instances) for series in study.series)
    listed = instances and total <= MOST_INSTANCES
    resource = present(
        resourceType="ImagingStudy",
        contained=[{**endpoint, "id": "wado"}] if endpoint else None,
        identifier=_identifiers(study, referral_id, accession_system),
        status="available",
        modality=[_modality(code) for code in _modalities(study)],
        subject={"reference": subject},
        started=when(study.started),
        basedOn=[pointer(f"{codes.REFERRAL_ID}|{referral_id}", "ServiceRequest")] if referral_id else None,
        referrer=present(display=_spoken(study.referring)),
        interpreter=[{"display": _spoken(study.interpreter)}] if _spoken(study.interpreter) else None,
        endpoint=[{"reference": "#wado"}] if endpoint else None,
        numberOfSeries=len(study.series),
        numberOfInstances=total,
        procedureCode=[_procedure(code) for code in study.procedures],
        location=present(display=study.institution.strip()),
        reasonCode=[codes.concept(text=study.reason.strip())] if study.reason.strip() else None,
        description=study.description.strip(),
        series=[_series(series, listed=listed) for series in study.series],
    )
    return tidy(resource)


def _identifiers(study: StudyFacts, referral_id: str | None, accession_system: str) -> list[Resource]:
    uid = study.study_instance_uid
    found = []
    if referral_id:
        found.append(identifier(codes.STUDY_OF_REFERRAL, f"{referral_id}/{uid}"))
    found.append(identifier(codes.DICOM_UID, f"{codes.OID}{uid}", codes.DCM_STUDY_UID))
    issuer = study.accession_issuer.strip() or study.institution.strip()
    if study.accession.strip() and (accession_system or issuer):
        accession = present(
            type=codes.concept(codes.ACCESSION, codes.DCM_ACCESSION),
            system=accession_system,
            value=study.accession.strip(),
            assigner=None if accession_system else {"display": issuer},
        )
        found.append(accession)
    return found


def _modalities(study: StudyFacts) -> list[str]:
    """Of the study, else the union over its series; derived objects only where there is nothing else."""
    every = list(dict.fromkeys(m for m in (*study.modalities, *(s.modality for s in study.series)) if m))
    return [m for m in every if m not in codes.NOT_ACQUIRED] or every or ["OT"]


def _modality(code: str) -> Resource:
    return codes.coding(codes.DCM, code or "OT", codes.MODALITIES.get(code or "OT", ""))


def _series(series: SeriesFacts, *, listed: bool) -> Resource:
    site = body_site(series.body_part, series.region)
    return present(
        uid=series.series_instance_uid,
        number=_number(series.number),
        modality=_modality(series.modality),
        description=series.description.strip(),
        numberOfInstances=len(series.instances),
        bodySite=site,
        laterality=side(series.laterality, site),
        started=when(series.started),
        performer=[{"actor": {"display": _spoken(series.performer)}}] if _spoken(series.performer) else None,
        instance=[
            present(
                uid=uid,
                sopClass=codes.coding(codes.URI, f"{codes.OID}{sop_class}"),
                number=_number(number),
                title=_title(series.titles, at),
            )
            for at, (uid, sop_class, number) in enumerate(series.instances)
        ]
        if listed
        else None,
    )


def _number(number: int | None) -> int | None:
    """unsignedInt: a negative number from a header is dropped."""
    return number if number is not None and number >= 0 else None


CODE_SYSTEMS = {
    "SCT": codes.SNOMED,
    "LN": codes.LOINC,
    "DCM": codes.DCM,
    "RADLEX": "http://radlex.org",
    "C4": "http://www.ama-assn.org/go/cpt",
    "CPT4": "http://www.ama-assn.org/go/cpt",
    "I10": "http://hl7.org/fhir/sid/icd-10",
    "I10P": "http://www.cms.gov/Medicare/Coding/ICD10",
    "UCUM": "http://unitsofmeasure.org",
}
"""Coding scheme designators of PS3.16 table 8-1 whose systems have an address in FHIR."""


def _procedure(code: Sequence[str]) -> Resource:
    """A procedure with the code it came with; a scheme without an address (a hospital's own) leaves its words only."""
    value, scheme, meaning = (*code, "", "", "")[:3]
    system = CODE_SYSTEMS.get(scheme)
    if system and value:
        return codes.concept(codes.coding(system, value, meaning), text=meaning)
    return codes.concept(text=meaning or f"{value} ({scheme})")


def _spoken(name: str) -> str:
    """A DICOM person name (family^given^middle^prefix^suffix, PS3.5 section 6.2.1) as people say it."""
    parts = [part.strip() for part in name.partition("=")[0].split("^")]
    family, given, middle, prefix, suffix = (*parts, "", "", "", "", "")[:5]
    return " ".join(part for part in (prefix, given, middle, family, suffix) if part)


def _title(titles: Sequence[str], at: int) -> str:
    return titles[at].strip() if at < len(titles) else ""


def endpoint(address: str, *, requires_token: bool) -> Resource:
    """A WADO-RS Endpoint. `address` is the DICOMweb base without `/studies`; it holds no token and no name."""
    token = {"url": codes.REQUIRES_ACCESS_TOKEN, "valueBoolean": True}
    resource = present(
        resourceType="Endpoint",
        extension=[token] if requires_token else None,
        status="active",
        connectionType=codes.WADO_RS,
        payloadType=[codes.concept(codes.DCM_STUDY, text="DICOM WADO-RS")],
        payloadMimeType=["application/dicom"],
        address=address.rstrip("/"),
    )
    return tidy(resource)


def read_imaging_study(resource: Resource) -> ChartStudy:
    """The study behind an ImagingStudy, however its UID is spelled. Raises nothing."""
    identifiers = _dicts(resource.get("identifier"))
    uid = next((u for u in map(study_uid, identifiers) if u), "")
    series = _dicts(resource.get("series"))
    coded = (*_dicts(resource.get("modality")), *(c for s in series for c in _dicts(s.get("modality"))))
    started = when(str(resource.get("started") or ""))
    points = [e for one in (resource, *series) for e in _dicts(one.get("endpoint"))]
    return ChartStudy(
        reference=f"ImagingStudy/{resource.get('id', '')}",
        study_instance_uid=uid,
        started=started,
        modalities=tuple(dict.fromkeys(str(c["code"]) for c in coded if c.get("code"))),
        description=_description(resource),
        series_count=_count(resource.get("numberOfSeries"), series),
        instance_count=_count(
            resource.get("numberOfInstances"), [i for s in series for i in _dicts(s.get("instance"))]
        ),
        endpoints=tuple(dict.fromkeys(str(e["reference"]) for e in points if e.get("reference"))),
        accession=next((str(i.get("value", "")) for i in identifiers if _is_accession(i)), ""),
        partly_readable=not (uid and started and isinstance(resource.get("subject"), dict)),
    )


def study_uid(identifier: Resource) -> str:
    """The Study Instance UID of an identifier in any of the spellings in use; empty where it is something else.

    `urn:dicom:uid` with or without `urn:oid:`, and `urn:ietf:rfc:3986` with `urn:oid:`.
    """
    system, value = identifier.get("system"), str(identifier.get("value") or "").strip()
    bare = value.removeprefix(codes.OID)
    if system == codes.URI and bare == value:
        return ""
    if system not in (codes.DICOM_UID, codes.URI, None):
        return ""
    return bare if UID.fullmatch(bare) else ""


def _is_accession(identifier: Resource) -> bool:
    kind = identifier.get("type")
    found = {c.get("code") for c in _dicts(kind.get("coding"))} if isinstance(kind, dict) else set()
    return bool(found & {"ACSN", "121022"})


def _description(resource: Resource) -> str:
    text = resource.get("description")
    if isinstance(text, str) and text.strip():
        return text.strip()
    for concept in _dicts(resource.get("procedureCode")):
        named = concept.get("text") or next((c.get("display") for c in _dicts(concept.get("coding"))), "")
        if named:
            return str(named).strip()
    return ""


def _count(said: object, listed: list[Resource]) -> int:
    if isinstance(said, int) and not isinstance(said, bool) and said >= 0:
        return said
    return len(listed) if listed else -1


def _dicts(value: object) -> list[Resource]:
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
